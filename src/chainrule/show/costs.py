"""The table of costs: what values and derivatives take, by every way there is to get them."""

from __future__ import annotations

from typing import Final

from chainrule.diff.cost import Costs, Count
from chainrule.show.cells import count_cell, word_cell
from chainrule.show.numbers import latex_of, power_of_ten
from chainrule.show.table import Cell, Table, columns

_EXACT: Final = 10**12
"""Larger counts are shown as powers of ten; the data has all digits."""

_WRITTEN: Final = 10**4000
"""Larger counts are powers of ten in the data, too: Python refuses to write all their digits."""


def cost_table(costs: Costs) -> Table:
    """One row for each way: additions, multiplications, functions, all of them, times the value."""
    ways = [
        ("value", costs.value),
        ("value, as a tree", costs.value_tree),
        ("value and gradient, reverse mode", costs.reverse),
        (f"value and gradient, forward mode, {_times(costs.inputs, 'pass')}", costs.forward),
        (f"value and gradient, path by path, {_times(costs.paths, 'path')}", costs.path_by_path),
        ("gradient alone, as a graph", costs.gradient),
        ("gradient alone, written out", costs.gradient_tree),
    ]
    return Table(
        "cost",
        f"Cost in operations, with {_times(costs.inputs, 'derivative')}",
        columns(
            ("way", "Way"),
            ("additions", "+ −", True),
            ("multiplications", "× ÷", True),
            ("functions", "Functions", True),
            ("total", "Total", True, "bold"),
            ("ratio", "Times value", True),
        ),
        tuple(_row(name, count, costs.value.total) for name, count in ways),
        "As a tree or written out, nothing is shared; elsewhere each node is computed once.",
    )


def _row(name: str, count: Count, value: int) -> tuple[Cell, ...]:
    ratio = count.total / value if value and count.total < _EXACT else None
    text = "–" if ratio is None else f"{ratio:.3g}" if ratio < 1000 else f"{ratio:.0f}"
    return (
        word_cell(name),
        large_cell(count.additions),
        large_cell(count.multiplications),
        large_cell(count.functions),
        large_cell(count.total),
        Cell(text, text, ratio),
    )


def large_cell(count: int) -> Cell:
    """A whole number that may be astronomically large."""
    if count < _EXACT:
        return count_cell(count)
    text = power_of_ten(count)
    return Cell(text, f"${latex_of(text)}$", count if count < _WRITTEN else text)


def _times(count: int, word: str) -> str:
    plural = "es" if word.endswith("s") else "s"
    return f"{large_cell(count).text} {word}{'' if count == 1 else plural}"
