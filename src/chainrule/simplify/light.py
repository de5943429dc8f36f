"""A graph made readable: numbers folded, the identities of the table applied, no more."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Container, Mapping, Sequence
from fractions import Fraction
from typing import Final, NamedTuple, TypeVar

import numpy as np

from chainrule.graph import walk
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, make, uniform_value
from chainrule.graph.op import Op, Params
from chainrule.simplify.conditions import settled
from chainrule.simplify.identities import candidates
from chainrule.simplify.regroup import Either, regrouped

_DEEPEST: Final = 40
"""How many rewrites may wait for the rewrites of their parts; further parts stay as they are."""

_MOST: Final = 100
"""How many rewrites one node may go through."""

_ROUNDS: Final = 8
"""How often all nodes are gone through; the second time hardly anything is left to do."""

_PRECISE: Final = 2**20
"""Numbers are folded unless they fall out of the range in which they have all their digits."""

_FOLDED: Final[dict[str, Callable[..., Fraction]]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negate": operator.neg,
}


_Given = TypeVar("_Given")


_PATTERN_DEPTH: Final = 3
"""How deep the left sides of identities reach."""
_PRODUCTS: Final = frozenset({"multiply", "square", "power"})


class Rewrite(NamedTuple):
    """One step of a simplification.

    Attributes:
        identity: The rule, ``left = right``; ``"arithmetic"`` for folded constants,
            ``"settled"`` for conditions that are known and for what hangs on them,
            ``"regrouping"`` for sums and products put in order from the left.
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


@collector_paused()
def simplify(dag: Dag) -> Simplified:
    """The graph with the identities of the table applied to every node, operands first.

    What somebody gave a name stays recognisable: constants such as pi are not folded, and the
    inside of a named node is not mixed with its outside. Both graphs are the same function of real
    numbers; rounding may differ.
    """
    names = dict(dag.names)
    meanings = dict(dag.meanings)
    outputs = dag.outputs
    steps: list[Rewrite] = []
    for _ in range(_ROUNDS):
        new_of, log = _pass(outputs, (), names)
        after = tuple([new_of[node] for node in outputs])
        names = {
            new: given
            for new, given in _moved(names, new_of).items()
            if new in names or not new.is_leaf
        }
        meanings = _moved(meanings, new_of)
        if after == outputs:
            break
        outputs = after
        steps += log
    simple = Dag(outputs, dag.inputs, names, meanings=meanings, arrangement=dag.arrangement)
    return Simplified(simple, tuple(steps))


def simplify_node(root: Node, kept: Container[Node]) -> Node:
    """One node simplified, over ``kept`` nodes that stay as they are."""
    for _ in range(_ROUNDS):
        if root.is_leaf or root in kept:
            break
        before, root = root, _pass((root,), kept, ())[0][root]
        if root is before:
            break
    return root


def _pass(
    outputs: Sequence[Node], kept: Container[Node], names: Container[Node]
) -> tuple[dict[Node, Node], list[Rewrite]]:
    """Old node → new node after the identities and the regrouping, and what was done.

    What only stood inside of a chain that was regrouped is left out.
    """
    new_of, steps = _rewritten(walk.depth_first(outputs, kept), kept, names)
    settled: set[Node] = set()
    for _ in range(_ROUNDS):
        ends = [new_of[node] for node in outputs]
        closed = {new for node, new in new_of.items() if node in names}
        moved, chains = regrouped(walk.depth_first(ends, kept), set(ends), kept, closed, settled)
        new_of = {node: moved[new] for node, new in new_of.items() if new in moved}
        steps += [Rewrite("regrouping", before, after) for before, after in chains]
        if not chains:
            break
    return new_of, steps


def _rewritten(
    order: Sequence[Node], kept: Container[Node], names: Container[Node]
) -> tuple[dict[Node, Node], list[Rewrite]]:
    """Old node → new node after applying the identities, and what was done.

    Nodes with a name are not looked into from outside.
    """
    work = _Simplifier(kept)
    new_of: dict[Node, Node] = {}
    for node in order:
        new = node
        if node.operands and node not in kept:
            operands = tuple([new_of[operand] for operand in node.operands])
            new = work.made(node.op, operands, node.params)
        new_of[node] = new
        if (node in kept or node in names) and (new is node or not new.is_leaf):
            work.whole.add(new)
    return new_of, work.steps


