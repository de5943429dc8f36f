"""Functions and names in LaTeX, and how far their arguments go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chainrule.errors import Span
from chainrule.formula.latex_commands import (
    FUNCTION_COMMANDS,
    GREEK_FUNCTIONS,
    INVERSES,
    LETTERS,
    OPERATORS,
    RECIPROCALS,
    REFUSED,
    SPELLED_OUT,
)
from chainrule.formula.latex_fractions import Fractions
from chainrule.formula.latex_frames import (
    Frame,
    Kind,
    Piece,
    call,
    operation,
    raised,
    short,
)
from chainrule.formula.latex_names import is_derivative, symbol
from chainrule.formula.latex_tokens import CLOSE, LETTER, OPEN, RIGHT
from chainrule.formula.names import FUNCTIONS, GREEK, KEYWORDS, differentiated
from chainrule.formula.tokens import NAME, NUMBER, Token
from chainrule.graph.types import DTYPES

_LONGEST_WORD: Final = 12
_GREEK_WORDS: Final = frozenset(word for word in GREEK.values() if len(word) > 2)


@dataclass(slots=True)
class _Head:
    """A function before its argument, with what stands above and below it."""

    token: Token
    name: str
    caret: Token | None = None
    exponent: list[Piece] | None = None
    base: list[Piece] | None = None
    order: Token | None = None


class Functions(Fractions):
    """Reads names, words, and functions with what they are applied to."""

    def name(self, token: Token) -> bool:
        """Read a name; False when a font stands over more than one."""
        single = self.top.kind is Kind.SINGLE
        spelled = self._names.read(self.at, alone=single)
        if spelled is None:
            return False
        name = self._spelled.get(spelled.name, spelled.name)
        end = spelled.end
        written = Token(NAME, name, Span(token.span.start, self.tokens[end - 1].span.end))
        called = not single and self.opens_call(end)
        if called and spelled.primed:
            what, hint = REFUSED[r"\prime"]
            self.fail("E128", what, written.span, hint)
        if not single and not self.is_variable(name) and self._is_head(name, end, called=called):
            self.make_room(token, function=True)
            self.at = end
            head = _Head(written, name)
            if name == "psi" and not called:
                head.name, head.order = "polygamma", self.tokens[end + 3]
                self.at = end + 6
            self._scripts(head)
            return True
        if is_derivative(self.tokens, self.at):
            what, hint = REFUSED[r"\partial"]
            self.fail("E128", what, written.span, hint)
        if not single and not self.is_variable(name):
            self._check_application(written, end)
        if spelled.skipped is not None:
            self.skips[spelled.skipped[0]] = spelled.skipped[1]
        self.make_room(token)
        self.at = end
        self.operand(written, token)
        return True

    def _is_head(self, name: str, end: int, *, called: bool) -> bool:
        """Whether a name that is no variable is a function here: a bracket follows."""
        if called:
            function, _ = differentiated(name)
            return not self._functions.isdisjoint((name, function)) or name in GREEK_FUNCTIONS
        if self.tokens[end].kind != "^":
            return False
        if name == "psi" and name not in self._functions:  # ψ⁽ⁿ⁾(x)
            kinds = [token.kind for token in self.tokens[end : end + 6]]
            return kinds == ["^", "{", OPEN, NUMBER, CLOSE, "}"] and self.opens_call(end + 6)
        after = self._names.after_exponent(end)
        if after is None or not self.opens_call(after):
            return False
        inverse = [token.text for token in self.tokens[end + 2 : end + 4]] == ["-", "1"]
        return name in self._functions or (name == "Phi" and inverse)

    def _check_application(self, written: Token, end: int) -> None:
        """Refuse ``f(x)`` and ``f^{-1}(x)``, where f is unknown: it is hardly a product.

        Raises:
            FormulaError: E101.
        """
        after = end
        if self.tokens[end].kind == "^":
            after = self._names.after_exponent(end) or end
        if not self.opens_call(after):
            return
        shown = self.shown(written)
        if [part.text for part in self.tokens[end:after]] == ["^", "{", "-", "1", "}"]:
            message, power = f"the inverse of the unknown function '{shown:.40}'", r"^{-1} \cdot"
        elif self._holds_one(after):
            message, power = f"unknown function '{shown:.40}'", r" \cdot" if after == end else ""
        else:
            return
        argument = "t" if shown == "x" else "x"
        hint = f"write {shown}{power} (…) for the product, or define {shown}({argument}) = …"
        if after > end and not power:
            hint = f"write {shown}(x)^2 for the power of a function, or declare {shown} as an input"
        self.fail("E101", message, written.span, f"{hint:.100}")

    def _holds_one(self, at: int) -> bool:
        """Whether the bracket here holds one name or number only, and starts no definition."""
        inside = at + 1
        token = self.tokens[inside]
        end = inside + 1
        if token.kind != NUMBER:
            spelled = self._names.read(inside) if symbol(token) else None
            if spelled is None:
                return False
            end = spelled.end
        if self.tokens[end].kind not in (CLOSE, RIGHT):
            return False
        following = self.tokens[end + 1]
        if following.kind == "&":
            following = self.tokens[end + 2]
        return "=" not in (following.kind, OPERATORS.get(following.text))

    def word_or_name(self, token: Token) -> None:
        r"""A word in ``\mathrm{…}`` or ``\text{…}``: a keyword, a function or a name."""
        word = token.text
        spelled = self._names.read(self.at, alone=True) if symbol(token) else None
        if spelled is None:
            self.fail("E128", "text inside a formula", token.span, r"a name is \text{max}")
        if word in KEYWORDS:
            self.at += 1
            if word in ("true", "false"):
                self.make_room(token)
                self.operand(Token(word, word, token.span), token)
            else:
                self.operator(token, word)
        elif self._is_known_word(word):
            self.function(token, _function_word(word) or word)
        else:
            if word in ("NaN", "nan") and not self.is_variable(word):
                self.tokens[self.at] = token._replace(text="nan")
            self.name(token)

    def _is_known_word(self, word: str) -> bool:
        """Whether a word is a function here; before a bracket, unknown ones are, too."""
        following = self.tokens[self.at + 1]
        if self.is_variable(word) or word in self._functions or len(word) == 1:
            return False
        if following.kind in ("_", "'") or self.top.kind is Kind.SINGLE:
            return False
        if following.kind == "=" or (
            following.kind == "&" and self.tokens[self.at + 2].kind == "="
        ):
            return False  # the name that is defined
        called = self.opens_call(self.at + 1)
        return called or (_function_word(word) is not None and word not in DTYPES)

    def check_letters(self) -> None:
        """Refuse letters that spell a function or a Greek letter: ``sin(x)``, ``theta``.

        Raises:
            FormulaError: E133.
        """
        tokens, start = self.tokens, self.at
        if len(tokens[start].text) > 1 or (start and _follows(tokens[start - 1], tokens[start])):
            return
        end = start + 1
        while _follows(tokens[end - 1], tokens[end]):
            end += 1
        last = [token.text for token in tokens[max(start, end - _LONGEST_WORD) : end]]
        word = "".join(last)
        if end - start > len(last) or not (word in SPELLED_OUT or word in _GREEK_WORDS):
            tails = ["".join(last[at:]) for at in range(len(last))] if self.opens_call(end) else []
            found = [tail for tail in tails if _is_function_in_letters(tail)]
            if not found:
                return
            word = found[0]
        place = Span(tokens[end - len(word)].span.start, tokens[end - 1].span.end)
        command = rf"\{word}"
        if command not in LETTERS and command not in FUNCTION_COMMANDS and word != "sqrt":
            command = rf"\operatorname{{{word}}}"
        hint = f"write {command}, or {' '.join(word)} for the product"
        self.fail("E133", f"{word!r} is a product of letters here", place, hint)

    # --- functions --------------------------------------------------------------------------------

    def function(self, token: Token, name: str) -> None:
        """Read a function with its exponent, its base and its argument."""
        self.make_room(token, function=True)
        if self.top.kind is Kind.SINGLE:
            message = f"{self.shown(token)} as an argument needs braces"
            self.fail("E111", message, token.span, rf"write {{{self.shown(token)} x}}")
        self.at += 1
        self._scripts(_Head(token, name))

    def _scripts(self, head: _Head) -> None:
        """Read what is above and below a function, then its argument."""
        token = self.tokens[self.at]
        if token.kind == "^" and head.exponent is None:
            self.at += 1

            def above(pieces: list[Piece], _: Token) -> None:
                head.caret, head.exponent = token, pieces
                self._scripts(head)

            self.argument(token, above)
        elif token.kind == "_" and head.name == "log" and head.base is None:
            self.at += 1

            def below(pieces: list[Piece], _: Token) -> None:
                head.base = pieces
                self._scripts(head)

            self.argument(token, below)
        elif token.kind == "_":
            what, hint = REFUSED[r"\lim"]
            self.fail("E128", what, token.span, hint)
        elif self.opens_call(self.at):
            self.at += 1
            self.frames.append(
                Frame(
                    Kind.BRACKET,
                    token,
                    lambda pieces, end: self._called(head, pieces, end),
                    token.text,
                    commas=True,
                )
            )
        else:
            self.frames.append(
                Frame(
                    Kind.FUNCTION, head.token, lambda pieces, end: self._called(head, pieces, end)
                )
            )

    def _called(self, head: _Head, pieces: list[Piece], end: Token) -> None:
        """A function has its argument."""
        token, name, exponent = head.token, head.name, head.exponent
        if exponent and [part.text for part in short(exponent)] == ["-", "1"]:
            if name not in INVERSES:
                hint = r"write \frac{1}{…} for the reciprocal"
                self.fail("E128", f"the inverse of {self.shown(token)}", token.span, hint)
            name, exponent = INVERSES[name], None
        if name in RECIPROCALS:
            inner = call(RECIPROCALS[name], token, end, pieces)
            piece = operation("divide", token, end, [Token(NUMBER, "1", token.span)], [inner])
        elif name in DTYPES:
            piece = call("convert", token, end, pieces, [Token(NAME, name, token.span)])
        elif head.order is not None:
            piece = call(name, token, end, pieces, [head.order])
        elif head.base is not None:
            piece = self._logarithm(head, pieces, end)
        else:
            piece = call(name, token, end, pieces)
        if exponent is not None:
            piece = raised(piece, exponent, head.caret or token, end)
        self.operand(piece, token, delimited=True)
        self.top.raised = exponent is not None

    def _logarithm(self, head: _Head, pieces: list[Piece], end: Token) -> Piece:
        token, base = head.token, head.base or []
        literal = [part.text for part in short(base)]
        if literal in (["2"], ["10"]):
            return call(f"log{literal[0]}", token, end, pieces)
        if literal == ["e"] and not self.is_variable("e"):
            return call("log", token, end, pieces)
        parts = call("log", token, end, pieces), call("log", token, end, base)
        return operation("divide", token, end, [parts[0]], [parts[1]])


def _function_word(word: str) -> str | None:
    """The function that a word names, in small letters if not as it is."""
    for spelling in (word, word.lower()):
        if spelling != "if" and (
            spelling in FUNCTIONS or spelling in RECIPROCALS or spelling in DTYPES
        ):
            return spelling
    return None


def _follows(before: Token, letter: Token) -> bool:
    """Whether two Latin letters stand side by side."""
    latin = before.kind == letter.kind == LETTER and len(before.text) == len(letter.text) == 1
    return latin and before.span.end == letter.span.start


def _is_function_in_letters(word: str) -> bool:
    return (len(word) > 2 and word in FUNCTIONS) or word in ("ln", "lg")
