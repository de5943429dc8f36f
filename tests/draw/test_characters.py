"""Drawings in characters say what the scene says: the tests read the lines back from the text."""

import dataclasses
import itertools
import math
import random
import re
from collections import defaultdict
from itertools import pairwise

import pytest
from rich.cells import cell_len

from chainrule.draw.characters.drawing import coloured_characters, draw_characters
from chainrule.draw.characters.rows import Rows
from chainrule.draw.scene import Box, Curve, Scene, Text
from tests.draw.sample import sample

LEFT, RIGHT, UP, DOWN = (0, -1), (0, 1), (-1, 0), (1, 0)
SIDES = {
    "─": (LEFT, RIGHT),
    "│": (UP, DOWN),
    "┌": (RIGHT, DOWN),
    "┐": (LEFT, DOWN),
    "└": (RIGHT, UP),
    "┘": (LEFT, UP),
    "├": (RIGHT, UP, DOWN),
    "┤": (LEFT, UP, DOWN),
    "┬": (LEFT, RIGHT, DOWN),
    "┴": (LEFT, RIGHT, UP),
    "┼": (LEFT, RIGHT, UP, DOWN),
}
CORNERS = {"╭": "╮╰╯", "┌": "┐└┘", "┏": "┓┗┛", "╔": "╗╚╝"}
BORDERS = {"╭": ("─", "│├"), "┌": ("─╌", "│├╎"), "┏": ("━", "┃┠"), "╔": ("═", "║╟")}


def text(role, plain):
    return Text(role, plain, plain, 0, 0, 0, 0, 14)


def scene_of(boxes, edges, direction="right", captions=()):
    """Boxes as "key kind", inputs without a kind; edges as (source, target, label)."""
    known = [line.split() for line in boxes]
    keys = [words[0] for words in known]
    users = {source for source, *_ in edges}
    places = dict.fromkeys(keys, 0)
    made = []
    for number, words in enumerate(known):
        key, kind, *rest = [*words, "input"][: max(2, len(words))]
        texts = [text("symbol", key)]
        texts += [text(role, word) for role, word in zip(("value", "adjoint"), rest, strict=False)]
        square = kind in ("computation", "operator")
        made.append(
            Box(
                key,
                kind,
                "square" if square else "circle",
                60 * number,
                40 * number,
                40,
                40,
                tuple(texts),
                key,
                is_output=square and key not in users,
            )
        )
    curves = []
    for number, (source, target, *label) in enumerate(edges):
        written = tuple(text("local", word) for word in label)
        curves.append(
            Curve(
                f"e{number}",
                source,
                target,
                "forward",
                (),
                written,
                "",
                position=places[target],
            )
        )
        places[target] += 1
    return Scene(
        400, 300, "title", "description", direction, tuple(made), tuple(curves), captions=captions
    )


def network(*widths, label="1"):
    """Fully connected layers of boxes."""
    layers = [[f"{'xabcf'[at]}{n}" for n in range(width)] for at, width in enumerate(widths)]
    boxes = [
        f"{name} {'computation' if at else 'input'} 0.5 1"
        for at, layer in enumerate(layers)
        for name in layer
    ]
    edges = [
        (one, two, label) for first, second in pairwise(layers) for two in second for one in first
    ]
    return scene_of(boxes, edges)


SCENES = {
    "leaf": scene_of(["x"], []),
    "chain": scene_of(
        ["x input 2 4.5", "a computation 4 1", "f computation 16 1"],
        [("x", "a", "4"), ("a", "f", "−0.25")],
    ),
    "diamond": scene_of(
        ["x input 2 12", "a computation 4 3", "b computation 6 2", "f computation 24 1"],
        [("x", "a", "4"), ("x", "b", "3"), ("a", "f", "6"), ("b", "f", "4")],
    ),
    "square": scene_of(["x input 3 6", "f computation 9 1"], [("x", "f", "3"), ("x", "f", "3")]),
    "skip": scene_of(
        ["x input", "c constant", "a computation", "b computation", "f computation"],
        [("x", "a"), ("a", "b"), ("c", "b"), ("b", "f"), ("x", "f")],
    ),
    "network": network(3, 3, 3, 1, label="0.25"),
    "shapes": scene_of(
        [
            "x",
            "w parameter",
            "s summary",
            "o operator",
            "r result",
            "g computation",
            "h computation",
        ],
        [
            ("x", "o"),
            ("w", "o"),
            ("o", "r"),
            ("r", "g"),
            ("s", "g"),
            ("g", "h"),
            ("s", "h"),
            ("r", "h"),
        ],
    ),
    "sample": sample(),
}


