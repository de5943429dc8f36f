"""Simplification keeps function and names, comes to an end, and writes as a teacher would."""

from __future__ import annotations

import math
import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.check.exact import Context, evaluate
from chainrule.errors import ChainruleWarning
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import FLOAT64, Type
from chainrule.simplify.light import simplify, simplify_node
from tests.formula.test_random import graphs

AS_WRITTEN = {
    # zeros and ones
    "x + 0": "x",
    "0*x + 1*y": "y",
    "0/x": "0",
    "x^1 - 0": "x",
    "(x + 0)*(0 + 1)": "x",
    # numbers meet
    "x*2*3": "6*x",
    "2*(3*x)*4": "24*x",
    "x + x + x": "3*x",
    "5*x - 2*x": "3*x",
    "x - 2*x": "-x",
    "x/2 + x/2": "x",
    "2*x/(2*y)": "x/y",
    "x/2/3": "x/6",
    "2/3": "2/3",
    "1/2 + 1/4": "0.75",
    "x*(1/3)": "x/3",
    # signs
    "-(-x)": "x",
    "x - (-y)": "x + y",
    "x + (-3)": "x - 3",
    "x - (-3)": "x + 3",
    "(-x)*(-y)": "x*y",
    "(-x)/y*(-z)": "x*z/y",
    "-(x - y)": "y - x",
    "-x*y*2": "-2*x*y",
    "exp(-(x*y))": "exp(-x*y)",
    "x*(-y) + z": "z - x*y",
    # products and quotients
    "x*x": "x^2",
    "x*x*x*x": "x^4",
    "square(x)^2": "x^4",
    "x*reciprocal(y)": "x/y",
    "x*y/x": "y",
    "x/(x*y)": "1/y",
    "3/(3*x)": "1/x",
    "x/(y/z)": "x*z/y",
    "1/x^2 - log(x)/x^2": "(1 - log(x))/x^2",
    # from the left
    "x + (y + (z - w))": "x + y + z - w",
    "x*(y*(z*w))": "x*y*z*w",
    # constants with names
    "2*pi*x*2": "4*pi*x",
    "pi - pi": "0",
    "e^x*1": "exp(x)",
    # textbooks
    "sigmoid(-x)": "1 - sigmoid(x)",
    "(1/cosh(x))^2": "1 - tanh(x)^2",
    # left alone
    "(x + y)*z": "(x + y)*z",
    "sin(x)^2 + cos(x)^2": "sin(x)^2 + cos(x)^2",
    "x*y + x*z": "x*y + x*z",
}


@pytest.mark.parametrize("formula", AS_WRITTEN)
def test_as_a_teacher_writes_it(formula):
    assert cr.parse(formula).simplify().formula() == AS_WRITTEN[formula]


# --- the same function ----------------------------------------------------------------------------

PIECES = {
    "add": 2, "subtract": 2, "multiply": 2, "divide": 2, "negate": 1, "square": 1, "reciprocal": 1,
    "sin": 1, "exp": 1, "sigmoid": 1, "cosh": 1,
}  # fmt: skip
NUMBERS = [0, 1, -1, 2, -3, 0.5, 7, -0.0, 1e-200, 1e200, 5e-324, 1e308]


@st.composite
def elementary(draw) -> Dag:
    """Graphs of the operations that the table speaks about, some nodes with names."""
    nodes = [input_node(name, FLOAT64) for name in "xyz"]
    inputs = list(nodes)
    for _ in range(draw(st.integers(1, 14))):
        if draw(st.integers(0, 4)) == 0:
            nodes.append(constant_node(draw(st.sampled_from(NUMBERS)), FLOAT64))
        name = draw(st.sampled_from([*PIECES, "power", "multiply", "negate", "add"]))
        operands = tuple(draw(st.sampled_from(nodes)) for _ in range(PIECES.get(name, 1)))
        params = (draw(st.integers(1, 4)),) if name == "power" else ()
        nodes.append(make(OPS[name], operands, OPS[name].normal_params(params)))
    computed = [node for node in nodes if node.operands]
    outputs = [computed[-1], *draw(st.lists(st.sampled_from(computed), max_size=2))]
    named = draw(st.lists(st.sampled_from(computed), max_size=2, unique=True))
    return Dag(outputs, inputs, {node: [f"a{at}"] for at, node in enumerate(named)})


def values(dag: Dag, mp: Context, at) -> list:
    found = evaluate(mp, dag.order, dict(zip(dag.inputs, at, strict=True)))
    return [found[node] for node in dag.outputs]


@settings(max_examples=300)
@given(elementary(), st.tuples(*[st.floats(0.1, 3) | st.floats(-3, -0.1)] * 3))
def test_the_function_stays_the_same(dag, at):
    simple = simplify(dag).dag
    mp = Context(1500)  # enough for 1 + 1e-200, several times over
    for before, after in zip(values(dag, mp, at), values(simple, mp, at), strict=True):
        if mp.isfinite(before) and abs(before) < mp.mpf(10) ** 500:
            # Numbers are folded as floats are rounded, which may cancel.
            assert mp.isfinite(after)
            if abs(before) > mp.mpf(10) ** -500:
                assert abs(after - before) <= mp.mpf(10) ** -9 * _size(dag, mp, at)


