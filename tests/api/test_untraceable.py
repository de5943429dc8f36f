"""What cannot be traced says so: a code, the user's own line with a caret, and what to write."""

# ruff: noqa: PLW0108, RUF043
# Functions are written as users write them.

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import chainrule as cr
from chainrule.errors import GraphError, Place, TracingError

S = (1.5,)
V = (np.array([0.5, 2.0, 1.0]),)
CASES = []

early_array, early_asarray = np.array, np.asarray
"""NumPy's own, which tracing cannot stand in for."""


def case(code, arguments, repair, better=None):
    """A function that cannot be traced; its line ends in ``# here``."""

    def enter(function):
        CASES.append(pytest.param(function, code, arguments, repair, better, id=function.__name__))
        return function

    return enter


def line_of(function):
    lines, first = inspect.getsourcelines(function)
    return first + next(at for at, line in enumerate(lines) if "# here" in line)


# --- truth ----------------------------------------------------------------------------------------


@case("E230", S, "np.where(x > 0, a, b)", lambda x: np.where(x > 0, x, -x))
def if_(x):
    if x > 0:  # here
        return x
    return -x


@case("E230", S, "np.where(x > 0, a, b)", lambda x: np.where(x > 0, x, -x))
def conditional(x):
    return x if x > 0 else -x  # here


def _halved(x):
    for _ in range(3):
        x = np.where(x > 1, x / 2, x)
    return x


@case("E230", S, "np.where(x > 1, new, old)", _halved)
def while_(x):
    while x > 1:  # here
        x = x / 2
    return x


@case("E230", S, "check the numbers before")
def assert_(x):
    assert x > 0  # here
    return x


@case("E230", S, "(x > 0) & (x < 1)", lambda x: (x > 0) & (x < 1))
def and_(x):
    return x > 0 and x < 1  # here


@case("E230", S, "(x > 0) | (x < 1)", lambda x: (x > 0) | (x < 1))
def or_(x):
    return x > 0 or x < 1  # here


@case("E230", S, "~(x > 0)", lambda x: np.logical_not(x > 0))
def not_(x):
    return not x > 0  # here


@case("E230", S, "(0 < x) & (x < 1)", lambda x: np.where((x > 0) & (x < 1), x, 0.0))
def chained(x):
    return np.where(0 < x < 1, x, 0.0)  # here


@case("E230", (1.5, 2.5), "write np.maximum(x, y)", lambda x, y: np.maximum(x, y))
def max_(x, y):
    return max(x, y)  # here


@case("E230", (1.5, 2.5), "write np.minimum(x, y)", lambda x, y: np.minimum(x, y))
def min_(x, y):
    return min(x, y)  # here


@case("E230", V, "write np.sort(x)", lambda x: np.sort(x))
def sorted_(x):
    return sorted(x)  # here


@case("E230", V, "write np.any(x == 1.0)", lambda x: np.any(x == 1.0))
def in_(x):
    return 1.0 in x  # here


@case("E230", V, "write np.all(x > 0)", lambda x: np.all(x > 0))
def all_(x):
    return all(x > 0)  # here


@case("E230", S, "write x != 0", lambda x: x != 0)
def bool_(x):
    return bool(x)  # here


@case("E230", (1.5, 2.5), "np.stack([...])", lambda x, y: np.stack([x, y]) > 0)
def objects(x, y):
    return early_array([x, y]) > 0  # here


@case("E230", S, "Python ints")
def arange(x):
    return np.arange(x)  # here


# --- numbers --------------------------------------------------------------------------------------


@case("E231", S, "leave float() out", lambda x: x)
def float_(x):
    return float(x)  # here


@case("E231", S, "np.floor(x) rounds", lambda x: np.floor(x))
def int_(x):
    return int(x)  # here


@case("E231", S, "leave .item() out", lambda x: x)
def item(x):
    return x.item()  # here


@case("E231", V, "leave .tolist() out")
def tolist(x):
    return x.tolist()  # here


@case("E231", S, "pass a Python int")
def range_(x):
    return [0.0 for _ in range(x)]  # here


@case("E231", S, "write np.sin(x)", lambda x: np.sin(x))
def math_sin(x):
    return math.sin(x)  # here


@case("E231", S, "write np.arctan2(x, 2.0)", lambda x: np.arctan2(x, 2.0))
def math_atan2(x):
    return math.atan2(x, 2.0)  # here


