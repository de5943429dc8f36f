"""The tables of the passes: rows of `chainrule.show.steps` as cells of text and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.graph.types import UNKNOWN
from chainrule.run.interpret import Flow, Sweep
from chainrule.show.cells import Names, count_cell, number_cell, word_cell
from chainrule.show.numbers import DASH, factor, latex_of, number
from chainrule.show.steps import (
    Contribution,
    DerivativeStep,
    ValueStep,
    backward_steps,
    forward_mode_steps,
    forward_steps,
)
from chainrule.show.summaries import condensed, norm_of, norm_text, share, sizes, summary
from chainrule.show.table import Cell, Table, columns

_STEP = ("step", "Step", True, "dim")
_NODE = ("node", "Node", False, "bold")


def forward_table(dag: Dag, values: Mapping[Node, Any], digits: int = 6) -> Table:
    """Step, node, operation, value; with no values the structure alone."""
    names = Names(dag)
    rows = [
        (count_cell(row.step), names.cell(row.node), names.operation(row.node))
        for row in forward_steps(dag, values)
    ]
    heads: list[Any] = [_STEP, _NODE, ("operation", "Operation")]
    if any(node.type.shape for node in dag.order):
        return _array_table(dag, values, rows, heads, digits)
    more = _origins(dag, [row.node for row in forward_steps(dag, {})])
    if not values:
        return Table("forward", "Steps", columns(*heads), tuple(rows), more=more)
    return Table(
        "forward",
        "Forward pass: values",
        columns(*heads, ("value", "Value", True, "green")),
        tuple(
            (*cells, number_cell(row.value, digits))
            for cells, row in zip(rows, forward_steps(dag, values), strict=True)
        ),
        more=more,
    )


def _origins(dag: Dag, nodes: Iterable[Node]) -> tuple[dict[str, Any], ...]:
    """For each node the line of the program where it was made, and the calls it was made in."""
    if not dag.origins:
        return ()
    found: list[dict[str, Any]] = []
    for node in nodes:
        origin = dag.origins.get(node)
        known = origin and {"line": origin.place, "calls": list(origin.calls)}
        found.append(known or {"line": None, "calls": []})
    return tuple(found)


def _array_table(
    dag: Dag,
    values: Mapping[Node, Any],
    rows: Sequence[tuple[Cell, ...]],
    heads: Sequence[Any],
    digits: int,
) -> Table:
    """The forward pass of a graph of arrays: shapes, and what the arrays hold in a few numbers."""
    steps = forward_steps(dag, values)
    shapes = [_shape_cell(_shape(step)) for step in steps]
    more = _origins(dag, [step.node for step in steps])
    heads = [*heads, ("shape", "Shape", True, "dim")]
    if not values:
        made = tuple((*row, shape) for row, shape in zip(rows, shapes, strict=True))
        return Table("forward", "Steps", columns(*heads), made, more=more)
    columns_after = [
        ("value", "Value", True, "green"),
        ("min", "Min", True, ""),
        ("max", "Max", True, ""),
        ("norm", "Norm", True, ""),
        ("zeros", "Zeros", True, "dim"),
        ("nans", "NaN", True, "red"),
    ]
    made = tuple(
        (*row, shape, *_array_cells(step.value, digits))
        for row, shape, step in zip(rows, shapes, steps, strict=True)
    )
    heads = [*heads, *columns_after]
    return Table("forward", "Forward pass: values", columns(*heads), made, more=more)


def _shape(step: ValueStep) -> tuple[int, ...]:
    """The shape of a value; before it is computed an axis may be of unknown size."""
    return np.shape(step.value) if isinstance(step.value, np.ndarray) else step.node.type.shape


def _share_cell(part: float) -> Cell:
    """A share in percent."""
    text = share(part)
    return Cell(text, text.replace("%", r"\%").replace("<", "$<$"), part)


def _shape_cell(shape: tuple[int, ...]) -> Cell:
    """The sizes of the axes of an array; as data a list."""
    text = sizes(shape)
    data = [None if size == UNKNOWN else size for size in shape]
    latex = text.replace("×", r" \times ")
    return Cell(text, f"${latex}$" if shape else text, data)


def _array_cells(value: Any, digits: int) -> list[Cell]:
    """Value, smallest, largest, norm, zeros, NaN; dashes where a scalar says all."""
    text = number(value, digits)
    cells = [Cell(text, f"${latex_of(text)}$", condensed(value))]
    if not isinstance(value, np.ndarray) or not value.ndim:
        return cells + [word_cell(DASH)] * 5
    found = summary(value)
    numbers = (found.least, found.largest, found.norm)
    return [
        *cells,
        *(number_cell(part, digits) for part in numbers),
        _share_cell(found.zeros),
        _share_cell(found.nans),
    ]


def backward_table(
    sweep: Sweep, output: Node | None, adjoints: Flow, digits: int = 6, given: str = ""
) -> Table:
    """Step, node, the derivative's name, its computation with numbers, the derivative.

    Without an output the pass starts from adjoints of what is outside, called ``given``.
    """
    names = Names(sweep.dag)
    return _derivative_table(
        "backward",
        "Backward pass: adjoints",
        ("gradient", "Gradient", True, "red"),
        "Computation: adjoint of the user · local derivative, summed over the users (via).",
        [
            (step, names.derivative(output or given, step.node, total=False))
            for step in backward_steps(sweep, output, adjoints)
        ],
        sweep.dag,
        names,
        digits,
    )


def forward_mode_table(sweep: Sweep, seed: Node, tangents: Flow, digits: int = 6) -> Table:
    """Step, node, the derivative's name, its computation with numbers, the derivative."""
    names = Names(sweep.dag)
    return _derivative_table(
        "forward-mode",
        f"Forward mode: tangents with respect to {sweep.dag.labels[seed]}",
        ("tangent", "Tangent", True, "red"),
        "Computation: local derivative · tangent of the operand, summed over the operands (via).",
        [
            (step, names.derivative(step.node, seed, total=True))
            for step in forward_mode_steps(sweep, tangents, [seed])
        ],
        sweep.dag,
        names,
        digits,
    )


