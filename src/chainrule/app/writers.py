"""What a subcommand has found, written for people, as text, JSON, CSV or LaTeX."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from chainrule.draw.drawing import Drawing
from chainrule.show.numbers import plain
from chainrule.show.table import Table
from chainrule.show.terminal import rich_table

JSON_VERSION: Final = 1
UNFOLDED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a subcommand has found.

    Attributes:
        command: The subcommand, which JSON names.
        formula: The graph as a formula.
        tables: The tables, in order.
        lines: Closing lines for people, each with a style.
        data: What JSON holds besides the formula and the tables.
        latex: LaTeX to write in place of the tables, where there is something better.
        draw: Makes a drawing to end with, in text and on a terminal, if it fits there.
        listing: Lines of code to end with, as they stand; JSON has them among its data.
    """

    command: str
    formula: str
    tables: Sequence[Table]
    lines: Sequence[tuple[str, str]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    latex: str = ""
    draw: Callable[[], Drawing] | None = None
    listing: str = ""


def write(answer: Answer, form: str) -> None:
    """Write an answer to standard output in one of the formats of the command line."""
    _WRITERS[form](answer)


def _people(answer: Answer) -> None:
    # Away from a terminal nothing says how wide a line may be: no cell is folded.
    terminal = sys.stdout.isatty()
    width = None if terminal else UNFOLDED
    console = Console(highlight=False, width=width, soft_wrap=not terminal)
    console.print(Text(answer.formula, style="bold"))
    for table in answer.tables:
        console.print()
        console.print(rich_table(table))
    if answer.lines:
        console.print()
    for line, style in answer.lines:
        console.print(Text(line, style=style))
    if answer.listing:
        console.print()
        console.print(Text(answer.listing), soft_wrap=True)
    drawing = answer.draw().coloured(console.width) if terminal and answer.draw else None
    if drawing is not None:
        console.print()
        console.print(drawing)


def _text(answer: Answer) -> None:
    blocks = [answer.formula, *(table.text() for table in answer.tables)]
    if answer.lines:
        blocks.append("\n".join(line for line, _ in answer.lines))
    if answer.listing:
        blocks.append(answer.listing)
    drawing = answer.draw().coloured() if answer.draw else None
    if drawing is not None:
        blocks.append("\n".join(line.rstrip() for line in drawing.plain.splitlines()))
    click.echo("\n\n".join(blocks))


def _json(answer: Answer) -> None:
    data = {
        "format": f"chainrule {answer.command}",
        "version": JSON_VERSION,
        "formula": answer.formula,
        **_plain(answer.data),
        "tables": [table.data() for table in answer.tables],
    }
    click.echo(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2))


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items()}
    return plain(data)


def _csv(answer: Answer) -> None:
    click.echo("\r\n".join(table.csv() for table in answer.tables), nl=False)


def _latex(answer: Answer) -> None:
    latex = answer.latex or "\n".join(table.latex() for table in answer.tables)
    if answer.listing:
        latex += f"\\begin{{verbatim}}\n{answer.listing}\n\\end{{verbatim}}\n"
    click.echo(latex, nl=False)


_WRITERS: Final[dict[str, Callable[[Answer], None]]] = {
    "rich": _people,
    "text": _text,
    "json": _json,
    "csv": _csv,
    "latex": _latex,
}
