"""Loops as data: what goes into one and what comes out; from there to nodes and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chainrule.graph import walk
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.op import OPS, Params
from chainrule.graph.types import FLOAT64, UNKNOWN
from chainrule.ops.inner import Known
from chainrule.ops.several import results
from chainrule.ops.term import Term


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


def scanned(loop: Loop) -> Results:
    """The node of a loop with a known number of steps; what its body never reads is left out."""
    outputs = [*(part.out for part in loop.carried), *loop.stacked]
    if not outputs:
        return Results((), (), ())
    reached = set(walk.depth_first(outputs))
    constants = [part for part in loop.constants if part.inner in reached]
    sliced = [part for part in loop.sliced if part.inner in reached]
    if not constants and not loop.carried and not sliced:  # a node that computes has operands
        constants = [Part(input_node("unused", FLOAT64), Term(constant_node(0, FLOAT64)))]
    parts: list[Part | Carried] = [*constants, *loop.carried, *sliced]
    body = loop.known.dag(outputs, [part.inner for part in parts])
    operands = [part.outer for part in parts]
    if loop.steps is not None:
        operands.insert(0, loop.steps)
    params = (body, len(constants), len(loop.carried), loop.length, loop.backward, loop.kept)
    made: list[Term] = _made("scan", operands, params)
    return split(made, len(loop.carried), len(loop.stacked))


def _made(name: str, operands: Sequence[Term], params: Params) -> list[Term]:
    op = OPS[name]
    return results(op, operands, op.normal_params(params))


def split(made: Sequence[Any], carried: int, stacked: int) -> Results:
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
    made: list[Term] = _made("while_loop", operands, params)
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
    made: list[Term] = _made("scan_backward", operands, params)
    return split(made, len(back.carried), len(back.stacked))


def replay_apart(operands: Sequence[Term], params: Params) -> tuple[Loop, Loop, list[Node]]:
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
