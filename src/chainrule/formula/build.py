"""A stack machine makes nodes: each step takes its operands from a stack and leaves its result.

Numbers stay plain Python numbers until they meet a node, and then take its dtype (NEP 50).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NoReturn

import numpy as np

from chainrule.errors import FormulaError, FormulaLimitError, GraphError, Span
from chainrule.formula.arrays import ARRAY_FUNCTIONS, ArrayFunction, Elements, Row
from chainrule.formula.limits import Limits
from chainrule.formula.syntax import Call, Comparison, Index, Operation, Syntax, ungrouped
from chainrule.graph.node import CONSTANT, Node, constant_node, make
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.ops.composite.indexing import get
from chainrule.ops.term import Term, common_dtype, meet


class NamedNumber(float):
    """A constant such as ``pi``: a number until it meets a node, which then bears its name."""

    __slots__ = ("name",)

    def __new__(cls, value: float, name: str) -> NamedNumber:
        number = super().__new__(cls, value)
        number.name = name
        return number

    name: str


Value = Node | int | float | bool | Elements | Row
"""What stands on the stack: a node, or a number or array of numbers that has met none yet."""

Action = Callable[["Machine", Any, Any], None]
Step = tuple[Action | None, Any, Any]
"""A method of the machine, the piece of syntax it comes from, and a detail. In place of the method
None stands for a call of the function in the detail."""
Code = list[Step]
"""Steps, operands first."""
Operands = tuple[Syntax, ...]
Flags = tuple[bool, ...]


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
            self._refuse(error, syntax.span)

    def _refuse(self, error: GraphError, span: Span, message: str = "", hint: str = "") -> NoReturn:
        """Operands do not fit: their shapes, or whatever else."""
        code = error.code if error.code in ("E105", "E203") else "E130"
        raise FormulaError(code, message or error.message, self._text, span, hint) from error

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
        if isinstance(value, Row):
            self._lone_row(syntax.span)
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

    # --- arrays -----------------------------------------------------------------------------------

    def array(self, syntax: Syntax, detail: tuple[ArrayFunction, Params, Operands]) -> None:
        """A function on whole arrays: (function, parameters, the syntax of its operands)."""
        function, params, operands = detail
        values = self._stack[-len(operands) :]
        del self._stack[-len(operands) :]
        self._built(function, values, params, operands, syntax.span)

    def index(self, syntax: Index, key: tuple[int | slice, ...]) -> None:
        """Some elements of an array."""
        node = self.node(self._stack.pop(), syntax.base)
        try:
            self._finish(get(Term(node), key).node, syntax.span)
        except GraphError as error:
            self._refuse(error, syntax.span)

    def matmul(self, syntax: Syntax, detail: tuple[Flags, Operands]) -> None:
        """``a @ b``: (which of them are transposed, their syntax)."""
        flags, operands = detail
        second, first = self._stack.pop(), self._stack.pop()
        self._built(_MATMUL, [first, second], flags, operands, syntax.span)

    def transposed(self, syntax: Operation, _: None) -> None:
        r"""``x^\top`` that is no factor: a matrix, or a vector as a row."""
        node = self.node(self._stack.pop(), syntax.operands[0])
        if len(node.type.shape) == 1:
            self._stack.append(Row(node))
        else:
            self._built(ARRAY_FUNCTIONS["transpose"], [node], (), syntax.operands, syntax.span)

    def product(self, syntax: Syntax, detail: tuple[str, Flags, Operands]) -> None:
        """A product in LaTeX, whose meaning depends on shapes: (sign, transposed, operands)."""
        sign, flags, operands = detail
        second, first = self._stack.pop(), self._stack.pop()
        values = [first, second]
        for at, (value, flag) in enumerate(zip(values, flags, strict=True)):
            if flag and isinstance(value, Node) and len(value.type.shape) == 1:
                values[at] = Row(value)
        rows = [isinstance(value, Row) for value in values]
        if not all(map(_axes, values)):  # a number is a factor
            nodes = [_column(value) for value in values]
            if any(flags):
                nodes = [
                    self._turned(value) if flag and not row else value
                    for value, flag, row in zip(nodes, flags, rows, strict=True)
                ]
            self._stack += nodes
            self._apply(OPS["multiply"], (), operands, syntax.span)
            if any(rows):
                self._stack.append(Row(self.node(self._stack.pop(), syntax)))
            return
        shapes = [_axes(value) for value in values]
        if rows == [False, True] and shapes == [1, 1]:
            nodes = [_column(value) for value in values]
            self._built(ARRAY_FUNCTIONS["outer"], nodes, (), operands, syntax.span)
            return
        if rows[1] or (not rows[0] and shapes[0] == 1 and (shapes[1] > 1 or sign == "product")):
            self._misplaced_vector(syntax, operands, rows, shapes)
        nodes = [_column(value) for value in values]
        turned = tuple([flag and not row for flag, row in zip(flags, rows, strict=True)])
        self._built(_MATMUL, nodes, turned, operands, syntax.span)
        if rows[0] and shapes[1] > 1:
            self._stack.append(Row(self.node(self._stack.pop(), syntax)))

    def _turned(self, value: Value) -> Value:
        if not isinstance(value, Node) or not value.type.shape:
            return value
        return ARRAY_FUNCTIONS["transpose"].build([value])

    def _misplaced_vector(
        self, syntax: Syntax, operands: Operands, rows: Sequence[bool], shapes: Sequence[int]
    ) -> NoReturn:
        first, second = map(self._source, operands)
        if rows[1]:
            message = f"{second} as a row has nothing to its right"
            hint = "a row stands before a vector or a matrix"
        elif shapes[1] == 1:
            message = f"{first} and {second} are vectors"
            hint = (
                rf"{first}^\top {second} is their scalar product, {first} \odot {second} the "
                "product element by element"
            )
        else:
            message = f"{first} is a vector"
            hint = rf"to the left of a matrix it is a row: {first}^\top {second}"
        self._refuse(
            GraphError("E203", ""),
            syntax.span,
            f"shapes do not match in {self._source(syntax)}: {message}",
            hint,
        )

    def _lone_row(self, span: Span) -> NoReturn:
        hint = "a row stands before a vector or a matrix"
        self._refuse(GraphError("E203", ""), span, "a row that multiplies nothing", hint)

    def _built(
        self,
        function: ArrayFunction,
        values: Sequence[Value],
        params: Params,
        operands: Operands,
        span: Span,
    ) -> None:
        """Push what a function makes of values."""
        self.count(span, _COMPOSITE)
        nodes = self._arrays(function, values, operands)
        try:
            made = function.build(nodes, *params)
        except GraphError as error:
            if error.code != "E203" or len(nodes) < 2:
                self._refuse(error, span)
            flags = params if function is _MATMUL else ()
            self._refuse(error, span, *self._unfit(nodes, operands, span, flags))
        except (TypeError, ValueError) as error:
            message = f"{function.name} cannot take these parameters"
            raise FormulaError("E106", message, self._text, span) from error
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
        self._stack.append(made)

    def _arrays(
        self, function: ArrayFunction, values: Sequence[Value], operands: Operands
    ) -> list[Node]:
        """The operands as nodes: numbers take the dtype of the nodes they meet, indices int64."""
        meeting = [
            value.type.dtype for value in values[: function.integers] if isinstance(value, Node)
        ]
        found: list[Node] = []
        for at, (value, syntax) in enumerate(zip(values, operands, strict=True)):
            if isinstance(value, Node):
                found.append(value)
                continue
            if isinstance(value, Row):
                self._lone_row(syntax.span)
            kind = value.kind if isinstance(value, Elements) else type(value)
            if at >= function.integers:
                type_ = _INT64
            elif meeting and kind is not bool:
                weak = 0.0 if issubclass(kind, float) else 0
                type_ = Type.of(np.result_type(*meeting, weak))
            else:
                type_ = self._type_of(value)
            try:
                found.append(self._constant(value, type_, syntax))
            except GraphError as error:
                self._refuse(error, syntax.span)
        return found

    def _source(self, syntax: Syntax) -> str:
        """A piece of the text for a message; an ellipsis if it is long."""
        shown = " ".join(self._text[syntax.span.start : syntax.span.end].split())
        return shown if len(shown) <= _SHORT else "…"

    def _unfit(
        self,
        nodes: Sequence[Node],
        operands: Sequence[Syntax],
        span: Span,
        flags: Sequence[bool] = (),
    ) -> tuple[str, str]:
        """Message and hint for operands whose shapes do not match."""
        whole = " ".join(self._text[span.start : span.end].split())
        where = f" in {whole}" if len(whole) <= _SHORT else ""
        sources = [self._source(syntax) for syntax in operands]
        shapes = [
            f"{source if source != '…' else f'operand {at + 1}'} is {_shape_in_words(node)}"
            for at, (source, node) in enumerate(zip(sources, nodes, strict=True))
        ]
        message = f"shapes do not match{where}: {', '.join(shapes[:6])}"
        return message, _repair(nodes, sources, flags) if flags else ""

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
            elif isinstance(value, Row) and op is OPS["negate"]:
                stack.append(Row(make(op, (value.node,))))
                return
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
        kinds = op.kinds_of(len(values))
        for value, syntax in zip(values, operands, strict=True):
            if isinstance(value, Row):
                self._lone_row(syntax.span)
        numbers = [
            value for value, kind in zip(values, kinds, strict=True) if kind is not Kind.BOOL
        ]
        plain = {_plain_kind(value) for value in numbers if not isinstance(value, Node)}
        conditions = op.kind_for(params) is Kind.ANY and plain == {bool} and len(numbers) > 0
        nodes_among = [value.type.dtype for value in numbers if isinstance(value, Node)]
        conditions = conditions and not nodes_among
        if not conditions and not nodes_among:
            dtype = common_dtype(op, (self._literals.dtype, *sorted(plain, key=repr)), params)
            values = [
                value if kind is Kind.BOOL else self._constant(value, Type.of(dtype), syntax)
                for value, kind, syntax in zip(values, kinds, operands, strict=True)
            ]
        if any(isinstance(value, Elements) for value in values):
            weak = sorted(plain, key=repr)
            known = common_dtype(op, (*nodes_among, *weak), params) if numbers else None
            values = [
                value
                if not isinstance(value, Elements)
                else self._constant(
                    value, BOOL if kind is Kind.BOOL or known is None else Type.of(known), syntax
                )
                for value, kind, syntax in zip(values, kinds, operands, strict=True)
            ]
        try:
            nodes = meet(op, tuple(map(_operand, values)), params)
        except GraphError as error:
            if error.code != "E203":
                raise
            spots = [
                (value, syntax)
                for value, syntax in zip(values, operands, strict=True)
                if isinstance(value, Node)
            ]
            span = Span(operands[0].span.start, operands[-1].span.end)
            unfit = self._unfit([spot[0] for spot in spots], [spot[1] for spot in spots], span)
            self._refuse(error, span, *unfit)
        for node, value, syntax in zip(nodes, values, operands, strict=True):
            if node is not value:
                self._place_constant(node, value, syntax)
        return nodes

    def _type_of(self, value: Value) -> Type:
        kind = _plain_kind(value)
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
_MATMUL: Final = ARRAY_FUNCTIONS["matmul"]
_SHORT: Final = 30
_COMPOSITE: Final = 10
"""Nodes that a function on arrays counts as."""


def _plain_kind(value: Value) -> type:
    """The Python type of a number, or of the elements of a literal array."""
    if isinstance(value, Elements):
        return value.kind
    return float if isinstance(value, float) else type(value)


def _column(value: Value) -> Value:
    """The vector that a row is; any other value itself."""
    return value.node if isinstance(value, Row) else value


def _axes(value: Value) -> int:
    """How many axes a value has."""
    if isinstance(value, Row):
        return 1
    if isinstance(value, Node):
        return len(value.type.shape)
    return len(value.shape) if isinstance(value, Elements) else 0


def _shape_in_words(node: Node) -> str:
    return str(list(node.type.shape)) if node.type.shape else "a number"


def _repair(nodes: Sequence[Node], sources: Sequence[str], flags: Sequence[bool]) -> str:
    """What differs in a matrix product, and what would fit in its place."""
    shapes = [node.type.shape for node in nodes]
    if not all(shapes):
        return "a number multiplies with *"
    if any(len(shape) > 2 for shape in shapes):
        return ""
    a, b = (shape[::-1] if flag else shape for shape, flag in zip(shapes, flags, strict=True))
    inner, outer = a[-1], b[-2 if len(b) > 1 else 0]
    differ = f"the inner sizes {inner} and {outer} differ"
    names = [source if _AS_FACTOR.fullmatch(source) else f"({source})" for source in sources]
    pairs = list(zip(names, flags, strict=True))
    turned = [name if flag else f"{name}.T" for name, flag in pairs]
    given = [f"{name}.T" if flag else name for name, flag in pairs]
    if "…" in "".join(sources):
        return differ
    if len(a) > 1 and a[0] == outer:
        return f"{differ}; {turned[0]} @ {given[1]} would fit"
    if len(b) > 1 and b[-1] == inner:
        return f"{differ}; {given[0]} @ {turned[1]} would fit"
    if b[-1] == a[0]:
        return f"{differ}; {given[1]} @ {given[0]} would fit"
    return differ


_AS_FACTOR: Final = re.compile(r"[\w.]+|\w+\([^()]*\)|\([^()]*\)")


def _operand(value: Value) -> Term | int | float | bool:
    """The value as `chainrule.ops.term.meet` takes it."""
    assert not isinstance(value, (Elements, Row))
    if isinstance(value, Node):
        return Term(value)
    return float(value) if isinstance(value, NamedNumber) else value


def _identity(value: Value) -> Any:
    """What makes an argument the same: 1, 1.0 and true are three, −0.0 is not 0.0."""
    if isinstance(value, Elements):
        return value.identity
    if isinstance(value, Row):
        return (Row, value.node)
    return value if isinstance(value, Node) else (type(value), repr(value))
