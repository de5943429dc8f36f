"""A branch not taken contributes exactly nothing, to second order too; a true 0·∞ stays NaN."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

CASES = [
    # formula of x, x, first and second derivative
    ("where(x > 0, sqrt(x), x)", 0.0, 1.0, 0.0),
    ("where(x > 0, sqrt(x), x)", -1.0, 1.0, 0.0),
    ("where(x > 0, sqrt(x), x)", 4.0, 0.25, -1 / 32),
    ("where(x > 0, x*log(x), 0)", 0.0, 0.0, 0.0),
    ("where(x > 0, x*log(x), 0)", -1.0, 0.0, 0.0),
    ("where(x > 0, log(x), x^3)", 0.0, 0.0, 0.0),
    ("where(x > 0, log(x), x^3)", -2.0, 12.0, -12.0),
    ("x*where(x > 0, sqrt(x), x)", 0.0, 0.0, 2.0),
    ("x*where(x > 0, sqrt(x), x)", -3.0, -6.0, 2.0),
    ("where(x > 0, sqrt(x), x)^2", 0.0, 0.0, 2.0),
    ("where(x > 0, 1/x, 0) + x^2", 0.0, 0.0, 2.0),
    ("sin(where(x > 0, 1/x, x))", 0.0, 1.0, 0.0),
    ("where(x == 0, 1, sin(x)/x)", 0.0, 0.0, 0.0),
    ("where(x == 0, 1, sin(x)/x)*exp(x)", 0.0, 1.0, 1.0),
    ("where(x > 0, where(x > 1, log(x - 1), x^2), sqrt(-x))", 0.5, 1.0, 2.0),
    ("where(x > 0, where(x > 1, log(x - 1), x^2), sqrt(-x))", 1.0, 2.0, 2.0),
    ("where(x > 0, where(x > 1, log(x - 1), x^2), sqrt(-x))", 3.0, 0.5, -0.25),
    ("where(x > 0, where(x > 1, log(x - 1), x^2), sqrt(-x))", -4.0, -0.25, -1 / 32),
    ("(where(x > 0, sqrt(x), 0) + where(x > 0, 0, x^2))*x", 0.0, 0.0, 0.0),
    ("(where(x > 0, sqrt(x), 0) + where(x > 0, 0, x^2))*x", -1.0, 3.0, -6.0),
    ("a = where(x > 0, sqrt(x), x); b = where(x > 0, 1/x, x); a*b + exp(b)", 0.0, 1.0, 3.0),
    ("relu(x)*sqrt(relu(x))", 0.0, 0.0, 0.0),
    ("relu(x)*sqrt(relu(x))", -1.0, 0.0, 0.0),
    ("sqrt(relu(x))", -1.0, 0.0, 0.0),
    ("log(relu(x))", -1.0, 0.0, 0.0),
    ("max(x, 0)^0.5", -1.0, 0.0, 0.0),
    ("min(x, 4)*sqrt(min(4, x) - 4)", 5.0, 0.0, 0.0),
    ("log(clip(x, 0, 1))", -1.0, 0.0, 0.0),
    ("hypot(x, 0)", 0.0, 0.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "x", "first", "second"), CASES)
def test_what_is_not_taken_gives_exactly_nothing(formula, x, first, second):
    graph = cr.parse(formula)
    forms = {
        "gradient": graph.gradient()(x)[1][0],
        "sweep": graph.at(x=x).gradient["x"],
        "forward": graph.jacobian(mode="forward")(x)[0, 0],
        "jvp": graph.jvp()(x, 1)[1],
        "vjp": graph.vjp()(x, 1)[1][0],
        "half": graph.vjp()(x, 0.5)[1][0] * 2,
    }
    for form, found in forms.items():
        assert found == pytest.approx(first, rel=1e-15, abs=0), form
    assert graph.hessian()(x)[0, 0] == pytest.approx(second, rel=1e-15, abs=0)
    again = graph.gradient().jacobian(mode="reverse")(x)
    assert again[1, 0] == pytest.approx(second, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("formula", "x"),
    [
        ("0*sqrt(x)", 0.0),
        ("sqrt(x)^2", 0.0),
        ("x*log(x) - x*log(x)", 0.0),
        ("sqrt(x^2)", 0.0),
        ("where(x >= 0, 0*sqrt(x), 1)", 0.0),
        ("where(x >= 0, sqrt(x^2), 1)*x", 0.0),
        ("(x - x)*log(where(x > 0, x, x))", 0.0),
    ],
)
def test_a_true_product_of_zero_and_infinity_stays_nan(formula, x):
    graph = cr.parse(formula)
    for found in (
        graph.gradient()(x)[1][0],
        graph.at(x=x).gradient["x"],
        graph.jvp()(x, 1)[1],
        graph.jacobian(mode="forward")(x)[0, 0],
    ):
        assert math.isnan(found)


BRANCHES = ["sqrt(x)", "log(x)", "1/x", "x^0.5*y", "asin(x + 1)*y", "y/x^2", "log(x)*log(-y)"]


@given(
    st.sampled_from(BRANCHES),
    st.sampled_from(BRANCHES),
    st.sampled_from([0.0, -1.0, -2.5]),
    st.sampled_from([0.0, 1.0, 3.0]),
)
def test_two_guards_through_products_and_sums(one, other, x, y):
    """Both branches with poles are closed at x ≤ 0: what remains is a polynomial."""
    a, b = f"where(x > 0, {one}, x*y)", f"where(x <= 0, y^2, {other})"
    guarded = cr.parse(f"a = {a}; b = {b}; a*b + a + x*b", inputs="x y")
    plain = cr.parse("a = x*y; b = y^2; a*b + a + x*b", inputs="x y")
    assert guarded.gradient()(x, y) == plain.gradient()(x, y)
    assert np.array_equal(guarded.hessian()(x, y), plain.hessian()(x, y))
    assert np.array_equal(
        guarded.gradient().hessian(of="d_x")(x, y), plain.gradient().hessian(of="d_x")(x, y)
    )


CONDITIONS = {
    "x > 0": lambda x, y: x > 0,
    "x <= y": lambda x, y: x <= y,
    "y == 0": lambda x, y: y == 0,
    "not (x == 0 or y > 1)": lambda x, y: not (x == 0 or y > 1),
}
FUNCTIONS = ["sqrt({})", "log({})", "1/({})", "exp(-({})^2)", "({})^2", "-({})", "sin({})"]
OPERATORS = ["({})*({})", "({}) + ({})", "({}) - ({})", "({})/({})", "({})*({})"]


@st.composite
def pruned(draw):
    """A point, a formula with branches, and what is left of it when they are chosen by hand."""
    at = draw(st.tuples(*[st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])] * 2))

    def choose(inner):
        return st.tuples(st.sampled_from(list(CONDITIONS)), inner, inner).map(
            lambda parts: (
                f"where({parts[0]}, {parts[1][0]}, {parts[2][0]})",
                parts[1 if CONDITIONS[parts[0]](*at) else 2][1],
            )
        )

    def apply(inner, templates):
        count = templates[0].count("{}")
        return st.tuples(st.sampled_from(templates), *[inner] * count).map(
            lambda parts: tuple(
                parts[0].format(*(part[form] for part in parts[1:])) for form in (0, 1)
            )
        )

    leaves = st.sampled_from([("x", "x"), ("y", "y"), ("x*y", "x*y"), ("2", "2")])
    formulas = st.recursive(
        leaves,
        lambda inner: choose(inner) | apply(inner, FUNCTIONS) | apply(inner, OPERATORS),
        max_leaves=8,
    )
    return at, draw(choose(formulas) | apply(choose(formulas), OPERATORS))


@settings(max_examples=200)
@given(pruned())
def test_a_formula_with_branches_is_the_formula_without_them(example):
    """To second order, poles in the branches that are not taken notwithstanding."""
    at, formulas = example
    guarded, plain = (cr.parse(formula, inputs="x y") for formula in formulas)
    for kind in (
        lambda graph: graph.jacobian(mode="forward"),
        lambda graph: graph.jacobian(mode="reverse"),
        lambda graph: graph.hessian(),
        lambda graph: graph.gradient().jacobian(mode="reverse"),
    ):
        found, wanted = kind(guarded)(*at), kind(plain)(*at)
        finite = np.isfinite(wanted)
        assert np.allclose(found[finite], wanted[finite], rtol=1e-12, atol=1e-14)
        assert not np.isfinite(found[~finite]).any()


def test_points_on_both_sides():
    graph = cr.parse("where(x > 0, sqrt(x), x)*x")
    xs = np.array([-1.0, 0.0, 4.0])
    assert graph.gradient()(xs)[1][0].tolist() == [-2.0, 0.0, 3.0]
    assert graph.hessian()(xs)[:, 0, 0].tolist() == [2.0, 2.0, 0.375]