def random_scene(seed):
    chance = random.Random(seed)
    count = chance.randint(3, 14)
    boxes, edges = [], []
    for number in range(count):
        operands = min(number, chance.choice((0, 1, 1, 2, 2, 2, 3)))
        kind = "computation" if operands else chance.choice(("input", "parameter", "constant"))
        boxes.append(f"n{number:02d} {kind}" + (" 0.5 -1" if kind != "constant" else ""))
        for _ in range(operands):
            other = chance.randrange(max(0, number - 6), number)
            label = [chance.choice(("1", "-0.25", "12"))] if chance.random() < 0.8 else []
            edges.append((f"n{other:02d}", f"n{number:02d}", *label))
    return scene_of(boxes, edges, chance.choice(("right", "down")))


def rectangles(lines):
    """The boxes in a drawing: (top, left, bottom, right), found by their borders."""
    found = []
    for top, line in enumerate(lines):
        for left, corner in enumerate(line):
            if corner not in CORNERS:
                continue
            level, upright = BORDERS[corner]
            right = left + 1
            while right < len(line) and line[right] in level:
                right += 1
            if right == left + 1 or right == len(line) or line[right] != CORNERS[corner][0]:
                continue
            bottom = top + 1
            while (
                bottom < len(lines)
                and lines[bottom][left] in upright
                and lines[bottom][right] in upright
            ):
                bottom += 1
            if (
                bottom < len(lines)
                and lines[bottom][left] == CORNERS[corner][1]
                and lines[bottom][right] == CORNERS[corner][2]
            ):
                found.append((top, left, bottom, right))
    return found


def read(scene, drawing):
    """For each box its operands with the writing on their lines, from top to bottom.

    A reader's walk: from each arrowhead back along all lines that join, to the one box where they
    start.
    """
    lines = drawing.split("\n")
    names = {}
    for top, left, bottom, right in rectangles(lines):
        rows = [lines[row][left + 1 : right] for row in range(top + 1, bottom)]
        words = " ".join(rows).split()
        (key,) = [one.key for one in scene.boxes if one.texts[0].text in words]
        assert key not in names.values()
        for cell in ((row, at) for row in range(top, bottom + 1) for at in range(left, right + 1)):
            assert cell not in names, "boxes overlap"
            names[cell] = key
    for box in scene.boxes:
        if box.kind == "constant" and box.key not in names.values():
            ((row, found),) = [
                (row, found)
                for row, line in enumerate(lines)
                for found in re.finditer(rf"(?<!\S){re.escape(box.texts[0].text)}(?!\S)", line)
                if (row, found.start()) not in names
            ]
            names.update(((row, at), box.key) for at in range(found.start(), found.end() + 1))
    assert set(names.values()) == {box.key for box in scene.boxes}

    def source(row, column):
        starts, seen, waiting = set(), set(), [(row, column, LEFT)]
        while waiting:
            row, column, (down, right) = step = waiting.pop()
            row, column = row + down, column + right
            sign = lines[row][column]
            if step in seen:
                continue
            seen.add(step)
            if (row, column) in names:
                assert (down, right) == LEFT, "a line enters a box without an arrow"
                assert sign in "├┠╟ ", "a line ends at a border without a port"
                starts.add(names[row, column])
            elif sign == "►":
                assert (down, right) == RIGHT
            elif sign == " ":
                assert right, "an upright line ends nowhere"
                while lines[row][column] not in "─►":
                    column += right
                    assert (row, column) not in names, "a level line ends nowhere"
                waiting.append((row, column - right, (0, right)))
            elif sign == "│" and right:
                waiting.append((row, column, (down, right)))
            else:
                came = (-down, -right)
                assert came in SIDES[sign], f"a line is broken at {row}, {column}"
                waiting += [(row, column, way) for way in SIDES[sign] if way != came]
        assert len(starts) == 1, f"lines of {starts} join"
        return starts.pop()

    operands = {box.key: [] for box in scene.boxes}
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            if sign == "►":
                label = re.search(r"─ (\S+) ─?$", line[:column])
                operands[names[row, column + 1]].append(
                    (source(row, column), label[1] if label else "")
                )
    return operands


