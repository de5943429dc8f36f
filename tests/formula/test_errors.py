"""Every way to write a formula wrong: code, place, message, and what the hint offers."""

from __future__ import annotations

import re

import pytest

from chainrule.errors import FormulaError, GraphError, LimitError
from chainrule.formula import infix
from chainrule.formula.infix import read
from chainrule.formula.limits import Limits

# (text, options, code, marked, message, hint): `marked` is what the caret line underlines.
ERRORS = [
    ("sin(x) + simoid(x)", {}, "E101", "simoid", "unknown function 'simoid'", "'sigmoid'?"),
    ("qux(x)", {}, "E101", "qux", "unknown function 'qux'", "write qux*(x) for the product"),
    ("a(b + c)", {}, "E101", "a", "'a'", "write a*(b + c) for the product, or define the function"),
    ("a(b, c)", {}, "E101", "a", "'a'", "define the function: a(x, y) = …"),
    ("g(x) = x; h(2)", {}, "E101", "h", "'h'", "define the function"),
    ("loss(x) = x; los(2)", {}, "E101", "los", "'los'", "did you mean 'loss'?"),
    ("a*x", {"inputs": "x y"}, "E102", "a", "unknown name 'a'", "the inputs are x, y"),
    ("wight*x", {"inputs": "x", "parameters": "weight"}, "E102", "wight", "'wight'", "'weight'?"),
    (
        "aw*x",
        {"inputs": "a x", "parameters": "w"},
        "E102",
        "aw",
        "'aw'",
        "write a*w for the product",
    ),
    ("aaw", {"inputs": "a w"}, "E102", "aaw", "'aaw'", "write a*a*w"),
    ("w_1x_1 + b", {}, "E102", "w_1x_1", "two names", "write w_1*x_1 for the product"),
    ("2θ_1x_1y_2", {}, "E102", "θ_1x_1y_2", "two names", "write θ_1*x_1*y_2"),
    ("W_{ij}x_j", {}, "E102", "W_{ij}x_j", "two names", "write W_{ij}*x_j"),
    ("1,5*x", {}, "E116", ",", "", "0.5"),
    ("2*1,5", {}, "E116", ",", "", "0.5"),
    ("b = a; ab", {"inputs": "a"}, "E102", "ab", "'ab'", "write a*b"),
    ("g(t) = u; g(x)", {"inputs": "x"}, "E102", "u", "'u'", ""),
    ("f(y) = x", {"inputs": "x"}, "E102", "y", "'y'", ""),
    (
        "x(x + 1)",
        {"inputs": "x"},
        "E103",
        "x",
        "'x' is not a function",
        "x*(x + 1) for the product",
    ),
    ("x + x(2)", {}, "E103", "x", "'x' is not a function", "write x*(2)"),
    ("a = x; a(2)", {}, "E103", "a", "'a' is not a function", ""),
    ("f(t) = t(2)", {}, "E103", "t", "'t' is not a function", ""),
    ("f(t) = t(2); f(1)", {}, "E103", "t", "'t' is not a function", ""),
    ("e(x)", {}, "E103", "e", "'e' is not a function", "e*(x)"),
    ("a(x)", {"single_letters": True, "inputs": "a x"}, "E103", "a", "'a'", "a*(x)"),
    ("sin x", {}, "E104", "sin", "the function 'sin' needs its argument", "write sin(x)"),
    ("sin^2(x + 1)", {}, "E104", "sin", "'sin'", "write sin(x + 1)^2"),
    ("sin²(x)", {}, "E104", "sin", "'sin'", "write sin(x)^2"),
    ("sin**-1 x", {}, "E104", "sin", "'sin'", "write sin(x)^-1"),
    ("2 + exp", {}, "E104", "exp", "'exp'", "write exp(x), or declare it as an input"),
    ("g(x) = x; g", {}, "E104", "g", "'g'", "write g(x)"),
    ("g(x) = x; g + g(1)", {}, "E104", "g", "'g'", ""),
    ("f + f(x)", {"abstract": "f"}, "E104", "f", "'f'", ""),
    ("sin()", {}, "E105", "sin()", "sin(x) takes 1 argument, got 0", ""),
    ("1 + sin(x, y)", {}, "E105", "sin(x, y)", "sin(x) takes 1 argument, got 2", ""),
    ("atan2(x)", {}, "E105", "atan2(x)", "atan2(y, x) takes 2 arguments, got 1", ""),
    (
        "leaky_relu(x, 1, 2)",
        {},
        "E105",
        "leaky_relu(x, 1, 2)",
        "leaky_relu(x, slope) takes 1 or 2 arguments",
        "",
    ),
    ("log(x + 1, 2)", {}, "E105", "log(x + 1, 2)", "log(x) takes 1", "log(x + 1)/log(2)"),
    ("min(x)", {}, "E105", "min(x)", "minimum(a, b) takes 2", ""),
    ("g(a, b) = a; g(x)", {}, "E105", "g(x)", "g takes 2 arguments, got 1", ""),
    ("g()", {"abstract": "g"}, "E105", "g()", "g takes one argument or more", ""),
    ("polygamma(x, y)", {}, "E106", "y", "order must be a literal number", ""),
    ("leaky_relu(x, 1/2)", {}, "E106", "1/2", "slope must be a literal number", ""),
    ("leaky_relu(x, true)", {}, "E106", "true", "slope must be a literal number", ""),
    ("polygamma(x, -1)", {}, "E106", "-1", "whole number from 0", ""),
    ("convert(x, float16)", {}, "E106", "float16", "float16", ""),
    ("convert(x, 2)", {}, "E106", "2", "dtype", ""),
    ("convert(x, y + 1)", {}, "E106", "y + 1", "dtype must be the name of a dtype", ""),
    ("b", {"inputs": ""}, "E102", "b", "unknown name 'b'", "the inputs are none"),
    ("a = b; b = 2", {}, "E107", "b", "'b' is used before its definition", "come first"),
    ("a = g(x); g(t) = t", {}, "E107", "g", "'g' is used before its definition", ""),
    ("h(t) = g(t); g(t) = t; h(x)", {}, "E107", "g", "'g' is used before", ""),
    ("a = a + 1", {}, "E108", "a", "'a' is defined by itself", ""),
    ("f(x) = f(x - 1)", {}, "E108", "f", "'f' is defined by itself", "no function calls itself"),
    ("f(x) = f(x - 1); f(2)", {}, "E108", "f", "'f'", ""),
    ("a = x; a = y; a", {}, "E109", "a", "'a' is defined twice", "new name"),
    ("f = x; f(x) = x", {}, "E109", "f", "'f' is defined twice", ""),
    ("x = 3; x", {"inputs": "x"}, "E109", "x", "'x' is declared and defined", ""),
    ("f(x) = x; f(2)", {"abstract": "f"}, "E109", "f", "'f' is declared and defined", ""),
    ("f(x, x) = x", {}, "E109", "x", "'x' stands twice", ""),
    ("f(f) = f", {}, "E109", "f", "'f' stands twice", ""),
    ("x = a; f(x) = x", {}, "E109", "x", "'x' is defined before", ""),
    ("a = pi; f(pi) = a*pi", {}, "E109", "a = pi; f(pi) = a*pi", "named 'pi'", ""),
    (
        "gamma + gamma(x)",
        {},
        "E110",
        "gamma",
        "'gamma' is both a variable and a function",
        "rename",
    ),
    ("σ(x) + σ", {}, "E110", "σ", "'sigma' is both", ""),
    ("exp = 3; exp(x)", {}, "E110", "exp", "'exp' is both", ""),
    ("exp(x)", {"inputs": "x exp"}, "E110", "exp", "'exp' is both", ""),
    ("x +", {}, "E111", "+", "expected an operand after '+'", ""),
    ("x + \n", {}, "E111", "+", "expected an operand after '+'", ""),
    ("2 *;", {}, "E111", "*", "expected an operand after '*'", ""),
    ("x * / y", {}, "E111", "/", "expected an operand after '*', found '/'", ""),
    ("* x", {}, "E111", "*", "expected an operand before '*'", ""),
    ("= 3", {}, "E111", "=", "expected an operand before '='", ""),
    ("x * ()", {}, "E111", "()", "expected an operand between '(' and ')'", ""),
    ("(x + )", {}, "E111", ")", "expected an operand after '+', found ')'", ""),
    ("max(x, )", {}, "E111", ")", "expected an operand after ',', found ')'", ""),
    ("x,", {}, "E111", ",", "expected an operand after ','", ""),
    ("x, , y", {}, "E111", ",", "expected an operand after ',', found ','", ""),
    ("not", {}, "E111", "not", "expected an operand after 'not'", ""),
    ("√", {}, "E111", "√", "expected an operand after '√'", ""),
    ("||", {}, "E111", "|", "expected an operand after '|'", ""),
    ("(x + y", {}, "E112", "(", "this '(' is never closed", ""),
    ("2*sin(x", {}, "E112", "(", "this '(' is never closed", ""),
    ("sin(", {}, "E112", "(", "this '(' is never closed", ""),
    ("x * (", {}, "E112", "(", "this '(' is never closed", ""),
    ("a + |x", {}, "E112", "|", "this '|' is never closed", ""),
    ("(|x)", {}, "E112", "|", "this '|' is never closed", ""),
    ("x)", {}, "E113", ")", "this ')' closes nothing", ""),
    ("(x))*2", {}, "E113", ")", "this ')' closes nothing", ""),
    ("x 2", {}, "E114", "2", "a number directly after an operand", "x*2 for a product, x_2"),
    ("2 3", {}, "E114", "3", "a number directly after an operand", "write * before 3"),
    ("(x)2", {}, "E114", "2", "a number directly after", "write * before 2"),
    ("1.2.3", {}, "E114", ".3", "a number directly after", ""),
    ("x1", {"single_letters": True}, "E114", "1", "a number directly after", "x_1 for a name"),
    ("where(x = 1, 2, 3)", {}, "E115", "=", "a single '=' inside an expression", "write == to"),
    ("x + 1 = y", {}, "E115", "=", "a single '='", "=="),
    ("a = b = 3", {}, "E115", "=", "a single '='", "=="),
    ("f(x, 2) = x", {}, "E115", "=", "a single '='", "plain names, f(x, y) = …"),
    ("2 + (x, y)", {}, "E116", ",", "a comma outside the arguments", ""),
    ("(x, y) + 2", {}, "E116", ",", "a comma outside", ""),
    ("((x, y))", {}, "E116", ",", "a comma outside", ""),
    ("x, (x, y)", {}, "E116", ",", "a comma outside", ""),
    ("|x, y|", {}, "E116", ",", "a comma outside", ""),
    ("a = x, y", {}, "E116", ",", "a comma outside", "only the last statement may be a list"),
    ("a = (x, y)", {}, "E116", ",", "a comma outside", ""),
    ("3, 5 + x; x", {}, "E121", "3, 5 + x", "this value is not used", ""),
    ("", {}, "E117", "", "there is no formula", "(x + y)*x"),
    (" ;\n # nothing\n", {}, "E117", "", "there is no formula", ""),
    ("a =", {}, "E118", "=", "expected an expression after '='", ""),
    ("a = ; b = 2", {}, "E118", "=", "expected an expression after '='", ""),
    ("f(x) =\n", {}, "E118", "=", "expected an expression after '='", ""),
    ("x $ y", {}, "E119", "$", "unexpected character '$'", ""),
    (
        "a + W @ b",
        {"shapes": {"W": (3, 2), "b": 3}},
        "E203",
        "W @ b",
        "in W @ b: W is [3, 2], b is [3]",
        "the inner sizes 2 and 3 differ; W.T @ b would fit",
    ),
    ("[x]", {}, "E119", "[", "unexpected character '['", "round brackets"),
    ("x & y", {}, "E119", "&", "'&'", "write 'and'"),
    ("x % y", {}, "E119", "%", "'%'", "write mod(x, y) for a remainder, x/100 for a percentage"),
    ("x!", {}, "E119", "!", "'!'", "gamma(n + 1)"),
    ("f'(x)", {}, "E119", "'", '"\'"', "x_prime"),
    (r"\sin x", {}, "E119", "\\", "'\\\\'", "looks like LaTeX"),
    ("x + .", {}, "E119", ".", "'.'", "digit"),
    ("ｘ + 1", {}, "E119", "ｘ", "'ｘ' (U+FF58)", "write 'x'"),
    ("aｘ", {}, "E119", "ｘ", "(U+FF58)", "write 'x'"),
    ("x＋y", {}, "E119", "＋", "(U+FF0B)", "write '+'"),
    ("𝑥", {}, "E119", "𝑥", "(U+1D465)", "write 'x'"),
    ("x\u0302", {}, "E119", "\u0302", "(U+0302)", ""),
    ("x\u200by", {}, "E119", "\u200b", "(U+200B)", ""),
    ("x\0", {}, "E119", "\0", "(U+0000)", ""),
    ("½x", {}, "E119", "½", "(U+00BD)", ""),
    ("1_000", {}, "E120", "_", "'_' inside a number", "leave it out"),
    ("x_{} + 1", {}, "E120", "{}", "the subscript '{}'", "x_{ij}"),
    ("x_{i,j}", {}, "E120", "{i,j}", "the subscript '{i,j}'", ""),
    ("x⁻", {}, "E120", "⁻", "raised exponent must be a whole number", ""),
    ("x + y; z", {}, "E121", "x + y", "this value is not used", "name it"),
    ("x, y; z", {}, "E121", "x, y", "this value is not used", ""),
    ("f() = 3", {}, "E122", "f()", "a function without parameters", "write f = …"),
    ("w*x", {"parameters": "w b"}, "E123", "w*x", "the parameter 'b' does not appear", ""),
    ("weigt*x", {"parameters": "weight"}, "E123", "weigt*x", "'weight'", "'weigt'?"),
    ("f(x)", {"abstract": "f g"}, "E123", "f(x)", "the abstract function 'g' does not", ""),
    ("x + not y", {}, "E124", "not", "'not' needs brackets here", "write +(not …)"),
    ("√-x", {}, "E124", "-", "'-' needs brackets here", "write √(- …)"),
    ("x not y", {}, "E125", "not", "expected an operator before 'not'", ""),
    ("x true", {}, "E125", "true", "expected an operator before 'true'", ""),
    ("w*x", {"inputs": "w x", "parameters": "w"}, "E126", "w", "'w' is declared twice", ""),
    ("x", {"inputs": "x y x"}, "E126", "x", "'x' is declared twice", ""),
    ("x + 1", {"inputs": "x q q"}, "E126", "x + 1", "'q' is declared twice", ""),
    ("x and y", {}, "E130", "x and y", "logical_and needs a condition", ""),
    ("1 + (not x)", {}, "E130", "not x", "needs a condition", ""),
    ("1 and true", {}, "E130", "1 and true", "needs a condition", ""),
    ("where(x, 1, 2)", {}, "E130", "where(x, 1, 2)", "needs a condition there", ""),
    ("g(t) = t and t; g(x)", {}, "E130", "t and t", "needs a condition", ""),
    ("3000000000*x", {"dtype": "int32"}, "E130", "3000000000*x", "does not fit int32", ""),
    ("3000000000", {"dtype": "int32"}, "E130", "3000000000", "does not fit int32", ""),
    ("1e39*x", {"dtype": "float32"}, "E130", "1e39*x", "does not fit float32", ""),
]


