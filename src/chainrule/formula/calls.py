"""How functions take their arguments: operands first, then parameters, which are literal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import numpy as np

from chainrule.errors import FormulaError, FormulaLimitError, GraphError, Span
from chainrule.formula.arrays import ARRAY_FUNCTIONS, EXTREMES, FILLED, ArrayFunction
from chainrule.formula.build import Machine, Step
from chainrule.formula.latex_products import CHECKED, PRODUCTS, product, transposed
from chainrule.formula.limits import Limits
from chainrule.formula.mismatch import as_factor
from chainrule.formula.names import CONSTANTS, FUNCTIONS
from chainrule.formula.syntax import (
    Call,
    Listing,
    Name,
    Number,
    Operation,
    Syntax,
    excerpt,
    ungrouped,
)
from chainrule.formula.values import Elements, filled
from chainrule.graph.op import OPS, Op, Params

ARRAY_SIGNS: Final = frozenset({"matmul", "turned", "transposed", "norm", *CHECKED, *PRODUCTS})
"""The operations of syntax that no operation of the table is."""

_TAKE_WORDS: Final = frozenset({"contract", "searchsorted"})


class Calls:
    """Makes the steps of what is called, whatever names the text defines."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._limits = limits

    def fail(self, code: str, message: str, span: Span, hint: str = "") -> NoReturn:
        """Raise FormulaError at a place of the text."""
        raise FormulaError(code, message, self._text, span, hint)

    def wrong_count(self, syntax: Call, takes: str, hint: str = "") -> NoReturn:
        """Raise FormulaError E105 for a call with too many or too few arguments."""
        self.fail("E105", f"{takes}, got {len(syntax.arguments)}", syntax.span, hint)

    # --- functions on numbers ---------------------------------------------------------------------

    def literals(self, op: Op, given: Sequence[Syntax], span: Span) -> Params:
        """Literal parameters of an operation, in normal form."""
        values: list[Any] = []
        for param, syntax in zip(op.params, given, strict=False):
            literal = ungrouped(syntax)
            if op is OPS["convert"] and isinstance(literal, Name):
                values.append(literal.name)
            elif isinstance(literal, Number) and not isinstance(literal.value, bool):
                values.append(literal.value)
            else:
                kind = "the name of a dtype" if op is OPS["convert"] else "a literal number"
                self.fail("E106", f"{param.name} must be {kind}", syntax.span)
        limit = self._limits.exponent
        if op is OPS["power"] and any(abs(value) > limit for value in values):
            message = f"the exponent is larger than {limit}"
            raise FormulaLimitError("E155", message, self._text, given[0].span)
        try:
            return op.normal_params(values)
        except GraphError as error:
            place = given[0].span if given else span
            raise FormulaError("E106", error.message, self._text, place) from error

    # --- functions on arrays ----------------------------------------------------------------------

    def array_call(self, syntax: Call) -> tuple[Step, tuple[Syntax, ...]]:
        """The step of a function on whole arrays, and which of its arguments are operands."""
        name, given = syntax.name.name, syntax.arguments
        if name in FILLED:
            return (Machine.push, syntax, self._filled(syntax)), ()
        function = EXTREMES[FUNCTIONS[name].name] if name in FUNCTIONS else ARRAY_FUNCTIONS[name]
        split = self._count_of_operands(function, given)
        operands, params = given[:split], given[split:]
        if split < len(function.operands) or not (
            function.required <= len(params) <= len(function.params)
        ):
            self._wrong_count_for(function, syntax)
        words = function.name in _TAKE_WORDS
        values = tuple(
            [
                self._array_parameter(param, value, words=words)
                for param, value in zip(function.params, params, strict=False)
            ]
        )
        return (Machine.array, syntax, (function, values, operands)), operands

    def _count_of_operands(self, function: ArrayFunction, given: Sequence[Syntax]) -> int:
        """How many arguments are operands; an optional parameter after several is a number."""
        if not function.variadic:
            return min(len(function.operands), len(given))
        optional = len(function.params) > function.required
        if optional and not (given and isinstance(ungrouped(given[-1]), Number)):
            return len(given)
        return max(len(given) - len(function.params), 0)

    def _wrong_count_for(self, function: ArrayFunction, syntax: Call) -> NoReturn:
        name, least = syntax.name.name, len(function.operands)
        shown = ", ".join([*function.operands, *["…"] * function.variadic, *function.params])
        if function.variadic:
            takes = f"{least + function.required} or more arguments"
        else:
            takes = arguments_in_words(least + function.required, least + len(function.params))
        spread = () if function.variadic else syntax.arguments[least:]
        self.wrong_count(syntax, f"{name}({shown}) takes {takes}", self._as_list(syntax, spread))

    def _as_list(self, syntax: Call, spread: Sequence[Syntax]) -> str:
        """The call with these last arguments in one list, if they are whole numbers."""
        values = [self._literal(part) for part in spread]
        if len(values) < 2 or any(type(value) is not int for value in values):
            return ""
        first = syntax.arguments[: len(syntax.arguments) - len(spread)]
        parts = [excerpt(self._text, part.span) for part in first]
        return f"write {syntax.name.name}({', '.join([*parts, str(values)])})"

    def array_operation(self, item: Operation) -> tuple[Step, tuple[Syntax, ...]]:
        """``@``, ``.T`` and what LaTeX has; a transpose directly in a product is part of it."""
        if item.op == "norm":
            return self.array_call(Call(Name("norm", item.span), item.operands, item.span))
        if item.op == "turned":
            function = ARRAY_FUNCTIONS["transpose"]
            return (Machine.array, item, (function, (), item.operands)), item.operands
        if item.op == "transposed":
            return (transposed, item, None), item.operands
        if item.op in CHECKED:
            return (CHECKED[item.op], item, None), item.operands
        sign = "turned" if item.op == "matmul" else "transposed"
        pairs = [
            (True, operand.operands[0])
            if isinstance(operand, Operation) and operand.op == sign
            else (False, operand)
            for operand in item.operands
        ]
        flags, operands = zip(*pairs, strict=True)
        if item.op == "matmul":
            return (Machine.matmul, item, (flags, operands)), operands
        return (product, item, (item.op, flags, operands)), operands

    # --- literal arrays ---------------------------------------------------------------------------

    def elements(self, listing: Listing) -> Elements:
        """The literal array that a list is."""
        shape: list[int] = []
        first: Number | Listing = listing
        while isinstance(first, Listing):
            shape.append(len(first.items))
            if not first.items:
                break
            first = first.items[0]
        level: list[Number | Listing] = [listing]
        for size in shape:
            found: list[Number | Listing] = []
            for part in level:
                if not isinstance(part, Listing) or len(part.items) != size:
                    self.fail("E130", "the lists in a list have one length", part.span)
                found += part.items
            level = found
        values = []
        for part in level:
            if not isinstance(part, Number):
                self.fail("E130", "the lists in a list have one length", part.span)
            values.append(part.value)
        kinds = {type(value) for value in values}
        if bool in kinds and len(kinds) > 1:
            self.fail("E130", "numbers and conditions in one list", listing.span)
        array = np.array(values, None if kinds else float)
        if array.dtype.kind not in "bif":  # integers beyond int64
            array = np.array(values, float)
        return Elements(array.reshape(shape), tuple(shape))

    def _filled(self, syntax: Call) -> Elements:
        """``zeros([3])``, ``full([3, 2], 0.5)``."""
        name, given = syntax.name.name, syntax.arguments
        number = FILLED[name]
        takes = ("shape",) if number is not None else ("shape", "number")
        if len(given) != len(takes):
            counted = f"{name}({', '.join(takes)}) takes {arguments_in_words(len(takes))}"
            hint = self._as_list(syntax, given) if number is not None else ""
            self.wrong_count(syntax, counted, hint)
        shape = self._array_parameter("shape", given[0])
        if number is None:
            number = self._number(given[1], given[0])
        if isinstance(shape, (float, bool)):
            self.fail("E106", f"{name} takes a list of sizes", given[0].span, "as in [3, 2]")
        try:
            return filled(number, (shape,) if isinstance(shape, int) else shape)
        except GraphError as error:
            raise FormulaError("E106", error.message, self._text, syntax.span) from error

    def _number(self, syntax: Syntax, shape: Syntax) -> Any:
        """The literal number that fills an array."""
        value = self._literal(syntax)
        if value is None or isinstance(value, tuple):
            number, sizes = as_factor(self._text, syntax.span), excerpt(self._text, shape.span)
            hint = f"write {number}*ones({sizes})"
            self.fail("E106", "the number must be a literal", syntax.span, hint)
        return value

    def _array_parameter(self, name: str, syntax: Syntax, *, words: bool = False) -> Any:
        """A literal parameter: a number, a list of whole numbers, or a word where there are any."""
        literal = ungrouped(syntax)
        value = self._literal(literal)
        if value is not None:
            return value
        if words and isinstance(literal, Name):
            return literal.name
        message = f"{name} must be a literal number, or a list of them such as [0, 1]"
        return self.fail("E106", message, syntax.span)

    def _literal(self, syntax: Syntax) -> Any:
        """The number or whole numbers that stand here literally; None for anything else."""
        match ungrouped(syntax):
            case Number(value):
                return value
            case Name("inf" | "nan" as name):
                return CONSTANTS[name]
            case Operation("negate", (Name("inf"),)):
                return -CONSTANTS["inf"]
            case Listing(items):
                values = [item.value for item in items if isinstance(item, Number)]
                whole = len(values) == len(items) and all(type(item) is int for item in values)
                return tuple(values) if whole else None
        return None


def arguments_in_words(least: int, most: int | None = None) -> str:
    """``"1 argument"``, ``"1 or 2 arguments"``."""
    if most is None or most == least:
        return f"{least} argument{'' if least == 1 else 's'}"
    return f"{least} or {most} arguments"
