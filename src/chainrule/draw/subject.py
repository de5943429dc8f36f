"""What a drawing is about: a graph, with the numbers of one evaluation or without."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np

from chainrule.diff.build import dependent
from chainrule.draw.diagram import Line
from chainrule.draw.moments import is_known
from chainrule.draw.scene import MARKS, Moment, Role
from chainrule.draw.symbols import symbol
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, PARAMETER, Node, constant_value
from chainrule.run.interpret import Flow, Sweep
from chainrule.show.cells import Names
from chainrule.show.derivation import Derivation
from chainrule.show.numbers import latex_of, number
from chainrule.show.steps import backward_steps, rows_in_order
from chainrule.show.table import Cell

_WHOLE: Final = 10**6
"""Whole numbers below this are written in full."""


class Subject:
    """A graph and what is known of it.

    Attributes:
        dag: The graph.
        of: What is differentiated; None where nothing is, or nothing can be.
        wrt: By what; None where the drawing asks for no such node.
        sweep: The numbers of one evaluation; None: there are none.
        adjoints: The backward pass from ``of``, where there is one.
        tangents: The forward-mode pass from ``wrt``, where there is one.
        names: What the nodes are called.
    """

    def __init__(
        self,
        dag: Dag,
        of: Node | None = None,
        wrt: Node | None = None,
        sweep: Sweep | None = None,
        adjoints: Flow | None = None,
        tangents: Flow | None = None,
    ) -> None:
        self.dag = dag
        self.of = of
        self.wrt = wrt
        self.sweep = sweep
        self.adjoints = adjoints
        self.tangents = tangents
        self.names = Names(dag)

    # --- numbers ------------------------------------------------------------------------------

    def value(self, node: Node) -> Any:
        """The value of a node; that of a constant is always known."""
        if node.op is CONSTANT:
            return constant_value(node)
        return None if self.sweep is None else self.sweep.values[node]

    def adjoint(self, node: Node) -> Any:
        """∂of/∂node; None where there is none."""
        if self.adjoints is None or node not in self.backward:
            return None
        return self.adjoints.get(node, 0.0)

    def tangent(self, node: Node) -> Any:
        """d(node)/d(wrt); None where there is none."""
        return None if self.tangents is None else self.tangents.get(node)

    def local(self, user: Node, position: int) -> Any:
        """∂user/∂operand along one edge; None where there is none."""
        if self.sweep is None or not self.has_derivative(user, position):
            return None
        return self.sweep.local_derivative(user, position)

    def contribution(self, user: Node, position: int) -> Any:
        """What one edge adds to the adjoint of its operand; None where nothing flows."""
        operand = user.operands[position]
        if self.sweep is None or self.adjoints is None or operand not in self.backward:
            return None
        if user not in self.adjoints or not self.has_derivative(user, position):
            return None
        return self.sweep.contribution(self.adjoints, user, user, position)

    def is_live(self, user: Node, position: int) -> Any:
        """Where something flows along an edge: not along a branch that is not taken, whose part
        is exactly 0 whatever comes after it. Only where there are numbers.
        """
        assert self.sweep is not None
        local = self.sweep.local_derivative(user, position)
        endless = Flow({user: np.full_like(self.sweep.values[user], np.inf)})
        return (local != 0) | (self.sweep.contribution(endless, user, user, position) != 0)

    def flows_back(self, user: Node, position: int) -> bool:
        """Whether an adjoint flows back along an edge; without numbers: whether it could."""
        if self.sweep is None:
            return self.has_derivative(user, position)
        return self.contribution(user, position) is not None

    def has_derivative(self, user: Node, position: int) -> bool:
        """Whether a derivative flows along an edge."""
        operand = user.operands[position]
        return operand.type.is_float and user.type.is_float and operand in self.varying

    @cached_property
    def varying(self) -> set[Node]:
        """The nodes that depend on an argument; the others have no derivative."""
        return dependent(self.dag.order, self.dag.inputs)

    # --- the order of the passes ----------------------------------------------------------------

    @cached_property
    def forward(self) -> dict[Node, Moment]:
        """When each node gets its value: the steps of the table of the forward pass."""
        rows = rows_in_order(self.dag)
        return {node: Moment("forward", step) for step, node in enumerate(rows, start=1)}

    @cached_property
    def backward(self) -> dict[Node, Moment]:
        """When each node gets its adjoint: the steps of the table of the backward pass."""
        if self.sweep is None or self.adjoints is None or self.of is None:
            return {}
        rows = backward_steps(self.sweep, self.of, self.adjoints)
        return {row.node: Moment("backward", row.step) for row in rows}

    # --- writing --------------------------------------------------------------------------------

    def local_formula(self, user: Node, position: int) -> Cell | None:
        """∂user/∂operand as a formula."""
        if not self.has_derivative(user, position):
            return None
        for output, formulas in self._formulas.items():
            if user in self._below[output]:
                return formulas.local_derivative(user, position)
        return None

    @cached_property
    def _formulas(self) -> dict[Node, Derivation]:
        floats = [node for node in self.dag.outputs if node.type.is_float]
        return {node: Derivation(self.dag, node, node) for node in floats}

    @cached_property
    def _below(self) -> dict[Node, frozenset[Node]]:
        return {node: self.dag.ancestors(node) | {node} for node in self._formulas}

    def label(self, node: Node) -> Line:
        """What a node is called, as the symbol of a leaf."""
        return Line("symbol", self.names.text[node], self.names.latex[node])

    def sign(self, node: Node) -> Line:
        """The symbol of a node: its name if it is a leaf, else its operation."""
        if node.is_leaf:
            return self.label(node)
        return Line("symbol", *symbol(node))

    def is_named(self, node: Node) -> bool:
        """Whether a computation has a name that is worth showing: given, or that of an output."""
        return node in self.dag.names or node in self.dag.outputs

    def no_path(self, wrt: Node, of: Node) -> str:
        """What is to be said where one node does not depend on the other."""
        return f"d{self.names.text[of]}/d{self.names.text[wrt]} = 0: no path"

    def sentence(self, node: Node, now: Moment | None = None) -> str:
        """A node in a sentence: what it is and all its numbers, as far as they are known now."""
        name = self.names.text[node]
        reached = is_known(self.forward.get(node), now)
        if node.op is CONSTANT:
            words = f"constant {name}" if node in self.dag.names else f"the constant {name}"
        elif node.is_leaf:
            words = f"{'parameter' if node.op is PARAMETER else 'input'} {name}"
        else:
            words = f"{name} = {self.names.operation(node).text}"
        if node.op is not CONSTANT and self.sweep is not None and reached:
            words += f" = {number(self.value(node))}"
        adjoint = self.adjoint(node) if is_known(self.backward.get(node), now) else None
        if adjoint is not None and self.of is not None:
            words += f"; ∂{self.names.text[self.of]}/∂{name} = {number(adjoint)}"
        if self.tangent(node) is not None and self.wrt is not None and reached:
            words += f"; d{name}/d{self.names.text[self.wrt]} = {number(self.tangent(node))}"
        return words


def number_line(role: Role, value: Any, digits: int, moment: Moment | None = None) -> Line:
    """A number as it stands in a drawing: short, with a sign of what it is where colour may lack.

    >>> number_line("value", -0.46970653, 3).text, number_line("adjoint", 1024.0, 3).text
    ('-0.47', '∂ 1024')
    """
    text = short(value, digits)
    mark = MARKS.get(role)
    if role == "contribution" and not text.startswith("-"):
        text = f"+{text}"
    latex = latex_of(text)
    if mark is not None and role != "contribution":
        return Line(role, mark.text + text, f"{mark.latex}{{{latex}}}", moment)
    return Line(role, text, latex, moment)


def short(value: Any, digits: int) -> str:
    """A number with few digits; whole numbers below a million in full.

    >>> short(2500000.0, 3), short(1048576.0 / 2, 3), short(1.23456e-7, 2)
    ('2.5e6', '524288', '1.2e-7')
    """
    if np.ndim(value) == 0 and value is not None and abs(value) < _WHOLE and value == int(value):
        return number(value, len(str(_WHOLE)))
    return number(value, digits)
