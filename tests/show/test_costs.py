"""The table of costs: rows, large numbers, formats."""

from __future__ import annotations

import json

import pytest

import chainrule as cr
from chainrule.show.costs import large_cell


def test_a_small_table(golden):
    graph = cr.parse("a = 4x*(1-x); b = 4a*(1-a); 4b*(1-b)")
    golden("tables/cost.txt", f"{graph.cost()}\n")
    golden("tables/cost.tex", graph.cost().table().latex())


def test_the_singular():
    text = str(cr.parse("f = x^2").cost())
    assert "with 1 derivative\n" in text
    assert "1 pass " in text
    assert "1 path " in text
    assert "4 paths " in str(cr.layered(2, 2, 1).cost())


def test_a_leaf_costs_nothing_and_has_no_ratio():
    rows = cr.parse("x").cost().table().rows
    assert {row[4].text for row in rows} == {"0"}
    assert {row[5].text for row in rows} == {"–"}


@pytest.mark.parametrize(
    ("count", "text", "latex"),
    [
        (0, "0", "0"),
        (999_999_999_999, "999999999999", "999999999999"),
        (10**12, "1.00e12", r"$1.00 \cdot 10^{12}$"),
        (2**100, "1.27e30", r"$1.27 \cdot 10^{30}$"),
        (2**20_000, "3.98e6020", r"$3.98 \cdot 10^{6020}$"),
        (10**5000, "1.00e5000", r"$1.00 \cdot 10^{5000}$"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_large_counts(count, text, latex):
    cell = large_cell(count)
    assert (cell.text, cell.latex) == (text, latex)
    json.dumps(cell.datum)
    assert cell.datum == (count if count < 10**4000 else text)


def test_all_formats_of_an_astronomical_table():
    (value,) = cr.inputs("x")
    for _ in range(15_000):
        value = value * (1 - value)
    table = cr.graph(value).cost().table()
    for form in ("text", "json", "csv", "latex"):
        assert "e4515" in table.write(form) or "10^{4515}" in table.write(form)
