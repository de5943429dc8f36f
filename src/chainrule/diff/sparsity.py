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
- Loops are followed step by step, or, where they have many, up to the least fixed point: what any
  number of steps does.

What depends on no argument is computed, so that indices and masks are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from chainrule.diff.batch import batch
from chainrule.diff.edges import Edges
from chainrule.diff.forward import tangents
from chainrule.diff.known import Known, computed
from chainrule.diff.patterns import (
    Numbers,
    dense,
    gathered,
    identity,
    nothing,
    stacked,
    taken,
    united,
)
from chainrule.diff.rules import Mapped, Partial, Transfer, partials_of
from chainrule.errors import DerivativeError, GraphError
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node, input_node, uniform_value
from chainrule.graph.op import Call, Op, Runs
from chainrule.graph.types import UNKNOWN, Type
from chainrule.ops.several import ITEM, call_of
from chainrule.ops.term import Term

if TYPE_CHECKING:
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


_UNROLLED: Final = 200
"""Steps of a loop that are followed one by one, at most; of more, what any number of them does."""


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
        shared: dict[Node, Sequence[Pattern | None]] = {}
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

    # --- operations with several results ----------------------------------------------------------

    def _jointly(self, node: Node, given: Sequence[Pattern | None]) -> Sequence[Pattern | None]:
        """The patterns of all results of a node, from those of its operands."""
        joint = node.op.joint
        assert joint is not None
        call = call_of(node)
        if joint.runs is not None:
            return self._run(joint.runs(call), node, given)
        if node.op not in self._inside:
            places = [input_node(f"x{at}", x.type) for at, x in enumerate(node.operands)]
            outs = [input_node(f"out{at}", type) for at, type in enumerate(node.type.parts)]
            seeds = [
                None if pattern is None else input_node(f"tangent{at}", place.type)
                for at, (place, pattern) in enumerate(zip(places, given, strict=True))
            ]
            terms = [None if seed is None else Term(seed) for seed in seeds]
            values = [self._known.of(operand) for operand in node.operands]
            known = {x: v for x, v in zip(places, values, strict=True) if v is not None}
            starts = {
                seed: pattern
                for seed, pattern in zip(seeds, given, strict=True)
                if seed is not None and pattern is not None
            }
            own = Call(node.op, list(map(Term, places)), node.params, list(map(Term, outs)))
            try:
                made = joint.push(tangents, own, terms)
            except DerivativeError:  # there is no rule forward: it may be anything
                return self._all(node, given)
            ends = [None if term is None else term.node for term in made]
            order = walk.depth_first([end for end in ends if end is not None])
            inner = _Propagation(Known(known), self._inside | {node.op})
            found = inner.over(order, starts)
            return [None if end is None else found.get(end) for end in ends]
        return self._all(node, given)

    def _all(self, node: Node, given: Sequence[Pattern | None]) -> Sequence[Pattern | None]:
        """All results depend on all that any operand depends on."""
        (row, *rest) = [dense(pattern, 1) for pattern in given if pattern is not None]
        for other in rest:
            row = self._united(row, other)
        return [
            taken(row, np.zeros(_count(type), np.int64)) if type.is_float else None
            for type in node.type.parts
        ]

    def _run(
        self, runs: Runs, node: Node, given: Sequence[Pattern | None]
    ) -> Sequence[Pattern | None]:
        """Through the graphs that an operation holds, as it runs them."""
        width = next(pattern.shape[1] for pattern in given if pattern is not None)
        values = [self._known.of(operand) for operand in node.operands[runs.first :]]
        loop = _Loop(runs, list(given[runs.first :]), values, width)
        follow = self._followed if 0 <= runs.length <= _UNROLLED else self._settled
        carried, stacks = follow(loop)
        return [*carried, *[None] * runs.between, *stacks]

    def _followed(self, loop: _Loop) -> tuple[Sequence[Pattern | None], Sequence[Pattern | None]]:
        """What is carried at the end, and what is stacked, step by step."""
        runs = loop.runs
        carried, values = loop.patterns[loop.start : loop.end], loop.values[loop.start : loop.end]
        count = loop.end - loop.start
        rows: list[list[Pattern | None]] = []
        steps = range(runs.length)
        for step in reversed(steps) if runs.backward else steps:
            made, after = self._step(loop, carried, values, step)
            rows.append([*made[count:], *carried])
            carried, values = made[:count], after[:count]
        if runs.backward:
            rows.reverse()
        stacks: list[Pattern | None] = []
        for at, node in enumerate(loop.stacked):
            column = [row[at] for row in rows]
            size = _size(node)
            there = any(part is not None for part in column)
            parts = [nothing(size, loop.width) if part is None else part for part in column]
            stacks.append(stacked(parts) if there else None)
        return carried, stacks

    def _settled(self, loop: _Loop) -> tuple[Sequence[Pattern | None], Sequence[Pattern | None]]:
        """The same for any number of steps: what is carried only grows, up to a fixed point."""
        runs = loop.runs
        carried: Sequence[Pattern | None] = loop.patterns[loop.start : loop.end]
        count = loop.end - loop.start
        nowhere = [None] * count
        while True:
            made, _ = self._step(loop, carried, nowhere, None)
            grown = self._each_united(carried, made[:count])
            settled = list(map(_entries, grown)) == list(map(_entries, carried))
            carried = grown
            if settled:
                break
        if runs.length < 0:  # one step stands for all of them
            return carried, [*made[count:], *carried][: len(loop.stacked)]
        rows = [*self._every_step(loop, carried), *(_tiled(x, runs.length) for x in carried)]
        return carried, rows[: len(loop.stacked)]

    def _every_step(self, loop: _Loop, carried: Sequence[Pattern | None]) -> list[Pattern | None]:
        """What a loop stacks from all steps, by one pass over the batch of them."""
        count = loop.runs.length
        graph = loop.runs.graphs[0]
        sliced = graph.inputs[loop.end :]
        many = {x: input_node(f"every__{at}", x.type.stacked(count)) for at, x in enumerate(sliced)}
        found = batch(graph.order, many, count)
        places = [*graph.inputs[: loop.end], *many.values()]
        outer = [*loop.patterns[: loop.start], *carried, *loop.patterns[loop.end :]]
        fixed = [*loop.values[: loop.start], *[None] * len(carried), *loop.values[loop.end :]]
        pairs = zip(places, outer, strict=True)
        starts = {x: pattern for x, pattern in pairs if pattern is not None and x.type.is_float}
        known = Known({x: v for x, v in zip(places, fixed, strict=True) if v is not None})
        outputs = graph.outputs[len(carried) :]
        order = walk.depth_first([found.get(node, node) for node in outputs])
        flow = _Propagation(known, self._inside).over(order, starts)
        return [
            flow.get(found[node]) if node in found else _tiled(flow.get(node), count)
            for node in outputs
        ]

    def _each_united(
        self, some: Sequence[Pattern | None], others: Sequence[Pattern | None]
    ) -> list[Pattern | None]:
        return [
            a if b is None else b if a is None else self._united(a, b)
            for a, b in zip(some, others, strict=True)
        ]

    def _step(
        self,
        loop: _Loop,
        carried: Sequence[Pattern | None],
        values: Sequence[Any],
        step: int | None,
    ) -> tuple[list[Pattern | None], list[Any]]:
        """One step of a loop: the patterns of the outputs, and their values where they are known.

        Args:
            loop: The loop.
            carried: The patterns of what is carried.
            values: What is carried, where it is known.
            step: The number of the step; None: any.
        """
        runs = loop.runs
        start = loop.start
        patterns = [*loop.patterns[:start], *carried, *loop.slices(step)]
        known = [*loop.values[:start], *values, *loop.parts(step)]
        total: list[Pattern | None] = []
        after: list[Any] = []
        for graph in runs.graphs:
            pairs = zip(graph.inputs, patterns, strict=True)
            starts = {x: p for x, p in pairs if p is not None and x.type.is_float}
            given = Known({x: v for x, v in zip(graph.inputs, known, strict=True) if v is not None})
            found = _Propagation(given, self._inside).over(graph.order, starts)
            made = [found.get(x) for x in graph.outputs]
            if graph is runs.graphs[0]:
                total, after = made, []
                if step is not None and len(runs.graphs) == 1:
                    after = [None if x.type.is_float else given.of(x) for x in graph.outputs]
            else:
                total = self._each_united(total, made)
        return total, after or [None] * len(total)

    # --- operations with one result ---------------------------------------------------------------

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
        way = transfer.push if node.op.reach is None else _reach(node, position, transfer, values)
        holders = zip(transfer.operands, values, strict=True)
        given = {holder: value for holder, value in holders if value is not None}
        result = way.result
        if result is way.given:
            return pattern
        if result.op is node.op and way.given in result.operands:
            made = _moved(node, position, transfer, way, given, pattern)
            return _by_items(node, pattern) if made is None else made
        if node.op in self._inside:
            return _by_items(node, pattern)
        inner = _Propagation(Known(given), self._inside | {node.op})
        return inner.over(walk.depth_first([result]), {way.given: pattern}).get(result)


