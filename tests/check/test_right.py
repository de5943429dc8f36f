"""Right graphs are called right: the worked examples, the table of operations, random graphs,
kinks, singular points, ill-conditioned graphs, both precisions."""

from __future__ import annotations

import json
import math
import sys

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.check.exact import Context, complex_result, evaluate, number, result
from chainrule.check.graphs import check_graph, check_op
from chainrule.check.slopes import DIGITS, complex_step, slope
from chainrule.errors import DerivativeError, EvaluationError
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.ops.term import Term, apply

UNCHECKED = ("abstract", "stop_gradient")  # no values; and a derivative that is another on purpose
CHECKED = [
    op for op in OPS.values() if op.pointwise and not op.is_leaf and op.name not in UNCHECKED
]
SMOOTH = [op for op in OPS.values() if op.exact is not None and op.partials]
EXAMPLE_PARAMS = {"exponent": [3, -2, 0.5], "order": [0, 1, 2], "slope": [0.2], "alpha": [0.5]}
each_op = pytest.mark.parametrize("op", CHECKED, ids=lambda op: op.name)


def check(formula, *points, **options):
    return check_graph(cr.parse(formula, **options).dag, points)


# --- right graphs ---------------------------------------------------------------------------------


def test_worked_examples(seed):
    graph = cr.parse(seed["formula"], parameters=seed["parameters"])
    report = check_graph(graph.dag, [seed["at"]])
    assert report.ok
    rows = {row.quantity: row for row in report.comparisons}
    output = graph.outputs[0]
    assert math.isclose(rows[output].exact, seed["value"], rel_tol=1e-15, abs_tol=1e-15)
    for name, expected in seed["gradient"].items():
        row = rows[f"∂{output}/∂{name}"]
        # The expected numbers are of the decimal point, ours of the float next to it.
        assert math.isclose(row.exact, expected, rel_tol=1e-14, abs_tol=1e-15)
        # The walkthrough takes cos(x²) where it is nearly 0.
        assert row.verdict == ("rounding" if seed["id"] == "walkthrough" else "ok")
        assert row.complex_step in (True, None)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@each_op
def test_every_operation(op, dtype):
    report = check_op(op, dtype=dtype)
    assert report.ok, report
    assert not {"rounding", "unclear", "unchecked"} & {finding.kind for finding in report.findings}
    smooth = [row for row in report.comparisons if row.quantity[0] == "∂" and row.verdict == "ok"]
    assert smooth or op.kinds[0].value != "a floating-point number"
    inside = [row for row in smooth if 0 not in row.point.values() and 1 not in row.point.values()]
    assert all(row.complex_step for row in inside)


WILD = st.floats(-30, 30) | st.floats(-1.5, 1.5) | st.integers(-4, 4).map(float)


@pytest.mark.parametrize("op", SMOOTH, ids=lambda op: op.name)
@settings(max_examples=8)
@given(data=st.data())
def test_every_operation_far_from_home(op, data):
    """Anywhere, not only where an operation is smooth or defined."""
    point = [data.draw(WILD) for _ in op.operands]
    params = [tuple(data.draw(st.sampled_from(EXAMPLE_PARAMS[p.name])) for p in op.params)]
    report = check_op(op, params, [point])
    assert report.ok, report


@st.composite
def graphs(draw: st.DrawFn) -> cr.Graph:
    """Random graphs of operations of the table, nothing squeezed into any domain."""
    values = list(cr.inputs("x y"))
    for _ in range(draw(st.integers(1, 7))):
        op = draw(st.sampled_from(SMOOTH))
        operands = [draw(st.sampled_from(values)) for _ in op.operands]
        params = tuple(draw(st.sampled_from(EXAMPLE_PARAMS[param.name])) for param in op.params)
        values.append(apply(op, tuple(operands), params))
    return cr.graph(values[-1] + values[-2], list(cr.inputs("x y")))


@settings(max_examples=80)
@given(graphs(), WILD, WILD)
def test_random_graphs_at_wild_points(graph, x, y):
    report = check_graph(graph.dag, [{"x": x, "y": y}])
    assert report.ok, report


@settings(max_examples=30)
@given(graphs())
def test_random_graphs_at_drawn_points(graph):
    report = check_graph(graph.dag, 2)
    assert not report.bugs, report
    assert report.ok or report.findings[0].kind == "unchecked"


