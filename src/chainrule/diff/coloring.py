"""Colourings of patterns: what may be computed together, so that sums can be taken apart again.

Columns of a matrix that have no row in common, its *columns of one colour*, are found from their
sum (A. R. Curtis, M. J. D. Powell and J. K. Reid, On the estimation of sparse Jacobian matrices,
IMA J. Appl. Math. 13, 1974): a colouring of the graph in which columns with a common row are
neighbours, a partial distance-2 colouring of the bipartite graph of rows and columns (T. F. Coleman
and J. J. Moré, Estimation of sparse Jacobian matrices and graph coloring problems, SIAM J. Numer.
Anal. 20, 1983). A symmetric matrix needs fewer colours, as each entry stands in it twice
(Estimation of sparse Hessian matrices and graph coloring problems, Math. Programming 28, 1984):

- *star colouring*: neighbours differ, and every path of four vertices has three colours. Each
  entry, or its mirror, stands alone in a sum.
- *acyclic colouring*: neighbours differ, and every cycle has three colours. The entries are found
  one after the other, by substitution.

A. H. Gebremedhin, F. Manne and A. Pothen, What color is your Jacobian? Graph coloring for computing
derivatives, SIAM Review 47, 2005, tells all of it; A. H. Gebremedhin, A. Tarafdar, F. Manne and A.
Pothen, New acyclic and star coloring algorithms with application to computing Hessians, SIAM J.
Sci. Comput. 29, 2007, how to be fast. Sets of colours are the bits of whole numbers here, so that
one step looks at all colours of a neighbour at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import numpy as np

from chainrule.diff.patterns import Numbers
from chainrule.errors import DerivativeError

if TYPE_CHECKING:
    from chainrule.diff.patterns import Pattern

Order = Literal["auto", "natural", "largest first", "smallest last"]
"""In which order vertices get their colours, each the first one that is free for it.

- ``"natural"``: as they stand in the matrix.
- ``"largest first"``: those with the most neighbours first (Welsh and Powell, 1967).
- ``"smallest last"``: the one with the fewest neighbours among all that are left comes last
  (Matula, 1968). No vertex has more neighbours before it than it must.
