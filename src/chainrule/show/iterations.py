"""The steps of a loop as a table: what is carried into each, and what each leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.run.inside import Inside
from chainrule.show.cells import Names, count_cell
from chainrule.show.numbers import latex_of
from chainrule.show.summaries import brief, condensed
from chainrule.show.table import Cell, Table, columns


def iterations_table(inside: Inside, name: str, of: str, digits: int = 6) -> Table:
    """A row for each step of a loop, in the order in which they were made.

    Columns: the step, the carried values before it, the values that are stacked, and where there
    are adjoints those of the carried values. A branch or a call has one row with its results.
    """
    names = Names(inside.dag)
    before = inside.carried
    after = inside.stacked if before or inside.stacked else inside.dag.outputs
    adjoints = [node for node in before if node.type.is_float] if inside.has_adjoints else []
    heads: list[Any] = [("step", "Step", True, "dim")]
    heads += [(f"in:{node.name}", node.name, True, "green") for node in before]
    heads += [
        (f"out:{at}", names.text[node], True, "green") for at, node in enumerate(after, start=1)
    ]
    heads += [(f"adjoint:{node.name}", f"∂{of}/∂{node.name}", True, "red") for node in adjoints]
    rows = []
    for step in range(inside.count):
        sweep = inside.sweep(step)
        flow = inside.adjoints(step, sweep) if adjoints else {}
        found = [sweep.values[node] for node in (*before, *after)]
        found += [flow.get(node, _zero(node)) for node in adjoints]
        cells = [_cell(value, digits) for value in found]
        rows.append((count_cell(step + 1), *cells))
    return Table("iterations", f"Steps of {name}", columns(*heads), tuple(rows))


def _zero(node: Node) -> Any:
    return np.zeros(node.type.shape, node.type.dtype)[()]


def _cell(value: Any, digits: int) -> Cell:
    text = brief(value, digits)
    return Cell(text, f"${latex_of(text)}$", condensed(value))
