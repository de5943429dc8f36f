"""A picture as users hold it: what can write itself as SVG is a PNG, a PDF, a file, a cell too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from chainrule.draw.pdf import pdf
from chainrule.draw.png import png
from chainrule.errors import FileError, listed


class Figure(ABC):
    """A picture, ready to be written. In a notebook it shows itself.

    Attributes:
        forms: What it can be saved as: suffixes, each with the method that writes it.
    """

    forms: ClassVar[Mapping[str, str]] = {".svg": "svg", ".png": "png", ".pdf": "pdf"}

    @abstractmethod
    def svg(self) -> str:
        """As SVG that needs no font and no other file."""

    def png(self, scale: float = 2.0) -> bytes:
        """As PNG, ``scale`` pixels for each point, from 0.01 to 1000.

        Raises:
            DrawingError: E253 for a scale that cannot be.
            LimitError: E158 for a picture that is too large.
        """
        return png(self.svg(), scale)

    def pdf(self) -> bytes:
        """As PDF; needs the extra ``pdf``.

        Raises:
            MissingExtraError: E160 without it, and without the library cairo that it needs.
        """
        return pdf(self.svg())

    def save(self, path: str | PathLike[str], *, scale: float = 2.0) -> Path:
        """Write a file in the form that its suffix names, of `forms`; gives the path.

        Args:
            path: Where to.
            scale: Pixels for each point, for ``.png``.

        Raises:
            FileError: E406 for another suffix.
            DrawingError, LimitError, MissingExtraError: as for `png` and `pdf`.
        """
        suffix = known_suffix(path, self.forms)
        form = self.forms[suffix]
        return write(path, self.png(scale) if form == "png" else getattr(self, form)())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}


def known_suffix(path: str | PathLike[str], known: Iterable[str]) -> str:
    """The suffix of a file, in small letters, if it is one of these.

    Raises:
        FileError: E406 for another one.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise FileError("E406", f"cannot save as {suffix!r}; use {listed(known, 12)}")
    return suffix


def write(path: str | PathLike[str], content: str | bytes) -> Path:
    """Write a file; gives its path."""
    target = Path(path)
    if isinstance(content, str):
        content = content.encode("utf-8", errors="replace")
    target.write_bytes(content)
    return target
