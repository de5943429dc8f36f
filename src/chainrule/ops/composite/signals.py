"""Windows that slide: convolution, correlation, pooling.

All windows of an array are one view; what is done with each is a contraction or a reduction.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.composite.patterns import pad
from chainrule.ops.composite.products import multiplied, together
from chainrule.ops.composite.shaping import Axis
from chainrule.ops.composite.table import as_term, axes_in_order, covers, shape_of, term
from chainrule.ops.copies import total
from chainrule.ops.rearrange import reshaped
from chainrule.ops.reduce import flipped, largest
from chainrule.ops.term import Term
from chainrule.ops.windows import windows

# --- sequences ------------------------------------------------------------------------------------


def _sequences(name: str, a: Any, v: Any) -> tuple[Any, Any]:
    found = together(a, v)
    for x in found:
        if x.ndim > 1 or 0 in x.shape:
            raise GraphError(
                "E203", f"{name} takes sequences that are not empty, got {list(x.shape)}"
            )
    first, second = (reshaped(x, (1,)) if x.ndim == 0 else x for x in found)
    return first, second


def _slid(name: str, a: Any, v: Any, mode: str) -> Any:
    """Σ over i of a[k + i] v[i] for every place k; v is not longer than a."""
    count = v.shape[0]
    before = {"full": count - 1, "same": count // 2, "valid": 0}.get(mode)
    if before is None:
        raise GraphError("E212", f"{name}: mode is 'full', 'same' or 'valid', got {shown(mode)}")
    behind = count - 1 - before if mode == "same" else before
    padded = pad(a, (before, behind))
    if count == 1:
        return multiplied(padded, reshaped(v, ()), [0], [], [0])
    return multiplied(windows(padded, (0,), (count,), (1,), (1,)), v, [0, 1], [1], [0])


@covers(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """The convolution of two sequences, Σ a[i] v[k − i], as long as both overlap anywhere.

    With ``"same"`` it is as long as the longer one; with ``"valid"``, as they overlap wholly.

    >>> import chainrule as cr
    >>> x = cr.input("x", 3)
    >>> cr.graph(convolve(x, [1, 10]), [x]).at([1, 2, 3]).value
    array([ 1., 12., 23., 30.])
    """
    first, second = _sequences("convolve", a, v)
    if second.shape[0] > first.shape[0]:
        a, v, first, second = v, a, second, first
    if isinstance(v, Term):
        second = flipped(second, 0)
    else:  # a known kernel is turned round at once
        second = as_term(np.ravel(v)[::-1].astype(second.dtype), first.__class__)
    return _slid("convolve", first, second, mode)


@covers(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The correlation of two sequences, Σ a[k + i] v[i], where they overlap wholly.

    With ``"same"`` it is as long as the longer one; with ``"full"``, as they overlap anywhere.
    """
    a, v = _sequences("correlate", a, v)
    if v.shape[0] > a.shape[0]:
        return flipped(_slid("correlate", v, a, mode), 0)
    return _slid("correlate", a, v, mode)


@covers(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Any, axis: Axis = None) -> Any:
    """All windows of an array along axes; their own axes come last.

    Args:
        x: The array.
        window_shape: The size of a window along each axis.
        axis: Along which axes, each once; None for all.
    """
    seen = term(x)
    lengths = shape_of(window_shape)
    axes = axes_in_order(axis, seen.ndim)
    if len(lengths) != len(axes):
        raise GraphError("E203", f"{len(lengths)} sizes of windows along {len(axes)} axes")
    ones = (1,) * len(axes)
    return windows(seen, axes, lengths, ones, ones)


# --- layers of networks ---------------------------------------------------------------------------