class _Loop(NamedTuple):
    """A loop, with what its arguments are outside of it.

    Attributes:
        runs: How it runs.
        patterns: Of what its arguments are outside.
        values: The same where they are known.
        width: The number of columns of all patterns.
    """

    runs: Runs
    patterns: Sequence[Pattern | None]
    values: Sequence[Any]
    width: int

    @property
    def start(self) -> int:
        """The first argument that is carried."""
        return len(self.patterns) if self.runs.carried is None else self.runs.carried[0]

    @property
    def end(self) -> int:
        """The first argument that is a slice."""
        return len(self.patterns) if self.runs.carried is None else self.runs.carried[1]

    @property
    def stacked(self) -> list[Node]:
        """What is stacked from all steps, as nodes of one step."""
        graph = self.runs.graphs[0]
        kept = graph.inputs[self.start : self.end] if self.runs.kept else ()
        return [*graph.outputs[self.end - self.start :], *kept]

    def slices(self, step: int | None) -> list[Pattern | None]:
        """The patterns of the slices in a step; None: of all of them together."""
        found: list[Pattern | None] = []
        nodes = self.runs.graphs[0].inputs[self.end :]
        for node, pattern in zip(nodes, self.patterns[self.end :], strict=True):
            size = _size(node)
            if pattern is None or self.runs.length < 0:  # one stands for all of them
                found.append(pattern)
            elif step is None:
                places = np.arange(pattern.shape[0]) % max(size, 1)
                found.append(gathered(pattern, places, size))
            else:
                found.append(pattern[step * size : (step + 1) * size])
        return found

    def parts(self, step: int | None) -> list[Any]:
        """The slices in a step where they are known."""
        sliced = self.values[self.end :]
        if step is None or self.runs.length < 0:
            return [None] * len(sliced)
        return [None if value is None else value[step] for value in sliced]


