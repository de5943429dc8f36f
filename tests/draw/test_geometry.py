"""Nothing in a drawing is in the way of anything: measured on scenes, with this file's geometry."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np
import pytest

from chainrule.draw.conflicts import crossings
from chainrule.draw.scene import Box, Scene
from tests.draw.scenes import SEEDS, random_record, seed_record

EPS = 0.5
"""What touches by less than half a point is not seen."""


def rectangle(item) -> tuple[float, float, float, float]:
    half_width, half_height = item.width / 2, item.height / 2
    return (item.x - half_width, item.y - half_height, item.x + half_width, item.y + half_height)


def overlap(a, b) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > EPS and min(a[3], b[3]) - max(a[1], b[1]) > EPS


def inside(points, box: Box, margin: float):
    """Which points are in the outline of a box, by more than a margin."""
    a, b = box.width / 2 - margin, box.height / 2 - margin
    dx, dy = np.abs(np.asarray(points).T - np.array([[box.x], [box.y]]))
    if box.shape == "circle":
        return (dx / a) ** 2 + (dy / b) ** 2 < 1
    radius = max(max(2, min(9, box.height / 4)) - margin, 0.0)
    over_x, over_y = np.maximum(dx - (a - radius), 0.0), np.maximum(dy - (b - radius), 0.0)
    return (dx < a) & (dy < b) & (np.hypot(over_x, over_y) <= radius)


def sampled(points):
    """Points along a line, one for every unit of length."""
    return np.concatenate(
        [
            np.linspace(start, end, max(1, int(math.dist(start, end))) + 1)
            for start, end in pairwise(points)
        ]
    )


def problems(scene: Scene) -> list[str]:
    found = []
    for a, b in combinations(scene.boxes, 2):
        if overlap(rectangle(a), rectangle(b)):
            found.append(f"boxes {a.key} and {b.key} overlap")
    labels = [(curve, text) for curve in scene.curves for text in curve.texts]
    for (one, a), (other, b) in combinations(labels, 2):
        if overlap(rectangle(a), rectangle(b)):
            found.append(f"labels on {one.key} and {other.key} overlap: {a.text}, {b.text}")
    for curve, text in labels:
        found += [
            f"the label {text.text} on {curve.key} overlaps {box.key}"
            for box in scene.boxes
            if overlap(rectangle(text), rectangle(box))
        ]
    for curve in scene.curves:
        points = sampled(curve.points)
        for box in scene.boxes:
            mine = box.key in (curve.source, curve.target)
            margin = 2.0 if mine else 0.0
            if inside(points, box, margin).any():
                found.append(f"{curve.key} runs through {box.key}")
        for end, key in ((curve.points[0], curve.source), (curve.points[-1], curve.target)):
            box = next(box for box in scene.boxes if box.key == key)
            if inside([end], box, 2.0).any() or not inside([end], box, -2.0).all():
                found.append(f"{curve.key} does not end at the border of {key}")
    for box in scene.boxes:
        for text in box.texts:
            corners = [
                (text.x + sx * text.width / 2, text.y + sy * text.height / 2)
                for sx in (-1, 1)
                for sy in (-1, 1)
            ]
            if not inside(corners, box, -1.0).all():
                found.append(f"{text.text} sticks out of {box.key}")
        for a, b in combinations(box.texts, 2):
            if overlap(rectangle(a), rectangle(b)):
                found.append(f"{a.text} and {b.text} overlap in {box.key}")
    everything = [rectangle(item) for item in (*scene.boxes, *scene.texts())]
    if any(a < 0 or b < 0 or c > scene.width or d > scene.height for a, b, c, d in everything):
        found.append("something is outside of the drawing")
    return found


LOOKS = [
    {},
    {"direction": "down"},
    {"style": "operators"},
    {"arrows": "both"},
    {"style": "operators", "arrows": "both", "direction": "down"},
    {"edges": "formula"},
    {"edges": "contribution", "arrows": "backward"},
    {"groups": "open"},
    {"view": "tree", "most": 1000},
    {"view": "graph+tree", "most": 1000},
]


@pytest.mark.parametrize(
    "look", LOOKS, ids=lambda look: " ".join(map(str, look.values())) or "plain"
)
def test_graphs_of_the_texts(seed, look):
    assert problems(seed_record(seed).draw(**look).scene) == []


@pytest.mark.parametrize("number", range(0, 200, 2))
def test_random_graphs(number):
    record = random_record(number, 5 + number * 56 // 200)
    assert problems(record.draw().scene) == []


@pytest.mark.parametrize("number", range(6, 200, 23))
@pytest.mark.parametrize("look", LOOKS[1:8], ids=lambda look: " ".join(map(str, look.values())))
def test_random_graphs_in_every_look(number, look):
    record = random_record(number, 5 + number * 56 // 200)
    assert problems(record.draw(**look).scene) == []


@pytest.mark.parametrize("number", [106, 176, 197])
def test_arrows_that_keep_off_corners_stay_off_other_boxes(number):
    record = random_record(number, 5 + number * 56 // 200)
    scene = record.draw(style="operators", arrows="both", direction="down").scene
    assert problems(scene) == []


def gaps(scene: Scene) -> list[float]:
    """How far apart arrowheads are at each box."""
    tips: dict[str, list[tuple[float, float]]] = {}
    for curve in scene.curves:
        tips.setdefault(curve.target, []).append(curve.points[-1])
    return [math.dist(a, b) for ends in tips.values() for a, b in combinations(ends, 2)]


@pytest.mark.parametrize("arrows", ["forward", "both"])
def test_arrowheads_keep_apart(seed, arrows):
    """An arrowhead is 7 points wide."""
    assert min(gaps(seed_record(seed).draw(arrows=arrows).scene), default=9) > 8


def test_the_arrows_of_one_edge_do_not_cross(seed):
    curves = {curve.key: curve for curve in seed_record(seed).draw(arrows="both").scene.curves}
    pairs = [(curve, curves.get(f"r{key[1:]}")) for key, curve in curves.items() if key[0] == "e"]
    both = [[curve.points, back.points] for curve, back in pairs if back is not None]
    assert both
    assert not any(map(crossings, both))


def test_every_worked_example_is_drawn():
    assert len(SEEDS) > 20
