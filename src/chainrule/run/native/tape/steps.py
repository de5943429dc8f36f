"""The steps that tapes are made of: which there are.

A step is one function of compiled code. It does one computation of a scalar graph and jumps to the
step of the next one. There is one for each operation with its parameters, made from the operation's
own native rule, and one for its derivatives, made from its partial derivatives.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final, NamedTuple

from chainrule.diff.rules import Partial, Transfer, partials_of
from chainrule.graph import walk
from chainrule.graph.node import INPUT, Node, input_node, make
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.run.native.emit.element import is_native

MOST_OPERANDS: Final = 3
"""More do not fit into a record of a tape."""


class Form(NamedTuple):
    """What a node computes, whatever its operands are.

    Attributes:
        op: The operation.
        params: Its parameters.
        types: The types of the operands.
        type: The type of the result.
    """

    op: Op
    params: Params
    types: tuple[Type, ...]
    type: Type

    @staticmethod
    def of(node: Node) -> Form:
        """The form of a computation."""
        types = tuple([operand.type for operand in node.operands])
        return Form(node.op, node.params, types, node.type)


class Step(NamedTuple):
    """One function of compiled code.

    Attributes:
        form: What it computes; None for one of the steps of every tape, then ``role`` says which.
        wanted: For a step backward: which operands get their share, one bit for each; 0: forward.
        careful: For a step backward: whether the node may have no adjoint, and then sends nothing.
        role: ``evaluate`` and ``gradient`` run a tape; ``stop`` ends it; ``skip`` does nothing,
            backward.
    """

    form: Form | None
    wanted: int = 0
    careful: bool = False
    role: str = ""


EVALUATE: Final = Step(None, role="evaluate")
GRADIENT: Final = Step(None, role="gradient")
CAREFUL_GRADIENT: Final = Step(None, careful=True, role="gradient")
STOP: Final = Step(None, role="stop")
STOP_BACKWARD: Final = Step(None, role="stop backward")
SKIP: Final = Step(None, role="skip")


@functools.lru_cache(maxsize=4096)
def forward_step(form: Form) -> Step | None:
    """The step that computes a form; None where there is no native rule."""
    if len(form.types) > MOST_OPERANDS or form.op.native is None:
        return None
    node = make(form.op, placeholders(form.types), form.params)
    return Step(form) if is_native(node) else None


@functools.lru_cache(maxsize=4096)
def backward_step(form: Form, wanted: int, careful: bool = True) -> Step | None:
    """The step that sends an adjoint on to those operands; None where there is no native rule.

    Args:
        form: What the node computes.
        wanted: The operands that want their share, one bit for each.
        careful: Whether the node may have no adjoint; needed where not all forms are `always_live`.
    """
    if not form.type.is_float or forward_step(form) is None:
        return SKIP if forward_step(form) else None
    for at, partial in enumerate(_partials(form)):
        if partial is None:
            wanted &= ~(1 << at)
        elif wanted & 1 << at:
            if not isinstance(partial, Partial):
                return None
            ends = [partial.factor] if partial.guard is None else [partial.factor, partial.guard]
            if not all(is_native(node) for node in walk.depth_first(ends) if node.op is not INPUT):
                return None
    return Step(form, wanted, careful) if wanted & (1 << len(form.types)) - 1 else SKIP


@functools.lru_cache(maxsize=4096)
def always_live(form: Form) -> bool:
    """Whether each operand always gets a share of the adjoint, whatever the values are."""
    return form.type.is_float and all(
        isinstance(partial, Partial) and partial.guard is None for partial in _partials(form)
    )


def _partials(form: Form) -> Sequence[Partial | Transfer | None]:
    return partials_of(form.op, form.types, form.type, form.params).partials


_COMMON: Final = (
    "add", "subtract", "multiply", "divide", "negate", "reciprocal", "square", "sqrt", "abs",
    "exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "sigmoid", "relu", "where", "minimum",
    "maximum", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
    "logical_and", "logical_or", "logical_not",
)  # fmt: skip
_COMMON_EXPONENTS: Final = (2, 3, -1, 0.5)


def common_steps() -> list[Step]:
    """The steps that most graphs are made of, in an order that depends on the table alone."""
    steps: list[Step | None] = [EVALUATE, GRADIENT, CAREFUL_GRADIENT, STOP, STOP_BACKWARD, SKIP]
    chosen: list[tuple[str, Params]] = [(name, ()) for name in _COMMON]
    chosen += [("power", (exponent,)) for exponent in _COMMON_EXPONENTS]
    for name, params in chosen:
        op = OPS[name]
        types = tuple([BOOL if kind is Kind.BOOL else FLOAT64 for kind in op.kinds])
        form = Form.of(make(op, placeholders(types), params))
        steps.append(forward_step(form))
        for careful in [True, False] if always_live(form) else [True]:
            steps += [backward_step(form, some, careful) for some in range(1, 1 << len(types))]
    return [step for step in dict.fromkeys(steps) if step is not None]


def placeholders(types: Sequence[Type]) -> tuple[Node, ...]:
    """An input for each operand."""
    return tuple([input_node(f"x{at}", type) for at, type in enumerate(types)])
