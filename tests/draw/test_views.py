"""The five views, the two styles and the two directions, and what a drawing points at."""

from __future__ import annotations

from collections import Counter

import pytest

import chainrule as cr
from tests.draw.reading import boxes, curves, heading, labels, lines, written
from tests.draw.scenes import seed_record

SHARED = cr.parse("a = x + y; f = a * x").at(x=3, y=2)


# --- directions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("direction", "axis"), [("right", "x"), ("down", "y")])
@pytest.mark.parametrize("arrows", ["forward", "backward"])
def test_every_edge_points_where_the_values_or_the_adjoints_go(seed, direction, axis, arrows):
    scene = seed_record(seed).draw(direction=direction, arrows=arrows).scene
    assert scene.direction == direction
    places = {box.key: getattr(box, axis) for box in scene.boxes}
    assert scene.curves
    for curve in scene.curves:
        step = places[curve.target] - places[curve.source]
        along = getattr(curve.points[-1], axis) - getattr(curve.points[0], axis)
        assert (step > 0, along > 0) == ((curve.flow == "forward"),) * 2


def test_without_an_option_values_flow_to_the_right():
    assert SHARED.draw().scene == SHARED.draw(direction="right").scene


# --- styles -----------------------------------------------------------------------------------


def test_nodes_as_values_are_one_box_each():
    scene = SHARED.draw(style="values").scene
    assert [(heading(box), box.kind, box.shape) for box in scene.boxes] == [
        ("x", "input", "circle"),
        ("y", "input", "circle"),
        ("a", "computation", "square"),
        ("f", "computation", "square"),
    ]
    assert set(curves(scene)) == {("x", "a"), ("y", "a"), ("a", "f"), ("x", "f")}


def test_parameters_and_constants_have_kinds_of_their_own():
    scene = cr.parse("w*x + 2", parameters="w").at(w=5, x=3).draw().scene
    assert {heading(box): (box.kind, box.shape) for box in scene.boxes} == {
        "w": ("parameter", "circle"),
        "x": ("input", "circle"),
        "2": ("constant", "circle"),
        "×": ("computation", "square"),
        "f": ("computation", "square"),
    }


def test_constants_that_are_outputs_are_drawn():
    (box,) = cr.parse("2").draw().scene.boxes
    assert (box.kind, box.is_output, heading(box)) == ("constant", True, "2")
    gradient = cr.parse("x + y").gradient().draw().scene
    assert sorted(box.kind for box in gradient.boxes) == [
        "computation",
        "constant",
        "input",
        "input",
    ]


def test_operators_stand_apart_from_round_results():
    scene = SHARED.draw(style="operators").scene
    assert {name: (box.kind, box.shape) for name, box in boxes(scene).items()} == {
        "x": ("input", "circle"),
        "y": ("input", "circle"),
        "+": ("operator", "square"),
        "a": ("result", "circle"),
        "×": ("operator", "square"),
        "f": ("result", "circle"),
    }
    assert set(curves(scene)) == {
        ("x", "+"),
        ("y", "+"),
        ("+", "a"),
        ("a", "×"),
        ("x", "×"),
        ("×", "f"),
    }
    assert written(scene, "value") == {"x": "3", "y": "2", "a": "5", "f": "15"}
    assert written(scene, "adjoint") == {"x": "∂ 8", "y": "∂ 3", "a": "∂ 3", "f": "∂ 1"}
    assert [name for name, box in boxes(scene).items() if box.is_output] == ["f"]


def test_every_computation_becomes_an_operator_and_a_result(seed):
    kinds = Counter(box.kind for box in seed_record(seed).draw(style="operators").scene.boxes)
    assert kinds["computation"] == 0
    assert kinds["operator"] == kinds["result"]
    if "computation_nodes" in seed:
        assert kinds["operator"] == seed["computation_nodes"]


def test_with_operators_apart_adjoints_flow_back_along_every_edge():
    scene = SHARED.draw(style="operators", arrows="backward").scene
    assert {curve.flow for curve in scene.curves} == {"backward"}


# --- the derivative graph -----------------------------------------------------------------------


