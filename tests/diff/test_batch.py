"""A batched graph computes for all items what the graph computes for each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diff.batch import batch
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.ops.term import apply
from chainrule.run.program import Program

SMOOTH = [op for op in OPS.values() if op.pointwise and op.exact is not None and op.domain]
PARAMS = {"exponent": 3, "order": 1, "slope": 0.2, "alpha": 0.5}
ARRAYS = [
    lambda a, b: a @ b,
    lambda a, b: a @ b[0],
    lambda a, b: np.tensordot(a, b, axes=(1, 1)),
    lambda a, b: a.T,
    lambda a, b: np.sum(a, axis=0),
    lambda a, b: np.sum(a, axis=1, keepdims=True) * b,
    lambda a, b: np.max(a, axis=1),
    lambda a, b: np.prod(a, axis=0),
    lambda a, b: np.cumsum(a, axis=1),
    lambda a, b: np.sort(a, axis=0),
    lambda a, b: np.flip(a, 1),
    lambda a, b: np.roll(a, 1, axis=0),
    lambda a, b: a[[2, 0, 1]],
    lambda a, b: a[::-1, 1:],
    lambda a, b: a[np.argmax(b[0])],
    lambda a, b: np.take(a, np.argsort(b[0]), axis=1),
    lambda a, b: a.at[1].set(b[0]),
    lambda a, b: a.at[[0, 0], 1].add(b[0, :2]),
    lambda a, b: np.concatenate([a, b[:1]], axis=0),
    lambda a, b: np.where(a > b, a, b * 2),
    lambda a, b: a.reshape(9)[np.array([8, 0, 4])],
    lambda a, b: np.diagonal(a),
    lambda a, b: np.trace(a) * b,
]


def squared(value):
    """Any result as a 3×3 matrix with elements near 0."""
    total = value if value.shape == (3, 3) else np.sum(value) + np.arange(9.0).reshape(3, 3)
    return cr.tanh(total)


def pointwise(op):
    def function(a, b):
        operands = [
            low + (high - low) * cr.sigmoid(x)
            for (low, high), x in zip(op.domain, (a, b, a * b), strict=False)
        ]
        return apply(op, tuple(operands), tuple(PARAMS[param.name] for param in op.params))

    return function


steps = st.one_of(st.sampled_from(ARRAYS), st.sampled_from(SMOOTH).map(pointwise))
choices = st.lists(st.tuples(steps, st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=6)


def check(output, moving, fixed, count, seed=0):
    """The batch along the first axis equals a loop."""
    items = {node: input_node(f"{node.name}s", _many(node.type, count)) for node in moving}
    order = walk.depth_first([output])
    made = batch(order, items, count)[output]
    assert made.type is _many(output.type, count)
    random = np.random.default_rng(seed)
    numbers = {node: random.normal(size=(count, *node.type.shape)) for node in moving}
    constants = {node: random.normal(size=node.type.shape) for node in fixed}
    (got,) = Program(Dag([made], [*items.values(), *fixed]))(*numbers.values(), *constants.values())
    one = Program(Dag([output], [*moving, *fixed]))
    for at in range(count):
        (expected,) = one(*[x[at] for x in numbers.values()], *constants.values())
        np.testing.assert_allclose(got[at], expected, rtol=1e-11, atol=1e-13)


def _many(type, count):
    return Type.of(type.dtype, (count, *type.shape))


@settings(max_examples=150)
@given(choices, st.booleans(), st.sampled_from([1, 2, 4]))
def test_random_graphs(chosen, both, count):
    x, y = cr.input("x", (3, 3)), cr.input("y", (3, 3))
    values = [x, y]
    for function, first, second in chosen:
        a, b = values[first % len(values)], values[second % len(values)]
        values.append(squared(function(a, b)))
    output = (values[-1] + x * 0.5).node
    if both:
        check(output, [x.node, y.node], [], count)
    else:
        present = [node for node in Dag([output]).inputs if node is y.node]
        check(output, [x.node], present, count)


@pytest.mark.parametrize("function", ARRAYS)
@pytest.mark.parametrize("moving", ["x", "y", "both"])
def test_each_function_with_each_operand_moving(function, moving):
    x, y = cr.input("x", (3, 3)), cr.input("y", (3, 3))
    output = (squared(function(x, y)) + x + y).node
    moved = {"x": [x.node], "y": [y.node], "both": [x.node, y.node]}[moving]
    check(output, moved, [node for node in (x.node, y.node) if node not in moved], 3)


def test_what_does_not_depend_on_an_item_is_not_there():
    x, y = cr.inputs("x y")
    fixed = cr.exp(y)
    output = x * fixed
    items = {x.node: input_node("xs", Type.of("float64", (4,)))}
    made = batch(walk.depth_first([output.node]), items, 4)
    assert set(made) == {x.node, output.node}


def test_no_items_and_no_elements():
    x = cr.input("x", (0, 2))
    check(cr.sin(x).node, [x.node], [], 3)
    y = cr.input("y", (2,))
    check((cr.sin(y) * 2).node, [y.node], [], 0)
    assert batch([y.node], {}, 3) == {}
