"""How hot the boxes or the curves of a graph are, and what their heat means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from chainrule.diff.cost import count as count_operations
from chainrule.diff.edges import Edges
from chainrule.diff.rules import Partial
from chainrule.diff.saved import saved_values
from chainrule.draw.diagram import Coloured
from chainrule.draw.entries import EntryNumbers
from chainrule.draw.heat import Key, heat, largest
from chainrule.draw.moments import is_known
from chainrule.draw.number_lines import short
from chainrule.draw.options import NODE_HEAT, NUMERIC_HEAT, Heat, Options
from chainrule.draw.scene import Heated, Moment, Role
from chainrule.draw.selection import Edge, Selection
from chainrule.draw.subject import Subject
from chainrule.errors import DrawingError
from chainrule.graph import walk
from chainrule.graph.node import Node, input_node
from chainrule.show.profile import Profile, time_words

_MEANING: Final[dict[Heat, str]] = {
    "value": "magnitude of the value",
    "adjoint": "magnitude of the adjoint",
    "tangent": "magnitude of the tangent",
    "saved": "bytes kept for the backward pass",
    "cost": "operations, with those of the local derivatives",
    "local": "magnitude of the local derivative",
    "contribution": "magnitude of the contribution",
}
"""What heat shows, as the legend says it."""
_NUMBERS: Final[dict[Heat, Role]] = {"value": "value", "adjoint": "adjoint", "tangent": "tangent"}
"""Heat that is the size of a number of a node."""


class GraphHeat(NamedTuple):
    """Heat from 0 to 1, by node or by edge.

    Attributes:
        nodes: Of boxes.
        edges: Of what enters boxes: of the node whose box it is, and the number of the entry.
        meaning: What the colours mean; None: there are none.
    """

    nodes: Mapping[Node, float]
    edges: Mapping[Edge, float]
    meaning: Coloured | None


def graph_heat(
    subject: Subject, options: Options, chosen: Selection, numbers: EntryNumbers
) -> GraphHeat:
    """The heat that the options ask for, of what is drawn."""
    kind = options.heat
    if not kind:
        return GraphHeat({}, {}, None)
    nodes = [node for node in subject.dag.order if not chosen.is_hidden(node)]
    if isinstance(kind, Profile):
        return _times(subject, chosen, nodes, kind)
    if kind in NODE_HEAT:
        sizes = _sizes(subject, chosen, nodes, kind)
        order = subject.backward if kind == "adjoint" else subject.forward
        moments = {node: order.get(node) for node in nodes if kind in NUMERIC_HEAT}
        shares = _shares(sizes, moments, options.up_to)
        return GraphHeat(shares, {}, _meaning(subject, options, "boxes", largest(sizes)))
    amounts: dict[Edge, Any] = {}
    times: dict[Edge, Moment | None] = {}
    for node in nodes:
        for at, entry in enumerate(chosen.entries(node)):
            if kind == "local":
                amount, time = numbers.local(node, entry), subject.forward.get(node)
            else:
                amount = numbers.norm(entry) if subject.has_arrays else numbers.contribution(entry)
                time = subject.backward.get(entry.operand)
            if amount is not None:
                amounts[node, at], times[node, at] = amount, time
    hot = _shares(amounts, times, options.up_to)
    return GraphHeat({}, hot, _meaning(subject, options, "curves", largest(amounts)))


def _times(
    subject: Subject, chosen: Selection, nodes: Sequence[Node], profile: Profile
) -> GraphHeat:
    """The heat of nodes whose kernels were measured."""
    if profile.amounts and not any(node in profile.amounts for node in subject.dag.order):
        raise DrawingError("E250", "heat is the profile of another graph")
    times = {
        node: max([profile.amounts.get(one, 0.0) for one in chosen.members(node)], default=0.0)
        for node in nodes
    }
    most = largest(times)
    upper = f"0 to {time_words(most)}" if most else "all 0"
    meaning = Coloured("boxes", f"heat: time of the kernels that compute it, {upper}")
    return GraphHeat(heat(times), {}, meaning)


def _shares(
    amounts: Mapping[Key, Any], times: Mapping[Key, Moment | None], now: Moment | None
) -> dict[Key, float]:
    """Heat; what is not known yet is cold."""
    return {
        key: share if is_known(times.get(key), now) else 0.0 for key, share in heat(amounts).items()
    }


def _meaning(subject: Subject, options: Options, of: Heated, most: float) -> Coloured:
    assert options.heat
    assert not isinstance(options.heat, Profile)
    upper = f"0 to {short(most, options.digits)}" if most else "all 0"
    words = _MEANING[options.heat]
    if subject.has_arrays:
        words = words.replace("magnitude", "norm")
    return Coloured(of, f"heat: {words}, {upper}")


def _sizes(
    subject: Subject, chosen: Selection, nodes: Sequence[Node], kind: Heat
) -> dict[Node, Any]:
    """What is measured of each node."""
    if kind == "saved":
        saved = {value.node: value.bytes for value in saved_values(subject.dag).values}
        members = {node: chosen.members(node) for node in nodes}
        return {node: sum(saved.get(one, 0) for one in members[node]) for node in nodes}
    if kind == "cost":
        return {node: _cost(chosen.members(node)) for node in nodes}
    role = _NUMBERS[kind]
    found = {}
    for node in nodes:
        if node.op.joint is None:
            found[node] = _size(subject, role, node)
        else:
            sizes = [_size(subject, role, item) for item in chosen.results.get(node, ())]
            found[node] = max(map(abs, sizes), default=0.0)
    return found


def _size(subject: Subject, role: Role, node: Node) -> Any:
    """How large a number of a node is; 0 where there is none."""
    return 0.0 if subject.known(role, node) is None else subject.norm(role, node)


def _cost(nodes: Sequence[Node]) -> int:
    """The operations of nodes and of their local derivatives."""
    edges = Edges()
    factors = []
    for node in nodes:
        for at in range(len(node.operands)):
            edge = edges.into(node, at)
            if isinstance(edge, Partial):
                factors.append(edge.factor)
            elif edge is not None:
                factors.append(edge.pull(input_node("adjoint", node.type)))
    known = {*nodes, *(operand for node in nodes for operand in node.operands)}
    made = [node for node in walk.depth_first(factors, known) if node not in known]
    return count_operations([*nodes, *made]).total