@covers()
def conv1d(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The layer that slides filters along sequences.

    Args:
        x: The sequences, (batch, channels, length).
        w: The filters, (filters, channels // groups, width); they are not turned round.
        stride: How far apart two windows are.
        padding: Zeros at both ends; or a pair, before and behind; or ``"valid"``, none; or
            ``"same"``, so many that the result has ⌈length / stride⌉ places.
        dilation: How far apart the elements of one window are.
        groups: The channels fall into so many groups, and each filter sees one of them.

    Returns:
        (batch, filters, places)
    """
    if isinstance(padding, (tuple, list)) and all(np.ndim(width) == 0 for width in padding):
        padding = (padding,)
    return _conv("conv1d", x, w, 1, stride, padding, dilation, groups)


@covers()
def conv2d(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The layer that slides filters over images.

    Args:
        x: The images, (batch, channels, height, width).
        w: The filters, (filters, channels // groups, height, width); they are not turned round.
        stride: How far apart two windows are; a pair for different ones down and across.
        padding: Zeros at all sides; or a pair, down and across, each a number or a pair, before and
            behind; or ``"valid"``, none; or ``"same"``, so many that the result has
            ⌈size / stride⌉ places.
        dilation: How far apart the elements of one window are; or a pair.
        groups: The channels fall into so many groups, and each filter sees one of them.

    Returns:
        (batch, filters, rows, columns)
    """
    return _conv("conv2d", x, w, 2, stride, padding, dilation, groups)


def _conv(
    name: str, x: Any, w: Any, count: int, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    x, w = together(x, w)
    if x.ndim != count + 2 or w.ndim != count + 2:
        problem = f"{list(x.shape)} and {list(w.shape)} do not have {count + 2} axes"
        raise GraphError("E203", f"shapes do not match in {name}: {problem}")
    channels, filters = x.shape[1], w.shape[0]
    if groups < 1 or channels != w.shape[1] * groups or filters % groups:
        problem = f"{channels} channels, filters {list(w.shape)} and {groups} groups"
        raise GraphError("E203", f"shapes do not match in {name}: {problem}")
    lengths = w.shape[2:]
    steps = _each(name, "stride", stride, count)
    gaps = _each(name, "dilation", dilation, count)
    reaches = [(length - 1) * gap + 1 for length, gap in zip(lengths, gaps, strict=True)]
    pads = _pads(name, padding, x.shape[2:], reaches, steps)
    x = pad(x, [(0, 0), (0, 0), *pads])
    for at, reach in enumerate(reaches, 2):
        if not 0 < reach <= x.shape[at]:
            problem = f"windows that reach over {reach} in {list(x.shape)} with its padding"
            raise GraphError("E203", f"shapes do not match in {name}: {problem}")
    left: list[str] = ["batch", "channel", *_PLACES[:count]]
    right: list[str] = ["filter", "channel"]
    front = 2
    if groups > 1:
        x = reshaped(x, (x.shape[0], groups, channels // groups, *x.shape[2:]))
        w = reshaped(w, (groups, filters // groups, *w.shape[1:]))
        left.insert(1, "group")
        right.insert(0, "group")
        front = 3
    seen = windows(x, tuple(range(front, front + count)), lengths, steps, gaps)
    out = [*left[: front - 1], "filter", *_PLACES[:count]]
    made = multiplied(seen, w, [*left, *_OFFSETS[:count]], [*right, *_OFFSETS[:count]], out)
    return reshaped(made, (x.shape[0], filters, *made.shape[front:]))


_PLACES = ["row", "column"]
_OFFSETS = ["down", "across"]


def _each(name: str, what: str, value: Any, count: int) -> tuple[int, ...]:
    """One positive whole number for each axis."""
    given = value if isinstance(value, (tuple, list)) else (value,) * count
    try:
        found = tuple([operator.index(number) for number in given])
    except TypeError:
        found = ()
    if len(found) != count or any(number < 1 for number in found):
        raise GraphError(
            "E212", f"{name}: {what} is a number from 1, or {count}; got {shown(value)}"
        )
    return found


def _pads(
    name: str, padding: Any, sizes: Sequence[int], reaches: Sequence[int], steps: Sequence[int]
) -> list[tuple[int, int]]:
    """How many zeros come before and behind along each axis."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        found = []
        for size, reach, step in zip(sizes, reaches, steps, strict=True):
            surplus = max((math.ceil(size / step) - 1) * step + reach - size, 0)
            found.append((surplus // 2, surplus - surplus // 2))
        return found
    given = padding if isinstance(padding, (tuple, list)) else (padding,) * len(sizes)
    try:
        pairs = [pair if isinstance(pair, (tuple, list)) else (pair, pair) for pair in given]
        found = [(operator.index(before), operator.index(behind)) for before, behind in pairs]
    except (TypeError, ValueError):
        found = []
    if len(found) != len(sizes) or any(min(pair) < 0 for pair in found):
        raise GraphError(
            "E212", f"{name}: padding is a number, pairs, 'valid' or 'same'; got {shown(padding)}"
        )
    return found


@covers()
def max_pool(x: Any, window: Any, stride: Any = None) -> Any:
    """The largest element of each window; equal ones share the derivative.

    Args:
        x: The values, (batch, channels, length) or (batch, channels, height, width).
        window: The size of a window along the last axes; a number is for all behind the channels.
        stride: How far apart two windows are; None: they lie side by side.
    """
    seen, inner = _pooled("max_pool", x, window, stride)
    return largest(seen, inner)


@covers()
def avg_pool(x: Any, window: Any, stride: Any = None) -> Any:
    """The mean of each window; the arguments are those of `max_pool`."""
    seen, inner = _pooled("avg_pool", x, window, stride)
    return total(seen, inner) / math.prod(seen.shape[at] for at in inner)


def _pooled(name: str, x: Any, window: Any, stride: Any) -> tuple[Any, tuple[int, ...]]:
    """All windows, and the axes that go through one."""
    x = term(x)
    count = len(window) if isinstance(window, (tuple, list)) else x.ndim - 2
    if not 0 < count <= x.ndim:
        raise GraphError("E203", f"{name}: {list(x.shape)} has no {shown(window)} to pool")
    lengths = _each(name, "window", window, count)
    steps = lengths if stride is None else _each(name, "stride", stride, count)
    axes = tuple(range(x.ndim - count, x.ndim))
    seen = windows(x, axes, lengths, steps, (1,) * count)
    return seen, tuple(range(x.ndim, x.ndim + count))
