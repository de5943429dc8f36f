"""Loops, branches and calls without what nobody reads of them.

The tangent of a loop is a loop that computes values and tangents side by side. Where only the
values are read, the loop that computes these alone does, and it depends on no tangent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, make
from chainrule.ops.branches import CALL, COND, branched, called
from chainrule.ops.inner import Known
from chainrule.ops.loop_parts import (
    Carried,
    Part,
    repeated,
    replay_apart,
    replayed,
    scanned,
    taken_apart,
    while_apart,
)
from chainrule.ops.loops import SCAN, WHILE
from chainrule.ops.replay import REPLAY
from chainrule.ops.several import ITEM
from chainrule.ops.term import Term

Made = Mapping[int, Node]
"""Number of a result → the node that computes it."""


class _Lean(NamedTuple):
    """What is left of a node of which some results are read.

    Attributes:
        needed: The operands that are.
        build: From new nodes for these to the results.
    """

    needed: Sequence[Node]
    build: Callable[[Mapping[Node, Node]], Made]


def used_only(outputs: Sequence[Node]) -> list[Node]:
    """The same values, by operations that compute nothing besides."""
    order = walk.depth_first(outputs)
    read: dict[Node, set[int]] = {}
    lean: dict[Node, _Lean] = {}
    live = set(outputs)
    for node in reversed(order):
        if node not in live:
            continue
        if node.op is ITEM:
            read.setdefault(node.operands[0], set()).add(node.params[0])
        take = _TAKEN_APART.get(node.op.name)
        if take is None:
            live.update(node.operands)
        else:
            lean[node] = take(node, read.get(node, ()))
            live.update(lean[node].needed)
    made: dict[Node, Node] = {}
    parts: dict[Node, Made] = {}
    for node in order:
        if node not in live:
            continue
        if node in lean:
            parts[node] = lean[node].build(made)
        elif node.op is ITEM and node.operands[0] in parts:
            made[node] = parts[node.operands[0]][node.params[0]]
        else:
            made[node] = (
                make(node.op, tuple([made[x] for x in node.operands]), node.params)
                if node.operands
                else node
            )
    return [made[node] for node in outputs]


def _terms(nodes: Sequence[Node]) -> list[Term]:
    return list(map(Term, nodes))


def _moved(parts: Sequence[Any], new: Mapping[Node, Node]) -> list[Any]:
    """Arguments of a body over new operands."""
    return [part._replace(outer=Term(new[part.outer.node])) for part in parts]


class _Steps(NamedTuple):
    """What a loop must compute: which carried values, by which nodes, and what else."""

    numbers: list[int]
    carried: list[Carried]
    others: list[Node]
    reached: Collection[Node]


def _steps(carried: Sequence[Carried], read: Collection[int], others: Sequence[Node]) -> _Steps:
    """The carried values that are read, and those that they follow from, step after step.

    Args:
        carried: All of them.
        read: The numbers of those that are read.
        others: Nodes of the body, or of the condition, that are computed in any case.
    """
    numbers = sorted(read)
    while True:
        outs = used_only([*(carried[at].out for at in numbers), *others])
        reached = set(walk.depth_first(outs))
        new = [at for at, part in enumerate(carried) if part.inner in reached or at in numbers]
        if new == numbers:
            kept = [carried[at]._replace(out=outs[k]) for k, at in enumerate(numbers)]
            return _Steps(numbers, kept, outs[len(numbers) :], reached)
        numbers = new


def _reached(parts: Sequence[Part], reached: Collection[Node]) -> list[Part]:
    return [part for part in parts if part.inner in reached]


def _scan(node: Node, read: Collection[int]) -> _Lean:
    loop = taken_apart(_terms(node.operands), node.params)
    count, rows = len(loop.carried), len(loop.stacked)
    stacked = [at for at in range(rows) if count + at in read]
    wanted = {at for at in range(count) if at in read or count + rows + at in read}
    found = _steps(loop.carried, wanted, [loop.stacked[at] for at in stacked])
    constants = _reached(loop.constants, found.reached)
    sliced = _reached(loop.sliced, found.reached)

    def build(new: Mapping[Node, Node]) -> Made:
        made = scanned(
            loop._replace(
                constants=_moved(constants, new),
                carried=_moved(found.carried, new),
                sliced=_moved(sliced, new),
                stacked=found.others,
                steps=None if loop.steps is None else Term(new[loop.steps.node]),
            )
        )
        results = dict(zip(found.numbers, made.carried, strict=True))
        results |= {count + at: x for at, x in zip(stacked, made.stacked, strict=True)}
        before = zip(found.numbers, made.before, strict=True)
        results |= {count + rows + at: x for at, x in before}
        return {at: x.node for at, x in results.items()}

    parts: list[Part | Carried] = [*constants, *found.carried, *sliced]
    steps = [] if loop.steps is None else [loop.steps.node]
    return _Lean([*steps, *(part.outer.node for part in parts)], build)


def _replay(node: Node, read: Collection[int]) -> _Lean:
    loop, back, before = replay_apart(_terms(node.operands), node.params)
    count = len(back.carried)
    stacked = [at for at in range(len(back.stacked)) if count + at in read]
    wanted = {at for at in range(count) if at in read}
    found = _steps(back.carried, wanted, [back.stacked[at] for at in stacked])
    needed = {at for at, inner in enumerate(before) if inner in found.reached}
    forward = _steps(loop.carried, needed, [])
    fixed = [_reached(parts, forward.reached) for parts in (loop.constants, loop.sliced)]
    own = [_reached(parts, found.reached) for parts in (back.constants, back.sliced)]

    def build(new: Mapping[Node, Node]) -> Made:
        later = back._replace(
            constants=_moved(own[0], new),
            carried=_moved(found.carried, new),
            sliced=_moved(own[1], new),
            stacked=found.others,
        )
        earlier = loop._replace(
            constants=_moved(fixed[0], new),
            carried=_moved(forward.carried, new),
            sliced=_moved(fixed[1], new),
            stacked=(),
        )
        kept = [before[at] for at in forward.numbers]
        made = replayed(earlier, later, kept) if kept else scanned(later)
        results = dict(zip(found.numbers, made.carried, strict=True))
        results |= {count + at: x for at, x in zip(stacked, made.stacked, strict=True)}
        return {at: x.node for at, x in results.items()}

    parts: list[Part | Carried] = [*fixed[0], *forward.carried, *fixed[1]]
    parts += [*own[0], *found.carried, *own[1]]
    return _Lean([part.outer.node for part in parts], build)


def _while(node: Node, read: Collection[int]) -> _Lean:
    loop = while_apart(_terms(node.operands), node.params)
    condition: Dag = node.params[0]
    count = len(loop.carried)
    wanted = {at for at in range(count) if at in read or count + 1 + at in read}
    found = _steps(loop.carried, wanted, condition.outputs)
    constants = _reached(loop.constants, found.reached)

    def build(new: Mapping[Node, Node]) -> Made:
        made, total = repeated(
            _moved(constants, new), _moved(found.carried, new), found.others[0], loop.known
        )
        results = {count: total, **dict(zip(found.numbers, made.carried, strict=True))}
        before = zip(found.numbers, made.before, strict=True)
        results |= {count + 1 + at: x for at, x in before}
        return {at: x.node for at, x in results.items()}

    parts: list[Part | Carried] = [*constants, *found.carried]
    return _Lean([part.outer.node for part in parts], build)


def _graphs(
    dags: Sequence[Dag], operands: Sequence[Node], read: Collection[int]
) -> tuple[list[Dag], list[Node], list[int]]:
    """Graphs of the same arguments that compute what is read, and what they are given."""
    numbers = sorted(read)
    outs = [used_only([dag.outputs[at] for at in numbers]) for dag in dags]
    reached = [set(walk.depth_first(nodes)) for nodes in outs]
    kept = [
        at
        for at in range(len(operands))
        if any(dag.inputs[at] in found for dag, found in zip(dags, reached, strict=True))
    ]
    made = [
        Known.of(dag).dag(nodes, [dag.inputs[at] for at in kept])
        for dag, nodes in zip(dags, outs, strict=True)
    ]
    return made, [operands[at] for at in kept], numbers


def _cond(node: Node, read: Collection[int]) -> _Lean:
    index, *rest = node.operands
    dags, operands, numbers = _graphs(node.params[0], rest, read)

    def build(new: Mapping[Node, Node]) -> Made:
        made = branched(Term(new[index]), dags, _terms([new[x] for x in operands]))
        return {at: x.node for at, x in zip(numbers, made, strict=True)}

    return _Lean([index, *operands], build)


def _call(node: Node, read: Collection[int]) -> _Lean:
    dags, operands, numbers = _graphs(node.params, node.operands, read)

    def build(new: Mapping[Node, Node]) -> Made:
        made = called(dags[0], _terms([new[x] for x in operands]))
        return {at: x.node for at, x in zip(numbers, made, strict=True)}

    return _Lean(operands, build)


_TAKEN_APART: Mapping[str, Callable[[Node, Collection[int]], _Lean]] = {
    SCAN.name: _scan,
    REPLAY.name: _replay,
    WHILE.name: _while,
    COND.name: _cond,
    CALL.name: _call,
}
