"""The tables of a sparse matrix of derivatives: what it costs, and which passes give it."""

from __future__ import annotations

from typing import Final

import numpy as np

from chainrule.diff.compression import Compression
from chainrule.show.cells import count_cell, word_cell
from chainrule.show.table import Cell, Table, columns

_LISTED: Final = 12
"""Rows or columns of one colour that are named, at most; the data has all."""

_WAYS: Final = {
    "column": "compressed, by columns of one colour",
    "row": "compressed, by rows of one colour",
    "row and column": "compressed, some rows and some columns",
    "star": "compressed, star colouring",
    "acyclic": "compressed, acyclic colouring",
}


def sparsity_table(plan: Compression, name: str) -> Table:
    """One row for each way to get all derivatives: the passes it takes."""
    rows, width = plan.pattern.shape
    ways = [
        (_WAYS[plan.coloring], plan.forward, plan.reverse),
        ("dense, forward mode", width, 0),
        ("dense, reverse mode", 0, rows),
    ]
    if plan.coloring in ("star", "acyclic"):
        ways[1:] = [("dense, forward over reverse", width, 0)]
    return Table(
        "sparsity",
        f"Sparsity of the {name}: {described(plan)}",
        columns(
            ("way", "Way"),
            ("forward", "Forward", True),
            ("reverse", "Reverse", True),
            ("passes", "Passes", True, "bold"),
        ),
        tuple(
            (
                word_cell(way),
                count_cell(forward),
                count_cell(reverse),
                count_cell(forward + reverse),
            )
            for way, forward, reverse in ways
        ),
    )


def described(plan: Compression) -> str:
    """Size and number of entries in a few words."""
    height, width = plan.pattern.shape
    entries = plan.pattern.nnz
    verb = "may not be zero"
    return f"{height:,} × {width:,}, {entries:,} of {height * width:,} entries {verb}"


def pass_table(plan: Compression, name: str) -> Table:
    """One row for each pass: the columns or rows that it adds up."""
    rows: list[tuple[Cell, ...]] = []
    for way, lines, colors in (
        ("forward", "columns", plan.columns),
        ("reverse", "rows", plan.rows),
    ):
        for color in range(int(colors.max(initial=-1)) + 1):
            members = np.flatnonzero(colors == color).tolist()
            shown = ", ".join(map(str, members[:_LISTED]))
            more = f", … {len(members) - _LISTED} more" if len(members) > _LISTED else ""
            rows.append(
                (
                    count_cell(len(rows)),
                    word_cell(way),
                    word_cell(lines),
                    count_cell(len(members)),
                    Cell(f"{shown}{more}", f"{shown}{more}", members),
                )
            )
    return Table(
        "passes",
        f"Passes for the {name}",
        columns(
            ("pass", "Pass", True, "bold"),
            ("mode", "Mode"),
            ("adds", "Adds up"),
            ("count", "Count", True),
            ("members", "Numbers"),
        ),
        tuple(rows),
    )


def entry_table(plan: Compression, name: str) -> Table:
    """One row for each entry: where it stands, and the pass it is read from."""
    lines = np.repeat(np.arange(plan.pattern.shape[0]), np.diff(plan.pattern.indptr))
    numbers = zip(lines.tolist(), plan.pattern.indices.tolist(), passes_of(plan), strict=True)
    return Table(
        "entries",
        f"Entries of the {name} that may not be zero",
        columns(("row", "Row", True), ("column", "Column", True), ("pass", "Pass", True)),
        tuple(tuple(map(count_cell, entry)) for entry in numbers),
    )


def passes_of(plan: Compression) -> list[int]:
    """For each entry the number of its pass: forward ones first, then reverse ones."""
    height, width = plan.pattern.shape
    if plan.substitution is not None:
        found: list[int] = plan.columns[plan.pattern.indices].tolist()
        return found
    ahead = plan.forward * height
    source = plan.source
    there = np.where(
        source < ahead,
        source // max(height, 1),
        plan.forward + (source - ahead) // max(width, 1),
    )
    numbers: list[int] = there.tolist()
    return numbers