def _derivative_table(
    kind: str,
    title: str,
    result: tuple[str, str, bool, str],
    note: str,
    steps: Sequence[tuple[DerivativeStep, Cell]],
    dag: Dag,
    names: Names,
    digits: int,
) -> Table:
    """The table of a pass that computes derivatives; the last column is its result."""
    if any(step.blocked for step, _ in steps):
        note += "\nBlocked: every path has a branch not taken, a condition or a step."
    return Table(
        kind,
        title,
        columns(
            _STEP,
            _NODE,
            ("derivative", "Derivative"),
            ("computation", "Computation"),
            ("contributions", "Via"),
            result,
        ),
        tuple(
            (count_cell(step.step), names.cell(step.node), name, *_computation(step, names, digits))
            for step, name in steps
        ),
        note,
        _origins(dag, [step.node for step, _ in steps]),
    )


_TERMS_SHOWN: Final = 8
"""A node with more users than this shows the first ones; the data keeps all."""


def _computation(row: DerivativeStep, names: Names, digits: int) -> tuple[Cell, Cell, Cell]:
    """The cells of the computation, of the nodes it goes through, and of its result."""
    shown = row.contributions[:_TERMS_SHOWN]
    left_out = len(row.contributions) - len(shown)
    more = [f"… {left_out} more"] if left_out else []
    if row.seed:
        text = latex = "start"
    elif row.node.type.parts and row.contributions:
        text = latex = "all results at once"
    elif row.is_given and not shown:
        text = latex = "from outside"
    elif any(isinstance(c.local, str) or c.via.type.shape for c in shown):
        text = " + ".join([*(_by_norm(c, digits) for c in shown), *more])
        latex = _by_norm_latex(text)
    elif shown:
        pairs = [
            (number(c.left, digits) if at == 0 else factor(c.left, digits), factor(c.right, digits))
            for at, c in enumerate(shown)
        ]
        total = number(row.total, digits)
        text = " + ".join([*(f"{left}·{right}" for left, right in pairs), *more]) + f" = {total}"
        products = [rf"{latex_of(left)} \cdot {latex_of(right)}" for left, right in pairs]
        latex = f"${' + '.join([*products, *map(latex_of, more)])} = {latex_of(total)}$"
    else:
        text = latex = "blocked" if row.blocked else "no path"
    data = [
        {
            "via": names.text[c.via],
            "left": condensed(c.left),
            "right": condensed(c.right),
            "product": condensed(c.product),
        }
        for c in row.contributions
    ]
    if row.is_given and shown:
        text, latex = f"from outside + {text}", f"from outside $+$ {latex}"
    via = ", ".join([names.text[c.via] for c in shown] + more)
    via_latex = ", ".join([f"${names.latex[c.via]}$" for c in shown] + more)
    total = number(row.total, digits)
    result = Cell(total, f"${latex_of(total)}$", condensed(row.total))
    return Cell(text, latex, text), Cell(via, via_latex, data), result


def _by_norm(contribution: Contribution, digits: int) -> str:
    """The rule of an edge between arrays, and the norm of what it contributes."""
    return f"{contribution.rule}: {norm_text(norm_of(contribution.product), digits)}"


def _by_norm_latex(text: str) -> str:
    """The same in LaTeX: words with norms in between."""
    words = text.replace("_", r"\_").split("‖")
    parts = [
        f"${latex_of(f'‖{word}‖')}$"
        if at % 2
        else word.replace("+", "$+$").replace("…", r"\ldots{}")
        for at, word in enumerate(words)
    ]
    return "".join(parts)
