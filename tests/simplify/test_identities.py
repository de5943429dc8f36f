"""Every identity of the table is true, and every one is used."""

from __future__ import annotations

import random

import pytest

from chainrule.check.exact import Context, evaluate
from chainrule.formula.infix import read
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node
from chainrule.simplify.identities import LIGHT
from chainrule.simplify.light import _rewritten

EXAMPLES = {"c": 3, "d": 5, "n": -7}
"""What the variables for constants stand for."""

identity = pytest.mark.parametrize("identity", LIGHT, ids=" = ".join)


def sides(identity: tuple[str, str], dtype: str = "float64") -> tuple[Dag, Dag]:
    left = read(identity[0], dtype=dtype)
    return left, read(identity[1], inputs=[node.name for node in left.inputs], dtype=dtype)


@identity
def test_both_sides_are_the_same_number(identity):
    left, right = sides(identity)
    mp = Context(40)
    chance = random.Random(1)
    checked = 0
    for _ in range(20):
        arguments = {node: mp.mpf(chance.uniform(-3, 3)) for node in left.inputs}
        for node in left.inputs:
            if node.name == "n":
                arguments[node] = -abs(arguments[node])
        expected = evaluate(mp, left.order, arguments)[left.output]
        got = evaluate(mp, right.order, arguments)[right.output]
        if not mp.isnan(expected):
            assert abs(got - expected) < mp.mpf("1e-35") * (1 + abs(expected))
            checked += 1
    assert checked > 5


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@identity
def test_the_identity_is_applied_and_the_dtype_stays(identity, dtype):
    left, _ = sides(identity, dtype)
    numbers = {
        node: constant_node(EXAMPLES[node.name], node.type)
        for node in left.inputs
        if node.name in EXAMPLES
    }
    graph = left.substitute(numbers)
    new_of, steps = _rewritten(graph.order, (), ())
    assert " = ".join(identity) in [step.identity for step in steps]
    simple = walk.depth_first([new_of[graph.output]])
    assert {node.type.dtype.name for node in simple} == {dtype}


def test_no_identity_stands_twice():
    assert len(set(LIGHT)) == len({left for left, _ in LIGHT}) == len(LIGHT)
