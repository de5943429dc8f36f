"""Syntax trees: sizes are path counts, known without building the tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from chainrule.errors import LimitError
from chainrule.formula.infix import read
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.tree import tree, tree_size
from chainrule.graph.types import FLOAT64
from tests.formula.test_random import graphs


def doubled(count: int) -> Node:
    """x·x, times itself, … : a tree of 2^(count + 1) − 1 nodes."""
    node = input_node("x", FLOAT64)
    for _ in range(count):
        node = make(OPS["multiply"], (node, node))
    return node


def written_out(node: Node) -> int:
    """The size of a tree by walking over all of it."""
    size, stack = 0, [node]
    while stack:
        size += 1
        stack += stack.pop().operands
    return size


@pytest.mark.parametrize(
    ("formula", "size"),
    [("x", 1), ("x*x", 3), ("(x + y)*(x + 1)", 7), ("x^2 + sin(x^2)", 6), ("a = x + y; a*a*a", 11)],
)
def test_sizes_by_hand(formula, size):
    root = read(formula).output
    assert tree_size(root) == size
    assert len(list(tree(root, 100).walk())) == size


@settings(max_examples=100)
@given(graphs())
def test_the_size_is_the_number_of_paths_from_all_nodes(dag):
    for root in dag.outputs:
        alone = Dag([root])
        size = sum(alone.path_counts(alone.order).values())
        assert tree_size(root) == size == written_out(root)
        if size <= 1000:
            assert len(list(tree(root, 1000).walk())) == size


def test_the_tree_has_the_operands_in_order():
    root = read("x - (y - x)").output
    found = [(depth, tree.node) for depth, tree in tree(root, 10).walk()]
    x, inner = root.operands
    assert found == [(0, root), (1, x), (1, inner), (2, inner.operands[0]), (2, x)]
    assert repr(tree(root, 10)) == f"<Tree of {root!r}>"


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (5, "63 nodes, more than 62"),
        (40, "2199023255551 nodes"),
        (100, "about 10^30 nodes"),
        (20_000, "about 10^6020 nodes"),  # more digits than Python writes
    ],
)
def test_too_large_trees_are_refused(count, says):
    assert tree_size(doubled(count)) == 2 ** (count + 1) - 1
    with pytest.raises(LimitError, match="E157") as caught:
        tree(doubled(count), 62)
    assert says.replace("^", "^") in str(caught.value)


def test_the_limit_itself_is_allowed():
    assert len(list(tree(doubled(5), 63).walk())) == 63


def test_a_deep_tree_needs_no_recursion():
    node = input_node("x", FLOAT64)
    for _ in range(100_000):
        node = make(OPS["sin"], (node,))
    *_, (depth, leaf) = tree(node, 200_000).walk()
    assert depth == 100_000
    assert leaf.node.is_leaf
    assert tree_size(node) == len(walk.depth_first([node]))
