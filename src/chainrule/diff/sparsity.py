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

What depends on no argument is computed, so that indices and masks are known.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import numpy.typing as npt

from chainrule.diff.edges import Edges
from chainrule.diff.forward import tangents
from chainrule.diff.rules import Mapped, Partial, Transfer, partials_of
from chainrule.errors import LimitError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value, input_node, uniform_value
from chainrule.graph.op import Call, Op
from chainrule.graph.types import UNKNOWN, Type
from chainrule.ops.branches import CALL, COND
from chainrule.ops.custom import CUSTOM, FOREIGN
from chainrule.ops.loops import (
    REPLAY,
    SCAN,
    WHILE,
    Loop,
    taken_apart,
    two_loops,
    while_apart,
)
from chainrule.ops.several import call_of, items
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
                several = [(True,) * len(one.type.parts)] if one.op.joint is not None else []
                values[one] = _function(one.op)(*given, *one.params, *several)
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


def repeated(
    dag: Dag,
    carried: Sequence[tuple[Node, Node]],
    starts: Mapping[Node, Pattern],
    times: int | None = None,
    known: Known | None = None,
) -> dict[Node, Pattern]:
    """The patterns of a graph that runs again and again on a part of its own results.

    They only grow from one run to the next, so that the least fixed point is reached after finitely
    many: what an element can depend on after any number of runs.

    Args:
        dag: The graph.
        carried: Pairs (argument, output): what an output gives is the argument of the next run.
        starts: Arguments with their patterns before the first run.
        times: How many runs there are at most; None: any number.
        known: The values of arguments that are known in every run.
    """
    given = dict(starts)
    done = 0
    while True:
        found = patterns(dag.order, given, known)
        done += 1
        grown = dict(given)
        for into, out in carried:
            after = found.get(out)
            if after is not None:
                before = given.get(into)
                grown[into] = after if before is None else united(before, after)
        same = grown.keys() == given.keys() and all(
            grown[node].nnz == pattern.nnz for node, pattern in given.items()
        )
        if same or done == times:
            return found
        given = grown


