"""A scene as a Mermaid flowchart: what is drawn and how it looks; Mermaid places it anew.

Made for what hosts of Markdown allow: no HTML but line breaks, no directives, colours as classes.
The writing of a box then has one colour; its numbers are told apart by their marks.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from chainrule.draw.scene import Box, Curve, Group, Scene, Text
from chainrule.draw.strokes import BACKWARD, CURRENT, WAITING, edge_colour, edge_width, shaded
from chainrule.draw.themes import THEMES, Paint

_WIDE: Final = 1.25
"""A circle that is wider than high by more is drawn as a stadium."""
_SIZE: Final = 16.0
"""Of Mermaid's letters, in pixels, as all that follows."""
_LETTER: Final = 8.0
"""About the width of a letter."""
_LEADING: Final = 24.0
"""From line to line."""
_PADDING: Final = 15.0
"""Left and right of the label in a circle, both sides together."""
_EN_SPACE: Final = "#8194;"
"""Half as wide as letters are high."""
_RISKY: Final = re.compile(
    r"""[^\w\s=(),/.+\x80-\U0010ffff-]     # has a meaning for Mermaid, for HTML or for Markdown
    |_(?![^\W_])|(?<![^\W_])_|=(?==)|^=|=$ # marks of stress and of headings
    |^[+-](?!\d)|(?<=\d)[.)](?!\S)         # begin lists""",
    re.VERBOSE,
)
"""What a label cannot have as it is, or only in some places."""
_JOINED: Final = re.compile(
    r"""(?<=\\)(?=n)|(?<=\$)(?=\$)|(?<=:)(?=fa-)  # breaks, formulas, icons
    |(?<=\ufb02)(?=\xb0)|(?<=\xb6)(?=\xdf)            # what stands for & and ; in between""",
    re.VERBOSE,
)
"""Where two signs together have a meaning for Mermaid even if they are written as codes."""
_LESS: Final = "\uff1c"
"""A wide <, for titles."""
_JOINER: Final = "\u2060"
"""The word joiner of Unicode, which is not seen."""
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACE: Final = re.compile(r"\s+")


def mermaid(scene: Scene) -> str:
    """The drawing as a ``flowchart``, with its title in the front matter."""
    return _Writer(scene).document()


def escaped(text: str) -> str:
    """Text as it stands in a label between double quotes: whatever has a meaning is a code.

    >>> escaped('say "x" #1; > 2'), escaped("w_1 = -0.5"), escaped("+")
    ('say #34;x#34; #35;1#59; #62; 2', 'w_1 = -0.5', '#43;')
    """
    return _RISKY.sub(lambda found: f"#{ord(found[0])};", _plain(text))


def _plain(text: str) -> str:
    """Text on one line, of signs that files can hold, without signs that stand together."""
    return _JOINED.sub(_JOINER, _SPACE.sub(" ", _UNFIT.sub("\ufffd", text)).strip())


