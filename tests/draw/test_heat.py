"""Heat: the hottest is the largest, the others are its shares."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from tests.draw.reading import boxes, curves, heading
from tests.draw.scenes import seed_record

SHARED = cr.parse("a = x + y; f = a * x").at(x=3, y=2)


def node_heat(record: cr.Record, kind: str, **look) -> dict[str, float]:
    scene = record.draw(heat=kind, **look).scene
    assert {curve.heat for curve in scene.curves} == {None}
    return {name: box.heat for name, box in boxes(scene).items()}


def edge_heat(record: cr.Record, kind: str, **look) -> dict[tuple[str, str], float]:
    scene = record.draw(heat=kind, **look).scene
    assert {box.heat for box in scene.boxes} == {None}
    return {ends: curve.heat for ends, curve in curves(scene).items()}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("value", {"x": 3 / 15, "y": 2 / 15, "a": 5 / 15, "f": 1}),
        ("adjoint", {"x": 1, "y": 3 / 8, "a": 3 / 8, "f": 1 / 8}),
        ("tangent", {"x": 1 / 8, "y": 0, "a": 1 / 8, "f": 1}),
        # The product needs both its operands again, eight bytes each; the sum needs nothing.
        ("saved", {"x": 1, "y": 0, "a": 1, "f": 0}),
    ],
)
def test_heat_of_nodes(kind, expected):
    assert node_heat(SHARED, kind, wrt="x") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("local", {("x", "a"): 1 / 5, ("y", "a"): 1 / 5, ("a", "f"): 3 / 5, ("x", "f"): 1}),
        ("contribution", {("x", "a"): 0.6, ("y", "a"): 0.6, ("a", "f"): 0.6, ("x", "f"): 1}),
    ],
)
def test_heat_of_edges(kind, expected):
    assert edge_heat(SHARED, kind) == pytest.approx(expected)


def test_the_sign_does_not_matter():
    record = cr.parse("a = x*p; b = x*q; f = a + b").at(x=1, p=2, q=-7)
    assert node_heat(record, "value") == pytest.approx(
        {"x": 1 / 7, "p": 2 / 7, "a": 2 / 7, "q": 1, "b": 1, "f": 5 / 7}
    )


def test_dear_operations_are_hotter_than_cheap_ones_and_leaves_cost_nothing():
    found = node_heat(cr.parse("a = x + y; f = tanh(a)").at(x=1, y=2), "cost")
    assert found["x"] == found["y"] == 0
    assert 0 < found["a"] < found["f"] == 1


def test_without_heat_nothing_has_it():
    scene = SHARED.draw().scene
    assert {item.heat for item in (*scene.boxes, *scene.curves)} == {None}
    assert SHARED.draw(heat="").scene == SHARED.draw(heat=None).scene == scene


@pytest.mark.parametrize("kind", ["saved", "cost"])
def test_what_needs_no_numbers_has_heat_without_them(kind):
    graph = cr.parse("a = x + y; f = a * x")
    without = {heading(box): box.heat for box in graph.draw(heat=kind).scene.boxes}
    assert without == node_heat(SHARED, kind)


def test_the_adjoints_of_the_arguments_of_the_texts(seed):
    scene = seed_record(seed).draw(heat="adjoint").scene
    arguments = {
        heading(box): box.heat for box in scene.boxes if box.kind in ("input", "parameter")
    }
    gradient = {name: abs(value) for name, value in seed["gradient"].items()}
    assert arguments.keys() == gradient.keys()
    # Hotter in the same proportion; what is hottest of all may be a computation.
    hottest = max(arguments.values())
    largest = max(gradient.values())
    for name, value in gradient.items():
        assert arguments[name] * largest == pytest.approx(value * hottest, abs=1e-12)
    assert max(box.heat for box in scene.boxes if box.heat is not None) == 1


def test_the_values_of_a_neuron():
    rng = np.random.default_rng(3)
    w, x, b = rng.normal(size=3)
    found = node_heat(cr.parse("p = w*x; s = p + b; f = tanh(s)").at(w=w, x=x, b=b), "value")
    values = np.abs([w, x, b, w * x, w * x + b, np.tanh(w * x + b)])
    expected = dict(zip(["w", "x", "b", "p", "s", "f"], values / values.max(), strict=True))
    assert found == pytest.approx(expected)


def test_zeros_are_cold():
    assert set(node_heat(cr.parse("a = x*y; f = sin(a)").at(x=0, y=0), "value").values()) == {0}


def test_what_is_not_finite_is_hottest_and_measures_nothing():
    found = node_heat(cr.parse("a = x*4; f = y/z; g = a + f").at(x=2, y=1, z=0), "value")
    # 1/0 is infinite; of the rest 8 is the largest.
    assert (found["f"], found["g"], found["a"], found["x"]) == (1, 1, 1, 0.25)


def test_of_many_points_the_largest_counts():
    record = cr.parse("a = x + y; f = a * x").at(x=[3.0, -4.0], y=2)
    # a = 5 and −2, f = 15 and 8.
    assert node_heat(record, "value") == pytest.approx(
        {"x": 4 / 15, "y": 2 / 15, "a": 5 / 15, "f": 1}
    )


@pytest.mark.parametrize("kind", ["adjoint", "tangent"])
def test_heat_of_derivatives_at_many_points(kind):
    record = cr.parse("a = x + y; f = a * x").at(x=[3.0, -4.0], y=2)
    # ∂f/∂x = 2x + y = 8 and −6, ∂f/∂a = x = 3 and −4; da/dx = 1.
    expected = {"adjoint": 4 / 8, "tangent": 1 / 8}
    assert node_heat(record, kind, wrt="x")["a"] == pytest.approx(expected[kind])


def test_the_hottest_box_has_the_hot_colour_and_the_coldest_the_cold_one():
    # Light theme: #f3f4f8 to #ff7a1a.
    svg = SHARED.draw(heat="tangent", wrt="x").svg()
    assert "#ff7a1a" in svg
    assert "#f3f4f8" in svg
    assert "#ff7a1a" not in SHARED.draw().svg()
