"""The module of a graph: the numbers of a sweep, at all points, in functions of bounded size."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diff.build import dependent
from chainrule.errors import GraphError
from chainrule.exchange.javascript import library
from chainrule.exchange.javascript.module import module
from chainrule.exchange.javascript.spelling import comment, string
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node, make, parameter_node
from chainrule.graph.op import OPS, Kind
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.run.interpret import Sweep
from tests.conftest import SEEDS
from tests.javascript import edges_of, run

NAN, INF = math.nan, math.inf
FLOAT32 = Type.of("float32")

# --- random graphs --------------------------------------------------------------------------------

SPELLED = [op for op in OPS.values() if op.javascript]
ROUNDED_ONCE = [
    OPS[name]
    for name in [
        *("add", "subtract", "multiply", "divide", "negate", "reciprocal", "square", "sqrt", "abs"),
        *("sign", "floor", "ceil", "round", "where", "convert", "stop_gradient", "fmod"),
        *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
        *("logical_and", "logical_or", "logical_xor", "logical_not"),
    ]
]
"""Operations with one right result, the same in every language."""
PARAMS = {
    "exponent": st.sampled_from([-1, 0, 1, 2, 3, 0.5, -0.5, 2.5]),
    "dtype": st.sampled_from(["float64", "float32", "bool"]),
    "order": st.integers(0, 3),
    "slope": st.sampled_from([0, 0.01, 0.3]),
    "alpha": st.sampled_from([1, 0.3]),
}
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.5, 0.1, 40.0, INF, -INF, NAN])


@st.composite
def graphs(draw, ops):
    """Shared nodes, constants, conditions, both precisions; the last node is the output."""
    pools = {
        FLOAT64: [input_node("x", FLOAT64), parameter_node("w", FLOAT64)],
        FLOAT32: [input_node("s", FLOAT32)],
        BOOL: [input_node("c", BOOL)],
    }
    inputs = [node for pool in pools.values() for node in pool]
    for _ in range(draw(st.integers(1, 15))):
        op = draw(st.sampled_from(ops))
        params = tuple(draw(PARAMS[param.name]) for param in op.params)
        kind = op.kind_for(params)
        type = draw(st.sampled_from([type for type in pools if kind.accepts(type)]))
        operands = []
        for each in op.kinds:
            own = BOOL if each is Kind.BOOL else type
            number = constant_node(draw(NUMBERS), own) if own.is_float else None
            chosen = draw(st.sampled_from(pools[own]))
            operands.append(number if number and draw(st.integers(0, 4)) == 0 else chosen)
        node = make(op, tuple(operands), params)
        pools[node.type].append(node)
    made = [node for pool in pools.values() for node in pool if node not in inputs]
    return cr.Graph(Dag(made, inputs))


points = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, st.booleans()), min_size=1, max_size=4)


def in_python(graph, point):
    """Values and local derivatives of a sweep, in the order of the module, and the sweep."""
    dag = graph.dag
    arguments = {
        node: node.type.dtype.type(number) for node, number in zip(dag.inputs, point, strict=True)
    }
    sweep = Sweep(dag, arguments)
    values = [float(sweep.values[node]) for node in dag.order]
    edges = edges_of(dag)
    slopes = [float(sweep.local_derivative(edge.user, edge.position)) for edge in edges]
    return values, slopes, sweep


def same(found, wanted):
    """Bit for bit, but for the bits of NaN."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    alike = (found == wanted) & (np.signbit(found) == np.signbit(wanted))
    assert (alike | np.isnan(found) & np.isnan(wanted)).all(), (found, wanted)


@settings(max_examples=200)
@given(graphs(ROUNDED_ONCE), points)
def test_values_and_local_derivatives_are_those_of_the_sweep(graph, points):
    found = run(graph, points)
    for row, point in enumerate(points):
        values, slopes, _ = in_python(graph, point)
        same(found.values[row], values)
        same(found.locals[row], slopes)


