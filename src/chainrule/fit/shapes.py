"""Sums as signed terms and products as factors, however they were written; what is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.op import OPS

SUMS: Final = (OPS["add"], OPS["subtract"])
NEGATE: Final = OPS["negate"]
MULTIPLY: Final = OPS["multiply"]
DIVIDE: Final = OPS["divide"]
LINEAR: Final = (*SUMS, NEGATE, MULTIPLY, DIVIDE)


def terms(node: Node) -> list[tuple[Node, int]]:
    """What a node is the sum of, left to right, each with its sign; numbers in front are dropped.

    A sum that is used twice inside is opened once: opened each time, x + x doubled again and again
    would not end.

    >>> from chainrule.formula.infix import read
    >>> dag = read("a - (b - 2*sin(c))/3 + 1")
    >>> [(dag.labels[term], sign) for term, sign in terms(dag.output)]
    [('a', 1), ('b', -1), ('v1', 1), ('1', 1)]
    """
    found = []
    opened: set[Node] = set()
    stack = [(node, 1)]
    while stack:
        node, sign = stack.pop()
        if node in opened:
            continue
        if node.op in SUMS:
            opened.add(node)
            left, right = node.operands
            stack.append((right, sign if node.op is SUMS[0] else -sign))
            stack.append((left, sign))
        elif node.op is NEGATE:
            stack.append((node.operands[0], -sign))
        elif (scaled := _scaled(node)) is not None:
            stack.append((scaled[0], sign * scaled[1]))
        else:
            found.append((node, sign))
    return found


def factors(node: Node) -> list[Node]:
    """What a node is the product of, left to right; numbers and signs are dropped.

    As in `terms`, a product that is used twice inside is opened once.

    >>> from chainrule.formula.infix import read
    >>> dag = read("-2*w*x/3*sin(y)")
    >>> [dag.labels[factor] for factor in factors(dag.output)]
    ['w', 'x', 'v4']
    """
    found = []
    opened: set[Node] = set()
    stack = [node]
    while stack:
        node = stack.pop()
        if node in opened:
            continue
        if node.op is MULTIPLY:
            opened.add(node)
            stack.extend(reversed(node.operands))
        elif node.op is NEGATE or (node.op is DIVIDE and node.operands[1].op is CONSTANT):
            stack.append(node.operands[0])
        elif node.op is not CONSTANT:
            found.append(node)
    return found


def reachable(
    starts: Iterable[Node], neighbours: Callable[[Node], Iterable[Node]], seen: set[Node]
) -> list[Node]:
    """What is reached from the starts and not ``seen`` yet, nearest first; ``seen`` grows by it."""
    found = [node for node in starts if node not in seen]
    seen.update(found)
    for node in found:  # grows while it is read
        for neighbour in neighbours(node):
            if neighbour not in seen:
                seen.add(neighbour)
                found.append(neighbour)
    return found


def _scaled(node: Node) -> tuple[Node, int] | None:
    """The node that this one is a number times, and the sign of that number."""
    if node.op is MULTIPLY or node.op is DIVIDE:
        left, right = node.operands
        if right.op is CONSTANT and not right.type.shape:
            return left, -1 if constant_value(right) < 0 else 1
        if node.op is MULTIPLY and left.op is CONSTANT and not left.type.shape:
            return right, -1 if constant_value(left) < 0 else 1
    return None
