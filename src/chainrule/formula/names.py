"""Every name a formula knows: Greek letters, Unicode signs, constants, keywords, functions."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from chainrule import ops
from chainrule.errors import GraphError, nearest, shown
from chainrule.graph.op import OPS, Op

_LOWER: Final = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon",
    "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
_UPPER: Final = {letter.upper(): word.capitalize() for letter, word in _LOWER.items()}
_VARIANTS: Final = {
    "µ": "mu", "ϵ": "epsilon", "ϑ": "theta", "ϰ": "kappa", "ϱ": "rho", "ς": "sigma",
    "ϕ": "phi", "ϖ": "pi",
}  # fmt: skip

GREEK: Final = MappingProxyType(_LOWER | _UPPER | _VARIANTS)
"""Greek letters (with the micro sign and the letter variants) and the names they stand for."""

SUPERSCRIPTS: Final = MappingProxyType(dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True)))
SUBSCRIPTS: Final = MappingProxyType(
    dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789aehijklmnoprstuvx", strict=True))
)

SIGNS: Final = MappingProxyType(
    {
        "**": "^",
        "·": "*",
        "⋅": "*",
        "⊙": "*",
        "×": "*",
        "∗": "*",
        "÷": "/",
        "∕": "/",
        "−": "-",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
    }
)
"""Other spellings of the signs."""

CONSTANTS: Final = MappingProxyType(
    {"pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan}
)
"""Names that stand for numbers unless they are declared or defined."""

NAMED_CONSTANTS: Final = ("pi", "e", "tau")
"""The constants that keep their names in the graph; ``inf`` and ``nan`` are numerals already."""

KEYWORDS: Final = frozenset({"and", "or", "xor", "not", "true", "false"})

_ALIASES: Final = {
    "sigma": "sigmoid",
    "psi": "digamma",
    "phi": "normal_pdf",
    "Phi": "normal_cdf",
    "pow": "general_power",
    "tg": "tan",
    "arctg": "atan",
    "sh": "sinh",
    "ch": "cosh",
    "th": "tanh",
    "ceiling": "ceil",
}


def _functions() -> dict[str, Op]:
    functions = {
        name: op
        for op in OPS.values()
        if op.pointwise and not op.is_leaf and op is not ops.abstract.abstract.op
        for name in (op.name, *op.aliases)
        if name.isascii()
    }
    return functions | {alias: OPS[name] for alias, name in _ALIASES.items()}


FUNCTIONS: Final = MappingProxyType(_functions())
"""The operations by every name they can be called by."""

LETTERS: Final = frozenset(GREEK.values()) & FUNCTIONS.keys()
"""Greek letters that are functions directly before a bracket, and variables elsewhere."""


def canonical(text: object) -> str:
    """The name that a spelling stands for.

    >>> canonical("θ"), canonical("x₁"), canonical("x_{ij}"), canonical("w_θ")
    ('theta', 'x_1', 'x_ij', 'w_theta')
    """
    if not isinstance(text, str):
        raise GraphError("E213", f"{shown(text)} is not a name")
    if text.isascii():
        return text.replace("{", "").replace("}", "") if "{" in text else text
    body = text.rstrip("".join(SUBSCRIPTS))
    below = "".join([SUBSCRIPTS[sign] for sign in text[len(body) :]])
    letters = "".join([GREEK.get(letter, letter) for letter in body if letter not in "{}"])
    # Python puts the names of keyword arguments into this form, too.
    return unicodedata.normalize("NFKC", f"{letters}_{below}" if below else letters)


def names_of(listed: str | Iterable[str]) -> list[str]:
    """Names from ``"x y"``, ``"x, y"`` or a sequence of strings.

    >>> names_of("x, θ"), names_of(["w_1", "b"])
    (['x', 'theta'], ['w_1', 'b'])
    """
    if not isinstance(listed, Iterable):
        raise GraphError("E213", f"names are a text or a list of texts, got {shown(listed)}")
    words = re.split(r"[\s,]+", listed) if isinstance(listed, str) else listed
    return [canonical(word) for word in words if word]


def similar(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that looks most like ``name``; one letter is like no other."""
    return nearest(name, candidates) if len(name) > 1 else None


