"""Instructions of LLVM for one element, or for several side by side in the lanes of a vector.

The rule of an operation says once how one element is computed, by calling methods of `Code`; the
width of the code decides whether that happens to one number or to eight at a time. Every
instruction means the same in each lane, so both give the same bits.
"""

from __future__ import annotations

import copy
import functools
import itertools
import struct
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from chainrule.graph.types import Type
from chainrule.run.native.emit import special
from chainrule.run.native.emit.notes import Notes

KINDS: Final = {
    "float64": "double",
    "float32": "float",
    "int64": "i64",
    "int32": "i32",
    "bool": "i1",
}
"""The type of one element of a value in LLVM, by dtype."""

SIZES: Final = {"double": 8, "float": 4, "i64": 8, "i32": 4, "i1": 1}
"""Bytes of one element in memory; a condition takes one, as in NumPy."""


class Value(NamedTuple):
    """A result: how LLVM's text refers to it, and the type of each lane.

    Attributes:
        text: ``%v12``, or a constant.
        kind: ``double``, ``float``, ``i64``, ``i32`` or ``i1``.
    """

    text: str
    kind: str

    @property
    def is_float(self) -> bool:
        """Whether each lane is a floating-point number."""
        return self.kind in ("double", "float")


@functools.lru_cache(maxsize=4096)
def kind_of(type: Type) -> str:
    """The type of one element in LLVM."""
    return KINDS[type.dtype.name]


class Module:
    """The text of one LLVM module: definitions, and declarations of what they use.

    Attributes:
        functions: What `Code.call` knows, by name; each defines itself in a module, for lanes of
            some kind and width, and gives the name that it has there.
        externals: Names of SciPy's functions that are called (`special`); who loads the code
            provides them first.
        notes: What comments say of nodes, in text that is made to be read; None: no comments.
    """

    def __init__(
        self, functions: Mapping[str, Define] | None = None, notes: Notes | None = None
    ) -> None:
        self.functions = {} if functions is None else functions
        self.notes = notes
        self.externals: set[str] = set()
        self._seen: set[object] = set()
        self._definitions: dict[str, str] = {}
        self._declarations: dict[str, str] = {}

    def declare(self, name: str, signature: str) -> None:
        """Make an external function known: ``declare("sin", "double @sin(double)")``."""
        self._declarations[name] = signature

    def define(self, name: str, text: str) -> None:
        """Add a function, once."""
        self._definitions.setdefault(name, text)

    def is_new(self, thing: object) -> bool:
        """Whether this has not been asked about the same thing before."""
        known = thing in self._seen
        self._seen.add(thing)
        return not known

    def __contains__(self, name: str) -> bool:
        return name in self._definitions

    @property
    def defined(self) -> frozenset[str]:
        """The names of the functions that have been added."""
        return frozenset(self._definitions)

    @property
    def text(self) -> str:
        """The whole module."""
        return self.text_without(frozenset())

    def text_without(self, elsewhere: Collection[str]) -> str:
        """The module with some of its functions left to others: they are only declared."""
        own = {name: text for name, text in self._definitions.items() if name not in elsewhere}
        declared = [
            f"declare {signature}"
            for name, signature in self._declarations.items()
            if name not in own
        ]
        return "\n".join([*declared, "", *own.values(), "", "!0 = !{}", ""])


Define = Callable[[Module, str, int], str]
"""Defines a function in a module for (kind, width), unless it is there, and gives its name."""


