"""Structures become flat vectors and the same structures again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.api.solvers.unknowns import VECTOR, number, unknowns_of, vector
from chainrule.api.tree import flatten

numbers = st.floats(-1e6, 1e6)
arrays = st.lists(st.integers(0, 3), max_size=3).map(
    lambda shape: np.arange(float(np.prod(shape))).reshape(shape) if shape else np.array([[1.5]])
)
structures = st.recursive(
    numbers | arrays,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.tuples(parts, parts)
        | st.dictionaries(st.sampled_from("abc"), parts, max_size=3)
        | st.none()
    ),
    max_leaves=5,
)


@given(structures)
def test_a_structure_comes_back(value):
    leaves, structure = flatten(value)
    if not leaves:
        with pytest.raises(cr.DerivativeError, match="E351"):
            unknowns_of(value)
        return
    unknowns, start = unknowns_of(value)
    assert start.ndim == 1
    assert start.dtype == np.float64
    back = unknowns.split(start)
    if unknowns is VECTOR:
        np.testing.assert_array_equal(back, np.ravel(value))
        return
    found, same = flatten(back)
    assert same == structure
    for leaf, other in zip(leaves, found, strict=True):
        np.testing.assert_array_equal(leaf, other)
        assert np.shape(leaf) == np.shape(other)
    np.testing.assert_array_equal(unknowns.join(value, "it"), start)
    many = np.stack([start, 2 * start], axis=-1)
    np.testing.assert_array_equal(unknowns.join(unknowns.split(many), "it", (2,)), many)


def test_complex_numbers_are_left_to_the_solver():
    assert unknowns_of([1j, 2])[1].dtype == np.complex128
    found = cr.scipy(lambda t, y: 1j * y).solve_ivp((0, 1), [1.0 + 0j], rtol=1e-8)
    np.testing.assert_allclose(found.y[0, -1], np.exp(1j), rtol=1e-6)


def test_forms_of_results():
    assert vector([1.0, np.ones((1, 2)), {"a": 3}]).tolist() == [1, 1, 1, 3]
    assert vector(2.0).tolist() == [2]
    assert number(np.ones((1, 1))).shape == ()
    assert number(3) == 3
    with pytest.raises(cr.GraphError, match="E233"):
        vector(None)
