"""What is drawn, before anything has a place: elements, links between them, frames around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chainrule.draw.scene import Heated, Kind, Moment, Role, Shape
from chainrule.draw.words import as_words

Direction = Literal["right", "down"]
Arrows = Literal["forward", "backward", "both"]


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of writing that has no place yet.

    Attributes:
        role: What it is.
        text: As plain text.
        latex: As mathematics, without dollar signs.
        moment: When it comes to be known; None: from the start.
    """

    role: Role
    text: str
    latex: str
    moment: Moment | None = None

    @classmethod
    def words(cls, role: Role, text: str, moment: Moment | None = None) -> Line:
        """Plain words."""
        return cls(role, text, as_words(text), moment)


@dataclass(frozen=True, slots=True)
class Element:
    """A box to be; the attributes are those of `chainrule.draw.scene.Box`.

    Attributes:
        group: The key of the frame that it stands in; empty: none.
    """

    key: str
    kind: Kind
    shape: Shape
    lines: tuple[Line, ...]
    title: str
    is_output: bool = False
    faded: bool = False
    heat: float | None = None
    moment: Moment | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge to be, from an operand to its user.

    Attributes:
        source: The key of the element where values come from.
        target: The key of the element where they go.
        title: The edge in a sentence.
        lines: What is written on it.
        position: Which operand of the user it is, from 0.
        operands: How many operands the user has, if their order matters; else 0.
        back: What is written on the arrow of adjoints, back from the user to the operand.
        back_title: That arrow in a sentence; empty: nothing flows back.
        faded: Whether it stands back.
        strong: Whether the drawing points at it.
        heat: How hot it is, from 0 to 1.
        moment: When a value flows along it.
        back_moment: When an adjoint flows back.
    """

    source: str
    target: str
    title: str
    lines: tuple[Line, ...] = ()
    position: int = 0
    operands: int = 0
    back: tuple[Line, ...] = ()
    back_title: str = ""
    faded: bool = False
    strong: bool = False
    heat: float | None = None
    moment: Moment | None = None
    back_moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame to be: its key, what it is called, and the frame around it, if any."""

    key: str
    line: Line
    parent: str = ""


class Coloured(NamedTuple):
    """What is coloured by heat, and what the colours mean, in words."""

    of: Heated
    words: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """Everything that is drawn.

    Attributes:
        title: What is drawn, in a few words.
        description: What is to be seen, in sentences.
        elements: In topological order.
        links: By the element they enter, operands in order.
        frames: Around elements, outer ones first; those without two elements are not drawn.
        notes: Lines below the drawing, before the legend.
        steps: How many steps the forward pass and the backward pass have.
        heat: What its colours mean where they show magnitudes.
    """

    title: str
    description: str
    elements: tuple[Element, ...]
    links: tuple[Link, ...]
    frames: tuple[Frame, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[int, int] = field(default=(0, 0))
    heat: Coloured | None = None
