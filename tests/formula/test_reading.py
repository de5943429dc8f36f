"""Every rule of the text language, as a table: what is typed, and the operations it means."""

from __future__ import annotations

import warnings

import pytest

from chainrule.errors import ChainruleWarning
from chainrule.formula.infix import read
from chainrule.formula.names import FUNCTIONS
from chainrule.graph.op import OPS

from .structure import structures

PRECEDENCE = {
    "x + y - z": "subtract(add(x, y), z)",
    "x - y + z": "add(subtract(x, y), z)",
    "x - (y + z)": "subtract(x, add(y, z))",
    "x + y * z": "add(x, multiply(y, z))",
    "x / y * z": "multiply(divide(x, y), z)",
    "x * y / z": "divide(multiply(x, y), z)",
    "x ^ y ^ z": "general_power(x, general_power(y, z))",
    "(x ^ y) ^ z": "general_power(general_power(x, y), z)",
    "x ** y": "general_power(x, y)",
    "x * y ^ z": "multiply(x, general_power(y, z))",
    "-x^2": "negate(power(x; 2))",
    "(-x)^2": "power(negate(x); 2)",
    "-x*y": "multiply(negate(x), y)",
    "x*-y*z": "multiply(multiply(x, negate(y)), z)",
    "x - -y": "subtract(x, negate(y))",
    "--x": "negate(negate(x))",
    "+x": "x",
    "x * +y": "multiply(x, y)",
    "-+-x": "negate(negate(x))",
    "2^-x": "general_power(2, negate(x))",
    "2^-x^2": "general_power(2, negate(power(x; 2)))",
    "2^-x*y": "multiply(general_power(2, negate(x)), y)",
    "((x))": "x",
}

NUMBERS = {
    "3": "3",
    ".5x": "multiply(0.5, x)",
    "2.": "2",
    "1e-3 + 1.5E+10": "add(0.001, 15000000000)",
    "2e3": "2000",
    "2e": "multiply(2, 2.718281828459045)",
    "2ex": "multiply(2, ex)",
    "2e3x": "multiply(2000, x)",
    "007": "7",
    "-3*x": "multiply(-3, x)",
    "x*-3": "multiply(x, -3)",
    "x - -3": "subtract(x, -3)",
    "x - 3": "subtract(x, 3)",
    "-3^2": "negate(power(3; 2))",
    "-3²": "negate(power(3; 2))",
    "-3**x": "negate(general_power(3, x))",
    "-(3)": "negate(3)",
    "--3": "negate(-3)",
    "- 3": "-3",
    "+3": "3",
    "-0*x": "multiply(-0, x)",
    "-2x": "multiply(-2, x)",
    "-inf": "-inf",
    "-(inf)": "negate(inf)",
    "x*-inf": "multiply(x, -inf)",
    "∞": "inf",
    "1/3": "divide(1, 3)",
    "1/3*x": "multiply(divide(1, 3), x)",
    "9007199254740993": "9007199254740992",
}

EXPONENTS = {
    "x^2": "power(x; 2)",
    "x^-2": "power(x; -2)",
    "x^+2": "power(x; 2)",
    "x^(-1)": "power(x; -1)",
    "x^((2))": "power(x; 2)",
    "x^0.5": "power(x; 0.5)",
    "x^2.0": "power(x; 2)",
    "x^(1/2)": "general_power(x, divide(1, 2))",
    "x^-(2)": "general_power(x, negate(2))",
    "x^2^3": "general_power(x, power(2; 3))",
    "x^-2^2": "general_power(x, negate(power(2; 2)))",
    "x^e": "general_power(x, 2.718281828459045)",
    "2^x": "general_power(2, x)",
    "pow(x, 2)": "power(x; 2)",
    "pow(x, y)": "general_power(x, y)",
    "power(x, 3)": "power(x; 3)",
    "general_power(x, 3)": "general_power(x, 3)",
    "x²": "power(x; 2)",
    "x⁻¹²": "power(x; -12)",
    "-x²y": "multiply(negate(power(x; 2)), y)",
    "2^x²": "general_power(2, power(x; 2))",
    "(x + y)³": "power(add(x, y); 3)",
    "|x|²": "power(abs(x); 2)",
    "sin(x)²": "power(sin(x); 2)",
}

