"""What the nodes of a graph are called: one short name for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from chainrule.graph.node import CONSTANT, INPUT, PARAMETER, Node, constant_value
from chainrule.graph.numerals import numeral

Names = Mapping[Node, Sequence[str]]


def labels(
    order: Sequence[Node],
    outputs: Sequence[Node],
    names: Names,
    taken: Collection[str],
    is_derivative: bool,
) -> Mapping[Node, str]:
    """One short name for every node, all different but for constants, which show their value.

    A node shows the first name it was given. An abstract function called only once goes by its
    own name, an unnamed output is ``f`` (several are ``f1``, ``f2``, …), what has several
    results goes by its operation (``scan1``, ``while1``), and the other unnamed computations
    are ``v1``, ``v2``, … in topological order.

    Args:
        order: The nodes in topological order.
        outputs: The outputs among them.
        names: Node → the names somebody gave it.
        taken: These names and those of the arguments.
        is_derivative: Whether the outputs have meanings of their own, and are not called ``f1``, ….
    """
    called = _called(order, taken)
    several = {} if is_derivative else _outputs(outputs, names, called, taken)
    joint = _joint(order, names, taken)
    chosen = {**joint, **several, **called}
    is_free = "f" not in taken and "f" not in called.values()
    if len(outputs) == 1 and is_free:
        chosen.setdefault(outputs[0], "f")
    prefix = "v"
    while any(name.startswith(prefix) and name[len(prefix) :].isdigit() for name in taken):
        prefix += "_"
    found: dict[Node, str] = {}
    count = 0
    for node in order:
        if node.op is INPUT or node.op is PARAMETER:
            found[node] = node.name
        elif given := names.get(node):
            found[node] = given[0]
        elif node.op is CONSTANT:
            found[node] = numeral(constant_value(node))
        elif node in chosen:
            found[node] = chosen[node]
        else:
            count += 1
            found[node] = f"{prefix}{count}"
    return MappingProxyType(found)


def _outputs(
    outputs: Sequence[Node], names: Names, called: Mapping[Node, str], taken: Collection[str]
) -> dict[Node, str]:
    """f1, f2, … for several outputs without names."""
    if len(outputs) == 1 or any(name.startswith("f") for name in (*taken, *called.values())):
        return {}
    unnamed = [
        node
        for node in dict.fromkeys(outputs)
        if not node.is_leaf and node not in names and node not in called
    ]
    return {node: f"f{at}" for at, node in enumerate(unnamed, start=1)}


def _joint(order: Sequence[Node], names: Names, taken: Collection[str]) -> dict[Node, str]:
    """scan1, scan2, while1, … for nodes with several results that have no name."""
    found: dict[Node, str] = {}
    counts: dict[str, int] = {}
    for node in order:
        if node.op.joint is None or node in names:
            continue
        stem = node.op.name.partition("_")[0]
        while True:
            counts[stem] = at = counts.get(stem, 0) + 1
            if f"{stem}{at}" not in taken:
                break
        found[node] = f"{stem}{at}"
    return found


def _called(order: Sequence[Node], taken: Collection[str]) -> dict[Node, str]:
    """Nodes that may go by a name among their parameters, which no other node has."""
    found: dict[str, list[Node]] = {}
    for node in order:
        if node.op.labelled and not any(node.params[1:]):
            found.setdefault(str(node.params[0]), []).append(node)
    return {
        nodes[0]: name for name, nodes in found.items() if len(nodes) == 1 and name not in taken
    }
