"""Operations with several results: what they share, and the item that reads one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from chainrule.errors import GraphError
from chainrule.graph.node import Node, make
from chainrule.graph.op import (
    Call,
    Example,
    Form,
    Joint,
    Kind,
    Level,
    Op,
    Param,
    Params,
    Symbol,
    Writing,
    register,
)
from chainrule.graph.types import Type
from chainrule.ops.families import latex_called, prefix
from chainrule.ops.literals import place
from chainrule.ops.term import Term

T = TypeVar("T", bound=Term)


def _item_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    (type,) = types
    (position,) = params
    if position >= len(type.parts):
        raise GraphError("E203", f"there is no result {position} among {len(type.parts)}")
    return type.parts[position]


ITEM: Final = register(
    Op(
        name="item",
        about="one of the results of an operation that has several",
        operands=("results",),
        kinds=(Kind.ANY,),
        params=(Param("position", place),),
        infer=_item_type,
        kernel="operator.getitem",
        text=Form("{0}[{position}]", Level.ATOM, (Level.ATOM,)),
        latex=Form("{0}[{position}]", Level.ATOM, (Level.ATOM,)),
        partials=(None,),
        symbol=Symbol("item", r"\mathrm{item}"),
        rule="one result",
        pointwise=False,
    )
)


def several(
    name: str,
    about: str,
    *,
    kernel: str,
    infer: Callable[[Op, Sequence[Type], Params], Type],
    joint: Joint,
    examples: Sequence[Example] = (),
    operands: Sequence[str] = ("x",),
    kinds: Sequence[Kind] | Kind = Kind.ANY,
    params: Sequence[Param] = (),
    variadic: bool = False,
    rule: str = "",
    symbol: Symbol | None = None,
    write: Callable[[Sequence[Type], Params], Writing | None] | None = None,
    result_names: Callable[[Sequence[Type], Params], Sequence[str]] | None = None,
) -> Op:
    """Define an operation with several results; `results` makes its nodes."""
    count = len(operands)
    return register(
        Op(
            name=name,
            about=about,
            operands=tuple(operands),
            kinds=(kinds,) * count if isinstance(kinds, Kind) else tuple(kinds),
            params=tuple(params),
            infer=infer,
            kernel=kernel,
            text=prefix(name, count),
            latex=latex_called(name, count),
            partials=(None,) * count,
            rule=rule or f"derivative of {name}",
            symbol=symbol,
            write=write,
            pointwise=False,
            variadic=variadic,
            examples=tuple(examples),
            joint=joint,
            result_names=result_names,
        )
    )


def named(*words: str) -> Callable[[Sequence[Type], Params], Sequence[str]]:
    """Names of results that are the same for all operands: for ``result_names``."""
    return lambda _types, _params: words


def written_called(sign: str, count: int) -> Writing:
    """How a node is written as a call of its operands, by a sign of its own."""
    name, _, times = sign.partition(" ×")
    latex = rf"\mathrm{{{name}}}"
    symbol = Symbol(sign, rf"{latex}\times {times}" if times else latex)
    return Writing(prefix(name, count), latex_called(name, count), symbol)


def results(op: Op, operands: Sequence[Term], params: Params = (), kind: type[T] = Term) -> list[T]:  # type: ignore[assignment]
    """The results of an operation on these operands, which must be of the types that it wants."""
    return items(make(op, tuple([operand.node for operand in operands]), params), kind)


def items(node: Node, kind: type[T] = Term) -> list[T]:  # type: ignore[assignment]
    """The results of a node that has several."""
    return [kind(make(ITEM, (node,), (at,))) for at in range(len(node.type.parts))]


def result_names(node: Node) -> Sequence[str]:
    """A few words for each result of a node that has several: "result 1" where the op has none."""
    naming = node.op.result_names
    if naming is not None:
        return naming([operand.type for operand in node.operands], node.params)
    return [f"result {at}" for at in range(1, len(node.type.parts) + 1)]


def is_joint(node: Node) -> bool:
    """Whether a node has several results, or is one of them: derivatives go through all at once."""
    return node.op.joint is not None or node.op is ITEM


def name_of(item: Node) -> str:
    """What a result is called among those of its operation."""
    return result_names(item.operands[0])[item.params[0]]


def call_of(node: Node) -> Call:
    """A node with several results as its rules see it."""
    return Call(node.op, list(map(Term, node.operands)), node.params, items(node))
