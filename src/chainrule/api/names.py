"""Names as users give them: in any spelling that a formula could have."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.formula.names import canonical
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node


def names_of(text: str | Sequence[str]) -> list[str]:
    """Names from ``"x y"``, ``"x, y"`` or a sequence of strings.

    >>> names_of("x, θ"), names_of(["w_1", "b"])
    (['x', 'theta'], ['w_1', 'b'])
    """
    listed = [name for name in re.split(r"[\s,]+", text) if name] if isinstance(text, str) else text
    return [canonical(name) for name in listed]


def find(dag: Dag, name: str) -> Node:
    """The node of this name or label; raises GraphError E225 when there is none."""
    return dag.find(canonical(name))
