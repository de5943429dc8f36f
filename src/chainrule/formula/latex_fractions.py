"""Fractions, roots and numbers in LaTeX."""

from __future__ import annotations

from chainrule.errors import Span
from chainrule.formula.latex_commands import OPERATORS, REFUSED
from chainrule.formula.latex_frames import Frame, Kind, Piece, operation, raised, short, sign
from chainrule.formula.latex_known import Known
from chainrule.formula.latex_tokens import OPEN
from chainrule.formula.tokens import NUMBER, Token


class Fractions(Known):
    """Reads fractions, roots and numbers."""

    def fraction(self, token: Token) -> None:
        r"""``\frac{a}{b}``."""
        self.make_room(token)
        self._check_derivative(token)
        self.at += 1

        whole = self._number_before()

        def numerator(above: list[Piece], _: Token) -> None:
            def denominator(below: list[Piece], end: Token) -> None:
                self._check_mixed(whole, above, below, token, end)
                self.operand(operation("divide", token, end, above, below), token)

            self.argument(token, denominator)

        self.argument(token, numerator)

    def _number_before(self) -> Token | None:
        """The whole number directly before this place."""
        frame = self.top
        last = frame.pieces[-1] if frame.pieces and not frame.expects else None
        if isinstance(last, Token) and last.kind == NUMBER and last.text.isdecimal():
            return last
        return None

    def _check_mixed(
        self,
        whole: Token | None,
        above: list[Piece],
        below: list[Piece],
        token: Token,
        end: Token,
    ) -> None:
        r"""Refuse ``2\frac{1}{2}``, which is 5/2 to some and 1 to others.

        Raises:
            FormulaError: E132.
        """
        parts = [part.text for part in (*short(above), *short(below))]
        if whole is None or len(parts) != 2 or not all(part.isdecimal() for part in parts):
            return
        if int(parts[0]) < int(parts[1]):
            fraction = self.text[slice(token.span.start, end.span.end)]
            hint = rf"write {whole.text} + {fraction}, or {whole.text} \cdot {fraction}"
            place = Span(whole.span.start, end.span.end)
            self.fail("E132", "a mixed number or a product", place, f"{hint:.100}")

    def _check_derivative(self, token: Token) -> None:
        r"""Refuse ``\frac{d}{dx}`` and ``\frac{dy}{dx}``."""
        tokens, start = self.tokens, self.at + 1
        end = self.partners.get(start, start)
        middle = end + 1
        last = self.partners.get(middle) if end > start else None
        if last is None or tokens[start + 1].text != "d" or self.is_variable("d"):
            return
        below = [part.text for part in tokens[middle + 1 : min(last, middle + 6)]]
        if below[:1] == ["d"] and (last == middle + 3 or "^" in below[2:3]):
            what, hint = REFUSED[r"\partial"]
            place = Span(token.span.start, tokens[last].span.end)
            self.fail("E128", what, place, hint)

    def root(self, token: Token) -> None:
        r"""``\sqrt{x}`` and ``\sqrt[n]{x}``."""
        self.make_room(token)
        self.at += 1
        bracket = self.tokens[self.at]

        def indexed(index: list[Piece], _: Token) -> None:
            def radicand(pieces: list[Piece], end: Token) -> None:
                self.operand(_root(token, end, pieces, index), token)

            self.argument(token, radicand)

        if bracket.kind == OPEN and bracket.text == "[":
            self.at += 1
            self.frames.append(Frame(Kind.BRACKET, bracket, self.not_empty(bracket, indexed), "["))
        else:
            indexed([Token(NUMBER, "2", token.span)], token)

    def number(self, token: Token) -> None:
        r"""A number; ``1.5 \times 10^{-3}`` is one, except after a division."""
        frame = self.top
        self.make_room(token)
        self.at += 1
        last = frame.pieces[-1] if frame.pieces else None
        divided = isinstance(last, Token) and last.kind == "/"
        start = token
        if frame.kind is not Kind.SINGLE and not divided:
            token = self._with_power_of_ten(token)
        self.operand(token, token)
        self.top.raised = token is not start

    def _with_power_of_ten(self, token: Token) -> Token:
        """The number with the power of ten that follows it."""
        at, tokens = self.at, self.tokens
        if OPERATORS.get(tokens[at].text, tokens[at].kind) != "*" or tokens[at].text == "*":
            return token
        if [part.text for part in tokens[at + 1 : at + 3]] != ["10", "^"]:
            return token
        start = at + 3
        end = start + 1
        braced = tokens[start].kind == "{"
        if braced:
            start, end = end, self.partners.get(start, start)
        digits = "".join([part.text for part in tokens[start : min(end, start + 3)]])
        whole = digits[1:] if digits.startswith(("+", "-")) else digits
        if not whole.isdecimal() or (len(digits) > 1 and not braced):
            return token
        self.at = end + braced
        span = Span(token.span.start, tokens[self.at - 1].span.end)
        return Token(NUMBER, f"{token.text}e{digits}", span)


def _root(token: Token, end: Token, pieces: list[Piece], index: list[Piece]) -> Piece:
    """A root; one with a literal index from 4 on is a power with a literal exponent."""
    literal = [part.text for part in short(index)]
    if literal in (["2"], ["3"]):
        return operation("sqrt" if literal == ["2"] else "cbrt", token, end, pieces)
    one = Token(NUMBER, "1", token.span)
    exponent = operation("divide", token, end, [one], index)
    if len(literal) == 1 and literal[0].isdecimal() and float(literal[0]):
        exponent = Token(NUMBER, repr(1 / float(literal[0])), index_span(index))
    base: Piece = [sign("(", token.span), pieces, Token(")", ")", end.span)]
    return [sign("(", token.span), raised(base, [exponent], token, end), Token(")", ")", end.span)]


def index_span(index: list[Piece]) -> Span:
    """Where a short index stands."""
    return short(index)[0].span
