"""Sorting and searching: NumPy's values, and derivatives that follow the permutation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import ordering as od
from tests.jax_values import expected, jax, jnp
from tests.ops.composite.against_jax import (
    check_derivatives,
    check_values,
    ops_of,
    same,
    value_of,
)


def array(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)[()]


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5,), -1),
        ((3, 4), 0),
        ((3, 4), 1),
        ((2, 3, 2), 1),
        ((3, 4), None),
        ((0,), 0),
        ((2, 0), 1),
        ((2, 0), 0),
    ],
)
def test_sort(shape, axis):
    x = array(*shape)
    check_values(lambda x: od.sort(x, axis), lambda x: np.sort(x, axis), x)
    check_values(lambda x: od.argsort(x, axis), lambda x: np.argsort(x, axis, kind="stable"), x)
    check_derivatives(lambda x: od.sort(x, axis), lambda x: jnp.sort(x, axis), x)
    down = value_of(lambda x: od.sort(x, axis, descending=True), x)
    same(down, -np.sort(-x, axis))
    check_derivatives(
        lambda x: od.sort(x, axis, descending=True),
        lambda x: jnp.sort(x, axis, descending=True),
        x,
    )


@pytest.mark.parametrize(("shape", "axis"), [((5000,), 0), ((2, 2048), 1), ((3000, 3), 0)])
@pytest.mark.parametrize("values", [3, 10**9], ids=["many equal", "few equal"])
def test_long_sorts_are_stable(shape, axis, values):
    random = np.random.default_rng(0)
    x = random.integers(0, values, shape)
    for array in (x, x == 0, random.choice([-0.0, 0.0, 1.0, np.nan, np.inf], shape)):
        expected = np.argsort(array, axis, kind="stable")
        same(value_of(lambda x: od.argsort(x, axis), array), expected)


@given(st.lists(st.integers(-2, 2), max_size=8), st.sampled_from(["float64", "int32", "bool"]))
def test_equal_elements_keep_their_order_both_ways(values, dtype):
    x = np.array(values).astype(dtype)
    same(value_of(od.argsort, x), np.argsort(x, kind="stable"))
    number = x.astype(int)
    expected = np.array(sorted(range(len(values)), key=lambda at: -number[at]), np.int64)
    same(value_of(lambda x: od.argsort(x, descending=True), x), expected)


def test_extreme_values():
    x = np.array([0.0, np.nan, -np.inf, np.inf, 1.0])
    same(value_of(od.sort, x), np.sort(x))
    same(
        value_of(lambda x: od.sort(x, descending=True), x),
        np.array([np.inf, 1.0, 0.0, -np.inf, np.nan]),
    )
    whole = np.array([0, np.iinfo(int).min, np.iinfo(int).max])
    same(value_of(lambda x: od.sort(x, descending=True), whole), np.sort(whole)[::-1])


@pytest.mark.parametrize(("shape", "k"), [((6,), 2), ((3, 5), 3), ((2, 4), 4), ((3,), 0)])
def test_top_k(shape, k):
    x = array(*shape)
    values, indices = expected(lambda: tuple(jax.lax.top_k(x, k))).leaves
    same(value_of(lambda x: od.top_k(x, k)[0], x), values)
    same(value_of(lambda x: od.top_k(x, k)[1], x), np.asarray(indices, np.int64))
    check_derivatives(lambda x: od.top_k(x, k)[0], lambda x: jax.lax.top_k(x, k)[0], x)


def test_no_node_too_many():
    names = ops_of(od.top_k(cr.input("x", 5), 2)[0])
    assert names == ["negate", "argsort", "slice", "gather"]
    assert ops_of(od.sort(cr.input("x", 5))) == ["argsort", "gather"]


@pytest.mark.parametrize(("kth", "axis"), [(2, -1), (-1, 0), ([0, 3], 1), (4, None)])
def test_partition(kth, axis):
    x = array(3, 6)
    got = value_of(lambda x: od.partition(x, kth, axis), x)
    expected = np.partition(x, kth, axis)
    for place in np.ravel(kth):
        along = 0 if axis is None else axis
        same(np.take(got, place, along), np.take(expected, place, along))
    order = value_of(lambda x: od.argpartition(x, kth, axis), x)
    same(np.take_along_axis(x, order, axis), got)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side):
    ordered, v = np.array([-0.5, 0.0, 0.0, 0.7]), np.append(array(2, 3), [[0.0, -9.0, 9.0]], 0)
    check_values(
        lambda a, v: od.searchsorted(a, v, side),
        lambda a, v: np.searchsorted(a, v, side),
        ordered,
        v,
    )
    same(value_of(lambda a: od.searchsorted(a, 0.1, side), ordered), np.searchsorted(ordered, 0.1))
    mixed, sorter = ordered[::-1].copy(), np.array([3, 2, 1, 0])
    for order in (lambda a, s: s, lambda a, s: sorter, lambda a, s: od.argsort(a)):

        def found(a, v, s, order=order):
            return od.searchsorted(a, v, side, order(a, s))

        same(value_of(found, mixed, v, sorter), np.searchsorted(ordered, v, side))


X = cr.input("x", (3, 4))
WRONG = [
    (lambda: od.sort(X, 2), "E203"),
    (lambda: od.sort(cr.input("s")), "E203"),
    (lambda: od.top_k(X, 5), r"E203 there are no 5 elements along the last axis of \[3, 4\]"),
    (lambda: od.partition(X, 4), "E203 there is no element 4 among 4"),
    (lambda: od.searchsorted(X, 0), "E203"),
    (lambda: od.searchsorted([1, 2], X, "middle"), "E212"),
    (lambda: od.unique(X), "E235 .*depend on the data"),
]


@pytest.mark.parametrize(("build", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(build, message):
    with pytest.raises(GraphError, match=message):
        build()
