"""Products of vectors, matrices and arrays: contractions under NumPy's names.

All are made of `chainrule.ops.contract.contract`; diagonals are slices. `einsum` has a file of its
own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.composite.patterns import diagonal_slice
from chainrule.ops.composite.shaping import ravel
from chainrule.ops.composite.table import as_term, axes_of, axis_of, covers, kind_of, term
from chainrule.ops.contract import contracted
from chainrule.ops.copies import total
from chainrule.ops.index import gather
from chainrule.ops.rearrange import inverse, permuted, reshaped
from chainrule.ops.select import convert
from chainrule.ops.term import Term

Labels = Sequence[Hashable]


def multiplied(a: Any, b: Any, left: Labels, right: Labels, out: Labels) -> Any:
    """The contraction of two terms whose axes have these labels, of any kind.

    A plain product where nothing is summed and every axis stands where it stood. Conditions give a
    condition, as in NumPy: whether there is anything in the sum.
    """
    number = {label: at for at, label in enumerate(dict.fromkeys([*left, *right]))}
    i, j, k = ([number[label] for label in part] for part in (left, right, out))
    if i == j == k:
        return _times(a, b)
    made = contracted(a, b, i, j, k)
    return convert(made, "bool") if a.dtype.kind == b.dtype.kind == "b" else made


def _times(a: Any, b: Any) -> Any:
    return a & b if a.dtype.kind == b.dtype.kind == "b" else a * b


def together(*values: Any) -> list[Any]:
    """The values as terms; what is known is brought to the dtype in which all meet at once."""
    kind = kind_of(values)
    terms = [as_term(value, kind) for value in values]
    dtype = np.result_type(*[term.dtype for term in terms])
    return [
        term
        if isinstance(value, Term) or term.dtype == dtype
        else as_term(np.asarray(value).astype(dtype), kind)
        for value, term in zip(values, terms, strict=True)
    ]


def _unfit(name: str, a: Any, b: Any, why: str) -> GraphError:
    shapes = f"{list(a.shape)} and {list(b.shape)}"
    return GraphError("E203", f"shapes do not match in {name}: {shapes}: {why}")


# --- stacks of vectors and matrices ---------------------------------------------------------------


def _repair(a: Any, b: Any, at: int, other: int) -> str:
    """What would make the inner axes fit, if there is something simple."""
    size, wanted = a.shape[at], b.shape[other]
    if a.ndim > 1 and a.shape[-3 - at] == wanted:
        return "; transpose the first"
    if b.ndim > 1 and b.shape[-3 - other] == size:
        return "; transpose the second"
    if b.shape[-1] == a.shape[-2 if a.ndim > 1 else -1]:
        return "; exchange the two"
    return ""


def _stacked(
    name: str, a: Any, b: Any, left: dict[int, str], right: dict[int, str], out: str
) -> Any:
    """The product of the axes that have labels, for every item of the others, which broadcast.

    ``left`` and ``right`` label axes counted from the end.
    """
    for x, core in ((a, left), (b, right)):
        missing = [at for at in core if not -x.ndim <= at < x.ndim]
        if missing:
            raise _unfit(name, a, b, f"{list(x.shape)} has no axis {missing[0]}")
    labels: list[list[Hashable]] = []
    for x, core in ((a, left), (b, right)):
        others = [at for at in range(-x.ndim, 0) if at not in core]
        names = dict(zip(others, range(-len(others), 0), strict=True))
        labels.append([core.get(at, names.get(at)) for at in range(-x.ndim, 0)])
    for label in set(left.values()) & set(right.values()):
        at, other = (next(k for k in core if core[k] == label) for core in (left, right))
        if a.shape[at] != b.shape[other]:
            why = f"the inner sizes {a.shape[at]} and {b.shape[other]} differ"
            raise _unfit(name, a, b, why + _repair(a, b, at, other))
    (a, i), (b, j) = _broadcasting(name, (a, labels[0]), (b, labels[1]))
    most = max(len(labels[0]) - len(left), len(labels[1]) - len(right))
    return multiplied(a, b, i, j, [*range(-most, 0), *out])


def _broadcasting(
    name: str, *pairs: tuple[Any, list[Hashable]]
) -> list[tuple[Any, list[Hashable]]]:
    """The same without the axes of size 1 that others have larger."""
    sizes: dict[Hashable, int] = {}
    for x, labels in pairs:
        for label, size in zip(labels, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                shapes = " and ".join(str(list(x.shape)) for x, _ in pairs)
                raise GraphError(
                    "E203", f"shapes do not match in {name}: {shapes}: {known} and {size} differ"
                )
    found = []
    for x, labels in pairs:
        kept = [at for at, label in enumerate(labels) if x.shape[at] == sizes[label]]
        thin = reshaped(x, tuple([x.shape[at] for at in kept]))
        found.append((thin, [labels[at] for at in kept]))
    return found


@covers(np.matmul, np.linalg.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product; vectors are rows on the left, columns on the right; stacks broadcast.

    >>> import chainrule as cr
    >>> matmul(cr.input("A", (3, 4)), cr.input("x", 3))
    Traceback (most recent call last):
        ...
    chainrule.errors.GraphError: E203 shapes do not match in matmul: [3, 4] and [3]: the
    inner sizes 4 and 3 differ; transpose the first
    """
    a, b = together(x1, x2)
    if not (a.ndim and b.ndim):
        raise _unfit("matmul", a, b, "a number is no matrix; write a * b")
    left = {-1: "k"} if a.ndim == 1 else {-2: "i", -1: "k"}
    right = {-1: "k"} if b.ndim == 1 else {-2: "k", -1: "j"}
    out = ("i" if a.ndim > 1 else "") + ("j" if b.ndim > 1 else "")
    return _stacked("matmul", a, b, left, right, out)


