"""Each identity of the table, on numbers of all kinds."""

import itertools
import math

import numpy as np
import pytest

from chainrule.formula.infix import read
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.ops.term import Term
from chainrule.run.native.plan.simplify import exact, fast, simplified
from chainrule.run.program import Program
from tests.run.native.random_graphs import difference

SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 0.1, -3.7, 1e308)
X, Y = (np.array(column) for column in zip(*itertools.product(SPECIAL, SPECIAL), strict=True))
TEST = np.arange(len(X)) % 3 == 0
CONSTANTS = (
    (3.0, 1.0, 2.0),
    (-0.1, -100.0, -4.0),
    (1e300, 1e38, 0.25),
    (-0.0, -1.7, 2.0**60),
    (math.inf, 1.5, -(2.0**-60)),
)


def terms(dtype, c, large, two):
    type = Type.of(dtype, X.shape)
    x, y = (input_node(name, type) for name in "xy")
    test = input_node("test", Type.of("bool", X.shape))
    constants = (constant_node(np.dtype(dtype).type(value), type) for value in (c, large, two))
    return tuple(map(Term, (x, y, *constants, test)))


def dag(output, *inputs):
    return Dag([output.node], [term.node for term in inputs])


def run(graph, dtype):
    with np.errstate(all="ignore"):
        (value,) = Program(graph)(X.astype(dtype), Y.astype(dtype), TEST)
    return value


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("at", range(len(exact(*terms("float64", 3.0, 1.0, 2.0)))))
def test_exact_identities_hold_to_the_bit(at, dtype):
    for constants in CONSTANTS:
        with np.errstate(all="ignore"):
            x, y, *given_constants, test = terms(dtype, *constants)
        left, right = exact(x, y, *given_constants, test)[at]
        given = dag(left, x, y, test)
        found = simplified(given)
        assert found.output is simplified(dag(right, x, y, test)).output
        assert found.output is not given.output
        assert not difference(run(found, dtype), run(given, dtype))


@pytest.mark.parametrize("at", range(len(fast(*terms("float64", 3.0, 1.0, 2.0)[:4]))))
def test_fast_identities_differ_by_rounding(at):
    x, y, c, d, _, test = terms("float64", 3.1, -0.7, 2.0)
    left, right = fast(x, y, c, d)[at]
    given = dag(left, x, y, test)
    assert simplified(given).output is not simplified(given, fast_math=True).output
    # Further identities may follow on both sides.
    both = [simplified(dag(side, x, y, test), fast_math=True).output for side in (left, right)]
    assert both[0] is both[1]
    points = np.linspace(0.3, 5.0, len(X))
    with np.errstate(all="ignore"):
        (a,), (b,) = (
            Program(g)(points, points[::-1], TEST) for g in (given, dag(right, x, y, test))
        )
    np.testing.assert_allclose(b, a, rtol=4e-16 * 4)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x + 0", "x + 0"),  # −0 + 0 is 0
        ("0 + x", "0 + x"),
        ("0.3*(x + x)", "0.3*(x + x)"),  # the sum may be infinite
        ("0 - x", "0 - x"),  # 0 − 0 is 0, not −0
        ("x * 0", "x*0"),  # infinity, NaN, −1
        ("x - x", "x - x"),
        ("x / x", "x/x"),
        ("x / 3", "x/3"),  # 1/3 is rounded
        ("x / 2^120", None),  # 1/2^120 is exact, but rather small
        ("-(x - y)", "-(x - y)"),  # 0 − 0
        ("(x + 1) + 2", "x + 1 + 2"),
        ("3*(2.5*x)", "3*(2.5*x)"),
        ("sqrt(x^2)", None),
        ("exp(log(x))", None),
        ("x^3", None),
    ],
)
def test_what_holds_for_real_numbers_only_is_left_alone(text, kept):
    graph = read(text)
    found = simplified(graph)
    if "^2" in text and "/" not in text:
        assert [node.op.name for node in found.order][-2:] == ["square", "sqrt"]
    elif "120" in text:
        assert found.output.op.name == "divide"
    else:
        assert found.output is graph.output


def test_signs_meet():
    found = simplified(read("(-x)*(-y) + -((-3)*x) - -(y/-2)"))
    assert "negate" not in {node.op.name for node in found.order}


def test_constants_are_computed():
    graph = simplified(read("x*(2*3 + sqrt(16)) + sin(0)"))
    assert sorted(node.op.name for node in graph.order if node.op is not CONSTANT) == [
        "add",
        "input",
        "multiply",
    ]
    values = {float(np.frombuffer(n.params[0])[0]) for n in graph.order if n.op is CONSTANT}
    assert values == {10.0, 0.0}


def test_constant_arrays_are_computed_up_to_some_size():
    for size, left in ((100, 0), (5000, 1)):
        values = constant_node(np.arange(float(size)), Type.of("float64", (size,)))
        found = simplified(Dag([make(OPS["sin"], (values,))], []))
        assert len([node for node in found.order if node.op is not CONSTANT]) == left
    full = constant_node(2.0, Type.of("float64", (10**6,)))
    (one,) = simplified(Dag([make(OPS["sin"], (full,))], [])).order
    assert len(one.params[0]) == 8  # one number that fills the array


def test_names_and_spans_move_on():
    graph = read("a = x*1; b = a + a; b/1")
    found = simplified(graph)
    assert "b" in {name for names in found.names.values() for name in names}
    assert [node.name for node in found.inputs] == ["x"]
    again = simplified(found)
    assert again.outputs == found.outputs


def test_integers_and_conditions_are_left_alone():
    n = input_node("n", Type.of("int64"))
    minus = make(OPS["negate"], (make(OPS["negate"], (n,)),))
    assert simplified(Dag([minus], [n])).output is minus


def test_the_same_sum_the_other_way_round_is_computed_once():
    graph = read("sin(x*y) + cos(y*x) * (y*x + x*y)")
    found = simplified(graph)
    names = [node.op.name for node in found.order]
    assert names.count("multiply") == 2  # x*y, and its cosine times twice that
    assert simplified(found).outputs == found.outputs
    values = [node(1.7, -0.3) for node in (Program(graph), Program(found))]
    assert values[0] == values[1]
