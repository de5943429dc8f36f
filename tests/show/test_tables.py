"""Tables: those of the texts as golden files, in every format; numbers as people read them."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from rich.console import Console

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.graph.op import OPS, Kind
from chainrule.ops.term import apply
from chainrule.show.numbers import factor, number, plain
from chainrule.show.terminal import rich_table

# The worked examples that the texts print as tables or step by step.
WORKED = {
    "product-of-sums": ("(x+y)*(x+1)", {"x": 2, "y": 1}),
    "gauss": ("exp(-x^2)", {"x": 0.25}),
    "shared-sum": ("a = x + y; f = a * x", {"x": 3, "y": 2}),
    "walkthrough": ("a = x^2; f = sin(a)", {"x": math.sqrt(math.pi / 2)}),
    "square-of-multiple": ("g = 3x; f = g^2", {"x": 4}),
    "sine-cosine": ("g1 = sin(x); g2 = cos(x); f = g1*g2", {"x": 2}),
    "regression-loss": ("p = w*x + b; r = y - p; L = r^2", {"w": 0.5, "b": 0.25, "x": 2, "y": 3}),
    "branching": ("p = a + b; q = b + 1; f = p*q", {"a": 2, "b": 1}),
    "sigmoid": ("sigmoid(x)", {"x": 1.5}),
}


@pytest.mark.parametrize("name", WORKED)
def test_tables_of_the_texts(name, golden):
    formula, values = WORKED[name]
    graph = cr.parse(formula, parameters="w b" if "w" in values else "")
    record = graph.at(**values)
    tables = [record.table("forward"), record.table("backward")]
    tables += [record.table("forward-mode", wrt=leaf) for leaf in graph.arguments]
    golden(f"tables/{name}.txt", "\n\n".join(table.text() for table in tables) + "\n")


def rows(table) -> list[dict]:
    return table.data()["rows"]


def test_the_forward_table_of_the_second_text():
    table = cr.parse("a = x + y; f = a * x").at(x=3, y=2).table("forward")
    assert [(r["step"], r["node"], r["operation"], r["value"]) for r in rows(table)] == [
        (1, "x", "input", 3.0),
        (2, "y", "input", 2.0),
        (3, "a", "x + y", 5.0),
        (4, "f", "a*x", 15.0),
    ]


def test_the_backward_table_of_the_second_text():
    table = cr.parse("a = x + y; f = a * x").at(x=3, y=2).table("backward")
    assert [(r["node"], r["derivative"], r["computation"], r["gradient"]) for r in rows(table)] == [
        ("f", "∂f/∂f", "start", 1.0),
        ("a", "∂f/∂a", "1·3 = 3", 3.0),
        ("x", "∂f/∂x", "3·1 + 1·5 = 8", 8.0),
        ("y", "∂f/∂y", "3·1 = 3", 3.0),
    ]
    contributions = rows(table)[2]["contributions"]
    assert contributions == [
        {"via": "a", "left": 3.0, "right": 1.0, "product": 3.0},
        {"via": "f", "left": 1.0, "right": 5.0, "product": 5.0},
    ]


def test_the_forward_mode_table_of_the_third_text():
    """sin(x) cos(x) at 2: first dg1/dx and dg2/dx, then df/dx."""
    table = cr.parse("g1 = sin(x); g2 = cos(x); f = g1*g2").at(x=2).table("forward-mode", wrt="x")
    found = {r["derivative"]: r["tangent"] for r in rows(table)}
    assert list(found) == ["dx/dx", "dg1/dx", "dg2/dx", "df/dx"]
    expected = [1.0, math.cos(2), -math.sin(2), math.cos(2) ** 2 - math.sin(2) ** 2]
    assert list(found.values()) == pytest.approx(expected, rel=1e-15)


def test_contributions_add_up_to_the_gradient(seed):
    table = cr.parse(seed["formula"]).at(**seed["at"]).table("backward")
    for row in rows(table)[1:]:
        total = math.fsum(c["product"] for c in row["contributions"])
        assert row["gradient"] == pytest.approx(total, rel=1e-14, abs=1e-16)


def test_named_constants_have_rows_and_others_stand_inside():
    assert [r["node"] for r in rows(cr.parse("2*pi*x + 3").table())] == ["x", "pi", "v1", "v2", "f"]


def test_a_table_without_values_has_no_column_for_them():
    table = cr.parse("x + 1").table()
    assert [column.key for column in table.columns] == ["step", "node", "operation"]
    assert table.title == "Steps"


def test_a_node_all_of_whose_paths_carry_nothing_is_blocked():
    """relu(-1) is flat: a has a path to f, but it carries nothing; z has none."""
    record = cr.parse("a = x*y; relu(a) + 0*z*0", inputs="x y z u").at(x=-1, y=1, z=0, u=2)
    table = record.table("backward")
    computations = {r["node"]: r["computation"] for r in rows(table)}
    assert (computations["a"], computations["x"]) == ("1·0 = 0", "blocked")
    assert computations["u"] == "no path"
    assert "Blocked" in table.note
    forward = {r["node"]: r["computation"] for r in rows(record.table("forward-mode", wrt="x"))}
    assert forward["f"] == "blocked"
    assert (forward["x"], forward["y"]) == ("start", "no path")


def test_conditions_have_values_but_no_row_of_derivatives():
    record = cr.parse("c = x > 0; where(c, x, -x)").at(x=2)
    assert {r["node"]: r["value"] for r in rows(record.table("forward"))}["c"] is True
    assert "c" not in [r["node"] for r in rows(record.table("backward"))]


def test_a_node_with_many_users_shows_the_first_and_keeps_all():
    record = cr.parse(" + ".join(["sin(x)*x"] + [f"x^{k}" for k in range(2, 30)])).at(x=1.0)
    row = rows(record.table("backward"))[-1]
    assert "… 22 more" in row["computation"]
    assert len(row["contributions"]) == 30


def test_points_are_shown_by_their_first_and_last():
    record = cr.parse("x^2").at(x=np.linspace(0, 1, 101))
    assert "[0, 0.02, …, 2]" in record.table("backward").text()
    assert len(rows(record.table("backward"))[-1]["gradient"]) == 101


def test_csv_reads_back(seed):
    table = cr.parse(seed["formula"]).at(**seed["at"]).table("backward")
    back = list(csv.DictReader(io.StringIO(table.csv())))
    assert [row["node"] for row in back] == [row["node"] for row in rows(table)]
    assert [float(row["gradient"]) for row in back] == [row["gradient"] for row in rows(table)]


def test_json_is_versioned_and_strict():
    table = cr.parse("1/x").at(x=0).table("backward")
    data = json.loads(table.json(), parse_constant=pytest.fail)
    assert (data["format"], data["version"], data["kind"]) == ("chainrule table", 1, "backward")
    assert data["rows"][-1]["gradient"] == "-inf"


def test_latex(golden):
    graph = cr.parse("θ_1 = exp(-x^2/2); f = θ_1/(1 + x_1) + 1e-9x")
    record = graph.at(x=0.5, x_1=2)
    kinds = [("forward", {}), ("backward", {}), ("forward-mode", {"wrt": "x"})]
    golden("tables/latex.tex", "\n".join(record.table(k, **o).latex() for k, o in kinds))


def applied(op):
    """The operation on inputs of the kinds it wants."""
    names = [f"x_{at}" for at in range(len(op.operands))]
    dtypes = ["bool" if kind is Kind.BOOL else "float64" for kind in op.kinds]
    operands = [cr.input(n, dtype=d) for n, d in zip(names, dtypes, strict=True)]
    params = {"exponent": 2.5, "order": 2, "dtype": "float32", "function": "g"}
    return apply(op, tuple(operands), tuple(params.get(p.name, p.default) for p in op.params))


@pytest.mark.parametrize(
    "op", [op for op in OPS.values() if op.pointwise and not op.is_leaf], ids=str
)
def test_the_latex_of_every_operation_is_well_formed(op):
    """Brackets pair up, no template slot is left, and mathematics is inside dollars."""
    latex = cr.graph(applied(op)).table().latex()
    plain_braces = latex.replace(r"\{", "").replace(r"\}", "")
    depth = 0
    for sign in plain_braces:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count("$") % 2 == 0
    for name in [f"x_{{{at}}}" for at in range(len(op.operands))]:
        assert name in latex.splitlines()[-3]


def test_rich_output_has_every_cell():
    table = cr.parse("(x+y)*(x+1)").at(x=2, y=1).table("backward")
    console = Console(width=200, file=io.StringIO(), no_color=True)
    console.print(rich_table(table))
    printed = console.file.getvalue()
    for row in table.rows:
        assert all(cell.text in printed for cell in row)


def test_unknown_formats_are_refused():
    with pytest.raises(GraphError):
        cr.parse("x").at(x=1).table().write("xml")
    assert cr.parse("x").at(x=1).table().write("text").startswith("Forward pass")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9394130628, "0.939413"), (-0.4697065314, "-0.469707"), (0.8175744761, "0.817574"),
        (0.1491464520, "0.149146"), (1.2e-7, "1.2e-7"), (1e300, "1e300"), (1e6, "1e6"),
        (123456.0, "123456"), (-0.0, "0"), (math.inf, "inf"), (math.nan, "nan"), (None, "–"),
        (np.float32(0.1), "0.1"), (np.int64(-5), "-5"), (np.bool_(True), "true"),
        (np.array([]), "[]"), (np.array([1.5, 2]), "[1.5, 2]"),
    ],
)  # fmt: skip
def test_numbers_as_people_read_them(value, text):
    assert number(value) == text


def test_factors_and_plain_numbers():
    assert factor(-1e-9) == "(-1e-9)"
    assert plain(np.float32(0.1)) == 0.1
    assert plain(np.array([[1, 2]])) == [[1, 2]]
    assert plain(-math.inf) == "-inf"


def test_latex_keeps_names_and_functions_apart():
    shown = cr.parse("e*exp(x) + sigma*sigmoid(x)", inputs="e sigma x").table().latex()
    assert r"\exp\left(x\right)" in shown
    assert r"\operatorname{sigmoid}\left(x\right)" in shown
    assert "e^{x}" in cr.parse("exp(x) + e").table().latex()
    derivative = cr.parse("e*exp(x)", inputs="e x").derive("x")
    assert derivative.latex() == r"\exp\left(x\right) e"
