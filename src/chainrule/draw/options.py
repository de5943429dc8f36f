"""What a drawing shows and how: every option, with what it may be."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from chainrule.draw.diagram import Arrows, Direction
from chainrule.draw.scene import Moment, Pass
from chainrule.draw.themes import THEMES
from chainrule.errors import DrawingError, listed, nearest, shown
from chainrule.show.profile import Profile

View = Literal["graph", "tree", "graph+tree", "derivative", "paths"]
Style = Literal["values", "operators"]
NodeItem = Literal["symbol", "name", "shape", "value", "adjoint", "tangent", "type"]
EdgeItem = Literal["local", "formula", "contribution", "none"]
Groups = Literal["auto", "none", "open", "collapsed"]
Heat = Literal["value", "adjoint", "tangent", "saved", "cost", "local", "contribution"]

NODE_HEAT: Final = ("value", "adjoint", "tangent", "saved", "cost")
"""Heat of nodes; the other kinds are heat of edges."""
NUMERIC_HEAT: Final = ("value", "adjoint", "tangent", "local", "contribution")
"""Heat that needs the numbers of a record."""
MOST: Final = 200
"""Boxes that are drawn, if no other number is asked for."""
_MOST_ALLOWED: Final = 5000


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a drawing.

    Attributes:
        view: The ``graph``; the syntax ``tree``, where nothing is shared; both (``graph+tree``);
            the ``derivative`` graph of forward mode; all ``paths`` from ``wrt`` on, with the leaf
            drawn once for each.
        style: Nodes are ``values``; or ``operators`` stand apart from their results.
        direction: Values flow to the ``right`` or ``down``.
        nodes: What nodes show, of ``symbol name shape value adjoint tangent type``. Of an array
            the values and adjoints are summed up: from least to largest, and the norm.
        edges: What edges show: the ``local`` derivative as a number, or as a ``formula``; the
            ``contribution`` to the adjoint of the operand; ``none``. With ``both`` arrows and
            ``local``, the arrows of adjoints show contributions. Between arrays the local
            derivative is named by its rule, with the norm of the contribution.
        arrows: ``forward`` along the values, ``backward`` along the adjoints, ``both``.
        theme: The colours: ``light``, ``dark``, ``print`` (grey) or ``colour-blind``.
        heat: What colours nodes (``value adjoint tangent saved cost``) or edges (``local
            contribution``) by magnitude; a profile of the compiled graph colours nodes by the time
            of their kernels; empty: nothing.
        path: Draw attention to one path from ``wrt``: 1 is the one of largest magnitude; 0: none.
        cone: Draw attention to what this node depends on; empty: none.
        groups: Frames around named intermediates: ``open``, ``collapsed`` to one box each,
            ``none``; ``auto``: collapsed in graphs with more than ``most`` nodes, else none. In a
            graph that was traced through calls of other functions, frames are around these
            calls, one in another; ``auto``: open, but above 40 boxes the inner ones collapsed,
            or those around them.
        up_to: A step of a pass, such as ``backward 2``: the drawing as it is then; empty: the end.
        digits: Significant digits of numbers.
        most: With more boxes than this, those far from the output are left out; one more box
            says how many.
        open: Loops, branches and calls by name, or ``all`` of them, that are frames around what
            is inside; else each is one box.
        step: Which step of opened loops is drawn, with its numbers, from 1.
        legend: Whether lines below the drawing say what its colours and signs mean.
        live: Whether numbers have room for any other number, as on a page where they change.
    """

    view: View = "graph"
    style: Style = "values"
    direction: Direction = "right"
    nodes: tuple[NodeItem, ...] = ("symbol", "name", "shape", "value", "adjoint")
    edges: EdgeItem = "local"
    arrows: Arrows = "forward"
    theme: str = "light"
    heat: Heat | Profile | Literal[""] = ""
    path: int = 0
    cone: str = ""
    groups: Groups = "auto"
    up_to: Moment | None = None
    digits: int = 3
    most: int = MOST
    open: str = ""
    step: int = 1
    legend: bool = True
    live: bool = False


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "view": get_args(View),
    "style": get_args(Style),
    "direction": get_args(Direction),
    "edges": get_args(EdgeItem),
    "arrows": get_args(Arrows),
    "theme": tuple(THEMES),
    "heat": get_args(Heat),
    "groups": get_args(Groups),
}
_NUMBERS: Final = {
    "path": (0, 10**6),
    "digits": (1, 17),
    "most": (2, _MOST_ALLOWED),
    "step": (1, 10**9),
}
_STEP: Final = re.compile(r"\d{1,9}")
NAMES: Final = tuple(field.name for field in dataclasses.fields(Options))
"""The names of all options."""


