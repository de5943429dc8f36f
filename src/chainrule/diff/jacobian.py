"""All first derivatives of all outputs, and all second derivatives of one, as one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from chainrule.diff.blocks import blocks
from chainrule.diff.build import (
    dependent,
    derivative_dag,
    partial_label,
    require_float,
    require_scalar,
)
from chainrule.diff.edges import Edges
from chainrule.diff.flow import Flow, one
from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.errors import DerivativeError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Matrix, Meaning
from chainrule.graph.node import INPUT, PARAMETER, Node

Mode = Literal["auto", "forward", "reverse"]


def jacobian(dag: Dag, wrt: Sequence[Node], mode: Mode = "auto") -> Dag:
    """(a → b) becomes (a → ∂b/∂a): a row for each output, a column for each node of ``wrt``.

    Args:
        dag: The graph.
        wrt: By what the outputs are differentiated.
        mode: One forward pass for each column or one reverse pass for each row; ``"auto"`` takes
            what needs fewer passes.

    Raises:
        DerivativeError: E331 for a node that is not a floating-point number, E336 for an unknown
            mode.
    """
    if mode not in get_args(Mode):
        raise DerivativeError("E336", f"unknown mode {mode!r}; use 'auto', 'forward' or 'reverse'")
    require_float(dag, [*dag.outputs, *wrt])
    if _has_arrays([*dag.outputs, *wrt]):
        return _of_arrays(dag, dag.outputs, wrt, mode)
    edges = Edges(kept=True)
    rows, columns = len(dag.outputs), len(wrt)
    if mode == "forward" or (mode == "auto" and columns < rows):
        cones = Cones(dag.order)
        flows = [tangents(cones.above(node), {node: one(node.type)}, edges) for node in wrt]
        entries = [flow.of(output) for output in dag.outputs for flow in flows]
    else:
        active = dependent(dag.order, wrt)
        flows = [
            adjoints(walk.depth_first([output]), [(output, one(output.type))], active, (), edges)
            for output in dag.outputs
        ]
        entries = [flow.of(node) for flow in flows for node in wrt]
    pairs = [(of, by) for of in dag.outputs for by in wrt]
    return _matrix(
        dag,
        pairs,
        entries,
        [f"d_{dag.labels[of]}_{dag.labels[by]}" for of, by in pairs],
        [partial_label(dag, of, by) for of, by in pairs],
        Matrix(0, rows, columns),
    )


def hessian(dag: Dag, output: Node, wrt: Sequence[Node]) -> Dag:
    """(a → b) becomes (a → ∂²b/∂a∂a): forward mode over reverse mode, each mixed entry once.

    Raises:
        DerivativeError: E331 for a node that is not a floating-point number, E333 when the output
            is not a scalar, E335 when one of ``wrt`` is not an argument.
    """
    require_float(dag, [output, *wrt])
    require_scalar(dag, output)
    for node in wrt:
        if node.op not in (INPUT, PARAMETER):
            raise DerivativeError(
                "E335", f"{dag.labels[node]!r} is computed; second derivatives are by arguments"
            )
    first = adjoints(dag.order, [(output, one(output.type))], dependent(dag.order, wrt))
    slopes = [first.of(node) for node in wrt]
    if _has_arrays(wrt):
        return _of_arrays(dag, slopes, wrt, "forward", [dag.labels[node] for node in wrt])
    order = walk.depth_first(slopes)
    cones = Cones(order)
    # Row i of the lower triangle needs the columns up to i: by how late a row a node is needed.
    latest = dict.fromkeys(order, -1)
    for row, slope in enumerate(slopes):
        latest[slope] = row
    for node in reversed(order):
        for operand in node.operands:
            latest[operand] = max(latest[operand], latest[node])
    edges = Edges(kept=True)
    flows: list[Flow] = []
    for column, node in enumerate(wrt):
        cone = cones.above(node, latest, column)
        flows.append(tangents(cone, {node: one(node.type)}, edges))
    places = [(i, j) for i in range(len(wrt)) for j in range(len(wrt))]
    names = [dag.labels[node] for node in wrt]
    of = dag.labels[output]
    return _matrix(
        dag,
        [(slopes[i], wrt[j]) for i, j in places],
        [flows[min(i, j)].of(slopes[max(i, j)]) for i, j in places],
        [f"d_{names[i]}_{names[j]}" for i, j in places],
        [f"∂²{of}/∂{names[i]}∂{names[j]}" for i, j in places],
        Matrix(0, len(wrt), len(wrt)),
    )


def _has_arrays(nodes: Sequence[Node]) -> bool:
    return any(node.type.shape for node in nodes)


def _of_arrays(
    dag: Dag,
    outputs: Sequence[Node],
    wrt: Sequence[Node],
    mode: Mode,
    rows: Sequence[str] | None = None,
) -> Dag:
    """The graph whose outputs are the blocks ∂output/∂node: of one of each, else tuples of them.

    Args:
        dag: The graph that was differentiated.
        outputs: Its outputs, or slopes of one, named ``rows``.
        wrt: By what.
        mode: As for `blocks`.
        rows: What the outputs are called.
    """
    names = [dag.labels[node] for node in outputs] if rows is None else rows
    columns = [dag.labels[node] for node in wrt]
    made = blocks(outputs, wrt, mode)
    count = len(wrt)
    tuples = [
        tuple(range(at * count, (at + 1) * count)) if count > 1 else at * count
        for at in range(len(outputs))
    ]
    arrangement = tuple(tuples) if len(outputs) > 1 else tuples[0]
    named = [f"d_{row}_{column}" for row in names for column in columns]
    return derivative_dag(dag, made, named, {}, arrangement)


def _matrix(
    dag: Dag,
    pairs: Sequence[tuple[Node, Node]],
    entries: Sequence[Node],
    names: Sequence[str],
    labels: Sequence[str],
    arrangement: Matrix,
) -> Dag:
    """The graph whose outputs are the entries ∂of/∂wrt, row by row, for the pairs (of, wrt)."""
    meanings: dict[Node, list[Meaning]] = {}
    for label, node, (of, wrt) in zip(labels, entries, pairs, strict=True):
        meanings.setdefault(node, []).append(Meaning(label, of, wrt))
    return derivative_dag(dag, entries, names, meanings, arrangement)


class Cones:
    """What is computed from a node, in topological order, found without visiting the rest.

    With many passes over one graph each is as long as its own cone.
    """

    def __init__(self, order: Sequence[Node]) -> None:
        self._order = order
        self._number = {node: at for at, node in enumerate(order)}
        self._uses = walk.uses_of(order)

    def above(
        self, source: Node, rank: Mapping[Node, int] | None = None, least: int = 0
    ) -> list[Node]:
        """The nodes computed from ``source``, itself included; only those of at least this rank."""
        number = self._number
        if source not in number:
            return []
        found = {number[source]}
        stack = [source]
        while stack:
            for user, _ in self._uses[stack.pop()]:
                at = number[user]
                if at not in found and (rank is None or rank[user] >= least):
                    found.add(at)
                    stack.append(user)
        return [self._order[at] for at in sorted(found)]
