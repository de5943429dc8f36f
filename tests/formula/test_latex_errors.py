"""Every way to write LaTeX wrong: code, place, message, and what the hint offers."""

from __future__ import annotations

import re

import pytest

from chainrule.errors import FormulaError, GraphError, LimitError
from chainrule.formula import infix, latex
from chainrule.formula.latex import read_latex
from chainrule.formula.limits import Limits
from chainrule.formula.reader import read

# (source, options, code, column, marked, hint): `marked` is what the caret line underlines.
ERRORS = [
    (r"\operatorname{simoid}(x)", {}, "E101", 1, r"\operatorname{simoid}", "'sigmoid'?"),
    (r"\mathrm{foo}(x)", {}, "E101", 1, r"\mathrm{foo}", ""),
    (r"a \theta", {"inputs": "a"}, "E102", 3, r"\theta", ""),
    (r"\sin(x)", {"inputs": "x sin"}, "E110", 1, r"\sin", "rename"),
    (r"\sin", {}, "E104", 1, r"\sin", r"\sin\left(x\right)"),
    (r"\sin + 1", {}, "E104", 1, r"\sin", ""),
    (r"(\cos) x", {}, "E104", 2, r"\cos", ""),
    (r"\frac{\ln}{x}", {}, "E104", 7, r"\ln", ""),
    (r"\exp \cdot x", {}, "E104", 1, r"\exp", ""),
    (r"\sin(x, y)", {}, "E105", 1, r"\sin(x, y)", ""),
    (r"\max x", {}, "E105", 1, r"\max x", ""),
    (r"\operatorname{leaky\_relu}(x, a)", {}, "E106", 31, "a", ""),
    (r"a = \beta; \beta = 2", {}, "E107", 5, r"\beta", ""),
    (r"\alpha = \alpha + 1", {}, "E108", 10, r"\alpha", ""),
    (r"\alpha = 1; \alpha = 2; \alpha", {}, "E109", 13, r"\alpha", ""),
    (r"\frac{}{x}", {}, "E111", 6, "{}", ""),
    (r"\frac{x}{ }", {}, "E111", 9, "{ }", ""),
    (r"\frac{1}", {}, "E111", 1, r"\frac", r"\frac{a}{b}"),
    (r"\frac", {}, "E111", 1, r"\frac", ""),
    (r"\sqrt", {}, "E111", 1, r"\sqrt", ""),
    (r"\sqrt[]{x}", {}, "E111", 6, "[]", ""),
    (r"x^", {}, "E111", 2, "^", ""),
    (r"x^-1", {}, "E111", 3, "-", "^{-1}"),
    (r"x_", {}, "E111", 2, "_", ""),
    (r"x_{}", {}, "E111", 3, "{}", ""),
    (r"x^{}", {}, "E111", 3, "{}", ""),
    (r"\alpha \cdot", {}, "E111", 8, r"\cdot", ""),
    (r"\alpha + )", {}, "E113", 10, ")", ""),
    (r"(\alpha + )", {}, "E111", 11, ")", ""),
    (r"\left( \right)", {}, "E111", 1, r"\left( \right)", ""),
    (r"\left\lfloor \right\rfloor", {}, "E111", 1, r"\left\lfloor \right\rfloor", ""),
    (r"\left", {}, "E111", 1, r"\left", r"\left("),
    (r"\begin{cases} & x > 0 \end{cases}", {}, "E111", 15, "&", ""),
    (r"\begin{cases} x & \end{cases}", {}, "E111", 19, r"\end{cases}", ""),
    (r"\begin{cases} \end{cases}", {}, "E111", 1, r"\begin{cases} \end{cases}", ""),
    (r"x^\sin y", {}, "E111", 3, r"\sin", "{"),
    (r"\frac{x}{y", {}, "E112", 9, "{", ""),
    (r"{x + \alpha", {}, "E112", 1, "{", ""),
    (r"\left( x", {}, "E112", 1, r"\left(", r"every \left needs a \right"),
    (r"\left( x )", {}, "E112", 1, r"\left(", ""),
    (r"(x \right)", {}, "E112", 1, "(", ""),
    (r"(x] + \alpha", {}, "E112", 1, "(", ""),
    (r"\{ x ) \alpha", {}, "E112", 1, r"\{", ""),
    (r"\lvert x", {}, "E112", 1, r"\lvert", ""),
    (r"\alpha |x", {}, "E112", 8, "|", ""),
    (r"(x; \alpha)", {}, "E112", 1, "(", ""),
    (r"x_{1", {}, "E112", 3, "{", ""),
    (r"\begin{aligned} x", {}, "E112", 1, r"\begin{aligned}", ""),
    (r"\begin{cases} x & x > 0", {}, "E112", 1, r"\begin{cases}", ""),
    (r"\begin{align} x \end{aligned}", {}, "E112", 1, r"\begin{align}", ""),
    (r"\begin{cases} x & x > 0 \end{dcases}", {}, "E112", 1, r"\begin{cases}", ""),
    (r"$x", {}, "E112", 1, "$", ""),
    (r"\[ x", {}, "E112", 1, r"\[", ""),
    (r"x \right)", {}, "E113", 3, r"\right)", ""),
    (r"x}", {}, "E113", 2, "}", ""),
    (r"\alpha]", {}, "E113", 7, "]", ""),
    (r"\end{aligned}", {}, "E113", 1, r"\end{aligned}", ""),
    (r"x \]", {}, "E113", 3, r"\]", ""),
    (r"1\,000", {}, "E114", 4, "000", ""),
    (r"\alpha 2", {}, "E114", 8, "2", ""),
    (r"x + \alpha = y", {}, "E115", 12, "=", "brackets"),
    (r"y = x = \alpha", {}, "E115", 7, "=", "one definition per line"),
    (r"= \alpha", {}, "E115", 1, "=", ""),
    (r"loss = \theta x", {}, "E115", 6, "=", r"\mathrm{loss}"),
    (r"f(2x) = \alpha", {}, "E115", 7, "=", ""),
    (r"\frac{a,b}{c}", {}, "E116", 8, ",", "0.5"),
    (r"\alpha = 3,5", {}, "E116", 11, ",", ""),
    (r"x^{1,5}", {}, "E116", 5, ",", ""),
    (r"$$ $$", {}, "E117", 1, "", ""),
    (r"\alpha =", {}, "E118", 8, "=", ""),
    ("x @ \\alpha", {}, "E119", 3, "@", ""),
    (r"3. \alpha", {}, "E119", 2, ".", "0.5"),
    (r"𝑥 \alpha", {}, "E119", 1, "𝑥", "'x'"),
    (r"x^12", {}, "E120", 3, "12", "^{12}"),
    (r"x_12", {}, "E120", 3, "12", "_{12}"),
    (r"1{,}5", {}, "E120", 3, ",", "a point"),
    (r"1e-3 \theta", {}, "E120", 1, "1e-3", r"\times 10^{-3}"),
    (r"x_{i=1}", {}, "E120", 5, "=", ""),
    (r"\hat{x+y}", {}, "E120", 7, "+", r"\hat{x}"),
    (r"\bar{2}", {}, "E120", 6, "2", ""),
    (r"\hat" * 11 + " x", {}, "E120", 41, r"\hat", ""),
    (r"$x$; \alpha", {}, "E121", 2, "x", ""),
    (r"\theta x", {"parameters": "w"}, "E123", 1, r"\theta x", ""),
    (r"x + \lnot y", {}, "E124", 5, r"\lnot", ""),
    (r"x \lnot y", {}, "E125", 3, r"\lnot", ""),
    (r"\theta x", {"inputs": "x", "parameters": "x"}, "E126", 8, "x", ""),
    (r"\foo x", {}, "E127", 1, r"\foo", ""),
    (r"\sinn x", {}, "E127", 1, r"\sinn", r"did you mean \sin?"),
    (r"2 + \fracc{1}{2}", {}, "E127", 5, r"\fracc", r"did you mean \frac?"),
    (r"\begin{foo} x \end{foo}", {}, "E127", 1, r"\begin{foo}", "aligned and cases"),
    (r"\begin{alignd} x \end{alignd}", {}, "E127", 1, r"\begin{alignd}", "'aligned'"),
    (r"\sum_i x_i", {}, "E128", 1, r"\sum", "x_1 + x_2"),
    (r"\prod_{i=1}^n x_i", {}, "E128", 1, r"\prod", ""),
    (r"\int_0^1 x \, dx", {}, "E128", 1, r"\int", "antiderivative"),
    (r"\lim_{x \to 0} x", {}, "E128", 1, r"\lim", ""),
    (r"\max_x x^2", {}, "E128", 5, "_", ""),
    (r"\frac{d}{dx} x^2", {}, "E128", 1, r"\frac{d}{dx}", "derivatives are computed"),
    (r"\frac{d y}{d x^2}", {}, "E128", 1, r"\frac{d y}{d x^2}", ""),
    (r"\frac{\partial f}{\partial x}", {}, "E128", 7, r"\partial", ""),
    (r"f'(x) = \alpha", {}, "E128", 1, "f'", ""),
    (r"(\alpha)'", {}, "E128", 9, "'", ""),
    (r"\pm x", {}, "E128", 1, r"\pm", "two formulas"),
    (r"\lVert x \rVert", {}, "E128", 1, r"\lVert", r"\lvert x \rvert"),
    (r"\left\| x \right\|", {}, "E128", 1, r"\left\|", ""),
    (r"\left. x \right|_0", {}, "E128", 1, r"\left.", ""),
    (r"\binom{n}{k}", {}, "E128", 1, r"\binom", "n!"),
    (r"x \bmod y", {}, "E128", 3, r"\bmod", r"\operatorname{mod}(x, y)"),
    (r"n!!\,", {}, "E128", 2, "!", ""),
    (r"\begin{pmatrix} 1 \end{pmatrix}", {}, "E128", 1, r"\begin{pmatrix}", ""),
    (r"w^\top x", {}, "E128", 3, r"\top", ""),
    (r"90^\circ", {}, "E128", 4, r"\circ", r"\pi"),
    (r"\Phi^{-1}(p)", {}, "E128", 1, r"\Phi", ""),
    (r"\exp^{-1}(p)", {}, "E128", 1, r"\exp", r"\frac{1}"),
    (r"x \approx y", {}, "E128", 3, r"\approx", ""),
    (r"x_1 + \ldots + x_n", {}, "E128", 7, r"\ldots", ""),
    (r"\text{hello world} x", {}, "E128", 1, r"\text{hello world}", ""),
    (r"\text{if $x$}", {}, "E128", 1, r"\text", ""),
    (r"x \land y", {}, "E130", 1, r"x \land y", ""),
    (r"x & \alpha", {}, "E129", 3, "&", ""),
    (r"\begin{cases} x \end{cases}", {}, "E129", 17, r"\end{cases}", "otherwise"),
    (r"\begin{cases} x & y > 0 & z \end{cases}", {}, "E129", 25, "&", ""),
    (r"\begin{cases} x & \text{else} \\ y & x > 0 \end{cases}", {}, "E129", 44, r"\end{cases}", ""),
    (r"x + \begin{aligned} y \end{aligned}", {}, "E129", 5, r"\begin{aligned}", ""),
    (r"x $y$", {}, "E129", 3, "$", ""),
    (r"x^2^3", {}, "E131", 4, "^", "x^{2^3}"),
    (r"e^x^2", {}, "E131", 4, "^", ""),
    (r"x_1_2 \alpha", {}, "E131", 4, "_", "x_{1,2}"),
    (r"(\alpha)_1", {}, "E131", 9, "_", ""),
    (r"^2 \alpha", {}, "E131", 1, "^", ""),
    (r"\sin x (y + 1)", {}, "E132", 8, "(", r"\sin\left(…\right)"),
    (r"\ln \theta |x|", {}, "E132", 12, "|", ""),
    (r"2\frac12", {}, "E132", 1, r"2\frac12", r"2 + \frac12, or 2 \cdot \frac12"),
    (r"x + 1\tfrac{1}{2} y", {}, "E132", 5, r"1\tfrac{1}{2}", ""),
    (r"a/bc", {"inputs": "a b c"}, "E132", 4, "c", r"\frac{a}{b c}"),
    (r"e^{-E/kT}", {}, "E132", 8, "T", ""),
    (r"h/2\pi", {}, "E132", 4, r"\pi", ""),
    (r"1/2\pi", {}, "E132", 4, r"\pi", ""),
    (r"n!/k!(n-k)!", {}, "E132", 6, "(", ""),
    (r"\alpha / -b\frac{c}{d}", {}, "E132", 12, r"\frac", ""),
    (r"1/\sin x \cos x", {}, "E132", 10, r"\cos", ""),
    (r"x^2! \alpha", {}, "E132", 4, "!", "{x^2}! or x^{2!}"),
    (r"5 \cdot 10^{2}!", {}, "E132", 15, "!", ""),
    (r"e^{x}!", {}, "E132", 6, "!", ""),
    (r"\sin^2(x)!", {}, "E132", 10, "!", ""),
    (r"2 \times 10^{3}^2", {}, "E131", 16, "^", ""),
    (r"f^{-1}(y + 1)", {}, "E101", 1, "f", r"f^{-1} \cdot"),
    (r"\sigma^{-1}(x)", {}, "E101", 1, r"\sigma", ""),
    (r"f(x) + \alpha", {}, "E101", 1, "f", r"f \cdot (…)"),
    (r"x\left(t_1\right)", {}, "E101", 1, "x", "x(t)"),
    (r"\mathbb{E}[X]", {}, "E101", 1, r"\mathbb{E}", ""),
    (r"f(0) \alpha", {}, "E101", 1, "f", ""),
    (r"f^2(x) \alpha", {}, "E101", 1, "f", "f(x)^2"),
    (r"3,5 \alpha", {}, "E116", 2, ",", "0.5"),
    (r"\underbrace x_1", {}, "E111", 1, r"\underbrace", r"\underbrace{x}_{y}"),
    (r"sin(x)^{2}", {}, "E133", 1, "sin", r"\sin"),
    (r"\alpha exp(x)", {}, "E133", 8, "exp", r"\exp"),
    (r"2xrelu\left(x\right)", {}, "E133", 3, "relu", r"\operatorname{relu}"),
    (r"theta^{2}", {}, "E133", 1, "theta", r"\theta"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "options", "code", "column", "marked", "hint"),
    ERRORS,
    ids=[row[0] for row in ERRORS],
)
def test_error(source, options, code, column, marked, hint):
    with pytest.raises(FormulaError) as caught:
        read_latex(source, **options)
    error = caught.value
    assert (error.code, error.column) == (code, column), str(error)
    assert error.text[slice(*error.span)] == marked
    assert hint in error.hint
    assert str(error).startswith(f"{code} {error.message}\n  ")


