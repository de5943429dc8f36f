"""Graph.compile: how compiled graphs are called, what they give, what they refuse."""

import copy
import inspect
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, DerivativeError, EvaluationError, GraphError

X = np.linspace(-1.0, 2.0, 12)
M = np.arange(6.0).reshape(2, 3)


@pytest.fixture(scope="module")
def numbers():
    return cr.parse("sin(x)*y + z").compile(budget=60, threads=2)


@pytest.fixture(scope="module")
def arrays():
    """Three results: an array, a number, an array."""

    def function(x, m):
        return x * 2 + 1, np.sum(m), m.T - 1

    return cr.trace(function)(X, M).compile(budget=60)


# --- arguments ------------------------------------------------------------------------------------


def test_by_position_and_by_name(numbers):
    wanted = np.sin(0.5) * 2 + 3
    assert numbers(0.5, 2.0, 3.0) == pytest.approx(wanted, rel=1e-15)
    for value in (numbers(0.5, 2, z=3), numbers(z=3, x=0.5, y=np.float32(2)), numbers(0.5, 2, 3)):
        assert value == numbers(0.5, 2.0, 3.0)
        assert type(value) is float


def test_the_signature(numbers):
    assert str(inspect.signature(numbers)) == "(x, y, z)"
    assert repr(numbers) == "<Compiled graph of (x, y, z): 6 nodes>"


def test_structures():
    def function(p, x, kind="full"):
        return {"a": p["w"] * x, "b": (np.sum(p["b"]), x)}

    p = OrderedDict(w=X, b=M)
    graph = cr.trace(function)(p, 2.0)
    fast = graph.compile(budget=60)
    for got, wanted in zip(fast(p, 2.0), graph(p, 2.0), strict=True):
        np.testing.assert_array_equal(got, wanted)
    with pytest.raises(EvaluationError, match="E301"):
        fast({"w": X}, 2.0)


@pytest.mark.parametrize(
    ("text", "arguments", "named"),
    [
        ("out + wait*values + self", (), {"out": 1, "wait": 2, "values": 3, "self": 4}),
        ("out + wait*values + self", (1, 2, 3, 4), {}),
        ("out + wait*values + self", (1, 2, 3), {"self": 4}),
    ],
)
def test_any_name_can_be_an_argument(text, arguments, named):
    graph = cr.parse(text)
    fast = graph.compile(budget=60)
    assert fast(*arguments, **named) == graph(*arguments, **named)


@pytest.mark.parametrize("value", [
    np.asfortranarray(np.outer(X, M[0])),
    np.outer(X, np.arange(6.0))[:, ::2],
    np.outer(X, M[0])[::-1],
    np.outer(X, M[0]).astype(">f8"),
    np.outer(X, M[0]).astype("f4"),
    np.arange(36).reshape(12, 3),
    np.arange(36).reshape(12, 3).astype("u1"),
    np.arange(36).reshape(12, 3).tolist(),
    np.broadcast_to(X[:, None], (12, 3)),
    np.frombuffer(b"\0" * 4 + np.arange(36.0).tobytes(), np.uint8)[4:].view("f8").reshape(12, 3),
    np.ma.masked_array(np.ones((12, 3))),
])  # fmt: skip
def test_arrays_of_any_layout(value):
    fast = cr.trace(lambda a: (a * 2, np.sum(a, axis=0)))(np.ones((12, 3))).compile(budget=60)
    plain = np.array(value, "f8")
    before = np.array(value)
    double, total = fast(value)
    np.testing.assert_array_equal(double, plain * 2)
    np.testing.assert_allclose(total, plain.sum(axis=0), rtol=1e-15)
    np.testing.assert_array_equal(np.array(value), before)


