"""The drawing is looked at: nearer and farther, moved, as a whole again, and by its heat."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import chainrule as cr
from tests.page.conftest import Opens, painted


@pytest.fixture
def record() -> cr.Record:
    return cr.parse("L = (y - sigmoid(w*x + b))^2").at(y=4, w=0.5, x=3, b=-2)


@pytest.fixture
def page(record: cr.Record, opened: Opens, tmp_path: Path) -> Page:
    record.save(tmp_path / "page.html")
    return opened(tmp_path / "page.html", viewport={"width": 1280, "height": 800})


def _seen(page: Page) -> list[float]:
    """The part of the drawing that is seen: left, top, width, height."""
    found = page.locator(".drawing svg").first.get_attribute("viewBox")
    assert found
    return [float(length) for length in found.split()]


def _frame(page: Page) -> dict[str, float]:
    place = page.locator(".drawing-frame").bounding_box()
    assert place
    return dict(place)


def _near(one: list[float], other: list[float]) -> bool:
    return one == pytest.approx(other, abs=0.05)


def _centre(seen: list[float]) -> list[float]:
    left, top, width, height = seen
    return [left + width / 2, top + height / 2]


def test_buttons_and_keys_zoom_around_the_centre(page: Page) -> None:
    whole = _seen(page)
    page.get_by_role("button", name="Zoom in").click()
    near = _seen(page)
    assert near[2] == pytest.approx(whole[2] / 1.25, abs=0.05)
    assert _near(_centre(near), _centre(whole))
    page.keyboard.press("-")
    assert _near(_seen(page), whole)
    page.get_by_role("button", name="Zoom out").click()
    assert _seen(page)[2] == pytest.approx(whole[2] / 0.8, abs=0.05)
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert _near(_seen(page), near)
    page.keyboard.press("0")
    assert _seen(page) == whole
    page.keyboard.press("+")
    page.get_by_role("button", name="Show all").click()
    assert _seen(page) == whole


def test_the_wheel_zooms_around_the_pointer_and_moves_aside(page: Page) -> None:
    whole, frame = _seen(page), _frame(page)
    page.mouse.move(frame["x"] + frame["width"] / 4, frame["y"] + frame["height"] / 4)
    page.mouse.wheel(40, 0)
    aside = _seen(page)
    assert aside[0] > whole[0]
    assert aside[1:] == whole[1:]
    page.keyboard.press("0")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    near = _seen(page)
    assert near[2] < whole[2]
    left, top, width, height = whole
    pointed = [left + width / 4, top + height / 4]
    now = [near[0] + near[2] / 4, near[1] + near[3] / 4]
    assert now == pytest.approx(pointed, abs=1)  # pointers stand on whole pixels
    page.mouse.wheel(0, 30)
    assert _seen(page) == near  # this moves the page


def test_a_drag_moves_the_drawing_and_selects_nothing(page: Page) -> None:
    whole, frame = _seen(page), _frame(page)
    place = page.locator('.box[data-key="n5"]').bounding_box()
    assert place
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 12)
    page.mouse.move(x + 60, y + 24)
    page.mouse.up()
    scale = frame["width"] / whole[2]
    moved = [whole[0] - 60 / scale, whole[1] - 24 / scale]
    assert _near(_seen(page)[:2], moved)
    assert _seen(page)[2:] == whole[2:]
    expect(page.locator(".box.selected")).to_have_count(0)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A page whose drawing cannot be read as a whole."""
    several = [f"h{at} = tanh(w{at}*x + b{at})" for at in range(6)]
    output = " + ".join(f"u{at}*h{at}" for at in range(6))
    cr.parse("; ".join([*several, f"y = {output}"])).save(tmp_path / "page.html")
    return tmp_path / "page.html"


