"""What stands in square brackets: literal arrays, and the places of elements."""

from __future__ import annotations

import math
from typing import Final, NoReturn

from chainrule.errors import FormulaError, FormulaLimitError, Span
from chainrule.formula.limits import Limits
from chainrule.formula.syntax import Listing, Number
from chainrule.formula.tokens import END, NAME, NUMBER, Token, refuse_character

_DEEPEST: Final = 16
_LARGEST_INDEX: Final = 2**53


class Lists:
    """Reads numbers and lists of them; ``at`` is the place of the token that is read next."""

    def __init__(self, tokens: list[Token], text: str, limits: Limits) -> None:
        self.tokens = tokens
        self.text = text
        self.limits = limits
        self.at = 0

    def fail(self, code: str, message: str, span: Span, hint: str = "") -> NoReturn:
        """Raise FormulaError at a place of the text."""
        raise FormulaError(code, message, self.text, span, hint)

    def number(self, token: Token) -> int | float:
        """The value of a numeral; raises LimitError E154 for one that is too large."""
        value = float(token.text)
        if math.isinf(value):
            raise FormulaLimitError(
                "E154", "a number beyond the largest float, 1.8e308", self.text, token.span
            )
        return int(token.text) if token.text.isdigit() else value

    def listing(self) -> Listing:
        """Numbers in brackets, which may be nested; ends at the last bracket."""
        open_lists: list[tuple[Token, list[Number | Listing]]] = []
        while True:
            token = self.tokens[self.at]
            if token.kind == "[":
                if len(open_lists) >= _DEEPEST:
                    message = f"more than {_DEEPEST} brackets in a list"
                    raise FormulaLimitError("E152", message, self.text, token.span)
                open_lists.append((token, []))
                self.at += 1
                if self.tokens[self.at].kind != "]":
                    continue
            else:
                open_lists[-1][1].append(self.listed_number(open_lists[0][0]))
            while True:
                following = self.tokens[self.at]
                self.at += 1
                if following.kind == ",":
                    break
                if following.kind != "]":
                    self.not_in_list(open_lists[0][0], following)
                opener, items = open_lists.pop()
                found = Listing(tuple(items), Span(opener.span.start, following.span.end))
                if not open_lists:
                    self.at -= 1
                    return found
                open_lists[-1][1].append(found)

    def listed_number(self, opener: Token) -> Number:
        """A number in a list, with its sign."""
        start = token = self.tokens[self.at]
        signed = token.kind in ("-", "+")
        if signed:
            self.at += 1
            token = self.tokens[self.at]
        span = Span(start.span.start, token.span.end)
        value: float
        if token.kind == NUMBER:
            value = self.number(token)
        elif token.kind == NAME and token.text in ("inf", "nan"):
            value = float(token.text)
        elif token.kind in ("true", "false") and not signed:
            value = token.kind == "true"
        else:
            self.not_in_list(opener, token)
        self.at += 1
        return Number((-value or -0.0) if start.kind == "-" else value, span)

    def not_in_list(self, opener: Token, token: Token) -> NoReturn:
        """What stands here belongs in no list: round brackets were meant, or a vector of parts."""
        before = self.tokens[self.at - 1]
        if token.kind in (END, ";"):
            self.fail("E112", f"this {opener.text!r} is never closed", opener.span)
        if token.kind == ",":
            message = f"expected a number after {before.text!r}, found ','"
            self.fail("E111", message, token.span)
        if token.kind == "]":
            hint = "leave the comma out" if before.kind == "," else ""
            self.fail("E111", "expected a number before ']'", token.span, hint)
        if token.kind == NUMBER:
            self.fail("E114", "two numbers side by side in a list", token.span, "write [1, 2, 3]")
        refuse_character(opener.text, self.text, opener.span.start)

    def key(self) -> tuple[int | slice, ...]:
        """``[1:3, 0]`` after an operand: whole numbers and slices; ends at the last bracket."""
        opener = self.tokens[self.at]
        key: list[int | slice] = []
        while True:
            self.at += 1
            parts = [self.index_number()]
            while self.tokens[self.at].kind == ":" and len(parts) < 3:
                self.at += 1
                parts.append(self.index_number())
            after = self.tokens[self.at]
            if after.kind in (END, ";"):
                self.fail("E112", "this '[' is never closed", opener.span)
            single = parts[0] if len(parts) == 1 else None
            if after.kind not in (",", "]") or (len(parts) == 1 and single is None):
                hint = "x[0], x[1:3]; for places that are data write gather(x, i)"
                self.fail("E111", "expected a whole number or a slice", after.span, hint)
            key.append(slice(*parts) if single is None else single)
            if after.kind == "]":
                return tuple(key)

    def index_number(self) -> int | None:
        """The whole number that stands here, if one does."""
        token = self.tokens[self.at]
        negative = token.kind == "-"
        if negative:
            token = self.tokens[self.at + 1]
        if token.kind != NUMBER or not token.text.isdigit():
            return None
        self.at += 1 + negative
        value = min(int(token.text), _LARGEST_INDEX)
        return -value if negative else value