def test_every_code_is_in_the_table_and_tested():
    own = set(re.findall(r"^(E\d+) ", latex.__doc__, re.MULTILINE))
    tested = {code for _, _, code, *_ in ERRORS}
    assert own <= tested
    assert tested <= own | set(re.findall(r"^(E\d+) ", infix.__doc__, re.MULTILINE))


def test_a_message_in_full():
    with pytest.raises(FormulaError) as caught:
        read_latex(r"\frac{1}{2} + \sinn x")
    assert str(caught.value) == (
        "E127 unknown command \\sinn at column 15\n"
        "  \\frac{1}{2} + \\sinn x\n"
        "                ^^^^^  did you mean \\sin?"
    )


# --- limits ---------------------------------------------------------------------------------------

DEEP = Limits(depth=5)
LIMITS = [
    (r"\alpha" * 3, Limits(length=10), "E151"),
    (r"{" * 6 + r"\alpha" + "}" * 6, DEEP, "E152"),
    (r"\sqrt" * 6 + " x", DEEP, "E152"),
    (r"\sin " * 6 + "x", DEEP, "E152"),
    (r"x^{x^{x^{x}}}", DEEP, "E152"),
    (r"x+x+x+\alpha", Limits(nodes=2), "E153"),
    (r"\alpha + " + "1" * 401, Limits(), "E154"),
    (r"1 \times 10^{400}", Limits(), "E154"),
    (r"x^{1000001}", Limits(), "E155"),
]


