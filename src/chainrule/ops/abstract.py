"""Functions without a definition: they have a place in the graph and derivatives, but no values.

The derivative of an abstract function is another one: ``slots`` says by which operands, counted
from 1, it has been differentiated. Their order does not matter (Schwarz), so it is sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import GraphError, shown
from chainrule.graph.node import check_name
from chainrule.graph.op import Form, Kind, Level, Op, Param, Params, register
from chainrule.graph.types import Type
from chainrule.ops.families import check_operands
from chainrule.ops.term import Function


def _function_name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a name, got {shown(value)}")
    return check_name(value)


def _operand_numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or any(
        number.__class__ is not int or number < 1 for number in value
    ):
        raise ValueError(f"must be numbers of operands, from 1, got {shown(value)}")
    return tuple(sorted(value))


def _derivative(at: int, out: Any, *rest: Any) -> Any:
    *operands, function, slots = rest
    return abstract(*operands, function=function, slots=(*slots, at + 1))


def _float_of(op: Op, types: Sequence[Type], params: Params) -> Type:
    if params[1] and params[1][-1] > len(types):
        raise GraphError("E211", f"{params[0]} has no operand number {params[1][-1]}")
    return check_operands(op, types)


abstract: Function = Function(
    register(
        Op(
            name="abstract",
            about="an unspecified function of its operands, for drawing and for counting paths",
            operands=("x",),
            kinds=(Kind.FLOAT,),
            params=(Param("function", _function_name), Param("slots", _operand_numbers, ())),
            infer=_float_of,
            kernel="",
            partials=(_derivative,),
            text=Form("{function}{slots}({operands})", Level.ATOM, (Level.LIST,)),
            latex=Form(r"{slots}{function}\left({operands}\right)", Level.ATOM, (Level.LIST,)),
            variadic=True,
            labelled=True,
            rule="unknown derivative",
        )
    )
)
