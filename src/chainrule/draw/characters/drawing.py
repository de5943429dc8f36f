"""A scene drawn in characters: leaves left, results right.

A line that spans layers passes between the boxes. All lines from one box carry one value, so they
may share their way and part at ``├ ┬ ┼``. Lines of two boxes never join: where they cross, the
level one is interrupted, ``─│─``. The arrows into a box stand in the order of its operands, from
top to bottom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import pairwise
from operator import or_
from typing import Final

from rich.text import Text as RichText

from chainrule.draw.characters.boxes import BORDERS, TEXTS, bordered, frame_name, is_pale, marked
from chainrule.draw.characters.canvas import BLANK, Canvas, Cell, cells, wrapped
from chainrule.draw.characters.layers import Layered, Segment, Vertex, layered, ordered
from chainrule.draw.characters.places import MANNERS, Places
from chainrule.draw.scene import MARKS, Scene

_HIGHEST: Final = 60
"""The most rows of a drawing, if the caller names no height."""
_MOST: Final = 100
"""The most boxes: nobody follows the lines of more, and to place them takes long."""

_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_STROKES: Final = " ╴╶─╵┘└┴╷┐┌┬│┤├┼"
"""By the sum of the sides that a line leaves its character on."""


def draw_characters(scene: Scene, width: int = 100, height: int | None = None) -> str | None:
    """The scene in Unicode characters without colours; None where it does not fit.

    Args:
        scene: What to draw. Its adjoints stand in the boxes: backward curves are left out.
        width: The most columns.
        height: The most rows; 60 if not given.
    """
    canvas = drawn(scene, width, height)
    return None if canvas is None else canvas.plain()


def coloured_characters(
    scene: Scene, width: int = 100, height: int | None = None
) -> RichText | None:
    """The same characters in the colours of the tables; None where they do not fit."""
    canvas = drawn(scene, width, height)
    return None if canvas is None else canvas.coloured()


def drawn(scene: Scene, width: int = 100, height: int | None = None) -> Canvas | None:
    """The drawing as generous as it fits into these columns and rows; None: it does not fit."""
    most = _HIGHEST if height is None else height
    if len(scene.boxes) > _MOST:
        return None
    parts = _parts(scene)
    for manner in MANNERS:
        placed = [Places(part.scene, part.graph, manner) for part in parts]
        if not all(places.may_fit(width, most) for places in placed):
            continue
        for places, part in zip(placed, parts, strict=True):
            places.set_rows(part.layers)
        if max((places.set_columns() for places in placed), default=0) > width:
            continue
        paintings = [_Painting(part, places) for part, places in zip(parts, placed, strict=True)]
        rows = _above_each_other(paintings)
        notes = _notes(scene, paintings, width)
        rows = [*rows, [], *notes] if rows and notes else rows + notes or [[BLANK]]
        if len(rows) <= most:
            wide = max(map(len, rows), default=0)
            return Canvas(tuple(tuple(row + [BLANK] * (wide - len(row))) for row in rows))
    return None


@dataclass(frozen=True)
class _Part:
    """A scene, or a part of one that no line joins to the rest.

    Attributes:
        name: What stands above it; empty: nothing.
        scene: The part alone.
        graph: Its boxes in layers.
    """

    name: str
    scene: Scene
    graph: Layered

    @cached_property
    def layers(self) -> list[list[Vertex]]:
        """The layers in order."""
        return ordered(self.scene, self.graph)


def _parts(scene: Scene) -> list[_Part]:
    """The frames of a scene, where every box stands in one and no line joins two of them."""
    owner = {key: group.key for group in scene.groups for key in group.members}
    framed = all(box.key in owner for box in scene.boxes)
    if not framed or any(owner[line.source] != owner[line.target] for line in scene.curves):
        return [_Part("", scene, layered(scene))]
    found = []
    for group in scene.groups:
        boxes = tuple(box for box in scene.boxes if owner[box.key] == group.key)
        curves = tuple(line for line in scene.curves if owner[line.source] == group.key)
        part = replace(scene, boxes=boxes, curves=curves)
        found.append(_Part(group.text.text, part, layered(part)))
    return found


def _above_each_other(paintings: Sequence[_Painting]) -> list[list[Cell]]:
    """The rows of all parts, each below its name."""
    rows: list[list[Cell]] = []
    for painting in paintings:
        rows += [[]] if rows else []
        rows += [cells(painting.name, TEXTS["caption"])] if painting.name else []
        rows += painting.rows()
    return rows


def _notes(scene: Scene, paintings: Sequence[_Painting], width: int) -> list[list[Cell]]:
    """What stands below the drawing."""
    # Captions of other roles are the legend of a coloured drawing; here is another.
    captions = [one for one in scene.captions if one.role == "caption"]
    notes = [note for one in captions for note in wrapped([cells(one.text, "dim")], 0, width)]
    if scene.has_legend:
        notes += wrapped(_legend(scene, paintings), 3, width)
    return notes


def _legend(scene: Scene, paintings: Sequence[_Painting]) -> list[list[Cell]]:
    """What the borders and numbers of boxes are, and the lines."""
    legend = []
    if any(frame_name(box) == "parameter" for box in scene.boxes):
        legend.append(cells("┏━┓ parameter", BORDERS["parameter"]))
    texts = [text for box in scene.boxes for text in box.texts if text.text]
    for role in ("value", "adjoint", "tangent"):
        theirs = [marked(text) for text in texts if text.role == role]
        mark = MARKS[role].text if role in MARKS else ""
        if not any(text.startswith(mark) for text in theirs):
            mark = ""
        if theirs:
            legend.append(cells(mark + role, TEXTS[role]))
    if any(painting.has_labels for painting in paintings):
        missing = any(painting.lacks_labels for painting in paintings)
        room = ", where there is room" if missing else ""
        legend.append(cells(f"on lines: local derivatives{room}", TEXTS["local"]))
    if any(painting.has_crossings for painting in paintings):
        legend.append(cells("─│─ lines that only cross", "dim"))
    return legend


class _Painting:
    """The characters of a part of a drawing whose places are known.

    Attributes:
        name: What stands above it.
        has_labels: Whether there is writing on lines.
        lacks_labels: Whether there was no room for some.
        has_crossings: Whether lines of two boxes cross.
    """

    def __init__(self, part: _Part, places: Places) -> None:
        self.name = part.name
        self.has_labels = self.lacks_labels = False
        self.scene = part.scene
        self.places = places
        self.grid: dict[tuple[int, int], Cell] = {}
        self.has_crossings = self._paint_lines()
        self._paint_labels()
        for vertex in (one for layer in places.graph.layers for one in layer):
            if not vertex.dummy:
                self._paint_box(vertex)

    def rows(self) -> list[list[Cell]]:
        """All characters."""
        wide = self.places.left[-1] + self.places.columns[-1]
        high = 1 + max(row for row, _ in self.grid)
        return [[self.grid.get((row, at), BLANK) for at in range(wide)] for row in range(high)]

    def _paint_lines(self) -> bool:
        """The lines and arrowheads; whether lines of two boxes cross."""
        pieces: defaultdict[tuple[int, int], list[tuple[Segment, int]]] = defaultdict(list)
        heads = set()
        for segment, corners in self.places.ways():
            for (row, column), (end_row, end_column) in pairwise(corners):
                low, high = sorted((row, end_row))
                line = [(at, column) for at in range(low, high)] or [
                    (row, at) for at in range(column, end_column)
                ]
                for at_row, at in line:
                    after = (at_row + 1, at) if high > low else (at_row, at + 1)
                    pieces[at_row, at].append((segment, _DOWN if high > low else _RIGHT))
                    pieces[after].append((segment, _UP if high > low else _LEFT))
            if segment.port >= 0:
                heads.add(corners[-1])
        crossed = False
        for cell, found in pieces.items():
            bridge = len({segment.before.box for segment, _ in found}) > 1
            crossed |= bridge
            sides = reduce(or_, (side for _, side in found))
            shown = _STROKES[sides & (_UP | _DOWN) if bridge else sides]
            curves = [
                self.places.graph.curves[number]
                for segment, _ in found
                for number in segment.curves
            ]
            style = "dim" if all(map(is_pale, curves)) else ""
            style = "bold" if any(curve.strong for curve in curves) else style
            self.grid[cell] = Cell("►" if cell in heads else shown, style)
        return crossed

    def _paint_labels(self) -> None:
        """The writing on lines, left of each arrowhead where there is room."""
        for segment, corners in self.places.ways():
            label = self.places.labels[segment.curves[0]]
            if segment.port < 0 or not label:
                continue
            row, end = corners[-1]
            start = end
            while self.grid.get((row, start - 1), BLANK).text == "─":
                start -= 1
            spare = end - start - len(label) - 3
            if spare < 0:
                self.lacks_labels = True
                continue
            self.has_labels = True
            at = end - len(label) - (3 if spare else 2)
            self._write(row, at, [BLANK, *label, BLANK])

    def _paint_box(self, vertex: Vertex) -> None:
        """One box; a constant is its number alone, next to its line."""
        places, number = self.places, vertex.box
        top, left = places.top(vertex), places.left[vertex.layer]
        width = places.columns[vertex.layer]
        lines = places.inside[number]
        if places.bare[number]:
            self._write(top, left + width - len(lines[0]) - 1, [*lines[0], BLANK])
            return
        port = places.out(vertex) - top if number in places.graph.sources else None
        rows = bordered(self.scene.boxes[number], lines, width, places.height(vertex), port)
        for row, line in enumerate(rows, top):
            self._write(row, left, line)

    def _write(self, row: int, column: int, line: list[Cell]) -> None:
        """Cells side by side."""
        self.grid.update({(row, at): cell for at, cell in enumerate(line, column)})
