"""The page on its server: formulas are typed, understood or not, and drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import chainrule as cr
from chainrule.app.server.jobs import JOBS
from tests.app.serving import TOKEN, Serving
from tests.page.conftest import FOLDER
from tests.page.stand_in import DIES, SPINS


def _values(page: Page, kind: str = "forward") -> list[str]:
    return page.locator(f".pass-table.{kind} tbody td.number").all_inner_texts()


def _expected(record: cr.Record, kind: str = "forward") -> list[str]:
    return [row[-1].text for row in record.table(kind).rows]


def test_an_error_is_seen_and_mended(served: Page) -> None:
    field = served.get_by_label("Formula", exact=True).and_(served.locator("input"))
    field.fill("y * simoid(x)")
    expect(served.get_by_role("alert")).to_contain_text("did you mean 'sigmoid'?")
    expect(served.locator(".characters .wrong")).to_have_text("simoid")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(served.locator(".box")).to_have_count(6)
    field.fill("y * sigmoid(x)")
    expect(served.locator(".box")).to_have_count(4)
    expect(served.get_by_role("alert")).to_be_hidden()
    expect(served.locator(".echo math")).to_have_count(1)
    record = cr.parse("y * sigmoid(x)").at(y=2, x=1)
    expect(served.locator(".pass-table.forward tbody tr")).to_have_count(4)
    assert _values(served) == _expected(record)
    assert _values(served, "backward") == _expected(record, "backward")


def test_a_link_to_a_formula_with_an_error(served: Page, address: str) -> None:
    """The formula is there to be mended, as if it had been typed."""
    served.goto("about:blank")
    served.goto(f"{address}#v=1&f=y*simoid(x)")
    expect(served.locator(".characters .wrong")).to_have_text("simoid")
    expect(served.locator("#formula")).to_have_value("y*simoid(x)")


def test_latex_and_undo(served: Page) -> None:
    field = served.locator("#formula")
    field.fill(r"\frac{x}{1+x^2}")
    expect(served.locator(".box")).to_have_count(5)
    served.locator("h1").click()
    served.keyboard.press("Control+z")
    expect(served.locator(".box")).to_have_count(6)
    expect(field).to_have_value("(x + y) * (x + 1)")


def test_reload_brings_formula_and_values_back(served: Page) -> None:
    served.locator("#formula").fill("exp(-x^2) * θ")
    expect(served.get_by_label("theta, number")).to_be_visible()
    served.get_by_label("theta, number").fill("0.125")
    served.get_by_label("theta, number").press("Enter")
    expect(served).to_have_url(re.compile("theta=0.125"))
    before = _values(served)
    served.reload()
    expect(served.get_by_label("theta, number")).to_have_value("0.125")
    assert _values(served) == before
    assert "0.125" in before


@pytest.mark.parametrize(
    "formula",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "x" * 5000, "(" * 900],
)
def test_formulas_that_are_none(served: Page, formula: str) -> None:
    served.locator("#formula").fill(formula)
    expect(served.get_by_role("alert")).to_have_text(re.compile("E1"))
    served.locator("#formula").fill("x + 1")
    expect(served.locator(".box")).to_have_count(3)


def test_workers_that_die_or_are_slow(chromium: Browser) -> None:
    """The page says so and keeps its graph; the next formula works."""
    jobs = {**JOBS, "content": "tests.page.stand_in:content"}
    with Serving(FOLDER, jobs, seconds=5) as serving:
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{serving.port}/{TOKEN}/")
        expect(page.locator(".box")).to_have_count(6)
        page.locator("#formula").fill(DIES)
        expect(page.get_by_role("alert")).to_contain_text("this ended the process that computed it")
        expect(page.locator(".box")).to_have_count(6)
        page.locator("#formula").fill("x + 1")
        expect(page.locator(".box")).to_have_count(3)
        expect(page.get_by_role("alert")).to_be_hidden()
        page.locator("#formula").fill(SPINS)
        slow = re.compile("E511.*takes longer than 5 seconds")
        expect(page.get_by_role("alert")).to_have_text(slow)
        expect(page.locator(".box")).to_have_count(3)
        page.locator("#formula").fill("x * y * z")
        expect(page.locator(".box")).to_have_count(5)
        expect(page.get_by_role("alert")).to_be_hidden()
        page.close()


def test_several_equations(served: Page) -> None:
    """The last statement says what the outputs are; what it leaves out is warned of."""
    field, warnings = served.locator("#formula"), served.locator(".warnings")
    field.fill("f = x*y; g = x + y")
    expect(warnings).to_contain_text("'f' is defined, but the output does not use it")
    expect(served.locator(".box")).to_have_count(3)
    field.fill("f = x*y; g = x + y; f, g")
    expect(served.locator(".box")).to_have_count(4)
    expect(warnings).to_be_empty()
    of = served.get_by_label("What is differentiated")
    assert of.locator("option").all_inner_texts() == ["f", "g"]
    of.select_option(label="g")
    expect(served.locator(".pass-table.backward caption")).to_contain_text("of g")
    record = cr.parse("f = x*y; g = x + y; f, g").at(x=2, y=1)
    assert _values(served) == _expected(record)
    expected = [row[-1].text for row in record.table("backward", of="g").rows]
    assert _values(served, "backward") == expected


def test_a_kind_that_is_changed(served: Page) -> None:
    """In the drawing, the tables, files and words; it stays with the name in other formulas."""
    kind = served.locator('.pass-table.forward tr[data-slot="0"] .wide')
    expect(kind).to_have_text("input")
    served.get_by_role("button", name="x is an input").click()
    expect(kind).to_have_text("parameter")
    box = served.locator('.box[data-key="n0"]')
    expect(box).to_have_class(re.compile(r"\bparameter\b"))
    expect(box).to_have_attribute("aria-label", re.compile("^parameter x = 2;"))
    expect(served).to_have_url(re.compile("kind.x=parameter"))
    served.get_by_role("button", name="Export").click()
    with served.expect_download() as download:
        served.get_by_role("button", name="Save All numbers").click()
    nodes = json.loads(Path(download.value.path()).read_text("utf-8"))["nodes"]
    assert [node["kind"] for node in nodes[:2]] == ["parameter", "input"]
    assert [node["operation"] for node in nodes[:2]] == ["parameter", "input"]
    served.keyboard.press("Escape")
    served.locator("#formula").fill("sin(x) * z")
    expect(served.locator(".box.input")).to_have_count(1)
    expect(served.locator(".box.parameter")).to_have_count(1)
    served.get_by_role("button", name="x is a parameter").click()
    expect(served.locator(".box.input")).to_have_count(2)
    expect(kind).to_have_text("input")


@pytest.mark.parametrize("width", [390, 320])
def test_it_fits_a_phone(served: Page, width: int) -> None:
    served.set_viewport_size({"width": width, "height": 844})
    assert served.evaluate("document.documentElement.scrollWidth") == width
    tools = served.locator(".tools button").filter(visible=True)
    expect(tools).to_have_count(7)
    for one in tools.all():
        place = one.bounding_box()
        assert place
        assert 0 <= place["x"] <= width - place["width"]


def test_formula_drawing_and_tables_are_linked_both_ways(served: Page) -> None:
    """In LaTeX too, where a node is more than a letter."""
    field = served.locator("#formula")
    field.fill(r"\frac{x}{1+x^2} + w")
    expect(served.locator(".chip")).to_have_count(2)
    lit = served.locator(".characters .selected")
    slot = served.locator(".pass-table.forward th", has_text="v3").locator("..")
    slot.locator("th").click()
    assert "".join(lit.all_inner_texts()) == r"\frac{x}{1+x^2}"
    expect(served.locator(".box.selected")).to_have_attribute(
        "data-key", f"n{slot.get_attribute('data-slot')}"
    )
    served.locator('.box[data-key="n0"]').hover()
    assert served.locator(".characters .hovered").all_inner_texts() == ["x", "x"]
    place = served.locator(".characters span", has_text="w").bounding_box()
    assert place
    served.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(served.locator(".box.hovered")).to_have_attribute("data-key", "n1")
    expect(served.locator("tr.hovered")).to_have_count(2)
    expect(served.locator(".chip.hovered")).to_have_count(1)
