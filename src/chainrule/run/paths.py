"""Every directed path between two nodes with its product of local derivatives, largest first.

The best way on from each node is found in one walk backward over the graph. A path is then the best
one, but for some departures from it: edges that lose a certain factor. The departures that are
possible from a node on are kept in a heap that shares its parts with the heap of the next node, so
that each further path costs a few steps, however many paths there are (D. Eppstein, Finding the k
shortest paths, SIAM J. Computing 28, 1998; on an acyclic graph its first step is a plain walk).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.errors import DerivativeError, EvaluationError, GraphError
from chainrule.graph import walk
from chainrule.graph.facts import Edge
from chainrule.graph.node import Node
from chainrule.run.interpret import Flow, Sweep

MOST: Final = 10**6
"""More paths than this are not added up one by one."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """One edge of a path.

    Attributes:
        operand: Where the edge starts.
        user: Where it ends.
        position: Which operand of the user it is, from 0; ``x*x`` has two edges from ``x``.
        local_derivative: ∂user/∂operand along this edge.
        live: False where the edge carries structurally nothing: it belongs to a branch that is not
            taken, leads through an integer or a condition, or into a step function.
    """

    operand: Node
    user: Node
    position: int
    local_derivative: float
    live: bool


@dataclass(frozen=True, slots=True)
class Path:
    """One path: its edges from the source on, and the product of their local derivatives.

    Attributes:
        source: Where it starts.
        steps: Its edges; none where source and target are the same node.
        product: What the path contributes to the derivative. Exactly 0 where one of the edges is
            not live, whatever the others are. Rounded once for each factor, without overflow or
            underflow on the way.
    """

    source: Node
    steps: tuple[PathStep, ...]
    product: float

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes it goes through, both ends included."""
        return (self.source, *[step.user for step in self.steps])


