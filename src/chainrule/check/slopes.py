"""Derivatives by differences in high precision: from the left, from the right, and off the axis.

A difference quotient with step h has the error of its series, a power of h, and the rounding error
of its two values, which 1/h magnifies. With a hundred digits and steps of 10⁻³⁰ and less both are
far below what floating-point numbers can tell. A kink or a singular point shows where the
quotients of the two sides have different limits, or none.

The complex step Im f(x + ih)/h subtracts nothing and needs no small h, but a function that is
analytic around x (W. Squire and G. Trapp, Using complex variables to estimate derivatives of real
functions, SIAM Review 40, 1998).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chainrule.check.exact import Context, NotAnalyticError, Real

Function = Callable[[Any], Any]

DIGITS: Final = 100
_FIRST: Final = -30
_RATIO: Final = 1000
"""The first step is 10⁻³⁰ of the length over which the function is looked at, each next one a
thousandth of the one before. The spacing of floats is 10⁻¹⁶: no kink that floats can express lies
between a point and its neighbours in these differences."""
_MORE_DIGITS: Final = (0, 300, 900)
_SETTLED: Final = 1e-12
_CONVERGED: Final = 1e-20
_SAME: Final = 1e-15
_SLOWEST: Final = 0.99


@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative of a real function of one number, seen from both sides.

    Attributes:
        left: Limit of the difference quotients from the left: may be infinite; NaN for none. Where
            the function jumps, the slope of the piece it jumps from.
        right: The same from the right.
        jumps: Whether the function jumps at the point.
        bend: About the size of the second derivative.
        steps: The step sizes.
    """

    left: Real
    right: Real
    jumps: bool
    bend: Real
    steps: tuple[float, ...]

    @property
    def smooth(self) -> bool:
        """Whether there is a derivative: both limits are finite and the same."""
        size = max(abs(self.left), abs(self.right))
        near = size < float("inf") and abs(self.left - self.right) <= _SAME * size
        return bool(near) and not self.jumps

    @property
    def value(self) -> Real:
        """The derivative, where there is one."""
        return (self.left + self.right) / 2

    @property
    def sides(self) -> tuple[Real, ...]:
        """The one-sided derivatives there are; infinite ones count."""
        return tuple(side for side in (self.left, self.right) if not math.isnan(side))


def slope(mp: Context, function: Function, x: Real, length: Real, size: Real = 0) -> Slope:
    """The derivative of ``function`` at x from both sides.

    Args:
        mp: The precision.
        function: From an mpmath number to one; NaN where it is undefined.
        x: The point.
        length: A distance over which the function changes little.
        size: Of the largest numbers on the way to the result, whose rounding errors stay in it.

    >>> mp = Context(DIGITS)
    >>> found = slope(mp, lambda x: abs(x) + x * x, mp.mpf(0), mp.mpf(1))
    >>> float(found.left), float(found.right), found.smooth
    (-1.0, 1.0, False)
    >>> float(slope(mp, mp.sqrt, mp.mpf(0), mp.mpf(1)).right)
    inf
    """
    digits = mp.dps
    first = length * mp.mpf(10) ** _FIRST
    steps = tuple(first / _RATIO**k for k in range(3))
    for more in _MORE_DIGITS:
        with mp.workdps(digits + more):
            center = +x  # with the digits that its neighbours will have
            middle = function(center)
            below, above = ([function(center + sign * h) for h in steps] for sign in (-1, 1))
            sizes = [abs(f) for f in (middle, *below, *above) if mp.isfinite(f)]
            noise = 16 * mp.eps * max([size, *sizes]) / steps[-1]
            lefts = [(middle - f) / h for f, h in zip(below, steps, strict=True)]
            rights = [(f - middle) / h for f, h in zip(above, steps, strict=True)]
            left, left_jumps = _side(mp, lefts, noise)
            right, right_jumps = _side(mp, rights, noise)
            bend = abs(rights[0] - lefts[0]) / first
            jumps = left_jumps or right_jumps
            found = Slope(left, right, jumps, bend, tuple(map(float, steps)))
            # Where the differences drown in rounding, once more with more digits.
            largest = max(map(abs, (*lefts, *rights)))
            if not noise > _SETTLED * largest or (more and largest == 0):
                break
    return found


def _limit(mp: Context, quotients: list[Real], noise: Real) -> Real:
    """The limit of quotients q₀ + c·rᵏ as k grows, by Aitken's extrapolation.

    It takes Richardson's place: the order of the error need not be known, and at singular points it
    is not 1. A ratio r of 1 is a logarithm, a larger one a power of the distance: both grow beyond
    all bounds.
    """
    first, second, third = quotients
    if not all(map(mp.isfinite, quotients)):
        return mp.nan
    before, after = second - first, third - second
    if abs(after) <= max(noise, _CONVERGED * abs(third)):
        return third
    if abs(after) < _SLOWEST * abs(before):
        limit = third - after * after / (after - before)
        return limit if abs(limit) > _SAME * abs(third) else mp.mpf(0)
    if abs(third) > abs(second) > abs(first):
        return mp.sign(third) * mp.inf
    return mp.nan


def _side(mp: Context, quotients: list[Real], noise: Real) -> tuple[Real, bool]:
    """The derivative of one side, and whether the function jumps there."""
    limit = _limit(mp, quotients, noise)
    if mp.isinf(limit):
        # q₀h₀ − q₁h₁ is the difference of two values beside the point, with h₁ = h₀/1000.
        first, second, _ = quotients
        piece = (first - second / _RATIO) / (1 - mp.mpf(1) / _RATIO)
        if abs(piece) < abs(first) / _RATIO**2:
            # The quotients end in noise, so does their difference.
            return piece if abs(piece) > noise else mp.mpf(0), True
    return limit, False


def complex_step(mp: Context, function: Function, x: Real, length: Real) -> Real | None:
    """Im f(x + ih)/h; None where the function is not analytic, or not defined off the axis.

    >>> mp = Context(50)
    >>> mp.nstr(complex_step(mp, mp.exp, mp.mpf(1), mp.mpf(1)), 20)
    '2.7182818284590452354'
    """
    step = length * mp.mpf(10) ** _FIRST
    try:
        value = function(mp.mpc(x, step))
    except NotAnalyticError:
        return None
    found = mp.im(value) / step
    return found if mp.isfinite(found) else None
