"""Points on lines: equally spaced ones, and values between given points."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import OPS
from chainrule.ops.arithmetic import floor, sign
from chainrule.ops.composite.elementwise import power
from chainrule.ops.composite.products import together
from chainrule.ops.composite.selection import depends
from chainrule.ops.composite.table import as_term, axis_of, covers, kind_of
from chainrule.ops.copies import broadcast_along
from chainrule.ops.division import remainder
from chainrule.ops.elementary import exp, log
from chainrule.ops.index import argsort, gather, searchsorted
from chainrule.ops.rearrange import concatenate, part, reshaped
from chainrule.ops.select import clip, convert, where
from chainrule.ops.term import Term, common_shape


@covers(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None
) -> Any:
    """The values at ``x`` of the line that joins the points (xp, fp), xp ascending.

    Before the first point it is ``left``, or the first value; behind the last ``right``, or the
    last value. At a point the slope is that of the piece to its right, at the last point that of
    the piece to its left. With a ``period`` the line repeats, and points may have any order. All
    operands have derivatives. Unlike in NumPy, float32 stays
    float32.

    >>> import chainrule as cr
    >>> x = cr.input("x")
    >>> record = cr.graph(interp(x, [0, 1, 2], [0, 10, 0]), [x]).at(1)
    >>> record.value, record.gradient
    (10.0, {'x': -10.0})
    """
    kind = kind_of((x, xp, fp, left, right))
    if not any(isinstance(value, Term) for value in (x, xp, fp)):
        x = as_term(x, kind)
    x, xp, fp = together(x, xp, fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.shape[0]:
        points = f"{list(xp.shape)} and {list(fp.shape)}"
        raise GraphError(
            "E203", f"interp needs as many values as points, one at least; got {points}"
        )
    if period is not None:
        x, xp, fp = _repeated(x, xp, fp, float(period))
    count = xp.shape[0]
    first, last = (reshaped(part(xp, 0, at, 1), ()) for at in (0, count - 1))
    ends = [reshaped(part(fp, 0, at, 1), ()) for at in (0, count - 1)]
    if count == 1:
        line = ends[0] + (x - first) * 0.0
    else:
        low = clip(searchsorted(xp, x, "right") - 1, 0, count - 2)
        high = low + 1
        start, height = gather(xp, low), gather(fp, low)
        slope = (gather(fp, high) - height) / (gather(xp, high) - start)
        line = slope * (x - start) + height
    line = where(x < first, ends[0] if left is None else left, line)
    return where(x > last, ends[1] if right is None else right, line)


def _repeated(x: Any, xp: Any, fp: Any, period: float) -> Any:
    """One period of a line, in order, and a point more at both ends; ``x`` brought into it."""
    if period == 0:
        raise GraphError("E212", "interp: a period other than 0")
    period = abs(period)
    x, xp = remainder(x, period), remainder(xp, period)
    order = argsort(xp, 0)
    xp, fp = gather(xp, order), gather(fp, order)
    last = xp.shape[0] - 1
    ends = [[part(v, 0, at, 1) for at in (last, 0)] for v in (xp, fp)]
    xp = concatenate(ends[0][0] - period, xp, ends[0][1] + period, axis=0)
    return x, xp, concatenate(ends[1][0], fp, ends[1][1], axis=0)


@covers(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Equally spaced numbers from ``start`` to ``stop``; with ``retstep`` also their distance."""
    start, stop = together(start, stop)
    if num < 0:
        raise GraphError("E203", f"linspace makes 0 or more numbers, got {num}")
    gaps = num - 1 if endpoint else num
    meeting = np.result_type(start.dtype, stop.dtype, 0.0)
    inner = common_shape(OPS["subtract"], (start.node, stop.node))
    at = axis_of(axis, len(inner) + 1)
    shares = (np.arange(num) / max(gaps, 1)).astype(meeting)
    shape = (*inner[:at], num, *inner[at:])
    shares = shares.reshape(-1, *(1,) * (len(inner) - at))
    places = tuple(k for k in range(len(shape)) if k != at)
    begin, end = (broadcast_along(x, shape, places[len(inner) - x.ndim :]) for x in (start, stop))
    made = begin * (1 - shares) + end * shares
    if dtype is not None and np.dtype(dtype) != made.dtype:
        made = convert(floor(made) if np.dtype(dtype).kind in "iu" else made, dtype)
    if not retstep:
        return made
    step = (stop - start) / gaps if gaps else (stop - start) * float("nan")
    return made, step


@covers(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of a base, their exponents equally spaced from ``start`` to ``stop``."""
    made = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return made if dtype is None else convert(made, dtype)


@covers(np.geomspace)
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Numbers from ``start`` to ``stop`` with one ratio between neighbours; both of one sign."""
    start, stop = together(start, stop)
    made = exp(linspace(log(abs(start)), log(abs(stop)), num, endpoint, axis=axis))
    signs = linspace(sign(start), sign(stop), num, endpoint, axis=axis)
    return made * signs if dtype is None else convert(made * signs, dtype)


@covers(np.arange)
def arange(*bounds: Any) -> NoReturn:
    """Refused: how many numbers there are between symbolic bounds depends on the data."""
    raise depends("arange between symbolic bounds", "linspace(start, stop, num) has a fixed number")
