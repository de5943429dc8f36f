"""Sums down columns: the axis that stays runs in vectors."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.run.native.emit import columns


def columns_of(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape) * 10


CASES = [
    (lambda x: np.sum(x, axis=0), (5, 9)),
    (lambda x: np.sum(x, axis=0), (1025, 300)),  # several blocks, chunks, and lanes left over
    (lambda x: np.sum(x, axis=1), (3, 300, 17)),
    (lambda x: np.sum(x, axis=(0, 1)), (20, 30, 40)),
    (lambda x: (np.mean(x, axis=0), np.var(x, axis=0)), (200, 33)),
    (lambda x: np.concatenate([x, -2 * x], axis=0).sum(axis=0), (40, 33)),  # two boxes of rows
    (lambda x: np.concatenate([x, -2 * x], axis=1).sum(axis=0), (40, 33)),  # and of columns
    (lambda x: (x * 2, (x * 2).sum(axis=0)), (40, 33)),
    (lambda x: np.sum(np.exp(x[0]) * x, axis=0), (40, 33)),  # much is computed from the column
]


@pytest.mark.parametrize(("function", "shape"), CASES)
@pytest.mark.parametrize("threads", [1, 2])
def test_values(function, shape, threads):
    x = columns_of(*shape)
    pair = [cr.trace(function)(x).compile(threads=threads).wait()(x), function(x)]
    found, expected = [made if isinstance(made, tuple) else (made,) for made in pair]
    for ours, numpys in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=1e-12, atol=1e-10)


def test_what_rounding_takes_away_comes_back():
    x = np.zeros((1000, 40))
    x[0], x[500], x[-1] = 1e16, 1.0, -1e16  # added up as they come: 0
    total = cr.trace(lambda x: np.sum(x, axis=0))(x).compile().wait()
    np.testing.assert_array_equal(total(x), np.ones(40))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -0.0])
def test_special_values(value):
    x = np.full((300, 20), -0.0)
    x[150, 3] = value
    total = cr.trace(lambda x: np.sum(x, axis=0))(x).compile().wait()(x)
    expected = x.sum(axis=0)
    np.testing.assert_array_equal(total, expected)
    np.testing.assert_array_equal(np.signbit(total), np.signbit(expected))


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "bool"])
def test_dtypes(dtype):
    x = np.random.default_rng(0).integers(0, 2, (300, 21)).astype(dtype)
    total = cr.trace(lambda x: np.sum(x, axis=0))(x).compile().wait()(x)
    assert total.dtype == x.sum(axis=0).dtype
    np.testing.assert_array_equal(total, x.sum(axis=0))


def test_where_it_is_of_use():
    def found(function, *shape):
        machine = cr.trace(function)(np.ones(shape)).compile().wait()._machine
        return [columns.arranged(kernel, 4) is not None for kernel in machine.planned.plan.kernels]

    assert found(lambda x: np.sum(x, axis=0), 40, 40) == [True]
    assert found(lambda x: np.sum(x, axis=1), 40, 40) == [False]
    assert found(np.sum, 40, 40) == [False]
    assert found(lambda x: np.sum(x, axis=0), 40, 3) == [False]
