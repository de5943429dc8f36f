"""One general contraction under matmul, dot, tensordot, outer and einsum.

Each axis of the operands has a label, a whole number. An axis with a label that both operands have
is multiplied element by element, and summed over unless the result has the label too. Derivatives
of contractions are contractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, Final

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.op import (
    Example,
    Form,
    Kind,
    Level,
    Linear,
    Op,
    Param,
    Params,
    Symbol,
    Writing,
)
from chainrule.graph.types import Type
from chainrule.ops.copies import broadcast_along, total
from chainrule.ops.families import bracketed, fail, structural
from chainrule.ops.literals import places
from chainrule.ops.rearrange import permuted
from chainrule.ops.term import Function


def matrix_labels(first: int, second: int) -> tuple[tuple[int, ...], ...]:
    """The labels of NumPy's ``a @ b`` for so many axes, at least one each: (left, right, out).

    >>> matrix_labels(2, 1), matrix_labels(2, 2)
    (((0, 1), (1,), (0,)), ((0, 1), (1, 2), (0, 2)))
    """
    left = [*range(-max(first - 2, 0), 0), *(["i"] if first > 1 else []), "k"]
    right = [*range(-max(second - 2, 0), 0), "k", *(["j"] if second > 1 else [])]
    front = max(first - 2, second - 2, 0)
    kept = [label for label in ("i", "j") if label in (*left, *right)]
    number = {label: at for at, label in enumerate(dict.fromkeys([*left, *right]))}
    parts = (left, right, [*range(-front, 0), *kept])
    return tuple([tuple([number[label] for label in part]) for part in parts])


def turned(labels: tuple[int, ...]) -> tuple[int, ...]:
    """The labels of a matrix that is transposed."""
    return labels[::-1] if len(labels) == 2 else labels


_LETTERS: Final = "ijklmnopqrstuvwxyzabcdefgh"
_WORDS: Final = frozenset({"or", "xor", "and", "not", "true", "false"})


def letters(labels: Sequence[int]) -> str:
    """Labels as letters, ``ij``; ``_`` for none; a list where letters will not do."""
    if any(label >= len(_LETTERS) for label in labels):
        return bracketed(labels)
    word = "".join([_LETTERS[label] for label in labels]) or "_"
    return bracketed(labels) if word in _WORDS else word


def _written(types: Sequence[Type], params: Params) -> Writing:
    first, second = len(params[0]), len(params[1])
    if first and second:
        for a, b in product((False, True), repeat=2):
            if (a and first != 2) or (b and second != 2):
                continue
            i, j, k = matrix_labels(first, second)
            if _numbered(turned(i) if a else i, turned(j) if b else j, k) == params:
                return _product_written(a, b, first, second)
    if params == ((0,), (1,), (0, 1)):
        return Writing(
            Form("outer({0}, {1})", Level.ATOM, (Level.LIST, Level.LIST)),
            Form(r"{0} \, {1}^{{\top}}", Level.PRODUCT, (Level.PRODUCT, Level.ATOM)),
            Symbol("⊗", r"\otimes"),
        )
    left, right, out = map(letters, params)
    given = f"{left}, {right}, {out}"
    arrow = f"{left},{right}→{out}".replace("_", "")
    under = rf"{left},{right} \to {out}".replace("_", r"\cdot")
    return Writing(
        Form(f"contract({{0}}, {{1}}, {given})", Level.ATOM, (Level.LIST, Level.LIST)),
        Form(
            rf"\operatorname{{{{contract}}}}_{{{{{under}}}}}\left({{0}}, {{1}}\right)",
            Level.ATOM,
            (Level.LIST, Level.LIST),
        ),
        Symbol(arrow, under),
    )


def _product_written(a: bool, b: bool, first: int, second: int) -> Writing:
    r"""``a @ b``, its matrices transposed where ``a``, ``b`` say so; ``a^{\top} b`` in LaTeX."""
    text = f"{{0}}{'.T' * a} @ {{1}}{'.T' * b}"
    above = r"^{{\top}}"
    row = a or first == 1  # a vector on the left is a row
    sides = (Level.ATOM if row else Level.PRODUCT, Level.ATOM if b else Level.SIGN)
    return Writing(
        Form(
            text,
            Level.PRODUCT,
            (Level.ATOM if a else Level.PRODUCT, Level.ATOM if b else Level.SIGN),
        ),
        Form(rf"{{0}}{above * row} \, {{1}}{above * b}", Level.PRODUCT, sides),
        Symbol(
            f"{'ᵀ' * a}@{'ᵀ' * b}",
            (r"{}^{\top}" if a else "") + "@" + (r"^{\top}" if b else ""),
        ),
    )


def _contract_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    left, right, out = params
    if len(types) != 2:
        raise GraphError("E211", f"contract takes {op.arity}, got {len(types)}")
    a, b = types
    if a.dtype != b.dtype:
        raise GraphError("E202", f"{op.name} needs operands of one dtype, got {a} and {b}")
    if len(left) != len(a.shape) or len(right) != len(b.shape):
        raise fail(op, f"one label for each axis of {list(a.shape)} and {list(b.shape)}")
    sizes: dict[int, int] = {}
    for label, size in [*zip(left, a.shape, strict=True), *zip(right, b.shape, strict=True)]:
        if sizes.setdefault(label, size) != size:
            raise fail(op, f"{list(a.shape)} and {list(b.shape)}: {sizes[label]} and {size} differ")
    once = {*left} ^ {*right}
    if not once <= {*out} <= {*sizes}:
        raise fail(op, "the result has every label that only one operand has, and no others")
    return Type.of(a.dtype, tuple([sizes[label] for label in out]))


def contracted(
    a: Any, b: Any, left: Sequence[int], right: Sequence[int], out: Sequence[int]
) -> Any:
    """``contract`` with its labels in normal form: numbered by first appearance."""
    return contract(a, b, *_numbered(left, right, out))


def _numbered(*parts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    number = {label: at for at, label in enumerate(dict.fromkeys([*parts[0], *parts[1]]))}
    return tuple([tuple([number[label] for label in part]) for part in parts])


def _batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    front = len({*params[0], *params[1]})
    left, right, out = params
    if batched[0]:
        left = (front, *left)
    if batched[1]:
        right = (front, *right)
    a, b = operands
    return contracted(a, b, left, right, (front, *out))


_MOST_PRODUCTS: Final = 4_000_000
"""Products of single elements that are looked at one by one for zeros among known factors."""


def _reach(
    position: int,
    values: Sequence[Any],
    tangent: Any,
    out: Any,
    a: Any,
    b: Any,
    left: tuple[int, ...],
    right: tuple[int, ...],
    result: tuple[int, ...],
) -> Any:
    """By the labels; where the other operand is known, its zeros pass nothing on."""
    own, others = (left, right) if position == 0 else (right, left)
    other, value = (b, values[1]) if position == 0 else (a, values[0])
    sizes = dict(zip((*left, *right), (*a.shape, *b.shape), strict=True))
    every = tuple(sizes)
    shape = tuple([sizes[label] for label in every])
    if value is not None and math.prod(shape) <= _MOST_PRODUCTS and not np.all(value):
        products = _spread_out(tangent, own, every, shape) * _spread_out(
            other, others, every, shape
        )
        gone = tuple([at for at, label in enumerate(every) if label not in result])
        kept = [label for label in every if label in result]
        made = total(products, gone) if gone else products
        return permuted(made, [kept.index(label) for label in result])
    summed = tuple([at for at, label in enumerate(own) if label not in result])
    made = total(tangent, summed) if summed else tangent
    kept = [label for label in own if label in result]
    return _spread_out(made, kept, result, out.shape)


def _spread_out(
    x: Any, labels: Sequence[int], wanted: Sequence[int], shape: tuple[int, ...]
) -> Any:
    """``x`` with its axes in the order that is wanted, copied along those that it does not have."""
    places = [wanted.index(label) for label in labels]
    order = sorted(range(len(places)), key=places.__getitem__)
    return broadcast_along(permuted(x, order), shape, tuple(sorted(places)))


contract: Function = structural(
    "contract",
    "the sum of products of a and b over the axes whose labels are not in the result",
    operands=("a", "b"),
    kinds=Kind.NUMBER,
    params=[Param("left", places), Param("right", places), Param("out", places)],
    kernel="chainrule.ops.array_kernels.contract",
    infer=_contract_type,
    partials=[
        Linear(
            lambda tangent, out, a, b, *labels: contract(tangent, b, *labels),
            lambda adjoint, out, a, b, i, j, k: contracted(adjoint, b, k, j, i),
        ),
        Linear(
            lambda tangent, out, a, b, *labels: contract(a, tangent, *labels),
            # In this order, so that it reads as a.T @ adjoint.
            lambda adjoint, out, a, b, i, j, k: contracted(a, adjoint, i, k, j),
        ),
    ],
    batch=_batch,
    reach=_reach,
    rule="product rule",
    write=_written,
    examples=[
        Example(((2, 3), (3, 4)), ((0, 1), (1, 2), (0, 2))),
        Example(((3,), (3,)), ((0,), (0,), ())),
        Example(((3,), (2,)), ((0,), (1,), (0, 1))),
        Example(((3,), (3,)), ((0,), (0,), (0,))),
        Example(((2, 3, 4), (2, 4, 5)), ((0, 1, 2), (0, 2, 3), (0, 1, 3))),
        Example(((2, 3, 4), (3, 5, 4)), ((0, 1, 2), (1, 3, 2), (3, 0))),
        Example(((2, 0), (0, 3)), ((0, 1), (1, 2), (0, 2))),
        Example(((), (2,)), ((), (0,), (0,))),
    ],
)
