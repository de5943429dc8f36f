"""Scalar graphs on a tape: the values and derivatives of the interpreter, to the bit where every
operation is exact, and those of mpmath elsewhere."""

from __future__ import annotations

import ctypes
import itertools
import math
import threading

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, constant_node, constant_value, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import BOOL, FLOAT64
from chainrule.ops.term import Term, apply
from chainrule.run.interpret import Sweep
from chainrule.run.native.code.target import load
from chainrule.run.native.tape import code as tape_code
from chainrule.run.native.tape import steps as tape_steps
from chainrule.run.native.tape import text as tape_text
from chainrule.run.native.tape.tape import Tape, fits

EVALUATE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.75, 1e-300, 5e-324, 1e300, INF, -INF, NAN]
EXAMPLE_PARAMS = {
    "exponent": [0, 1, 2, 3, -1, -2, 0.5, 0.3, 2.75],
    "order": [0, 1, 2],
    "slope": [0.2, 0.01],
    "alpha": [0.5, 1],
    "dtype": ["float64", "bool"],
}
EXACT = [
    "add", "subtract", "multiply", "divide", "negate", "reciprocal", "square", "sqrt", "where",
    "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
    "logical_and", "logical_or", "logical_xor", "logical_not",
]  # fmt: skip


def aligned(size: int):
    """Memory full of rubbish whose address is a multiple of 64."""
    raw = np.full(size + 64, 0xAB, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]


def run(tape: Tape, arguments, outputs: int, gradient: bool = False):
    """What the compiled function of a tape writes."""
    given = np.array([np.float64(value).view(np.uint64) if not isinstance(value, bool) else value
                      for value in arguments], np.uint64)  # fmt: skip
    results = np.full(outputs, np.nan)
    memory = aligned(tape.scratch(gradient))
    evaluate = EVALUATE(tape.address(gradient))
    evaluate(given.ctypes.data, results.ctypes.data, memory.ctypes.data, tape.context)
    return results


def gradient_of(dag: Dag, arguments):
    """Value and derivatives by all inputs of float64, by the tape."""
    floats = [at for at, node in enumerate(dag.inputs) if node.type is FLOAT64]
    assert fits(dag, gradient=True)
    return run(Tape(dag, floats), arguments, 1 + len(floats), gradient=True)


def evaluated(dag: Dag, arguments) -> Sweep:
    given = zip(dag.inputs, arguments, strict=True)
    return Sweep(dag, {node: node.type.dtype.type(value) for node, value in given})


def interpreted(dag: Dag, arguments):
    """The same by the interpreter."""
    sweep = evaluated(dag, arguments)
    adjoints = sweep.reverse(dag.output)
    floats = [node for node in dag.inputs if node.type is FLOAT64]
    return np.array([sweep.values[dag.output], *[adjoints.get(node, 0.0) for node in floats]])


def same_bits(a, b) -> bool:
    """Whether numbers are the same, signs of zeros included; all NaN are one."""
    a, b = (np.where(np.isnan(numbers), NAN, numbers) for numbers in (a, b))
    return a.tobytes() == b.tobytes()


# --- one operation at a time ----------------------------------------------------------------------


def forms():
    """Every native operation on scalars, with some parameters."""
    for op in OPS.values():
        if op.native is None or not op.pointwise or op.joint is not None:
            continue
        types = tuple([BOOL if kind.name == "BOOL" else FLOAT64 for kind in op.kinds])
        params = [()]
        for param in op.params:
            params = [(*some, value) for some in params for value in EXAMPLE_PARAMS[param.name]]
        for some in params:
            yield pytest.param(op, types, op.normal_params(some), id=f"{op.name}{list(some) or ''}")


@pytest.mark.parametrize(("op", "types", "params"), list(forms()))
def test_an_operation_and_its_derivatives_are_those_of_the_interpreter(op, types, params):
    inputs = [input_node(f"x{at}", type) for at, type in enumerate(types)]
    dag = Dag([make(op, tuple(inputs), params)], inputs)
    if not fits(dag):
        pytest.skip("no native rule for these parameters")
    backward = dag.output.type is FLOAT64 and fits(dag, gradient=True)
    floats = [place for place, type in enumerate(types) if type is FLOAT64]
    tape = Tape(dag, floats if backward else None)
    points = [[False, True] if type is BOOL else SPECIAL for type in types]
    ulps = op.accuracy.value if op.accuracy else 0
    if op.name in ("minimum", "maximum"):  # of zeros of both signs NumPy takes the one or the other
        points[0] = [x for x in SPECIAL if not same_bits(x, -0.0)]
        points[1] = points[0]
    for at in itertools.product(*points):
        got = run(tape, at, 1)[0]
        if dag.output.type is BOOL:
            assert got.view(np.uint64) == evaluated(dag, at).values[dag.output], at
        elif backward:
            value, *derivatives = run(tape, at, 1 + len(floats), gradient=True)
            expected, *wanted = interpreted(dag, at)
            assert same_bits(got, value)
            assert near(value, expected, ulps), at
            for a, b in zip(derivatives, wanted, strict=True):
                assert near(a, b, op.accuracy.partials if op.accuracy else 0), at
        else:
            assert near(got, interpreted(dag, at)[0], ulps), at


