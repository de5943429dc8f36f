"""Sums, means, extremes, running sums: values like NumPy's, derivatives like JAX's."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import differences, missing, quantiles, running, statistics
from chainrule.ops.composite.table import COVERED
from chainrule.ops.term import Term
from tests.jax_values import jnp
from tests.ops.composite.against_jax import check_derivatives, ops_of, same, value_of

MODULES = (missing, quantiles, differences, running, statistics)
ours = SimpleNamespace(
    **{name: value for module in MODULES for name, value in vars(module).items()}
)

DTYPES = ("float64", "float32", "int64", "int32", "bool")
SMOOTH = {
    "sum": lambda m, x, **how: m.sum(x, **how),
    "prod": lambda m, x, **how: m.prod(x, **how),
    "mean": lambda m, x, **how: m.mean(x, **how),
    "var": lambda m, x, **how: m.var(x, **how),
    "var-ddof": lambda m, x, **how: m.var(x, ddof=1, **how),
    "var-correction": lambda m, x, **how: m.var(x, correction=0.5, **how),
    "std": lambda m, x, **how: m.std(x, **how),
    "std-ddof": lambda m, x, **how: m.std(x, ddof=1, **how),
    "nansum": lambda m, x, **how: m.nansum(x, **how),
    "nanmean": lambda m, x, **how: m.nanmean(x, **how),
    "average": lambda m, x, **how: m.average(x, **how),
    "average-weights": lambda m, x, **how: m.average(x, weights=weights(x.shape), **how),
    "median": lambda m, x, **how: m.median(x, **how),
    "max": lambda m, x, **how: m.max(x, **how),
    "amin": lambda m, x, **how: m.amin(x, **how),
    "ptp": lambda m, x, **how: m.ptp(x, **how),
}
STEPS = {
    "any": lambda m, x, **how: m.any(x, **how),
    "all": lambda m, x, **how: m.all(x, **how),
    "count_nonzero": lambda m, x, **how: m.count_nonzero(x, **how),
}
HOW = [
    ((2, 3), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": -1, "keepdims": True}),
    ((2, 3, 4), {"axis": (0, -1)}),
    ((2, 3, 4), {"axis": (2, 0), "keepdims": True}),
    ((2, 3), {"keepdims": True}),
    ((3, 1), {"axis": 1}),
    ((), {}),
    ((2, 3), {"axis": ()}),
]


def weights(shape):
    return 0.5 + np.arange(math.prod(shape)).reshape(shape)


def drawn(shape, dtype="float64", seed=0):
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return (random.random(shape) < 0.7)[()] if shape else np.bool_(True)
    return (random.uniform(-1, 1, shape) * (9 if "int" in dtype else 1)).astype(dtype)[()]


def compare(function, x, tolerance=1e-12):
    """Our values, dtypes and classes against NumPy's."""
    term = cr.input("x", np.shape(x), np.asarray(x).dtype.name)
    out = function(ours, term)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy warns of means of nothing
        wanted = np.asarray(function(np, x))
    assert type(out) is cr.Array
    got = cr.graph(out, [term]).at(x).value
    if wanted.ndim == 0:  # records show numbers as Python's
        got = np.asarray(got, out.dtype)
    assert out.dtype == wanted.dtype
    same(got, wanted, tolerance)


def odd(name, dtype, how):
    """What NumPy refuses, or does with an axis () alone."""
    if dtype == "bool" and name == "ptp":
        return True
    return how.get("axis") == () and name in ("median", "average-weights")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*SMOOTH, *STEPS])
def test_values_and_dtypes_are_those_of_numpy(name, dtype):
    function = {**SMOOTH, **STEPS}[name]
    for shape, how in HOW:
        if not odd(name, dtype, how):
            compare(lambda m, x: function(m, x, **how), drawn(shape, dtype))  # noqa: B023


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_those_of_jax(name):
    function = SMOOTH[name]
    for shape, how in HOW:
        single = "std" in name or "ddof" in name or "correction" in name
        if odd(name, "float64", how) or (single and (shape == () or how.get("axis") in ((), 1))):
            continue
        check_derivatives(
            lambda x: function(ours, x, **how),  # noqa: B023
            lambda x: function(jnp, x, **how),  # noqa: B023
            drawn(shape),
        )


