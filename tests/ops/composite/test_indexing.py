"""Indexing: NumPy's keys, NumPy's values; gradients by hand and like JAX's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import EvaluationError, GraphError
from chainrule.ops.composite import choices
from chainrule.ops.composite import indexing as ix
from chainrule.ops.copies import total
from tests.jax_values import jnp
from tests.ops.composite.against_jax import (
    check_derivatives,
    check_values,
    ops_of,
    same,
    value_of,
)


def array(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)[()]


# --- x[key] ---------------------------------------------------------------------------------------


@st.composite
def keys(draw, shape, common=None):
    """A key that NumPy takes for an array of this shape."""
    if common is None:
        common = draw(st.sampled_from([(), (1,), (2,), (3,), (2, 3), (0,)]))
    left = list(shape)
    items, masked = [], False
    dropped = draw(st.integers(0, len(left)))
    left = left[: len(left) - dropped]
    while left:
        kind = draw(st.sampled_from(["int", "slice", "array", "mask", "new", "all", "flag"]))
        if kind == "new":
            items.append(None)
            continue
        if kind == "flag":
            items.append(draw(st.sampled_from([True, np.True_, np.array(True)])))
            continue
        if kind == "mask" and not masked:
            count = draw(st.integers(1, len(left)))
            sizes, left = left[:count], left[count:]
            chosen = draw(
                st.lists(st.booleans(), min_size=int(np.prod(sizes)), max_size=int(np.prod(sizes)))
            )
            items.append(np.array(chosen, bool).reshape(sizes))
            masked = True
            continue
        size = left.pop(0)
        if kind == "int" and size:
            number = draw(st.integers(-size, size - 1))
            items.append(draw(st.sampled_from([int, np.int32, np.int64, np.array]))(number))
        elif kind == "array" and size:
            own = draw(st.sampled_from([common, common[1:], (1,) * len(common)]))
            count = int(np.prod(own))
            numbers = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
            made = np.array(numbers, draw(st.sampled_from(["int64", "int32"]))).reshape(own)
            items.append(made.tolist() if draw(st.booleans()) and made.ndim else made)
        else:
            bound = st.none() | st.integers(-size - 2, size + 2)
            step = draw(st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3]))
            items.append(slice(draw(bound), draw(bound), step))
    place = draw(st.integers(0, len(items)))
    if dropped or draw(st.booleans()):
        # What is left of the axes belongs to the ellipsis: it has to stand at the end then.
        items.insert(len(items) if dropped else place, ...)
    return tuple(items) if len(items) != 1 or draw(st.booleans()) else items[0]


def gradient_by_hand(shape, key, weights):
    result = np.zeros(shape)
    np.add.at(result, key, weights)
    return result


@settings(max_examples=400)
@given(st.data())
def test_every_key_that_numpy_takes(data):
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4).map(tuple))
    key = data.draw(keys(shape))
    values = array(*shape)
    try:
        expected = values[key]
    except IndexError:  # a mask and an array of indices that do not broadcast
        with pytest.raises(GraphError, match="E203"):
            ix.get(cr.input("x", shape), key)
        return
    x = cr.input("x", shape)
    out = ix.get(x, key)
    names = ops_of(out)
    assert names.count("slice") <= 1
    assert names.count("gather") <= 1
    if "gather" not in names:
        assert len(names) <= 2
    weights = array(*expected.shape, seed=1)
    same(cr.graph(out, [x]).at(values).value, expected)
    scalar = cr.graph(total(out * weights, tuple(range(out.ndim))), [x]).at(values)
    np.testing.assert_allclose(
        scalar.gradient["x"], gradient_by_hand(shape, key, weights), rtol=1e-12, atol=1e-14
    )


@settings(max_examples=150)
@given(st.data())
def test_writing_to_every_key(data):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3).map(tuple))
    key = data.draw(keys(shape))
    values = array(*shape)
    try:
        chosen = values[key]
    except IndexError:
        return
    new = array(*chosen.shape, seed=1)
    expected = np.array(values)
    expected[key] = new
    same(value_of(lambda x, v: ix.at(x)[key].set(v), values, new), expected)
    for name, ufunc in (
        ("add", np.add),
        ("multiply", np.multiply),
        ("min", np.minimum),
        ("max", np.maximum),
    ):
        expected = np.array(values)
        ufunc.at(expected, key, new)
        same(value_of(lambda x, v, n=name: getattr(ix.at(x)[key], n)(v), values, new), expected)


def multiplied_one_by_one(x, index, v):
    """For JAX, whose own scatter of products has no derivative."""
    places, flat = np.arange(x.size).reshape(x.shape)[index].ravel(), x.ravel()
    for number, place in enumerate(places):
        flat = flat.at[place].set(flat[place] * v.ravel()[number])
    return flat.reshape(x.shape)


KEYS = [
    (slice(1, None), 0),
    ([0, 2, 0],),
    (slice(None, None, -1), [1, 0]),
    ([0, 1], slice(None), [1, 3]),
    (np.array([[True, False, True], [False, True, True]]),),
    (..., 1),
    (None, 1, slice(None, None, 2)),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_derivatives_of_reading_and_writing(key):
    x = array(2, 3, 4)
    if key is KEYS[1]:
        x = array(3, 4)
    v = array(*x[key].shape, seed=1)
    index = tuple(np.array(item) if isinstance(item, list) else item for item in key)
    check_derivatives(lambda x: ix.get(x, key), lambda x: x[index], x)
    repeated = key is KEYS[1]
    for name in ("add", "multiply") if repeated else ("set", "add", "multiply", "min", "max"):
        check_derivatives(
            lambda x, v, n=name: getattr(ix.at(x)[key], n)(v),
            lambda x, v, n=name: (
                multiplied_one_by_one(x, index, v)
                if n == "multiply"
                else getattr(x.at[index], n)(v)
            ),
            x,
            v,
        )


def test_of_values_written_to_one_place_the_last_stays():
    x, v = cr.input("x", 3), cr.input("v", 3)
    out = ix.at(x)[[1, 1, 2]].set(v)
    record = cr.graph(total(out * np.array([1.0, 2.0, 3.0]), (0,)), [x, v]).at([1, 2, 3], [4, 5, 6])
    assert record.value == 1 + 10 + 18
    np.testing.assert_array_equal(record.gradient["x"], [1, 0, 0])
    np.testing.assert_array_equal(record.gradient["v"], [0, 2, 3])


SYMBOLIC_KEYS = [
    lambda i, j: i,
    lambda i, j: (i, j),
    lambda i, j: (slice(None), j),
    lambda i, j: (slice(None), i, 0),
    lambda i, j: (slice(None), j, slice(None, None, -1)),
    lambda i, j: (i, None, [[0], [1]]),
    lambda i, j: (..., i % 2),
]


@pytest.mark.parametrize("dtype", ["int64", "int32"])
@pytest.mark.parametrize("key", SYMBOLIC_KEYS, ids=range(len(SYMBOLIC_KEYS)))
def test_symbolic_indices(key, dtype):
    x, i, j = array(4, 3, 2), np.array([1, -1, 1], dtype), np.array(2, dtype)[()]
    expected = x[key(i, j)]
    same(value_of(lambda x, i, j: ix.get(x, key(i, j)), x, i, j), expected)
    v = array(*expected.shape, seed=1)
    for name, ufunc in (("add", np.add), ("multiply", np.multiply), ("min", np.minimum)):
        wanted = x.copy()
        ufunc.at(wanted, key(i, j), v)

        def written(x, i, j, v, name=name):
            return getattr(ix.at(x)[key(i, j)], name)(v)

        same(value_of(written, x, i, j, v), wanted)
    if dtype == "int32":
        return  # derivatives are those of int64
    check_derivatives(lambda x, i, j: ix.get(x, key(i, j)), lambda x, i, j: x[key(i, j)], x, i, j)
    check_derivatives(
        lambda x, i, j, v: ix.at(x)[key(i, j)].multiply(v),
        lambda x, i, j, v: multiplied_one_by_one(x, key(i, j), v),
        *(x, i, j, v),
    )


def test_symbolic_indices_outside_are_found_when_evaluated():
    out = ix.get(cr.input("x", 3), cr.input("i", 2, "int64"))
    assert ops_of(out) == ["gather"]
    with pytest.raises((EvaluationError, IndexError)):
        cr.graph(out).at(x=np.ones(3), i=np.array([0, 3]))


def test_constants_with_symbolic_indices():
    same(value_of(lambda i: ix.get(np.arange(5.0), i), np.array([1, -1])), np.array([1.0, 4.0]))


def test_no_node_too_many():
    x = cr.input("x", (4, 5, 6))
    assert ops_of(ix.get(x, ...)) == []
    assert ix.get(x, (slice(None), slice(0, 5))).node is x.node
    assert ops_of(ix.get(x, slice(1, 3))) == ["slice"]
    assert ops_of(ix.get(x, (1, 2, 3))) == ["slice", "reshape"]
    assert ops_of(ix.get(x, None)) == ["reshape"]
    assert ops_of(ix.get(x, [1, 2])) == ["gather"]
    assert ops_of(ix.get(x, ([1, 2], 3))) == ["gather"]
    assert ops_of(ix.get(x, (slice(None), [1, 2]))) == ["transpose", "gather", "transpose"]
    assert ops_of(ix.at(x)[1:3].add(1)) == ["embed", "add"]
    assert ops_of(ix.at(x)[1:3].set(1)) == ["embed", "where"]
    assert ops_of(ix.at(x)[[1, 3]].set(1)) == ["scatter_set"]
    assert ops_of(ix.at(x)[:].set(1)) == []


def test_dtypes_of_what_is_written():
    x = cr.input("x", 3, "float32")
    assert ix.at(x)[0].set(2.5).dtype == np.float32
    assert ix.at(x)[0].add(np.ones(1)).dtype == np.float32
    assert ix.at(x)[0].set(cr.input("v")).dtype == np.float32
    whole = np.array([1, 2, 3])
    same(value_of(lambda x: ix.at(x)[[0, 0]].min([7, 5]), whole), np.array([1, 2, 3]))
    same(value_of(lambda x: ix.at(x)[[0, 0]].max([7, 5]), whole), np.array([7, 2, 3]))
    same(value_of(lambda x: ix.at(x)[1:].multiply(2), whole), np.array([1, 4, 6]))
    mask = np.array([True, False])
    same(value_of(lambda x: ix.at(x)[1].set(True), mask), np.array([True, True]))
    same(value_of(lambda x: ix.at(x)[[1]].set(True), mask), np.array([True, True]))


X = cr.input("x", (3, 4))
COND = X > 0
WRONG = [
    (lambda: ix.get(X, (0, 0, 0)), r"E203 too many indices: 3 for \[3, 4\]"),
    (lambda: ix.get(X, 3), "E203 index 3 is out of bounds for axis 0 of size 3"),
    (lambda: ix.get(X, (0, -5)), "E203 index -5 is out of bounds for axis 1 of size 4"),
    (lambda: ix.get(X, [0, 7]), "E203 index 7 is out of bounds"),
    (lambda: ix.get(X, (..., ...)), "E203 .*one ellipsis"),
    (lambda: ix.get(X, ([0, 1], [0, 1, 2])), r"E203 indices do not broadcast: \[2\], \[3\]"),
    (lambda: ix.get(X, np.ones(4, bool)), r"E203 a mask of shape \[4\]"),
    (lambda: ix.get(X, 1.0), "E202 an index is a whole number"),
    (lambda: ix.get(X, [0.5]), "E202"),
    (lambda: ix.get(X, ix.get(X, (0, 0))), "E202"),
    (lambda: ix.get(X, slice(0.5)), "E202"),
    (lambda: ix.get(X, slice(None, None, 0)), "E203 .*step"),
    (lambda: ix.get(X, "a"), "E214"),
    (lambda: ix.get(X, [[1], [1, 2]]), "E214"),
    (lambda: ix.get(X, COND), r"E235 .*depend on the data.*where\(condition, x, 0\)"),
    (lambda: ix.get(X, slice(cr.input("i", (), "int64"), None)), "E235 .*symbolic bound"),
    (lambda: choices.where(COND), "E235"),
    (lambda: ix.nonzero(X), "E235"),
    (lambda: ix.compress(ix.get(COND, 0), X), "E235"),
    (lambda: ix.extract(COND, X), "E235"),
    (lambda: choices.where(COND, 1), "E211"),
    (lambda: choices.select([COND], []), "E203"),
    (lambda: choices.select([], []), "E203"),
    (lambda: choices.select([X], [1.0]), "E202"),
    (lambda: ix.at(X)[0].set(np.ones(3)), r"E203 .* in set: \[3\] cannot become \[4\]"),
    (lambda: ix.at(X)[0].add(np.ones((2, 4))), r"E203 .*in add: \[2, 4\]"),
    (lambda: ix.at(cr.input("i", 3, "int64"))[0].set(0.5), "E202 .*float64 into int64"),
    (lambda: ix.at(COND)[0].add(1), r"E202 add needs numbers, got bool\[3, 4\]"),
    (lambda: ix.at(X)[0].set("a"), "E202|E214"),
    (lambda: ix.at(X)[0].set([[1], [1, 2]]), "E214"),
    (lambda: ix.take(X, [5], 0), "E203"),
    (lambda: ix.take_along_axis(X, [0], 0), "E203 .*number of axes must be the same"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(build, message):
    with pytest.raises(GraphError, match=message):
        build()


# --- NumPy's functions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indices", "axis"),
    [(1, 0), ([0, -1], 1), ([[0, 1], [1, 0]], -1), (5, None), ([[0, 11]], None), ([], 0)],
)
def test_take(indices, axis):
    x = array(3, 4)
    if indices == []:
        indices = np.array([], int)
    check_values(lambda x: ix.take(x, indices, axis), lambda x: np.take(x, indices, axis), x)
    check_derivatives(
        lambda x: ix.take(x, indices, axis), lambda x: jnp.take(x, jnp.array(indices), axis), x
    )
    symbolic = np.asarray(indices)
    same(value_of(lambda x, i: ix.take(x, i, axis), x, symbolic), np.take(x, symbolic, axis))
    flags = np.array([True, False])
    same(value_of(lambda x: ix.take(x, flags, 0), x), np.take(x, flags, 0))


@pytest.mark.parametrize(
    ("shape", "count", "axis"),
    [
        ((3, 4), (3, 2), 1),
        ((3, 4), (1, 4), 0),
        ((3, 4), (3, 1), -1),
        ((1, 4), (3, 4), 1),
        ((5,), (7,), 0),
    ],
)
def test_along_axis(shape, count, axis):
    x = array(*shape)
    indices = np.random.default_rng(3).integers(-shape[axis], shape[axis], count)
    expected = np.take_along_axis(x, indices, axis)
    same(value_of(lambda x: ix.take_along_axis(x, indices, axis), x), expected)
    same(value_of(lambda x, i: ix.take_along_axis(x, i, axis), x, indices), expected)
    check_derivatives(
        lambda x, i: ix.take_along_axis(x, i, axis),
        lambda x, i: jnp.take_along_axis(x, i, axis),
        x,
        indices,
    )
    values = array(*expected.shape, seed=1)
    written = x.copy()
    np.put_along_axis(written, indices, values, axis)
    same(value_of(lambda x, v: ix.put_along_axis(x, indices, v, axis), x, values), written)


def test_along_all():
    x, indices = array(3, 4), np.array([3, 11, 0])
    same(
        value_of(lambda x: ix.take_along_axis(x, indices, None), x),
        np.take_along_axis(x, indices, None),
    )
    written = x.copy()
    np.put_along_axis(written, indices, 9, None)
    same(value_of(lambda x: ix.put_along_axis(x, indices, 9, None), x), written)


def test_where_and_select():
    a, b = array(3, 4), array(4, seed=1)
    check_values(lambda a, b: choices.where(a > 0, a, b), lambda a, b: np.where(a > 0, a, b), a, b)
    check_values(lambda a, b: choices.where(a, 1, b), lambda a, b: np.where(a, 1, b), a, b)
    check_values(
        lambda a, b: choices.where([1, 0, 1, 0], a, b),
        lambda a, b: np.where([1, 0, 1, 0], a, b),
        a,
        b,
    )
    check_derivatives(
        lambda a, b: choices.where(a > b, a * a, b), lambda a, b: jnp.where(a > b, a * a, b), a, b
    )
    check_values(
        lambda a, b: choices.select([a > 0.5, b > 0], [a, b], 3),
        lambda a, b: np.select([a > 0.5, b > 0], [a, b], 3),
        a,
        b,
    )
    check_derivatives(
        lambda a, b: choices.select([a > 0.5, b > 0], [a, b]),
        lambda a, b: jnp.where(a > 0.5, a, jnp.where(b > 0, b, 0)),
        a,
        b,
    )  # fmt: skip


def test_known_masks():
    x, rows = array(3, 4), np.array([True, False, True])
    check_values(lambda x: ix.compress(rows, x, 0), lambda x: np.compress(rows, x, 0), x)
    check_values(lambda x: ix.compress([0, 1], x, 1), lambda x: np.compress([0, 1], x, 1), x)
    check_values(lambda x: ix.compress(rows, x), lambda x: np.compress(rows, x), x)
    mask = array(3, 4, seed=5) > 0
    check_values(lambda x: ix.extract(mask, x), lambda x: np.extract(mask, x), x)
    check_derivatives(lambda x: ix.extract(mask, x), lambda x: x[mask], x)