def _size(dag: Dag, mp: Context, at):
    """The largest number on the way, to which cancellation is relative."""
    found = evaluate(mp, dag.order, dict(zip(dag.inputs, at, strict=True)))
    sizes = [abs(value) for value in found.values() if mp.isfinite(value)]
    return max([*sizes, 1]) ** 4


@settings(max_examples=300)
@given(elementary())
def test_simplifying_again_changes_nothing(dag):
    once = simplify(dag).dag
    twice = simplify(once)
    assert twice.dag == once
    assert twice.dag.names == once.names
    assert not twice.steps


@settings(max_examples=200)
@given(graphs())
def test_graphs_of_all_operations_and_dtypes_are_taken(dag):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        simple = simplify(dag).dag
    assert simple.inputs == dag.inputs
    assert [node.type for node in simple.outputs] == [node.type for node in dag.outputs]
    assert len(simple) <= 2 * len(dag) + 2
    assert simplify(simple).dag == simple


# --- names, outputs, meanings ---------------------------------------------------------------------


def test_named_nodes_are_not_taken_apart():
    simple = cr.parse("a = x*y; f = a/x + (-a)").simplify()
    assert simple.formula() == "a = x*y; f = a/x - a"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a = sin(x); f = 0*a", "0"),  # a name that is gone
        ("a = 1*x; f = a + y", "f = x + y"),  # a name of what is an input now
        ("a = x + 0*y; b = sin(a); f = b*1", "b = sin(x); f = b"),
        ("a = 2*3; f = a*x*2", "f = 12*x"),
        ("c = pi; f = c*x*1", "c = pi; f = pi*x"),
        ("a = x*x; b = x^2; f = a + y*b", "a = x^2; b = a; f = a + y*a"),
    ],
)
def test_names_follow_their_nodes(formula, expected):
    simple = cr.parse(formula).simplify()
    assert simple.formula() == expected


def test_two_nodes_that_become_one_keep_both_names_and_meanings():
    graph = cr.parse("x + y").gradient()  # both derivatives are 1
    assert graph.simplify().derivatives()["1"] == ("∂f/∂x", "∂f/∂y", "∂f/∂f")
    graph = cr.parse("a = x*y; b = x*y*1; a, b").simplify()
    assert graph.dag.names[graph.dag.outputs[0]] == ("a", "b")
    graph = cr.parse("x*z + z*y*1").gradient(["x", "y"]).simplify()
    assert graph.derivatives()["z"] == ("∂f/∂x", "∂f/∂y")


def test_arguments_outputs_and_arrangement_stay():
    graph = cr.parse("x*0 + y^1", inputs="x y z")
    simple = graph.gradient().simplify()
    assert simple.arguments == ("x", "y", "z")
    assert simple(5, 2, 1) == graph.gradient()(5, 2, 1) == (2, (0, 1, 0))
    assert cr.parse("x*y*1, x + 0").jacobian().simplify()(2, 3).tolist() == [[3, 2], [1, 0]]


def test_parameters_stay_parameters():
    assert cr.parse("1*w*x", parameters="w").simplify().parameters == ("w",)


def test_steps_say_what_was_done():
    steps = simplify(cr.parse("2*3*x*1 + (y + z)").dag).steps
    assert {"arithmetic", "x * 1 = x", "regrouping"} <= {step.identity for step in steps}
    assert all(step.before is not step.after for step in steps)


# --- hard cases -----------------------------------------------------------------------------------