def operands_of(scene):
    return {
        box.key: [
            (curve.source, curve.texts[0].text if curve.texts else "")
            for curve in sorted(scene.curves, key=lambda curve: curve.position)
            if curve.target == box.key and curve.flow == "forward"
        ]
        for box in scene.boxes
    }


def check(scene, width=100, height=60):
    drawing = draw_characters(scene, width, height)
    if drawing is None:
        return None
    lines = drawing.split("\n")
    (columns,) = {cell_len(line) for line in lines}
    assert columns <= width
    assert len(lines) <= height
    found, expected = read(scene, drawing), operands_of(scene)
    legend = " ".join(drawing.split())
    if "on lines" in legend and "where there is room" not in legend:
        assert found == expected
    for key, operands in expected.items():
        assert [source for source, _ in found[key]] == [source for source, _ in operands]
        labels = zip(found[key], operands, strict=True)
        assert all(written in ("", label) for (_, written), (_, label) in labels)
    for box in scene.boxes:
        for written in box.texts:
            assert written.text in drawing
    return drawing


@pytest.mark.parametrize("name", SCENES)
def test_a_drawing_reads_back_as_its_graph(name, golden):
    drawing = check(SCENES[name])
    golden(f"drawings/{name}.txt", drawing + "\n")


@pytest.mark.parametrize("draw", range(100))
def test_random_graphs_read_back(draw):
    scene = random_scene(draw)
    drawing = check(scene, 200)
    assert drawing
    assert "where there is room" not in drawing
    narrow = len(drawing.split("\n")[0]) - 1
    while drawing := check(scene, narrow, 100):
        narrow = len(drawing.split("\n")[0]) - 15
    assert draw_characters(scene, 10) is None


def test_less_room_makes_a_denser_drawing(golden):
    scene = SCENES["network"]
    dense = check(scene, 50)
    golden("drawings/network-50.txt", dense + "\n")
    assert "on lines" not in dense
    assert check(scene, 75, 20)
    assert draw_characters(scene, 35) is None
    assert draw_characters(scene, 100, 10) is None


def test_writing_on_lines_where_there_is_room():
    long = scene_of(
        ["x", "a computation", "b computation", "f computation"],
        [("x", "a", "0.1234567890123456789"), ("a", "b", "7"), ("b", "f", "7"), ("x", "f", "0.25")],
    )
    drawing = check(long, 50)
    assert "0.25" in drawing
    assert "0.123" not in drawing
    assert "local derivatives, where there is room" in " ".join(drawing.split())


def test_many_boxes_are_not_drawn():
    boxes = [f"x{number}" for number in range(101)]
    assert draw_characters(scene_of(boxes, []), 100, 1000) is None
    assert check(scene_of(boxes[:100], []), 100, 400)
    assert draw_characters(scene_of(boxes[:30], []), 100) is None


def test_no_boxes():
    assert draw_characters(scene_of([], [])) == " "


def shown_in(drawing):
    """By style, the characters that have it."""
    shown = defaultdict(set)
    for span in drawing.spans:
        shown[str(span.style)].add(drawing.plain[span.start : span.end])
    return shown