def options(given: dict[str, Any]) -> Options:
    """The options as a user gives them, checked.

    >>> options({"nodes": "symbol value", "up_to": "backward 2"}).up_to
    Moment(during='backward', step=2)

    Raises:
        DrawingError: E250 for a name or a value that there is not, E252 for a step that cannot be.
    """
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name not in NAMES:
            guess = nearest(name, NAMES) or _anagram(name)
            hint = f"; did you mean {guess!r}?" if guess else ""
            raise DrawingError("E250", f"a drawing has no option {shown(name)}{hint}")
        checked[name] = _checked(name, value)
    return Options(**checked)


def _checked(name: str, value: Any) -> Any:
    if value is None and name in ("heat", "cone", "open"):
        return ""
    if name == "heat" and isinstance(value, Profile):
        return value
    if name in _CHOICES:
        choices = (*_CHOICES[name], "") if name == "heat" else _CHOICES[name]
        if not isinstance(value, str) or value not in choices:
            raise _not_allowed(name, value, _CHOICES[name])
    elif name in _NUMBERS:
        low, high = _NUMBERS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise DrawingError("E250", f"{name} is {shown(value)}; it goes from {low} to {high}")
    elif name == "nodes":
        return _node_items(value)
    elif name == "cone" and not isinstance(value, str):
        raise DrawingError("E250", f"cone is {shown(value)}; it is the name of a node")
    elif name == "open":
        value = "all" if value is True else "" if value is False else value
        if not isinstance(value, str):
            raise DrawingError("E250", f"open is {shown(value)}; it is names of nodes, or 'all'")
    elif name == "up_to":
        value = _moment(value)
    elif name in ("legend", "live") and not isinstance(value, bool):
        raise DrawingError("E250", f"{name} is True or False, not {shown(value)}")
    return value


def _node_items(value: Any) -> tuple[str, ...]:
    """What nodes show: words in a text, or a list of words."""
    if not isinstance(value, Iterable):
        raise _not_allowed("nodes", value, get_args(NodeItem))
    items = tuple(value.replace(",", " ").split() if isinstance(value, str) else value)
    for item in items:
        if item not in get_args(NodeItem):
            raise _not_allowed("nodes", item, get_args(NodeItem))
    return items


def _moment(value: Any) -> Moment | None:
    """A step of a pass: ``"backward 2"`` or ``("backward", 2)``."""
    if value is None or (isinstance(value, str) and not value):
        return None
    parts: Any = value.split() if isinstance(value, str) else value
    if isinstance(parts, Sequence) and len(parts) == 2:
        during, written = parts
        step: Any = written
        if isinstance(written, str) and _STEP.fullmatch(written):
            step = int(written)
        is_whole = isinstance(step, int) and not isinstance(step, bool)
        if during in get_args(Pass) and is_whole and step >= 0:
            return Moment(during, step)
    raise DrawingError("E252", f"{shown(value)} is no step, as 'backward 2' is")


def _anagram(name: str) -> str | None:
    """The option that has the same letters in another order."""
    return next((other for other in NAMES if sorted(other) == sorted(name)), None)


def _not_allowed(name: str, value: object, choices: tuple[str, ...]) -> DrawingError:
    words = listed(map(repr, choices))
    return DrawingError("E250", f"{name} is {shown(value)}; choose {words}")
