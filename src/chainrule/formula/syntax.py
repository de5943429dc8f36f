"""A formula as a tree of what was written, before any name has a meaning.

Text and LaTeX have this tree in common; `chainrule.formula.lower` gives it meaning.
Spans are places in the source; the span of an operation ends where its outermost operands end,
their brackets included. Trees are never compared.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

from chainrule.errors import Span


@dataclass_transform(eq_default=False)
class _Fields(type):
    """Makes classes whose objects have the annotated fields, given in order.

    They are dataclasses with slots, but defined in a tenth of the time: reading the first formula
    begins with all of them.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Fields:
        fields = tuple(namespace.get("__annotations__", ()))
        if fields:
            body = "; ".join([f"self.{field} = {field}" for field in fields])
            exec(f"def __init__(self, {', '.join(fields)}): {body}", {}, namespace)
        return type.__new__(
            cls, name, bases, {**namespace, "__slots__": fields, "__match_args__": fields}
        )


class _Piece(metaclass=_Fields):
    """What all classes here have in common."""


class Number(_Piece):
    """A literal, with a sign directly before it: ``2``, ``-0.5``, ``true``."""

    value: int | float | bool
    span: Span


class Listing(_Piece):
    """Numbers in brackets: ``[2, 3]``, ``[[1, 2], [3, 4]]``."""

    items: tuple[Number | Listing, ...]
    span: Span


class Index(_Piece):
    """``base[1:3, 0]``; the key holds whole numbers and slices of them."""

    base: Syntax
    key: tuple[int | slice, ...]
    span: Span


class Name(_Piece):
    """A name in its canonical spelling."""

    name: str
    span: Span


class Group(_Piece):
    """Brackets, or a plus sign: the same as what is inside."""

    inner: Syntax
    span: Span


class Operation(_Piece):
    """A sign, bars or a root: the operation ``op`` of the table on its operands.

    Besides there are ``matmul`` for ``@``, ``turned`` for ``.T``, and in LaTeX ``product`` for a
    product that shapes decide on, ``scalar_product`` for a dot, ``norm`` for double bars,
    ``inverse`` for a power of −1.
    """

    op: str
    operands: tuple[Syntax, ...]
    span: Span


class Power(_Piece):
    """``base ^ exponent``; whether the exponent is literal decides which operation it is."""

    base: Syntax
    exponent: Syntax
    span: Span


class Comparison(_Piece):
    """A chain such as ``0 < x <= 1``: one operation between every two neighbours, all must hold."""

    ops: list[str]
    operands: list[Syntax]
    span: Span


class Call(_Piece):
    """A name directly before a bracket: ``name(arguments)``."""

    name: Name
    arguments: tuple[Syntax, ...]
    span: Span


Syntax = Number | Listing | Index | Name | Group | Operation | Power | Comparison | Call
"""A piece of a formula."""


class Definition(_Piece):
    """``name = value``."""

    name: Name
    value: Syntax


class FunctionDefinition(_Piece):
    """``name(parameters) = body``."""

    name: Name
    parameters: tuple[Name, ...]
    body: Syntax


class Outputs(_Piece):
    """One or several expressions without a name."""

    values: tuple[Syntax, ...]


Statement = Definition | FunctionDefinition | Outputs
"""What stands between semicolons or line breaks."""


def ungrouped(syntax: Syntax) -> Syntax:
    """What is inside all brackets around a piece."""
    while isinstance(syntax, Group):
        syntax = syntax.inner
    return syntax


def span_of(statement: Statement) -> Span:
    """The place of a statement in the source."""
    match statement:
        case Definition(name, value):
            return Span(name.span.start, value.span.end)
        case FunctionDefinition(name, _, body):
            return Span(name.span.start, body.span.end)
        case Outputs(values):
            return Span(values[0].span.start, values[-1].span.end)


def excerpt(text: str, span: Span, longest: int = 60) -> str:
    """A piece of the source on one line for a message; an ellipsis if it is long."""
    if span.end - span.start > 10 * longest:
        return "…"
    shown = " ".join(text[span.start : span.end].split())
    return shown if len(shown) <= longest else "…"
