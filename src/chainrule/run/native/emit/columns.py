"""Sums down the columns of arrays: many columns side by side, one row after the other.

Where memory runs along the axis that stays and not along those that are added up, vectors lie along
the one that stays, and every row of a chunk of columns is added to totals in the fastest memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from chainrule.run.native.emit.element import cost
from chainrule.run.native.emit.lanes import Value
from chainrule.run.native.emit.loops import BLOCK, Loops, Values, corrected, lost_by
from chainrule.run.native.plan.kernels import Box, Kernel, Place, place_words

_CHUNK: Final = 256
"""Columns whose totals are kept at once; a multiple of the lanes of every vector."""
_MOST: Final = 8
"""Sums at once, as their totals lie on the stack."""
_CHEAP: Final = 8
"""Instructions that may be done in every row for what only depends on the column."""


def arranged(kernel: Kernel, width: int) -> Kernel | None:
    """The kernel with its last axis that stays as the innermost one; None where that is no use."""
    kept = len(kernel.sizes) - kernel.reduced
    if not (width > 1 and kernel.reduced and kept and kernel.boxes):
        return None
    lane, last = kept - 1, len(kernel.sizes) - 1
    if len(kernel.totals) > _MOST or kernel.sizes[lane] < width:
        return None
    places = [step.place for box in kernel.boxes for step in box.steps if step.place is not None]
    jumps = [sum(_stride(place, axis) not in (0, 1) for place in places) for axis in (lane, last)]
    if jumps[0] >= jumps[1] or any(_is_dear(kernel, box, lane) for box in kernel.boxes):
        return None
    order = [*range(lane), *range(kept, last + 1), lane]

    def turned(place: Place) -> Place:
        return place._replace(strides=tuple([_stride(place, axis) for axis in order]))

    boxes = [
        box._replace(
            ranges=tuple([box.ranges[axis] for axis in order]),
            steps=tuple(
                [
                    step if step.place is None else step._replace(place=turned(step.place))
                    for step in box.steps
                ]
            ),
            stores=tuple([store._replace(place=turned(store.place)) for store in box.stores]),
        )
        for box in kernel.boxes
    ]
    return kernel._replace(
        sizes=tuple([kernel.sizes[axis] for axis in order]),
        boxes=tuple(boxes),
        totals=tuple([place._replace(strides=place.strides[:kept]) for place in kernel.totals]),
    )


def _stride(place: Place, axis: int) -> int:
    return place.strides[axis] if place.strides else 0


def _is_dear(kernel: Kernel, box: Box, lane: int) -> bool:
    """Whether much is computed from the column alone: it would be done again in every row."""
    below: list[bool] = [False] * len(kernel.uniform)  # whether a step changes along added axes
    along: list[bool] = [False] * len(kernel.uniform)  # and along the columns
    instructions = 0
    for step in box.steps:
        place = step.place
        strides = place.strides if place is not None else ()
        below.append(any(strides[lane + 1 :]) or any(below[at] for at in step.operands))
        along.append(any(strides[lane : lane + 1]) or any(along[at] for at in step.operands))
        if place is None and along[-1] and not below[-1]:
            instructions += cost(step.node)
    return instructions > _CHEAP


class _Column(NamedTuple):
    """Memory of one sum of a chunk: an array for each; see `loops.Loops`."""

    kind: str
    part: str
    sum: str
    error: str


class Columns(Loops):
    """A kernel that `arranged` gave, on its way to text.

    Its axes are those that stay but for the last one, those that are added up over, the last one.
    """

    def _prepare(self) -> None:
        self._outer = len(self.kernel.sizes) - self.kernel.reduced - 1
        self._columns = [self._column(total.kind) for total in self.totals]
        self._span = ("0", "0")  # the first column of the chunk, and the one after the last
        self._mask_here: str | None = None
        self._offset = "0"  # of the vector at hand in the chunk

    def _column(self, kind: str) -> _Column:
        memory = f"[{_CHUNK} x {kind}], align 64"
        return _Column(kind, *[self._variable(memory) for _ in range(3)])

    def _loops(self, box: Box, axis: int, indices: list[str], known: Values) -> None:
        if axis == self._outer:
            low, high = box.ranges[-1]
            whole = low + (high - low) // self.width * self.width
            if whole > low:
                with self._loop(str(low), str(whole), _CHUNK) as start:
                    end = self.plain.add(Value(start, "i64"), Value(str(_CHUNK), "i64"))
                    end = self.plain.minimum(end, Value(str(whole), "i64"))
                    self._chunk(box, indices, known, (start, end.text), None)
            if whole < high:
                span = str(whole), str(whole + self.width)
                self._chunk(box, indices, known, span, self._mask(high - whole))
        elif axis == len(box.ranges) - 1:
            spread = {at: self.code.spread(value) for at, value in known.items()}
            with self._vectors() as column:
                self._body(box, [*indices, column], spread, self._mask_here, 0)
        else:
            self._from_axis(box, axis, indices, known)

    def _together(self, box: Box, axis: int) -> int:
        low, high = box.ranges[axis]
        if axis < self._outer:
            return high - low
        before = 1
        for inner in range(len(box.ranges) - 2, axis, -1):
            first, last = box.ranges[inner]
            before = before * (last - first) if self._together(box, inner) >= last - first else 1
        return max(1, BLOCK // before)

    def _chunk(
        self,
        box: Box,
        indices: list[str],
        known: Values,
        span: tuple[str, str],
        mask: str | None,
    ) -> None:
        """The columns from one to another: all their rows, then their sums."""
        self._span, self._mask_here = span, mask
        self._clear()
        self._from_axis(box, self._outer, indices, known)
        self._gather(last=True)
        added = box.ranges[self._outer : -1]
        self._settle(indices, first=all(low == 0 for low, _ in added), box=box)

    @contextmanager
    def _vectors(self) -> Iterator[str]:
        """A loop over the vectors of the chunk; gives the first column of each."""
        start, end = self._span
        with self._loop(start, end, self.width) as column:
            offset = self.plain.subtract(Value(column, "i64"), Value(start, "i64"))
            self._offset = offset.text
            yield column

    def _at(self, kind: str, memory: str) -> str:
        """Where the vector at hand lies in an array of totals."""
        element = f"getelementptr {kind}, ptr {memory}, i64 {self._offset}"
        return self.plain.emit("ptr", element).text

    def _load(self, kind: str, memory: str) -> Value:
        vector = self.code.type(kind)
        return self.code.emit(kind, f"load {vector}, ptr {self._at(kind, memory)}")

    def _store(self, memory: str, value: Value) -> None:
        vector = self.code.type(value.kind)
        at = self._at(value.kind, memory)
        self.code.add_line(f"  store {vector} {value.text}, ptr {at}")

    # --- sums -----------------------------------------------------------------------------------

    def _add_up(self, box: Box, values: Values, *_: object) -> None:
        for total in box.sums:
            if self.notes is not None:
                self.code.comment(f"s{total.total} += {self._label(box, total.step)}")
            value, memory = values[total.step], self._columns[total.total].part
            self._store(memory, self.code.add(self._load(value.kind, memory), value))

    def _clear(self) -> None:
        self._gathered = False
        with self._vectors():
            for kind, *memories in self._columns:
                for memory in memories:
                    self._store(memory, self.code.constant(0, kind))

    def _gather(self, *, last: bool = False) -> None:
        code = self.code
        first, self._gathered = last and not self._gathered, True
        with self._vectors():
            for kind, part, total, error in self._columns:
                value, before = self._load(kind, part), self._load(kind, total)
                after = code.add(before, value)
                if value.is_float and not first:
                    lost = lost_by(code, before, value, after)
                    self._store(error, code.add(self._load(kind, error), lost))
                self._store(total, after)
                self._store(part, code.constant(0, kind))

    def _settle(self, indices: Sequence[str], *, first: bool, box: Box | None = None) -> None:
        code, mask = self.code, self._mask_here
        added = () if box is None else [total.total for total in box.sums]
        with self._vectors() as column:
            here = [*indices, column]
            for number, place in enumerate(self.kernel.totals):
                if number not in added:
                    continue
                kind, _, total, error = self._columns[number]
                value = self._load(kind, total)
                if value.is_float:
                    value = corrected(code, value, self._load(kind, error))
                if not first:
                    value = code.add(self.access.load(code, place, here, mask), value)
                if self.notes is not None:
                    code.comment(f"{place_words(place)} = s{number}")
                self.access.store(code, value, place, here, mask)
