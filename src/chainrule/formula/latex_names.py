r"""Names in LaTeX: a letter or word under accents and fonts, with subscripts and primes.

``x_1`` is ``x_1``, ``x_{ij}`` is ``x_ij``, ``w_{1,2}`` is ``w_1_2``, ``\hat{y}`` is ``y_hat``,
``x'`` is ``x_prime``, ``x^*`` is ``x_star``, ``h_{t-1}`` is ``h_t_minus_1``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, NoReturn

from chainrule.errors import FormulaError, Span
from chainrule.formula.latex_commands import ACCENTS, FONTS, LETTERS, SUBSCRIPTS
from chainrule.formula.latex_tokens import COMMAND, LETTER, WORD
from chainrule.formula.names import canonical
from chainrule.formula.tokens import NUMBER, Token

_MOST_MARKS: Final = 10
_PRIMES: Final = frozenset({"'", r"\prime"})
_STARS: Final = frozenset({"*", r"\ast", r"\star"})


class Spelled(NamedTuple):
    """A name as it is written: ``end`` is the place of the first token after it.

    ``skipped`` are the tokens of a subscript that stands after the exponent: ``x^2_1``.
    """

    name: str
    end: int
    primed: bool = False
    skipped: tuple[int, int] | None = None


def symbol(token: Token) -> str | None:
    """The name that a single token is, if it is one."""
    if token.kind == LETTER:
        return token.text
    if token.kind == COMMAND:
        return LETTERS.get(token.text)
    if token.kind == WORD and _IDENTIFIER.fullmatch(token.text):
        return canonical(token.text)
    return None


_IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")


def is_derivative(tokens: list[Token], at: int) -> bool:
    r"""Whether here stands ``\partial_{1}``, the derivative of an abstract function."""
    return tokens[at].text == r"\partial" and tokens[at + 1].kind == "_"


class Names:
    """Reads names from the tokens of one text."""

    def __init__(self, tokens: list[Token], partners: dict[int, int], text: str) -> None:
        self._tokens = tokens
        self._partners = partners
        self._text = text

    def read(self, at: int, *, alone: bool = False) -> Spelled | None:
        """The name that starts here; ``alone`` says that subscripts are not its own.

        None when a font stands over more than a name (or over a number).

        Raises:
            FormulaError: E111, E120 a subscript that ends badly, E131 two subscripts.
        """
        tokens = self._tokens
        if is_derivative(tokens, at):
            slots, start = self._subscript(at + 1)
            spelled = self.read(start) if symbol(tokens[start]) else None
            if spelled is None:
                hint = r"as in \partial_{1} f(x, y)"
                self._fail("E111", r"expected a function after \partial", tokens[start].span, hint)
            return spelled._replace(name=f"{spelled.name}_d{slots}")
        marks: list[tuple[str, bool]] = []
        while tokens[at].kind == COMMAND and tokens[at].text in _MARKS:
            braced = tokens[at + 1].kind == "{"
            marks.append((tokens[at].text, braced))
            if len(marks) > _MOST_MARKS:
                self._fail("E120", f"more than {_MOST_MARKS} accents and fonts", tokens[at].span)
            at += 1 + braced
        name = symbol(tokens[at])
        if name is None:
            self._check_fonts(marks, at)
            return None
        at += 1
        spelled = Spelled(name, at)
        while True:
            if marks[-1][1] if marks else not alone:
                spelled = self._scripts(spelled, last=not marks)
            if not marks:
                return spelled
            mark, braced = marks.pop()
            at = spelled.end
            if braced and tokens[at].kind != "}":
                self._check_fonts([*marks, (mark, braced)], at)
                return None
            name = f"{spelled.name}_{ACCENTS[mark]}" if mark in ACCENTS else spelled.name
            spelled = Spelled(name, at + braced)

    def _check_fonts(self, marks: list[tuple[str, bool]], at: int) -> None:
        """Raise FormulaError E120 if there is an accent: only a font may stand over more."""
        for mark, _ in marks:
            if mark in ACCENTS:
                hint = rf"as in {mark}{{x}}"
                self._fail("E120", f"{mark} stands over one name", self._tokens[at].span, hint)

    def _scripts(self, spelled: Spelled, *, last: bool) -> Spelled:
        """The name with its subscript, primes and stars."""
        name, at, primed, skipped = spelled
        below = False
        while True:
            token = self._tokens[at]
            if token.kind == "_":
                if below:
                    self._fail("E131", "a second subscript", token.span, "write x_{1,2}")
                below = True
                subscript, at = self._subscript(at)
                name = f"{name}_{subscript}"
            elif token.kind == "'":
                name, at, primed = f"{name}_prime", at + 1, True
            elif token.kind == "^":
                raised = self._raised_signs(at)
                if raised is None:
                    break
                sign, at = raised
                name, primed = f"{name}_{sign}", primed or sign.startswith("prime")
            else:
                break
        if last and not below and self._tokens[at].kind == "^":
            after = self.after_exponent(at)
            if after is not None and self._tokens[after].kind == "_":
                subscript, end = self._subscript(after)
                return Spelled(f"{name}_{subscript}", at, primed, (after, end))
        return Spelled(name, at, primed, skipped)

    def _raised_signs(self, at: int) -> tuple[str, int] | None:
        r"""``^\prime``, ``^*`` and the same in braces: what it adds to a name, and its end."""
        tokens = self._tokens
        start = at + 1
        end = start + 1
        if tokens[start].kind == "{":
            start, end = start + 1, self._partners.get(start, start + 1)
            if not start < end <= start + 3:
                return None
        signs = [token.text for token in tokens[start:end]]
        after = end + (tokens[at + 1].kind == "{")
        if _PRIMES.issuperset(signs):
            return "_".join(["prime"] * len(signs)), after
        return ("star", after) if len(signs) == 1 and signs[0] in _STARS else None

    def after_exponent(self, at: int) -> int | None:
        """The place after the exponent at this caret, if that is in braces or one token."""
        if self._tokens[at + 1].kind == "{":
            end = self._partners.get(at + 1)
            return None if end is None else end + 1
        simple = self._tokens[at + 1].kind == NUMBER or symbol(self._tokens[at + 1])
        return at + 2 if simple else None

    def _subscript(self, at: int) -> tuple[str, int]:
        """What the subscript at this ``_`` adds to a name, and its end."""
        tokens = self._tokens
        first = at + 1
        if tokens[first].kind != "{":
            if tokens[first].kind == NUMBER and len(tokens[first].text) > 1:
                digits = tokens[first].text
                hint = f"write _{{{digits}}}"
                self._fail("E120", f"only {digits[0]} is below the line", tokens[first].span, hint)
            return self._piece(first), first + 1
        end = self._partners.get(first)
        if end is None:
            self._fail("E112", "this '{' is never closed", tokens[first].span)
        inside = [i for i in range(first + 1, end) if tokens[i].kind not in ("{", "}")]
        name = "".join([self._piece(i) for i in inside])
        name = "_".join([part for part in name.split("_") if part])
        if not name:
            place = Span(tokens[first].span.start, tokens[end].span.end)
            self._fail("E111", "an empty subscript", place, "as in x_1 or x_{ij}")
        return name, end + 1

    def _piece(self, at: int) -> str:
        token = self._tokens[at]
        added = SUBSCRIPTS.get(token.text) or symbol(token)
        if added is None and (
            (token.kind == NUMBER and token.text.isdigit())
            or (token.kind == WORD and token.text.replace("_", "").isalnum())
        ):
            added = token.text
        if added is None:
            if not token.text:
                self._fail("E111", "expected a subscript after '_'", self._tokens[at - 1].span)
            shown = self._text[slice(*token.span)]
            hint = r"letters, digits, commas, + and -, as in x_{ij}, w_{1,2}, v_{\text{max}}"
            self._fail("E120", f"{shown!r:.40} in a subscript", token.span, hint)
        return added

    def _fail(self, code: str, message: str, span: Span, hint: str = "") -> NoReturn:
        raise FormulaError(code, message, self._text, span, hint)


_MARKS: Final = frozenset({*ACCENTS, *FONTS})
