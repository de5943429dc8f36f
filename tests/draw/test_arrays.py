"""Drawings of graphs of arrays: shapes, summaries, rules on edges, frames around calls."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.draw.groups import closable, groups_of
from chainrule.draw.scene import Scene
from chainrule.errors import DrawingError
from tests.draw import traced
from tests.draw.reading import boxes, curves, heading, labels, lines
from tests.draw.test_geometry import overlap, problems
from tests.draw.test_golden_scenes import readable
from tests.draw.traced import PROGRAMS, graph_of, numbers, record_of

NETWORK = record_of("network")
X, Y, W1, B1, W2, B2 = PROGRAMS["network"][1]


def number(value: float) -> str:
    """Three significant digits, as drawings write them."""
    return f"{value:.3g}"


def summary(array) -> str:
    ends = f"{number(array.min())} … {number(array.max())}"
    return f"{ends}, ‖{number(np.linalg.norm(array))}‖"


# --- boxes ----------------------------------------------------------------------------------------


def test_a_box_has_the_shape_and_the_summary_of_its_array():
    hidden = np.tanh(X @ W1 + B1)
    out = np.tanh(hidden @ W2 + B2)
    adjoint = (out - Y) / 2 * (1 - out**2) @ W2.T  # of the mean of (out − y)² over 4 elements
    scene = NETWORK.draw(groups="none").scene
    (box,) = [box for box in scene.boxes if heading(box) == "hidden"]
    assert lines(box) == [
        ("name", "hidden"),
        ("symbol", "tanh"),
        ("note", "2×4"),
        ("value", summary(hidden)),
        ("adjoint", f"∂ {summary(adjoint)}"),
    ]


def test_short_arrays_are_in_full():
    record = cr.trace(lambda x: np.sum(x * np.array([1.0, 2, 4])))(np.zeros(3)).at([0.5, 0, -3])
    assert lines(boxes(record.draw().scene)["x"]) == [
        ("symbol", "x"),
        ("note", "length 3"),
        ("value", "[0.5, 0, -3]"),
        ("adjoint", "∂ [1, 2, 4]"),
    ]


def test_without_numbers_there_are_shapes():
    scene = graph_of("network").draw(groups="none").scene
    assert ("note", "3×4") in lines(scene.boxes[1])
    assert {text.role for box in scene.boxes for text in box.texts} == {"name", "symbol", "note"}


def test_types_take_the_place_of_shapes():
    scene = NETWORK.draw(nodes="symbol shape type").scene
    assert lines(scene.boxes[0]) == [("symbol", "x"), ("note", "float64[2, 3]")]


def test_an_array_that_one_number_fills_is_that_number():
    record = cr.trace(lambda x: np.sum(np.maximum(x, 0) * 0.5))(np.ones((2, 3))).at(np.ones((2, 3)))
    scene = record.draw().scene
    constants = [lines(box) for box in scene.boxes if box.kind == "constant"]
    assert constants == [[("symbol", "0")], [("symbol", "0.5")]]
    assert ("value", "all 1") in lines(boxes(scene)["x"])
    assert ("adjoint", "∂ all 0.5") in lines(boxes(scene)["x"])


def test_the_share_of_nan_is_written():
    record = cr.trace(np.sqrt)(np.zeros(8)).at([1, 4, -1, 9, -1, 1, 1, 1])
    (box,) = [box for box in record.draw().scene.boxes if box.kind == "computation"]
    assert [text.text for text in box.texts if text.role == "missing"] == ["NaN 25%"]
    assert ("value", f"1 … 3, ‖{number(np.sqrt(1 + 4 + 9 + 3))}‖") in lines(box)
    assert "NaN 25%" in box.title


def test_a_title_says_what_an_array_holds_and_where_it_was_made():
    scene = NETWORK.draw().scene
    (box,) = [box for box in scene.boxes if heading(box) == "hidden"]
    line = traced.layer.__code__.co_firstlineno + 1
    assert re.match(r"hidden = tanh\(v3\), 2×4: min -0\.\d+, max 0\.\d+, norm \d\.\d+; ", box.title)
    assert box.title.endswith(f"; traced.py:{line} in layer")


def test_zeros_are_counted_in_titles():
    record = cr.trace(lambda x: np.sum(np.maximum(x, 0)))(numbers(10)).at(numbers(10))
    box = boxes(record.draw().scene)["maximum"]
    assert f"zeros {100 * np.mean(numbers(10) <= 0):.0f}%" in box.title


# --- edges ----------------------------------------------------------------------------------------


def test_an_edge_has_its_rule_and_the_norm_of_its_contribution():
    found = labels(NETWORK.draw(groups="collapsed").scene)
    out = np.tanh(np.tanh(X @ W1 + B1) @ W2 + B2)
    assert found["out", "-"] == f"sum rule ‖{number(np.linalg.norm((out - Y) / 2))}‖"
    assert found["□^2", "Σ"] == f"sum rule ‖{number(np.linalg.norm(np.full((2, 2), 0.25)))}‖"
    assert found["Σ", "f"] == "0.25"


def test_contributions_are_norms():
    record = cr.trace(lambda x: np.sum(x**2) + 3 * np.max(x))(np.ones(2)).at([1.0, 2.0])
    found = labels(record.draw(edges="contribution").scene)
    assert found["x", "□^2"] == f"‖{number(np.hypot(2, 4))}‖"
    assert found["x", "max"] == "‖3‖"
    assert found["max", "×"] == "+3"


def test_formulas_of_pointwise_operations_and_rules_of_others():
    found = {
        " ".join(text.text for text in curve.texts)
        for curve in NETWORK.draw(edges="formula").scene.curves
    }
    assert {"product rule", "copies add up", "1 - hidden^2", "2*v7", "-1", "0.25"} <= found


def test_adjoints_flow_back_with_their_norms():
    scene = NETWORK.draw(arrows="both", groups="none").scene
    back = [curve for curve in scene.curves if curve.flow == "backward"]
    assert len(back) == len([c for c in scene.curves if c.flow == "forward"]) - 1  # not to 4
    assert all(curve.texts[0].role == "contribution" for curve in back)


# --- heat and views -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["value", "adjoint", "contribution", "saved", "cost"])
def test_heat_goes_by_norms(kind):
    drawing = NETWORK.draw(heat=kind, groups="none")
    hot = [item.heat for item in (*drawing.scene.boxes, *drawing.scene.curves)]
    assert max(heat for heat in hot if heat is not None) == 1.0
    if kind == "value":
        found = {heading(box): box.heat for box in drawing.scene.boxes}
        record = record_of("network")
        labels = [label for label in record.dag.labels.values() if label != "4"]
        largest = max(np.linalg.norm(record[label].value) for label in labels)
        assert found["x"] == pytest.approx(np.linalg.norm(X) / largest)


@pytest.mark.parametrize(
    "options",
    [
        {"view": "paths", "wrt": "x"},
        {"view": "derivative", "wrt": "x"},
        {"path": 1, "wrt": "x"},
        {"heat": "local"},
    ],
)
def test_what_needs_scalars_says_so(options):
    with pytest.raises(DrawingError, match=r"E251 .* is for graphs of scalars; graph\.expand"):
        NETWORK.draw(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"view": "tree"},
        {"view": "graph+tree"},
        {"style": "operators"},
        {"cone": "hidden"},
        {"up_to": "backward 3"},
        {"theme": "print", "edges": "contribution", "arrows": "backward"},
    ],
)
def test_every_form_of_every_view(options):
    drawing = NETWORK.draw(**options)
    assert drawing.svg().startswith("<svg")
    for form in (drawing.dot, drawing.mermaid, drawing.tikz, drawing.json, drawing.text):
        assert "LinearMap" not in form()


def test_tangents_of_arrays():
    record = cr.trace(lambda t, x: np.sum(t * x))(2.0, np.ones(3)).at(2.0, [1.0, 2.0, 3.0])
    found = boxes(record.draw(nodes="symbol tangent", wrt="t").scene)
    assert ("tangent", "d [1, 2, 3]") in lines(found["×"])


# --- calls ----------------------------------------------------------------------------------------


def frames(scene: Scene) -> dict[str, int]:
    return {group.text.text: len(group.members) for group in scene.groups}


def test_calls_have_frames():
    # Each layer: product, broadcast, sum, tanh.
    assert frames(NETWORK.draw().scene) == {"layer": 4, "layer_2": 4}
    assert frames(graph_of("network").draw(groups="open").scene) == {"layer": 4, "layer_2": 4}
    assert NETWORK.draw(groups="none").scene.groups == ()


def test_collapsed_calls_are_boxes_with_the_numbers_of_their_results():
    scene = NETWORK.draw(groups="collapsed").scene
    box = boxes(scene)["hidden"]
    hidden = np.tanh(X @ W1 + B1)
    assert lines(box)[:4] == [
        ("name", "hidden"),
        ("symbol", "layer"),
        ("note", "4 operations"),
        ("note", "2×4"),
    ]
    assert ("value", summary(hidden)) in lines(box)
    into = {ends for ends in curves(scene) if ends[1] == "out"}
    assert into == {("hidden", "out"), ("w2", "out"), ("b2", "out")}
    gradient = np.linalg.norm(NETWORK.gradient["w2"])
    assert labels(scene)["w2", "out"] == f"‖{number(gradient)}‖"


def test_calls_in_calls_have_frames_in_frames():
    scene = record_of("nested").draw(groups="open", most=100).scene
    outer = [group for group in scene.groups if group.text.text.startswith("block")]
    inner = [group for group in scene.groups if group.text.text.startswith("norm")]
    assert (len(outer), len(inner)) == (2, 4)
    for group in inner:
        (around,) = [g for g in outer if set(group.members) <= set(g.members)]
        assert around.x < group.x
        assert around.y < group.y
        assert group.x + group.width < around.x + around.width
        assert group.y + group.height < around.y + around.height
    rectangles = [(g.x, g.y, g.x + g.width, g.y + g.height) for g in inner]
    pairs = [(a, b) for at, a in enumerate(rectangles) for b in rectangles[:at]]
    assert not any(overlap(a, b) for a, b in pairs)


def test_a_large_graph_starts_with_its_inner_calls_collapsed():
    scene = record_of("nested").draw().scene
    assert set(frames(scene)) == {"block", "block_2"}
    assert sum(heading(box).startswith("norm") for box in scene.boxes) == 4
    collapsed = record_of("nested").draw(groups="collapsed").scene
    assert [heading(box) for box in collapsed.boxes if box.kind == "computation"] == [
        "block",
        "block_2",
        "□^2",
        "f",
    ]


def test_a_call_with_several_results_shows_no_number():
    def both(x):
        s = np.sin(x)
        return s, s * np.cos(x)

    def whole(x):
        a, b = both(x)
        return np.sum(a + 2 * b)

    record = cr.trace(whole)(numbers(3)).at(numbers(3))
    scene = record.draw(groups="collapsed").scene
    box = boxes(scene)["both"]
    assert lines(box) == [("symbol", "both"), ("note", "3 operations")]
    assert box.title.startswith("both, 3 operations in one box: a = sin(x), 3: min ")
    assert "; b = a*v1, 3: min " in box.title
    assert sum(curve.source == box.key for curve in scene.curves) == 2


def test_a_call_that_is_the_output_is_marked_as_such():
    def inner(x):
        return np.sum(np.sin(x))

    record = cr.trace(lambda x: inner(2 * x))(numbers(3)).at(numbers(3))
    scene = record.draw(groups="collapsed").scene
    assert [box.is_output for box in scene.boxes].count(True) == 1


def test_calls_that_lie_within_each_other_are_no_boxes():
    # A generator goes on after its first value was used: neither part can be one box.
    def parts(x):
        s = np.sin(x)
        y = yield s
        yield np.cos(y) * s

    def whole(x):
        running = parts(x)
        return np.sum(running.send(np.exp(next(running))))

    graph = cr.trace(whole)(numbers(3))
    assert [group.text for group in groups_of(graph.dag)] == ["parts"]
    assert closable(graph.dag, groups_of(graph.dag)) == []
    assert len(graph.at(numbers(3)).draw(groups="collapsed").scene.boxes) == len(graph.dag)


# --- geometry, speed, golden ----------------------------------------------------------------------


@pytest.mark.parametrize("groups", ["auto", "collapsed"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_in_the_way(name, groups):
    assert problems(record_of(name).draw(groups=groups).scene) == []


def test_drawings_of_large_arrays_are_small():
    arguments = (
        numbers(16, 784),
        numbers(16, 10),
        numbers(784, 128) / 30,
        np.zeros(128),
        numbers(128, 10),
        np.zeros(10),
    )
    record = cr.trace(traced.network)(*arguments).at(*arguments)
    drawing = record.draw()
    assert len(drawing.json()) < 100_000
    assert len(drawing.svg()) < 200_000


def test_the_scene_is_as_reviewed(golden):
    golden("scenes/network-of-arrays.json", readable(NETWORK.draw(groups="collapsed").scene))


def test_calls_in_the_graph_of_a_gradient():
    graph = graph_of("network").gradient(["w1"])
    layers = {group.text: group for group in groups_of(graph.dag)}
    assert list(layers) == ["layer", "layer_2"]
    # The derivatives need what the layers compute, and belong to none of them.
    assert len(layers["layer"].nodes) == 4  # a product, a bias along the rows, a sum, tanh
    assert len(graph.draw(groups="collapsed").scene.boxes) < len(graph.dag)


def test_a_constant_array_has_its_range():
    table = np.arange(12.0).reshape(3, 4)
    record = cr.trace(lambda x: np.sum(x * table))(table).at(table)
    (box,) = [box for box in record.draw().scene.boxes if box.kind == "constant"]
    assert lines(box)[1] == ("note", "3×4")
    assert lines(box)[0][1].startswith("0 … 11, ‖22.49")