def test_a_chain_longer_than_the_recursion_limit():
    x = cr.input("x")
    value = x
    length = sys.getrecursionlimit() + 200
    for _ in range(length):
        value = value * 1.0009765625
    report = check_graph(cr.graph(value).dag, [{"x": 0.7}])
    assert report.ok
    assert not report.findings
    expected = mpmath.mpf(1.0009765625) ** length
    assert math.isclose(report.comparisons[1].exact, float(expected), rel_tol=1e-14)


def test_exact_values_are_those_of_mpmath():
    """0.1 is the number of its bits, in the constants and in the arguments."""
    dag = cr.parse("exp(0.1*x) - sqrt(x) + min(x, 2)^0.5").dag
    mp = Context(60)
    found = evaluate(mp, dag.order, {dag.inputs[0]: number(mp, 0.3)})[dag.output]
    with mpmath.workdps(60):
        x = mpmath.mpf(0.3)
        expected = mpmath.exp(mpmath.mpf(0.1) * x)
        assert abs(found - mp.mpf(expected)) < mp.mpf(10) ** -58


def test_digits_of_the_context_are_its_own():
    before = mpmath.mp.dps
    assert len(Context(200).nstr(Context(200).pi, 150)) > 140
    assert mpmath.mp.dps == before


# --- precision and types --------------------------------------------------------------------------


def test_single_precision_has_its_own_tolerance():
    formula = "L = (y - sigmoid(w*x + b))^2"
    point = {"y": 1.0, "w": 0.3, "x": -0.7, "b": 0.1}
    report = check(formula, point, dtype="float32")
    assert report.ok
    assert not report.findings
    assert max(row.error for row in report.comparisons) > 1e-9
    assert max(row.error for row in check(formula, point).comparisons) < 1e-14


def test_mixed_precision_integers_and_conditions():
    single, whole = input_node("s", Type.of("float32")), input_node("n", Type.of("int64"))
    flag, double = input_node("c", Type.of("bool")), input_node("d", Type.of("float64"))
    s, n, c, d = map(Term, (single, whole, flag, double))
    value = apply(OPS["where"], (c, s * d + n, d * d)) + apply(OPS["sin"], (s,))
    dag = Dag([value.node], [single, whole, flag, double])
    report = check_graph(
        dag, [{"s": 0.1, "n": 3, "c": True, "d": 0.7}, {"s": 2, "n": -1, "c": False, "d": 1}]
    )
    assert report.ok
    assert not report.findings
    assert [row.quantity for row in report.comparisons[:3]] == ["f", "∂f/∂s", "∂f/∂d"]
    assert check_graph(dag, 2).ok


def test_integers_that_wrap_around_are_no_bug():
    n = Term(input_node("n", Type.of("int32")))
    report = check_graph(Dag([(n * n).node]), [{"n": 100_000}])
    assert [(finding.kind, finding.bug) for finding in report.findings] == [("rounding", False)] * 2
    assert "wraps around" in report.findings[0].message


def test_several_outputs():
    x, y = cr.inputs("x y")
    dag = cr.graph([x * y, cr.sin(x), x < y]).dag
    report = check_graph(dag, [{"x": 1.5, "y": 0.5}])
    assert report.ok
    assert len(report.comparisons) == 2 * 3 + 1


# --- kinks and singular points --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "point", "node", "sides", "got"),
    [
        ("abs(x)", {"x": 0}, "f", (-1, 1), 0),
        ("relu(x) + x", {"x": 0}, "v1", (0, 1), 0),
        ("max(x, y)", {"x": 2, "y": 2}, "f", (0, 1), 0.5),
        ("min(x, 3)", {"x": 3}, "f", (1, 0), 0.5),
        ("3*floor(x)", {"x": 2}, "v1", (0, 0), 0),
        ("if(x > 0, x^2, -x)", {"x": 0}, "v1", (-1, 0), -1),
        ("c = x <= 1; if(c, x, 2*x)", {"x": 1}, "c", (1, 2), 1),
        ("clip(x, 0, 1)", {"x": 1}, "f", (1, 0), 1),
        ("hypot(x, y)", {"x": 0, "y": 0}, "f", (-1, 1), 0),
        ("leaky_relu(x*y)", {"x": 0, "y": 3}, "f", (0.01, 1), 0.01),
    ],
)
def test_kinks_are_reported_and_are_no_bugs(formula, point, node, sides, got):
    report = check(formula, point)
    assert report.ok
    finding = report.findings[0]
    assert (finding.kind, finding.node, finding.bug) == ("kink", node, False)
    assert (finding.expected, finding.got) == (sides, got)
    assert len(finding.steps) == 3
    assert "kink" in finding.message or "jumps" in finding.message
    verdicts = {row.verdict for row in report.comparisons if row.quantity[0] == "∂"}
    assert "kink" in verdicts
    assert verdicts <= {"kink", "ok"}


