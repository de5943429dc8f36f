"""Records: values, adjoints, tangents, local, total and partial derivatives, points, errors."""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import DerivativeError, EvaluationError, GraphError


def test_the_example_of_the_second_text():
    r = cr.parse("a = x + y; f = a * x").at(x=3, y=2)
    assert (r.value, r["a"].value, r["x"].value) == (15.0, 5.0, 3.0)
    assert (r["f"].adjoint, r["a"].adjoint, r["x"].adjoint, r["y"].adjoint) == (1.0, 3.0, 8.0, 3.0)
    assert r["a"].tangent("x") == 1.0
    assert r["f"].tangent("y") == 3.0
    assert r.local_derivative("x", "f") == 5.0
    assert r.local_derivative("x", "a") == 1.0
    assert r.derivative(of="a", wrt="y") == 1.0
    assert r.derivative(of="x", wrt="y") == 0.0
    assert r.derivative(wrt="a") == 3.0
    assert r["a"].name == "a"
    assert repr(r["a"]) == "<node a = 5>"
    assert repr(r) == "<Record at (x=3, y=2): f = 15>"


def test_total_and_partial_derivative_differ_by_the_paths_held_fixed():
    """f(g(x, y), y) with f = x + y², g = sin(x) cos(y), as in the third text."""
    r = cr.parse("g = sin(x)*cos(y); f = g + y^2").at(x=0.7, y=0.3)
    total = -math.sin(0.7) * math.sin(0.3) + 2 * 0.3
    assert math.isclose(r.derivative(of="f", wrt="y"), total, rel_tol=1e-15)
    assert r.partial("f", "y", holding=["g"]) == 0.6
    assert r.partial("f", "y", holding="g") == 0.6
    assert r.partial("f", "y") == r.derivative(of="f", wrt="y")
    assert r.partial("f", "x", holding=["g"]) == 0.0
    for held in ("g", "f", "x"):
        with pytest.raises(GraphError) as caught:
            r.partial("f", held, holding=[held, "f"])
        assert caught.value.code == "E228"


def test_parallel_edges_are_two_edges_and_one_sum():
    r = cr.parse("x*x").at(x=3)
    assert [e.local_derivative for e in r.edges()] == [3.0, 3.0]
    assert r.local_derivative("x", "f") == 6.0


def test_every_edge_is_evaluated_once_however_many_paths_there_are():
    value = x = cr.input("x")
    for _ in range(60):
        value = value * value + x
    graph = cr.graph(value)
    assert graph.count_paths("x") > 2**60
    r = graph.at(x=0.1)
    assert r.evaluations == 0
    assert r.gradient
    assert r.evaluations == len(graph.dag.edges())
    assert r["f"].tangent("x") == pytest.approx(r.gradient["x"], rel=1e-14)
    assert r.gradient
    assert r.table("backward")
    assert r.evaluations == len(graph.dag.edges())


def test_points_give_numbers_per_point():
    graph = cr.parse("a = x*y; f = a + sin(x) + 2z")
    xs, ys = np.array([0.0, 1.0, 2.0]), np.array([[3.0], [4.0]])
    r = graph.at(x=xs, y=ys, z=5.0)
    assert r.shape == (2, 3)
    assert r.value.shape == r["a"].adjoint.shape == r.gradient["z"].shape == (2, 3)
    for row in range(2):
        for column in range(3):
            one = graph.at(x=xs[column], y=ys[row, 0], z=5.0)
            at = (row, column)
            assert r.value[at] == one.value
            assert {n: g[at] for n, g in r.gradient.items()} == one.gradient
            assert r["f"].tangent("x")[at] == one["f"].tangent("x")
            assert r.local_derivative("x", "a")[at] == one.local_derivative("x", "a")
            assert r.point(*at).gradient == one.gradient
    with pytest.raises(EvaluationError):
        r.point(5, 0)


def test_a_record_does_not_change_with_the_array_it_was_given():
    xs = np.array([1.0, 2.0])
    r = cr.parse("x^2").at(x=xs)
    xs[:] = 0
    assert r.gradient["x"].tolist() == [2.0, 4.0]
    r.gradient["x"][:] = 7
    assert r.gradient["x"].tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    "value",
    [3, 3.0, True + 2, np.float64(3), np.float32(3), np.int8(3), np.array(3), np.array(3.0)],
)
def test_numbers_of_many_kinds_are_accepted(value):
    r = cr.parse("x^2").at(x=value)
    assert type(r.value) is float
    assert (r.value, r.gradient) == (9.0, {"x": 6.0})


