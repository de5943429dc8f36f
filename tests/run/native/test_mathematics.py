"""The native functions against mpmath in units in the last place, and against NumPy's limits."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special

from benchmarks import polynomials
from chainrule.run.native.code import target
from chainrule.run.native.emit.lanes import Code, Module, Value
from chainrule.run.native.emit.mathematics import (
    FUNCTIONS,
    OPERANDS,
    ULPS,
    ULPS_FLOAT32,
    coefficients,
)
from tests.run.native.vectors import Vectorised, loop, vectorised

mp = mpmath.mp.clone()
mp.prec = 200

SIZE = 48
"""Points from each range; the errors in `ULPS` were measured with thousands of times as many."""

Array = np.ndarray[Any, Any]
Range = tuple[float, float] | str

RANGES: dict[str, list[Range]] = {
    "exp": [(-745, 709.7), (-745.2, -708), (-1, 1), (0.34, 0.39), "near 0"],
    "exp2": [(-1075, 1024), (-1076, -1021), (-1, 1), (0.45, 0.55), "near 0"],
    "expm1": [(-40, 709.7), (-1.2, 1.2), (0.33, 0.4), "near 0"],
    "log": ["positive", (0.3, 3), (0.7, 0.72), (1.4, 1.43), "near 1"],
    "log2": ["positive", (0.3, 3), (0.7, 0.72), (1.4, 1.43), "near 1"],
    "log10": ["positive", (0.3, 3), (0.7, 0.72), (1.4, 1.43), "near 1"],
    "log1p": ["positive", (-1, 2), (-0.3, -0.28), (0.4, 0.46), "near 0", "near -1"],
    "sin": [(-7, 7), (0.7, 0.8), (-(2**20), 2**20), "multiples of π/2", "near 0", "large"],
    "cos": [(-7, 7), (0.7, 0.8), (-(2**20), 2**20), "multiples of π/2", "near 0", "large"],
    "tan": [(-7, 7), (0.7, 0.8), (-(2**20), 2**20), "multiples of π/2", "near 0", "large"],
    "asin": [(-1, 1), (0.49, 0.6), "near 1 from below", "near 0"],
    "acos": [(-1, 1), (0.49, 0.6), "near 1 from below", "near 0"],
    "atan": [(-3, 3), (0.4, 0.45), "everything", "near 0"],
    "sinh": [(-710.4, 710.4), (-1.2, 1.2), (0.33, 0.5), "near 0"],
    "cosh": [(-710.4, 710.4), (-1.2, 1.2), (0.33, 0.5), "near 0"],
    "tanh": [(-22, 22), (-1.2, 1.2), (0.16, 0.25), (0.54, 0.56), "near 0"],
    "asinh": ["everything", (-3, 3), (0.2, 0.6), "near 0"],
    "acosh": ["positive", (1, 5), "near 1 from above"],
    "atanh": [(-1, 1), (0.1, 0.3), "near 1 from below", "near 0"],
    "cbrt": ["everything", (-8, 8)],
    "erf": [(-6, 6), (0.75, 1.1), (0.5, 1), "near 0"],
    "erfc": [(-6, 27.3), (26, 27.3), (0.7, 1.1), "near 0"],
}

EXACT: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mp.power(2, x),
    "log2": lambda x: mp.log(x, 2),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "pow": mp.power,
    "fmod": lambda x, y: mp.sign(x) * mp.fmod(abs(x), abs(y)),
}

PEERS: dict[str, Any] = {
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "atan2": np.arctan2,
    "pow": np.power,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
}

SPECIAL = [0, 1, 0.5, 2, 3, 2.5, 22, 1024, 709.79, 710.48, 745.14, 1075, 1e15 + 1, 5e-324, 1e-310]
SPECIAL += [2.0**-1022, 1.7976931348623157e308, 2.0**53 + 2, 2.0**52 + 0.5, 1 - 2.0**-53, np.inf]


@functools.cache
def compiled(name: str) -> dict[tuple[str, int], Vectorised]:
    return vectorised(FUNCTIONS, name, OPERANDS[name])


def points(chosen: Range, rng: np.random.Generator) -> Array:
    """Points of a range, which are of float32 too where a range is named."""
    signs = rng.choice([-1.0, 1.0], SIZE)
    match chosen:
        case "positive":
            return np.exp2(rng.uniform(-1074, 1024, SIZE))
        case "everything":
            return np.exp2(rng.uniform(-1074, 1024, SIZE)) * signs
        case "near 0":
            whole = rng.uniform(-1074, 0, SIZE)
            return np.exp2(np.where(rng.random(SIZE) < 0.2, whole, whole / 16)) * signs
        case "near 1":
            return 1 + np.exp2(rng.uniform(-52, -2, SIZE)) * signs
        case "near -1":
            return -1 + np.exp2(rng.uniform(-53, -2, SIZE))
        case "near 1 from below":
            return (1 - np.exp2(rng.uniform(-53, -1, SIZE))) * signs
        case "near 1 from above":
            return 1 + np.exp2(rng.uniform(-52, 1, SIZE))
        case "multiples of π/2":
            multiples = np.floor(np.exp2(rng.uniform(0, 19, SIZE))) * (np.pi / 2)
            return multiples + rng.integers(-2, 3, SIZE) * np.spacing(multiples)
        case "large":
            return np.exp2(rng.uniform(19, 1024, SIZE)) * signs
        case (low, high):
            return rng.uniform(low, high, SIZE)
    raise AssertionError(chosen)


def operands(name: str) -> list[Array]:
    """Hard points for a function."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if OPERANDS[name] == 1:
        return [np.concatenate([points(chosen, rng) for chosen in RANGES[name]])]
    a, b = points("everything", rng), points("everything", rng)
    near = a * rng.uniform(0.1, 1.5, SIZE)
    u, v = rng.uniform(-1, 1, (2, SIZE))
    pairs = [(a, b), (a, near), (near, a), (u, v), (u, 1e-310 * v)]
    if name == "pow":
        pairs = [
            (abs(a), v),
            (0.5 + abs(u), 1000 * v),
            (-10 * abs(u), np.round(40 * v)),
            (1 + 1e-8 * u, 1e10 * v),
            (1 + 1e-3 * u, 7e5 * v),
            (1e-300 * abs(u), 1.04 + 0.04 * v),
        ]
    return [np.concatenate(column) for column in zip(*pairs, strict=True)]


