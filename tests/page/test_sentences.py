"""The sentence of each step, with its arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import chainrule as cr
from chainrule.exchange.javascript.module import module
from chainrule.page.bundle import _enclosed
from chainrule.page.content import Asked, content
from tests.page.conftest import Opens
from tests.page.modules import evaluate

_SAID = (
    "(() => { const [content, state, program] = given;"
    " const numbers = new m.Numbers(content, new Function(program + '; return graphProgram;')());"
    " return m.plainSentence(m.sentence(content, numbers, { kinds: new Map(), ...state })); })()"
)


def _said(page: Page, graph: cr.Graph, values: dict[str, float], **state: Any) -> str:
    asked = content(graph.dag, Asked(values))
    given = [asked, {"output": asked["output"], **state}, _enclosed(module(graph.dag))]
    exports = "sentence, plainSentence, Numbers"
    found: str = evaluate(page, "main.js", exports, _SAID, given)
    return found


@pytest.mark.parametrize(
    ("during", "step", "expected"),
    [
        ("forward", 0, "The forward pass computes every value, arguments first."),
        ("forward", 1, "input x = 2"),
        ("forward", 3, "a = x + y = 2 + (-1) = 1"),
        ("forward", 4, "f = a*x = 1 · 2 = 2"),
        ("backward", 0, "The backward pass starts at f and goes back to the arguments."),
        ("backward", 1, "f is where the pass starts: ∂f/∂f = 1"),
        ("backward", 2, "a receives ∂f/∂f · ∂f/∂a = 1 · 2 = 2"),
        ("backward", 3, "x receives ∂f/∂a · ∂a/∂x + ∂f/∂f · ∂f/∂x = 2 · 1 + 1 · 1 = 3"),
        ("tangent", 0, "Forward mode follows a change of y through the graph."),
        ("tangent", 1, "x does not change with y: dx/dy = 0"),
        ("tangent", 2, "y is what changes: dy/dy = 1"),
        ("tangent", 4, "df/dy = ∂f/∂a · da/dy = 2 · 1 = 2"),
    ],
)
def test_steps_of_the_second_text(page: Page, during: str, step: int, expected: str) -> None:
    graph = cr.parse("a = x + y; f = a * x")
    state = {"pass": during, "step": step, "wrt": 1}
    assert _said(page, graph, {"x": 2, "y": -1}, **state) == expected


def test_every_step_is_spoken(opened: Opens, tmp_path: Path) -> None:
    """Names, arithmetic and number are those of the row in the table of Python."""
    record = cr.parse("L = (y - sigmoid(w*x + b))^2").at(y=1, w=0.5, x=3, b=-1)
    record.save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    spoken = page.get_by_role("status")
    for name, table in (
        ("Backward pass", record.table("backward")),
        ("Forward mode", record.table("forward-mode", wrt="y")),
    ):
        page.get_by_role("button", name=name).click()
        for row in table.rows:
            page.get_by_role("slider", name="Step").fill(row[0].text)
            expect(spoken).to_have_text(_sentence([cell.text for cell in row]))


def _sentence(row: list[str]) -> str:
    _, node, derivative, computation, via, number = row
    is_back = derivative.startswith("∂")
    if computation == "start":
        what = "is where the pass starts" if is_back else "is what changes"
        return f"{node} {what}: {derivative} = {number}"
    if computation == "no path":
        return f"{node} does not change with y: {derivative} = 0"
    factors = ("∂L/∂{0} · ∂{0}/∂{1}" if is_back else "∂{1}/∂{0} · d{0}/dy").format
    names = " + ".join(factors(other, node) for other in via.split(", "))
    start = f"{node} receives" if is_back else f"{derivative} ="
    return f"{start} {names} = {computation.replace('·', ' · ')}"
