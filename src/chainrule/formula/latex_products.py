r"""Products in LaTeX, whose meaning is decided by shapes: ``W x``, ``x^\top y``, ``x y^\top``.

A vector is a column until it is transposed; then it is a `Row`, up to the next product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from chainrule.errors import FormulaError
from chainrule.formula.arrays import ARRAY_FUNCTIONS
from chainrule.formula.build import MATMUL, ROWS, Flags, Machine, Operands
from chainrule.formula.mismatch import SHORT, as_factor
from chainrule.formula.syntax import Operation, Syntax, excerpt
from chainrule.formula.values import Row, Value, axes_of, column
from chainrule.graph.op import OPS


def transposed(machine: Machine, syntax: Operation, _: None) -> None:
    r"""``x^\top`` that is no factor: of a matrix, of a vector (a row), of a row (a vector)."""
    value = machine.stack.pop()
    if isinstance(value, Row):
        machine.stack.append(value.node)
        return
    _refuse_numeral(machine, value, syntax.operands[0])
    node = machine.node(value, syntax.operands[0])
    if len(node.type.shape) == 1:
        machine.stack.append(Row(node))
    else:
        machine.built(ARRAY_FUNCTIONS["transpose"], [node], (), syntax.operands, syntax.span)


def inverse(machine: Machine, syntax: Operation, _: None) -> None:
    """``x^{-1}``, which of a matrix would not be element by element."""
    if axes_of(machine.stack[-1]) > 1:
        (matrix,) = syntax.operands
        source = as_factor(machine.text, matrix.span)
        message = f"the inverse of the matrix {source}"
        hint = rf"write {_named('inv', source)}; \frac{{1}}{{{source}}} is element by element"
        raise FormulaError("E128", message, machine.text, syntax.span, hint)
    op = OPS["power"]
    machine.apply(op, op.normal_params((-1,)), syntax.operands, syntax.span)


def base(machine: Machine, syntax: Operation, _: None) -> None:
    """The base of a power, which of a matrix would be element by element."""
    (matrix,) = syntax.operands
    if axes_of(machine.stack[-1]) > 1:
        source = as_factor(machine.text, matrix.span)
        hint = rf"write {source} {source} for the product, {source}^{{\odot 2}} element by element"
        message = f"a power of the matrix {source}"
        raise FormulaError("E128", message, machine.text, syntax.span, hint)


def exponential(machine: Machine, syntax: Operation, _: None) -> None:
    """``e^{x}``, which of a matrix would be element by element."""
    if axes_of(machine.stack[-1]) > 1:
        source = excerpt(machine.text, syntax.operands[0].span, SHORT)
        hint = rf"write {_named('expm', source)}; \exp\left({source}\right) is element by element"
        message = "the exponential of a matrix"
        raise FormulaError("E128", message, machine.text, syntax.span, hint)
    machine.apply(OPS["exp"], (), syntax.operands, syntax.span)


def bars(machine: Machine, syntax: Operation, _: None) -> None:
    """``|x|``, which of a vector may be its norm, and of a matrix its determinant."""
    axes = axes_of(machine.stack[-1])
    if axes:
        source = excerpt(machine.text, syntax.operands[0].span, SHORT)
        other = rf"\det\left({source}\right)" if axes == 2 else rf"\lVert {source} \rVert"
        hint = rf"write {other}, or {_named('abs', source)} element by element"
        message = "bars around a matrix" if axes > 1 else "bars around a vector"
        raise FormulaError("E128", message, machine.text, syntax.span, hint)
    machine.apply(OPS["abs"], (), syntax.operands, syntax.span)


CHECKED: Final = {"inverse": inverse, "base": base, "exponential": exponential, "bars": bars}
"""What stands for other things where there are matrices."""


def _named(name: str, source: str) -> str:
    bracketed = source if source.startswith("(") else rf"\left({source}\right)"
    return rf"\operatorname{{{name}}}{bracketed}"


def product(machine: Machine, syntax: Syntax, detail: tuple[str, Flags, Operands]) -> None:
    """A product in LaTeX, whose meaning depends on shapes: (sign, transposed, operands)."""
    sign, flags, operands = detail
    second, first = machine.stack.pop(), machine.stack.pop()
    values = [first, second]
    turned = [False, False]  # the matrices that are transposed
    for at, (value, flag, operand) in enumerate(zip(values, flags, operands, strict=True)):
        if flag and axes_of(value) == 1:
            node = machine.node(column(value), operand)
            values[at] = node if isinstance(value, Row) else Row(node)
        elif flag:
            _refuse_numeral(machine, value, operand)
            turned[at] = axes_of(value) > 1
    rows = [isinstance(value, Row) for value in values]
    axes = [axes_of(value) for value in values]
    factors = [column(value) for value in values]
    if not all(axes):  # a number is a factor
        for value, flag, operand in zip(factors, turned, operands, strict=True):
            if flag:
                value = ARRAY_FUNCTIONS["transpose"].build([machine.node(value, operand)])
            machine.stack.append(value)
        machine.apply(OPS["multiply"], (), operands, syntax.span)
        as_row = any(rows)
    elif sign == "cross_product":
        _unclear_cross(machine.text, syntax, operands)
    elif rows == [False, True] and axes == [1, 1]:
        machine.built(ARRAY_FUNCTIONS["outer"], factors, (), operands, syntax.span)
        as_row = False
    elif rows[1] or (not rows[0] and axes[0] == 1 and (axes[1] > 1 or sign == "product")):
        _misplaced_vector(machine.text, syntax, flags, operands, rows, axes)
    else:
        machine.built(MATMUL, factors, tuple(turned), operands, syntax.span, latex=True)
        as_row = rows[0] and axes[1] > 1
    if as_row:
        machine.stack.append(Row(machine.node(machine.stack.pop(), syntax)))


PRODUCTS: Final = frozenset({"product", "scalar_product", "cross_product"})
"""The signs of products."""


def _unclear_cross(text: str, syntax: Syntax, operands: Operands) -> NoReturn:
    first, second = (as_factor(text, operand.span) for operand in operands)
    hint = rf"write {first} \odot {second} element by element, {first} {second} for matrices"
    raise FormulaError("E128", r"\times between arrays", text, syntax.span, hint)


def _misplaced_vector(
    text: str,
    syntax: Syntax,
    flags: Flags,
    operands: Operands,
    rows: Sequence[bool],
    axes: Sequence[int],
) -> NoReturn:
    first, second = (as_factor(text, operand.span) for operand in operands)
    row = first if flags[0] else rf"{first}^\top"
    first += r"^\top" if flags[0] else ""
    if rows[1]:
        message = f"{second} as a row has nothing to its right"
        hint = ROWS
    elif axes[1] == 1:
        message = f"{first} and {second} are vectors"
        hint = (
            rf"{row} {second} is their scalar product, {first} \odot {second} the "
            "product element by element"
        )
    else:
        message = f"{first} is a vector"
        hint = rf"to the left of a matrix it is a row: {row} {second}"
    whole = excerpt(text, syntax.span, SHORT)
    message = f"shapes do not match in {whole}: {message}"
    raise FormulaError("E203", message, text, syntax.span, hint)


def _refuse_numeral(machine: Machine, value: Value, syntax: Syntax) -> None:
    r"""Refuse a transposed numeral: ``1^\top`` stands for ones in as many places as fit."""
    if isinstance(value, (int, float)):
        source = excerpt(machine.text, syntax.span, SHORT)
        message = f"{source} is a number, which has no transpose"
        hint = r"a vector of ones is \operatorname{ones}(3)"
        raise FormulaError("E203", message, machine.text, syntax.span, hint)
