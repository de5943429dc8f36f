"""Symbolic arrays: operators, promotion as in NumPy, clear answers to what cannot be."""

from __future__ import annotations

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.graph.op import OPS

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_operators_with_arrays_and_numbers_on_both_sides(function):
    x, y = cr.inputs("x y")
    assert cr.graph(function(x, y))(3, 2) == function(3.0, 2.0)
    assert cr.graph(function(x, 2))(3) == function(3.0, 2)
    assert cr.graph(function(2, x))(3) == function(2, 3.0)
    assert cr.graph(function(np.float64(2), x))(3) == function(2, 3.0)
    assert cr.graph(function(x, np.float64(2)))(3) == function(3.0, 2)


def test_unary_operators():
    x = cr.input("x")
    assert cr.graph(-x)(3) == -3
    assert cr.graph(abs(x))(-3) == 3
    assert +x is x


def test_logic():
    x, y = cr.inputs("x y")
    p, q = x > 0, y > 0
    for a, b in [(1, 1), (1, -1), (-1, 1), (-1, -1)]:
        assert cr.graph(p & q)(a, b) is (a > 0 and b > 0)
        assert cr.graph(p | q)(a, b) is (a > 0 or b > 0)
        assert cr.graph(p ^ q)(a, b) is ((a > 0) != (b > 0))
        assert cr.graph(~p)(a) is (not a > 0)
    assert cr.graph(p & True)(1) is True
    assert cr.graph(False | p)(1) is True


@pytest.mark.parametrize("one", ["float64", "float32", "int64", "int32"])
@pytest.mark.parametrize("other", ["float64", "float32", "int64", "int32", int, float])
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum"])
def test_dtypes_meet_as_in_numpy(one, other, name):
    """NEP 50: Python numbers are weak, NumPy's and arrays are strong."""
    right = other(2) if isinstance(other, type) else cr.input("y", dtype=other)
    ours = getattr(cr, name)(cr.input("x", dtype=one), right).dtype
    numpy_right = right if isinstance(other, type) else np.ones(1, other)
    assert ours == getattr(np, name)(np.ones(1, one), numpy_right).dtype


def test_powers_of_integers_stay_integers_where_they_can():
    n = cr.input("n", dtype="int64")
    assert (n**3).dtype == np.int64
    assert (n**-1).dtype == (n**0.5).dtype == np.float64
    assert cr.graph(n**-1)(n=2) == 0.5
    assert cr.graph(n ** np.int64(3))(n=-2) == -8


def test_functions_of_integers_are_floats():
    n = cr.input("n", dtype="int32")
    assert cr.sin(n).dtype == np.float64
    assert cr.graph(cr.exp(n))(n=1) == pytest.approx(math.e)


def test_every_operation_is_a_function_of_the_package():
    for name, op in OPS.items():
        if op.is_leaf:
            assert not hasattr(getattr(cr, name), "op")
        elif op.pointwise and name != "stop_gradient":  # that one takes structures, too
            function = getattr(cr, name)
            assert function.op is op
            assert name in dir(cr)
            assert op.about in function.__doc__
            assert pickle.loads(pickle.dumps(function)).op is op
    with pytest.raises(AttributeError, match="simoid"):
        _ = cr.simoid


def test_literal_parameters_by_position_name_and_default():
    x = cr.input("x")
    assert cr.graph(cr.leaky_relu(x))(-1) == -0.01
    assert cr.graph(cr.leaky_relu(x, 0.2))(-1) == -0.2
    assert cr.graph(cr.leaky_relu(x, slope=0.2)) == cr.graph(cr.leaky_relu(x, 0.2))
    for bad in ({"slop": 1}, {"slope": x}, {"slope": math.nan}, {"slope": True}):
        with pytest.raises(GraphError) as caught:
            cr.leaky_relu(x, **bad)
        assert caught.value.code == "E212"
    with pytest.raises(GraphError) as caught:
        cr.polygamma(x)
    assert caught.value.code == "E212"


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda x: cr.sin(), "E211"),
        (lambda x: cr.sin(x, x), "E211"),
        (lambda x: cr.sin("x"), "E214"),
        (lambda x: cr.add(x, None), "E214"),
        (lambda x: cr.sin(1.0), "E215"),
        (lambda x: x + np.array(["a"]), "E201"),
        (lambda x: x + 1j, None),
        (lambda x: cr.where(x, 1, 2), "E202"),
        (lambda x: cr.where(x > 0, True, "no"), "E214"),
        (lambda x: x & 1, "E202"),
        (lambda x: cr.input("v", 2) + np.ones(3), "E203"),
        (lambda x: bool(x > 0), "E230"),
        (float, "E231"),
        (int, "E231"),
        (lambda x: np.asarray(x, float), "E237"),
        (list, "E232"),
        (lambda x: cr.graph(3), "E233"),
        (lambda x: cr.graph([x, 3]), "E233"),
        (lambda x: cr.constant("3"), "E204"),
    ],
)
def test_what_cannot_be_is_said(ask, code):
    with pytest.raises((GraphError, TypeError)) as caught:
        ask(cr.input("x"))
    if code:
        assert caught.value.code == code


def test_an_if_on_a_symbolic_value_says_what_to_write():
    x = cr.input("x")
    with pytest.raises(GraphError, match=r"write np\.where\(x > 0, a, b\)"):
        _ = x if x > 0 else -x
    with pytest.raises(GraphError, match=r"write \(x > 0\) & \(x < 1\)"):
        _ = x > 0 and x < 1


def test_arrays_are_what_they_print():
    x, y = cr.inputs("x y")
    assert repr(x * y + cr.exp(-(x**2))) == "Array(x*y + exp(-x^2))"
    assert (x.shape, x.ndim, x.dtype) == ((), 0, np.float64)
    assert cr.input("v", shape=(3,)).shape == (3,)
    assert copy.deepcopy(x) is copy.copy(x) is x
    with pytest.raises(TypeError, match="pickle the Graph"):
        pickle.dumps(x)
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def test_constants():
    assert cr.constant(2).dtype == np.float64
    assert cr.constant(2, dtype="int64").dtype == np.int64
    assert cr.constant(np.float32(2)).dtype == np.float32
    assert cr.constant(True).dtype == bool
    assert cr.constant(np.arange(3)).shape == (3,)
    assert cr.graph(cr.constant(2) ** cr.input("x"))(3) == 8


def test_users_text_never_stands_in_generated_code():
    """Names go through evaluation and back without ever being part of a program."""
    x = cr.input("__import__")
    assert cr.graph(cr.tanh(x) * x).at(__import__=0.0).gradient == {"__import__": 0.0}
