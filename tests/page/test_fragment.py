"""The state in the address of the page: what is written comes back, and nothing else gets in."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.page.modules import evaluate

_STATE = """({
  source: "f(x) = x + y; \\u03b8*2",
  values: new Map([["x", 0.1], ["\\u03b8", -1e-300], ["a&b=c", 1/3]]),
  kinds: new Map([["x", "parameter"]]), output: 7, wrt: 0, pass: "tangent", step: 3, selected: 5,
  tab: "paths", style: "operators", direction: "down", edges: "formula", heat: "adjoint",
  theme: "dark", speed: 2, practice: "value,adjoint", sheet: "all", exercise: "7-3",
  answers: new Map([["value-3", "2.9|3"], ["adjoint-0", "!|x + y"]]) })"""
_FIRST = """({ source: "", values: new Map(), kinds: new Map(), output: null, wrt: null,
  pass: "backward", step: 9, selected: null, tab: "tables", style: "values", direction: "",
  edges: "local", heat: "", theme: "", speed: 1, practice: "off", sheet: "", exercise: "",
  answers: new Map() })"""


def test_what_is_written_comes_back(page: Page) -> None:
    expression = (
        f"(() => {{ const state = {_STATE}; const text = m.written(state, {_FIRST});"
        "const found = m.restored('#' + text); const plain = (s) => JSON.stringify({...s,"
        " values: [...s.values], kinds: [...s.kinds], answers: [...s.answers]},"
        " Object.keys(s).sort());"
        "return [text, plain(found), plain(state)]; })()"
    )
    text, found, state = evaluate(page, "fragment.js", "written, restored", expression)
    assert found == state
    assert text.startswith("v=1&f=f(x)+%3D+x+%2B+y;")
    assert "&x.x=0.1&" in text


def test_what_is_as_at_first_is_not_written(page: Page) -> None:
    expression = f"m.written({_FIRST}, {_FIRST})"
    assert evaluate(page, "fragment.js", "written", expression) == ""


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "#",
        "#v=2&x.x=1",
        "#x.x=1",
        "#v=1&%E0%A4%A=1&x.%=2",
        "#v=1&x.x=&x.y=1+1&x.z=<b>&kind.x=constant",
        "#v=1&step=-1&selected=1e3&output=0x1&wrt=99999999",
        "#v=1&pass=sideways&tab=<script>&theme=javascript:1&style=operators;",
        "#v=1&speed=1e9&speed=nan",
        "#v=1&__proto__=1&constructor=2&=3&&&===",
        "#v=1&x.x=1" + "&a=b" * 20000,
    ],
)
def test_what_is_malformed_is_ignored(page: Page, fragment: str) -> None:
    expression = (
        "(() => { const s = m.restored(given); return {...s, values: [...(s.values ?? [])],"
        " kinds: [...(s.kinds ?? [])]}; })()"
    )
    found: dict[str, Any] = evaluate(page, "fragment.js", "restored", expression, fragment)
    assert {key: value for key, value in found.items() if value} == {}
