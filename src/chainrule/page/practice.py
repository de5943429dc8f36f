"""What the page shows of an exercise: its graph, and what there is to fill in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.page.content import Asked, content
from chainrule.page.exercises import Exercise, graph_of


def practice_content(one: Exercise, drawings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The content of the page of an exercise (`chainrule.page.content.content`).

    Args:
        one: The exercise.
        drawings: The options of each drawing.
    """
    shown = content(graph_of(one), Asked(one.values, drawings=drawings), one.formula)
    return {**shown, "exercise": {"name": one.name, "task": one.task, "asks": list(one.asks)}}
