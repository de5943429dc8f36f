"""A graph drawn in characters, for a terminal: leaves left, results right.

Boxes stand in layers, each one right of its operands; a line that spans layers passes between the
boxes. All lines from one box carry one value, so they may share their way and part at ``├ ┬ ┼``.
Lines of two boxes never join: where they cross, the level one is interrupted, ``─│─``. The arrows
into a box stand in the order of its operands, from top to bottom.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect, insort
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.text import Text as RichText

from chainrule.draw.scene import Box, Curve, Kind, Role, Scene, Text

_HIGHEST: Final = 60
"""The most lines of a drawing, if the caller names no height."""
_MOST: Final = 100
"""The most boxes: nobody follows the lines of more, and to place them takes long."""
_LEAST_LAYER: Final = 4
"""Every layer but the last takes this many columns or more."""

_TEXTS: Final[dict[Role, str]] = {
    "symbol": "bold",
    "name": "",
    "value": "green",
    "adjoint": "red",
    "tangent": "cyan",
    "note": "dim",
    "local": "magenta",
    "contribution": "red",
    "operand": "dim",
    "caption": "dim",
}
_BORDERS: Final[dict[Kind, str]] = {
    "input": "blue",
    "parameter": "dark_orange",
    "constant": "dim",
    "computation": "yellow",
    "operator": "yellow",
    "result": "green",
    "summary": "dim",
}
_MARKS: Final[dict[Role, str]] = {"adjoint": "∂ ", "tangent": "d "}
"""What stands before a number, where the scene has not put it there: it tells it from a value."""
_LINE: Final[dict[Role, int]] = {"name": 0, "symbol": 0, "value": 1, "adjoint": 1, "tangent": 1}
"""Writing with the same number shares a line of its box."""

_LEFT, _RIGHT, _UP, _DOWN = 1, 2, 4, 8
_STROKES: Final = " ╴╶─╵┘└┴╷┐┌┬│┤├┼"
"""By the sum of the sides that a line leaves its character on."""


class _Frame(NamedTuple):
    """The border of a box: corners, level side, upright side, and where a line leaves it."""

    corners: str
    level: str
    upright: str
    port: str


_FRAMES: Final = {
    "circle": _Frame("╭╮╰╯", "─", "│", "├"),
    "square": _Frame("┌┐└┘", "─", "│", "├"),
    "output": _Frame("╔╗╚╝", "═", "║", "╟"),
    "summary": _Frame("┌┐└┘", "╌", "╎", "├"),
}


class Cell(NamedTuple):
    """What one column of one line shows; the second column of a wide character shows ""."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A drawing in characters: lines of equally many columns.

    Attributes:
        rows: From top to bottom.
    """

    rows: tuple[tuple[Cell, ...], ...]

    def plain(self) -> str:
        """The lines without colours."""
        return "\n".join("".join(cell.text for cell in row) for row in self.rows)

    def coloured(self) -> RichText:
        """The lines as rich prints them, in the colours of the tables."""
        lines = [RichText.assemble(*row) for row in self.rows]
        return RichText("\n", no_wrap=True, overflow="ignore").join(lines)


def draw_characters(scene: Scene, width: int = 100, height: int | None = None) -> str | None:
    """The scene in Unicode characters without colours; None where it does not fit.

    Args:
        scene: What to draw. Its adjoints stand in the boxes: backward curves are left out.
        width: The most columns.
        height: The most lines; 60 if not given.
    """
    canvas = drawn(scene, width, height)
    return None if canvas is None else canvas.plain()


def coloured_characters(
    scene: Scene, width: int = 100, height: int | None = None
) -> RichText | None:
    """The same characters in the colours of the tables; None where they do not fit."""
    canvas = drawn(scene, width, height)
    return None if canvas is None else canvas.coloured()


def drawn(scene: Scene, width: int = 100, height: int | None = None) -> Canvas | None:
    """The drawing as generous as it fits into these columns and lines; None: it does not fit."""
    lines = _HIGHEST if height is None else height
    graph = _graph(scene, width // _LEAST_LAYER)
    if graph is None:
        return None
    drawings = [_Drawing(scene, graph, manner) for manner in _MANNERS]
    drawings = [drawing for drawing in drawings if drawing.may_fit(width, lines)]
    layers = _arranged(scene, graph) if drawings else []
    for drawing in drawings:
        canvas = drawing.canvas(layers, width)
        if canvas and len(canvas.rows) <= lines:
            return canvas
    return None


class _Manner(NamedTuple):
    """How much room a drawing takes.

    Attributes:
        shared: Whether a value and its adjoint stand on one line.
        label: Up to how many columns are kept free for the writing on an edge.
        spread: Columns from one upright line to the next.
        gap: Empty lines between two boxes.
        margin: Empty columns between the border of a box and its widest line.
    """

    shared: bool
    label: int
    spread: int
    gap: int
    margin: int


_MANNERS: Final = (
    _Manner(True, 99, 2, 1, 1),
    _Manner(True, 99, 1, 1, 1),
    _Manner(True, 99, 1, 0, 1),
    _Manner(False, 99, 1, 1, 1),
    _Manner(False, 99, 1, 0, 1),
    _Manner(False, 99, 1, 0, 0),
    _Manner(True, 6, 1, 0, 1),
    _Manner(False, 6, 1, 0, 1),
    _Manner(False, 6, 1, 0, 0),
    _Manner(True, 0, 1, 0, 1),
    _Manner(False, 0, 1, 0, 1),
    _Manner(False, 0, 1, 0, 0),
)
"""Tried in this order."""


# Layers


class _Stop(NamedTuple):
    """A box in its layer, or a line from that box passing through a later layer."""

    box: int
    layer: int
    passing: bool = False


@dataclass(slots=True)
class _Link:
    """The way of curves from one layer to the next.

    Attributes:
        before: Where it comes from.
        after: Where it goes.
        place: At which of the arrows of ``after`` it ends; -1 where it passes on.
        curves: The numbers of the curves that take this way.
        main: Whether it is on the main path, which is drawn straight.
    """

    before: _Stop
    after: _Stop
    place: int
    curves: list[int] = field(default_factory=list)
    main: bool = False


@dataclass(frozen=True, slots=True)
class _Graph:
    """Boxes in layers, from left to right.

    Attributes:
        curves: The curves that are drawn.
        arrows: How many arrows end at each box.
        layers: Boxes and passing lines.
        links: Between each layer and the next.
        ends: The numbers of the boxes where each curve starts and ends.
    """

    curves: list[Curve]
    arrows: list[int]
    layers: list[list[_Stop]]
    links: list[list[_Link]]
    ends: list[tuple[int, int]]


def _graph(scene: Scene, most: int) -> _Graph | None:
    """The layers of a scene; None: there are more than ``most``, or too many boxes."""
    if len(scene.boxes) > _MOST:
        return None
    at = {box.key: number for number, box in enumerate(scene.boxes)}
    curves = sorted(
        (curve for curve in scene.curves if curve.flow == "forward"),
        key=lambda curve: (at[curve.target], curve.position),
    )
    ends = [(at[curve.source], at[curve.target]) for curve in curves]
    layer = _layer_of(len(scene.boxes), ends)
    path = _main_path(scene, ends)
    if max(layer, default=0) >= most:
        return None
    arrows = [0] * len(scene.boxes)
    layers: list[dict[_Stop, None]] = [{} for _ in range(max(layer, default=0) + 1)]
    links: list[dict[tuple[_Stop, _Stop, int], _Link]] = [{} for _ in layers[1:]]
    for number, level in enumerate(layer):
        layers[level][_Stop(number, level)] = None
    for number, (source, target) in enumerate(ends):
        stop = _Stop(source, layer[source])
        for level in range(layer[source] + 1, layer[target] + 1):
            arrived = level == layer[target]
            following = _Stop(target, level) if arrived else _Stop(source, level, True)
            place = arrows[target] if arrived else -1
            layers[level][following] = None
            link = links[level - 1].setdefault(
                (stop, following, place), _Link(stop, following, place)
            )
            link.curves.append(number)
            link.main = link.main or number in path
            stop = following
        arrows[target] += 1
    channels = [list(channel.values()) for channel in links]
    return _Graph(curves, arrows, [list(layer) for layer in layers], channels, ends)


def _layer_of(boxes: int, ends: Sequence[tuple[int, int]]) -> list[int]:
    """For each box its layer: right of its operands, and near its users where that is shorter."""
    operands: list[list[int]] = [[] for _ in range(boxes)]
    users: list[list[int]] = [[] for _ in range(boxes)]
    for source, target in ends:
        operands[target].append(source)
        users[source].append(target)
    layer = [0] * boxes
    for number in range(boxes):
        layer[number] = max((layer[operand] + 1 for operand in operands[number]), default=0)
    for number in reversed(range(boxes)):
        nearest = min((layer[user] for user in users[number]), default=layer[number] + 1) - 1
        # Moving right must not lengthen the line of an operand that others need further left.
        if all(
            (set(users[operand]) == {number} and not operands[operand])
            or any(layer[user] > nearest for user in users[operand])
            for operand in operands[number]
        ):
            layer[number] = nearest
    return layer


def _main_path(scene: Scene, ends: Sequence[tuple[int, int]]) -> set[int]:
    """The curves of the longest path to the last output, in the middle where several are."""
    depth = [0] * len(scene.boxes)
    into: list[list[int]] = [[] for _ in scene.boxes]
    for number, (source, target) in enumerate(ends):
        depth[target] = max(depth[target], depth[source] + 1)
        into[target].append(number)
    outputs = [number for number, box in enumerate(scene.boxes) if box.is_output]
    here = outputs[-1] if outputs else len(scene.boxes) - 1
    path = set()
    while here >= 0 and into[here]:
        longest = [one for one in into[here] if depth[ends[one][0]] == depth[here] - 1]
        best = longest[(len(longest) - 1) // 2]
        path.add(best)
        here = ends[best][0]
    return path


# Order


def _arranged(scene: Scene, graph: _Graph) -> list[list[_Stop]]:
    """The layers, each from top to bottom, so that few lines cross; boxes without lines last."""
    linked = {number for pair in graph.ends for number in pair}
    starts = _starts(
        scene,
        graph.ends,
        [[stop for stop in layer if stop.box in linked] for layer in graph.layers],
    )
    layers = min(
        (_ordered(start, graph.links, graph.arrows) for start in starts),
        key=lambda found: _tangle(found, graph.links, graph.arrows),
    )
    layers[0] = layers[0] + [stop for stop in graph.layers[0] if stop.box not in linked]
    return layers


def _starts(
    scene: Scene, ends: Sequence[tuple[int, int]], layers: list[list[_Stop]]
) -> Iterator[list[list[_Stop]]]:
    """Orders to begin with: that of the scene, and that of a walk from the outputs."""
    hint = [box.y if scene.direction == "right" else box.x for box in scene.boxes]
    yield [sorted(layer, key=lambda stop: (hint[stop.box], stop)) for layer in layers]
    operands: list[list[int]] = [[] for _ in scene.boxes]
    used = set()
    for source, target in ends:
        operands[target].append(source)
        used.add(source)
    rank: dict[int, int] = {}
    waiting = [number for number in range(len(scene.boxes)) if number not in used]
    waiting.reverse()
    while waiting:
        number = waiting.pop()
        if number not in rank:
            rank[number] = len(rank)
            waiting.extend(reversed(operands[number]))
    yield [sorted(layer, key=lambda stop: (rank[stop.box], stop)) for layer in layers]


def _end(link: _Link, at: Mapping[_Stop, float], arrows: Sequence[int]) -> float:
    """How far down in its layer a link ends, in stops; its arrows count as parts of a box."""
    if link.place < 0:
        return at[link.after]
    return at[link.after] + (link.place + 0.5) / arrows[link.after.box] - 0.5


def _between(
    upper: Sequence[_Stop], lower: Sequence[_Stop], channel: list[_Link], arrows: Sequence[int]
) -> tuple[int, float]:
    """How often the links of a channel cross, and how far they lead up or down, in stops.

    The main path counts three times.
    """
    first = {stop: number for number, stop in enumerate(upper)}
    second = {stop: number for number, stop in enumerate(lower)}
    ways = sorted((first[link.before], _end(link, second, arrows), link.main) for link in channel)
    crossings = 0
    ends: list[float] = []
    for _, end, _ in ways:
        crossings += len(ends) - bisect(ends, end)
        insort(ends, end)
    middle = (len(lower) - len(upper)) / 2
    far = sum(abs(end - start - middle) * (3 if main else 1) for start, end, main in ways)
    return crossings, far


def _tangle(
    layers: list[list[_Stop]], channels: list[list[_Link]], arrows: Sequence[int]
) -> tuple[int, float]:
    """How often all links cross, and how far they lead up or down: less is better."""
    found = [
        _between(layers[number], layers[number + 1], channel, arrows)
        for number, channel in enumerate(channels)
    ]
    return sum(crossings for crossings, _ in found), round(sum(far for _, far in found), 6)


def _ordered(
    layers: list[list[_Stop]], channels: list[list[_Link]], arrows: Sequence[int]
) -> list[list[_Stop]]:
    """The layers with few crossings: sweeps to the mean of neighbours, then swaps of two."""
    best, least = layers, _tangle(layers, channels, arrows)
    for sweep in range(16):
        layers = [list(layer) for layer in layers]
        levels = range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1)
        for level in levels:
            pulls: defaultdict[_Stop, list[float]] = defaultdict(list)
            if sweep % 2 == 0 and level:
                above = {stop: number for number, stop in enumerate(layers[level - 1])}
                for link in channels[level - 1]:
                    pulls[link.after].append(above[link.before])
            if sweep % 2 == 1 and level < len(channels):
                below = {stop: number for number, stop in enumerate(layers[level + 1])}
                for link in channels[level]:
                    pulls[link.before].append(_end(link, below, arrows))
            place = {
                stop: sum(pulls[stop]) / len(pulls[stop]) if stop in pulls else float(number)
                for number, stop in enumerate(layers[level])
            }
            layers[level].sort(key=place.__getitem__)
            _swap(layers, level, channels, arrows)
        tangle = _tangle(layers, channels, arrows)
        if tangle < least:
            best, least = [list(layer) for layer in layers], tangle
    return best


def _swap(
    layers: list[list[_Stop]], level: int, channels: list[list[_Link]], arrows: Sequence[int]
) -> None:
    """Swap neighbours in a layer as long as that makes it better."""
    layer = layers[level]
    sides = range(max(level - 1, 0), min(level + 1, len(channels)))

    def cost() -> tuple[int, float]:
        found = [_between(layers[at], layers[at + 1], channels[at], arrows) for at in sides]
        return sum(one for one, _ in found), round(sum(far for _, far in found), 6)

    least = cost()
    better = True
    while better:
        better = False
        for at in range(len(layer) - 1):
            layer[at], layer[at + 1] = layer[at + 1], layer[at]
            found = cost()
            if found < least:
                least, better = found, True
            else:
                layer[at], layer[at + 1] = layer[at + 1], layer[at]


# Rows


class _Rows:
    """Whole numbers as near to each other as bounds between them allow.

    The sum of ``weight·|a − b − apart|`` is made smallest under ``a − b ≥ least``. A function of
    this kind is smallest where moving no set of numbers by one makes it smaller, and the best set
    to move is a smallest cut (Murota, Discrete Convex Analysis, 2003, section 10.3).
    """

    def __init__(self) -> None:
        self.values: list[int] = []
        self._pulls: list[tuple[int, int, int, int]] = []
        self._bounds: list[tuple[int, int, int]] = []

    def new(self, value: int) -> int:
        """A number, by its index; the values given at first must keep to all bounds."""
        self.values.append(value)
        return len(self.values) - 1

    def pull(self, a: int, b: int, apart: int, weight: int) -> None:
        """Let ``a − b`` be near ``apart``."""
        self._pulls.append((a, b, apart, weight))

    def bound(self, a: int, b: int, least: int) -> None:
        """Let ``a − b`` be ``least`` or more."""
        self._bounds.append((a, b, least))

    def settle(self) -> list[int]:
        """The numbers."""
        for step in (8, 4, 2, 1):
            moved = True
            while moved:
                moved = any([self._move(step), self._move(-step)])
        return self.values

    def _move(self, step: int) -> bool:
        """Move the best set of numbers by a step; False: no set makes the sum smaller."""
        costs = [0] * len(self.values)
        cut = _Cut(len(self.values))
        for a, b, apart, weight in self._pulls:
            away = self.values[a] - self.values[b] - apart
            only_a = weight * (abs(away + step) - abs(away))
            only_b = weight * (abs(away - step) - abs(away))
            # only_a·x(1 − y) + only_b·(1 − x)y, written with one product that is not negative.
            costs[a] -= only_b
            costs[b] += only_b
            cut.join(a, b, only_a + only_b)
        for a, b, least in self._bounds:
            room = self.values[a] - self.values[b] - least
            if room < abs(step):
                cut.join(*((b, a) if step > 0 else (a, b)), _Cut.INFINITE)
        chosen = cut.smallest(costs)
        for number in chosen:
            self.values[number] += step
        return bool(chosen)


class _Cut:
    """The set of numbers that costs least, where a pair costs if only its first is in the set."""

    INFINITE: Final = 10**12

    def __init__(self, size: int) -> None:
        self._start, self._end = size, size + 1
        self._room: list[dict[int, int]] = [{} for _ in range(size + 2)]

    def join(self, a: int, b: int, cost: int) -> None:
        """``cost`` is due if ``a`` is in the set and ``b`` is not."""
        if cost:
            self._room[a][b] = self._room[a].get(b, 0) + cost
            self._room[b].setdefault(a, 0)

    def smallest(self, costs: Sequence[int]) -> list[int]:
        """The set, given what each member costs by itself: less than the empty set, or empty."""
        for number, cost in enumerate(costs):
            if cost < 0:
                self.join(self._start, number, -cost)
            else:
                self.join(number, self._end, cost)
        while True:
            reached = self._reached()
            if self._end not in reached:
                return [number for number in reached if number < self._start]
            way = [self._end]
            while way[-1] != self._start:
                way.append(reached[way[-1]])
            steps = list(zip(way[1:], way, strict=False))
            flow = min(self._room[a][b] for a, b in steps)
            for a, b in steps:
                self._room[a][b] -= flow
                self._room[b][a] += flow

    def _reached(self) -> dict[int, int]:
        """What has a way with room from the start, each with the one before it."""
        reached = {self._start: self._start}
        waiting = deque([self._start])
        while waiting and self._end not in reached:
            here = waiting.popleft()
            for there, room in self._room[here].items():
                if room > 0 and there not in reached:
                    reached[there] = here
                    waiting.append(there)
        return reached


# Channels


@dataclass(slots=True)
class _Trunk:
    """The upright line of a box's lines in a channel.

    Attributes:
        left: The row where it is reached from the left.
        rights: The rows where it is left to the right.
        track: Its place in the channel, from 0.
        after: The trunk of the same lines that it is reached from, where they need two.
    """

    left: int
    rights: set[int]
    track: int = 0
    after: _Trunk | None = None

    @property
    def low(self) -> int:
        return min(self.left, *self.rights)

    @property
    def high(self) -> int:
        return max(self.left, *self.rights)

    def meets(self, other: _Trunk) -> bool:
        """Whether the two need different tracks."""
        return self.low <= other.high and other.low <= self.high

    def must_precede(self, other: _Trunk) -> bool:
        """Whether this one stands left of the other, lest level lines of both share a row."""
        if other.after is self or self.after is other:
            return other.after is self
        return self is not other and self.left in other.rights

    def crossings(self, other: _Trunk) -> int:
        """How often lines cross where this trunk stands left of the other."""
        return (self.low < other.left < self.high) + sum(
            other.low < row < other.high for row in self.rights
        )


def _routed(ways: dict[_Stop, tuple[int, set[int]]]) -> dict[_Stop, list[_Trunk]]:
    """The trunks of each stop in a channel, given its row and the rows where its links end.

    A stop whose lines run straight has none, one in a circle of stops that exchange their rows
    has two, all others have one.
    """
    trunks = {
        stop: [_Trunk(row, rights)] for stop, (row, rights) in ways.items() if rights != {row}
    }
    used = {row for row, rights in ways.values() for row in (row, *rights)}
    order: list[_Trunk] = []
    waiting = [trunk for own in trunks.values() for trunk in own]
    while waiting:
        free = [one for one in waiting if not any(two.must_precede(one) for two in waiting)]
        if free:
            order.append(free[0])
            waiting.remove(free[0])
            continue
        circle = waiting[0]
        seen: list[_Trunk] = []
        while circle not in seen:
            seen.append(circle)
            circle = next(two for two in waiting if two.must_precede(circle))
        row = min(
            set(range(max(used) + 2)) - used,
            key=lambda row: (abs(row - circle.left) + abs(row - min(circle.rights)), row),
        )
        used.add(row)
        rest = _Trunk(row, circle.rights, after=circle)
        circle.rights = {row}
        next(own for own in trunks.values() if own[0] is circle).append(rest)
        waiting.append(rest)
    _untangled(order)
    for number, trunk in enumerate(order):
        trunk.track = max((one.track + 1 for one in order[:number] if one.meets(trunk)), default=0)
    return trunks


def _untangled(order: list[_Trunk]) -> None:
    """Move trunks to where fewer lines cross, as far as they may."""
    better = True
    while better:
        better = False
        for trunk in tuple(order):
            here = order.index(trunk)
            rest = order[:here] + order[here + 1 :]
            # What the crossings with each other trunk become when this one passes to its left.
            best, least, sum_so_far = here, 0, 0
            for step in (-1, 1):
                sum_so_far, at = 0, here
                while (at > 0) if step < 0 else (at < len(rest)):
                    other = rest[at - 1] if step < 0 else rest[at]
                    first, second = (trunk, other) if step < 0 else (other, trunk)
                    if second.must_precede(first):
                        break
                    sum_so_far += first.crossings(second) - second.crossings(first)
                    at += step
                    if sum_so_far < least:
                        best, least = at, sum_so_far
            if least < 0:
                order[:] = [*rest[:best], trunk, *rest[best:]]
                better = True


# Drawing


def _cells(text: str, style: str) -> list[Cell]:
    """A piece of writing, one cell a column; what cannot be printed becomes U+FFFD."""
    cells: list[Cell] = []
    for character in text:
        shown = character if character.isprintable() else "\ufffd"
        if unicodedata.name(shown, "").startswith("VARIATION SELECTOR"):
            shown = "\ufffd"
        columns = cell_len(shown)
        if not columns and not cells:
            cells.append(Cell("◌" + shown, style))
        elif not columns:
            # A mark belongs to the letter before it, which is the cell before an empty one.
            at = len(cells) - 1
            while not cells[at].text:
                at -= 1
            cells[at] = Cell(cells[at].text + shown, style)
        else:
            cells += [Cell(shown, style), *[Cell("", style)] * (columns - 1)]
    return cells


def _row(texts: Iterable[Text], faded: bool = False) -> list[Cell]:
    """Pieces of writing side by side, two columns apart."""
    cells: list[Cell] = []
    for text in texts:
        style = f"{_TEXTS[text.role]} dim".strip() if faded else _TEXTS[text.role]
        cells += [Cell(" ")] * (2 if cells else 0)
        mark = _MARKS.get(text.role, "")
        marked = text.text.startswith(mark.strip())
        cells += _cells(text.text if marked else mark + text.text, style)
    return cells


def _inside(box: Box, shared: bool) -> list[list[Cell]]:
    """The lines of writing in a box."""
    texts = [text for text in box.texts if text.text]
    lines: list[list[Text]] = []
    for text in texts:
        line = _LINE.get(text.role)
        joins = lines and line is not None and line == _LINE.get(lines[-1][-1].role)
        if joins and (shared or line == 0):
            lines[-1].append(text)
        else:
            lines.append([text])
    return [_row(line, box.faded) for line in lines]


class _Drawing:
    """One manner of drawing a graph: where everything stands, then the characters."""

    def __init__(self, scene: Scene, graph: _Graph, manner: _Manner) -> None:
        self.scene = scene
        self.graph = graph
        self.manner = manner
        self.used = {source for source, _ in graph.ends}
        self.inside = [_inside(box, manner.shared) for box in scene.boxes]
        self.bare = [
            box.kind == "constant" and not box.is_output and not graph.arrows[number]
            for number, box in enumerate(scene.boxes)
        ]
        self.labels = [
            _row((text for text in curve.texts if text.role != "operand"), curve.faded)
            for curve in graph.curves
        ]
        for number, bare in enumerate(self.bare):
            if bare:
                texts = (text for text in scene.boxes[number].texts if text.text)
                self.inside[number] = [_row(texts, True)]
        self.ending = [self._line(channel) for channel in graph.links]
        self.grid: dict[tuple[int, int], Cell] = {}
        self.columns = [
            max(
                (self._columns(stop.box) for stop in layer if not stop.passing),
                default=1,
            )
            for layer in graph.layers
        ]

    def _line(self, channel: list[_Link]) -> int:
        """How long the lines of a channel are before their arrows, so that writing has room."""
        ending = [link.curves[0] for link in channel if link.place >= 0]
        label = min(max(len(self.labels[number]) for number in ending), self.manner.label)
        return label + (4 if self.manner.spread > 1 else 3) if label else 1

    def _columns(self, box: int) -> int:
        """How wide a box must be, border included."""
        inner = max([1, *map(len, self.inside[box])])
        return inner + 1 if self.bare[box] else inner + 2 + 2 * self.manner.margin

    def _lines(self, stop: _Stop) -> int:
        """How high a stop is."""
        if stop.passing or self.bare[stop.box]:
            return 1
        return max(1, len(self.inside[stop.box]), self.graph.arrows[stop.box]) + 2

    def may_fit(self, width: int, lines: int) -> bool:
        """False where boxes and straight lines alone are too wide or too high."""
        wide = sum(self.columns) + sum(line + 2 for line in self.ending)
        high = max(sum(map(self._lines, layer)) for layer in self.graph.layers)
        return wide <= width and high <= lines

    def canvas(self, layers: list[list[_Stop]], width: int) -> Canvas | None:
        """The characters, given each layer from top to bottom; None: they are too wide."""
        self._find_rows(layers)
        return self._paint(layers, width) if self._find_columns() <= width else None

    def _find_rows(self, layers: list[list[_Stop]]) -> None:
        """Place everything from top to bottom, so that lines run straight, the main path first."""
        rows = _Rows()
        top, bottom = rows.new(0), rows.new(0)
        tops: dict[_Stop, int] = {}
        outs: dict[_Stop, int] = {}
        arrows: dict[tuple[_Stop, int], int] = {}
        for layer in layers:
            at, above = 0, None
            for stop in layer:
                high = self._lines(stop)
                gap = self._gap(above, stop) if above else 0
                at += gap
                tops[stop] = here = rows.new(at)
                if above:
                    rows.bound(here, tops[above], self._lines(above) + gap)
                else:
                    rows.bound(here, top, 0)
                outs[stop] = here
                if high > 1:
                    outs[stop] = rows.new(at + 1)
                    rows.bound(outs[stop], here, 1)
                    rows.bound(here, outs[stop], 2 - high)
                    rows.pull(outs[stop], here, (high - 1) // 2, 3)
                count = self.graph.arrows[stop.box]
                previous = here
                for place in range(0 if stop.passing else count):
                    arrows[stop, place] = arrow = rows.new(at + 1 + place)
                    rows.bound(arrow, previous, 1)
                    rows.pull(arrow, here, 1 + (2 * place + 1) * (high - 2) // (2 * count), 3)
                    previous = arrow
                if previous != here:
                    rows.bound(here, previous, 2 - high)
                rows.pull(here, top, 0, 1)
                at += high
                above = stop
            if above:
                rows.bound(bottom, tops[above], self._lines(above))
                rows.values[bottom] = max(rows.values[bottom], at)
        rows.pull(bottom, top, 0, 40)
        straight = self._straight(layers)
        for number, link in enumerate(link for channel in self.graph.links for link in channel):
            end = tops[link.after] if link.place < 0 else arrows[link.after, link.place]
            weight = straight.get((link.before, link.after, link.place), 30)
            weight *= 1 + 2 * link.before.passing + 2 * (link.place < 0)
            # Slightly uneven weights, so that of two equal choices one is made and is straight.
            rows.pull(outs[link.before], end, 0, weight + number % 7)
        found = rows.settle()
        self.top = {stop: found[index] - found[top] for stop, index in tops.items()}
        self.out = {stop: found[index] - found[top] for stop, index in outs.items()}
        self.arrow = {place: found[index] - found[top] for place, index in arrows.items()}

    def _straight(self, layers: list[list[_Stop]]) -> dict[tuple[_Stop, _Stop, int], int]:
        """For the links that should run straight, how much: one of those that leave a stop."""
        height = {
            stop: at - (len(layer) - 1) / 2 for layer in layers for at, stop in enumerate(layer)
        }
        best: dict[_Stop, tuple[bool, float, _Link]] = {}
        for link in (link for channel in self.graph.links for link in channel):
            away = abs(_end(link, height, self.graph.arrows) - height[link.before])
            found = (not link.main, away, link)
            if link.before not in best or found[:2] < best[link.before][:2]:
                best[link.before] = found
        return {
            (link.before, link.after, link.place): 100 if aside else 300
            for aside, _, link in best.values()
        }

    def _gap(self, above: _Stop, below: _Stop) -> int:
        """Empty lines between two stops of a layer."""
        return self.manner.gap if self._lines(above) > 1 and self._lines(below) > 1 else 0

    def _end(self, link: _Link) -> int:
        """The row where a link ends."""
        return self.top[link.after] if link.place < 0 else self.arrow[link.after, link.place]

    def _find_columns(self) -> int:
        """Place everything from left to right; the columns that this takes."""
        self.trunks: list[dict[_Stop, list[_Trunk]]] = []
        self.left = [0]
        for level, channel in enumerate(self.graph.links):
            ways: dict[_Stop, tuple[int, set[int]]] = {}
            for link in channel:
                ways.setdefault(link.before, (self.out[link.before], set()))[1].add(self._end(link))
            trunks = _routed(ways)
            self.trunks.append(trunks)
            tracks = [trunk.track for own in trunks.values() for trunk in own]
            room = (max(tracks) * self.manner.spread + 1) if tracks else 0
            # A stub, the tracks, a line with its writing, and the arrowhead.
            room += 1 + self.ending[level] + 1
            self.left.append(self.left[-1] + self.columns[level] + room)
        return self.left[-1] + self.columns[-1]

    def _track(self, level: int, trunk: _Trunk) -> int:
        """The column of a trunk."""
        start = self.left[level] + self.columns[level]
        return start + 1 + trunk.track * self.manner.spread

    def _paint(self, layers: list[list[_Stop]], width: int) -> Canvas:
        """All characters."""
        crossed = self._paint_lines()
        labelled = self._paint_labels()
        for stop in (stop for layer in layers for stop in layer if not stop.passing):
            self._paint_box(stop)
        high = 1 + max((row for row, _ in self.grid), default=0)
        wide = self.left[-1] + self.columns[-1]
        rows = [[self.grid.get((row, at), Cell(" ")) for at in range(wide)] for row in range(high)]
        notes = self._notes(crossed, labelled, width)
        if notes:
            rows += [[], *notes]
        wide = max(map(len, rows))
        return Canvas(tuple(tuple(row + [Cell(" ")] * (wide - len(row))) for row in rows))

    def _ways(self) -> Iterator[tuple[_Link, list[tuple[int, int]]]]:
        """The corners (row, column) of each link, from border to border."""
        for level, channel in enumerate(self.graph.links):
            for link in channel:
                row = self.out[link.before]
                start = self.left[level]
                corners = [(row, start if link.before.passing else start + self.columns[level] - 1)]
                for trunk in self.trunks[level].get(link.before, ()):
                    column = self._track(level, trunk)
                    row = self._end(link)
                    if row not in trunk.rights:
                        (row,) = trunk.rights
                    corners += [(trunk.left, column), (row, column)]
                corners.append((row, self.left[level + 1] - (link.place >= 0)))
                yield link, corners

    def _paint_lines(self) -> bool:
        """The lines and arrowheads; whether lines of two boxes cross."""
        level: defaultdict[tuple[int, int], int] = defaultdict(int)
        upright: defaultdict[tuple[int, int], int] = defaultdict(int)
        owners: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        users: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        heads = set()
        for link, corners in self._ways():
            for (row, column), (end_row, end_column) in pairwise(corners):
                cells = [(row, at) for at in range(column, end_column + 1)]
                for a, b in pairwise(cells):
                    level[a] |= _RIGHT
                    level[b] |= _LEFT
                low, high = sorted((row, end_row))
                if column == end_column:
                    cells = [(at, column) for at in range(low, high + 1)]
                    for a, b in pairwise(cells):
                        upright[a] |= _DOWN
                        upright[b] |= _UP
                for cell in cells:
                    owners[cell].add(link.before.box)
                    users[cell].update(link.curves)
            if link.place >= 0:
                heads.add(corners[-1])
        crossed = False
        for cell, numbers in users.items():
            bridge = len(owners[cell]) > 1
            crossed = crossed or bridge
            shown = _STROKES[upright[cell] | (0 if bridge else level[cell])]
            curves = [self.graph.curves[number] for number in numbers]
            style = "dim" if all(curve.faded for curve in curves) else ""
            style = "bold" if any(curve.strong for curve in curves) else style
            self.grid[cell] = Cell("►" if cell in heads else shown, style)
        return crossed

    def _paint_labels(self) -> str:
        """The writing on lines, left of each arrowhead where there is room; what is written."""
        written, missing = False, False
        for link, corners in self._ways():
            if link.place < 0:
                continue
            (number,) = link.curves
            label = self.labels[number]
            row, end = corners[-1]
            start = end
            while self.grid.get((row, start - 1), Cell("")).text == "─":
                start -= 1
            room = end - start
            if not label:
                continue
            if room < len(label) + 3:
                missing = True
            else:
                at = end - len(label) - (2 if room > len(label) + 3 else 1)
                for offset, cell in enumerate([Cell(" "), *label, Cell(" ")]):
                    self.grid[row, at - 1 + offset] = cell
                written = True
        what = "on lines: local derivatives" if written else ""
        return f"{what}, where there is room" if written and missing else what

    def _paint_box(self, stop: _Stop) -> None:
        """One box: its border and its writing; a constant is its number alone."""
        box = self.scene.boxes[stop.box]
        top, left = self.top[stop], self.left[stop.layer]
        right = left + self.columns[stop.layer] - 1
        lines = self.inside[stop.box]
        if self.bare[stop.box]:
            text = [*(lines[0] if lines else []), Cell(" ")]
            for offset, cell in enumerate(text):
                self.grid[top, right + 1 - len(text) + offset] = cell
            return
        frame = _FRAMES[
            "output" if box.is_output else "summary" if box.kind == "summary" else box.shape
        ]
        style = f"{_BORDERS[box.kind]} dim" if box.faded else _BORDERS[box.kind]
        style = f"{style} bold" if box.state == "current" else style
        high = self._lines(stop)
        level = frame.level * (right - left - 1)
        for row, ends in ((top, frame.corners[:2]), (top + high - 1, frame.corners[2:])):
            for offset, character in enumerate(ends[0] + level + ends[1]):
                self.grid[row, left + offset] = Cell(character, style)
        for row in range(top + 1, top + high - 1):
            for at in range(left + 1, right):
                self.grid[row, at] = Cell(" ")
            leaves = stop.box in self.used and row == self.out[stop]
            self.grid[row, left] = Cell(frame.upright, style)
            self.grid[row, right] = Cell(frame.port if leaves else frame.upright, style)
        first_row = top + 1 + (high - 2 - len(lines)) // 2
        for offset, line in enumerate(lines):
            start = left + 1 + (right - left - 1 - len(line)) // 2
            for at, cell in enumerate(line):
                self.grid[first_row + offset, start + at] = cell

    def _notes(self, crossed: bool, labelled: str, width: int) -> list[list[Cell]]:
        """What is below the drawing: the captions, and what its numbers are."""
        roles = {text.role for box in self.scene.boxes for text in box.texts if text.text}
        words: list[list[Cell]] = []
        if "value" in roles:
            words.append(_cells("value", _TEXTS["value"]))
        words += [
            _cells(_MARKS[role] + role, _TEXTS[role])
            for role in ("adjoint", "tangent")
            if role in roles
        ]
        if labelled:
            words.append(_cells(labelled, _TEXTS["local"]))
        if crossed:
            words.append(_cells("─│─ lines that only cross", "dim"))
        notes: list[list[Cell]] = []
        for caption in self.scene.captions:
            # The others are the legend of a coloured drawing.
            if caption.role == "caption":
                notes += _wrapped([_cells(caption.text, "dim")], 0, width)
        return notes + _wrapped(words, 3, width)


def _wrapped(phrases: Iterable[list[Cell]], apart: int, width: int) -> list[list[Cell]]:
    """Phrases on as many lines as they need, cut at a space where one is wider than a line."""
    lines: list[list[Cell]] = []
    for rest in phrases:
        if lines and len(lines[-1]) + apart + len(rest) <= width:
            lines[-1] += [Cell(" ")] * apart + rest
            continue
        while len(rest) > width:
            spaces = (at for at in range(width, 0, -1) if rest[at].text == " ")
            wide = width > 1 and not rest[width].text
            cut = next(spaces, width - 1 if wide else width)
            lines.append(rest[:cut])
            rest = rest[cut + (rest[cut].text == " ") :]
        lines.append(list(rest))
    return lines
