"""Frames around named intermediates, open and collapsed, and drawings with too many boxes."""

from __future__ import annotations

import math
import re

import pytest

import chainrule as cr
from chainrule.draw.scene import Scene
from tests.draw.reading import boxes, curves, heading, labels, lines

# h owns sin, the square and the sum; f owns exp and the product.
RECORD = cr.parse("h = sin(x)^2 + 1; f = exp(h)*x").at(x=0.5)


def chain(length: int) -> cr.Record:
    """sin(sin(… x …)): a graph of this many nodes."""
    value = cr.input("x")
    for _ in range(length - 1):
        value = cr.sin(value)
    return cr.graph(value).at(x=1.0)


def summary(scene: Scene) -> list[int]:
    """The number that each summary box says."""
    rest = [box for box in scene.boxes if box.kind == "summary"]
    return [int(number) for box in rest for number in re.findall(r"\d+", box.texts[0].text)]


# --- frames -------------------------------------------------------------------------------------


def test_an_open_frame_is_around_what_only_its_name_needs():
    scene = RECORD.draw(groups="open").scene
    names = {box.key: heading(box) for box in scene.boxes}
    frames = {
        group.text.text: sorted(names[key] for key in group.members) for group in scene.groups
    }
    assert frames == {"h": ["1", "h", "sin", "□^2"], "f": ["exp", "f"]}


def test_boxes_stand_in_their_frame_and_in_no_other():
    scene = RECORD.draw(groups="open").scene
    for group in scene.groups:
        for box in scene.boxes:
            left, right = box.x - box.width / 2, box.x + box.width / 2
            top, bottom = box.y - box.height / 2, box.y + box.height / 2
            within = left >= group.x and right <= group.x + group.width
            within = within and top >= group.y and bottom <= group.y + group.height
            apart = right <= group.x or left >= group.x + group.width
            apart = apart or bottom <= group.y or top >= group.y + group.height
            assert (within, apart) == ((True, False) if box.key in group.members else (False, True))


def test_without_groups_there_is_no_frame():
    assert RECORD.draw(groups="none").scene.groups == ()
    assert RECORD.draw(groups="auto").scene == RECORD.draw(groups="none").scene


def test_a_collapsed_frame_is_one_box():
    scene = RECORD.draw(groups="collapsed").scene
    assert scene.groups == ()
    assert list(boxes(scene)) == ["x", "h", "exp", "f"]
    # sin(1/2)² + 1 = 1.2298…
    assert lines(boxes(scene)["h"])[:3] == [
        ("symbol", "h"),
        ("note", "3 operations"),
        ("value", "1.23"),
    ]
    assert set(curves(scene)) == {("x", "h"), ("h", "exp"), ("exp", "f"), ("x", "f")}


def test_the_derivative_through_a_collapsed_box_stands_on_its_edge():
    # d(sin² x + 1)/dx = 2·sin x·cos x = sin 2x.
    found = labels(RECORD.draw(groups="collapsed", digits=6).scene)
    assert math.isclose(float(found["x", "h"]), math.sin(1), abs_tol=1e-6)


def test_through_a_collapsed_box_the_other_operands_are_held():
    # h = x·g + 5 with g = 2x: ∂h/∂x with g held is g = 6, not 4x = 12.
    record = cr.parse("g = 2*x; h = x*g + 5; f = g + h").at(x=3)
    found = labels(record.draw(groups="collapsed").scene)
    assert found["x", "h"] == "6"
    assert found["g", "h"] == "3"


def test_adjoints_flow_back_out_of_a_collapsed_box():
    scene = RECORD.draw(groups="collapsed", arrows="backward").scene
    assert {curve.flow for curve in scene.curves} == {"backward"}


def test_what_flows_through_a_collapsed_box_adds_up_to_the_adjoints():
    found = labels(RECORD.draw(groups="collapsed", edges="contribution", digits=6).scene)
    shares = [float(text) for (start, _), text in found.items() if start == "x"]
    assert math.isclose(sum(shares), RECORD.gradient["x"], abs_tol=1e-5)


