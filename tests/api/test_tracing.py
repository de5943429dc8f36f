"""A function that is traced keeps its names, its lines and its dtypes, and computes what it did."""

# ruff: noqa: C416, PLC2401, PLW0108
# Functions are written as users write them.

from __future__ import annotations

import dataclasses
import functools
import inspect
import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.errors import GraphError, TracingError
from chainrule.graph.flat import from_json, to_json

X = np.array([0.3, -1.2, 2.5])
A = np.array([[0.5, -0.1, 0.7], [1.1, 0.2, -0.6]])


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any = None


def same(got, expected, tolerance=1e-13):
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def check(function, *values):
    """The graph of a function computes what the function does, also elsewhere."""
    graph = cr.trace(function)(*values)
    moved = [x + type(x)(0.25) if isinstance(x, (float, np.floating)) else x for x in values]
    moved = [x + x.dtype.type(1) if isinstance(x, np.ndarray) else x for x in moved]
    for given in (values, moved):
        expected = function(*given)
        arrays = [x for x in given if not isinstance(x, (int, str))]
        got = graph.at(*arrays).value
        if isinstance(expected, (tuple, list)):
            got = got if isinstance(got, (tuple, list)) else (got,)
            for mine, theirs in zip(got, expected, strict=True):
                same(mine, theirs)
        else:
            same(got, expected)
    return graph


# --- names of arguments ---------------------------------------------------------------------------


def test_names_of_positional_rest_and_keyword_arguments():
    def function(x, /, y, *rest, scale, **more):
        return x + y + rest[0] * rest[1] + scale + more["shift"]

    graph = cr.trace(function)(1.0, 2.0, 3.0, 4.0, scale=5.0, shift=6.0)
    assert graph.arguments == ("x", "y", "rest_0", "rest_1", "scale", "shift")
    assert graph.at(1.0, 2.0, 3.0, 4.0, 5.0, 6.0).value == 26.0


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"w": 1.0, "b": 2.0}, ("params_w", "params_b")),
        ([1.0, (2.0, 3.0)], ("params_0", "params_1_0", "params_1_1")),
        (Pair(1.0, {"k": 2.0}), ("params_first", "params_second_k")),
        (Layer(1.0, 2.0), ("params_weight", "params_bias")),
        (Layer(1.0), ("params_weight",)),
        ([None, 1.0, ()], ("params_1",)),
        ({1: 1.0, "a b": 2.0, "x²": 3.0, ("t", 0): 4.0},
         ("params_1", "params_a_b", "params_x_", "params___t___0_")),
        ({"a b": 1.0, "a_b": 2.0, "a-b": 3.0}, ("params_a_b", "params_a_b_", "params_a_b__")),
        ({"β": 1.0}, ("params_β",)),
    ],
    ids=["dict", "list", "namedtuple", "dataclass", "None", "empty", "odd", "clash", "greek"],
)  # fmt: skip
def test_keys_and_fields_name_inputs(value, names):
    def total(tree):
        if isinstance(tree, (float, cr.Array)):
            return tree
        if dataclasses.is_dataclass(tree):
            tree = vars(tree)
        parts = tree.values() if isinstance(tree, dict) else tree or ()
        return sum(map(total, parts))

    graph = cr.trace(lambda params: total(params))(value)
    assert graph.arguments == names


def test_names_that_clash_between_arguments():
    graph = cr.trace(lambda a, a_0: a[0] * a_0)([1.0], 2.0)
    assert graph.arguments == ("a_0", "a_0_")
    assert graph.at(3.0, 5.0).value == 15.0


def test_names_of_methods_partials_wrappers_and_builtins():
    class Model:
        def __call__(self, x, y):
            return x * y

        def method(self, u):
            return u

    @functools.wraps(np.add)
    def wrapped(*args):
        return args[0]

    assert cr.trace(Model())(1.0, 2.0).arguments == ("x", "y")
    assert cr.trace(Model().method)(1.0).arguments == ("u",)
    assert cr.trace(functools.partial(lambda a, b: a * b, 2.0))(1.0).arguments == ("b",)
    assert cr.trace(np.sin)(1.0).arguments[0].startswith("x")
    assert cr.trace(max)([1.0]).arguments == ("x_0_0",)
    assert cr.trace(cr.grad(lambda weight: weight**2))(1.0).arguments == ("weight",)
    assert cr.trace(wrapped)(1.0).arguments


