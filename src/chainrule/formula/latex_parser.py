"""LaTeX becomes the tokens of a text formula: what its commands mean, where its arguments end.

One pass with a stack of frames, no recursion. A piece that is moved or repeated in meaning (a row
of cases, a base) is moved as one list, so that the time is linear in the text. Precedence and the
meaning of names are left to `chainrule.formula.parser` and `chainrule.formula.resolve`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chainrule.errors import Span, nearest
from chainrule.formula.latex_commands import (
    ACCENTS,
    BRACES,
    FONTS,
    FRACTIONS,
    FUNCTION_COMMANDS,
    KNOWN,
    OPERATORS,
    REFUSED,
    TRANSPOSES,
)
from chainrule.formula.latex_frames import (
    Frame,
    Kind,
    Piece,
    first_token,
    flat,
    operation,
    raised,
    short,
    sign,
)
from chainrule.formula.latex_names import is_derivative, symbol
from chainrule.formula.latex_statements import CONDITION_WORDS, ENDS, OTHERWISE, Statements
from chainrule.formula.latex_tokens import (
    BEGIN,
    BREAK,
    CLOSE,
    COMMAND,
    FINISH,
    LEFT,
    LETTER,
    OPEN,
    RIGHT,
    WORD,
)
from chainrule.formula.tokens import (
    CROSS_PRODUCT,
    END,
    NAME,
    NEWLINE,
    NUMBER,
    RAISED,
    SCALAR_PRODUCT,
    TRANSPOSED,
    Token,
)

_PRODUCTS: Final = {r"\cdot": SCALAR_PRODUCT, r"\times": CROSS_PRODUCT}
"""Signs between factors that are more than a product of numbers, where there are arrays."""

_DELIMITED_OPERATIONS: Final = {
    "|": "abs",
    r"\lfloor": "floor",
    r"\lceil": "ceil",
    r"\|": "norm",
}


class Translation(Statements):
    """Reads one text."""

    def translated(self) -> list[Token]:
        """The tokens of the text language.

        Raises:
            FormulaError: E104, E111 to E116, E119, E120, E127 to E133.
        """
        while True:
            while self.at in self.skips:
                self.at = self.skips.pop(self.at)
            token = self.tokens[self.at]
            if token.kind == END:
                break
            _HANDLERS[token.kind](self, token)
            self.settle()
        self.end_functions()
        if self.top.kind is Kind.SINGLE:
            self.missing_argument(token)
        if self.top.kind is not Kind.STATEMENTS:
            self.unclosed()
        if self.outer:
            opener = self.outer[-1]
            self.fail("E112", f"this '{self.shown(opener):.40}' is never closed", opener.span)
        return [*flat(self.top.pieces), token]

    # --- signs ------------------------------------------------------------------------------------

    def sign(self, token: Token) -> None:
        self.at += 1
        cross = self.arrays and self.shown(token) == "×"
        self.operator(token, CROSS_PRODUCT if cross else token.kind)

    def caret(self, token: Token) -> None:
        frame = self.top
        if frame.expects or frame.kind is Kind.SINGLE:
            self.fail("E131", "a superscript with nothing before it", token.span)
        if frame.raised:
            self.fail("E131", "a second superscript", token.span, "write {x^2}^3 or x^{2^3}")
        self._check_exponent(token)
        end = self._transposes()
        if end:
            span = Span(token.span.start, self.tokens[end - 1].span.end)
            frame.pieces[-1] = [frame.pieces[-1], Token(TRANSPOSED, self.shown(token), span)]
            self.at = end
            return
        self.at += 1
        elementwise = self._elementwise()

        def done(exponent: list[Piece], end: Token) -> None:
            base = frame.pieces[-1]
            if isinstance(base, Token) and base.text == "e" and not self.is_variable("e"):
                name = "exponential" if self.arrays else "exp"
                frame.pieces[-1] = operation(name, base, end, exponent)
            elif elementwise or not self.arrays:
                frame.pieces[-1] = raised(base, exponent, token, end)
            elif [part.text for part in short(exponent)] == ["-", "1"]:
                frame.pieces[-1] = operation("inverse", first_token(base), end, [base])
            else:
                frame.pieces[-1] = raised(self._base(base, token), exponent, token, end)
            frame.raised = True

        self.argument(token, done)

    def _elementwise(self) -> bool:
        r"""Whether ``{\odot 2}`` is raised here: element by element. The sign is skipped."""
        odot = self.arrays and self.tokens[self.at].kind == "{"
        odot = odot and self.tokens[self.at + 1].text in (r"\odot", "⊙")
        if odot:
            self.skips[self.at + 1] = self.at + 2
        return odot

    @staticmethod
    def _base(base: Piece, caret: Token) -> Piece:
        """The base of a power, which is refused if it is a matrix."""
        if isinstance(base, Token) and base.kind == NUMBER:
            return base
        before = Token(")", ")", Span(caret.span.start, caret.span.start))
        return operation("base", first_token(base), before, [base])

    def _transposes(self) -> int:
        r"""Where ``^\top`` or ``^T`` ends, if it stands here; else 0."""
        at = self.at + 1
        braced = self.tokens[at].kind == "{"
        at += braced
        at += self.tokens[at].text in FONTS
        sign = self.tokens[at]
        if not self.arrays or (braced and self.tokens[at + 1].kind != "}"):
            return 0
        return at + 1 + braced if self._turns(sign) else 0

    def _turns(self, sign: Token) -> bool:
        """Whether this sign above a matrix transposes it."""
        letter = sign.kind in (LETTER, WORD) and sign.text == "T" and not self.is_variable("T")
        return letter or sign.text in TRANSPOSES

    def _check_exponent(self, token: Token) -> None:
        """Refuse what stands above a name and is no power: an index, a transpose."""
        after = self.tokens[self.at + 1 : self.at + 6]
        base = self.top.pieces[-1]
        if not isinstance(base, Token) or base.kind != NAME:
            return
        place = Span(token.span.start, after[min(4, len(after) - 1)].span.end)
        kinds = [piece.kind for piece in after]
        if kinds[:1] == ["{"] and kinds[1:2] == [OPEN] and kinds[3:] == [CLOSE, "}"]:
            self.fail("E128", "an index above a name", place, "write W_{2}, or W^2 for a power")
        inner = after[1] if kinds[:1] == ["{"] and kinds[2:3] == ["}"] else after[0]
        if self.arrays:
            signs = [piece.text for piece in after[:4]]
            if signs[:2] == ["{", "-"] and kinds[3:4] == ["}"] and self._turns(after[2]):
                place = Span(token.span.start, after[3].span.end)
                name = self.shown(base)
                hint = rf"write \operatorname{{inv}}({name})^\top"
                self.fail("E128", "the transpose of an inverse", place, hint)
            return
        if inner.text == "T" and inner.kind == LETTER and not self.is_variable("T"):
            hint = "arrays need shapes={'w': 3}; declare T as an input if it is a number"
            self.fail("E128", "a transpose", Span(token.span.start, inner.span.end), hint)

    def raised_sign(self, token: Token) -> None:
        if self.top.expects or self.top.raised:
            self.fail("E131", "a superscript with nothing before it", token.span)
        self.at += 1
        base = self.top.pieces[-1]
        self.top.pieces[-1] = [self._base(base, token) if self.arrays else base, token]
        self.top.raised = True

    def subscript(self, token: Token) -> None:
        message = "a subscript belongs to a name"
        self.fail("E131", message, token.span, "as in x_1 or x_{ij}")

    def prime(self, token: Token) -> None:
        what, hint = REFUSED[r"\prime"]
        self.fail("E128", what, token.span, hint)

    def factorial(self, token: Token) -> None:
        frame = self.top
        if frame.expects:
            self.fail("E111", "expected an operand before '!'", token.span)
        if frame.raised:
            message = "does the factorial belong to the exponent"
            self.fail("E132", message, token.span, r"write {x^2}! or x^{2!}")
        self.at += 1
        if self.tokens[self.at].kind == "!":
            self.fail("E128", "double factorials are not read", token.span, "write (n!)!")
        base = frame.pieces.pop()
        one = Token(NUMBER, "1", token.span)
        start = first_token(base)
        frame.pieces.append(operation("gamma", start, token, [base, sign("+", token.span), one]))
        frame.raised = False

    def comma(self, token: Token) -> None:
        self.end_functions()
        frame = self.top
        self.at += 1
        following = self.tokens[self.at]
        if frame.kind is Kind.SINGLE:
            self.missing_argument(token)
        if frame.kind is Kind.CASES and (following.kind in ENDS or following.kind == "&"):
            return
        if frame.kind is Kind.STATEMENTS and self.ends_here():
            return
        blank = self.text[token.span.end : following.span.start]
        if frame.kind is Kind.STATEMENTS and self.defines and r"\q" in blank:
            self.end_statement(token._replace(kind=";"))
            return
        if not frame.commas and frame.kind is not Kind.STATEMENTS:
            hint = "numbers take a point: 0.5"
            message = "a comma outside the arguments of a function"
            self.fail("E116", message, token.span, hint)
        frame.pieces.append(Token(",", ",", token.span))
        frame.expects = True

    def full_stop(self, token: Token) -> None:
        self.at += 1
        if not self.ends_here() and self.tokens[self.at].kind != NEWLINE:
            hint = "a definition is y = …" if token.kind == ":" else "a number is 0.5"
            self.fail("E119", f"unexpected {token.kind!r}", token.span, hint)

    def ends_here(self) -> bool:
        """Whether only blanks stand between here and the end of the statement."""
        at = self.at
        while self.tokens[at].kind == NEWLINE:
            at += 1
        following = self.tokens[at]
        return following.kind in ENDS or following.text in (r"\]", r"\)")

    # --- brackets ---------------------------------------------------------------------------------

    def brace(self, token: Token) -> None:
        if self.tokens[self.at + 1].kind == "," and self.tokens[self.at + 2].kind == "}":
            hint = "numbers take a point, and nothing between thousands: 1000.5"
            self.fail("E120", "a comma inside a number", self.tokens[self.at + 1].span, hint)
        self.make_room(token, bracket=self.top.kind is not Kind.FUNCTION)
        self.at += 1

        def done(pieces: list[Piece], end: Token) -> None:
            if pieces:
                first = self.top.expects
                opener = Token("(", self.shown(token), token.span)
                self.operand([opener, pieces, end._replace(kind=")")], token, delimited=first)

        self.frames.append(Frame(Kind.BRACES, token, done))

    def open(self, token: Token) -> None:
        if token.text == r"\|" and not self.arrays:
            what, hint = REFUSED[r"\|"]
            self.fail("E128", what, token.span, hint)
        self.make_room(token, bracket=True)
        self.at += 1
        name = _DELIMITED_OPERATIONS.get(token.text)

        def done(pieces: list[Piece], end: Token) -> None:
            if name == "norm":
                order = self._order_of_norm()
                self.operand(operation(name, token, end, pieces, *order), token, delimited=True)
            elif name:
                if not pieces:
                    place = Span(token.span.start, end.span.end)
                    self.fail("E111", "expected an operand between the bars", place)
                bars = "bars" if self.arrays and name == "abs" else name
                self.operand(operation(bars, token, end, pieces), token, delimited=True)
            else:
                opener = Token("(", self.shown(token), token.span)
                self.operand([opener, pieces, end._replace(kind=")")], token, delimited=True)

        self.frames.append(Frame(Kind.BRACKET, token, done, token.text, commas=not name))

    def _order_of_norm(self) -> list[list[Piece]]:
        """What stands below the bars of a norm, which ended here: 1, 2 or ∞; F is as nothing."""
        at, tokens = self.at, self.tokens
        if tokens[at].kind != "_":
            return []
        braced = tokens[at + 1].kind == "{"
        sign = tokens[at + 1 + braced]
        infinite = sign.text == r"\infty"
        if sign.text == "F" and (not braced or tokens[at + 3].kind == "}"):
            self.at = at + (4 if braced else 2)
            return []
        if (sign.kind != NUMBER and not infinite) or (braced and tokens[at + 3].kind != "}"):
            hint = r"\lVert x \rVert_1, _2 or _\infty; without one, that of Frobenius"
            self.fail("E131", "a norm has a number below it", tokens[at].span, hint)
        if len(sign.text) > 1 and not (braced or infinite):  # _2 followed by a digit
            self.fail("E120", f"only {sign.text[0]} is below", sign.span, "write braces")
        self.at = at + (4 if braced else 2)
        kind, text = (NAME, "inf") if infinite else (NUMBER, sign.text)
        return [[Token(kind, text, sign.span)]]

    def bar(self, token: Token) -> None:
        """A bar closes the innermost open bar if an operand stands before it, else it opens."""
        inner = next(frame for frame in reversed(self.frames) if frame.kind is not Kind.FUNCTION)
        bars = inner.kind is Kind.BRACKET and inner.opener.kind == "|"
        bars = bars and inner.delimiter == token.text
        if bars and not self.top.expects:
            self.close(token)
        else:
            self.open(token)

    # --- commands ---------------------------------------------------------------------------------

    def word(self, token: Token) -> None:
        r"""``\text{…}`` and its like: a word of the language, or a name."""
        word = token.text
        frame = self.top
        if not word:
            self.at += 1
        elif frame.kind is Kind.CASES and frame.value is not None and not frame.pieces:
            if word in (CONDITION_WORDS | OTHERWISE) and not self.is_variable(word):
                self.at += 1
                frame.otherwise = word in OTHERWISE
            else:
                self.word_or_name(token)
        else:
            self.word_or_name(token)

    def command(self, token: Token) -> None:
        name = token.text
        if name in (r"\[", r"\(", r"\]", r"\)"):
            self.math(token)
        elif name in FUNCTION_COMMANDS:
            self.function(token, FUNCTION_COMMANDS[name])
        elif name in FRACTIONS:
            self.fraction(token)
        elif name == r"\sqrt":
            self.root(token)
        elif OPERATORS.get(name) == "=":
            self.equals(token)
        elif name in OPERATORS:
            self.at += 1
            kind = _PRODUCTS.get(name) if self.arrays else None
            self.operator(token, kind or OPERATORS[name])
        elif name in BRACES:
            self.labelled_brace(token)
        elif is_derivative(self.tokens, self.at):
            self.name(token)
        elif name in REFUSED:
            what, hint = REFUSED[name]
            self.fail("E128", what, token.span, hint)
        elif name == r"\text":
            self.fail("E128", "text inside a formula", token.span, r"a name is \text{max}")
        elif symbol(token) is None and name not in ACCENTS and name not in FONTS:
            guess = nearest(name, KNOWN)
            hint = f"did you mean {guess}?" if guess else ""
            self.fail("E127", f"unknown command {name:.40}", token.span, hint)
        elif not self.name(token):
            self.at += 1  # a font over more than a name changes nothing

    def labelled_brace(self, token: Token) -> None:
        r"""``\underbrace{x}_{\text{why}}`` is x."""
        self.at += 1
        tokens, end = self.tokens, self.partners.get(self.at)
        if end is None:
            hint = rf"as in {token.text}{{x}}_{{y}}"
            self.fail("E111", f"{token.text} needs braces", token.span, hint)
        if tokens[end + 1].kind in ("_", "^"):
            label = self.partners.get(end + 2, end + 2)
            self.skips[end + 1] = label + (tokens[label].kind != END)

    def letter(self, token: Token) -> None:
        self.check_letters()
        self.name(token)


_HANDLERS: Final[dict[str, Callable[[Translation, Token], None]]] = {
    **dict.fromkeys(("+", "-", "*", "/", "<", ">", "<=", ">=", "!="), Translation.sign),
    "^": Translation.caret,
    RAISED: Translation.raised_sign,
    "_": Translation.subscript,
    "'": Translation.prime,
    "!": Translation.factorial,
    ",": Translation.comma,
    ".": Translation.full_stop,
    ":": Translation.full_stop,
    "{": Translation.brace,
    "}": Translation.close,
    OPEN: Translation.open,
    LEFT: Translation.open,
    CLOSE: Translation.close,
    RIGHT: Translation.close,
    "|": Translation.bar,
    "=": Translation.equals,
    ";": Translation.separator,
    BREAK: Translation.separator,
    NEWLINE: Translation.separator,
    "&": Translation.column,
    "$": Translation.math,
    "$$": Translation.math,
    BEGIN: Translation.begin,
    FINISH: Translation.finish,
    NUMBER: Translation.number,
    LETTER: Translation.letter,
    WORD: Translation.word,
    COMMAND: Translation.command,
}
"""What reads on from each kind of token."""
