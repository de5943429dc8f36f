"""Saved values: the table of the second text, every operation as a golden file, and a backward pass
that is given nothing but what was said to be saved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diff import rules
from chainrule.diff import saved as saving
from chainrule.errors import GraphError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, constant_node, constant_value, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.run.interpret import Sweep
from chainrule.run.kernels import kernel
from chainrule.show.saved import needs_table, op_needs_table, saved_table


def needs(name: str, *given, active=None) -> tuple[list[str], int]:
    """The names of needed placeholders, and the number of needed bits."""
    op = OPS[name]
    found = saving.op_needs(op, op.normal_params(given), active)
    own = dict(zip(found.operands, op.operands, strict=True)) | {found.out: "z"}
    return sorted(own[value] for value in found.values), len(found.conditions)


def saved(formula: str, wrt: str | None = None, **options) -> dict[str, int]:
    """Label → bytes; conditions that stand in rules alone are counted under ``bits``."""
    dag = cr.parse(formula, **options).dag
    nodes = None if wrt is None else [dag.find(name) for name in wrt.split()]
    result: dict[str, int] = {}
    for value in saving.saved_values(dag, nodes).values:
        label = dag.labels.get(value.node, "bits")
        result[label] = result.get(label, 0) + value.bytes
    return result


@pytest.mark.parametrize(
    ("name", "given", "values", "bits"),
    [
        ("add", (), [], 0),
        ("subtract", (), [], 0),
        ("multiply", (), ["a", "b"], 0),
        ("divide", (), ["b", "z"], 0),
        ("power", (3,), ["x"], 0),
        ("power", (1,), [], 0),
        ("power", (0,), [], 0),
        ("exp", (), ["z"], 0),
        ("log", (), ["x"], 0),
        ("sin", (), ["x"], 0),
        ("relu", (), [], 1),
        ("sqrt", (), ["z"], 0),
        ("negate", (), [], 0),
        ("where", (), ["condition"], 0),
        ("floor", (), [], 0),
    ],
)
def test_the_table_of_the_second_text(name, given, values, bits):
    assert needs(name, *given) == (values, bits)


def test_only_operands_that_are_differentiated_count():
    assert needs("multiply", active=[0]) == (["b"], 0)
    assert needs("divide", active=[0]) == (["b"], 0)
    assert needs("multiply", active=[]) == ([], 0)


def test_every_operation(golden):
    golden("tables/operation-needs.txt", str(op_needs_table()) + "\n")


def test_a_squared_error_by_its_parameters():
    """∂L/∂w = −2 r σ'(v₂) x and ∂L/∂b = −2 r σ'(v₂): r, v₂, σ(v₂), x, and nothing else."""
    formula = "p = sigmoid(w*x + b); r = y - p; L = r^2"
    assert saved(formula, "w b") == {"x": 8, "v2": 8, "p": 8, "r": 8}
    assert saved(formula, "x") == {"w": 8, "v2": 8, "p": 8, "r": 8}
    assert saved(formula, "y") == {"r": 8}


def test_a_value_needed_twice_is_saved_once():
    dag = cr.parse("a = exp(x); a*y + a*z").dag
    values = {dag.labels[value.node]: value for value in saving.saved_values(dag).values}
    assert [dag.labels[user] for user in values["a"].users] == ["a", "v1", "v2"]
    assert sorted(values) == ["a", "y", "z"]


def test_sums_and_places():
    found = saving.saved_values(cr.parse("a = sin(x); b = exp(a); 3*b*relu(a) + y").dag)
    # Arguments x; computed a? no: sin needs x, exp its own value b, the products 3*b and relu(a).
    places = {value.place for value in found.values}
    assert places == {"argument", "constant", "computed", "condition"}
    assert found.bytes_computed == 8 + 8 + 8 + 1
    assert found.bytes == found.bytes_computed + 8
    # a, b, relu(a), 3b, the product, the sum; x and y.
    assert (found.everything_computed, found.everything) == (48, 64)


def test_a_condition_of_the_graph_itself_is_saved_as_one_byte():
    assert saved("c = x > 0; where(c, 2x, y)") == {"c": 1, "2": 0}
    assert saved("relu(x) + where(x > 0, y, z)") == {"v2": 1}  # both need the same bit


def test_a_bit_is_not_saved_where_its_number_is():
    assert needs("elu") == (["x"], 0)
    assert needs("hypot") == (["x", "y", "z"], 0)


def test_what_carries_no_adjoint_needs_nothing():
    assert saved("where(sin(x) > 0, y, 2y)") == {"v2": 1, "2": 0}
    assert saved("floor(sin(x))*y") == {"v2": 8}
    assert saved("x*y", "") == {}
    assert sum(saved("g(x)*y", "y", abstract="g").values()) == 8


def test_an_abstract_function_needs_its_operands():
    assert saved("z + f(sin(x), y)", abstract="f") == {"x": 8, "y": 8, "v1": 8}


def test_another_output_and_sizes():
    dag = cr.parse("a = exp(x); b = sin(x); a*b, b").dag
    by = saving.saved_values(dag, of=[dag.find("b")])
    assert [value.node for value in by.values] == list(dag.inputs)
    x = input_node("x", Type.of("float32", (3, 2)))
    array = make(OPS["exp"], (x,))
    assert [value.bytes for value in saving.saved_values(Dag([array])).values] == [24]
    with pytest.raises(GraphError, match="E224"):
        saving.saved_values(dag, [x])


def test_tables(golden):
    dag = cr.parse("p = relu(w*x + b); L = (y - p)^2 + min(w, b)", parameters="w b").dag
    found = saving.saved_values(dag, dag.parameters)
    golden(
        "tables/saved.txt", "\n\n".join(map(str, (needs_table(found), saved_table(found)))) + "\n"
    )
    golden("tables/saved.tex", needs_table(found).latex() + "\n" + saved_table(found).latex())


# --- a backward pass that has nothing but the saved values ----------------------------------------

SMOOTH = [op for op in OPS.values() if op.exact is not None and op.domain and op.partials]
SELECT = [OPS[name] for name in ("relu", "leaky_relu", "minimum", "maximum", "clip", "abs")]
EXAMPLES = {"exponent": [3, -2, 0.5, 1], "order": [0, 1], "slope": [0.2], "alpha": [0.5]}


@st.composite
def graphs(draw, pool):
    """Operations of the table on x, y and constants, with conditions in between."""
    nodes = [input_node("x", FLOAT64), input_node("y", FLOAT64), constant_node(0.5, FLOAT64)]
    inputs = nodes[:2]
    for _ in range(draw(st.integers(1, 8))):
        op = draw(st.sampled_from(pool))
        params = op.normal_params(
            [draw(st.sampled_from(EXAMPLES.get(param.name, [None]))) for param in op.params]
        )
        operands = [draw(st.sampled_from(nodes)) for _ in op.operands]
        if op.name == "where":
            operands[0] = make(OPS["less"], (operands[1], draw(st.sampled_from(nodes))))
        nodes.append(make(op, tuple(operands), params))
    return Dag([nodes[-1]], inputs)


def rule_value(root, own, numbers):
    """A rule at a node: ``own`` replaces its placeholders; only ``numbers`` are known."""
    known = {}
    for node in walk.depth_first([root]):
        if node in own:
            known[node] = numbers.get(own[node], math.nan)
        elif node.op is CONSTANT:
            known[node] = constant_value(node)
        elif (real := walk.rebuild(walk.depth_first([node]), own)[node]) in numbers:
            known[node] = numbers[real]
        else:
            with np.errstate(all="ignore"):
                known[node] = kernel(node.op, node.params)(*[known[o] for o in node.operands])
    return known[root]


def adjoints_from(dag, numbers, wrt):
    """Reverse mode by the book, over saved values alone."""
    varying = walk.descendants(dag.order, wrt)
    adjoints = {dag.output: 1.0}
    for node in reversed(dag.order):
        if node not in adjoints or node.is_leaf:
            continue
        types = tuple(operand.type for operand in node.operands)
        rule = rules.partials_of(node.op, types, node.type, node.params)
        own = dict(zip((rule.out, *rule.operands), (node, *node.operands), strict=True))
        for operand, partial in zip(node.operands, rule.partials, strict=True):
            if partial is None or operand not in varying:
                continue
            if partial.guard is None or rule_value(partial.guard, own, numbers):
                share = adjoints[node] * float(rule_value(partial.factor, own, numbers))
                adjoints[operand] = adjoints.get(operand, 0.0) + share
            else:
                adjoints.setdefault(operand, 0.0)
    return adjoints


@settings(max_examples=300)
@given(
    graphs([*SMOOTH, *SELECT, OPS["where"]]),
    st.floats(0.1, 2),
    st.floats(0.1, 2),
    st.sampled_from([(0,), (1,), (0, 1)]),
)
def test_the_saved_values_are_enough(dag, x, y, positions):
    wrt = [dag.inputs[at] for at in positions]
    values = Sweep(dag, dict(zip(dag.inputs, map(np.float64, (x, y)), strict=True))).values
    # Conditions that stand in rules alone are computed in the forward pass, too.
    everything = dict(values)
    found = saving.saved_values(dag, wrt)
    for value in found.values:
        for node in walk.depth_first([value.node]):
            if node not in everything:
                run = kernel(node.op, node.params) if node.operands else None
                operands = [everything[operand] for operand in node.operands]
                everything[node] = run(*operands) if run else constant_value(node)
    numbers = {value.node: everything[value.node] for value in found.values}
    got = adjoints_from(dag, numbers, wrt)
    expected = Sweep(dag, {node: values[node] for node in dag.inputs}).reverse(dag.output, wrt=wrt)
    for leaf in wrt:
        a, b = float(got.get(leaf, 0.0)), float(expected.get(leaf, 0.0))
        if math.isfinite(b):
            assert a == pytest.approx(b, rel=1e-9, abs=1e-12)


@settings(max_examples=200)
@given(graphs(SMOOTH), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_poisoning_the_other_values_changes_nothing(dag, x, y):
    """The sweep itself; it computes bits from numbers, so it keeps the numbers behind bits."""
    arguments = dict(zip(dag.inputs, map(np.float64, (x, y)), strict=True))
    expected = Sweep(dag, arguments).reverse(dag.output)
    sweep = Sweep(dag, arguments)
    kept = walk.ancestors(
        *[v.node for v in saving.saved_values(dag).values if v.place == "condition"]
    )
    kept |= {value.node for value in saving.saved_values(dag).values}
    for node in dag.order:
        if node not in kept:
            sweep.values[node] = np.float64(math.nan)
    got = sweep.reverse(dag.output)
    for leaf in dag.inputs:
        assert repr(got.get(leaf, 0.0)) == repr(expected.get(leaf, 0.0))


@pytest.mark.parametrize(
    "formula",
    [
        "sin(x)*exp(y)",
        "p = sigmoid(w*x + b); (y - p)^2",
        "x/y + sqrt(x*y)",
        "log(x)^3 * tanh(y)",
        "a = x^2; a*exp(-a)",
    ],
)
def test_no_saved_value_can_be_left_out(formula):
    graph = cr.parse(formula)
    dag = graph.dag
    at = {name: 0.7 + at / 10 for at, name in enumerate(graph.arguments)}
    expected = graph.at(**at).sweep.reverse(dag.output)
    for value in saving.saved_values(dag).values:
        if value.place == "constant":
            continue
        sweep = graph.at(**at).sweep
        sweep.values[value.node] = np.float64(math.nan)
        got = sweep.reverse(dag.output)
        assert any(repr(got[leaf]) != repr(expected[leaf]) for leaf in dag.inputs)


def test_a_long_chain():
    x = node = input_node("x", FLOAT64)
    for _ in range(50_000):
        node = make(OPS["sin"], (node,))
    found = saving.saved_values(Dag([node], [x]))
    assert (len(found.values), found.bytes) == (50_000, 400_000)


def test_conditions_that_are_arguments():
    c, a, b = input_node("c", BOOL), input_node("a", FLOAT64), input_node("b", FLOAT64)
    (value,) = saving.saved_values(Dag([make(OPS["where"], (c, a, b))], [c, a, b])).values
    assert (value.node, value.place, value.bytes) == (c, "argument", 1)