@pytest.mark.parametrize(("text", "options", "code", "marked", "message", "hint"), ERRORS)
def test_error(text, options, code, marked, message, hint):
    with pytest.raises(FormulaError) as caught:
        read(text, **options)
    error = caught.value
    assert error.code == code
    assert error.text[slice(*error.span)] == marked
    assert message in error.message
    assert hint in error.hint
    assert str(error).startswith(f"{code} {error.message}\n  ")
    assert error.message.endswith(f"column {error.column}")


def test_message_is_as_promised():
    with pytest.raises(FormulaError) as caught:
        read("L = (y - simoid(w*x + b))^2")
    assert str(caught.value) == (
        "E101 unknown function 'simoid' at column 10\n"
        "  L = (y - simoid(w*x + b))^2\n"
        "           ^^^^^^  did you mean 'sigmoid'?"
    )


def test_place_in_a_text_of_several_lines():
    with pytest.raises(FormulaError, match="at line 2, column 5") as caught:
        read("a = x\nb = $")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_leftmost_error_comes_first():
    with pytest.raises(FormulaError, match="'fooo'"):
        read("fooo(sin) + barr(x)")


def test_every_code_is_in_the_table_and_tested():
    listed = set(re.findall(r"^(E\d+) ", infix.__doc__, re.MULTILINE))
    tested = {code for _, _, code, *_ in ERRORS} | {code for *_, code in LIMITS}
    assert tested == listed


