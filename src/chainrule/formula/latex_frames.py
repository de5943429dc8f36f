"""What is open while LaTeX is read: braces, brackets, arguments, environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from chainrule.errors import Span
from chainrule.formula.tokens import NAME, NUMBER, OPERATION, Token

Piece: TypeAlias = "Token | list[Piece]"
"""A token of the text language, or several that are one operand."""

Done: TypeAlias = "Callable[[list[Piece], Token], None]"
"""What happens to the content of a frame, given the token that closes it."""


class Kind(Enum):
    """What a frame is."""

    STATEMENTS = "the whole formula"
    BRACKET = "a bracket or bars"
    BRACES = "braces"
    SINGLE = "an argument without braces: one operand"
    FUNCTION = "the argument of a function without brackets"
    CASES = "the rows of an environment of cases"


@dataclass(slots=True)
class Frame:
    """One thing that is open.

    Attributes:
        kind: What it is.
        opener: The token that opened it.
        done: What becomes of its content.
        delimiter: For brackets, the delimiter that opened them.
        commas: Whether it is a list.
        pieces: Its content so far.
        expects: Whether an operand comes next.
        raised: Whether the last operand has an exponent already.
        complete: For the argument of a function, whether it ends before the next operand.
        rows: For cases, the finished rows: value and condition (None: otherwise).
        value: For cases, the value of the row whose condition is being read.
        otherwise: For cases, whether that condition is "otherwise".
    """

    kind: Kind
    opener: Token
    done: Done
    delimiter: str = ""
    commas: bool = False
    pieces: list[Piece] = field(default_factory=list)
    expects: bool = True
    raised: bool = False
    complete: bool = False
    rows: list[tuple[list[Piece], list[Piece] | None]] = field(default_factory=list)
    value: list[Piece] | None = None
    otherwise: bool = False


def flat(pieces: Iterable[Piece]) -> list[Token]:
    """The tokens of pieces in order."""
    tokens: list[Token] = []
    stack = [iter(pieces)]
    while stack:
        for piece in stack[-1]:
            if isinstance(piece, list):
                stack.append(iter(piece))
                break
            tokens.append(piece)
        else:
            stack.pop()
    return tokens


def first_token(piece: Piece) -> Token:
    """Where a piece starts."""
    while not isinstance(piece, Token):
        piece = piece[0]
    return piece


def sign(kind: str, span: Span) -> Token:
    """A sign of the text language that stands for something at this place."""
    return Token(kind, kind, span)


def times(token: Token, kind: str = "*") -> Token:
    """The sign of a product that is written without one, before this token."""
    return Token(kind, "*", Span(token.span.start, token.span.start))


def operation(name: str, start: Token, end: Token, *operands: list[Piece]) -> Piece:
    """An operation of the table on its operands; it reaches from ``start`` to ``end``."""
    return [Token(OPERATION, name, start.span), *_bracketed(operands, start, end)]


def call(name: str, start: Token, end: Token, *operands: list[Piece]) -> Piece:
    """A call of the function of this name, which may be the user's."""
    return [Token(NAME, name, start.span), *_bracketed(operands, start, end)]


def _bracketed(operands: Iterable[list[Piece]], start: Token, end: Token) -> list[Piece]:
    pieces: list[Piece] = [Token("(", "(", start.span)]
    for at, operand in enumerate(operands):
        pieces += [Token(",", ",", end.span)] * (at > 0)
        pieces.append(operand)
    pieces.append(Token(")", ")", end.span))
    return pieces


def raised(base: Piece, exponent: list[Piece], caret: Token, end: Token) -> Piece:
    """A power."""
    return [base, sign("^", caret.span), sign("(", caret.span), exponent, Token(")", ")", end.span)]


def short(pieces: Iterable[Piece]) -> list[Token]:
    """The tokens of pieces if they are few; of more, none of them matters."""
    found: list[Token] = []
    stack = [iter(pieces)]
    while stack:
        for piece in stack[-1]:
            if isinstance(piece, list):
                stack.append(iter(piece))
                break
            found.append(piece)
            if len(found) > _FEW:
                return [Token(NAME, "…", piece.span)]
        else:
            stack.pop()
    return found


def is_numeric(pieces: Iterable[Piece]) -> bool:
    """Whether only numbers, pi and fractions of them stand here: what follows is multiplied."""
    return all(
        token.kind in _NUMERIC or (token.kind, token.text) in _NUMERIC_WORDS
        for token in short(pieces)
    )


_FEW: Final = 20
_NUMERIC: Final = frozenset({NUMBER, "*", "(", ")", ",", "-"})
_NUMERIC_WORDS: Final = frozenset({(OPERATION, "divide"), (NAME, "pi")})