def near(got: float, expected: float, ulps: float) -> bool:
    """Whether two numbers are the same, or both within so many units of a third."""
    if ulps <= 0.5:
        return same_bits(got, expected)
    if math.isnan(expected) or math.isinf(expected) or expected == 0:
        # Where one side just overflows or underflows the other may not.
        return same_bits(got, expected) or (expected == 0 and abs(got) < 1e-300)
    return abs(got - expected) <= 2 * ulps * np.spacing(abs(expected)) or abs(expected) > 1e307


# --- random graphs --------------------------------------------------------------------------------


@st.composite
def exact_graphs(draw: st.DrawFn) -> Dag:
    """Operations without rounding of their own kind, on numbers, constants and conditions."""
    inputs = [input_node("x", FLOAT64), input_node("y", FLOAT64), input_node("c", BOOL)]
    numbers = [*inputs[:2]]
    conditions = [inputs[2]]
    for _ in range(draw(st.integers(1, 25))):
        if draw(st.integers(0, 4)) == 0:
            numbers.append(constant_node(draw(st.sampled_from(SPECIAL)), FLOAT64))
        op = OPS[draw(st.sampled_from(EXACT))]
        on_conditions = [kind.name == "BOOL" for kind in op.kinds]
        operands = tuple(
            [draw(st.sampled_from(conditions if is_condition else numbers))
             for is_condition in on_conditions]
        )  # fmt: skip
        node = make(op, operands)
        (conditions if node.type is BOOL else numbers).append(node)
    return Dag([numbers[-1]], inputs)


@settings(max_examples=400)
@given(
    exact_graphs(),
    st.one_of(st.sampled_from(SPECIAL), st.floats()),
    st.one_of(st.sampled_from(SPECIAL), st.floats()),
    st.booleans(),
)
def test_exact_graphs_give_the_bits_of_the_interpreter(dag, x, y, c):
    expected = interpreted(dag, [x, y, c])
    assert same_bits(run(Tape(dag), [x, y, c], 1), expected[:1])
    assert same_bits(gradient_of(dag, [x, y, c]), expected)


SMOOTH = [op for op in OPS.values() if op.exact and op.domain and op.partials and op.native]


@st.composite
def smooth_graphs(draw: st.DrawFn) -> Dag:
    """Up to six operations, each operand squeezed into the interval where the op is smooth."""
    inputs = cr.inputs("x y")
    values = list(inputs)
    for _ in range(draw(st.integers(1, 6))):
        op = draw(st.sampled_from(SMOOTH))
        operands = [
            low + (high - low) * (0.5 + 0.5 * cr.tanh(draw(st.sampled_from(values))))
            for low, high in op.domain
        ]
        params = tuple(draw(st.sampled_from(EXAMPLE_PARAMS[param.name])) for param in op.params)
        values.append(apply(op, tuple(operands), op.normal_params(params)))
    return cr.graph(values[-1], list(inputs)).dag


def exactly(dag: Dag, at):
    """The value of a graph in mpmath, op by op, by the definitions in the table."""
    values = dict(zip(dag.inputs, at, strict=True))
    for node in dag.order:
        if node.op is CONSTANT:
            values[node] = mpmath.mpf(float(constant_value(node)))
        elif not node.is_leaf:
            operands = [values[operand] for operand in node.operands]
            values[node] = node.op.exact(mpmath.mp, *operands, *node.params)
    return values[dag.output]


@settings(max_examples=100)
@given(smooth_graphs(), st.floats(-2, 2), st.floats(-2, 2))
def test_smooth_graphs_agree_with_high_precision(dag, x, y):
    assume(fits(dag, gradient=True))
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        at = [mpmath.mpf(x), mpmath.mpf(y)]
        value = exactly(dag, at)
        assume(mpmath.isfinite(value) and not isinstance(value, mpmath.mpc))
        derivatives = []
        for place in range(2):
            above, below = list(at), list(at)
            above[place] += step
            below[place] -= step
            derivatives.append(float((exactly(dag, above) - exactly(dag, below)) / (2 * step)))
        # Rounding may move a number over a step of round or floor: that is no derivative.
        assume(all(abs(derivative) < 1e10 for derivative in derivatives))
    found = gradient_of(dag, [x, y])
    assert found[0] == pytest.approx(float(value), rel=1e-9, abs=1e-12)
    assert found[1:] == pytest.approx(derivatives, rel=1e-7, abs=1e-10)