@case("E231", S, "write scipy.special.erf(x)", lambda x: scipy.special.erf(x))
def math_erf(x):
    return math.erf(x)  # here


@case("E231", S, "leave the format out")
def formatted(x):
    return f"{x:.2f}"  # here


@case("E231", S, "chainrule.constant(a)[i]")
def index_of_a_list(x):
    return [1.0, 2.0][x]  # here


@case("E231", (np.int64(1),), "chainrule.constant(a)[i]")
def index_of_an_array(i):
    return np.arange(3.0)[i]  # here


@case("E237", (np.int64(1),), "chainrule.constant(a)[i]")
def taken_from_an_array(i):
    return np.take(np.arange(3.0), i)  # here


@case("E231", V, "np.stack", lambda x: np.stack([x[0], 0.0, 0.0]))
def element_of_an_array(x):
    a = np.zeros(3)
    a[0] = x[0]  # here
    return a


@case("E231", S, "collect them in a list")
def fill(x):
    a = np.zeros(3)
    a.fill(x)  # here
    return a


@case("E232", S, "stack scalars with np.stack")
def unpacked(x):
    a, b = x  # here
    return a + b


# --- in place -------------------------------------------------------------------------------------


@case("E236", V, "x = x.at[i].set(v)")
def set_(x):
    x[0] = 1.0  # here
    return x


@case("E236", V, ".add(v) in place of +=")
def add(x):
    x[0] += 1.0  # here
    return x


@case("E236", V, "write a = a + x", lambda x: np.zeros(3) + x)
def add_to_an_array(x):
    a = np.zeros(3)
    a += x  # here
    return a


@case("E236", V, "x.at[i].add(v) in place of np.add.at")
def add_at(x):
    a = np.zeros(3)
    np.add.at(a, [0], x[0])  # here
    return a


@case("E236", V, "write a = a + x")
def out_of_a_ufunc(x):
    a = np.zeros(3)
    np.add(x, 1.0, out=a)  # here
    return a


@case("E236", V, "write a = a + x")
def out_of_a_function(x):
    a = np.zeros(())
    np.sum(x, out=a)  # here
    return a


@case("E236", V, "x = np.sort(x) in place of x.sort()", lambda x: np.sort(x))
def sort(x):
    x.sort()  # here
    return x


@case("E237", V, "np.stack")
def slice_of_an_array(x):
    a = np.zeros(3)
    a[:] = x  # here
    return a


# --- arrays ---------------------------------------------------------------------------------------


@case("E237", V, "leave out the dtype", lambda x: np.stack([x[0], x[1]]).astype(float))
def array_of_floats(x):
    return early_array([x[0], x[1]], dtype=float)  # here


@case("E237", V, "leave out the dtype", lambda x: np.asarray(x))
def asarray_of_floats(x):
    return early_asarray(x, float)  # here


@case("E237", S, "write x.astype(np.float32)")
def cast(x):
    return np.float32(x)  # here


@case("E237", (np.zeros(20_000),), "leave out np.asarray", lambda x: x)
def large(x):
    return early_asarray(x)  # here


@case("E237", S, "np.random.normal works on numbers only")
def random(x):
    return np.random.normal(x)  # here


@case("E235", V, "where(condition, x, 0)", lambda x: np.sum(np.where(x > 1, x, 0)))
def mask(x):
    return np.sum(x[x > 1])  # here


@case("E235", V, "where(condition, x, 0)")
def nonzero(x):
    return np.nonzero(x)  # here


@case("E235", V, "where(condition, x, 0)")
def where_with_one_argument(x):
    return np.where(x > 1)  # here


@case("E235", V, "sort")
def unique(x):
    return np.unique(x)  # here


# --- functions ------------------------------------------------------------------------------------


@case("E238 np.fft.fft", V, "docs/numpy.md")
def fft(x):
    return np.fft.fft(x)  # here


@case("E238 np.histogram", V, "for each bin")
def histogram(x):
    return np.histogram(x)  # here


@case("E238 np.allclose", V, "np.where(condition, a, b)")
def allclose(x):
    return np.allclose(x, 0.0)  # here


@case("E238 np.copyto", V, "a = src")
def copyto(x):
    a = np.zeros(3)
    np.copyto(a, x)  # here
    return a


