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

import functools
import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from chainrule.diff.edges import Edges
from chainrule.diff.forward import tangents
from chainrule.diff.rules import Mapped, Partial, Transfer, partials_of
from chainrule.errors import DerivativeError, GraphError, LimitError
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node, constant_value, input_node, uniform_value
from chainrule.graph.op import Call, Op, Runs
from chainrule.graph.types import UNKNOWN, Type
from chainrule.ops.several import ITEM, call_of
from chainrule.ops.term import Term

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    Pattern = csr_array[np.bool_, tuple[int, int]]

Numbers = npt.NDArray[np.int64]

MOST: Final = 200_000_000
"""Entries that a pattern may have."""


@functools.cache
def sparse() -> Any:
    """The module ``scipy.sparse``, loaded on first use: it takes longer than all of ours."""
    return importlib.import_module("scipy.sparse")


# --- patterns -------------------------------------------------------------------------------------


def identity(count: int, columns: int, first: int = 0) -> Pattern:
    """So many elements, each depending on one column, from a first one on."""
    starts = np.arange(count + 1)
    return _pattern(np.arange(first, first + count), starts, columns)


def nothing(count: int, columns: int) -> Pattern:
    """So many elements that depend on nothing."""
    return _pattern(np.zeros(0, np.int64), np.zeros(count + 1, np.int64), columns)


def stacked(patterns: Sequence[Pattern]) -> Pattern:
    """The rows of several patterns, one below the other."""
    if len(patterns) == 1:
        return patterns[0]
    return cast("Pattern", sparse().vstack(patterns, format="csr"))


def united(a: Pattern, b: Pattern) -> Pattern:
    """What is in one or in the other; one of them itself where it has all."""
    if a is b or not b.nnz:
        return a
    if not a.nnz:
        return b
    _check(a.nnz + b.nnz)
    made = a + b
    if made.nnz == a.nnz:
        return a
    return b if made.nnz == b.nnz else made


def taken(pattern: Pattern, rows: Numbers) -> Pattern:
    """Rows by their numbers, nothing for −1."""
    if len(rows) == pattern.shape[0] and np.array_equal(rows, np.arange(len(rows))):
        return pattern
    _check(int(np.diff(pattern.indptr)[rows[rows >= 0]].sum(dtype=np.int64)))
    if (rows < 0).any():
        pattern = _pattern(
            pattern.indices, np.append(pattern.indptr, pattern.indptr[-1]), pattern.shape[1]
        )
    return pattern[rows]


def gathered(pattern: Pattern, places: Numbers, count: int) -> Pattern:
    """So many rows: each unites the given rows that go to its place; −1: they go nowhere."""
    here = np.flatnonzero(places >= 0)
    shape = (count, pattern.shape[0])
    there = sparse().csr_array((np.ones(len(here), np.bool_), (places[here], here)), shape=shape)
    made = there @ pattern
    made.sort_indices()
    return cast("Pattern", made)


def dense(pattern: Pattern, count: int) -> Pattern:
    """So many rows that all depend on everything any row of the pattern depends on."""
    whole = gathered(pattern, np.zeros(pattern.shape[0], np.int64), 1)
    return taken(whole, np.zeros(count, np.int64))


def symmetric(pattern: Pattern) -> Pattern:
    """What a matrix that is symmetric can have of a pattern: entries whose mirror is there, too."""
    made = pattern.multiply(pattern.T.tocsr()).tocsr()
    made.sort_indices()
    return made


def _pattern(indices: Any, starts: Any, columns: int) -> Pattern:
    shape = (len(starts) - 1, columns)
    data = np.ones(len(indices), np.bool_)
    return cast("Pattern", sparse().csr_array((data, indices, starts), shape=shape))


def _check(entries: int) -> None:
    if entries > MOST:
        raise LimitError(
            "E159",
            f"the derivatives have {entries:,} entries that may not be zero, more than {MOST:,}: "
            "they are not sparse",
        )


# --- values that are known ------------------------------------------------------------------------


class Known:
    """The values of nodes that depend on no argument, found when asked for.

    Args:
        given: Arguments whose values are known all the same, such as indices.
    """

    def __init__(self, given: Mapping[Node, Any] | None = None) -> None:
        self._values: dict[Node, Any] = dict(given or {})
        self._seen: dict[Node, bool] = dict.fromkeys(self._values, True)

    def of(self, node: Node) -> Any:
        """The value of a node; None where it depends on an argument."""
        if node.op is CONSTANT:
            return constant_value(node)
        seen = self._seen
        if node not in seen:
            for one in walk.depth_first([node], seen):
                if one not in seen:
                    fixed = one.op is CONSTANT
                    seen[one] = all(map(seen.__getitem__, one.operands)) if one.operands else fixed
        return computed(node, self._values) if seen[node] else None


