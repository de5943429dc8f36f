"""Drawings of loops, branches and calls: one box each, or a frame around what is inside."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.draw.drawing import Drawing

XS = np.array([1.0, 2.0, 3.0])


def network(w, start, xs):
    def step(h, x):
        new = np.tanh(w * h + x)
        y = new**2
        return new, y

    last, ys = cr.scan(step, start, xs)
    return np.sum(ys) + last


def root(a):
    return 3 * cr.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: (x + a / x) / 2, a)


def chosen(x):
    return cr.cond(x > 0, np.sin, lambda x: x**2, x)


def record(function, *values):
    return cr.trace(function)(*values).at(*values)


@pytest.fixture
def scan():
    return record(network, 0.5, 0.1, XS)


def texts(box):
    return [text.text for text in box.texts]


def written(drawing):
    return [texts(box) for box in drawing.scene.boxes]


def arrows(drawing):
    """Each arrow by the first and last line of its boxes' titles, with what stands on it."""
    titles = {box.key: box.title.split(" ")[0] for box in drawing.scene.boxes}
    return {
        (titles[c.source], titles[c.target]): [text.text for text in c.texts]
        for c in drawing.scene.curves
    }


def test_a_scan_is_one_box_with_what_is_read_of_its_results(scan):
    boxes = {box[0]: box for box in written(scan.draw())}
    assert "scan ×3" in boxes
    assert [line.split(":")[0] for line in boxes["scan ×3"][1:]] == ["ys", "ys", "last", "last"]
    assert len(boxes) == 6  # w, start, xs, the loop, the sum, the output
    names = [text for texts in arrows(scan.draw()).values() for text in texts]
    assert "all y" in names
    assert "last h" in names


def test_a_loop_with_a_condition_says_how_many_steps_it_made():
    steps, x = 0, 2.0
    while abs(x * x - 2.0) > 1e-12:
        x, steps = (x + 2.0 / x) / 2, steps + 1
    assert any(f"while ×{steps}" in box for box in written(record(root, 2.0).draw()))
    assert any("while" in box for box in written(cr.trace(root)(2.0).draw()))


def test_one_result_lends_its_numbers_to_the_box():
    (box,) = [box for box in written(record(root, 2.0).draw()) if "while ×5" in box]
    assert box == ["while ×5", "1.41", "∂ 3"]


@pytest.mark.parametrize(("x", "branch"), [(1.0, 0), (-1.0, 1)])
def test_a_branch_says_which_one_was_taken(x, branch):
    drawing = cr.trace(chosen)(1.0).at(x).draw()
    assert any(f"cond → branch {branch}" in box for box in written(drawing))


def test_an_open_scan_is_a_frame_with_the_numbers_of_one_step(scan):
    for step, h in enumerate([0.1, np.tanh(0.05 + 1), np.tanh(0.5 * np.tanh(1.05) + 2)], start=1):
        drawing = scan.draw(open="scan1", step=step)
        (frame,) = drawing.scene.groups
        assert frame.text.text == f"scan ×3, step {step}"
        (carried,) = [box for box in drawing.scene.boxes if texts(box)[0] == "h"]
        assert texts(carried)[1] == f"{h:.3g}"
        inner = [box for box in drawing.scene.boxes if box.key in frame.members]
        assert not any(box.is_output for box in inner)
        notes = [text for box in inner for text in texts(box)]
        assert "next h" in notes
        on = [text.text for curve in drawing.scene.curves for text in curve.texts]
        assert f"slice {step}" in on
        assert ("start" if step == 1 else f"after step {step - 1}") in on


def test_an_open_loop_without_steps_shows_where_it_would_start():
    grow = record(lambda x: cr.while_loop(lambda y: y < 1, lambda y: y * 2, x), 5.0)
    drawing = grow.draw(open="all")
    assert drawing.scene.groups[0].text.text == "while ×0, no step"
    assert "start" in [text.text for curve in drawing.scene.curves for text in curve.texts]


def test_results_of_an_open_loop_are_boxes_after_it(scan):
    found = [box for box in written(scan.draw(open="all")) if box[0] in ("ys", "last")]
    assert sorted(box[1] for box in found) == ["all y", "last h"]


def test_the_condition_stands_in_the_frame():
    drawing = record(root, 2.0).draw(open="all", step=5)
    (box,) = [box for box in written(drawing) if "goes on where true" in box]
    assert box[0] == ">"
    assert box[1] == "true"


def test_without_numbers_every_branch_is_a_frame():
    drawing = cr.trace(chosen)(1.0).draw(open="all")
    captions = [group.text.text for group in drawing.scene.groups]
    assert captions == []  # one operation each, which needs no frame
    graph = cr.trace(lambda x: cr.cond(x > 0, lambda x: np.sin(x) ** 2, lambda x: -(x**2), x))(1.0)
    captions = [group.text.text for group in graph.draw(open="all").scene.groups]
    assert captions == ["cond, branch 0", "cond, branch 1"]


def test_open_loops_in_loops_are_frames_in_frames():
    def outer(c, x):
        return cr.scan(lambda d, _: (np.sin(d * x), None), c, length=2)[0] * x, None

    drawing = record(lambda c, xs: cr.scan(outer, c, xs)[0], 1.0, XS).draw(open="all")
    assert [g.text.text for g in drawing.scene.groups] == ["scan ×3, step 1", "scan ×2, step 1"]
    first, second = drawing.scene.groups
    assert set(second.members) < set(first.members)


def test_adjoints_flow_through_the_frame(scan):
    drawing = scan.draw(open="all", arrows="both")
    inside = set(drawing.scene.groups[0].members)
    back = [c for c in drawing.scene.curves if c.flow == "backward"]
    assert any(c.source not in inside and c.target in inside for c in back)  # from the results
    assert any(c.source in inside and c.target not in inside for c in back)  # to the start


@pytest.mark.parametrize("view", [{}, {"open": "all"}, {"open": "all", "style": "operators"}])
@pytest.mark.parametrize("form", [form for form in Drawing.forms if form != ".pdf"])
def test_every_form_writes_loops(scan, tmp_path, view, form):
    path = tmp_path / f"drawing{form}"
    scan.save(path, **view)
    assert path.stat().st_size > 50


def test_the_gradient_has_a_box_for_the_loop_backward():
    graph = cr.trace(network)(0.5, 0.1, XS).gradient()
    drawing = graph.at(0.5, 0.1, XS).draw()
    loops = [box for box in drawing.scene.boxes if texts(box)[0] == "scan ×3"]
    assert [box.is_output for box in loops] == [False, True]


def test_heat_is_that_of_the_largest_result(scan):
    boxes = {texts(box)[0]: box.heat for box in scan.draw(heat="value").scene.boxes}
    assert boxes["xs"] == 1.0  # its norm is the largest
    assert boxes["start"] < boxes["scan ×3"] < 1.0


def test_values_that_a_step_never_reads_are_not_drawn():
    def f(a):
        return cr.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, a * 2, s[1]), (0, a, a))[2]

    drawing = record(f, 1.5).draw(open="all")
    (frame,) = drawing.scene.groups
    inside = [texts(box)[0] for box in drawing.scene.boxes if box.key in frame.members]
    assert "s_0" in inside
    assert "s_2" not in inside


def test_operators_stand_apart_inside_too(scan):
    drawing = scan.draw(open="all", style="operators")
    inside = [box for box in drawing.scene.boxes if box.key in drawing.scene.groups[0].members]
    assert {"operator", "result"} <= {box.kind for box in inside}
    assert not any(box.is_output for box in inside)
    assert any("next h" in texts(box) for box in inside)