@functools.cache
def exact(name: str, dtype: str) -> tuple[list[Array], Array, Array]:
    """Operands, the exact results rounded to doubles, and what that loses, in units of these."""
    with np.errstate(over="ignore"):
        given = [x.astype(dtype).astype("float64") for x in operands(name)]
    function = EXACT.get(name) or getattr(mp, name)
    high, low, kept = [], [], []
    for point in zip(*(x.tolist() for x in given), strict=True):
        kept.append(all(np.isfinite(x) for x in point) and _inside(name, *point))
        value = function(*map(mp.mpf, point)) if kept[-1] else mp.mpf(0)
        high.append(float(value))
        unit = mp.mpf(float(np.spacing(abs(high[-1])))) if np.isfinite(high[-1]) else mp.inf
        low.append(float((value - mp.mpf(high[-1])) / unit) if np.isfinite(high[-1]) else 0.0)
    keep = np.array(kept)
    return [x[keep] for x in given], np.array(high)[keep], np.array(low)[keep]


def _inside(name: str, x: float, y: float = 0) -> bool:
    """Whether a point that has been rounded to float32 is still one with a result."""
    if name.startswith("log"):
        return x > (-1 if name == "log1p" else 0)
    if name == "atanh":
        return abs(x) < 1
    if name == "acosh":
        return x >= 1
    if name == "fmod":
        return y != 0
    return x != 0 or name not in ("pow", "atan2")