def test_names_that_mean_something_else_in_formulas():
    def function(pi, e, exp, sin):
        lambda_ = pi * e + exp
        return lambda_ * sin

    graph = cr.trace(function)(1.0, 2.0, 3.0, 4.0)
    assert graph.arguments == ("pi", "e", "exp", "sin")
    assert graph.at(1.0, 2.0, 3.0, 4.0).value == 20.0
    assert "lambda_" in str(graph)


# --- names of nodes -------------------------------------------------------------------------------


def test_variables_of_the_function_name_nodes():
    def loss(w, x):
        z = w * x
        a = np.tanh(z)
        again = a
        x = x + 1  # an argument keeps its name
        unused = w - x
        del unused
        return again * x

    graph = cr.trace(loss)(2.0, 3.0)
    record = graph.at(2.0, 3.0)
    assert record["z"].value == 6.0
    assert record["a"].value == record["again"].value == np.tanh(6.0)
    assert record["x"].value == 3.0
    with pytest.raises(GraphError, match="E225"):
        record["unused"]


def test_variables_of_helpers_name_nothing():
    def helper(x):
        inner = x * 2
        return inner + 1

    def function(x):
        outer = helper(x)
        return outer * x

    names = {name for given in cr.trace(function)(1.0).dag.names.values() for name in given}
    assert names == {"outer"}


# --- origins --------------------------------------------------------------------------------------


def origins_of(graph):
    return {node.op.name: graph.dag.origins[node] for node in graph.dag.origins}


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(at for at, line in enumerate(lines) if text in line)


def test_origins_are_lines_and_calls():
    def norm(x):
        return np.exp(x)  # norm

    def layer(x):
        y = norm(x)
        return np.sin(norm(y))  # layer

    def function(x):
        hidden = layer(x)
        values = [np.cosh(hidden) for _ in range(1)]  # comprehension
        return np.tanh(norm(layer(values[0])))  # root

    graph = cr.trace(function)(0.5)
    found = [graph.dag.origins[node] for node in graph.dag.order if not node.is_leaf]
    assert all(origin.file == __file__ for origin in found)
    assert [origin.calls for origin in found] == [
        ("layer", "norm"),
        ("layer", "norm_2"),
        ("layer",),
        (),
        ("layer_2", "norm"),
        ("layer_2", "norm_2"),
        ("layer_2",),
        ("norm",),
        (),
    ]
    at = origins_of(graph)
    assert at["tanh"].line == line_of(function, "# root")
    assert at["cosh"].line == line_of(function, "# comprehension")
    assert at["sin"].line == line_of(layer, "# layer")
    assert at["exp"].line == line_of(norm, "# norm")


def test_copies_along_axes_have_the_origin_of_what_needs_them():
    def function(x, y):
        z = np.exp(y)
        return x + z  # broadcast

    graph = cr.trace(function)(np.ones((2, 3)), np.ones(3))
    assert [node.op.name for node in graph.dag.computations] == ["exp", "broadcast", "add"]
    assert origins_of(graph)["broadcast"].line == line_of(function, "# broadcast")


def test_origins_survive_files_and_pickles():
    def layer(x):
        return np.sin(x)

    graph = cr.trace(lambda x: np.cosh(layer(x)))(0.5)
    back = from_json(to_json(graph.dag))
    assert {node.op.name: back.origins[node] for node in back.computations} == origins_of(graph)
    assert pickle.loads(pickle.dumps(graph)).dag.origins == graph.dag.origins


def test_origins_survive_a_change_of_parameters():
    graph = cr.trace(lambda w, x: np.tanh(w * x))(1.0, 2.0)
    learned = graph.dag.with_parameters([graph.dag.inputs[0]])
    assert {origin.line for origin in learned.origins.values()}


# --- arguments ------------------------------------------------------------------------------------


def test_whole_numbers_truth_values_and_text_stay_as_they_are():
    seen = []

    def function(x, n, flag, kind, nothing=None):
        seen.extend([type(n), type(flag), type(kind), type(nothing)])
        return sum(x**k for k in range(n)) if flag and kind == "power" else x

    graph = cr.trace(function)(2.0, 3, True, "power")
    assert seen == [int, bool, str, type(None)]
    assert graph.arguments == ("x",)
    assert graph.at(2.0).value == 7.0
    assert cr.trace(function)(2.0, 3, False, np.str_("power")).at(2.0).value == 2.0


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0)])
def test_arrays_of_every_dtype(dtype, shape):
    value = np.ones(shape, dtype)
    graph = cr.trace(lambda x: (x, x.astype("float64") * 2))(value)
    first, second = graph.dag.outputs
    assert (first.type.dtype, first.type.shape) == (np.dtype(dtype), shape)
    assert second.type.dtype == np.float64
    assert np.array_equal(graph.at(value).value[1], value * 2)


