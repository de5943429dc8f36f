"""Where the reading of LaTeX stands: the frames that are open, and how operands enter them."""

from __future__ import annotations

from typing import Final, NoReturn

from chainrule.errors import FormulaError, Span
from chainrule.formula.latex_frames import (
    Done,
    Frame,
    Kind,
    Piece,
    is_numeric,
    times,
)
from chainrule.formula.latex_names import symbol
from chainrule.formula.latex_tokens import COMMAND, FINISH, LEFT, OPEN, partners
from chainrule.formula.tokens import END, NAME, NUMBER, PRODUCT, Token

CALL_BRACKETS: Final = frozenset({"(", "[", r"\{"})


class Stack:
    """The open frames, innermost last; the first one is the whole formula.

    Attributes:
        arrays: Whether names may stand for arrays, so that shapes decide what a product is.
    """

    def __init__(self, tokens: list[Token], text: str) -> None:
        self.tokens = tokens
        self.text = text
        self.at = 0
        self.arrays = False
        self.partners = partners(tokens)
        self.frames = [Frame(Kind.STATEMENTS, tokens[0], _nothing)]

    @property
    def top(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    def fail(self, code: str, message: str, span: Span, hint: str = "") -> NoReturn:
        """Raise FormulaError at a place of the text."""
        raise FormulaError(code, message, self.text, span, hint)

    def shown(self, token: Token) -> str:
        """A token as it was typed."""
        return " ".join(self.text[slice(*token.span)].split())

    def before(self) -> Token:
        """The end of the token before this place."""
        end = self.tokens[max(self.at - 1, 0)].span.end
        return Token(")", ")", Span(end, end))

    def opens_call(self, at: int) -> bool:
        """Whether a bracket opens here that may hold the arguments of a function."""
        token = self.tokens[at]
        return token.kind in (OPEN, LEFT) and token.text in CALL_BRACKETS

    # --- operands ---------------------------------------------------------------------------------

    def make_room(self, token: Token, *, bracket: bool = False, function: bool = False) -> None:
        """End the arguments of functions that the operand starting here does not belong to."""
        while self.top.kind is Kind.FUNCTION and self.top.pieces:
            frame = self.top
            if frame.complete or (function and not frame.expects):
                self.end_function()
                continue
            if bracket and not frame.expects and not is_numeric(frame.pieces):
                name = self.shown(frame.opener)
                self.fail(
                    "E132",
                    f"does the argument of {name} end before this bracket",
                    token.span,
                    rf"write {name}\left(…\right)",
                )
            return

    def operand(self, piece: Piece, start: Token, *, delimited: bool = False) -> None:
        """Enter an operand; after another one it is multiplied.

        Args:
            piece: Its tokens.
            start: Where it starts.
            delimited: Whether it has visible ends, so that it completes the argument of a function.
        """
        frame = self.top
        number = isinstance(piece, Token) and piece.kind == NUMBER
        if not frame.expects and not number:  # the parser refuses a number after an operand
            self._check_denominator(piece, start)
            frame.pieces.append(times(start, PRODUCT if self.arrays else "*"))
        frame.pieces.append(piece)
        frame.expects = frame.raised = False
        frame.complete = delimited

    def _check_denominator(self, piece: Piece, start: Token) -> None:
        """Refuse a factor directly after the denominator of a slash: ``a/bc``.

        Raises:
            FormulaError: E132.
        """
        pieces = self.top.pieces
        at = len(pieces) - 2
        while at > 0 and _is_sign(pieces[at], "-", "+"):
            at -= 1
        if at < 1 or not _is_sign(pieces[at], "/"):
            return
        pi = isinstance(piece, Token) and piece.text == "pi"
        if not pi and _is_sign(pieces[at - 1], NUMBER) and _is_sign(pieces[-1], NUMBER):
            return
        message = "does the denominator end before this factor"
        self.fail("E132", message, start.span, r"write \frac{a}{b} c or \frac{a}{b c}")

    def operator(self, token: Token, kind: str) -> None:
        """Enter an operator."""
        frame = self.top
        if not (frame.kind is Kind.FUNCTION and kind == "-" and not frame.pieces):
            self.end_functions()
            frame = self.top
        if frame.kind is Kind.SINGLE:
            self.missing_argument(token)
        frame.pieces.append(Token(kind, self.shown(token), token.span))
        frame.expects = True

    # --- arguments --------------------------------------------------------------------------------

    def argument(self, command: Token, done: Done) -> None:
        """Read the next argument of a command: braces, one sign, or one operand."""
        token = self.tokens[self.at]
        name = symbol(token)
        if token.kind == "{":
            self.at += 1
            self.frames.append(Frame(Kind.BRACES, token, self.not_empty(token, done)))
        elif token.kind == NUMBER and token.text[0] != ".":
            self.at += 1
            first = Span(token.span.start, token.span.start + 1)
            if len(token.text) > 1:
                if command.kind == "^":
                    hint = f"write ^{{{token.text}}}"
                    self.fail("E120", f"only {token.text[0]} is raised", token.span, hint)
                self.at -= 1
                rest = Token(NUMBER, token.text[1:], Span(first.end, token.span.end))
                self.tokens[self.at] = rest
            done([Token(NUMBER, token.text[0], first)], Token(")", ")", first))
        elif name is not None:
            self.at += 1
            done([Token(NAME, name, token.span)], token)
        elif token.kind in (COMMAND, OPEN, LEFT, "|"):
            self.frames.append(Frame(Kind.SINGLE, command, done))
        else:
            self.frames.append(Frame(Kind.SINGLE, command, done))
            self.missing_argument(token)

    def not_empty(self, brace: Token, done: Done) -> Done:
        """The same for content that must not be empty."""

        def checked(pieces: list[Piece], end: Token) -> None:
            if not pieces:
                place = Span(brace.span.start, end.span.end)
                self.fail("E111", "expected an operand between '{' and '}'", place)
            done(pieces, end)

        return checked

    def settle(self) -> None:
        """Hand on the arguments without braces that are read."""
        while self.top.kind is Kind.SINGLE and not self.top.expects:
            frame = self.frames.pop()
            frame.done(frame.pieces, self.before())

    def end_functions(self) -> None:
        """Close the arguments of functions that end here."""
        while self.top.kind is Kind.FUNCTION:
            self.end_function()

    def end_function(self) -> None:
        """Close the argument of the innermost function."""
        frame = self.frames.pop()
        if frame.expects:
            name = self.shown(frame.opener)
            hint = rf"write {name}\left(x\right)"
            self.fail("E104", f"{name} needs its argument", frame.opener.span, hint)
        frame.done(frame.pieces, self.before())

    def close(self, token: Token) -> None:
        """Read what closes the innermost frame."""
        frame = self.closed(token)
        self.at += 1
        frame.done(frame.pieces, Token(")", self.shown(token), token.span))

    # --- errors -----------------------------------------------------------------------------------

    def missing_argument(self, found: Token) -> NoReturn:
        """The command that waits for an argument got none."""
        command = self.top.opener
        shown = f", found '{self.shown(found):.40}'" if found.kind != END else ""
        hint = "write braces: ^{-1}" if command.kind == "^" and found.kind == "-" else ""
        if command.text == r"\frac":
            hint = r"as in \frac{a}{b}"
        message = f"expected an operand after '{self.shown(command):.40}'{shown}"
        self.fail("E111", message, found.span if shown else command.span, hint)

    def closed(self, token: Token) -> Frame:
        """The frame that this closing token closes; it leaves the stack.

        Raises:
            FormulaError: E111, E112, E113 it closes another one, or none.
        """
        self.end_functions()
        frame = self.top
        if frame.kind is Kind.SINGLE:
            self.missing_argument(token)
        if frame.kind is Kind.STATEMENTS:
            self.fail("E113", f"this '{self.shown(token):.40}' closes nothing", token.span)
        if token.kind == "}":
            fits = frame.kind is Kind.BRACES
        elif token.kind == FINISH:
            fits = frame.kind is Kind.CASES and frame.opener.text == token.text
        else:
            pairs = (frame.opener.kind == LEFT) == (token.kind == "right")
            fits = frame.kind is Kind.BRACKET and frame.delimiter == token.text and pairs
        if not fits:
            self.unclosed()
        return self.frames.pop()

    def unclosed(self) -> NoReturn:
        """The innermost frame is never closed."""
        opener = self.top.opener
        hint = ""
        if opener.kind == LEFT:
            hint = r"every \left needs a \right"
        self.fail("E112", f"this '{self.shown(opener):.40}' is never closed", opener.span, hint)


def _is_sign(piece: Piece, *kinds: str) -> bool:
    return isinstance(piece, Token) and piece.kind in kinds


def _nothing(pieces: list[Piece], end: Token) -> None:
    """The whole formula is never closed."""