class Code:
    """The instructions of one function body, in order, each for ``width`` elements at once.

    Attributes:
        width: How many lanes there are; 1: plain numbers.
        module: Where the functions go that the instructions call.
        lines: The instructions so far.
    """

    def __init__(self, module: Module, width: int = 1, prefix: str = "%v") -> None:
        """Begin a body; the names of its values begin with ``prefix``."""
        self.module = module
        self.width = width
        self.lines: list[str] = []
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._others = {width: self}

    def with_width(self, width: int) -> Code:
        """The same body, for instructions of another width."""
        other = self._others.get(width)
        if other is None:
            other = self._others[width] = copy.copy(self)
            other.width = width
        return other

    def number(self) -> int:
        """A number that no other name of this body has."""
        return next(self._numbers)

    def label(self, name: str) -> str:
        """A new label that begins with this name."""
        return f"{name}{next(self._numbers)}"

    # --- text ---------------------------------------------------------------------------------

    def type(self, kind: str) -> str:
        """The type of a value whose lanes are of this kind."""
        return kind if self.width == 1 else f"<{self.width} x {kind}>"

    def emit(self, kind: str, instruction: str) -> Value:
        """Add an instruction that gives a value with lanes of this kind."""
        name = f"{self._prefix}{next(self._numbers)}"
        self.lines.append(f"  {name} = {instruction}")
        return Value(name, kind)

    def add_line(self, instruction: str) -> None:
        """Add an instruction without a result, or a label."""
        self.lines.append(instruction)

    def comment(self, text: str) -> None:
        """Add a comment of one line to what follows."""
        self.lines.append(f"  ; {text}")

    def constant(self, number: float | int | bool, kind: str = "double") -> Value:
        """The same number in every lane.

        For integers of the processor, such as bit patterns, ``number`` may be signed or not.
        """
        text = literal(number, kind)
        return Value(text if self.width == 1 else f"splat ({kind} {text})", kind)

    # --- arithmetic ---------------------------------------------------------------------------

    def add(self, a: Value, b: Value) -> Value:
        return self._binary("fadd" if a.is_float else "add", a, b)

    def subtract(self, a: Value, b: Value) -> Value:
        return self._binary("fsub" if a.is_float else "sub", a, b)

    def multiply(self, a: Value, b: Value) -> Value:
        return self._binary("fmul" if a.is_float else "mul", a, b)

    def divide(self, a: Value, b: Value) -> Value:
        """The quotient; of whole numbers towards 0, where b is neither 0 nor −1."""
        return self._binary("fdiv" if a.is_float else "sdiv", a, b)

    def negate(self, a: Value) -> Value:
        if a.is_float:
            return self.emit(a.kind, f"fneg {self.type(a.kind)} {a.text}")
        return self.subtract(self.constant(0, a.kind), a)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a·b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def sqrt(self, a: Value) -> Value:
        return self.intrinsic("sqrt", a)

    def absolute(self, a: Value) -> Value:
        if a.is_float:
            return self.intrinsic("fabs", a)
        return self.select(self.compare("lt", a, self.constant(0, a.kind)), self.negate(a), a)

    def copysign(self, size: Value, sign: Value) -> Value:
        """The absolute value of the one with the sign of the other."""
        return self.intrinsic("copysign", size, sign)

    def floor(self, a: Value) -> Value:
        return self.intrinsic("floor", a)

    def ceil(self, a: Value) -> Value:
        return self.intrinsic("ceil", a)

    def truncate(self, a: Value) -> Value:
        return self.intrinsic("trunc", a)

    def round(self, a: Value) -> Value:
        """The nearest whole number, halves to the even neighbour."""
        return self.intrinsic("roundeven", a)

    # --- bits ---------------------------------------------------------------------------------

    def bits(self, a: Value) -> Value:
        """A floating-point number as the integer of the same bits."""
        kind = "i64" if a.kind == "double" else "i32"
        return self.emit(kind, f"bitcast {self.type(a.kind)} {a.text} to {self.type(kind)}")

    def of_bits(self, a: Value) -> Value:
        """The floating-point number of these bits."""
        kind = "double" if a.kind == "i64" else "float"
        return self.emit(kind, f"bitcast {self.type(a.kind)} {a.text} to {self.type(kind)}")

    def bit_and(self, a: Value, b: Value) -> Value:
        """Also: whether both conditions hold."""
        return self._binary("and", a, b)

    def bit_or(self, a: Value, b: Value) -> Value:
        """Also: whether one of the conditions holds."""
        return self._binary("or", a, b)

    def bit_xor(self, a: Value, b: Value) -> Value:
        """Also: whether exactly one of the conditions holds."""
        return self._binary("xor", a, b)

    def invert(self, a: Value) -> Value:
        """Whether the condition does not hold."""
        return self.bit_xor(a, self.constant(-1 if a.kind != "i1" else True, a.kind))

    def shift_left(self, a: Value, bits: int) -> Value:
        return self._binary("shl", a, self.constant(bits, a.kind))

    def shift_right(self, a: Value, bits: int) -> Value:
        """Zeros come in from the left."""
        return self._binary("lshr", a, self.constant(bits, a.kind))

    # --- choices ------------------------------------------------------------------------------

    def compare(self, relation: str, a: Value, b: Value) -> Value:
        """Whether a relation holds: ``lt le gt ge eq ne``; NaN is unequal to everything."""
        if a.is_float:
            ordered = "une" if relation == "ne" else f"o{relation}"
            return self.emit("i1", f"fcmp {ordered} {self.type(a.kind)} {a.text}, {b.text}")
        sign = "u" if a.kind == "i1" else "s"
        integer = relation if relation in ("eq", "ne") else f"{sign}{relation}"
        return self.emit("i1", f"icmp {integer} {self.type(a.kind)} {a.text}, {b.text}")

    def is_nan(self, a: Value) -> Value:
        return self.emit("i1", f"fcmp uno {self.type(a.kind)} {a.text}, {a.text}")

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """``a`` in the lanes where the condition holds, else ``b``."""
        kind = self.type(a.kind)
        return self.emit(
            a.kind,
            f"select {self.type('i1')} {condition.text}, {kind} {a.text}, {kind} {b.text}",
        )

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller one, NaN if one is NaN; of zeros of both signs the second."""
        return self._extreme("lt", a, b)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger one, NaN if one is NaN; of zeros of both signs the second."""
        return self._extreme("gt", a, b)

    def _extreme(self, relation: str, a: Value, b: Value) -> Value:
        """As NumPy does it on x86, where this is one instruction, and one more for NaN."""
        chosen = self.select(self.compare(relation, a, b), a, b)
        return self.select(self.is_nan(a), a, chosen) if a.is_float else chosen

    # --- changes of kind ----------------------------------------------------------------------

    def convert(self, a: Value, kind: str) -> Value:
        """The number as another kind, as NumPy's ``astype`` does it where the number fits."""
        if a.kind == kind:
            return a
        if kind == "i1":
            return self.compare("ne", a, self.constant(0, a.kind))
        order = ("i1", "i32", "i64", "float", "double")
        wider = order.index(kind) > order.index(a.kind)
        if a.is_float and kind in ("double", "float"):
            how = "fpext" if wider else "fptrunc"
        elif a.is_float:
            return self.intrinsic("fptosi.sat", a, kind=kind)
        elif kind in ("double", "float"):
            how = "uitofp" if a.kind == "i1" else "sitofp"
        else:
            how = "zext" if a.kind == "i1" else "sext" if wider else "trunc"
        return self.emit(kind, f"{how} {self.type(a.kind)} {a.text} to {self.type(kind)}")

    def as_dtype(self, a: Value, dtype: str) -> Value:
        """The number in another dtype, by its name in NumPy."""
        return self.convert(a, KINDS[dtype])

    # --- functions ----------------------------------------------------------------------------

    def intrinsic(self, name: str, *operands: Value, kind: str | None = None) -> Value:
        """One of LLVM's own functions, over values of one kind; the result is of ``kind``."""
        given, result = operands[0].kind, kind or operands[0].kind
        kinds = [result, given] if kind else [given]
        full = ".".join([f"llvm.{name}", *map(self._mangled, kinds)])
        return self._called(full, operands, result)

    def call(self, name: str, *operands: Value) -> Value:
        """A function such as ``exp`` in every lane: our own, or another one lane by lane."""
        define = self.module.functions.get(name)
        if define is None:
            return self.each(name, *operands)
        return self._called(define(self.module, operands[0].kind, self.width), operands)

    def each(self, name: str, *operands: Value) -> Value:
        """An external function of doubles, lane by lane: SciPy's, if we take it from there, else
        that of the C library.
        """
        types, more = ["double"] * len(operands), ""
        if name in special.NAMES:
            self.module.externals.add(name)
            name, more = special.symbol(name), ", i32 0"
            types.append("i32")
        signature = f"double @{name}({', '.join(types)})"
        self.module.declare(name, f"{signature} nounwind willreturn memory(none)")
        doubles = [self.convert(operand, "double") for operand in operands]
        if self.width == 1:
            given = ", ".join(f"double {operand.text}" for operand in doubles)
            result = self.emit("double", f"call double @{name}({given}{more})")
            return self.convert(result, operands[0].kind)
        result = Value("poison", "double")
        for lane in range(self.width):
            given = ", ".join(f"double {self.lane(x, lane).text}" for x in doubles)
            one = self.emit("double", f"call double @{name}({given}{more})")
            result = self.with_lane(result, lane, one)
        return self.convert(result, operands[0].kind)

    def lane(self, a: Value, number: int) -> Value:
        """One lane of a vector, as a plain number."""
        if self.width == 1:
            return a
        return self.emit(a.kind, f"extractelement {self.type(a.kind)} {a.text}, i32 {number}")

    def with_lane(self, a: Value, number: int, plain: Value) -> Value:
        """The vector with a plain number in one of its lanes."""
        vector = self.type(a.kind)
        given = f"{vector} {a.text}, {a.kind} {plain.text}"
        return self.emit(a.kind, f"insertelement {given}, i32 {number}")

    def spread(self, a: Value) -> Value:
        """A plain number in every lane."""
        if self.width == 1:
            return a
        if not a.text.startswith("%"):
            return Value(f"splat ({a.kind} {a.text})", a.kind)
        vector = self.type(a.kind)
        first = self.with_lane(Value("poison", a.kind), 0, a)
        return self.emit(
            a.kind,
            f"shufflevector {vector} {first.text}, {vector} poison, "
            f"<{self.width} x i32> zeroinitializer",
        )

    def total(self, a: Value) -> Value:
        """The sum of all lanes, as a plain number: halves are added to each other."""
        code = self
        while code.width > 2:
            half = self.with_width(code.width // 2)
            parts = []
            for start in (0, half.width):
                lanes = ", ".join(f"i32 {start + lane}" for lane in range(half.width))
                vector = code.type(a.kind)
                how = f"{vector} {a.text}, {vector} poison, <{half.width} x i32> <{lanes}>"
                parts.append(half.emit(a.kind, f"shufflevector {how}"))
            code, a = half, half.add(*parts)
        if code.width == 2:
            a = self.with_width(1).add(code.lane(a, 0), code.lane(a, 1))
        return a

    def _called(self, name: str, operands: Sequence[Value], kind: str | None = None) -> Value:
        result = self.type(kind or operands[0].kind)
        types = [self.type(operand.kind) for operand in operands]
        self.module.declare(name, f"{result} @{name}({', '.join(types)})")
        given = ", ".join(
            f"{type} {operand.text}" for type, operand in zip(types, operands, strict=True)
        )
        return self.emit(kind or operands[0].kind, f"call {result} @{name}({given})")

    def _mangled(self, kind: str) -> str:
        short = {"double": "f64", "float": "f32"}.get(kind, kind)
        return short if self.width == 1 else f"v{self.width}{short}"

    def _binary(self, name: str, a: Value, b: Value) -> Value:
        text = f"{self._prefix}{next(self._numbers)}"
        self.lines.append(f"  {text} = {name} {self.type(a.kind)} {a.text}, {b.text}")
        return Value(text, a.kind)


def literal(number: float | int | bool, kind: str) -> str:
    """A number as LLVM's text has it, to the bit."""
    if kind == "i1":
        return "true" if number else "false"
    if kind in ("double", "float"):
        value = float(number)
        if kind == "float":  # written as the double of the same value
            value = float(np.float32(value))
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    return str(int(number))


def body(lines: Iterable[str]) -> str:
    """Lines as one text."""
    return "\n".join(lines)