@pytest.mark.parametrize(
    "value",
    [
        np.ones(2, "float16"),
        np.ones(2, "complex128"),
        np.array([1, "a"], object),
        np.ones(2, "int8"),
        np.array(["2020-01-01"], "M8[D]"),
        np.array(["a"]),
        np.float16(1),
        np.zeros(2, [("a", float)]),
        np.ones(2, ">f8"),
    ],
    ids=lambda value: str(value.dtype),
)
def test_arrays_that_no_graph_holds(value):
    with pytest.raises(TracingError, match="E237 an array of") as caught:
        cr.grad(lambda x: x)(value)  # here
    assert caught.value.repair.startswith("pass arrays of float64, float32, int64, int32, bool")
    assert caught.value.place.file == __file__
    assert "# here" in caught.value.place.text


@pytest.mark.parametrize("transform", [cr.grad, cr.jit, cr.vmap, cr.trace])
def test_masked_points_and_matrices_are_refused(transform):
    holes = np.ma.masked_array([1.0, 2.0], [0, 1])
    with pytest.raises(TracingError, match="E237 an array with masked points"):
        transform(np.sum)(holes)
    with pytest.raises(TracingError, match="E204 a constant has masked points"):
        transform(lambda x: np.sum(x * holes))(np.ones((2, 2)))
    with pytest.raises(TracingError, match="E237 a matrix"):
        transform(np.sum)(np.ones((2, 2)).view(np.matrix))


def test_numpys_scalars_keep_their_dtype():
    check(lambda x: x * 2 + 0.5, np.float32(1.5))
    check(lambda x: x * 2 + 0.5, np.float64(1.5))
    assert cr.trace(lambda x: x)(np.float32(1)).at(np.float32(1)).value.dtype == np.float32


def test_float32_meets_literals_and_other_dtypes_as_in_numpy():
    single = X.astype(np.float32)
    for function in (
        lambda x: 2 * x + 1.5,
        lambda x: x**2 / 3 - 1,
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: np.maximum(x, 1),
        lambda x: np.clip(x, -1.0, 1.0),
        lambda x: x * np.pi,
        lambda x: np.sum(x) * 2,
        lambda x: x * np.float64(2),
        lambda x: np.float32(2) * x,
        lambda x: np.float64(2) * x,
        lambda x: x + np.arange(3),
        lambda x: np.arange(3, dtype=np.float32) * x,
        lambda x: np.mean(x),
        lambda x: np.linspace(0, 1, 3, dtype=np.float32) @ x,
    ):
        check(function, single)


# --- results --------------------------------------------------------------------------------------


def test_results_of_any_structure():
    graph = cr.trace(lambda x: {"a": x, "b": [2 * x, (3.0, None)], "c": Pair(x, 1)})(2.0)
    assert [float(v) for v in graph.at(2.0).value] == [2.0, 4.0, 3.0, 2.0, 1.0]
    assert cr.trace(lambda x: 5)(1.0).at(1.0).value == 5.0
    assert cr.trace(lambda x: True)(1.0).at(1.0).value
    assert cr.trace(lambda x: X)(1.0).at(1.0).value.tolist() == X.tolist()


@pytest.mark.parametrize("function", [lambda x: None, lambda x: "text", lambda x: [object()]])
def test_results_that_are_no_arrays(function):
    with pytest.raises(GraphError, match="E233 the function gave"):
        cr.trace(function)(1.0)


# --- joining and taking apart ---------------------------------------------------------------------


def test_symbolic_scalars_in_arrays():
    check(lambda x, y: np.array([x, y]) * 2, 1.0, 2.0)
    check(lambda x, y: np.array([[x, y], [y, x]]), 1.0, 2.0)
    check(lambda x, y: np.array([[x, 0.0], [y, 1.0]]) @ np.array([x, 2.0]), 1.0, 2.0)
    check(lambda x, y: np.sin(np.array([x, y])), 1.0, 2.0)
    check(lambda x, y: np.sum(np.array([x, y]) ** 2), 1.0, 2.0)
    check(lambda x, y: np.stack([x, y]), 1.0, 2.0)
    check(lambda x, y: np.stack([[x, y], [y, x]]) @ np.stack([x, y]), 1.0, 2.0)
    check(lambda x, a: a @ np.array([x[0], x[1], 1.0]), X, A)
    check(lambda x: np.array([row * 2 for row in x]), A)
    check(lambda x: np.concatenate([x, [1.0, 2.0], x[:1]]), X)
    check(lambda x, y: np.full(3, x) + np.array([y, y, x]), 1.0, 2.0)