- ``"auto"``: the best of these, while they are fast.
"""

_THOROUGH: Final = 400_000
"""Entries of a pattern for which more than one order is tried."""
_PAIRS: Final = 1_000_000
"""Pairs of columns with a common row that are written out, at most."""

Greedy = Callable[[Sequence[int]], list[int]]


def column_colors(pattern: Pattern, order: Order = "auto") -> Numbers:
    """A colour for each column, so that no row has two entries in columns of one colour.

    >>> from scipy.sparse import csr_array
    >>> column_colors(csr_array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]))
    array([0, 1, 0, 1])

    Args:
        pattern: A row for each result, a column for each argument.
        order: In which order the columns get their colours.

    Raises:
        DerivativeError: E336 for an unknown order.
    """
    lengths = np.diff(pattern.indptr)
    least = int(lengths.max(initial=0))
    columns = pattern.tocsc()
    starts, rows = columns.indptr.tolist(), columns.indices.tolist()
    count = pattern.shape[0]

    def greedy(given: Iterable[int]) -> list[int]:
        # For each row the colours that its columns have.
        used = [0] * count
        colors = [0] * (len(starts) - 1)
        for column in given:
            mine = rows[starts[column] : starts[column + 1]]
            taken = 0
            for row in mine:
                taken |= used[row]
            free = ~taken & (taken + 1)
            for row in mine:
                used[row] |= free
            colors[column] = free.bit_length() - 1
        return colors

    squares = int((lengths.astype(np.int64) ** 2).sum())

    def degrees() -> Numbers:
        each = np.repeat(lengths, lengths)
        found = np.bincount(pattern.indices, each, minlength=pattern.shape[1])
        return found.astype(np.int64)

    def neighbours() -> Pattern | None:
        if squares > _PAIRS:
            return None
        truth: Any = pattern.astype(bool)
        return cast("Pattern", (truth.T @ truth).tocsr())

    return _best(greedy, order, pattern.shape[1], least, pattern.nnz, degrees, neighbours)


def star_colors(pattern: Pattern, order: Order = "auto") -> Numbers:
    """A star colouring of a symmetric pattern: a colour for each row, which is that of its column.

    >>> from scipy.sparse import diags_array
    >>> star_colors(diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(6, 6)).tocsr())
    array([0, 1, 0, 2, 0, 1])

    Args:
        pattern: It holds the mirror of each of its entries.
        order: In which order the rows get their colours.

    Raises:
        DerivativeError: E336 for an unknown order.
    """
    near_all = _neighbours(pattern)

    def greedy(given: Sequence[int]) -> list[int]:
        count = len(near_all)
        # Of each vertex, as bits: its colour; the colours of its neighbours; those that more than
        # one of them have; those of neighbours that are hubs, which have another neighbour of the
        # vertex's own colour, so that no other neighbour of the vertex may get theirs.
        own, around, several, hubs = ([0] * count for _ in range(4))
        for vertex in given:
            near = near_all[vertex]
            once = twice = taken = 0
            for other in near:
                bit = own[other]
                twice |= once & bit
                once |= bit
                taken |= hubs[other]
            taken |= once
            if twice:
                for other in near:
                    if twice & own[other]:
                        taken |= around[other]
            color = own[vertex] = ~taken & (taken + 1)
            for other in near:
                if not around[other] & color:
                    around[other] |= color
                elif not several[other] & color:
                    several[other] |= color  # the neighbour is a hub now
                    for first in near_all[other]:
                        if own[first] == color:
                            hubs[first] |= own[other]
                else:
                    hubs[vertex] |= own[other]
                if twice & own[other]:
                    hubs[other] |= color
        return [color.bit_length() - 1 for color in own]

    return _symmetric_best(greedy, pattern, order)


def acyclic_colors(pattern: Pattern, order: Order = "auto") -> Numbers:
    """An acyclic colouring of a symmetric pattern: a colour for each row.

    >>> from scipy.sparse import diags_array
    >>> acyclic_colors(diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(6, 6)).tocsr())
    array([0, 1, 0, 1, 0, 1])

    Args:
        pattern: It holds the mirror of each of its entries.
        order: In which order the rows get their colours.

    Raises:
        DerivativeError: E336 for an unknown order.
    """
    near_all = _neighbours(pattern)

    def greedy(given: Sequence[int]) -> list[int]:
        count = len(near_all)
        own, around = ([0] * count for _ in range(2))
        # The trees of each two colours, as a forest of disjoint sets (R. E. Tarjan, 1975): what
        # stands for a vertex in the trees of its colour and another, which are one number, the
        # colour in its last 24 bits.
        above: dict[int, int] = {}
        for vertex in given:
            groups: dict[int, list[int]] = {}
            taken = 0
            for other in near_all[vertex]:
                bit = own[other]
                if bit:
                    taken |= bit
                    groups.setdefault(bit, []).append(other)
            several = [group for group in groups.values() if len(group) > 1]
            while True:
                color = ~taken & (taken + 1)
                number = color.bit_length() - 1
                if not several or not _closes(several, color, around, above):
                    break
                taken |= color
            own[vertex] = color
            for other in near_all[vertex]:
                around[other] |= color
            for bit, group in groups.items():
                top = _root(above, (vertex << 24) + bit.bit_length() - 1)
                for other in group:
                    above[_root(above, (other << 24) + number)] = top
        return [color.bit_length() - 1 for color in own]

    return _symmetric_best(greedy, pattern, order)


def _closes(
    groups: Iterable[Sequence[int]], color: int, around: Sequence[int], above: dict[int, int]
) -> bool:
    """Whether a colour would join two neighbours of one colour that are in one tree already."""
    number = color.bit_length() - 1
    for group in groups:
        roots: set[int] = set()
        for other in group:
            if around[other] & color:
                top = _root(above, (other << 24) + number)
                if top in roots:
                    return True
                roots.add(top)
    return False


def _root(above: dict[int, int], key: int) -> int:
    """What stands for a set; every second step of the way there is left out from now on."""
    while True:
        up = above.get(key)
        if up is None or up == key:
            return key
        upper = above.get(up, up)
        above[key] = upper
        key = upper


def _neighbours(pattern: Pattern) -> list[list[int]]:
    """For each row the others that it has an entry with."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    apart = rows != pattern.indices
    lengths = np.bincount(rows[apart], minlength=pattern.shape[0])
    ends = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    others = pattern.indices[apart].tolist()
    return [others[start:end] for start, end in pairwise(ends)]


