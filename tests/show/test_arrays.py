"""Tables of graphs of arrays: shapes, summaries, rules, and where nodes were made."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.show.summaries import brief, summary
from tests.draw import traced
from tests.draw.traced import PROGRAMS, graph_of, numbers, record_of

NETWORK = record_of("network")
X, Y, W1, B1, W2, B2 = PROGRAMS["network"][1]


def rows(table) -> dict[str, dict]:
    return {row["node"]: row for row in json.loads(table.json())["rows"]}


def test_the_forward_table_has_summaries():
    hidden = np.tanh(X @ W1 + B1)
    row = rows(NETWORK.table())["hidden"]
    assert row["shape"] == [2, 4]
    np.testing.assert_allclose(row["value"], hidden)
    assert row["min"] == pytest.approx(hidden.min())
    assert row["max"] == pytest.approx(hidden.max())
    assert row["norm"] == pytest.approx(np.linalg.norm(hidden))
    assert (row["zeros"], row["nans"]) == (0.0, 0.0)
    assert rows(NETWORK.table())["b1"]["zeros"] == 1.0


def test_without_numbers_the_table_has_shapes():
    assert rows(graph_of("network").table())["w1"]["shape"] == [3, 4]


def test_the_data_says_where_nodes_were_made():
    found = rows(NETWORK.table("backward"))
    line = traced.layer.__code__.co_firstlineno + 1
    assert (found["hidden"]["line"], found["hidden"]["calls"]) == (f"traced.py:{line}", ["layer"])
    assert found["out"]["calls"] == ["layer_2"]
    assert (found["x"]["line"], found["x"]["calls"]) == (None, [])
    assert "line" not in rows(cr.parse("x^2").at(x=1).table())["x"]


def test_the_backward_table_has_rules_and_norms():
    found = rows(NETWORK.table("backward", digits=4))
    out = np.tanh(np.tanh(X @ W1 + B1) @ W2 + B2)
    norm = np.linalg.norm((out - Y) / 2)
    assert found["out"]["computation"] == f"sum rule: ‖{norm:.4g}‖"
    np.testing.assert_allclose(found["out"]["gradient"], (out - Y) / 2)
    assert found["v9"]["computation"] == "1·0.25 = 0.25"


def test_the_forward_mode_table():
    record = cr.trace(lambda t, x: np.sum(t * x))(2.0, np.ones(3)).at(2.0, [3.0, 0.0, 4.0])
    found = record.table("forward-mode", wrt="t")
    assert rows(found)["f"]["tangent"] == 7.0
    assert "product rule: ‖5‖" in found.text()


def test_csv_holds_arrays_as_json():
    (_, first, *_) = csv.reader(io.StringIO(NETWORK.table().csv()))
    assert json.loads(first[3]) == [2, 3]
    np.testing.assert_array_equal(json.loads(first[4]), X)


def test_large_arrays_are_summed_up_in_data():
    x = numbers(40, 50)
    record = cr.trace(lambda x: np.sum(x * x))(x).at(x)
    row = rows(record.table())["x"]
    assert row["value"]["shape"] == [40, 50]
    assert row["value"]["norm"] == pytest.approx(np.linalg.norm(x))
    (_, first, *_) = csv.reader(io.StringIO(record.table().csv()))
    assert json.loads(first[4])["largest"] == x.max()
    assert len(record.table("backward").json()) < 5000


def test_latex_has_shapes_norms_and_rules():
    table = NETWORK.table("backward").latex()
    assert r"product rule: $\lVert " in table
    assert "‖" not in table
    assert r"$2 \times 3$" in NETWORK.table().latex()


def test_names_of_rules_are_escaped():
    x = numbers(3)
    record = cr.trace(lambda x: np.sum(np.log1p(np.exp(x)) + np.logaddexp(x, 1.0)))(x).at(x)
    latex = record.table("backward").latex()
    outside = "".join(latex.split("$")[::2])
    assert "_" not in outside.replace(r"\_", "")
    assert " + " not in outside


def test_saved_values_of_arrays():
    found = graph_of("network").saved_values()
    assert any(line.split()[:2] == ["hidden", "computed"] for line in str(found).splitlines())


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([1.0, -2.0]), "[1, -2]"),
        (np.zeros((2, 3)), "all 0"),
        (np.array([[3.0, 4, 0, 0, 0, 0]]), "0 … 4, ‖5‖"),
        (np.array([3.0, 4, 0, 0, np.nan]), "0 … 4, ‖5‖"),
        (np.full(9, np.nan), "all NaN"),
        (np.zeros((0, 3)), "empty"),
        (np.array([True] * 5), "all true"),
        (np.array([True, False, True, True, True]), "false … true"),
        (np.array([1.0, np.inf, 0, 0, 0]), "0 … inf, ‖inf‖"),
    ],
)
def test_brief(array, text):
    assert brief(array) == text


def test_the_words_of_a_summary():
    found = summary(np.array([[3.0, 0.0], [-4.0, np.nan]]))
    assert found.words() == "2×2: min -4, max 3, norm 5, zeros 25%, NaN 25%"


def test_records_of_large_arrays_are_short():
    x = numbers(40, 50)
    record = cr.trace(lambda x: np.sum(x * x))(x).at(x)
    assert len(repr(record)) < 100
    assert len(repr(record["x"])) < 60
