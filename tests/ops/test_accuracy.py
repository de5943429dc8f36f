"""Kernels and partial derivatives beyond the op matrix: limits, signs, random points, guards.

The errors on the grid and the conventions at singular points are held by the op matrix.
"""

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import accuracy
from benchmarks import exact as exact_results
from benchmarks.accuracy import evaluate, ulps
from benchmarks.exact import DTYPES, SLOPES, measured_ops
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.kernels import kernel, local_derivatives

MEASURED = measured_ops()
each_measured = pytest.mark.parametrize("op", MEASURED, ids=lambda op: op.name)
few_examples = settings(max_examples=20, deadline=None)  # for each of the operations
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def inside(op, dtype):
    """Points of the domain of an operation, in this dtype."""
    width = 32 if dtype == "float32" else 64
    as_dtype = [np.dtype(dtype).type(border) for pair in op.domain for border in pair]
    pairs = zip(as_dtype[::2], as_dtype[1::2], strict=True)
    return st.tuples(*(st.floats(float(a), float(b), width=width) for a, b in pairs))


@each_dtype
@each_measured
def test_scalars_give_what_arrays_give(op, dtype):
    points = exact_results.grid(op, dtype)
    # Every point of a line; of the products of lines a part.
    points = points[:: 1 + len(points) // 400]
    columns = [np.array(column, dtype) for column in zip(*points, strict=True)]
    for params in exact_results.params_of(op):
        together, slopes = evaluate(op, params, dtype, columns)
        for row, point in enumerate(zip(*columns, strict=True)):
            alone, slopes_alone = evaluate(op, params, dtype, point)
            assert alone.dtype == dtype
            assert not isinstance(alone, np.ndarray) or alone.shape == ()
            assert together.dtype == dtype
            pairs = zip(
                [alone, *slopes_alone], [together[row], *(s[row] for s in slopes)], strict=True
            )
            for one, other in pairs:
                assert _close(float(one), float(other), dtype), (point, params, one, other)


@each_dtype
@each_measured
def test_many_points_give_what_few_give(op, dtype):
    """Branches go another way where there are many points."""
    columns = [
        np.array(column, dtype)
        for column in zip(*exact_results.grid(op, dtype)[:150:5], strict=True)
    ]
    for params in exact_results.params_of(op):
        few, _ = evaluate(op, params, dtype, columns)
        many, _ = evaluate(op, params, dtype, [np.tile(column, 20) for column in columns])
        for one, other in zip(np.tile(few, 20), many, strict=True):
            assert _close(float(one), float(other), dtype), (params, one, other)


def _close(a, b, dtype):
    """Equal, or neighbours: vector instructions may round differently."""
    return (a != a and b != b) or a == b or ulps(a, mpmath.mpf(b), dtype) <= 1


NAN, INF = math.nan, math.inf
LIMITS = {
    # name (and parameters): value and slope at −∞, value and slope at ∞; None: nothing claimed
    ("negate",): ((INF, -1), (-INF, -1)),
    ("reciprocal",): ((0, 0), (0, 0)),
    ("square",): ((INF, -INF), (INF, INF)),
    ("power", 0): ((1, 0), (1, 0)),
    ("power", 1): ((-INF, 1), (INF, 1)),
    ("power", 2): ((INF, -INF), (INF, INF)),
    ("power", 3): ((-INF, INF), (INF, INF)),
    ("power", 10): ((INF, -INF), (INF, INF)),
    ("power", -1): ((0, 0), (0, 0)),
    ("power", -2): ((0, 0), (0, 0)),
    ("power", 0.5): ((None, None), (INF, 0)),
    ("power", -0.5): ((None, None), (0, 0)),
    ("power", 1 / 3): ((None, None), (INF, 0)),
    ("power", 2.5): ((None, None), (INF, INF)),
    ("sqrt",): ((NAN, None), (INF, 0)),
    ("cbrt",): ((-INF, 0), (INF, 0)),
    ("abs",): ((INF, -1), (INF, 1)),
    ("sign",): ((-1, 0), (1, 0)),
    ("floor",): ((-INF, 0), (INF, 0)),
    ("ceil",): ((-INF, 0), (INF, 0)),
    ("round",): ((-INF, 0), (INF, 0)),
    ("exp",): ((0, 0), (INF, INF)),
    ("exp2",): ((0, 0), (INF, INF)),
    ("expm1",): ((-1, 0), (INF, INF)),
    ("log",): ((NAN, None), (INF, 0)),
    ("log2",): ((NAN, None), (INF, 0)),
    ("log10",): ((NAN, None), (INF, 0)),
    ("log1p",): ((NAN, None), (INF, 0)),
    ("sin",): ((NAN, NAN), (NAN, NAN)),
    ("cos",): ((NAN, NAN), (NAN, NAN)),
    ("tan",): ((NAN, NAN), (NAN, NAN)),
    ("asin",): ((NAN, NAN), (NAN, NAN)),
    ("acos",): ((NAN, NAN), (NAN, NAN)),
    ("atan",): ((-math.pi / 2, 0), (math.pi / 2, 0)),
    ("sinh",): ((-INF, INF), (INF, INF)),
    ("cosh",): ((INF, -INF), (INF, INF)),
    ("tanh",): ((-1, 0), (1, 0)),
    ("asinh",): ((-INF, 0), (INF, 0)),
    ("acosh",): ((NAN, None), (INF, 0)),
    ("atanh",): ((NAN, None), (NAN, None)),
    ("erf",): ((-1, 0), (1, 0)),
    ("erfc",): ((2, 0), (0, 0)),
    ("erfcx",): ((INF, -INF), (0, 0)),
    ("erfinv",): ((NAN, None), (NAN, None)),
    ("gamma",): ((NAN, NAN), (INF, INF)),
    ("lgamma",): ((None, None), (INF, INF)),
    ("digamma",): ((NAN, NAN), (INF, 0)),
    ("polygamma", 0): ((NAN, NAN), (INF, 0)),
    ("polygamma", 1): ((NAN, NAN), (0, 0)),
    ("polygamma", 2): ((NAN, NAN), (0, 0)),
    ("polygamma", 3): ((NAN, NAN), (0, 0)),
    ("polygamma", 4): ((NAN, NAN), (0, 0)),
    ("normal_pdf",): ((0, 0), (0, 0)),
    ("normal_cdf",): ((0, 0), (1, 0)),
    ("normal_log_cdf",): ((-INF, INF), (0, 0)),
    ("sigmoid",): ((0, 0), (1, 0)),
    ("softplus",): ((0, 0), (INF, 1)),
    ("log_sigmoid",): ((-INF, 1), (0, 0)),
    ("relu",): ((0, 0), (INF, 1)),
    ("leaky_relu", 0.01): ((-INF, 0.01), (INF, 1)),
    ("leaky_relu", 0.3): ((-INF, 0.3), (INF, 1)),
    ("leaky_relu", 0): ((0, 0), (INF, 1)),
    ("elu", 1): ((-1, 0), (INF, 1)),
    ("elu", 0.3): ((-0.3, 0), (INF, 1)),
    ("silu",): ((0, 0), (INF, 1)),
    ("gelu",): ((0, 0), (INF, 1)),
    ("gelu_tanh",): ((0, 0), (INF, 1)),
}


@each_dtype
def test_limits_at_infinity(dtype):
    for op in MEASURED:
        if len(op.operands) > 1:
            continue
        for params in exact_results.params_of(op):
            limits = LIMITS[op.name, *params]
            value, (slope,) = evaluate(op, params, dtype, [np.array([-INF, INF], dtype)])
            for side in (0, 1):
                for number, limit in zip((value[side], slope[side]), limits[side], strict=True):
                    if limit is not None:
                        error = ulps(float(number), mpmath.mpf(limit), dtype)
                        assert error <= 2, (op, params, limits[side], number)


def _ieee(name, *operands):
    """The C standard's answer (annex F), where it has one for infinities and signed zeros."""
    a, b = operands
    try:
        if name == "divide":
            if b == 0:
                return NAN if a == 0 else math.copysign(INF, a) * math.copysign(1, b)
            return a / b
        if name in ("fmod", "remainder", "floor_divide") and (b == 0 or math.isinf(a)):
            return _ieee("divide", a, b) if name == "floor_divide" and b == 0 else NAN
        if name == "general_power":
            return math.pow(a, b)
        table = {
            "add": lambda: a + b,
            "subtract": lambda: a - b,
            "multiply": lambda: a * b,
            "hypot": lambda: math.hypot(a, b),
            "atan2": lambda: math.atan2(a, b),
            "fmod": lambda: math.fmod(a, b),
            "remainder": lambda: a % b,
            "floor_divide": lambda: a // b,
            "minimum": lambda: min(a, b),
            "maximum": lambda: max(a, b),
        }
        return table[name]()
    except ValueError:  # Python's word for a pole or for no real value
        if a == 0:
            whole_and_odd = b % 2 == 1
            return math.copysign(INF, a) if whole_and_odd else INF
        return NAN


@pytest.mark.parametrize(
    "name",
    [
        "add",
        "subtract",
        "multiply",
        "divide",
        "general_power",
        "hypot",
        "atan2",
        "fmod",
        "remainder",
        "floor_divide",
        "minimum",
        "maximum",
    ],
)
def test_two_operands_follow_ieee_at_infinities_and_zeros(name):
    run = kernel(OPS[name])
    special = (0.0, -0.0, 1.0, -1.0, 2.0, -2.0, -3.0, 0.5, INF, -INF)
    for a in special:
        for b in special:
            with np.errstate(all="ignore"):
                found = float(run(np.float64(a), np.float64(b)))
            wanted = _ieee(name, a, b)
            if name in {"minimum", "maximum"} and a == b == 0:
                continue  # either zero is right
            same = (found != found and wanted != wanted) or math.isclose(
                found, wanted, rel_tol=1e-15
            )
            assert same, (a, b, found)
            assert found != found or math.copysign(1, found) == math.copysign(1, wanted), (a, b)


def test_the_slopes_of_two_operands_at_infinities_and_zeros():
    cases = [
        ("divide", (1, INF), (0, 0)),
        ("divide", (INF, 2), (0.5, -INF)),
        ("divide", (-1, 0.0), (INF, INF)),
        ("multiply", (INF, 0), (0, INF)),
        ("general_power", (INF, 1), (1, INF)),
        ("general_power", (INF, -1), (0, 0)),
        ("general_power", (INF, 0), (0, INF)),
        ("general_power", (0.0, INF), (None, 0)),
        ("general_power", (0.5, INF), (None, 0)),
        ("general_power", (2.0, -INF), (None, 0)),
        ("general_power", (0.0, 0.5), (INF, 0)),
        ("general_power", (0.0, 1), (1, 0)),
        ("hypot", (1, INF), (0, NAN)),
        ("atan2", (1, INF), (None, 0)),
        ("logaddexp", (INF, 1), (1, 0)),
        ("logaddexp", (-INF, 1), (0, 1)),
        ("xlogy", (2, 0.0), (-INF, INF)),
        ("xlogy", (0, INF), (INF, 0)),
        ("xlogy", (2, INF), (INF, 0)),
        ("minimum", (1, INF), (1, 0)),
        ("minimum", (-INF, INF), (1, 0)),
        ("maximum", (1, INF), (0, 1)),
        ("minimum", (0.0, -0.0), (0.5, 0.5)),
    ]
    for name, point, wanted in cases:
        _, slopes = evaluate(OPS[name], (), "float64", [np.array([float(x)]) for x in point])
        for slope, number in zip(slopes, wanted, strict=True):
            if number is not None:
                assert ulps(float(slope[0]), mpmath.mpf(number), "float64") <= 1, (
                    name,
                    point,
                    slope,
                )


ODD = [
    *("negate", "cbrt", "sqrt", "floor", "ceil", "round", "expm1", "log1p", "sin", "tan", "asin"),
    *("atan", "sinh", "tanh", "asinh", "atanh", "erf", "erfinv", "silu", "gelu", "gelu_tanh"),
]


@each_dtype
@pytest.mark.parametrize("name", ODD)
def test_zero_keeps_its_sign(name, dtype):
    value, _ = evaluate(OPS[name], (), dtype, [np.array([0.0, -0.0], dtype)])
    assert (value == 0).all()
    assert list(np.signbit(value)) == ([True, False] if name == "negate" else [False, True])


def test_nan_gives_nan():
    for op in MEASURED:
        for params in exact_results.params_of(op):
            count = len(op.operands)
            for position in range(count):
                point = [0.4] * count
                point[position] = NAN
                value, _ = evaluate(op, params, "float64", [np.array([x]) for x in point])
                if (op.name, *params) != ("power", 0):
                    assert np.isnan(value[0]), (op, params, point)


# --- the table of slopes itself -------------------------------------------------------------------


@each_measured
def test_closed_slopes_agree_with_numerical_differentiation(op):
    mp = exact_results.mp
    shares = (0.1, 0.37, 0.81)
    for params in exact_results.params_of(op):
        for share in shares:
            point = [mp.mpf(low + share * (high - low)) for low, high in op.domain]
            for position in range(len(point)):

                def along(x, position=position, point=point, params=params):
                    return op.exact(mp, *point[:position], x, *point[position + 1 :], *params)

                with mp.workdps(30):
                    wanted = mp.diff(along, point[position])
                    found = SLOPES[op.name][position](mp, *point, *params)
                    assert abs(found - wanted) <= mp.mpf("1e-12") * (1 + abs(wanted))


@each_measured
def test_every_point_inside_is_measured(op):
    for params in exact_results.params_of(op):
        point = tuple(low + 0.3 * (high - low) for low, high in op.domain)
        value, slopes = exact_results.expected(op, point, params)
        assert value is not None
        assert None not in slopes


# --- properties -----------------------------------------------------------------------------------


@each_measured
@few_examples
@given(data=st.data())
def test_partials_inside_the_domain(op, data):
    for dtype in DTYPES:
        point = data.draw(inside(op, dtype))
        params = data.draw(st.sampled_from(exact_results.params_of(op)))
        operands = [np.dtype(dtype).type(x) for x in point]
        value, slopes = evaluate(op, params, dtype, operands)
        exact, exact_slopes = exact_results.expected(op, point, params)
        assert ulps(float(value), exact, dtype) <= op.accuracy.value
        for slope, wanted in zip(slopes, exact_slopes, strict=True):
            assert ulps(float(slope), wanted, dtype) <= op.accuracy.partials


@each_measured
@few_examples
@given(data=st.data())
def test_single_precision_is_double_precision_rounded(op, data):
    point = data.draw(inside(op, "float32"))
    params = data.draw(st.sampled_from(exact_results.params_of(op)))
    single, slopes = evaluate(op, params, "float32", [np.float32(x) for x in point])
    double, double_slopes = evaluate(op, params, "float64", [np.float64(x) for x in point])
    assert single.dtype == np.float32
    assert ulps(float(single), mpmath.mpf(float(double)), "float32") <= op.accuracy.value + 0.01
    for one, other in zip(slopes, double_slopes, strict=True):
        error = ulps(float(one), mpmath.mpf(float(other)), "float32")
        assert error <= op.accuracy.partials + 0.01


# --- guards ---------------------------------------------------------------------------------------


@each_dtype
@each_measured
def test_a_failing_guard_leaves_exactly_nothing(op, dtype):
    type = Type.of(dtype)
    points = exact_results.grid(op, dtype)
    columns = [np.array(column, dtype) for column in zip(*points, strict=True)]
    for params in exact_results.params_of(op):
        value, slopes = evaluate(op, params, dtype, columns)
        rules = local_derivatives(op, (type,) * len(columns), type, params)
        for rule, slope in zip(rules, slopes, strict=True):
            if rule is not None and rule.guard is not None:
                with np.errstate(all="ignore"):
                    closed = ~rule.guard(value, *columns)
                assert closed.any(), "no point of the grid closes this guard"
                assert (slope[closed] == 0).all()


@pytest.mark.parametrize(
    ("name", "position", "point"),
    [
        ("xlogy", 1, (0.0, 0.0)),
        ("general_power", 1, (0.0, 0.0)),
        ("general_power", 1, (0.0, 2.0)),
        ("general_power", 0, (0.0, 0.0)),
        ("hypot", 0, (0.0, 0.0)),
        ("normal_pdf", 0, (INF,)),
    ],
)
def test_guards_hold_back_infinite_and_undefined_factors(name, position, point):
    op, type = OPS[name], Type.of("float64")
    rule = local_derivatives(op, (type,) * len(point), type, ())[position]
    operands = [np.float64(x) for x in point]
    with np.errstate(all="ignore"):
        out = kernel(op)(*operands)
        assert not rule.guard(out, *operands)
        assert name == "general_power" or not np.isfinite(rule.factor(out, *operands))


# --- the table in the documentation ---------------------------------------------------------------


def test_the_documentation_lists_every_bound():
    text = (Path(accuracy.__file__).parent.parent / "docs" / "operations.md").read_text("utf-8")
    for op in MEASURED:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{op.name}` |"))
        assert row.endswith(f"| {op.accuracy.value:g} | {op.accuracy.partials:g} |"), row


# --- the measure itself ---------------------------------------------------------------------------


@each_dtype
def test_ulps_count_neighbours(dtype):
    number = np.dtype(dtype).type
    info = np.finfo(dtype)
    for x in (1.5, 1e-3, 3e30, float(info.tiny), float(info.smallest_subnormal)):
        above = float(np.nextafter(number(x), number(INF)))
        assert ulps(above, mpmath.mpf(float(number(x))), dtype) == 1
    assert ulps(INF, mpmath.mpf(float(info.max)), dtype) == 1
    assert ulps(float(info.max), mpmath.mpf(10) ** 400, dtype) == 1
    assert ulps(INF, mpmath.mpf(10) ** 400, dtype) == 0
    assert ulps(NAN, mpmath.mpf(1), dtype) == INF
    assert ulps(1.0, mpmath.nan, dtype) == INF
    assert ulps(NAN, mpmath.nan, dtype) == 0
    assert ulps(-INF, mpmath.inf, dtype) > 1e6


def test_exact_results_where_mpmath_needs_help():
    mp = exact_results.mp
    with mp.workdps(40), mpmath.workdps(40):
        for x in (10001.0, 20000.5):  # above and below the border of the series
            assert abs(mp.erfc(mp.mpf(x)) / mpmath.erfc(x) - 1) < mp.mpf(10) ** -38
        for order in (1, 2, 3, 4):
            near, far = (mp.polygamma(order, mp.mpf(x)) for x in (-99.25, -100.25))
            step = (-1) ** order * mp.factorial(order) / mp.mpf(-100.25) ** (order + 1)
            assert abs(near - far - step) < abs(near) * mp.mpf(10) ** -35
        assert abs(mp.power(-2, 3) + 8) < 1e-38
        assert mp.isnan(mp.power(-2, mp.mpf("0.5")))
        assert abs(mp.power(3, mp.mpf("-2.5")) - mpmath.power(3, mp.mpf("-2.5"))) < 1e-38