# --- limits ---------------------------------------------------------------------------------------

DEEP = Limits(depth=5)
LIMITS = [
    ("x" * 11, Limits(length=10), "E151"),
    ("x+" * 5 + "x", Limits(length=10), "E151"),
    ("((((((x))))))", DEEP, "E152"),
    ("------x", DEEP, "E152"),
    ("x^x^x^x^x^x^x", DEEP, "E152"),
    ("not not not not not not true", DEEP, "E152"),
    ("sin(sin(sin(sin(sin(sin(x))))))", DEEP, "E152"),
    ("√√√√√√x", DEEP, "E152"),
    ("|" * 6 + "x" + "|" * 6, DEEP, "E152"),
    ("x+x+x+x", Limits(nodes=2), "E153"),
    ("f(x)=x+x; g(x)=f(f(f(x))); g(g(x))", Limits(nodes=4), "E153"),
    ("1" * 401, Limits(), "E154"),
    ("x + 0." + "1" * 400, Limits(), "E154"),
    ("1e400", Limits(), "E154"),
    ("1" + "0" * 309, Limits(), "E154"),
    ("-1e309", Limits(), "E154"),
    ("x" + "²" * 401, Limits(), "E154"),
    ("x^1000001", Limits(), "E155"),
    ("x^-1e9", Limits(), "E155"),
    ("pow(x, 1e9)", Limits(), "E155"),
    ("power(x, 1e9)", Limits(), "E155"),
    ("x" + "⁹" * 7, Limits(), "E155"),
    ("x^3", Limits(exponent=2), "E155"),
]