class Paths:
    """The paths from one node to another at one point: the chain rule as a sum of products.

    Iterating gives the paths, largest magnitude of the product first, each time anew; a path is
    computed when it is asked for, so the first ones of 2¹⁰⁰ come at once. In order:

    - products that are infinite or NaN, those with the most such factors first;
    - finite products by magnitude, compared by logarithms, so that overflow and underflow do not
      matter (products that agree to the last few digits may stand either way round);
    - products with a factor 0, then those that are structurally 0.

    Where products have the same magnitude the order is fixed, too: where all of them do, paths
    compare node by node from the source on, by the graph's topological order.

    Paths through integers and conditions are paths: they are counted and listed, with product 0.

    >>> from chainrule.formula.infix import read
    >>> dag = read("a = x + y; f = a * x")
    >>> x, y = dag.inputs
    >>> paths = Paths(Sweep(dag, {x: np.float64(3), y: np.float64(2)}), x, dag.output)
    >>> for path in paths:
    ...     print([dag.labels[node] for node in path.nodes], path.product)
    ['x', 'f'] 5.0
    ['x', 'a', 'f'] 3.0
    >>> paths.count, paths.sum(), paths.derivative
    (2, 8.0, 8.0)

    Attributes:
        sweep: The numbers.
        source: Where the paths start.
        target: Where they end.
        holding: Nodes held fixed; the paths avoid them.
    """

    def __init__(
        self, sweep: Sweep, source: Node, target: Node, holding: Collection[Node] = ()
    ) -> None:
        """Look at the paths; nothing is computed yet.

        Raises:
            GraphError: E224 for a node of another graph, E228 when an end is held fixed.
            EvaluationError: E305 when the sweep is over many points or the target is an array.
        """
        for node in (source, target, *holding):
            if node not in sweep.dag:
                raise GraphError("E224", f"{node!r} is not in this graph")
        labels = sweep.dag.labels
        self.holding = frozenset(holding)
        for node in (source, target):
            if node in self.holding:
                raise GraphError(
                    "E228", f"{labels[node]!r} cannot change and be held fixed at once"
                )
        shape = np.shape(sweep.values[target])
        if shape:
            raise EvaluationError(
                "E305",
                f"paths are of one point and one number, {labels[target]!r} has shape "
                f"{list(shape)}; choose one with point(…)",
            )
        self.sweep = sweep
        self.source = source
        self.target = target

    @cached_property
    def count(self) -> int:
        """How many paths there are, exactly; counted without listing them."""
        return walk.path_counts(self._between, self.target, [self.source])[self.source]

    @property
    def derivative(self) -> float:
        """∂target/∂source from the backward pass: what the products add up to.

        Raises:
            DerivativeError: E331 when one of the ends is an integer or a condition.
        """
        if not self.source.type.is_float:
            raise DerivativeError("E331", f"a value of type {self.source.type} has no derivative")
        adjoints = self.sweep.reverse(self.target, wrt=[self.source], holding=self.holding)
        return float(adjoints.get(self.source, 0.0))

    def first(self, count: int) -> tuple[Path, ...]:
        """The ``count`` paths of largest magnitude, or all when there are fewer."""
        return tuple(islice(self, count))

    def sum(self, most: int = MOST) -> float:
        """The sum of all products, path by path, rounded once at the end.

        Raises:
            DerivativeError: E338 when there are more than ``most`` paths; ``derivative`` gives
                their sum however many there are.
        """
        if self.count > most:
            raise DerivativeError(
                "E338",
                f"more than {most} paths are too many to add up one by one; "
                "the derivative is their sum",
            )
        return add_up([path.product for path in self])

    def __iter__(self) -> Iterator[Path]:
        ways = self._ways
        if self.source not in ways.weight:
            return
        yield self._path(0, None)
        queue: list[_Candidate] = []
        if first := ways.departures[self.source]:
            heappush(queue, _candidate(0, 0, first, None))
        listed = 1
        while queue:
            loss, base, _, _, choice, before = heappop(queue)
            taken = (before, choice.step)
            yield self._path(loss, taken)
            # The next best departures from the same path …
            rest = loss - choice.loss
            for other in (choice.left, choice.right):
                if other:
                    heappush(queue, _candidate(rest, base, other, before))
            # … and the best one from the new path, further on; among equals it comes first.
            if more := ways.departures[choice.step.user]:
                heappush(queue, _candidate(loss, -listed, more, taken))
            listed += 1

    def _path(self, loss: int, taken: _Taken) -> Path:
        """The path that departs from the best ways at some edges, given last one first."""
        ways = self._ways
        departures = []
        while taken:
            taken, step = taken
            departures.append(step)
        steps: list[PathStep] = []
        node = self.source
        while departures:
            departure = departures.pop()
            ways.follow(steps, node, departure.operand)
            steps.append(departure)
            node = departure.user
        ways.follow(steps, node, self.target)
        if ways.weight[self.source] - loss < -_CLOSED // 2:
            product = 0.0
        elif ways.swing[self.source] < _SAFE:
            product = math.prod(map(_local_derivative, steps))
        else:
            product = _careful_product(map(_local_derivative, steps))
        return Path(self.source, tuple(steps), product)

    @cached_property
    def _between(self) -> list[Node]:
        """The nodes on the paths, in topological order."""
        free = [node for node in self.sweep.dag.order if node not in self.holding]
        reached = walk.descendants(free, [self.source])
        wanted = {self.target} & reached
        for node in reversed(free):
            if node in wanted:
                wanted.update(operand for operand in node.operands if operand in reached)
        return [node for node in free if node in wanted]

    @cached_property
    def _ways(self) -> _Ways:
        ways = _Ways()
        uses = self.sweep.dag.uses
        nodes = self._between
        for place, node in enumerate(reversed(nodes)):
            if node is self.target:
                ways.end(node)
            else:
                steps = [self._step(edge) for edge in uses(node) if edge.user in ways.weight]
                ways.add(node, place, steps)
        return ways

    def _step(self, edge: Edge) -> PathStep:
        operand, user, position = edge
        local = float(self.sweep.local_derivative(user, position))
        # What is structurally nothing is 0, and stays 0 when even an infinite adjoint meets it.
        live = local != 0 or bool(
            self.sweep.contribution(Flow({user: np.float64(math.inf)}), user, user, position) != 0
        )
        return PathStep(operand, user, position, local, live)


def add_up(products: Sequence[float]) -> float:
    """The sum, rounded once; infinite or NaN where floating-point addition says so.

    >>> add_up([1e16, 1.0, -1e16]), add_up([math.inf, -math.inf])
    (1.0, nan)
    """
    try:
        return math.fsum(products)
    except (OverflowError, ValueError):  # beyond the largest float; ∞ − ∞
        return sum(products)


# --- magnitudes as whole numbers ------------------------------------------------------------------

# The weight of an edge is its log₂ in units of 2⁻⁵², a whole number, so that the weight of a path
# is an exact sum and ties are ties. An edge that is 0, infinite, NaN or not live weighs more than
# any number of ordinary edges can make up for: a log₂ is below 2¹¹, and no memory holds 2³² edges.
_UNITS: Final = 52
_ZERO: Final = 1 << 96
_ENDLESS: Final = 1 << 130
_CLOSED: Final = 1 << 164

_SAFE: Final = 1000
"""As long as exponents add up to less than this, plain products neither overflow nor underflow."""

_AHEAD: Final = 16
"""How many edges of the best way each node knows: long paths are put together from such pieces."""

_local_derivative: Final = attrgetter("local_derivative")