def test_dtypes():
    r = cr.parse("x*y", dtype="float32").at(x=0.1, y=3)
    assert type(r.value) is np.float32
    assert r.value == np.float32(0.1) * np.float32(3)
    n = cr.input("n", dtype="int64")
    x = cr.input("x")
    r = cr.graph(n * x + n).at(n=3, x=0.5)
    assert type(r["n"].value) is int
    assert r.gradient == {"x": 3.0}
    assert type(cr.graph(x < n).at(n=3, x=0.5).value) is bool


def test_integers_and_conditions_have_no_derivative():
    n, x = cr.input("n", dtype="int64"), cr.input("x")
    r = cr.graph(cr.where(x > 0, x * n, 0.0), names={"positive": x > 0}).at(n=3, x=0.5)
    for ask in (
        lambda: r["n"].adjoint,
        lambda: r["positive"].adjoint,
        lambda: r["f"].tangent("n"),
        lambda: r.derivative(of="positive", wrt="x"),
        lambda: cr.graph(x > 0).at(x=1).gradient,
    ):
        with pytest.raises(DerivativeError) as caught:
            ask()
        assert caught.value.code == "E331"


def test_several_outputs_need_a_choice():
    r = cr.parse("s = x + y; p = x*y; s, p").at(x=2, y=3)
    assert r.value == (5.0, 6.0)
    with pytest.raises(DerivativeError, match=r"several outputs \('s', 'p'\)"):
        _ = r.gradient
    assert r.gradient_of("s") == {"x": 1.0, "y": 1.0}
    assert r.gradient_of("p", seed=10) == {"x": 30.0, "y": 20.0}
    assert r.derivative(of="p", wrt="x") == 3.0


def test_seeds():
    r = cr.parse("x^2").at(x=[1.0, 2.0])
    assert r.gradient_of("f", seed=[1, 10])["x"].tolist() == [2.0, 40.0]
    for bad in ([1, 2, 3], "one", 1j):
        with pytest.raises(EvaluationError) as caught:
            r.gradient_of("f", seed=bad)
        assert caught.value.code == "E306"


def test_shaped_arguments():
    v = cr.input("v", shape=(3,))
    graph = cr.graph(v * v)
    r = graph.at(v=[1, 2, 3])
    assert r.value.tolist() == [1, 4, 9]
    with pytest.raises(EvaluationError, match="only graphs of scalars take many points"):
        graph.at(v=np.zeros((2, 3)))
    with pytest.raises(DerivativeError) as caught:
        _ = r.gradient
    assert caught.value.code == "E333"


@pytest.mark.parametrize(
    ("values", "code", "says"),
    [
        ({}, "E301", "no value for 'x', 'aw'; give x=… aw=…"),
        ({"x": 1, "a": 1, "w": 2}, "E301", "'aw' is one name, write a*w for a product"),
        ({"x": 1, "aw": 1, "wa": 2}, "E302", "no argument 'wa' (it takes x, aw)"),
        ({"x": "1", "aw": 1}, "E303", "'x' must be a number, got '1'"),
        ({"x": None, "aw": 1}, "E303", "must be a number"),
        ({"x": 1j, "aw": 1}, "E303", "must be a number"),
        ({"x": [[1], [2, 3]], "aw": 1}, "E303", "must be a number"),
        ({"x": True, "aw": 1}, "E304", "'x' is float64, got True"),
        ({"x": [1, 2], "aw": [1, 2, 3]}, "E305", "do not broadcast together (x: [2], aw: [3])"),
    ],
)
def test_values_that_do_not_fit_are_refused(values, code, says):
    with pytest.raises(EvaluationError) as caught:
        cr.parse("x + aw").at(**values)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_arguments_by_position():
    graph = cr.parse("x - y")
    assert graph(5, 3) == graph(5, y=3) == 2.0
    for values, named in [((1, 2, 3), {}), ((1,), {"x": 2, "y": 3})]:
        with pytest.raises(EvaluationError) as caught:
            graph.at(*values, **named)
        assert caught.value.code == "E302"


def test_integers_are_exact_or_refused():
    n = cr.input("n", dtype="int32")
    assert cr.graph(n**3).at(n=-7).value == -343
    for bad in (1.5, 2**40, math.nan):
        with pytest.raises(EvaluationError) as caught:
            cr.graph(n).at(n=bad)
        assert caught.value.code == "E304"


