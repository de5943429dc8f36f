"""Display options, examples and help: what they offer, what they do, and where the focus goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import chainrule as cr
from chainrule.page import bundle
from tests.conftest import SEEDS
from tests.page.conftest import Opens, painted

_EXAMPLES = [
    example
    for group in json.loads(
        (Path(bundle.__file__).parent / "static" / "examples.json").read_text(encoding="utf-8")
    )
    for example in group["examples"]
]


@pytest.fixture
def shown(opened: Opens, tmp_path: Path) -> Page:
    cr.parse("(x + y) * (x + 1)").at(x=2 / 3, y=1).save(tmp_path / "page.html")
    return opened(tmp_path / "page.html")


def test_every_formula_of_the_texts_is_an_example() -> None:
    found = {
        (one["source"], tuple(one["at"].items()), tuple(one["parameters"])) for one in _EXAMPLES
    }
    for seed in SEEDS:
        wanted = (seed["formula"], tuple(seed["at"].items()), tuple(seed["parameters"]))
        assert wanted in found, seed["id"]


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda example: example["title"])
def test_examples_have_finite_derivatives(example: dict[str, object]) -> None:
    record = cr.parse(example["source"], parameters=example["parameters"]).at(**example["at"])
    assert abs(record.value) < 1e6
    assert all(abs(derivative) < 1e6 for derivative in record.gradient.values())


def test_an_example_is_shown_at_its_point(served: Page) -> None:
    served.get_by_role("button", name="Examples").click()
    served.get_by_role("button", name="Squared error of a sigmoid").click()
    expect(served.locator("#formula")).to_have_value("L = (y - sigmoid(w*x + b))^2")
    expect(served.locator(".box")).to_have_count(9)
    expect(served.locator(".box.parameter")).to_have_count(2)
    expect(served.get_by_label("x, number")).to_have_value("3")
    record = cr.parse("L = (y - sigmoid(w*x + b))^2").at(y=1, w=0.5, b=-1, x=3)
    cells = served.locator(".pass-table.backward tbody td.number")
    assert cells.all_inner_texts() == [row[-1].text for row in record.table("backward").rows]
    served.get_by_role("button", name="Undo").click()
    expect(served.locator("#formula")).to_have_value("(x + y) * (x + 1)")
    expect(served.locator(".box")).to_have_count(6)


def test_a_file_has_no_examples_and_only_its_own_drawings(shown: Page) -> None:
    expect(shown.get_by_role("button", name="Examples")).to_have_count(0)
    shown.get_by_role("button", name="Display").click()
    expect(shown.get_by_label("Style")).to_have_count(0)
    expect(shown.get_by_label("Edges show")).to_have_count(0)
    expect(shown.get_by_label("Values flow")).to_be_visible()
    shown.get_by_role("button", name="Display").click()
    shown.get_by_role("button", name="Export").click()
    expect(shown.get_by_role("button", name="Save TikZ")).to_have_count(0)


def test_a_drawing_of_another_style_keeps_everything_else(served: Page) -> None:
    served.get_by_label("x, number").fill("3")
    served.get_by_label("x, number").press("Enter")
    served.locator('.box[data-key="n4"]').click()
    served.get_by_role("button", name="Display").click()
    served.get_by_label("Style").select_option("operators")
    expect(served.locator(".box.operator")).to_have_count(3)
    expect(served.get_by_label("x, number")).to_have_value("3")
    assert served.locator('.box[data-key="n4"].selected').count() == 1
    served.get_by_label("Edges show").select_option("none")
    expect(served.locator(".labels [data-number]")).to_have_count(0)
    served.get_by_label("Digits").select_option("6")
    served.get_by_label("Theme").select_option("colour-blind")
    served.keyboard.press("Escape")
    for _ in range(4):
        served.keyboard.press("Control+z")
    expect(served.locator(".box.operator")).to_have_count(0)
    assert served.evaluate("document.documentElement.dataset.theme") is None


def test_digits_of_the_drawing(shown: Page) -> None:
    """Numbers in a drawing are shapes: fewer digits take fewer of them."""
    size = "paths => paths.map(path => path.getAttribute('d')).join('').length"
    shapes = shown.locator('.box[data-key="n0"] .value path')
    long = shapes.evaluate_all(size)
    shown.get_by_role("button", name="Display").click()
    shown.get_by_label("Digits").select_option("2")
    painted(shown)
    assert 0 < shapes.evaluate_all(size) < long


def test_help_takes_the_focus_and_gives_it_back(shown: Page) -> None:
    tab = shown.get_by_role("tab", name="Tables")
    tab.focus()
    shown.keyboard.press("?")
    dialog = shown.get_by_role("dialog", name="Help")
    expect(dialog).to_be_visible()
    for _ in range(5):
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.closest('dialog, body').tagName") in (
            "DIALOG",
            "BODY",  # the window itself: nothing of the page behind
        )
    count = shown.locator(".count").inner_text()
    shown.keyboard.press("f")  # no key of the page works below a dialog
    expect(shown.locator(".count")).to_have_text(count)
    shown.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tab).to_be_focused()


def test_help_lists_the_keys_that_there_are(shown: Page) -> None:
    shown.get_by_role("button", name="Help").click()
    words = shown.get_by_role("dialog", name="Help").locator("td").all_inner_texts()
    for word in ("play or pause", "one step back", "undo", "redo", "this help"):
        assert word in words
    shown.get_by_role("button", name="Close").click()
    expect(shown.get_by_role("dialog", name="Help")).to_be_hidden()


def test_menus_by_keyboard(shown: Page) -> None:
    button = shown.get_by_role("button", name="Display")
    button.focus()
    shown.keyboard.press("Enter")
    expect(shown.get_by_role("dialog", name="Display")).to_be_visible()
    shown.keyboard.press("Tab")
    expect(shown.get_by_label("Values flow")).to_be_focused()
    shown.keyboard.press("Escape")
    expect(shown.get_by_role("dialog", name="Display")).to_be_hidden()
    expect(button).to_be_focused()


def test_escape_closes_a_menu_opened_by_the_pointer(shown: Page) -> None:
    shown.get_by_role("button", name="Display").click()
    expect(shown.get_by_role("dialog", name="Display")).to_be_visible()
    shown.keyboard.press("Escape")
    expect(shown.get_by_role("dialog", name="Display")).to_be_hidden()
