"""Patterns of derivatives through loops, branches, calls and decompositions."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

X = np.linspace(0.5, 2.0, 6)
COUNT = len(X)


def pattern(function, x=X):
    return cr.sparsity(function)(x).pattern.toarray().astype(int)


def checked(function, x=X):
    """The pattern; the compressed derivatives are the dense ones."""
    got = cr.jacobian(function, sparse=True)(x).toarray()
    expected = cr.jacobian(function)(x).reshape(got.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    found = pattern(function, x)
    assert not got[found == 0].any()
    return found


def products(x):
    """x[i]·x[i + 1] by a loop that carries the element before."""
    return cr.scan(lambda before, at: (at, before * at), 0.0, x)[1]


def rotated(x, steps):
    return cr.scan(lambda c, _: (np.roll(c, -1) * 2.0, None), x, None, steps)[0]


def test_a_loop_is_followed_step_by_step():
    expected = np.eye(COUNT, dtype=int) + np.eye(COUNT, k=-1, dtype=int)
    expected[0] = 0  # the first product is with the number 0: it is known to be 0 only at run time
    found = checked(products)
    np.testing.assert_array_equal(found[1:], expected[1:])
    for steps in (0, 1, 3):
        np.testing.assert_array_equal(
            checked(lambda x, n=steps: rotated(x, n)), np.roll(np.eye(COUNT, dtype=int), steps, 1)
        )


def test_a_loop_backward_and_one_that_reads_from_around_it():
    sums = lambda x: cr.scan(lambda c, at: (c + at, c * x[0]), 0.0, x, reverse=True)[1]  # noqa: E731
    found = checked(sums)
    later = np.triu(np.ones((COUNT, COUNT), int), 1)
    later[:-1, 0] = 1
    np.testing.assert_array_equal(found[:-1], later[:-1])


def test_a_loop_of_many_steps_takes_what_any_step_passes_on():
    assert pattern(lambda x: rotated(x, 5000)).all()
    apart = lambda x: cr.scan(lambda c, _: (np.sin(c) + x, None), x, None, 5000)[0]  # noqa: E731
    np.testing.assert_array_equal(checked(apart), np.eye(COUNT))


def test_a_loop_with_a_condition():
    apart = lambda x: cr.while_loop(lambda c: np.sum(c) < 1e3, lambda c: c * (x + 1), x)  # noqa: E731
    np.testing.assert_array_equal(checked(apart), np.eye(COUNT))
    mixed = lambda x: cr.while_loop(  # noqa: E731
        lambda c: np.sum(c) < 1e3, lambda c: np.roll(c, 1) * (x + 1), x
    )
    assert checked(mixed).all()


def test_branches_are_united_and_calls_are_entered():
    either = lambda x: cr.cond(x[0] > 0, lambda: x * x, lambda: np.flip(x))  # noqa: E731
    expected = np.eye(COUNT, dtype=int) | np.eye(COUNT, dtype=int)[::-1]
    np.testing.assert_array_equal(checked(either), expected)
    called = cr.checkpoint(lambda x: x[1:] * x[:-1])
    expected = np.eye(COUNT, dtype=int)[:-1] | np.eye(COUNT, k=1, dtype=int)[:-1]
    np.testing.assert_array_equal(checked(called), expected)


def test_rules_of_ones_own_are_what_counts():
    through = cr.custom_derivative(np.round)
    through.forward(lambda primals, tangents: tangents[0])
    np.testing.assert_array_equal(checked(through), np.eye(COUNT))
    foreign = cr.custom_derivative(lambda x: x**2, result=lambda x: x)
    foreign.reverse(lambda primals, result, adjoint: (2 * primals[0] * adjoint,))
    found = cr.sparsity(foreign, mode="reverse")(X).pattern
    assert found.toarray().all()  # nobody knows what it reads


def test_many_items_at_once():
    stack = np.linspace(0.5, 1.5, 12).reshape(3, 4)
    found = checked(lambda x: cr.vmap(products)(x.reshape(3, 4)), stack.ravel())
    one = pattern(products, stack[0])
    np.testing.assert_array_equal(found, np.kron(np.eye(3, dtype=int), one))


def test_decompositions_by_their_rule():
    matrices = np.random.default_rng(0).normal(size=(2, 3, 3))
    matrices = matrices + matrices.swapaxes(1, 2)
    values = lambda a: np.linalg.eigh(a.reshape(2, 3, 3))[0]  # noqa: E731
    found = checked(values, matrices.ravel())
    np.testing.assert_array_equal(found, np.kron(np.eye(2, dtype=int), np.ones((3, 9), int)))


@pytest.mark.parametrize("checkpoints", [None, 2])
def test_hessians_of_loops(checkpoints):
    def energy(x):
        return np.sum(cr.scan(lambda c, at: (at, c * at**2), 0.0, x, checkpoints=checkpoints)[1])

    got = cr.hessian(energy, sparse=True)(X).toarray()
    np.testing.assert_allclose(got, cr.hessian(energy)(X), rtol=1e-12, atol=1e-12)
    if checkpoints is None:
        assert cr.sparsity(energy, of="hessian")(X).pattern.nnz <= 3 * COUNT - 2


def test_the_hessian_of_a_loop_with_a_condition():
    def energy(x):
        return np.sum(cr.while_loop(lambda c: np.sum(c) < 1e3, lambda c: c * (x + 1), x))

    got = cr.hessian(energy, sparse=True)(X).toarray()
    np.testing.assert_allclose(got, cr.hessian(energy)(X), rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(got != 0, np.eye(COUNT))
