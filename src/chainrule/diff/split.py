"""Partial evaluation, graph to graph: what can be computed before some inputs are known.

N. D. Jones, C. K. Gomard and P. Sestoft, Partial Evaluation and Automatic Program Generation, 1993;
of derivatives: A. Radul et al., You Only Linearize Once, POPL 2023.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node, input_node
from chainrule.graph.op import OPS

_VIEWS: Final = frozenset(OPS[name] for name in ("broadcast", "reshape", "transpose"))
"""Operations that cost nothing: what they are made of is kept in place of their results."""


class Split(NamedTuple):
    """A graph in two parts.

    Attributes:
        early: The nodes that the second part needs, none of which depends on what comes late.
        given: Inputs of the second part that stand for them.
        late: The outputs, over ``given`` and what comes late.
    """

    early: tuple[Node, ...]
    given: tuple[Node, ...]
    late: tuple[Node, ...]


def split(outputs: Sequence[Node], late: Collection[Node]) -> Split:
    """Cut a graph where it begins to depend on some inputs.

    What depends on no input at all stays in the second part.

    >>> from chainrule.formula.infix import read
    >>> dag = read("exp(x) * (y + 1)")
    >>> found = split(dag.outputs, [dag.inputs[1]])
    >>> found.early, found.late[0].operands
    ((<exp of 1: float64>,), (<input kept__0: float64>, <add of 2: float64>))

    Args:
        outputs: Of the graph.
        late: Inputs that are known later than the others.
    """
    order = walk.depth_first(outputs)
    depending = walk.descendants(order, late)
    fixed = _fixed(order)
    early: dict[Node, None] = {}
    for node in _border(order, depending, outputs):
        while node.op in _VIEWS and node not in fixed:
            (node,) = node.operands
        if node not in fixed:
            early[node] = None
    given = tuple([input_node(f"kept__{at}", node.type) for at, node in enumerate(early)])
    replaced = dict(zip(early, given, strict=True))
    made = walk.rebuild(walk.depth_first(outputs, early), replaced)
    return Split(tuple(early), given, tuple([made[node] for node in outputs]))


def _fixed(order: Iterable[Node]) -> set[Node]:
    """The nodes that depend on no input."""
    found: set[Node] = set()
    for node in order:
        if node.op is CONSTANT or (node.operands and found.issuperset(node.operands)):
            found.add(node)
    return found


def _border(
    order: Iterable[Node], depending: Collection[Node], outputs: Iterable[Node]
) -> list[Node]:
    """The nodes that do not depend on what comes late, and are used where something does."""
    found = [
        operand
        for node in order
        if node in depending
        for operand in node.operands
        if operand not in depending
    ]
    return [*found, *(node for node in outputs if node not in depending)]
