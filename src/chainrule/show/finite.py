"""Why a value or a derivative is infinite or NaN, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from chainrule.graph.node import Node
from chainrule.run.finite import FirstShare
from chainrule.run.interpret import Flow, Sweep
from chainrule.run.kernels import LinearMap
from chainrule.show.cells import Names
from chainrule.show.numbers import factor, number

_SHOWN: Final = 5
"""Of the operands of a node, this many are shown."""


def value_sentences(sweep: Sweep, nodes: Iterable[Node], digits: int = 6) -> list[str]:
    """For each node that is the first to be not finite: its operation and its operands."""
    names = Names(sweep.dag)
    found = []
    for node in nodes:
        value = number(sweep.values[node], digits)
        if not node.operands:
            name = names.text[node]
            found.append(f"{name} is given." if name == value else f"{name} = {value} is given.")
            continue
        shown = [operand for operand in dict.fromkeys(node.operands) if operand in sweep.dag.labels]
        given = [
            f"{names.text[operand]} = {number(sweep.values[operand], digits)}"
            for operand in shown[:_SHOWN]
            if names.text[operand] != number(sweep.values[operand], digits)
        ]
        where = f" where {', '.join(given)}" if given else ""
        found.append(f"{_equation(names, node)} is {value}{where}.")
    return found


def share_sentences(
    sweep: Sweep, adjoints: Flow, of: str, shares: Collection[FirstShare], digits: int = 6
) -> list[str]:
    """For each edge that is the first with a derivative that is not finite: the product there."""
    names = Names(sweep.dag)
    found = []
    for node, user, position, share in shares:
        label = names.text[node]
        total = number(share, digits)
        if user is None:
            found.append(f"∂{of}/∂{label} is {total}: the sum of finite shares overflows.")
            continue
        edge = f"On the edge {label} → {_equation(names, user)}"
        local = local_number(sweep, user, position)
        if local is None:
            found.append(f"{edge} the derivative becomes {total}: {user.op.rule}.")
            continue
        above, below = number(adjoints[user], digits), factor(local, digits)
        found.append(
            f"{edge} the derivative becomes {total}: "
            f"∂{of}/∂{names.text[user]} · ∂{names.text[user]}/∂{label} = {above} · {below}."
        )
    return found


def local_number(sweep: Sweep, user: Node, position: int) -> Any:
    """The local derivative on an edge; None where it is a map of all elements or results."""
    if user.op.joint is not None:
        return None
    local = sweep.local_derivative(user, position)
    return None if isinstance(local, LinearMap) else local


def _equation(names: Names, node: Node) -> str:
    return f"{names.text[node]} = {names.operation(node).text}"
