"""The chain rule with symbols: the formulas of the third text, sums over paths, limits."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.errors import DerivativeError, GraphError, LimitError
from tests.show.test_derivation import balanced

THIRD_TEXT = {
    "f(g(x))": "df/dx = ∂f/∂g·∂g/∂x",
    "h(f(g(x)))": "dh/dx = ∂h/∂f·∂f/∂g·∂g/∂x",
    "f(g1(x), g2(x))": "df/dx = ∂f/∂g1·∂g1/∂x + ∂f/∂g2·∂g2/∂x",
    "f(g1(h1(x)), g2(h2(x)))": "df/dx = ∂f/∂g1·∂g1/∂h1·∂h1/∂x + ∂f/∂g2·∂g2/∂h2·∂h2/∂x",
    "f(g1(x, y), g2(x, y))": "df/dx = ∂f/∂g1·∂g1/∂x + ∂f/∂g2·∂g2/∂x",
}


def abstract(formula: str) -> cr.Graph:
    names = {name for name in ("f", "g", "h", "g1", "g2", "h1", "h2") if f"{name}(" in formula}
    return cr.parse(formula, abstract=sorted(names))


@pytest.mark.parametrize("formula", THIRD_TEXT)
def test_the_formulas_of_the_third_text(formula):
    assert str(abstract(formula).chain_rule("x")) == THIRD_TEXT[formula]


def test_each_node_is_a_sum_over_what_enters_it():
    table = abstract("f(g1(h1(x)), g2(h2(x)))").chain_rule("x").table()
    assert [(row[0].text, row[1].text) for row in table.rows] == [
        ("dh1/dx", "∂h1/∂x"),
        ("dg1/dx", "∂g1/∂h1·dh1/dx"),
        ("dh2/dx", "∂h2/∂x"),
        ("dg2/dx", "∂g2/∂h2·dh2/dx"),
        ("df/dx", "∂f/∂g1·dg1/dx + ∂f/∂g2·dg2/dx"),
    ]


def test_latex():
    rule = abstract("f(g1(x), g2(x))").chain_rule("x")
    assert rule.latex() == (
        r"\frac{\mathrm{d} f}{\mathrm{d} x} = "
        r"\frac{\partial f}{\partial g_{1}} \cdot \frac{\partial g_{1}}{\partial x} + "
        r"\frac{\partial f}{\partial g_{2}} \cdot \frac{\partial g_{2}}{\partial x}"
    )
    assert balanced(rule.table().latex())


@pytest.mark.parametrize("widths", [(2, 2, 1), (3, 3, 1), (3, 3, 3, 1), (2, 3, 4, 1), (1, 1)])
def test_there_are_as_many_products_as_paths(widths):
    graph = cr.layered(*widths)
    for name in graph.arguments:
        rule = graph.chain_rule(name)
        products = list(rule.paths())
        assert len(products) == len(set(products)) == graph.count_paths(name)
        assert {len(product) for product in products} == {len(widths) - 1}
        assert str(rule).count("+") == len(products) - 1
        assert balanced(rule.latex())


def test_parallel_edges_are_told_apart():
    rule = cr.parse("f = x*x").chain_rule("x")
    assert str(rule) == "df/dx = ∂f/∂x[1] + ∂f/∂x[2]"
    assert r"\left(\frac{\partial f}{\partial x}\right)_{2}" in rule.latex()


@pytest.mark.parametrize(
    ("formula", "wrt", "text"),
    [
        ("a = x + y; f = a*x", "x", "df/dx = ∂f/∂a·∂a/∂x + ∂f/∂x"),
        ("a = x + y; f = a*x", "a", "df/da = ∂f/∂a"),
        ("a = x + y; f = a*x", "f", "df/df = 1"),
        ("f = x^2; g = y; f", "x", "df/dx = ∂f/∂x"),
        ("c = x > 0; f = where(c, x, y)", "x", "df/dx = ∂f/∂x"),
    ],
)
@pytest.mark.filterwarnings("ignore:W101")
def test_of_other_graphs(formula, wrt, text):
    assert str(cr.parse(formula).chain_rule(wrt)) == text


def test_no_path():
    rule = cr.parse("f = x^2", inputs="x y").chain_rule("y")
    assert (str(rule), rule.table().rows) == ("df/dy = 0", ())


def test_more_than_a_thousand_paths_are_not_written_out():
    graph = cr.layered(*[2] * 11, 1)
    assert graph.count_paths("x1") == 1024
    rule = graph.chain_rule("x1")
    with pytest.raises(LimitError, match="E156"):
        str(rule)
    assert len(rule.table().rows) == 21
    assert len(list(cr.layered(*[2] * 10, 1).chain_rule("x1").paths())) == 512


def test_conditions_are_no_paths():
    """Every choice has the variable in its condition, which would double the number of paths."""
    formula = "; ".join(
        ["a0 = x", *(f"a{k} = where(a{k - 1} > 0, a{k - 1}, 1)" for k in range(1, 15))]
    )
    assert len(list(cr.parse(formula).chain_rule("x").paths())) == 1


def test_a_long_chain():
    (value,) = cr.inputs("x")
    for _ in range(10_000):
        value = cr.sin(value)
    rule = cr.graph(value).chain_rule("x")
    (product,) = rule.paths()
    assert len(product) == 10_000
    assert str(rule).count("·") == 9_999


def test_errors():
    graph = cr.parse("c = x > 0; where(c, x, 1), x")
    with pytest.raises(DerivativeError, match="E332"):
        graph.chain_rule("x")
    with pytest.raises(DerivativeError, match="E331"):
        graph.chain_rule("c", of="x")
    with pytest.raises(GraphError, match="E225"):
        graph.chain_rule("q", of="x")


def test_nodes_held_fixed():
    """The partial derivatives of thermodynamics: along the paths that avoid what is held."""
    graph = cr.parse("f(x, g(x), h(x))", abstract="f g h")
    rule = graph.chain_rule("x", holding="g")
    assert str(rule) == "(∂f/∂x)_g = ∂f/∂x + ∂f/∂h·∂h/∂x"
    fraction = r"\left(\frac{\partial f}{\partial x}\right)_{g}"
    assert rule.latex().startswith(rf"{fraction} = \frac{{\partial f}}{{\partial x}} + ")
    assert rule.table().rows[-1][0].text == "(∂f/∂x)_g"
    assert str(graph.chain_rule("x", holding="g h")) == "(∂f/∂x)_g,h = ∂f/∂x"
    with pytest.raises(GraphError, match="E228"):
        graph.chain_rule("x", holding="x")
    assert str(cr.parse("a = 2*x; a^2").chain_rule("x", holding="a")) == "(∂f/∂x)_a = 0"