BAD = [
    ((1.0,), {}, "E301"),
    ((), {}, "E301"),
    ((1.0, 2.0, 3.0, 4.0), {}, "E302"),
    ((1.0, 2.0), {"y": 3.0}, "E302"),
    ((1.0, 2.0, 3.0), {"w": 3.0}, "E302"),
    (("a", 2.0, 3.0), {}, "E303"),
    ((None, 2.0, 3.0), {}, "E303"),
    ((1j, 2.0, 3.0), {}, "E303"),
    ((object(), 2.0, 3.0), {}, "E303"),
    (([1.0, [2.0]], 2.0, 3.0), {}, "E303"),
    ((np.array([1.0, None]), 2.0, 3.0), {}, "E303"),
    ((np.ma.masked_array([1.0, 2.0], [0, 1]), 2.0, 3.0), {}, "E303"),
    ((np.zeros(2, [("a", "f8")]), 2.0, 3.0), {}, "E303"),
    ((True, 2.0, 3.0), {}, "E304"),
    ((10**400, 2.0, 3.0), {}, "E304"),
    ((np.ones(2), np.ones(3), 3.0), {}, "E305"),
]


@pytest.mark.parametrize(("arguments", "named", "code"), BAD)
def test_what_is_no_argument_is_said(numbers, arguments, named, code):
    with pytest.raises(EvaluationError, match=code) as ours:
        numbers(*arguments, **named)
    with pytest.raises(EvaluationError) as interpreted:
        cr.parse("sin(x)*y + z")(*arguments, **named)
    assert str(ours.value) == str(interpreted.value)


def test_what_wants_to_be_an_array_and_is_none(numbers):
    class Rude:
        def __array__(self, *_, **__):
            raise RuntimeError("no")

    with pytest.raises(EvaluationError, match="E303"):
        numbers(Rude(), 1.0, 2.0)
    with pytest.raises(EvaluationError, match="E301"):
        numbers(Rude(), 1.0)


@pytest.mark.parametrize("value", [X[:-1], X[None], 1.0, M])
def test_arrays_of_another_shape(arrays, value):
    with pytest.raises(EvaluationError, match="E305"):
        arrays(value, M)


def test_types_of_arguments():
    fast = cr.trace(lambda i, c, f: (np.where(c, i, 0), f * i.astype("f4")))(
        np.arange(3), np.array([True, False, True]), np.float32(2)
    ).compile(budget=60)
    whole, single = fast([1, 2, 3], [True, True, False], 0.5)
    assert (whole.dtype, whole.tolist()) == (np.int64, [1, 2, 0])
    assert (single.dtype, single.tolist()) == (np.float32, [0.5, 1.0, 1.5])
    for bad in ([1.5, 2, 3], [True, True, True], [np.nan, 1, 2], [2.0**70, 1, 2]):
        with pytest.raises(EvaluationError, match="E304"):
            fast(bad, [True, True, False], 0.5)
    with pytest.raises(EvaluationError, match="E304"):
        fast([1, 2, 3], [1, 0, 1], 0.5)


def test_numbers_are_of_pythons_types():
    given = (np.int64(3), 1.0, np.float32(1))
    graph = cr.trace(lambda i, x, s: (i + 1, x > 0, x * 2, s * 2))(*given)
    fast = graph.compile(budget=60)
    assert [type(value) for value in fast(5, -1.0, 2.5)] == [int, bool, float, np.float32]


# --- points ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shapes",
    [
        ((5,), (), ()),
        ((5, 1), (1, 4), (4,)),
        ((3, 1, 2), (4, 1), ()),
        ((0,), (), (1,)),
        ((0, 3), (1, 3), ()),
        ((1,), (1,), ()),
        ((7,), (7,), (7,)),
        ((1025,), (), (1,)),
        ((9001,), (9001,), ()),
        ((130, 130), (130,), (130, 1)),
    ],
    ids=str,
)
def test_points_broadcast(numbers, shapes):
    source = np.random.default_rng(1)
    x, y, z = (source.normal(size=shape) for shape in shapes)
    wanted = np.sin(x) * y + z
    found = numbers(x, y, z)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)
    out = np.full(wanted.shape, 7.0)
    assert numbers(x, y, z, out=out) is out
    np.testing.assert_array_equal(out, found)


def test_points_of_other_types(numbers):
    wanted = numbers(X, 2.0, 3.0)
    for x in (X.tolist(), X.astype(">f8"), np.repeat(X, 2)[::2], X[None]):
        np.testing.assert_array_equal(np.squeeze(numbers(x, np.int32(2), [3.0])), wanted)
    whole = numbers(np.arange(4), np.ones(4, "f4"), 1)
    np.testing.assert_allclose(whole, np.sin(np.arange(4)) + 1, rtol=1e-15)


