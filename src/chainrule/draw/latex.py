r"""Writing as LaTeX sets it: mathematics that is known to be sound, and plain text.

What its fonts lack is replaced: letters with accents are put together, and of any other sign its
number is shown, ``U+4E2D``. Mathematics with commands that are not known here is set as plain text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_COMMANDS: Final = frozenset(
    re.findall(
        r"\S+",
        r"""\left \right \frac \sqrt \text \mathrm \operatorname \hat \bar \tilde \dot \ddot \vec
        \partial \cdot \times \div \pm \square \infty \prime \star \ast \ldots \cdots \to \quad
        \le \ge \ne \land \lor \lnot \oplus \lfloor \rfloor \lceil \rceil \lvert \rvert
        \lVert \rVert \nabla \sum \prod \int \circ \Delta
        \sin \cos \tan \arcsin \arccos \arctan \sinh \cosh \tanh \exp \ln \log \min \max
        \alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa
        \lambda \mu \nu \xi \pi \rho \sigma \tau \upsilon \phi \varphi \chi \psi \omega
        \Gamma \Theta \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega
        \, \; \: \! \{ \} \_ \% \# \& \$ \|""",
    )
)
"""What mathematics may be made of."""
_WORDS: Final = re.compile(r"\\(text|operatorname|mathrm)\{((?:[^{}\\]|\\[_&#%${}])*)\}")
_ATOM: Final = r"(?:\\(?:[A-Za-z]+|[^A-Za-z])|[^\\{}^_%#$&~\"'\x00-\x1f\x7f-\U0010ffff])'*"
_ROW: Final = rf"(?:{_ATOM}(?:_{_ATOM}(?:\^{_ATOM})?|\^{_ATOM}(?:_{_ATOM})?)?)*"
_GROUP: Final = re.compile(r"(?<!\\)\{((?:[^{}\\]|\\.)*)\}")
_CASES: Final = re.compile(r"\\begin\{cases\}((?:(?!\\begin).)*?)\\end\{cases\}", re.DOTALL)
_CELL: Final = re.compile(r"\\\\|(?<!\\)&")
_COMMAND: Final = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)

_SIGNS: Final[dict[str, str]] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': r"\char34{}",
    "'": r"'{}",
    "`": r"\textasciigrave{}",
    "-": "-{}",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "÷": r"\ensuremath{\div}",
    "±": r"\ensuremath{\pm}",
    "∂": r"\ensuremath{\partial}",
    "□": r"\ensuremath{\square}",
    "√": r"\ensuremath{\surd}",
    "∞": r"\ensuremath{\infty}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "≠": r"\ensuremath{\ne}",
    "→": r"\ensuremath{\to}",
    "σ": r"\ensuremath{\sigma}",
    "∇": r"\ensuremath{\nabla}",
    "²": r"\ensuremath{^2}",
    "³": r"\ensuremath{^3}",
    "ß": r"\ss{}",
    "\u00a0": "~",
}
_ACCENTS: Final[dict[str, str]] = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}


def escaped(text: str) -> str:
    r"""Plain text as LaTeX sets it, on one line.

    >>> print(escaped("50% of a_1 & é"), escaped("中"))
    50\% of a\_1 \& \'{e} {\tiny\texttt{U+4E2D}}
    """
    return "".join(map(_sign, unicodedata.normalize("NFC", text)))


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign.isspace():
        return " "
    if sign.isascii() and sign.isprintable():
        return sign
    letter, *marks = list(unicodedata.normalize("NFD", sign))
    if letter.isascii() and letter.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return rf"\{_ACCENTS[marks[0]]}{{{letter}}}"
    return rf"{{\tiny\texttt{{U+{ord(sign):04X}}}}}"


def mathematics(latex: str, text: str) -> str:
    r"""Writing as LaTeX sets it: as mathematics if that is sound, else as the plain text.

    >>> print(mathematics(r"w_{1}", "w_1"), mathematics(r"\write18{ls}", "w"))
    $w_{1}$ w
    """
    if not text.strip():
        return ""
    sound = _WORDS.sub(_words, latex)
    return f"${sound}$" if sound.strip() and _is_sound(_WORDS.sub("w", latex)) else escaped(text)


def _words(found: re.Match[str]) -> str:
    """Words in mathematics; those that are more than letters and digits, as escaped text."""
    plain = re.sub(r"\\(.)", r"\1", found[2])
    if found[1] != "text" and plain.isascii() and plain.isalnum():
        return found[0]
    return rf"\text{{{escaped(plain)}}}"


def _is_sound(latex: str) -> bool:
    """Whether braces and scripts are in order, and all commands are known; without words."""
    while cases := _CASES.search(latex):
        if not all(map(_is_sound, _CELL.split(cases[1]))):
            return False
        latex = f"{latex[: cases.start()]}w{latex[cases.end() :]}"
    if not set(_COMMAND.findall(latex)) <= _COMMANDS:
        return False
    row = latex
    while match := _GROUP.search(row):
        if not re.fullmatch(_ROW, match[1], re.ASCII):
            return False
        row = f"{row[: match.start()]}w{row[match.end() :]}"
    return re.fullmatch(_ROW, row, re.ASCII) is not None
