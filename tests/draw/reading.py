"""What a test reads off a scene: boxes and edges by the names that a person would use."""

from __future__ import annotations

from chainrule.draw.scene import Box, Curve, Scene


def heading(box: Box) -> str:
    """The first line of a box: its name where it has one."""
    return box.texts[0].text


def boxes(scene: Scene) -> dict[str, Box]:
    """Every box by its heading, which has to be its own."""
    found = {heading(box): box for box in scene.boxes}
    assert len(found) == len(scene.boxes)
    return found


def curves(scene: Scene) -> dict[tuple[str, str], Curve]:
    """Every edge by the headings of the boxes where it starts and ends."""
    names = {box.key: heading(box) for box in scene.boxes}
    found = {(names[curve.source], names[curve.target]): curve for curve in scene.curves}
    assert len(found) == len(scene.curves)
    return found


def lines(item: Box | Curve) -> list[tuple[str, str]]:
    """What is written on a box or an edge: roles and texts."""
    return [(text.role, text.text) for text in item.texts]


def written(scene: Scene, role: str) -> dict[str, str]:
    """Heading → what a box says in one role, of the boxes that say it."""
    return {
        name: text.text
        for name, box in boxes(scene).items()
        for text in box.texts
        if text.role == role
    }


def labels(scene: Scene) -> dict[tuple[str, str], str]:
    """What stands on each edge that has a label."""
    return {
        ends: " ".join(text.text for text in curve.texts)
        for ends, curve in curves(scene).items()
        if curve.texts
    }