def test_iterating_unpacking_and_shapes_in_control_flow():
    def product(x):
        total = 1.0
        for at in range(x.shape[0]):
            total = total * x[at]
        return total

    def cumulative(x):
        first, *rest = x
        found = [first]
        for value in rest:
            found.append(found[-1] * value)
        return np.stack(found)

    check(product, X)
    check(cumulative, X)
    check(lambda a: sum(row[0] for row in a), A)
    check(lambda a: len(a) * a.T @ np.ones(a.shape[0]) + a.size + a.ndim, A)
    check(lambda a: a.reshape(-1)[::-1] if a.ndim == 2 else a, A)
    check(lambda a: [x for x in reversed(a)], X)
    check(lambda a: np.shape(a)[0] * a + np.ndim(a) + np.size(a) + np.size(a, 1), A)
    check(lambda a: enumerate_sum(a), X)
    check(lambda x: sum(a * b for a, b in zip(x, x[::-1], strict=True)), X)


def enumerate_sum(values):
    return sum(at * value for at, value in enumerate(values))


def test_methods_of_ufuncs():
    check(lambda x: np.add.reduce(x), X)
    check(lambda a: np.add.reduce(a), A)
    check(lambda a: np.add.reduce(a, axis=1, keepdims=True), A)
    check(lambda a: np.multiply.reduce(a, axis=None), A)
    check(lambda a: np.maximum.reduce(a, axis=1), A)
    check(lambda a: np.minimum.reduce(a), A)
    check(lambda x: np.add.accumulate(x), X)
    check(lambda a: np.multiply.accumulate(a, axis=1), A)
    check(lambda x: np.multiply.outer(x, x), X)
    check(lambda x: np.subtract.outer(x, [1.0, 2.0]), X)
    check(lambda x: np.logical_and.reduce(x > -5), X)


@pytest.mark.parametrize(
    "name",
    ["expit", "erf", "erfc", "gamma", "gammaln", "psi", "ndtr", "log_ndtr", "xlogy", "exp2",
     "expm1", "log1p", "cbrt", "logit", "xlog1py", "entr", "exp10", "sindg", "cosdg",
     "log_expit", "erfcx", "erfinv"],
)  # fmt: skip
def test_functions_of_scipy(name):
    function = getattr(scipy.special, name)
    values = [np.array([0.2, 0.5, 0.8])] * function.nin
    graph = cr.trace(lambda *x: function(*x))(*values)
    np.testing.assert_allclose(graph.at(*values).value, function(*values), rtol=2e-14)


def test_changed_elements():
    check(lambda x: x.at[0].set(5.0) if isinstance(x, cr.Array) else np.array([5.0, *x[1:]]), X)
    graph = cr.trace(lambda x, v: x.at[1:].add(v).at[0].multiply(2.0))(X, 1.0)
    assert graph.at(X, 1.0).value.tolist() == [0.6, -0.19999999999999996, 3.5]


# --- operators ------------------------------------------------------------------------------------


