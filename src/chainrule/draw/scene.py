"""A drawing as data: boxes, curves, groups and writing, each with its place.

A scene is made once (`chainrule.draw.compose`) and never changes; every writer reads it. Lengths
are in points; x grows to the right and y down, from the upper left corner of the scene.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

Kind = Literal["input", "parameter", "constant", "computation", "operator", "result", "summary"]
"""What a box is. ``operator`` and ``result`` are the two halves of a computation where operators
stand apart from values; ``summary`` stands for boxes that are not drawn.
"""
Shape = Literal["circle", "square"]
"""A circle, or an ellipse where it is wider than high; or a rectangle with round corners."""
Role = Literal[
    "symbol",
    "name",
    "value",
    "adjoint",
    "tangent",
    "missing",
    "note",
    "local",
    "contribution",
    "operand",
    "caption",
]
"""What a piece of writing is, which decides its colour. ``missing`` says how much of an array is
not a number; ``note`` is small print in a box; ``local`` is a local derivative, or the rule of a
map between arrays; ``operand`` the number of an operand on its edge; ``caption`` explains the
drawing.
"""
Pass = Literal["forward", "backward"]
Heated = Literal["boxes", "curves"]
State = Literal["", "waiting", "current"]
"""In a drawing up to a step: not reached yet, or the step itself."""

ROLES: Final[dict[Role, str]] = {
    "value": "value",
    "adjoint": "adjoint",
    "tangent": "tangent",
    "local": "local derivative",
    "contribution": "contribution",
}
"""The roles that a legend explains, in its order."""


class Mark(NamedTuple):
    """What stands before a number to tell what it is, as plain text and as mathematics."""

    text: str
    latex: str


MARKS: Final[dict[Role, Mark]] = {
    "adjoint": Mark("∂ ", r"\partial\,"),
    "tangent": Mark("d ", r"\mathrm{d}\,"),
    "contribution": Mark("+", "{+}"),
}
"""By role; a contribution below 0 has its own sign."""


class Point(NamedTuple):
    """A place in the scene."""

    x: float
    y: float


class Moment(NamedTuple):
    """When something comes to be known: a step of a pass, from 1."""

    during: Pass
    step: int


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of writing on one line.

    Attributes:
        role: What it is.
        text: The writing as plain text; where it was too long, its first part and ``…``.
        latex: The writing as mathematics, without dollar signs.
        x: The middle, from left to right.
        y: The middle, from top to bottom.
        width: Of its rectangle.
        height: Of its rectangle.
        size: Of the letters.
        full: The whole writing where ``text`` is only a part of it, else empty.
        moment: When it comes to be known; None: it is there from the start.
    """

    role: Role
    text: str
    latex: str
    x: float
    y: float
    width: float
    height: float
    size: float
    full: str = ""
    moment: Moment | None = None


def is_marked(text: Text) -> bool:
    """Whether a piece of writing begins with the mark of its role."""
    return text.role in MARKS and text.text.startswith(MARKS[text.role].text)


def corner_radius(height: float) -> float:
    """The radius of the corners of a square box."""
    return max(2.0, min(9.0, height / 4))


