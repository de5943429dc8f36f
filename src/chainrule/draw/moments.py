"""A scene as it is at one step of the passes; the places of everything stay the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from chainrule.draw.scene import Box, Moment, Pass, Scene, State, Text
from chainrule.draw.words import as_words, counted
from chainrule.errors import DrawingError
from chainrule.show.numbers import DASH

_PASSES: Final[dict[Pass, int]] = {"forward": 0, "backward": 1}


def until(scene: Scene, moment: Moment) -> Scene:
    """The scene as it is at one step of a pass: what is not known yet is a dash.

    Raises:
        DrawingError: E252 for a step that the pass does not have.
    """
    last = scene.steps[_PASSES[moment.during]]
    if moment.step > last:
        raise DrawingError("E252", f"the {moment.during} pass has {counted(last, 'step')} here")
    now = _rank(moment)

    def text(given: Text) -> Text:
        if is_known(given.moment, moment):
            return given
        return replace(given, text=DASH, latex=as_words(DASH), full="")

    def state(when: Moment | None) -> State:
        if when is None:
            return ""
        return "current" if _rank(when) == now else "waiting" if _rank(when) > now else ""

    return replace(
        scene,
        boxes=tuple(
            replace(
                box,
                texts=tuple(map(text, box.texts)),
                state=_box_state(box, now) or state(box.moment),
            )
            for box in scene.boxes
        ),
        curves=tuple(
            replace(curve, texts=tuple(map(text, curve.texts)), state=state(curve.moment))
            for curve in scene.curves
        ),
    )


def is_known(when: Moment | None, now: Moment | None) -> bool:
    """Whether something is known at a step; None: from the start, and at the end.

    >>> is_known(Moment("backward", 1), Moment("forward", 9)), is_known(None, None)
    (False, True)
    """
    return when is None or now is None or _rank(when) <= _rank(now)


def _box_state(box: Box, now: tuple[int, int]) -> State:
    """A box is current, too, when its adjoint comes to be known."""
    known = [_rank(text.moment) for text in box.texts if text.moment is not None]
    return "current" if now in known else ""


def _rank(moment: Moment) -> tuple[int, int]:
    return _PASSES[moment.during], moment.step
