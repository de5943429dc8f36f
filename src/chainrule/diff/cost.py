"""What values and derivatives cost, in operations, by every way there is to get them.

Counted on graphs, not estimated: an operation is a node that has to be computed. What explodes
(paths, trees) is counted exactly without being built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from chainrule.diff.build import dependent, require_float, require_scalar
from chainrule.diff.edges import Edges
from chainrule.diff.flow import one
from chainrule.diff.forward import tangents
from chainrule.diff.jacobian import Cones
from chainrule.diff.reverse import adjoints
from chainrule.diff.rules import Partial
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node

_ADDITIONS: Final = frozenset({"add", "subtract", "negate"})
_MULTIPLICATIONS: Final = frozenset({"multiply", "divide", "square", "reciprocal"})


@dataclass(frozen=True, slots=True)
class Count:
    """A number of operations.

    Attributes:
        additions: Sums, differences and changes of sign.
        multiplications: Products, quotients and squares.
        functions: Everything else: powers, sin, comparisons, choices, ….
    """

    additions: int = 0
    multiplications: int = 0
    functions: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.additions + self.multiplications + self.functions

    def __add__(self, other: Count) -> Count:
        return Count(
            self.additions + other.additions,
            self.multiplications + other.multiplications,
            self.functions + other.functions,
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost of one output and of its gradient.

    Attributes:
        inputs: The number of nodes that the gradient is taken by.
        paths: The number of paths from them to the output.
        value: The value, each node once.
        value_tree: The value when nothing is shared: the syntax tree.
        reverse: The value and the gradient by one reverse pass.
        forward: The value and the gradient by one forward pass for each input.
        path_by_path: The value and the gradient as the sum over all paths of the products along
            them, the local derivatives computed once.
        gradient: The gradient alone, as a graph in which everything is shared.
        gradient_tree: The gradient written out as formulas, in which nothing is shared.
    """

    inputs: int
    paths: int
    value: Count
    value_tree: Count
    reverse: Count
    forward: Count
    path_by_path: Count
    gradient: Count
    gradient_tree: Count


def cost(dag: Dag, output: Node, wrt: Sequence[Node]) -> Costs:
    """Count operations for ``output`` and its derivatives by ``wrt``.

    Raises:
        DerivativeError: E331 for a node that is not a floating-point number, E333 when the output
            is not a scalar.
    """
    require_float(dag, [output, *wrt])
    require_scalar(dag, output)
    edges = Edges(kept=True)
    primal = walk.depth_first([output])
    active = dependent(dag.order, wrt)
    seed = one(output.type)

    flow = adjoints(primal, [(output, seed)], active, (), edges)
    slopes = [flow.of(node) for node in wrt]
    gradient = walk.depth_first(slopes)
    locals_ = _local_derivatives(primal, active, edges)
    shared = {*primal, *locals_}

    forward = count(shared)
    cones = Cones(primal)
    for node in wrt:
        tangent = tangents(cones.above(node), {node: one(node.type)}, edges).of(output)
        forward += count(set(walk.depth_first([tangent], shared)) - shared)

    paths = walk.path_counts(primal, output, wrt)
    lengths = walk.path_lengths(primal, output, wrt)
    # A path of n edges takes n − 1 products, and one sum joins it to the path before.
    products = sum(max(lengths[node] - paths[node], 0) for node in wrt)
    sums = sum(max(paths[node] - 1, 0) for node in wrt)
    return Costs(
        inputs=len(wrt),
        paths=sum(paths[node] for node in wrt),
        value=count(primal),
        value_tree=tree_count(primal, [output]),
        reverse=count({*primal, *gradient}),
        forward=forward,
        path_by_path=count(shared) + Count(sums, products),
        gradient=count(gradient),
        gradient_tree=tree_count(gradient, slopes),
    )


def count(nodes: Iterable[Node]) -> Count:
    """The operations that these nodes are."""
    return _sum((node, 1) for node in nodes)


def tree_count(order: Sequence[Node], roots: Sequence[Node]) -> Count:
    """The operations of the roots written out as trees, in which nothing is shared."""
    return _sum(walk.occurrences(order, roots))


def _sum(nodes: Iterable[tuple[Node, int]]) -> Count:
    additions = multiplications = functions = 0
    for node, times in nodes:
        name = node.op.name
        if node.is_leaf:
            continue
        if name in _ADDITIONS:
            additions += times
        elif name in _MULTIPLICATIONS:
            multiplications += times
        else:
            functions += times
    return Count(additions, multiplications, functions)


def _local_derivatives(order: Sequence[Node], active: set[Node], edges: Edges) -> list[Node]:
    """All nodes that the local derivatives on active edges are computed from."""
    factors = []
    for node in order:
        if node in active:
            for position, operand in enumerate(node.operands):
                partial = edges.into(node, position) if operand in active else None
                if isinstance(partial, Partial):
                    factors.append(partial.factor)
    return walk.depth_first(factors)
