"""DOT against Graphviz itself: what it draws is what the scene says."""

import dataclasses
import html
import json
import re
import shutil
import subprocess

import pytest

from chainrule.draw.dot import dot, quoted
from chainrule.draw.scene import Role
from chainrule.draw.themes import THEMES
from tests.draw.sample import sample, text

HOSTILE = [
    'say "x"',
    r"\N \G \l \n \\ C:\new",
    "a\nb\rc\td",
    "<script>alert(1)</script>",
    "<b>bold</b>",
    "] ; } // /* # { | [",
    "&amp; &lt; &#35; &",
    "% $ _ ^ ~ ` ' @ :",
    '"] ; n0 -> n1 [label="',
    "\x00\x07\ud800",
    "変数 😀 é ∂ ×",
    "end",
    "",
]


def graphviz(*arguments, text):
    """Graphviz's answer."""
    program = shutil.which("dot")
    if program is None:
        pytest.skip("Graphviz's dot is not installed")
    done = subprocess.run(
        [program, *arguments],
        input=text.encode(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.decode()


def laid_out(scene):
    """The drawing with places, as Graphviz's JSON: what is in it, and what is written there."""
    return json.loads(graphviz("-Tjson", text=dot(scene)))


def written(part):
    """The lines that are drawn for a part, from top to bottom."""
    return [step["text"].strip() for step in part.get("_ldraw_", ()) if step["op"] == "T"]


def nodes(found):
    return {item["name"]: item for item in found["objects"] if "nodes" not in item}


def edges(found):
    """The edges by the names of the boxes that they join."""
    name_of = {item["_gvid"]: item["name"] for item in found["objects"]}
    return {(name_of[edge["tail"]], name_of[edge["head"]]): edge for edge in found["edges"]}


def shown(line):
    """A line as it may be shown: on one line, without signs that no file holds."""
    return re.sub(r"\s+", " ", re.sub("[\x00\x07\ud800]", "\ufffd", line)).strip()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), '""'),
        (("",), '""'),
        (("a", "b"), r'"a\nb"'),
        (('"',), r'"\""'),
        (("\\",), r'"\\"'),
        (('\\"',), r'"\\\""'),
        (("a\nb",), '"a b"'),
        (("<b>",), '"<b>"'),
        (("&lt;",), '"&amp;lt;"'),
        (("\x00",), '"\ufffd"'),
        (("中",), '"中"'),
    ],
)
def test_quoting(given, expected):
    assert quoted(*given) == expected


def test_the_sample_is_as_reviewed(golden):
    golden("drawings/sample.dot", dot(sample()))


@pytest.mark.parametrize("direction", ["right", "down"])
def test_graphviz_draws_what_the_scene_has(direction):
    scene = sample(direction=direction)
    found = laid_out(scene)
    drawn = nodes(found)
    assert list(drawn) == [box.key for box in scene.boxes]
    for box in scene.boxes:
        assert written(drawn[box.key]) == [text.text for text in box.texts]
        assert html.unescape(drawn[box.key]["tooltip"]) == box.title
        assert float(drawn[box.key]["width"]) >= box.width / 72 - 0.01
    assert {ends: written(edge) for ends, edge in edges(found).items()} == {
        (curve.source, curve.target): [text.text for text in curve.texts] for curve in scene.curves
    }
    (cluster,) = [item for item in found["objects"] if "nodes" in item]
    assert written(cluster) == ["a"]
    assert [drawn["n2"]["_gvid"]] == cluster["nodes"]
    assert written(found) == [scene.title, "green: value"]


