"""A syntax tree gets its meaning: names are resolved, statements become the nodes of a Dag.

Names are looked up in this order: arguments of the function being defined, definitions of the text,
declared names, names met before, constants, functions; any other name is a new input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from chainrule.errors import FormulaError, GraphError, LimitError, Span
from chainrule.formula.build import Code, Function, Machine, NamedNumber, Step, Value
from chainrule.formula.limits import Limits
from chainrule.formula.names import (
    CONSTANTS,
    FUNCTIONS,
    KEYWORDS,
    LETTERS,
    NAMED_CONSTANTS,
    canonical,
    similar,
)
from chainrule.formula.syntax import (
    Call,
    Comparison,
    Definition,
    FunctionDefinition,
    Group,
    Name,
    Number,
    Operation,
    Outputs,
    Power,
    Statement,
    Syntax,
    span_of,
    ungrouped,
)
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, check_name, input_node, parameter_node
from chainrule.graph.op import OPS, Op, Params
from chainrule.graph.types import Type
from chainrule.ops import abstract


@dataclass(frozen=True, slots=True)
class Declarations:
    """What is said about names outside of the text; `inputs` None: every free name is one."""

    inputs: tuple[str, ...] | None
    parameters: tuple[str, ...]
    abstract: tuple[str, ...]
    dtype: str | Mapping[str, str]

    @staticmethod
    def of(
        inputs: str | Sequence[str] | None,
        parameters: str | Sequence[str],
        abstract: str | Sequence[str],
        dtype: str | Mapping[str, str],
    ) -> Declarations:
        """From names listed as ``"x y"``, ``"x, y"`` or a sequence.

        Raises:
            GraphError: E213 for what is not a name.
        """
        if not isinstance(dtype, str):
            dtype = {canonical(name): kind for name, kind in dtype.items()}
        return Declarations(
            None if inputs is None else _listed(inputs),
            _listed(parameters),
            _listed(abstract),
            dtype,
        )

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every declared name."""
        return (*(self.inputs or ()), *self.parameters, *self.abstract)

    def type_of(self, name: str) -> Type:
        """The type of an input or parameter."""
        kind = self.dtype if isinstance(self.dtype, str) else self.dtype.get(name, "float64")
        return Type.of(kind)

    @property
    def literals(self) -> Type:
        """The type of numbers that meet no name."""
        return Type.of(self.dtype if isinstance(self.dtype, str) else "float64")


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    words = re.split(r"[\s,]+", names) if isinstance(names, str) else names
    listed = tuple([check_name(canonical(word)) for word in words if word])
    for name in listed:
        if name in KEYWORDS:
            raise GraphError("E213", f"{name!r} is a word of the language, not a name")
    return listed


def lower(
    statements: Sequence[Statement], text: str, declarations: Declarations, limits: Limits
) -> tuple[Dag, list[str]]:
    """The Dag of the statements, and the names that are defined but not used.

    Raises:
        FormulaError: E101 to E110 and E121 to E130.
        LimitError: E153 too many nodes, E155 an exponent is too large.
    """
    return _Lowering(text, declarations, limits).dag(statements)


_SHORT: Final = 60
_NESTING: Final = frozenset({OPS["minimum"], OPS["maximum"]})