def test_the_derivative_graph_in_numbers():
    # x = 2: a = 4 with da = 2x = 4; b = 6 with db = 3; df = b·da + a·db = 24 + 12.
    record = cr.parse("a = x^2; b = 3*x; f = a*b").at(x=2)
    scene = record.draw(view="derivative", wrt="x").scene
    assert {name: lines(box)[1:] for name, box in boxes(scene).items()} == {
        "dx/dx": [("tangent", "1")],
        "da/dx": [("tangent", "4")],
        "db/dx": [("tangent", "3")],
        "df/dx": [("tangent", "36")],
    }
    assert labels(scene) == {
        ("dx/dx", "da/dx"): "∂a/∂x = 4",
        ("dx/dx", "db/dx"): "∂b/∂x = 3",
        ("da/dx", "df/dx"): "∂f/∂a = 6",
        ("db/dx", "df/dx"): "∂f/∂b = 4",
    }
    assert [name for name, box in boxes(scene).items() if box.is_output] == ["df/dx"]


def test_the_derivative_graph_in_formulas():
    scene = cr.parse("a = x + y; f = a * x").draw(view="derivative", wrt="x").scene
    assert written(scene, "tangent")["dx/dx"] == "1"
    assert labels(scene)["dx/dx", "df/dx"] == "∂f/∂x = a"
    assert labels(scene)["da/dx", "df/dx"] == "∂f/∂a = x"


def test_the_derivative_graph_leaves_out_what_does_not_change():
    scene = SHARED.draw(view="derivative", wrt="y").scene
    # f = (x + y)·x changes by x = 3.
    assert written(scene, "tangent") == {"dy/dy": "1", "da/dy": "1", "df/dy": "3"}


def test_the_derivative_by_a_parameter_starts_at_a_parameter():
    record = cr.parse("w*x", parameters="w").at(w=5, x=3)
    first = record.draw(view="derivative", wrt="w").scene.boxes[0]
    assert first.kind == "parameter"


# --- paths ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "nodes", "edges"),
    [
        # The product along the direct edge is 5, that through the sum 1·3.
        (1, {"x", "f"}, {("x", "f")}),
        (2, {"x", "a", "f"}, {("x", "a"), ("a", "f")}),
    ],
)
def test_a_path_is_pointed_at(number, nodes, edges):
    scene = SHARED.draw(path=number, wrt="x").scene
    assert {name for name, box in boxes(scene).items() if not box.faded} == nodes
    assert {ends for ends, curve in curves(scene).items() if curve.strong} == edges
    assert {ends for ends, curve in curves(scene).items() if not curve.faded} == edges


def test_the_first_path_is_the_one_of_largest_magnitude_whatever_its_sign():
    record = cr.parse("a = x*p; b = x*q; f = a + b").at(x=1, p=2, q=-7)
    scene = record.draw(path=1, wrt="x").scene
    assert {name for name, box in boxes(scene).items() if not box.faded} == {"x", "b", "f"}


def test_without_a_path_nothing_stands_back():
    scene = SHARED.draw(wrt="x").scene
    assert not any(item.faded for item in (*scene.boxes, *scene.curves))
    assert not any(curve.strong for curve in scene.curves)


def test_the_path_view_draws_the_leaf_once_for_each_path(seed):
    record = seed_record(seed)
    for name, count in seed.get("path_count", {}).items():
        scene = record.draw(view="paths", wrt=name).scene
        leaves = [box for box in scene.boxes if heading(box) == name]
        assert len(leaves) == count
        notes = {text.text for box in leaves for text in box.texts if text.role == "note"}
        assert notes == {f"path {number}" for number in range(1, count + 1)}
        assert [box for box in scene.boxes if box.is_output] == [scene.boxes[-1]]


def test_the_products_along_the_paths_stand_below():
    def captions(wrt):
        scene = SHARED.draw(view="paths", wrt=wrt).scene
        return [text.text for text in scene.captions if text.role == "caption"]

    assert captions("x") == ["path 1: 1 · 3 = 3", "path 2: 5", "df/dx = 3 + 5 = 8"]
    assert captions("y") == ["path 1: 1 · 3 = 3", "df/dy = 3"]


