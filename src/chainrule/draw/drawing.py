"""A drawing as users hold it: one scene, and every form it can be written in."""

from __future__ import annotations

import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, Final

from rich.text import Text as RichText

from chainrule.draw.animation import animation
from chainrule.draw.characters.drawing import coloured_characters, draw_characters
from chainrule.draw.dot import dot
from chainrule.draw.mermaid import mermaid
from chainrule.draw.pdf import pdf
from chainrule.draw.png import png
from chainrule.draw.scene import Scene, data
from chainrule.draw.svg import svg
from chainrule.draw.tikz import beamer, tikz
from chainrule.errors import DrawingError, FileError, listed

_TOO_WIDE: Final = "The drawing does not fit here; save it as .svg or .png to see it."


class Drawing:
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
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def svg(self) -> str:
        """As SVG that needs no font and no other file."""
        return svg(self.scene)

    def animation(self, seconds: float = 1.0) -> str:
        """As SVG in which the passes run, ``seconds`` for each step; no script in it.

        Raises:
            DrawingError: E251 when there are no steps to show.
        """
        self._needs_steps()
        return animation(self.scene, seconds)

    def png(self, scale: float = 2.0) -> bytes:
        """As PNG, ``scale`` pixels for each point.

        Raises:
            LimitError: E158 for a picture that is too large.
        """
        return png(self.svg(), scale)

    def pdf(self) -> bytes:
        """As PDF; needs the extra ``pdf``, raises MissingExtraError E160 without it."""
        return pdf(self.svg())

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
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in SUFFIXES:
            raise FileError("E406", f"cannot save as {suffix!r}; use {listed(SUFFIXES, 12)}")
        if animated:
            if suffix not in _ANIMATED:
                raise DrawingError("E251", f"{suffix} cannot move; use {listed(_ANIMATED)}")
            content: str | bytes = _ANIMATED[suffix](self)
        elif suffix == ".png":
            content = self.png(scale)
        else:
            content = SUFFIXES[suffix](self)
        if isinstance(content, str):
            content = content.encode("utf-8", errors="replace")
        target.write_bytes(content)
        return target

    def _needs_steps(self) -> None:
        if not any(self.scene.steps):
            raise DrawingError("E251", "there are no steps to show in this view")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.scene.boxes)} boxes: {self.scene.title}>"


SUFFIXES: Final[dict[str, Callable[[Drawing], str | bytes]]] = {
    ".svg": Drawing.svg,
    ".png": Drawing.png,
    ".pdf": Drawing.pdf,
    ".dot": Drawing.dot,
    ".gv": Drawing.dot,
    ".mmd": Drawing.mermaid,
    ".tex": Drawing.tikz,
    ".txt": Drawing.text,
    ".json": Drawing.json,
}
"""What a drawing can be saved as."""
_ANIMATED: Final[dict[str, Callable[[Drawing], str]]] = {
    ".svg": Drawing.animation,
    ".tex": Drawing.beamer,
}
