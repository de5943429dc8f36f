r"""LaTeX becomes signs: letters, numbers, words, commands, delimiters, each with its place.

Blanks, comments and what only moves ink (``\,``, ``\quad``, ``\label{…}``) are left out.
"""

from __future__ import annotations

import re
from typing import Final

from chainrule.errors import FormulaError, Span
from chainrule.formula.latex_commands import REFUSED
from chainrule.formula.limits import Limits
from chainrule.formula.names import GREEK, SIGNS, SUBSCRIPTS, SUPERSCRIPTS
from chainrule.formula.tokens import (
    END,
    NEWLINE,
    NUMBER,
    RAISED,
    Token,
    check_digits,
    check_length,
    check_letter,
    refuse_character,
)

LETTER: Final = "letter"
WORD: Final = "word"  # text is what stands in \mathrm{…} and its like
COMMAND: Final = "command"
BREAK: Final = r"\\"
OPEN: Final = "open"
CLOSE: Final = "close"
LEFT: Final = "left"
RIGHT: Final = "right"
BEGIN: Final = "begin"
FINISH: Final = "finish"  # \end{…}

DELIMITERS: Final = {
    "(": (OPEN, "("), ")": (CLOSE, "("), "[": (OPEN, "["), "]": (CLOSE, "["),
    r"\{": (OPEN, r"\{"), r"\}": (CLOSE, r"\{"), r"\lbrace": (OPEN, r"\{"),
    r"\rbrace": (CLOSE, r"\{"), r"\lbrack": (OPEN, "["), r"\rbrack": (CLOSE, "["),
    r"\lvert": (OPEN, "|"), r"\rvert": (CLOSE, "|"), "|": ("|", "|"), r"\vert": ("|", "|"),
    r"\lfloor": (OPEN, r"\lfloor"), r"\rfloor": (CLOSE, r"\lfloor"),
    r"\lceil": (OPEN, r"\lceil"), r"\rceil": (CLOSE, r"\lceil"),
    r"\lVert": (OPEN, r"\|"), r"\rVert": (CLOSE, r"\|"), r"\|": ("|", r"\|"),
    r"\Vert": ("|", r"\|"),
}  # fmt: skip
"""Each delimiter: whether it opens or closes, and the one that opens the pair."""

_WORD_FONTS: Final = "mathrm|mathit|mathsf|mathtt|operatorname\\*?|text(?:rm|it|bf|sf|tt|normal)?"
_BLANK_COMMANDS: Final = (
    "quad|qquad|displaystyle|textstyle|scriptstyle|limits|nolimits|nonumber|notag|allowbreak"
    "|strut|mathstrut|thinspace|enspace|medspace|thickspace|negthinspace|hfill|noindent|centering"
)
_DROPPED: Final = "label|tag\\*?|[hv]?phantom|[hv]space\\*?|color"

