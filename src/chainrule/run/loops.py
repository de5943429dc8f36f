"""Loops, branches and calls on numbers: the graphs that operations hold, run as programs."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.types import UNKNOWN, Type
from chainrule.run.program import Program


@functools.lru_cache(maxsize=1024)
def program_of(dag: Dag) -> Program:
    """The program of a graph that an operation holds."""
    return Program(dag)


def scan(*given: Any) -> list[Any]:
    """The results of a loop; see `chainrule.ops.loops`."""
    *operands, body, constants, carries, length, backward, _, wanted = given
    count = length if length != UNKNOWN else int(operands.pop(0))
    end = constants + carries
    fixed, carried, sliced = operands[:constants], operands[constants:end], operands[end:]
    types = [node.type for node in body.outputs]
    rows = [
        _rows(type, count, keep)
        for type, keep in zip([*types[carries:], *types[:carries]], wanted[carries:], strict=True)
    ]
    stacks, before = rows[: len(types) - carries], rows[len(types) - carries :]
    run = program_of(body).run
    kept = [(rows, at) for at, rows in enumerate(before) if rows is not None]
    filled = [(rows, at) for at, rows in enumerate(stacks, start=carries) if rows is not None]
    for step in range(count - 1, -1, -1) if backward else range(count):
        for rows, at in kept:
            rows[step] = carried[at]
        made = run([*fixed, *carried, *[values[step] for values in sliced]])
        carried = made[:carries]
        for rows, at in filled:
            rows[step] = made[at]
    return [*carried, *stacks, *before]


def _rows(type: Type, count: int, keep: bool) -> Any:
    """Room for a value in every step, where somebody wants it."""
    return np.empty((count, *type.shape), type.dtype) if keep else None


def replay(*given: Any) -> list[Any]:
    """The results of a loop backward that keeps few carried values of the loop forward."""
    *operands, body, constants, carries, length, backward, kept = given[:-4]
    back, own_constants, own_carries, _ = given[-4:]
    split = len(body.inputs)
    end = constants + carries
    fixed, start, sliced = operands[:constants], operands[constants:end], operands[end:split]
    own_end = split + own_constants + own_carries
    own_fixed, carried = (
        operands[split : split + own_constants],
        operands[own_end - own_carries : own_end],
    )
    own_sliced = operands[own_end:]
    forward, run = program_of(body).run, program_of(back).run
    types = [node.type for node in back.outputs[own_carries:]]
    stacks = [_rows(type, length, keep=True) for type in types]
    places = range(length - 1, -1, -1) if backward else range(length)
    # Stretches of the loop that are still to be run backward, each with the values before it and
    # the number of carried values that may be kept within.
    pending = [(0, length, start, kept)] if length else []
    while pending:
        first, last, before, spare = pending.pop()
        if last - first == 1:
            at = places[first]
            made = run([*own_fixed, *carried, *[x[at] for x in own_sliced], *before])
            carried = made[:own_carries]
            for rows, value in zip(stacks, made[own_carries:], strict=True):
                rows[at] = value
            continue
        middle = last - 1 if spare == 0 else first + _stretch(last - first, spare)
        later = before
        for step in range(first, middle):
            at = places[step]
            later = forward([*fixed, *later, *[x[at] for x in sliced]])
        pending.append((first, middle, before, spare))
        pending.append((middle, last, later, max(spare - 1, 0)))
    return [*carried, *stacks]


def _stretch(steps: int, spare: int) -> int:
    """How far to go before the next carried values are kept: the binomial rule.

    With s of them to spare and every step run at most t times, C(s + t, s) steps can be undone.
    """
    times = 0
    while math.comb(spare + times, spare) < steps:
        times += 1
    return max(1, steps - math.comb(spare - 1 + times, spare - 1))


def while_loop(*given: Any) -> list[Any]:
    """The results of a loop that runs while a condition holds; see `chainrule.ops.loops`."""
    *operands, condition, body, constants, wanted = given
    fixed, carried = operands[:constants], operands[constants:]
    asks, run = program_of(condition).run, program_of(body).run
    carries = len(carried)
    types = [node.type for node in body.outputs]
    before = [_rows(type, 0, keep=True) for type in types]
    kept = [(before[at], at) for at in range(carries) if wanted[carries + 1 + at]]
    count = room = 0
    while asks([*fixed, *carried])[0]:
        if count == room:
            room += room // 8 + 16  # all that is kept is never more than an eighth too large
            _resize(kept, room)
        for rows, at in kept:
            rows[count] = carried[at]
        carried = run([*fixed, *carried])
        count += 1
    _resize(kept, count)
    return [*carried, np.int64(count), *before]


def _resize(kept: Sequence[tuple[Any, int]], count: int) -> None:
    """Make room for so many values, in the same arrays."""
    for rows, _ in kept:
        rows.resize((count, *rows.shape[1:]), refcheck=False)


def branch(*given: Any) -> Sequence[Any]:
    """The results of one of several graphs, chosen by a number; the nearest one outside of them."""
    which, *operands, branches, _ = given
    chosen: Dag = branches[min(max(int(which), 0), len(branches) - 1)]
    results: Sequence[Any] = program_of(chosen).run(operands)
    return results


def call(*given: Any) -> Sequence[Any]:
    """The results of a graph."""
    *operands, dag, _ = given
    results: Sequence[Any] = program_of(dag).run(operands)
    return results


def call_custom(*given: Any) -> Sequence[Any]:
    """The results of a graph whose derivatives are given."""
    *operands, dag, _, wanted = given
    return call(*operands, dag, wanted)


def call_foreign(*given: Any) -> Sequence[Any]:
    """The results of a function of Python; it may set how NumPy treats errors."""
    *operands, function, _ = given
    results: Sequence[Any] = function.run(operands)
    return results
