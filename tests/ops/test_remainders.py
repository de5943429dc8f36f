"""Division with remainder has NumPy's bits: interpreter, machine code and JavaScript."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import chainrule as cr
from tests.javascript import run

NAN, INF = math.nan, math.inf
SIZES = (0.0, 0.1, 0.3, 0.7, 1.0, 3.0, 5.0, 1e10, 2.0**53 - 1, 2.0**53, 2.0**60, 1e20, 1e38, INF)
EXTREMES = {"float64": (1e300, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324),
            "float32": (1e30, 3.4028234663852886e38, 1.1754943508222875e-38, 1e-45)}  # fmt: skip
WHOLE = (0, 1, -1, 2, -3, 7, 10, -12, 1000003)

each_float = pytest.mark.parametrize("dtype", EXTREMES)
each_integer = pytest.mark.parametrize("dtype", ["int64", "int32"])


def all_of_them(x, y):
    return x % y, x // y, np.fmod(x, y), *divmod(x, y)


def hostile(dtype):
    """All pairs of numbers of every size, and random pairs whose quotient is next to a whole one,
    that is small or as large as the digits.
    """
    sizes = (*SIZES, *EXTREMES[dtype])
    numbers = np.array([sign * size for sign in (1, -1) for size in sizes] + [NAN], dtype)
    pairs = np.array(list(itertools.product(numbers, repeat=2))).T
    rng = np.random.default_rng(7)
    y = (rng.choice([-1, 1], 4000) * 2 ** rng.uniform(-30, 30, 4000)).astype(dtype)
    near = (np.round(2 ** rng.uniform(0, 60, 4000)) * y).astype(dtype)
    moved = np.nextafter(near, np.array([INF, -INF, 0, 1], dtype)[rng.integers(0, 4, 4000)])
    return [np.concatenate([a, b, c]) for a, b, c in zip(pairs, [near, y], [moved, y], strict=True)]


def whole(dtype):
    info = np.iinfo(dtype)
    numbers = np.array([*WHOLE, info.min, info.min + 1, info.max], dtype)
    return [np.array(column) for column in zip(*itertools.product(numbers, repeat=2), strict=True)]


def wanted_of(x, y):
    with np.errstate(all="ignore"):
        return all_of_them(x, y)


def assert_bits(found, wanted, x, y):
    assert len(found) == len(wanted)
    for name, one, other in zip(("%", "//", "fmod", "//", "%"), found, wanted, strict=True):
        one = np.asarray(one)
        assert one.dtype == other.dtype
        same = one == other
        if one.dtype.kind == "f":
            same &= np.signbit(one) == np.signbit(other)
            same |= np.isnan(one) & np.isnan(other)
        at = int(np.argmin(same))
        assert same.all(), (name, x[at], y[at], one[at], other[at])


def assert_as_numpy(x, y):
    graph = cr.trace(all_of_them)(x, y)
    assert_bits(graph.at(x, y).value, wanted_of(x, y), x, y)
    assert_bits(graph.compile()(x, y), wanted_of(x, y), x, y)


@each_float
def test_floats(dtype):
    assert_as_numpy(*hostile(dtype))


@each_integer
def test_integers(dtype):
    assert_as_numpy(*whole(dtype))


@each_float
def test_numbers_one_by_one(dtype):
    x, y = (column[::9] for column in hostile(dtype))
    graph = cr.trace(all_of_them)(x[0], y[0])
    machine = graph.compile()
    found = zip(*(machine(*point) for point in zip(x, y, strict=True)), strict=True)
    assert_bits([np.array(column) for column in found], wanted_of(x, y), x, y)


def test_javascript():
    x, y = hostile("float64")
    graph = cr.trace(all_of_them)(x[0], y[0])
    rows = run(graph, np.stack([x, y], axis=1)).values
    found = [rows[:, graph.dag.order.index(output)] for output in graph.dag.outputs]
    assert_bits(found, wanted_of(x, y), x, y)


def test_javascript_in_single_precision():
    """There the steps of // are rounded once, at the end; the others have no rounding but one."""
    x, y = hostile("float32")
    graph = cr.trace(lambda x, y: (x % y, np.fmod(x, y)))(x[0], y[0])
    rows = run(graph, np.stack([x, y], axis=1)).values
    wanted = wanted_of(x, y)
    for output, other in zip(graph.dag.outputs, (wanted[0], wanted[2]), strict=True):
        one = rows[:, graph.dag.order.index(output)]
        assert np.array_equal(one, other, equal_nan=True)
        assert (np.signbit(one) == np.signbit(other))[~np.isnan(other)].all()


def test_fmod_is_exact():
    x, y = hostile("float64")
    kept = np.isfinite(x) & np.isfinite(y) & (y != 0)
    x, y = x[kept][::5], y[kept][::5]
    found = cr.trace(np.fmod)(x, y).compile()(x, y)
    for a, b, rest in zip(x.tolist(), y.tolist(), found.tolist(), strict=True):
        left = abs(Fraction(a)) % abs(Fraction(b))
        assert Fraction(rest) == (left if a >= 0 else -left)


def test_derivatives_count_the_multiples():
    graph = cr.parse("mod(x, y), fmod(x, y), floor_divide(x, y)")
    points = [((7.5, 2.0), -3, -3), ((-7.5, 2.0), 4, 3), ((7.5, -2.0), 4, 3),
              ((-7.5, -2.0), -3, -3), ((1.0, 0.1), -9, -9), ((0.5, INF), 0, 0)]  # fmt: skip
    for point, by_mod, by_fmod in points:
        for jacobian in (graph.jacobian(), graph.jacobian().compile()):
            assert np.array_equal(jacobian(*point), [[1, by_mod], [1, by_fmod], [0, 0]])