def test_one_point_and_many_give_the_same_bits(numbers):
    many = numbers(X, 2.0, X[::-1])
    assert [numbers(x, 2.0, z) for x, z in zip(X, X[::-1], strict=True)] == many.tolist()


def test_points_of_gradients_and_matrices():
    graph = cr.parse("x^2*y + sin(x)")
    value, (by_x, by_y) = graph.compile(gradient=True, budget=60)(X, 2.0)
    np.testing.assert_allclose(value, X**2 * 2 + np.sin(X), rtol=1e-15)
    np.testing.assert_allclose(by_x, 4 * X + np.cos(X), rtol=1e-14)
    np.testing.assert_array_equal(by_y, X**2)
    hessian = graph.hessian().compile(budget=60)
    assert hessian(X, 2.0).shape == (12, 2, 2)
    np.testing.assert_allclose(hessian(X, 2.0)[3], hessian(X[3], 2.0), rtol=1e-15)


def test_conditions_over_points():
    fast = cr.parse("x > y").compile(budget=60)
    assert fast(X, 0.5).tolist() == (X > 0.5).tolist()
    assert fast(1.0, 0.5) is True
    out = np.zeros(12, bool)
    assert fast(X, 0.5, out=out) is out
    assert out.tolist() == (X > 0.5).tolist()


# --- out ------------------------------------------------------------------------------------------


def test_results_in_the_memory_of_the_caller(arrays):
    first, last = np.full(12, 7.0), np.full((3, 2), 7.0)
    found = arrays(X, M, out=(first, None, last))
    assert found[0] is first
    assert found[2] is last
    assert found[1] == 15.0
    np.testing.assert_array_equal(first, X * 2 + 1)
    np.testing.assert_array_equal(last, M.T - 1)
    for given in ((None, None, last), [first, None, None], (None, None, None)):
        found = arrays(X, M, out=given)
        assert [a is b for a, b in zip(found, given, strict=True)] == [x is not None for x in given]
        np.testing.assert_array_equal(found[0], X * 2 + 1)


def strided(shape):
    return np.full((*shape[:-1], 2 * shape[-1]), 7.0)[..., ::2]


def turned(shape):
    return np.full(shape[::-1], 7.0).T


def reversed_(shape):
    return np.full(shape, 7.0)[::-1]


def misaligned(shape):
    return np.zeros(8 * int(np.prod(shape)) + 1, np.uint8)[1:].view("f8").reshape(shape)


@pytest.mark.parametrize("make", [strided, turned, reversed_, misaligned])
def test_memory_of_any_layout(arrays, numbers, make):
    first, last = make((12,)), make((3, 2))
    arrays(X, M, out=(first, None, last))
    np.testing.assert_array_equal(first, X * 2 + 1)
    np.testing.assert_array_equal(last, M.T - 1)
    grid = make((12, 3))
    assert numbers(X[:, None], M[0], 1.0, out=grid) is grid
    np.testing.assert_array_equal(grid, numbers(X[:, None], M[0], 1.0))


def test_memory_of_arguments(arrays, numbers):
    """What is read is not overwritten before."""
    flip = cr.trace(lambda x: x[::-1] + x)(X).compile(budget=60)
    x = X.copy()
    assert flip(x, out=x) is x
    np.testing.assert_array_equal(x, X[::-1] + X)
    longer = np.arange(13.0)
    flip(longer[:-1], out=longer[1:])
    np.testing.assert_array_equal(longer[1:], 11.0)
    points = X.copy()
    numbers(points, 2.0, points[::-1], out=points)
    np.testing.assert_array_equal(points, numbers(X, 2.0, X[::-1]))


def test_columns_of_one_array_do_not_overlap():
    fast = cr.trace(lambda x: (x + 1, x * 2))(X).compile(budget=60)
    table = np.zeros((12, 2))
    fast(X, out=(table[:, 0], table[:, 1]))
    np.testing.assert_array_equal(table, np.stack([X + 1, X * 2], axis=1))