# --- orders ---------------------------------------------------------------------------------------


def _symmetric_best(greedy: Greedy, pattern: Pattern, order: Order) -> Numbers:
    lengths = np.diff(pattern.indptr).astype(np.int64)
    # A path of three edges needs three colours, or two in an acyclic colouring.
    least = 3 if pattern.nnz else 1
    return _best(greedy, order, len(lengths), least, pattern.nnz, lambda: lengths, lambda: pattern)


def _best(
    greedy: Greedy,
    order: Order,
    count: int,
    least: int,
    entries: int,
    degrees: Callable[[], Numbers],
    neighbours: Callable[[], Pattern | None],
) -> Numbers:
    """The colouring with the fewest colours that the orders give.

    Args:
        greedy: Colours the vertices in an order.
        order: The order.
        count: The number of vertices.
        least: With so many colours no other order is tried.
        entries: The number of entries of the pattern.
        degrees: About how many neighbours each vertex has.
        neighbours: The graph; None where it is too large to be written out.
    """
    if order not in get_args(Order):
        listed = ", ".join(map(repr, get_args(Order)))
        raise DerivativeError("E336", f"unknown order {order!r}; use one of {listed}")
    found: list[int] | None = None
    for one in ("natural", "largest first", "smallest last"):
        if order not in ("auto", one):
            continue
        if order == "auto" and found is not None and entries > _THOROUGH:
            break
        given: Sequence[int] = range(count)
        if one == "largest first":
            given = np.argsort(-degrees(), kind="stable").tolist()
        elif one == "smallest last":
            graph = neighbours()
            if graph is None and found is not None:
                break
            given = range(count) if graph is None else smallest_last(graph)
        made = greedy(given)
        if found is None or max(made, default=-1) < max(found, default=-1):
            found = made
        if max(found, default=-1) < least:
            break
    assert found is not None
    return np.array(found, np.int64)


def smallest_last(graph: Pattern) -> list[int]:
    """The vertices of a graph so that each has the fewest neighbours among those before it.

    D. W. Matula and L. L. Beck, Smallest-last ordering and clustering and graph coloring
    algorithms, J. ACM 30, 1983: with a bucket for each number of neighbours, time grows with the
    edges.
    """
    starts, places = graph.indptr.tolist(), graph.indices.tolist()
    degrees = np.diff(graph.indptr).tolist()
    count = len(degrees)
    buckets: list[list[int]] = [[] for _ in range(max(degrees, default=0) + 1)]
    for vertex in reversed(range(count)):
        buckets[degrees[vertex]].append(vertex)
    order: list[int] = []
    done = [False] * count
    least = 0
    while len(order) < count:
        while not buckets[least]:
            least += 1
        vertex = buckets[least].pop()
        if done[vertex] or degrees[vertex] != least:  # it has moved to another bucket since
            continue
        done[vertex] = True
        order.append(vertex)
        for other in places[starts[vertex] : starts[vertex + 1]]:
            if not done[other]:
                degree = degrees[other] = degrees[other] - 1
                buckets[degree].append(other)
                least = min(least, degree)
    return order[::-1]
