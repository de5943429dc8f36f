"""A graph made readable: numbers folded, the identities of the table applied, no more."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Container, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_node, constant_value, make
from chainrule.graph.op import Op, Params
from chainrule.simplify.identities import FROM_THE_LEFT, LIGHT, Table, identities

_DEEPEST: Final = 40
"""How many rewrites may wait for the rewrites of their parts; further parts stay as they are."""

_MOST: Final = 100
"""How many rewrites one node may go through."""

_FOLDED: Final[dict[str, Callable[..., Fraction]]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negate": operator.neg,
}


class Rewrite(NamedTuple):
    """One step of a simplification.

    Attributes:
        identity: The rule, ``left = right``, or ``"arithmetic"`` for folded constants.
        before: The node it was applied to.
        after: What became of it.
    """

    identity: str
    before: Node
    after: Node


class Simplified(NamedTuple):
    """A simplified graph and how it came about."""

    dag: Dag
    steps: tuple[Rewrite, ...]


def simplify(dag: Dag) -> Simplified:
    """The graph with the identities of the table applied to every node, operands first.

    What somebody gave a name stays recognisable: constants such as pi are not folded, and the
    inside of a named node is not mixed with its outside. Both graphs are the same function of real
    numbers; rounding may differ.
    """
    names = dict(dag.names)
    outputs = list(dag.outputs)
    order: Sequence[Node] = dag.order
    meanings = dict(dag.meanings)
    steps: list[Rewrite] = []
    for table in (LIGHT, FROM_THE_LEFT):
        new_of, log = _rewritten(order, table, (), names)
        steps += log
        moved: dict[Node, tuple[str, ...]] = {}
        for node, given in names.items():
            new = new_of[node]
            if new is node or not new.is_leaf:
                moved[new] = moved.get(new, ()) + given
        names = moved
        meanings = {new_of[node]: given for node, given in meanings.items() if node in new_of}
        outputs = [new_of[node] for node in outputs]
        order = walk.depth_first(outputs)
    simple = Dag(outputs, dag.inputs, names, meanings=meanings, arrangement=dag.arrangement)
    return Simplified(simple, tuple(steps))


def simplify_node(root: Node, kept: Container[Node]) -> Node:
    """One node simplified, over ``kept`` nodes that stay as they are."""
    for table in (LIGHT, FROM_THE_LEFT):
        order = walk.depth_first([root], kept)
        new_of, _ = _rewritten(order, table, kept, {})
        root = new_of[root]
    return root


def _rewritten(
    order: Sequence[Node],
    table: Table,
    kept: Container[Node],
    names: Container[Node],
) -> tuple[dict[Node, Node], list[Rewrite]]:
    """Old node → new node after applying one table, and what was done.

    Nodes with a name are not looked into from outside; nor are shared ones when the table only
    regroups, since that would take them apart.
    """
    work = _Simplifier(table)
    closed = {node for node in order if node in kept or node in names}
    if table is FROM_THE_LEFT:
        uses = Counter(operand for node in order if node not in kept for operand in node.operands)
        closed.update(node for node, count in uses.items() if count > 1)
    new_of: dict[Node, Node] = {}
    for node in order:
        new = node
        if node.operands and node not in kept:
            operands = tuple([new_of[operand] for operand in node.operands])
            new = work.made(node.op, operands, node.params)
        new_of[node] = new
        if node in closed and (new is node or not new.is_leaf):
            work.whole.add(new)
    return new_of, work.steps


class _Simplifier:
    """Makes nodes that no rule of a table applies to any more."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.whole: set[Node] = set()
        self.steps: list[Rewrite] = []
        self._depth = 0
        self._known: dict[Node, Node] = {}

    def made(self, op: Op, operands: tuple[Node, ...], params: Params) -> Node:
        """The simplest node for an operation on operands that are simplified already."""
        node = make(op, operands, params)
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = self._reduced(node)
        return found

    def _reduced(self, node: Node) -> Node:
        if self._depth >= _DEEPEST:
            return node
        self._depth += 1
        for _ in range(_MOST):
            step = self._rewrite(node)
            if step is None:
                break
            self.steps.append(step)
            node = step.after
        self._depth -= 1
        return node

    def _rewrite(self, node: Node) -> Rewrite | None:
        folded = self._folded(node)
        if folded is not None:
            return Rewrite("arithmetic", node, folded)
        if node.type.is_float and not node.is_leaf:
            for identity in identities(self.table, node.type.dtype.name).get(node.op, ()):
                found = identity.match(node, self.whole)
                if found is not None:
                    after = identity.right.over(found, self.made)
                    if after is not node:
                        return Rewrite(identity.text, node, after)
        return None

    def _folded(self, node: Node) -> Node | None:
        """The number that an operation on numbers is, if it is one exactly."""
        fold = _FOLDED.get(node.op.name)
        if fold is None or not node.type.is_float:
            return None
        numbers = []
        for operand in node.operands:
            if operand.op is not CONSTANT or operand.type.shape or operand in self.whole:
                return None
            number = float(constant_value(operand))
            if not math.isfinite(number):
                return None
            numbers.append(Fraction(number))
        if node.op.name == "divide" and numbers[1] == 0:
            return None
        exact = fold(*numbers)
        try:
            rounded = node.type.dtype.type(float(exact))
        except OverflowError:
            return None
        # 0.1 + 0.2 is folded as rounding has it; 2/3 stays a fraction.
        if node.op.name == "divide" and Fraction(float(rounded)) != exact:
            return None
        return constant_node(rounded, node.type)
