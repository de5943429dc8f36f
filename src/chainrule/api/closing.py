"""Graphs closed: they read nothing but their arguments.

What a graph reads from around it, numbers of an outer trace, becomes an argument too. What a loop
computes in every step from these alone is computed once, outside, unless that could be seen: where
a step, or a branch, may not be run, or may mask the result, what is computed there must not count.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from chainrule.api.places import running
from chainrule.diff.rules import Partial, partials_of
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, INPUT, PARAMETER, Node, input_node
from chainrule.graph.types import Type
from chainrule.ops.inner import Known


class Closed(NamedTuple):
    """A body that reads nothing but its arguments.

    Attributes:
        inputs: The arguments of the function, under names of their own.
        constants: The arguments for what it reads from outside.
        outside: What that is.
        outputs: What it computes from the arguments.
        known: Names and places of what it computes.
    """

    inputs: list[Node]
    constants: list[Node]
    outside: list[Node]
    outputs: list[Node]
    known: Known


class Hoist(Enum):
    """What a body computes outside of it.

    Attributes:
        NOTHING: What is only read.
        REGULAR: What has finite derivatives whatever the numbers are, such as products.
        ALL: Whatever depends on none of its arguments.
    """

    NOTHING = auto()
    REGULAR = auto()
    ALL = auto()


_LARGE: Final = 256
"""An array of numbers with more elements is an operand of what runs a body, not a part of it.

Bodies are kept, with their programs, for when they are met again: they must not hold such arrays.
"""


def closed(
    inputs: Sequence[Node],
    outputs: Sequence[Node],
    known: Known,
    hoist: Hoist = Hoist.NOTHING,
    *,
    arrays: bool = False,
) -> Closed:
    """Close a body.

    Args:
        inputs: Its arguments.
        outputs: What it computes from these and from nodes of other traces.
        known: Names and places of nodes.
        hoist: What is computed outside. Nodes that the traces around it made are in any case.
        arrays: Whether large arrays of numbers are read from outside as well.
    """
    before: Container[Node] = running.recorder or ()
    order = walk.depth_first(outputs, before)
    own = walk.descendants(order, inputs)
    if hoist is Hoist.ALL and not all(map(_always, own)):
        hoist = Hoist.REGULAR
    given = [
        node
        for node in order
        if node not in own and (is_read(node, before) or (arrays and _is_large(node)))
    ]
    foreign = walk.descendants(order, given) - own
    apart: set[Node] = set(given)
    for node in order if hoist is not Hoist.NOTHING else ():
        if (
            node in foreign
            and apart.issuperset(foreign.intersection(node.operands))
            and (hoist is Hoist.ALL or _is_regular(node))
        ):
            apart.add(node)
    inside = [node for node in order if node in own or (node in foreign and node not in apart)]
    read = [node for user in inside for node in user.operands if node in apart]
    outside = list(dict.fromkeys([*read, *(node for node in outputs if node in apart)]))
    taken: set[str] = set()
    # Equal bodies are one graph: the numbers that tell one trace from another are left out.
    plain = [unused(own_name(node), node.type, taken) for node in inputs]
    constants = [
        unused(_name_outside(node, known, f"c{at}"), node.type, taken)
        for at, node in enumerate(outside, start=1)
    ]
    names = dict(zip([*inputs, *outside], [*plain, *constants], strict=True))
    made = walk.rebuild(walk.depth_first(outputs, names), names)
    inner = {node: new for node, new in made.items() if not new.is_leaf}
    outs = [made[node] for node in outputs]
    return Closed(plain, constants, outside, outs, known.moved(inner))


def _is_large(node: Node) -> bool:
    """Whether a node is an array of many different numbers."""
    type = node.type
    return node.op is CONSTANT and len(node.params[0]) > _LARGE * type.dtype.itemsize


def is_read(node: Node, before: Container[Node]) -> bool:
    """Whether a node was there before a body that uses it."""
    return node.op in (INPUT, PARAMETER) or (bool(node.operands) and node in before)


_REGULAR: Final = frozenset({"add", "subtract", "multiply", "negate", "contract", "convert"})


def _is_regular(node: Node) -> bool:
    """Whether no derivative of a node by its operands is ever infinite."""
    return not node.type.is_float or node.op.moves or node.op.name in _REGULAR


def _always(node: Node) -> bool:
    """Whether what a node is computed from always counts: it chooses nothing, and skips nothing."""
    if node.op.joint is None:
        types = tuple([operand.type for operand in node.operands])
        rules = partials_of(node.op, types, node.type, node.params).partials
        return not any(isinstance(rule, Partial) and rule.guard is not None for rule in rules)
    if node.op.name not in ("scan", "call"):
        return False
    if node.op.name == "scan" and node.params[3] <= 0:  # no step, or nobody knows how many
        return False
    return all(map(_always, node.params[0].order))


def own_name(argument: Node) -> str:
    """The name of an argument without the number of its trace."""
    return argument.name.rpartition("__")[0] or argument.name


def _name_outside(node: Node, known: Known, otherwise: str) -> str:
    """What a value from outside is called: as a variable, or as the argument that it is."""
    if known.names.get(node):
        return known.names[node][0]
    return own_name(node) if node.op in (INPUT, PARAMETER) else otherwise


def unused(name: str, type: Type, taken: set[str]) -> Node:
    """A new argument; its name gets underscores where it is taken."""
    while name in taken:
        name += "_"
    taken.add(name)
    return input_node(name, type)


def renamed(
    outputs: Sequence[Node], names: Mapping[Node, Node], known: Known
) -> tuple[list[Node], Known]:
    """The outputs over other arguments, and what is known of their nodes."""
    made = walk.rebuild(walk.depth_first(outputs), names)
    inner = {node: new for node, new in made.items() if node not in names}
    return [made[node] for node in outputs], known.moved(inner)