@pytest.mark.parametrize("name", [*SMOOTH, *STEPS])
@settings(max_examples=25)
@given(data=st.data())
def test_any_shape_and_axes(name, data):
    function = {**SMOOTH, **STEPS}[name]
    shape = tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)))
    if name in ("max", "amin", "ptp", "average-weights", "average"):
        shape = tuple(size or 1 for size in shape)
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True).map(tuple))
    axes = tuple(data.draw(st.sampled_from([at, at - len(shape)])) for at in axes)
    keepdims = data.draw(st.booleans())
    if name == "median" and 0 in [size for at, size in enumerate(shape) if at not in axes]:
        return  # NumPy fails at some of these
    compare(lambda m, x: function(m, x, axis=axes, keepdims=keepdims), drawn(shape))


def test_of_nothing():
    x = np.zeros((0, 2))
    for name, expected in [("sum", [0, 0]), ("prod", [1, 1]), ("any", [0, 0]), ("all", [1, 1])]:
        got = value_of(lambda x: getattr(ours, name)(x, axis=0), x)  # noqa: B023
        assert got.tolist() == expected
    assert np.isnan(value_of(lambda x: statistics.mean(x, 0), x)).all()
    assert np.isnan(value_of(quantiles.median, x))
    for name in ("max", "min", "argmax", "argmin"):
        with pytest.raises(GraphError, match="of nothing") as caught:
            getattr(ours, name)(cr.input("x", (0, 2)), axis=0)
        assert caught.value.code == "E203"


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32"])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "nansum", "nanmean"])
def test_in_another_dtype(name, dtype):
    if "float" in dtype or name in ("sum", "prod"):
        compare(lambda m, x: getattr(m, name)(x, dtype=dtype), drawn((2, 3), "int32"))
        compare(lambda m, x: getattr(m, name)(x, axis=0, dtype=dtype), drawn((2, 3), "float64"))


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod"])
def test_sums_of_conditions_as_conditions(name):
    compare(lambda m, x: getattr(m, name)(x, dtype=bool), drawn((3,), "bool"))


