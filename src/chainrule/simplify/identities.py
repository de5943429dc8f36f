"""The table of identities, and the rules made of it: what looks like the left becomes the right.

``x``, ``y``, ``z`` stand for anything, ``c`` and ``d`` for constants, ``n`` for negative ones, none
of them so large or small that products of two would leave the range of the floats. Both
sides are equal as real numbers wherever the left one is defined; rounding, infinities and the sign
of zero may differ, so the table is for formulas that people read, not for what runs.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from chainrule.formula.infix import read
from chainrule.graph.node import CONSTANT, INPUT, Node, uniform_value
from chainrule.graph.op import Op
from chainrule.graph.template import Template

LIGHT: Final = (
    # zeros and ones
    ("x + 0", "x"),
    ("0 + x", "x"),
    ("x - 0", "x"),
    ("0 - x", "-x"),
    ("x * 1", "x"),
    ("1 * x", "x"),
    ("x * 0", "0"),
    ("0 * x", "0"),
    ("0 / x", "0"),
    ("x / 1", "x"),
    ("(-1) * x", "-x"),
    ("x ^ 1", "x"),
    ("x - x", "0"),
    # signs move outward and meet
    ("-(-x)", "x"),
    ("(-x) * y", "-(x * y)"),
    ("x * (-y)", "-(x * y)"),
    ("(-x) / y", "-(x / y)"),
    ("x / (-y)", "-(x / y)"),
    ("x + (-y)", "x - y"),
    ("(-x) + y", "y - x"),
    ("x - (-y)", "x + y"),
    ("(-x) - y", "-(x + y)"),
    ("-(x - y)", "y - x"),
    ("x + n", "x - (-n)"),
    ("x + n * y", "x - (-n) * y"),
    ("n * x + y", "y - (-n) * x"),
    ("x - n", "x + (-n)"),
    ("x - n * y", "x + (-n) * y"),
    # constants come first and meet
    ("-(c * x)", "(-c) * x"),
    ("x * c", "c * x"),
    ("c * (d * x)", "(c * d) * x"),
    ("x * (c * y)", "c * (x * y)"),
    ("(c * x) * y", "c * (x * y)"),
    ("x + x", "2 * x"),
    ("c * x + x", "(c + 1) * x"),
    ("x + c * x", "(c + 1) * x"),
    ("c * x + d * x", "(c + d) * x"),
    ("c * x - x", "(c - 1) * x"),
    ("x - c * x", "(1 - c) * x"),
    ("c * x - d * x", "(c - d) * x"),
    # quotients, squares and cubes
    ("x * reciprocal(y)", "x / y"),
    ("reciprocal(x) * y", "y / x"),
    ("x / x", "1"),
    ("(c * x) / (c * y)", "x / y"),
    ("(x * y) / x", "y"),
    ("(x * y) / y", "x"),
    ("x / (x * y)", "1 / y"),
    ("x / (y * x)", "1 / y"),
    ("x * (y / z)", "(x * y) / z"),
    ("(x / y) * z", "(x * z) / y"),
    ("(x / y) / z", "x / (y * z)"),
    ("x / (y / z)", "(x * z) / y"),
    ("x / z + y / z", "(x + y) / z"),
    ("x / z - y / z", "(x - y) / z"),
    ("(-x) ^ 2", "x ^ 2"),
    ("x * x", "x ^ 2"),
    ("x ^ 2 * x", "x ^ 3"),
    ("x * x ^ 2", "x ^ 3"),
    ("x ^ 3 * x", "x ^ 4"),
    ("x * x ^ 3", "x ^ 4"),
    ("(x ^ 2) ^ 2", "x ^ 4"),
    # as textbooks write them
    ("square(x)", "x ^ 2"),
    ("sigmoid(-x)", "1 - sigmoid(x)"),
    ("(1 / cosh(x)) ^ 2", "1 - tanh(x) ^ 2"),
)
"""What makes a derivative readable, and nothing that changes its shape more than that."""

_CONSTANTS: Final = ("c", "d", "n")
_DOUBLE: Final = 8  # bytes of a float64


@dataclass(frozen=True, slots=True)
class Identity:
    """One rule over the inputs x, y, z, c, d, n.

    Attributes:
        text: The rule as the table has it, ``left = right``.
        variables: The inputs that the left side has.
        left: The pattern.
        right: What it becomes, over the variables.
    """

    text: str
    variables: tuple[Node, ...]
    left: Node
    right: Template

    def match(self, node: Node, whole: Container[Node]) -> list[Node] | None:
        """What the variables stand for if ``node`` looks like the left side, else None.

        Args:
            node: What is compared.
            whole: Nodes that are not looked into when they stand inside ``node``.
        """
        found: dict[Node, Node] = {}
        pairs = [(self.left, node)]
        while pairs:
            pattern, actual = pairs.pop()
            if pattern.op is INPUT:
                if found.setdefault(pattern, actual) is not actual:
                    return None
                name = pattern.params[0]
                if name in _CONSTANTS and not _fits(name, actual, whole):
                    return None
            elif actual in whole and actual is not node:
                return None
            elif pattern.op is CONSTANT:
                if not _same_number(pattern, actual):
                    return None
            elif pattern.op is not actual.op or pattern.params != actual.params:
                return None
            else:
                pairs += zip(pattern.operands, actual.operands, strict=True)
        return [found[variable] for variable in self.variables]


@functools.cache
def identities(dtype: np.dtype[Any]) -> dict[Op, list[Identity]]:
    """The rules over numbers of one dtype, by the outermost operation on the left."""
    found: dict[Op, list[Identity]] = defaultdict(list)
    for left, right in LIGHT:
        pattern = read(left, dtype=dtype.name)
        names = [node.name for node in pattern.inputs]
        result = read(right, inputs=names, dtype=dtype.name)
        rule = Identity(
            f"{left} = {right}",
            pattern.inputs,
            pattern.output,
            Template(result.output, result.inputs),
        )
        found[pattern.output.op].append(rule)
    return dict(found)


def candidates(node: Node) -> list[Identity]:
    """The rules that a node may look like, by the operations down to two steps below it."""
    operands = node.operands
    seen = [(part.op, part.operands[0].op if part.operands else None) for part in operands]
    equal = operands[0] is operands[-1]
    return _candidates(node.op, tuple(seen), equal, node.type.dtype)


_Seen = tuple[Op, Op | None]
"""The operation of an operand, and that of its first operand."""


@functools.lru_cache(maxsize=2**14)
def _candidates(
    op: Op, seen: tuple[_Seen, ...], equal: bool, dtype: np.dtype[Any]
) -> list[Identity]:
    rules = identities(dtype).get(op, ())
    return [
        rule
        for rule in rules
        if (equal or not _asks_for_equal(rule.left)) and all(map(_may_be, rule.left.operands, seen))
    ]


def _asks_for_equal(pattern: Node) -> bool:
    return len(pattern.operands) > 1 and pattern.operands[0] is pattern.operands[-1]


def _may_be(pattern: Node, seen: _Seen) -> bool:
    """Whether what is seen of an operand may look like a pattern."""
    op, below = seen
    if pattern.op is INPUT:
        return op is CONSTANT or pattern.name not in _CONSTANTS
    if op is not pattern.op:
        return False
    return below is None or _may_be(pattern.operands[0], (below, None))


def _same_number(pattern: Node, actual: Node) -> bool:
    """Whether a constant is the number of a pattern, or filled with it."""
    if actual.op is not CONSTANT or actual.type.dtype != pattern.type.dtype:
        return False
    return bool(actual.params[0] == pattern.params[0])


def _fits(name: str, node: Node, whole: Container[Node]) -> bool:
    """Whether the variable c, d or n may stand for this node."""
    number = uniform_value(node)
    if number is None or node in whole:
        return False
    value = float(number)
    return _moderate(abs(value), node.type.dtype.itemsize) and (name != "n" or value < 0)


def _moderate(size: float, itemsize: int) -> bool:
    """Whether products of two such numbers have all their digits, so that constants can meet."""
    largest = 2.0**60 if itemsize < _DOUBLE else 2.0**200
    return size == 0 or 1 / largest < size < largest
