"""Names get their meaning: a piece of syntax becomes steps for the machine that makes nodes.

Names are looked up in this order: arguments of the function being defined, definitions of the text,
declared names and names met before, constants, functions; any other name is a new input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

from chainrule.errors import Span
from chainrule.formula.arrays import ADVICE, ARRAY_FUNCTIONS, FILLED
from chainrule.formula.build import Code, Function, Machine, Step
from chainrule.formula.calls import ARRAY_SIGNS, Calls, arguments_in_words
from chainrule.formula.declarations import Declarations
from chainrule.formula.limits import Limits
from chainrule.formula.names import (
    CONSTANTS,
    FUNCTIONS,
    LETTERS,
    NAMED_CONSTANTS,
    SUPERSCRIPTS,
    differentiated,
    similar,
)
from chainrule.formula.syntax import (
    Call,
    Group,
    Index,
    Listing,
    Name,
    Number,
    Operation,
    Power,
    Syntax,
    excerpt,
    ungrouped,
)
from chainrule.formula.values import NamedNumber
from chainrule.graph.node import Node, input_node, parameter_node
from chainrule.graph.op import OPS, Op, Params

_NESTING: Final = frozenset({OPS["minimum"], OPS["maximum"]})


class Scope(Calls):
    """The names known at one place of the text, which grow as it is read.

    Attributes:
        arguments: Inputs and parameters met so far, by first appearance.
        variables: Definitions so far.
        functions: Functions defined so far, each with the number of its arguments.
        undefined: Names whose definition is still to come.
        current: The name being defined.
        abstract: The abstract functions called so far.
        signature: The arguments that the last statement lists, ``f(x, y) = …``: there ``xy`` is
            surely meant as a product.
    """

    def __init__(
        self,
        text: str,
        declarations: Declarations,
        limits: Limits,
        constants: Mapping[str, float],
    ) -> None:
        super().__init__(text, limits)
        self.arguments: dict[str, Node] = {}
        self.variables: dict[str, Node] = {}
        self.functions: dict[str, tuple[Function, int]] = {}
        self.undefined: dict[str, Span] = {}
        self.current = ""
        self.abstract: set[str] = set()
        self.signature: frozenset[str] = frozenset()
        self._operations: set[str] = set()
        self._constants = constants
        self._declarations = declarations
        self._declared = frozenset((*(declarations.inputs or ()), *declarations.parameters))
        self._abstract = frozenset(declarations.abstract)
        self._parameters = frozenset(declarations.parameters)

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
                code.append(self._name(item, own))
            elif isinstance(item, Number):
                code.append((Machine.push, item, item.value))
            elif isinstance(item, Operation):
                operands = item.operands
                if item.op in ARRAY_SIGNS:
                    step, operands = self.array_operation(item)
                    waiting.append(step)
                    waiting += operands[::-1]
                    continue
                if item.op == "negate" and self._is_infinity(operands[0], own):
                    code.append((Machine.push, item, -CONSTANTS["inf"]))
                    continue
                beside = item.op == "multiply" and self._is_beside(operands)
                action = Machine.beside if beside else Machine.operation
                waiting.append((action, item, (OPS[item.op], (), operands)))
                waiting += operands[::-1]
            elif isinstance(item, Group):
                waiting.append(item.inner)
            elif isinstance(item, Listing):
                code.append((Machine.push, item, self.elements(item)))
            elif isinstance(item, Index):
                waiting += [(Machine.index, item, item.key), item.base]
            elif isinstance(item, Power):
                op, params, operands = self._power(item.base, item.exponent, own)
                free_t = self._is_free_t(item.exponent, own)
                action = Machine.power_t if free_t else Machine.operation
                waiting.append((action, item, (op, params, operands)))
                waiting += operands[::-1]
            elif isinstance(item, Call):
                step, operands = self._call(item, own)
                waiting.append(step)
                waiting += operands[::-1]
            elif len(item.ops) == 1:
                pair = tuple(item.operands)
                waiting.append((Machine.operation, item, (OPS[item.ops[0]], (), pair)))
                waiting += pair[::-1]
            else:
                waiting.append((Machine.chain, item, OPS["logical_and"]))
                waiting += item.operands[::-1]
        return code

    def _is_infinity(self, syntax: Syntax, own: Mapping[str, int]) -> bool:
        """Whether this is the constant ``inf``, which takes its sign like a number."""
        return (
            isinstance(syntax, Name)
            and syntax.name == "inf"
            and self._name(syntax, own)[2] == CONSTANTS["inf"]
        )

    def _power(
        self, base: Syntax, exponent: Syntax, own: Mapping[str, int]
    ) -> tuple[Op, Params, tuple[Syntax, ...]]:
        """A literal exponent is a parameter of ``power``; any other makes it ``general_power``.

        Powers of Euler's number are ``exp``, unless it stands in brackets: ``(e)^x``.
        """
        if self._is_euler(base, own):
            return OPS["exp"], (), (exponent,)
        literal = ungrouped(exponent)
        if not isinstance(literal, Number) or isinstance(literal.value, bool):
            return OPS["general_power"], (), (base, exponent)
        return OPS["power"], self.literals(OPS["power"], (literal,), literal.span), (base,)

    def _is_beside(self, operands: Sequence[Syntax]) -> bool:
        """Whether no sign stands between these factors, of which some may be arrays."""
        if not self._declarations.has_arrays:
            return False
        first, second = operands
        return not self._text[first.span.end : second.span.start].strip()

    def _is_free_t(self, exponent: Syntax, own: Mapping[str, int]) -> bool:
        """Whether an array may stand before this exponent, a T that nobody declared or defined."""
        name = ungrouped(exponent)
        return (
            isinstance(name, Name)
            and name.name == "T"
            and self._declarations.has_arrays
            and not (name.name in own or name.name in self.variables or name.name in self._declared)
            and name.name not in self._declarations.shapes
        )

    def _is_euler(self, base: Syntax, own: Mapping[str, int]) -> bool:
        """Whether this is the constant e, and no variable of that name."""
        return (
            isinstance(base, Name)
            and base.name == "e"
            and isinstance(self._name(base, own)[2], NamedNumber)
        )

    # --- names ------------------------------------------------------------------------------------

    def _name(self, syntax: Name, own: Mapping[str, int]) -> Step:
        name = syntax.name
        if name in own:
            return (Machine.push_argument, syntax, own[name])
        node = self.variables.get(name) or self.arguments.get(name)
        if node is not None:
            return (Machine.push, syntax, node)
        if name in self.undefined:
            self._too_early(syntax)
        if name in self.functions or name in self._abstract:
            self._bare_function(syntax)
        if name not in self._declared:
            if name in self._constants:
                number = self._constants[name]
                if name in NAMED_CONSTANTS:
                    number = NamedNumber(number, name)
                return (Machine.push, syntax, number)
            if name in FUNCTIONS:
                if name not in LETTERS:
                    self._bare_function(syntax)
                if name in self._operations:
                    self._variable_and_function(syntax)
        return (Machine.push, syntax, self.argument(syntax, own))

    def argument(self, syntax: Name, own: Iterable[str] = ()) -> Node:
        """The input or parameter of this name, made if it is new."""
        name = syntax.name
        node = self.arguments.get(name)
        if node is None:
            if self._declarations.inputs is not None and name not in self._declared:
                self._unknown_name(syntax, own)
            if self.signature and name not in self._declared and _factors(name, self.signature):
                self._unknown_name(syntax, own)
            if name not in self._declared and name not in self._declarations.shapes:
                self._check_glued(syntax)
                self._check_identity(syntax)
            node = self.arguments[name] = self.leaf(name)
        return node

    def leaf(self, name: str) -> Node:
        build = parameter_node if name in self._parameters else input_node
        return build(name, self._declarations.type_of(name))

    # --- calls ------------------------------------------------------------------------------------

    def _call(self, syntax: Call, own: Mapping[str, int]) -> tuple[Step, tuple[Syntax, ...]]:
        """The step of a call, and which of its arguments are operands."""
        name = syntax.name.name
        arguments = syntax.arguments
        if name in own or name in self.variables:
            self._not_a_function(syntax)
        if name in self.functions:
            function, count = self.functions[name]
            if len(arguments) != count:
                self.wrong_count(syntax, f"{name} takes {arguments_in_words(count)}")
            return (None, syntax, function), arguments
        if name in self.undefined:
            self._too_early(syntax.name)
        abstract, slots = self._abstract_function(name)
        if abstract:
            self.abstract.add(abstract)
            if not arguments:
                self.wrong_count(syntax, f"{name} takes one argument or more")
            op = OPS["abstract"]
            return (Machine.operation, syntax, (op, (abstract, slots), arguments)), arguments
        if name in self.arguments or name in self._declared:
            self._not_a_function(syntax)
        if name not in FUNCTIONS:
            if name in ARRAY_FUNCTIONS or name in FILLED:
                return self.array_call(syntax)
            self._unknown_function(syntax)
        self._operations.add(name)
        return self._call_operation(syntax, FUNCTIONS[name], own)

    def _abstract_function(self, name: str) -> tuple[str, tuple[int, ...]]:
        """``f`` is the abstract function f, ``f_d1_2`` its derivative by the operands 1 and 2."""
        if name in self._abstract:
            return name, ()
        function, slots = differentiated(name)
        return (function, slots) if function in self._abstract else ("", ())

    def _call_operation(
        self, syntax: Call, op: Op, own: Mapping[str, int]
    ) -> tuple[Step, tuple[Syntax, ...]]:
        arguments = syntax.arguments
        count = len(op.operands)
        along = syntax.name.name in ("max", "min") and len(arguments) == 2
        if op in _NESTING and (
            len(arguments) == 1 or (along and isinstance(arguments[1], Listing))
        ):
            return self.array_call(syntax)
        if op in _NESTING and len(arguments) > count:
            return (Machine.nested, syntax, op), arguments
        required = count + sum(param.default is None for param in op.params)
        most = count + len(op.params)
        if not required <= len(arguments) <= most:
            shown = ", ".join([*op.operands, *(param.name for param in op.params)])
            hint = ""
            if op is OPS["log"] and len(arguments) == 2:
                first, second = (excerpt(self._text, argument.span) for argument in arguments)
                hint = f"write log({first})/log({second}) for another base"
            self.wrong_count(
                syntax, f"{op.name}({shown}) takes {arguments_in_words(required, most)}", hint
            )
        params: Params
        if syntax.name.name == "pow":
            op, params, operands = self._power(arguments[0], arguments[1], own)
        else:
            operands = arguments[:count]
            params = self.literals(op, arguments[count:], syntax.span)
        return (Machine.operation, syntax, (op, params, operands)), operands

    # --- errors -----------------------------------------------------------------------------------

    def _known_names(self, own: Iterable[str] = ()) -> list[str]:
        return [*own, *self.arguments, *self._declared, *self.variables]

    def _known_functions(self) -> list[str]:
        return [*self.functions, *self._abstract, *FUNCTIONS, *ARRAY_FUNCTIONS, *FILLED]

    def _too_early(self, syntax: Name) -> NoReturn:
        name = syntax.name
        if name == self.current:
            hint = "take a new name for the new value, and no function calls itself"
            self.fail("E108", f"{name!r:.60} is defined by itself", syntax.span, hint)
        hint = "definitions come first"
        self.fail("E107", f"{name!r:.60} is used before its definition", syntax.span, hint)

    def _unknown_name(self, syntax: Name, own: Iterable[str]) -> NoReturn:
        name = syntax.name
        known = self._known_names(own)
        factors = _factors(name, frozenset(known))
        guess = similar(name, known)
        hint = f"the inputs are {', '.join(self._declarations.inputs or ('none',))}"
        if factors:
            hint = f"write {'*'.join(factors)} for the product"
        elif guess:
            hint = f"did you mean {guess!r}?"
        self.fail("E102", f"unknown name {name!r:.60}", syntax.span, f"{hint:.100}")

    def _check_glued(self, syntax: Name) -> None:
        """Refuse ``w_1x_1`` and ``W_{ij}x``: two names that only look like one.

        Raises:
            FormulaError: E102.
        """
        written = self._text[slice(*syntax.span)]
        parts = _INDEXED.findall(written) if _GLUED.fullmatch(written) else []
        if "}" in written[:-1] and not parts:
            parts = [part for part in _AFTER_BRACES.split(written) if part]
        if len(parts) > 1 and "\\" not in written:
            hint = f"write {'*'.join(parts)} for the product, or declare the name as an input"
            message = f"two names without a sign between them, {written!r:.60}"
            self.fail("E102", message, syntax.span, f"{hint:.100}")

    def _check_identity(self, syntax: Name) -> None:
        """Refuse an undeclared ``I`` next to matrices: it would be a number.

        Raises:
            FormulaError: E102.
        """
        matrices = [shape for shape in self._declarations.shapes.values() if len(shape) == 2]
        if syntax.name == "I" and matrices:
            rows = matrices[0][0]
            shape = f"shapes={{'I': ({rows}, {rows})}}"
            hint = f"declare it: {shape} for the identity, inputs= for a number"
            self.fail("E102", "what I is next to matrices", syntax.span, hint)

    def _bare_function(self, syntax: Name) -> NoReturn:
        name = syntax.name
        after = self._text[syntax.span.end : syntax.span.end + _SHORT]
        match = re.match(_FOLLOWING, after)
        power, raised, operand = match.groups() if match else (None, None, None)
        if raised:
            power = "".join([SUPERSCRIPTS[sign] for sign in raised])
        argument = operand.strip("()") if operand else "x"
        hint = f"write {name}({argument}){f'^{power}' if power else ''}"
        if not operand and not power:
            hint += ", or declare it as an input"
        self.fail(
            "E104", f"the function {name!r:.60} needs its argument in brackets", syntax.span, hint
        )

    def _variable_and_function(self, syntax: Name) -> NoReturn:
        message = f"{syntax.name!r:.60} is both a variable and a function"
        self.fail("E110", message, syntax.span, "rename the variable")

    def _unknown_function(self, syntax: Call) -> NoReturn:
        name = syntax.name.name
        if name in self._constants:
            self._not_a_function(syntax)
        guess = similar(name, self._known_functions())
        hint = f"did you mean {guess!r}?" if guess else self._two_readings(syntax)
        hint = ADVICE.get(name, hint)
        self.fail("E101", f"unknown function {name!r:.60}", syntax.name.span, hint)

    def _not_a_function(self, syntax: Call) -> NoReturn:
        if syntax.name.name in FUNCTIONS:
            self._variable_and_function(syntax.name)
        message = f"{syntax.name.name!r:.60} is not a function"
        self.fail("E103", message, syntax.name.span, self._two_readings(syntax))

    def _two_readings(self, syntax: Call) -> str:
        name = f"{syntax.name.name:.60}"
        inside = excerpt(self._text, Span(syntax.name.span.end, syntax.span.end))
        product = f"{name}*{inside}" if inside.startswith("(") else f"{name}*(…)"
        letters = ", ".join("xyztuvw"[: max(1, len(syntax.arguments))])
        if len(syntax.arguments) != 1:
            return f"define the function: {name}({letters}) = …"
        return f"write {product} for the product, or define the function: {name}({letters}) = …"


_SHORT: Final = 60
_UP: Final = "".join(SUPERSCRIPTS)
_FOLLOWING: Final = rf"\s*(?:(?:\^|\*\*)\s*(-?\w+)|([{_UP}]+))?\s*(\([^()]*\)|[^\W\d{_UP}]\w*)?"
"""What may follow a bare function: an exponent and what was meant as its argument; for messages."""


_INDEXED: Final = re.compile(r"[^\W\d_]_[0-9]+")
_GLUED: Final = re.compile(rf"(?:{_INDEXED.pattern}){{2,}}")
"""Letters with numbers below them, side by side; ``x_1a`` may well be one name."""
_AFTER_BRACES: Final = re.compile(r"(?<=\})(?=[^\W\d_])")


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