def test_numpys_values_on_the_left():
    check(lambda x: np.float64(2) * x, 1.5)
    check(lambda x: X * x + X / x - X**x if False else X * x + X / x - X, 1.5)
    check(lambda x: A @ x, X)
    check(lambda x: X @ x, X)
    check(lambda x: X - x, X)
    check(lambda x: 2 ** (X + x), X)
    check(lambda x: np.array([2.0, 3.0, 4.0]) ** x, X)
    check(lambda x: np.array([2.0, 3.0, 4.0]) // (x * x + 1), X)
    check(lambda x: np.array([2.0, 3.0, 4.0]) % (x * x + 1), X)
    check(lambda x: (x < X) | (x == X) | ~(x >= X), X)
    check(lambda x: np.bool_(True) & (x > 0), X)


def test_pythons_operators():
    check(lambda x: divmod(x, 2.0), 5.5)
    check(lambda x: divmod(7.5, x), 2.0)
    check(lambda x: (abs(-x), +x, -x, round(x, 1), x // 1, x % 1), 2.37)
    check(lambda x: [x @ x, x.T, x.mean(), x.std(), x.max(), x.clip(0, 1)], X)
    check(lambda a: [a.sum(axis=0), a.mean(1, keepdims=True), a.transpose(1, 0), a.ravel()], A)


def test_in_place_operators_on_names_make_new_values():
    def function(x):
        y = x
        y += 1
        y *= 2
        return y - x

    check(function, 1.5)


# --- the Array API --------------------------------------------------------------------------------


def test_the_namespace_of_the_array_api():
    def function(x):
        xp = x.__array_namespace__()
        joined = xp.concat([x, xp.asarray([1.0]), xp.zeros(1)])
        total = xp.sum(joined) + xp.linalg.vector_norm(x)
        powers = xp.pow(xp.abs(x), 2.0)
        return total * xp.mean(powers) + xp.permute_dims(xp.stack([x, x]), (1, 0))

    check(function, X)


def array_namespace(*arrays):
    """What array_api_compat does where an array brings its own namespace."""
    (found,) = {
        x.__array_namespace__(api_version="2024.12")
        for x in arrays
        if hasattr(x, "__array_namespace__")
    }
    return found


def test_programs_that_ask_arrays_for_their_namespace():
    def softmax(x, axis=-1):
        xp = array_namespace(x, x)
        shifted = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
        return shifted / xp.sum(shifted, axis=axis, keepdims=True)

    def moved(x):
        xp = array_namespace(x)
        y = xp.astype(x, xp.float64, copy=False)
        return xp.where(xp.isfinite(y), y, xp.asarray(0.0)) + xp.asarray(y) + xp.ones_like(x)

    check(softmax, A)
    check(moved, A)


# --- errors that have a place ---------------------------------------------------------------------


def test_errors_of_graphs_point_at_the_line_of_the_user():
    def function(x, a):
        y = x + 1
        return a + y[:2]  # here

    with pytest.raises(TracingError, match="E203 shapes do not match") as caught:
        cr.trace(function)(X, A)
    assert caught.value.place.line == line_of(function, "# here")
    assert caught.value.place.expression == "a + y[:2]"
    frames = [frame.name for frame in caught.traceback]
    assert "function" in frames


def test_columns_count_letters_not_bytes():
    def function(x):
        λβ = x; return λβ if λβ > 0 else x  # fmt: skip # noqa: E702

    with pytest.raises(TracingError) as caught:
        cr.trace(function)(1.0)
    assert caught.value.place.expression == "λβ > 0"


def test_errors_of_the_function_itself_are_left_alone():
    class OwnError(ValueError):
        pass

    def function(x):
        raise OwnError("mine")

    with pytest.raises(OwnError, match="mine"):
        cr.trace(function)(1.0)
    with pytest.raises(ZeroDivisionError):
        cr.trace(lambda x: x * (1 / 0))(1.0)
    assert cr.trace(lambda x: x)(1.0).at(1.0).value == 1.0


@pytest.mark.parametrize(
    ("function", "shape", "dtype"),
    [
        (lambda x: np.array([x[0], 1.0, x[1]]), (3,), "float64"),
        (lambda x: np.array([[x[0], x[1]], [0, 1]]), (2, 2), "float64"),
        (lambda x: np.array([x, x * 2]), (2, 2), "float64"),
        (lambda x: np.asarray(x), (2,), "float64"),
        (lambda x: np.asarray(x, dtype=np.float32), (2,), "float32"),
        (lambda x: np.asanyarray([x[0]]), (1,), "float64"),
        (lambda x: np.array(x[0], ndmin=2), (1, 1), "float64"),
        (lambda x: np.ascontiguousarray(x), (2,), "float64"),
    ],
)
def test_arrays_are_made_of_symbolic_values(function, shape, dtype):
    x = np.array([0.5, -1.5])
    graph = cr.trace(function)(x)
    value = graph.at(x).value
    assert value.shape == shape
    assert value.dtype == dtype
    np.testing.assert_array_equal(value, function(x))


def test_numpy_is_itself_again_after_a_trace():
    own = np.array, np.asarray
    seen = []

    def function(x):
        seen.append(np.array is own[0])
        return cr.grad(lambda y: np.array([y, x])[0])(x)

    cr.trace(function)(2.0)
    assert seen == [False]
    assert (np.array, np.asarray) == own
    with pytest.raises(ZeroDivisionError):
        cr.trace(lambda x: x / 0 if 1 // 0 else x)(1.0)
    assert (np.array, np.asarray) == own
    assert np.array([1, 2]).tolist() == [1, 2]
