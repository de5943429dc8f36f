"""How a sparse matrix of derivatives is computed in few passes, and where its entries then stand.

A forward pass gives a sum of columns, a reverse pass a sum of rows; a colouring says which. Where
one row and one column are full, as in an arrow, neither alone is cheap: then few full rows are
taken by reverse passes and the rest by forward passes, or few full columns by forward passes and
the rest by reverse ones (A. K. M. S. Hossain and T. Steihaug, Computing a sparse Jacobian matrix by
rows and columns, Optim. Methods Softw. 10, 1998; T. F. Coleman and A. Verma, The efficient
computation of sparse Jacobian matrices using automatic differentiation, SIAM J. Sci. Comput. 19,
1998). The cost that decides is the number of passes.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import numpy as np

from chainrule.diff.batch import batch
from chainrule.diff.build import dependent
from chainrule.diff.coloring import Order, acyclic_colors, column_colors, star_colors
from chainrule.diff.flow import zero
from chainrule.diff.forward import tangents
from chainrule.diff.patterns import Numbers, sparse, taken
from chainrule.diff.reverse import adjoints
from chainrule.errors import DerivativeError
from chainrule.graph import walk
from chainrule.graph.node import Node, input_node
from chainrule.graph.types import Type

if TYPE_CHECKING:
    from chainrule.diff.patterns import Pattern

Mode = Literal["auto", "forward", "reverse", "mixed"]
Recovery = Literal["direct", "substitution"]

_TRIES: Final = 4
"""Splits into full rows and others that are coloured, at most."""


@dataclass(frozen=True, eq=False)
class Compression:
    """The passes that give a sparse matrix.

    Attributes:
        pattern: The entries that may not be zero.
        mode: ``"forward"``, ``"reverse"`` or ``"mixed"``.
        coloring: ``"column"``, ``"row"``, ``"row and column"``, ``"star"`` or ``"acyclic"``.
        columns: The colour of each column, which is the number of its forward pass; −1: none.
        rows: The colour of each row, which is the number of its reverse pass; −1: none.
        source: For each entry of the pattern its place in the sums: those of the forward passes one
            after the other, then those of the reverse passes.
        substitution: How entries are found that do not stand alone in a sum.
    """

    pattern: Pattern
    mode: str
    coloring: str
    columns: Numbers
    rows: Numbers
    source: Numbers
    substitution: Substitution | None = None

    @property
    def forward(self) -> int:
        """The number of forward passes."""
        return int(self.columns.max(initial=-1)) + 1

    @property
    def reverse(self) -> int:
        """The number of reverse passes."""
        return int(self.rows.max(initial=-1)) + 1

    @property
    def passes(self) -> int:
        """The number of passes."""
        return self.forward + self.reverse

    @property
    def dense_passes(self) -> int:
        """How many passes all entries take without compression."""
        return min(self.pattern.shape)

    def entries(self, sums: Any) -> Any:
        """The entries of the matrix, in the order of the pattern, from the sums of all passes."""
        if self.substitution is not None:
            return self.substitution.entries(sums)
        return sums[self.source]


class Substitution:
    """Entries of a symmetric matrix found one after the other: a triangular system of equations.

    In an acyclic colouring the entries of any two colours are the edges of trees. A leaf stands
    alone in its sum; once it is known, its edge is taken away, and there are other leaves.
    """

    def __init__(self, pattern: Pattern, colors: Numbers) -> None:
        count = pattern.shape[0]
        rows = np.repeat(np.arange(count), np.diff(pattern.indptr))
        columns = pattern.indices.astype(np.int64)
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        _, first, unknown = np.unique(low * count + high, return_index=True, return_inverse=True)
        self._unknown = unknown
        # The sum in which a column's entry stands, as (colour, row).
        slots = colors[columns] * count + rows
        order, chosen = _leaves_first(slots, unknown, len(first))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self._place = place
        self._slots = chosen[order]
        # An equation for each unknown: its sum is that of all unknowns in it.
        equation = np.full(int(slots.max(initial=-1)) + 1, -1)
        equation[chosen] = place
        inside = equation[slots] >= 0
        shape = (len(order), len(order))
        terms = (equation[slots[inside]], place[unknown[inside]])
        matrix = sparse().csc_array((np.ones(inside.sum()), terms), shape=shape)
        options = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0}
        self._solve = _linear_algebra().splu(matrix, **options).solve if len(order) else None

    def entries(self, sums: Any) -> Any:
        """The entries, in the order of the pattern."""
        if self._solve is None:
            return sums[:0]
        found = self._solve(sums[self._slots].astype(np.float64))
        return found[self._place[self._unknown]].astype(sums.dtype)


@functools.cache
def _linear_algebra() -> Any:
    return importlib.import_module("scipy.sparse.linalg")


def _leaves_first(slots: Numbers, unknown: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """The unknowns in the order in which they are found, and for each of them its sum."""
    # An entry on the diagonal stands in one sum, any other in two.
    left: dict[int, int] = {}
    rest: dict[int, int] = {}
    sums_of: list[list[int]] = [[] for _ in range(count)]
    for slot, one in zip(slots.tolist(), unknown.tolist(), strict=True):
        left[slot] = left.get(slot, 0) + 1
        rest[slot] = rest.get(slot, 0) ^ one  # what is left where one is left
        sums_of[one].append(slot)
    ready = [slot for slot, number in left.items() if number == 1]
    order: list[int] = []
    chosen = [-1] * count
    while ready:
        slot = ready.pop()
        if left[slot] != 1:
            continue
        one = rest[slot]
        chosen[one] = slot
        order.append(one)
        for other in sums_of[one]:
            left[other] -= 1
            rest[other] ^= one
            if left[other] == 1:
                ready.append(other)
    assert len(order) == count, "the colouring is not acyclic"
    return np.array(order, np.int64), np.array(chosen, np.int64)


# --- plans ----------------------------------------------------------------------------------------


def compression(pattern: Pattern, mode: Mode = "auto", order: Order = "auto") -> Compression:
    """The passes for a matrix, as few as the colourings give.

    Args:
        pattern: The entries that may not be zero.
        mode: Which passes; ``"auto"``: what needs fewest.
        order: In which order columns and rows get their colours.

    Raises:
        DerivativeError: E336 for an unknown mode or order.
    """
    if mode not in get_args(Mode):
        listed = ", ".join(map(repr, get_args(Mode)))
        raise DerivativeError("E336", f"unknown mode {mode!r}; use one of {listed}")
    turned: Pattern = pattern.T.tocsr()
    # Each row needs as many forward passes as it has entries, each column as many reverse ones.
    least = {
        "forward": int(np.diff(pattern.indptr).max(initial=0)),
        "reverse": int(np.diff(turned.indptr).max(initial=0)),
    }
    best: Compression | None = None
    splits = _splits(pattern, turned) if mode in ("auto", "mixed") else []
    if mode == "auto":
        bound = min([cost for cost, _, _ in splits], default=0)
        splits = splits if bound < min(least.values()) else []
    for bound, full, by_rows in splits:
        if best is None or bound < best.passes:
            made = _mixed(pattern, turned, full, by_rows, order)
            best = made if best is None or made.passes < best.passes else best
    if mode == "mixed" and best is not None:
        return best
    for one in sorted(least, key=lambda name: least[name]):
        wanted = mode in ("auto", "mixed", one)
        if wanted and (best is None or least[one] < best.passes):
            made = _forward(pattern, order) if one == "forward" else _reverse(turned, order)
            best = made if best is None or made.passes < best.passes else best
    assert best is not None
    return best


def symmetric_compression(
    pattern: Pattern, recovery: Recovery = "direct", order: Order = "auto"
) -> Compression:
    """The forward passes for a symmetric matrix.

    Args:
        pattern: The entries that may not be zero, with the mirror of each.
        recovery: ``"direct"``: by a star colouring, each entry is read off; ``"substitution"``: by
            an acyclic colouring, fewer passes, and entries that are differences of others.
        order: In which order the rows get their colours.

    Raises:
        DerivativeError: E336 for an unknown recovery or order.
    """
    if recovery not in get_args(Recovery):
        problem = f"unknown recovery {recovery!r}; use 'direct' or 'substitution'"
        raise DerivativeError("E336", problem)
    used = np.diff(pattern.indptr) > 0
    none = np.full(pattern.shape[0], -1)
    if recovery == "substitution":
        colors = np.where(used, acyclic_colors(pattern, order), -1)
        solver = Substitution(pattern, colors)
        return Compression(pattern, "forward", "acyclic", colors, none, none[:0], solver)
    colors = np.where(used, star_colors(pattern, order), -1)
    count = pattern.shape[0]
    rows = np.repeat(np.arange(count), np.diff(pattern.indptr))
    low, high = np.minimum(rows, pattern.indices), np.maximum(rows, pattern.indices)
    # Both mirrors are read at one place: where the column of the higher one stands alone, or there.
    slots = colors[pattern.indices] * count + rows
    alone = np.bincount(slots) == 1
    here, there = colors[high] * count + low, colors[low] * count + high
    source = np.where(alone[here], here, there) if len(slots) else slots
    return Compression(pattern, "forward", "star", colors, none, source)


def _forward(pattern: Pattern, order: Order) -> Compression:
    colors = _used(pattern, column_colors(pattern, order))
    none = np.full(pattern.shape[0], -1)
    source = _by_column(pattern, colors)
    return Compression(pattern, "forward", "column", colors, none, source)


def _reverse(turned: Pattern, order: Order) -> Compression:
    """By the columns of the transpose."""
    colors = _used(turned, column_colors(turned, order))
    pattern: Pattern = turned.T.tocsr()
    none = np.full(pattern.shape[1], -1)
    source = _by_row(pattern, colors)
    return Compression(pattern, "reverse", "row", none, colors, source)


def _mixed(
    pattern: Pattern, turned: Pattern, full: Numbers, by_rows: bool, order: Order
) -> Compression:
    """Full rows by reverse passes and the rest by forward passes, or the same of the transpose."""
    if not by_rows:
        other = _mixed(turned, pattern, full, True, order)
        columns, rows = other.rows, other.columns
    else:
        whole = np.arange(pattern.shape[0])
        is_full = np.zeros(len(whole), bool)
        is_full[full] = True
        rest = taken(pattern, np.where(is_full, -1, whole))
        columns = _used(rest, column_colors(rest, order))
        some: Pattern = pattern[full].T.tocsr()
        rows = np.full(len(whole), -1)
        rows[full] = column_colors(some, order)
    forward = int(columns.max(initial=-1)) + 1
    lines = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    backward = rows[lines] >= 0
    if not by_rows:  # then the full columns are forward ones, the others not
        backward = columns[pattern.indices] < 0
    offset = forward * pattern.shape[0]
    source = np.where(backward, offset + _by_row(pattern, rows), _by_column(pattern, columns))
    return Compression(pattern, "mixed", "row and column", columns, rows, source)


def _splits(pattern: Pattern, turned: Pattern) -> list[tuple[int, Numbers, bool]]:
    """The most promising splits: the least cost, the full rows (or columns), whether it is rows."""
    found: list[tuple[int, Numbers, bool]] = []
    for one, by_rows in ((pattern, True), (turned, False)):
        lengths = np.diff(one.indptr)
        sizes, counts = np.unique(lengths, return_counts=True)
        # With the rows that are longer than a size taken out: about a pass for each of them.
        longer = counts[::-1].cumsum()[::-1] - counts
        costs = sizes + longer
        promising = np.argsort(costs, kind="stable")[:_TRIES]
        for at in promising.tolist():
            if longer[at] > 0 and sizes[at] > 0:
                full = np.flatnonzero(lengths > sizes[at])
                found.append((int(sizes[at]) + 1, full, by_rows))
    return sorted(found, key=lambda split: split[0] + len(split[1]))[:_TRIES]


def _used(pattern: Pattern, colors: Numbers) -> Numbers:
    """The colours, −1 for columns without an entry."""
    return np.where(np.bincount(pattern.indices, minlength=pattern.shape[1]) > 0, colors, -1)


def _by_column(pattern: Pattern, colors: Numbers) -> Numbers:
    """For each entry its place in the sums of columns: (colour, row)."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return cast("Numbers", colors[pattern.indices] * pattern.shape[0] + rows)