# --- what a branch not taken leaves ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "x", "expected"),
    [
        ("where(x > 0, sqrt(x), x)", 0.0, 1.0),
        ("where(x > 0, sqrt(x), x)", 4.0, 0.25),
        ("where(x > 0, x*log(x), 0)", 0.0, 0.0),
        ("where(x > 0, x*log(x), 0)", -1.0, 0.0),
        ("x*where(x > 0, sqrt(x), x)", -3.0, -6.0),
        ("where(x > 0, 1/x, 0) + x*x", 0.0, 0.0),
        ("sin(where(x > 0, 1/x, x))", 0.0, 1.0),
        ("where(x == 0, 1, sin(x)/x)*exp(x)", 0.0, 1.0),
        ("where(x > 0, where(x > 1, log(x - 1), x*x), sqrt(-x))", 0.5, 1.0),
        ("where(x > 0, where(x > 1, log(x - 1), x*x), sqrt(-x))", 3.0, 0.5),
        ("a = where(x > 0, sqrt(x), x); b = where(x > 0, 1/x, x); a*b + exp(b)", 0.0, 1.0),
        ("min(x, 4)*sqrt(min(4, x) - 4)", 5.0, 0.0),
        ("0*sqrt(x)", 0.0, math.nan),
        ("where(x >= 0, 0*sqrt(x), 1)", 0.0, math.nan),
    ],
)
def test_a_branch_not_taken_gives_exactly_nothing(formula, x, expected):
    dag = cr.parse(formula).dag
    found = gradient_of(dag, [x])[1]
    assert found == pytest.approx(expected, rel=1e-15, abs=0, nan_ok=True)


# --- outputs and inputs ---------------------------------------------------------------------------


def test_outputs_may_be_anything():
    x, y, unused = (input_node(name, FLOAT64) for name in ("x", "y", "unused"))
    c = input_node("c", BOOL)
    product = make(OPS["multiply"], (x, y))
    below = make(OPS["less"], (x, y))
    seven = constant_node(7.0, FLOAT64)
    holds = constant_node(True, BOOL)
    both = make(OPS["logical_and"], (holds, c))
    dag = Dag([product, x, seven, product, below, both, c, holds], [unused, x, c, y])
    assert fits(dag)
    found = run(Tape(dag), [1.0, 2.0, True, -0.5], 8)
    assert found[:4].tolist() == [-1.0, 2.0, 7.0, -1.0]
    assert found.view(np.uint8).reshape(8, 8)[4:, 0].tolist() == [0, 1, 1, 1]
    other = run(Tape(dag), [1.0, 2.0, False, 2.5], 8)
    assert other.view(np.uint8).reshape(8, 8)[4:, 0].tolist() == [1, 0, 0, 1]


def test_of_a_condition_only_the_first_byte_is_read():
    c, x = input_node("c", BOOL), input_node("x", FLOAT64)
    dag = Dag([make(OPS["where"], (c, x, constant_node(3.0, FLOAT64)))], [c, x])
    rubbish = [np.uint64(0xFFFFFFFFFFFFFF00).view(np.float64), 2.0]
    assert run(Tape(dag), rubbish, 1)[0] == 3.0
    assert gradient_of(dag, rubbish).tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("output", "expected"),
    [("x", [2.0, 1.0, 0.0]), ("y", [3.0, 0.0, 1.0]), ("7", [7.0, 0.0, 0.0])],
)
def test_a_graph_without_computations(output, expected):
    inputs = [input_node("x", FLOAT64), input_node("y", FLOAT64)]
    by_name = {"x": inputs[0], "y": inputs[1], "7": constant_node(7.0, FLOAT64)}
    dag = Dag([by_name[output]], inputs)
    assert gradient_of(dag, [2.0, 3.0]).tolist() == expected
    assert run(Tape(dag), [2.0, 3.0], 1).tolist() == expected[:1]


def test_derivatives_come_in_the_order_that_is_asked_for():
    dag = cr.parse("x*x*y + z").dag
    names = [node.name for node in dag.inputs]
    x, y, z = (names.index(name) for name in "xyz")
    arguments = [0.0] * 3
    arguments[x], arguments[y], arguments[z] = 3.0, 5.0, 1.0
    assert run(Tape(dag, [y, x]), arguments, 3, gradient=True).tolist() == [46.0, 9.0, 30.0]
    assert run(Tape(dag, [z]), arguments, 2, gradient=True).tolist() == [46.0, 1.0]
    assert run(Tape(dag, []), arguments, 1, gradient=True).tolist() == [46.0]


