"""The passes through a graph as rows of data, one row for each step, numbers untouched.

The forward table computes values, leaves first. The backward table starts at the output with 1 and
gives every node the sum, over its users, of (adjoint of the user) · (local derivative). The
forward-mode table follows the change of one leaf and gives every node the sum, over its operands,
of (local derivative) · (tangent of the operand).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.ops.several import ITEM
from chainrule.run.interpret import Flow, Sweep
from chainrule.run.kernels import LinearMap


@dataclass(frozen=True, slots=True)
class ValueStep:
    """One step of the forward pass: the value of a node. Value None: not computed."""

    step: int
    node: Node
    value: Any


@dataclass(frozen=True, slots=True)
class Contribution:
    """One edge's share of a derivative: ``left · right``.

    Attributes:
        via: The node at the other end of the edge (a user going backward, an operand forward).
        left: Going backward the adjoint of the user; forward the local derivative.
        right: Going backward the local derivative; forward the tangent of the operand. None, as
            ``left``, for what has several results.
        product: Their product as the sweep has it: exactly 0 on a branch that was not taken.
        local: Which of them is the local derivative; the name of the rule where that is a linear
            map and no number.
        rule: The name of the rule of the edge.
    """

    via: Node
    left: Any
    right: Any
    product: Any
    local: Any
    rule: str


@dataclass(frozen=True, slots=True)
class DerivativeStep:
    """One step of a backward or forward-mode pass: a derivative and how it comes about.

    Attributes:
        seed: Whether the pass starts here, so that the derivative is given and not computed.
        blocked: Whether there are paths, but none that carries anything: each has a branch that is
            not taken, a condition or a step function.
        total: The derivative; None where there is none (integers, conditions), and for what has
            several results: these have one each.
        is_given: Whether some of it comes from outside of the graph: from other steps of a loop.
    """

    step: int
    node: Node
    seed: bool
    contributions: tuple[Contribution, ...]
    blocked: bool
    total: Any
    is_given: bool = False


def rows_in_order(dag: Dag) -> list[Node]:
    """The nodes that tables show: arguments, named constants, computations; operands first.

    Constants without a name appear inside the operations that use them.
    """
    return [node for node in dag.order if node.op is not CONSTANT or node in dag.names]


def forward_steps(dag: Dag, values: Mapping[Node, Any]) -> list[ValueStep]:
    """The forward pass; with an empty mapping the steps without their values."""
    return [
        ValueStep(step, node, values.get(node))
        for step, node in enumerate(rows_in_order(dag), start=1)
    ]


def backward_rows(sweep: Sweep, output: Node | None) -> list[Node]:
    """What gets an adjoint in the backward pass from ``output`` (None: from all outputs, whose
    adjoints are given): computations in reverse order, then the arguments.

    What does not depend on an argument (such as 2π) is not differentiated and has no row.
    """
    shown = [node for node in rows_in_order(sweep.dag) if node in sweep.varying]
    below = _below(sweep, output)
    computed = [node for node in reversed(shown) if not node.is_leaf and node in below]
    return [*computed, *(node for node in shown if node.is_leaf)]


def _below(sweep: Sweep, output: Node | None) -> Collection[Node]:
    outputs = sweep.dag.outputs if output is None else (output,)
    return walk.ancestors(*outputs)


def backward_steps(sweep: Sweep, output: Node | None, adjoints: Flow) -> list[DerivativeStep]:
    """The backward pass from ``output``, in the order of `backward_rows`."""
    dag = sweep.dag
    below = _below(sweep, output)
    outside = dag.outputs if output is None else ()
    steps = []
    for step, node in enumerate(backward_rows(sweep, output), start=1):
        contributions = []
        for _, user, position in dag.uses(node):
            if user.op.joint is not None:
                contributions += _sent_by_all(adjoints, user, position)
            elif user in adjoints and user.type.is_float:
                local = _local(sweep, user, position)
                product = sweep.contribution(adjoints, user, user, position)
                contributions.append(
                    Contribution(user, adjoints[user], local, product, local, user.op.rule)
                )
        total = _total(adjoints, node)
        given = node in outside
        blocked = node in below and node is not output and not contributions and not given
        found = tuple(contributions)
        steps.append(DerivativeStep(step, node, node is output, found, blocked, total, given))
    return steps


def _total(flow: Flow, node: Node) -> Any:
    """The derivative of a node; several results have none together."""
    return None if node.type.parts else flow.get(node, node.type.dtype.type(0))


def _sent_by_all(adjoints: Flow, user: Node, position: int) -> list[Contribution]:
    """What an operation with several results sends to an operand, from all of them at once."""
    share = adjoints.shares[user][position] if user in adjoints.shares else None
    rule = user.op.rule
    return [] if share is None else [Contribution(user, None, None, share, rule, rule)]


def _local(sweep: Sweep, user: Node, position: int) -> Any:
    """The local derivative of an edge; the name of its rule where that is a linear map."""
    local = sweep.local_derivative(user, position)
    return user.op.rule if isinstance(local, LinearMap) else local


def forward_mode_steps(sweep: Sweep, tangents: Flow, seeds: Iterable[Node]) -> list[DerivativeStep]:
    """The forward-mode pass: tangents of all nodes, arguments first."""
    dag = sweep.dag
    starts = set(seeds)
    reached = walk.descendants(dag.order, starts)
    steps = []
    shown = [node for node in rows_in_order(dag) if node.type.is_float and node.op is not CONSTANT]
    for step, node in enumerate(shown, start=1):
        contributions = []
        if node.op is ITEM and node in tangents:
            (several,) = node.operands
            rule = several.op.rule
            contributions.append(Contribution(several, None, None, tangents[node], rule, rule))
        elif node not in starts:
            for position, operand in enumerate(node.operands):
                if operand in tangents:
                    tangent = tangents[operand]
                    local, product = node.op.rule, tangent
                    if node.op.joint is None:
                        local = _local(sweep, node, position)
                        product = sweep.contribution(tangents, operand, node, position)
                    contributions.append(
                        Contribution(operand, local, tangent, product, local, node.op.rule)
                    )
        total = _total(tangents, node)
        blocked = node in reached and node not in starts and not contributions
        steps.append(
            DerivativeStep(step, node, node in starts, tuple(contributions), blocked, total)
        )
    return steps
