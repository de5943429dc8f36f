"""Practice in a browser: by keyboard, right and wrong, one by one and all at once."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import chainrule as cr
from tests.page.conftest import Opens, painted, rested


def _open(opened: Opens, tmp_path: Path, name: str = "three-variables", **window: Any) -> Page:
    path = tmp_path / "exercise.html"
    cr.exercise(name).save(path)
    page = opened(path, **window)
    expect(page.locator(".practice")).to_be_visible()
    return page


def _field(page: Page) -> Any:
    return page.locator(".practice-card .answer")


def _answer(page: Page, text: str) -> None:
    _field(page).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def _spoken(page: Page) -> str:
    return page.locator("[role=status]").inner_text()


def _accessible(page: Page) -> str:
    """All names, values and descriptions that readers who do not see are given."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    words = [
        str(node[key].get("value", ""))
        for node in nodes
        if not node.get("ignored")
        for key in ("name", "value", "description")
        if key in node
    ]
    return "\n".join(words)


def test_an_exercise_by_keyboard_to_its_end(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    by_hand = {
        "value of v1": "3",
        "value of f": "12",
        "∂f/∂v1, the local": "4",
        "∂f/∂z, the local": "3",
        "∂v1/∂x, the local": "1",
        "∂v1/∂y, the local": "1",
        "the adjoint of f": "1",
        "the adjoint of v1": "4",
        "the adjoint of x": "4",
        "the adjoint of y": "4",
        "the adjoint of z": "3",
    }
    for done in range(len(by_hand)):
        expect(page.locator(".count")).to_have_text(f"{done} of 11")
        asked = _field(page).get_attribute("aria-label")
        _answer(page, next(answer for words, answer in by_hand.items() if words in asked))
    expect(page.locator(".practice-end")).to_have_text("Done: 11 of 11 solved.")
    expect(page.locator(".practice-end")).to_be_focused()
    expect(page.locator(".count")).to_have_text("11 of 11")
    expect(page.locator(".practice-result tbody tr.solved")).to_have_count(11)


def test_focus_and_words_go_on_to_the_next_question(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    _answer(page, "1 + 2")
    expect(page.locator("[role=status]")).to_contain_text("Right: v1 = 3.")
    assert "What is the value of f = v1*z?" in _spoken(page)
    expect(_field(page)).to_be_focused()
    expect(_field(page)).to_have_attribute("aria-label", "What is the value of f = v1*z?")
    expect(_field(page)).to_have_value("")


def test_hint_then_rule_then_the_answer(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    helps = page.locator(".practice-card .practice-help")
    expect(helps).to_have_count(0)
    _answer(page, "4")
    expect(helps).to_have_count(1)
    expect(_field(page)).to_have_attribute("aria-invalid", "true")
    assert _spoken(page) == "Not right. Hint: Put x and y into x + y."
    _answer(page, "5")
    expect(helps).to_have_count(2)
    assert _spoken(page) == "Not right. Rule: v1 = x + y = 1 + 2 = ?"
    show = page.get_by_role("button", name="Show the answer")
    expect(show).to_be_hidden()
    _answer(page, "6")
    show.press("Enter")
    expect(page.locator(".question")).to_contain_text("f")
    assert _spoken(page).startswith("The answer: v1 = 3.")
    row = page.locator(".practice-result tbody tr").first
    expect(row).to_have_class("shown")


def test_what_cannot_be_read_is_no_try(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    _answer(page, "3,0")
    expect(page.locator(".verdict.bad")).to_contain_text("decimal point")
    place = "document.activeElement.selectionStart"
    assert page.evaluate(place) == 1
    expect(page.locator(".practice-card .practice-help")).to_have_count(0)
    assert page.locator(".practice-result tbody tr td.number").first.text_content() == "0"


@pytest.mark.parametrize("edges", ["local", "formula", "contribution"])
def test_numbers_that_are_asked_for_are_nowhere(opened: Opens, tmp_path: Path, edges: str) -> None:
    path = tmp_path / "page.html"
    record = cr.parse("a = x*y; b = a^2; f = b*x + a").at(x=3.37, y=7.13)
    record.save(path, edges=edges)
    page = opened(path, "#v=1&practice=value,local,formula,adjoint&heat=value")
    expect(page.locator(".practice")).to_be_visible()
    rested(page)
    x, y = 3.37, 7.13
    a = x * y
    adjoint = 2 * a * x + 1
    values = (a, a**2, a**2 * x, a**2 * x + a)
    slopes = (2 * a, 2 * a * x, adjoint, adjoint * x, adjoint * y, adjoint * y + a**2)
    hidden = [f"{number:.6g}" for number in (*values, *slopes)]
    markup = page.evaluate(
        "() => { const all = document.documentElement.cloneNode(true);"
        " all.querySelectorAll('script, style').forEach((part) => part.remove());"
        " return all.outerHTML; }"
    )
    shown = {"text": page.inner_text("body"), "names": _accessible(page), "markup": markup}
    for where, words in shown.items():
        for number in hidden:
            found = re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", words)
            assert not found, (where, number)
    assert page.locator(".timeline, .tabs").count() == 0
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    assert _spoken(page) == ""
    _answer(page, f"{a:.6g}")
    page.locator(f".box[aria-label*='{hidden[0]}']").wait_for()
    assert hidden[0] in _accessible(page)
    page.get_by_role("button", name="Practice").click()
    expect(page.locator(".timeline")).to_be_visible()


def test_a_sheet_marks_the_first_wrong_step(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    page.get_by_role("button", name="All at once").click()
    answers = {
        "value-3": "3",
        "value-4": "13",  # wrong; 12 is right
        "local-2": "4",
        "local-3": "3",  # right, and it does not come from f
        "adjoint-4": "2",  # wrong, too
        "adjoint-3": "8",  # follows from it
    }
    for key, answer in answers.items():
        page.locator(f'tr[data-key="{key}"] .answer').fill(answer)
    page.keyboard.press("Enter")
    expect(page.locator(".sheet-said")).to_contain_text("The first wrong step is marked.")
    expect(page.locator("tr.wrong")).to_have_count(1)
    expect(page.locator('tr[data-key="value-4"]')).to_have_class(re.compile("wrong"))
    expect(page.locator('tr[data-key="value-4"] .answer')).to_be_focused()
    expect(page.locator("tr[data-key='value-3']")).to_have_class(re.compile("done"))
    expect(page.locator('tr[data-key="adjoint-3"] .answer')).to_have_value("8")
    assert page.locator('tr[data-key="adjoint-4"] td.number').inner_text() == "", "not judged"
    page.keyboard.press("Control+a")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.locator("tr.wrong")).to_have_attribute("data-key", "adjoint-4")


def test_results_are_written_and_read_back(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path, "used-twice")
    for answer in ["6", "9", "x", "3.00", "1"]:
        _answer(page, answer)
    page.locator(".practice-result summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    found = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert found["format"] == "chainrule-practice"
    assert (found["formula"], found["exercise"], found["values"]) == (
        "f(x) = x*x",
        "used-twice",
        {"x": 3},
    )
    assert found["solved"] == 4
    first, *_, last = found["questions"]
    assert first == {
        "question": "What is the value of f = x*x?",
        "kind": "value",
        "answers": ["6", "9"],
        "right": "9",
        "tries": 2,
        "hints": 1,
        "result": "solved",
    }
    assert (last["result"], last["right"]) == ("open", None)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["result"] for row in rows] == ["solved"] * 4 + ["open"]
    assert rows[0]["answers"] == "6 | 9"


def test_a_link_and_undo_bring_answers_back(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    _answer(page, "4")
    _answer(page, "3")
    expect(page.locator(".count")).to_have_text("1 of 11")
    expect(page).to_have_url(re.compile("value-3=4[^&]*3"))
    page.reload()
    expect(page.locator(".count")).to_have_text("1 of 11")
    _answer(page, "12")
    expect(page.locator(".count")).to_have_text("2 of 11")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".count")).to_have_text("1 of 11")
    expect(page.locator(".question")).to_contain_text("What is the value of")


def test_an_answer_is_there_after_a_reload_at_once(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    _field(page).fill("3")
    _field(page).press("Enter")
    painted(page)
    page.reload()
    expect(page.locator(".count")).to_have_text("1 of 11")


def test_answers_too_long_for_a_link_stay_in_the_window(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    tries = page.locator(".practice-result tbody tr").first.locator("td.number").first
    for done in range(1, 18):
        _field(page).fill(" + ".join(["1"] * 48 + [f"{done}"]))
        page.keyboard.press("Enter")
        expect(tries).to_have_text(str(done))
    _field(page).fill("3")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_have_text("1 of 11")
    page.reload()
    expect(page).not_to_have_url(re.compile("a.value"))
    expect(page.locator(".count")).to_have_text("1 of 11")
    expect(tries).to_have_text("18")
    row = page.locator(".practice-result tbody tr").first
    expect(row).to_contain_text("1 + 1 + 17, 3")


def test_choices_by_keyboard(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path, "memory")
    page.get_by_role("button", name="All at once").click()
    group = page.locator("tr[data-key='saved-3']").get_by_role("radiogroup")
    group.get_by_role("radio", name="its output").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator('tr[data-key="saved-3"]')).to_have_class("done")


def test_a_graph_that_becomes_a_practice_keeps_its_point(opened: Opens, tmp_path: Path) -> None:
    cr.parse("x*y").at(x=2, y=3).save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    slider, button = page.locator(".chip [type=range]"), page.get_by_role("button", name="Practice")
    for is_free in (True, False, True):
        expect(slider.first).to_be_visible(visible=is_free)
        expect(page.get_by_label("x, number")).to_be_editable(editable=is_free)
        button.click()


def test_new_values_begin_anew(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path)
    _answer(page, "3")
    expect(page.locator(".count")).to_have_text("1 of 11")
    before = page.locator(".number-box").evaluate_all("boxes => boxes.map((box) => box.value)")
    for _ in range(3):  # the same values may be drawn again
        page.get_by_role("button", name="New values").click()
    expect(page.locator(".count")).to_have_text("0 of 11")
    after = page.locator(".number-box").evaluate_all("boxes => boxes.map((box) => box.value)")
    assert after != before
    assert page.locator(".number-box").first.get_attribute("readonly") is not None


def test_it_fits_a_phone(opened: Opens, tmp_path: Path) -> None:
    page = _open(opened, tmp_path, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="All at once").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_menu_of_exercises(served: Page) -> None:
    served.get_by_role("button", name="Practice").click()
    served.get_by_label("Exercise", exact=True).select_option("Used twice")
    expect(served.locator(".task")).to_contain_text("both operands")
    expect(served.locator("#formula")).to_have_value("f(x) = x*x")
    _answer(served, "9")
    expect(served.locator(".count")).to_have_text("1 of 5")
    served.get_by_label("Difficulty").select_option("3")
    served.get_by_role("button", name="New exercise").click()
    expect(served.locator(".task")).to_contain_text("Difficulty 3")
    expect(served.locator(".count")).to_contain_text("0 of")
    expect(served).to_have_url(re.compile(r"exercise=\d+-3"))
    formula, link = served.locator("#formula").input_value(), served.url
    served.goto("about:blank")
    served.goto(link)
    expect(served.locator("#formula")).to_have_value(formula)
    expect(served.locator(".practice")).to_be_visible()


def test_a_link_with_seed_and_difficulty(served: Page, address: str) -> None:
    served.goto("about:blank")
    served.goto(f"{address}#v=1&practice=on&exercise=7-3")
    one = cr.exercise(7, 3)
    expect(served.locator(".task")).to_contain_text("Difficulty 3, number 7")
    found = served.locator(".number-box").evaluate_all("all => all.map((box) => Number(box.value))")
    assert found == list(one.values.values())
    served.locator("#formula").fill("sin(x)")
    expect(served.locator(".count")).to_have_text("0 of 4")
    expect(served).not_to_have_url(re.compile("exercise"))
