"""A slider that moves in a large graph: what is out of sight follows when it rests."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

import chainrule as cr
from tests.page.conftest import Opens

_SEEN = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60)))"
_MOVE = """(one) => {
  one.value = "2.5";
  one.dispatchEvent(new Event("input", { bubbles: true }));
  const last = document.querySelector(".pass-table.forward tbody tr:last-child td.number");
  return new Promise((done) => requestAnimationFrame(() => done(last.textContent)));
}"""
"""Gives the last number of the table, as it is when the frame has been made."""


def _values(page: Page) -> list[str]:
    return page.locator(".pass-table.forward tbody td.number").all_text_contents()


def _shapes(page: Page, key: str) -> list[str]:
    """The path data of the signs of a number."""
    script = "all => all.map(one => one.getAttribute('d')).filter(Boolean)"
    found: list[str] = page.locator(f'.box[data-key="{key}"] .value path').evaluate_all(script)
    return found


def test_rows_out_of_sight_follow_when_numbers_rest(opened: Opens, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    graph = cr.parse("x" + "".join(f" + sin({at}*x)" for at in range(2, 30)))
    graph.at(x=1).save(path)
    page = opened(path, viewport={"width": 1280, "height": 800})
    page.evaluate(_SEEN)
    before = _values(page)
    expected = [row[-1].text for row in graph.at(x=2.5).table("forward").rows]
    shown = page.get_by_role("slider", name="x", exact=True).evaluate(_MOVE)
    assert shown == before[-1] != expected[-1]
    page.wait_for_timeout(500)
    assert _values(page) == expected


def test_rows_that_come_into_sight_are_up_to_date(opened: Opens, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    graph = cr.parse("x" + "".join(f" + sin({at}*x)" for at in range(2, 30)))
    graph.at(x=1).save(path)
    page = opened(path, viewport={"width": 1280, "height": 800})
    last = page.locator(".pass-table.forward tbody tr").last
    last.scroll_into_view_if_needed()
    page.evaluate(_SEEN)
    page.get_by_role("slider", name="x", exact=True).evaluate(_MOVE)
    expected = graph.at(x=2.5).table("forward").rows[-1][-1].text
    assert last.locator("td.number").text_content() == expected


def test_signs_of_a_number_are_shapes_one_by_one(opened: Opens, tmp_path: Path) -> None:
    """Signs that stay keep their shape; a shorter number leaves none behind."""
    path = tmp_path / "page.html"
    cr.parse("x * y").at(x=0.125, y=1).save(path)
    page = opened(path)
    box = page.get_by_label("x, number")
    first = _shapes(page, "n0")
    assert len(first) == len("0.125")
    for typed, same in [("0.126", 4), ("2", 0), ("0.125", 5)]:
        box.fill(typed)
        box.press("Enter")
        page.wait_for_timeout(100)
        found = _shapes(page, "n0")
        assert len(found) == len(typed)
        assert sum(one == other for one, other in zip(first, found, strict=False)) == same
