"""All derivatives of arrays by arrays: one block for each pair, by one batched pass."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.diff.batch import batch
from chainrule.diff.build import dependent
from chainrule.diff.flow import zero
from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.graph import walk
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.types import Type
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.term import Term


def blocks(outputs: Sequence[Node], wrt: Sequence[Node], mode: str = "auto") -> list[Node]:
    """∂output/∂node for each output and each node of ``wrt``: shape of the one, then of the other.

    Args:
        outputs: What is differentiated.
        wrt: By what.
        mode: ``"forward"``: a pass for each element of ``wrt``; ``"reverse"``: one for each element
            of the outputs; ``"auto"``: what needs fewer.
    """
    columns, rows = (sum(map(_size, nodes)) for nodes in (wrt, outputs))
    if mode == "forward" or (mode == "auto" and columns <= rows):
        return _by_columns(outputs, wrt)
    return _by_rows(outputs, wrt)


def _by_columns(outputs: Sequence[Node], wrt: Sequence[Node]) -> list[Node]:
    """By forward mode, a batch for each node of ``wrt``."""
    found: dict[tuple[int, int], Node] = {}
    for column, node in enumerate(wrt):
        seed = input_node("seed__", node.type)
        flow = tangents(walk.depth_first([node, *outputs]), {node: seed})
        units = _units(node)
        for row, output in enumerate(outputs):
            made = Term(_every(flow.of(output), seed, units))
            turned = permuted(made, [*range(1, made.ndim), 0])
            found[row, column] = reshaped(turned, output.type.shape + node.type.shape).node
    return [found[row, column] for row in range(len(outputs)) for column in range(len(wrt))]


def _by_rows(outputs: Sequence[Node], wrt: Sequence[Node]) -> list[Node]:
    """By reverse mode, a batch for each output."""
    found = []
    for output in outputs:
        seed = input_node("seed__", output.type)
        order = walk.depth_first([output])
        flow = adjoints(order, [(output, seed)], dependent(order, wrt))
        units = _units(output)
        for node in wrt:
            made = Term(_every(flow.of(node), seed, units))
            found.append(reshaped(made, output.type.shape + node.type.shape).node)
    return found


def _size(node: Node) -> int:
    return math.prod(node.type.shape)


def _units(node: Node) -> Node:
    """All unit arrays of the type of a node, along a first axis."""
    count, type = _size(node), node.type
    eye = np.eye(count, dtype=type.dtype).reshape(count, *type.shape)
    return constant_node(eye, Type.of(type.dtype, eye.shape))


def _every(result: Node, seed: Node, units: Node) -> Node:
    """What a derivative is for every unit of its seed, along a first axis."""
    count = units.type.shape[0]
    made = batch(walk.depth_first([result]), {seed: units}, count).get(result)
    return zero(Type.of(result.type.dtype, (count, *result.type.shape))) if made is None else made
