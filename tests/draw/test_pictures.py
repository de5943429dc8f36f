"""What a reader of a picture must be able to see: names, order, colours, headings, legends."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.draw.mathematics import outline
from chainrule.draw.scene import Box, Role, Scene
from chainrule.draw.themes import OUTLINED, READABLE, THEMES, contrast

LOSS = cr.parse("L = (y - sigmoid(w*x + 2*b))^2", parameters="w b")
RECORD = LOSS.at(w=0.5, b=-1, x=3, y=1)
ABSTRACT = cr.parse("f(g1(x), g2(x))", abstract="f g1 g2")
IN_BOXES: tuple[Role, ...] = ("symbol", "name", "value", "adjoint", "tangent", "note")

each_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


def box(kind, heat=None) -> Box:
    return Box("n0", kind, "square", 0, 0, 10, 10, (), "", heat=heat)


def words(scene: Scene, *roles: str) -> list[str]:
    return [text.text for text in scene.texts() if text.role in roles]


# --- colours --------------------------------------------------------------------------------------


@each_theme
def test_writing_is_readable_on_every_kind_of_box(theme):
    for kind, paint in theme.boxes.items():
        for role in IN_BOXES:
            assert contrast(theme.writing(role, box(kind)), paint.fill) >= READABLE, (kind, role)


@each_theme
def test_writing_beside_boxes_is_readable(theme):
    for role, colour in theme.texts.items():
        assert contrast(colour, theme.background) >= READABLE, role
        assert contrast(colour, theme.group.fill) >= READABLE, role


@each_theme
def test_writing_is_readable_at_every_heat(theme):
    for heat in np.linspace(0, 1, 101):
        hot = box("computation", float(heat))
        for role in IN_BOXES:
            assert contrast(theme.writing(role, hot), theme.paint(hot).fill) >= READABLE, heat


@each_theme
def test_the_frame_of_an_output_is_seen_at_every_heat(theme):
    for heat in np.linspace(0, 1, 101):
        paint = theme.paint(box("computation", float(heat)))
        assert contrast(paint.line, paint.fill) >= OUTLINED, heat


DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]
"""On linear red, green and blue (Machado, Oliveira and Fernandes, IEEE TVCG 15, 2009)."""
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it."""
    shares = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    white = TO_XYZ.sum(axis=1)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(sight @ linear, 0, 1) / white)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", [np.eye(3), np.array(DEUTERANOPIA)], ids=["all", "deuteranopia"])
def test_kinds_differ_in_the_colour_blind_theme(sight):
    fills = {kind: paint.fill for kind, paint in THEMES["colour-blind"].boxes.items()}
    assert fills.pop("operator") == fills["computation"]
    for one, other in combinations(fills, 2):
        assert np.linalg.norm(lab(fills[one], sight) - lab(fills[other], sight)) >= 10, (one, other)


# --- heat -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heat", "of", "meaning"),
    [
        ("adjoint", "boxes", "heat: magnitude of the adjoint, 0 to 1.24"),
        ("saved", "boxes", "heat: bytes kept for the backward pass, 0 to 8"),
        ("local", "curves", "heat: magnitude of the local derivative, 0 to 3"),
    ],
)
def test_a_bar_shows_the_colours_of_heat(heat, of, meaning):
    drawing = RECORD.draw(heat=heat)
    scale = drawing.scene.scale
    assert scale is not None
    assert scale.of == of
    (caption,) = (text for text in drawing.scene.captions if text.role == "caption")
    assert caption.text == meaning
    assert scale.x + scale.width < caption.x - caption.width / 2
    assert abs(scale.y + scale.height / 2 - caption.y) < 1e-9
    assert max(one.y + one.height / 2 for one in drawing.scene.boxes) < scale.y
    assert "<linearGradient" in drawing.svg()
    assert meaning in drawing.text()


def test_heat_that_is_nowhere_says_so():
    (caption,) = words(cr.parse("x + y").at(x=1, y=2).draw(heat="saved").scene, "caption")
    assert caption == "heat: bytes kept for the backward pass, all 0"


def test_without_a_legend_there_is_no_bar():
    scene = RECORD.draw(heat="adjoint", legend=False).scene
    assert (scene.scale, scene.captions) == (None, ())


# --- names and marks ------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["values", "operators"])
def test_formulas_on_edges_name_what_the_boxes_name(style):
    scene = LOSS.draw(edges="formula", style=style).scene
    named = {text for one in scene.boxes for text in (line.text for line in one.texts)}
    assert {"v1", "v2", "v3", "v4", "v5"} <= named
    assert "v4*(1 - v4)" in words(scene, "local")


