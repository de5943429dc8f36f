"""Functions without a definition: they have a place in the graph, but no values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import shown
from chainrule.graph.node import check_name
from chainrule.graph.op import Form, Kind, Level, Op, Param, Params, register
from chainrule.graph.types import Type
from chainrule.ops.families import check_operands
from chainrule.ops.term import Function


def _function_name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a name, got {shown(value)}")
    return check_name(value)


def _float_of(op: Op, types: Sequence[Type], params: Params) -> Type:
    return check_operands(op, types)


abstract = Function(
    register(
        Op(
            name="abstract",
            about="an unspecified function of its operands, for drawing and for counting paths",
            operands=("x",),
            kinds=(Kind.FLOAT,),
            params=(Param("function", _function_name),),
            infer=_float_of,
            kernel="",
            text=Form("{function}({operands})", Level.ATOM, (Level.LIST,)),
            latex=Form(r"{function}\left({operands}\right)", Level.ATOM, (Level.LIST,)),
            variadic=True,
            labelled=True,
            rule="unknown derivative",
        )
    )
)
