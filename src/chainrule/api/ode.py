"""Ordinary differential equations, solved with steps of controlled error and differentiated.

Explicit Runge–Kutta methods with the coefficients of `scipy.integrate`, and its control of steps:
E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd ed., 1993,
sections II.4 and II.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy

from chainrule.api.custom import custom_derivative
from chainrule.api.flow.bodies import Given, converted, given
from chainrule.api.flow.loops import scan, while_loop
from chainrule.api.linear import vjp
from chainrule.api.plans import Pure
from chainrule.api.transforms import stop_gradient
from chainrule.errors import GraphError

_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 10.0


def odeint(
    function: Pure,
    y0: Any,
    ts: Any,
    *args: Any,
    rtol: float = 1e-8,
    atol: float = 1e-8,
    method: str = "RK45",
    adjoint: bool = False,
    steps: int = 100_000,
) -> Any:
    """The solution of dy/dt = function(t, y, *args) at the given times.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def decay(rate):
    ...     return cr.odeint(lambda t, y: -rate * y, 1.0, np.array([0.0, 1.0]))[-1]
    >>> round(float(decay(2.0)), 7), round(float(cr.grad(decay)(2.0)), 7)
    (0.1353353, -0.1353353)

    Args:
        function: (time, y, *args) → the slope of y, structured like it. It may read other values
            around it: the solution depends on these.
        y0: The values at the first time: an array or a structure of arrays.
        ts: Times, ascending or descending; the first is that of ``y0``.
        *args: Further arguments of the function.
        rtol: The error that a step may make, relative to y.
        atol: And absolute.
        method: ``"RK23"``, ``"RK45"`` or ``"DOP853"``, as in `scipy.integrate.solve_ivp`.
        adjoint: How reverse mode works. False: through the steps that were taken, whose values are
            kept. True: by the adjoint equation, solved backward in time, whose memory does not grow
            with the number of steps (L. S. Pontryagin et al., 1962); its gradient is as exact as
            the tolerances, and there is no forward mode.
        steps: The most steps between two times; the solution is NaN from where they do not suffice.

    Returns:
        Structured like ``y0``, with the times along a new first axis.

    Raises:
        GraphError: E247 for an unknown method or times that are not a vector.
    """
    if method not in ("RK23", "RK45", "DOP853"):
        raise GraphError("E247", f"unknown method {method!r}; use 'RK23', 'RK45' or 'DOP853'")
    (times,) = given(ts, "ts of odeint").leaves
    if len(times.shape) != 1 or times.shape[0] < 1:
        raise GraphError("E247", f"ts of odeint is a vector of times, got shape {times.shape}")
    start = given(y0, "y0 of odeint")
    dtype = np.result_type(np.float32, times.dtype, *(x.dtype for x in start.leaves))
    start.leaves[:] = [x.astype(dtype) for x in start.leaves]
    times = times.astype(dtype)
    first = start.structure.build(start.leaves)
    pure, read = converted(lambda t, y: function(t, y, *args), [times[0], first])
    vector = _Vector(start)

    def slope(t: Any, y: Any, read: Any) -> Any:
        return vector.flat(pure([t, vector.built(y)], read))

    solver = _Solver(slope, getattr(scipy.integrate, method), rtol, atol, steps)
    solve = _by_adjoint(solver) if adjoint else solver.run
    return vector.rows(solve(vector.flat(first), times, read))


class _Vector:
    """Structures of arrays as vectors."""

    def __init__(self, start: Given) -> None:
        self._structure = start.structure
        self._shapes = [tuple(x.shape) for x in start.leaves]

    def flat(self, value: Any) -> Any:
        leaves = given(value, "the slope of odeint").leaves
        return np.concatenate([np.reshape(x, (-1,)) for x in leaves])

    def built(self, y: Any) -> Any:
        return self._structure.build([x[()] for x in self._parts(y, ())])

    def rows(self, ys: Any) -> Any:
        """The same for many vectors along the first axis."""
        return self._structure.build(self._parts(ys, (ys.shape[0],)))

    def _parts(self, y: Any, front: tuple[int, ...]) -> list[Any]:
        found, at = [], 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            found.append(np.reshape(y[..., at : at + size], (*front, *shape)))
            at += size
        return found


class _Tables(NamedTuple):
    """The coefficients of an explicit Runge–Kutta method, and which of its errors count.

    Attributes:
        a: What each stage takes of the slopes before it.
        b: What the step takes of each slope.
        c: Where in the step each stage stands.
        errors: How each estimate of the error is put together.
        order: Of the estimate.
    """

    a: Any
    b: Any
    c: Any
    errors: tuple[Any, ...]
    order: int

    @classmethod
    def of(cls, method: Any) -> _Tables:
        errors = (method.E5, method.E3) if hasattr(method, "E5") else (method.E,)
        stages = method.n_stages
        return cls(
            method.A[:stages, :stages],
            method.B,
            method.C[:stages],
            errors,
            method.error_estimator_order,
        )


class _Solver:
    """Steps of controlled error from time to time."""

    def __init__(self, slope: Pure, method: Any, rtol: float, atol: float, steps: int) -> None:
        self.slope = slope
        self._tables = _Tables.of(method)
        self._rtol, self._atol, self._steps = rtol, atol, steps

    def with_slope(self, slope: Pure) -> _Solver:
        """The same for another equation."""
        made = object.__new__(_Solver)
        made.__dict__.update(self.__dict__)
        made.slope = slope
        return made

    def run(self, y: Any, times: Any, read: Any) -> Any:
        """The values at all times, along the first axis."""
        slope = self.slope(times[0], y, read)
        h = stop_gradient(self._first_step(times, y, slope, read))

        def on(state: Any, end: Any) -> Any:
            made = self._to(end, state, read)
            return made, made[1]

        _, rows = scan(on, (times[0], y, slope, h), times[1:])
        return np.concatenate([y[None], rows])

    def _to(self, end: Any, state: Any, read: Any) -> Any:
        """From one time to another; the last step is cut to end there."""
        t, y, slope, h = state
        small = 10 * np.finfo(y.dtype).eps

        def on_the_way(state: Any) -> Any:
            t, _, _, h, _, count = state
            room = np.abs(h) > small * np.maximum(np.abs(t), np.abs(end))
            return (t != end) & room & (count < self._steps)

        def step(state: Any) -> Any:
            t, y, slope, h, failed, count = state
            h = np.where(end >= t, np.abs(h), -np.abs(h))
            cut = np.abs(h) >= np.abs(stop_gradient(end - t))
            used = np.where(cut, end - t, h)
            new, after, error = self._step(t, y, slope, used, read)
            error = stop_gradient(error)
            good = error < 1
            factor = _SAFETY * np.where(error > 0, error, 1.0) ** (-1 / (self._tables.order + 1))
            factor = np.where(error > 0, factor, _FASTEST)
            factor = np.where(np.isnan(error), _SLOWEST, np.clip(factor, _SLOWEST, _FASTEST))
            factor = np.where(good & failed, np.minimum(factor, 1.0), factor)
            next_h = stop_gradient(np.abs(used)) * factor
            next_h = np.where(good & cut, np.maximum(next_h, np.abs(h)), next_h)
            return (
                np.where(good, np.where(cut, end, t + used), t),
                np.where(good, new, y),
                np.where(good, after, slope),
                next_h,
                ~good,
                count + 1,
            )

        t, y, slope, h, _, _ = while_loop(on_the_way, step, (t, y, slope, h, False, 0))
        reached = t == end
        return end, np.where(reached, y, np.nan), np.where(reached, slope, np.nan), h

    def _step(self, t: Any, y: Any, slope: Any, h: Any, read: Any) -> tuple[Any, Any, Any]:
        """One step: the values and slopes after it, and its error as a share of what is allowed."""
        tables = self._tables
        slopes = [slope]
        for row, at in zip(tables.a[1:], tables.c[1:], strict=True):
            there = y + h * _combined(row, slopes)
            slopes.append(self.slope(t + h * float(at), there, read))
        new = y + h * _combined(tables.b, slopes)
        after = self.slope(t + h, new, read)
        scale = self._atol + self._rtol * np.maximum(np.abs(y), np.abs(new))
        errors = [_combined(row, [*slopes, after]) / scale for row in tables.errors]
        size = np.abs(stop_gradient(h))
        if len(errors) == 1:
            return new, after, size * _norm(errors[0])
        fifth, third = (np.sum(error**2) for error in errors)
        denominator = (fifth + 0.01 * third) * y.shape[0]
        share = size * fifth / np.sqrt(np.where(denominator > 0, denominator, 1.0))
        return new, after, share

    def _first_step(self, times: Any, y: Any, slope: Any, read: Any) -> Any:
        """A first step: Hairer, Nørsett, Wanner, section II.4."""
        if times.shape[0] == 1 or y.shape[0] == 0:
            return np.ones_like(times[0])
        way = times[-1] - times[0]
        scale = self._atol + np.abs(y) * self._rtol
        d0, d1 = _norm(y / scale), _norm(slope / scale)
        h0 = np.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / np.where(d1 > 0, d1, 1.0))
        h0 = np.minimum(h0, np.abs(way))
        signed = np.where(way >= 0, h0, -h0)
        after = self.slope(times[0] + signed, y + signed * slope, read)
        d2 = _norm((after - slope) / scale) / np.where(h0 > 0, h0, 1.0)
        most = np.maximum(d1, d2)
        power = 1 / (self._tables.order + 1)
        h1 = np.where(
            most <= 1e-15,
            np.maximum(1e-6, h0 * 1e-3),
            (0.01 / np.where(most > 0, most, 1.0)) ** power,
        )
        return np.minimum(np.minimum(100 * h0, h1), np.where(way == 0, 1.0, np.abs(way)))


def _combined(row: Sequence[float], slopes: Sequence[Any]) -> Any:
    """A sum of slopes; those that count nothing are left out."""
    terms = [float(share) * slope for share, slope in zip(row, slopes, strict=False) if share]
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found


def _norm(x: Any) -> Any:
    """The root of the mean of squares, with a derivative at 0."""
    total = np.sum(x**2)
    return np.where(total > 0, np.sqrt(np.where(total > 0, total, 1.0)), 0.0) / x.shape[0] ** 0.5


def _by_adjoint(solver: _Solver) -> Pure:
    """The same solution, whose reverse mode solves the adjoint equation backward in time."""
    solve = custom_derivative(solver.run)

    @solve.reverse
    def _(primals: Any, ys: Any, bars: Any) -> Any:
        _, times, read = primals
        size = ys.shape[1]

        def slopes(t: Any, state: Any, read: Any) -> Any:
            y, bar = state[:size], state[size : 2 * size]
            dy, pull = vjp(lambda y, read: solver.slope(t, y, read), y, read)
            d_y, d_read = pull(bar)
            return np.concatenate([dy, -d_y, *(-np.reshape(x, (-1,)) for x in d_read)])

        def back(state: Any, ends: Any) -> Any:
            bar, sums = state
            late, early, y, y_bar = ends
            bar = bar + y_bar
            d_late = np.sum(y_bar * solver.slope(late, y, read))
            start = np.concatenate([y, bar, *(np.reshape(x, (-1,)) for x in sums)])
            end = solver.with_slope(slopes).run(start, np.stack([late, early]), read)[1]
            parts, at = [], 2 * size
            for x in sums:
                count = int(np.prod(x.shape))
                parts.append(np.reshape(end[at : at + count], x.shape))
                at += count
            return (end[size : 2 * size], parts), d_late

        zeros = [np.zeros_like(x) for x in read]
        (bar, sums), d_times = scan(
            back,
            (np.zeros_like(ys[0]), zeros),
            (times[1:], times[:-1], ys[1:], bars[1:]),
            reverse=True,
        )
        total = bar + bars[0]
        d_first = -np.sum(bar * solver.slope(times[0], ys[0], read))
        d_times = np.concatenate([d_first[None], d_times])
        return total, d_times, sums

    return solve
