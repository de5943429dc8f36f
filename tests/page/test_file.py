"""The page of one graph, opened from its file in a browser that has no network."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import chainrule as cr
from chainrule.show.table import Table
from tests.page.conftest import Opens, painted, rested

_PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def graph() -> cr.Graph:
    return cr.parse("L = (y - sigmoid(w*x + b))^2", parameters="w b")


@pytest.fixture
def page(graph: cr.Graph, opened: Opens, tmp_path: Path) -> Page:
    """The page of a neuron, at a point."""
    return _open(graph, opened, tmp_path)


def _open(
    graph: cr.Graph, opened: Opens, folder: Path, fragment: str = "", **window: object
) -> Page:
    path = folder / "page.html"
    if not path.exists():
        graph.at(y=1, w=0.5, x=3, b=-1).save(path)
    return opened(path, fragment, **window)


def _rows(page: Page, kind: str) -> list[list[str]]:
    """The numbers of a table of the page: the step and the last cell."""
    painted(page)
    script = "rows => rows.map(r => [r.cells[0].innerText, r.cells[r.cells.length - 1].innerText])"
    return page.locator(f".pass-table.{kind} tbody tr").evaluate_all(script)


def _numbers(table: Table) -> list[list[str]]:
    return [[row[0].text, row[-1].text] for row in table.rows]


def _set(page: Page, name: str, value: float) -> None:
    slider = page.get_by_role("slider", name=name, exact=True)
    slider.evaluate(
        "(one, value) => { one.value = value;"
        " one.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )
    rested(page)


def test_both_passes_step_by_step(page: Page, graph: cr.Graph) -> None:
    """A number that is not computed yet is a dash; at the end all are those of Python."""
    record = graph.at(y=1, w=0.5, x=3, b=-1)
    forward, backward = (_numbers(record.table(kind)) for kind in ("forward", "backward"))
    page.get_by_role("button", name="Forward pass").click()
    page.get_by_role("button", name="First step").click()
    for step in range(len(forward) + 1):
        known = [[at, value if int(at) <= step else "–"] for at, value in forward]
        expect(page.locator(".count")).to_have_text(f"{step} / {len(forward)}")
        assert _rows(page, "forward") == known
        page.get_by_role("button", name="One step (").click()
    for step in range(len(backward) + 1):
        known = [[at, value if int(at) <= step else "–"] for at, value in backward]
        expect(page.locator(".count")).to_have_text(f"{step} / {len(backward)}")
        assert _rows(page, "backward") == known
        page.get_by_role("button", name="One step (").click()


def test_forward_mode(page: Page, graph: cr.Graph) -> None:
    page.get_by_role("button", name="Forward mode").click()
    page.get_by_label("What changes").select_option(label="w")
    rested(page)
    expected = graph.at(y=1, w=0.5, x=3, b=-1).table("forward-mode", wrt="w")
    assert _rows(page, "tangent") == _numbers(expected)


def test_nodes_are_called_in_the_drawing_as_in_the_tables(page: Page) -> None:
    tags = page.locator(".box .tag").all_text_contents()
    assert sorted(tags) == ["v1", "v2", "v3", "v4"]
    expect(page.locator('.pass-table.forward tr[data-slot="4"] th')).to_contain_text("v1")


def test_boxes_say_their_numbers(page: Page, graph: cr.Graph) -> None:
    rested(page)
    record = graph.at(y=1, w=0.5, x=3, b=-1)
    said = page.locator(".box").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert sorted(said) == sorted(box.title for box in record.draw().scene.boxes)


def test_the_sentence_of_a_step(page: Page) -> None:
    page.get_by_role("slider", name="Step").fill("5")
    rested(page)
    words = page.get_by_role("slider", name="Step").get_attribute("aria-valuetext")
    assert words == ("5 of 9: v1 receives ∂L/∂v2 · ∂v2/∂v1 = -0.177447 · 1 = -0.177447")
    expect(page.get_by_role("status")).to_have_text(words.split(": ")[1])


def test_a_slider_moves_all_numbers(page: Page, graph: cr.Graph) -> None:
    _set(page, "x", -2)
    record = graph.at(y=1, w=0.5, x=-2, b=-1)
    assert _rows(page, "forward") == _numbers(record.table("forward"))
    assert _rows(page, "backward") == _numbers(record.table("backward"))
    said = page.locator(".box").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert sorted(said) == sorted(box.title for box in record.draw().scene.boxes)


def test_a_number_that_is_typed(page: Page, graph: cr.Graph) -> None:
    box = page.get_by_label("w, number")
    box.fill("1e3")
    box.press("Enter")
    rested(page)
    assert _rows(page, "forward")[1] == ["2", "1000"]


def test_a_number_that_is_refused_says_why(page: Page) -> None:
    """In words at the box, tied to it, until it is mended."""
    box = page.get_by_label("w, number")
    words = page.get_by_text("“1+1” is not a number such as 0.5 or 1e3.", exact=True)
    for mend in ("2", "Escape"):
        box.fill("1+1")
        box.press("Enter")
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(words).to_be_visible()
        expect(box).to_have_accessible_description(words.inner_text())
        expect(box).to_have_accessible_error_message(words.inner_text())
        expect(page.get_by_role("status")).to_have_text(f"w: {words.inner_text()}")
        if mend == "2":
            box.fill(mend)
        box.press("Enter" if mend == "2" else mend)
        expect(words).to_be_hidden()
        expect(box).not_to_have_attribute("aria-invalid", "true")
        expect(box).to_have_accessible_description("")
    assert _rows(page, "forward")[1] == ["2", "2"]


def test_a_condition_is_0_or_1(opened: Opens, tmp_path: Path) -> None:
    (x,), (p,) = cr.inputs("x"), cr.inputs("p", dtype="bool")
    cr.graph(cr.where(p, x, 2 * x)).at(p=True, x=3).save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    page.get_by_label("p, number").fill("0.5")
    page.get_by_label("p, number").press("Enter")
    expect(page.get_by_text("“0.5” is not 0 or 1.", exact=True)).to_be_visible()


def test_undo_and_redo(page: Page) -> None:
    _set(page, "x", 7)
    _set(page, "w", 2)
    page.keyboard.press("Control+z")
    rested(page)
    assert [value for _, value in _rows(page, "forward")][:3] == ["1", "0.5", "7"]
    page.keyboard.press("Control+z")
    rested(page)
    assert [value for _, value in _rows(page, "forward")][:3] == ["1", "0.5", "3"]
    page.keyboard.press("Control+Shift+Z")
    page.keyboard.press("Control+y")
    rested(page)
    assert [value for _, value in _rows(page, "forward")][:3] == ["1", "2", "7"]


def test_a_move_of_a_slider_is_undone_as_one(page: Page) -> None:
    for value in (4, 5, 6):
        _set(page, "x", value)
    page.get_by_role("button", name="Undo").click()
    rested(page)
    assert _rows(page, "forward")[2] == ["3", "3"]
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_reload_from_the_address(graph: cr.Graph, opened: Opens, tmp_path: Path) -> None:
    page = _open(graph, opened, tmp_path)
    _set(page, "x", 7)
    page.get_by_role("button", name="Forward pass").click()
    page.get_by_role("slider", name="Step").fill("6")
    page.locator('.pass-table.forward tr[data-slot="4"] th').click()
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Theme").select_option("dark")
    expect(page).to_have_url(re.compile("theme=dark.*x=7$"))
    before, address = _rows(page, "forward"), page.url
    assert address.endswith("#v=1&pass=forward&theme=dark&step=6&selected=4&x.x=7")
    page.reload()
    rested(page)
    assert _rows(page, "forward") == before
    expect(page.locator(".box.selected")).to_have_attribute("data-key", "n4")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_selection_links_formula_drawing_and_table(page: Page) -> None:
    page.locator('.box[data-key="n6"]').click()
    expect(page.locator(".pass-table.forward tr.selected th")).to_have_count(1)
    expect(page.locator('.pass-table.forward tr[data-slot="6"]')).to_have_class(
        re.compile("selected")
    )
    rested(page)
    lit = page.locator(".characters .selected").all_inner_texts()
    assert "".join(lit) == "sigmoid(w*x + b)"
    page.locator(".characters span", has_text="y").first.hover()
    expect(page.locator(".box.hovered")).to_have_attribute("data-key", "n0")
    page.locator('.pass-table.backward tr[data-slot="5"] td').last.hover()
    expect(page.locator(".box.hovered")).to_have_attribute("data-key", "n5")


def test_by_keyboard_alone(page: Page) -> None:
    """Into the drawing, along the edges to the output, selected, and out again."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('box')"):
            break

    def focused() -> str:
        found: str = page.evaluate("document.activeElement.dataset.key ?? ''")
        return found

    page.keyboard.press("End")
    assert focused() == "n8"
    page.keyboard.press("ArrowLeft")
    assert focused() == "n7"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert focused() == "n0"
    page.keyboard.press("ArrowRight")
    assert focused() == "n7"
    page.keyboard.press("Enter")
    expect(page.locator(".box.selected")).to_have_attribute("data-key", "n7")
    page.keyboard.press("Escape")
    expect(page.locator(".box.selected")).to_have_count(0)
    assert focused() == ""
    page.keyboard.press("f")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".count")).to_have_text("1 / 9")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play (")).to_be_visible()


def test_the_passes_play_by_themselves(page: Page) -> None:
    page.get_by_label("Speed").select_option("4")
    page.get_by_role("button", name="Play (").click()
    expect(page.locator(".segments .forward")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".segments .backward")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Play (")).to_be_visible()
    expect(page.locator(".count")).to_have_text("9 / 9")


def test_a_chip_changes_the_kind(page: Page) -> None:
    page.get_by_role("button", name="x is an input").click()
    expect(page.locator('.box[data-key="n2"]')).to_have_class(re.compile("box.* parameter"))
    expect(page.get_by_role("button", name="x is a parameter")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark", "print", "colour-blind"])
def test_themes(page: Page, theme: str) -> None:
    from_drawings = cr.parse("x").at(x=1).draw(theme=theme).svg()
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Theme").select_option(theme)
    colour = page.locator(".card").first.evaluate("one => getComputedStyle(one).backgroundColor")
    red, green, blue = (int(part) for part in colour[4:-1].split(","))
    assert f"fill:#{red:02x}{green:02x}{blue:02x}" in from_drawings


def test_a_phone(graph: cr.Graph, opened: Opens, tmp_path: Path) -> None:
    """One column, the drawing first, nothing wider than the screen, values flow down."""
    page = _open(graph, opened, tmp_path, **_PHONE)
    rested(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    places = "all => new Set(all.map(one => one.getBoundingClientRect().top)).size"
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.locator(".top button:visible").evaluate_all(places) == 1
    page.set_viewport_size({"width": 390, "height": 844})
    tops = page.locator(".stage > :not([hidden])").evaluate_all(
        "all => all.map(a => a.getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    places = [page.locator(f'.box[data-key="n{slot}"]').bounding_box() for slot in (4, 8)]
    assert places[0]
    assert places[1]
    assert places[0]["y"] < places[1]["y"]


@pytest.mark.parametrize(
    ("formula", "is_cut"),
    [
        ("x + " + " + ".join(f"w{at}*sin({at}*x)" for at in range(2, 9)), False),
        ("exp(" + " + ".join(f"w{at}*sin({at}*x)" for at in range(2, 9)) + ")", True),
    ],
    ids=["sum", "one term"],
)
def test_long_formulas_on_a_phone(
    opened: Opens, tmp_path: Path, formula: str, is_cut: bool
) -> None:
    """They go on in the next line; what cannot be broken is scrolled, by keyboard too."""
    cr.parse(formula).save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html", **_PHONE)
    rested(page)
    echo = page.locator(".echo")
    width = "one => one.scrollWidth > one.clientWidth"
    assert echo.evaluate(width) == is_cut
    assert (echo.get_attribute("tabindex") == "0") == is_cut
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_drawing_stays_in_sight_below_many_equations(opened: Opens, tmp_path: Path) -> None:
    chain = "; ".join(f"a{at} = sin(a{at - 1}) * y" for at in range(1, 40))
    cr.parse(f"a0 = x; {chain}").save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html", viewport={"width": 1280, "height": 800})
    place = page.locator(".drawing-frame").bounding_box()
    assert place
    assert place["y"] < 500
    for part in (".echo", ".characters"):
        expect(page.locator(part)).to_have_attribute("tabindex", "0")
    page.emulate_media(media="print")
    cut = "one => one.scrollHeight > one.clientHeight + 1"
    assert not page.locator(".echo").evaluate(cut)


def test_outputs_that_cannot_be_chosen_are_said(opened: Opens, tmp_path: Path) -> None:
    powers = ", ".join(f"x^{at + 2}" for at in range(14))
    cr.parse(powers).save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    expect(page.get_by_label("What is differentiated").locator("option")).to_have_count(12)
    expect(page.get_by_text("(the first 12 of 14 outputs)")).to_be_visible()


def test_what_has_no_backward_pass_has_no_table_of_it(opened: Opens, tmp_path: Path) -> None:
    cr.parse("2*3 + 1").save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    expect(page.locator(".pass-table.forward")).to_be_visible()
    expect(page.locator(".pass-table.backward")).to_be_hidden()


def test_reduced_motion(graph: cr.Graph, opened: Opens, tmp_path: Path) -> None:
    script = "one => getComputedStyle(one).transitionDuration"
    moving = _open(graph, opened, tmp_path).locator(".box").first.evaluate(script)
    still = _open(graph, opened, tmp_path, reduced_motion="reduce").locator(".box").first
    assert (moving, still.evaluate(script)) == ("0.18s", "0s")


def test_on_paper(graph: cr.Graph, opened: Opens, tmp_path: Path) -> None:
    """What can be pressed is left out; drawing, sentence, values and tables stay, uncut."""
    page = _open(graph, opened, tmp_path, viewport={"width": 700, "height": 300})
    page.emulate_media(media="print")
    for gone in (".top", ".timeline-row", ".tab-list", ".drawing-tools"):
        expect(page.locator(gone).first).to_be_hidden()
    for kept in (".drawing svg", ".sentence", ".number-box", ".pass-table.forward"):
        expect(page.locator(kept).first).to_be_visible()
    cut = "all => all.filter(one => one.scrollHeight > one.clientHeight + 1).length"
    assert page.locator(".table-frame:visible").evaluate_all(cut) == 0


def test_nothing_moves_while_numbers_change(page: Page) -> None:
    script = (
        "() => [...document.querySelectorAll('section, .chip, tr')]"
        ".map(one => JSON.stringify(one.getBoundingClientRect()))"
    )
    before = page.evaluate(script)
    for value in (-9.9, 1.7, 10):
        _set(page, "w", value)
        assert page.evaluate(script) == before


_HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "${alert(1)}",
    "__proto__",
]


@pytest.mark.parametrize("title", _HOSTILE)
def test_hostile_titles_are_text(opened: Opens, tmp_path: Path, title: str) -> None:
    path = tmp_path / "page.html"
    cr.parse("x * y").save(path, title=title)
    page = opened(path)
    expect(page.locator(".box")).to_have_count(3)
    assert page.title() == f"{title} · chainrule"
    assert page.locator("script").count() == 2


def test_hostile_names_are_text(opened: Opens, tmp_path: Path) -> None:
    """Python's own names are letters; the keys of a dict are anything."""
    keys = [*_HOSTILE, "constructor", "a&amp;b", "$x$", "\\frac{1}{"]
    graph = cr.trace(lambda given: math.prod(given.values()))(dict.fromkeys(keys, 2.0))
    names = [node.name for node in graph.dag.inputs]
    path = tmp_path / "page.html"
    graph.save(path)
    page = opened(path)
    rested(page)
    said = page.locator(".box.input").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert {one.split(" = ")[0].removeprefix("input ") for one in said} == set(names)
    _set(page, names[3], 7)
    assert _rows(page, "forward")[3] == ["4", "7"]


@pytest.mark.parametrize(
    "fragment",
    [
        "#v=1&f=x*z&x.x=<b>&selected=9999&step=99999&output=3&wrt=77",
        "#v=1&tab=none&theme=red",
        "#%",
    ],
)
def test_addresses_that_say_nonsense(
    graph: cr.Graph, opened: Opens, tmp_path: Path, fragment: str
) -> None:
    page = _open(graph, opened, tmp_path, fragment)
    rested(page)
    expected = graph.at(y=1, w=0.5, x=3, b=-1).table("backward")
    assert _rows(page, "backward") == _numbers(expected)
    assert page.locator(".characters").inner_text() == "L = (y - sigmoid(w*x + b))^2"


def test_operators_apart_and_latex(opened: Opens, tmp_path: Path) -> None:
    """Constants are drawn for each use; operators and their results are boxes of one node."""
    graph = cr.parse(r"\frac{1}{\sqrt{2\pi\sigma^2}} e^{-\frac{(x-\mu)^2}{2\sigma^2}}")
    path = tmp_path / "page.html"
    record = graph.at(sigma=2, x=1, mu=3)
    record.save(path, style="operators", edges="formula")
    page = opened(path)
    rested(page)
    assert _rows(page, "forward") == _numbers(record.table("forward"))
    assert _rows(page, "backward") == _numbers(record.table("backward"))
    assert page.locator(".box.operator").count() == 12


def test_without_arguments(opened: Opens, tmp_path: Path) -> None:
    """There is a forward pass, and nothing to differentiate by."""
    path = tmp_path / "page.html"
    cr.parse("2 + 3").save(path)
    page = opened(path)
    expect(page.locator(".segments .forward")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".segments .backward")).to_be_disabled()
    expect(page.locator(".segments .tangent")).to_be_disabled()
    expect(page.locator(".count")).to_have_text("1 / 1")
    assert _rows(page, "forward") == [["1", "5"]]


def test_numbers_that_are_not_finite(opened: Opens, tmp_path: Path) -> None:
    """The slider stays at an end, and says the number itself."""
    path = tmp_path / "page.html"
    graph = cr.parse("1/(x - x) + log(y)")
    graph.at(x=2, y=-1).save(path)
    page = opened(path)
    record = graph.at(x=2, y=-1)
    assert _rows(page, "forward") == _numbers(record.table("forward"))
    assert _rows(page, "backward") == _numbers(record.table("backward"))
    box, slider = page.get_by_label("x, number"), page.get_by_role("slider", name="x", exact=True)
    for typed, end in (("inf", "max"), ("-inf", "min"), ("nan", "min")):
        box.fill(typed)
        box.press("Enter")
        expect(slider).to_have_attribute("aria-valuetext", typed)
        expect(slider).to_have_value(slider.get_attribute(end) or "")


def test_a_graph_larger_than_its_drawing(opened: Opens, tmp_path: Path) -> None:
    """Nodes that are not drawn are in the tables, and every step can be made."""
    path = tmp_path / "page.html"
    names = ["x", *(f"a{at}" for at in range(12))]
    lines = [f"{new} = sin({old}) * x" for old, new in pairwise(names)]
    graph = cr.parse("; ".join(lines))
    record = graph.at(x=1)
    record.save(path, most=10)
    page = opened(path)
    expect(page.locator(".box")).to_have_count(11)
    expect(page.get_by_role("img", name="15 more nodes not drawn")).to_be_visible()
    assert _rows(page, "backward") == _numbers(record.table("backward"))
    page.get_by_role("button", name="Forward pass").click()
    page.get_by_role("button", name="First step").click()
    for step in range(len(graph.dag.order)):
        expect(page.locator(".count")).to_have_text(re.compile(f"^{step} /"))
        page.keyboard.press("ArrowRight")
    assert _rows(page, "forward") == _numbers(record.table("forward"))
    page.locator('.pass-table.forward tr[data-slot="1"] th').click()
    expect(page.locator(".pass-table.forward tr.selected")).to_have_count(1)


def test_conditions_and_several_outputs(opened: Opens, tmp_path: Path) -> None:
    (x,) = cr.inputs("x")
    p = cr.where(x > 0, x, 0.1 * x)
    graph = cr.graph([p, p * x])
    path = tmp_path / "page.html"
    record = graph.at(x=-2)
    record.save(path)
    page = opened(path)
    rested(page)
    assert _rows(page, "forward") == _numbers(record.table("forward"))
    for name in ("f1", "f2"):
        page.get_by_label("What is differentiated").select_option(label=name)
        rested(page)
        assert _rows(page, "backward") == _numbers(record.table("backward", of=name))
