r"""A scene for LaTeX: a page with one TikZ picture, or slides on which the passes run.

Everything stands where the scene has it: ``x=1bp, y=-1bp`` are the points of the scene, y down.
Kinds of boxes, roles of writing and flows are styles at the top, to be changed there. pdfLaTeX and
LuaLaTeX with pgf and the packages of the American Mathematical Society read it.
Writing is set as `chainrule.draw.latex` has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from chainrule.draw.latex import escaped, mathematics
from chainrule.draw.scene import (
    Box,
    Curve,
    Group,
    Kind,
    Moment,
    Point,
    Role,
    Scale,
    Scene,
    Text,
)
from chainrule.draw.strokes import (
    BACKWARD,
    BOX_LINE,
    CORNER,
    EDGE,
    FRAME_CORNER,
    GLOW,
    HEAD,
    RING,
    STRONG,
    WAITING,
    edge_colour,
    edge_width,
)
from chainrule.draw.themes import THEMES, Paint
from chainrule.show.numbers import DASH

_MOST: Final = 14000.0
"""The largest page, in points: what TeX and readers of PDF can do, about."""
_ROOM: Final = (396.0, 190.0)
"""What is left of a slide of beamer, 16 : 9, for the picture, in points."""
_ENLARGED: Final = 1.4
"""A small picture is enlarged on slides, but not by more."""
_TEN: Final = 10 * 72 / 72.27
"""The size of letters that the document begins with, in points of the scene."""


def tikz(scene: Scene) -> str:
    """The drawing as a document of one page, as large as the drawing.

    Beyond 14000 points, where TeX cannot count, everything is made smaller.
    """
    scale = min(1.0, _MOST / max(scene.width, scene.height, 1.0))
    picture = _Picture(scene, scale)
    width, height = (_number(scale * length) for length in (scene.width, scene.height))
    lines = [
        f"% {_comment(scene.title)}",
        r"\documentclass{article}",
        rf"\usepackage[papersize={{{width}bp,{height}bp}},margin=0bp]{{geometry}}",
        *picture.preamble(),
        r"\setlength{\parindent}{0pt}",
        r"\setlength{\topskip}{0pt}",
        # What TeX rounds must not begin a second page.
        r"\addtolength{\textheight}{1bp}",
        r"\pagestyle{empty}",
        r"\begin{document}",
        *picture.body(),
        r"\end{document}",
    ]
    return "".join(f"{line}\n" for line in lines)


def beamer(scene: Scene) -> str:
    """The drawing as a slide in steps, one for each step of the forward and the backward pass.

    Before the first step nothing is known: dashes stand for the numbers. On its step a number
    appears, and its box and its edges have a wide outline.
    """
    scale = min(_ROOM[0] / scene.width, _ROOM[1] / scene.height, _ENLARGED)
    picture = _Picture(scene, scale, slides=1 + len(scene.moments()))
    background = r"\setbeamercolor{background canvas}{bg=background}"
    totals = dict(zip(("forward", "backward"), scene.steps, strict=True))
    lines = [
        f"% {_comment(scene.title)}",
        r"\documentclass[aspectratio=169]{beamer}",
        r"\usefonttheme[onlymath]{serif}",
        r"\setbeamertemplate{navigation symbols}{}",
        *picture.preamble(),
        background,
        r"\setbeamercolor{frametitle}{fg=symboltext}",
        r"\begin{document}",
        r"\begin{frame}",
        rf"\frametitle{{{escaped(scene.title)}}}",
        r"\framesubtitle{\strut%",
        *(
            rf"\only<{at}>{{{during.capitalize()} pass, step {step} of {totals[during]}}}%"
            for at, (during, step) in enumerate(scene.moments(), 2)
        ),
        "}",
        r"\centering",
        *picture.body(),
        r"\end{frame}",
        r"\end{document}",
    ]
    return "".join(f"{line}\n" for line in lines)


class _Picture:
    """The lines of a picture at a scale, on one page or on several overlays of a slide."""

    def __init__(self, scene: Scene, scale: float, slides: int = 0) -> None:
        self._scene = scene
        self._scale = scale
        self._slides = slides
        self._theme = THEMES[scene.theme]

    def preamble(self) -> Iterator[str]:
        """Packages, colours and styles."""
        theme, scene = self._theme, self._scene
        yield r"\usepackage{amsmath,amssymb}"
        yield r"\usepackage{tikz}"
        yield r"\usetikzlibrary{arrows.meta,shapes.geometric}"
        kinds = dict.fromkeys(box.kind for box in scene.boxes)
        roles: dict[Role, None] = {"symbol": None}
        roles.update(dict.fromkeys(text.role for text in scene.texts()))
        colours = {
            "background": theme.background,
            "forwardline": theme.forward,
            "backwardline": theme.backward,
            "strongline": theme.strong,
            "groupfill": theme.group.fill,
            "groupline": theme.group.line,
        }
        for kind in kinds:
            colours[f"{kind}fill"] = theme.boxes[kind].fill
            colours[f"{kind}line"] = theme.boxes[kind].line
        for role in roles:
            colours[f"{role}text"] = theme.texts[role]
        for name, colour in colours.items():
            yield rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}"
        yield r"\tikzset{"
        if self._slides:
            # Beamer's overlays, for options: https://tex.stackexchange.com/a/6155
            yield r"  on slides/.code args={<#1>#2}{\alt<#1>{\pgfkeysalso{#2}}{}},"
        for name, style in self._styles(kinds, roles):
            yield f"  {name}/.style={{{style}}},"
        yield "}"

    def _styles(self, kinds: Iterable[Kind], roles: Iterable[Role]) -> Iterator[tuple[str, str]]:
        theme, length = self._theme, self._length
        tip = f"-{{Stealth[length={length(HEAD[0])}, width={length(2 * HEAD[1])}]}}"
        yield "any box", f"inner sep=0pt, line width={length(BOX_LINE)}"
        yield "square box", f"any box, rectangle, rounded corners={length(8)}"
        yield "circle box", "any box, ellipse"
        for kind in kinds:
            yield f"{kind} box", self._paint(kind, theme.boxes[kind])
        yield "any edge", f"{tip}, line width={length(EDGE)}, shorten >={length(1)}"
        yield "forward edge", "any edge, color=forwardline"
        yield "backward edge", f"any edge, color=backwardline, {self._dash(BACKWARD)}"
        yield "strong edge", f"color=strongline, line width={length(STRONG)}"
        yield (
            "group frame",
            f"{self._paint('group', theme.group)}, rounded corners={length(FRAME_CORNER)}",
        )
        yield "writing", "inner sep=0pt, text height=0.78em, text depth=0.22em"
        for role in roles:
            yield f"{role} text", f"writing, text={role}text"
        yield "on edge", f"fill=background, inner xsep={length(3)}"
        yield (
            "current",
            f"preaction={{draw=#1, solid, -, line width={length(RING)}, draw opacity={GLOW:g}}}",
        )
        for name, left in (("waiting", WAITING), ("faded", theme.faded)):
            yield name, f"opacity={left:g}"
            yield f"{name} text", f"text opacity={left:g}"

    def body(self) -> Iterator[str]:
        """The picture."""
        scene = self._scene
        unit = _number(self._scale, 6)
        yield rf"\begin{{tikzpicture}}[x={unit}bp, y=-{unit}bp]"
        yield rf"  \fill[background] (0,0) rectangle {_place(scene.width, scene.height)};"
        yield r"  \useasboundingbox (0,0) rectangle " + f"{_place(scene.width, scene.height)};"
        if self._slides:
            yield rf"  \only<1-{self._slides}>{{}}"
        for line in self._lines():
            yield f"  {line}"
        yield r"\end{tikzpicture}"

    def _lines(self) -> Iterator[str]:
        scene = self._scene
        for group in scene.groups:
            yield from self._group(group)
        yield from map(self._curve, scene.curves)
        for box in scene.boxes:
            yield self._box(box)
            for text in box.texts:
                yield from self._text(text, [*self._ink(text, box), *_fading(box)])
        # Above everything else, so that no line crosses them.
        for curve in scene.curves:
            for text in curve.texts:
                yield from self._text(text, ["on edge", *_fading(curve)])
        for caption in scene.captions:
            yield from self._text(caption, [], left=True)
        if scene.scale is not None:
            yield self._bar(scene.scale)

    def _bar(self, scale: Scale) -> str:
        """The bar that runs from no heat to full heat."""
        cold, hot = map(_colour, self._theme.ramp(scale.of))
        end = _place(scale.x + scale.width, scale.y + scale.height)
        colours = f"left color={cold}, right color={hot}, draw=captiontext"
        return rf"\shadedraw[{colours}] {_place(scale.x, scale.y)} rectangle {end};"

    def _ink(self, text: Text, box: Box) -> list[str]:
        """The colour of writing on heat, where that of its role cannot be read."""
        colour = self._theme.writing(text.role, box)
        return [] if colour == self._theme.texts[text.role] else [f"text={_colour(colour)}"]

    def _group(self, group: Group) -> Iterator[str]:
        end = _place(group.x + group.width, group.y + group.height)
        yield rf"\path[group frame] {_place(group.x, group.y)} rectangle {end};"
        yield from self._text(group.text, [], left=True)

    def _box(self, box: Box) -> str:
        options = [f"{box.shape} box", f"{box.kind} box", *_standing(box)]
        fill = f"{box.kind}fill"
        if box.heat is not None:
            paint = self._theme.paint(box)
            fill = _colour(paint.fill)
            options += [f"fill={fill}", f"draw={_colour(paint.line)}"]
        options += [
            f"minimum width={self._length(box.width)}",
            f"minimum height={self._length(box.height)}",
        ]
        if box.is_output:
            options += [f"double={fill}", f"double distance={self._length(1.8)}"]
        moments = [box.moment, *(text.moment for text in box.texts)]
        options += self._ring(box, f"{box.kind}line", moments)
        return rf"\node[{', '.join(options)}] ({box.key}) at {_place(box.x, box.y)} {{}};"

    def _curve(self, curve: Curve) -> str:
        options = [f"{curve.flow} edge"]
        if curve.strong and curve.flow == "forward":
            options.append("strong edge")
        elif curve.strong:
            options.append(f"line width={self._length(STRONG)}")
        options += _standing(curve)
        if curve.heat is not None:
            colour = _colour(edge_colour(curve, self._theme))
            options += [f"color={colour}", f"line width={self._length(edge_width(curve))}"]
        if len(curve.points) > 2:
            options.append(f"rounded corners={self._length(_radius(curve.points))}")
        options += self._ring(curve, f"{curve.flow}line", [curve.moment])
        path = " -- ".join(_place(x, y) for x, y in curve.points)
        return rf"\draw[{', '.join(options)}] {path};"

    def _text(self, text: Text, looks: Iterable[str], left: bool = False) -> Iterator[str]:
        """Writing at its place; on slides, a dash until its moment.

        ``left``: its left edge is where it was measured, not its middle: the fonts of LaTeX have
        other widths, and lines that begin below each other shall do so.
        """
        scale = _number(text.size * self._scale / _TEN, 3)
        edge = ["anchor=west"] if left else []
        options = ", ".join([f"{text.role} text", *looks, f"scale={scale}", *edge])
        start = rf"\node[{options}] at {_place(text.x - left * text.width / 2, text.y)} "
        written = mathematics(text.latex, text.text)
        if not written:
            return
        if not self._slides or text.moment is None:
            yield f"{start}{{{written}}};"
            return
        slide = self._slide(text.moment)
        yield rf"\only<-{slide - 1}>{{{start}{{{escaped(DASH)}}};}}"
        yield rf"\only<{slide}->{{{start}{{{written}}};}}"

    def _ring(self, part: Box | Curve, colour: str, moments: Iterable[Moment | None]) -> list[str]:
        """The wide outline of what is current, on slides on the overlays of its moments."""
        ring = f"current={colour}"
        if not self._slides:
            return [ring] if part.state == "current" else []
        slides = sorted({self._slide(moment) for moment in moments if moment is not None})
        return [f"on slides={{<{','.join(map(str, slides))}>{{{ring}}}}}"] if slides else []

    def _slide(self, moment: Moment) -> int:
        """The overlay on which something comes to be known; on the first, nothing is known yet."""
        before = self._scene.steps[0] if moment.during == "backward" else 0
        return 1 + before + moment.step

    def _paint(self, name: str, paint: Paint) -> str:
        dash = f", {self._dash(paint.dash)}" if paint.dash else ""
        return f"draw={name}line, fill={name}fill{dash}"

    def _dash(self, lengths: str) -> str:
        on, off = [float(length) for length in lengths.split()]
        return f"dash pattern=on {self._length(on)} off {self._length(off)}"

    def _length(self, length: float) -> str:
        return f"{_number(self._scale * length)}bp"


def _standing(part: Box | Curve) -> list[str]:
    waiting = ["waiting"] if part.state == "waiting" else []
    return [*waiting, "faded"] if part.faded else waiting


def _fading(part: Box | Curve) -> list[str]:
    """How the writing stands back with its part; what is behind it stays as it is."""
    return [f"{name} text" for name in _standing(part)]


def _radius(points: tuple[Point, ...]) -> float:
    """The radius of corners: two of them have room on the shortest of the lines between."""
    lengths = [math.dist(start, end) for start, end in pairwise(points)]
    return min(CORNER, *(length / 2 for length in lengths))


def _colour(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{{rgb,255:red,{red}; green,{green}; blue,{blue}}}"


def _place(x: float, y: float) -> str:
    return f"({_number(x)},{_number(y)})"


def _number(value: float, digits: int = 2) -> str:
    # Adding 0 makes -0 a 0.
    return f"{round(value, digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".")


def _comment(text: str) -> str:
    """Text in a comment: one line of ASCII."""
    return " ".join(text.encode("ascii", "replace").decode().split())
