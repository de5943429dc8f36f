"""Graphs and records as a notebook shows them: a real one is run, and its outputs are read."""

import warnings
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

import chainrule as cr

CELLS = [
    "import chainrule as cr\ng = cr.parse('a = x + y; f = a*x')",
    "g",
    "g.at(x=3, y=2)",
    "g.at(x=3, y=2).draw(edges='contribution')",
    "g.at(x=3, y=2).plot_tangent('x')",
]


@pytest.fixture(scope="module")
def outputs():
    """What the cells show, by MIME type."""
    with warnings.catch_warnings():
        # What Jupyter warns of, about itself, is not ours.
        warnings.simplefilter("ignore")
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [[output["data"] for output in cell.outputs] for cell in notebook.cells]
    assert [len(cell) for cell in shown] == [0, 1, 1, 1, 1]
    return [cell[0] for cell in shown[1:]]


@pytest.mark.filterwarnings("ignore")
def test_each_cell_shows_a_picture(outputs):
    for data in outputs:
        root = ElementTree.fromstring(data["image/svg+xml"])
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert 0 < float(root.get("width")) < 1500
        assert data["text/plain"].startswith("<")


@pytest.mark.filterwarnings("ignore")
def test_graphs_and_records_have_their_formula(outputs):
    graph, record, drawing, plot = outputs
    written = cr.parse("a = x + y; f = a*x").latex()
    assert graph["text/latex"] == record["text/latex"] == rf"$\displaystyle {written}$"
    assert "text/latex" not in drawing
    assert "text/latex" not in plot


@pytest.mark.filterwarnings("ignore")
def test_only_the_record_shows_numbers(outputs):
    graph, record, *_ = outputs
    assert "15" not in ElementTree.tostring(
        ElementTree.fromstring(graph["image/svg+xml"]), "unicode", "text"
    )
    titles = ElementTree.fromstring(record["image/svg+xml"]).itertext()
    assert any("= 15" in title for title in titles)


def test_forms_can_be_chosen():
    graph = cr.parse("x^2")
    assert set(graph._repr_mimebundle_()) == {"image/svg+xml", "text/latex", "text/plain"}
    assert set(graph._repr_mimebundle_(include={"text/latex"})) == {"text/latex"}
    assert set(graph.at(1)._repr_mimebundle_(exclude={"image/svg+xml"})) == {
        "text/latex",
        "text/plain",
    }


@pytest.mark.parametrize(
    ("graph", "values"),
    [
        (cr.parse("x, x > 1"), {"x": 2}),
        (cr.parse("x^2"), {"x": [1, 2, 3]}),
        (cr.parse("1/x"), {"x": 0}),
        (cr.parse("3"), {}),
        (cr.parse("x + y").jacobian(), {"x": 1, "y": 2}),
    ],
)
def test_every_graph_and_record_shows_itself(graph, values):
    for shown in (graph, graph.at(**values)):
        bundle = shown._repr_mimebundle_()
        ElementTree.fromstring(bundle["image/svg+xml"])
        assert bundle["text/plain"] == repr(shown)


def test_large_graphs_are_text():
    graph = cr.parse(" + ".join(f"sin({number}*x)" for number in range(1, 101)))
    for shown in (graph, graph.at(1)):
        assert shown._repr_mimebundle_() == {"text/plain": repr(shown)}


def test_what_cannot_be_drawn_is_text(monkeypatch):
    def broken(*_):
        raise RuntimeError("no room")

    graph = cr.parse("x^2")
    record = graph.at(1)
    monkeypatch.setattr(cr.api.drawings, "picture", broken)
    for shown in (graph, record):
        assert shown._repr_mimebundle_() == {"text/plain": repr(shown)}
