"""Derivatives of operations with several results on numbers: all operands and results at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, input_node
from chainrule.graph.op import Call, Op, Params
from chainrule.graph.types import Type
from chainrule.ops.inner import placed
from chainrule.ops.term import Term
from chainrule.run.program import Program

Whole = tuple[Program | None, tuple[bool, ...]]
"""A program over operands, results, and tangents or adjoints; and where its outputs belong."""


@functools.lru_cache(maxsize=1024)
def whole_pull(
    op: Op,
    types: tuple[Type, ...],
    out: Type,
    params: Params,
    given: tuple[bool, ...],
    wanted: tuple[bool, ...],
) -> Whole:
    """From adjoints of the results that have one to the operands that want one."""
    call, inputs = _placeholders(op, types, out, params)
    bars = [input_node(f"bar{at}", type) for at, type in enumerate(out.parts)]
    seeds = [Term(bar) if there else None for bar, there in zip(bars, given, strict=True)]
    assert op.joint is not None
    wants = [there and type.is_float for there, type in zip(wanted, types, strict=True)]
    return _program(op.joint.pull(adjoints, call, seeds, wants), inputs, seeds)


@functools.lru_cache(maxsize=1024)
def whole_push(
    op: Op, types: tuple[Type, ...], out: Type, params: Params, given: tuple[bool, ...]
) -> Whole:
    """From tangents of the operands that have one to the results."""
    call, inputs = _placeholders(op, types, out, params)
    dots = [input_node(f"dot{at}", type) for at, type in enumerate(types)]
    seeds = [Term(dot) if there else None for dot, there in zip(dots, given, strict=True)]
    assert op.joint is not None
    return _program(op.joint.push(tangents, call, seeds), inputs, seeds)


def spread(whole: Whole, arguments: Sequence[Any]) -> list[Any]:
    """What a program gives at the places it belongs to; None at the others."""
    program, has = whole
    return placed(() if program is None else program(*arguments), has)


def _placeholders(
    op: Op, types: Sequence[Type], out: Type, params: Params
) -> tuple[Call, list[Node]]:
    operands = [input_node(f"x{at}", type) for at, type in enumerate(types)]
    results = [input_node(f"out{at}", type) for at, type in enumerate(out.parts)]
    call = Call(op, list(map(Term, operands)), params, list(map(Term, results)))
    return call, [*operands, *results]


def _program(
    made: Sequence[Term | None], inputs: Sequence[Node], seeds: Sequence[Term | None]
) -> Whole:
    outputs = [term.node for term in made if term is not None]
    has = tuple([term is not None for term in made])
    arguments = [*inputs, *(seed.node for seed in seeds if seed is not None)]
    return (Program(Dag(outputs, arguments)) if outputs else None), has
