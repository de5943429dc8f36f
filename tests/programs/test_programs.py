"""Programs of users, unmodified: value, gradient and Hessian-vector product as JAX has them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.api.tree import mapped
from tests.jax_values import expected, jax, real, taken_apart
from tests.programs import (
    classics,
    finance,
    inference,
    networks,
    physics,
    sequences,
    statistics,
    vision,
)
from tests.programs.over_jax import OverJax

PROGRAMS = [
    *statistics.PROGRAMS,
    *networks.PROGRAMS,
    *physics.PROGRAMS,
    *finance.PROGRAMS,
    *vision.PROGRAMS,
    *sequences.PROGRAMS,
    *inference.PROGRAMS,
    *classics.PROGRAMS,
]


def near(found, wanted, tolerance=1e-12):
    """The same structure, and leaves that differ by little of the largest entry."""
    structure, leaves = taken_apart(found)
    assert structure == wanted.structure
    for at, (a, b) in enumerate(zip(leaves, wanted.leaves, strict=True)):
        assert np.shape(a) == b.shape
        np.testing.assert_allclose(
            a, b, rtol=0, atol=tolerance * np.max(np.abs(b)), err_msg=str(at)
        )


def direction(arguments):
    random = np.random.default_rng(0)
    return mapped(lambda leaf: random.standard_normal(np.shape(leaf))[()], arguments)


def by_jax(program, change):
    """Value, gradient and Hessian-vector product."""
    function = program.over(real(jax.numpy), real(jax.scipy.special), OverJax())

    def run(wrt, change, data):
        def gradient(*wrt):
            return jax.value_and_grad(function, tuple(range(len(wrt))))(*wrt, *data)

        (value, grad), (_, product) = jax.jvp(gradient, wrt, change)
        return value, grad, product if len(wrt) > 1 else product[0]

    quick = run if program.xla is None else jax.jit(run, compiler_options=program.xla)
    return quick(program.wrt, change, program.data)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program(program):
    function = program.over(np, scipy.special, cr)
    change = direction(program.wrt)
    count = len(program.wrt)

    plain = function(*program.wrt, *program.data)
    found, gradient = cr.value_and_grad(function, range(count))(*program.wrt, *program.data)
    assert found == pytest.approx(plain, rel=1e-13)

    def of_wrt(*wrt):
        return function(*wrt, *program.data)

    product = cr.hvp(of_wrt, program.wrt, change)
    near((found, gradient, product), expected(lambda: by_jax(program, change)))


def test_the_adjoint_method_gives_the_same_derivatives():
    """It has no forward mode: the second derivative is reverse over reverse."""
    (program,) = (found for found in sequences.PROGRAMS if found.name == "neural_ode")
    change = direction(program.wrt)

    def loss(*wrt):
        return sequences.neural_ode(np, cr, *wrt, *program.data, adjoint=True)

    gradient = cr.grad(loss, (0, 1))

    def along(*wrt):
        pairs = zip(taken_apart(gradient(*wrt)).leaves, taken_apart(change).leaves, strict=True)
        return sum(np.sum(a * b) for a, b in pairs)

    found = (loss(*program.wrt), gradient(*program.wrt), cr.grad(along, (0, 1))(*program.wrt))
    near(found, expected(lambda: by_jax(program, change)), 1e-10)
