"""Derivations: the formula is SymPy's derivative, the steps lead to it, and both read well."""

from __future__ import annotations

import functools
import itertools
import random

import pytest
import sympy

import chainrule as cr
from chainrule.check.exact import Context, evaluate
from chainrule.errors import DerivativeError, GraphError, LimitError
from chainrule.formula.infix import read
from chainrule.formula.latex import read_latex
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.show.derivation import Derivation
from tests.diff.examples import FORMULAS

MODES = ("forward", "reverse")
MORE = [
    "x^2*exp(-x^2)",
    "log(x)/x",
    "sin(x)*cos(x)",
    "cos(x^2)*sin(x^2)",
    "x^4 - 2*x^3 - 3*x^2 - 4*x - 5",
    "exp(-(x - y)^2/(2*z^2))/sqrt(2*pi*z^2)",
    "(x + y)*x",
    "(3*x)^2",
    "x*x*x*x*x",
    "sin(sin(sin(x)))",
    "1/(x + 1/(x + 1/x))",
    "(x^2 + 1)^5*(2 - x)^3",
    "exp(x)*log(x)*sin(y)",
    "acos(x/5) - atan(y*x)",
    "sqrt(x^2 + y^2)^3",
    "x - (y - x) - (x - (y - x))",
]

# Whose derivative has a number such as 2/sqrt(pi) is right to 16 digits only.
EXACT = [formula for formula in FORMULAS if "erf" not in formula]

each_formula = pytest.mark.parametrize("formula", [*EXACT, *MORE])
each_mode = pytest.mark.parametrize("mode", MODES)


@functools.cache
def expected(formula: str, name: str) -> sympy.Expr:
    return sympy.diff(sympy.sympify(formula.replace("^", "**")), sympy.Symbol(name))


def points() -> list[dict[str, sympy.Float]]:
    chance = random.Random(7)
    return [{name: sympy.Float(chance.uniform(0.3, 2), 50) for name in "xyz"} for _ in range(5)]


def exactly(mp: Context, dag: Dag, at) -> object:
    """The value of a graph at high precision; pi and e as SymPy has them."""
    arguments = {node: mp.mpf(str(at[node.name])) for node in dag.inputs}
    constants = {"pi": mp.pi, "e": mp.e}
    own = {node: constants[given[0]] for node, given in dag.names.items() if given[0] in constants}
    order = [node for node in dag.order if node not in own]
    return evaluate(mp, order, {**arguments, **own})[dag.output]


def assert_is_the_derivative(dag: Dag, formula: str, name: str) -> None:
    mp = Context(45)
    for at in points():
        found = exactly(mp, dag, at)
        wanted = mp.mpf(str(expected(formula, name).evalf(40, subs=at)))
        assert abs(found - wanted) <= mp.mpf("1e-25") * (1 + abs(wanted))


@each_mode
@each_formula
def test_the_derivative_is_sympys(formula, mode):
    graph = cr.parse(formula)
    for name in graph.arguments:
        derivation = graph.derive(name, mode=mode)
        assert_is_the_derivative(derivation.derivative, formula, name)


@each_mode
@each_formula
def test_text_and_latex_read_back_as_the_derivative(formula, mode):
    graph = cr.parse(formula)
    derivation = graph.derive("x", mode=mode)
    inputs = list(graph.arguments)
    assert_is_the_derivative(read(derivation.text(), inputs=inputs), formula, "x")
    assert_is_the_derivative(read_latex(derivation.latex(), inputs=inputs), formula, "x")
    assert_is_the_derivative(read(derivation.written_out(), inputs=inputs), formula, "x")
    assert_is_the_derivative(
        read_latex(derivation.written_out("latex"), inputs=inputs), formula, "x"
    )


def put_together(derivation: Derivation) -> Dag:
    """The last step with the results of the steps before in place of their symbols."""
    known = {}
    for step in derivation.steps():
        order = walk.depth_first([step.result])
        values = {symbol: known[node] for symbol, node in step.symbols.items()}
        last = known[step.node] = walk.rebuild(order, values)[step.result]
    return Dag([last], derivation.dag.inputs, derivation.dag.names)