def test_unknown_names():
    r = cr.parse("a = x + y; f = a*x").at(x=1, y=2)
    for ask in (lambda: r["b"], lambda: r.derivative(wrt="b"), lambda: r.partial("f", "x", ["b"])):
        with pytest.raises(GraphError) as caught:
            ask()
        assert caught.value.code == "E225"
    with pytest.raises(GraphError) as caught:
        r.local_derivative("y", "f")
    assert caught.value.code == "E227"
    for kind, options in [("sideways", {}), ("forward-mode", {})]:
        with pytest.raises(GraphError) as caught:
            r.table(kind, **options)
        assert caught.value.code == "E226"


def test_abstract_functions_have_no_values():
    graph = cr.parse("f(g1(x1, x2), g2(x1, x2))", abstract="f g1 g2")
    assert sum(graph.count_paths(name) for name in graph.arguments) == 4
    with pytest.raises(EvaluationError) as caught:
        graph.at(x1=1, x2=2)
    assert caught.value.code == "E307"


def test_unused_arguments_have_derivative_zero():
    assert cr.parse("f(x, y) = x^2").at(x=3, y=1).gradient == {"x": 6.0, "y": 0.0}


def test_constants_and_their_computations_have_adjoints_when_asked():
    r = cr.parse("c = 3; half = 1/2; c*half*x").at(x=2)
    assert r["c"].adjoint == 1.0
    assert r["half"].adjoint == 6.0
    assert r.gradient == {"x": 1.5}


# --- branches not taken ---------------------------------------------------------------------------


def test_a_branch_not_taken_contributes_exactly_nothing():
    graph = cr.parse("where(x > 0, sqrt(x), 0*x)")
    assert graph.at(x=0.0).gradient == {"x": 0.0}
    assert graph.at(x=-1.0).gradient == {"x": 0.0}
    assert graph.at(x=4.0).gradient == {"x": 0.25}
    r = graph.at(x=[-1.0, 0.0, 4.0])
    assert r.gradient["x"].tolist() == [0.0, 0.0, 0.25]
    assert r["f"].tangent("x").tolist() == [0.0, 0.0, 0.25]


def test_the_guard_reaches_through_the_chain_below_the_branch():
    graph = cr.parse("where(x > 1, log(sqrt(x - 1)), x) + where(x > 1, 1/(x - 1), 0)")
    points = np.array([-1.0, 1.0, 2.0])
    r = graph.at(x=points)
    expected = [1.0, 1.0, 0.5 - 1.0]
    assert r.gradient["x"].tolist() == expected
    assert r["f"].tangent("x").tolist() == expected
    assert [graph.at(x=p).gradient["x"] for p in points] == expected


def test_a_true_zero_times_infinity_stays_nan():
    r = cr.parse("sqrt((w - 1)^2) * 0 + w").at(w=1.0)
    assert math.isnan(r.gradient["w"])


def test_a_guarded_adjoint_joined_by_a_live_one_is_live():
    r = cr.parse("a = x^2; where(x > 0, 0*a, a) + 3a").at(x=[1.0, -2.0])
    assert r["a"].adjoint.tolist() == [3.0, 4.0]
    assert r.gradient["x"].tolist() == [6.0, -16.0]


# --- the two modes agree ----------------------------------------------------------------------


@st.composite
def smooth_graphs(draw: st.DrawFn) -> cr.Graph:
    """Random graphs of smooth, bounded operations, with sharing."""
    x, y = cr.inputs("x y")
    values = [x, y]
    forms = [
        lambda a, b: 0.5 * (a + b),
        lambda a, b: a - 0.5 * b,
        lambda a, b: 0.7 * a * b,
        lambda a, b: a / (1 + b**2),
        lambda a, b: cr.sin(a),
        lambda a, b: cr.exp(-(a**2)),
        lambda a, b: cr.log1p(a**2),
        lambda a, b: cr.tanh(a),
        cr.maximum,
        lambda a, b: cr.where(a < b, a * b, a),
    ]
    for _ in range(draw(st.integers(1, 25))):
        form = draw(st.sampled_from(forms))
        a, b = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        values.append(form(a, b))
    return cr.graph(values[-1], [x, y])


