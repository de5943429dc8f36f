"""Tokens become a syntax tree, by precedence and nothing else.

One pass over the tokens with a stack of operands and a stack of pending operators (E. W. Dijkstra,
ALGOL-60 translation, 1961), no recursion. What names mean, `chainrule.formula.resolve` decides.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from chainrule.errors import FormulaLimitError, Span
from chainrule.formula.limits import Limits
from chainrule.formula.lists import Lists
from chainrule.formula.syntax import (
    Call,
    Comparison,
    Definition,
    FunctionDefinition,
    Group,
    Index,
    Name,
    Number,
    Operation,
    Outputs,
    Power,
    Statement,
    Syntax,
)
from chainrule.formula.tokens import (
    CROSS_PRODUCT,
    END,
    NAME,
    NEWLINE,
    NUMBER,
    OPERATION,
    PRODUCT,
    RAISED,
    SCALAR_PRODUCT,
    TRANSPOSED,
    Token,
    refuse_character,
)
from chainrule.graph.op import Level

_BINARY: Final[dict[str, tuple[int, str]]] = {
    "or": (Level.OR, "logical_or"),
    "xor": (Level.OR, "logical_xor"),
    "and": (Level.AND, "logical_and"),
    "<": (Level.COMPARISON, "less"),
    "<=": (Level.COMPARISON, "less_equal"),
    ">": (Level.COMPARISON, "greater"),
    ">=": (Level.COMPARISON, "greater_equal"),
    "==": (Level.COMPARISON, "equal"),
    "!=": (Level.COMPARISON, "not_equal"),
    "+": (Level.SUM, "add"),
    "-": (Level.SUM, "subtract"),
    "*": (Level.PRODUCT, "multiply"),
    "/": (Level.PRODUCT, "divide"),
    "@": (Level.PRODUCT, "matmul"),
    PRODUCT: (Level.PRODUCT, "product"),
    SCALAR_PRODUCT: (Level.PRODUCT, "scalar_product"),
    CROSS_PRODUCT: (Level.PRODUCT, "cross_product"),
    "^": (Level.POWER, "power"),
}
_PREFIX: Final[dict[str, tuple[int, str]]] = {
    "-": (Level.SIGN, "negate"),
    "+": (Level.SIGN, "plus"),
    "not": (Level.NOT, "logical_not"),
    "√": (Level.ATOM, "sqrt"),
    "∛": (Level.ATOM, "cbrt"),
}
_PREFIX_OPS: Final = frozenset(op for _, op in _PREFIX.values())
_STARTS: Final = frozenset({NAME, "(", "√", "∛"})
"""What multiplies when it follows an operand."""


class _Pending:
    """An operator that waits for its right operand, or an open bracket (level −1)."""

    __slots__ = ("comma", "items", "level", "op", "token")

    def __init__(self, level: int, op: str, token: Token) -> None:
        self.level = level
        self.op = op
        self.token = token
        self.items: list[Syntax] = []
        self.comma: Token | None = None


_OPEN: Final = -1


def parse(tokens: list[Token], text: str, limits: Limits) -> list[Statement]:
    """The statements, at least one.

    Raises:
        FormulaError: E111 to E118, E120, E122, E124, E125.
        LimitError: E152 too much is open at once, E154 a number is too large.
    """
    return _Parser(tokens, text, limits).statements()


class _Parser(Lists):
    """Where the parser stands."""

    def __init__(self, tokens: list[Token], text: str, limits: Limits) -> None:
        super().__init__(tokens, text, limits)
        self.depth = 0
        self.first = 0  # where the statement starts
        self.operands: list[Syntax] = []
        self.pending: list[_Pending] = []
        self.brackets: list[_Pending] = []

    # --- statements -------------------------------------------------------------------------------

    def statements(self) -> list[Statement]:
        """All statements; at least one."""
        result: list[Statement] = []
        while True:
            while self.tokens[self.at].kind in (NEWLINE, ";"):
                self.at += 1
            if self.tokens[self.at].kind == END:
                break
            result.append(self.statement())
        if not result:
            self.fail("E117", "there is no formula", Span(0, 0), "write something like (x + y)*x")
        return result

    def statement(self) -> Statement:
        tokens, at = self.tokens, self.at
        self.first = at
        if tokens[at].kind == NAME and tokens[at + 1].kind == "=":
            self.at += 2
            (value,) = self.expressions(single=True)
            return Definition(_name(tokens[at]), value)
        signature = self.signature()
        if signature is not None:
            (body,) = self.expressions(single=True)
            return FunctionDefinition(_name(tokens[at]), signature, body)
        return Outputs(tuple(self.expressions(single=False)))

    def signature(self) -> tuple[Name, ...] | None:
        """The parameters if here stands ``f(x, y) =``, which is then read; else None."""
        tokens, at = self.tokens, self.at
        if tokens[at].kind != NAME or tokens[at + 1].kind != "(":
            return None
        names = []
        at += 2
        while tokens[at].kind == NAME:
            names.append(_name(tokens[at]))
            at += 1
            if tokens[at].kind != ",":
                break
            at += 1
        if tokens[at].kind != ")" or tokens[at + 1].kind != "=" or tokens[at - 1].kind == ",":
            return None
        if not names:
            name = tokens[self.at]
            span = Span(name.span.start, tokens[at].span.end)
            self.fail("E122", "a function without parameters", span, f"write {name.text:.40} = …")
        self.at = at + 2
        return tuple(names)

    # --- expressions ------------------------------------------------------------------------------

    def expressions(self, *, single: bool) -> list[Syntax]:
        """The expressions, separated by commas, up to the end of the statement."""
        bottom = _Pending(_OPEN, "", self.tokens[self.at])
        self.pending, self.brackets, self.operands = [bottom], [bottom], []
        self.depth = 0
        while True:
            if self.operand() and self.after_operand(single):
                break
        if len(self.brackets) > 1:
            self.unclosed()
        return [*bottom.items, *self.operands]

    def operand(self) -> bool:
        """Read on where an operand is expected; whether one is complete."""
        token = self.tokens[self.at]
        kind = token.kind
        if kind == NAME:
            if self.tokens[self.at + 1].kind != "(":
                self.operands.append(Name(token.text, token.span))
            else:
                self.open("call", token)
                self.at += 2
                if self.tokens[self.at].kind != ")":
                    return False
                self.close_call(self.pop_bracket(), (), self.tokens[self.at])
        elif kind == NUMBER:
            self.operands.append(Number(self.number(token), token.span))
        elif kind == "[":
            self.operands.append(self.listing())
        elif kind in ("(", "|"):
            self.open(kind, token)
            self.at += 1
            return False
        elif kind == OPERATION:
            self.open("call", token)
            self.at += 2
            return False
        elif kind in ("true", "false"):
            self.operands.append(Number(kind == "true", token.span))
        elif kind in ("-", "+") and self.is_signed_number():
            self.at += 1
            value = self.number(self.tokens[self.at])
            span = Span(token.span.start, self.tokens[self.at].span.end)
            # Minus 0 is the float −0.0, as there is no such integer.
            self.operands.append(Number((-value or -0.0) if kind == "-" else value, span))
        elif kind in _PREFIX:
            self.prefix(token)
            self.at += 1
            return False
        elif kind == NEWLINE:
            self.at += 1
            return False
        else:
            self.missing_operand(token)
        self.at += 1
        return True

    def after_operand(self, single: bool) -> bool:
        """Read on after an operand, up to where the next is expected; whether that was the end."""
        tokens = self.tokens
        while True:
            token = tokens[self.at]
            kind = token.kind
            binary = _BINARY.get(kind)
            if binary is not None:
                level, op = binary
                if op == "power":  # groups to the right
                    self.reduce(Level.ATOM)
                    self.deeper(token)
                else:
                    self.reduce(level)
                self.pending.append(_Pending(level, op, token))
                self.at += 1
                return False
            if kind == ")":
                self.close(token, single)
            elif kind == ",":
                self.comma(token, single)
                return False
            elif kind == "|" and self.brackets[-1].op == "|":
                self.reduce(Level.LIST)
                start = self.pop_bracket().token.span.start
                span = Span(start, token.span.end)
                self.operands[-1] = Operation("abs", (self.operands[-1],), span)
            elif kind in _STARTS or kind == "|":
                self.reduce(Level.PRODUCT)
                self.pending.append(_Pending(Level.PRODUCT, "multiply", token))
                return False
            elif kind == RAISED:
                self.raised(token)
            elif kind in (".T", TRANSPOSED):
                self.reduce(Level.ATOM)
                base = self.operands[-1]
                span = Span(base.span.start, token.span.end)
                self.operands[-1] = Operation(
                    "turned" if kind == ".T" else "transposed", (base,), span
                )
            elif kind == "[":
                self.reduce(Level.ATOM)
                key = self.key()
                base = self.operands[-1]
                span = Span(base.span.start, self.tokens[self.at].span.end)
                self.operands[-1] = Index(base, key, span)
            elif kind in (END, ";") or (kind == NEWLINE and self.brackets[-1].op != "|"):
                self.reduce(Level.LIST)
                return True
            elif kind != NEWLINE:
                self.misplaced(token)
            self.at += 1

    def reduce(self, level: int) -> None:
        """Complete the pending operators that bind at least this tightly."""
        pending, operands = self.pending, self.operands
        while pending[-1].level >= level:
            waiting = pending.pop()
            op = waiting.op
            right = operands[-1]
            if op in _PREFIX_OPS:
                self.depth -= 1
                span = Span(waiting.token.span.start, right.span.end)
                operands[-1] = Group(right, span) if op == "plus" else Operation(op, (right,), span)
                continue
            del operands[-1]
            left = operands[-1]
            span = Span(left.span.start, right.span.end)
            if op == "power":
                self.depth -= 1
                operands[-1] = Power(left, right, span)
            elif waiting.level != Level.COMPARISON:
                operands[-1] = Operation(op, (left, right), span)
            elif isinstance(left, Comparison):
                left.ops.append(op)
                left.operands.append(right)
                left.span = span
            else:
                operands[-1] = Comparison([op], [left, right], span)

    # --- pieces -----------------------------------------------------------------------------------

    def is_signed_number(self) -> bool:
        """Whether a number follows the sign here, and is not the base of a power."""
        following = self.tokens[self.at + 1 : self.at + 3]
        return following[0].kind == NUMBER and following[1].kind not in ("^", RAISED)

    def prefix(self, token: Token) -> None:
        level, op = _PREFIX[token.kind]
        before = self.pending[-1]
        if before.level > level and not (before.op == "power" and level == Level.SIGN):
            hint = f"write {before.token.text}({token.text} …)"
            self.fail("E124", f"{token.text!r} needs brackets here", token.span, hint)
        self.deeper(token)
        self.pending.append(_Pending(level, op, token))

    def raised(self, token: Token) -> None:
        if not re.fullmatch("[+-]?[0-9]+", token.text):
            self.fail("E120", "a raised exponent must be a whole number", token.span)
        if len(token.text) > self.limits.digits:
            raise FormulaLimitError("E154", "the exponent is too long", self.text, token.span)
        self.reduce(Level.ATOM)
        base = self.operands[-1]
        exponent = Number(int(token.text), token.span)
        self.operands[-1] = Power(base, exponent, Span(base.span.start, token.span.end))

    def deeper(self, token: Token) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise FormulaLimitError(
                "E152",
                f"more than {self.limits.depth} brackets, signs and exponents are open",
                self.text,
                token.span,
                "name a part: a = …; f = … a …",
            )

    # --- brackets and commas ----------------------------------------------------------------------

    def open(self, op: str, token: Token) -> None:
        self.deeper(token)
        bracket = _Pending(_OPEN, op, token)
        self.pending.append(bracket)
        self.brackets.append(bracket)

    def pop_bracket(self) -> _Pending:
        self.depth -= 1
        self.pending.pop()
        return self.brackets.pop()

    def close(self, token: Token, single: bool) -> None:
        self.reduce(Level.LIST)
        bracket = self.brackets[-1]
        if bracket.op == "":
            self.fail("E113", "this ')' closes nothing", token.span)
        if bracket.op == "|":
            self.unclosed()
        self.pop_bracket()
        if bracket.op == "call":
            self.close_call(bracket, (*bracket.items, self.operands.pop()), token)
        elif bracket.comma is None:
            span = Span(bracket.token.span.start, token.span.end)
            self.operands[-1] = Group(self.operands[-1], span)
        else:
            whole = bracket.token is self.tokens[self.first] and self.ends_statement(self.at + 1)
            if single or not whole:
                parts = [*bracket.items, self.operands[-1]]
                numbers = all(isinstance(part, Number) for part in parts)
                hint = "lists take square brackets: [2, 3]" if numbers else ""
                self.misplaced_comma(bracket.comma, hint)
            self.brackets[-1].items = bracket.items

    def close_call(self, bracket: _Pending, arguments: tuple[Syntax, ...], token: Token) -> None:
        span = Span(bracket.token.span.start, token.span.end)
        if bracket.token.kind == OPERATION:
            self.operands.append(Operation(bracket.token.text, arguments, span))
        else:
            self.operands.append(Call(_name(bracket.token), arguments, span))

    def ends_statement(self, at: int) -> bool:
        return self.tokens[at].kind in (END, ";", NEWLINE)

    def comma(self, token: Token, single: bool) -> None:
        self.reduce(Level.LIST)
        bracket = self.brackets[-1]
        outside = bracket.op == ""
        if bracket.op == "|" or (outside and (single or self.is_decimal(token))):
            self.misplaced_comma(token)
        bracket.comma = bracket.comma or token
        bracket.items.append(self.operands.pop())
        self.at += 1

    def is_decimal(self, token: Token) -> bool:
        """Whether this comma may be a decimal one: ``3,5 + x``, while ``3,5`` is a list."""
        tokens, at = self.tokens, self.at
        before, after = tokens[at - 1], tokens[at + 1]
        if not before.kind == after.kind == NUMBER:
            return False
        starts = at - 1 == self.first or tokens[at - 2].kind in (",", "-", "+")
        alone = starts and (tokens[at + 2].kind == "," or self.ends_statement(at + 2))
        return not alone and before.span.end == token.span.start == after.span.start - 1

    # --- errors -----------------------------------------------------------------------------------

    def unclosed(self) -> NoReturn:
        opener = self.brackets[-1].token
        if self.brackets[-1].op == "call":
            start = self.text.index("(", opener.span.end)
            self.fail("E112", "this '(' is never closed", Span(start, start + 1))
        self.fail("E112", f"this {opener.text!r} is never closed", opener.span)

    def misplaced_comma(self, token: Token, hint: str = "") -> NoReturn:
        hint = hint or "numbers take a point: 0.5; only the last statement may be a list"
        self.fail("E116", "a comma outside the arguments of a function", token.span, hint)

    def missing_operand(self, token: Token) -> NoReturn:
        if token.kind in ("]", ":", ".T"):
            refuse_character(token.text[0], self.text, token.span.start)
        at = self.at - 1
        while at >= self.first and self.tokens[at].kind == NEWLINE:
            at -= 1
        found = "" if token.kind in (END, ";") else f", found {token.text!r}"
        if at < self.first:
            self.fail("E111", f"expected an operand before {token.text!r}", token.span)
        before = self.tokens[at]
        if before.kind == "=" and not found:
            self.fail("E118", "expected an expression after '='", before.span)
        if before.kind == "(":
            if not found:
                self.unclosed()
            if token.kind == ")":
                span = Span(before.span.start, token.span.end)
                self.fail("E111", "expected an operand between '(' and ')'", span)
        span = token.span if found else before.span
        self.fail("E111", f"expected an operand after {before.text!r}{found}", span)

    def misplaced(self, token: Token) -> NoReturn:
        if token.kind in ("]", ":"):
            refuse_character(token.text, self.text, token.span.start)
        before = self.tokens[self.at - 1]
        if token.kind == NUMBER:
            hint = f"write * before {token.text:.40}"
            if before.kind == NAME:
                name, number = f"{before.text:.40}", f"{token.text:.40}"
                hint = f"write {name}*{number} for a product"
                if token.text.isdigit():
                    hint += f", {name}_{number} for a name"
            self.fail("E114", "a number directly after an operand", token.span, hint)
        if token.kind == "=":
            hint = "write == to compare"
            if before.kind == ")" and self.tokens[self.first].kind == NAME:
                hint += "; a function is defined with plain names, f(x, y) = …"
            if self.brackets[-1].op == "call":
                hint += "; parameters go without their names: sum(x, 0)"
            self.fail("E115", "a single '=' inside an expression", token.span, hint)
        self.fail("E125", f"expected an operator before {token.text!r}", token.span)


def _name(token: Token) -> Name:
    return Name(token.text, token.span)
