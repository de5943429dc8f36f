"""Sums of embeddings that are added up in place: each term to the part of an array that it has.

`gather` makes them where so many terms overlap that reading all of them for each element would be
too much code. They begin with 0, or with −0 where all terms reach, so that what a term does not
reach is never −0, and adding 0 to it would change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, uniform_value
from chainrule.graph.op import OPS
from chainrule.run.native.plan.views import EMBED, Placed, is_view, placed

ADD: Final = OPS["add"]

_FEW: Final = 16
"""Sums of no more embeddings stay as they are."""


def running(dag: Dag) -> list[list[Node]]:
    """The sums that are added up in place: for each of them what it is after each of its terms.

    What the first entry is has to be stored as a whole.
    """
    uses = Counter([operand for node in dag.order for operand in node.operands])
    uses.update(dag.outputs)
    chains: dict[Node, list[Node]] = {}
    common: dict[Node, Placed | None] = {}  # where all terms have to reach
    for node in dag.order:
        if node.op is not ADD:
            continue
        before, term = node.operands
        if _is_start(before):
            common[node] = placed(before) if before.op is EMBED else None
            chains[node] = [node]
        elif before in chains and uses[before] == 1 and _reaches(term, common[before]):
            common[node] = common[before]
            chains[node] = chains.pop(before)
            chains[node].append(node)
    return [chain for chain in chains.values() if _embeddings(chain) > _FEW]


def _embeddings(chain: Sequence[Node]) -> int:
    """How many terms are embeddings."""
    return sum([placed(node.operands[1]).node is not node.operands[1] for node in chain])


def _is_start(node: Node) -> bool:
    """Whether this is 0 but for a part that is −0."""
    if node.op is EMBED:
        value = uniform_value(node.operands[0])
        return is_view(node) and value is not None and value == 0
    value = uniform_value(node)
    return value is not None and value == 0 and bool(node.type.shape) and not np.signbit(value)


def _reaches(term: Node, common: Placed | None) -> bool:
    part = placed(term)
    return common is None or not any(
        first > low or last < high
        for first, low, last, high in zip(
            part.starts, common.starts, part.ends, common.ends, strict=True
        )
    )
