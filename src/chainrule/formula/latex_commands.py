"""What the commands of LaTeX mean in a formula, and which of them no formula has."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from chainrule.formula.names import FUNCTIONS, GREEK

_VARIANTS: Final = ("epsilon", "theta", "kappa", "rho", "sigma", "phi", "pi")

LETTERS: Final = MappingProxyType(
    {rf"\{word}": word for word in GREEK.values()}
    | {rf"\var{word}": word for word in _VARIANTS}
    | {r"\ell": "ell", r"\hbar": "hbar", r"\imath": "i", r"\jmath": "j", r"\infty": "inf"}
)
"""Commands that are one letter, and the names they stand for."""

SUBSCRIPTS: Final = MappingProxyType(
    {
        r"\infty": "infty", r"\perp": "perp", r"\parallel": "parallel", r"\star": "star",
        r"\ast": "star", r"\prime": "prime", r"\max": "max", r"\min": "min", "*": "star",
        "+": "_plus_", "-": "_minus_", ",": "_", "_": "_",
    }
)  # fmt: skip
"""Signs below a letter, and what they add to its name."""

GREEK_FUNCTIONS: Final = frozenset({"sigma", "Gamma", "psi", "phi", "Phi"})
"""Letters that are functions directly before a bracket, unless they are variables."""

_FUNCTION_WORDS: Final = (
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "exp", "ln", "log", "lg", "min", "max",
)  # fmt: skip

RECIPROCALS: Final = MappingProxyType(
    {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}
)
"""One over these functions."""

INVERSES: Final = MappingProxyType(
    {name: f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
)

FUNCTION_COMMANDS: Final = MappingProxyType(
    {rf"\{word}": FUNCTIONS[word].name for word in _FUNCTION_WORDS}
    | {rf"\{word}": word for word in ("cot", "sec", "csc", "coth", "det")}
)
"""Commands of functions, and the names of the operations (or of their reciprocals)."""

SPELLED_OUT: Final = frozenset({*_FUNCTION_WORDS, *RECIPROCALS, "sqrt"})
"""Words that nobody means as a product of their letters."""

OPERATORS: Final = MappingProxyType(
    {
        r"\cdot": "*", r"\times": "*", r"\ast": "*", r"\star": "*", r"\div": "/", r"\slash": "/",
        r"\le": "<=", r"\leq": "<=", r"\leqslant": "<=", r"\lt": "<",
        r"\ge": ">=", r"\geq": ">=", r"\geqslant": ">=", r"\gt": ">",
        r"\ne": "!=", r"\neq": "!=", r"\land": "and", r"\wedge": "and", r"\lor": "or",
        r"\vee": "or", r"\oplus": "xor", r"\veebar": "xor", r"\lnot": "not", r"\neg": "not",
        r"\odot": "*", r"\coloneqq": "=", r"\coloneq": "=",
    }
)  # fmt: skip

ACCENTS: Final = MappingProxyType(
    {rf"\{word}": word for word in ("hat", "bar", "dot", "ddot", "tilde", "vec", "check", "breve")}
    | {r"\widehat": "hat", r"\widetilde": "tilde", r"\overline": "bar"}
)
"""Accents, and what they add to a name."""

FONTS: Final = frozenset(
    {rf"\math{font}" for font in ("rm", "it", "bf", "sf", "tt", "cal", "bb", "frak", "scr")}
    | {r"\boldsymbol", r"\bm", r"\operatorname", r"\operatorname*"}
)
"""Commands that change the looks of a name."""

BRACES: Final = frozenset({r"\underbrace", r"\overbrace"})
"""Braces with a label, which says what they hold."""

FRACTIONS: Final = frozenset({r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"})

ALIGNMENTS: Final = frozenset(
    {
        "aligned", "align", "align*", "gather", "gather*", "gathered", "equation", "equation*",
        "eqnarray", "eqnarray*", "split", "multline", "multline*", "displaymath", "math",
    }
)  # fmt: skip
"""Environments whose rows are statements."""

CASES: Final = frozenset({"cases", "dcases", "cases*", "dcases*"})

_NO_SUMS: Final = (
    "sums and products over an index are not read",
    r"write the terms out: x_1 + x_2; of an array, \operatorname{sum}(x)",
)
_NO_LIMITS: Final = (
    "limits and extrema over a set are not read",
    r"max(a, b) takes its numbers, max(x) an array",
)
_NO_INTEGRALS: Final = "integrals are not read", "write the antiderivative"
_NO_DERIVATIVES: Final = (
    "derivatives are not written in formulas",
    "write the function; its derivatives are computed",
)
NO_MATRICES: Final = (
    "matrices and vectors are not read",
    "declare an array by its shape, shapes={'A': (2, 2)}; or write entries as names: x_1, x_2",
)
_TWO_VALUES: Final = "one formula has one value", "write + and - as two formulas"
_NO_NORM: Final = (
    "norms are not read",
    r"of a number write \lvert x \rvert; arrays need their shapes, shapes={'x': 3}",
)
_NO_RELATION: Final = (
    "this sign compares nothing here",
    r"write =, \le, \ge or \ne; y = … defines y",
)
_NO_DOTS: Final = "a formula leaves nothing out", "write every term"
_NO_DEGREES: Final = "angles are in radians", r"write 90 \pi / 180"

REFUSED: Final = MappingProxyType(
    dict.fromkeys((r"\sum", r"\prod", r"\coprod"), _NO_SUMS)
    | dict.fromkeys((r"\int", r"\iint", r"\iiint", r"\oint"), _NO_INTEGRALS)
    | dict.fromkeys(
        (r"\lim", r"\sup", r"\inf", r"\limsup", r"\liminf", r"\arg", r"\argmin", r"\argmax"),
        _NO_LIMITS,
    )
    | dict.fromkeys((r"\partial", r"\nabla", r"\prime"), _NO_DERIVATIVES)
    | dict.fromkeys((r"\top", r"\intercal", r"\dagger"), NO_MATRICES)
    | dict.fromkeys((r"\pm", r"\mp"), _TWO_VALUES)
    | dict.fromkeys((r"\|", r"\lVert", r"\rVert", r"\Vert"), _NO_NORM)
    | dict.fromkeys(
        (r"\approx", r"\sim", r"\simeq", r"\equiv", r"\propto", r"\in", r"\notin", r"\to"),
        _NO_RELATION,
    )
    | dict.fromkeys((r"\Rightarrow", r"\rightarrow", r"\implies", r"\iff", r"\mid"), _NO_RELATION)
    | dict.fromkeys((r"\xrightarrow", r"\mapsto", r"\ll", r"\gg"), _NO_RELATION)
    | dict.fromkeys((r"\ldots", r"\cdots", r"\dots", r"\vdots"), _NO_DOTS)
    | dict.fromkeys((r"\circ", r"\degree", r"\angle"), _NO_DEGREES)
    | {
        r"\otimes": ("this product is not read", r"write x y^\top for the outer product"),
        r"\binom": ("binomial coefficients are not read", r"write \frac{n!}{k! (n - k)!}"),
        r"\choose": ("binomial coefficients are not read", r"write \frac{n!}{k! (n - k)!}"),
        r"\over": ("fractions take braces", r"write \frac{a}{b}"),
        r"\bmod": ("this remainder is not read", r"write \operatorname{mod}(x, y)"),
        r"\pmod": ("this remainder is not read", r"write \operatorname{mod}(x, y)"),
        r"\%": ("percent signs are not read", "write x / 100"),
        r"\langle": ("angle brackets are not read", "use round brackets"),
        r"\rangle": ("angle brackets are not read", "use round brackets"),
        r"\middle": ("bars in the middle are not read", "name the parts"),
        r"\newcommand": ("own commands are not read", "write out what they stand for"),
        r"\def": ("own commands are not read", "write out what they stand for"),
    }
)
"""Commands with a meaning that formulas do not have: what they are, and what to write instead."""

TRANSPOSES: Final = frozenset({r"\top", r"\intercal"})
"""Signs above a matrix that is transposed."""

MATRICES: Final = frozenset(
    {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"}
)

KNOWN: Final = frozenset(
    {
        *LETTERS, *FUNCTION_COMMANDS, *OPERATORS, *ACCENTS, *FONTS, *FRACTIONS, *REFUSED, *BRACES,
        r"\sqrt", r"\left", r"\right", r"\text", r"\begin", r"\end", r"\lvert", r"\rvert",
        r"\lfloor", r"\rfloor", r"\lceil", r"\rceil", r"\quad", r"\displaystyle",
    }
)  # fmt: skip
"""Every command worth guessing when one is misspelled."""
