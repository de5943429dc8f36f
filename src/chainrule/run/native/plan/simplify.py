"""The first stage: the same values with less work.

The identities of `exact` hold for floating-point numbers to the bit: for rounded results,
infinities and signed zeros alike (a NaN may have another sign). Those of `fast` hold for real
numbers; they are used with ``fast_math=True`` only. What depends on constants alone is computed
here, once.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.node import (
    CONSTANT,
    INPUT,
    Node,
    constant_node,
    constant_value,
    input_node,
    make,
    uniform_value,
)
from chainrule.graph.op import OPS, Op, Params
from chainrule.graph.template import Build, Template
from chainrule.graph.types import Type
from chainrule.ops import arithmetic
from chainrule.ops.select import stop_gradient, where
from chainrule.ops.term import Term
from chainrule.run.kernels import kernel
from chainrule.run.native.plan.gather import gathered
from chainrule.run.native.plan.views import EMBED

_LARGEST: Final = 4096
"""Elements of an array that is computed in advance."""

_COMMUTATIVE: Final = frozenset({OPS["add"], OPS["multiply"]})

_ROUNDS: Final = 8
"""How often one node is rewritten."""

Identities = Sequence[tuple[Term, Term]]


def exact(x: Term, y: Term, c: Term, large: Term, two: Term, test: Term) -> Identities:
    """Left sides and what they become, to the bit.

    Args:
        x: Anything.
        y: Anything.
        c: A constant.
        large: A constant of 1 or more, whose double is a number; either sign.
        two: A constant that is a power of two.
        test: A condition.
    """
    minus_x = -x
    return [
        (x * 1, x),
        (1 * x, x),
        (x / 1, x),
        (x - 0, x),
        (x * -1, -x),
        (-1 * x, -x),
        (x / -1, -x),
        (2 * x, x + x),
        (x * 2, x + x),
        (x / two, x * (1 / two)),
        # doubling is exact, or infinite on both sides
        (large * (x + x), (large + large) * x),
        ((x + x) * large, x * (large + large)),
        # signs move outward and meet
        (-minus_x, x),
        (-(c * x), (-c) * x),
        (-(x * c), x * (-c)),
        (c * (-x), (-c) * x),
        ((-x) * c, x * (-c)),
        ((-x) * y, -(x * y)),
        (x * (-y), -(x * y)),
        ((-x) / y, -(x / y)),
        (x / (-y), -(x / y)),
        (x + (-y), x - y),
        ((-x) + y, y - x),
        (x - (-y), x + y),
        (minus_x - x, -(x + x)),
        (arithmetic.square(-x), arithmetic.square(x)),
        (arithmetic.abs(-x), arithmetic.abs(x)),
        # literal powers
        (x**1, x),
        (x**2, arithmetic.square(x)),
        (x**-1, 1 / x),
        # choices
        (where(test, x, x), x),
        (stop_gradient(x), x),
    ]


def fast(x: Term, y: Term, c: Term, d: Term) -> Identities:
    """Left sides and what they become, but for rounding.

    Args:
        x: Anything.
        y: Anything.
        c: A constant.
        d: A constant.
    """
    return [
        (x / c, x * (1 / c)),
        (c * (d * x), (c * d) * x),
        (c * (x * d), (c * d) * x),
        ((c * x) * d, (c * d) * x),
        ((x * c) * d, x * (c * d)),
        ((c * x) * y, c * (x * y)),
        (x * (c * y), c * (x * y)),
        ((x + c) + d, x + (c + d)),
        (x * (1 / y), x / y),
        ((1 / x) * y, y / x),
        ((x / y) / y, x / arithmetic.square(y)),
    ]


class Rule(NamedTuple):
    """One identity.

    Attributes:
        left: What a node must look like.
        right: What it becomes, over the variables.
        variables: In the order in which ``right`` takes them.
    """

    left: Node
    right: Template
    variables: tuple[Node, ...]


@functools.cache
def _rules(dtype: str, fast_math: bool) -> dict[Op, list[Rule]]:
    """The identities over numbers of one dtype, by the outermost operation on the left."""
    type = Type.of(dtype)
    x, y, c, d, large, two = (
        Term(input_node(name, type)) for name in ("x", "y", "c", "d", "large", "two")
    )
    test = Term(input_node("test", Type.of("bool")))
    found: dict[Op, list[Rule]] = defaultdict(list)
    table = [*exact(x, y, c, large, two, test), *(fast(x, y, c, d) if fast_math else ())]
    variables = tuple([term.node for term in (x, y, c, d, large, two, test)])
    for left, right in table:
        rule = Rule(left.node, Template(right.node, variables), variables)
        found[left.node.op].append(rule)
    return dict(found)


def simplified(dag: Dag, *, fast_math: bool = False) -> Dag:
    """The graph with the identities applied to every node, operands first."""
    new_of = rewritten(dag, fast_math=fast_math)
    return Dag(
        [new_of[node] for node in dag.outputs],
        dag.inputs,
        _moved(dag.names, new_of),
        _moved(dag.spans, new_of),
        dag.source,
        arrangement=dag.arrangement,
    )


@collector_paused()
def rewritten(dag: Dag, *, fast_math: bool = False) -> dict[Node, Node]:
    """What each node becomes; the same again as long as somebody holds the new graph."""
    new_of: dict[Node, Node] = {}
    done: dict[Node, Node] = {}
    met: dict[tuple[Op, Node, Node], Node] = {}  # sums and products

    def made(op: Op, operands: tuple[Node, ...], params: Params) -> Node:
        node = make(op, operands, params)
        found = done.get(node)
        if found is None:
            found = done[node] = _reduced(node, made, fast_math)
        return found

    for node in dag.order:
        operands = node.operands
        if not operands:
            new_of[node] = node
            continue
        moved = tuple([new_of[operand] for operand in operands])
        new = node if moved == operands else make(node.op, moved, node.params)
        if new not in done and _may_change(new, fast_math):
            new = made(node.op, moved, node.params)
        result = done.get(new, new)
        if result.op in _COMMUTATIVE:
            a, b = result.operands
            # The same sum the other way round is the same number.
            result = met.get((result.op, b, a)) or met.setdefault((result.op, a, b), result)
        new_of[node] = result
    if not any(node.op is EMBED for node in dag.order):
        return new_of
    joined = gathered([new_of[node] for node in dag.outputs])
    return {node: joined.get(new, new) for node, new in new_of.items()} if joined else new_of


def _may_change(node: Node, fast_math: bool) -> bool:
    """Whether a look at the operations of the operands leaves something to try."""
    below = tuple([operand.op for operand in node.operands])
    return _candidates(node.op, below, node.type.dtype, fast_math) is not None


def _reduced(node: Node, build: Build, fast_math: bool) -> Node:
    for _ in range(_ROUNDS):
        below = tuple([operand.op for operand in node.operands])
        rules = _candidates(node.op, below, node.type.dtype, fast_math)
        if rules is None or node.type.parts:
            return node
        if not rules:
            return _folded(node)
        for rule in rules:
            found = _match(rule, node)
            if found is not None:
                after = rule.right.over(found, build, node.type.shape)
                break
        else:
            return node
        if after.type is not node.type:
            return node
        node = after
        if not node.operands:
            return node
    return node


@functools.lru_cache(maxsize=4096)
def _candidates(
    op: Op, below: tuple[Op, ...], dtype: np.dtype[Any], fast_math: bool
) -> list[Rule] | None:
    """The rules that a node may look like, given the operations of its operands.

    An empty list: all operands are constants. None: there are no rules.
    """
    if all(one is CONSTANT for one in below):
        return []
    if dtype.kind != "f":
        return None
    found = [
        rule
        for rule in _rules(dtype.name, fast_math).get(op, ())
        if all(
            actual is pattern.op
            or (pattern.op is INPUT and (actual is CONSTANT or pattern.name not in _ASKED))
            for pattern, actual in zip(rule.left.operands, below, strict=True)
        )
    ]
    return found or None


def _match(rule: Rule, node: Node) -> list[Any] | None:
    """What the variables stand for, if a node looks like the left side of a rule."""
    found: dict[Node, Node] = {}
    pairs = [(rule.left, node)]
    while pairs:
        pattern, actual = pairs.pop()
        if pattern.op is INPUT:
            if found.setdefault(pattern, actual) is not actual:
                return None
            if pattern.name in _ASKED and not _ASKED[pattern.name](actual):
                return None
        elif pattern.op is CONSTANT:
            if actual.op is not CONSTANT or actual.params[0] != pattern.params[0]:
                return None
        elif pattern.op is not actual.op or pattern.params != actual.params:
            return None
        else:
            pairs += zip(pattern.operands, actual.operands, strict=True)
    return [found.get(variable) for variable in rule.variables]


def _is_power_of_two(node: Node) -> bool:
    """Whether this is a constant whose reciprocal is exact."""
    value = uniform_value(node)
    if value is None or not np.isfinite(value) or value == 0:
        return False
    mantissa, exponent = math.frexp(abs(value))
    return mantissa == 0.5 and abs(exponent) < 100


def _is_large(node: Node) -> bool:
    """Whether this constant times a number is infinite where twice the number is, and doubles."""
    value = uniform_value(node)
    return value is not None and 1 <= abs(value) <= np.finfo(node.type.dtype.name).max / 2


_ASKED: Final = {
    "c": lambda node: uniform_value(node) is not None,
    "d": lambda node: uniform_value(node) is not None,
    "large": _is_large,
    "two": _is_power_of_two,
}


def _folded(node: Node) -> Node:
    """The value of a computation on constants, where it is small."""
    operands, type = node.operands, node.type
    if type.parts or not node.op.kernel or -1 in type.shape:
        return node
    uniform = [uniform_value(operand) for operand in operands]
    with np.errstate(all="ignore"):
        if all(value is not None for value in uniform) and (
            node.op.pointwise or node.op in _SPREADING
        ):
            one = uniform[0] if node.op in _SPREADING else _kernel(node)(*uniform)
            return constant_node(one, type)
        sizes = [math.prod(x.type.shape) for x in (node, *operands)]
        if max(sizes) > _LARGEST:
            return node
        return constant_node(_kernel(node)(*map(constant_value, operands)), type)


_SPREADING: Final = frozenset({OPS["broadcast"], OPS["reshape"], OPS["transpose"], OPS["slice"]})
"""What makes of an array full of one number another one."""


def _kernel(node: Node) -> Any:
    return kernel(node.op, node.params)


def _moved(given: Any, new_of: dict[Node, Node]) -> dict[Node, list[Any]]:
    """What belongs to nodes, for those that took their places; arguments keep their own."""
    moved: dict[Node, list[Any]] = {}
    for node, own in given.items():
        new = new_of[node]
        if new.operands:
            moved.setdefault(new, []).extend(own)
    return moved