class _Propagation:
    """Patterns on their way through one graph, and through the rules of its operations."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._edges = Edges()
        self._unions: dict[tuple[int, int], tuple[Pattern, Pattern, Pattern]] = {}

    def over(self, order: Iterable[Node], starts: Mapping[Node, Pattern]) -> dict[Node, Pattern]:
        found = dict(starts)
        for node in order:
            if not node.operands or not node.type.is_float:
                continue
            if node.op.joint is not None:
                self._through_several(node, found)
                continue
            total = starts.get(node)
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

    def _through_several(self, node: Node, found: dict[Node, Pattern]) -> None:
        """Through an operation with several results: each as if it were a node of its own."""
        given = [found.get(operand) for operand in node.operands]
        if any(pattern is not None for pattern in given):
            made = self._results(node, given)
            results: list[Term] = items(node)
            for result, pattern in zip(results, made, strict=True):
                if pattern is not None and result.node.type.is_float:
                    found[result.node] = pattern

    def _results(self, node: Node, given: Sequence[Pattern | None]) -> Sequence[Pattern | None]:
        op = node.op
        if op is CALL or op is COND:
            dags = node.params if op is CALL else node.params[0]
            return self._any_of(dags, given[op is COND :])
        if op is SCAN:
            return self._loop(taken_apart(node.operands, node.params), node.params[0], given)
        if op is WHILE:
            return self._while(node, given)
        call = call_of(node)
        if op is REPLAY:
            return self._any_of([two_loops(call)], given)
        if op is FOREIGN or (op is CUSTOM and not node.params[1].has_forward):
            present = [pattern for pattern in given if pattern is not None]
            whole = stacked(present)
            return [dense(whole, _rows(type)) for type in node.type.parts]
        return self._by_rule(node, call, given)

    def _by_rule(
        self, node: Node, call: Call, given: Sequence[Pattern | None]
    ) -> list[Pattern | None]:
        """Through the graph of the operation's own rule for tangents."""
        assert node.op.joint is not None
        starts = {
            input_node(f"tangent{at}__", operand.type): pattern
            for at, (operand, pattern) in enumerate(zip(node.operands, given, strict=True))
            if pattern is not None
        }
        seeds = iter(starts)
        dots = [None if pattern is None else Term(next(seeds)) for pattern in given]
        moved = node.op.joint.push(tangents, call, dots)
        ends = [term.node for term in moved if term is not None]
        made = self.over(walk.depth_first(ends), starts)
        return [None if term is None else made.get(term.node) for term in moved]

    def _any_of(self, dags: Sequence[Dag], given: Sequence[Pattern | None]) -> list[Pattern | None]:
        """What one of several graphs may pass on."""
        total: list[Pattern | None] = [None] * len(dags[0].outputs)
        for dag in dags:
            made = self._inside(dag, dict(zip(dag.inputs, given, strict=True)))
            for at, output in enumerate(dag.outputs):
                total[at] = _either(total[at], made.get(output))
        return total

    def _inside(self, dag: Dag, given: Mapping[Node, Pattern | None]) -> dict[Node, Pattern]:
        starts = {node: pattern for node, pattern in given.items() if pattern is not None}
        return _Propagation(Known()).over(dag.order, starts)

    def _loop(self, loop: Loop, body: Dag, given: Sequence[Pattern | None]) -> list[Pattern | None]:
        """Step after step, as long as there are not too many; else whatever any step passes on."""
        given = given[loop.steps is not None :]
        inside = dict(zip(body.inputs, given, strict=True))
        count = loop.length
        if not 0 <= count <= _STEPS:
            return self._any_step(loop, body, inside)
        carried = [inside[part.inner] for part in loop.carried]
        before: list[list[Pattern | None]] = [[None] * count for _ in loop.carried]
        stacks: list[list[Pattern | None]] = [[None] * count for _ in loop.stacked]
        for step in range(count - 1, -1, -1) if loop.backward else range(count):
            here = dict(inside)
            for at, (part, pattern) in enumerate(zip(loop.carried, carried, strict=True)):
                before[at][step] = here[part.inner] = pattern
            for inner, _ in loop.sliced:
                here[inner] = _slice(inside[inner], step, _rows(inner.type))
            made = self._inside(body, here)
            carried = [made.get(part.out) for part in loop.carried]
            for rows, node in zip(stacks, loop.stacked, strict=True):
                rows[step] = made.get(node)
        nodes = [*loop.stacked, *(part.inner for part in loop.carried)]
        rows_of = [
            _joined(rows, _rows(node.type))
            for rows, node in zip([*stacks, *before], nodes, strict=True)
        ]
        return [*carried, *rows_of]

    def _any_step(
        self, loop: Loop, body: Dag, inside: Mapping[Node, Pattern | None]
    ) -> list[Pattern | None]:
        """What a loop of many steps, or of an unknown number, may pass on."""
        starts = dict(inside)
        for inner, _ in loop.sliced:
            starts[inner] = _folded(inside[inner], _rows(inner.type))
        given = {node: pattern for node, pattern in starts.items() if pattern is not None}
        pairs = [(part.inner, part.out) for part in loop.carried]
        made = repeated(body, pairs, given)
        ends = [_either(given.get(p.inner), made.get(p.out)) for p in loop.carried]
        copies = max(loop.length, 1)
        stacks = [made.get(node) for node in loop.stacked]
        return [*ends, *(_copied(pattern, copies) for pattern in [*stacks, *ends])]

    def _while(self, node: Node, given: Sequence[Pattern | None]) -> list[Pattern | None]:
        loop = while_apart(node.operands, node.params)
        body: Dag = node.params[1]
        made = self._any_step(loop, body, dict(zip(body.inputs, given, strict=True)))
        carried = len(loop.carried)
        return [*made[:carried], None, *made[carried:]]

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
            known = node.op.moves or node.op.reach is not None
            made = _moved(node, position, transfer, way, given, pattern) if known else None
            return dense(pattern, _size(node)) if made is None else made
        inner = _Propagation(Known(given))
        return inner.over(walk.depth_first([result]), {way.given: pattern}).get(result)


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
    return _rows(node.type)


def _rows(type: Type) -> int:
    """The rows of a pattern: one for each element; those of unknown many slices are one slice."""
    return math.prod([size for size in type.shape if size != UNKNOWN])


# --- slices ---------------------------------------------------------------------------------------

_STEPS: Final = 2000
"""Steps of a loop that are followed one by one."""


def _either(a: Pattern | None, b: Pattern | None) -> Pattern | None:
    if a is None or b is None:
        return b if a is None else a
    return united(a, b)


def _slice(pattern: Pattern | None, step: int, rows: int) -> Pattern | None:
    return None if pattern is None else pattern[step * rows : (step + 1) * rows]


def _folded(pattern: Pattern | None, rows: int) -> Pattern | None:
    """What any slice depends on."""
    if pattern is None or pattern.shape[0] == rows:
        return pattern
    return gathered(pattern, np.arange(pattern.shape[0]) % max(rows, 1), rows)


def _joined(slices: Sequence[Pattern | None], rows: int) -> Pattern | None:
    """Slices one below the other; None where there is nothing in any."""
    columns = next((pattern.shape[1] for pattern in slices if pattern is not None), None)
    if columns is None:
        return None
    empty = nothing(rows, columns)
    return stacked([empty if pattern is None else pattern for pattern in slices])


def _copied(pattern: Pattern | None, count: int) -> Pattern | None:
    if pattern is None:
        return None
    rows = pattern.shape[0]
    return taken(pattern, np.tile(np.arange(rows), count))


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
