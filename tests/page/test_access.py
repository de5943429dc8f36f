"""The page for everybody: axe-core finds nothing in it, in whatever state and colours it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

import chainrule as cr
from tests.page.conftest import painted
from tests.windows import Windows

_WIDE = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
_PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
_WINDOWS = pytest.mark.parametrize("window", [_WIDE, _PHONE], ids=["wide", "phone"])
_LONG = "learning_rate_of_the_first_layer * gradient_of_the_loss_by_its_weights"

_FINDINGS = """async (part) => {
  const options = { resultTypes: ["violations"], preload: false };
  const { violations } = await axe.run(part ?? document, options);
  return violations.map(({ impact, id, nodes }) => [impact, id, nodes.map(({ html }) => html)]);
}"""

Opens = Callable[..., Page]


@pytest.fixture
def opened(windows: Windows) -> Iterator[Opens]:
    """Opens addresses without the policy of the page, which lets no other script in."""
    with ExitStack() as lent:

        def open_address(address: str, window: dict[str, Any]) -> Page:
            options = {"bypass_csp": True, "reduced_motion": "reduce", **window}
            page = lent.enter_context(windows.lent(**options)).page
            page.goto(address)
            said = page.locator(".box").first
            expect(said).to_have_attribute("aria-label", re.compile("."))
            return page

        yield open_address


class _Findings:
    """What axe-core finds in the states of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, list[Any]] = {}
        page.evaluate(AXE_SCRIPT)

    def look(self, state: str, part: str | None = None) -> None:
        """Looks at the page, or at the part of it that is another one in this state."""
        painted(self.page)
        found = self.page.evaluate(_FINDINGS, part)
        if found:
            self.found[state] = found


def test_no_finding_in_any_theme(opened: Opens, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    cr.parse("a = x + y; f = a * w", parameters="w").save(path)
    page = opened(path.as_uri() + "#v=1&step=2&selected=3", _WIDE)
    findings = _Findings(page)
    for theme in ("light", "dark", "print", "colour-blind"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        findings.look(theme)
    assert findings.found == {}


@_WINDOWS
def test_no_finding_while_served(opened: Opens, address: str, window: dict[str, Any]) -> None:
    page = opened(address, window)
    findings = _Findings(page)
    findings.look("at first")
    for tab in ("Paths", "Saved values and cost", "Derivative", "Tangent"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab)).to_be_visible()
        findings.look(tab, ".tabs")
    for menu in ("Examples", "Display", "Export", "Help"):
        page.get_by_role("button", name=menu).click()
        expect(page.get_by_role("dialog", name=menu)).to_be_visible()
        findings.look(menu, ":is(:popover-open, dialog[open])")
        page.keyboard.press("Escape")
    page.get_by_label("x, number").fill("1+1")
    page.get_by_label("x, number").press("Enter")
    findings.look("a number that is none", ".chips")
    page.locator("#formula").fill("y * simoid(x)")
    expect(page.get_by_role("alert")).to_be_visible()
    findings.look("a formula that is none", ".formula")
    page.locator("#formula").fill(_LONG)
    expect(page.locator(".box")).to_have_count(3)
    findings.look("long names")
    assert findings.found == {}


@_WINDOWS
def test_no_finding_in_practice(opened: Opens, tmp_path: Path, window: dict[str, Any]) -> None:
    path = tmp_path / "exercise.html"
    cr.exercise("used-twice").save(path)
    page = opened(path.as_uri(), window)
    findings = _Findings(page)
    findings.look("a question")
    answer = page.locator(".practice-card .answer")
    while answer.is_visible():
        answer.fill("987")
        answer.press("Enter")
        if not findings.found and page.locator(".practice-help").count() == 1:
            findings.look("a wrong answer", ".practice")
        show = page.get_by_role("button", name="Show the answer")
        if show.is_visible():
            show.click()
    findings.look("the result", ".practice")
    assert findings.found == {}
