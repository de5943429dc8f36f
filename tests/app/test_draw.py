"""``chainrule draw``: what is written where, and that every option reaches the drawing."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import get_args
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.app.cli import main
from chainrule.draw.drawing import Drawing
from chainrule.draw.options import EdgeItem, Groups, Heat, NodeItem, Options, Style, View
from chainrule.draw.themes import THEMES
from tests.app.test_cli import terminal_output
from tests.draw.cairo import needs_cairo

FORMULA = "a = x + y; f = a * x"
POINT = ("x=3", "y=2")


def run(*arguments: str, stdin: str | None = None):
    return CliRunner().invoke(main, ["draw", *arguments], input=stdin)


def record():
    return cr.parse(FORMULA).at(x=3, y=2)


# --- files ----------------------------------------------------------------------------------------

STARTS = {
    ".svg": b"<svg ",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".pdf": b"%PDF-",
    ".dot": b"digraph",
    ".gv": b"digraph",
    ".mmd": b"flowchart",
    ".tex": rb"\documentclass",
    ".txt": "╭".encode(),
    ".json": b"{",
}


@pytest.mark.parametrize(
    "suffix",
    [pytest.param(form, marks=[needs_cairo] * (form == ".pdf")) for form in Drawing.forms],
)
def test_every_form_is_written_and_its_path_printed(suffix, tmp_path):
    path = tmp_path / f"graph{suffix}"
    result = run(FORMULA, *POINT, "-o", str(path))
    assert (result.exit_code, result.stdout) == (0, f"{path}\n"), result.output
    content = path.read_bytes()
    assert STARTS[suffix] in content[:400]
    if suffix == ".svg":
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    if suffix == ".json":
        assert json.loads(content)["title"] == "Computation graph of f"


def test_the_long_name_of_the_output_and_the_formula_from_standard_input(tmp_path):
    path = tmp_path / "graph.svg"
    assert run("-", *POINT, "--output", str(path), stdin=FORMULA).exit_code == 0
    assert path.read_text("utf-8") == record().draw().svg()


def test_scale_counts_pixels(tmp_path):
    path = tmp_path / "graph.png"
    sizes = []
    for scale in ("1", "2"):
        assert run(FORMULA, *POINT, "-o", str(path), "--scale", scale).exit_code == 0
        sizes.append(int.from_bytes(path.read_bytes()[16:20], "big"))
    assert sizes[1] == pytest.approx(2 * sizes[0], abs=1)


@pytest.mark.parametrize(("suffix", "sign"), [(".svg", "@keyframes"), (".tex", "beamer")])
def test_an_animation(suffix, sign, tmp_path):
    path = tmp_path / f"graph{suffix}"
    result = run(FORMULA, *POINT, "--arrows", "both", "--animated", "-o", str(path))
    assert result.exit_code == 0, result.output
    assert sign in path.read_text("utf-8")


# --- options --------------------------------------------------------------------------------------

OPTIONS = {
    "view": [("--view", view, "--wrt", "x") for view in get_args(View)],
    "style": [("--style", style) for style in get_args(Style)],
    "direction": [("--direction", "down")],
    "nodes": [("--nodes", "symbol value"), ("--nodes", "name")],
    "edges": [("--edges", edges) for edges in get_args(EdgeItem)],
    "arrows": [("--arrows", "backward"), ("--arrows", "both")],
    "theme": [("--theme", theme) for theme in THEMES],
    "heat": [("--heat", heat, "--wrt", "x") for heat in get_args(Heat)],
    "path": [("--path", "1", "--wrt", "x")],
    "cone": [("--cone", "a")],
    "groups": [("--groups", groups) for groups in get_args(Groups)],
    "up_to": [("--up-to", "backward 2")],
    "digits": [("--digits", "2")],
    "most": [("--most", "3")],
    "open": [("--open", "all")],
    "step": [("--step", "1")],
    "legend": [("--no-legend",), ("--legend",)],
    "live": [("--live",), ("--no-live",)],
}
each_option = pytest.mark.parametrize(
    ("name", "words"),
    [(name, words) for name, given in OPTIONS.items() for words in given],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)


def test_every_option_of_a_drawing_is_tried():
    assert list(OPTIONS) == [field.name for field in dataclasses.fields(Options)]


@each_option
def test_an_option_reaches_the_drawing(name, words, tmp_path):
    path = tmp_path / "graph.svg"
    result = run(FORMULA, *POINT, *words, "-o", str(path))
    assert result.exit_code == 0, result.output
    wrt = "x" if "--wrt" in words else None
    value: object = words[1] if len(words) > 1 else not words[0].startswith("--no-")
    if name in ("path", "digits", "most", "step"):
        value = int(words[1])
    assert path.read_text("utf-8") == record().draw(wrt=wrt, **{name: value}).svg()


def test_the_node_to_differentiate(tmp_path):
    path = tmp_path / "graph.svg"
    assert run("s = x*y; p = s*x; s, p", *POINT, "--of", "p", "-o", str(path)).exit_code == 0
    graph = cr.parse("s = x*y; p = s*x; s, p")
    assert path.read_text("utf-8") == graph.at(x=3, y=2).draw(of="p").svg()


def test_help_lists_every_option_form_and_choice():
    text = run("--help").stdout
    words = set(text.replace("[", " ").replace("]", " ").replace("|", " ").split())
    for field in dataclasses.fields(Options):
        assert f"--{field.name.replace('_', '-')}" in words
    listed = [*get_args(View), *get_args(Heat), *get_args(Groups), *get_args(EdgeItem), *THEMES]
    assert words.issuperset(listed)
    assert {word.strip(".") for word in words}.issuperset(get_args(NodeItem))
    assert all(suffix in text for suffix in Drawing.forms)
    assert "--output" in words
    assert "-o" in words


# --- what is drawn --------------------------------------------------------------------------------


def test_without_a_file_the_drawing_appears_here(golden):
    result = run(FORMULA, *POINT)
    assert result.exit_code == 0
    golden("draw.txt", result.stdout)


def test_without_values_the_graph_alone():
    assert run(FORMULA).stdout == cr.parse(FORMULA).draw().text() + "\n"
    result = run("h(f(g(x)))", "--abstract", "f g h", "--view", "derivative", "--wrt", "x")
    assert "dh/dx" in result.stdout


def test_several_points_are_lists():
    result = run("x^2", "x=1,2,3")
    assert result.exit_code == 0
    assert "[1, 4, 9]" in result.stdout


@pytest.mark.parametrize("formula", ["-x", "-cos(x)", "--x", "-x*o"])
def test_a_formula_may_start_with_a_minus(formula):
    result = run(formula, "x=1", *(["o=2"] if "o" in formula.replace("cos", "") else []))
    assert result.exit_code == 0, result.output
    assert "╔" in result.stdout


def test_what_does_not_fit_is_written_to_a_file(tmp_path):
    long = "+".join(f"sin({name})" for name in "abcdefgh") * 10
    path = tmp_path / "graph.svg"
    result = run(long)
    assert result.exit_code == 3
    assert "-o graph.svg" in result.stderr
    assert not result.stdout
    assert run(long, "-o", str(path)).exit_code == 0


def plain(printed: str) -> str:
    """What a terminal shows, without bold letters."""
    return re.sub(r"\x1b\[[0-9;]*m", "", printed).replace("\r", "")


def test_a_terminal_shows_colours():
    words = ("draw", FORMULA, *POINT)
    assert "\x1b[32m" in terminal_output({"NO_COLOR": ""}, words)
    printed = terminal_output({"NO_COLOR": "1"}, words)
    assert plain(printed) == record().draw().text(100) + "\n"


def test_a_narrow_terminal():
    words = ("draw", FORMULA)
    printed = terminal_output({"NO_COLOR": "1", "COLUMNS": "40"}, words)
    assert plain(printed) == cr.parse(FORMULA).draw().text(40) + "\n"


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["simoid(x)", "x=1"], 2, "did you mean 'sigmoid'?"),
        (["x*y", "x=1"], 2, "E301 no value for 'y'"),
        (["x", "x"], 2, "not of the form name=value"),
        (["x", "--hat", "x"], 2, "no such option"),
        (["x", "--view", "grpah"], 2, "'grpah' is not one of 'graph', 'tree'"),
        (["x*y", "--theme", "pink"], 2, "'pink' is not one of 'light'"),
        (["x*y", "--nodes", "size"], 2, "E250 nodes is 'size'; choose 'symbol'"),
        (["x*y", "--digits", "99"], 2, "E250 digits is 99"),
        (["x*y", "--digits", "two"], 2, "'two' is not a valid int"),
        (["x*y", "--up-to", "soon"], 2, "E252"),
        (["x*y", "--heat", "adjoint"], 2, "E251"),
        (["x*y", "--view", "paths"], 2, "E251 the paths need the node they start from"),
        (["x*y", "--cone", "z"], 2, "E225"),
        (["x*y", "--wrt", "z", "x=1", "y=1"], 2, "E225"),
        (["x*y", "-o", "graph.bmp"], 2, "E406"),
        (["x*y", "-o", "no/such/folder/graph.svg"], 2, "no/such/folder/graph.svg: No such file"),
        (["x*y", "-o", "graph.svg", "--scale", "0"], 2, "not a positive number"),
        (["x*y", "-o", "graph.svg", "--scale", "nan"], 2, "not a positive number"),
        (["x*y", "-o", "graph.mmd", "--animated"], 2, "E251 .mmd cannot move"),
        (["x*y", "--animated"], 2, "--animated needs a file"),
        (["x*y", "-o", "graph.png", "--scale", "1e6"], 2, "E253 scale is 1000000.0"),
        (["x*y", "-o", "graph.png", "--scale", "900"], 3, "E158"),
    ],
)
def test_exit_codes_and_messages(arguments, code, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert says in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.output
    assert not result.stdout
    assert not list(tmp_path.iterdir())


# --- show ends with a drawing ---------------------------------------------------------------------


def show(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["show", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_show_on_a_terminal_ends_with_the_drawing():
    assert "╔" in terminal_output({"NO_COLOR": "1"}).partition("∂f/∂x = 6")[2]


def test_show_as_text_ends_with_the_drawing():
    drawn = [line.rstrip() for line in record().draw().text().splitlines()]
    assert show(FORMULA, *POINT, "--format", "text").splitlines()[-len(drawn) :] == drawn


@pytest.mark.parametrize(
    "arguments",
    [
        (FORMULA, *POINT),
        (FORMULA, "x=1,2,3", "y=2", "--format", "text"),
        (FORMULA, *POINT, "--table", "forward", "--format", "text"),
        ("+".join(f"sin({at}*x)" for at in range(2, 60)), "x=1", "--format", "text"),
    ],
    ids=["away from a terminal", "several points", "tables asked for", "too large"],
)
def test_show_without_a_drawing(arguments):
    assert "╔" not in show(*arguments)
