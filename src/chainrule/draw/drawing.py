"""A drawing as users hold it: one scene, and every form it can be written in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text as RichText

from chainrule.draw.animation import animation
from chainrule.draw.characters.drawing import coloured_characters, draw_characters
from chainrule.draw.dot import dot
from chainrule.draw.figure import Figure, known_suffix, write
from chainrule.draw.mermaid import mermaid
from chainrule.draw.scene import Scene, data
from chainrule.draw.svg import svg
from chainrule.draw.tikz import beamer, tikz
from chainrule.errors import DrawingError, listed

_TOO_WIDE: Final = "The drawing does not fit here; save it as .svg or .png to see it."


class Drawing(Figure):
    """A drawing of a graph or of a record, ready to be written.

    In a notebook it shows itself.

    >>> import chainrule as cr
    >>> drawing = cr.parse("(x + y) * (x + 1)").at(x=2, y=1).draw()
    >>> drawing
    <Drawing of 6 boxes: Computation graph of f>
    >>> drawing.svg()[:4]
    '<svg'

    Attributes:
        scene: What is drawn, with all places.
        forms: What it can be saved as: suffixes, each with the method that writes it.
        moving: The same of drawings in which the passes run.
    """

    forms: ClassVar[Mapping[str, str]] = {
        **Figure.forms,
        ".dot": "dot",
        ".gv": "dot",
        ".mmd": "mermaid",
        ".tex": "tikz",
        ".txt": "text",
        ".json": "json",
    }
    moving: ClassVar[Mapping[str, str]] = {".svg": "animation", ".tex": "beamer"}

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def svg(self) -> str:
        """As SVG that needs no font and no other file."""
        return svg(self.scene)

    def animation(self, seconds: float = 1.0) -> str:
        """As SVG in which the passes run, ``seconds`` for each step: 0.01 to 3600; no script in it.

        Raises:
            DrawingError: E251 when there are no steps to show, E253 for a time that cannot be.
        """
        self._needs_steps()
        return animation(self.scene, seconds)

    def dot(self) -> str:
        """In Graphviz's language."""
        return dot(self.scene)

    def mermaid(self) -> str:
        """As a Mermaid flowchart."""
        return mermaid(self.scene)

    def tikz(self) -> str:
        """As a LaTeX document with one TikZ picture."""
        return tikz(self.scene)

    def beamer(self) -> str:
        """As LaTeX slides, one for each step of the passes.

        Raises:
            DrawingError: E251 when there are no steps to show.
        """
        self._needs_steps()
        return beamer(self.scene)

    def text(self, width: int = 100) -> str:
        """In box characters, or a line that says that it does not fit into ``width`` columns."""
        return draw_characters(self.scene, width) or _TOO_WIDE

    def coloured(self, width: int = 100) -> RichText | None:
        """The same characters in colours, for a rich console; None where they do not fit."""
        return coloured_characters(self.scene, width)

    def json(self) -> str:
        """The scene as JSON."""
        return json.dumps(data(self.scene), ensure_ascii=False, indent=1)

    def save(
        self, path: str | PathLike[str], *, scale: float = 2.0, animated: bool = False
    ) -> Path:
        """Write a file in the form that its suffix names; gives the path.

        ``.svg``, ``.png``, ``.pdf``, ``.dot`` or ``.gv``, ``.mmd`` (Mermaid), ``.tex`` (TikZ),
        ``.txt`` (box characters), ``.json`` (the scene).

        Args:
            path: Where to.
            scale: Pixels for each point, for ``.png``.
            animated: Whether the passes run step by step: in an ``.svg`` by themselves, in a
                ``.tex`` as slides.

        Raises:
            FileError: E406 for another suffix.
            DrawingError: E251 for an animation in another form, or with no steps to show.
            LimitError, MissingExtraError: as for `png` and `pdf`.
        """
        suffix = known_suffix(path, self.forms)
        if not animated:
            return super().save(path, scale=scale)
        if suffix not in self.moving:
            raise DrawingError("E251", f"{suffix} cannot move; use {listed(self.moving)}")
        return write(path, getattr(self, self.moving[suffix])())

    def _needs_steps(self) -> None:
        if not any(self.scene.steps):
            raise DrawingError("E251", "there are no steps to show in this view")

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.scene.boxes)} boxes: {self.scene.title}>"
