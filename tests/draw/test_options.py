"""What is written where, in which colours, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.draw.options import NODE_HEAT
from chainrule.draw.themes import THEMES
from chainrule.errors import DrawingError, LimitError
from tests.draw.reading import curves, labels, lines, written
from tests.draw.scenes import seed_record

SHARED = cr.parse("a = x + y; f = a * x")
AT = SHARED.at(x=3, y=2)
LONG = "the_yearly_mean_of_the_temperature_at_noon_in_the_capital"


# --- on nodes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "leaf", "inner", "output"),
    [
        ("symbol", [("symbol", "x")], [("symbol", "+")], [("symbol", "×")]),
        ("name", [("symbol", "x")], [("name", "a")], [("name", "f")]),
        ("value", [("value", "3")], [("value", "5")], [("value", "15")]),
        ("adjoint", [("adjoint", "∂ 8")], [("adjoint", "∂ 3")], [("adjoint", "∂ 1")]),
        ("tangent", [("tangent", "d 1")], [("tangent", "d 1")], [("tangent", "d 8")]),
        ("type", [("note", "float64")], [("note", "float64")], [("note", "float64")]),
        ("", [("symbol", "x")], [("symbol", "+")], [("symbol", "×")]),
        (
            ["symbol", "value", "tangent"],
            [("symbol", "x"), ("value", "3"), ("tangent", "d 1")],
            [("symbol", "+"), ("value", "5"), ("tangent", "d 1")],
            [("symbol", "×"), ("value", "15"), ("tangent", "d 8")],
        ),
        (
            "type adjoint value name symbol",
            [("symbol", "x"), ("value", "3"), ("adjoint", "∂ 8"), ("note", "float64")],
            [
                ("name", "a"),
                ("symbol", "+"),
                ("value", "5"),
                ("adjoint", "∂ 3"),
                ("note", "float64"),
            ],
            [
                ("name", "f"),
                ("symbol", "×"),
                ("value", "15"),
                ("adjoint", "∂ 1"),
                ("note", "float64"),
            ],
        ),
    ],
)
def test_a_node_shows_what_is_asked_for(items, leaf, inner, output):
    x, _, a, f = AT.draw(nodes=items, wrt="x").scene.boxes
    assert [lines(box) for box in (x, a, f)] == [leaf, inner, output]


def test_a_node_that_does_not_change_has_no_tangent():
    y = AT.draw(nodes="tangent", wrt="x").scene.boxes[1]
    assert lines(y) == [("symbol", "y")]


def test_the_type_of_an_array_has_its_shape():
    x = cr.input("x", shape=(2, 3))
    box = cr.graph(cr.sin(x)).draw(nodes="symbol type").scene.boxes[0]
    assert lines(box) == [("symbol", "x"), ("note", "float64[2, 3]")]


def test_adjoints_are_those_of_the_node_that_is_named():
    # ∂a/∂x = ∂a/∂y = 1; f comes after a.
    assert written(AT.draw(of="a").scene, "adjoint") == {"x": "∂ 1", "y": "∂ 1", "a": "∂ 1"}


def test_a_graph_without_numbers_shows_none():
    texts = [text.role for text in SHARED.draw().scene.texts()]
    assert set(texts) == {"symbol", "name"}


# --- on edges -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("local", {("x", "a"): "1", ("y", "a"): "1", ("a", "f"): "3", ("x", "f"): "5"}),
        ("formula", {("x", "a"): "1", ("y", "a"): "1", ("a", "f"): "x", ("x", "f"): "a"}),
        ("contribution", {("x", "a"): "+3", ("y", "a"): "+3", ("a", "f"): "+3", ("x", "f"): "+5"}),
        ("none", {}),
    ],
)
def test_an_edge_shows_what_is_asked_for(shown, expected):
    assert labels(AT.draw(edges=shown).scene) == expected


def test_formulas_on_edges_need_no_numbers():
    scene = cr.parse("a = x^2; b = sin(a); f = b/y").draw(edges="formula").scene
    found = labels(scene)
    assert found["x", "a"] == "2*x"
    assert found["a", "b"] == "cos(a)"
    assert found["b", "f"] == "1/y"


# --- arrows -------------------------------------------------------------------------------------

FORWARD = {("x", "a"), ("y", "a"), ("a", "f"), ("x", "f")}
BACKWARD = {(end, start) for start, end in FORWARD}


@pytest.mark.parametrize(
    ("arrows", "forward", "backward"),
    [("forward", FORWARD, set()), ("backward", set(), BACKWARD), ("both", FORWARD, BACKWARD)],
)
def test_arrows(arrows, forward, backward):
    found = curves(AT.draw(arrows=arrows).scene)
    assert {ends for ends, curve in found.items() if curve.flow == "forward"} == forward
    assert {ends for ends, curve in found.items() if curve.flow == "backward"} == backward


def test_with_both_arrows_each_has_its_own_number():
    assert labels(AT.draw(arrows="both").scene) == {
        ("x", "a"): "1",
        ("a", "x"): "+3",
        ("y", "a"): "1",
        ("a", "y"): "+3",
        ("a", "f"): "3",
        ("f", "a"): "+3",
        ("x", "f"): "5",
        ("f", "x"): "+5",
    }


def test_arrows_of_adjoints_alone_have_what_is_asked_for():
    assert labels(AT.draw(arrows="backward").scene) == {
        ("a", "x"): "1",
        ("a", "y"): "1",
        ("f", "a"): "3",
        ("f", "x"): "5",
    }
    assert labels(AT.draw(arrows="backward", edges="contribution").scene) == {
        ("a", "x"): "+3",
        ("a", "y"): "+3",
        ("f", "a"): "+3",
        ("f", "x"): "+5",
    }


def test_nothing_flows_back_to_a_constant():
    scene = cr.parse("x * 2").at(x=3).draw(arrows="both").scene
    assert [ends for ends, curve in curves(scene).items() if curve.flow == "backward"] == [
        ("f", "x")
    ]


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (2 / 3, 1, "0.7"),
        (2 / 3, 3, "0.667"),
        (2 / 3, 17, "0.66666666666666663"),
        (-1234.5678, 6, "-1234.57"),
        (1.23456e-7, 3, "1.23e-7"),
        (999999.0, 3, "999999"),
        (1234567.0, 3, "1.23e6"),
        (-0.0, 3, "0"),
        (float("inf"), 3, "inf"),
        (float("nan"), 3, "nan"),
    ],
)
def test_digits(value, digits, expected):
    scene = cr.parse("x").at(x=value).draw(digits=digits, nodes="value").scene
    assert scene.boxes[0].texts[0].text == expected


# --- long writing -------------------------------------------------------------------------------


def test_a_long_name_is_shortened_and_stands_in_full_in_the_title():
    drawing = cr.parse(f"{LONG} * x").at(**{LONG: 2, "x": 1}).draw()
    box = drawing.scene.boxes[0]
    name = box.texts[0]
    assert name.text.endswith("…")
    assert LONG.startswith(name.text[:-1])
    assert 3 < len(name.text) < len(LONG)
    assert name.full == LONG
    assert LONG in box.title
    assert LONG in re.findall(r"<title>([^<]*)</title>", drawing.svg())
    assert all(text.full == "" for text in drawing.scene.texts() if text is not name)


@pytest.mark.parametrize("name", [LONG, "W" * 12 + "i" * 60])
def test_shortened_writing_is_not_wider_than_what_needs_no_shortening(name):
    texts = cr.parse(f"{name} * x").draw().scene.boxes[0].texts
    assert texts[0].width <= 150


# --- below the drawing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        ({}, ["value", "adjoint", "local"]),
        ({"edges": "none"}, ["value", "adjoint"]),
        ({"edges": "none", "nodes": "symbol"}, []),
        ({"nodes": "value tangent", "wrt": "x"}, ["value", "tangent", "local"]),
        ({"arrows": "both"}, ["value", "adjoint", "local", "contribution"]),
        ({"legend": False}, []),
    ],
)
def test_the_legend_explains_what_is_there(look, expected):
    scene = AT.draw(**look).scene
    assert list(scene.legend) == expected
    assert [text.role for text in scene.captions] == expected


# --- themes ---------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    shares = [part / 255 for part in bytes.fromhex(colour[1:])]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2.2, from 1 to 21; small writing is to have 4.5."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


NEURON = cr.parse("f = sigmoid(w*x + 2)", parameters="w").at(w=0.5, x=3)


def test_print_is_grey():
    svg = NEURON.draw(theme="print").svg()
    found = {tuple(bytes.fromhex(colour)) for colour in re.findall(r"#([0-9a-f]{6})\b", svg)}
    assert len(found) > 3
    assert all(len(set(colour)) == 1 for colour in found)


@pytest.mark.parametrize("theme", THEMES)
def test_only_dark_is_dark(theme):
    assert f"fill:{THEMES[theme].background}" in NEURON.draw(theme=theme).svg()
    assert (luminance(THEMES[theme].background) < 0.5) == (theme == "dark")


LOOKS = [
    {"nodes": "symbol name value adjoint tangent type", "arrows": "both"},
    {"nodes": "symbol name value adjoint tangent type", "style": "operators"},
    {"edges": "formula", "groups": "open"},
    {"edges": "contribution", "arrows": "backward"},
    {"view": "paths"},
    {"most": 2},
    *({"heat": kind, "nodes": "symbol name value adjoint tangent type"} for kind in NODE_HEAT),
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("look", LOOKS)
def test_all_writing_can_be_read_where_it_stands(theme, look):
    drawing = NEURON.draw(theme=theme, wrt="x", **look)
    scene, chosen = drawing.scene, THEMES[theme]
    found = [
        (chosen.writing(text.role, box), chosen.paint(box).fill)
        for box in scene.boxes
        for text in box.texts
    ]
    on_sheet = [text for curve in scene.curves for text in curve.texts]
    found += [(chosen.texts[text.role], chosen.background) for text in (*on_sheet, *scene.captions)]
    found += [(chosen.texts[group.text.role], chosen.group.fill) for group in scene.groups]
    pale = {colours for colours in found if contrast(*colours) < 4.5}
    assert pale == set()
    svg = drawing.svg()
    assert all(f"fill:{colour}" in svg for colours in found for colour in colours)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("heat", [0, 0.25, 0.5, 0.75, 1])
def test_writing_can_be_read_in_boxes_of_any_heat(theme, heat):
    chosen = THEMES[theme]
    for box in NEURON.draw().scene.boxes:
        hot = replace(box, heat=heat)
        for role in ("symbol", "name", "value", "adjoint", "tangent", "note"):
            assert contrast(chosen.writing(role, hot), chosen.paint(hot).fill) >= 4.5


def test_themes_change_nothing_but_colours():
    scenes = [NEURON.draw(theme=name).scene for name in THEMES]
    assert {scene.boxes for scene in scenes} == {scenes[0].boxes}
    assert {scene.curves for scene in scenes} == {scenes[0].curves}


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"colour": "red"}, "E250", "no option 'colour'"),
        ({"direktion": "right"}, "E250", "did you mean 'direction'"),
        ({"wiev": "graph"}, "E250", "did you mean 'view'"),
        ({"view": "tre"}, "E250", "choose 'graph', 'tree', 'graph+tree', 'derivative', 'paths'"),
        ({"style": "boxes"}, "E250", "choose 'values', 'operators'"),
        ({"direction": "up"}, "E250", "choose 'right', 'down'"),
        ({"direction": ["right"]}, "E250", "direction is ['right']"),
        ({"nodes": "value gradient"}, "E250", "nodes is 'gradient'; choose 'symbol'"),
        ({"edges": "number"}, "E250", "choose 'local', 'formula', 'contribution', 'none'"),
        ({"arrows": "reverse"}, "E250", "choose 'forward', 'backward', 'both'"),
        ({"theme": "blue"}, "E250", "choose 'light', 'dark', 'print', 'colour-blind'"),
        ({"heat": "size"}, "E250", "choose 'value', 'adjoint', 'tangent', 'saved', 'cost'"),
        ({"heat": 5}, "E250", "heat is 5"),
        ({"groups": "closed"}, "E250", "choose 'auto', 'none', 'open', 'collapsed'"),
        ({"path": -1}, "E250", "it goes from 0"),
        ({"path": True}, "E250", "path is True"),
        ({"digits": 0}, "E250", "it goes from 1 to 17"),
        ({"digits": 18}, "E250", "it goes from 1 to 17"),
        ({"digits": 3.0}, "E250", "digits is 3.0"),
        ({"most": 1}, "E250", "it goes from 2 to 5000"),
        ({"most": 5001}, "E250", "it goes from 2 to 5000"),
        ({"most": None}, "E250", "most is None"),
        ({"legend": "yes"}, "E250", "legend is True or False"),
        ({"view": "paths"}, "E251", "wrt="),
        ({"view": "derivative"}, "E251", "wrt="),
        ({"path": 1}, "E251", "wrt="),
        ({"path": 3, "wrt": "x"}, "E251", "there is no path 3: there are 2"),
        ({"nodes": "tangent"}, "E251", "wrt="),
        ({"heat": "tangent"}, "E251", "wrt="),
        ({"up_to": "backward"}, "E252", "'backward' is no step, as 'backward 2' is"),
        ({"up_to": "sideways 2"}, "E252", "as 'backward 2' is"),
        ({"up_to": "forward two"}, "E252", "as 'backward 2' is"),
        ({"up_to": "forward -1"}, "E252", "as 'backward 2' is"),
        ({"up_to": 7}, "E252", "7 is no step"),
        ({"view": "paths", "wrt": "x", "up_to": "forward 1"}, "E252", "view='paths' has no steps"),
        ({"view": "derivative", "wrt": "x", "up_to": "forward 1"}, "E252", "view='derivative'"),
        ({"up_to": "forward 5"}, "E252", "the forward pass has 4 steps"),
        ({"up_to": ("backward", 5)}, "E252", "the backward pass has 4 steps"),
    ],
)
def test_what_a_record_cannot_draw(given, code, words):
    with pytest.raises(DrawingError) as caught:
        AT.draw(**given)
    assert caught.value.code == code
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"heat": "value"}, "E251", "needs numbers"),
        ({"heat": "adjoint"}, "E251", "needs numbers"),
        ({"heat": "local"}, "E251", "needs numbers"),
        ({"heat": "contribution"}, "E251", "needs numbers"),
        ({"edges": "contribution"}, "E251", "are numbers"),
        ({"nodes": "tangent", "wrt": "x"}, "E251", "need numbers"),
        ({"path": 1, "wrt": "x"}, "E251", "needs numbers"),
        ({"up_to": "backward 1"}, "E252", "the backward pass has 0 steps"),
    ],
)
def test_what_a_graph_without_numbers_cannot_draw(given, code, words):
    with pytest.raises(DrawingError) as caught:
        SHARED.draw(**given)
    assert caught.value.code == code
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"edges": "contribution"},
        {"heat": "adjoint"},
        {"heat": "contribution"},
        {"view": "tree"},
        {"view": "paths", "wrt": "x"},
    ],
)
def test_with_several_outputs_one_has_to_be_named(given):
    x, y = cr.inputs("x y")
    record = cr.graph([x + y, x * y]).at(x=3, y=2)
    with pytest.raises(DrawingError, match="of=") as caught:
        record.draw(**given)
    assert caught.value.code == "E251"


@pytest.mark.parametrize(
    ("given", "code"),
    [({"view": "tree", "most": 4}, "E157"), ({"view": "paths", "wrt": "x", "most": 4}, "E156")],
)
def test_a_view_that_cannot_be_cut_down_is_refused_when_it_is_too_large(given, code):
    with pytest.raises(LimitError) as caught:
        AT.draw(**given)
    assert caught.value.code == code
    assert str(given["most"]) in str(caught.value)
    given["most"] = 5
    assert len(AT.draw(**given).scene.boxes) == 5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"width": 159}, "width is 159; it goes from 160 to 4"),
        ({"height": 4001}, "height is 4001; it goes from 120"),
        ({"spread": 0}, "spread is 0"),
    ],
)
def test_lengths_that_a_plot_cannot_have(given, words):
    with pytest.raises(DrawingError) as caught:
        AT.plot_tangent("x", **given)
    assert caught.value.code == "E253"
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        pytest.param({"nodes": 5}, DrawingError, id="nodes that are no text"),
        pytest.param({"nodes": None}, DrawingError, id="no nodes"),
        pytest.param({"cone": []}, Exception, id="a cone that is no name"),
        pytest.param({"up_to": ("backward", 2.7)}, DrawingError, id="part of a step"),
        pytest.param({"up_to": ("backward", True)}, DrawingError, id="a truth as a step"),
    ],
)
def test_odd_values_are_refused(given, kind):
    with pytest.raises(kind) as caught:
        AT.draw(**given)
    assert getattr(caught.value, "code", "") in ("E250", "E252")


def test_what_is_none_is_called_none():
    with pytest.raises(DrawingError, match="view is None"):
        AT.draw(view=None)


def test_every_worked_example_keeps_its_places_whatever_is_written_below(seed):
    record = seed_record(seed)
    with_legend, without = record.draw().scene, record.draw(legend=False).scene
    assert with_legend.boxes == without.boxes
    assert with_legend.curves == without.curves
    assert with_legend.height > without.height
