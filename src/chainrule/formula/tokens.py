"""Text becomes tokens: numbers, names, signs, line breaks, each with its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import pairwise
from typing import Final, NamedTuple, NoReturn

from chainrule.errors import FormulaError, FormulaLimitError, Span
from chainrule.formula.arrays import ARRAY_FUNCTIONS
from chainrule.formula.limits import Limits
from chainrule.formula.names import (
    CONSTANTS,
    FUNCTIONS,
    GREEK,
    KEYWORDS,
    SIGNS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    canonical,
)

NUMBER: Final = "number"
OPERATION: Final = "operation"  # called by its own name, which no name of the user hides
NAME: Final = "name"
RAISED: Final = "raised"
TRANSPOSED: Final = "transposed"  # in LaTeX, where a vector becomes a row
PRODUCT: Final = "product"  # shapes decide which; in LaTeX, nothing between factors
SCALAR_PRODUCT: Final = "scalar product"  # the same, but of two vectors: \cdot
CROSS_PRODUCT: Final = "cross product"  # in LaTeX \times, which of arrays says nothing sure
NEWLINE: Final = "newline"
END: Final = "end"


class Token(NamedTuple):
    """``kind`` is one of the constants above, else the sign or keyword itself."""

    kind: str
    text: str
    span: Span


_GREEK: Final = "".join(GREEK)
_UP: Final = "".join(SUPERSCRIPTS)
_DOWN: Final = "".join(SUBSCRIPTS)
_PLAIN: Final = rf"[^\W\d_{_GREEK}{_UP}{_DOWN}]"
_BELOW: Final = rf"_(?:\{{[^{{}}\n]*\}}|[{_GREEK}]|)"

_TOKEN: Final = re.compile(
    rf"""
    [^\S\n]*                                                # blanks
    (?:\#[^\n]*)?                                           # a comment
    (?:
      (?P<name>                                             # a Greek letter is a name of its own
          (?: {_PLAIN} | {_BELOW} ) (?: {_PLAIN} | [0-9] | {_BELOW} )* [{_DOWN}]*
        | [{_GREEK}] [0-9]* (?: {_BELOW} (?: {_PLAIN} | [0-9] )* )* [{_DOWN}]* )
    | (?P<number> (?: [0-9]+\.?[0-9]* | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<sign> \*\* | [<>=!]= | \.T(?!\w) | [-+*/^()=<>|,;·⋅×∗÷∕−≤≥≠√∛@⊙\[\]:] )
    | (?P<newline> \n )
    | (?P<raised> [{_UP}]+ )
    | (?P<infinity> ∞ )
    | (?P<end> \Z )
    | (?P<stray> . )
    )
    """,
    re.VERBOSE,
)

_ADVICE: Final = {
    "[": "use round brackets; lists such as [2, 3] hold numbers, stack(x, y) is a vector of names",
    "]": "use round brackets; lists such as [2, 3] hold numbers",
    "{": "use round brackets",
    "}": "use round brackets",
    "&": "write 'and'",
    "!": "write 'not' for the opposite of a condition, gamma(n + 1) for a factorial",
    "~": "write 'not'",
    "'": "write a name such as x_prime; x.T is the transpose",
    "∧": "write 'and'",
    "∨": "write 'or'",
    "¬": "write 'not'",
    "%": "write mod(x, y) for a remainder, x/100 for a percentage",
    "\\": "this looks like LaTeX; here it is sqrt(x), theta, x*y",
    ":": "a definition is a = …",
    ".": "a number needs a digit beside its point; x.T is the transpose",
    "…": "write every element: this constant is shown by its first ones only",
    '"': "words stand alone, as in convert(x, int64)",
    "ᵀ": "write x.T",
    "⊗": "write outer(x, y)",
    "‖": "write norm(x)",
    "∑": "write sum(x)",
    "∏": "write prod(x)",
}


def normal_form(text: str) -> str:
    """The text with letters composed (Unicode NFC), as places in errors and spans refer to it."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def tokenize(text: str, limits: Limits) -> list[Token]:
    """The tokens of a text in normal form; the last one is END.

    Line breaks inside brackets are left out: they do not end a statement.

    Raises:
        FormulaError: E119 a character that no formula has, E120 a number or name that ends badly.
        LimitError: E151 the text is too long, E154 a number is.
    """
    check_length(text, limits)
    tokens: list[Token] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or END
        start, end = span = Span(*match.span(kind))
        word = match[kind]
        if kind == NAME:
            if not word.isascii() or "{" in word:
                _check_name(word, text, start)
                word = canonical(word)
            tokens.append(Token(word if word in KEYWORDS else NAME, word, span))
        elif kind == NUMBER:
            check_digits(word, text, span, limits)
            if text.startswith("_", end):
                raise FormulaError(
                    "E120", "'_' inside a number", text, Span(end, end + 1), "leave it out"
                )
            tokens.append(Token(NUMBER, word, span))
        elif kind == "sign":
            word = SIGNS.get(word, word)
            if word in ("(", "["):
                depth += 1
            elif word in (")", "]"):
                depth -= 1
            tokens.append(Token(word, word, span))
        elif kind == NEWLINE:
            if depth <= 0:
                tokens.append(Token(NEWLINE, word, span))
        elif kind == RAISED:
            tokens.append(Token(RAISED, "".join([SUPERSCRIPTS[sign] for sign in word]), span))
        elif kind == "infinity":
            tokens.append(Token(NAME, "inf", span))
        elif kind == END:
            break
        else:
            refuse_character(word, text, start)
    tokens.append(Token(END, "", Span(len(text), len(text))))
    return tokens


def check_length(text: str, limits: Limits) -> None:
    """Raise LimitError E151 for a text that is too long."""
    if len(text) > limits.length:
        raise FormulaLimitError(
            "E151",
            f"the text has {len(text)} characters, more than the limit of {limits.length}",
            text,
            Span(limits.length, limits.length + 1),
        )


def check_digits(word: str, text: str, span: Span, limits: Limits) -> None:
    """Raise LimitError E154 for a number that is too long."""
    if len(word) > limits.digits:
        raise FormulaLimitError(
            "E154", f"a number has more than {limits.digits} characters", text, span
        )


def _check_name(word: str, text: str, start: int) -> None:
    """Letters must be letters of their own: no look-alikes such as full-width ones."""
    for at, letter in enumerate(word):
        if not letter.isascii() and letter not in GREEK and letter not in SUBSCRIPTS:
            check_letter(letter, text, start + at)
    for inside in re.finditer(r"\{([^{}]*)\}", word):
        if not inside[1] or not canonical(inside[1]).isalnum():
            place = Span(start + inside.start(), start + inside.end())
            hint = "only letters and digits, as in x_{ij}"
            raise FormulaError("E120", f"the subscript {inside[0]!r:.40}", text, place, hint)


def check_letter(letter: str, text: str, at: int) -> None:
    """Raise FormulaError E119 for a letter that is a look-alike of another."""
    plain = unicodedata.normalize("NFKC", letter)
    if not unicodedata.category(letter).startswith("L") or plain != letter:
        refuse_character(letter, text, at)


def refuse_character(sign: str, text: str, at: int) -> NoReturn:
    """Raise FormulaError E119 for a character that no formula has."""
    hint = _ADVICE.get(sign, "")
    plain = unicodedata.normalize("NFKC", sign)
    if not hint and plain != sign and plain.isascii() and plain.isprintable() and plain.strip():
        hint = f"write {plain!r}"
    shown = repr(sign)
    if not sign.isascii() or not sign.isprintable():
        shown = f"{shown} (U+{ord(sign):04X})"
    raise FormulaError("E119", f"unexpected character {shown}", text, Span(at, at + 1), hint)


# --- single letters -------------------------------------------------------------------------------

_LETTER: Final = re.compile(
    rf"[^\W\d_{_DOWN}](?:_(?:\{{[^{{}}]*\}}|\w*))?[{_DOWN}]*|_(?:\{{[^{{}}]*\}}|\w*)|[0-9]+"
)


def split_letters(tokens: list[Token], text: str, declared: Collection[str]) -> list[Token]:
    """The tokens with unknown words apart: ``awx`` becomes ``a w x``, ``ax_1`` becomes ``a x_1``.

    Words stay whole that are declared, defined in the text, or known: ``sin``, ``pi``.
    """
    known = {*declared, *defined_names(tokens), *FUNCTIONS, *CONSTANTS, *GREEK.values()}
    result: list[Token] = []
    for token, after in pairwise([*tokens, tokens[-1]]):
        called = after.kind == "(" and token.text in ARRAY_FUNCTIONS
        if token.kind != NAME or token.text in known or called:
            result.append(token)
            continue
        start, end = token.span
        for part in _LETTER.finditer(text, start, end):
            kind = NUMBER if part[0][0].isdigit() else NAME
            result.append(Token(kind, canonical(part[0]), Span(*part.span())))
    return result


def defined_names(tokens: list[Token]) -> set[str]:
    """The names before an ``=``: variables, functions, and what functions call their arguments."""
    names: set[str] = set()
    for at, token in enumerate(tokens):
        if token.kind == "=":
            back = at - 1
            if back >= 0 and tokens[back].kind == ")":
                while back >= 0 and tokens[back].kind in (NAME, ",", ")"):
                    names.add(tokens[back].text)
                    back -= 1
                back -= 1
            if back >= 0:
                names.add(tokens[back].text)
    return names