@covers(*(getattr(np, name) for name in ("matvec",) if hasattr(np, name)))
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, the last axes; stacks broadcast."""
    a, b = together(x1, x2)
    return _stacked("matvec", a, b, {-2: "i", -1: "k"}, {-1: "k"}, "i")


@covers(*(getattr(np, name) for name in ("vecmat",) if hasattr(np, name)))
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices, the last axes; stacks broadcast."""
    a, b = together(x1, x2)
    return _stacked("vecmat", a, b, {-1: "k"}, {-2: "k", -1: "j"}, "j")


@covers(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """Inner products along an axis; stacks broadcast."""
    a, b = together(x1, x2)
    places = [axis_of(axis, x.ndim) - x.ndim for x in (a, b)]
    return _stacked("vecdot", a, b, {places[0]: "k"}, {places[1]: "k"}, "")


@covers(np.dot)
def dot(a: Any, b: Any) -> Any:
    """The product over the last axis of ``a`` and the last but one of ``b``, or its only one."""
    a, b = together(a, b)
    if not (a.ndim and b.ndim):
        return _times(a, b)
    return _summed_over("dot", a, b, [a.ndim - 1], [max(b.ndim - 2, 0)])


@covers(np.inner)
def inner(a: Any, b: Any) -> Any:
    """The product over the last axis of both."""
    a, b = together(a, b)
    if not (a.ndim and b.ndim):
        return _times(a, b)
    return _summed_over("inner", a, b, [a.ndim - 1], [b.ndim - 1])


@covers(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """The inner product of all elements."""
    a, b = together(a, b)
    if a.shape != b.shape:
        a, b = (ravel(x) for x in (a, b))
    axes = range(a.ndim)
    return _summed_over("vdot", a, b, axes, axes)


@covers(np.outer, np.linalg.outer)
def outer(a: Any, b: Any) -> Any:
    """Every element of ``a`` times every element of ``b``."""
    a, b = (ravel(x) for x in together(a, b))
    return multiplied(a, b, "i", "j", "ij")


@covers(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The product over so many last axes of ``a`` and first of ``b``, or over given axes."""
    a, b = together(a, b)
    if isinstance(axes, (tuple, list, np.ndarray)):
        if len(axes) != 2:
            raise GraphError("E212", f"axes are a number or a pair of lists, got {shown(axes)}")
        lists = [at if np.ndim(at) else [at] for at in axes]
        i, j = ([axis_of(at, x.ndim) for at in axes] for axes, x in zip(lists, (a, b), strict=True))
    else:
        count = int(axes)
        if not 0 <= count <= min(a.ndim, b.ndim):
            raise _unfit("tensordot", a, b, f"they do not have {count} axes each")
        i, j = list(range(a.ndim - count, a.ndim)), list(range(count))
    return _summed_over("tensordot", a, b, i, j)


def _summed_over(name: str, a: Any, b: Any, i: Sequence[int], j: Sequence[int]) -> Any:
    """The product over pairs of axes; the others of ``a`` come first."""
    if len(i) != len(j) or len({*i}) < len(i) or len({*j}) < len(j):
        raise GraphError("E212", f"{name} needs pairs of different axes, got {[*i]} and {[*j]}")
    for at, other in zip(i, j, strict=True):
        if a.shape[at] != b.shape[other]:
            why = f"the inner sizes {a.shape[at]} and {b.shape[other]} differ"
            repair = _repair(a, b, at - a.ndim, other - b.ndim) if a.ndim < 3 > b.ndim else ""
            raise _unfit(name, a, b, why + repair)
    left = list(range(a.ndim))
    right = list(range(a.ndim, a.ndim + b.ndim))
    for at, other in zip(i, j, strict=True):
        right[other] = at
    return multiplied(
        a, b, left, right, [at for at in left + right if (at in left) ^ (at in right)]
    )


@covers(np.kron)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: every element of ``a`` replaced by its product with all of ``b``."""
    a, b = together(a, b)
    left, right = ([(side, at) for at in range(-x.ndim, 0)] for side, x in enumerate((a, b)))
    most = max(a.ndim, b.ndim)
    out = [(side, at) for at in range(-most, 0) for side in (0, 1) if -at <= (a, b)[side].ndim]
    shapes = [(1,) * (most - x.ndim) + x.shape for x in (a, b)]
    made = multiplied(a, b, left, right, out) if most else _times(a, b)
    return reshaped(made, tuple([m * n for m, n in zip(*shapes, strict=True)]))


@covers(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of many matrices, in the order that needs the fewest multiplications.

    The first may be a row, the last a column, given as vectors.
    """
    factors = together(*arrays)
    if len(factors) < 2:
        raise GraphError("E211", f"multi_dot takes two or more arrays, got {len(factors)}")
    for at, x in enumerate(factors):
        if x.ndim != 2 and (x.ndim != 1 or 0 < at < len(factors) - 1):
            raise GraphError("E203", f"multi_dot needs matrices, got {list(x.shape)}")
    rows = [1 if x.ndim == 1 and at == 0 else x.shape[0] for at, x in enumerate(factors)]
    last = factors[-1]
    return _in_order(factors, [*rows, 1 if last.ndim == 1 else last.shape[1]])


def _in_order(factors: list[Any], sizes: list[int]) -> Any:
    """A chain of products, associated as costs least (Cormen et al., section 15.2)."""
    count = len(factors)
    costs = {(at, at): 0 for at in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for first in range(count - length):
            end = first + length
            ends = sizes[first] * sizes[end + 1]
            prices = [
                costs[first, k] + costs[k + 1, end] + ends * sizes[k + 1] for k in range(first, end)
            ]
            costs[first, end] = min(prices)
            splits[first, end] = first + prices.index(min(prices))
    made = {(at, at): x for at, x in enumerate(factors)}
    waiting = [(0, count - 1)]
    while waiting:
        first, end = waiting[-1]
        k = splits.get((first, end), first)
        needed = [span for span in ((first, k), (k + 1, end)) if span not in made]
        if (first, end) in made or not needed:
            waiting.pop()
        if (first, end) not in made and not needed:
            made[first, end] = matmul(made[first, k], made[k + 1, end])
        waiting += needed
    return made[0, count - 1]


# --- diagonals ------------------------------------------------------------------------------------


def diagonal_in_front(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    """``x`` with the diagonal of two axes as its first axis, in their place."""
    if axis1 > axis2:  # the axes as they lie in memory are one axis without a copy
        axis1, axis2, offset = axis2, axis1, -offset
    others = [at for at in range(x.ndim) if at not in (axis1, axis2)]
    behind = diagonal_slice(permuted(x, [*others, axis1, axis2]), offset)
    return permuted(behind, [len(others), *range(len(others))])


def _plane(x: Any, axis1: int, axis2: int) -> tuple[int, int]:
    i, j = axis_of(axis1, x.ndim), axis_of(axis2, x.ndim)
    axes_of((i, j), x.ndim)
    return i, j


@covers(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements whose second index is the first plus ``offset``, as the last axis."""
    x = term(a)
    front = diagonal_in_front(x, offset, *_plane(x, axis1, axis2))
    return permuted(front, [*range(1, front.ndim), 0])


@covers(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sum of a diagonal."""
    x = term(a)
    front = diagonal_in_front(x, offset, *_plane(x, axis1, axis2))
    if dtype is None and front.dtype.kind in "bi":
        dtype = "int64"
    return total(front if dtype in (None, front.dtype) else convert(front, dtype), (0,))


@covers(np.linalg.diagonal)
def diagonal_of_matrices(x: Any, *, offset: int = 0) -> Any:
    """The diagonal of the last two axes."""
    return diagonal(x, offset, -2, -1)


@covers(np.linalg.trace)
def trace_of_matrices(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sum of the diagonal of the last two axes."""
    return trace(x, offset, -2, -1, dtype)


@covers(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    x = term(x)
    if x.ndim < 2:
        raise GraphError("E203", f"{list(x.shape)} is no matrix")
    return permuted(x, [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])


# --- the cross product ----------------------------------------------------------------------------

_NEXT = np.array([1, 2, 0])


@covers(np.cross, np.linalg.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The cross product of vectors in space, along an axis; stacks broadcast."""
    a, b = together(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    fronts = []
    for x, given in ((a, axisa), (b, axisb)):
        at = axis_of(given, x.ndim)
        if x.shape[at] != 3:
            raise _unfit("cross", a, b, f"axis {given} of {list(x.shape)} must have size 3")
        fronts.append(permuted(x, [at, *(other for other in range(x.ndim) if other != at)]))
    most = max(a.ndim, b.ndim)
    first, second = (reshaped(x, (3, *(1,) * (most - x.ndim), *x.shape[1:])) for x in fronts)
    # a₀b₁ − a₁b₀ is the last component, and so on around.
    turned: Term = first * gather(second, _NEXT) - gather(first, _NEXT) * second
    made = gather(turned, _NEXT)
    end = axis_of(axisc, most)
    order = [end, *(at for at in range(most) if at != end)]
    return permuted(made, inverse(order))