@given(smooth_graphs(), st.floats(-2, 2), st.floats(-2, 2))
def test_forward_mode_equals_reverse_mode(graph, x, y):
    r = graph.at(x=x, y=y)
    for name, adjoint in r.gradient.items():
        output = graph.outputs[0]
        assert r[output].tangent(name) == pytest.approx(adjoint, rel=1e-11, abs=1e-11)


@given(smooth_graphs(), st.floats(-2, 2), st.floats(-2, 2))
def test_points_equal_single_evaluations(graph, x, y):
    many = graph.at(x=np.array([x, y]), y=np.array([y, x]))
    for at, (a, b) in enumerate([(x, y), (y, x)]):
        one = graph.at(x=a, y=b)
        assert many.value[at] == pytest.approx(one.value, rel=1e-13, abs=1e-300)
        for name, value in one.gradient.items():
            assert many.gradient[name][at] == pytest.approx(value, rel=1e-11, abs=1e-11)


@given(smooth_graphs(), st.floats(-2, 2), st.floats(-2, 2))
def test_local_derivatives_add_up_over_every_path(graph, x, y):
    """The sum over paths of the products of local derivatives, by walking each path."""
    if graph.count_paths("x") > 500:
        return
    r = graph.at(x=x, y=y)
    dag = graph.dag
    local = {(e.user, e.position): e.local_derivative for e in r.edges()}

    def walk(node, product: float) -> float:
        if node is dag.find("x"):
            return product
        label = dag.labels[node]
        return sum(
            walk(operand, product * local[label, at]) for at, operand in enumerate(node.operands)
        )

    assert walk(dag.output, 1.0) == pytest.approx(r.gradient["x"], rel=1e-9, abs=1e-9)


def test_names_may_be_spelt_as_in_formulas():
    graph = cr.parse("θ_1*x + σ", parameters="σ")
    r = graph.at(θ_1=2, x=3, sigma=1)
    assert r["θ_1"].value == r["theta_1"].value == 2.0
    assert r.derivative(wrt="θ_1") == 3.0
    assert graph.users("θ_1") == ("v1",)
    theta, x = cr.inputs("θ_1 x")
    assert cr.graph(theta * x + cr.parameter("σ")) == graph


# --- guards in both modes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "x"),
    [
        ("sqrt(relu(x))", -1.0),
        ("1/relu(x)", -1.0),
        ("sqrt(max(x, 0))", -1.0),
        ("sqrt(clip(x, 0, 1))", -1.0),
        ("sqrt(where(x > 0, x, 0))", 0.0),
    ],
)
def test_nothing_comes_through_a_closed_guard_whatever_stands_above(formula, x):
    """The guard is closed below an infinite slope: both modes give exactly 0."""
    graph = cr.parse(formula)
    for value in (x, [x, x]):
        r = graph.at(x=value)
        assert np.all(r.gradient["x"] == 0.0)
        assert np.all(r["f"].tangent("x") == 0.0)
    assert "= 0" in r.table("forward-mode", wrt="x").text()


@st.composite
def guarded_graphs(draw: st.DrawFn) -> cr.Graph:
    """Random chains that mix guards with slopes that become infinite."""
    x, y = cr.inputs("x y")
    values = [x, y]
    forms = [
        lambda a, b: cr.where(a > 0, b, 0.5),
        lambda a, b: cr.where(a > b, a, b),
        lambda a, b: cr.relu(a),
        lambda a, b: cr.clip(a, 0.0, 1.0),
        cr.minimum,
        lambda a, b: cr.sqrt(a),
        lambda a, b: cr.log(a),
        lambda a, b: 1 / a,
        lambda a, b: a * b,
        lambda a, b: a + b,
    ]
    for _ in range(draw(st.integers(2, 8))):
        form = draw(st.sampled_from(forms))
        a, b = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        values.append(form(a, b))
    return cr.graph(values[-1], [x, y])


@given(guarded_graphs(), st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.sampled_from([-1.0, 0.0, 1.0]))
def test_both_modes_and_points_agree_around_guards(graph, x, y):
    """Where no path is infinite or NaN, the modes agree; and points agree with single numbers."""
    one, many = graph.at(x=x, y=y), graph.at(x=[x, 3.0], y=[y, 3.0])
    output = graph.outputs[0]
    for name, adjoint in one.gradient.items():
        tangent = one.tangent(output, name)
        if math.isfinite(adjoint) and math.isfinite(tangent):
            assert tangent == pytest.approx(adjoint, rel=1e-12)
        for got, expected in [
            (many.gradient[name][0], adjoint),
            (many.tangent(output, name)[0], tangent),
        ]:
            assert got == pytest.approx(expected, rel=1e-12, nan_ok=True)


