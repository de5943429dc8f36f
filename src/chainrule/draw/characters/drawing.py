"""A scene drawn in characters: leaves left, results right.

A line that spans layers passes between the boxes. All lines from one box carry one value, so they
may share their way and part at ``├ ┬ ┼``. Lines of two boxes never join: where they cross, the
level one is interrupted, ``─│─``. The arrows into a box stand in the order of its operands, from
top to bottom.
"""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import Final

from rich.text import Text as RichText

from chainrule.draw.characters.boxes import BORDERS, MARKS, TEXTS, bordered, frame_name
from chainrule.draw.characters.canvas import BLANK, Canvas, Cell, cells, wrapped
from chainrule.draw.characters.layers import Segment, Vertex, layered, ordered
from chainrule.draw.characters.places import MANNERS, Places
from chainrule.draw.scene import Scene

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
    if not scene.boxes:
        return Canvas(((BLANK,),))
    if len(scene.boxes) > _MOST:
        return None
    graph = layered(scene)
    manners = [Places(scene, graph, manner) for manner in MANNERS]
    manners = [places for places in manners if places.may_fit(width, most)]
    layers = ordered(scene, graph) if manners else []
    for places in manners:
        places.set_rows(layers)
        if places.set_columns() <= width:
            canvas = _Painting(scene, places, width).canvas()
            if len(canvas.rows) <= most:
                return canvas
    return None


class _Painting:
    """The characters of a drawing whose places are known."""

    def __init__(self, scene: Scene, places: Places, width: int) -> None:
        self.scene = scene
        self.places = places
        self.width = width
        self.grid: dict[tuple[int, int], Cell] = {}
        self.legend: list[list[Cell]] = []

    def canvas(self) -> Canvas:
        """All characters."""
        self._explain_boxes()
        crossed = self._paint_lines()
        self._paint_labels()
        if crossed:
            self.legend.append(cells("─│─ lines that only cross", "dim"))
        for vertex in (one for layer in self.places.graph.layers for one in layer):
            if not vertex.dummy:
                self._paint_box(vertex)
        wide = self.places.left[-1] + self.places.columns[-1]
        high = 1 + max(row for row, _ in self.grid)
        rows = [[self.grid.get((row, at), BLANK) for at in range(wide)] for row in range(high)]
        # Captions of other roles are the legend of a coloured drawing.
        captions = [one for one in self.scene.captions if one.role == "caption"]
        notes = [
            note for one in captions for note in wrapped([cells(one.text, "dim")], 0, self.width)
        ]
        notes += wrapped(self.legend, 3, self.width)
        if notes:
            rows += [[], *notes]
        wide = max(map(len, rows))
        return Canvas(tuple(tuple(row + [BLANK] * (wide - len(row))) for row in rows))

    def _explain_boxes(self) -> None:
        """What the borders and numbers of boxes are."""
        if any(frame_name(box) == "parameter" for box in self.scene.boxes):
            self.legend.append(cells("┏━┓ parameter", BORDERS["parameter"]))
        roles = {text.role for box in self.scene.boxes for text in box.texts if text.text}
        for role in ("value", "adjoint", "tangent"):
            if role in roles:
                self.legend.append(cells(MARKS.get(role, "") + role, TEXTS[role]))

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
            style = "dim" if all(curve.faded for curve in curves) else ""
            style = "bold" if any(curve.strong for curve in curves) else style
            self.grid[cell] = Cell("►" if cell in heads else shown, style)
        return crossed

    def _paint_labels(self) -> None:
        """The writing on lines, left of each arrowhead where there is room."""
        written, missing = False, False
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
                missing = True
                continue
            written = True
            at = end - len(label) - (3 if spare else 2)
            self._write(row, at, [BLANK, *label, BLANK])
        if written:
            room = ", where there is room" if missing else ""
            self.legend.append(cells(f"on lines: local derivatives{room}", TEXTS["local"]))

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