def test_of_a_large_drawing_a_part_is_shown_large_enough_to_be_read(
    opened: Opens, large: Path
) -> None:
    """That around the output, until all of it is asked for; then it follows the step."""
    page = opened(large, viewport={"width": 1280, "height": 800})
    word = page.get_by_text("Show all", exact=True)
    drawing = page.evaluate("document.querySelector('.drawing svg').getBBox().width")

    def is_in_sight(name: str) -> bool:
        left, top, width, height = _seen(page)
        x, y = page.locator(f'.box[aria-label*="{name}"]').first.evaluate(
            "one => { const { x, y, width, height } = one.getBBox();"
            " return [x + width / 2, y + height / 2]; }"
        )
        return bool(left < x < left + width and top < y < top + height)

    expect(word).to_be_visible()
    seen = _seen(page)
    letters = 12  # numbers, in the units of the drawing
    assert letters * _frame(page)["width"] / seen[2] >= 9
    assert is_in_sight("y = ")
    assert not is_in_sight("input w0")
    page.keyboard.press("f")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    painted(page)
    assert is_in_sight("input w0")
    page.get_by_role("button", name="Show all").click()
    expect(word).to_be_hidden()
    left, _, width, _ = _seen(page)
    assert left <= 0
    assert left + width >= drawing
    page.keyboard.press("+")
    expect(word).to_be_visible()


def test_numbers_that_come_into_sight_are_those_of_now(opened: Opens, large: Path) -> None:
    """Out of sight they wait: as if the page had been opened with these numbers."""
    page = opened(large, viewport={"width": 1280, "height": 800})
    before = _signs(page)
    page.get_by_label("w0, number").fill("-2.75")
    page.get_by_label("w0, number").press("Enter")
    expect(page).to_have_url(re.compile("w0=-2.75"))
    painted(page)
    part = _signs(page)
    page.get_by_role("button", name="Show all").click()
    whole = _signs(page)
    fresh = opened(large, f"#{page.url.split('#')[1]}", viewport={"width": 1280, "height": 800})
    fresh.get_by_role("button", name="Show all").click()
    assert whole == _signs(fresh)
    changed = sum(one != other for one, other in zip(before, part, strict=True))
    assert 0 < changed < sum(one != other for one, other in zip(part, whole, strict=True))


def _signs(page: Page) -> list[str]:
    """The shapes of each number of the drawing."""
    script = """
        numbers => numbers.map(number => [...number.querySelectorAll("path")]
          .map(path => path.getAttribute("d")).join(" ").trim())
    """
    return list(page.locator(".drawing [data-number]").evaluate_all(script))


def test_on_paper_all_of_it_is_there(page: Page) -> None:
    page.keyboard.press("+")
    near = _seen(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    left, top, width, height = _seen(page)
    assert (left, top) == (0, 0)
    assert width > near[2]
    assert height > near[3] / 2
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert _seen(page) == near


_BLUE = """(all, property) => all.map((one) => {
  const numbers = getComputedStyle(one)[property].match(/[\\d.]+/g).map(Number);
  return numbers[2];
})"""
"""Heat is orange: the more of it, the less blue."""


def _blue(parts: Locator, property: str) -> list[Any]:
    found: list[Any] = parts.evaluate_all(_BLUE, property)
    return found


@pytest.mark.parametrize("heat", ["value", "adjoint"])
def test_larger_numbers_are_hotter_nodes(page: Page, record: cr.Record, heat: str) -> None:
    bodies = page.locator(".box .body")
    before = _blue(bodies, "fill")
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Colour by size of").select_option(heat)
    painted(page)
    expect(page.locator(".drawing")).to_have_class(re.compile("of-heat"))
    names = ["y", "w", "x", "b"]
    sizes = {name: abs(getattr(record[name], heat)) for name in names}
    blue = {
        name: _blue(page.locator(f'.box[data-key="n{slot}"] .body'), "fill")[0]
        for slot, name in enumerate(names)
    }
    assert sorted(names, key=lambda name: -blue[name]) == sorted(names, key=sizes.__getitem__)
    page.get_by_label("Colour by size of").select_option("")
    painted(page)
    assert _blue(bodies, "fill") == before


def test_heat_of_edges_leaves_nodes_as_they_are(page: Page) -> None:
    lines, bodies = page.locator(".curve.forward .line"), page.locator(".box .body")
    before = [_blue(lines, "stroke"), _blue(bodies, "fill")]
    page.get_by_role("button", name="Display").click()
    page.get_by_label("Colour by size of").select_option("local")
    painted(page)
    assert _blue(lines, "stroke") != before[0]
    assert _blue(bodies, "fill") == before[1]
