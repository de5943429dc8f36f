"""A syntax tree gets its meaning: statements, one after the other, become the nodes of a Dag."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from chainrule.errors import FormulaError, GraphError, Span
from chainrule.formula.build import Function, Machine
from chainrule.formula.declarations import Declarations
from chainrule.formula.limits import Limits
from chainrule.formula.names import FUNCTIONS, similar
from chainrule.formula.resolve import Scope
from chainrule.formula.syntax import (
    Definition,
    FunctionDefinition,
    Name,
    Outputs,
    Statement,
    Syntax,
    span_of,
    ungrouped,
)
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node


def lower(
    statements: Sequence[Statement],
    text: str,
    declarations: Declarations,
    limits: Limits,
    constants: Mapping[str, float],
) -> tuple[Dag, list[str]]:
    """The Dag of the statements, and the names that are defined but not used.

    ``constants`` are the names that stand for numbers unless they are declared or defined.

    Raises:
        FormulaError: E101 to E110, E121, E123, E126, E130.
        LimitError: E153 too many nodes, E155 an exponent is too large.
    """
    lowering = _Lowering(text, declarations, limits, constants)
    lowering.collect(statements)
    for statement in statements[:-1]:
        lowering.take(statement)
    return lowering.finish(statements[-1])


class _Lowering:
    """What the statements so far have made."""

    def __init__(
        self,
        text: str,
        declarations: Declarations,
        limits: Limits,
        constants: Mapping[str, float],
    ) -> None:
        self.text = text
        self.whole = Span(0, len(text))
        self.declarations = declarations
        self.scope = Scope(text, declarations, limits, constants)
        self.machine = Machine(text, limits, declarations.literals)
        self.fail = self.scope.fail

    # --- statements -------------------------------------------------------------------------------

    def take(self, statement: Statement) -> None:
        """A statement that others follow."""
        match statement:
            case Definition():
                self.define(statement)
            case FunctionDefinition(name, parameters, body):
                scope = self.scope
                scope.current = name.name
                positions = {own.name: at for at, own in enumerate(parameters)}
                function = Function(name.name, scope.steps(body, positions))
                scope.functions[name.name] = (function, len(parameters))
                del scope.undefined[name.name]
            case Outputs():
                hint = "name it: a = …; only the last statement may go without a name"
                self.fail("E121", "this value is not used", span_of(statement), hint)

    def define(self, statement: Definition) -> Node:
        name = statement.name.name
        self.scope.current = name
        node = self.evaluate(statement.value)
        self.scope.variables[name] = node
        self.machine.names.setdefault(node, []).append(name)
        del self.scope.undefined[name]
        return node

    def evaluate(self, syntax: Syntax) -> Node:
        return self.machine.node(self.machine.run(self.scope.steps(syntax, {})), ungrouped(syntax))

    def finish(self, last: Statement) -> tuple[Dag, list[str]]:
        """The last statement makes the outputs, and orders the inputs if it is ``f(x, y) = …``."""
        signature: tuple[Name, ...] = ()
        match last:
            case Definition():
                outputs = [self.define(last)]
            case FunctionDefinition(name, signature, body):
                self.scope.current = name.name
                for own in signature:
                    if own.name in self.scope.variables:
                        self.fail("E109", f"{own.name!r:.60} is defined before", own.span)
                    self.scope.argument(own)
                self.scope.signature = frozenset(own.name for own in signature)
                outputs = [self.evaluate(body)]
                self.machine.names.setdefault(outputs[0], []).append(name.name)
                self.check_signature(name, signature, outputs)
            case Outputs(values):
                outputs = [self.evaluate(value) for value in values]
        self.check_appearance()
        dag = self.dag(outputs, self.inputs([own.name for own in signature]))
        unused = [name for name, node in self.scope.variables.items() if node not in dag]
        for key, (function, _) in self.scope.functions.items():
            if function not in self.machine.called:
                unused.append(key)
        return dag, unused

    def inputs(self, signature: Iterable[str]) -> list[Node]:
        """All arguments: those declared in order or in the signature, then by first appearance."""
        first = self.declarations.inputs
        names = dict.fromkeys((*(signature if first is None else first), *self.scope.arguments))
        return [self.scope.arguments.get(name) or self.scope.leaf(name) for name in names]

    def dag(self, outputs: Sequence[Node], inputs: Sequence[Node]) -> Dag:
        spans = {node: tuple(dict.fromkeys(found)) for node, found in self.machine.spans.items()}
        try:
            return Dag(outputs, inputs, self.machine.names, spans, self.text)
        except GraphError as error:
            raise FormulaError("E109", error.message, self.text, self.whole) from error

    # --- checks -----------------------------------------------------------------------------------

    def collect(self, statements: Iterable[Statement]) -> None:
        """Note the names to be defined, so that using one before is no new input."""
        declared = set()
        for name in self.declarations.all_names:
            if name in declared:
                match = re.search(rf"\b{re.escape(name)}\b", self.text)
                span = Span(*match.span()) if match else self.whole
                self.fail("E126", f"{name!r:.60} is declared twice", span, "a name is one thing")
            declared.add(name)
        undefined = self.scope.undefined
        for statement in statements:
            if isinstance(statement, Outputs):
                continue
            place = statement.name
            if place.name in undefined or place.name in declared:
                how = "defined twice" if place.name in undefined else "declared and defined"
                self.fail("E109", f"{place.name!r:.60} is {how}", place.span, "take a new name")
            undefined[place.name] = place.span
            if isinstance(statement, FunctionDefinition):
                own = {place.name}
                for parameter in statement.parameters:
                    if parameter.name in own:
                        message = f"{parameter.name!r:.60} stands twice"
                        self.fail("E109", message, parameter.span, "take a new name")
                    own.add(parameter.name)

    def check_signature(
        self, name: Name, signature: Iterable[Name], outputs: Iterable[Node]
    ) -> None:
        """``log(y) = a + b*x`` is an equation, and no definition of log by y."""
        reached = walk.ancestors(*outputs)
        if name.name in FUNCTIONS and any(
            self.scope.arguments[own.name] not in reached for own in signature
        ):
            hint = "a definition is y = …; an equation cannot be solved"
            self.fail("E110", f"{name.name!r:.60} is a function already", name.span, hint)

    def check_appearance(self) -> None:
        scope, declarations = self.scope, self.declarations
        for kind, names, used in (
            ("parameter", declarations.parameters, scope.arguments.keys()),
            ("abstract function", declarations.abstract, scope.abstract),
        ):
            for name in names:
                if name not in used:
                    guess = similar(name, used)
                    hint = f"did you mean {guess!r}?" if guess else ""
                    self.fail("E123", f"the {kind} {name!r:.60} does not appear", self.whole, hint)
        for name in declarations.shapes:
            if name in scope.arguments or name in (declarations.inputs or ()):
                continue
            if name in scope.variables:
                message = f"the shape of {name!r:.60} follows from its definition"
                self.fail("E109", message, self.whole, "leave it out of shapes")
            check_shapes(declarations, scope.arguments, self.text)


def check_shapes(declarations: Declarations, names: Collection[str], text: str) -> None:
    """Raise FormulaError E123 for a shape whose name does not appear."""
    for name in declarations.shapes:
        if name in names or name in (declarations.inputs or ()):
            continue
        alike = [known for known in names if known.lower() == name.lower()]
        near = similar(name, names) or next(iter(alike), None)
        hint = f"did you mean {near!r}?" if near else ""
        span = Span(0, len(text))
        joined = re.search(rf"\b{re.escape(name)}(?:_\{{[^{{}}]*\}}|\w+)", text)
        if joined and not near:
            span = Span(*joined.span())
            hint = f"{joined[0]!r:.60} is one name: put a sign after {name!r:.60}"
        message = f"a shape is given for {name!r:.60}, which does not appear"
        raise FormulaError("E123", message, text, span, hint)
