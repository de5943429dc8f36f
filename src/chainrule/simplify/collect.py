"""Like terms and equal factors: ``x + 1 + x - 1`` is ``2*x``, ``x*y*x`` is ``x^2*y``,
``2*x/x^4`` is ``2/x^3``.

Coefficients and exponents are added as exact fractions. As everywhere in this room, both sides are
equal as real numbers wherever the left one is defined.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from chainrule.graph.node import CONSTANT, Node, constant_node, make, uniform_value
from chainrule.graph.op import OPS
from chainrule.graph.types import Type

_ADD: Final = OPS["add"]
_SUBTRACT: Final = OPS["subtract"]
_MULTIPLY: Final = OPS["multiply"]
_DIVIDE: Final = OPS["divide"]
_NEGATE: Final = OPS["negate"]
_POWER: Final = OPS["power"]
_SQUARE: Final = OPS["square"]

_MOST: Final = 50
"""Products of more factors than this are not looked through for equal ones across a fraction."""

Factors = dict[Node, int]
"""Base → exponent."""


def sum_of(terms: Sequence[tuple[int, Node]], closed: Container[Node]) -> Node | None:
    """The sum of signed terms with like terms put together; None when there are none alike.

    Args:
        terms: Each with its sign, 1 or −1.
        closed: Nodes that are not looked into.
    """
    type = terms[0][1].type
    if any(term.op is CONSTANT and not _is_number(term) for _, term in terms):
        return None  # an infinity minus itself is not 0
    split = [_split(term, closed) for _, term in terms]
    first: dict[object, Node | None] = {}
    rests = [first.setdefault(_key(part.rest, closed), part.rest) for part in split]
    if len(first) == len(terms):
        return None
    found: dict[Node | None, Fraction] = {}
    for (sign, _), part, rest in zip(terms, split, rests, strict=True):
        found[rest] = found.get(rest, Fraction(0)) + sign * part.coefficient()
    left = {rest: coefficient for rest, coefficient in found.items() if coefficient}
    if not all(_representable(c, type) for c in left.values()):
        return None
    result: Node | None = None
    for rest, coefficient in left.items():
        # A sum starts with its sign; later terms are added or subtracted.
        size = coefficient if result is None else abs(coefficient)
        term = _term(size, rest, type)
        if result is None:
            result = term
        else:
            result = make(_ADD if coefficient > 0 else _SUBTRACT, (result, term))
    return _number(Fraction(0), type) if result is None else result


def product_of(factors: Sequence[Node], closed: Container[Node]) -> Node | None:
    """The product with equal factors as powers; None when there are none equal."""
    found = _powers(factors, closed)
    numbers = [factor for factor in factors if factor.op is CONSTANT]
    if len(found) == len(factors) or len(numbers) > 1:
        return None
    return _product(found.items(), factors[0].type)


def quotient_of(above: Node, below: Node, closed: Container[Node]) -> Node | None:
    """A fraction with what stands above and below cancelled; None when nothing does."""
    numerator, denominator = _factors(above, closed), _factors(below, closed)
    if len(numerator) + len(denominator) > _MOST:
        return None
    top, bottom = _powers(numerator, closed), _powers(denominator, closed)
    common = [base for base in top if base in bottom and base.op is not CONSTANT]
    for base in common:
        shared = min(top[base], bottom[base])
        for side in (top, bottom):
            side[base] -= shared
    c, d = _whole(top, closed), _whole(bottom, closed)
    divisor = math.gcd(c, d)
    if not common and (divisor == 1 or not c):
        return None
    upper = _times(c // divisor, _product(top.items(), above.type))
    lower = _times(d // divisor, _product(bottom.items(), above.type))
    return upper if _is_one(lower) else make(_DIVIDE, (upper, lower))


def _whole(factors: Factors, closed: Container[Node]) -> int:
    """The product of the whole numbers among the factors, which are taken out."""
    product = 1
    for base in list(factors):
        if _is_number(base) and base not in closed and factors[base] == 1:
            value = _fraction(base)
            if value.denominator == 1 and abs(product * value) < 2**53:
                product *= int(value)
                del factors[base]
    return product


def _times(number: int, product: Node) -> Node:
    """A whole number times a product."""
    if number == 1:
        return product
    if _is_one(product):
        return _number(Fraction(number), product.type)
    if number == -1:
        return make(_NEGATE, (product,))
    return make(_MULTIPLY, (_number(Fraction(number), product.type), product))


class _Term(NamedTuple):
    """A term taken apart: sign · number · rest, where number and rest may be absent."""

    sign: int
    number: Node | None
    rest: Node | None

    def coefficient(self) -> Fraction:
        return Fraction(self.sign) if self.number is None else self.sign * _fraction(self.number)


def _split(term: Node, closed: Container[Node]) -> _Term:
    """A term as coefficient and rest."""
    sign = 1
    while term.op is _NEGATE and term not in closed:
        sign, term = -sign, term.operands[0]
    if term in closed:
        return _Term(sign, None, term)
    if _is_number(term):
        return _Term(sign, term, None)
    if term.op is _MULTIPLY and _is_number(term.operands[0]) and term.operands[0] not in closed:
        return _Term(sign, *term.operands)
    return _Term(sign, None, term)


def _key(rest: Node | None, closed: Container[Node]) -> object:
    """The same for products that differ in the order of their factors."""
    if rest is None or rest in closed or rest.op is not _MULTIPLY:
        return rest
    factors = _factors(rest, closed)
    return rest if len(factors) > _MOST else frozenset(Counter(factors).items())


def _term(coefficient: Fraction, rest: Node | None, type: Type) -> Node:
    if rest is None:
        return _number(coefficient, type)
    if abs(coefficient) == 1:
        return rest if coefficient > 0 else make(_NEGATE, (rest,))
    return make(_MULTIPLY, (_number(coefficient, type), rest))


def _factors(product: Node, closed: Container[Node]) -> list[Node]:
    """The factors of a product from left to right; of more than `_MOST` only so many parts that
    this can be seen.
    """
    found: list[Node] = []
    stack = [product]
    while stack and len(found) + len(stack) <= _MOST:
        node = stack.pop()
        if node.op is _MULTIPLY and node not in closed:
            stack += reversed(node.operands)
        else:
            found.append(node)
    return found + stack


def _powers(factors: Iterable[Node], closed: Container[Node]) -> Factors:
    """Base → exponent, by first appearance; only positive whole exponents are looked through."""
    found: Factors = {}
    for factor in factors:
        base, exponent = factor, 1
        if factor not in closed:
            if factor.op is _SQUARE:
                base, exponent = factor.operands[0], 2
            elif factor.op is _POWER and factor.params[0].__class__ is int and factor.params[0] > 0:
                base, exponent = factor.operands[0], factor.params[0]
        found[base] = found.get(base, 0) + exponent
    return found


def _product(factors: Iterable[tuple[Node, int]], type: Type) -> Node:
    result: Node | None = None
    for base, exponent in factors:
        if exponent:
            factor = base if exponent == 1 else make(_POWER, (base,), (exponent,))
            result = factor if result is None else make(_MULTIPLY, (result, factor))
    return _number(Fraction(1), type) if result is None else result


def _is_number(node: Node) -> bool:
    number = uniform_value(node)
    return number is not None and math.isfinite(float(number))


def _is_one(node: Node) -> bool:
    return _is_number(node) and _fraction(node) == 1


def _fraction(node: Node) -> Fraction:
    return Fraction(float(uniform_value(node)))


def _representable(number: Fraction, type: Type) -> bool:
    """Whether a coefficient neither overflows nor vanishes in the type."""
    try:
        rounded = type.dtype.type(float(number))
    except OverflowError:
        return False
    return bool(rounded != 0) and math.isfinite(float(rounded))


def _number(number: Fraction, type: Type) -> Node:
    return constant_node(type.dtype.type(float(number)), type)
