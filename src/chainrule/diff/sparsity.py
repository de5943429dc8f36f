"""Which derivatives can be other than zero: patterns of Jacobians and Hessians, from a graph alone.

Each node has a pattern: for each of its elements the set of elements that it may depend on, as a
sparse matrix of truth values with a row for each element. Patterns flow along the edges as tangents
do (A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., 2008, section 7.1), a whole array
at a time:

- Pointwise operations unite the patterns of their operands, element by element. Where a local
  derivative is known to be zero, as that of a masked element, nothing is passed on.
- Operations that move elements or add some up are run on the numbers of elements in place of
  elements, which tells where each one comes from or goes to.
- For every other operation the pattern flows through the graph of its own rule.
- Operations that hold graphs pass it through these, as often as they run them.

What depends on no argument is computed, so that indices and masks are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.diff.array_patterns import by_items, moved, reach
from chainrule.diff.edges import Edges
from chainrule.diff.inner_patterns import all_of_all, by_rule, through_runs
from chainrule.diff.known import Known
from chainrule.diff.patterns import identity, nothing, size, stacked, taken, united
from chainrule.diff.rules import Partial, Transfer, partials_of
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.op import Op
from chainrule.ops.several import ITEM, call_of

if TYPE_CHECKING:
    from chainrule.diff.inner_patterns import Flow, Patterns
    from chainrule.diff.patterns import Pattern


# --- propagation ----------------------------------------------------------------------------------


def patterns(
    order: Iterable[Node], starts: Mapping[Node, Pattern], known: Known | None = None
) -> dict[Node, Pattern]:
    """The patterns of all nodes that depend on one of the starts.

    Args:
        order: Nodes in topological order.
        starts: Some of them, with their patterns.
        known: The values of arguments that are known.

    Raises:
        LimitError: E159 where they are not sparse.
    """
    return _Propagation(known or Known()).over(order, starts)


class _Propagation:
    """Patterns on their way through one graph, and through the rules of its operations.

    Args:
        known: The values that are known.
        inside: The operations whose rules the graph belongs to. A rule that calls for itself is not
            followed.
    """

    def __init__(self, known: Known, inside: frozenset[Op] = frozenset()) -> None:
        self._known = known
        self._inside = inside
        self._edges = Edges()
        self._unions: dict[tuple[int, int], tuple[Pattern, Pattern, Pattern]] = {}

    def over(self, order: Iterable[Node], starts: Mapping[Node, Pattern]) -> dict[Node, Pattern]:
        found = dict(starts)
        shared: dict[Node, Patterns] = {}
        for node in order:
            if not node.operands or not node.type.is_float:
                continue
            total = starts.get(node)
            if node.op.joint is not None:
                given = [found.get(operand) for operand in node.operands]
                if any(pattern is not None for pattern in given):
                    shared[node] = self._jointly(node, given)
                continue
            if node.op is ITEM:
                (several,) = node.operands
                total = shared[several][node.params[0]] if several in shared else total
            for position, operand in enumerate(node.operands):
                pattern = found.get(operand)
                if pattern is None:
                    continue
                passed = self._along(node, position, pattern)
                if passed is not None:
                    total = passed if total is None else self._united(total, passed)
            if total is not None:
                found[node] = total
        return found

    def _within(self, *ops: Op) -> Flow:
        """The same pass through a graph inside of this one: one held by a node, or a rule."""
        inside = self._inside.union(ops)
        return lambda order, starts, known: _Propagation(known, inside).over(order, starts)

    def _jointly(self, node: Node, given: Patterns) -> Patterns:
        """The patterns of all results of a node, from those of its operands."""
        joint = node.op.joint
        assert joint is not None
        if joint.runs is not None:
            runs = joint.runs(call_of(node))
            values = [self._known.of(operand) for operand in node.operands[runs.first :]]
            return through_runs(self._within(), runs, given[runs.first :], values)
        if node.op in self._inside:
            return all_of_all(node, given)
        values = [self._known.of(operand) for operand in node.operands]
        return by_rule(self._within(node.op), node, given, values)

    def _united(self, a: Pattern, b: Pattern) -> Pattern:
        """As `united`, once for the same two; they are kept, so that no other takes their place."""
        key = (id(a), id(b))
        if key not in self._unions:
            self._unions[key] = (a, b, united(a, b))
        return self._unions[key][2]

    def _along(self, node: Node, position: int, pattern: Pattern) -> Pattern | None:
        """What one edge passes on; None: nothing."""
        if node.op.pointwise:
            edge = self._edges.into(node, position)
            if edge is None or not isinstance(edge, Partial):
                return None
            return self._masked(pattern, edge)
        types = tuple([operand.type for operand in node.operands])
        rules = partials_of(node.op, types, node.type, node.params)
        transfer = rules.partials[position]
        if transfer is None:
            return None
        assert isinstance(transfer, Transfer)
        return self._through(node, position, transfer, pattern)

    def _masked(self, pattern: Pattern, edge: Partial) -> Pattern | None:
        """What is left where a local derivative is zero whatever the arguments are."""
        if edge.constant == 0:
            return None
        passes: Any = True
        for part in (edge.guard, None if edge.constant is not None else edge.factor):
            if part is None:
                continue
            value = uniform_value(part) if part.op is CONSTANT else None
            value = self._known.of(part) if value is None else value
            if value is not None:
                # NaN is not zero.
                passes = passes & (np.asarray(value) != 0)
        if np.all(passes):
            return pattern
        here = np.broadcast_to(np.ravel(passes), pattern.shape[:1])
        return taken(pattern, np.where(here, np.arange(len(here)), -1))

    def _through(
        self, node: Node, position: int, transfer: Transfer, pattern: Pattern
    ) -> Pattern | None:
        """Through an operation on whole arrays, by the numbers of elements or by its rule."""
        values = [self._known.of(operand) for operand in node.operands]
        way = transfer.push if node.op.reach is None else reach(node, position, transfer, values)
        holders = zip(transfer.operands, values, strict=True)
        given = {holder: value for holder, value in holders if value is not None}
        result = way.result
        if result is way.given:
            return pattern
        if result.op is node.op and way.given in result.operands:
            made = moved(node, position, transfer, way, given, pattern)
            return by_items(node, pattern) if made is None else made
        if node.op in self._inside:
            return by_items(node, pattern)
        flow = self._within(node.op)
        return flow(walk.depth_first([result]), {way.given: pattern}, Known(given)).get(result)


# --- of derivatives -------------------------------------------------------------------------------


def jacobian_pattern(
    outputs: Sequence[Node], wrt: Sequence[Node], known: Known | None = None
) -> Pattern:
    """Which elements of the outputs may depend on which elements of ``wrt``.

    A row for each element of an output, one output after the other, elements in row-major order; a
    column for each element of ``wrt`` likewise.

    >>> from chainrule.formula.infix import read
    >>> dag = read("x*y, sin(y), floor(x)")
    >>> jacobian_pattern(dag.outputs, dag.inputs).toarray().astype(int)
    array([[1, 1],
           [0, 1],
           [0, 0]])

    Args:
        outputs: What is differentiated.
        wrt: By what.
        known: The values of arguments that are known.

    Raises:
        LimitError: E159 where there are too many.
    """
    columns = sum(size(node.type) for node in wrt)
    starts: dict[Node, Pattern] = {}
    first = 0
    for node in wrt:
        own = identity(size(node.type), columns, first)
        starts[node] = united(starts[node], own) if node in starts else own
        first += size(node.type)
    found = patterns(walk.depth_first([*wrt, *outputs]), starts, known)
    parts = [found.get(node) for node in outputs]
    made = stacked([
        nothing(size(node.type), columns) if part is None else part
        for node, part in zip(outputs, parts, strict=True)
    ])  # fmt: skip
    if not made.has_sorted_indices:
        made = made.sorted_indices()
    return made
