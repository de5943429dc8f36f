"""Bodies without sums, cut into functions of bounded size: graphs of numbers, at one point or many.

LLVM takes more than linear time for one function, so a long body becomes several. Values that a
later one needs lie in a frame, which is scratch memory; inputs and constants are read anew. For
many points the same functions compute a vector of points at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from chainrule.graph.node import CONSTANT
from chainrule.graph.types import UNKNOWN
from chainrule.run.native.emit.abreast import abreast
from chainrule.run.native.emit.access import Access, memory_kind, of_memory, to_memory
from chainrule.run.native.emit.counters import counted
from chainrule.run.native.emit.element import cost, element
from chainrule.run.native.emit.frame import Frame
from chainrule.run.native.emit.lanes import SIZES, Code, Module, Value, kind_of
from chainrule.run.native.emit.loops import ARGUMENTS
from chainrule.run.native.plan.kernels import Box, Home, Kernel, Place, Step, Store, place_words
from chainrule.run.native.plan.memory import Layout

LONGEST: Final = 600
"""About how many instructions a function has."""

TOGETHER: Final = 12
"""How many functions one module has: LLVM cannot be stopped in the middle of one."""

_POINTS: Final = f"{ARGUMENTS}, i64 %first, i64 %left"
"""What a function for a vector of points takes: the first one, and how many are left from there."""


def over_points(kernel: Kernel, moving: Sequence[bool]) -> Kernel:
    """The kernel of a graph of numbers as a loop over points.

    Args:
        kernel: Of a graph of numbers, without axes.
        moving: Whether each input has a value for each point.
    """

    def moved(place: Place) -> Place:
        home, number, type = place.buffer
        if home is Home.INPUT and not moving[number]:
            return place
        return Place(place.buffer._replace(type=type.with_shape((UNKNOWN,))), 0, (1,))

    (box,) = kernel.boxes
    steps = [s if s.place is None else s._replace(place=moved(s.place)) for s in box.steps]
    stores = [Store(store.step, moved(store.place)) for store in box.stores]
    box = box._replace(ranges=((0, UNKNOWN),), steps=tuple(steps), stores=tuple(stores))
    return kernel._replace(sizes=(UNKNOWN,), boxes=(box,))


class Written(NamedTuple):
    """A body as text.

    Attributes:
        modules: The first one has the function that runs the others.
        parts: The functions of the modules behind the first: where each of them lies stands in the
            table of constants, in this order.
        frame: Bytes of scratch memory.
    """

    modules: tuple[Module, ...]
    parts: tuple[tuple[str, ...], ...]
    frame: int


def write_straight(
    new: Callable[[], Module], kernel: Kernel, name: str, width: int, *, profile: bool = False
) -> Written:
    """A kernel of a graph of numbers as text, in several modules if it is very long.

    The function takes the four pointers; over points also the first point and the one after the
    last.

    Args:
        new: Makes an empty module.
        kernel: The kernel.
        name: Of the function.
        width: How many lanes a vector has: points that are computed at once, or at one point the
            steps of a group.
        profile: Whether the calls of its functions are counted; the address of the counters stands
            in the table of constants behind the functions.
    """
    return _Straight(new, kernel, name, width, profile).write()


class _Straight:
    """One body on its way to functions."""

    def __init__(
        self, new: Callable[[], Module], kernel: Kernel, name: str, width: int, profile: bool
    ) -> None:
        (self._box,) = kernel.boxes
        self._points = bool(kernel.sizes)
        self._new = new
        self._module = new()
        self._name = name
        self._width = width if self._points else 1
        self._lanes = width
        self._groups = {} if self._points else dict(self._box.groups)
        self._parts = cut(self._box)
        self._apart = len(self._parts) > TOGETHER
        self._profile = profile
        self._last = self._last_uses()
        self._frame = Frame()

    def _last_uses(self) -> list[int]:
        """For each step the last part that reads it."""
        last = [0] * len(self._box.steps)
        for number, part in enumerate(self._parts):
            for at in part:
                for operand in self._box.steps[at].operands:
                    last[operand] = number
        return last

    def write(self) -> Written:
        stores: dict[int, list[Store]] = {}
        for store in self._box.stores:
            stores.setdefault(store.step, []).append(store)
        first = self._module
        modules, names = [first], list[list[str]]()
        for number, part in enumerate(self._parts):
            if self._apart and number % TOGETHER == 0:
                self._module = self._new()
                modules.append(self._module)
                count = min(TOGETHER, len(self._parts) - number)
                names.append([self._part_name(number + at) for at in range(count)])
            self._write_part(number, part, stores)
        self._module = first
        first.define(self._name, self._loop() if self._points else self._sequence())
        return Written(tuple(modules), tuple(map(tuple, names)), self._frame.size)

    def _part_name(self, number: int) -> str:
        return f"{self._name}.{number}"

    def _write_part(self, number: int, part: Sequence[int], stores: dict[int, list[Store]]) -> None:
        steps = self._box.steps
        code = Code(self._module, self._width)
        access = Access(code, Layout((), 0))
        indices = ["%first"] if self._points else []
        mask = _lanes_left(code) if self._points else None
        values: dict[int, Value] = {}
        notes = self._module.notes

        def value(at: int) -> Value:
            if at not in values:
                step = steps[at]
                if notes is not None and step.node.op is not CONSTANT:
                    code.comment(notes.text(step.node))
                if step.place is not None:
                    values[at] = access.load(code, step.place, indices, mask)
                elif step.node.op is CONSTANT:
                    values[at] = element(code, step.node, ())
                else:
                    values[at] = self._from_frame(code, at)
            return values[at]

        made = []
        for at in part:
            step = steps[at]
            if at in self._groups:
                self._write_group(code, range(at, self._groups[at]), value)
            elif not _is_anew(step) and at not in self._frame:
                operands = [value(x) for x in step.operands]
                if notes is not None:
                    code.comment(notes.text(step.node))
                values[at] = element(code, step.node, operands)
                if self._last[at] > number:
                    made.append(at)
            for store in stores.get(at, ()):
                stored = value(at)
                if notes is not None:
                    code.comment(f"{place_words(store.place)} = {notes.label(step.node)}")
                access.store(code, stored, store.place, indices, mask)
        for at in made:
            self._comment_kept(code, [at])
            self._frame.add([at], 8 * self._width)
            self._to_frame(code, at, values[at])
        for at in {x for own in part for x in (own, *steps[own].operands)}:
            if self._last[at] <= number and at in self._frame:
                self._frame.remove(at)
        # What is counted stays together; points are counted around their loop.
        inlined = len(self._parts) == 1 and (self._points or not self._profile)
        head = f"define {'' if self._apart else 'internal '}void @{self._part_name(number)}"
        given = _POINTS if self._points else ARGUMENTS
        self._module.define(
            self._part_name(number),
            "\n".join(
                [
                    f"{head}({given}) nounwind {'alwaysinline' if inlined else 'noinline'} {{",
                    *code.lines,
                    "  ret void",
                    "}",
                ]
            ),
        )

    def _write_group(self, code: Code, group: range, value: Callable[[int], Value]) -> None:
        """Steps side by side; their values are read from the frame."""
        steps = [self._box.steps[at] for at in group]
        operands = [[value(x) for x in step.operands] for step in steps]
        found = abreast(code, self._lanes, [step.node for step in steps], operands)
        self._comment_kept(code, group)
        self._frame.add(group, 8 * self._lanes, SIZES[self._kind(group.start)])
        self._to_frame(code.with_width(self._lanes), group.start, found)

    # --- the frame ------------------------------------------------------------------------------

    def _comment_kept(self, code: Code, kept: Iterable[int]) -> None:
        if (notes := self._module.notes) is not None:
            code.comment(f"kept: {', '.join([notes.label(self._box.steps[x].node) for x in kept])}")

    def _to_frame(self, code: Code, at: int, value: Value) -> None:
        value = to_memory(code, value)
        address = self._address(code, at)
        code.add_line(f"  store {code.type(value.kind)} {value.text}, ptr {address}, align 8")

    def _from_frame(self, code: Code, at: int) -> Value:
        kind = self._kind(at)
        memory, size = memory_kind(kind), SIZES[kind]
        address = self._address(code, at)
        found = code.emit(memory, f"load {code.type(memory)}, ptr {address}, align {size}")
        return of_memory(code, found, kind)

    def _address(self, code: Code, at: int) -> str:
        plain = code.with_width(1)
        return plain.emit("ptr", f"getelementptr i8, ptr %scratch, i64 {self._frame[at]}").text

    def _kind(self, at: int) -> str:
        return kind_of(self._box.steps[at].node.type)

    # --- what runs them -------------------------------------------------------------------------

    def _calls(self, given: str, tag: str) -> list[str]:
        """The calls of all parts with these arguments; ``tag`` keeps names apart."""
        lines = []
        for number in range(len(self._parts)):
            name = f"{tag}{number}"
            call = [f"  call void @{self._part_name(number)}({given})"]
            if self._apart:
                call = [
                    f"  %{name}.at = getelementptr ptr, ptr %context, i64 {number}",
                    f"  %{name} = load ptr, ptr %{name}.at, align 8",
                    f"  call void %{name}({given})",
                ]
            if self._profile and not (self._points and len(self._parts) == 1):
                call = counted(self._module, call, number, self._entry, name)
            lines += call
        return lines

    @property
    def _entry(self) -> int:
        """Where in the table of constants the address of the counters is."""
        return len(self._parts) if self._apart else 0

    def _sequence(self) -> str:
        head = f"define void @{self._name}({ARGUMENTS}) nounwind {{"
        return "\n".join([head, *self._calls(ARGUMENTS, "part"), "  ret void", "}"])

    def _loop(self) -> str:
        """Whole vectors of points, then those that are left over."""
        width = self._width
        lines = [
            f"define void @{self._name}({ARGUMENTS}, i64 %low, i64 %high) nounwind {{",
            f"  %whole = sub i64 %high, {width - 1}",
            "  %some = icmp slt i64 %low, %whole",
            "  br i1 %some, label %loop, label %rest",
            "loop:",
            "  %i = phi i64 [ %low, %0 ], [ %next, %loop ]",
            *self._calls(f"{ARGUMENTS}, i64 %i, i64 {width}", "part"),
            f"  %next = add i64 %i, {width}",
            "  %more = icmp slt i64 %next, %whole",
            "  br i1 %more, label %loop, label %rest",
            "rest:",
            "  %at = phi i64 [ %low, %0 ], [ %next, %loop ]",
            "  %left = sub i64 %high, %at",
            "  %any = icmp sgt i64 %left, 0",
            "  br i1 %any, label %last, label %end",
            "last:",
            *self._calls(f"{ARGUMENTS}, i64 %at, i64 %left", "rest"),
            "  br label %end",
            "end:",
            "  ret void",
            "}",
        ]
        if self._profile and len(self._parts) == 1:
            lines[1:-2] = counted(self._module, lines[1:-2], 0, self._entry, "all")
        return "\n".join(lines)


def _is_anew(step: Step) -> bool:
    """Whether a value is made anew in each function that needs it."""
    return step.place is not None or step.node.op is CONSTANT


def cut(box: Box) -> list[list[int]]:
    """The numbers of the steps of a box in parts of bounded length; no group is cut.

    Groups count as much as their steps alone, so that points have the same parts.
    """
    costs = [1 if _is_anew(step) else cost(step.node) for step in box.steps]
    for first, end in box.groups:
        costs[first:end] = [0] * (end - first - 1) + [sum(costs[first:end])]
    parts: list[list[int]] = [[]]
    length = 0
    for at, own in enumerate(costs):
        if length >= LONGEST:
            parts.append([])
            length = 0
        parts[-1].append(at)
        length += own
    return parts


def _lanes_left(code: Code) -> str:
    """Which lanes stand for points that there are."""
    plain = code.with_width(1)
    lanes = ", ".join(f"i64 {lane}" for lane in range(code.width))
    left = code.spread(Value("%left", "i64"))
    if code.width == 1:
        return plain.compare("lt", Value("0", "i64"), left).text
    vector = code.type("i64")
    return code.emit("i1", f"icmp sgt {vector} {left.text}, <{lanes}>").text
