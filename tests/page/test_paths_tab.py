"""The tab of the paths: counted exactly, in the order of Python, and shown in the drawing."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import chainrule as cr
from chainrule.show.numbers import number
from tests.page.conftest import Opens
from tests.page.modules import evaluate

_FORMULA = "a = x + y; b = a*a; c = b + a; d = c*b; d + c*sin(x)"


def _rows(page: Page) -> list[tuple[str, str]]:
    """Of each path that is listed its nodes, and its product."""
    script = "rows => rows.map(row => [row.cells[1].textContent, row.cells[3].innerText])"
    found = page.locator(".path-table tbody tr").evaluate_all(script)
    return [(re.sub(r"\s|→\d?", "", names), product) for names, product in found]


def _expected(record: cr.Record, wrt: str) -> list[tuple[str, str]]:
    return [("".join(path.nodes), number(path.product)) for path in record.paths(wrt).first(50)]


def _open(graph: cr.Graph, opened: Opens, folder: Path, fragment: str = "", **at: float) -> Page:
    path = folder / "page.html"
    graph.at(**at).save(path)
    page = opened(path, fragment)
    page.get_by_role("tab", name="Paths").click()
    return page


def test_all_paths_with_their_products(opened: Opens, tmp_path: Path) -> None:
    graph = cr.parse(_FORMULA)
    page = _open(graph, opened, tmp_path, x=0.75, y=-2)
    panel = page.get_by_role("tabpanel")
    for wrt, count in (("x", "9 paths"), ("y", "8 paths")):
        panel.get_by_label("Argument").select_option(label=wrt)
        expect(panel.locator(".lead")).to_contain_text(f"{count} from {wrt}")
        assert _rows(page) == _expected(graph.at(x=0.75, y=-2), wrt)
        derivative = f"{graph.at(x=0.75, y=-2).gradient[wrt]:.6g}"
        expect(panel.locator("tfoot td")).to_have_text([derivative, derivative])


def test_paths_follow_a_slider(opened: Opens, tmp_path: Path) -> None:
    graph = cr.parse(_FORMULA)
    page = _open(graph, opened, tmp_path, x=0.75, y=-2)
    page.get_by_label("x, number").fill("-1.5")
    page.get_by_label("x, number").press("Enter")
    derivative = f"{graph.at(x=-1.5, y=-2).gradient['x']:.6g}"
    expect(page.get_by_role("tabpanel").locator("tfoot td")).to_have_text([derivative] * 2)
    assert _rows(page) == _expected(graph.at(x=-1.5, y=-2), "x")


def test_a_path_and_the_drawing_choose_each_other(opened: Opens, tmp_path: Path) -> None:
    page = _open(cr.parse("(x + y) * (x + 1)"), opened, tmp_path, x=2, y=1)
    page.get_by_role("tabpanel").get_by_role("button", name="2", exact=True).click()
    expect(page.locator(".box.marked")).to_have_count(3)
    expect(page.locator(".curve.forward.marked")).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(page.locator(".box.marked")).to_have_count(0)
    # The sum of x and 1 is on the second path alone.
    sums = page.locator(".path-table tbody tr .path-name").all_inner_texts()
    page.locator('.box[data-key="n5"]').or_(page.locator('.box[data-key="n4"]')).first.click()
    expect(page.locator(".path-table tr.selected")).to_have_count(1)
    assert len(sums) == 2


def test_a_click_on_an_edge_chooses_the_largest_path_along_it(
    opened: Opens, tmp_path: Path
) -> None:
    page = _open(cr.parse(_FORMULA), opened, tmp_path, x=0.75, y=-2)
    edge = page.locator(".curve.forward").filter(has=page.locator("title", has_text="of v1")).first
    edge.dispatch_event("click", {"bubbles": True})
    expect(page.locator(".path-table tr.selected .path-name")).to_contain_text("v")
    chosen = page.locator(".path-table tr.selected").inner_text()
    assert "0.731689" in chosen  # cos(0.75), with no formula of ours


def test_a_link_and_undo_bring_a_path_back(opened: Opens, tmp_path: Path) -> None:
    page = _open(cr.parse("(x + y) * x"), opened, tmp_path, x=3, y=2)
    page.get_by_role("tabpanel").get_by_role("button", name="1", exact=True).click()
    expect(page).to_have_url(re.compile("path="))
    fragment = page.evaluate("location.hash")
    assert "tab=paths" in fragment
    assert "path=" in fragment
    again = opened(tmp_path / "page.html", fragment)
    expect(again.locator(".path-table tr.selected .path-name")).to_have_text(re.compile("^x .*f$"))
    expect(again.locator(".box.marked")).to_have_count(2)


def test_a_path_that_is_none_marks_nothing(opened: Opens, tmp_path: Path) -> None:
    graph = cr.parse("(x + y) * x")
    page = _open(graph, opened, tmp_path, "#v=1&tab=paths&path=999999.7.3", x=3, y=2)
    expect(page.locator(".path-table tr.selected")).to_have_count(0)
    expect(page.locator(".path-table tbody tr")).to_have_count(2)


def test_ten_to_the_thirty_paths(opened: Opens, tmp_path: Path) -> None:
    """Ten edges in each of 30 layers."""
    layers = ["v0 = x"] + [f"v{at} = {'+'.join([f'v{at - 1}'] * 10)}" for at in range(1, 31)]
    graph = cr.parse("; ".join(layers))
    assert graph.at(x=1).paths("x").count == 10**30
    page = _open(graph, opened, tmp_path, x=1)
    expect(page.locator(".paths .lead")).to_contain_text("about 1.0 · 10^30")
    words = re.sub(r"\s", "", page.locator(".paths .lead").inner_text())
    assert words.startswith(f"{10**30}paths")
    expect(page.locator(".path-table tbody tr")).to_have_count(50)
    expect(page.locator("tfoot td")).to_have_text(["50", "1e30"])


@pytest.mark.parametrize("x", [0.0, math.inf, 1e-200, 2.0])
def test_products_that_are_no_ordinary_numbers(opened: Opens, tmp_path: Path, x: float) -> None:
    graph = cr.parse("where(x > 1, sqrt(x)*x, exp(x)*x^3) + (x^40)^9*x")
    page = _open(graph, opened, tmp_path, x=x)
    expected = _expected(graph.at(x=x), "x")
    expect(page.locator(".path-table tbody tr")).to_have_count(len(expected))
    assert sorted(_rows(page)) == sorted(expected)


@pytest.mark.parametrize("start", range(6))
def test_sums_are_rounded_once(page: Page, start: int) -> None:
    generator = np.random.default_rng(start)
    terms = generator.normal(size=40) * 10.0 ** generator.integers(-20, 20, 40)
    terms = [*map(float, terms), *(-terms[:20] * (1 + 1e-15)).tolist()]
    found = evaluate(page, "path-numbers.js", "exactSum", "m.exactSum(given)", terms)
    assert float(found) == math.fsum(terms)


def test_sums_that_are_not_finite(page: Page) -> None:
    given = [[1e308, 1e308], [1e308, 1e308, -1e308], [1e16, 1, -1e16], []]
    found = evaluate(page, "path-numbers.js", "exactSum", "given.map(m.exactSum)", given)
    assert found == [math.inf, math.inf, 1, 0]