def test_colours_are_those_of_the_tables():
    drawing = coloured_characters(sample())
    assert drawing.plain == draw_characters(sample())
    shown = shown_in(drawing)
    assert {"3", "2", "5"} <= shown["green"]
    assert {"∂", "8", "3", "1"} <= shown["red"]
    assert {"1", "3", "5"} <= shown["magenta"]
    assert "╭" in shown["blue"]
    assert "┏" in shown["dark_orange"]
    assert {"┌", "╔"} <= shown["yellow"]
    assert "►" in shown["bold"]
    assert "0" in shown["bold dim"]
    assert coloured_characters(sample(), 20) is None


def test_parameters_stand_out_without_colours():
    edges = [("x", "f"), ("w", "f")]
    drawing = check(scene_of(["x", "w parameter", "f computation"], edges))
    assert "┃ w ┠" in drawing
    assert "│ x ├" in drawing
    assert drawing.split("\n")[-1].strip() == "┏━┓ parameter"
    assert "parameter" not in check(scene_of(["x", "w", "f computation"], edges))


def test_what_stands_back_is_dim():
    plain = SCENES["square"]
    leaf, output = plain.boxes
    scene = dataclasses.replace(
        plain,
        boxes=(
            dataclasses.replace(leaf, faded=True),
            dataclasses.replace(output, state="current"),
        ),
        curves=tuple(dataclasses.replace(curve, faded=True) for curve in plain.curves),
    )
    shown = shown_in(coloured_characters(scene))
    assert "╭" in shown["blue dim"]
    assert "►" in shown["dim"]
    assert "3" in shown["magenta dim"]
    assert "╔" in shown["yellow bold"]


def test_wide_and_unprintable_characters():
    mark = "\u0304"
    strange = "x\x1b[2J\u202ey\ufe0f"
    scene = scene_of(
        ["变量", f"a{mark} computation {mark}5 中{mark}", f"{strange} computation"],
        [("变量", f"a{mark}", "值"), (f"a{mark}", strange, "1\x07")],
    )
    drawing = draw_characters(scene)
    assert len({cell_len(line) for line in drawing.split("\n")}) == 1
    names = "变量", f" a{mark} ", "x�[2J�y�"
    numbers = f"◌{mark}5", f"∂ 中{mark}", " 值 ─►", " 1� ─►"
    for written in names + numbers:
        assert written in drawing
    assert coloured_characters(scene).plain == drawing


def test_notes_below(golden):
    scene = SCENES["chain"]
    words = "only the last three of many computations are shown here; the others stand before"
    scene = dataclasses.replace(
        scene,
        boxes=(
            dataclasses.replace(
                scene.boxes[0],
                texts=(
                    text("symbol", "x"),
                    text("note", "2×3"),
                    text("value", "2"),
                    text("tangent", "1"),
                ),
            ),
            *scene.boxes[1:],
        ),
        captions=(text("caption", words),),
    )
    golden("drawings/notes.txt", check(scene, 60) + "\n")
    wide = dataclasses.replace(SCENES["leaf"], captions=(text("caption", "变量变量"),))
    assert draw_characters(wide, 5).split("\n")[-2:] == ["变量 ", "变量 "]
    assert draw_characters(wide, 6).split("\n")[-2:] == ["变量变", "量    "]


def test_rows_are_as_near_as_they_may():
    chance = random.Random(1)

    def cost(values, bounds, pulls):
        if any(values[a] - values[b] < least for a, b, least in bounds):
            return math.inf
        return sum(weight * abs(values[a] - values[b] - apart) for a, b, apart, weight in pulls)

    for _ in range(30):
        rows, numbers = Rows(), range(4)
        bounds = [(b, a, chance.choice((0, 1, 2))) for a, b in pairwise(numbers)]
        pulls = [
            (a, b, chance.randint(-3, 3), chance.randint(1, 5))
            for a, b in itertools.permutations(numbers, 2)
            if chance.random() < 0.5
        ]
        for bound in bounds:
            rows.bound(*bound)
        for pull in pulls:
            rows.pull(*pull)
        best = min(
            cost((0, *rest), bounds, pulls) for rest in itertools.product(range(10), repeat=3)
        )
        assert cost(rows.settle(), bounds, pulls) == best
