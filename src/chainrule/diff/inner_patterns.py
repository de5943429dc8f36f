"""Patterns through operations with several results: by their rules, or by the graphs they hold.

Loops are followed step by step, or, where they have many, up to the least fixed point: what any
number of steps does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from chainrule.diff.batch import batch
from chainrule.diff.forward import tangents
from chainrule.diff.known import Known
from chainrule.diff.patterns import dense, gathered, nothing, size, stacked, taken, tiled, united
from chainrule.errors import DerivativeError
from chainrule.graph import walk
from chainrule.graph.node import Node, input_node
from chainrule.graph.op import Call, Runs
from chainrule.ops.term import Term

if TYPE_CHECKING:
    from chainrule.diff.patterns import Pattern

    Patterns = Sequence[Pattern | None]
    """None: what depends on no argument."""

    Flow = Callable[[Iterable[Node], Mapping[Node, Pattern], Known], dict[Node, Pattern]]
    """The pass itself, through a graph: (its order, starts, what is known) to all patterns."""

_UNROLLED: Final = 200
"""Steps of a loop that are followed one by one, at most; of more, what any number of them does."""


def all_of_all(node: Node, given: Patterns) -> Patterns:
    """All results depend on all that any operand depends on."""
    (row, *rest) = [dense(pattern, 1) for pattern in given if pattern is not None]
    for other in rest:
        row = united(row, other)
    return [
        taken(row, np.zeros(size(type), np.int64)) if type.is_float else None
        for type in node.type.parts
    ]


def by_rule(flow: Flow, node: Node, given: Patterns, values: Sequence[Any]) -> Patterns:
    """Through the graph of an operation's own rule.

    Args:
        flow: The pass, which must not come back to this rule.
        node: The operation.
        given: The patterns of its operands.
        values: The operands where they are known.
    """
    joint = node.op.joint
    assert joint is not None
    places = [input_node(f"x{at}", x.type) for at, x in enumerate(node.operands)]
    outs = [input_node(f"out{at}", type) for at, type in enumerate(node.type.parts)]
    seeds = [input_node(f"tangent{at}", place.type) for at, place in enumerate(places)]
    starts = _there(seeds, given)
    own = Call(node.op, list(map(Term, places)), node.params, list(map(Term, outs)))
    try:
        made = joint.push(tangents, own, [Term(x) if x in starts else None for x in seeds])
    except DerivativeError:  # there is no rule forward: it may be anything
        return all_of_all(node, given)
    ends = [None if term is None else term.node for term in made]
    order = walk.depth_first([end for end in ends if end is not None])
    found = flow(order, starts, Known(_there(places, values)))
    return [None if end is None else found.get(end) for end in ends]


def through_runs(flow: Flow, runs: Runs, given: Patterns, values: Sequence[Any]) -> Patterns:
    """Through the graphs that an operation holds, as it runs them.

    Args:
        flow: The pass.
        runs: The graphs, and how they are run.
        given: The patterns of the operands that are their arguments.
        values: The same operands where they are known.
    """
    loop = _Loop(flow, runs, given, values)
    carried, stacks = loop.followed() if 0 <= runs.length <= _UNROLLED else loop.settled()
    return [*carried, *[None] * runs.between, *stacks]


class _Loop(NamedTuple):
    """A loop, with what its arguments are outside of it.

    Attributes:
        flow: The pass.
        runs: How it runs.
        patterns: Of what its arguments are outside.
        values: The same where they are known.
    """

    flow: Flow
    runs: Runs
    patterns: Patterns
    values: Sequence[Any]

    @property
    def start(self) -> int:
        """The first argument that is carried."""
        return len(self.patterns) if self.runs.carried is None else self.runs.carried[0]

    @property
    def end(self) -> int:
        """The first argument that is a slice."""
        return len(self.patterns) if self.runs.carried is None else self.runs.carried[1]

    @property
    def stacked(self) -> list[Node]:
        """What is stacked from all steps, as nodes of one step."""
        graph = self.runs.graphs[0]
        kept = graph.inputs[self.start : self.end] if self.runs.kept else ()
        return [*graph.outputs[self.end - self.start :], *kept]

    def followed(self) -> tuple[Patterns, Patterns]:
        """What is carried at the end, and what is stacked, step by step."""
        runs = self.runs
        carried, values = self.patterns[self.start : self.end], self.values[self.start : self.end]
        count = self.end - self.start
        rows: list[Patterns] = []
        steps = range(runs.length)
        for step in reversed(steps) if runs.backward else steps:
            made, after = self._step(carried, values, step)
            rows.append([*made[count:], *carried])
            carried, values = made[:count], after[:count]
        if runs.backward:
            rows.reverse()
        columns = [[row[at] for row in rows] for at in range(len(self.stacked))]
        pairs = zip(self.stacked, columns, strict=True)
        return carried, [_stack(size(node.type), column) for node, column in pairs]

    def settled(self) -> tuple[Patterns, Patterns]:
        """The same for any number of steps: what is carried only grows, up to a fixed point."""
        length = self.runs.length
        carried = self.patterns[self.start : self.end]
        count = self.end - self.start
        while True:
            made, _ = self._step(carried, [None] * count, None)
            grown = _each_united(carried, made[:count])
            done = list(map(_entries, grown)) == list(map(_entries, carried))
            carried = grown
            if done:
                break
        if length < 0:  # one step stands for all of them
            return carried, [*made[count:], *carried][: len(self.stacked)]
        rows = [*self._every_step(carried), *(_tiled(pattern, length) for pattern in carried)]
        return carried, rows[: len(self.stacked)]

    def _every_step(self, carried: Patterns) -> list[Pattern | None]:
        """What a loop stacks from all steps, by one pass over the batch of them."""
        count = self.runs.length
        graph = self.runs.graphs[0]
        sliced = graph.inputs[self.end :]
        many = {x: input_node(f"every__{at}", x.type.stacked(count)) for at, x in enumerate(sliced)}
        found = batch(graph.order, many, count)
        places = [*graph.inputs[: self.end], *many.values()]
        outer = [*self.patterns[: self.start], *carried, *self.patterns[self.end :]]
        fixed = [*self.values[: self.start], *[None] * len(carried), *self.values[self.end :]]
        outputs = graph.outputs[len(carried) :]
        order = walk.depth_first([found.get(node, node) for node in outputs])
        flow = self.flow(order, _starts(places, outer), Known(_there(places, fixed)))
        return [
            flow.get(found[node]) if node in found else _tiled(flow.get(node), count)
            for node in outputs
        ]

    def _step(
        self, carried: Patterns, values: Sequence[Any], step: int | None
    ) -> tuple[Patterns, Sequence[Any]]:
        """One step: the patterns of the outputs, and their values where they are known.

        Args:
            carried: The patterns of what is carried.
            values: What is carried, where it is known.
            step: The number of the step; None: any.
        """
        patterns = [*self.patterns[: self.start], *carried, *self._slices(step)]
        fixed = [*self.values[: self.start], *values, *self._parts(step)]
        graphs = self.runs.graphs
        total: Patterns = [None] * len(graphs[0].outputs)
        for graph in graphs:
            known = Known(_there(graph.inputs, fixed))
            found = self.flow(graph.order, _starts(graph.inputs, patterns), known)
            total = _each_united(total, [found.get(x) for x in graph.outputs])
        if step is None or len(graphs) > 1:
            return total, [None] * len(total)
        return total, [None if x.type.is_float else known.of(x) for x in graph.outputs]

    def _slices(self, step: int | None) -> Patterns:
        """The patterns of the slices in a step; None: of all of them together."""
        sliced = self.patterns[self.end :]
        if self.runs.length < 0:  # one stands for all of them
            return sliced
        pairs = zip(self.runs.graphs[0].inputs[self.end :], sliced, strict=True)
        return [_slice(pattern, size(node.type), step) for node, pattern in pairs]

    def _parts(self, step: int | None) -> Sequence[Any]:
        """The slices in a step where they are known."""
        sliced = self.values[self.end :]
        if step is None or self.runs.length < 0:
            return [None] * len(sliced)
        return [None if value is None else value[step] for value in sliced]


def _there(nodes: Sequence[Node], found: Sequence[Any]) -> dict[Node, Any]:
    """What there is for some of the nodes."""
    return {node: one for node, one in zip(nodes, found, strict=True) if one is not None}


def _starts(nodes: Sequence[Node], patterns: Patterns) -> dict[Node, Pattern]:
    """The patterns of those arguments that have derivatives."""
    found = _there(nodes, patterns)
    return {node: pattern for node, pattern in found.items() if node.type.is_float}


def _slice(pattern: Pattern | None, count: int, step: int | None) -> Pattern | None:
    """The rows of one step, so many; None: of all steps together."""
    if pattern is None:
        return None
    if step is None:
        return gathered(pattern, np.arange(pattern.shape[0]) % max(count, 1), count)
    return pattern[step * count : (step + 1) * count]


def _stack(count: int, steps: Patterns) -> Pattern | None:
    """The patterns of all steps, each with so many rows, one below the other."""
    width = next((pattern.shape[1] for pattern in steps if pattern is not None), None)
    if width is None:
        return None
    return stacked([nothing(count, width) if part is None else part for part in steps])


def _tiled(pattern: Pattern | None, count: int) -> Pattern | None:
    return None if pattern is None else tiled(pattern, count)


def _each_united(some: Patterns, others: Patterns) -> list[Pattern | None]:
    return [
        a if b is None else b if a is None else united(a, b)
        for a, b in zip(some, others, strict=True)
    ]


def _entries(pattern: Pattern | None) -> int:
    return 0 if pattern is None else int(pattern.nnz)
