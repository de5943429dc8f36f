"""The pattern of a sparse matrix as a picture: a square for each entry, in the colour of its pass.

Beside the matrix each column and each row has the number of its pass, so that the picture can be
read without colours. A large matrix is drawn in coarser squares, each for a block of entries.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from chainrule.draw.markup import TEXT_STYLE, Letters, clean, number, page, prefix_for, style_sheet
from chainrule.draw.mathematics import measure
from chainrule.draw.scene import Text
from chainrule.draw.themes import THEMES, contrast, mixed

_SIDE: Final = 360.0
"""Of the longer side of the matrix, in points, about."""
_LARGEST_CELL: Final = 26.0
_SMALLEST_CELL: Final = 1.5
"""Smaller squares are drawn together."""
_NUMBERED: Final = 7.0
"""Cells of this size have room for a number."""
_BAND: Final = 13.0
"""How deep the cells beside the matrix are, at least."""
_EDGE: Final = 14.0
_TITLE: Final = 13.0
_CAPTION: Final = 11.0
_GAP: Final = 6.0

# Okabe and Ito, Color Universal Design, 2002; then around the circle of hues by the golden angle.
_PALETTE: Final = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#8a7d00", "#6a51a3",
)  # fmt: skip
_GOLDEN: Final = 0.381966

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cell:
    """A square of the picture.

    Attributes:
        row: From the top.
        column: From the left.
        color: The number of its pass; −1: entries of several passes.
        share: Which part of what it stands for are entries.
    """

    row: int
    column: int
    color: int
    share: float


@dataclass(frozen=True, slots=True)
class MatrixPlot:
    """A pattern on a sheet.

    Attributes:
        width: Of the sheet, in points.
        height: Of the sheet.
        title: What is drawn.
        description: The same with its numbers, for readers that speak.
        rows: How many squares there are from top to bottom.
        columns: How many from left to right.
        size: Of a square, in points.
        left: Where the matrix begins.
        top: Where the matrix begins.
        cells: The squares that are not empty.
        above: The pass of each column; empty: none have one, or there are too many to draw.
        beside: The pass of each row, likewise.
        colors: How many passes there are.
        texts: The writing outside of squares.
        theme: The name of its colours.
    """

    width: float
    height: float
    title: str
    description: str
    rows: int
    columns: int
    size: float
    left: float
    top: float
    cells: tuple[Cell, ...]
    above: tuple[int, ...]
    beside: tuple[int, ...]
    colors: int
    texts: tuple[Text, ...]
    theme: str


def matrix_plot(
    shape: tuple[int, int],
    entries: tuple[Numbers, Numbers],
    passes: Numbers,
    above: Sequence[int],
    beside: Sequence[int],
    title: str,
    caption: str,
    theme: str = "light",
) -> MatrixPlot:
    """A pattern laid out.

    Args:
        shape: Rows and columns of the matrix.
        entries: The row and the column of each entry.
        passes: The number of its pass.
        above: The pass of each column, −1 for none; empty where no column has one.
        beside: The pass of each row, likewise.
        title: What is drawn.
        caption: A line below it.
        theme: The name of the colours.
    """
    longest = max(*shape, 1)
    block = max(1, math.ceil(longest * _SMALLEST_CELL / _SIDE))
    rows, columns = (max(1, -(-count // block)) for count in shape)
    size = min(_LARGEST_CELL, _SIDE / max(rows, columns))
    band = max(size, _BAND)
    coarse = block > 1
    lines_above = () if coarse else tuple(above)
    lines_beside = () if coarse else tuple(beside)
    top = _EDGE + _TITLE + 2 * _GAP + (band + _GAP if lines_above else 0)
    left = _EDGE + (band + _GAP if lines_beside else 0)
    count = int(max(max(above, default=-1), max(beside, default=-1), passes.max(initial=-1))) + 1
    if coarse:
        caption = f"{caption}; a square stands for {block} × {block}"
    head, foot = _text("symbol", title, _TITLE), _text("caption", caption, _CAPTION)
    width = max(left + columns * size, _EDGE + max(head.width, foot.width)) + _EDGE
    bottom = top + rows * size
    texts = (
        _at(head, _EDGE + head.width / 2, _EDGE + _TITLE / 2),
        _at(foot, _EDGE + foot.width / 2, bottom + _GAP + _CAPTION),
    )
    return MatrixPlot(
        width,
        bottom + 2 * _GAP + _CAPTION + _EDGE,
        title,
        f"{title}. {caption}.",
        rows,
        columns,
        size,
        left,
        top,
        tuple(_cells(entries, passes, block, columns)),
        lines_above,
        lines_beside,
        count,
        texts,
        theme,
    )


def _cells(
    entries: tuple[Numbers, Numbers], passes: Numbers, block: int, columns: int
) -> Iterator[Cell]:
    """The squares; entries that are drawn together have one colour where they have one pass."""
    rows, lines = (places // block for places in entries)
    keys = rows.astype(np.int64) * columns + lines
    found, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    low = np.full(len(found), np.iinfo(np.int64).max)
    high = np.full(len(found), -1)
    np.minimum.at(low, inverse, passes)
    np.maximum.at(high, inverse, passes)
    # A lone entry does not colour a whole block.
    colors = np.where((low == high) & (counts >= block), low, -1)
    shares = counts / block**2
    for key, color, share in zip(found.tolist(), colors.tolist(), shares.tolist(), strict=True):
        yield Cell(key // columns, key % columns, color, share)


def _text(role: str, text: str, size: float) -> Text:
    latex = rf"\text{{{text}}}"
    width, height = measure(latex, text, size)
    return Text(role, text, latex, 0.0, 0.0, width, height, size)  # type: ignore[arg-type]


def _at(text: Text, x: float, y: float) -> Text:
    return Text(text.role, text.text, text.latex, x, y, text.width, text.height, text.size)


def palette(count: int, theme: str) -> list[str]:
    """So many colours, told apart as well as can be; greys for print.

    >>> palette(2, "light"), palette(3, "print")
    (['#0072b2', '#e69f00'], ['#303030', '#888888', '#e0e0e0'])
    """
    if theme == "print":
        return [mixed("#303030", "#e0e0e0", at / max(count - 1, 1)) for at in range(count)]
    found = list(_PALETTE[:count])
    for at in range(len(found), count):
        hue = at * _GOLDEN % 1
        lightness = (0.42, 0.58, 0.5)[at % 3]
        parts = colorsys.hls_to_rgb(hue, lightness, 0.6)
        found.append("#" + "".join(f"{round(255 * part):02x}" for part in parts))
    return found


# --- SVG ------------------------------------------------------------------------------------------


def matrix_svg(plot: MatrixPlot, prefix: str = "") -> str:
    """The picture as SVG.

    Args:
        plot: What is drawn.
        prefix: What all ids begin with; by default it comes from the content.

    Raises:
        ValueError: A prefix that no id can begin with.
    """
    letters = Letters(prefix_for(plot, prefix))
    colors = palette(plot.colors, plot.theme)
    body = "\n".join([*_frame(plot), *_squares(plot, colors), *_bands(plot, colors, letters)])
    written = [
        f'<g class="{text.role}">{letters.write(text, text.latex, text.text)}</g>'
        for text in plot.texts
    ]
    theme = THEMES[plot.theme]
    rules = {
        ".sheet": f"fill:{theme.background}",
        ".area": f"fill:{theme.group.fill};stroke:{theme.forward};stroke-width:1",
        ".several": f"fill:{theme.forward}",
        ".grid": f"fill:none;stroke:{theme.forward};stroke-width:.5;opacity:.25",
        ".symbol": f"fill:{theme.texts['symbol']}",
        ".caption": f"fill:{theme.texts['caption']}",
        **TEXT_STYLE,
    }
    return page(plot, "\n".join([body, *written]), style_sheet(letters.prefix, rules), letters)


def _frame(plot: MatrixPlot) -> Iterator[str]:
    across, down = plot.columns * plot.size, plot.rows * plot.size
    yield f'<rect class="area" {_box(plot.left, plot.top, across, down)}/>'
    if plot.size >= 6:
        upright = "".join(
            f"M{number(plot.left + at * plot.size)} {number(plot.top)}v{number(down)}"
            for at in range(1, plot.columns)
        )
        level = "".join(
            f"M{number(plot.left)} {number(plot.top + at * plot.size)}h{number(across)}"
            for at in range(1, plot.rows)
        )
        yield f'<path class="grid" d="{upright}{level}"/>'


def _squares(plot: MatrixPlot, colors: Sequence[str]) -> Iterator[str]:
    """One path for each colour, and for each depth of what belongs to several."""
    paths: dict[tuple[int, int], list[str]] = {}
    gap = 0.06 * plot.size if plot.size >= 6 else 0.0
    side = number(plot.size - 2 * gap)
    for cell in plot.cells:
        depth = 10 if cell.color >= 0 else max(4, math.ceil(10 * min(1.0, 2 * cell.share)))
        x, y = plot.left + cell.column * plot.size + gap, plot.top + cell.row * plot.size + gap
        step = f"M{number(x)} {number(y)}h{side}v{side}h-{side}z"
        paths.setdefault((cell.color, depth), []).append(step)
    for (color, depth), steps in sorted(paths.items()):
        paint = f'fill="{colors[color]}"' if color >= 0 else 'class="several"'
        faint = "" if depth == 10 else f' opacity="{number(depth / 10)}"'
        yield f'<path {paint}{faint} d="{"".join(steps)}"/>'


def _bands(plot: MatrixPlot, colors: Sequence[str], letters: Letters) -> Iterator[str]:
    """The passes of columns above the matrix, those of rows beside it."""
    deep = max(plot.size, _BAND)
    for at, color in enumerate(plot.above):
        place = (plot.left + at * plot.size, plot.top - _GAP - deep, plot.size, deep)
        yield from _label(place, color, colors, letters)
    for at, color in enumerate(plot.beside):
        place = (plot.left - _GAP - deep, plot.top + at * plot.size, deep, plot.size)
        yield from _label(place, color, colors, letters)


def _label(
    place: tuple[float, float, float, float], color: int, colors: Sequence[str], letters: Letters
) -> Iterator[str]:
    """The colour of one column or row, with its number where there is room."""
    if color < 0:
        return
    x, y, width, height = place
    paint = colors[color]
    yield f'<rect fill="{paint}" {_box(x, y, width, height)}/>'
    if min(width, height) >= _NUMBERED:
        ink = "#ffffff" if contrast("#ffffff", paint) >= contrast("#000000", paint) else "#000000"
        size = min(_CAPTION, 0.8 * height, 1.4 * width / max(2, len(str(color))))
        text = _at(_text("caption", str(color), size), x + width / 2, y + height / 2)
        written = letters.write(text, str(color), str(color))
        yield f'<g fill="{ink}" role="img" aria-label="{clean(str(color))}">{written}</g>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