def test_an_abstract_function_is_named_once():
    for one in ABSTRACT.draw().scene.boxes:
        assert len({text.text for text in one.texts}) == len(one.texts)


@pytest.mark.parametrize("record", [True, False])
def test_the_legend_of_derivatives_is_as_their_numbers_are(record):
    graph = cr.parse("d = sin(x); f = d^2")
    drawing = (graph.at(x=1) if record else graph).draw(view="derivative", wrt="x")
    assert "d tangent" not in drawing.text()
    assert "tangent" in words(drawing.scene, "tangent")
    marked = graph.at(x=1).draw(nodes="symbol tangent", wrt="x")
    assert "d tangent" in words(marked.scene, "tangent")
    assert "d tangent" in marked.text()


def test_derivatives_of_abstract_functions_are_mathematics():
    scene = ABSTRACT.draw(view="derivative", wrt="x").scene
    for text in scene.texts():
        assert not text.full
        assert outline(text.latex, text.text, text.size) is not None
    assert any(r"\frac" in text.latex for text in scene.boxes[-1].texts)


def test_box_characters_have_no_legend_either():
    text = RECORD.draw(legend=False).text()
    assert "parameter" not in text
    assert "on lines" not in text
    assert "┏━┓ parameter" in RECORD.draw().text()


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    ["y - x", "sin(a - b)/cos(c - d)", "a/(b - c/(d - e))", "w*x + b", "(x + y)*(x - y)/(x*y)"],
)
@pytest.mark.parametrize("direction", ["right", "down"])
def test_operands_are_in_reading_order(formula, direction):
    scene = cr.parse(formula).draw(direction=direction).scene
    across = 1 if direction == "right" else 0
    for one in scene.boxes:
        ends = [curve.points[-1][across] for curve in scene.curves if curve.target == one.key]
        assert all(a < b for a, b in pairwise(ends)), one.title
    assert not words(scene, "operand")


def test_leaves_are_listed_as_they_are_used():
    titles = [one.title for one in cr.parse("b*a + c", inputs="c a b").draw().scene.boxes]
    assert titles[:2] == ["input b", "input a"]


# --- frames and steps -----------------------------------------------------------------------------


@pytest.mark.parametrize("groups", ["none", "open"])
def test_graph_and_tree_have_headings(groups):
    graph = cr.parse("h = sin(x)^2 + 1; f = exp(h)*x*h")
    scene = graph.draw(view="graph+tree", groups=groups).scene
    halves = [group for group in scene.groups if group.key.startswith("half")]
    assert [half.text.text for half in halves] == ["graph", "syntax tree"]
    assert sum(len(half.members) for half in halves) == len(scene.boxes)
    left, right = halves
    assert left.x + left.width < right.x
    assert (left.y, left.height) == (right.y, right.height)
    for half in halves:
        for one in scene.boxes:
            if one.key in half.members:
                assert half.x < one.x - one.width / 2
                assert half.text.y + half.text.height / 2 < one.y - one.height / 2


def test_a_frame_is_tight():
    scene = cr.parse("h = sin(x)^2 + 1; f = exp(h)*x").at(x=1).draw(groups="open").scene
    for group in scene.groups:
        inside = [one for one in scene.boxes if one.key in group.members]
        assert min(one.x - one.width / 2 for one in inside) - group.x < 30
        right = max(one.x + one.width / 2 for one in inside)
        assert group.x + group.width - right < 30


def test_many_arrows_have_room_beside_each_other():
    graph = cr.parse("h = tanh(a + b + c + d + e + g + i); f = h*a")
    scene = graph.draw(groups="collapsed").scene
    (found,) = (one for one in scene.boxes if "in one box" in one.title)
    assert found.height >= 7 * 18


@pytest.mark.parametrize("writer", ["svg", "dot", "tikz"])
def test_what_waits_keeps_its_dashes(writer):
    """Constants are dotted in grey drawings, and arrows of adjoints dashed, reached or not."""
    look = {"theme": "print", "arrows": "both", "most": 6}
    whole = getattr(RECORD.draw(**look), writer)()
    early = getattr(RECORD.draw(**look, up_to="forward 1"), writer)()
    assert early.count("dash") == whole.count("dash") > 0


def test_what_waits_is_pale_in_box_characters():
    styles = {
        step: [str(span.style) for span in RECORD.draw(up_to=step).coloured().spans]
        for step in ("forward 1", "backward 9")
    }
    assert "yellow dim" in styles["forward 1"]
    assert "yellow dim" not in styles["backward 9"]