@pytest.mark.parametrize(("direction", "axis", "sign"), [("right", 0, 1), ("down", 1, -1)])
def test_values_flow_where_the_scene_says(direction, axis, sign):
    drawn = nodes(laid_out(sample(direction=direction)))
    places = {key: sign * float(item["pos"].split(",")[axis]) for key, item in drawn.items()}
    assert places["n0"] < places["n2"] < places["n3"]
    assert places["n1"] < places["n2"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_any_text_comes_out_as_text(hostile):
    harmless = sample()
    scene = dataclasses.replace(
        harmless,
        title=hostile,
        boxes=tuple(
            dataclasses.replace(box, title=hostile, texts=(text("name", hostile, "x", 0, 0),) * 2)
            for box in harmless.boxes
        ),
        curves=tuple(
            dataclasses.replace(curve, title=hostile, texts=(text("local", hostile, "x", 0, 0),))
            for curve in harmless.curves
        ),
        groups=tuple(
            dataclasses.replace(group, text=text("caption", hostile, "x", 0, 0))
            for group in harmless.groups
        ),
        captions=(text("caption", hostile, "x", 0, 0),),
    )
    found = laid_out(scene)
    drawn = nodes(found)
    assert len(drawn) == 5
    assert len(found["edges"]) == 6
    for item in drawn.values():
        assert [*filter(None, written(item))] == [*filter(None, [shown(hostile)])] * 2
    for edge in found["edges"]:
        assert [*filter(None, written(edge))] == [*filter(None, [shown(hostile)])]


def test_shapes_and_colours_are_those_of_the_theme():
    for name, theme in THEMES.items():
        scene = sample(theme=name)
        found = laid_out(scene)
        drawn = nodes(found)
        for box in scene.boxes:
            paint = theme.boxes[box.kind]
            assert drawn[box.key]["fillcolor"] == paint.fill
            assert drawn[box.key]["color"] == paint.line
            assert drawn[box.key]["shape"] == {"circle": "circle", "square": "box"}[box.shape]
        assert drawn["n3"]["peripheries"] == "2"
        local, backward = edges(found)["n0", "n2"], edges(found)["n3", "n0"]
        assert local["fontcolor"] == theme.texts["local"]
        assert (backward["style"], backward["color"]) == ("dashed", theme.backward)
        assert found["bgcolor"] == theme.background


@pytest.mark.parametrize(
    ("role", "expected"),
    [("local", "#7637b8"), ("contribution", "#c92a2a"), ("operand", "#5b6472")],
)
def test_writing_on_an_edge_has_the_colour_of_its_role(role: Role, expected):
    scene = sample()
    curve = dataclasses.replace(scene.curves[0], texts=(text(role, "1", "1", 0, 0),))
    (line,) = [row for row in dot(sample(curves=(curve,))).splitlines() if "->" in row]
    assert f'fontcolor="{expected}"' in line


def test_what_stands_back_is_lighter_and_heat_is_shown():
    scene = sample()
    box, curve = scene.boxes[0], scene.curves[0]
    changed = sample(
        boxes=(
            dataclasses.replace(box, faded=True),
            dataclasses.replace(scene.boxes[1], heat=1.0, width=100),
            dataclasses.replace(scene.boxes[2], state="current"),
            dataclasses.replace(scene.boxes[3], state="waiting"),
        ),
        curves=(
            dataclasses.replace(curve, faded=True),
            dataclasses.replace(scene.curves[1], heat=1.0),
            dataclasses.replace(scene.curves[2], strong=False, state="current"),
            dataclasses.replace(scene.curves[3], strong=True),
        ),
    )
    found = laid_out(changed)
    drawn = nodes(found)
    # 0.3 of #2f6fd0 on white, and half of #c79a00.
    assert drawn["n0"]["color"] == "#c1d4f1"
    assert drawn["n3"]["color"] == "#e3cc80"
    assert drawn["n1"]["fillcolor"] == THEMES["light"].hot
    assert drawn["n1"]["shape"] == "ellipse"
    drawn_edges = [edges(found)[curve.source, curve.target] for curve in changed.curves]
    widths = [float(edge["penwidth"]) for edge in drawn_edges]
    assert widths == [1.5, 3.5, 4.0, 2.8]
    assert drawn_edges[1]["color"] == THEMES["light"].hot
    assert float(drawn["n2"]["penwidth"]) > float(drawn["n1"]["penwidth"])


def test_a_scene_without_anything_is_a_graph():
    found = laid_out(sample(boxes=(), curves=(), groups=(), captions=(), title=""))
    assert "objects" not in found
