"""The numeric sweep: gradients of random compositions of the whole operation table agree with
differences of a 60-digit evaluation; local derivatives and passes at the edges of their use."""

from __future__ import annotations

import math
import threading

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import DerivativeError
from chainrule.graph.node import CONSTANT, constant_value
from chainrule.graph.op import OPS
from chainrule.ops.term import apply
from chainrule.run.interpret import Sweep

SMOOTH = [op for op in OPS.values() if op.exact is not None and op.domain and op.partials]
EXAMPLE_PARAMS = {"exponent": [3, -2, 0.5], "order": [0, 1, 2], "slope": [0.2], "alpha": [0.5]}


@st.composite
def compositions(draw: st.DrawFn) -> cr.Graph:
    """Up to six operations of the table, each operand squeezed into the op's smooth interval."""
    values = list(cr.inputs("x y"))
    for _ in range(draw(st.integers(1, 6))):
        op = draw(st.sampled_from(SMOOTH))
        operands = [
            low + (high - low) * cr.sigmoid(values[draw(st.integers(0, len(values) - 1))])
            for low, high in op.domain
        ]
        params = tuple(draw(st.sampled_from(EXAMPLE_PARAMS[param.name])) for param in op.params)
        values.append(apply(op, tuple(operands), params))
    return cr.graph(values[-1], list(cr.inputs("x y")))


def exactly(graph: cr.Graph, **arguments):
    """The value of a graph in mpmath, op by op, by the definitions in the table."""
    values = {}
    for node in graph.dag.order:
        if node.op is CONSTANT:
            values[node] = mpmath.mpf(float(constant_value(node)))
        elif node.is_leaf:
            values[node] = mpmath.mpf(arguments[node.name])
        else:
            operands = [values[operand] for operand in node.operands]
            values[node] = node.op.exact(mpmath.mp, *operands, *node.params)
    return values[graph.dag.output]


def near_a_jump(graph: cr.Graph, at: dict, value) -> bool:
    """Whether round, floor, sign and the like change within the rounding errors of a point: there
    float64 and mpmath may stand on different sides, and a difference is no derivative."""
    moved = [{**at, name: at[name] + step} for name in at for step in (-1e-12, 1e-12)]
    return any(abs(exactly(graph, **point) - value) > 1e-4 for point in moved)


@settings(max_examples=300)
@given(compositions(), st.floats(-2, 2), st.floats(-2, 2))
def test_gradients_agree_with_high_precision_differences(graph, x, y):
    record = graph.at(x=x, y=y)
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        at = {"x": mpmath.mpf(x), "y": mpmath.mpf(y)}
        value = exactly(graph, **at)
        assume(not near_a_jump(graph, at, value))
        assert record.value == pytest.approx(float(value), rel=1e-9, abs=1e-12)
        for name, got in record.gradient.items():
            above = exactly(graph, **{**at, name: at[name] + step})
            below = exactly(graph, **{**at, name: at[name] - step})
            expected = float((above - below) / (2 * step))
            assert got == pytest.approx(expected, rel=1e-7, abs=1e-10)


def test_the_generator_covers_the_table():
    """Every operation with a definition in mpmath takes part."""
    pointwise = {op.name for op in OPS.values() if op.pointwise and not op.is_leaf}
    without = pointwise - {op.name for op in SMOOTH}
    assert without == {
        "abstract", "convert", "where", "less", "less_equal", "greater", "greater_equal", "equal",
        "not_equal", "logical_and", "logical_or", "logical_xor", "logical_not",
        "stop_gradient",
    }  # fmt: skip


def test_local_derivatives_exist_on_edges_from_constants_too():
    graph = cr.parse("3*x")
    dag = graph.dag
    sweep = Sweep(dag, {dag.find("x"): np.float64(5)})
    assert sweep.reverse(dag.output) == {dag.output: 1.0, dag.find("x"): 3.0}
    assert sweep.evaluations == 1
    assert sweep.local_derivative(dag.output, 0) == 5.0


def test_a_pass_can_start_at_any_node_and_with_any_seed():
    graph = cr.parse("a = x^2; b = sin(a); b*x")
    dag = graph.dag
    sweep = Sweep(dag, {dag.find("x"): np.float64(2)})
    adjoints = sweep.reverse(dag.find("b"), np.float64(10))
    assert adjoints[dag.find("x")] == pytest.approx(10 * math.cos(4) * 4, rel=1e-15)
    tangents = sweep.forward({dag.find("a"): np.float64(1)})
    assert tangents[dag.output] == pytest.approx(math.cos(4) * 2, rel=1e-15)
    assert dag.find("x") not in tangents


def test_several_seeds_add_up():
    graph = cr.parse("x*y")
    dag = graph.dag
    x, y = dag.inputs
    sweep = Sweep(dag, {x: np.float64(2), y: np.float64(3)})
    assert sweep.forward({x: np.float64(1), y: np.float64(10)})[dag.output] == 23.0


def test_conditions_cannot_be_seeds():
    dag = cr.parse("x > 0").dag
    sweep = Sweep(dag, {dag.find("x"): np.float64(2)})
    for ask in (lambda: sweep.reverse(dag.output), lambda: sweep.forward({dag.output: True})):
        with pytest.raises(DerivativeError):
            ask()


def test_threads_share_a_record():
    """Eight threads ask one record for everything at once and get the same answers."""
    graph = cr.parse("a = sin(x*y); b = exp(a)*x; where(x > 0, b, sqrt(x)) + a*y")
    expected = graph.at(x=0.7, y=1.3).gradient
    for _ in range(20):
        record = graph.at(x=0.7, y=1.3)
        answers = []
        barrier = threading.Barrier(8)

        def ask(record=record, answers=answers, barrier=barrier) -> None:
            barrier.wait()
            answers.append((record.gradient, record["f"].tangent("x"), record.edges()))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [gradient for gradient, _, _ in answers] == [expected] * 8
        assert len({tangent for _, tangent, _ in answers}) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_keep_the_dtype(dtype):
    x = cr.input("x", dtype=dtype)
    body = cr.where(x > 0, cr.sigmoid(x) * x, cr.relu(x)) + cr.clip(x, 0, 1) + cr.maximum(x, 0.25)
    graph = cr.graph(cr.convert(cr.convert(body, dtype="float32") * 2, dtype="float64") * 3)
    for value in (0.5, [0.5, -0.5]):
        sweep = graph.at(x=value).sweep
        start = graph.dag.find("x")
        adjoints = sweep.reverse(graph.dag.output)
        tangents = sweep.forward({start: np.dtype(dtype).type(1)})
        assert {start, graph.dag.output} <= adjoints.keys() & tangents.keys()
        for numbers in (sweep.values, adjoints, tangents):
            for node, got in numbers.items():
                assert np.asarray(got).dtype == node.type.dtype


def test_floating_point_warnings_stay_inside():
    record = cr.parse("log(x) + 1/x + exp(y) + sqrt(x - 1)").at(x=0.0, y=1e4)
    assert math.isnan(record.value)
    assert record.gradient["y"] == math.inf
    assert record.edges()
    assert record.table("backward")
    assert math.isnan(record["f"].tangent("x"))
