"""A graph as one HTML file: what may be asked of it, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Final

import numpy as np

from chainrule.draw.figure import write
from chainrule.draw.options import options
from chainrule.errors import DrawingError, listed
from chainrule.exchange.javascript.module import module
from chainrule.graph.dag import Dag
from chainrule.page.bundle import document
from chainrule.page.content import Asked, content

_OF_DRAWING: Final = ("style", "direction", "nodes", "edges", "theme", "digits", "groups", "most")
_OF_PAGE: Final = ("of", "title")
_BOTH_WAYS: Final = 30
"""Graphs with more nodes are drawn in one direction, which keeps the file small."""


def save_page(
    path: str | PathLike[str], dag: Dag, values: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Write the page of a graph.

    Args:
        path: Where to.
        dag: A graph of numbers.
        values: Where its sliders start, by name; others are chosen.
        given: Options of drawings that have a meaning on a page, ``of`` and ``title``.

    Raises:
        DrawingError: E250 for an option that there is not, E251 for one that a page cannot have,
            and for numbers at many points.
        GraphError: E225 for an unknown name, E229 for a graph of arrays, E249 for what JavaScript
            cannot compute.
    """
    drawn = {name: value for name, value in given.items() if name not in _OF_PAGE}
    theme = options(drawn).theme if "theme" in drawn else ""
    unfit = [name for name in drawn if name not in _OF_DRAWING]
    if unfit:
        known = listed(sorted((*_OF_DRAWING, *_OF_PAGE)), 12)
        raise DrawingError("E251", f"a page has no option {unfit[0]!r}; it has {known}")
    if any(np.ndim(value) for value in values.values()):
        raise DrawingError("E251", "a page starts at one point, and this record has many")
    drawn.pop("theme", None)
    ways = [drawn]
    if "direction" not in drawn and len(dag.order) <= _BOTH_WAYS:
        ways.append({**drawn, "direction": "down"})
    asked = Asked(values, given.get("of") or "", ways, str(given.get("title", "")))
    write(path, document({**content(dag, asked), "theme": theme}, module(dag)))
