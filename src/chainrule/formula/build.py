"""A stack machine makes nodes: each step takes its operands from a stack and leaves its result.

Numbers stay plain Python numbers until they meet a node, and then take its dtype (NEP 50).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn

import numpy as np

from chainrule.errors import FormulaError, FormulaLimitError, GraphError, Span
from chainrule.formula.arrays import ARRAY_FUNCTIONS, ArrayFunction
from chainrule.formula.limits import Limits
from chainrule.formula.mismatch import (
    SHORT,
    as_factor,
    fitting_product,
    mismatch,
    product_meant,
)
from chainrule.formula.syntax import (
    Call,
    Comparison,
    Index,
    Number,
    Power,
    Syntax,
    excerpt,
    ungrouped,
)
from chainrule.formula.values import (
    Elements,
    NamedNumber,
    Row,
    Value,
    axes_of,
    identity,
    kind_of,
    operand_of,
)
from chainrule.graph.node import CONSTANT, Node, constant_node, make
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.ops.composite.indexing import get
from chainrule.ops.term import Term, common_dtype, meet

Action = Callable[["Machine", Any, Any], None]
Step = tuple[Action | None, Any, Any]
"""What the machine is to do, the piece of syntax it comes from, and a detail. In place of the first
None stands for a call of the function in the detail."""
Code = list[Step]
"""Steps, operands first."""
Operands = tuple[Syntax, ...]
Flags = tuple[bool, ...]

MATMUL: Final = ARRAY_FUNCTIONS["matmul"]

ROWS: Final = r"a row stands before a vector or a matrix; alone it is a column: x, A^\top x"
"""What is said of a row that is no factor."""


class Function:
    """A function the text defines: the steps of its body."""

    __slots__ = ("code", "name")

    def __init__(self, name: str, code: Code) -> None:
        self.name = name
        self.code = code


class Machine:
    """Runs steps and remembers the place of every node.

    Attributes:
        spans: Node → where it was written.
        names: Node → the names given to it.
        called: The functions that were called.
        text: The source.
        stack: The operands of the steps to come, the last one on top.
    """

    def __init__(self, text: str, limits: Limits, literals: Type) -> None:
        self.spans: defaultdict[Node, list[Span]] = defaultdict(list)
        self.names: dict[Node, list[str]] = {}
        self.called: set[Function] = set()
        self.text = text
        self._limit = limits.nodes
        self._literals = literals
        self._made = 0
        self.stack: list[Value] = []
        self._scope: tuple[Value, ...] = ()
        self._memory: dict[tuple[Any, ...], Value] = {}
        self._named: set[str] = set()

    def run(self, code: Code) -> Value:
        """The value that the steps leave.

        Raises:
            FormulaError: E130 operands that do not fit.
            LimitError: E153 too many nodes.
        """
        frames: list[tuple[Iterator[Step], tuple[Value, ...], tuple[Any, ...], Syntax]] = []
        steps = iter(code)
        syntax: Any = None
        try:
            while True:
                for action, syntax, detail in steps:
                    if action is not None:
                        action(self, syntax, detail)
                        continue
                    count = len(syntax.arguments)
                    arguments = tuple(self.stack[-count:])
                    del self.stack[-count:]
                    self.count(syntax.span, 1 + count)
                    key = (detail, *map(identity, arguments))
                    found = self._memory.get(key)
                    if found is not None:
                        self.push(syntax, found)
                        continue
                    self.called.add(detail)
                    frames.append((steps, self._scope, key, syntax))
                    steps, self._scope = iter(detail.code), arguments
                    break
                else:
                    if not frames:
                        return self.stack.pop()
                    steps, self._scope, key, syntax = frames.pop()
                    value = self._memory[key] = self.stack.pop()
                    self.push(syntax, value)
        except GraphError as error:
            self._refuse(error, syntax.span)

    def _refuse(self, error: GraphError, span: Span, message: str = "", hint: str = "") -> NoReturn:
        """Operands do not fit: their shapes, or whatever else."""
        code = error.code if error.code in ("E105", "E203") else "E130"
        raise FormulaError(code, message or error.message, self.text, span, hint) from error

    def count(self, span: Span, work: int = 1) -> None:
        """More work, one for a node; raises LimitError E153 when it is too much."""
        self._made += work
        if self._made > self._limit:
            raise FormulaLimitError("E153", f"more than {self._limit} nodes", self.text, span)

    def node(self, value: Value, syntax: Syntax) -> Node:
        """The value as a node: a number that met none takes the dtype of literals.

        Raises:
            FormulaError: E130 for a number that this dtype cannot hold.
        """
        if isinstance(value, Node):
            return value
        if isinstance(value, Row):
            self._lone_row(syntax.span)
        try:
            return self._constant(value, self._type_of(value), syntax)
        except GraphError as error:
            raise FormulaError("E130", error.message, self.text, syntax.span) from error

    # --- steps ------------------------------------------------------------------------------------

    def push(self, syntax: Syntax, value: Value) -> None:
        """What is known already: a number, or what a name stands for."""
        if isinstance(value, Node):
            self.spans[value].append(syntax.span)
        self.stack.append(value)

    def push_argument(self, syntax: Syntax, position: int) -> None:
        """An argument of the function whose body this is."""
        self.push(syntax, self._scope[position])

    def operation(self, syntax: Syntax, detail: tuple[Op, Params, tuple[Syntax, ...]]) -> None:
        """One operation: (op, parameters, the syntax of its operands)."""
        self.apply(*detail, syntax.span)

    def beside(self, syntax: Syntax, detail: tuple[Op, Params, tuple[Syntax, ...]]) -> None:
        """A product without a sign, which of arrays might be either of two."""
        if axes_of(self.stack[-1]) and axes_of(self.stack[-2]):
            first, second = [as_factor(self.text, operand.span) for operand in detail[2]]
            hint = f"write {first} @ {second} for the matrix product, {first}*{second} for elements"
            message = "a product of arrays without a sign"
            raise FormulaError("E130", message, self.text, syntax.span, hint)
        self.apply(*detail, syntax.span)

    def power_t(self, syntax: Syntax, detail: tuple[Op, Params, tuple[Syntax, ...]]) -> None:
        """A power whose exponent is a T that nobody declared: of an array, it was a transpose."""
        base = detail[2][0]
        if axes_of(self.stack[-2]):
            source = as_factor(self.text, base.span)
            hint = f"write {source}.T; a number T is declared as an input"
            raise FormulaError("E130", "a transpose", self.text, syntax.span, hint)
        self.apply(*detail, syntax.span)

    def nested(self, syntax: Call, op: Op) -> None:
        """A binary operation between all operands, from the left: ``min(a, b, c)``."""
        operands = syntax.arguments
        values = self.stack[-len(operands) :]
        del self.stack[1 - len(operands) :]
        start = operands[0].span.start
        for value, operand in zip(values[1:], operands[1:], strict=True):
            self.stack.append(value)
            self.apply(op, (), (operands[0], operand), Span(start, operand.span.end))

    def chain(self, syntax: Comparison, all_hold: Op) -> None:
        """A chain of comparisons: each between neighbours, all must hold."""
        operands = syntax.operands
        values = self.stack[-len(operands) :]
        del self.stack[-len(operands) :]
        for at, name in enumerate(syntax.ops):
            left, right = operands[at : at + 2]
            self.stack += values[at : at + 2]
            self.apply(OPS[name], (), (left, right), Span(left.span.start, right.span.end))
            if at:
                span = Span(operands[0].span.start, right.span.end)
                self.apply(all_hold, (), (left, right), span)

    # --- arrays -----------------------------------------------------------------------------------

    def array(self, syntax: Syntax, detail: tuple[ArrayFunction, Params, Operands]) -> None:
        """A function on whole arrays: (function, parameters, the syntax of its operands)."""
        function, params, operands = detail
        values = self.stack[-len(operands) :]
        del self.stack[-len(operands) :]
        self.built(function, values, params, operands, syntax.span)

    def index(self, syntax: Index, key: tuple[int | slice, ...]) -> None:
        """Some elements of an array."""
        node = self.node(self.stack.pop(), syntax.base)
        try:
            self._finish(get(Term(node), key).node, syntax.span)
        except GraphError as error:
            self._refuse(error, syntax.span)

    def matmul(self, syntax: Syntax, detail: tuple[Flags, Operands]) -> None:
        """``a @ b``: (which of them are transposed, their syntax)."""
        flags, operands = detail
        second, first = self.stack.pop(), self.stack.pop()
        for value, operand in zip((first, second), operands, strict=True):
            if isinstance(operand, Power) and axes_of(value) > 1:
                self._refuse_power(operand)
        self.built(MATMUL, [first, second], flags, operands, syntax.span)

    def _refuse_power(self, syntax: Power) -> NoReturn:
        """``A^-1 @ b``: next to a matrix product, powers that go element by element mislead."""
        source = as_factor(self.text, syntax.base.span)
        power = ungrouped(syntax.exponent)
        value = power.value if isinstance(power, Number) else 0
        meant = f"inv({source})" if value == -1 else f"{source} @ {source}" if value == 2 else ""
        hint = f"({excerpt(self.text, syntax.span, SHORT)}) in brackets goes element by element"
        hint = f"write {meant}; {hint}" if meant else hint
        raise FormulaError("E130", "a power of a matrix", self.text, syntax.span, hint)

    def _no_rows(self, values: Sequence[Value], operands: Operands) -> None:
        for value, syntax in zip(values, operands, strict=True):
            if isinstance(value, Row):
                self._lone_row(syntax.span)

    def _lone_row(self, span: Span) -> NoReturn:
        raise FormulaError("E203", "a row that multiplies nothing", self.text, span, ROWS)

    def built(
        self,
        function: ArrayFunction,
        values: Sequence[Value],
        params: Params,
        operands: Operands,
        span: Span,
        *,
        latex: bool = False,
    ) -> None:
        """Push what a function makes of values; ``latex`` says how a hint spells a product."""
        self.count(span, _COMPOSITE)
        nodes = self._arrays(function, values, operands)
        try:
            made = function.build(nodes, *params)
        except GraphError as error:
            if error.code != "E203" or len(nodes) < 2:
                self._refuse(error, span)
            hint = error.message.split(": ", 1)[-1] if params else ""
            if function is MATMUL:
                flags = params or (False, False)
                hint = fitting_product(nodes, operands, flags, self.text, latex=latex)
            self._refuse(error, span, mismatch(nodes, operands, self.text, span), hint)
        except (TypeError, ValueError) as error:
            message = f"{function.name} cannot take these parameters"
            raise FormulaError("E106", message, self.text, span) from error
        self._finish(made, span)

    def _finish(self, made: Node, span: Span) -> None:
        """Push a node; what was made on the way to it stands at the same place."""
        waiting = [made]
        while waiting:
            node = waiting.pop()
            if node not in self.spans and not (node.is_leaf and node.op is not CONSTANT):
                self.spans[node].append(span)
                waiting += node.operands
            elif node is made:
                self.spans[node].append(span)
        self.stack.append(made)

    def _arrays(
        self, function: ArrayFunction, values: Sequence[Value], operands: Operands
    ) -> list[Node]:
        """The operands as nodes: numbers take the dtype of the nodes they meet, indices int64."""
        self._no_rows(values, operands)
        numbers = len(values) if function.integers is None else function.integers
        meeting = [value.type.dtype for value in values[:numbers] if isinstance(value, Node)]
        found: list[Node] = []
        for at, (value, syntax) in enumerate(zip(values, operands, strict=True)):
            if isinstance(value, Node):
                found.append(value)
                continue
            kind = kind_of(value)
            if at >= numbers:
                type_ = _INT64
            elif meeting and kind is not bool:
                type_ = Type.of(np.result_type(*meeting, kind(0)))
            else:
                type_ = self._type_of(value)
            try:
                found.append(self._constant(value, type_, syntax))
            except GraphError as error:
                if at < numbers:
                    self._refuse(error, syntax.span)
                message = f"{function.name} takes whole numbers as indices"
                self._refuse(error, syntax.span, message, "as in [0, 2]")
        return found

    # --- nodes ------------------------------------------------------------------------------------

    def apply(self, op: Op, params: Params, operands: tuple[Syntax, ...], span: Span) -> None:
        """Replace the topmost values by the node of ``op`` on them."""
        self.count(span)
        stack = self.stack
        count = len(operands)
        if count == 2:
            second, first = stack.pop(), stack.pop()
            node = self._pair(op, params, first, second, operands, span)
        else:
            values = stack[-count:]
            del stack[-count:]
            value = values[0]
            if count == 1 and isinstance(value, Node) and value.type.is_float:
                node = make(op, (value,), params)
            elif isinstance(value, Row) and op is OPS["negate"]:
                stack.append(Row(make(op, (value.node,))))
                return
            else:
                node = make(op, self._meet(op, params, values, operands, span), params)
        self.spans[node].append(span)
        stack.append(node)

    def _pair(
        self,
        op: Op,
        params: Params,
        first: Value,
        second: Value,
        operands: Operands,
        span: Span,
    ) -> Node:
        """Two operands: the common cases, floats of one type and plain numbers, are short."""
        if first.__class__ is Node:
            assert isinstance(first, Node)
            if second.__class__ is Node:
                assert isinstance(second, Node)
                if first.type is second.type and first.type.is_float:
                    return make(op, (first, second), params)
            elif first.type is FLOAT64 and second.__class__ in _PLAIN:
                return make(op, (first, self._constant(second, FLOAT64, operands[1])), params)
        elif second.__class__ is Node and first.__class__ in _PLAIN:
            assert isinstance(second, Node)
            if second.type is FLOAT64:
                return make(op, (self._constant(first, FLOAT64, operands[0]), second), params)
        return make(op, self._meet(op, params, [first, second], operands, span), params)

    def _meet(
        self, op: Op, params: Params, values: list[Value], operands: Operands, span: Span
    ) -> tuple[Node, ...]:
        """The general case: dtypes meet by NumPy's promotion.

        Numbers that meet no node become constants of the dtype of literals, and literal arrays of
        the dtype that all have in common; single numbers are left to `meet`.
        """
        self._no_rows(values, operands)
        kinds = op.kinds_of(len(values))
        numbers = [
            value for value, kind in zip(values, kinds, strict=True) if kind is not Kind.BOOL
        ]
        met = [value.type.dtype for value in numbers if isinstance(value, Node)]
        weak = {kind_of(value) for value in numbers if not isinstance(value, Node)}
        conditions = op.kind_for(params) is Kind.ANY and weak == {bool}
        alone = not met and not conditions
        if alone:
            met = [self._literals.dtype]
        if alone or any(isinstance(value, Elements) for value in values):
            common = common_dtype(op, (*met, *sorted(weak, key=repr)), params)
            values = [
                value
                if not (isinstance(value, Elements) or (alone and kind is not Kind.BOOL))
                else self._constant(value, BOOL if kind is Kind.BOOL else Type.of(common), syntax)
                for value, kind, syntax in zip(values, kinds, operands, strict=True)
            ]
        try:
            nodes = meet(op, tuple(map(operand_of, values)), params)
        except GraphError as error:
            if error.code != "E203":
                raise
            spots = [
                (value, syntax)
                for value, syntax in zip(values, operands, strict=True)
                if isinstance(value, Node)
            ]
            met_nodes, written = zip(*spots, strict=True)
            hint = product_meant(met_nodes, written, self.text)
            self._refuse(error, span, mismatch(met_nodes, written, self.text, span), hint)
        for node, value, syntax in zip(nodes, values, operands, strict=True):
            if node is not value:
                self._place_constant(node, value, syntax)
        return nodes

    def _type_of(self, value: Value) -> Type:
        kind = kind_of(value)
        if kind is bool:
            return BOOL
        if kind is float and not self._literals.is_float:
            return FLOAT64
        return self._literals

    def _constant(self, value: Value, type: Type, syntax: Syntax) -> Node:
        if isinstance(value, Elements):
            node = value.constant(type.dtype)
        else:
            node = constant_node(float(value) if isinstance(value, NamedNumber) else value, type)
        self._place_constant(node, value, syntax)
        return node

    def _place_constant(self, node: Node, value: Value, syntax: Syntax) -> None:
        self.spans[node].append(ungrouped(syntax).span)
        if isinstance(value, NamedNumber) and value.name not in self._named:
            self._named.add(value.name)
            self.names.setdefault(node, []).append(value.name)


_PLAIN: Final = (int, float)
_INT64: Final = Type.of("int64")
_COMPOSITE: Final = 10
"""Nodes that a function on arrays counts as."""
