"""Loops: operations that run a graph again and again, on what the last run carried over.

A loop keeps what its body needs to be run backward: besides the last carried values and the stacked
ones, its results are the carried values before each step. Where nobody reads them they are never
kept. A loop backward is a loop again, which runs the body once more from each of these values; so
the memory of reverse mode is that of the carried values, and derivatives of any order are loops.

A loop that runs while a condition holds has results whose first axis is known only when it has run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import GraphError, shown
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node
from chainrule.graph.op import Call, Joint, Op, Param, Params, Runs, Writing
from chainrule.graph.types import UNKNOWN, TupleType, Type
from chainrule.ops.inner import Known, Namer, batched, check_arguments, graph, words_for
from chainrule.ops.literals import truth, whole
from chainrule.ops.loop_parts import (
    Carried,
    Part,
    Results,
    repeated,
    scanned,
    split,
    taken_apart,
    while_apart,
)
from chainrule.ops.loop_rules import Moved, backward, chosen, for_items, most_steps, swapped
from chainrule.ops.rearrange import along_front
from chainrule.ops.reduce import any_of
from chainrule.ops.select import convert
from chainrule.ops.several import several, written_called
from chainrule.ops.term import Term

_INT = Type.of("int64")
_BOOL = Type.of("bool")


# --- scan -----------------------------------------------------------------------------------------


def _steps(value: Any) -> int:
    if value.__class__ is not int or value < UNKNOWN:
        raise ValueError(f"must be a number of steps, or {UNKNOWN}, got {shown(value)}")
    return int(value)


def scan_type(op: Op, types: Sequence[Type], params: Params) -> Type:
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
    check_carried(op, given[constants:end], body)
    before = [type.stacked(length) for type in given[constants:end]]
    stacked = [node.type.stacked(length) for node in body.outputs[carries:]]
    return TupleType.of_parts([*given[constants:end], *stacked, *before])


def check_carried(op: Op, types: Sequence[Type], body: Dag) -> None:
    for at, type in enumerate(types):
        if at >= len(body.outputs) or body.outputs[at].type is not type:
            raise GraphError("E203", f"{op.name}: carried value {at} must stay {type}")


def _scan_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    loop = taken_apart(call.operands, call.params)
    body: Dag = call.params[0]
    moved = Moved(tangents, body, loop, given[loop.steps is not None :])
    made = scanned(
        loop._replace(
            constants=[*loop.constants, *moved.constants],
            carried=[*loop.carried, *moved.carried],
            sliced=[*loop.sliced, *moved.sliced],
            stacked=[*loop.stacked, *moved.stacked],
        )
    )
    return moved.results(made, len(loop.carried), len(loop.stacked))


def _scan_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    loop = taken_apart(call.operands, call.params)
    made = split(call.results, len(loop.carried), len(loop.stacked))
    adjoint = split(given, len(loop.carried), len(loop.stacked))
    first = loop.steps is not None
    shares = backward(adjoints, call.params[0], loop, made.before, adjoint, wanted[first:])
    return [None, *shares] if first else shares


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
    inner, axes, flags = for_items(batch, body, carries, axes, count, loop.length == UNKNOWN)
    new = dict(zip(body.inputs, inner.inputs, strict=True))
    outputs = list(inner.outputs)
    constants = [Part(new[p.inner], p.outer) for p in loop.constants]
    sliced = [
        Part(new[p.inner], swapped(p.outer) if p.inner in axes else p.outer) for p in loop.sliced
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
        largest_count = most_steps(steps)
        change = -1 if loop.backward else 1
        first = largest_count - 1 if loop.backward else Term(constant_node(0, _INT))
        running = Term(step) < Term(limit)
        constants.append(Part(limit, steps))
        more = [Carried(step, first, (Term(step) + change).node)]
        carried = [p._replace(out=chosen(running, p.out, p.inner)) for p in carried]
        stacked = [
            chosen(running, node, constant_node(0, node.type)) if there else node
            for node, there in zip(stacked, flags[len(carried) :], strict=True)
        ]
        loop = loop._replace(steps=largest_count)
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
        *(swapped(x) if there else along_front(x, False, count) for x, there in rows),
    ]


def _scan_runs(call: Call) -> Runs:
    body, constants, carried, length, backward, _ = call.params
    first = int(length == UNKNOWN)
    between = (constants, constants + carried)
    return Runs((body,), first, between, length, backward, kept=True)


def _scan_names(types: Sequence[Type], params: Params) -> list[str]:
    body, constants, carries, *_ = params
    carried = [node.name for node in body.inputs[constants : constants + carries]]
    stacked = [f"all {words_for(node, body) or 'results'}" for node in body.outputs[carries:]]
    return [*(f"last {name}" for name in carried), *stacked, *_before(carried)]


def _before(carried: Sequence[str]) -> list[str]:
    return [f"{name} before each step" for name in carried]


def _scan_written(types: Sequence[Type], params: Params) -> Writing:
    length = params[3]
    return written_called("scan" if length == UNKNOWN else f"scan ×{length}", len(types))


SCAN = several(
    "scan",
    "a graph run again and again, on what is carried from step to step and on slices of arrays",
    operands=("operand",),
    variadic=True,
    params=(
        Param("body", graph),
        Param("constants", whole),
        Param("carried", whole),
        Param("length", _steps),
        Param("backward", truth),
        Param("kept", whole, 0),
    ),
    kernel="chainrule.run.loops.scan",
    infer=scan_type,
    joint=Joint(_scan_push, _scan_pull, _scan_batch, _scan_runs),
    rule="derivative of a loop",
    write=_scan_written,
    result_names=_scan_names,
)


# --- while ----------------------------------------------------------------------------------------


def _while_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    condition, body, constants = params
    check_arguments(op.name, body, types)
    check_arguments(op.name, condition, types)
    if [node.type for node in condition.outputs] != [_BOOL]:
        raise GraphError("E202", f"{op.name}: the condition must be one truth value")
    carried = types[constants:]
    check_carried(op, carried, body)
    return TupleType.of_parts([*carried, _INT, *(type.stacked(UNKNOWN) for type in carried)])


def _while_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    loop = while_apart(call.operands, call.params)
    condition, body, _ = call.params
    moved = Moved(tangents, body, loop, given)
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
    return backward(adjoints, call.params[1], counted, before, adjoint, wanted)


def _while_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    """For many items: until all are done; those that are done stay as they are."""
    loop = while_apart(call.operands, call.params)
    condition, body, _ = call.params
    parts: list[Part | Carried] = [*loop.constants, *loop.carried]
    carries = [part.inner for part in loop.carried]
    axes = {part.inner for part, there in zip(parts, has, strict=True) if there}
    axes |= set(carries)  # nothing of unknown length can be copied along items later
    inner, axes, _ = for_items(batch, body, carries, axes, count, stacked=True)
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
        outs = [chosen(going, out, new[node]) for out, node in zip(outs, carries, strict=True)]
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
        *map(swapped, made.before[: len(carries)]),
    ]


def _while_runs(call: Call) -> Runs:
    _, body, constants = call.params
    between = (constants, len(body.inputs))
    return Runs((body,), 0, between, UNKNOWN, between=1, kept=True)


def _while_names(types: Sequence[Type], params: Params) -> list[str]:
    _, body, constants = params
    carried = [node.name for node in body.inputs[constants:]]
    return [*(f"last {name}" for name in carried), "steps", *_before(carried)]


def _while_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called("while", len(types))


WHILE = several(
    "while_loop",
    "a graph run again and again, on what is carried from step to step, while a condition holds",
    operands=("operand",),
    variadic=True,
    params=(Param("condition", graph), Param("body", graph), Param("constants", whole)),
    kernel="chainrule.run.loops.while_loop",
    infer=_while_type,
    joint=Joint(_while_push, _while_pull, _while_batch, _while_runs),
    rule="derivative of a loop",
    write=_while_written,
    result_names=_while_names,
)
