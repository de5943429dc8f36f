"""Tables of graphs with loops and branches, against loops in NumPy."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import chainrule as cr

XS = np.array([1.0, 2.0, 3.0])


def total(w, start, xs):
    def step(h, x):
        new = np.tanh(w * h + x)
        return new, new**2

    last, ys = cr.scan(step, start, xs)
    return np.sum(ys) + last


@pytest.fixture
def record():
    return cr.trace(total)(0.5, 0.1, XS).at(0.5, 0.1, XS)


def rows(table):
    """Node → its row, column → text."""
    names = [column.key for column in table.columns]
    found = [dict(zip(names, row, strict=True)) for row in table.rows]
    return {row["node"].text: row for row in found}


def by_hand():
    h, ys, carried = 0.1, [], []
    for x in XS:
        carried.append(h)
        h = np.tanh(0.5 * h + x)
        ys.append(h**2)
    adjoint, d_w, d_xs = 1.0, 0.0, []
    for x, before in zip(XS[::-1], carried[::-1], strict=True):
        new = np.tanh(0.5 * before + x)
        inner = (adjoint + 2 * new) * (1 - new**2)
        d_w += inner * before
        d_xs.append(inner)
        adjoint = inner * 0.5
    return h, ys, d_w, adjoint, d_xs[::-1]


def test_values(record):
    last, ys, *_ = by_hand()
    found = rows(record.table())
    assert found["scan1"]["value"].text == "3 results"
    assert found["scan1"]["operation"].text == "scan(w, start, xs)"
    assert found["last"]["operation"].text == "scan1[0] (last h)"
    assert found["ys"]["operation"].text == "scan1[1] (all results)"
    np.testing.assert_allclose(found["last"]["value"].datum, last)
    np.testing.assert_allclose(found["ys"]["value"].datum, ys)


def test_adjoints(record):
    *_, d_w, d_start, d_xs = by_hand()
    found = rows(record.table("backward"))
    loop = found["scan1"]
    assert (loop["computation"].text, loop["gradient"].text) == ("all results at once", "–")
    assert {part["via"] for part in loop["contributions"].datum} == {"ys", "last"}
    expected = {"w": d_w, "start": d_start, "xs": d_xs}
    for name, value in expected.items():
        row = found[name]
        np.testing.assert_allclose(row["gradient"].datum, value)
        (part,) = row["contributions"].datum
        assert part["via"] == "scan1"
        np.testing.assert_allclose(part["product"], value)
        assert row["computation"].text.startswith("derivative of a loop: ‖")
    assert "Blocked" not in record.table("backward").note


def test_tangents(record):
    found = rows(record.table("forward-mode", wrt="w"))
    assert found["scan1"]["tangent"].text == "–"
    h, dot, dots = 0.1, 0.0, []
    for x in XS:
        new = np.tanh(0.5 * h + x)
        dot = (1 - new**2) * (h + 0.5 * dot)
        dots.append(2 * new * dot)
        h = new
    np.testing.assert_allclose(found["last"]["tangent"].datum, dot)
    np.testing.assert_allclose(found["ys"]["tangent"].datum, dots)
    np.testing.assert_allclose(found["f"]["tangent"].datum, sum(dots) + dot)
    assert found["last"]["computation"].text.startswith("derivative of a loop: ‖")


@pytest.mark.parametrize("kind", ["forward", "backward", "forward-mode"])
def test_every_form_of_a_table_is_written(record, kind):
    table = record.table(kind, wrt="w") if kind == "forward-mode" else record.table(kind)
    assert len(json.loads(table.json())["rows"]) == len(table.rows)
    assert len(list(csv.reader(io.StringIO(table.csv())))) >= len(table.rows) + 1
    assert r"\mathrm{scan}" in table.latex() or "scan" in table.latex()
    assert "scan1" in str(table)


def test_a_nan_in_a_step_is_shown():
    graph = cr.trace(lambda s: cr.scan(lambda c, _: (np.sqrt(c - 1), None), s, length=3)[0])(3.0)
    record = graph.at(3.0)  # √2, then √0.41, then the square root of a negative number
    assert rows(record.table())["f"]["value"].text == "nan"
    assert "nan" in str(record.table("backward"))
    assert "nan" in str(record.iterations("scan1").table())
    assert "nan" in str(record.draw(open="all", step=3))


def test_what_a_branch_does_not_use_is_not_called_blocked():
    def f(x, y):
        return cr.cond(x > 0, lambda x: x * y, lambda x: x**2, x)

    record = cr.trace(f)(1.0, 2.0).at(-3.0, 2.0)
    found = rows(record.table("backward"))
    assert found["x"]["gradient"].datum == -6.0
    assert found["y"]["gradient"].datum == 0.0


def test_sizes_that_are_known_only_later_are_question_marks():
    graph = cr.trace(lambda a: cr.while_loop(lambda x: x < 9, lambda x: x * a, a))(2.0).gradient()
    shapes = [row["shape"].text for row in rows(graph.table()).values()]
    assert "?" in shapes
    after = rows(graph.at(2.0).table())
    (stack,) = [row for row in after.values() if "before each step" in row["operation"].text]
    assert stack["shape"].text == "3"
    assert stack["value"].datum == [2.0, 4.0, 8.0]


@pytest.mark.parametrize("form", ["formula", "latex", "text", "json"])
def test_graphs_with_loops_are_written(form, record):
    graph = cr.trace(total)(0.5, 0.1, XS)
    assert getattr(graph, form)()
    assert graph.formula().startswith("scan1 = scan(w, start, xs); ys = scan1[1]; last = scan1[0]")


def test_labels_of_loops_leave_names_alone():
    graph = cr.trace(lambda scan1: cr.scan(lambda c, _: (c * 2, None), scan1, length=2)[0])(1.0)
    assert graph.arguments == ("scan1",)
    assert str(graph) == "scan(scan1)[0]"
    assert "scan2" in graph.dag.labels.values()