def computed(node: Node, values: dict[Node, Any]) -> Any:
    """The value of a node over those that are known; they are joined by all on the way."""
    with np.errstate(all="ignore"):
        for one in walk.depth_first([node], values.keys()):
            if one not in values:
                if one.op is CONSTANT:
                    values[one] = constant_value(one)
                    continue
                given = [values[operand] for operand in one.operands]
                # An operation with several results is told which ones are wanted.
                more = () if one.op.joint is None else ((True,) * len(one.type.parts),)
                values[one] = _function(one.op)(*given, *one.params, *more)
    return values[node]


@functools.lru_cache(maxsize=1024)
def _function(op: Op) -> Callable[..., Any]:
    module, _, name = op.kernel.rpartition(".")
    return cast("Callable[..., Any]", getattr(importlib.import_module(module), name))


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
        arguments = runs.graphs[0].inputs
        operands = node.operands[runs.first :]
        loop = _Loop(
            runs,
            [graph.inputs for graph in runs.graphs],
            list(given[runs.first :]),
            [self._known.of(operand) for operand in operands],
        )
        start, end = runs.carried or (0, 0)
        carried = loop.patterns[start:end]
        values = loop.values[start:end]
        counts = [_size(x) for x in arguments]
        width = next(pattern.shape[1] for pattern in given if pattern is not None)
        count = end - start
        outputs = runs.graphs[0].outputs
        rows: list[list[Pattern | None]] = []
        if 0 <= runs.length <= _UNROLLED:
            steps = range(runs.length)
            for step in reversed(steps) if runs.backward else steps:
                made, after = self._step(loop, carried, values, step)
                rows.append([*made[count:], *carried])
                carried, values = made[:count], after[:count]
            if runs.backward:
                rows.reverse()
        else:
            # What is carried only grows, up to what any number of steps does.
            values = [None] * count
            while True:
                made, _ = self._step(loop, carried, values, None)
                grown = [
                    a if b is None else b if a is None else self._united(a, b)
                    for a, b in zip(carried, made[:count], strict=True)
                ]
                pairs = zip(carried, grown, strict=True)
                if all(_entries(a) == _entries(b) for a, b in pairs):
                    break
                carried = grown
            every = 1 if runs.length < 0 else runs.length
            rows = [
                [*self._step(loop, carried, values, step)[0][count:], *carried]
                for step in _steps(loop, every)
            ]
        sizes = [*[_size(x) for x in outputs[count:]], *counts[start:end]]
        if not runs.kept:
            sizes = sizes[: len(outputs) - count]
        stacks: list[Pattern | None] = []
        for at, size in enumerate(sizes):
            column = [row[at] for row in rows]
            if runs.carried is None:
                stacks.append(column[0])
            elif all(part is None for part in column):
                stacks.append(None)
            else:
                stacks.append(
                    stacked([nothing(size, width) if part is None else part for part in column])
                )
        return [*carried, *[None] * runs.between, *stacks]

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
        start, end = runs.carried or (len(loop.patterns), len(loop.patterns))
        patterns = [*loop.patterns[:start], *carried, *loop.slices(end, step)]
        known = [*loop.values[:start], *values, *loop.parts(end, step)]
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
                total = [
                    a if b is None else b if a is None else self._united(a, b)
                    for a, b in zip(total, made, strict=True)
                ]
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
        inputs: The arguments of its graphs.
        patterns: Of what its arguments are outside.
        values: The same where they are known.
    """

    runs: Runs
    inputs: Sequence[Sequence[Node]]
    patterns: Sequence[Pattern | None]
    values: Sequence[Any]

    def slices(self, first: int, step: int | None) -> list[Pattern | None]:
        """The patterns of the slices in a step; None: of all of them together."""
        found: list[Pattern | None] = []
        nodes = self.inputs[0][first:]
        for node, pattern in zip(nodes, self.patterns[first:], strict=True):
            size = _size(node)
            if pattern is None or self.runs.length < 0:  # one stands for all of them
                found.append(pattern)
            elif step is None:
                places = np.arange(pattern.shape[0]) % max(size, 1)
                found.append(gathered(pattern, places, size))
            else:
                found.append(pattern[step * size : (step + 1) * size])
        return found

    def parts(self, first: int, step: int | None) -> list[Any]:
        """The slices in a step where they are known."""
        if step is None or self.runs.length < 0:
            return [None] * len(self.values[first:])
        return [None if value is None else value[step] for value in self.values[first:]]


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


def _steps(loop: _Loop, count: int) -> Iterable[int | None]:
    """The steps that differ; where nothing is sliced none do."""
    sliced = loop.runs.carried is not None and len(loop.patterns) > loop.runs.carried[1]
    return range(count) if sliced and loop.runs.length >= 0 else [None] * count


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