def _by_row(pattern: Pattern, colors: Numbers) -> Numbers:
    """For each entry its place in the sums of rows: (colour, column)."""
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    return cast("Numbers", colors[rows] * pattern.shape[1] + pattern.indices)


# --- graphs ---------------------------------------------------------------------------------------


def forward_sums(
    outputs: Sequence[Node], wrt: Sequence[Node], count: int
) -> tuple[list[Node], list[Node]]:
    """Many forward passes at once: (inputs for the seeds, the tangents of the outputs).

    Seeds and tangents have an axis of passes in front.
    """
    seeds = [input_node(f"seed__{at}", node.type) for at, node in enumerate(wrt)]
    flow = tangents(walk.depth_first([*wrt, *outputs]), dict(zip(wrt, seeds, strict=True)))
    return _every([flow.of(node) for node in outputs], seeds, count, "tangent")


def reverse_sums(
    outputs: Sequence[Node], wrt: Sequence[Node], count: int
) -> tuple[list[Node], list[Node]]:
    """Many reverse passes at once: (inputs for the seeds, the adjoints of ``wrt``)."""
    seeds = [input_node(f"seed__{at}", node.type) for at, node in enumerate(outputs)]
    order = walk.depth_first(outputs)
    flow = adjoints(order, zip(outputs, seeds, strict=True), dependent(order, wrt))
    return _every([flow.of(node) for node in wrt], seeds, count, "adjoint")


def _every(
    results: Sequence[Node], seeds: Sequence[Node], count: int, name: str
) -> tuple[list[Node], list[Node]]:
    many = {
        seed: input_node(f"every_{name}__{at}", _many(seed, count)) for at, seed in enumerate(seeds)
    }
    made = batch(walk.depth_first(results), many, count)
    return list(many.values()), [
        made[node] if node in made else zero(_many(node, count)) for node in results
    ]


def _many(node: Node, count: int) -> Type:
    return Type.of(node.type.dtype, (count, *node.type.shape))
