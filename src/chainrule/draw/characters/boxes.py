"""What a box and its lines say, and in which colours and borders."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final, NamedTuple

from chainrule.draw.characters.canvas import BLANK, Cell, cells
from chainrule.draw.scene import MARKS, Box, Curve, Kind, Role, Text, is_marked

TEXTS: Final[dict[Role, str]] = {
    "symbol": "bold",
    "name": "",
    "value": "green",
    "adjoint": "red",
    "tangent": "cyan",
    "missing": "bold red",
    "note": "dim",
    "local": "magenta",
    "contribution": "red",
    "operand": "dim",
    "caption": "dim",
}
BORDERS: Final[dict[Kind, str]] = {
    "input": "blue",
    "parameter": "dark_orange",
    "constant": "dim",
    "computation": "yellow",
    "operator": "yellow",
    "result": "green",
    "summary": "dim",
}
_NAMES: Final = ("symbol", "name")
_NUMBERS: Final = ("value", "adjoint", "tangent")


class _Frame(NamedTuple):
    """The border of a box: corners, level side, upright side, and where a line leaves it."""

    corners: str
    level: str
    upright: str
    port: str


_FRAMES: Final = {
    "circle": _Frame("╭╮╰╯", "─", "│", "├"),
    "square": _Frame("┌┐└┘", "─", "│", "├"),
    "parameter": _Frame("┏┓┗┛", "━", "┃", "┠"),
    "output": _Frame("╔╗╚╝", "═", "║", "╟"),
    "summary": _Frame("┌┐└┘", "╌", "╎", "├"),
}


def frame_name(box: Box) -> str:
    """Which border a box has."""
    if box.is_output:
        return "output"
    return box.kind if box.kind in _FRAMES else box.shape


def written(box: Box) -> list[Text]:
    """What is written in a box."""
    return [text for text in box.texts if text.text]


def line(texts: Iterable[Text], faded: bool = False) -> list[Cell]:
    """Pieces of writing side by side, two columns apart."""
    found: list[Cell] = []
    for text in texts:
        style = f"{TEXTS[text.role]} dim".strip() if faded else TEXTS[text.role]
        found += [BLANK] * (2 if found else 0)
        found += cells(marked(text), style)
    return found


def marked(text: Text) -> str:
    """Writing with its mark: without colours, only that tells an adjoint from a value, also where
    it is a dash.
    """
    if text.role != "adjoint" or is_marked(text):
        return text.text
    return MARKS["adjoint"].text + text.text


def inside(box: Box, shared: bool) -> list[list[Cell]]:
    """The lines of writing in a box; ``shared``: its numbers stand on one."""
    texts = enumerate(written(box))

    def part(item: tuple[int, Text]) -> object:
        number, text = item
        if text.role in _NAMES:
            return "names"
        return "numbers" if shared and text.role in _NUMBERS else number

    return [line((text for _, text in texts), is_pale(box)) for _, texts in groupby(texts, part)]


def is_pale(part: Box | Curve) -> bool:
    """Whether something stands back, or is not reached yet."""
    return part.faded or part.state == "waiting"


def bordered(
    box: Box, lines: list[list[Cell]], width: int, height: int, port: int | None
) -> list[list[Cell]]:
    """A box from border to border, with its writing in the middle.

    Args:
        box: Which.
        lines: Its writing.
        width: Its columns.
        height: Its rows.
        port: The row from its top where a line leaves it, if one does.
    """
    frame = _FRAMES[frame_name(box)]
    style = f"{BORDERS[box.kind]} dim" if is_pale(box) else BORDERS[box.kind]
    style = f"{style} bold" if box.state == "current" else style
    level = [Cell(frame.level, style)] * (width - 2)
    upright = Cell(frame.upright, style)
    first, second, third, fourth = (Cell(corner, style) for corner in frame.corners)
    rows = [[first, *level, second]]
    above = (height - 2 - len(lines)) // 2
    for row in range(1, height - 1):
        at = row - 1 - above
        writing = lines[at] if 0 <= at < len(lines) else []
        left = (width - 2 - len(writing)) // 2
        right = width - 2 - len(writing) - left
        end = Cell(frame.port, style) if row == port else upright
        rows.append([upright, *[BLANK] * left, *writing, *[BLANK] * right, end])
    return [*rows, [third, *level, fourth]]
