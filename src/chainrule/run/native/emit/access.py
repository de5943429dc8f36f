"""Reading and writing memory: numbers in slots, elements of arrays, in every lane or in some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from chainrule.graph.node import CONSTANT
from chainrule.run.native.emit.element import element
from chainrule.run.native.emit.lanes import SIZES, Code, Value, kind_of
from chainrule.run.native.plan.kernels import Buffer, Home, Place, Step
from chainrule.run.native.plan.memory import Layout

_FIXED: Final = ", !invariant.load !0"


class Access:
    """Memory as one function sees it.

    Attributes:
        code: The function's instructions, in vectors.
        plain: The same function, for plain numbers.
    """

    def __init__(self, code: Code, layout: Layout) -> None:
        self.code = code
        self.plain = code.with_width(1)
        self._layout = layout
        self._bases: dict[Buffer, str] = {}

    def base(self, buffer: Buffer) -> str:
        """The pointer to the first element of an array, or to a number."""
        if buffer not in self._bases:
            home, number, type = buffer
            if home is Home.SCRATCH:
                slot = self._pointer("i8", "%scratch", str(self._layout.offsets[number]))
            else:
                array = {Home.INPUT: "%inputs", Home.OUTPUT: "%outputs", Home.TABLE: "%context"}
                slot = self._pointer("i64", array[home], str(number))
                if type.shape or home is Home.TABLE:
                    slot = self.plain.emit("ptr", f"load ptr, ptr {slot}, align 8{_FIXED}").text
            self._bases[buffer] = slot
        return self._bases[buffer]

    def _pointer(self, kind: str, base: str, index: str) -> str:
        return self.plain.emit("ptr", f"getelementptr {kind}, ptr {base}, i64 {index}").text

    def _address(self, place: Place, indices: Sequence[str]) -> str:
        """The pointer to the element at these indices."""
        memory = memory_kind(kind_of(place.buffer.type))
        address, offset = self.base(place.buffer), place.offset
        for stride, index in zip(place.strides, indices, strict=False):
            if stride and not index.startswith("%"):
                offset += stride * int(index)
            elif stride:
                step = Value(index, "i64")
                if stride != 1:
                    step = self.plain.multiply(step, Value(str(stride), "i64"))
                address = self._pointer(memory, address, step.text)
        return self._pointer(memory, address, str(offset)) if offset else address

    def load(self, code: Code, place: Place, indices: Sequence[str], mask: str | None) -> Value:
        kind = kind_of(place.buffer.type)
        memory, size = memory_kind(kind), SIZES[kind]
        address = self._address(place, indices)
        stride = place.strides[-1] if place.strides and code.width > 1 else 0
        if not stride:
            # The slots of inputs are not written to while a graph runs.
            fixed = _FIXED if place.buffer.home is Home.INPUT and not place.strides else ""
            value = self.plain.emit(memory, f"load {memory}, ptr {address}, align {size}{fixed}")
            return code.spread(of_memory(self.plain, value, kind))
        vector, lanes = code.type(memory), code.width
        if stride == 1 and mask is None:
            value = code.emit(memory, f"load {vector}, ptr {address}, align {size}")
        elif stride == 1:
            value = code.emit(
                memory,
                f"call {vector} @{_masked(code, 'load', memory)}(ptr {address}, i32 {size}, "
                f"<{lanes} x i1> {mask}, {vector} zeroinitializer)",
            )
        else:
            everywhere = code.constant(True, "i1").text
            value = code.emit(
                memory,
                f"call {vector} @{_masked(code, 'gather', memory)}(<{lanes} x ptr> "
                f"{self._pointers(code, memory, address, stride)}, i32 {size}, "
                f"<{lanes} x i1> {mask or everywhere}, {vector} zeroinitializer)",
            )
        return of_memory(code, value, kind)

    def _pointers(self, code: Code, memory: str, address: str, stride: int) -> str:
        """Pointers to the elements of all lanes."""
        offsets = ", ".join(f"i64 {lane * stride}" for lane in range(code.width))
        return code.emit(
            "ptr", f"getelementptr {memory}, ptr {address}, <{code.width} x i64> <{offsets}>"
        ).text

    def store(
        self, code: Code, value: Value, place: Place, indices: Sequence[str], mask: str | None
    ) -> None:
        kind = kind_of(place.buffer.type)
        memory, size = memory_kind(kind), SIZES[kind]
        address = self._address(place, indices)
        value = to_memory(code, value)
        vector, lanes = code.type(memory), code.width
        stride = place.strides[-1] if place.strides and lanes > 1 else 1
        if stride == 1 and mask is None:
            code.add_line(f"  store {vector} {value.text}, ptr {address}, align {size}")
        elif stride == 1:
            code.add_line(
                f"  call void @{_masked(code, 'store', memory)}({vector} {value.text}, "
                f"ptr {address}, i32 {size}, <{lanes} x i1> {mask})"
            )
        else:
            everywhere = code.constant(True, "i1").text
            code.add_line(
                f"  call void @{_masked(code, 'scatter', memory)}({vector} {value.text}, "
                f"<{lanes} x ptr> {self._pointers(code, memory, address, stride)}, i32 {size}, "
                f"<{lanes} x i1> {mask or everywhere})"
            )

    def values(
        self,
        code: Code,
        steps: Iterable[tuple[int, Step]],
        known: Mapping[int, Value],
        indices: Sequence[str],
        mask: str | None,
    ) -> dict[int, Value]:
        """The values of steps by their numbers, those that are known before them included."""
        values = dict(known)
        notes = code.module.notes
        for number, step in steps:
            if notes is not None and step.node.op is not CONSTANT:
                code.comment(notes.text(step.node))
            if step.place is not None:
                value = self.load(code, step.place, indices, mask)
            else:
                value = element(code, step.node, [values[at] for at in step.operands])
            values[number] = value
        return values


def memory_kind(kind: str) -> str:
    """The type of an element in memory: conditions take a byte."""
    return "i8" if kind == "i1" else kind


def of_memory(code: Code, value: Value, kind: str) -> Value:
    return value if kind != "i1" else code.compare("ne", value, code.constant(0, "i8"))


def to_memory(code: Code, value: Value) -> Value:
    if value.kind != "i1":
        return value
    return code.emit("i8", f"zext {code.type('i1')} {value.text} to {code.type('i8')}")


def _masked(code: Code, what: str, memory: str) -> str:
    """The name of one of LLVM's functions for some of the lanes, declared."""
    lanes, vector = code.width, code.type(memory)
    short = {"double": "f64", "float": "f32"}.get(memory, memory)
    mask = f"<{lanes} x i1>"
    pointers, mangled = (
        ("ptr", "p0")
        if what in ("load", "store")
        else (
            f"<{lanes} x ptr>",
            f"v{lanes}p0",
        )
    )
    name = f"llvm.masked.{what}.v{lanes}{short}.{mangled}"
    if what in ("load", "gather"):
        code.module.declare(name, f"{vector} @{name}({pointers}, i32, {mask}, {vector})")
    else:
        code.module.declare(name, f"void @{name}({vector}, {pointers}, i32, {mask})")
    return name
