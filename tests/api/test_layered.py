"""Layered graphs: widths, names, units, the path counts of the third text."""

from __future__ import annotations

import itertools
import math

import pytest

import chainrule as cr
from chainrule.errors import EvaluationError, GraphError


@pytest.mark.parametrize(
    ("widths", "formula"),
    [
        ((1, 1), "f(x)"),
        ((2, 1), "f(x1, x2)"),
        ((2, 2, 1), "f(g1(x1, x2), g2(x1, x2))"),
        ((1, 2, 1), "f(g1(x), g2(x))"),
        ((1, 1, 1, 1), "f(g(h(x)))"),
    ],
)
def test_formulas(widths, formula):
    assert cr.layered(*widths).formula() == formula


@pytest.mark.parametrize("widths", [(2, 2, 1), (3, 3, 1), (3, 3, 3, 1), (2, 3, 4, 5), (4, 1, 4, 2)])
def test_paths_are_products_of_widths(widths):
    graph = cr.layered(*widths)
    for output in graph.outputs:
        total = sum(graph.count_paths(name, output) for name in graph.inputs)
        assert total == math.prod(widths[:-1])
    assert len(graph.outputs) == widths[-1]
    assert len(graph.dag) == sum(widths)
    assert len(graph.edges()) == sum(a * b for a, b in itertools.pairwise(widths))


def test_names():
    graph = cr.layered(1, 2, 3, 1)
    assert graph.topological_order("kahn") == ("x", "h1", "h2", "g1", "g2", "g3", "f")
    assert cr.layered(1, 1, 2).outputs == ("f1", "f2")
    assert len(cr.layered(*[1] * 16).dag) == 16


def test_sixteen_layers_of_many():
    graph = cr.layered(*[10] * 16)
    assert graph.count_paths("x1", "f1") == 10**14


@pytest.mark.parametrize("unit", [
    lambda at, *xs: cr.sin(sum(xs) + at),
    lambda at, *xs: math.prod(xs[1:], start=xs[0]) * (at + 1) + 0.5 * xs[at % len(xs)],
])  # fmt: skip
def test_units_compute(unit):
    graph = cr.layered(2, 3, 2, unit=unit)
    layer = [0.3, 0.8]
    for width in (3, 2):
        layer = [plain(unit, at, layer) for at in range(width)]
    assert graph.at(0.3, 0.8).value == pytest.approx(tuple(layer), rel=1e-14)
    assert graph.at(0.3, 0.8)["g2"].value == pytest.approx(plain(unit, 1, [0.3, 0.8]), rel=1e-14)


def plain(unit, at: int, layer: list[float]) -> float:
    xs = cr.inputs(" ".join(f"z{k}" for k in range(len(layer))))
    return cr.graph(unit(at, *xs), list(xs))(*layer)


def test_units_that_make_the_same_node():
    graph = cr.layered(2, 2, 1, unit=lambda at, *xs: sum(xs))
    assert graph(1, 2) == 6
    assert graph.dag.names[graph.dag.find("g1")] == ("g1", "g2")


@pytest.mark.parametrize(
    "widths", [(), (3,), (2, 0), (2, -1, 1), (2.5, 1), ("3", 1), [1] * 17, (True, 1)]
)
def test_what_is_no_layers(widths):
    with pytest.raises(GraphError, match=r"E234 .* needs from 2 to 16 widths from 1 to 1000"):
        cr.layered(*widths)


def test_a_unit_must_make_arrays():
    with pytest.raises(GraphError, match="E234 the unit must make an array"):
        cr.layered(2, 2, unit=lambda at, *xs: 3.0)


def test_abstract_layers_have_no_values():
    with pytest.raises(EvaluationError, match="E307"):
        cr.layered(2, 2, 1)(1, 2)
