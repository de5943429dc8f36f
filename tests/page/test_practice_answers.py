"""Answers: what is right, what is wrong, and what cannot be read, for every kind of question.

Expected numbers and formulas are worked out by hand, or with SymPy where that is said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import sympy

from chainrule.exchange.javascript.module import module
from chainrule.formula.reader import read
from chainrule.page.content import Asked, content
from tests.page.engine import ran

_JUDGE = """
const program_ = await program(given.program);
const page = { content: given.content, numbers: new m.Numbers(given.content, program_) };
const state = { output: given.content.output, pass: "backward", step: 0, practice: "on" };
const asked = new m.Questions(page.content, page.numbers, state).of([given.key.split("-")[0]]);
const question = asked.find(({ key }) => key === given.key);
return given.answers.map((text) => m.judged(text, question.sought));
"""


class Kind(NamedTuple):
    formula: str
    values: dict[str, float]
    key: str
    right: str = ""
    wrong: str = ""


def verdicts(kind: Kind, answers: list[str]) -> list[dict[str, Any]]:
    dag = read(kind.formula)
    given = {
        "content": content(dag, Asked(kind.values)),
        "program": module(dag),
        "key": kind.key,
        "answers": answers,
    }
    found: list[dict[str, Any]] = ran("main.js", "judged, Numbers, Questions", _JUDGE, given)
    return found


KINDS = {
    "a value with few digits": Kind(
        "a = x + 1; f = a/4",
        {"x": 2},
        "value-4",
        "0.75 ; .75 ; 3/4 ; 0.750 ; 75e-2 ; 7.5·10^-1 ; 3·4⁻¹ ; 1 − 1/4 ; √9/4 ; (3)÷(4) "
        "; 0.5+0.25",
        "0.7 ; 0.8 ; 3 ; 4/3 ; -0.75 ; 0.751 ; 0.749 ; 7.5 ; 0 ; √3/4 ; 75",
    ),
    "a whole value": Kind(
        "f = x + 1",
        {"x": 2},
        "value-2",
        "3 ; 3.00 ; 2*1.5 ; 1+2 ; +3 ; 3. ; 6/2 ; 9^0.5 ; 3e0 ; 2 + 1^5 ; ln(e)*3 ; [3]",
        "3.1 ; 2.99 ; -3 ; 30 ; 0.3 ; 3.01 ; 1 ; 2 ; pi ; e ; 3.0001",
    ),
    "a value without an end": Kind(
        "f = x/3",
        {"x": 2},
        "value-2",
        "2/3 ; 0.667 ; 0.666 ; 0.6667 ; 0.66666667 ; 6.67e-1 ; 1 - 1/3 ; .667 ; +0.667 ; "
        "2·3⁻¹ ; 4/6",
        "0.668 ; 0.665 ; 0.6670 ; 0.66 ; 6.67 ; -0.667 ; 3/2 ; 0.6668 ; 1/3 ; 0.7777",
    ),
    "a local derivative": Kind(
        "f = x^2",
        {"x": 1.5},
        "local-0",
        "3 ; 3.00 ; 2x ; x+x ; 2*1.5 ; 2·x ; x×2 ; 2(x) ; f·4/3 ; 6/2 ; 4x − 2x ; 2x^1",
        "x ; 1.5 ; x^2 ; 2.25 ; 3.1 ; -3 ; 2 ; 2+x ; x/2 ; 3x ; f",
    ),
    "an adjoint": Kind(
        "a = x^2; f = sin(a)",
        {"x": 1.5},
        "adjoint-0",
        "-1.8845208681682172667 ; -1.88 ; -1.88452 ; cos(x^2)*2x ; 2x cos(a) ; cos(a)(x + "
        "x) ; 3cos(9/4) ; 3*cos(2.25) ; cos(1.5^2)*3 ; -1.88 ; x·cos(x²)·2",
        "1.88 ; -1.89 ; cos(a) ; 2x ; cos(x)*2x ; sin(a)*2x ; -1.87 ; 0 ; cos(a*2x) ; 3 ; cos(2x)",
    ),
    "a formula": Kind(
        "f = tanh(x)",
        {"x": 0.5},
        "formula-0",
        "1 - f^2 ; 1 - tanh(x)^2 ; 1/cosh(x)^2 ; (1-f)(1+f) ; cosh(x)^-2 ; 1 − f² ; "
        "4/(exp(x)+exp(-x))^2 ; 1-f*f ; 4e^(2x)/(e^(2x)+1)^2 ; (1 - tanh(x)) * (1 + "
        "tanh(x)) ; cosh(x)**(-2)",
        "1 - f ; 1 + f^2 ; f ; x ; 1 - x^2 ; cosh(x)^2 ; 1/cosh(x) ; sinh(x)/cosh(x) ; 0 "
        "; 1 ; 1 - tanh(x^2)",
    ),
    "a formula of two names": Kind(
        "f = x/y",
        {"x": 1, "y": 2},
        "formula-1",
        "-x/y^2 ; -f/y ; -(x/y)/y ; -x*y^-2 ; −x·y⁻² ; -1/y*f ; -f^2/x ; x/(-y²) ; 0 - "
        "x/(y*y) ; -x/y/y",
        "x/y^2 ; -x/y ; 1/y ; -1/y^2 ; -x/(2y) ; -x^2/y ; x*y ; -y/x^2 ; f/y ; -f*y ; -x/y^3",
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_right_and_wrong_answers(name: str) -> None:
    kind = KINDS[name]
    right, wrong = kind.right.split(" ; "), kind.wrong.split(" ; ")
    assert len(right) >= 10
    assert len(wrong) >= 10
    found = verdicts(kind, [*right, *wrong])
    given = dict(zip([*right, *wrong], [verdict["is"] for verdict in found], strict=True))
    expected = dict.fromkeys(right, "right") | dict.fromkeys(wrong, "wrong")
    few = {text for text in wrong if text == "0.66"}  # so far so good: asks for more digits
    assert given == expected | dict.fromkeys(few, "unclear")


def test_expected_numbers_and_formulas_are_those_of_sympy() -> None:
    x, y = sympy.symbols("x y")
    slope = sympy.diff(sympy.sin(x**2), x).subs(x, sympy.Rational(3, 2))
    assert KINDS["an adjoint"].right.startswith(str(sympy.N(slope, 20)))
    assert sympy.simplify(sympy.diff(sympy.tanh(x), x) - 1 / sympy.cosh(x) ** 2) == 0
    assert sympy.diff(x / y, y) == -x / y**2


SAVED = [
    ("f = x*y", "saved-2", {"operands"}),
    ("f = x + y", "saved-2", {"nothing"}),
    ("f = exp(x)", "saved-1", {"output"}),
    ("f = sqrt(x)", "saved-1", {"output"}),
    ("f = sin(x)", "saved-1", {"operands"}),
    ("f = relu(x)", "saved-1", {"bit"}),
    ("f = x/y", "saved-2", {"both", "operands"}),
    ("f = tanh(x)", "saved-1", {"operands", "output"}),
    ("f = x^3", "saved-1", {"operands"}),
    ("f = -x", "saved-1", {"nothing"}),
]


@pytest.mark.parametrize(("formula", "key", "right"), SAVED)
def test_what_is_saved(formula: str, key: str, right: set[str]) -> None:
    choices = ["nothing", "operands", "output", "both", "bit"]
    found = verdicts(Kind(formula, {"x": 2, "y": 3}, key), choices)
    assert {
        choice for choice, one in zip(choices, found, strict=True) if one["is"] == "right"
    } == right
    assert verdicts(Kind(formula, {"x": 2, "y": 3}, key), [""])[0]["is"] == "unclear"


UNREADABLE = [
    ("", 0, "Type an answer"),
    ("   ", 0, "Type an answer"),
    ("3,5", 1, "decimal point"),
    ("(1,5)", 0, "decimal point"),
    ("2+", 2, "missing at the end"),
    ("(2+3", 0, "never closed"),
    ("2+3)", 3, "never opened"),
    ("2 $ 3", 2, "no meaning"),
    ("xy", 0, "x*y"),
    ("q", 0, "no name q"),
    ("foo(2)", 0, "no function foo"),
    ("sin x", 0, "brackets"),
    ("2 3", 2, "sign missing"),
    ("*2", 0, "missing before"),
    ("sin(1, 2)", 0, "one number"),
    ("where(1, 2)", 0, "3 numbers"),
    ("import('x')", 7, "no meaning"),
    ("alert(1)", 0, "no function alert"),
    ("constructor", 0, "no name constructor"),
    ("__proto__", 0, "no name"),
    ("1/0", None, "no finite number"),
    ("9^9^9^9", None, "no finite number"),
    ("sqrt(-1)", None, "no finite number"),
    ("(" * 150 + "1" + ")" * 49, None, "nests too deeply"),
    ("-" * 190 + "1", None, "nests too deeply"),
    ("2^" * 90 + "1", None, "nests too deeply"),
    ("1+" * 50_000 + "1", 200, "at most 200"),
]


def test_what_cannot_be_read_is_no_wrong_answer() -> None:
    """Nothing hangs either: the engine is given two minutes for all of them."""
    kind = Kind("f = x*y", {"x": 2, "y": 3}, "local-0")
    found = verdicts(kind, [text for text, _, _ in UNREADABLE])
    for (text, at, words), verdict in zip(UNREADABLE, found, strict=True):
        assert verdict["is"] == "unclear", text[:40]
        assert words in verdict["words"], text[:40]
        assert at in (None, verdict["at"]), text[:40]


def test_values_are_numbers_and_derivatives_may_have_names() -> None:
    formula, values = "a = x + y; f = a*x", {"x": 3, "y": 2}
    (named,) = verdicts(Kind(formula, values, "value-3"), ["a*x"])
    assert (named["is"], named["words"]) == (
        "unclear",
        "A number is asked for: put the value of a in its place.",
    )
    (local,) = verdicts(Kind(formula, values, "local-2"), ["x"])
    (adjoint,) = verdicts(Kind(formula, values, "adjoint-0"), ["x + a"])
    assert (local["is"], adjoint["is"]) == ("right", "right")


def test_a_number_is_no_formula_unless_the_derivative_is_constant() -> None:
    (number,) = verdicts(Kind("f = x^2", {"x": 1.5}, "formula-0"), ["3"])
    assert (number["is"], number["words"]) == (
        "unclear",
        "That is its number at this point: the formula is asked for.",
    )
    (constant,) = verdicts(Kind("f = x + y", {"x": 1.5}, "formula-0"), ["1"])
    assert constant["is"] == "right"


def test_rounding_errors_count_as_zero() -> None:
    """cos(π/2) is 6e-17 in floating point, and 0 by hand."""
    kind = Kind("a = x^2; f = sin(a)", {"x": 1.2533141373155001}, "adjoint-0")
    found = verdicts(kind, ["0", "0.0", "cos(pi/2)", "1e-3"])
    assert [one["is"] for one in found] == ["right", "right", "right", "wrong"]


def test_names_with_greek_letters_and_small_digits() -> None:
    kind = Kind("f = theta*x_1", {"theta": 2, "x_1": 3}, "local-0")
    found = verdicts(kind, ["x_1", "x₁", "6/θ", "6/theta", "3"])
    assert {one["is"] for one in found} == {"right"}