def errors(name: str, dtype: str, width: int) -> tuple[list[Array], Array]:
    """The errors in units in the last place."""
    given, high, low = exact(name, dtype)
    with np.errstate(over="ignore"):
        rounded = high.astype(dtype)
    result = compiled(name)[dtype, width](*(x.astype(dtype) for x in given))
    outside = np.isinf(rounded)
    assert np.array_equal(result[outside], rounded[outside])
    with np.errstate(invalid="ignore"):
        double = np.spacing(np.abs(high))
        difference = (result.astype("float64") - high) / double - low
        unit = np.spacing(np.abs(rounded)).astype("float64")
        # At a power of two the next smaller numbers are closer together than the larger ones.
        below = np.abs(rounded).astype("float64") > np.abs(high)
        fraction, _ = np.frexp(rounded)
        normal = np.abs(rounded) > np.finfo(dtype).tiny
        unit = np.where(below & (np.abs(fraction) == 0.5) & normal, unit / 2, unit)
        error = np.abs(difference) * (double / unit)
    return given, np.where(outside, 0, error)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_errors_are_below_what_is_stated(name: str, dtype: str) -> None:
    given, error = errors(name, dtype, 8)
    worst = int(error.argmax())
    bound = ULPS[name] if dtype == "float64" else ULPS_FLOAT32
    assert error[worst] <= bound, [float(x[worst]) for x in given]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_width_gives_the_same_bits(name: str, dtype: str) -> None:
    given = [x.astype(dtype) for x in exact(name, dtype)[0]]
    results = [compiled(name)[dtype, width](*given) for width in (1, 4, 8)]
    for result in results[1:]:
        assert result.tobytes() == results[0].tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("width", [1, 4, 8])
def test_special_values_are_those_of_numpy(name: str, dtype: str, width: int) -> None:
    with np.errstate(all="ignore"):
        values = np.array([*SPECIAL, *(-x for x in SPECIAL), np.nan], dtype)
        grids = np.meshgrid(*[values] * OPERANDS[name])
        given = [grid.ravel() for grid in grids]
        result = compiled(name)[dtype, width](*given)
        peer = PEERS.get(name) or getattr(np, name)
        # In double, because NumPy's functions of float32 are less accurate.
        expected = peer(*(x.astype("float64") for x in given)).astype(dtype)
        ordinary = np.isfinite(expected) & (expected != 0)
        assert np.array_equal(np.isnan(result), np.isnan(expected))
        special = ~ordinary & ~np.isnan(expected)
        assert result[special].tobytes() == expected[special].tobytes()
        step = np.spacing(np.abs(expected[ordinary]))
        assert (np.abs(result[ordinary] - expected[ordinary]) <= 4 * step).all()


def test_zeros_of_atan2_keep_their_signs() -> None:
    y = np.array([0.0, -0.0, 0.0, -0.0, 0.0, -0.0, 0.0, -0.0, 1, -1, 1, -1])
    x = np.array([0.0, 0.0, -0.0, -0.0, 1, 1, -1, -1, 0.0, 0.0, -0.0, -0.0])
    result = compiled("atan2")["float64", 4](y, x)
    assert result.tobytes() == np.arctan2(y, x).tobytes()


@pytest.mark.parametrize("name", ["COSH", "CBRT", "SINH"])
def test_the_coefficients_are_those_that_are_found_anew(name: str) -> None:
    with mpmath.workdps(polynomials.DIGITS):
        found, _ = polynomials.remez(polynomials.WANTED[name])
    np.testing.assert_allclose(getattr(coefficients, name), [float(x) for x in found], 1e-15)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "log1p"])
def test_vectors_have_it_inline_and_plain_numbers_call_it(name: str) -> None:
    module = Module(FUNCTIONS)
    for width in (1, 8):
        loop(module, name, 1, "double", width)
    text = str(target.optimised(module.text))
    assert f"@{name}.f64.w8(" not in text
    assert f"call double @{name}.f64.w1(" in text or f"call fastcc double @{name}.f64.w1(" in text


def test_a_graph_of_many_sines_holds_the_sine_once() -> None:
    module = Module(FUNCTIONS)
    code = Code(module)
    value = Value("%x", "double")
    for _ in range(200):
        value = code.call("sin", value)
    body = "\n".join(code.lines)
    module.define(
        "chain", f"define double @chain(double %x) {{\n{body}\n  ret double {value.text}\n}}"
    )
    assert len(str(target.optimised(module.text)).splitlines()) < 500


def test_functions_of_others_are_called_lane_by_lane() -> None:
    x = np.linspace(0.5, 5, 11)
    result = vectorised(FUNCTIONS, "lgamma", 1, ("float64",), (1, 4))
    for width in (1, 4):
        np.testing.assert_allclose(
            result["float64", width](x), scipy.special.gammaln(x), 1e-14, 1e-15
        )
