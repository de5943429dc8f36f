"""A chain of a million nodes builds, records and is freed; a long one prints, saves and pickles.

A step that recursed or took quadratic work would not come to an end with a tenth of them, either.
"""

from __future__ import annotations

import gc
import math
import pickle

import pytest

import chainrule as cr
from chainrule.graph import text
from chainrule.graph.node import live_nodes

LENGTH = 1_000_000


def signs(length: int) -> cr.Graph:
    """x → −(x + y) → …: so many nodes, one operation after another."""
    x, y = cr.inputs("x y")
    value = x
    for _ in range(length // 2):
        value = value + y
        value = -value
    return cr.graph(value)


@pytest.fixture(scope="module")
def chain():
    return signs(LENGTH)


@pytest.fixture(scope="module")
def long_chain():
    return signs(LENGTH // 10)


def test_it_has_a_million_nodes(chain):
    assert len(chain.dag) == LENGTH + 2
    assert chain.count_paths("x") == 1
    assert chain.count_paths("y") == LENGTH // 2


def test_it_records_value_and_gradient(chain):
    record = chain.at(x=1.5, y=0.25)
    # Pairs of steps cancel: x, −(x + y), x + y − y = x …
    assert record.value == 1.5
    assert record.gradient == {"x": 1.0, "y": 0.0}
    assert (record["v5"].tangent("x"), record["v7"].tangent("x")) == (1.0, -1.0)
    assert record.evaluations <= len(chain.dag.edges())


def test_it_prints_and_reads_back(long_chain):
    assert text.read(long_chain.text()) == long_chain.dag
    source = long_chain.formula()
    assert len(source) < 60 * LENGTH // 10


def test_it_saves_loads_and_pickles(long_chain, tmp_path):
    long_chain.save(tmp_path / "chain.json")
    assert cr.load(tmp_path / "chain.json") == long_chain
    assert pickle.loads(pickle.dumps(long_chain)) == long_chain


def test_it_is_freed():
    gc.collect()
    before = live_nodes()
    value = cr.input("only_here")
    for _ in range(LENGTH):
        value = cr.sin(value)
    graph = cr.graph(value)
    assert math.isfinite(graph(0.5))
    assert live_nodes() > before + LENGTH - 1
    del value, graph
    gc.collect()
    assert live_nodes() == before


def test_deep_sharing_is_linear():
    """A tower of 5,000 squarings is a graph of 5,000 nodes, whatever its tree would be."""
    value = cr.input("x")
    for _ in range(5000):
        value = value * value
    graph = cr.graph(value)
    record = graph.at(x=1.0)
    assert record.gradient == {"x": math.inf}
    assert record.evaluations == 10_000
    assert graph.count_paths("x") == 2**5000
    assert len(graph.formula()) < 200_000


def test_a_leaf_with_very_many_users_stays_linear():
    """100,000 users of one input and of one constant, 20,000 arguments: no step is quadratic."""
    x = cr.input("x")
    value = x
    for step in range(100_000):
        value = value + x if step % 2 else value * 2.0
    graph = cr.graph(value)
    record = graph.at(x=0.0)
    label = graph.outputs[0]
    for _ in range(200):
        assert record.local_derivative("x", label) == 1.0
    wide = cr.inputs([f"x{i}" for i in range(20_000)])
    total = wide[0]
    for value in wide[1:]:
        total = total + value
    graph = cr.graph(total)
    assert graph(*range(20_000)) == sum(range(20_000))
    assert len(graph.substitute(x0=1).arguments) == 19_999
    assert text.read(cr.graph(list(wide)).text()) == cr.graph(list(wide)).dag


def test_large_graphs_show_their_size():
    value = cr.input("x")
    for _ in range(5000):
        value = cr.sin(value)
    assert repr(value) == "Array(of more than 1000 nodes)"
    assert repr(cr.graph(value)) == "<Graph of (x): 5001 nodes>"