@pytest.mark.parametrize(("source", "limits", "code"), LIMITS)
def test_limit(source, limits, code):
    with pytest.raises(LimitError) as caught:
        read_latex(source, limits=limits)
    assert caught.value.code == code


# --- the one way in -------------------------------------------------------------------------------


def test_both_syntaxes():
    assert read(r"\frac{x}{y}") == read("x/y") == read("x/y", syntax="latex")
    assert read("ab") != read("ab", syntax="latex")
    assert read("ab", single_letters=True) == read("ab", syntax="latex")
    assert read("x^{2}") == read("x^2")
    with pytest.raises(FormulaError, match="E119"):
        read(r"\frac{x}{y}", syntax="text")
    with pytest.raises(ValueError, match="syntax"):
        read("x", syntax="tex")
    with pytest.raises(TypeError, match="a formula is a text"):
        read(3)
    with pytest.raises(TypeError, match="a formula is a text"):
        read_latex(3)
    with pytest.raises(GraphError, match="E213"):
        read_latex(r"\alpha", inputs="2x")


@pytest.mark.parametrize(
    ("formula", "column"),
    [(r"W^{(2)} x", 2), (r"x^{[i]}", 2), (r"w^T x", 2), (r"w^{T} x", 2)],
)
def test_what_stands_above_a_name_and_is_no_power(formula, column):
    with pytest.raises(FormulaError) as caught:
        read_latex(formula)
    assert (caught.value.code, caught.value.column) == ("E128", column)