def _tiled(pattern: Pattern | None, count: int) -> Pattern | None:
    """So many copies, one below the other."""
    if pattern is None:
        return None
    return taken(pattern, np.tile(np.arange(pattern.shape[0]), count))


def _entries(pattern: Pattern | None) -> int:
    return 0 if pattern is None else int(pattern.nnz)


def _by_items(node: Node, pattern: Pattern) -> Pattern:
    """All elements of a result depend on all of an operand, but for items that are worked on apart.

    Whether the first axis is one of items is told by how the operation works on many at once: then
    it is the operation itself on operands with one more axis.
    """
    types = [operand.type for operand in node.operands]
    count = 1
    while all(type.shape for type in types):
        first = types[0].shape[0]
        if first < 1 or any(type.shape[0] != first for type in types) or node.op.batch is None:
            break
        inner = [type.with_shape(type.shape[1:]) for type in types]
        try:
            node.op.infer(node.op, inner, node.params)
            terms = [Term(input_node(f"x{at}", type)) for at, type in enumerate(types)]
            made = node.op.batch(node.op, terms, [True] * len(terms), node.params).node
        except (GraphError, IndexError, ValueError):
            break
        same = made.op is node.op and made.params == node.params
        if not same or list(made.operands) != [term.node for term in terms]:
            break
        count *= first
        types = inner
    size = pattern.shape[0]
    whole = gathered(pattern, np.arange(size) // max(size // count, 1), count)
    out = _size(node)
    return taken(whole, np.arange(out) // max(out // count, 1))


def _reach(node: Node, position: int, transfer: Transfer, values: Sequence[Any]) -> Mapped:
    """The graph of the elements that an operand reaches, by the operation's own rule."""
    assert node.op.reach is not None
    start = input_node("tangent", transfer.operand)
    terms = [Term(start), Term(transfer.out), *map(Term, transfer.operands)]
    result = node.op.reach(position, values, *terms, *node.params)
    assert result.node.type is node.type, (node, result.node)
    return Mapped(start, result.node)


def _moved(
    node: Node,
    position: int,
    transfer: Transfer,
    way: Mapped,
    given: Mapping[Node, Any],
    pattern: Pattern,
) -> Pattern | None:
    """Through a linear operation that moves elements or adds some up; None where that is unknown.

    It is run on the numbers of elements, in the direction in which none of them are added up.
    """
    count = _size(node.operands[position])
    here, there = node.operands[position].type.shape, node.type.shape
    rows = _numbers_through(way, here, given)
    if rows is not None:
        return taken(pattern, rows)
    places = _numbers_through(transfer.pull, there, given)
    if places is not None and len(places) == count:
        return gathered(pattern, places, _size(node))
    return None


def _numbers_through(
    way: Mapped, shape: tuple[int, ...], given: Mapping[Node, Any]
) -> Numbers | None:
    """For each element of a result the number of the one that it is, −1 for zeros.

    None where some are sums of several, or depend on what is not known.
    """
    count = math.prod(shape)
    leaves = walk.depth_first([way.result], (way.given, *given))
    if any(
        node.is_leaf and node.op is not CONSTANT and node is not way.given and node not in given
        for node in leaves
    ):
        return None
    ones = np.asarray(computed(way.result, {**given, way.given: np.ones(shape)}))
    if ones.size and ones.max() > 1:
        return None
    numbers = np.arange(1.0, count + 1).reshape(shape)
    found = np.asarray(computed(way.result, {**given, way.given: numbers}))
    return found.ravel().astype(np.int64) - 1


def _size(node: Node) -> int:
    return _count(node.type)


def _count(type: Type) -> int:
    """The number of elements; of what has a length that is not known, those of one step."""
    return math.prod([size for size in type.shape if size != UNKNOWN])


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
    columns = sum(map(_size, wrt))
    starts: dict[Node, Pattern] = {}
    first = 0
    for node in wrt:
        own = identity(_size(node), columns, first)
        starts[node] = united(starts[node], own) if node in starts else own
        first += _size(node)
    found = patterns(walk.depth_first([*wrt, *outputs]), starts, known)
    parts = [found.get(node) for node in outputs]
    made = stacked([
        nothing(_size(node), columns) if part is None else part
        for node, part in zip(outputs, parts, strict=True)
    ])  # fmt: skip
    if not made.has_sorted_indices:
        made = made.sorted_indices()
    return made
