"""Loops: operations that run a graph again and again, on what the last run carried over.

A loop keeps what its body needs to be run backward: besides the last carried values and the stacked
ones, its results are the carried values before each step. Where nobody reads them they are never
kept. A loop backward is a loop again, which runs the body once more from each of these values; so
the memory of reverse mode is that of the carried values, and derivatives of any order are loops.

A loop that runs while a condition holds has results whose first axis is known only when it has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chainrule.errors import GraphError, shown
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.op import Call, Joint, Op, Param, Params, Runs, Writing
from chainrule.graph.types import UNKNOWN, TupleType, Type
from chainrule.ops.copies import broadcast_along
from chainrule.ops.inner import (
    Known,
    Namer,
    adjoints_of,
    batched,
    check_arguments,
    depends,
    graph,
    over,
    placed,
    present,
    pulled,
    tangents_of,
    term_or_zero,
    words_for,
)
from chainrule.ops.rearrange import along_front, permuted
from chainrule.ops.reduce import any_of, largest
from chainrule.ops.select import convert, where
from chainrule.ops.several import results, several, written_called
from chainrule.ops.term import Term

_INT = Type.of("int64")
_BOOL = Type.of("bool")


class Part(NamedTuple):
    """An argument of the body of a loop, and what it is outside.

    Attributes:
        inner: The argument.
        outer: What stands for it: the same in every step (a constant of the loop), or all values
            along the first axis (a sliced one).
    """

    inner: Node
    outer: Term


class Carried(NamedTuple):
    """What goes from step to step.

    Attributes:
        inner: The argument of the body.
        outer: The value before the first step.
        out: The node of the body for the value after a step.
    """

    inner: Node
    outer: Term
    out: Node


class Loop(NamedTuple):
    """A loop that is about to be made, or that was taken apart.

    Attributes:
        constants: What is the same in every step.
        carried: What goes from step to step.
        sliced: What is another slice in every step.
        stacked: The nodes of the body whose values are stacked.
        length: The number of steps; `UNKNOWN` where it is an operand.
        backward: Whether the last slice comes first.
        steps: The number of steps where it is an operand.
        kept: How many carried values reverse mode may keep at once; 0: all of them.
        known: Names and places of the nodes of the body.
    """

    constants: Sequence[Part]
    carried: Sequence[Carried]
    sliced: Sequence[Part]
    stacked: Sequence[Node]
    length: int
    backward: bool
    steps: Term | None = None
    kept: int = 0
    known: Known = Known()


class Results(NamedTuple):
    """What a loop gave: last carried values, stacked ones, carried values before each step."""

    carried: Sequence[Any]
    stacked: Sequence[Any]
    before: Sequence[Any]


# --- scan -----------------------------------------------------------------------------------------


def scanned(loop: Loop) -> Results:
    """The node of a loop with a known number of steps; what its body never reads is left out."""
    outputs = [*(part.out for part in loop.carried), *loop.stacked]
    if not outputs:
        return Results((), (), ())
    reached = set(walk.depth_first(outputs))
    constants = [part for part in loop.constants if part.inner in reached]
    sliced = [part for part in loop.sliced if part.inner in reached]
    parts: list[Part | Carried] = [*constants, *loop.carried, *sliced]
    body = loop.known.dag(outputs, [part.inner for part in parts])
    operands = [part.outer for part in parts]
    if loop.steps is not None:
        operands.insert(0, loop.steps)
    params = (body, len(constants), len(loop.carried), loop.length, loop.backward, loop.kept)
    made: list[Term] = results(SCAN, operands, SCAN.normal_params(params))
    return _split(made, len(loop.carried), len(loop.stacked))


def _split(made: Sequence[Any], carried: int, stacked: int) -> Results:
    end = carried + stacked
    return Results(made[:carried], made[carried:end], made[end:])


def taken_apart(operands: Sequence[Any], params: Params) -> Loop:
    """A node of a loop with a known number of steps as what it was made of."""
    body, constants, carries, length, backward, kept = params
    count = operands[0] if length == UNKNOWN else None
    parts = [
        Part(inner, outer)
        for inner, outer in zip(body.inputs, operands[count is not None :], strict=True)
    ]
    end = constants + carries
    carried = [
        Carried(*part, out) for part, out in zip(parts[constants:end], body.outputs, strict=False)
    ]
    stacked = body.outputs[carries:]
    known = Known.of(body)
    return Loop(
        parts[:constants], carried, parts[end:], stacked, length, backward, count, kept, known
    )


def _scan_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    body, constants, carries, length, *_ = params
    given = list(types)
    if length == UNKNOWN and (not given or given.pop(0) is not _INT):
        raise GraphError("E202", f"{op.name}: the number of steps must be int64")
    end = constants + carries
    if any(type.shape[:1] != (length,) for type in given[end:]):
        found = [list(type.shape) for type in given[end:]]
        raise GraphError("E203", f"{op.name}: {length} slices are wanted, of shapes {found}")
    slices = [Type.of(type.dtype, type.shape[1:]) for type in given[end:]]
    check_arguments(op.name, body, [*given[:end], *slices])
    _check_carried(op, given[constants:end], body)
    before = [type.stacked(length) for type in given[constants:end]]
    stacked = [node.type.stacked(length) for node in body.outputs[carries:]]
    return TupleType.of_parts([*given[constants:end], *stacked, *before])


def _check_carried(op: Op, types: Sequence[Type], body: Dag) -> None:
    for at, type in enumerate(types):
        if at >= len(body.outputs) or body.outputs[at].type is not type:
            raise GraphError("E203", f"{op.name}: carried value {at} must stay {type}")


def _scan_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    loop = taken_apart(call.operands, call.params)
    body: Dag = call.params[0]
    moved = _Moved(tangents, body, loop, given[loop.steps is not None :])
    made = scanned(
        loop._replace(
            constants=[*loop.constants, *moved.constants],
            carried=[*loop.carried, *moved.carried],
            sliced=[*loop.sliced, *moved.sliced],
            stacked=[*loop.stacked, *moved.stacked],
        )
    )
    return moved.results(made, len(loop.carried), len(loop.stacked))


class _Moved:
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

        def spread(found: Sequence[Term], has: Sequence[bool]) -> list[Term | None]:
            rest = iter(found)
            return [next(rest) if there else None for there in has]

        return [
            *spread(made.carried[carried:], self._has),
            *spread(made.stacked[stacked:], self._stacks),
            *spread(made.before[carried:], self._has),
        ]


def _scan_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    loop = taken_apart(call.operands, call.params)
    made = _split(call.results, len(loop.carried), len(loop.stacked))
    adjoint = _split(given, len(loop.carried), len(loop.stacked))
    first = loop.steps is not None
    shares = _backward(adjoints, call.params[0], loop, made.before, adjoint, wanted[first:])
    return [None, *shares] if first else shares


def _backward(
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
    if loop.kept:
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
        reached = depends(body.order, found)
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


def _scan_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    loop = taken_apart(call.operands, call.params)
    body: Dag = call.params[0]
    steps = loop.steps if loop.steps is not None and has[0] else None
    own = has[1:] if loop.steps is not None else has
    parts: list[Part | Carried] = [*loop.constants, *loop.carried, *loop.sliced]
    axes = {part.inner for part, there in zip(parts, own, strict=True) if there}
    if loop.length == UNKNOWN:  # nothing can be copied along items later
        axes |= {part.inner for part in loop.carried}
    carries = [part.inner for part in loop.carried]
    inner, axes, flags = _items(batch, body, carries, axes, count, loop.length == UNKNOWN)
    new = dict(zip(body.inputs, inner.inputs, strict=True))
    outputs = list(inner.outputs)
    constants = [Part(new[p.inner], p.outer) for p in loop.constants]
    sliced = [
        Part(new[p.inner], _swapped(p.outer) if p.inner in axes else p.outer) for p in loop.sliced
    ]
    starts = [
        along_front(part.outer, there, count) if part.inner in axes else part.outer
        for part, there in zip(loop.carried, own[len(loop.constants) :], strict=False)
    ]
    carried = [
        Carried(new[part.inner], start, out)
        for part, start, out in zip(loop.carried, starts, outputs, strict=False)
    ]
    stacked = outputs[len(carried) :]
    more: list[Carried] = []
    if steps is not None:
        # Items have numbers of steps of their own: those that are done stay as they are.
        namer = Namer(inner)
        step, limit = namer.new("step", _INT), namer.new("steps", steps.node.type)
        most = _most(steps)
        change = -1 if loop.backward else 1
        first = most - 1 if loop.backward else Term(constant_node(0, _INT))
        running = Term(step) < Term(limit)
        constants.append(Part(limit, steps))
        more = [Carried(step, first, (Term(step) + change).node)]
        carried = [p._replace(out=_chosen(running, p.out, p.inner)) for p in carried]
        stacked = [
            _chosen(running, node, constant_node(0, node.type)) if there else node
            for node, there in zip(stacked, flags[len(carried) :], strict=True)
        ]
        loop = loop._replace(steps=most)
    made = scanned(
        loop._replace(
            constants=constants,
            carried=[*carried, *more],
            sliced=sliced,
            stacked=stacked,
            known=Known.of(inner),
        )
    )
    kept = [part.inner in axes for part in loop.carried]
    rows = [
        *zip(made.stacked, flags[len(carries) :], strict=True),
        *zip(made.before[: len(carries)], kept, strict=True),
    ]
    return [
        *(along_front(x, there, count) for x, there in zip(made.carried, kept, strict=False)),
        *(_swapped(x) if there else along_front(x, False, count) for x, there in rows),
    ]


def _items(
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


def _chosen(running: Term, after: Node, before: Node) -> Node:
    """For each item what a step gives while it runs, and what was there when it is done."""
    given = Term(after)
    condition = broadcast_along(running, given.shape, (0,))
    chosen: Node = where(condition, given, Term(before)).node
    return chosen


def _swapped(x: Term) -> Any:
    """The axes of items and of steps in the other order."""
    return permuted(x, [1, 0, *range(2, x.ndim)])


def _most(counts: Term) -> Any:
    """The largest number of steps; none where there are no items."""
    if counts.shape[0] == 0:
        return Term(constant_node(0, _INT))
    return largest(counts, (0,))


# --- a scan backward with little memory -----------------------------------------------------------


def replayed(loop: Loop, back: Loop, before: Sequence[Node]) -> Results:
    """A loop backward that computes the carried values anew, from few that it keeps.

    The schedule of Revolve: A. Griewank and A. Walther, Algorithm 799, ACM Transactions on
    Mathematical Software 26, 2000.

    Args:
        loop: The loop that runs forward.
        back: The loop that runs backward, without the slices that are carried values of the other.
        before: The arguments of its body for these, in order.
    """
    forward: list[Part | Carried] = [*loop.constants, *loop.carried, *loop.sliced]
    body = loop.known.dag([p.out for p in loop.carried], [part.inner for part in forward])
    outputs = [*(part.out for part in back.carried), *back.stacked]
    backward: list[Part | Carried] = [*back.constants, *back.carried, *back.sliced]
    inner = back.known.dag(outputs, [*(part.inner for part in backward), *before])
    first = (body, len(loop.constants), len(loop.carried), loop.length, loop.backward, loop.kept)
    params = (*first, inner, len(back.constants), len(back.carried))
    operands = [part.outer for part in [*forward, *backward]]
    made: list[Term] = results(REPLAY, operands, REPLAY.normal_params(params))
    return _split(made, len(back.carried), len(back.stacked))


def _replay_apart(operands: Sequence[Term], params: Params) -> tuple[Loop, Loop, list[Node]]:
    body, _, carries, *_ = params
    inner, constants, carried = params[6:]
    count = len(body.inputs)
    loop = taken_apart(operands[:count], params[:6])
    inputs = inner.inputs[: len(inner.inputs) - carries]
    parts = [Part(*pair) for pair in zip(inputs, operands[count:], strict=True)]
    end = constants + carried
    outs = inner.outputs
    pairs = zip(parts[constants:end], outs[:carried], strict=True)
    back = Loop(
        constants=parts[:constants],
        carried=[Carried(*part, out) for part, out in pairs],
        sliced=parts[end:],
        stacked=outs[carried:],
        length=loop.length,
        backward=not loop.backward,
        known=Known.of(inner),
    )
    return loop, back, list(inner.inputs[len(inputs) :])


def _replay_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    body, _, carries, length, *_ = params
    inner, constants, carried = params[6:]
    _scan_type(op, types[: len(body.inputs)], params[:6])
    own = types[len(body.inputs) :]
    slices = [type.with_shape(type.shape[1:]) for type in own[constants + carried :]]
    before = [node.type for node in body.outputs[:carries]]
    check_arguments(op.name, inner, [*own[: constants + carried], *slices, *before])
    outs = [node.type for node in inner.outputs]
    return TupleType.of_parts([*outs[:carried], *(type.stacked(length) for type in outs[carried:])])


def _two_loops(call: Call, items: Sequence[bool] = ()) -> Dag:
    """The same by two loops, of which the first keeps all carried values.

    ``items``: which operands have an axis of items in front; the graph is that of one item.
    """
    types = [x.node.type for x in call.operands]
    for at, there in enumerate(items):
        types[at] = types[at].with_shape(types[at].shape[1:]) if there else types[at]
    inputs = [input_node(f"x{at}", type) for at, type in enumerate(types)]
    loop, back, before = _replay_apart(list(map(Term, inputs)), call.params)
    made = scanned(loop._replace(kept=0))
    earlier = [Part(*pair) for pair in zip(before, made.before, strict=True)]
    found = scanned(back._replace(sliced=[*earlier, *back.sliced]))
    return Dag([x.node for x in [*found.carried, *found.stacked]], inputs)


def _replay_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    dags, has = tangents_of(tangents, [_two_loops(call)], given)
    return placed(over(dags[0], [*call.operands, *present(given)]) if dags else (), has)


def _replay_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    dags, has = adjoints_of(adjoints, [_two_loops(call)], given, wanted)
    return placed(over(dags[0], [*call.operands, *present(given)]) if dags else (), has)


def _replay_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    dag = _two_loops(call, has)
    axes = {node for node, there in zip(dag.inputs, has, strict=True) if there}
    inner, _ = batched(batch, dag, axes, count, [True] * len(dag.outputs))
    return over(inner, call.operands)


# --- while ----------------------------------------------------------------------------------------


def repeated(
    constants: Sequence[Part],
    carried: Sequence[Carried],
    condition: Node,
    known: Known | None = None,
) -> tuple[Results, Term]:
    """The node of a loop that runs while a condition holds, and how many steps it made.

    Args:
        constants: What is the same in every step.
        carried: What goes from step to step.
        condition: On the arguments of the body: whether there is another step.
        known: Names and places of the nodes of the body and of the condition.
    """
    known = known or Known()
    outputs = [part.out for part in carried]
    reached = set(walk.depth_first([*outputs, condition]))
    used = [part for part in constants if part.inner in reached]
    parts: list[Part | Carried] = [*used, *carried]
    inputs = [part.inner for part in parts]
    params = (known.dag([condition], inputs), known.dag(outputs, inputs), len(used))
    operands = [part.outer for part in parts]
    made: list[Term] = results(WHILE, operands, WHILE.normal_params(params))
    count = len(carried)
    return Results(made[:count], (), made[count + 1 :]), made[count]


def while_apart(operands: Sequence[Any], params: Params) -> Loop:
    """A node of a loop with a condition as what it was made of."""
    condition, body, constants = params
    parts = [Part(inner, outer) for inner, outer in zip(body.inputs, operands, strict=True)]
    carried = [
        Carried(*part, out) for part, out in zip(parts[constants:], body.outputs, strict=True)
    ]
    known = Known.of(condition, body)
    return Loop(parts[:constants], carried, (), (), UNKNOWN, False, known=known)


def _while_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    condition, body, constants = params
    check_arguments(op.name, body, types)
    check_arguments(op.name, condition, types)
    if [node.type for node in condition.outputs] != [_BOOL]:
        raise GraphError("E202", f"{op.name}: the condition must be one truth value")
    carried = types[constants:]
    _check_carried(op, carried, body)
    return TupleType.of_parts([*carried, _INT, *(type.stacked(UNKNOWN) for type in carried)])


def _while_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    loop = while_apart(call.operands, call.params)
    condition, body, _ = call.params
    moved = _Moved(tangents, body, loop, given)
    made, _ = repeated(
        [*loop.constants, *moved.constants],
        [*loop.carried, *moved.carried],
        condition.outputs[0],
        loop.known,
    )
    carried = len(loop.carried)
    found = moved.results(made, carried, 0)
    return [*found[:carried], None, *found[carried:]]


def _while_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    loop = while_apart(call.operands, call.params)
    carried = len(loop.carried)
    before = call.results[carried + 1 :]
    adjoint = Results(given[:carried], (), given[carried + 1 :])
    counted = loop._replace(steps=call.results[carried])
    return _backward(adjoints, call.params[1], counted, before, adjoint, wanted)


def _while_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    """For many items: until all are done; those that are done stay as they are."""
    loop = while_apart(call.operands, call.params)
    condition, body, _ = call.params
    parts: list[Part | Carried] = [*loop.constants, *loop.carried]
    carries = [part.inner for part in loop.carried]
    axes = {part.inner for part, there in zip(parts, has, strict=True) if there}
    axes |= set(carries)  # nothing of unknown length can be copied along items later
    inner, axes, _ = _items(batch, body, carries, axes, count, stacked=True)
    asked, flags = batched(batch, condition, axes, count)
    new = dict(zip(body.inputs, inner.inputs, strict=True))
    # Both graphs have arguments of the same names and types: they are the same nodes.
    going = Term(asked.outputs[0])
    starts = [
        along_front(part.outer, there, count)
        for part, there in zip(loop.carried, has[len(loop.constants) :], strict=True)
    ]
    outs = list(inner.outputs)
    more: list[Carried] = []
    if flags[0]:
        outs = [_chosen(going, out, new[node]) for out, node in zip(outs, carries, strict=True)]
        steps = Namer(inner).new("steps", _INT.stacked(count))
        one_more = convert(going, "int64")
        zeros = Term(constant_node(0, steps.type))
        more = [Carried(steps, zeros, (Term(steps) + one_more).node)]
        going = any_of(going, (0,))
    made, total = repeated(
        [Part(new[part.inner], part.outer) for part in loop.constants],
        [
            *(Carried(new[n], x, out) for n, x, out in zip(carries, starts, outs, strict=True)),
            *more,
        ],
        going.node,
        Known.of(asked, inner),
    )
    steps_made = made.carried[-1] if more else along_front(total, False, count)
    return [
        *made.carried[: len(carries)],
        steps_made,
        *map(_swapped, made.before[: len(carries)]),
    ]


# --- how the graphs run ---------------------------------------------------------------------------


def _scan_runs(call: Call) -> Runs:
    body, constants, carried, length, backward, _ = call.params
    first = int(length == UNKNOWN)
    between = (constants, constants + carried)
    return Runs((body,), first, between, length, backward, kept=True)


def _while_runs(call: Call) -> Runs:
    _, body, constants = call.params
    between = (constants, len(body.inputs))
    return Runs((body,), 0, between, UNKNOWN, between=1, kept=True)


# --- blocks ---------------------------------------------------------------------------------------


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be True or False, got {shown(value)}")
    return value


def _steps(value: Any) -> int:
    if value.__class__ is not int or value < UNKNOWN:
        raise ValueError(f"must be a number of steps, or {UNKNOWN}, got {shown(value)}")
    return int(value)


def _size(value: Any) -> int:
    if value.__class__ is not int or value < 0:
        raise ValueError(f"must be a number of arguments, got {shown(value)}")
    return int(value)


def _scan_written(types: Sequence[Type], params: Params) -> Writing:
    length = params[3]
    return written_called("scan" if length == UNKNOWN else f"scan ×{length}", len(types))


def _replay_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called(f"scan_backward ×{params[3]}", len(types))


def _scan_names(types: Sequence[Type], params: Params) -> list[str]:
    body, constants, carries, *_ = params
    carried = [node.name for node in body.inputs[constants : constants + carries]]
    stacked = [f"all {words_for(node, body) or 'results'}" for node in body.outputs[carries:]]
    return [*(f"last {name}" for name in carried), *stacked, *_before(carried)]


def _while_names(types: Sequence[Type], params: Params) -> list[str]:
    _, body, constants = params
    carried = [node.name for node in body.inputs[constants:]]
    return [*(f"last {name}" for name in carried), "steps", *_before(carried)]


def _before(carried: Sequence[str]) -> list[str]:
    return [f"{name} before each step" for name in carried]


def _while_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called("while", len(types))


SCAN = several(
    "scan",
    "a graph run again and again, on what is carried from step to step and on slices of arrays",
    operands=("operand",),
    variadic=True,
    params=(
        Param("body", graph),
        Param("constants", _size),
        Param("carried", _size),
        Param("length", _steps),
        Param("backward", _truth),
        Param("kept", _size, 0),
    ),
    kernel="chainrule.run.loops.scan",
    infer=_scan_type,
    joint=Joint(_scan_push, _scan_pull, _scan_batch, _scan_runs),
    rule="derivative of a loop",
    write=_scan_written,
    result_names=_scan_names,
)

REPLAY = several(
    "scan_backward",
    "a loop backward that computes the carried values anew, from few that it keeps",
    operands=("operand",),
    variadic=True,
    params=(
        Param("body", graph),
        Param("constants", _size),
        Param("carried", _size),
        Param("length", _size),
        Param("backward", _truth),
        Param("kept", _size),
        Param("back", graph),
        Param("back_constants", _size),
        Param("back_carried", _size),
    ),
    kernel="chainrule.run.loops.replay",
    infer=_replay_type,
    joint=Joint(_replay_push, _replay_pull, _replay_batch, lambda call: Runs((_two_loops(call),))),
    rule="derivative of a loop",
    write=_replay_written,
)

WHILE = several(
    "while_loop",
    "a graph run again and again, on what is carried from step to step, while a condition holds",
    operands=("operand",),
    variadic=True,
    params=(Param("condition", graph), Param("body", graph), Param("constants", _size)),
    kernel="chainrule.run.loops.while_loop",
    infer=_while_type,
    joint=Joint(_while_push, _while_pull, _while_batch, _while_runs),
    rule="derivative of a loop",
    write=_while_written,
    result_names=_while_names,
)