@settings(max_examples=200)
@given(graphs(SPELLED), points)
def test_the_passes_are_those_of_the_sweep(graph, points):
    """From the same values and local derivatives, bit for bit: guards, accumulation, rounding."""
    dag = graph.dag
    varying = dependent(dag.order, dag.inputs)
    floats = [slot for slot, node in enumerate(dag.order) if node in varying]
    sweeps = [in_python(graph, point) for point in points]
    values, slopes = (np.array([sweep[at] for sweep in sweeps]) for at in (0, 1))
    found = run(graph, points, floats, floats, values, slopes)
    edges = edges_of(dag)
    for row, (_, _, sweep) in enumerate(sweeps):
        for at, slot in enumerate(floats):
            node = dag.order[slot]
            adjoints = sweep.reverse(node)
            same(found.adjoints[row, at], [adjoints.get(each, 0.0) for each in dag.order])
            shares = [
                sweep.contribution(adjoints, edge.user, edge.user, edge.position)
                if edge.user in adjoints
                else 0.0
                for edge in edges
            ]
            same(found.shares[row, at], shares)
            tangents = sweep.forward({node: node.type.dtype.type(1)})
            same(found.tangents[row, at], [tangents.get(each, 0.0) for each in dag.order])


@settings(max_examples=200)
@given(graphs(SPELLED), points)
def test_local_derivatives_of_all_operations(graph, points):
    """At the same values they differ from Python's in their last digits, if at all."""
    sweeps = [in_python(graph, point) for point in points]
    values, slopes = (np.array([sweep[at] for sweep in sweeps]) for at in (0, 1))
    found = run(graph, points, values=values)
    for slot, edge in enumerate(edges_of(graph.dag)):
        single = FLOAT32 in (edge.user.type, edge.operand.type)
        digits, least = (2e-3, 1e-35) if single else (1e-9, 1e-290)
        close = np.isclose(found.locals[:, slot], slopes[:, slot], digits, least, equal_nan=True)
        assert close.all(), (edge, found.locals[:, slot], slopes[:, slot])


# --- branches, singular points, undefined numbers -------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "point"),
    [
        ("where(x > 0, sqrt(x), 0)", {"x": 0.0}),
        ("where(x > 0, log(x)*x, x)", {"x": 0.0}),
        ("a = sqrt(x); where(x > 0, a, 2x) + where(x > 1, a*x, x)", {"x": 0.0}),
        ("sqrt(x) * y", {"x": 0.0, "y": 0.0}),
        ("where(c, sqrt(x)*y, y)", {"c": True, "x": 0.0, "y": 0.0}),
        ("relu(1/x)", {"x": -0.0}),
        ("xlogy(x, y)", {"x": 0.0, "y": 0.0}),
        ("hypot(x, y)", {"x": 0.0, "y": 0.0}),
        ("x^y", {"x": 0.0, "y": 0.0}),
        ("|x| + max(x, y) + min(x, y) + clip(x, 0, 1)", {"x": 0.0, "y": 0.0}),
        ("floor(x)*y + sign(x)", {"x": 2.0, "y": INF}),
        ("where(not (x < y) or x == 1, x^2, y^3)", {"x": NAN, "y": 2.0}),
        ("exp(x)/(1 + exp(x))", {"x": 1000.0}),
    ],
)
def test_guards_and_true_indefinite_forms(formula, point):
    graph = cr.parse(formula, dtype={"c": "bool"} if "c" in point else "float64")
    dag = graph.dag
    values = [point[name] for name in graph.arguments]
    record = graph.at(*values)
    found = run(graph, [values], [dag.order.index(dag.output)])
    same(found.values[0][-1], record.value)
    gradient = dict(zip(graph.arguments, found.adjoints[0, 0], strict=False))
    assert {name: repr(float(slope)) for name, slope in record.gradient.items()} == {
        name: repr(float(gradient[name])) for name in record.gradient
    }


