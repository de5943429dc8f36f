"""The syntax tree of a graph: what is left when nothing is shared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import final

from chainrule.errors import LimitError
from chainrule.graph import walk
from chainrule.graph.node import Node


@final
class Tree:
    """One occurrence of a node in a syntax tree, with the trees of its operands below.

    Attributes:
        node: The node; a shared node has many occurrences.
        children: The trees of its operands, in order.
    """

    __slots__ = ("children", "node")

    def __init__(self, node: Node, children: Sequence[Tree]) -> None:
        self.node = node
        self.children = tuple(children)

    def walk(self) -> Iterator[tuple[int, Tree]]:
        """All occurrences with their depths, each before its children."""
        stack = [(0, self)]
        while stack:
            depth, tree = stack.pop()
            yield depth, tree
            stack += [(depth + 1, child) for child in reversed(tree.children)]

    def __repr__(self) -> str:
        return f"<Tree of {self.node!r}>"


def tree_size(root: Node) -> int:
    """How many occurrences the syntax tree has, leaves included; counted, not built."""
    return sum(count for _, count in walk.occurrences(walk.depth_first([root]), [root]))


def tree(root: Node, limit: int) -> Tree:
    """The syntax tree of a node.

    Raises:
        LimitError: E157 when it has more than ``limit`` occurrences.
    """
    size = tree_size(root)
    if size > limit:
        digits = str(size) if size < 10**15 else f"about 10^{math.floor(math.log10(size))}"
        raise LimitError("E157", f"the syntax tree has {digits} nodes, more than {limit}")
    # Children first: each occurrence takes its operands from the end of what is done.
    done: list[Tree] = []
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if not ready and node.operands:
            stack.append((node, True))
            stack += [(operand, False) for operand in reversed(node.operands)]
            continue
        first = len(done) - len(node.operands)
        done[first:] = [Tree(node, done[first:])]
    return done[0]