# --- what users do, and what they may expect -----------------------------------------------------


def test_an_output_may_be_a_constant():
    assert cr.parse("3").at().gradient == {}
    assert cr.parse("x, 3").at(x=1).gradient_of("x") == {"x": 1.0}
    assert cr.graph(cr.constant(2.0)).at().table("backward").data()["rows"] == []


def test_a_variable_may_be_called_self():
    graph = cr.parse("self^2")
    assert graph.at(self=3).value == graph(self=3) == 9.0
    assert graph.substitute(self=2)() == 4.0


def test_two_spellings_of_one_name_are_refused():
    with pytest.raises(EvaluationError, match="given twice"):
        cr.parse("theta^2").at(θ=1, theta=2)


def test_names_that_python_normalises():
    assert cr.graph(cr.input("ﬁ") + 1).at(ﬁ=1).value == 2.0


def test_numbers_beyond_int64_are_numbers():
    graph = cr.parse("x^2")
    assert graph.at(x=10**20).value == 1e40
    assert graph.at(x=Fraction(1, 2)).value == 0.25
    n = cr.graph(cr.input("n", dtype="int64"))
    for ask in (lambda: graph.at(x=10**400), lambda: n.at(n=10**20), lambda: graph.at(x=10**5000)):
        with pytest.raises(EvaluationError) as caught:
            ask()
        assert caught.value.code == "E304"


def test_values_with_tempers():
    class Broken:
        def __array__(self, *args, **options):
            raise RuntimeError("no")

        def __repr__(self):
            raise RuntimeError("no")

    with pytest.raises(EvaluationError, match="must be a number, got a value of type Broken"):
        cr.parse("x").at(x=Broken())
    with pytest.raises(EvaluationError, match="masked points"):
        cr.parse("x").at(x=np.ma.array([1.0, 2.0], mask=[True, False]))


def test_the_counter_never_exceeds_the_edges():
    for formula in ("x*2 + x*3", "pi*x + 2", "where(x > 0, x*x, 2)"):
        record = cr.parse(formula).at(x=0.5)
        assert record.gradient
        assert record.edges()
        record.table("backward")
        record.table("forward-mode", wrt="x")
        assert record.evaluations <= len(record.edges())


def test_zero_derivatives_keep_the_dtype():
    record = cr.parse("floor(x)", dtype="float32").at(x=[2.5, 3.5])
    assert record.local_derivative("x", "f").dtype == np.float32
    assert record.gradient["x"].dtype == np.float32


def test_records_and_dags_are_pickled_and_copied():
    graph = cr.parse("a = x + y; f = a*x")
    record = graph.at(x=3, y=2)
    for again in (pickle.loads(pickle.dumps(record)), copy.deepcopy(record)):
        assert again.gradient == record.gradient
        assert again["a"].value == 5.0
    assert pickle.loads(pickle.dumps(graph.dag)) == copy.deepcopy(graph.dag) == graph.dag


def test_names_of_wrong_kinds_are_refused():
    graph = cr.parse("x^2")
    r = graph.at(x=1)
    asks = [
        lambda: r[0], lambda: r[None], lambda: graph.users(3), lambda: r.tangent("f", None),
        lambda: cr.input(3), lambda: r.partial("f", "x", holding=3), lambda: cr.inputs(5),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(GraphError) as caught:
            ask()
        assert caught.value.code == "E213"
    for digits in (0, 18, "a", 2.5):
        with pytest.raises(GraphError):
            r.table(digits=digits)
    for options in ({"wrt": "x"}, {"of": "f"}):
        with pytest.raises(GraphError) as caught:
            r.table("forward", **options)
        assert caught.value.code == "E226"


def test_many_names_make_short_messages():
    graph = cr.graph(sum_of(cr.inputs([f"x{i}" for i in range(1000)])))
    with pytest.raises(EvaluationError) as caught:
        graph.at()
    assert len(str(caught.value)) < 300
    with pytest.raises(GraphError) as caught:
        graph.users("x" * 10_000)
    assert len(str(caught.value)) < 200


def sum_of(values):
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total