@pytest.mark.parametrize(
    ("formula", "point", "node"),
    [
        ("sqrt(x)", {"x": 0}, "f"),
        ("cbrt(x - 1)", {"x": 1}, "f"),
        ("x^0.5 * y", {"x": 0, "y": 2}, "v1"),
        ("asin(x)", {"x": 1}, "f"),
        ("x^(1/3)", {"x": 0}, "f"),
        ("sqrt(x^2)", {"x": 0}, "f"),
        ("xlogy(x, x)", {"x": 0}, "f"),
    ],
)
def test_singular_points_are_reported_and_are_no_bugs(formula, point, node):
    report = check(formula, point)
    assert report.ok
    assert [finding.kind for finding in report.findings] == ["singular"] * len(report.findings)
    assert report.findings[0].node == node


def test_a_choice_inside_is_the_reason_outside():
    """relu(x) - relu(-x) is x, but the choices at 0 give the derivative 0."""
    report = check("relu(x) - relu(-x)", {"x": 0})
    assert report.ok
    row = report.comparisons[1]
    assert (row.ours, row.exact, row.verdict) == (0, 1, "kink")


def test_a_kink_of_several_operands_together():
    """Alone, neither operand changes clip(0, 0, 0); close by it follows x."""
    report = check("clip(x, y, z)", {"x": 0, "y": 0, "z": 0})
    assert report.ok
    kink = next(f for f in report.findings if f.operand == "x")
    assert (kink.kind, kink.got, kink.expected) == ("kink", 1, (0, 1))


def test_a_kink_that_does_not_show_is_none():
    report = check("x*abs(x)", {"x": 0})
    assert [row.verdict for row in report.comparisons] == ["ok", "ok"]
    assert check("if(x > 1, x, x)", {"x": 1}).findings == ()


def test_the_branch_that_is_not_taken_does_not_matter():
    report = check("if(x > 0, log(x), x)", {"x": -2})
    assert report.ok
    assert report.findings == ()


# --- rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "point", "node"),
    [
        ("(x + 1e8) - 1e8", {"x": 0.1}, "v1"),
        ("sin(1e15*x)", {"x": 0.1}, "v1"),
        ("(exp(x) - 1)/x", {"x": 1e-9}, "v1"),
        ("sqrt(x + 1) - sqrt(x)", {"x": 1e12}, None),
        ("(1 - cos(x))/x^2", {"x": 1e-7}, None),
        ("a = 1e16; (a + x) - a", {"x": 1}, None),
        ("c = x + 1e16 > 1e16; if(c, x, -x)", {"x": 1}, "c"),
    ],
)
def test_lost_digits_are_reported_and_are_no_bugs(formula, point, node):
    report = check(formula, point)
    assert report.ok
    assert {finding.kind for finding in report.findings} == {"rounding"}, report
    assert node is None or report.findings[0].node == node
    assert "relative error" in report.findings[0].message


def test_more_digits_where_exact_arithmetic_needs_them():
    """tan(acos(e)) is about 1/e, and cos⁻¹ of 1e-150 differs from π/2 in the 150th digit only."""
    report = check("tan(acos(x*1e-150))", {"x": 1.0})
    assert report.ok, report
    assert [row.verdict for row in report.comparisons] == ["rounding", "rounding"]
    assert math.isclose(report.comparisons[0].exact, 1e150, rel_tol=1e-14)
    assert math.isclose(report.comparisons[1].exact, -1e150, rel_tol=1e-14)


