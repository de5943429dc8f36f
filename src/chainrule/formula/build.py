"""A stack machine makes nodes: each step takes its operands from a stack and leaves its result.

Numbers stay plain Python numbers until they meet a node, and then take its dtype (NEP 50).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from chainrule.errors import FormulaError, FormulaLimitError, GraphError, Span
from chainrule.formula.limits import Limits
from chainrule.formula.syntax import Call, Comparison, Syntax, ungrouped
from chainrule.graph.node import Node, constant_node, make
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.ops.term import Term, common_dtype, meet


class NamedNumber(float):
    """A constant such as ``pi``: a number until it meets a node, which then bears its name."""

    __slots__ = ("name",)

    def __new__(cls, value: float, name: str) -> NamedNumber:
        number = super().__new__(cls, value)
        number.name = name
        return number

    name: str


Value = Node | int | float | bool
"""What stands on the stack: a node, or a number that has met none yet."""

Action = Callable[["Machine", Any, Any], None]
Step = tuple[Action | None, Any, Any]
"""A method of the machine, the piece of syntax it comes from, and a detail. In place of the method
None stands for a call of the function in the detail."""
Code = list[Step]
"""Steps, operands first."""


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
    """

    def __init__(self, text: str, limits: Limits, literals: Type) -> None:
        self.spans: defaultdict[Node, list[Span]] = defaultdict(list)
        self.names: dict[Node, list[str]] = {}
        self.called: set[Function] = set()
        self._text = text
        self._limit = limits.nodes
        self._literals = literals
        self._made = 0
        self._stack: list[Value] = []
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
                    arguments = tuple(self._stack[-count:])
                    del self._stack[-count:]
                    self.count(syntax.span, 1 + count)
                    key = (detail, *map(_identity, arguments))
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
                        return self._stack.pop()
                    steps, self._scope, key, syntax = frames.pop()
                    value = self._memory[key] = self._stack.pop()
                    self.push(syntax, value)
        except GraphError as error:
            raise FormulaError("E130", error.message, self._text, syntax.span) from error

    def count(self, span: Span, work: int = 1) -> None:
        """More work, one for a node; raises LimitError E153 when it is too much."""
        self._made += work
        if self._made > self._limit:
            raise FormulaLimitError("E153", f"more than {self._limit} nodes", self._text, span)

    def node(self, value: Value, syntax: Syntax) -> Node:
        """The value as a node: a number that met none takes the dtype of literals.

        Raises:
            FormulaError: E130 for a number that this dtype cannot hold.
        """
        if isinstance(value, Node):
            return value
        try:
            return self._constant(value, self._type_of(value), syntax)
        except GraphError as error:
            raise FormulaError("E130", error.message, self._text, syntax.span) from error

    # --- steps ------------------------------------------------------------------------------------

    def push(self, syntax: Syntax, value: Value) -> None:
        """What is known already: a number, or what a name stands for."""
        if isinstance(value, Node):
            self.spans[value].append(syntax.span)
        self._stack.append(value)

    def push_argument(self, syntax: Syntax, position: int) -> None:
        """An argument of the function whose body this is."""
        self.push(syntax, self._scope[position])

    def operation(self, syntax: Syntax, detail: tuple[Op, Params, tuple[Syntax, ...]]) -> None:
        """One operation: (op, parameters, the syntax of its operands)."""
        self._apply(*detail, syntax.span)

    def nested(self, syntax: Call, op: Op) -> None:
        """A binary operation between all operands, from the left: ``min(a, b, c)``."""
        operands = syntax.arguments
        values = self._stack[-len(operands) :]
        del self._stack[1 - len(operands) :]
        start = operands[0].span.start
        for value, operand in zip(values[1:], operands[1:], strict=True):
            self._stack.append(value)
            self._apply(op, (), (operands[0], operand), Span(start, operand.span.end))

    def chain(self, syntax: Comparison, all_hold: Op) -> None:
        """A chain of comparisons: each between neighbours, all must hold."""
        operands = syntax.operands
        values = self._stack[-len(operands) :]
        del self._stack[-len(operands) :]
        for at, name in enumerate(syntax.ops):
            left, right = operands[at : at + 2]
            self._stack += values[at : at + 2]
            self._apply(OPS[name], (), (left, right), Span(left.span.start, right.span.end))
            if at:
                span = Span(operands[0].span.start, right.span.end)
                self._apply(all_hold, (), (left, right), span)

    # --- nodes ------------------------------------------------------------------------------------

    def _apply(self, op: Op, params: Params, operands: tuple[Syntax, ...], span: Span) -> None:
        """Replace the topmost values by the node of ``op`` on them."""
        self.count(span)
        stack = self._stack
        count = len(operands)
        if count == 2:
            second, first = stack.pop(), stack.pop()
            node = self._pair(op, params, first, second, operands)
        else:
            values = stack[-count:]
            del stack[-count:]
            value = values[0]
            if count == 1 and isinstance(value, Node) and value.type.is_float:
                node = make(op, (value,), params)
            else:
                node = make(op, self._meet(op, params, values, operands), params)
        self.spans[node].append(span)
        stack.append(node)

    def _pair(
        self, op: Op, params: Params, first: Value, second: Value, operands: tuple[Syntax, ...]
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
        return make(op, self._meet(op, params, [first, second], operands), params)

    def _meet(
        self, op: Op, params: Params, values: list[Value], operands: tuple[Syntax, ...]
    ) -> tuple[Node, ...]:
        """The general case: dtypes meet by NumPy's promotion.

        Numbers that meet no node first become constants of the dtype of literals.
        """
        kinds = op.kinds * len(values) if op.variadic else op.kinds
        numbers = [
            value for value, kind in zip(values, kinds, strict=True) if kind is not Kind.BOOL
        ]
        conditions = op.kind_for(params) is Kind.ANY and all(type(v) is bool for v in numbers)
        if not conditions and not any(isinstance(value, Node) for value in numbers):
            plain = {float if isinstance(value, float) else type(value) for value in numbers}
            dtype = common_dtype(op, (self._literals.dtype, *sorted(plain, key=repr)), params)
            values = [
                value if kind is Kind.BOOL else self._constant(value, Type.of(dtype), syntax)
                for value, kind, syntax in zip(values, kinds, operands, strict=True)
            ]
        nodes = meet(op, tuple(map(_operand, values)), params)
        for node, value, syntax in zip(nodes, values, operands, strict=True):
            if node is not value:
                self._place_constant(node, value, syntax)
        return nodes

    def _type_of(self, value: Value) -> Type:
        if isinstance(value, bool):
            return BOOL
        if isinstance(value, float) and not self._literals.is_float:
            return FLOAT64
        return self._literals

    def _constant(self, value: Value, type: Type, syntax: Syntax) -> Node:
        node = constant_node(float(value) if isinstance(value, NamedNumber) else value, type)
        self._place_constant(node, value, syntax)
        return node

    def _place_constant(self, node: Node, value: Value, syntax: Syntax) -> None:
        self.spans[node].append(ungrouped(syntax).span)
        if isinstance(value, NamedNumber) and value.name not in self._named:
            self._named.add(value.name)
            self.names.setdefault(node, []).append(value.name)


_PLAIN: Final = (int, float)


def _operand(value: Value) -> Term | int | float | bool:
    """The value as `chainrule.ops.term.meet` takes it."""
    if isinstance(value, Node):
        return Term(value)
    return float(value) if isinstance(value, NamedNumber) else value


def _identity(value: Value) -> Any:
    """What makes an argument the same: 1, 1.0 and true are three, −0.0 is not 0.0."""
    return value if isinstance(value, Node) else (type(value), repr(value))
