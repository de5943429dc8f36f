"""The bodies of loops changed: with tangents, backward, for many items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node
from chainrule.graph.types import Type
from chainrule.ops.copies import broadcast_along
from chainrule.ops.inner import Namer, batched, placed, pulled, term_or_zero
from chainrule.ops.loop_parts import Carried, Loop, Part, Results, replayed, scanned
from chainrule.ops.rearrange import permuted
from chainrule.ops.reduce import largest
from chainrule.ops.select import where
from chainrule.ops.term import Term

_INT = Type.of("int64")


class Moved:
    """The tangents in the body of a loop: those that go in, those that are carried and stacked.

    A carried value has a tangent when it starts with one or gets one in some step.
    """

    def __init__(self, tangents: Any, body: Dag, loop: Loop, given: Sequence[Term | None]) -> None:
        namer = Namer(body)
        parts: list[Part | Carried] = [*loop.constants, *loop.carried, *loop.sliced]
        by_inner = {part.inner: tangent for part, tangent in zip(parts, given, strict=True)}
        seeds = {
            node: namer.after(node, "dot")
            for node, tangent in by_inner.items()
            if tangent is not None
        }
        while True:
            flow = tangents(body.order, seeds)
            new = [p for p in loop.carried if p.out in flow and p.inner not in seeds]
            if not new:
                break
            seeds |= {part.inner: namer.after(part.inner, "dot") for part in new}

        def changes(parts: Sequence[Part | Carried]) -> list[Part]:
            return [
                Part(seeds[part.inner], term_or_zero(by_inner[part.inner], part.outer.node.type))
                for part in parts
                if part.inner in seeds
            ]

        self._has = [part.inner in seeds for part in loop.carried]
        self._stacks = [node in flow for node in loop.stacked]
        self.constants = changes(loop.constants)
        outs = [flow.of(part.out) for part in loop.carried if part.inner in seeds]
        self.carried = [
            Carried(*part, out) for part, out in zip(changes(loop.carried), outs, strict=True)
        ]
        self.sliced = changes(loop.sliced)
        self.stacked = [flow.of(node) for node in loop.stacked if node in flow]

    def results(self, made: Results, carried: int, stacked: int) -> list[Term | None]:
        """The tangents of the results of the loop."""
        return [
            *placed(made.carried[carried:], self._has),
            *placed(made.stacked[stacked:], self._stacks),
            *placed(made.before[carried:], self._has),
        ]


def backward(
    adjoints: Any,
    body: Dag,
    loop: Loop,
    before: Sequence[Term],
    given: Results,
    wanted: Sequence[bool],
) -> list[Term | None]:
    """The adjoints of the operands of a loop, by a loop from its last step to its first.

    Args:
        adjoints: The pass.
        body: The graph that the loop runs.
        loop: The loop, with its number of steps.
        before: The carried values before each step.
        given: The adjoints of its results.
        wanted: For each constant, carried and sliced value, whether it wants one.
    """
    namer = Namer(body)
    parts: list[Part | Carried] = [*loop.constants, *loop.carried, *loop.sliced]
    asked = {part.inner for part, wants in zip(parts, wanted, strict=True) if wants}
    active = _active(body, loop, asked)
    bars = {p.inner: namer.after(p.inner, "bar") for p in loop.carried if p.inner in active}
    extra = [
        None if adjoint is None or part.inner not in bars else namer.after(part.inner, "bar")
        for part, adjoint in zip(loop.carried, given.before, strict=True)
    ]
    rows = [
        None if adjoint is None else namer.after(node, "bar")
        for node, adjoint in zip(loop.stacked, given.stacked, strict=True)
    ]
    live = {
        part.inner
        for part, last, every in zip(loop.carried, given.carried, extra, strict=True)
        if part.inner in bars and (last is not None or every is not None)
    }
    while True:
        starts = [(p.out, bars[p.inner]) for p in loop.carried if p.inner in live]
        pairs = zip(loop.stacked, rows, strict=True)
        starts += [(node, row) for node, row in pairs if row is not None]
        flow = pulled(adjoints, body, starts, active)
        new = {node for node in bars if node in flow and node not in live}
        if not new:
            break
        live |= new

    def total(node: Node, *more: Node | None) -> Node:
        shares = [flow.of(node)] if node in flow else []
        shares += [share for share in more if share is not None]
        if not shares:
            return term_or_zero(None, node.type).node
        result = Term(shares[0])
        for share in shares[1:]:
            result = result + Term(share)
        return result.node

    carried = [
        Carried(bars[part.inner], term_or_zero(last, part.inner.type), total(part.inner, every))
        for part, last, every in zip(loop.carried, given.carried, extra, strict=True)
        if part.inner in live
    ]
    summed = [part for part in loop.constants if part.inner in asked and part.inner in flow]
    sums = []
    for part in summed:
        so_far = namer.after(part.inner, "bar")
        zero = term_or_zero(None, part.inner.type)
        sums.append(Carried(so_far, zero, total(part.inner, so_far)))
    slices = [part for part in loop.sliced if part.inner in asked and part.inner in flow]
    if not (carried or sums or slices):  # nothing of what is wanted gets anything
        return [None for _ in parts]
    back = Loop(
        constants=loop.constants,
        carried=[*carried, *sums],
        sliced=[*loop.sliced, *_present(extra, given.before), *_present(rows, given.stacked)],
        stacked=[flow.of(part.inner) for part in slices],
        length=loop.length,
        backward=not loop.backward,
        steps=loop.steps,
        known=loop.known,
    )
    earlier = [Part(part.inner, x) for part, x in zip(loop.carried, before, strict=True)]
    if loop.kept and earlier:
        made = replayed(loop, back, [part.inner for part in earlier])
    else:
        made = scanned(back._replace(sliced=[*earlier, *back.sliced]))
    kept = [part.inner for part in loop.carried if part.inner in live]
    found = dict(zip([*kept, *(part.inner for part in summed)], made.carried, strict=True))
    found |= {part.inner: term for part, term in zip(slices, made.stacked, strict=True)}
    return [found.get(part.inner) if part.inner in asked else None for part in parts]


def _active(body: Dag, loop: Loop, asked: set[Node]) -> set[Node]:
    """The arguments of the body that depend on one that wants an adjoint, step after step."""
    found = set(asked)
    while True:
        reached = walk.descendants(body.order, found)
        new = {
            part.inner
            for part in loop.carried
            if part.out in reached and part.inner not in found and part.inner.type.is_float
        }
        if not new:
            return found
        found |= new


def _present(inner: Sequence[Node | None], outer: Sequence[Term | None]) -> list[Part]:
    pairs = zip(inner, outer, strict=True)
    return [Part(node, term) for node, term in pairs if node is not None and term is not None]


def for_items(
    batch: Any, body: Dag, carried: Sequence[Node], axes: set[Node], count: int, stacked: bool
) -> tuple[Dag, set[Node], list[bool]]:
    """The body for many items: what is carried has an axis of items once it gets one in a step.

    ``stacked``: what is stacked has one in any case.
    """
    while True:
        whole = [node in axes for node in carried]
        whole += [stacked] * (len(body.outputs) - len(carried))
        inner, flags = batched(batch, body, axes, count, whole)
        new = {node for node, there in zip(carried, flags, strict=False) if there} - axes
        if not new:
            return inner, axes, flags
        axes = axes | new


def chosen(running: Term, after: Node, before: Node) -> Node:
    """For each item what a step gives while it runs, and what was there when it is done."""
    given = Term(after)
    condition = broadcast_along(running, given.shape, (0,))
    chosen: Node = where(condition, given, Term(before)).node
    return chosen


def swapped(x: Term) -> Any:
    """The axes of items and of steps in the other order."""
    return permuted(x, [1, 0, *range(2, x.ndim)])


def most_steps(counts: Term) -> Any:
    """The largest number of steps; none where there are no items."""
    if counts.shape[0] == 0:
        return Term(constant_node(0, _INT))
    return largest(counts, (0,))
