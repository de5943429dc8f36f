"""Statements, environments and cases in LaTeX: what stands around expressions and between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from chainrule.errors import Span, nearest
from chainrule.formula.latex_commands import ALIGNMENTS, CASES, MATRICES, NO_MATRICES, OPERATORS
from chainrule.formula.latex_frames import Frame, Kind, Piece, flat, operation, sign
from chainrule.formula.latex_functions import Functions
from chainrule.formula.latex_tokens import BEGIN, BREAK, FINISH
from chainrule.formula.tokens import END, NAME, NEWLINE, NUMBER, Token

ENDS: Final = frozenset({END, BREAK, FINISH, "$", "$$", ";"})
"""What ends a statement."""

_CONTINUES: Final = frozenset({"+", "-", "*", "/", "=", "<", ">", ")", ",", "^"})
_CONTINUES_ROW: Final = frozenset({"+", "-", "*", "/"})
_MATH: Final = {r"\[": r"\]", r"\(": r"\)", "$": "$", "$$": "$$"}
CONDITION_WORDS: Final = frozenset({"if", "for", "when", "where"})
OTHERWISE: Final = frozenset({"otherwise", "else"})


class Statements(Functions):
    """Reads what stands around expressions.

    Attributes:
        outer: The environments and dollars that are open around the statements.
        defines: Whether the statement is a definition.
    """

    def __init__(
        self,
        tokens: list[Token],
        text: str,
        variables: Collection[str],
        functions: Collection[str],
        spelled: Mapping[str, str],
        *,
        arrays: bool = False,
    ) -> None:
        super().__init__(tokens, text, variables, functions, spelled, arrays=arrays)
        self.outer: list[Token] = []
        self.defines = False
        self._start = 0  # where the statement starts in the pieces of the first frame

    # --- statements -------------------------------------------------------------------------------

    def equals(self, token: Token) -> None:
        self.end_functions()
        frame = self.top
        self.at += 1
        if frame.kind is Kind.SINGLE:
            self.missing_argument(token)
        if frame.kind is not Kind.STATEMENTS:
            self.operator(token, "==")
            return
        left = flat(frame.pieces[self._start :])
        names = [at for at in left if at.kind == NAME]
        signature = [at for at in left if at.kind != "*"]
        if self.defines or not left:
            hint = "one definition per line, y = …; to compare, use brackets: (x = y)"
            self.fail("E115", "a second '='" if left else "nothing before '='", token.span, hint)
        if len(left) == 1 and names:
            self.define(left[0].text)
        elif _is_signature(signature) and len(left) - len(signature) <= 1:
            self.define(left[0].text, [name.text for name in names[1:]])
        else:
            hint = "a definition is y = … or f(x, y) = …; to compare, use brackets: (x = y)"
            word = "".join([name.text for name in names])
            if all(part.kind in (NAME, "*") for part in left) and word.isalpha():
                hint = rf"for one name, write \mathrm{{{word:.40}}}"
            self.fail("E115", "a single '=' inside an expression", token.span, hint)
        frame.pieces[self._start :] = [*signature, sign("=", token.span)]
        frame.expects = self.defines = True

    def separator(self, token: Token) -> None:
        """A semicolon, a row's end or a line's end."""
        self.end_functions()
        frame = self.top
        self.at += 1
        if frame.kind is Kind.CASES and token.kind == BREAK:
            self._end_row(token)
        elif frame.kind is not Kind.STATEMENTS:
            if token.kind == ";":
                self.unclosed()
        elif (token.kind == NEWLINE and self._continues_line()) or (
            token.kind == BREAK and (frame.expects or self._continues_row())
        ):
            return
        elif token.kind == ";" or not frame.expects:
            self.end_statement(token)

    def _continues_line(self) -> bool:
        """Whether the next line goes on with this statement."""
        inside = bool(self.outer) and self.outer[-1].kind == BEGIN
        token = self.tokens[self.at]
        return inside or token.kind in _CONTINUES or OPERATORS.get(token.text, "not") != "not"

    def _continues_row(self) -> bool:
        r"""Whether the next row starts with an operator, in its first column or a later one."""
        at = self.at
        while self.tokens[at].kind in (NEWLINE, "&"):
            at += 1
        token = self.tokens[at]
        return token.kind in _CONTINUES_ROW or OPERATORS.get(token.text) in _CONTINUES_ROW

    def end_statement(self, token: Token) -> None:
        """Start anew after this token."""
        frame = self.top
        if len(frame.pieces) > self._start:
            frame.pieces.append(Token(";", self.shown(token), token.span))
        self._start = len(frame.pieces)
        frame.expects = True
        self.defines = False
        self.forget_arguments()

    def column(self, token: Token) -> None:
        self.end_functions()
        frame = self.top
        self.at += 1
        if frame.kind is Kind.CASES:
            if frame.value is not None:
                hint = r"value & condition \\"
                self.fail("E129", "a row of cases has two columns", token.span, hint)
            if frame.expects:
                self.fail("E111", "expected a value before '&'", token.span)
            frame.value, frame.pieces, frame.expects = frame.pieces, [], True
        elif frame.kind is not Kind.STATEMENTS or not self.outer:
            self.fail("E129", "'&' outside of an environment", token.span, "write 'and' as \\land")

    # --- environments -----------------------------------------------------------------------------

    def math(self, token: Token) -> None:
        """Dollars, or the brackets that take their place."""
        mark = token.text
        opener = self.outer[-1] if self.outer else None
        if opener is not None and _MATH.get(opener.text) == mark:
            self._leave(token)
        elif mark in _MATH:
            self._enter(token)
        else:
            self.fail("E113", f"this '{mark}' closes nothing", token.span)

    def begin(self, token: Token) -> None:
        name = token.text
        if name in CASES:
            self.make_room(token)
            self.at += 1
            frame = Frame(Kind.CASES, token, lambda _, end: self._choose(frame, end))
            self.frames.append(frame)
        elif name in ALIGNMENTS:
            self._enter(token)
        else:
            self._unknown_environment(token)

    def finish(self, token: Token) -> None:
        if token.text in CASES:
            self.end_functions()
            if self.top.kind is Kind.CASES:
                self._end_row(token)
            self.close(token)
        elif token.text in ALIGNMENTS:
            self._leave(token)
        else:
            self._unknown_environment(token)

    def _unknown_environment(self, token: Token) -> None:
        name = token.text
        if name in MATRICES:
            what, hint = NO_MATRICES
            self.fail("E128", what, token.span, hint)
        guess = nearest(name, [*ALIGNMENTS, *CASES])
        hint = f"did you mean {guess!r}?" if guess else "aligned and cases are read"
        self.fail("E127", f"unknown environment {name!r:.40}", token.span, hint)

    def _enter(self, token: Token) -> None:
        self.end_functions()
        self.at += 1
        if self.top.kind is not Kind.STATEMENTS or len(self.top.pieces) > self._start:
            hint = "it stands around whole statements"
            self.fail("E129", f"'{self.shown(token):.40}' inside a formula", token.span, hint)
        self.outer.append(token)

    def _leave(self, token: Token) -> None:
        self.end_functions()
        if self.top.kind is Kind.SINGLE:
            self.missing_argument(token)
        if self.top.kind is not Kind.STATEMENTS:
            self.unclosed()
        opener = self.outer[-1] if self.outer else None
        if opener is None:
            self.fail("E113", f"this '{self.shown(token):.40}' closes nothing", token.span)
        if token.kind == FINISH and (opener.kind != BEGIN or opener.text != token.text):
            self.fail("E112", f"this '{self.shown(opener):.40}' is never closed", opener.span)
        self.outer.pop()
        self.at += 1
        self.end_statement(token)

    # --- cases ------------------------------------------------------------------------------------

    def _end_row(self, token: Token) -> None:
        r"""A row of cases is read, up to its ``\\`` or to ``\end``."""
        frame = self.top
        if frame.value is None:
            if frame.pieces:
                hint = r"value & condition \\, or & \text{otherwise}"
                self.fail("E129", "a row of cases without a condition", token.span, hint)
            return
        if frame.rows and frame.rows[-1][1] is None:
            self.fail("E129", "a row after 'otherwise'", token.span, "it comes last")
        if frame.expects != frame.otherwise:
            self.fail("E111", "expected one condition after '&'", token.span)
        frame.rows.append((frame.value, None if frame.otherwise else frame.pieces))
        frame.pieces, frame.value, frame.expects, frame.otherwise = [], None, True, False

    def _choose(self, frame: Frame, end: Token) -> None:
        """Rows become nested choices; where no condition holds, the value is NaN."""
        opener = frame.opener
        if not frame.rows:
            place = Span(opener.span.start, end.span.end)
            self.fail("E111", "cases without rows", place, r"value & condition \\")
        rest: list[Piece] = [Token(NUMBER, "nan", end.span)]
        for value, condition in reversed(frame.rows):
            if condition is None:
                rest = value
            else:
                rest = [operation("where", opener, end, condition, value, rest)]
        self.operand(rest, opener)


def _is_signature(tokens: list[Token]) -> bool:
    """Whether this is ``f(x, y)``."""
    kinds = [token.kind for token in tokens]
    pairs = len(kinds) // 2 - 1
    return len(kinds) >= 4 and kinds == [NAME, "(", *[NAME, ","] * (pairs - 1), NAME, ")"]