@pytest.mark.parametrize("formula", [r"e^{-t/T}", "2^T", "x^{(a + b)}", "x^{T + 1}"])
def test_powers_that_look_similar(formula):
    read_latex(formula)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"2 \cdot \frac12", "2*(1/2)"),
        (r"\underbrace{x + y}_{\text{the sum}} z", "(x + y)*z"),
        (r"\overbrace{2 x}^{a} + \underbrace{y}", "2*x + y"),
        (r"\sin \underbrace{x}_1 \cos y", "sin(x)*cos(y)"),
        (r"{2}\frac12", "2*(1/2)"),
        (r"2\frac32", "2*(3/2)"),
        (r"2.5\frac12", "2.5*(1/2)"),
        (r"2\frac{x}{2}", "2*(x/2)"),
        (r"10^2\frac12", "10^2*(1/2)"),
        (r"\frac12\frac13", "1/2*(1/3)"),
        (r"1/2 m v^2", "1/2*m*v^2"),
        (r"a/b \cdot c", "a/b*c"),
        (r"a/b, \alpha c", "a/b, alpha*c"),
        (r"(x^2)! + x^{2!}", "gamma(x^2 + 1) + x^gamma(2 + 1)"),
        (r"n!^2", "gamma(n + 1)^2"),
        (r"f \cdot (x)", "f*x"),
        (r"x^{-1} \cdot (y + 1)", "x^-1*(y + 1)"),
        (r"\sigma^2(1 - x)", "sigma^2*(1 - x)"),
        (r"f(t) = t^2; f(2) + f^2(3)", "f(t) = t^2; f(2) + f(3)^2"),
        (r"3, 5 \alpha", "3, 5*alpha"),
    ],
)
def test_one_reading_next_to_what_has_two(source, text):
    assert read_latex(source) == read(text)


def test_a_declared_name_multiplies_brackets():
    assert read_latex(r"f(x) + f^{-1}(x)", inputs="f x") == read("f*x + f^-1*x", inputs="f x")


def test_a_declared_t_may_be_an_exponent():
    assert [node.name for node in read_latex("x^T", inputs="x T").inputs] == ["x", "T"]