ODD = ["inf", "-inf", "nan", "-0.0", "5e-324", "1e308", "0"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
def test_odd_constants_are_no_trouble(operation, dtype):
    odd = [text.replace("308", "38") for text in ODD] if dtype == "float32" else ODD
    for a in odd:
        for formula in (f"({a}) {operation} x", f"x {operation} ({a})", f"-(({a})*x)"):
            simplify(cr.parse(formula, dtype=dtype).dag)
        for b in odd:
            simplify(cr.parse(f"(({a}) {operation} ({b}))*x", dtype=dtype).dag)
            graph = cr.parse(f"({a}) {operation} ({b})", dtype=dtype)
            with np.errstate(all="ignore"):
                assert np.array_equal(graph(), graph.simplify()(), equal_nan=True)


@pytest.mark.parametrize("formula", ["0/0", "inf - inf", "0*inf", "inf/inf", "nan - nan"])
def test_what_is_undefined_stays_undefined(formula):
    assert math.isnan(cr.parse(formula).simplify()())


@pytest.mark.parametrize(
    "formula",
    ["1e-200*(1e-200*x)*1e300*1e100", "(1e200*x)*(1e200*y)*1e-300", "5e-324*x*0.5", "1e308*10*x",
     "1e200*x + 1e200*x"],
)  # fmt: skip
def test_numbers_are_not_folded_out_of_range(formula):
    graph = cr.parse(formula)
    simple, steps = simplify(graph.dag)
    assert len(steps) < 20
    mp = Context(50)
    at = [mp.mpf(1) / 3] * len(graph.arguments)
    ((before,), (after,)) = values(graph.dag, mp, at), values(simple, mp, at)
    assert before == after or abs(after / before - 1) < 1e-15


def test_integers_conditions_and_mixed_dtypes_are_left_alone():
    n = input_node("n", Type.of("int64"))
    one = constant_node(1, n.type)
    product = make(OPS["multiply"], (n, one))
    assert simplify(Dag([product])).dag.output is product
    graph = cr.parse("where(x > 0*1, 1*x, -(-x))")
    assert graph.simplify().formula() == "x"
    graph = cr.parse("where(x > 0*1, 1*x, -(-x)*2)")
    assert graph.simplify().formula() == "where(x > 0, x, 2*x)"


def chain(step, count: int) -> Dag:
    x, y = cr.inputs("x y")
    value = x
    for at in range(count):
        value = step(value, y, at)
    return cr.graph(value).dag


CHAINS = {
    "sum to the left": lambda a, y, at: a + cr.sin(y + at),
    "sum to the right": lambda a, y, at: cr.sin(y + at) + a,
    "product to the left": lambda a, y, at: a * cr.sin(y + at),
    "product to the right": lambda a, y, at: cr.sin(y + at) * a,
    "alternating sum": lambda a, y, at: cr.sin(y + at) - a,
    "signs": lambda a, y, at: -a,
    "signs in products": lambda a, y, at: -a * y,
    "signs in functions": lambda a, y, at: cr.sin(-a),
    "constants": lambda a, y, at: 1.5 * a,
    "large constants": lambda a, y, at: 1e200 * a,
    "sums of constants": lambda a, y, at: a + at,
    "quotients": lambda a, y, at: y / a,
    "quotients of quotients": lambda a, y, at: a / y,
    "sums on the right": lambda a, y, at: a + (y - at),
    "doubling": lambda a, y, at: a + a,
    "squares": lambda a, y, at: a * a,
}


@pytest.mark.parametrize("name", CHAINS)
def test_long_chains_come_to_an_end(name):
    dag = chain(CHAINS[name], 2_000)
    simple, steps = simplify(dag)
    assert len(simple) <= len(dag) + 2
    assert len(steps) <= 10 * len(dag)


@pytest.mark.parametrize("name", ["sum to the right", "product to the left", "signs in products"])
def test_longer_chains_are_simple_after_one_pass(name):
    dag = chain(CHAINS[name], 4_000)
    simple = simplify(dag).dag
    assert len(simple) <= len(dag)
    assert simplify(simple).dag == simple


def test_a_balanced_sum_is_written_without_brackets():
    terms = [f"sin({k}*x)" for k in range(2, 66)]
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=True)
        terms = [f"({a} + {b})" for a, b in pairs]
    text = cr.parse(terms[0]).simplify().formula()
    assert text == " + ".join(f"sin({k}*x)" for k in range(2, 66))


def test_shared_sums_are_not_taken_apart():
    assert cr.parse("z + (x + y) + sin(x + y)").simplify().formula() == (
        "v1 = x + y; z + v1 + sin(v1)"
    )


def test_one_node_over_nodes_that_are_kept():
    x = input_node("x", FLOAT64)
    square = make(OPS["power"], (x,), (2,))
    root = make(OPS["multiply"], (constant_node(1, FLOAT64), square))
    assert simplify_node(root, {x, square}) is square
    twice = make(OPS["multiply"], (square, square))
    assert simplify_node(twice, {x, square}).operands == (square,)
    assert simplify_node(square, {square}) is square


def test_the_value_is_sympys(seed):
    graph = cr.parse(seed["formula"]).simplify()
    with mpmath.workdps(30):
        expected = float(mpmath.mpf(str(seed["value"])))
    assert graph(**{name: seed["at"][name] for name in graph.arguments}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("formula", "dtype", "x"),
    [
        ("1e200*(1e200*x)", "float64", 1e-300),
        ("1e308*(10*x)", "float64", 1e-308),
        ("(x/1e300)/1e300", "float64", 1e308),
        ("1e15*(1e15*(1e15*x))", "float32", 1e-20),
    ],
)
def test_numbers_that_overflow_or_vanish_together_stay_apart(formula, dtype, x):
    graph = cr.parse(formula, dtype=dtype)
    assert graph.simplify()(x) == pytest.approx(graph(x), rel=1e-6)


def test_a_long_chain_of_numbers_stays_in_range():
    value = cr.input("x")
    for _ in range(40):
        value = 1e10 * (value / 1.1e10)
    graph = cr.graph(value)
    assert graph.simplify()(1) == pytest.approx(1.1**-40, rel=1e-12)