@pytest.mark.parametrize(("text", "limits", "code"), LIMITS)
def test_limit(text, limits, code):
    with pytest.raises(LimitError) as caught:
        read(text, limits=limits)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("x" * 10, Limits(length=10)),
        ("((x)) + ((x)) - -x - ((((x))))", DEEP),
        ("(x) " * 20, DEEP),
        ("x^2^x + x^2^x^2 + (x^2)^2", DEEP),
        ("x+x+x", Limits(nodes=2)),
        ("1" * 300, Limits()),
        ("x^1000000 + x^-1e6", Limits()),
        ("1.7976931348623157e308", Limits()),
    ],
)
def test_within_the_limits(text, limits):
    read(text, limits=limits)


def test_exponential_definitions_stop():
    text = "f0(x) = x^2 + 1; " + "".join(
        f"f{at}(x) = f{at - 1}(f{at - 1}(x)); " for at in range(1, 200)
    )
    with pytest.raises(LimitError, match="E153"):
        read(text + "f199(x)", limits=Limits(nodes=10_000))


def test_shared_definitions_stay_linear():
    text = "f0(x) = x + x; " + "".join(
        f"f{at}(x) = f{at - 1}(x) + f{at - 1}(x); " for at in range(1, 200)
    )
    assert len(read(text + "f199(x)").computations) == 200


# --- declarations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"inputs": "2x"}, "E213"),
        ({"inputs": ["x y"]}, "E213"),
        ({"parameters": "and"}, "E213"),
        ({"abstract": "f-g"}, "E213"),
        ({"dtype": "float16"}, "E201"),
        ({"dtype": {"x": "text"}}, "E201"),
    ],
)
def test_declarations_that_are_none(options, code):
    with pytest.raises(GraphError) as caught:
        read("x", **options)
    assert caught.value.code == code


def test_only_text_is_read():
    with pytest.raises(TypeError, match="a formula is a text"):
        read(3)