PRODUCTS = {
    "2x": "multiply(2, x)",
    "1/2x": "multiply(divide(1, 2), x)",
    "2x^2": "multiply(2, power(x; 2))",
    "2(x + 1)": "multiply(2, add(x, 1))",
    "(x)(y)": "multiply(x, y)",
    "(x + y) x": "multiply(add(x, y), x)",
    "(x + y)x": "multiply(add(x, y), x)",
    "x y z": "multiply(multiply(x, y), z)",
    "x y^2": "multiply(x, power(y; 2))",
    "2sin(x)": "multiply(2, sin(x))",
    "sin(x) cos(x)": "multiply(sin(x), cos(x))",
    "sin (x)": "sin(x)",
    "2|x|": "multiply(2, abs(x))",
    "(x)|y|": "multiply(x, abs(y))",
    "√x y": "multiply(sqrt(x), y)",
    "x√y": "multiply(x, sqrt(y))",
    "√(x+1)": "sqrt(add(x, 1))",
    "√x^2": "power(sqrt(x); 2)",
    "√x²": "power(sqrt(x); 2)",
    "√2x": "multiply(sqrt(2), x)",
    "∛x": "cbrt(x)",
    "√√x": "sqrt(sqrt(x))",
    "√|x|": "sqrt(abs(x))",
    "x^√y": "general_power(x, sqrt(y))",
    "x·y×z": "multiply(multiply(x, y), z)",
    "x∗y÷z−1": "subtract(divide(multiply(x, y), z), 1)",
    "2πx": "multiply(multiply(2, 3.141592653589793), x)",
    "αx": "multiply(alpha, x)",
    "xα": "multiply(x, alpha)",
    "αβ": "multiply(alpha, beta)",
}

BARS = {
    "|x|": "abs(x)",
    "|x - |y||": "abs(subtract(x, abs(y)))",
    "||x| - y|": "abs(subtract(abs(x), y))",
    "|x||y|": "multiply(abs(x), abs(y))",
    "|x|y|z|": "multiply(multiply(abs(x), y), abs(z))",
    "|x|-|y|": "subtract(abs(x), abs(y))",
    "|-3|": "abs(-3)",
    "|(x|y|)|": "abs(multiply(x, abs(y)))",
    "max(|x|, |y|)": "maximum(abs(x), abs(y))",
    "|x\n+ y\n|": "abs(add(x, y))",
}

CONDITIONS = {
    "x < y": "less(x, y)",
    "x <= y": "less_equal(x, y)",
    "x ≤ y": "less_equal(x, y)",
    "x ≥ y": "greater_equal(x, y)",
    "x ≠ y": "not_equal(x, y)",
    "x == y": "equal(x, y)",
    "x != y": "not_equal(x, y)",
    "x > y + 1": "greater(x, add(y, 1))",
    "0 < x < 1": "logical_and(less(0, x), less(x, 1))",
    "x < y <= z != 1": ("logical_and(logical_and(less(x, y), less_equal(y, z)), not_equal(z, 1))"),
    "(x < y) == (y < z)": "equal(less(x, y), less(y, z))",
    "x < 0 and y < 0 or z < 0": "logical_or(logical_and(less(x, 0), less(y, 0)), less(z, 0))",
    "x < 0 or y < 0 and z < 0": "logical_or(less(x, 0), logical_and(less(y, 0), less(z, 0)))",
    "x < 0 xor y < 0 or z < 0": "logical_or(logical_xor(less(x, 0), less(y, 0)), less(z, 0))",
    "not x < y": "logical_not(less(x, y))",
    "not not x < y": "logical_not(logical_not(less(x, y)))",
    "not x < y and z < 1": "logical_and(logical_not(less(x, y)), less(z, 1))",
    "true and false": "logical_and(true, false)",
    "where(x > 0, x, 0)": "where(greater(x, 0), x, 0)",
    "if(x > 0, 1, 2)": "where(greater(x, 0), 1, 2)",
    "where(true, 1, 2)": "where(true, 1, 2)",
    "1 < 2": "less(1, 2)",
    "not true": "logical_not(true)",
    "true²": "power(1; 2)",
    "true == false": "equal(true, false)",
    "where(x < 0, true, 2)": "where(less(x, 0), 1, 2)",
}