@each_mode
@each_formula
def test_the_steps_put_together_are_the_derivative(formula, mode):
    derivation = cr.parse(formula).derive("x", mode=mode)
    assert_is_the_derivative(put_together(derivation), formula, "x")


# --- how it reads ---------------------------------------------------------------------------------

AS_WRITTEN = {
    "exp(-x^2)": "-2*x*exp(-x^2)",
    "x^3": "3*x^2",
    "5*x": "5",
    "x*x": "2*x",
    "1/x": "-(1/x^2)",
    "sqrt(x)": "0.5/sqrt(x)",
    "sin(x)*cos(x)": "cos(x)^2 - sin(x)^2",
    "log(x)/x": "(1 - log(x))/x^2",
    "log(3*x)": "1/x",
    "erf(x)": "1.1283791670955126*exp(-x^2)",
    "x^4 - 2*x^3 - 3*x^2 - 4*x - 5": "4*x^3 - 6*x^2 - 6*x - 4",
    "tanh(x)": "1 - tanh(x)^2",
    "exp(x)": "exp(x)",
    "sin(3*x)": "3*cos(3*x)",
    "x*y + z": "y",
    "y*z": "0",
    "x": "1",
    "relu(x)": "where(x > 0, 1, 0)",
    "abs(x)": "sign(x)",
    "where(y > 0, x^2, sin(x))": "where(y > 0, 2*x, 0) + where(not y > 0, cos(x), 0)",
}


@pytest.mark.parametrize("formula", AS_WRITTEN)
def test_as_a_teacher_writes_it(formula):
    derivation = cr.parse(formula, inputs="x y z").derive("x")
    assert derivation.text().rpartition("; ")[2] == AS_WRITTEN[formula]


RULES = {
    "x + y": "sum rule",
    "x - y": "sum rule",
    "3*x": "constant factor",
    "y*x": "constant factor",
    "-x": "constant factor",
    "x*sin(x)": "product rule, chain rule",
    "x/(1 + x)": "quotient rule, chain rule",
    "x^3": "power rule",
    "sin(x)^3": "power rule, chain rule",
    "sin(x)": "derivative of sin",
    "sin(2*x)": "derivative of sin, chain rule",
    "exp(x^2)": "derivative of exp, chain rule",
    "where(y > 0, x^2, x)": "the branch taken",
    "sin(x) + cos(x)": "sum rule",
}


@pytest.mark.parametrize("formula", RULES)
def test_rules_have_names(formula):
    *_, last = cr.parse(formula).derive("x").steps()
    assert ", ".join(last.rules) == RULES[formula]


def test_rules_of_reverse_mode_are_those_of_the_users():
    steps = list(cr.parse("a = sin(x); f = a^2 + a").derive("x", mode="reverse").steps())
    assert [step.rules for step in steps] == [
        ("start",),
        ("sum rule",),
        ("power rule", "sum rule", "sum over users"),
        ("derivative of sin",),
    ]
    assert [len(step.operations) for step in steps] == [0, 1, 2, 1]