def test_matrices_as_memory():
    fast = cr.parse("x^2*y").hessian().compile(budget=60)
    out = np.empty((2, 2))
    assert fast(3.0, 2.0, out=out) is out
    assert out.tolist() == [[4.0, 6.0], [6.0, 0.0]]
    many = np.empty((12, 2, 2))
    assert fast(X, 2.0, out=many) is many
    np.testing.assert_array_equal(many[:, 0, 1], 2 * X)


def test_before_there_is_code():
    graph = cr.trace(lambda x: (x, x[::-1] * 2))(X)
    fast = graph.compile(budget=60)
    fast._machine.routine = None  # as at the beginning
    same, double = fast._slowly(X)
    assert not np.shares_memory(same, X)
    out = np.empty(12)
    assert fast._slowly(X, out=(out, None))[0] is out
    np.testing.assert_array_equal(out, X)
    np.testing.assert_array_equal(double, X[::-1] * 2)


LOCKED = np.ones(12)
LOCKED.setflags(write=False)
SHARED = np.ones(40)


@pytest.mark.parametrize(
    ("out", "code"),
    [
        (np.ones(12), "E346"),  # one for three
        ((np.ones(12), None), "E346"),
        ({"a": np.ones(12)}, "E346"),
        ("text", "E346"),
        ((X.tolist(), None, None), "E346"),
        ((LOCKED, None, None), "E346"),
        ((None, np.ones(()), None), "E346"),  # a number
        ((None, 3.0, None), "E346"),
        ((SHARED[:12], None, SHARED[6:12].reshape(3, 2)), "E346"),
        ((np.ones(12, "f4"), None, None), "E304"),
        ((np.ones(12, ">f8"), None, None), "E304"),
        ((np.ones(12, int), None, None), "E304"),
        ((np.ones(11), None, None), "E305"),
        ((np.ones((12, 1)), None, None), "E305"),
        ((None, None, np.ones((2, 3))), "E305"),
    ],
)
def test_what_is_no_memory_for_results(arrays, out, code):
    with pytest.raises(EvaluationError, match=code):
        arrays(X, M, out=out)


def test_points_need_memory_of_their_shape(numbers):
    for out, code in (
        (np.ones(11), "E305"),
        (np.ones((12, 1)), "E305"),
        (np.ones(12, int), "E304"),
    ):
        with pytest.raises(EvaluationError, match=code):
            numbers(X, 1.0, 1.0, out=out)
    with pytest.raises(EvaluationError, match="E346"):
        numbers(1.0, 1.0, 1.0, out=np.ones(()))


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "graph",
    [
        cr.parse("x^2*y + sin(x*y)"),
        cr.parse("x"),
        cr.parse("3 + 0*x"),
        cr.trace(lambda x, y: np.sum(x * y) ** 2)(1.5, 2.5),
        cr.parse("a = x*y; b = exp(a) + a; b*a/(1 + x^2)"),
    ],
    ids=str,
)
def test_gradients_by_name_and_by_graph(graph):
    point = [1.25, 0.75][: len(graph.arguments)]
    value, gradient = graph.compile(gradient=True, budget=60)(*point)
    wanted, derivatives = graph.gradient().compile(budget=60)(*point)
    np.testing.assert_allclose([value, *gradient], [wanted, *derivatives], rtol=1e-14)
    for name in graph.arguments:
        _, (one,) = graph.compile(gradient=name, budget=60)(*point)
        assert one == pytest.approx(gradient[graph.arguments.index(name)], rel=1e-14)
    turned = graph.compile(gradient=graph.arguments[::-1], budget=60)(*point)[1]
    np.testing.assert_allclose(turned, gradient[::-1], rtol=1e-14)


def test_gradients_of_arrays():
    graph = cr.trace(lambda x, w: np.sum(np.tanh(x * w)))(X, 0.5)
    value, (by_x, by_w) = graph.compile(gradient=True, budget=60)(X, 0.5)
    slope = 1 - np.tanh(X * 0.5) ** 2
    assert value == pytest.approx(np.sum(np.tanh(X * 0.5)), rel=1e-14)
    np.testing.assert_allclose(by_x, slope * 0.5, rtol=1e-13)
    assert by_w == pytest.approx(np.sum(slope * X), rel=1e-13)