def _weight(step: PathStep) -> int:
    local = step.local_derivative
    if not step.live:
        return -_CLOSED
    if not math.isfinite(local):
        return _ENDLESS
    if local == 0:
        return -_ZERO
    mantissa, exponent = math.frexp(abs(local))
    return (exponent << _UNITS) + round(math.log2(mantissa) * 2.0**_UNITS)


def _careful_product(factors: Iterator[float]) -> float:
    """A product whose exponent is kept apart, so that only the result can overflow."""
    product, power = 1.0, 0
    for factor in factors:
        mantissa, exponent = math.frexp(factor)
        product, shift = math.frexp(product * mantissa)
        power += exponent + shift
    try:
        return math.ldexp(product, power)
    except OverflowError:
        return math.copysign(math.inf, product)


# --- the best ways and the departures from them ---------------------------------------------------


class _Heap(NamedTuple):
    """Departures that are possible from a node on, the one that loses least at the top.

    A leftist heap that is never changed: inserting shares all parts but a few (C. A. Crane, Linear
    lists and priority queues as balanced binary trees, 1972).

    Attributes:
        loss: How much less the path weighs that departs here.
        place: Where it departs, counted from the target: among equals later departures come first.
        rank: Its place among the edges that leave this node.
    """

    loss: int
    place: int
    rank: int
    step: PathStep
    left: _Heap | None
    right: _Heap | None
    height: int


class _Candidate(NamedTuple):
    """A path that is not listed yet: one more departure from a path that is.

    Compared by loss; then departures from the path listed last come first (``base`` is minus its
    number), of these the one nearest to the target. No two agree in all four.
    """

    loss: int
    base: int
    place: int
    rank: int
    choice: _Heap
    before: _Taken


def _candidate(loss: int, base: int, choice: _Heap, before: _Taken) -> _Candidate:
    """One more departure from a path that loses ``loss`` already."""
    return _Candidate(loss + choice.loss, base, choice.place, choice.rank, choice, before)


_Taken = tuple[Any, PathStep] | None
"""The departures of a path, last one first: the earlier ones are shared with other paths."""


class _Ways:
    """For each node the heaviest way to the target.

    Attributes:
        weight: Its weight.
        length: Its number of edges.
        ahead: Its first edges, as many as are copied at once.
        departures: All departures from it.
        swing: The largest sum of exponents, without their signs, on any way to the target.
    """

    def __init__(self) -> None:
        self.weight: dict[Node, int] = {}
        self.length: dict[Node, int] = {}
        self.ahead: dict[Node, tuple[PathStep, ...]] = {}
        self.departures: dict[Node, _Heap | None] = {}
        self.swing: dict[Node, int] = {}

    def end(self, target: Node) -> None:
        """At the target there is nothing left to go."""
        self.weight[target] = 0
        self.length[target] = 0
        self.ahead[target] = ()
        self.departures[target] = None
        self.swing[target] = 0

    def add(self, node: Node, place: int, steps: list[PathStep]) -> None:
        """The ways from a node whose users all have theirs; of equals the first edge is best."""
        weights = [_weight(step) + self.weight[step.user] for step in steps]
        most = max(weights)
        first = weights.index(most)
        self.weight[node] = most
        best = steps[first]
        self.length[node] = 1 + self.length[best.user]
        self.ahead[node] = (best, *self.ahead[best.user][: _AHEAD - 1])
        heap = self.departures[best.user]
        for rank, (weight, step) in enumerate(zip(weights, steps, strict=True)):
            if rank != first:
                heap = _insert(heap, most - weight, place, rank, step)
        self.departures[node] = heap
        self.swing[node] = max(
            abs(math.frexp(step.local_derivative)[1]) + self.swing[step.user] for step in steps
        )

    def follow(self, steps: list[PathStep], node: Node, stop: Node) -> None:
        """Append the edges of the best way from ``node`` as far as ``stop``, which lies on it."""
        left = self.length[node] - self.length[stop]
        while left:
            part = self.ahead[node][:left]
            steps += part
            node = part[-1].user
            left -= len(part)


def _insert(heap: _Heap | None, loss: int, place: int, rank: int, step: PathStep) -> _Heap:
    """The heap with one more departure."""
    above = []
    while heap is not None and (heap.loss, heap.place, heap.rank) < (loss, place, rank):
        above.append(heap)
        heap = heap.right
    new = _Heap(loss, place, rank, step, heap, None, 1)
    for old in reversed(above):
        left, right = old.left, new
        if left is None or left.height < right.height:
            new = _Heap(*old[:4], right, left, 1 + (left.height if left else 0))
        else:
            new = _Heap(*old[:4], left, right, 1 + right.height)
    return new
