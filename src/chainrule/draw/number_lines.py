"""Numbers as lines of a drawing: short, with a sign of what they are."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from chainrule.draw.diagram import Line
from chainrule.draw.scene import MARKS, Moment, Role
from chainrule.show.numbers import latex_of, number
from chainrule.show.summaries import norm_text

_WHOLE: Final = 10**6
"""Whole numbers below this are written in full."""
_NEGATIVE: Final = re.compile(r"(?<![\^{\d])-[\d.]+")


def array_latex(text: str) -> str:
    r"""The summary of an array as mathematics, with room around its dots and none after a sign.

    >>> print(array_latex("-1 … 2, ‖3‖"))
    {-1}\;\ldots\;2,\, \lVert 3 \rVert
    """
    latex = latex_of(text).replace(r" \ldots ", r"\;\ldots\;")
    return _NEGATIVE.sub(r"{\g<0>}", latex)


def norm_line(norm: float, digits: int, moment: Moment | None = None) -> Line:
    """How much flows along an edge between arrays.

    >>> norm_line(0.25, 3).text
    '‖0.25‖'
    """
    text = norm_text(norm, digits)
    return Line("contribution", text, latex_of(text), moment)


def number_line(role: Role, value: Any, digits: int, moment: Moment | None = None) -> Line:
    """A number as it stands in a drawing: short, with a sign of what it is where colour may lack.

    >>> number_line("value", -0.46970653, 3).text, number_line("adjoint", 1024.0, 3).text
    ('-0.47', '∂ 1024')
    """
    text = short(value, digits)
    if role == "contribution" and not text.startswith("-"):
        text = f"+{text}"
    if role == "contribution":
        return Line(role, text, latex_of(text), moment)
    return marked(role, text, moment)


def marked(role: Role, text: str, moment: Moment | None, latex: str = "") -> Line:
    """What stands for a number, with the sign of what it is."""
    mark, latex = MARKS.get(role), latex or latex_of(text)
    if mark is None:
        return Line(role, text, latex, moment)
    return Line(role, mark.text + text, f"{mark.latex}{{{latex}}}", moment)


def short(value: Any, digits: int) -> str:
    """A number with few digits; whole numbers below a million in full.

    >>> short(2500000.0, 3), short(1048576.0 / 2, 3), short(1.23456e-7, 2)
    ('2.5e6', '524288', '1.2e-7')
    """
    if np.ndim(value) == 0 and value is not None and abs(value) < _WHOLE and value == int(value):
        return number(value, len(str(_WHOLE)))
    return number(value, digits)
