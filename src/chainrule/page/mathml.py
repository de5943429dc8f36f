"""Mathematics as MathML, which browsers set and readers that speak can read."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from latex2mathml.converter import convert

from chainrule.show.table import Cell, Table

_LONGEST: Final = 4000
"""Longer formulas stay text: nobody reads them set, and setting them takes seconds."""
_MATHEMATICS: Final = re.compile(r"\$([^$]*)\$")
_NEEDLESS: Final = re.compile(r"<mrow></mrow>|<mi></mi>|(?<=<mo)( (stretchy|fence|form)=\"\w+\")+")
"""What browsers do without: brackets know by their place what they are."""
_ALONE: Final = re.compile(r"<mrow>(<(m[ino])>[^<]*</\2>)</mrow>")
"""A row of one name, number or sign."""
_ENTITY: Final = re.compile(r"&#x[0-9A-Fa-f]+;")
_ROW: Final = re.compile(r"\s*\\\\\s*\n")


@lru_cache(maxsize=4096)
def mathml(latex: str) -> str:
    """Mathematics without dollar signs as a ``math`` element; empty where it cannot be set.

    >>> mathml("x^2")
    '<math><msup><mi>x</mi><mn>2</mn></msup></math>'
    """
    if len(latex) > _LONGEST:
        return ""
    try:
        found = convert(latex)
    except Exception:  # the reader of LaTeX raises whatever comes up in it
        return ""
    inner = found[found.index(">") + 1 : found.rindex("</math>")]
    inner = inner.removeprefix("<mrow>").removesuffix("</mrow>") if _is_one_row(inner) else inner
    bare = _ALONE.sub(r"\1", _NEEDLESS.sub("", inner))
    return f"<math>{_ENTITY.sub(_letter, bare)}</math>"


def _is_one_row(inner: str) -> bool:
    """Whether everything is in one row, which a ``math`` element is anyway."""
    return (
        inner.startswith("<mrow>") and inner.endswith("</mrow>") and inner.find("<mrow>", 6) == -1
    )


def _letter(entity: re.Match[str]) -> str:
    """A sign by itself, but for those that XML needs escaped."""
    found = html.unescape(entity[0])
    return entity[0] if found in "<>&" else found


def rows(latex: str) -> list[str]:
    r"""Mathematics on one or more lines; those of ``aligned`` become one ``math`` element each.

    >>> rows("\\begin{aligned}\na &= x \\\\\nf &= a\n\\end{aligned}")[1]
    '<math><mi>f</mi><mo>=</mo><mi>a</mi></math>'
    """
    inner = latex.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}").strip()
    if inner == latex.strip():
        return [mathml(latex)]
    return [mathml(row.replace("&=", "=", 1).removeprefix("{}")) for row in _ROW.split(inner)]


def written(cell: Cell) -> dict[str, str]:
    """A cell as the page has it: its text, and mathematics where all of it is mathematics."""
    whole = _MATHEMATICS.fullmatch(cell.latex)
    set_in = mathml(whole[1]) if whole else ""
    return {"text": cell.text, "mathml": set_in} if set_in else {"text": cell.text}


def table(found: Table, slots: Sequence[int | None] = ()) -> dict[str, Any]:
    """A table as the page has it, with the slots of the nodes that its rows are about."""
    return {
        **({"slots": list(slots)} if slots else {}),
        "title": found.title,
        "columns": [
            {"key": column.key, "heading": column.heading, "numeric": column.numeric}
            for column in found.columns
        ],
        "rows": [[written(cell) for cell in row] for row in found.rows],
        "note": found.note,
    }