@dataclass(frozen=True, slots=True)
class Box:
    """One node of the drawing.

    Attributes:
        key: Its name in the scene, a letter and digits; no two boxes share one.
        kind: What it is.
        shape: Its outline.
        x: The middle, from left to right.
        y: The middle, from top to bottom.
        width: Of the outline.
        height: Of the outline.
        texts: What is written in it, from top to bottom.
        title: The box in a sentence, for pointers and for readers that speak.
        is_output: Whether the graph ends here.
        faded: Whether it stands back, since the drawing points at others.
        heat: How hot it is, from 0 to 1; None: heat is not shown.
        state: Where it stands in the pass that is shown up to a step.
        moment: When it is reached.
    """

    key: str
    kind: Kind
    shape: Shape
    x: float
    y: float
    width: float
    height: float
    texts: tuple[Text, ...]
    title: str
    is_output: bool = False
    faded: bool = False
    heat: float | None = None
    state: State = ""
    moment: Moment | None = None

    @property
    def corner(self) -> float:
        """The radius of the corners of a square."""
        return corner_radius(self.height)


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge of the drawing: from the border of one box to the border of another.

    Attributes:
        key: Its name in the scene.
        source: The key of the box where it starts.
        target: The key of the box where its arrowhead is.
        flow: ``forward`` for values, solid; ``backward`` for adjoints, dashed.
        points: Its corners, first to last; writers round the inner ones.
        texts: What is written on it, from top to bottom.
        title: The edge in a sentence.
        position: Which operand of its user it is, from 0.
        faded: Whether it stands back.
        strong: Whether the drawing points at it.
        heat: How hot it is, from 0 to 1; None: heat is not shown.
        state: Where it stands in the pass that is shown up to a step.
        moment: When something flows along it.
    """

    key: str
    source: str
    target: str
    flow: Pass
    points: tuple[Point, ...]
    texts: tuple[Text, ...]
    title: str
    position: int = 0
    faded: bool = False
    strong: bool = False
    heat: float | None = None
    state: State = ""
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around boxes that belong together, such as those of one named intermediate.

    Attributes:
        key: Its name in the scene.
        members: The keys of the boxes inside.
        text: What the frame is called, at its upper edge.
        x: The left edge.
        y: The upper edge.
        width: Of the frame.
        height: Of the frame.
    """

    key: str
    members: tuple[str, ...]
    text: Text
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Scale:
    """The bar that shows the colours of heat; a caption beside it says what they mean.

    Attributes:
        of: What has these colours.
        x: The left edge, where heat is 0.
        y: The upper edge.
        width: Of the bar, up to where heat is 1.
        height: Of the bar.
    """

    of: Heated
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole drawing.

    Attributes:
        width: Of the drawing, margins included.
        height: Of the drawing.
        title: What is drawn, in a few words.
        description: What is to be seen, in sentences, for readers that speak.
        direction: Whether values flow to the ``right`` or ``down``.
        boxes: The nodes, in topological order.
        curves: The edges.
        groups: The frames, outer ones first.
        captions: Writing outside of boxes and edges, below the drawing.
        legend: The roles of writing that the legend explains.
        theme: The name of its colours (`chainrule.draw.themes`).
        steps: How many steps the forward pass and the backward pass have.
        scale: The colours of heat; None: nothing is coloured by heat, or there is no legend.
        has_legend: Whether writers explain signs of their own below the drawing.
    """

    width: float
    height: float
    title: str
    description: str
    direction: Literal["right", "down"]
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    groups: tuple[Group, ...] = ()
    captions: tuple[Text, ...] = ()
    legend: tuple[Role, ...] = ()
    theme: str = "light"
    steps: tuple[int, int] = (0, 0)
    scale: Scale | None = None
    has_legend: bool = True

    def texts(self) -> Iterator[Text]:
        """Every piece of writing."""
        for box in self.boxes:
            yield from box.texts
        for curve in self.curves:
            yield from curve.texts
        for group in self.groups:
            yield group.text
        yield from self.captions

    def moments(self) -> list[Moment]:
        """Every step: those of the forward pass, then those of the backward pass."""
        forward, backward = self.steps
        return [
            *(Moment("forward", step) for step in range(1, forward + 1)),
            *(Moment("backward", step) for step in range(1, backward + 1)),
        ]

    def members(self) -> dict[str, list[str]]:
        """Group → the boxes in it, each only in the last of its groups, by their keys."""
        last = {key: group.key for group in self.groups for key in group.members}
        return {
            group.key: [key for key in group.members if last[key] == group.key]
            for group in self.groups
        }


def data(scene: Scene) -> dict[str, Any]:
    """A scene as JSON has it: dictionaries, lists, words and numbers, lengths to a hundredth."""
    found: dict[str, Any] = _rounded(dataclasses.asdict(scene))
    return {"format": "chainrule-scene", "version": 1, **found}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_rounded(item) for item in value]
    return value
