"""Tables on a terminal, through rich."""

from __future__ import annotations

from typing import Final

from rich.table import Table as RichTable
from rich.text import Text

from chainrule.show.table import Table

_FOLDED: Final = ("operation", "computation", "contributions")
"""The columns that may take several lines; numbers and names stay whole."""


def rich_table(table: Table) -> RichTable:
    """The table for a rich console: no frame, long cells folded, colours by column."""
    result = RichTable(
        title=table.title,
        title_justify="left",
        title_style="bold",
        caption=table.note or None,
        caption_justify="left",
        header_style="dim",
        box=None,
        pad_edge=False,
    )
    for column in table.columns:
        result.add_column(
            column.heading,
            justify="right" if column.numeric else "left",
            style=column.style,
            overflow="fold",
            no_wrap=column.key not in _FOLDED,
        )
    for row in table.rows:
        result.add_row(*(Text(cell.text) for cell in row))
    return result
