"""Numbers for people: short, with a fixed count of significant digits."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import numpy as np

DASH = "–"
"""Stands for a number that does not exist or has not been computed; never 0."""


def number(value: Any, digits: int = 6) -> str:
    """A number with this many significant digits; arrays show their first and last points.

    Several results are only counted.

    >>> number(9.0), number(-0.46970653), number(1.2e-7), number(True), number(None)
    ('9', '-0.469707', '1.2e-7', 'true', '–')
    >>> number(np.linspace(0, 1, 5))
    '[0, 0.25, …, 1]'
    """
    if value is None:
        return DASH
    if isinstance(value, (list, tuple)):
        return f"{len(value)} result{'' if len(value) == 1 else 's'}"
    if isinstance(value, np.ndarray) and value.ndim:
        flat = value.ravel()
        if flat.size <= 4:
            return f"[{', '.join(number(item, digits) for item in flat)}]"
        first, second, last = (number(flat[at], digits) for at in (0, 1, -1))
        return f"[{first}, {second}, …, {last}]"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = f"{float(value):.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    return "0" if text == "-0" else text


def factor(value: Any, digits: int = 6) -> str:
    """A number as a factor of a product: a negative one in brackets.

    >>> factor(-2.0), factor(2.0)
    ('(-2)', '2')
    """
    text = number(value, digits)
    return f"({text})" if text.startswith("-") else text


_DIGITS: Final = 31
"""A count with more digits than this is shown by its first ones."""


def count(whole: int) -> str:
    """A count in full, or its first digits where it has very many.

    >>> count(2**100), count(2**1000), count(2**100_000)
    ('1267650600228229401496703205376', 'about 1.07e301', 'about 9.99e30102')
    """
    return str(whole) if whole < 10**_DIGITS else f"about {power_of_ten(whole)}"


def power_of_ten(whole: int) -> str:
    """A large count as its first digits and a power of ten.

    >>> power_of_ten(2**100), power_of_ten(10**5000 - 1)
    ('1.27e30', '1.00e5000')
    """
    # Python refuses to write integers of more than some thousand digits; logarithms do not mind.
    power = math.log10(whole)
    exponent = math.floor(power)
    mantissa = f"{10 ** (power - exponent):.2f}"
    if mantissa == "10.00":
        mantissa, exponent = "1.00", exponent + 1
    return f"{mantissa}e{exponent}"


_EXPONENT: Final = re.compile(r"(-?[\d.]+)e(-?\d+)")
_NORM: Final = re.compile("‖([^‖]*)‖")
_WORDS: Final = {
    "inf": r"\infty",
    "nan": r"\mathrm{NaN}",
    "…": r"\ldots",
    DASH: r"\text{--}",
    " more": r"\text{ more}",
    " results": r"\text{ results}",
    " result": r"\text{ result}",
    "all ": r"\text{all }",
    "empty": r"\text{empty}",
    "NaN": r"\mathrm{NaN}",
    ", ‖": r",\, ‖",
}


def latex_of(text: str) -> str:
    r"""What `number` wrote, in LaTeX's mathematics.

    >>> print(latex_of("1.2e-7"), latex_of("(-inf)"), latex_of("[0, …, 1e3]"))
    1.2 \cdot 10^{-7} (-\infty) [0, \ldots, 10^{3}]
    """
    text = _EXPONENT.sub(_power_of_ten, text)
    for word, command in _WORDS.items():
        text = text.replace(word, command)
    return _NORM.sub(r"\\lVert \1 \\rVert", text)


def _power_of_ten(match: re.Match[str]) -> str:
    mantissa, exponent = match.groups()
    power = f"10^{{{exponent}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def plain(value: Any) -> Any:
    """A number or array as JSON has it: numbers, lists, and words for what JSON cannot say.

    >>> plain(np.float64(2.5)), plain(float("inf")), plain(np.array([1.0, np.nan]))
    (2.5, 'inf', [1.0, 'nan'])
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return [plain(item) for item in value]
    item = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if isinstance(item, float) and not np.isfinite(item):
        return str(item)
    # float32 by its own shortest digits, not by those of the float64 next to it.
    return float(str(value)) if isinstance(value, np.float32) else item
