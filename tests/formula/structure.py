"""What a node is, spelled out: ``multiply(add(x, y), 2)``, ``power(x; 2)``."""

from __future__ import annotations

from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.numerals import numeral
from chainrule.graph.types import BOOL, FLOAT64


def structure(node: Node) -> str:
    if node.op is CONSTANT:
        mark = "" if node.type in (FLOAT64, BOOL) else f":{node.type}"
        return numeral(constant_value(node)) + mark
    if node.is_leaf:
        return node.name
    operands = ", ".join(map(structure, node.operands))
    params = "; " + ", ".join(map(str, node.params)) if node.params else ""
    return f"{node.op.name}({operands}{params})"


def structures(dag: Dag) -> str:
    return " | ".join(map(structure, dag.outputs))