def test_through_a_branch_that_is_not_taken_a_collapsed_box_adds_nothing():
    record = cr.parse("h = where(x > 0, 3*sqrt(x), x) + 1; f = 2*h").at(x=0)
    found = labels(record.draw(groups="collapsed", arrows="both").scene)
    assert found == {("x", "h"): "1", ("h", "x"): "+2", ("h", "f"): "2", ("f", "h"): "+2"}


def test_a_cone_inside_a_collapsed_box_is_the_box():
    record = cr.parse("h = sin(x)*y + 1; f = exp(h)*y").at(x=0.5, y=2)
    scene = record.draw(groups="collapsed", cone="v1").scene
    assert {name for name, box in boxes(scene).items() if not box.faded} == {"x", "h"}
    assert {ends for ends, curve in curves(scene).items() if curve.strong} == {("x", "h")}


def test_a_path_leads_through_a_collapsed_box():
    scene = RECORD.draw(groups="collapsed", wrt="x", path=2).scene
    strong = {ends for ends, curve in curves(scene).items() if curve.strong}
    assert strong == {("x", "h"), ("h", "exp"), ("exp", "f")}


def test_edges_into_a_collapsed_box_have_heat():
    scene = RECORD.draw(groups="collapsed", heat="local").scene
    assert None not in {curve.heat for curve in scene.curves}


# --- too many boxes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "most", "rest"),
    [(200, {}, []), (201, {}, [1]), (260, {}, [60]), (30, {"most": 10}, [20])],
)
def test_boxes_far_from_the_output_become_one(nodes, most, rest):
    scene = chain(nodes).draw(**most).scene
    assert summary(scene) == rest
    assert len(scene.boxes) == nodes - sum(rest) + len(rest)
    assert scene.boxes[-1].is_output
    starts = {curve.source for curve in scene.curves}
    assert starts == {box.key for box in scene.boxes[:-1]}


def test_with_room_for_all_nothing_is_left_out():
    scene = chain(220).draw(most=220).scene
    assert len(scene.boxes) == 220
    assert summary(scene) == []


@pytest.mark.parametrize("style", ["values", "operators"])
def test_there_are_never_more_boxes_than_asked_for(style):
    steps = "; ".join(f"a{at + 1} = a{at}*2 + {at}" for at in range(40))
    record = cr.parse(steps).at(a0=1)
    scene = record.draw(groups="none", most=20, style=style).scene
    assert len([box for box in scene.boxes if box.kind != "summary"]) <= 20


def test_a_large_graph_starts_with_its_groups_collapsed():
    # Eleven named steps of six operations each: 66 computations and x.
    def step(at: int) -> str:
        return f"a{at + 1} = sin(cos(exp(-sin(cos(a{at})))))"

    record = cr.parse("; ".join(map(step, range(11)))).at(a0=1)
    scene = record.draw(most=40).scene
    assert [heading(box) for box in scene.boxes[:3]] == ["a0", "a1", "a2"]
    assert lines(scene.boxes[1])[1] == ("note", "6 operations")
    # The output is drawn open: its six operations, after x and ten boxes.
    assert len(scene.boxes) == 1 + 10 + 6
    assert summary(scene) == []
    assert len(record.draw(most=67).scene.boxes) == 67
    assert len(record.draw(most=40, groups="none").scene.boxes) == 41


def test_of_many_outputs_some_are_left_out():
    inputs = cr.inputs(" ".join(f"x{at}" for at in range(30)))
    scene = cr.graph([value + 1 for value in inputs]).draw(most=9).scene
    assert len([box for box in scene.boxes if box.kind != "summary"]) == 9
    (rest,) = [box for box in scene.boxes if box.kind == "summary"]
    # Nine boxes are four outputs, each with its constant, and one input.
    assert rest.texts[0].text == "… 55 more nodes"


def test_adjoints_flow_back_to_what_is_left_out():
    scene = chain(30).draw(most=10, arrows="backward").scene
    assert {curve.flow for curve in scene.curves} == {"backward"}
    assert [curve.source for curve in scene.curves if curve.target == scene.boxes[0].key]


def test_one_node_that_is_left_out_is_one_node():
    (rest, *_) = chain(11).draw(most=10).scene.boxes
    assert rest.texts[0].text == "… 1 more node"