_TOKEN: Final = re.compile(
    rf"""
      [^\S\n]+ | ~ | %[^\n]* | \\[,:;!>\s]                       # blanks, comments, spacing
    | \\(?:{_BLANK_COMMANDS})(?![A-Za-z])
    | \\(?:{_DROPPED})\s*\{{[^{{}}\n]*\}}
    | (?P<newline> \n )
    | (?P<row> \\\\ \*? (?:[ \t]*\[[ \t]*-?[\d.]+[ \t]*[a-z]{{2}}[ \t]*\])? )
    | \\begin[ \t]*\{{[ \t]*(?P<begin>[A-Za-z]*\*?)[ \t]*\}} (?:\[[tbc]\])?
    | \\end[ \t]*\{{[ \t]*(?P<finish>[A-Za-z]*\*?)[ \t]*\}}
    | \\(?:{_WORD_FONTS})[ \t]*\{{(?P<word>(?:[^\W]|\\_|[ \t.,;:~])*)\}}
    | (?P<sized> \\(?: left | right | [bB]igg?[lrm]? )(?![A-Za-z])[ \t]*
        (?P<delimiter> \\[A-Za-z]+ | \\. | [^\s\\] )? )
    | (?P<command> \\(?: operatorname\* | [A-Za-z]+ | \S ) )
    | (?P<number> [0-9]+(?:\.[0-9]+)? | \.[0-9]+ )
    | (?P<raised> [{"".join(SUPERSCRIPTS)}]+ )
    | (?P<letter> [^\W\d_] [{"".join(SUBSCRIPTS)}]* )
    | (?P<sign> != | := | \$\$ | [-+*/^_{{}}()\[\]|=<>,;:.!'&$·⋅×∗÷∕−≤≥≠∞] )
    | (?P<end> \Z )
    | (?P<stray> . )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokenize(text: str, limits: Limits) -> list[Token]:
    """The signs of a LaTeX text in normal form; the last one is END.

    Raises:
        FormulaError: E119 a character that no formula has, E120 a number that ends badly, E128 a
            delimiter that no formula has.
        LimitError: E151 the text is too long, E154 a number is.
    """
    check_length(text, limits)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is None:
            continue
        span = Span(*match.span())
        word = match[kind]
        if kind in ("sized", "delimiter"):
            tokens.append(_sized(match["sized"], match["delimiter"] or "", text, span))
        elif kind == "command" or (kind == "sign" and word in DELIMITERS):
            tokens.append(Token(*DELIMITERS.get(word, (COMMAND, word)), span))
        elif kind == NUMBER:
            check_digits(word, text, span, limits)
            after = _EXPONENT.match(text, span.end)
            if after:
                hint = r"write 1 \times 10^{-3}; a blank before e makes a product"
                place = Span(span.start, after.end())
                raise FormulaError("E120", "a number with e", text, place, hint)
            tokens.append(Token(NUMBER, word, span))
        elif kind == WORD:
            tokens.append(Token(WORD, word.replace("\\_", "_").strip(" \t.,;:~"), span))
        elif kind == LETTER:
            tokens.append(Token(LETTER, _letter(word, text, span.start), span))
        elif kind == "row":
            tokens.append(Token(BREAK, BREAK, span))
        elif kind == "sign":
            shown = {"∞": LETTER, ":=": "="}.get(word) or SIGNS.get(word, word)
            tokens.append(Token(shown, "inf" if word == "∞" else word, span))
        elif kind == RAISED:
            tokens.append(Token(RAISED, "".join([SUPERSCRIPTS[sign] for sign in word]), span))
        elif kind == "stray":
            refuse_character(word, text, span.start)
        elif kind != END and not (kind == NEWLINE and tokens and tokens[-1].kind == NEWLINE):
            tokens.append(Token(kind, word, span))
    tokens.append(Token(END, "", Span(len(text), len(text))))
    return tokens


_EXPONENT: Final = re.compile(r"[eE][+-]?[0-9]")


def _letter(word: str, text: str, start: int) -> str:
    """One letter as a name; Unicode subscripts may follow it."""
    letter, below = word[0], word[1:]
    if not letter.isascii() and letter not in GREEK:
        check_letter(letter, text, start)
    name = GREEK.get(letter, letter)
    return f"{name}_{''.join([SUBSCRIPTS[sign] for sign in below])}" if below else name


def _sized(sized: str, delimiter: str, text: str, span: Span) -> Token:
    r"""``\left(``, ``\bigr|``: what opens by its size opens, and ``\left`` waits for ``\right``."""
    command = sized[: len(sized) - len(delimiter)].strip()
    if delimiter in REFUSED and delimiter not in DELIMITERS:
        what, hint = REFUSED[delimiter]
        raise FormulaError("E128", what, text, span, hint)
    if delimiter == "." and command in (r"\left", r"\right"):
        hint = "every bracket needs its partner; write the value at a point as a number"
        raise FormulaError("E128", "an invisible delimiter", text, span, hint)
    if delimiter not in DELIMITERS:
        hint = rf"write {command}( or {command}|"
        raise FormulaError("E111", f"{command} without a delimiter", text, span, hint)
    kind, opener = DELIMITERS[delimiter]
    if command in (r"\left", r"\right"):
        kind = LEFT if command == r"\left" else RIGHT
    elif kind == "|" and command[-1] in "lr":
        kind = OPEN if command[-1] == "l" else CLOSE
    return Token(kind, opener, span)


def partners(tokens: list[Token]) -> dict[int, int]:
    """Where each opening brace finds its closing one."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for at, token in enumerate(tokens):
        if token.kind == "{":
            waiting.append(at)
        elif token.kind == "}" and waiting:
            found[waiting.pop()] = at
    return found
