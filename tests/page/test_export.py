"""What leaves the page is read back: by parsers of XML, CSV and JSON, and by the page itself."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import chainrule as cr
from chainrule.draw.themes import THEMES
from tests.page.conftest import Opens, painted
from tests.page.modules import evaluate

_AT = {"y": 1.0, "w": 0.5, "x": 1 / 3, "b": -1.0}
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def graph() -> cr.Graph:
    return cr.parse("L = (y - sigmoid(w*x + b))^2", parameters="w b")


@pytest.fixture
def neuron(graph: cr.Graph, opened: Opens, tmp_path: Path) -> Page:
    graph.at(**_AT).save(tmp_path / "page.html")
    return opened(tmp_path / "page.html")


def _saved(page: Page, word: str) -> str:
    """The text of a file that the page saves."""
    return _bytes(page, word).decode()


def _bytes(page: Page, word: str) -> bytes:
    if page.get_by_role("dialog", name="Export").count() == 0:
        page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save {word}").click()
    expect(page.locator(".told")).to_have_text(f"{download.value.suggested_filename} is saved.")
    return Path(download.value.path()).read_bytes()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_drawing_as_svg(neuron: Page, graph: cr.Graph) -> None:
    root = ElementTree.fromstring(_saved(neuron, "SVG"))
    titles = [title.text or "" for title in root.iter(f"{_SVG}title")]
    record = graph.at(**_AT)
    assert any(f"= {record.value:.6g}" in title for title in titles)
    for name, derivative in record.gradient.items():
        assert any(f"∂L/∂{name} = {derivative:.6g}" in title for title in titles)
    fills = {element.get("fill") for element in root.iter() if element.get("fill")}
    assert {THEMES["light"].boxes[kind].fill for kind in ("input", "parameter")} <= fills
    assert all(re.fullmatch("none|#[0-9a-f]{6}", fill or "") for fill in fills)
    assert not [one for one in root.iter() if {"class", "style", "tabindex"} & {*one.keys()}]


def test_the_drawing_as_pixels(neuron: Page) -> None:
    picture = _bytes(neuron, "PNG")
    assert picture.startswith(b"\x89PNG")
    width = int.from_bytes(picture[16:20], "big")
    root = ElementTree.fromstring(_saved(neuron, "SVG"))
    assert width == pytest.approx(2 * float(root.get("width", "0")), abs=2)


@pytest.mark.parametrize("word", ["Mermaid", "DOT"])
def test_all_nodes_and_edges_are_in_texts_for_graphs(
    neuron: Page, graph: cr.Graph, word: str
) -> None:
    text = _saved(neuron, word)
    arrow = "-->" if word == "Mermaid" else "->"
    edges = re.findall(rf"n(\d+) {arrow}(?:\|[^|]*\|)? n(\d+)", text)
    order = graph.dag.order
    places = {node: at for at, node in enumerate(order)}
    expected = [(str(places[edge.operand]), str(places[edge.user])) for edge in graph.dag.edges()]
    assert sorted(edges) == sorted(expected)
    assert len(set(re.findall(r"^  n(\d+)(?:\(| \[label)", text, re.MULTILINE))) == len(order)
    assert f"{graph.at(**_AT).value:.6g}" in text


def test_tables_have_the_numbers_in_full(neuron: Page, graph: cr.Graph) -> None:
    record = graph.at(**_AT)
    forward = _rows(_saved(neuron, "Forward pass"))
    expected = _rows(record.table("forward").csv())
    assert [row["node"] for row in forward] == [row["node"] for row in expected]
    found, values = ([float(row["value"]) for row in rows] for rows in (forward, expected))
    np.testing.assert_array_max_ulp(np.array(found), np.array(values), 4)
    assert float(forward[[row["node"] for row in forward].index("x")]["value"]) == 1 / 3
    for word, kind, column in (
        ("Backward pass", "backward", "gradient"),
        ("Forward mode", "forward-mode", "tangent"),
    ):
        rows = _rows(_saved(neuron, word))
        table = record.table(kind) if kind == "backward" else record.table(kind, wrt="y")
        expected = _rows(table.csv())
        assert [row["derivative"] for row in rows] == [row["derivative"] for row in expected]
        found, values = ([float(row[column]) for row in each] for each in (rows, expected))
        np.testing.assert_allclose(found, values, rtol=1e-14)
        for row in rows:
            if "·" in row["computation"]:
                assert "· -" not in row["computation"]
                summed = eval(row["computation"].replace("·", "*"), {})
                assert summed == pytest.approx(float(row[column]), rel=1e-14)
    edges = _rows(_saved(neuron, "Local derivatives"))
    for row in edges:
        local = record.local_derivative(row["operand"], row["user"])
        assert float(row["local derivative"]) == pytest.approx(local, rel=1e-14)


def test_all_numbers_as_json(neuron: Page, graph: cr.Graph) -> None:
    data = json.loads(_saved(neuron, "All numbers"))
    record = graph.at(**_AT)
    assert data["format"] == "chainrule-numbers"
    adjoints = {node["label"]: node["adjoint"] for node in data["nodes"]}
    for name, derivative in record.gradient.items():
        assert adjoints[name] == pytest.approx(derivative, rel=1e-14)


def test_exports_follow_the_sliders(neuron: Page, graph: cr.Graph) -> None:
    neuron.get_by_label("w, number").fill("nan")
    neuron.get_by_label("w, number").press("Enter")
    painted(neuron)
    rows = _rows(_saved(neuron, "Backward pass"))
    assert rows[0]["gradient"] == "1"
    assert rows[1]["gradient"] == "nan"
    nodes = json.loads(_saved(neuron, "All numbers"))["nodes"]
    assert next(node["value"] for node in nodes if node["label"] == "w") == "nan"


def test_the_link_opens_the_same_state(neuron: Page, opened: Opens, tmp_path: Path) -> None:
    neuron.get_by_label("x, number").fill("-0.1")
    neuron.get_by_label("x, number").press("Enter")
    neuron.get_by_role("tab", name="Tangent").click()
    neuron.get_by_role("tabpanel").get_by_label("Argument").select_option(label="w")
    neuron.get_by_role("button", name="Display").click()
    neuron.get_by_label("Colour by size of").select_option("adjoint")
    neuron.get_by_label("Digits").select_option("2")
    neuron.keyboard.press("Escape")
    neuron.get_by_role("button", name="Export").click()
    address = neuron.get_by_label("Link", exact=True).input_value()
    assert address.startswith((tmp_path / "page.html").as_uri())
    again = opened(tmp_path / "page.html", f"#{address.split('#')[1]}")
    expect(again.get_by_label("x, number")).to_have_value("-0.1")
    expect(again.get_by_role("tab", name="Tangent")).to_have_attribute("aria-selected", "true")
    expect(again.get_by_role("tabpanel").locator("select option:checked")).to_have_text("w")
    again.get_by_role("button", name="Display").click()
    expect(again.get_by_label("Colour by size of")).to_have_value("adjoint")
    expect(again.get_by_label("Digits")).to_have_value("2")


def test_nothing_of_a_title_gets_out(opened: Opens, tmp_path: Path) -> None:
    title = '</title><script>alert(1)</script>"]; n0 -->|"x"| n1 %%{init}%%\u2028'
    cr.parse("x * y").at(x=1, y=2).save(tmp_path / "page.html", title=title)
    page = opened(tmp_path / "page.html")
    root = ElementTree.fromstring(_saved(page, "SVG"))
    assert root[0].text == title
    assert not list(root.iter(f"{_SVG}script"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a"]; n0 --> n1', "a#34;#93;#59; n0 --#62; n1"),
        ("<b>x</b> `y` **z**", "#60;b#62;x#60;/b#62; #96;y#96; #42;#42;z#42;#42;"),
        ("w_1 = -0.5\nend", "w#95;1 = -0.5 end"),
        ("%%{init: {}}%%", "#37;#37;#123;init#58; #123;#125;#125;#37;#37;"),
    ],
)
def test_labels_of_mermaid_have_no_meaning(page: Page, text: str, expected: str) -> None:
    assert evaluate(page, "graph-file.js", "escaped", "m.escaped(given)", text) == expected


def test_labels_of_dot_end_nowhere(page: Page) -> None:
    found = evaluate(page, "graph-file.js", "quoted", "m.quoted(given)", ['a"];\\', "b\n</c>"])
    assert found == '"a\\"];\\\\\\nb </c>"'


def test_cells_are_no_formulas_of_other_programs(page: Page) -> None:
    rows = [["=1+1", "+x", "-x", "@sum", "a,b", 'say "x"', "two\nlines", -0.5, 1e-7, "x"]]
    text = evaluate(page, "csv.js", "csv", "m.csv(given)", rows)
    assert text.endswith("\r\n")
    found = next(csv.reader(io.StringIO(text, newline="")))
    expected = ["'=1+1", "'+x", "'-x", "'@sum", "a,b", 'say "x"', "two\nlines", "-0.5", "1e-7", "x"]
    assert found == expected


def test_texts_of_the_server(served: Page) -> None:
    for word, start in (("Mermaid", "---\n"), ("TikZ", "% "), ("DOT", "digraph")):
        text = _saved(served, word)
        assert text.startswith(start)
    assert "9" in text
    html = _saved(served, "This page as one file")
    assert html.startswith("<!doctype html>")


def test_the_link_of_a_server_has_no_secret(served: Page) -> None:
    served.get_by_label("x, number").fill("0.125")
    served.get_by_label("x, number").press("Enter")
    expect(served).to_have_url(re.compile("x=0.125$"))
    served.get_by_role("button", name="Export").click()
    served.get_by_role("button", name="Copy link").click()
    expect(served.locator(".told")).to_have_text("The link is copied.")
    link = served.evaluate("navigator.clipboard.readText()")
    assert link == "#v=1&f=(x+%2B+y)+*+(x+%2B+1)&x.x=0.125"
    served.get_by_role("button", name="Copy DOT").click()
    expect(served.locator(".told")).to_have_text("DOT is copied.")
    assert served.evaluate("navigator.clipboard.readText()").startswith("digraph")


def test_a_server_that_is_gone(served: Page) -> None:
    served.route("**/api/export", lambda route: route.fulfill(json={"error": {"message": "E506"}}))
    served.get_by_role("button", name="Export").click()
    served.get_by_role("button", name="Save TikZ").click()
    expect(served.locator(".told")).to_have_text("E506")
