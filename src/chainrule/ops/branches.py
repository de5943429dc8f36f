"""Branches and calls: operations that run one graph, chosen among several, or always the same.

A call keeps the graph it runs apart: its derivative is a call that computes what it needs anew,
instead of keeping it from the first time. That is what `chainrule.checkpoint` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.graph.op import Call, Joint, Op, Param, Params, Runs, Writing
from chainrule.graph.types import TupleType, Type
from chainrule.ops.copies import broadcast_along
from chainrule.ops.inner import (
    adjoints_of,
    batched,
    check_arguments,
    graph,
    graphs,
    inlined,
    placed,
    present,
    tangents_of,
    words_for,
)
from chainrule.ops.rearrange import along_front
from chainrule.ops.select import where
from chainrule.ops.several import results, several, written_called
from chainrule.ops.term import Term


def called(dag: Dag, operands: Sequence[Term]) -> list[Any]:
    """The results of a graph on these operands, by a node that keeps it apart."""
    return results(CALL, operands, (dag,))


def branched(index: Term, branches: Sequence[Dag], operands: Sequence[Term]) -> list[Any]:
    """The results of the branch of this number, by one node."""
    return results(COND, [index, *operands], (tuple(branches),))


def branch_at(node: Node, index: Any) -> int:
    """The number of the branch that an index stands for: the nearest one."""
    return min(max(int(index), 0), len(node.params[0]) - 1)


# --- call -----------------------------------------------------------------------------------------


def _call_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (dag,) = params
    check_arguments(op.name, dag, types)
    return TupleType.of_parts([node.type for node in dag.outputs])


def _call_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    dags, has = tangents_of(tangents, call.params, given)
    return placed(called(dags[0], [*call.operands, *present(given)]) if dags else (), has)


def _call_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    dags, has = adjoints_of(adjoints, call.params, given, wanted)
    return placed(called(dags[0], [*call.operands, *present(given)]) if dags else (), has)


def _call_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    (dag,) = call.params
    axes = {node for node, there in zip(dag.inputs, has, strict=True) if there}
    inner, flags = batched(batch, dag, axes, count)
    made = called(inner, call.operands)
    return [along_front(x, there, count) for x, there in zip(made, flags, strict=True)]


def _names(dag: Dag) -> list[str]:
    numbers = range(1, len(dag.outputs) + 1)
    found = [
        words_for(node, dag) or f"result {at}"
        for node, at in zip(dag.outputs, numbers, strict=True)
    ]
    return ["result"] if found == ["result 1"] else found


def _call_names(types: Sequence[Type], params: Params) -> list[str]:
    return _names(params[0])


def _cond_names(types: Sequence[Type], params: Params) -> list[str]:
    return _names(params[0][0])


def _call_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called("call", len(types))


CALL = several(
    "call",
    "a graph run as a whole, which keeps nothing of what it computes in between",
    operands=("operand",),
    variadic=True,
    params=(Param("graph", graph),),
    kernel="chainrule.run.loops.call",
    infer=_call_type,
    joint=Joint(_call_push, _call_pull, _call_batch, lambda call: Runs(call.params)),
    rule="derivative of a graph",
    write=_call_written,
    result_names=_call_names,
)


# --- cond -----------------------------------------------------------------------------------------


def _cond_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (branches,) = params
    if types[0].shape or types[0].is_float:
        raise GraphError("E202", f"{op.name}: a branch is chosen by a whole number, got {types[0]}")
    for dag in branches:
        check_arguments(op.name, dag, types[1:])
    made = [[node.type for node in dag.outputs] for dag in branches]
    if any(types != made[0] for types in made):
        raise GraphError("E203", f"{op.name}: the branches give values of different types")
    return TupleType.of_parts(made[0])


def _cond_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    index, *operands = call.operands
    dags, has = tangents_of(tangents, call.params[0], given[1:])
    return placed(branched(index, dags, [*operands, *present(given)]) if dags else (), has)


def _cond_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    index, *operands = call.operands
    dags, has = adjoints_of(adjoints, call.params[0], given, wanted[1:])
    made = branched(index, dags, [*operands, *present(given)]) if dags else ()
    return [None, *placed(made, has)]


def _cond_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    index, *operands = call.operands
    (branches,) = call.params
    made = []
    for dag in branches:
        axes = {node for node, there in zip(dag.inputs, has[1:], strict=True) if there}
        inner, _ = batched(batch, dag, axes, count, [True] * len(dag.outputs))
        made.append(inner)
    if not has[0]:
        return branched(index, made, operands)
    # Each item has a branch of its own: all are computed, and one is chosen.
    nodes = [operand.node for operand in operands]
    values = [list(map(Term, inlined(dag, nodes))) for dag in made]
    chosen = values[-1]
    for at in range(len(values) - 2, -1, -1):
        here = index <= at
        chosen = [
            where(broadcast_along(here, x.shape, (0,)), x, other)
            for x, other in zip(values[at], chosen, strict=True)
        ]
    return chosen


def _cond_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called("cond" if len(params[0]) == 2 else "switch", len(types))


COND = several(
    "cond",
    "one of several graphs, chosen by a number",
    operands=("index", "operand"),
    variadic=True,
    params=(Param("branches", graphs),),
    kernel="chainrule.run.loops.branch",
    infer=_cond_type,
    joint=Joint(_cond_push, _cond_pull, _cond_batch, lambda call: Runs(call.params[0], first=1)),
    rule="derivative of the branch",
    write=_cond_written,
    result_names=_cond_names,
)
