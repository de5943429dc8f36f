"""Where numbers stop being finite: the page says it in the words of Python, live."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

import chainrule as cr
from chainrule.exchange.javascript.module import module
from chainrule.page.content import Asked, content
from tests.page.conftest import Opens, painted
from tests.page.engine import ran

_SAID = """
const found = [];
for (const [content, text] of given) {
  const numbers = new m.Numbers(content, await program(text));
  const { output } = content;
  const derivatives = output === null ? [] : m.reasonsOfDerivatives(content, numbers, output);
  const reasons = [...m.reasonsOfValues(content, numbers), ...derivatives];
  found.push(reasons.map(({ words }) => m.plainSentence(words)));
}
return found;
"""
INF = float("inf")

CASES: list[tuple[str, dict[str, float]]] = [
    ("log(x)*y", {"x": 0, "y": 2}),
    ("a = sqrt(x); f = a*y", {"x": 0, "y": 0}),
    ("log(y) + x", {"x": 1, "y": -1}),
    ("exp(x)/exp(x)", {"x": 1000}),
    ("a = 1/x; b = 0*a; b + log(y)", {"x": 0, "y": 0}),
    ("x*y", {"x": 0, "y": INF}),
    ("x^2 + inf", {"x": 1}),
    ("1e308*x + 1.5e308*x", {"x": 0}),
    ("a = 1e200*x; f = 1e200*a", {"x": 1e-300}),
    ("log(x)*log(y)*sqrt(z)", {"x": 0, "y": 0, "z": 0}),
    ("sqrt(x*x*y*z)", {"x": 0, "y": 0, "z": 0}),
    ("max(w, x, y, z, v, log(u))", dict.fromkeys("uvwxyz", -1.5)),
    ("where(x > 0, log(x), x^2)", {"x": 0}),  # the branch that is not taken
    ("a = log(x); f = where(x > 0, x^2, a)", {"x": 0}),
    ("x > log(y)", {"x": 1, "y": -1}),
    ("1/(1/x)", {"x": 0}),
    ("x^x, log(x)", {"x": -0.5}),
    ("x*y", {"x": 3, "y": 2}),
]


def test_the_words_are_those_of_python() -> None:
    given, expected = [], []
    for formula, values in CASES:
        graph = cr.parse(formula)
        found = content(graph.dag, Asked(values))
        label = None if found["output"] is None else found["nodes"][found["output"]]["label"]
        given.append([found, module(graph.dag)])
        expected.append(list(graph.at(**values).why_not_finite(of=label).sentences()))
    exports = "Numbers, reasonsOfValues, reasonsOfDerivatives, plainSentence"
    said = ran("main.js", exports, _SAID, given)
    assert said == expected
    counts = [len(one) for one in expected]
    assert counts == [3, 1, 1, 2, 4, 2, 1, 1, 1, 5, 1, 1, 0, 2, 0, 1, 4, 0]


def test_the_note_of_a_page(opened: Opens, tmp_path: Path) -> None:
    """It follows the numbers and the steps, is spoken when it is about something else, and its
    sentences select their nodes.
    """
    graph = cr.parse("f = log(y)*x")
    path = tmp_path / "page.html"
    graph.at(x=3, y=2).save(path)
    page = opened(path)
    note, sentences = page.locator(".reasons"), page.locator(".reason")
    spoken = page.get_by_role("status")
    expect(note).to_be_hidden()
    _type(page, "0")
    expected = graph.at(x=3, y=0).why_not_finite().sentences()
    expect(sentences).to_have_count(len(expected))
    said = sentences.evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert said == list(expected)
    expect(spoken).to_have_text(" ".join(expected))
    page.evaluate("document.querySelector('[role=status]').textContent = ''")
    _type(page, "-1")
    _type(page, "-2")
    expected = graph.at(x=3, y=-2).why_not_finite().sentences()
    assert len(expected) == 2
    expect(spoken).to_have_text(" ".join(graph.at(x=3, y=-1).why_not_finite().sentences()))
    expect(sentences.first).to_contain_text("-2")
    sentences.first.click()
    expect(page.locator(".box.selected")).to_have_attribute("data-key", "n2")
    page.get_by_role("button", name="Forward pass").click()
    expect(sentences).to_have_count(1)
    page.get_by_role("button", name="First step").click()
    expect(note).to_be_hidden()
    page.get_by_role("slider", name="Step").fill("3")
    expect(spoken).to_have_text(f"v1 = log(y) = log((-2)) = nan {expected[0]}")
    page.get_by_role("button", name="Practice").click()
    expect(note).to_be_hidden()


def _type(page: Page, text: str) -> None:
    page.get_by_label("y, number").fill(text)
    page.get_by_label("y, number").press("Enter")
    painted(page)
