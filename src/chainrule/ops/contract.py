"""One general contraction under matmul, dot, tensordot, outer and einsum.

Each axis of the operands has a label, a whole number. An axis with a label that both operands have
is multiplied element by element, and summed over unless the result has the label too. Derivatives
of contractions are contractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import GraphError
from chainrule.graph.op import Example, Form, Kind, Level, Linear, Op, Param, Params
from chainrule.graph.types import Type
from chainrule.ops.families import places, structural
from chainrule.ops.rearrange import fail
from chainrule.ops.term import Function


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
    number = {label: at for at, label in enumerate(dict.fromkeys([*left, *right]))}
    named = [tuple([number[label] for label in part]) for part in (left, right, out)]
    return contract(a, b, *named)


def _batch(op: Op, operands: Any, batched: Any, params: Params) -> Any:
    front = len({*params[0], *params[1]})
    left, right, out = params
    if batched[0]:
        left = (front, *left)
    if batched[1]:
        right = (front, *right)
    a, b = operands
    return contracted(a, b, left, right, (front, *out))


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
            lambda adjoint, out, a, b, i, j, k: contracted(adjoint, a, k, i, j),
        ),
    ],
    batch=_batch,
    rule="product rule",
    latex=Form(r"{0} \, {1}", Level.PRODUCT, (Level.PRODUCT, Level.SIGN)),
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