EXAMPLES = {
    "exponential": ("exp(-x^2)", "x"),
    "shared": ("a = x + y; f = a * x", "x"),
    "loss": ("L = (y - sigmoid(w*x + b))^2", "w"),
    "density": ("exp(-(x - mu)^2/(2*sigma^2))/sqrt(2*pi*sigma^2)", "x"),
    "guards": ("where(x > 0, x^2, -x) + relu(x)*abs(x)", "x"),
    "quotient": ("log(x)/x", "x"),
    "many users": (" + ".join(f"{at}*sin(x + {at})*x" for at in range(2, 7)), "x"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_steps_in_text_and_latex(name, golden):
    formula, wrt = EXAMPLES[name]
    graph = cr.parse(formula)
    for mode in MODES:
        derivation = graph.derive(wrt, mode=mode)
        stem = f"derivations/{name.replace(' ', '-')}-{mode}"
        golden(f"{stem}.txt", f"{derivation}\n")
        latex = f"{derivation.table().latex()}\\[ {derivation.latex_equation()} \\]\n"
        assert balanced(latex)
        golden(f"{stem}.tex", latex)


def balanced(latex: str) -> bool:
    depth = 0
    for sign in latex.replace(r"\{", "").replace(r"\}", ""):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    same = all(
        latex.count(f"\\{a}") == latex.count(f"\\{b}")
        for a, b in [("begin", "end"), ("left(", "right)")]
    )
    return depth == 0 and same and latex.count("$") % 2 == 0


def test_labels_mean_the_same_in_the_steps_and_in_the_formula():
    """v1 is log(x) in the steps: what the formula shares has another name."""
    for formula in ("log(x)/(x + sin(x))", "cos(exp(x))/x", "x^2*exp(-x^2)"):
        graph = cr.parse(formula)
        for mode in MODES:
            derivation = graph.derive("x", mode=mode)
            labels = {label: node for node, label in graph.dag.labels.items()}
            for node, names in derivation.derivative.names.items():
                for name in names:
                    assert labels.get(name, node) is node


def test_new_names_avoid_those_that_are_there():
    derivation = cr.parse("u1*sin(x^2*y)^2*exp(-x^2*y)*cos(x^2*y)^3*log(x^2*y)").derive("x")
    assert "u2 = " in derivation.text()
    derivation = cr.parse("d_x = y^2; f = x^2*exp(-x^2)*d_x").derive("x")
    assert r"d_{x} &= y^{2}" in derivation.latex()
    assert_is_the_derivative(read_latex(derivation.latex(), inputs="x y"), "x^2*exp(-x^2)*y^2", "x")


def test_latex_does_not_call_the_derivative_by_the_name_of_the_function():
    derivation = cr.parse("a = x^2; f = a*exp(-a)").derive("x")
    assert "f &=" not in derivation.latex()
    assert r"d_{x} &=" in derivation.latex()
    assert r"\frac{\mathrm{d} f}{\mathrm{d} x} &=" in derivation.latex_equation()
    for equation in (
        derivation.latex_equation(written_out=True),
        cr.parse("x^2*exp(-x^2)").derive("x").latex_equation(),
    ):
        assert equation.startswith(r"\frac{\mathrm{d} f}{\mathrm{d} x} = 2 x")


@pytest.mark.parametrize(
    ("formula", "wrt", "equation"),
    [
        ("a = x + y; f = a*x", "x", "df/dx = x + a   where a = x + y"),
        ("a = x + y; f = a*x", "a", "df/da = x"),
        ("a = x + y; f = a*x", "f", "df/df = 1"),
        ("a = y + z; f = a*x", "x", "df/dx = a = y + z"),
        ("f = x^2", "x", "df/dx = 2*x"),
        ("2*pi*x", "x", "df/dx = 2*pi"),
    ],
)
def test_equations(formula, wrt, equation):
    for mode in MODES:
        derivation = cr.parse(formula).derive(wrt, mode=mode)
        found = derivation.equation(derivation.text())
        expected = equation if mode == "forward" else equation.replace("d", "∂")
        assert found.replace("a + x ", "x + a ") == expected


# --- which derivative -----------------------------------------------------------------------------


@each_mode
def test_several_outputs_and_nodes_in_between(mode):
    graph = cr.parse("s = x + y; p = s*x; s, p")
    assert graph.derive("x", of="p", mode=mode).derivative.output is not None
    assert graph.derive("s", of="p", mode=mode).text() == "x"
    assert graph.derive("y", of="s", mode=mode).text() == "1"
    with pytest.raises(DerivativeError, match="E332"):
        graph.derive("x", mode=mode)


@each_mode
def test_what_does_not_depend_has_derivative_zero(mode):
    derivation = cr.parse("f = x^2", inputs="x y").derive("y", mode=mode)
    assert (derivation.text(), list(derivation.steps())) == ("0", [])
    derivation = cr.parse("floor(x) + 0*y").derive("x", mode=mode)
    assert derivation.text() == "0"


@each_mode
def test_by_itself_the_derivative_is_one(mode):
    derivation = cr.parse("x^2").derive("f", mode=mode)
    assert (derivation.text(), len(list(derivation.steps()))) == ("1", 1)


def test_errors():
    graph = cr.parse("c = x > 0; where(c, x, 1)")
    with pytest.raises(DerivativeError, match="E331 'c' is bool"):
        graph.derive("c")
    with pytest.raises(GraphError, match="E225"):
        graph.derive("xx")


@each_mode
def test_guards_stay_outside_of_products(mode):
    """At x = -1 the branch with the logarithm is not taken: its derivative is no NaN."""
    graph = cr.parse("where(x > 0, log(x), x^2)*y")
    derivative = cr.Graph(graph.derive("x", mode=mode).derivative)
    assert derivative(-1.0, 3.0) == -6
    assert derivative(2.0, 3.0) == 1.5


# --- large graphs ---------------------------------------------------------------------------------


def logistic(count: int) -> cr.Graph:
    (value,) = cr.inputs("x")
    for _ in range(count):
        value = value * (1 - value)
    return cr.graph(value)


def test_written_out_has_a_limit():
    derivation = logistic(5).derive("x")
    assert "x" in derivation.written_out()
    for count in (22, 100, 1200):
        with pytest.raises(LimitError, match="E157 written out it has"):
            logistic(count).derive("x").written_out()


def test_shared_parts_keep_the_formula_short():
    assert len(logistic(22).derive("x").text()) < 2000
    assert len(logistic(22).derive("x", mode="reverse").text()) < 2000


def chain(count: int) -> cr.Graph:
    (value,) = cr.inputs("x")
    for _ in range(count):
        value = cr.sin(value)
    return cr.graph(value)


@each_mode
def test_steps_of_a_long_chain_are_linear(mode):
    graph = chain(2_000)
    derivation = graph.derive("x", mode=mode)
    own = set(graph.dag.order)
    sizes = [len(walk.depth_first([step.result], own)) for step in derivation.steps()]
    assert len(sizes) == 2_001
    assert max(sizes) <= 4
    assert len(derivation.derivative) <= 8_000
    assert len(derivation.table().rows) == 2_001
    assert len(derivation.text()) < 120_000


def test_a_very_long_chain_needs_no_recursion():
    derivation = chain(10_000).derive("x", mode="reverse")
    assert len(derivation.derivative) > 10_000
    assert len(list(itertools.islice(derivation.steps(), 1000))) == 1000


def test_a_node_with_many_users():
    (x,) = cr.inputs("x")
    graph = cr.graph(sum(cr.sin(x + at) for at in range(500)))
    *_, last = graph.derive("x", mode="reverse").table().rows
    assert last[2].text.endswith("… 496 more")


HELD = [
    ("a*x", "x + y", "x"),
    ("sin(a)*x^2*y", "x*y", "x"),
    ("a^2 + y", "x*exp(y)", "x"),
    ("a*exp(-x/a)*y", "x^2 + y^2", "y"),
]


@each_mode
@pytest.mark.parametrize(("formula", "held", "name"), HELD)
def test_partial_with_a_node_held_fixed(formula, held, name, mode):
    graph = cr.parse(f"a = {held}; f = {formula}", inputs="x y")
    derivation = graph.derive(name, mode=mode, holding="a")
    power = {"f": formula.replace("^", "**"), "a": held.replace("^", "**")}
    partial = sympy.diff(sympy.sympify(power["f"]), sympy.Symbol(name))
    wanted = partial.subs(sympy.Symbol("a"), sympy.sympify(power["a"]))
    point = {"x": 0.7, "y": 1.3}
    found = cr.parse(derivation.text(), inputs="x y").at(**point).value
    assert found == pytest.approx(float(wanted.subs(point)), rel=1e-13)
    assert derivation.table().title.endswith("a held fixed, step by step")
    end = "f" if mode == "forward" else name
    steps = [derivation.symbol(step.node).text for step in derivation.steps()]
    assert steps[-1:] == (
        [f"(∂{end}/∂{name})_a" if mode == "forward" else f"(∂f/∂{end})_a"] if partial else []
    )


def test_what_is_held_fixed_cannot_change():
    with pytest.raises(GraphError, match="E228"):
        cr.parse("a = x + y; f = a*x").derive("x", holding="x")
