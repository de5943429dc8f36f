"""Characters in rows and columns, each with a style of rich's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.text import Text as RichText


class Cell(NamedTuple):
    """What one column of one row shows; the second column of a wide character shows ""."""

    text: str
    style: str = ""


BLANK: Final = Cell(" ")


@dataclass(frozen=True, slots=True)
class Canvas:
    """A drawing in characters: rows of equally many columns.

    Attributes:
        rows: From top to bottom.
    """

    rows: tuple[tuple[Cell, ...], ...]

    def plain(self) -> str:
        """The rows without colours."""
        return "\n".join("".join(cell.text for cell in row) for row in self.rows)

    def coloured(self) -> RichText:
        """The rows as rich prints them."""
        lines = [RichText.assemble(*row) for row in self.rows]
        return RichText("\n", no_wrap=True, overflow="ignore").join(lines)


def cells(text: str, style: str) -> list[Cell]:
    """A piece of writing, one cell a column; what cannot be printed becomes U+FFFD.

    >>> [cell.text for cell in cells("5 中", "green")]
    ['5', ' ', '中', '']
    """
    found: list[Cell] = []
    for character in text:
        shown = character if character.isprintable() else "\ufffd"
        if unicodedata.name(shown, "").startswith("VARIATION SELECTOR"):
            shown = "\ufffd"
        columns = cell_len(shown)
        if columns:
            found += [Cell(shown, style), *[Cell("", style)] * (columns - 1)]
        elif found:
            # A mark belongs to the letter before it, which is the cell before an empty one.
            at = max(at for at, cell in enumerate(found) if cell.text)
            found[at] = Cell(found[at].text + shown, style)
        else:
            found.append(Cell("◌" + shown, style))
    return found


def wrapped(phrases: Iterable[list[Cell]], apart: int, width: int) -> list[list[Cell]]:
    """Phrases on as many lines as they need, cut at a space where one is wider than a line."""
    lines: list[list[Cell]] = []
    for rest in phrases:
        if lines and len(lines[-1]) + apart + len(rest) <= width:
            lines[-1] += [BLANK] * apart + rest
            continue
        while len(rest) > width:
            spaces = (at for at in range(width, 0, -1) if rest[at].text == " ")
            wide = width > 1 and not rest[width].text
            cut = next(spaces, width - 1 if wide else width)
            lines.append(rest[:cut])
            rest = rest[cut + (rest[cut].text == " ") :]
        lines.append(list(rest))
    return lines