def _moved(
    given: Mapping[Node, tuple[_Given, ...]], new_of: Mapping[Node, Node]
) -> dict[Node, tuple[_Given, ...]]:
    """What belongs to nodes, for the nodes that took their places."""
    moved: dict[Node, list[_Given]] = {}
    for node, own in given.items():
        if node in new_of:
            moved.setdefault(new_of[node], []).extend(own)
    return {node: tuple(own) for node, own in moved.items()}


class _Simplifier:
    """Makes nodes that no identity applies to any more.

    Attributes:
        whole: Nodes that are not looked into.
        steps: What was done.
    """

    def __init__(self, kept: Container[Node]) -> None:
        self.whole: set[Node] = set()
        self.steps: list[Rewrite] = []
        self._kept = kept
        self._depth = 0
        self._known: dict[Node, Node] = {}
        self._crowded: dict[Node, bool] = {}

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
        if node.is_leaf:
            return None
        known = settled(node, self._is_number)
        if known is not None:
            return Rewrite("settled", node, known)
        if not node.type.is_float:
            return None
        if node.op.name in _FOLDED and all(map(self._is_number, node.operands)):
            folded = _folded(node)
            return None if folded is None else Rewrite("arithmetic", node, folded)
        if node.type.parts:
            return None
        for identity in candidates(node):
            found = identity.match(node, self.whole)
            if found is not None:
                after = identity.right.over(found, self.made, node.type.shape)
                safe = not self._piles_up(node, after)
                if after is not node and after.type is node.type and safe:
                    return Rewrite(identity.text, node, after)
        return None

    def _piles_up(self, before: Node, after: Node) -> bool:
        """Whether a rewrite has brought numbers together that cannot be folded: together they may
        overflow or vanish where apart they did not.
        """
        if not self._has_pile(after):
            return False
        old = {before}
        for _ in range(_PATTERN_DEPTH):
            old.update([operand for node in old for operand in node.operands])
        for node in walk.depth_first([after], old):
            if node.op.name not in _PRODUCTS or node in old:
                continue
            first, last = node.operands[0], node.operands[-1]
            inner = last.operands[0] if last.op is node.op and last not in old else last
            if self._is_number(first) and self._is_number(inner):
                return True
        return False

    def _has_pile(self, root: Node) -> bool:
        """Whether numbers stand together anywhere below, old or new; each node is asked once."""
        known = self._crowded
        for node in walk.depth_first([root], Either(known, self._kept)):
            if node not in known:
                known[node] = node not in self._kept and (
                    self._is_pile(node) or any(map(known.__getitem__, node.operands))
                )
        return known[root]

    def _is_pile(self, node: Node) -> bool:
        if node.op.name not in _PRODUCTS or not self._is_number(node.operands[0]):
            return False
        last = node.operands[-1]
        return self._is_number(last) or (last.op is node.op and self._is_number(last.operands[0]))

    def _is_number(self, node: Node) -> bool:
        """Whether this is a constant without a name."""
        return uniform_value(node) is not None and node not in self.whole


def _folded(node: Node) -> Node | None:
    """The number that an operation on numbers is: to rounding, quotients only if they are exact."""
    numbers = [float(uniform_value(operand)) for operand in node.operands]
    if not all(map(math.isfinite, numbers)):
        return None
    division = node.op.name == "divide"
    if division and numbers[1] == 0:
        return None
    exact = _FOLDED[node.op.name](*map(Fraction, numbers))
    try:
        with np.errstate(all="ignore"):
            rounded = node.type.dtype.type(float(exact))
    except OverflowError:
        return None
    if not np.isfinite(rounded):
        return None
    # 0.1 + 0.2 is folded as rounding has it; 2/3 stays a fraction, and 1e-200·1e-200 a product.
    error = abs(Fraction(float(rounded)) - exact)
    if error * _PRECISE > abs(exact) or (division and error):
        return None
    return constant_node(rounded, node.type)
