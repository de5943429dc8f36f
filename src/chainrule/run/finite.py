"""Where values and derivatives stop being finite: the first nodes and edges of a pass that did.

Both searches go back from what is not finite, along nothing but what is not finite either; so a
branch that is not taken, infinite or not, is never named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.op import OPS
from chainrule.run.interpret import Flow, Sweep


class FirstShare(NamedTuple):
    """A share of an adjoint that is not finite, though the adjoint it comes from is.

    Attributes:
        node: The operand whose adjoint it belongs to.
        user: The node that sends it; None: each share is finite, and their sum is not.
        position: Which operand of the user ``node`` is.
        share: What is sent; of a sum the adjoint.
    """

    node: Node
    user: Node | None
    position: int
    share: Any


def is_finite(value: Any) -> bool:
    """Whether a value has neither an infinite element nor a NaN; several results: all of them."""
    if isinstance(value, (tuple, list)):
        return all(map(is_finite, value))
    return bool(np.isfinite(value).all())


def first_values(sweep: Sweep, ends: Iterable[Node]) -> list[Node]:
    """The nodes below ``ends`` that are not finite though their operands are; given ones too."""
    found = []
    stack = [node for node in ends if not is_finite(sweep.values[node])]
    seen = set(stack)
    while stack:
        node = stack.pop()
        causes = [operand for operand in node.operands if _spoils(sweep, node, operand)]
        if not causes:
            found.append(node)
        new = [operand for operand in dict.fromkeys(causes) if operand not in seen]
        seen.update(new)
        stack += new
    return [node for node in sweep.dag.order if node in set(found)]


def _spoils(sweep: Sweep, user: Node, operand: Node) -> bool:
    """Whether an operand is not finite where the user takes it."""
    value = sweep.values[operand]
    if is_finite(value):
        return False
    if user.op is not OPS["where"]:
        return True
    condition, a, b = user.operands
    taken = sweep.values[condition]
    here = [place for branch, place in ((a, taken), (b, ~taken)) if branch is operand]
    return any(not is_finite(np.where(place, value, 0)) for place in here)


def first_shares(sweep: Sweep, adjoints: Flow, ends: Iterable[Node]) -> list[FirstShare]:
    """The first shares that are not finite on the way back to the adjoints of ``ends``, those of
    later users first.
    """
    found: list[FirstShare] = []
    stack = [node for node in ends if not _has_finite(sweep, adjoints, node)]
    seen = set(stack)
    while stack:
        node = stack.pop()
        before = len(found)
        on_the_way = False
        for _, user, position in sweep.dag.uses(node):
            if user not in adjoints and user.op.joint is None:
                continue
            share = sweep.contribution(adjoints, user, user, position)
            if is_finite(share):
                continue
            if _has_finite(sweep, adjoints, user):
                found.append(FirstShare(node, user, position, share))
                continue
            on_the_way = True
            if user not in seen:
                seen.add(user)
                stack.append(user)
        if len(found) == before and not on_the_way and node in adjoints:
            found.append(FirstShare(node, None, 0, adjoints[node]))
    place = {node: at for at, node in enumerate(sweep.dag.order)}
    return sorted(found, key=lambda first: (-place[first.user or first.node], first.position))


def _has_finite(sweep: Sweep, adjoints: Flow, node: Node) -> bool:
    """Whether the adjoint of a node is finite; of several results: those of all."""
    if node.op.joint is not None:
        return all(_has_finite(sweep, adjoints, item) for item in sweep.dag.users(node))
    return node not in adjoints or is_finite(adjoints[node])
