"""A Dag becomes text that reads back to the same Dag: few brackets, shared nodes written once."""

from __future__ import annotations
from collections.abc import Mapping
from typing import Literal
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node


def formula(dag: Dag) -> str:
    return ""


def expression(
    node: Node, label_of: Mapping[Node, str], style: Literal["text", "latex"] = "text"
) -> str:
    return ""
