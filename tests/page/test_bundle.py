"""The page as one file: what is in it, and that nothing of a user's gets out of its place."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.page.bundle import assets
from chainrule.page.themes import themes_css

_SAVED = re.compile(
    r"^<!doctype html>.*?default-src 'none'; script-src 'sha256-(?P<script_digest>[^']+)';"
    r" style-src 'sha256-(?P<style_digest>[^']+)';.*?<style>(?P<style>.*?)</style>.*?"
    r'<script type="text/plain" id="content">(?P<content>[A-Za-z0-9+/=]+)</script>\s*'
    r'<script type="module">(?P<script>.*?)</script>\s*</body>\s*</html>\s*$',
    re.DOTALL,
)


def _saved(graph: cr.Graph, path: Path, **options: object) -> re.Match[str]:
    graph.save(path, **options)
    found = _SAVED.match(path.read_text(encoding="utf-8"))
    assert found is not None
    return found


def _content(found: re.Match[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found["content"])))
    return content


def test_style_and_script_are_those_of_the_policy(tmp_path: Path) -> None:
    found = _saved(cr.parse("(x + y) * (x + 1)"), tmp_path / "page.html")
    for part in ("style", "script"):
        digest = base64.b64encode(sha256(found[part].encode()).digest()).decode()
        assert found[f"{part}_digest"] == digest


def test_values_of_a_record_are_where_sliders_start(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    cr.parse("x * y").at(x=0.25, y=-3).save(path, title="A product", theme="dark")
    found = _SAVED.match(path.read_text(encoding="utf-8"))
    assert found is not None
    content = _content(found)
    assert [(one["name"], one["value"]) for one in content["arguments"]] == [("x", 0.25), ("y", -3)]
    assert (content["title"], content["theme"]) == ("A product", "dark")


@pytest.mark.parametrize(
    "title", ["</script><script>alert(1)</script>", "<!--<script>", "\ud800 & <b>"]
)
def test_a_title_ends_nothing(tmp_path: Path, title: str) -> None:
    found = _saved(cr.parse("x^2"), tmp_path / "page.html", title=title)
    expected = title.encode(errors="replace").decode()
    assert _content(found)["title"] == expected


def test_fifty_nodes_are_less_than_300_kilobytes(tmp_path: Path) -> None:
    terms = [f"w{at} * tanh(x{at} + b)" for at in range(8)]
    graph = cr.parse(f"({' + '.join(terms)})^2", parameters=[f"w{at}" for at in range(8)])
    assert 49 <= len(graph.dag.order) <= 52
    found = _saved(graph, tmp_path / "page.html")
    assert len(found[0].encode()) < 300_000


def test_names_of_modules_are_unique() -> None:
    code = "".join(text for name, text in assets().items() if name.endswith(".js"))
    names = re.findall(
        r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", code, re.MULTILINE
    )
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_modules_write_no_markup_and_run_no_text() -> None:
    for name, text in assets().items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b|new Function", text
        ), name


def test_colours_are_those_of_drawings() -> None:
    """After a change of themes: ``python -m chainrule.page.themes`` writes the style sheet."""
    assert assets()["themes.css"] == themes_css()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"theme": "pink"}, "E250"),
        ({"style": "round"}, "E250"),
        ({"view": "paths"}, "E251"),
        ({"scale": 2}, "E251"),
        ({"animated": True}, "E251"),
        ({"wrt": "x"}, "E251"),
    ],
)
def test_what_a_page_cannot_show(tmp_path: Path, options: dict[str, object], code: str) -> None:
    with pytest.raises(cr.DrawingError, match=code):
        cr.parse("x * y").save(tmp_path / "page.html", **options)
    assert not (tmp_path / "page.html").exists()


def test_what_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(cr.GraphError, match="E229"):
        cr.parse("sum(W @ x)", shapes={"W": (2, 3), "x": 3}).save(tmp_path / "page.html")
    with pytest.raises(cr.DrawingError, match="E251"):
        cr.parse("x^2").at(x=np.array([1.0, 2.0])).save(tmp_path / "page.html")
    with pytest.raises(cr.FileError, match="E406"):
        cr.parse("x^2").save(tmp_path / "page.htm")
