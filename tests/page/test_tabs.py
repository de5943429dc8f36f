"""The tabs of saved values, derivative and tangent against Python, and all of them by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import chainrule as cr
from tests.page.conftest import Opens, painted

_AT = {"y": 1.0, "w": 0.5, "x": 3.0, "b": -1.0}


@pytest.fixture
def graph() -> cr.Graph:
    return cr.parse("L = (y - sigmoid(w*x + b))^2", parameters="w b")


@pytest.fixture
def page(graph: cr.Graph, opened: Opens, tmp_path: Path) -> Page:
    graph.at(**_AT).save(tmp_path / "page.html")
    return opened(tmp_path / "page.html")


def _cells(table: Locator) -> list[list[str]]:
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    found: list[list[str]] = table.locator("tbody tr").evaluate_all(script)
    return found


def _set(page: Page, name: str, value: str) -> None:
    page.get_by_label(f"{name}, number").fill(value)
    page.get_by_label(f"{name}, number").press("Enter")
    painted(page)


def test_saved_values_are_listed_and_marked(page: Page, graph: cr.Graph) -> None:
    page.get_by_role("tab", name="Saved").click()
    saved = graph.saved_values()
    table = page.get_by_role("region", name="Values saved")
    assert [row[-1] for row in _cells(table)] == [row[-1].text for row in saved.table().rows]
    expect(page.locator(".saved .lead")).to_contain_text("24 of 40 bytes")
    marked = page.locator(".box.marked").evaluate_all("all => all.map(one => one.ariaLabel)")
    kept = [row[0].text for row in saved.table().rows]
    assert len(marked) == len(kept) == 5
    for label in kept:
        assert any(f" {label}" in f" {words}" for words in marked)
    page.get_by_role("tab", name="Tables").click()
    expect(page.locator(".box.marked")).to_have_count(0)


def test_cost(page: Page, graph: cr.Graph) -> None:
    page.get_by_role("tab", name="Saved").click()
    costs = graph.cost()
    found = _cells(page.get_by_role("region", name="Cost"))
    assert found == [[cell.text for cell in row] for row in costs.table().rows]


def test_the_derivative_with_its_steps(page: Page, graph: cr.Graph) -> None:
    page.get_by_role("tab", name="Derivative").click()
    panel = page.get_by_role("tabpanel")
    for name in "ywxb":
        panel.get_by_label("Argument").select_option(label=name)
        expect(panel.get_by_role("status")).to_have_text(f"{graph.at(**_AT).gradient[name]:.6g}")
        expect(panel.locator(".equation .row")).to_have_count(1)
        expect(panel.locator(".equation math").first).to_be_visible()
        steps = graph.derive(name).table()
        assert [row[3] for row in _cells(panel)] == [row[3].text for row in steps.rows]
    _set(page, "x", "-2")
    expected = graph.at(**{**_AT, "x": -2}).gradient["b"]
    expect(panel.get_by_role("status")).to_have_text(f"{expected:.6g}")


def test_steps_of_the_derivative_select_nodes(page: Page) -> None:
    page.get_by_role("tab", name="Derivative").click()
    row = page.get_by_role("tabpanel").locator("tbody tr").last
    row.focus()
    row.press("Enter")
    expect(page.locator(".box.selected")).to_have_count(1)
    expect(row).to_have_attribute("aria-selected", "true")


def test_tangents_are_those_of_forward_mode(page: Page, graph: cr.Graph) -> None:
    page.get_by_role("tab", name="Tangent").click()
    panel = page.get_by_role("tabpanel")
    panel.get_by_label("Argument").select_option(label="w")
    painted(page)
    expected = graph.at(**_AT).table("forward-mode", wrt="w")
    assert [row[-1] for row in _cells(panel)] == [row[-1].text for row in expected.rows]


def test_the_point_moves_the_slider(page: Page, graph: cr.Graph) -> None:
    page.get_by_role("tab", name="Tangent").click()
    panel = page.get_by_role("tabpanel")
    panel.get_by_label("Argument").select_option(label="x")
    point = panel.locator(".point")
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box
    page.mouse.move(box["x"] + 7, box["y"] + 7)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] + 7, steps=5)
    page.mouse.up()
    painted(page)
    moved = float(page.get_by_label("x, number").input_value())
    assert moved < 3
    expected = graph.at(**{**_AT, "x": moved}).value
    assert point.get_attribute("aria-valuetext") == (
        f"x = {moved:.6g}, L = {expected:.6g}, "
        f"slope {graph.at(**{**_AT, 'x': moved}).gradient['x']:.6g}"
    )
    point.focus()
    point.press("ArrowRight")
    painted(page)
    assert float(page.get_by_label("x, number").input_value()) > moved
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.get_by_label("x, number")).to_have_value("3")


def test_all_tabs_by_keyboard(page: Page) -> None:
    page.get_by_role("tab", name="Tables").focus()
    for name in ("Paths", "Saved values and cost", "Derivative", "Tangent", "Tables"):
        page.keyboard.press("ArrowRight")
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tabpanel")).to_have_count(1)
        expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Paths")).to_be_visible()
    page.keyboard.press("Tab")  # the argument
    page.keyboard.press("ArrowDown")
    painted(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".path-table button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".path-table tr.selected")).to_have_count(1)