def test_chaos_is_no_bug():
    """The logistic map doubles its rounding error at every step."""
    x = cr.input("x")
    value = x
    for _ in range(80):
        value = 4 * value * (1 - value)
    report = check_graph(cr.graph(value).dag, [{"x": 0.3}])
    assert report.ok
    assert [row.verdict for row in report.comparisons] == ["rounding", "rounding"]
    with mpmath.workdps(80):
        expected, slope_of = mpmath.mpf(0.3), mpmath.mpf(1)
        for _ in range(80):
            slope_of *= 4 * (1 - 2 * expected)
            expected = 4 * expected * (1 - expected)
    assert math.isclose(report.comparisons[0].exact, float(expected), rel_tol=1e-14)
    assert math.isclose(report.comparisons[1].exact, float(slope_of), rel_tol=1e-14)


# --- numbers that are not finite ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "point", "node", "text"),
    [
        ("sin(log(x)) + 1", {"x": -1}, "v1", "v1 = log(x) is nan at x = -1"),
        ("exp(x)*2", {"x": 1000}, "v1", "v1 = exp(x) is inf at x = 1000"),
        ("x + y", {"x": math.inf, "y": 1}, "x", "x is inf"),
        ("1/x", {"x": 0}, "f", "f = 1/x is inf at x = 0"),
        ("x*y", {"x": math.nan, "y": 1}, "x", "x is nan"),
    ],
)
def test_numbers_that_are_not_finite(formula, point, node, text):
    report = check(formula, point)
    assert report.ok
    finding = next(f for f in report.findings if f.kind == "not finite")
    assert (finding.node, finding.bug) == (node, False)
    assert text in finding.message


def test_a_gradient_that_overflows_on_the_way():
    """The adjoint of a is 1e200 · 1e200 before it is multiplied by 1e-300."""
    report = check("a = x*1e-300; (a*1e200)*1e200", {"x": 1.0})
    assert report.ok
    assert [row.verdict for row in report.comparisons] == ["ok", "not finite"]
    assert "leaves the finite numbers at a = x*1e-300" in report.findings[0].message


def test_a_function_that_is_finite_again_after_infinity():
    report = check("sign(2/y) + x", {"x": 1.5, "y": 0})
    assert report.ok
    finding = next(f for f in report.findings if f.kind == "not finite")
    assert finding.node == "v1"
    assert "v1 = 2/y is inf at y = 0" in finding.message
    assert report.comparisons == ()


# --- points ---------------------------------------------------------------------------------------


def test_drawn_points_are_always_the_same_and_inside_the_domain():
    dag = cr.parse("log(x - 1) + sqrt(y)*asin(z)").dag
    first, second = check_graph(dag), check_graph(dag)
    assert first.points == second.points
    assert len(first.points) == 3
    assert all(p["x"] > 1 and p["y"] > 0 and -1 < p["z"] < 1 for p in first.points)


def test_a_graph_that_is_finite_nowhere():
    report = check_graph(cr.parse("log(-x^2) + x").dag)
    assert not report.ok
    assert [finding.kind for finding in report.findings] == ["unchecked"]
    assert "no point was found" in report.findings[0].message
    assert str(report).endswith("0 points, 0 comparisons: nothing was checked")


def test_a_graph_without_arguments():
    report = check_graph(cr.parse("sin(1) + 2").dag)
    assert report.ok
    assert [row.quantity for row in report.comparisons] == ["f"]


@pytest.mark.parametrize(
    ("point", "code"),
    [({}, "E301"), ({"x": 1, "z": 2}, "E302"), ({"x": "1"}, "E303"), ({"x": 1j}, "E303")],
)
def test_points_that_do_not_fit(point, code):
    with pytest.raises(EvaluationError, match=code):
        check("x + 1", point)


def test_numbers_that_do_not_fit_their_type():
    n = Term(input_node("n", Type.of("int32")))
    for value in (0.5, 2**40, math.nan):
        with pytest.raises(EvaluationError, match="E304"):
            check_graph(Dag([(n * 2).node]), [{"n": value}])


def test_what_cannot_be_checked():
    with pytest.raises(EvaluationError, match="E307 g is an abstract function"):
        check("g(x)", {"x": 1}, abstract="g")
    with pytest.raises(EvaluationError, match="E307"):
        check_op(OPS["abstract"], [("g",)], [(1.0,)])
    array = make(OPS["sin"], (input_node("v", Type.of("float64", (3,))),))
    with pytest.raises(EvaluationError, match="E341"):
        check_graph(Dag([array]))
    with pytest.raises(EvaluationError, match="E341"):
        check_graph(Dag([constant_node(np.zeros(2), Type.of("float64", (2,)))]))
    x = cr.input("x")
    with pytest.raises(DerivativeError, match="E332"):
        check_graph(cr.graph([x, x * x]).dag, 1, lambda values: {})