LATEX_ACCENTS: Final = ("hat", "bar", "dot", "ddot", "tilde", "vec", "check", "breve")
"""What ``x_hat`` and its like may end in: in LaTeX it is an accent over the letter."""

_PARTS: Final = re.compile(
    rf"([^\W\d_]+)([0-9]*)(?:_({'|'.join(LATEX_ACCENTS)})(?=_|$))?((?:_[^\W_]+)*)"
)
_COMMANDS: Final = frozenset(
    [word for word in _LOWER.values() if word != "omicron"]
    + ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"]
)
"""The Greek letters that LaTeX has a command for; the others look like Latin ones."""


_BELOW: Final = {"minus": "-", "plus": "+"}
"""What the signs of a subscript are called in a name."""
_AROUND_SIGN: Final = re.compile(r",?\\mathrm\{(minus|plus)\},?")

_DERIVATIVE: Final = re.compile(r"(.+)_d([1-9][0-9]{0,5}(?:_[1-9][0-9]{0,5})*)")


def differentiated(name: str) -> tuple[str, tuple[int, ...]]:
    """What a name says if it is that of a derivative of an abstract function.

    >>> differentiated("f_d1_2"), differentiated("f")
    (('f', (1, 2)), ('f', ()))
    """
    match = _DERIVATIVE.fullmatch(name)
    return (name, ()) if match is None else (match[1], tuple(map(int, match[2].split("_"))))


def latex_name(name: str) -> str:
    r"""A name in LaTeX, with Greek letters and subscripts; one of several words stays as it is.

    >>> print(latex_name("theta_0"), latex_name("v1"), latex_name("h_t_minus_1"))
    \theta_{0} v_{1} h_{t-1}
    >>> print(latex_name("x_max"), latex_name("learning_rate"))
    x_{\mathrm{max}} \mathrm{learning\_rate}
    """
    match = _symbol_with_marks(name)
    if match is None:
        return plain_latex_name(name)
    letters, digits, accent, below = match.groups()
    shown = _symbol(letters)
    if accent and not digits:
        shown = f"\\{accent}{{{shown}}}"
    elif accent:
        below = f"_{accent}{below}"
    subscripts = [part for part in (digits, *below.split("_")) if part]
    parts = ",".join([_symbol(part) if part.isalpha() else part for part in subscripts])
    parts = _AROUND_SIGN.sub(lambda sign: _BELOW[sign[1]], parts)
    return f"{shown}_{{{parts}}}" if parts else shown


def plain_latex_name(name: str) -> str:
    r"""A name in LaTeX, letter by letter: what ``x1`` is called next to ``x_1``.

    >>> print(plain_latex_name("x1"))
    \mathrm{x1}
    """
    escaped = name.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def spoken(name: str) -> str:
    """The name that `latex_name` reads as: a number below the line says nothing of its underscore.

    >>> spoken("x1"), spoken("x_1"), spoken("y_hat")
    ('x_1', 'x_1', 'y_hat')
    """
    match = _symbol_with_marks(name)
    if match is None or not match[2]:
        return name
    return f"{match[1]}_{name[len(match[1]) :]}"


def _symbol_with_marks(name: str) -> re.Match[str] | None:
    """The parts of a name that is a symbol or a word with something below; None for other names,
    such as those of several words.
    """
    match = _PARTS.fullmatch(name)
    if match is None:
        return None
    words = [
        part
        for part in [match[1], *match[4].split("_")]
        if part.isalpha() and len(part) > 1 and part not in _COMMANDS and part not in _BELOW
    ]
    return match if len(words) < 2 else None


def _symbol(letters: str) -> str:
    if letters in _COMMANDS:
        return f"\\{letters}"
    return letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