class _Writer:
    """A scene and its colours."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._theme = THEMES[scene.theme]
        self._members = scene.members()

    def document(self) -> str:
        """The whole text."""
        scene = self._scene
        lines = ["flowchart LR" if scene.direction == "right" else "flowchart TD"]
        for name, text in (("accTitle", scene.title), ("accDescr", scene.description)):
            if _plain(text):
                lines.append(f"  {name}: {escaped(text)}")
        lines += [f"  {_node(box)}" for box in scene.boxes]
        for group in scene.groups:
            lines += self._subgraph(group)
        lines += [f"  {_edge(curve)}" for curve in scene.curves]
        notes = [text for text in scene.captions if text.role == "caption" and text.text]
        if notes:
            lines.append(f"  captions[{_label(notes)}]:::caption")
        lines += [f"  {line}" for line in self._looks(bool(notes))]
        return "".join(f"{line}\n" for line in (*self._front_matter(), *lines))

    def _front_matter(self) -> Iterator[str]:
        """The title and the colours of what has no class."""
        title = _plain(self._scene.title)
        yield "---"
        if title:
            # JSON is YAML. A title with a < would be cleaned as HTML and then shown as its source.
            yield f"title: {json.dumps(title.replace('<', _LESS), ensure_ascii=False)}"
        yield "config:"
        yield "  theme: base"
        yield "  themeVariables:"
        yield f'    edgeLabelBackground: "{self._theme.background}"'
        yield f'    titleColor: "{self._theme.texts["caption"]}"'
        yield "---"

    def _subgraph(self, group: Group) -> Iterator[str]:
        """The frame of a group; a box in several groups is in the frame of the last."""
        members = self._members[group.key]
        if members:
            yield f"  subgraph {group.key}[{_label([group.text])}]"
            yield from (f"    {key}" for key in members)
            yield "  end"

    def _looks(self, captions: bool) -> Iterator[str]:
        """Classes of boxes and frames, and the styles of edges."""
        scene, theme = self._scene, self._theme
        ink = theme.texts["symbol"]
        for kind in dict.fromkeys(box.kind for box in scene.boxes):
            yield f"classDef {kind} {_painted(theme.boxes[kind])},color:{ink}"
        if captions:
            colour = theme.texts["caption"]
            yield f"classDef caption fill:none,stroke:none,color:{colour}"
        marks = {
            "output": ("stroke-width:4px", [box for box in scene.boxes if box.is_output]),
            "current": ("stroke-width:6px", [box for box in scene.boxes if box.state == "current"]),
            "waiting": (
                f"opacity:{WAITING}",
                [box for box in scene.boxes if box.state == "waiting"],
            ),
            "faded": (f"opacity:{theme.faded}", [box for box in scene.boxes if box.faded]),
        }
        for name, (looks, boxes) in marks.items():
            if boxes:
                yield f"classDef {name} {looks}"
                yield f"class {','.join(box.key for box in boxes)} {name}"
        for box in scene.boxes:
            if box.heat is not None:
                yield f"style {box.key} fill:{theme.paint(box).fill}"
        for group in scene.groups:
            if self._members[group.key]:
                yield f"style {group.key} {_painted(theme.group)},color:{theme.texts['caption']}"
        numbers: dict[str, list[str]] = {}
        for at, curve in enumerate(scene.curves):
            numbers.setdefault(self._stroke(curve), []).append(str(at))
        for stroke, found in numbers.items():
            yield f"linkStyle {','.join(found)} {stroke}"

    def _stroke(self, curve: Curve) -> str:
        """Colour and width of an edge, and the colour of its writing."""
        theme = self._theme
        width = edge_width(curve) + (CURRENT if curve.state == "current" else 0.0)
        written = [theme.texts[text.role] for text in curve.texts if text.role != "operand"]
        ink = written[0] if written else theme.texts["operand"]
        colour, ink = (shaded(each, curve, theme) for each in (edge_colour(curve, theme), ink))
        tip = f",stroke-dasharray:{BACKWARD},marker-end:none" if curve.flow == "backward" else ""
        return f"stroke:{colour},stroke-width:{width:.3g}px,color:{ink}{tip}"


def _node(box: Box) -> str:
    """A circle, a stadium where it is wider than high, or a rectangle with round corners."""
    start, end, room = "(", ")", 0.0
    if box.shape == "circle" and box.width > _WIDE * box.height:
        start, end = "([", "])"
    elif box.shape == "circle":
        start, end = ("(((", ")))") if box.is_output else ("((", "))")
        room = _room(box.texts)
    return f"{box.key}{start}{_label(box.texts, room)}{end}:::{box.kind}"


def _room(texts: Sequence[Text]) -> float:
    """How wide a label has to be so that the circle around its width holds every line."""
    middle = (len(texts) - 1) / 2
    corners = [
        math.hypot(_LETTER * len(text.text) / 2, _LEADING * (abs(at - middle) + 1 / 2))
        for at, text in enumerate(texts)
    ]
    return 2 * max(corners, default=0.0) - _PADDING


def _edge(curve: Curve) -> str:
    """An edge; a backward one is written along the values, for Mermaid puts the end of any edge
    after its start, and would put inputs right of what they are used by. Its style takes the
    arrowhead away where the adjoint comes from.
    """
    label = f"|{_label(curve.texts)}|" if curve.texts else ""
    if curve.flow == "backward":
        return f"{curve.target} <-.->{label} {curve.source}"
    return f"{curve.source} -->{label} {curve.target}"


def _label(texts: Sequence[Text], room: float = 0.0) -> str:
    """Lines below each other, between double quotes; Mermaid reads no empty label.

    Args:
        texts: The lines.
        room: How wide the label is at least: a circle of Mermaid fits around its width only, so
            the middle line gets spaces around it.
    """
    lines = [escaped(text.text) for text in texts]
    if not any(lines):
        return '" "'
    if room > _LETTER * max(len(text.text) for text in texts):
        middle = len(lines) // 2
        missing = room - _LETTER * len(texts[middle].text)
        spaces = _EN_SPACE * math.ceil(missing / _SIZE)
        lines[middle] = f"{spaces}{lines[middle]}{spaces}"
    return f'"{"<br/>".join(lines)}"'


def _painted(paint: Paint) -> str:
    dash = f",stroke-dasharray:{paint.dash}" if paint.dash else ""
    return f"fill:{paint.fill},stroke:{paint.line},stroke-width:2px{dash}"
