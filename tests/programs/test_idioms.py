"""Turns of phrase of NumPy code in which symbolic and other arrays meet."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

X = np.array([1.1, 2.3, 3.7])


def matrix(x):
    """What NumPy makes an array of objects."""
    return np.array([[x[0], -x[1]], [x[1], 1.0]])


@pytest.mark.parametrize(
    "function",
    [
        matrix,
        lambda x: x[:2] + matrix(x),
        lambda x: matrix(x) - x[:2],
        lambda x: x[:2] // matrix(x),
        lambda x: matrix(x) % x[:2],
        lambda x: x[:2] ** matrix(x),
        lambda x: matrix(x) / x[2],
        lambda x: np.where(x[:2] < matrix(x), x[:2], matrix(x).T),
        lambda x: x[:2] @ matrix(x),
        lambda x: matrix(x) @ x[:2],
        lambda x: np.eye(2) @ matrix(x) @ matrix(x),
        lambda x: np.maximum(matrix(x), x[:2]),
        lambda x: matrix(x).mean(axis=0),
        lambda x: np.hypot(*(matrix(x)[0] - x[:2])),
        lambda x: np.linalg.norm(matrix(x), axis=1),
        lambda x: np.trace(matrix(x)) * x,
        lambda x: np.cross(np.array([x[0], x[1], 0.0]), x),
        lambda x: np.stack([matrix(x), matrix(x)]) @ x[:2],
        lambda x: np.sum(np.array([x, x**2]), axis=0),
        lambda x: np.full(2, x[0]) * x[1],
        lambda x: sum(x) + sum(i * v for i, v in enumerate(x)),
        np.logaddexp.reduce,
        lambda x: np.logaddexp.reduce(x[:, None] * x, axis=1, keepdims=True),
        lambda x: np.add.reduce(x[:, None] * x),
        lambda x: np.add.reduce(x[:, None] * x, axis=None),
        lambda x: np.maximum.reduce(x[:, None] - x, axis=1),
        lambda x: np.subtract.outer(x, X),
        lambda x: np.multiply.outer(matrix(x), x),
        lambda x: np.add.outer(2.0, x),
    ],
)
def test_value_and_jacobian(function):
    value = np.asarray(function(X), float)
    np.testing.assert_allclose(cr.trace(function)(X).at(X).value, value, rtol=1e-15)
    step = 1e-6 * np.eye(3)
    found = cr.jacobian(function)(X)
    slopes = [(function(X + h) - function(X - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(found, np.stack(slopes, axis=-1), atol=1e-8)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.mean(np.array([x[0], x[1]])),
        lambda x: np.std(np.asarray(x)),
        lambda x: np.max(np.array(x)),
        lambda x: np.exp(np.array([x[0], 1.0])),
        lambda x: np.clip(np.array([x[0], x[1]]), 0.0, 1.5),
        lambda x: np.where(matrix(x) > 1.5, 1.0, 2.0),
        lambda x: np.asarray(x, dtype=float),
    ],
)
def test_arrays_of_objects_alone(function):
    np.testing.assert_allclose(cr.trace(function)(X).at(X).value, function(X))


def test_an_assignment_says_what_to_write():
    def filled(x):
        made = np.zeros(2)
        made[0] = x[0]
        return made

    with pytest.raises(cr.TracingError, match=r"(?s)E231.*made\[0\] = x\[0\]") as caught:
        cr.grad(filled)(X)
    assert "at[" in str(caught.value)


def test_methods_refuse_arguments_by_name():
    with pytest.raises(cr.TracingError, match=r"E238 np\.median: .*'overwrite_input'"):
        cr.grad(lambda x: np.median(x, overwrite_input=True))(X)


def test_the_namespace_can_be_in_a_set():
    assert len({x.__array_namespace__() for x in (cr.input("x"), cr.input("y"))}) == 1
