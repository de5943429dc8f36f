"""The tables of the passes: rows of `chainrule.show.steps` as cells of text and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chainrule.formula.names import latex_name
from chainrule.formula.printer import expression
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.run.interpret import Flow, Sweep
from chainrule.show.numbers import factor, latex_of, number, plain
from chainrule.show.steps import (
    DerivativeStep,
    backward_steps,
    forward_mode_steps,
    forward_steps,
)
from chainrule.show.table import Cell, Table, columns

_STEP = ("step", "Step", True, "dim")
_NODE = ("node", "Node", False, "bold")


def forward_table(dag: Dag, values: Mapping[Node, Any], digits: int = 6) -> Table:
    """Step, node, operation, value; with no values the structure alone."""
    names = _Names(dag)
    rows = [
        (
            _count(row.step),
            names.cell(row.node),
            names.operation(row.node),
            _number(row.value, digits),
        )
        for row in forward_steps(dag, values)
    ]
    return Table(
        "forward",
        "Forward pass: values",
        columns(_STEP, _NODE, ("operation", "Operation"), ("value", "Value", True, "green")),
        tuple(rows),
    )


def backward_table(sweep: Sweep, output: Node, adjoints: Flow, digits: int = 6) -> Table:
    """Step, node, the derivative's name, its computation with numbers, the derivative."""
    names = _Names(sweep.dag)
    return _derivative_table(
        "backward",
        "Backward pass: adjoints",
        ("gradient", "Gradient", True, "red"),
        "Computation: adjoint of the user · local derivative, summed over the users (via).",
        [
            (step, names.derivative(output, step.node, total=False))
            for step in backward_steps(sweep, output, adjoints)
        ],
        names,
        digits,
    )


def forward_mode_table(sweep: Sweep, seed: Node, tangents: Flow, digits: int = 6) -> Table:
    """Step, node, the derivative's name, its computation with numbers, the derivative."""
    names = _Names(sweep.dag)
    return _derivative_table(
        "forward-mode",
        f"Forward mode: tangents with respect to {sweep.dag.labels[seed]}",
        ("tangent", "Tangent", True, "red"),
        "Computation: local derivative · tangent of the operand, summed over the operands (via).",
        [
            (step, names.derivative(step.node, seed, total=True))
            for step in forward_mode_steps(sweep, tangents, [seed])
        ],
        names,
        digits,
    )


def _derivative_table(
    kind: str,
    title: str,
    result: tuple[str, str, bool, str],
    note: str,
    steps: Sequence[tuple[DerivativeStep, Cell]],
    names: _Names,
    digits: int,
) -> Table:
    """The table of a pass that computes derivatives; the last column is its result."""
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
            (_count(step.step), names.cell(step.node), name, *_computation(step, names, digits))
            for step, name in steps
        ),
        note,
    )


class _Names:
    """How the nodes of one graph are called, in text and in LaTeX."""

    def __init__(self, dag: Dag) -> None:
        self.text = dag.labels
        self.latex = {
            node: (latex_of if node.op is CONSTANT and node not in dag.names else latex_name)(label)
            for node, label in dag.labels.items()
        }

    def cell(self, node: Node) -> Cell:
        return Cell(self.text[node], f"${self.latex[node]}$", self.text[node])

    def operation(self, node: Node) -> Cell:
        if node.is_leaf:
            return Cell(node.op.name, node.op.name, node.op.name)
        text = expression(node, self.text, style="text")
        return Cell(text, f"${expression(node, self.latex, style='latex')}$", text)

    def derivative(self, of: Node, wrt: Node, *, total: bool) -> Cell:
        text, latex = ("d", r"\mathrm{d}") if total else ("∂", r"\partial ")
        name = f"{text}{self.text[of]}/{text}{self.text[wrt]}"
        return Cell(name, f"${latex}{self.latex[of]} / {latex}{self.latex[wrt]}$", name)


def _count(step: int) -> Cell:
    return Cell(str(step), str(step), step)


def _number(value: Any, digits: int) -> Cell:
    text = number(value, digits)
    return Cell(text, f"${latex_of(text)}$", plain(value))


_TERMS_SHOWN: Final = 8
"""A node with more users than this shows the first ones; the data keeps all."""


def _computation(row: DerivativeStep, names: _Names, digits: int) -> tuple[Cell, Cell, Cell]:
    """The cells of the computation, of the nodes it goes through, and of its result."""
    shown = row.contributions[:_TERMS_SHOWN]
    left_out = len(row.contributions) - len(shown)
    more = [f"… {left_out} more"] if left_out else []
    if row.seed:
        text = latex = "start"
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
        text = latex = "no path"
    data = [
        {
            "via": names.text[c.via],
            "left": plain(c.left),
            "right": plain(c.right),
            "product": plain(c.product),
        }
        for c in row.contributions
    ]
    via = ", ".join([names.text[c.via] for c in shown] + more)
    via_latex = ", ".join([f"${names.latex[c.via]}$" for c in shown] + more)
    return Cell(text, latex, text), Cell(via, via_latex, data), _number(row.total, digits)