CALLS = {
    "ln(x)": "log(x)",
    "arcsin(x) + tg(y)": "add(asin(x), tan(y))",
    "leaky_relu(x, 0.2)": "leaky_relu(x; 0.2)",
    "leaky_relu(x)": "leaky_relu(x; 0.01)",
    "leaky_relu(x, (-1))": "leaky_relu(x; -1)",
    "elu(x)": "elu(x; 1)",
    "polygamma(x, 2)": "polygamma(x; 2)",
    "min(x, y)": "minimum(x, y)",
    "min(x, y, z, 1)": "minimum(minimum(minimum(x, y), z), 1)",
    "max(1, 2, x)": "maximum(maximum(1, 2), x)",
    "clip(x, 0, 1)": "clip(x, 0, 1)",
    "atan2(y, x)": "atan2(y, x)",
    "mod(x, y) + fmod(x, 2)": "add(remainder(x, y), fmod(x, 2))",
    "floor_divide(x, y)": "floor_divide(x, y)",
    "convert(x, float32)": "convert(x; float32)",
    "σ(x)": "sigmoid(x)",
    "sigma(x)": "sigmoid(x)",
    "Γ(x) + ψ(x)": "add(gamma(x), digamma(x))",
    "Φ(x) φ(y)": "multiply(normal_cdf(x), normal_pdf(y))",
    "gamma x + sigma^2": "add(multiply(gamma, x), power(sigma; 2))",
    "add(x, multiply(y, 2))": "add(x, multiply(y, 2))",
}

STATEMENTS = {
    "a = x + y; f = a*x": "multiply(add(x, y), x)",
    "a = x + y\nf = a*x\n": "multiply(add(x, y), x)",
    "; a = x;; a*a ;": "multiply(x, x)",
    "a =\n x +\n y\na*2": "multiply(add(x, y), 2)",
    "a = max(x,\n y\n) # the larger; no end\na # the output": "maximum(x, y)",
    "# nothing\nx": "x",
    "s = x+y; p = x*y; s, p": "add(x, y) | multiply(x, y)",
    "s = x+y; p = x*y\n(s, p)": "add(x, y) | multiply(x, y)",
    "x,\ny": "x | y",
    "x, x + 1, 3": "x | add(x, 1) | 3",
    "a = 2; x^a": "general_power(x, 2)",
    "e = 3; e*x": "multiply(3, x)",
    "f(x, y) = (x + y) x": "multiply(add(x, y), x)",
    "g(x) = 3x; f(g) = g^2; f(g(x))": "power(multiply(3, x); 2)",
    "g(x) = 3x; f(g) = g^2": "power(g; 2)",
    "g(t) = t*y; g(x) + g(2)": "add(multiply(x, y), multiply(2, y))",
    "a = x + 1; g(t) = a*t; g(a)": "multiply(add(x, 1), add(x, 1))",
    "max(a, b) = a*b; max(x, y)": "multiply(x, y)",
    "sigmoid(x) = 1/(1 + exp(-x))": "divide(1, add(1, exp(negate(x))))",
    "f(n) = x^n; f(2)": "general_power(x, 2)",
    "f(n) = n; f(2)": "2",
    "f(t) = -inf*t; f(x)": "multiply(-inf, x)",
}

NAMES = {
    "θ": "theta",
    "μ + µ": "add(mu, mu)",
    "ϵ φ ϕ": "multiply(multiply(epsilon, phi), phi)",
    "x₁ + x_1": "add(x_1, x_1)",
    "x₁₂": "x_12",
    "xᵢⱼ": "x_ij",
    "x_{ij} + x_ij": "add(x_ij, x_ij)",
    "x_{θ}": "x_theta",
    "θ_0 + θ₀ + θ0": "add(add(theta_0, theta_0), theta0)",
    "σ_x² w_θ": "multiply(power(sigma_x; 2), w_theta)",
    "x2": "x2",
    "2x2": "multiply(2, x2)",
    "_a + b_": "add(_a, b_)",
    "é": "é",
    "e\u0301": "é",
    "tau + τ": "add(6.283185307179586, 6.283185307179586)",
}

TABLES = {
    **PRECEDENCE,
    **NUMBERS,
    **EXPONENTS,
    **PRODUCTS,
    **BARS,
    **CONDITIONS,
    **CALLS,
    **STATEMENTS,
    **NAMES,
}


@pytest.mark.parametrize(("text", "meaning"), TABLES.items())
def test_meaning(text, meaning):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        assert structures(read(text)) == meaning


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_operation_is_called_by_each_of_its_names(name):
    op = FUNCTIONS[name]
    given = {"convert": ["float32"], "power": ["3"], "polygamma": ["2"]}.get(op.name, [])
    kinds = [kind.name for kind in op.kinds]
    operands = [f"(x{at} < 0)" if kind == "BOOL" else f"x{at}" for at, kind in enumerate(kinds)]
    dag = read(f"{name}({', '.join(operands + given)})")
    assert dag.output.op is op
    assert len(dag.output.operands) == len(op.operands)


def test_every_alias_of_the_table_is_known():
    for op in OPS.values():
        for name in op.aliases:
            assert not name.isascii() or FUNCTIONS[name] is op
