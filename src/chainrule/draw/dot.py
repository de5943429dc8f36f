r"""A scene in Graphviz's language: what is drawn and how it looks; Graphviz places it anew.

All writing is plain text in double quotes, so that every Graphviz reads it, also one without HTML
labels. The writing of a box then has one colour; its numbers are told apart by their marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from chainrule.draw.scene import Box, Curve, Group, Scene, Text
from chainrule.draw.strokes import BOX_LINE, CURRENT, EDGE, edge_colour, edge_width, shaded
from chainrule.draw.themes import THEMES, Paint

_INCH: Final = 72.0
"""Points in the unit of Graphviz's widths and heights."""
_SIZE: Final = 13.0
"""Of letters where nothing is written that has a size."""
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What no file of Graphviz can hold."""
_SPACE: Final = re.compile(r"[\t\n\r]+")


def dot(scene: Scene) -> str:
    """The drawing as a ``digraph``: lengths are lower bounds, positions are left to Graphviz."""
    return _Writer(scene).document()


def quoted(*lines: str) -> str:
    r"""Lines below each other as Graphviz reads them: nothing in them has a meaning but themselves.

    Backslashes and ``&`` are escaped, for ``\N`` is the name of a node and ``&lt;`` is ``<``.

    >>> print(quoted('say "x\\N"', "a & b"))
    "say \"x\\N\"\na &amp; b"
    """
    return '"' + r"\n".join(map(_escaped, lines)) + '"'


def _escaped(line: str) -> str:
    plain = _SPACE.sub(" ", _UNFIT.sub("\ufffd", line))
    return plain.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


class _Writer:
    """A scene and its colours."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._theme = THEMES[scene.theme]
        self._members = scene.members()

    def document(self) -> str:
        """The whole text."""
        lines = [*self._defaults(), *map(self._node, self._scene.boxes)]
        for group in self._scene.groups:
            lines += self._cluster(group)
        lines += map(self._edge, self._scene.curves)
        body = "".join(f"  {line}\n" for line in lines)
        return f"digraph {quoted(self._scene.title)} {{\n{body}}}\n"

    def _defaults(self) -> Iterator[str]:
        theme = self._theme
        rank = "LR" if self._scene.direction == "right" else "TB"
        notes = [text.text for text in self._scene.captions if text.role == "caption"]
        heading = [line for line in (self._scene.title, *notes) if line]
        written = [("label", quoted(*heading)), ("labelloc", "b")] if heading else []
        ink = theme.texts["symbol"]
        yield _statement(
            "graph",
            [
                ("rankdir", rank),
                ("bgcolor", quoted(theme.background)),
                ("ranksep", "0.6"),
                ("nodesep", "0.35"),
                ("pad", "0.15"),
                ("fontsize", "12"),
                ("fontcolor", quoted(theme.texts["caption"])),
                *written,
            ],
        )
        yield _statement(
            "node",
            [
                ("margin", quoted("0.06,0.04")),
                ("penwidth", f"{BOX_LINE:g}"),
                ("fontcolor", quoted(ink)),
            ],
        )
        yield _statement(
            "edge", [("penwidth", f"{EDGE:g}"), ("arrowsize", "0.8"), ("fontsize", "11")]
        )

    def _cluster(self, group: Group) -> Iterator[str]:
        """The frame of a group; a box in several groups is in the frame of the last."""
        members = self._members[group.key]
        if not members:
            return
        paint = self._theme.group
        yield f"subgraph {quoted('cluster_' + group.key)} {{"
        looks = [
            ("label", quoted(group.text.text)),
            ("style", quoted(_style("filled", "rounded", paint))),
            ("fillcolor", quoted(paint.fill)),
            ("color", quoted(paint.line)),
            ("labelloc", "t"),
            ("labeljust", "l"),
        ]
        yield from (f"  {name}={value}" for name, value in looks)
        yield from (f"  {quoted(key)}" for key in members)
        yield "}"

    def _node(self, box: Box) -> str:
        theme = self._theme
        paint = theme.paint(box)
        round_, level = box.shape == "circle", box.width <= box.height
        shape = "box" if not round_ else "circle" if level else "ellipse"
        attributes = [
            ("label", quoted(*(text.text for text in box.texts))),
            ("shape", shape),
            ("style", quoted(_style("filled", "" if round_ else "rounded", paint))),
            ("fillcolor", quoted(shaded(paint.fill, box, theme))),
            ("color", quoted(shaded(paint.line, box, theme))),
            ("fontsize", f"{_size(box.texts):g}"),
            ("width", f"{box.width / _INCH:.2f}"),
            ("height", f"{box.height / _INCH:.2f}"),
            ("tooltip", quoted(box.title)),
        ]
        if box.is_output:
            attributes.append(("peripheries", "2"))
        if box.state == "current":
            attributes.append(("penwidth", "4"))
        if box.faded or box.state == "waiting":
            attributes.append(("fontcolor", quoted(shaded(theme.texts["symbol"], box, theme))))
        return _statement(quoted(box.key), attributes)

    def _edge(self, curve: Curve) -> str:
        theme = self._theme
        width = edge_width(curve) + (CURRENT if curve.state == "current" else 0.0)
        attributes = [
            ("color", quoted(shaded(edge_colour(curve, theme), curve, theme))),
            ("tooltip", quoted(curve.title)),
        ]
        if curve.texts:
            written = shaded(theme.texts[_role_text(curve.texts).role], curve, theme)
            attributes += [
                ("label", quoted(*(f" {text.text} " for text in curve.texts))),
                ("fontcolor", quoted(written)),
                ("labeltooltip", quoted(curve.title)),
            ]
        if width != EDGE:
            attributes.append(("penwidth", f"{width:g}"))
        if curve.flow == "backward":
            attributes += [("style", "dashed"), ("constraint", "false")]
        return _statement(f"{quoted(curve.source)} -> {quoted(curve.target)}", attributes)


def _statement(subject: str, attributes: Iterable[tuple[str, str]]) -> str:
    return f"{subject} [{', '.join(f'{name}={value}' for name, value in attributes)}]"


def _style(fill: str, corners: str, paint: Paint) -> str:
    return ",".join(filter(None, (fill, corners, "dashed" if paint.dash else "")))


def _size(texts: Iterable[Text]) -> float:
    """The size that most of the writing has, for a box has but one."""
    sizes = [text.size for text in texts]
    return max(sizes, key=sizes.count, default=_SIZE)


def _role_text(texts: tuple[Text, ...]) -> Text:
    """The writing that gives a label its colour: not the number of the operand if there is more."""
    return next((text for text in texts if text.role != "operand"), texts[0])
