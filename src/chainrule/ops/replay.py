"""A loop backward with little memory: carried values are computed anew, from few that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node
from chainrule.graph.op import Call, Joint, Op, Param, Params, Runs, Writing
from chainrule.graph.types import TupleType, Type
from chainrule.ops.inner import (
    adjoints_of,
    batched,
    check_arguments,
    graph,
    over,
    placed,
    present,
    tangents_of,
)
from chainrule.ops.literals import truth, whole
from chainrule.ops.loop_parts import Part, replay_apart, scanned
from chainrule.ops.loops import scan_type
from chainrule.ops.several import several, written_called
from chainrule.ops.term import Term


def _replay_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    body, _, carries, length, *_ = params
    inner, constants, carried = params[6:]
    scan_type(op, types[: len(body.inputs)], params[:6])
    own = types[len(body.inputs) :]
    slices = [type.with_shape(type.shape[1:]) for type in own[constants + carried :]]
    before = [node.type for node in body.outputs[:carries]]
    check_arguments(op.name, inner, [*own[: constants + carried], *slices, *before])
    outs = [node.type for node in inner.outputs]
    return TupleType.of_parts([*outs[:carried], *(type.stacked(length) for type in outs[carried:])])


def two_loops(call: Call, items: Sequence[bool] = ()) -> Dag:
    """The same by two loops, of which the first keeps all carried values.

    ``items``: which operands have an axis of items in front; the graph is that of one item.
    """
    types = [x.node.type for x in call.operands]
    for at, there in enumerate(items):
        types[at] = types[at].with_shape(types[at].shape[1:]) if there else types[at]
    inputs = [input_node(f"x{at}", type) for at, type in enumerate(types)]
    loop, back, before = replay_apart(list(map(Term, inputs)), call.params)
    made = scanned(loop._replace(kept=0))
    earlier = [Part(*pair) for pair in zip(before, made.before, strict=True)]
    found = scanned(back._replace(sliced=[*earlier, *back.sliced]))
    return Dag([x.node for x in [*found.carried, *found.stacked]], inputs)


def _replay_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    dags, has = tangents_of(tangents, [two_loops(call)], given)
    return placed(over(dags[0], [*call.operands, *present(given)]) if dags else (), has)


def _replay_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    dags, has = adjoints_of(adjoints, [two_loops(call)], given, wanted)
    return placed(over(dags[0], [*call.operands, *present(given)]) if dags else (), has)


def _replay_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    dag = two_loops(call, has)
    axes = {node for node, there in zip(dag.inputs, has, strict=True) if there}
    inner, _ = batched(batch, dag, axes, count, [True] * len(dag.outputs))
    return over(inner, call.operands)


def _replay_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called(f"scan_backward ×{params[3]}", len(types))


REPLAY = several(
    "scan_backward",
    "a loop backward that computes the carried values anew, from few that it keeps",
    operands=("operand",),
    variadic=True,
    params=(
        Param("body", graph),
        Param("constants", whole),
        Param("carried", whole),
        Param("length", whole),
        Param("backward", truth),
        Param("kept", whole),
        Param("back", graph),
        Param("back_constants", whole),
        Param("back_carried", whole),
    ),
    kernel="chainrule.run.loops.replay",
    infer=_replay_type,
    joint=Joint(_replay_push, _replay_pull, _replay_batch, lambda call: Runs((two_loops(call),))),
    rule="derivative of a loop",
    write=_replay_written,
)