class _Lowering:
    """What is known while statements are read one after the other."""

    def __init__(self, text: str, declarations: Declarations, limits: Limits) -> None:
        self.text = text
        self.declarations = declarations
        self.limits = limits
        self.machine = Machine(text, limits, declarations.literals)
        self.declared = frozenset((*(declarations.inputs or ()), *declarations.parameters))
        self.parameters = frozenset(declarations.parameters)
        self.abstract = frozenset(declarations.abstract)
        self.arguments: dict[str, Node] = {}
        self.variables: dict[str, Node] = {}
        self.functions: dict[str, tuple[Function, int]] = {}
        self.undefined: dict[str, Span] = {}
        self.current = ""
        self.operations: set[str] = set()
        self.abstract_used: set[str] = set()

    def fail(self, code: str, message: str, span: Span, hint: str = "") -> NoReturn:
        raise FormulaError(code, message, self.text, span, hint)

    # --- statements -------------------------------------------------------------------------------

    def dag(self, statements: Sequence[Statement]) -> tuple[Dag, list[str]]:
        self.check_declarations()
        self.collect_definitions(statements)
        for statement in statements[:-1]:
            match statement:
                case Definition():
                    self.define(statement)
                case FunctionDefinition(name, parameters, body):
                    self.current = name.name
                    positions = {own.name: at for at, own in enumerate(parameters)}
                    code = self.steps(body, positions)
                    function = Function(name.name, code)
                    self.functions[name.name] = (function, len(parameters))
                    del self.undefined[name.name]
                case Outputs():
                    hint = "name it: a = …; only the last statement may go without a name"
                    self.fail("E121", "this value is not used", span_of(statement), hint)
        signature: tuple[Name, ...] = ()
        match statements[-1]:
            case Definition() as last:
                outputs = [self.define(last)]
            case FunctionDefinition(name, signature, body):
                self.current = name.name
                for own in signature:
                    if own.name in self.variables:
                        self.fail("E109", f"{own.name!r} is defined before", own.span)
                    self.argument(own)
                outputs = [self.evaluate(body)]
                self.machine.names.setdefault(outputs[0], []).append(name.name)
            case Outputs(values):
                outputs = [self.evaluate(value) for value in values]
        inputs = self.inputs_in_order([own.name for own in signature])
        self.check_appearance()
        spans = {node: dict.fromkeys(found) for node, found in self.machine.spans.items()}
        whole = Span(0, len(self.text))
        try:
            dag = Dag(
                outputs,
                inputs,
                self.machine.names,
                {node: tuple(found) for node, found in spans.items()},
                self.text,
            )
        except GraphError as error:
            raise FormulaError("E109", error.message, self.text, whole) from error
        unused = [name for name, node in self.variables.items() if node not in dag]
        for name, (function, _) in self.functions.items():
            if function not in self.machine.called:
                unused.append(name)
        return dag, unused

    def define(self, statement: Definition) -> Node:
        name = statement.name.name
        self.current = name
        node = self.evaluate(statement.value)
        self.variables[name] = node
        self.machine.names.setdefault(node, []).append(name)
        del self.undefined[name]
        return node

    def evaluate(self, syntax: Syntax) -> Node:
        return self.machine.node(self.machine.run(self.steps(syntax, {})), ungrouped(syntax))

    def inputs_in_order(self, signature: Iterable[str]) -> list[Node]:
        first = self.declarations.inputs
        declared = signature if first is None else first
        names = dict.fromkeys((*declared, *self.arguments))
        return [self.arguments.get(name) or self.leaf(name) for name in names]

    # --- checks -----------------------------------------------------------------------------------

    def check_declarations(self) -> None:
        seen: set[str] = set()
        for name in self.declarations.all_names:
            if name in seen:
                place = self.find(name)
                self.fail("E126", f"{name:.60} is declared twice", place, "each name is one thing")
            seen.add(name)

    def collect_definitions(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            if isinstance(statement, Outputs):
                continue
            name = statement.name
            if name.name in self.undefined:
                self.fail("E109", f"{name.name!r:.60} is defined twice", name.span, "take a new name")
            if name.name in self.declared or name.name in self.abstract:
                message = f"{name.name!r:.60} is declared and defined"
                self.fail("E109", message, name.span, "take a new name")
            self.undefined[name.name] = name.span
            if isinstance(statement, FunctionDefinition):
                own = {name.name}
                for parameter in statement.parameters:
                    if parameter.name in own:
                        message = f"{parameter.name!r:.60} stands twice"
                        self.fail("E109", message, parameter.span)
                    own.add(parameter.name)

    def check_appearance(self) -> None:
        for kind, names, used in (
            ("parameter", self.declarations.parameters, self.arguments.keys()),
            ("abstract function", self.declarations.abstract, self.abstract_used),
        ):
            for name in names:
                if name not in used:
                    guess = similar(name, self.arguments)
                    hint = f"did you mean {guess!r}?" if guess else ""
                    message = f"the {kind} {name!r:.60} does not appear"
                    self.fail("E123", message, Span(0, len(self.text)), hint)

    def find(self, name: str) -> Span:
        """Where a declared name first stands, else the whole text."""
        match = re.search(rf"\b{re.escape(name)}\b", self.text)
        return Span(*match.span()) if match else Span(0, len(self.text))

    # --- syntax → steps ---------------------------------------------------------------------------

    def steps(self, root: Syntax, own: Mapping[str, int]) -> Code:
        """The steps for a piece of syntax; ``own`` are the arguments of the function it defines."""
        code: Code = []
        waiting: list[Syntax | Step] = [root]
        while waiting:
            item = waiting.pop()
            if isinstance(item, tuple):
                code.append(item)
            elif isinstance(item, Name):
                code.append(self.name(item, own))
            elif isinstance(item, Number):
                code.append((Machine.push, item, item.value))
            elif isinstance(item, Operation):
                operands = item.operands
                if item.op == "negate" and self.is_infinity(operands[0], own):
                    code.append((Machine.push, item, -CONSTANTS["inf"]))
                    continue
                waiting.append((Machine.operation, item, (OPS[item.op], (), operands)))
                waiting += operands[::-1]
            elif isinstance(item, Group):
                waiting.append(item.inner)
            elif isinstance(item, Power):
                op, params, operands = self.power(item.base, item.exponent)
                waiting.append((Machine.operation, item, (op, params, operands)))
                waiting += operands[::-1]
            elif isinstance(item, Call):
                step, operands = self.call(item, own)
                waiting.append(step)
                waiting += operands[::-1]
            elif len(item.ops) == 1:
                pair = tuple(item.operands)
                waiting.append((Machine.operation, item, (OPS[item.ops[0]], (), pair)))
                waiting += pair[::-1]
            else:
                waiting.append((Machine.chain, item, None))
                waiting += item.operands[::-1]
        return code

    def is_infinity(self, syntax: Syntax, own: Mapping[str, int]) -> bool:
        """Whether this is the constant ``inf``, which takes its sign like a number."""
        return (
            isinstance(syntax, Name)
            and syntax.name == "inf"
            and self.name(syntax, own)[2] == CONSTANTS["inf"]
        )

    def power(self, base: Syntax, exponent: Syntax) -> tuple[Op, Params, tuple[Syntax, ...]]:
        """A literal exponent is a parameter of ``power``; any other makes it ``general_power``."""
        literal = ungrouped(exponent)
        if not isinstance(literal, Number) or isinstance(literal.value, bool):
            return OPS["general_power"], (), (base, exponent)
        return OPS["power"], self.literals(OPS["power"], (literal,), literal.span), (base,)

    # --- names ------------------------------------------------------------------------------------

    def name(self, syntax: Name, own: Mapping[str, int]) -> Step:
        name = syntax.name
        if name in own:
            return (Machine.push_argument, syntax, own[name])
        node = self.variables.get(name) or self.arguments.get(name)
        if node is not None:
            return (Machine.push, syntax, node)
        if name in self.undefined:
            self.too_early(syntax)
        if name in self.functions or name in self.abstract:
            self.bare_function(syntax)
        if name not in self.declared:
            if name in CONSTANTS:
                number: Value = CONSTANTS[name]
                if name in NAMED_CONSTANTS:
                    number = NamedNumber(CONSTANTS[name], name)
                return (Machine.push, syntax, number)
            if name in FUNCTIONS:
                if name not in LETTERS:
                    self.bare_function(syntax)
                if name in self.operations:
                    self.variable_and_function(syntax)
        return (Machine.push, syntax, self.argument(syntax, own))

    def argument(self, syntax: Name, own: Iterable[str] = ()) -> Node:
        """The input or parameter of this name, made if it is new."""
        name = syntax.name
        node = self.arguments.get(name)
        if node is None:
            if self.declarations.inputs is not None and name not in self.declared:
                self.unknown_name(syntax, own)
            node = self.arguments[name] = self.leaf(name)
        return node

    def leaf(self, name: str) -> Node:
        build = parameter_node if name in self.parameters else input_node
        return build(name, self.declarations.type_of(name))

    # --- calls ------------------------------------------------------------------------------------

    def call(self, syntax: Call, own: Mapping[str, int]) -> tuple[Step, tuple[Syntax, ...]]:
        """The step of a call, and which of its arguments are operands."""
        name = syntax.name.name
        arguments = syntax.arguments
        if name in own or name in self.variables:
            self.not_a_function(syntax)
        if name in self.functions:
            function, count = self.functions[name]
            if len(arguments) != count:
                self.wrong_count(syntax, f"{name} takes {_arguments(count)}")
            return (None, syntax, function), arguments
        if name in self.undefined:
            self.too_early(syntax.name)
        if name in self.abstract:
            self.abstract_used.add(name)
            if not arguments:
                self.wrong_count(syntax, f"{name} takes one argument or more")
            op: Op = abstract.abstract.op
            return (Machine.operation, syntax, (op, (name,), arguments)), arguments
        if name in self.arguments or name in self.declared:
            self.not_a_function(syntax)
        if name not in FUNCTIONS:
            self.unknown_function(syntax)
        self.operations.add(name)
        return self.call_operation(syntax, FUNCTIONS[name])

    def call_operation(self, syntax: Call, op: Op) -> tuple[Step, tuple[Syntax, ...]]:
        arguments = syntax.arguments
        count = len(op.operands)
        if op in _NESTING and len(arguments) > count:
            return (Machine.nested, syntax, (op, arguments)), arguments
        required = count + sum(param.default is None for param in op.params)
        if not required <= len(arguments) <= count + len(op.params):
            shown = ", ".join([*op.operands, *(param.name for param in op.params)])
            hint = ""
            if op is OPS["log"] and len(arguments) == 2:
                first, second = (self.source(argument.span) for argument in arguments)
                hint = f"write log({first})/log({second}) for another base"
            self.wrong_count(syntax, f"{op.name}({shown}) takes {_arguments(required)}", hint)
        params: Params
        if syntax.name.name == "pow":
            op, params, operands = self.power(*arguments)
        else:
            operands = arguments[:count]
            params = self.literals(op, arguments[count:], syntax.span)
        return (Machine.operation, syntax, (op, params, operands)), operands

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
                self.fail("E106", f"{param.name} must be a literal number", syntax.span)
        limit = self.limits.exponent
        if op is OPS["power"] and any(abs(value) > limit for value in values):
            message = f"the exponent is larger than {limit}"
            raise LimitError("E155", message, self.text, given[0].span)
        try:
            return op.normal_params(values)
        except GraphError as error:
            raise FormulaError(
                "E106", error.message, self.text, given[0].span if given else span
            ) from error

    # --- errors -----------------------------------------------------------------------------------

    def source(self, span: Span) -> str:
        """A piece of the text for a hint; an ellipsis if it is long."""
        shown = " ".join(self.text[span.start : min(span.end, span.start + _SHORT)].split())
        return shown if span.end - span.start < _SHORT else "…"

    def known_names(self, own: Iterable[str] = ()) -> list[str]:
        return [*own, *self.arguments, *self.declared, *self.variables]

    def known_functions(self) -> list[str]:
        return [*self.functions, *self.abstract, *FUNCTIONS]

    def too_early(self, syntax: Name) -> NoReturn:
        name = syntax.name
        if name == self.current:
            hint = "take a new name for the new value"
            self.fail("E108", f"{name!r:.60} is defined by itself", syntax.span, hint)
        hint = "definitions come first"
        self.fail("E107", f"{name!r:.60} is used before its definition", syntax.span, hint)

    def unknown_name(self, syntax: Name, own: Iterable[str]) -> NoReturn:
        name = syntax.name
        known = self.known_names(own)
        factors = _factors(name, frozenset(known))
        guess = similar(name, known)
        hint = f"inputs are {', '.join(self.declarations.inputs or ())}"
        if factors:
            hint = f"write {'*'.join(factors)} for the product"
        elif guess:
            hint = f"did you mean {guess!r}?"
        self.fail("E102", f"unknown name {name!r:.60}", syntax.span, f"{hint:.100}")

    def bare_function(self, syntax: Name) -> NoReturn:
        name = syntax.name
        after = self.text[syntax.span.end : syntax.span.end + _SHORT]
        match = _FOLLOWING.match(after)
        power, operand = match.groups() if match else (None, None)
        argument = operand.strip("()") if operand else "x"
        hint = f"write {name}({argument}){f'^{power}' if power else ''}"
        if not operand and not power:
            hint += ", or declare it as an input"
        self.fail("E104", f"the function {name!r:.60} needs its argument in brackets", syntax.span, hint)

    def variable_and_function(self, syntax: Name) -> NoReturn:
        message = f"{syntax.name!r:.60} is both a variable and a function"
        self.fail("E110", message, syntax.span, "rename the variable")

    def unknown_function(self, syntax: Call) -> NoReturn:
        name = syntax.name.name
        if name in CONSTANTS:
            self.not_a_function(syntax)
        guess = similar(name, self.known_functions())
        hint = f"did you mean {guess!r}?" if guess else self.two_readings(syntax)
        self.fail("E101", f"unknown function {name!r:.60}", syntax.name.span, hint)

    def not_a_function(self, syntax: Call) -> NoReturn:
        if syntax.name.name in FUNCTIONS:
            self.variable_and_function(syntax.name)
        message = f"{syntax.name.name!r:.60} is not a function"
        self.fail("E103", message, syntax.name.span, self.two_readings(syntax))

    def two_readings(self, syntax: Call) -> str:
        name = f"{syntax.name.name:.60}"
        inside = self.source(Span(syntax.name.span.end, syntax.span.end)).strip()
        product = f"{name}*{inside}" if inside.startswith("(") else f"{name}*(…)"
        letters = ", ".join("xyztuvw"[: max(1, len(syntax.arguments))])
        if len(syntax.arguments) != 1:
            return f"define the function: {name}({letters}) = …"
        return f"write {product} for the product, or define the function: {name}({letters}) = …"

    def wrong_count(self, syntax: Call, takes: str, hint: str = "") -> NoReturn:
        self.fail("E105", f"{takes}, got {len(syntax.arguments)}", syntax.span, hint)


def _arguments(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"


_FOLLOWING: Final = re.compile(r"\s*(?:\^\s*(-?\w+))?\s*(\([^()]*\)|[^\W\d]\w*)?")


def _factors(name: str, known: frozenset[str]) -> list[str]:
    """The name cut into two or more known names, or an empty list; the longest pieces first."""
    if len(name) > _SHORT:
        return []
    cut: list[list[str] | None] = [[]]
    for end in range(1, len(name) + 1):
        ways = [
            [*before, name[start:end]]
            for start in range(end)
            if (before := cut[start]) is not None and name[start:end] in known
        ]
        cut.append(min(ways, key=len) if ways else None)
    return cut[-1] or []
