"""A scene that moves: values come forward, adjoints flow back, and again. CSS alone moves it.

Who wants no motion, and what shows none, sees the finished drawing.
"""

from __future__ import annotations

from typing import Final

from chainrule.draw.limits import within
from chainrule.draw.markup import number
from chainrule.draw.scene import Moment, Scene
from chainrule.draw.strokes import GLOW
from chainrule.draw.svg import Sheet, moment_name

_LEAD: Final = 1
"""Steps before the first moment, in which nothing is known."""
_REST: Final = 3
"""Steps after the last one, in which the finished drawing stands still."""
_TIMES: Final = (0.01, 3600)
"""CSS is written in hundredths of seconds."""


def animation(scene: Scene, seconds_per_step: float = 1.0, prefix: str = "") -> str:
    """The drawing as SVG that shows each value and adjoint from its moment on, again and again.

    Args:
        scene: What is drawn.
        seconds_per_step: How long each step takes, from 0.01 to 3600.
        prefix: What all ids begin with; by default it comes from the content.

    Raises:
        DrawingError: E253 for a time that cannot be.
        ValueError: A prefix that no id can begin with.
    """
    within(seconds_per_step, *_TIMES, "seconds")
    moments = scene.moments()
    total = _LEAD + len(moments) + _REST
    delays = {
        moment: f"{number((_LEAD + place) * seconds_per_step)}s"
        for place, moment in enumerate(moments)
    }
    sheet = Sheet(scene, prefix, delays)
    return sheet.document(_motion(sheet.prefix, moments, total, seconds_per_step))


def _motion(prefix: str, moments: list[Moment], total: int, seconds: float) -> str:
    """Keyframes over one round of ``total`` steps, and what they move."""
    root = f"#{prefix}drawing "
    turn = f"{number(total * seconds)}s"
    lit, dark = number(100 * 0.9 / total), number(100 / total)
    frames = [
        f"@keyframes {prefix}glow{{0%,{lit}%{{opacity:{GLOW}}}{dark}%,100%{{opacity:0}}}}",
        f"{root}.glow{{animation:{prefix}glow {turn} linear infinite}}",
    ]
    for place, moment in enumerate(moments):
        name = moment_name(moment)
        until = number(100 * (_LEAD + place) / total)
        after = number(100 * (_LEAD + place + 0.2) / total)
        for part, first, last in (("later", 0, 1), ("before", 1, 0)):
            frames.append(
                f"@keyframes {prefix}{part}-{name}{{0%,{until}%{{opacity:{first}}}"
                f"{after}%,100%{{opacity:{last}}}}}"
                f"{root}.{part}.{name}{{animation:{prefix}{part}-{name} {turn} linear infinite}}"
            )
    return f"@media (prefers-reduced-motion:no-preference){{{''.join(frames)}}}"