def test_each_path_can_be_followed_alone():
    scene = cr.parse("a = x*x; b = a + x; f = a*b").at(x=2).draw(view="paths", wrt="x").scene
    users = Counter(curve.source for curve in scene.curves)
    assert set(users.values()) == {1}
    # Through a: 2 to f at once, 2 through b; and x → b → f.
    assert Counter(heading(box) for box in scene.boxes) == {"x": 5, "a": 2, "b": 1, "f": 1}
    # a = 4, b = 6: twice 2·6, twice 2·1·4, once 1·4.
    assert [text.text for text in scene.captions if text.role == "caption"] == [
        "path 1: 2 · 6 = 12",
        "path 2: 2 · 6 = 12",
        "path 3: 2 · 1 · 4 = 8",
        "path 4: 2 · 1 · 4 = 8",
        "path 5: 1 · 4 = 4",
        "df/dx = 12 + 12 + 8 + 8 + 4 = 44",
    ]


def test_where_there_is_no_path_the_derivative_is_zero():
    record = cr.parse("a = x + y; f = a * z").at(x=3, y=2, z=1)
    scene = record.draw(view="paths", wrt="z", of="a").scene
    assert scene.captions[0].text == "da/dz = 0: no path"


def test_a_path_along_a_branch_that_is_not_taken_carries_nothing():
    # At 0 the square root is not taken, and its local derivative there is infinite.
    record = cr.parse("where(x > 0, sqrt(x), x)").at(x=0)
    captions = record.draw(view="paths", wrt="x").scene.captions
    # Through the condition; through the root; and x itself.
    assert [text.text for text in captions if text.role == "caption"] == [
        "path 1: – · – = 0",
        "path 2: inf · – = 0",
        "path 3: 1",
        "df/dx = 0 + 0 + 1 = 1",
        "–: nothing flows along a branch that is not taken, or a condition",
    ]


def test_the_derivative_graph_says_when_there_is_no_path():
    graph = cr.parse("a = x + y; f = a * z")
    for subject in (graph, graph.at(x=3, y=2, z=1)):
        scene = subject.draw(view="derivative", wrt="z", of="a").scene
        assert scene.captions[0].text == "da/dz = 0: no path"


# --- cones ------------------------------------------------------------------------------------


def test_a_cone_is_what_a_node_depends_on():
    record = cr.parse("a = x + y; b = a*z; c = sin(y); f = b + c").at(x=1, y=2, z=3)
    scene = record.draw(cone="b").scene
    inside = {name for name, box in boxes(scene).items() if not box.faded}
    assert inside == {"x", "y", "z", "a", "b"}
    edges = {("x", "a"), ("y", "a"), ("a", "b"), ("z", "b")}
    assert {ends for ends, curve in curves(scene).items() if curve.strong} == edges
    assert {ends for ends, curve in curves(scene).items() if not curve.faded} == edges


def test_the_cone_of_a_leaf_is_the_leaf_and_that_of_the_output_is_everything():
    scene = SHARED.draw(cone="y").scene
    assert [name for name, box in boxes(scene).items() if not box.faded] == ["y"]
    assert all(curve.faded for curve in scene.curves)
    assert not any(box.faded for box in SHARED.draw(cone="f").scene.boxes)


# --- the syntax tree ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "in_tree", "in_graph"),
    [
        ("x*x", 3, 2),
        ("(x+y)*(x+1)", 7, 6),
        ("x^2+sin(x^2)", 6, 4),
        # A constant is drawn at each of its uses.
        ("(x-1)*(x+1)", 7, 6),
        ("a = x + x; b = a + a; c = b + b; c", 15, 4),
    ],
)
def test_the_tree_draws_shared_nodes_again(formula, in_tree, in_graph):
    graph = cr.parse(formula)
    scene = graph.draw(view="tree").scene
    assert len(scene.boxes) == in_tree
    assert len(scene.curves) == in_tree - 1
    assert set(Counter(curve.source for curve in scene.curves).values()) == {1}
    assert len(graph.draw().scene.boxes) == in_graph
    assert len(graph.draw(view="graph+tree").scene.boxes) == in_tree + in_graph


def test_the_tree_stands_to_the_right_of_the_graph():
    scene = SHARED.draw(view="graph+tree").scene
    graph, tree = scene.boxes[:4], scene.boxes[4:]
    assert len(tree) == 5
    assert max(box.x + box.width / 2 for box in graph) < min(box.x - box.width / 2 for box in tree)
    keys = [item.key for item in (*scene.boxes, *scene.curves)]
    assert len(set(keys)) == len(keys)
    sides = {box.key: box in graph for box in scene.boxes}
    assert all(sides[curve.source] == sides[curve.target] for curve in scene.curves)
