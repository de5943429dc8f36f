"""Kernels as text of LLVM.

Every function takes the same four pointers: slots of inputs, slots of outputs, scratch memory, and
the constants. A slot holds a number, or where an array lies. The innermost axis of a loop runs in
vectors; what is left over at its end is done by one more vector whose surplus lanes are masked.

A long body is cut into functions of a bounded size, because LLVM takes more than linear time for
one function; values that a later part needs pass through a frame in scratch memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from chainrule.run.native.emit.access import Access
from chainrule.run.native.emit.lanes import KINDS, Code, Module, Value, kind_of
from chainrule.run.native.plan.kernels import (
    Box,
    Kernel,
    Place,
    Step,
    place_words,
    range_words,
)
from chainrule.run.native.plan.memory import Layout

ARGUMENTS: Final = "ptr %inputs, ptr %outputs, ptr %scratch, ptr %context"
"""What every function of a graph takes."""

BLOCK: Final = 128
"""Vectors, or rows of them, that are added to one total before totals are added up with care."""


Values = Mapping[int, Value]
"""Values of steps by their numbers."""


class _Totals(NamedTuple):
    """Memory of one sum while its loop runs; LLVM turns it into registers.

    Attributes:
        kind: Of its numbers.
        parts: Totals of vectors, added up alternately.
        sum: What whole blocks gave.
        error: What rounding took away from ``sum`` so far.
    """

    kind: str
    parts: tuple[str, ...]
    sum: str
    error: str


class Loops:
    """One kernel on its way to text."""

    def __init__(self, module: Module, kernel: Kernel, layout: Layout, width: int) -> None:
        self.kernel = kernel
        self.width = width if kernel.sizes else 1
        self.code = Code(module, self.width)
        self.access = Access(self.code, layout)
        self.plain = self.access.plain
        self.notes = module.notes
        self._entry: list[str] = []  # memory that lives as long as the function
        self._gathered = False  # whether blocks have been added to the sums

    def text(self, name: str) -> str:
        kernel, code = self.kernel, self.code
        for place in _places(kernel):
            self.access.base(place.buffer)
        uniform = self.access.values(self.plain, enumerate(kernel.uniform), {}, (), None)
        self.totals = [self._total(KINDS[place.buffer.type.dtype.name]) for place in kernel.totals]
        self._prepare()
        whole = kernel.reduced == len(kernel.sizes)
        if whole:
            self._clear()
        if not kernel.sizes:
            (box,) = kernel.boxes
            self._once(box)
        for box in kernel.boxes if kernel.sizes else ():
            if self.notes is not None:
                code.comment(f"for {range_words(kernel, box)}:")
            self._loops(box, 0, [], uniform)
        if whole:
            self._gather(last=True)
            self._settle([], first=not kernel.continues)
        elif not kernel.boxes:
            self._fill()
        lines = [
            f"define void @{name}({ARGUMENTS}) nounwind {{",
            *self._entry,
            *code.lines,
            "  ret void",
            "}",
        ]
        return "\n".join(lines)

    def _prepare(self) -> None:
        """Make ready what the loops need besides the totals."""

    def _label(self, box: Box, step: int) -> str:
        """What the value of a step is called, for comments."""
        assert self.notes is not None
        return self.notes.label((*self.kernel.uniform, *box.steps)[step].node)

    # --- memory -------------------------------------------------------------------------------

    def _variable(self, kind: str) -> str:
        name = f"%{self.code.label('m')}"
        self._entry.append(f"  {name} = alloca {kind}")
        return name

    # --- bodies ---------------------------------------------------------------------------------

    def _once(self, box: Box) -> None:
        values = self.access.values(self.plain, enumerate(box.steps), {}, (), None)
        for store in box.stores:
            if self.notes is not None:
                self.plain.comment(f"{place_words(store.place)} = {self._label(box, store.step)}")
            self.access.store(self.plain, values[store.step], store.place, (), None)
        for total in box.sums:
            self._set(self.totals[total.total].parts[0], values[total.step])

    def _body(
        self, box: Box, indices: Sequence[str], known: Values, mask: str | None, part: int
    ) -> None:
        """One vector of elements.

        Args:
            box: The part of the index space.
            indices: Of its first element, outermost first.
            known: What is the same for all elements along the innermost axis, in every lane.
            mask: Which lanes there are; None: all.
            part: Which of the totals of vectors sums go to.
        """
        code = self.code
        rest = [(at, step) for at, step in self._numbered(box) if at not in known]
        values = self.access.values(code, rest, known, indices, mask)
        for store in box.stores:
            if self.notes is not None:
                code.comment(f"{place_words(store.place)} = {self._label(box, store.step)}")
            self.access.store(code, values[store.step], store.place, indices, mask)
        self._add_up(box, values, mask, part)

    def _add_up(self, box: Box, values: Values, mask: str | None, part: int) -> None:
        """Add the elements of a vector to the totals."""
        code = self.code
        for total in box.sums:
            if self.notes is not None:
                code.comment(f"s{total.total} += {self._label(box, total.step)}")
            value, memory = values[total.step], self.totals[total.total]
            vector = code.type(value.kind)
            if mask is not None:
                zero = code.constant(0, value.kind)
                value = code.select(Value(mask, "i1"), value, zero)
            at = memory.parts[part % len(memory.parts)]
            before = code.emit(value.kind, f"load {vector}, ptr {at}")
            after = code.add(before, value)
            code.add_line(f"  store {vector} {after.text}, ptr {at}")

    def _single(self, box: Box, indices: Sequence[str], known: Values) -> None:
        """One element, as plain numbers: a vector would be made for one lane."""
        rest = [(at, step) for at, step in self._numbered(box) if at not in known]
        values = self.access.values(self.plain, rest, known, indices, None)
        for store in box.stores:
            if self.notes is not None:
                self.plain.comment(f"{place_words(store.place)} = {self._label(box, store.step)}")
            self.access.store(self.plain, values[store.step], store.place, indices, None)
        ends = {total.step: self.code.spread(values[total.step]) for total in box.sums}
        self._add_up(box, ends, self._mask(1), 0)

    # --- loops ----------------------------------------------------------------------------------

    def _numbered(self, box: Box) -> Iterator[tuple[int, Step]]:
        """The steps of a box with their numbers."""
        return enumerate(box.steps, start=len(self.kernel.uniform))

    def _depths(self, box: Box) -> list[int]:
        """For each step the innermost axis along which it changes; −1: none."""
        depths = [-1] * len(self.kernel.uniform)
        for step in box.steps:
            strides = step.place.strides if step.place is not None else ()
            own = [axis for axis, stride in enumerate(strides) if stride]
            depths.append(max([-1, *own, *[depths[x] for x in step.operands]]))
        return depths

    def _loops(self, box: Box, axis: int, indices: list[str], known: Values) -> None:
        """The loops of a box from this axis inward.

        Args:
            box: The part of the index space.
            axis: The axis.
            indices: Along the axes outside of it.
            known: The values that change along none of the axes from here on, as plain numbers.
        """
        kernel = self.kernel
        if axis and axis == len(kernel.sizes) - kernel.reduced:
            self._clear()
            self._from_axis(box, axis, indices, known)
            self._gather(last=True)
            ranges = box.ranges[axis:]
            self._settle(indices, first=all(low == 0 for low, _ in ranges), box=box)
        else:
            self._from_axis(box, axis, indices, known)

    def _from_axis(self, box: Box, axis: int, indices: list[str], known: Values) -> None:
        low, high = box.ranges[axis]
        if axis == len(box.ranges) - 1 and high - low == 1:
            self._single(box, [*indices, str(low)], known)
            return
        if axis == len(box.ranges) - 1:
            spread = {at: self.code.spread(value) for at, value in known.items()}
            self._innermost(box, low, high, indices, spread)
            return
        step = self._together(box, axis)
        if high - low > step:
            with self._loop(str(low), str(high), step) as start:
                end = self.plain.add(Value(start, "i64"), Value(str(step), "i64"))
                end = self.plain.minimum(end, Value(str(high), "i64"))
                self._rows(box, axis, (start, end.text), indices, known)
                self._gather()
        else:
            self._rows(box, axis, (str(low), str(high)), indices, known)

    def _together(self, box: Box, axis: int) -> int:
        """How many rows along an axis are added to one total before that is added up with care."""
        low, high = box.ranges[axis]
        if not box.sums or axis < len(box.ranges) - self.kernel.reduced:
            return high - low
        before = -(-(box.ranges[-1][1] - box.ranges[-1][0]) // self.width)
        for inner in range(len(box.ranges) - 2, axis, -1):
            first, last = box.ranges[inner]
            step = self._together(box, inner)
            before = before * (last - first) if step >= last - first else 1
        return max(1, BLOCK // before)

    def _rows(
        self, box: Box, axis: int, bounds: tuple[str, str], indices: list[str], known: Values
    ) -> None:
        """The loops inside of an axis, for a part of it."""
        depths = self._depths(box)
        own = [(at, step) for at, step in self._numbered(box) if depths[at] == axis]
        with self._loop(*bounds, 1) as index:
            here = [*indices, index]
            values = self.access.values(self.plain, own, known, here, None)
            self._loops(box, axis + 1, here, values)

    def _innermost(self, box: Box, low: int, high: int, indices: list[str], known: Values) -> None:
        """The innermost axis: vectors in blocks, then single vectors, then a masked one."""
        width, parts = self.width, len(self.totals[0].parts) if box.sums else 1
        wide = width * parts
        at = low
        block = wide * BLOCK
        if box.sums and high - at >= 2 * block:
            blocks_end = at + (high - at) // block * block
            with self._loop(str(at), str(blocks_end), block) as start:
                end = self.plain.add(Value(start, "i64"), Value(str(block), "i64")).text
                with self._loop(start, end, wide) as index:
                    self._wide(box, indices, index, known, parts)
                self._gather()
            at = blocks_end
        if parts > 1 and high - at >= wide:
            with self._loop(str(at), str(high - (high - at) % wide), wide) as index:
                self._wide(box, indices, index, known, parts)
            at = high - (high - at) % wide
        if high - at >= width:
            with self._loop(str(at), str(high - (high - at) % width), width) as index:
                self._body(box, [*indices, index], known, None, 0)
            at = high - (high - at) % width
        if at < high:
            self._body(box, [*indices, str(at)], known, self._mask(high - at), 0)

    def _wide(self, box: Box, indices: list[str], index: str, known: Values, parts: int) -> None:
        for part in range(parts):
            shift = Value(str(part * self.width), "i64")
            moved = self.plain.add(Value(index, "i64"), shift).text if part else index
            self._body(box, [*indices, moved], known, None, part)

    def _mask(self, count: int) -> str:
        """The first lanes, this many."""
        lanes = ", ".join(f"i1 {'true' if lane < count else 'false'}" for lane in range(self.width))
        return f"<{lanes}>" if self.width > 1 else "true"

    @contextmanager
    def _loop(self, low: str, high: str, step: int) -> Iterator[str]:
        """A loop that runs at least once; gives its index."""
        code = self.plain
        counter = self._variable("i64")
        label = code.label("loop")
        code.add_line(f"  store i64 {low}, ptr {counter}")
        code.add_line(f"  br label %{label}")
        code.add_line(f"{label}:")
        index = code.emit("i64", f"load i64, ptr {counter}")
        yield index.text
        after = code.add(index, Value(str(step), "i64"))
        code.add_line(f"  store i64 {after.text}, ptr {counter}")
        more = code.compare("lt", after, Value(high, "i64"))
        end = code.label("end")
        code.add_line(f"  br i1 {more.text}, label %{label}, label %{end}")
        code.add_line(f"{end}:")

    # --- sums -----------------------------------------------------------------------------------

    def _total(self, kind: str) -> _Totals:
        steps = max((len(box.steps) for box in self.kernel.boxes), default=0)
        count = 4 if steps <= 24 else 2 if steps <= 60 else 1
        parts = tuple([self._variable(self.code.type(kind)) for _ in range(count)])
        return _Totals(kind, parts, self._variable(kind), self._variable(kind))

    def _set(self, memory: str, value: Value) -> None:
        self.plain.add_line(f"  store {value.kind} {value.text}, ptr {memory}")

    def _get(self, memory: str, kind: str) -> Value:
        return self.plain.emit(kind, f"load {kind}, ptr {memory}")

    def _clear(self) -> None:
        """Begin with 0, as NumPy does: nothing but −0 adds up to 0."""
        self._gathered = False
        for total in self.totals:
            self._set(total.sum, self.plain.constant(0, total.kind))
            self._set(total.error, self.plain.constant(0, total.kind))
            self._clear_parts(total)

    def _clear_parts(self, total: _Totals) -> None:
        code = self.code
        vector = code.constant(0, total.kind)
        for part in total.parts:
            code.add_line(f"  store {code.type(total.kind)} {vector.text}, ptr {part}")

    def _gather(self, *, last: bool = False) -> None:
        """Add the totals of vectors to the sums, and begin anew.

        What rounding takes away from floating-point sums is kept and added at the end (Neumaier's
        compensated summation, 1974); nothing, where there is one block only.

        Args:
            last: Whether this is behind all loops.
        """
        code, plain = self.code, self.plain
        first, self._gathered = last and not self._gathered, True
        for total in self.totals:
            vector = code.type(total.kind)
            values = [code.emit(total.kind, f"load {vector}, ptr {p}") for p in total.parts]
            while len(values) > 1:
                values = [code.add(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
            value, before = code.total(values[0]), self._get(total.sum, total.kind)
            after = plain.add(before, value)
            if value.is_float and not first:
                lost = lost_by(plain, before, value, after)
                error = plain.add(self._get(total.error, total.kind), lost)
                self._set(total.error, error)
            self._set(total.sum, after)
            self._clear_parts(total)

    def _settle(self, indices: Sequence[str], *, first: bool, box: Box | None = None) -> None:
        """Store the sums; those of a box that is not the first along its axes add to the others."""
        plain = self.plain
        summed = {total.total for b in self.kernel.boxes for total in b.sums}
        for number, (total, place) in enumerate(zip(self.totals, self.kernel.totals, strict=True)):
            if box is not None and number not in {t.total for t in box.sums}:
                continue
            value = self._get(total.sum, total.kind)
            if value.is_float and self.kernel.sizes:
                value = corrected(plain, value, self._get(total.error, total.kind))
            if number not in summed:
                value = plain.constant(0, total.kind)
            if not first:
                value = plain.add(self.access.load(plain, place, indices, None), value)
            if self.notes is not None:
                plain.comment(f"{place_words(place)} = s{number}")
            self.access.store(plain, value, place, indices, None)

    def _fill(self) -> None:
        """Zeros for sums over nothing."""
        for place in self.kernel.totals:
            count = 1
            for size in place.buffer.type.shape:
                count *= size
            if count:
                with self._loop("0", str(count), 1) as index:
                    zero = self.plain.constant(0, kind_of(place.buffer.type))
                    flat = Place(place.buffer, 0, (1,))
                    self.access.store(self.plain, zero, flat, [index], None)


def lost_by(code: Code, a: Value, b: Value, sum: Value) -> Value:
    """What rounding took away from ``sum``, which is a + b."""
    larger = code.compare("ge", code.absolute(a), code.absolute(b))
    one, other = code.select(larger, a, b), code.select(larger, b, a)
    return code.add(code.subtract(one, sum), other)


def corrected(code: Code, sum: Value, error: Value) -> Value:
    """A sum with what rounding took away; infinite ones have no rounding errors to add."""
    finite = code.compare("eq", error, error)
    nonzero = code.compare("ne", error, code.constant(0, sum.kind))
    return code.select(code.bit_and(finite, nonzero), code.add(sum, error), sum)


def _places(kernel: Kernel) -> Iterator[Place]:
    yield from (step.place for step in kernel.uniform if step.place is not None)
    for box in kernel.boxes:
        yield from (step.place for step in box.steps if step.place is not None)
        yield from (store.place for store in box.stores)
    yield from kernel.totals
