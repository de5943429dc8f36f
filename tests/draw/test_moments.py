"""A drawing up to a step shows what is known then, and a dash for everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

import chainrule as cr
from chainrule.draw.scene import Scene
from tests.draw.reading import boxes, curves, labels, written

# The loss of the fourth text, at w = 1/2, b = 1/4, x = 2, y = 3.
LOSS = cr.parse("p = w*x; q = p + b; r = y - q; f = r^2", parameters="w b").at(
    w=0.5, b=0.25, x=2, y=3
)
FORWARD = [("w", "0.5"), ("x", "2"), ("b", "0.25"), ("y", "3"), ("p", "1"), ("q", "1.25")]
FORWARD += [("r", "1.75"), ("f", "3.06")]
"""Node and value: the arguments as the formula has them, then the computations."""
BACKWARD = [("f", "∂ 1"), ("r", "∂ 3.5"), ("q", "∂ -3.5"), ("p", "∂ -3.5"), ("w", "∂ -7")]
BACKWARD += [("x", "∂ -1.75"), ("b", "∂ -3.5"), ("y", "∂ 3.5")]
"""Node and adjoint: the computations from the output on, then the arguments."""
LOCALS = {
    ("w", "p"): "2",
    ("x", "p"): "0.5",
    ("p", "q"): "1",
    ("b", "q"): "1",
    ("y", "r"): "1",
    ("q", "r"): "-1",
    ("r", "f"): "3.5",
}
SHARES = {
    ("f", "r"): "+3.5",
    ("r", "q"): "-3.5",
    ("r", "y"): "+3.5",
    ("q", "p"): "-3.5",
    ("q", "b"): "-3.5",
    ("p", "w"): "-7",
    ("p", "x"): "-1.75",
}


def known(scene: Scene, role: str) -> dict[str, str]:
    return {name: text for name, text in written(scene, role).items() if not text.endswith("–")}


def states(items) -> dict[str, list]:
    found: dict[str, list] = {"waiting": [], "current": [], "": []}
    for name, item in items.items():
        found[item.state].append(name)
    return found


@pytest.mark.parametrize("step", range(len(FORWARD) + 1))
def test_steps_of_the_forward_pass(step):
    scene = LOSS.draw(up_to=f"forward {step}").scene
    assert known(scene, "value") == dict(FORWARD[:step])
    assert known(scene, "adjoint") == {}
    names = [name for name, _ in FORWARD]
    found = states(boxes(scene))
    assert found["current"] == names[step - 1 : step] * (step > 0)
    assert sorted(found["waiting"]) == sorted(names[step:])
    reached = set(names[:step])
    expected = {ends: text if ends[1] in reached else "–" for ends, text in LOCALS.items()}
    assert labels(scene) == expected
    assert {ends[1] for ends, curve in curves(scene).items() if curve.state == "waiting"} == {
        "p",
        "q",
        "r",
        "f",
    } - reached


@pytest.mark.parametrize("step", range(len(BACKWARD) + 1))
def test_steps_of_the_backward_pass(step):
    scene = LOSS.draw(up_to=("backward", step), arrows="both").scene
    assert known(scene, "value") == dict(FORWARD)
    assert known(scene, "adjoint") == dict(BACKWARD[:step])
    reached = {name for name, _ in BACKWARD[:step]}
    shares = {ends: text if ends[1] in reached else "–" for ends, text in SHARES.items()}
    assert labels(scene) == {**LOCALS, **shares}
    current = states(boxes(scene))["current"]
    assert current == [name for name, _ in BACKWARD[step - 1 : step] * (step > 0)]
    assert states(curves(scene))["current"] == [ends for ends in SHARES if ends[1] in current]


def test_the_last_step_shows_all():
    scene = LOSS.draw(up_to="backward 8").scene
    final = LOSS.draw().scene
    assert [box.texts for box in scene.boxes] == [box.texts for box in final.boxes]
    assert [curve.texts for curve in scene.curves] == [curve.texts for curve in final.curves]
    assert final.steps == (len(FORWARD), len(BACKWARD))


@pytest.mark.parametrize("moment", ["forward 0", "forward 4", "backward 3"])
@pytest.mark.parametrize("look", [{}, {"style": "operators"}, {"arrows": "both"}])
def test_nothing_moves(moment, look):
    def places(scene: Scene) -> list:
        return [
            *(replace(box, texts=(), state="", title="") for box in scene.boxes),
            *(replace(curve, texts=(), state="", title="") for curve in scene.curves),
            *((text.x, text.y, text.width, text.height) for text in scene.texts()),
        ]

    assert places(LOSS.draw(up_to=moment, **look).scene) == places(LOSS.draw(**look).scene)


def test_a_value_that_is_not_known_is_a_dash_and_never_zero():
    scene = cr.parse("x*y").at(x=0, y=0).draw(up_to="forward 0").scene
    numbers = [text for box in scene.boxes for text in box.texts if text.role != "symbol"]
    assert {text.text.removeprefix("∂ ") for text in numbers} == {"f", "–"}


def test_operator_and_result_come_together():
    scene = LOSS.draw(style="operators", up_to="forward 5").scene
    assert set(states(boxes(scene))["current"]) == {"×", "p"}


def test_an_unnamed_constant_is_there_from_the_start():
    scene = cr.parse("x + 2").at(x=1).draw(up_to="forward 0").scene
    assert states(boxes(scene)) == {"waiting": ["x", "f"], "current": [], "": ["2"]}


def test_titles_tell_no_more_than_the_drawing():
    scene = LOSS.draw(up_to="forward 0").scene
    told = " ".join(item.title for item in (*scene.boxes, *scene.curves))
    assert "3.0625" not in told
    assert "-1.75" not in told


def test_titles_tell_what_is_known():
    scene = LOSS.draw(up_to="backward 2", arrows="both").scene
    titles = {name: box.title for name, box in boxes(scene).items()}
    assert titles["r"] == "r = y - q = 1.75; ∂f/∂r = 3.5"
    assert titles["q"] == "q = p + b = 1.25"
    shares = {ends: curve.title for ends, curve in curves(scene).items()}
    assert shares["f", "r"] == "r receives 3.5 from f"
    assert shares["r", "q"] == "q receives adjoint(r) · ∂r/∂q"


def test_heat_tells_no_more_than_the_drawing():
    final = {name: box.heat for name, box in boxes(LOSS.draw(heat="value").scene).items()}
    scene = LOSS.draw(heat="value", up_to="forward 4").scene
    now = {name: box.heat for name, box in boxes(scene).items()}
    assert now == {name: final[name] if name in "wxby" else 0 for name in final}
    assert {curve.heat for curve in LOSS.draw(heat="local", up_to="forward 0").scene.curves} == {0}


def test_tangents_come_with_the_values():
    look = {"nodes": "symbol name tangent", "wrt": "w"}
    assert known(LOSS.draw(up_to="forward 4", **look).scene, "tangent") == {"w": "d 1"}
    assert known(LOSS.draw(up_to="forward 5", **look).scene, "tangent") == {"w": "d 1", "p": "d 2"}


def test_the_tree_beside_the_graph_is_at_the_same_step():
    scene = LOSS.draw(view="graph+tree", up_to="forward 0").scene
    assert {text.text for box in scene.boxes for text in box.texts if text.role == "value"} == {"–"}


def test_a_tree_has_steps():
    assert LOSS.draw(view="tree", up_to="forward 1").scene.steps == (8, 8)