# --- differences ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "left", "right", "smooth"),
    [
        (lambda mp, x: mp.sin(x), 1, 1, True),
        (lambda mp, x: x * x * x, 0, 0, True),
        (lambda mp, x: abs(x) * x, 0, 0, True),
        (lambda mp, x: abs(x) + 3 * x, 2, 4, False),
        (lambda mp, x: mp.floor(x) + 2 * x, 2, 2, False),
        (lambda mp, x: mp.sign(x) * mp.sqrt(abs(x)), math.inf, math.inf, False),
        (lambda mp, x: mp.sqrt(x) if x >= 0 else mp.nan, math.nan, math.inf, False),
        (lambda mp, x: x * mp.log(abs(x)) if x else x, -math.inf, -math.inf, False),
        (lambda mp, x: mp.power(abs(x), mp.mpf("1.1")), 0, 0, True),
        (lambda mp, x: mp.exp(x) * mp.mpf(10) ** -200, 1e-200, 1e-200, True),
        (lambda mp, x: 1 + mp.mpf(10) ** -200 * x, 1e-200, 1e-200, True),
    ],
)
def test_slopes_of_both_sides(function, left, right, smooth):
    mp = Context(DIGITS)
    found = slope(mp, lambda x: function(mp, x), mp.mpf(0), mp.mpf(1))
    for got, wanted in ((found.left, left), (found.right, right)):
        assert float(got) == pytest.approx(wanted, rel=1e-15, abs=1e-25, nan_ok=True)
    assert found.smooth == smooth


def test_the_complex_step_does_not_apply_where_there_is_no_complex_derivative():
    mp = Context(60)

    def continued(name):
        return lambda z: complex_result(mp, OPS[name], (), [z])

    for name in ("abs", "sign", "relu", "floor", "cbrt"):
        assert complex_step(mp, continued(name), mp.mpf(0), mp.mpf(1)) is None
    assert complex_step(mp, continued("abs"), mp.mpf(-2), mp.mpf(1)) == -1
    assert complex_step(mp, continued("round"), mp.mpf("1.5"), mp.mpf(1)) is None
    assert complex_step(mp, continued("round"), mp.mpf("1.4"), mp.mpf(1)) == 0


def test_functions_that_mpmath_finds_hard():
    mp = Context(60)
    near = [result(mp, OPS["polygamma"], (2,), [mp.mpf(x)]) for x in (-99.25, -100.25)]
    # ψ''(x + 1) = ψ''(x) + 2/x³
    assert abs(near[0] - near[1] - 2 / mp.mpf(-100.25) ** 3) < mp.mpf(10) ** -50
    assert result(mp, OPS["erfc"], (), [mp.mpf(1e300)]) < mp.mpf(10) ** -1000
    z = mp.mpc(0.5, mp.mpf(10) ** -20)
    assert abs(mp.erf(mp.erfinv(z)) - z) < mp.mpf(10) ** -58
    assert mp.isnan(result(mp, OPS["power"], (0.5,), [mp.mpf(-2)]))


# --- the report -----------------------------------------------------------------------------------


def test_the_table_is_data_too():
    report = check("x*abs(y)", {"x": 3, "y": 0})
    data = json.loads(report.table().json())
    assert data["kind"] == "check"
    assert data["rows"][2] == {
        "point": {"x": 3.0, "y": 0.0},
        "quantity": "∂f/∂y",
        "ours": 0.0,
        "exact": "nan",
        "error": "nan",
        "complex_step": None,
        "verdict": "kink",
    }
    assert report.table().csv().count("\r\n") == 4
    assert r"$\partial$f/$\partial$y" in report.table().latex()
    lines = str(report).splitlines()
    assert lines[0] == "Check against exact arithmetic"
    assert lines[-1] == "1 point, 3 comparisons: no bug found"


def test_a_report_of_one_operation_joins_its_parts():
    report = check_op(OPS["power"], [(2,), (0.5,)], [(1.5,), (0.0,)])
    assert len(report.points) == 4
    assert [finding.kind for finding in report.findings] == ["singular"]