def test_not_a_number_is_carried_or_left_out():
    x = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    for name in ("sum", "max", "min", "median", "nansum", "nanmean", "count_nonzero", "any"):
        compare(lambda m, x: getattr(m, name)(x, axis=1), x)  # noqa: B023
    term = cr.input("x", (2, 3))
    for name, expected in [("nansum", 1), ("nanmean", 0.2)]:
        gradient = cr.graph(getattr(ours, name)(term), [term]).at(x).gradient["x"]
        np.testing.assert_allclose(gradient, np.where(np.isnan(x), 0, expected), rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places(name, dtype):
    for shape in [(5,), (2, 3), (2, 3, 4)]:
        x = drawn(shape, dtype)
        compare(lambda m, x: getattr(m, name)(x), x)
        compare(lambda m, x: getattr(m, name)(x, axis=-1), x)
        compare(lambda m, x: getattr(m, name)(x, axis=0, keepdims=True), x)
        compare(lambda m, x: getattr(m, name)(x, keepdims=True), x)
    compare(lambda m, x: getattr(m, name)(x), drawn((), dtype))


def test_the_first_of_equal_places_is_found():
    assert value_of(statistics.argmax, np.array([1.0, 3.0, 3.0])) == 1
    assert value_of(statistics.argmin, np.array([2.0, 1.0, 1.0])) == 1


# --- singular points ------------------------------------------------------------------------------


def gradients(function, x):
    """The gradient of the sum, by numbers and by the graph, which must agree."""
    term = cr.input("x", np.shape(x))
    graph = cr.graph(statistics.sum(function(term)), [term])
    record = graph.at(x).gradient["x"]
    np.testing.assert_array_equal(graph.gradient("x")(x)[1][0], record)
    return record


def test_a_deviation_of_0_has_derivative_0():
    constant = np.full((2, 4), 0.5)
    assert (gradients(lambda x: statistics.std(x, 1), constant) == 0).all()
    mixed = np.array([[0.5, 0.5], [0.0, 1.0]])
    expected = [[0, 0], [-0.5, 0.5]]
    np.testing.assert_allclose(gradients(lambda x: statistics.std(x, 1), mixed), expected)
    term = cr.input("x", (4,))
    second = cr.graph(statistics.std(term), [term]).gradient("x").jvp("x")
    _, (_, pushed) = second(constant[0], np.ones(4))
    assert (pushed == 0).all()


def test_equal_extremes_share_the_derivative():
    x = np.array([1.0, 3.0, 3.0, 1.0])
    assert gradients(statistics.max, x).tolist() == [0, 0.5, 0.5, 0]
    assert gradients(statistics.min, x).tolist() == [0.5, 0, 0, 0.5]
    assert gradients(statistics.ptp, x).tolist() == [-0.5, 0.5, 0.5, -0.5]


def test_a_product_with_zeros():
    assert gradients(statistics.prod, np.array([0.0, 2.0, 3.0])).tolist() == [6, 0, 0]
    assert gradients(statistics.prod, np.array([0.0, 0.0, 3.0])).tolist() == [0, 0, 0]


def test_the_median_of_equal_elements_goes_by_a_stable_sort():
    assert gradients(quantiles.median, np.array([2.0, 1.0, 2.0])).tolist() == [1, 0, 0]
    assert gradients(quantiles.median, np.array([2.0, 2.0, 5.0, 2.0])).tolist() == [0, 0.5, 0, 0.5]


# --- clip -----------------------------------------------------------------------------------------

CLIPS = {
    "both": lambda m, x: m.clip(x, -0.5, 0.5),
    "low": lambda m, x: m.clip(x, 0, None),
    "high": lambda m, x: m.clip(x, None, 0),
    "neither": lambda m, x: m.clip(x, None, None),
    "names": lambda m, x: m.clip(x, min=-1, max=0),
    "arrays": lambda m, x: m.clip(x, np.array([-1.0, 0.0, 1.0]), np.zeros((2, 1))),
    "crossed": lambda m, x: m.clip(x, 1, -1),
    "float32": lambda m, x: m.clip(x, np.float32(0), None),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clip(name):
    function = CLIPS[name]
    for dtype in ("float64", "float32", "int64", "int32"):
        compare(function, drawn((2, 3), dtype))
    check_derivatives(lambda x: function(ours, x), lambda x: function(jnp, x), drawn((2, 3)))


def test_clip_between_symbolic_bounds():
    x, low = drawn((2, 3)), drawn((3,), seed=1)
    same(value_of(statistics.clip, x, low), np.clip(x, low, None))
    constant = np.full((2, 3), 0.25)
    same(value_of(lambda low: statistics.clip(constant, low), low), np.clip(constant, low, None))
    check_derivatives(statistics.clip, jnp.clip, x, low)


def test_on_a_bound_the_derivative_of_clip_goes_to_x():
    x = np.array([-1.0, 0.0, 1.0])
    assert gradients(lambda x: statistics.clip(x, 0, 1), x).tolist() == [0, 1, 1]
    assert gradients(lambda x: statistics.clip(x, 0, None), x).tolist() == [0, 1, 1]
    assert gradients(lambda x: statistics.clip(x, None, 0), x).tolist() == [1, 1, 0]


# --- averages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_averages_with_weights(dtype):
    x = drawn((2, 3, 4), dtype)
    compare(lambda m, x: m.average(x, axis=1, weights=np.array([1, 2, 3])), x)
    compare(lambda m, x: m.average(x, axis=-1, weights=np.arange(4.0), keepdims=True), x)
    compare(lambda m, x: m.average(x, axis=(2, 0), weights=weights((4, 2))), x)
    compare(lambda m, x: m.average(x, axis=0, weights=weights((2,)), returned=True)[1], x)
    compare(lambda m, x: m.average(x, axis=0, returned=True)[1], x)
    if dtype == "float32":
        compare(lambda m, x: m.average(x, 1, np.ones(3, np.float32)), x)


def test_derivatives_by_the_weights():
    check_derivatives(
        lambda x, w: statistics.average(x, axis=1, weights=w),
        lambda x, w: jnp.average(x, axis=1, weights=w),
        drawn((2, 3)),
        np.array([0.5, 1.0, 2.0]),
    )


# --- running sums ---------------------------------------------------------------------------------

RUNNING = {
    "cumsum": ((2, 3), lambda m, x: m.cumsum(x)),
    "cumsum-axis": ((2, 3), lambda m, x: m.cumsum(x, -1)),
    "cumsum-scalar": ((), lambda m, x: m.cumsum(x)),
    "cumsum-dtype": ((3,), lambda m, x: m.cumsum(x, dtype="float64")),
    "cumprod": ((2, 3), lambda m, x: m.cumprod(x)),
    "cumprod-axis": ((2, 3), lambda m, x: m.cumprod(x, axis=0)),
    "cumulative_sum": ((3,), lambda m, x: m.cumulative_sum(x)),
    "cumulative_sum-0": ((2, 3), lambda m, x: m.cumulative_sum(x, axis=-1, include_initial=True)),
    "cumulative_prod-1": ((2, 3), lambda m, x: m.cumulative_prod(x, axis=0, include_initial=True)),
    "diff": ((2, 4), lambda m, x: m.diff(x)),
    "diff-axis": ((4, 2), lambda m, x: m.diff(x, axis=0)),
    "diff-twice": ((5,), lambda m, x: m.diff(x, n=2)),
    "diff-none": ((5,), lambda m, x: m.diff(x, n=0)),
    "diff-beyond": ((2,), lambda m, x: m.diff(x, n=3)),
    "diff-ends": ((2, 3), lambda m, x: m.diff(x, prepend=1.0, append=np.ones((2, 2)))),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RUNNING)
def test_running_values_and_dtypes_are_those_of_numpy(name, dtype):
    if "cumulative" in name and not hasattr(np, "cumulative_sum"):
        pytest.skip("NumPy 2.1")
    shape, function = RUNNING[name]
    compare(function, drawn(shape, dtype))


@pytest.mark.parametrize("name", RUNNING)
def test_running_derivatives_are_those_of_jax(name):
    shape, function = RUNNING[name]
    check_derivatives(lambda x: function(ours, x), lambda x: function(jnp, x), drawn(shape))


# --- what is built, and what is wrong -------------------------------------------------------------


def test_what_changes_nothing_builds_nothing():
    x, one = cr.input("x", (2, 3)), cr.input("o", (2, 1))
    for name in ("sum", "prod", "mean", "max", "min"):
        assert getattr(ours, name)(x, axis=()).node is x.node
        assert getattr(ours, name)(cr.input("s")).node is cr.input("s").node
    assert ops_of(statistics.mean(one, 1)) == ["sum"]
    assert ops_of(statistics.sum(x, keepdims=True)) == ["sum", "reshape"]
    assert ops_of(statistics.clip(x, 0, 1)) == ["clip"]
    assert statistics.clip(x).node is x.node
    assert differences.diff(x, 0).node is x.node


X = cr.input("x", (2, 3))
WRONG = {
    "axis": ("E203", "no axis 2", lambda: statistics.sum(X, 2)),
    "axis-twice": ("E203", "twice", lambda: statistics.mean(X, (0, -2))),
    "axis-what": ("E203", "whole number", lambda: statistics.max(X, "ab")),
    "dtype": ("E201", "dtype", lambda: statistics.sum(X, dtype="complex128")),
    "numbers": ("E215", "symbolic", lambda: statistics.sum(np.ones(3))),
    "text": ("E214", "not an array", lambda: statistics.average(X, weights="ab")),
    "weights": ("E203", "weights", lambda: statistics.average(X, weights=np.ones(3))),
    "weights-axis": ("E203", "weights", lambda: statistics.average(X, 1, np.ones(2))),
    "cumulative": ("E203", "name the axis", lambda: running.cumulative_sum(X)),
    "diff": ("E203", "from 0", lambda: differences.diff(X, -1)),
    "clip": ("E203", "do not match", lambda: statistics.clip(X, np.ones(2), None)),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_wrong(name):
    code, words, function = WRONG[name]
    with pytest.raises(GraphError, match=words) as caught:
        function()
    assert caught.value.code == code


def test_terms_stay_terms():
    x = Term(cr.input("x", (2,)).node)
    assert type(statistics.mean(x)) is Term
    assert type(statistics.clip(x, cr.input("low"), 1)) is cr.Array


def test_numpy_functions_lead_here():
    for module in MODULES:
        for name, function in vars(module).items():
            covered = getattr(np, name, None)
            if (
                callable(covered)
                and not isinstance(covered, type)
                and getattr(function, "__module__", "") == module.__name__
            ):
                assert COVERED[covered] is function