def test_the_worked_examples(seed):
    graph = cr.parse(seed["formula"], parameters=seed["parameters"])
    found = run(graph, [[seed["at"][name] for name in graph.arguments]], [len(graph.dag.order) - 1])
    assert graph.dag.order[-1] is graph.dag.output
    assert found.values[0][-1] == pytest.approx(seed["value"], rel=1e-14)
    wanted = [seed["gradient"][name] for name in graph.arguments]
    assert found.adjoints[0, 0, : len(wanted)] == pytest.approx(wanted, rel=1e-13)


# --- size -----------------------------------------------------------------------------------------


def test_ten_thousand_nodes():
    """A chain with shared nodes, in functions of bounded size."""
    x, y = cr.inputs("x y")
    node = x
    for step in range(3500):
        node = cr.where(node > 1, cr.sin(node) * y, node + 0.25) if step % 2 else node * y + x
    graph = cr.graph(node, [x, y])
    assert len(graph.dag.order) > 10_000
    text = module(graph.dag)
    bodies = re.findall(r"^function \w+Parts\d+\(.*\{\n((?:  .*\n)*)\}", text, re.MULTILINE)
    assert len(bodies) > 100
    assert max(body.count("\n") for body in bodies) <= 220
    last = graph.dag.order.index(graph.dag.output)
    found = run(graph, [[0.3, 0.9]], [last], [0])
    record = graph.at(0.3, 0.9)
    assert found.values[0, last] == pytest.approx(record.value, rel=1e-9)
    assert found.adjoints[0, 0, :2] == pytest.approx([*record.gradient.values()], rel=1e-6)
    assert found.tangents[0, 0, last] == pytest.approx(record.gradient["x"], rel=1e-6)


def test_what_several_edges_need_is_computed_once():
    text = module(cr.parse("a = exp(x); b = cos(x); a*sin(x) + a*b").dag)
    for call in ("Math.exp", "Math.cos", "Math.sin"):
        assert text.count(f"{call}(v[0])") == 1


# --- what users wrote -----------------------------------------------------------------------------

HOSTILE = ["__proto__", "constructor", "arguments", "eval", "await", "v", "values", "NaN", "größe"]


def test_no_name_is_in_the_code(page):
    names = ["zebra", *HOSTILE]
    leaves = [cr.input(name) for name in names]
    graph = cr.graph(sum(leaves[1:], leaves[0]) * leaves[0], leaves)
    assert "zebra" not in module(graph.dag)
    assert "größe" not in module(graph.dag)
    given = [10] * len(names)
    found = in_page(page, graph.javascript(), "[m.names, m.value(...a), m.gradient(...a)]", given)
    assert found[0] == names
    assert found[1] == 1000
    assert found[2] == [110] + [10] * len(HOSTILE)


def in_page(page, source, expression, given=()):
    """The value of an expression of a module m, and of the numbers a, in a browser."""
    return page.evaluate(
        """async ([source, expression, given]) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          const m = await import(url);
          return new Function("m", "a", `return ${expression};`)(m, given);
        }""",
        [source, expression, list(given)],
    )


@settings(max_examples=300)
@given(st.text() | st.lists(st.sampled_from([*"*/<!-\\\n\r\u2028\u2029", "</script"])).map("".join))
def test_no_text_ends_its_comment_or_string(text):
    shown = comment(text)
    assert not any(end in shown for end in ("*/", "</", "<!", "\n", "\r", "\u2028", "\u2029"))
    literal = string(text)
    assert json.loads(literal) == text
    assert literal.isascii()
    assert "<" not in literal


def test_comments_of_the_source_do_not_come_along():
    graph = cr.parse("x + 1 # */ alert(1) </script>")
    assert "alert" not in graph.javascript()


# --- the module of users --------------------------------------------------------------------------


