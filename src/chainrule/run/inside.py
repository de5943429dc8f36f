"""What happened inside of a loop, a branch or a call: the graph it ran, step by step.

A loop keeps the carried values before each step; so each step can be run again by itself, forward
from these values, and backward from the adjoints that the steps after it send.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

from chainrule.errors import GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.graph.types import UNKNOWN
from chainrule.ops.branches import CALL, COND, branch_at
from chainrule.ops.custom import CUSTOM
from chainrule.ops.inner import Known
from chainrule.ops.loops import SCAN, WHILE
from chainrule.ops.several import ITEM
from chainrule.run.interpret import Flow, Sweep

LOOPS: Final = (SCAN, WHILE)
"""Operations that run their graph any number of times."""
_CALLS: Final = (CALL, CUSTOM)
_HOLDING: Final = (SCAN, WHILE, COND, *_CALLS)


def holder(node: Node) -> Node:
    """The operation whose result a node is; the node itself where it is no result."""
    return node.operands[0] if node.op is ITEM else node


def holds_graph(node: Node) -> bool:
    """Whether a node is a loop, a branch or a call."""
    return node.op in _HOLDING


def graphs_of(node: Node) -> tuple[Dag, ...]:
    """The graphs that a node may run: one, or its branches.

    That of a loop that runs while a condition holds gives the condition as its last output.

    Raises:
        GraphError: E229 for a node that holds none.
    """
    if node.op is SCAN or node.op in _CALLS:
        return (node.params[0],)
    if node.op is COND:
        branches: tuple[Dag, ...] = node.params[0]
        return branches
    if node.op is WHILE:
        condition, body, _ = node.params
        outputs = [*body.outputs, *condition.outputs]
        return (Known.of(condition, body).dag(outputs, body.inputs),)
    raise GraphError("E229", f"{node.op.name} is no loop, branch or call that can be opened")


def steps_made(node: Node, values: Any) -> int | None:
    """The number of steps of a loop; None for what is no loop, or where it is not known.

    Args:
        node: A node of any kind.
        values: Its results; None: not computed.
    """
    if node.op is SCAN:
        length: int = node.params[3]
        if length != UNKNOWN:
            return length
        return None if values is None else len(values[-1])  # all steps of something
    if node.op is WHILE and values is not None:
        return int(values[carried_count(node)])
    return None


def carried_count(node: Node) -> int:
    """How many values go from step to step in a loop; 0 in what is no loop."""
    if node.op is WHILE:
        return len(node.params[1].outputs)
    return int(node.params[2]) if node.op is SCAN else 0


def constants_of(node: Node, dag: Dag) -> tuple[tuple[Node, Node], ...]:
    """The arguments of the graph of a node that are the same in every step, each with the operand
    that it stands for: all arguments of a branch or a call.
    """
    if node.op is COND:
        return tuple(zip(dag.inputs, node.operands[1:], strict=True))
    if node.op in _CALLS:
        return tuple(zip(dag.inputs, node.operands, strict=True))
    skipped = node.op is SCAN and node.params[3] == UNKNOWN
    count = _constant_count(node)
    return tuple(zip(dag.inputs[:count], node.operands[skipped:], strict=False))


def carried_of(node: Node, dag: Dag) -> tuple[Node, ...]:
    """The arguments of the graph of a node that each step of a loop hands on to the next."""
    return tuple(argument for argument, _ in moving_of(node, dag)[: carried_count(node)])


def moving_of(node: Node, dag: Dag) -> tuple[tuple[Node, Node], ...]:
    """The arguments of the graph of a node that change from step to step: carried values, each
    with the operand that it starts as, then slices, each with the operand that it is taken from.
    """
    if node.op not in LOOPS:
        return ()
    arguments = dag.inputs[_constant_count(node) :]
    return tuple(zip(arguments, node.operands[len(node.operands) - len(arguments) :], strict=True))


def _constant_count(loop: Node) -> int:
    """How many arguments of the graph of a loop are the same in every step."""
    return int(loop.params[2 if loop.op is WHILE else 1])


class Inside:
    """The steps of one node at recorded values.

    Attributes:
        node: The loop, the branch or the call.
        dag: The graph that it ran.
        branch: Which branch that is; 0 where there is only one graph.
        count: How many steps there were; 1 for a branch or a call.
    """

    def __init__(self, sweep: Sweep, node: Node, adjoints: Flow | None = None) -> None:
        """Raise GraphError E229 for a node that holds no graph.

        Args:
            sweep: The values around the node.
            node: The node.
            adjoints: The adjoints around it, where those inside are wanted.
        """
        dags = graphs_of(node)
        self.node = node
        # What has a rule of its own does not go back through its graph.
        self._adjoints = None if node.op is CUSTOM else adjoints
        self._operands = [sweep.values[operand] for operand in node.operands]
        self._results = sweep.values[node]
        self._users = sweep.dag.users(node)
        self.branch = branch_at(node, self._operands.pop(0)) if node.op is COND else 0
        self.dag = dags[self.branch]
        self._is_long = node.op is SCAN and node.params[3] == UNKNOWN
        steps = int(self._operands.pop(0)) if self._is_long else steps_made(node, self._results)
        self.count = steps if steps is not None and node.op in LOOPS else 1

    @property
    def carried(self) -> tuple[Node, ...]:
        """The arguments of the graph that go from step to step."""
        return carried_of(self.node, self.dag)

    @property
    def stacked(self) -> tuple[Node, ...]:
        """The outputs of the graph whose values are put together."""
        return self.dag.outputs[carried_count(self.node) :] if self.node.op is SCAN else ()

    def row(self, step: int) -> int:
        """Where the slices of a step stand: the last comes first in a loop that goes backward."""
        is_backward = self.node.op is SCAN and self.node.params[4]
        return self.count - 1 - step if is_backward else step

    def arguments(self, step: int) -> list[Any]:
        """The values that the graph got in a step, counted from 0."""
        if self.node.op not in LOOPS:
            return list(self._operands)
        row = self.row(step)
        count = carried_count(self.node)
        first = _constant_count(self.node)
        before = self._results[len(self._results) - count :] if count else []
        return [
            *self._operands[:first],
            *(rows[row] for rows in before),
            *(rows[row] for rows in self._operands[first + count :]),
        ]

    def sweep(self, step: int) -> Sweep:
        """The numbers of a step."""
        return Sweep(self.dag, dict(zip(self.dag.inputs, self.arguments(step), strict=True)))

    # --- adjoints -------------------------------------------------------------------------------

    @property
    def has_adjoints(self) -> bool:
        """Whether the adjoints around the node are known."""
        return self._adjoints is not None

    def adjoints(self, step: int, sweep: Sweep | None = None) -> Flow:
        """The adjoints of the nodes of the graph in a step: of what the adjoints around are of."""
        sweep = sweep or self.sweep(step)
        return sweep.reverse_from(self._starts(step, self._after[step]))

    def _starts(self, step: int, after: Sequence[Any]) -> list[tuple[Node, Any]]:
        """The outputs of a step with the adjoints they have: as carried, and as stacked values."""
        found = zip(self.dag.outputs, after, strict=False)
        starts = [(node, adjoint) for node, adjoint in found if adjoint is not None]
        for at, node in enumerate(self.stacked, start=carried_count(self.node)):
            if at in self._given:
                starts.append((node, self._given[at][self.row(step)]))
        return starts

    @cached_property
    def _given(self) -> dict[int, Any]:
        """Result → its adjoint, where it has one."""
        flow = self._adjoints
        return {} if flow is None else {n.params[0]: flow[n] for n in self._users if n in flow}

    @cached_property
    def _after(self) -> list[list[Any]]:
        """The adjoints of what each step hands on, found from the last step to the first."""
        outputs = len(self.dag.outputs)
        if self.node.op not in LOOPS:
            return [[self._given.get(at) for at in range(outputs)]]
        count = carried_count(self.node)
        first = len(self.node.type.parts) - count
        after: list[Any] = [self._given.get(at) for at in range(count)]
        found = []
        for step in range(self.count - 1, -1, -1):
            found.append(after)
            flow = self.sweep(step).reverse_from(self._starts(step, after))
            row = self.row(step)
            rows = [
                None if at not in self._given else self._given[at][row]
                for at in range(first, first + count)
            ]
            pairs = zip(map(flow.get, self.carried), rows, strict=True)
            after = [_sum(part for part in pair if part is not None) for pair in pairs]
        return found[::-1]


def _sum(parts: Iterable[Any]) -> Any:
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total
