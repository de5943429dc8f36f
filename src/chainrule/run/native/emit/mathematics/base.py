"""What the functions share: how one becomes a function of LLVM, and arithmetic of more digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from chainrule.run.native.emit.lanes import Code, Define, Module, Value

Rule = Callable[..., Value]
"""Computes a function of doubles in code: ``rule(code, x)``, or ``rule(code, y, x)``."""

SHORT: Final = {"double": "f64", "float": "f32"}

PURE: Final = "nounwind willreturn memory(none)"

_PREFIX: Final = "%m"
"""What names of values begin with: no other function has such, whatever LLVM puts into it."""

ROUNDER: Final = 6755399441055744.0
"""1.5·2⁵²: added to a small number it leaves a whole one in the low bits, rounded to nearest."""

MANTISSA: Final = 0x000FFFFFFFFFFFFF
TINY: Final = 2.0**-1022
"""The smallest normal number."""


def function(name: str, rule: Rule, operands: int = 1) -> Define:
    """A rule over doubles as what `Code.call` knows: over doubles, and over floats.

    For floats the double result is rounded, so that its error is hardly more than half a unit in
    the last place. Plain numbers call the function: a graph of ten thousand sines holds it once.
    Vectors invite LLVM to put it into the loop, where its constants stay in registers.
    """

    def define(module: Module, kind: str, width: int) -> str:
        full = f"{name}.{SHORT[kind]}.w{width}"
        if full not in module:
            code = Code(module, width, _PREFIX)
            given = [Value(f"%x{number}", kind) for number in range(operands)]
            result = code.convert(rule(code, *(code.convert(x, "double") for x in given)), kind)
            add(module, full, code, given, result, "noinline" if width == 1 else "inlinehint")
        return full

    return define


def add(
    module: Module, name: str, code: Code, given: Sequence[Value], result: Value, how: str
) -> None:
    """Add code as a function of the module; it starts with the label ``%entry``."""
    arguments = ", ".join(f"{code.type(x.kind)} {x.text}" for x in given)
    kind = code.type(result.kind)
    module.define(
        name,
        "\n".join(
            [
                f"define internal {kind} @{name}({arguments}) {how} {PURE} {{",
                "entry:",
                *code.lines,
                f"  ret {kind} {result.text}",
                "}",
            ]
        ),
    )


def polynomial(code: Code, x: Value, coefficients: Sequence[float]) -> Value:
    """The polynomial with these coefficients, lowest power first.

    Horner's rule in one, two or four strands, which the processor works on side by side: strand i
    has the powers i, i + 4, i + 8, …; then the strands are put together.
    """
    strands = 1 if len(coefficients) < 5 else 2 if len(coefficients) < 10 else 4
    powers = [x]
    while 1 << (len(powers) - 1) < strands:
        powers.append(code.multiply(powers[-1], powers[-1]))
    parts = []
    for start in range(strands):
        own = coefficients[start::strands]
        result = code.constant(own[-1])
        for coefficient in reversed(own[:-1]):
            result = code.fma(result, powers[-1], code.constant(coefficient))
        parts.append(result)
    for power in powers[:-1]:
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [code.fma(odd, power, even) for even, odd in pairs]
    return parts[0]


class Rounded(NamedTuple):
    """A whole number.

    Attributes:
        number: As a double.
        integer: An integer with the same low bits, or with those of the number and a bias.
    """

    number: Value
    integer: Value


def rounded(code: Code, a: Value, factor: float, bias: int = 0) -> Rounded:
    """The whole number nearest to a·factor, which is below 2⁵⁰."""
    rounder = code.constant(ROUNDER + bias)
    shifted = code.fma(a, code.constant(factor), rounder)
    return Rounded(code.subtract(shifted, rounder), code.bits(shifted))


def power_of_two(code: Code, biased: Value) -> Value:
    """2 to a power, which is a whole number with bias 1023 in the low bits of an integer."""
    return code.of_bits(code.shift_left(biased, 52))


class Pair(NamedTuple):
    """A number as the sum of two, the second of them small.

    Attributes:
        high: The number, rounded.
        low: What is missing.
    """

    high: Value
    low: Value


def exact_sum(code: Code, large: Value, small: Value) -> Pair:
    """The sum, where the first is the larger one in size, or 0 (Dekker's Fast2Sum)."""
    high = code.add(large, small)
    return Pair(high, code.subtract(small, code.subtract(high, large)))


def difference(code: Code, large: Value, small: Value) -> Pair:
    """The difference, where the first is the larger one in size."""
    return exact_sum(code, large, code.negate(small))


def any_sum(code: Code, a: Value, b: Value) -> Pair:
    """The sum, whichever is larger (Knuth's 2Sum)."""
    high = code.add(a, b)
    shadow = code.subtract(high, a)
    rest = code.subtract(a, code.subtract(high, shadow))
    return Pair(high, code.add(rest, code.subtract(b, shadow)))


def exact_product(code: Code, a: Value, b: Value) -> Pair:
    """a·b."""
    high = code.multiply(a, b)
    return Pair(high, code.fma(a, b, code.negate(high)))


def quotient(code: Code, above: Pair, below: Pair, inverse: Value | None = None) -> Pair:
    """above/below: with the reciprocal, roughly 1/below, then what that leaves."""
    if inverse is None:
        inverse = code.divide(code.constant(1.0), below.high)
    first = code.multiply(above.high, inverse)
    missing = code.fma(code.negate(first), below.high, above.high)
    missing = code.add(missing, above.low)
    missing = code.fma(code.negate(first), below.low, missing)
    return Pair(first, code.multiply(missing, inverse))


class Parts(NamedTuple):
    """A positive number as 2^exponent · mantissa.

    Attributes:
        exponent: A whole number.
        mantissa: Between √½ and √2.
    """

    exponent: Value
    mantissa: Value


SQRT_HALF_BITS: Final = 0x3FE6A09E667F3BCD


def parts(code: Code, x: Value) -> Parts:
    """Exponent and mantissa; those of 0, infinity, NaN and negative numbers mean nothing."""
    subnormal = code.compare("lt", x, code.constant(TINY))
    x = code.select(subnormal, code.multiply(x, code.constant(2.0**54)), x)
    biased, mantissa = split(code, x)
    bias = code.select(subnormal, code.constant(2.0**52 + 1023 + 54), code.constant(2.0**52 + 1023))
    return Parts(code.subtract(as_double(code, biased), bias), mantissa)


def split(code: Code, x: Value) -> tuple[Value, Value]:
    """The exponent as an integer with bias 1023, and the mantissa, of a normal positive number."""
    one = 0x3FF0000000000000
    shifted = code.add(code.bits(x), code.constant(one - SQRT_HALF_BITS, "i64"))
    mantissa = code.add(
        code.bit_and(shifted, code.constant(MANTISSA, "i64")),
        code.constant(SQRT_HALF_BITS, "i64"),
    )
    return code.shift_right(shifted, 52), code.of_bits(mantissa)


def as_double(code: Code, integer: Value) -> Value:
    """2⁵² and a small positive integer as a double: no processor needs a conversion for it."""
    return code.of_bits(code.bit_or(integer, code.constant(0x4330000000000000, "i64")))


def unless_any(
    code: Code,
    rare: Value,
    common: Value,
    name: str,
    slow: Rule,
    *operands: Value,
) -> Value:
    """``common``, but what ``slow`` gives for the operands in lanes where ``rare`` holds.

    The slow way is another function, reached only when a lane needs it. To be used once, at the
    end of a function.
    """
    full = f"{name}.slow.f64.w{code.width}"
    if full not in code.module:
        inner = Code(code.module, code.width)
        own = [Value(f"%x{number}", "double") for number in range(len(operands))]
        given = [Value("%common", "double"), Value("%rare", "i1")]
        chosen = inner.select(given[1], slow(inner, *own), given[0])
        add(code.module, full, inner, [*own, *given], chosen, "cold noinline")
    some = rare
    if code.width > 1:
        code.module.declare(
            f"llvm.vector.reduce.or.v{code.width}i1",
            f"i1 @llvm.vector.reduce.or.v{code.width}i1(<{code.width} x i1>)",
        )
        some = code.emit(
            "i1",
            f"call i1 @llvm.vector.reduce.or.v{code.width}i1({code.type('i1')} {rare.text})",
        )
    code.module.declare("llvm.expect.i1", "i1 @llvm.expect.i1(i1, i1)")
    some = code.emit("i1", f"call i1 @llvm.expect.i1(i1 {some.text}, i1 false)")
    code.add_line(f"  br i1 {some.text}, label %slow, label %done")
    code.add_line("slow:")
    kind = code.type("double")
    given_text = "".join([f"{kind} {x.text}, " for x in (*operands, common)])
    result = code.emit("double", f"call {kind} @{full}({given_text}{code.type('i1')} {rare.text})")
    code.add_line("  br label %done")
    code.add_line("done:")
    return code.emit("double", f"phi {kind} [ {common.text}, %entry ], [ {result.text}, %slow ]")