def test_functions_of_numbers(page, tmp_path):
    graph = cr.parse("a = x + y; where(c, a*x, erf(y))", dtype={"c": "bool"}, inputs="x y c")
    path = tmp_path / "f.js"
    graph.save(path)
    ask = "[m.names, m.value(3, 2, 1), m.gradient(3, 2, 1), m.value(3, 2, 0)]"
    found = in_page(page, path.read_text("utf-8"), ask)
    assert found[:3] == [["x", "y", "c"], 15, [8, 3, 0]]
    assert found[3] == pytest.approx(math.erf(2), rel=1e-15)


def test_several_outputs(page):
    source = cr.parse("r*cos(t), r*sin(t)").javascript()
    assert in_page(page, source, "[m.value(2, 0), m.jacobian(2, 0)]") == [[2, 0], [[1, 0], [0, 2]]]


def test_an_array_of_values_is_used_again(page):
    """What is open along a branch is that of the numbers that local derivatives are made of."""
    source = cr.parse("where(x > 0, 3*x, x^2)").javascript()
    at = "v.set(m.values([{}])) || m.adjoints(v, m.locals(v), m.nodes - 1)[0]"
    asked = f"((v) => [{at.format(2)}, {at.format(-2)}])(new Float64Array(m.nodes))"
    assert in_page(page, source, asked) == [3, -4]


def test_a_condition_has_no_gradient(page):
    source = cr.parse("x > 1").javascript()
    assert in_page(page, source, "[m.value(2), m.value(0), m.gradient === undefined]") == [
        1,
        0,
        True,
    ]


def test_the_worked_examples_in_chromium(page):
    for seed in SEEDS:
        graph = cr.parse(seed["formula"], parameters=seed["parameters"])
        given = [seed["at"][name] for name in graph.arguments]
        ask = "[m.value(...a), m.gradient(...a)]"
        value, gradient = in_page(page, graph.javascript(), ask, given)
        assert value == pytest.approx(seed["value"], rel=1e-14)
        wanted = [seed["gradient"][name] for name in graph.arguments]
        assert gradient == pytest.approx(wanted, rel=1e-13)


def test_a_long_formula_is_cut():
    x = cr.input("x")
    node = x
    for step in range(2000):
        node = cr.sin(node) + step
    head = cr.graph(node).javascript().partition("*/")[0]
    assert len(head) < 3000


def test_options_have_no_meaning(tmp_path):
    with pytest.raises(cr.DrawingError, match="E250"):
        cr.parse("x").save(tmp_path / "f.js", theme="dark")


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (lambda: cr.parse("x + 1", dtype="int64"), "int64"),
        (lambda: cr.parse("convert(x, int32) > 2"), "int32"),
        (lambda: cr.parse("g(x) + 1", abstract="g"), "abstract"),
        (lambda: cr.trace(lambda x: np.sum(x * x))(np.ones(3)), "arrays"),
        (lambda: cr.trace(lambda x: cr.scan(lambda c, _: (c * x, c), x, length=3))(2.0), "scan"),
    ],
)
def test_what_has_no_counterpart_is_refused(graph, why):
    with pytest.raises(GraphError, match=f"E249.*{why}"):
        graph().javascript()


# --- our own functions ----------------------------------------------------------------------------


def test_names_of_functions_are_different():
    names = [name for file in library.files().values() for name in file.names]
    declared = [
        name
        for file in library.files().values()
        for name in re.findall(r"^(?:function|const) (\w+)", file.text, re.MULTILINE)
    ]
    assert len(set(declared)) == len(declared)
    assert set(names) <= set(declared)


def test_only_what_is_used_comes_along():
    assert "function" not in library.functions([])
    plain, normal = (module(cr.parse(f"{f}(x)").dag) for f in ("sin", "normal_pdf"))
    assert "polynomial" not in plain
    assert normal.count("function expOfSquare") == 1
    assert normal.index("function polynomial") < normal.index("const ERF ")
    assert not re.search(r"^import", normal, re.MULTILINE)