@case("E238 np.spacing", V, "docs/numpy.md")
def ufunc(x):
    return np.spacing(x)  # here


@case("E238 np.add.reduceat", V, "docs/numpy.md")
def reduceat(x):
    return np.add.reduceat(x, [0, 1])  # here


@case("E238 scipy.special.jv", S, "docs/numpy.md")
def bessel(x):
    return scipy.special.jv(1, x)  # here


@case("E238 np.log: .*'where'", V, "np.where(c, f(x), x)", lambda x: np.where(x > 1, np.log(x), x))
def where_of_a_ufunc(x):
    return np.log(x, where=np.array([True, False, True]))  # here


@case("E238 np.exp: .*'dtype'", V, "x.astype(dtype)", lambda x: np.exp(x.astype("float32")))
def dtype_of_a_ufunc(x):
    return np.exp(x, dtype=np.float32)  # here


# --- the test of all ------------------------------------------------------------------------------


@pytest.mark.parametrize(("function", "code", "arguments", "repair", "better"), CASES)
def test_the_message_points_at_the_line_and_says_what_to_write(
    function, code, arguments, repair, better
):
    with pytest.raises(TracingError, match=f"^{code}") as caught:
        cr.trace(function)(*arguments)
    error = caught.value
    line = line_of(function)
    place = error.place
    assert error.code == code[:4]
    assert (place.file, place.line) == (__file__, line)
    first, source, caret, *rest = str(error).split("\n")
    assert first.endswith(f" at {__file__.rpartition('/')[2]}:{line}")
    assert source.strip().endswith("# here")
    assert set(caret.strip()) == {"^"}
    assert source[caret.index("^") : caret.rindex("^") + 1] == place.expression
    assert rest == [f"  {error.repair}"]
    assert repair in error.repair
    if better is not None:
        found = cr.trace(better)(*arguments).at(*arguments).value
        np.testing.assert_allclose(found, better(*arguments))


def test_nothing_else_is_collected():
    assert len(CASES) > 50


@pytest.mark.parametrize("transform", [cr.grad, cr.jacobian, cr.hessian, cr.value_and_grad])
def test_transforms_point_at_the_line_too(transform):
    with pytest.raises(TracingError, match="^E230") as caught:
        transform(if_)(1.5)
    assert caught.value.place.line == line_of(if_)
    nested = cr.grad(lambda x: transform(lambda y: if_(x * y))(2.0))
    with pytest.raises(TracingError, match="^E230") as caught:
        nested(1.5)
    assert caught.value.place.line == line_of(if_)


def test_errors_of_numpy_that_hide_ours():
    """SciPy's functions that take no symbolic arrays."""
    with pytest.raises((TracingError, ValueError)):
        cr.trace(lambda x: scipy.linalg.schur(x * np.eye(3)))(*V)


def test_symbolic_values_outside_of_a_trace_point_at_the_line_too():
    x = cr.input("x")
    with pytest.raises(TracingError, match="^E230") as caught:
        bool(x)  # here
    assert "# here" in caught.value.place.text
    with pytest.raises(GraphError):
        float(x)


def test_an_error_without_a_place_or_a_repair():
    error = TracingError("E230", "a problem", "", None)
    assert str(error) == "E230 a problem"
    error = TracingError("E230", "a problem", "write {}", Place("<stdin>", 3))
    assert str(error) == "E230 a problem at <stdin>:3\n  write {}"


def test_an_array_of_numbers_indexed_by_a_symbolic_number():
    graph = cr.trace(lambda i: cr.constant(np.arange(3.0))[i] * 2)(np.int64(1))
    assert graph.at(np.int64(2)).value == 4.0


def test_attributes_that_there_are_not():
    x = cr.input("x", 3)
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        x.frobnicate()
    assert not hasattr(x, "ctypes")
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def test_functions_of_scipy_that_write_are_named():
    with pytest.raises(cr.TracingError, match=r"E236 SciPy's logsumexp") as caught:
        cr.grad(lambda x: scipy.special.logsumexp(x))(np.ones(3))
    assert "use chainrule.logsumexp" in str(caught.value)
    np.testing.assert_allclose(cr.grad(cr.logsumexp)(np.ones(3)), np.full(3, 1 / 3), rtol=1e-15)