def test_the_same_operand_twice_gets_both_shares():
    dag = cr.parse("(x*x)/(x + x)").dag
    assert gradient_of(dag, [4.0]).tolist() == [2.0, 0.5]


@pytest.mark.parametrize(
    "outputs",
    [
        lambda: [Term(input_node("x", FLOAT64.with_dtype("float32"))) * 2],
        lambda: [Term(input_node("x", FLOAT64.with_dtype("int64"))) + 1],
        lambda: [Term(input_node("x", FLOAT64.with_shape((3,)))) + 1.0],
        lambda: [apply(OPS["abstract"], (Term(input_node("x", FLOAT64)),), ("g", (1,)))],
    ],
)
def test_what_does_not_fit(outputs):
    dag = Dag([output.node for output in outputs()])
    assert not fits(dag)


def test_hundreds_of_different_steps_do_not_fit():
    x = Term(input_node("x", FLOAT64))
    powers = [apply(OPS["power"], (x,), (exponent,)).node for exponent in range(2, 302)]
    assert not fits(Dag(powers))


def test_a_gradient_needs_one_output_of_float64():
    x = input_node("x", FLOAT64)
    assert not fits(Dag([x, x]), gradient=True)
    assert not fits(Dag([make(OPS["less"], (x, x))]), gradient=True)
    assert fits(Dag([make(OPS["less"], (x, x))]))


# --- size, threads --------------------------------------------------------------------------------


def test_a_chain_of_a_hundred_thousand():
    """xₖ₊₁ = 0.5·xₖ + c, so that the end is near 2c, and its derivative by c is near 2."""
    x, c = input_node("x", FLOAT64), input_node("c", FLOAT64)
    half = constant_node(0.5, FLOAT64)
    node = x
    for _ in range(50_000):
        node = make(OPS["add"], (make(OPS["multiply"], (half, node)), c))
    dag = Dag([node], [x, c])
    assert len(dag) == 100_003
    assert gradient_of(dag, [1.0, 3.0]).tolist() == [6.0, 0.0, 2.0]
    assert run(Tape(dag), [1.0, 3.0], 1).tolist() == [6.0]


def test_threads_share_a_tape():
    dag = cr.parse("a = sin(x*y); b = exp(a)*x; where(x > 0, b, sqrt(x)) + a*y").dag
    tape = Tape(dag, [0, 1])
    expected = {at: run(tape, [0.1 * at, 1.3], 3, gradient=True).tolist() for at in range(1, 9)}
    found = {at: [] for at in expected}
    barrier = threading.Barrier(len(expected))

    def ask(at: int) -> None:
        barrier.wait()
        for _ in range(200):
            found[at].append(run(tape, [0.1 * at, 1.3], 3, gradient=True).tolist())

    threads = [threading.Thread(target=ask, args=(at,)) for at in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, all_found in found.items():
        assert all_found == [expected[at]] * 200


# --- the steps ------------------------------------------------------------------------------------


def test_the_common_steps_do_not_depend_on_what_ran_before():
    steps = tape_steps.common_steps()
    assert steps == tape_steps.common_steps()
    assert len(set(steps)) == len(steps)
    names = {step.form.op.name for step in steps if step.form is not None}
    assert {"add", "multiply", "where", "less", "exp"} <= names
    assert tape_text.module_of(steps).text == tape_text.module_of(steps).text


def test_code_from_elsewhere_is_used():
    """What one process has compiled another one can load."""
    dag = cr.parse("exp(x)*y + max(x, y)").dag
    before = gradient_of(dag, [0.5, 1.5])
    steps = tape_steps.common_steps()
    old = tape_code.addresses(steps)
    text = tape_text.module_of(steps).text
    tape_code.install(steps, load(text, 1))
    assert not set(tape_code.addresses(steps)) & set(old)
    assert gradient_of(dag, [0.5, 1.5]).tolist() == before.tolist()


def test_steps_need_no_special_convention(monkeypatch):
    """Other processors have none that keeps everything in registers."""
    monkeypatch.setattr(tape_text, "convention", lambda: "tailcc")
    monkeypatch.setattr(tape_code, "_addresses", {})
    dag = cr.parse("a = sin(x*y); b = exp(a)*x; where(x > 0, b, sqrt(x)) + a*y").dag
    expected = interpreted(dag, [0.7, 1.3])
    assert gradient_of(dag, [0.7, 1.3]) == pytest.approx(expected, rel=1e-14)
