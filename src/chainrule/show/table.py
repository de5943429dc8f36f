"""A table is rows of cells; it is written for a terminal, as JSON, CSV, LaTeX or plain text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from chainrule.errors import GraphError

Format = Literal["text", "json", "csv", "latex"]
VERSION: Final = 1
"""Of the JSON that tables write."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``key`` names it in JSON and CSV, ``heading`` in front of people."""

    key: str
    heading: str
    numeric: bool = False
    style: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, the same in LaTeX, and the datum behind it (what JSON and CSV hold)."""

    text: str
    latex: str
    datum: Any


@dataclass(frozen=True, slots=True)
class Table:
    """A table of one pass through a graph.

    ``print`` writes it as plain text, `chainrule.show.terminal.rich_table` makes it a rich table.

    Attributes:
        kind: ``"forward"``, ``"backward"`` or ``"forward-mode"``.
        title: What the table shows.
        columns: The columns, left to right.
        rows: One tuple of cells for each step.
        note: How to read the computation column, or an empty string.
        more: What else the data has of each row, not shown: such as where its node was made.
    """

    kind: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    more: tuple[Mapping[str, Any], ...] = ()

    def data(self) -> dict[str, Any]:
        """The table as JSON-ready data, numbers in full."""
        keys = [column.key for column in self.columns]
        more = self.more or ({},) * len(self.rows)
        return {
            "kind": self.kind,
            "title": self.title,
            "rows": [
                {**{key: cell.datum for key, cell in zip(keys, row, strict=True)}, **rest}
                for row, rest in zip(self.rows, more, strict=True)
            ],
        }

    def json(self) -> str:
        """The table as JSON text, with ``format`` and ``version`` fields."""
        return json.dumps(
            {"format": "chainrule table", "version": VERSION, **self.data()},
            ensure_ascii=False,
            allow_nan=False,
            indent=2,
        )

    def csv(self) -> str:
        """The table as comma-separated values with a header line (RFC 4180), numbers in full."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([column.key for column in self.columns])
        for row in self.rows:
            writer.writerow([_csv_cell(cell) for cell in row])
        return stream.getvalue()

    def latex(self) -> str:
        r"""The table as a LaTeX ``tabular``; the mathematics uses the package amsmath."""
        align = "".join("r" if column.numeric else "l" for column in self.columns)
        head = " & ".join(_latex_heading(column.heading) for column in self.columns)
        lines = [
            # A group of its own, with rows far enough apart for fractions.
            r"{\renewcommand{\arraystretch}{1.4}",
            rf"\begin{{tabular}}{{{align}}}",
            r"\hline",
            rf"{head} \\",
            r"\hline",
            *(" & ".join(cell.latex for cell in row) + r" \\" for row in self.rows),
            r"\hline",
            r"\end{tabular}}",
        ]
        return "\n".join(lines) + "\n"

    def text(self) -> str:
        """The table as plain text, columns aligned."""
        grid = [[column.heading for column in self.columns]]
        grid += [[cell.text for cell in row] for row in self.rows]
        widths = [max(map(len, cells)) for cells in zip(*grid, strict=True)]
        lines = []
        for cells in grid:
            aligned = [
                cell.rjust(width) if column.numeric else cell.ljust(width)
                for cell, width, column in zip(cells, widths, self.columns, strict=True)
            ]
            lines.append("  ".join(aligned).rstrip())
        rule = "  ".join("─" * width for width in widths)
        return "\n".join([self.title, lines[0], rule, *lines[1:], *([self.note] * bool(self.note))])

    def write(self, form: Format) -> str:
        """The table in one of the formats of `Format`.

        Raises:
            GraphError: E226 for a format there is not.
        """
        if form not in get_args(Format):
            raise GraphError("E226", f"unknown format {form!r}; use {', '.join(get_args(Format))}")
        return str(getattr(self, form)())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()


_SIGNS: Final = {"+": "$+$", "−": "$-$", "×": r"$\times$", "÷": r"$\div$", "∂": r"$\partial$"}


def _latex_heading(heading: str) -> str:
    """Signs in headings as LaTeX's text can have them."""
    return "".join(_SIGNS.get(sign, sign) for sign in heading)


def _csv_cell(cell: Cell) -> Any:
    """Numbers and words as they are, arrays as JSON, contributions by their names."""
    if isinstance(cell.datum, dict):
        return json.dumps(cell.datum, ensure_ascii=False)
    if not isinstance(cell.datum, list):
        return cell.datum
    nested = any(isinstance(item, dict) for item in cell.datum)
    return cell.text if nested or not cell.datum else json.dumps(cell.datum)


def columns(*given: Sequence[Any]) -> tuple[Column, ...]:
    """Columns from (key, heading, numeric, style) tuples."""
    return tuple(Column(*entry) for entry in given)
