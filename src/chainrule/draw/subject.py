"""What a drawing is about: a graph, with the numbers of one evaluation or without."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any, Final

import numpy as np

from chainrule.diff.build import dependent
from chainrule.draw.diagram import Line
from chainrule.draw.moments import is_known
from chainrule.draw.number_lines import array_latex, marked, number_line
from chainrule.draw.scene import Moment, Role
from chainrule.draw.symbols import symbol
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, PARAMETER, Node, constant_value, uniform_value
from chainrule.graph.op import Symbol
from chainrule.graph.types import UNKNOWN
from chainrule.ops.branches import COND, branch_at
from chainrule.ops.several import ITEM, is_joint, name_of
from chainrule.run.inside import LOOPS, steps_made
from chainrule.run.interpret import Flow, Sweep
from chainrule.run.kernels import LinearMap
from chainrule.show.cells import Names
from chainrule.show.derivation import Derivation
from chainrule.show.numbers import latex_of, number
from chainrule.show.steps import backward_rows, rows_in_order
from chainrule.show.summaries import (
    Summary,
    brief,
    norm_of,
    share,
    sizes,
    summary,
)
from chainrule.show.table import Cell

_FEW: Final = 4
"""Arrays with so many elements are written in full, if they are short."""
_LONGEST: Final = 24
"""Arrays whose elements take more letters are summed up."""
_FEW_DIGITS: Final = 6
"""Of constants in traced graphs."""
_CONSTANT: Final = 10
"""Numbers with more letters are shortened where nobody wrote them down: in traced graphs."""


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
        given: What the adjoints are derivatives of, where that is outside of the graph.
        opened: The loops, branches and calls that are drawn with what is inside of them.
        step: Which of their steps, from 1.
        is_inside: Whether the graph is that of a loop, drawn inside of another one.
    """

    def __init__(
        self,
        dag: Dag,
        of: Node | None = None,
        wrt: Node | None = None,
        sweep: Sweep | None = None,
        adjoints: Flow | None = None,
        tangents: Flow | None = None,
        *,
        given: str = "",
        opened: Collection[Node] = (),
        step: int = 1,
        is_inside: bool = False,
    ) -> None:
        self.dag = dag
        self.of = of
        self.wrt = wrt
        self.sweep = sweep
        self.adjoints = adjoints
        self.tangents = tangents
        self.names = Names(dag)
        self.given = given
        self.opened = frozenset(opened)
        self.step = step
        self.is_inside = is_inside
        self.has_arrays = any(node.type.shape or node.type.parts for node in dag.order)
        self._summaries: dict[tuple[Role, Node], Summary] = {}
        self._sent: dict[tuple[Node, int], float | None] = {}

    # --- numbers ------------------------------------------------------------------------------

    def value(self, node: Node) -> Any:
        """The value of a node; that of a constant is always known."""
        if node.op is CONSTANT:
            return constant_value(node)
        return None if self.sweep is None else self.sweep.values[node]

    def adjoint(self, node: Node) -> Any:
        """∂of/∂node; None where there is none: each of several results has its own."""
        if self.adjoints is None or node not in self.backward or node.type.parts:
            return None
        return self.adjoints.get(node, 0.0)

    def tangent(self, node: Node) -> Any:
        """d(node)/d(wrt); None where there is none."""
        return None if self.tangents is None else self.tangents.get(node)

    def known(self, role: Role, node: Node) -> Any:
        """The value, the adjoint or the tangent of a node; None where there is none."""
        read = {"value": self.value, "adjoint": self.adjoint, "tangent": self.tangent}
        return read[role](node)

    def summary(self, role: Role, node: Node) -> Summary:
        """What an array holds: measured once."""
        found = self._summaries.get((role, node))
        if found is None:
            found = summary(np.broadcast_to(self.known(role, node), self.shape(node)))
            self._summaries[role, node] = found
        return found

    def shape(self, node: Node) -> tuple[int, ...]:
        """The shape of a node; where an axis is of unknown size, that of its value, if known."""
        value = self.value(node) if UNKNOWN in node.type.shape else None
        return node.type.shape if value is None else np.shape(value)

    def norm(self, role: Role, node: Node) -> Any:
        """How large a number of a node is: of an array the norm; NaN where it has some."""
        if node.type.parts:
            return None
        if not node.type.shape:
            return self.known(role, node)
        found = self.summary(role, node)
        return np.nan if found.nans else found.norm

    def local(self, user: Node, position: int) -> Any:
        """∂user/∂operand along one edge; None where there is none."""
        if self.sweep is None or not self.has_derivative(user, position):
            return None
        if is_joint(user):
            return None
        return self.sweep.local_derivative(user, position)

    def contribution(self, user: Node, position: int) -> Any:
        """What one edge adds to the adjoint of its operand; None where nothing flows."""
        operand = user.operands[position]
        if self.sweep is None or self.adjoints is None or operand not in self.backward:
            return None
        if not self._has_adjoint(user) or not self.has_derivative(user, position):
            return None
        if user.op.joint is not None:
            return self.adjoints.shares[user][position]
        return self.sweep.contribution(self.adjoints, user, user, position)

    def _has_adjoint(self, user: Node) -> bool:
        """Whether something flows back from a node: for several results, from some of them."""
        assert self.adjoints is not None
        return user in self.adjoints or user in self.adjoints.shares

    def sent(self, user: Node, position: int) -> float | None:
        """The norm of what one edge adds to the adjoint of its operand, measured once; None where
        nothing flows.
        """
        edge = (user, position)
        if edge not in self._sent:
            found = self.contribution(user, position)
            self._sent[edge] = None if found is None else norm_of(found)
        return self._sent[edge]

    def is_scalar(self, user: Node, position: int) -> bool:
        """Whether an edge has a number as its local derivative, and not a map between arrays."""
        if user.type.shape or user.operands[position].type.shape or is_joint(user):
            return False
        return not isinstance(self.local(user, position), LinearMap)

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
        operand = user.operands[position]
        if self.adjoints is None or operand not in self.backward or not self._has_adjoint(user):
            return False
        return self.has_derivative(user, position)

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

    @property
    def of_name(self) -> str:
        """What is differentiated; empty: nothing."""
        return self.names.text[self.of] if self.of is not None else self.given

    @cached_property
    def backward(self) -> dict[Node, Moment]:
        """When each node gets its adjoint: the steps of the table of the backward pass."""
        if self.sweep is None or self.adjoints is None or not self.of_name:
            return {}
        rows = backward_rows(self.sweep, self.of)
        return {node: Moment("backward", step) for step, node in enumerate(rows, start=1)}

    # --- writing --------------------------------------------------------------------------------

    def local_formula(self, user: Node, position: int) -> Cell | None:
        """∂user/∂operand as a formula; where it is a map between arrays, the name of its rule."""
        if not self.has_derivative(user, position):
            return None
        if not user.op.pointwise:
            return rule_cell(user)
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
        if node.op is CONSTANT and node not in self.dag.names:
            text = self._constant(node)
            is_number = uniform_value(node) is not None
            return Line("symbol", text, latex_of(text) if is_number else array_latex(text))
        return Line("symbol", self.names.text[node], self.names.latex[node])

    def _constant(self, node: Node) -> str:
        """A number, also where it fills an array; an array by its summary."""
        text, value = self.names.text[node], uniform_value(node)
        if value is None:
            return brief(constant_value(node), _FEW_DIGITS, longest=_LONGEST)
        if self.dag.origins and len(text) > _CONSTANT:
            return number(value, _FEW_DIGITS)
        return text

    def sign(self, node: Node) -> Line:
        """The symbol of a node: its name if it is a leaf, else its operation."""
        if node.is_leaf:
            return self.label(node)
        if node.op is ITEM:
            return Line.words("symbol", name_of(node))
        found = symbol(node)
        if node.op is COND and self.sweep is not None:
            taken = branch_at(node, self.sweep.values[node.operands[0]])
            return Line(
                "symbol",
                f"{found.text} → branch {taken}",
                rf"{found.latex}\to\text{{branch }}{taken}",
            )
        values = None if self.sweep is None else self.sweep.values[node]
        steps = steps_made(node, values) if node.op in LOOPS else None
        if steps is not None and "×" not in found.text:
            found = Symbol(f"{found.text} ×{steps}", rf"{found.latex}\times {steps}")
        return Line("symbol", *found)

    def is_named(self, node: Node) -> bool:
        """Whether a computation has a name that is worth showing: given, or that of an output."""
        return node in self.dag.names or (node in self.dag.outputs and not self.is_inside)

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
            words += self._amount("value", node)
        elif node.type.shape or node.type.parts:
            words += f", {sizes(node.type.shape) if node.type.shape else number(node.type.parts)}"
        adjoint = self.adjoint(node) if is_known(self.backward.get(node), now) else None
        if adjoint is not None:
            words += f"; ∂{self.of_name}/∂{name}{self._amount('adjoint', node)}"
        if self.tangent(node) is not None and self.wrt is not None and reached:
            words += f"; d{name}/d{self.names.text[self.wrt]}{self._amount('tangent', node)}"
        origin = self.dag.origins.get(node)
        return words if origin is None else f"{words}; {origin.words}"

    def _amount(self, role: Role, node: Node) -> str:
        """A number in a sentence; an array by what it holds."""
        if node.type.shape:
            return f", {self.summary(role, node).words()}"
        if node.type.parts:
            return f", {number(self.known(role, node))}"
        return f" = {number(self.known(role, node))}"

    def number_lines(
        self, role: Role, node: Node, digits: int, moment: Moment | None
    ) -> list[Line]:
        """A number of a node; of an array its summary, and how much of it is not a number."""
        value = self.known(role, node)
        if not node.type.shape:
            return [number_line(role, value, digits, moment)]
        array = np.broadcast_to(value, self.shape(node))
        found = self.summary(role, node)
        is_few = array.size <= _FEW and not found.nans
        text = brief(array, digits, longest=_LONGEST) if is_few else found.brief(digits)
        lines = [marked(role, text, moment, array_latex(text))]
        if found.nans:
            lines.append(Line.words("missing", f"NaN {share(found.nans)}", moment))
        return lines


def rule_cell(user: Node) -> Cell:
    """The name of the rule of an operation."""
    return Cell(user.op.rule, rf"$\text{{{user.op.rule}}}$", user.op.rule)