@pytest.mark.parametrize(
    ("graph", "gradient", "error", "code"),
    [
        (cr.parse("a = x*y; a*x"), "a", DerivativeError, "E334"),
        (cr.parse("x*y"), "z", GraphError, "E225"),
        (cr.parse("x*y"), [], DerivativeError, "E337"),
        (cr.trace(lambda x: x * 2)(X), True, ChainruleError, "E3"),
        (cr.parse("x > y"), True, ChainruleError, "E3"),
    ],
    ids=["inner node", "unknown", "nothing", "array", "condition"],
)
def test_gradients_that_there_are_not(graph, gradient, error, code):
    with pytest.raises(error, match=code):
        graph.compile(gradient=gradient)


@pytest.mark.parametrize(
    "budget", ["soon", "", "2", "1e3s", "-1s", -1, float("nan"), True, None, [1], 1j, "inf"]
)
def test_what_is_no_time(budget):
    with pytest.raises(GraphError, match="E226"):
        cr.parse("x*y").compile(budget=budget)


@pytest.mark.parametrize(
    "budget", [0, 0.5, "0ms", "200ms", " 2.5 s ", float("inf"), 1e300, "99999999999999s"]
)
def test_times(budget):
    fast = cr.parse("x*y").compile(budget=budget)
    assert fast(2.0, 3.0) == 6.0
    assert fast.wait() is fast
    assert fast.wait(float("inf")).wait(0).report().tier == "optimised"


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two", True, None, 1025])
def test_what_is_no_number_of_threads(threads):
    with pytest.raises(GraphError, match="E226"):
        cr.parse("x*y").compile(threads=threads)


def test_threads_give_the_same_bits():
    graph = cr.trace(lambda x: (np.exp(x) * 2, np.sum(np.sin(x)), x[::-1] + 1))(np.ones(150_000))
    x = np.linspace(-3.0, 3.0, 150_000)
    one, several = (graph.compile(budget=60, threads=n).wait() for n in (1, 3))
    a, b = one(x), several(x)
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[2], b[2])
    assert b[1] == several(x)[1]
    assert b[1] == pytest.approx(np.sum(np.sin(x)), rel=1e-12, abs=1e-9)
    points = cr.parse("exp(x)*2").compile(budget=60, threads=4)
    np.testing.assert_array_equal(points(x), a[0])


def test_fast_math_differs_by_rounding_only():
    graph = cr.parse("(x/3)*7*y + (y + 1.1) + 2.2 - 1/x*y")
    plain, fast = (graph.compile(budget=60, fast_math=flag) for flag in (False, True))
    np.testing.assert_allclose(fast(X + 3, 2.0), plain(X + 3, 2.0), rtol=1e-14)
    assert fast.ir().count("divide") < plain.ir().count("divide")


# --- what else objects can do ---------------------------------------------------------------------


def test_pickles_and_copies(numbers):
    gradient = cr.parse("x^2*y").compile(gradient="y", fast_math=True, budget=60)
    for fast, point in ((numbers, (0.5, 2.0, 3.0)), (gradient, (3.0, 2.0))):
        for other in (pickle.loads(pickle.dumps(fast)), copy.copy(fast), copy.deepcopy(fast)):
            assert other.wait()(*point) == fast(*point)
            assert inspect.signature(other) == inspect.signature(fast)


KINDS = ("kernels", "llvm", "optimised", "assembly")


@pytest.mark.parametrize("kind", [*KINDS, "asm", "", None, 3, ["llvm"]])
def test_listings(numbers, kind):
    if kind in KINDS:
        assert numbers.ir(kind)
    else:
        with pytest.raises(GraphError, match="E226"):
            numbers.ir(kind)


def test_graphs_without_arguments():
    fast = cr.parse("2*3").compile(budget=60)
    assert fast() == 6.0
    with pytest.raises(EvaluationError, match="E302"):
        fast(1.0)
