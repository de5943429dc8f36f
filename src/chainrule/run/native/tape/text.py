"""The steps of tapes as text of LLVM.

A tape is an array of records, one for each computation of a graph: which step it is, forward and
backward, and where its operands lie among the values. The steps call each other in a chain, with
everything they share in registers.

A forward step gets the record, the values, where its result goes, and the table of steps. A step
backward gets the record, values, adjoints, its own place among them, the table, and which nodes
have an adjoint. What has none, because a branch was not taken, sends nothing; where that cannot
happen, nobody asks.
"""

from __future__ import annotations

import ctypes
from collections.abc import MutableMapping, Sequence
from typing import Final

from chainrule.diff.rules import Partial, partials_of
from chainrule.graph import walk
from chainrule.graph.node import Node, make
from chainrule.graph.types import FLOAT64, Type
from chainrule.run.native.code.target import processor
from chainrule.run.native.emit.element import element, elements
from chainrule.run.native.emit.lanes import Code, Module, Value, body
from chainrule.run.native.emit.mathematics import FUNCTIONS
from chainrule.run.native.tape.steps import Form, Step, placeholders

RECORD: Final = 16
"""Bytes of a record: the numbers of the forward and the backward step (two bytes each), then the
places of three operands (four bytes each)."""


class Context(ctypes.Structure):
    """What compiled code knows of a tape."""

    _fields_ = (
        ("forward", ctypes.c_void_p),  # the table of the forward steps
        ("backward", ctypes.c_void_p),
        ("records", ctypes.c_void_p),  # the first stops the way back, then one for each computation
        ("computations", ctypes.c_int64),
        ("constants", ctypes.c_void_p),
        ("constant_count", ctypes.c_int64),
        ("input_count", ctypes.c_int64),
        ("outputs", ctypes.c_void_p),  # their places among the values
        ("output_count", ctypes.c_int64),
        ("wanted", ctypes.c_void_p),  # the places of the inputs with a derivative
        ("wanted_count", ctypes.c_int64),
    )


def module_of(steps: Sequence[Step]) -> Module:
    """A module whose function ``steps`` gives the address of an array with these steps."""
    module = Module(FUNCTIONS)
    names = [f"step{at}" for at in range(len(steps))]
    for name, step in zip(names, steps, strict=True):
        if step.form is None:
            text = _role_text(step)
        elif step.wanted:
            text = _backward_text(module, step.form, step.wanted, step.careful)
        else:
            text = _forward_text(module, step.form)
        module.define(name, text.replace("@NAME", f"@{name}").replace("CONVENTION", convention()))
    pointers = ", ".join([f"ptr @{name}" for name in names])
    table = f"@table = internal constant [{len(names)} x ptr] [{pointers}]"
    module.define("steps", f"{table}\ndefine ptr @steps() {{\n  ret ptr @table\n}}")
    return module


def convention() -> str:
    """How steps call each other: with everything in registers that functions of C leave alone."""
    known = processor().triple.partition("-")[0]
    return "preserve_nonecc" if known in ("x86_64", "aarch64", "arm64") else "tailcc"


_FORWARD: Final = "ptr %record, ptr %values, ptr %result, ptr %table"
_BACKWARD: Final = "ptr %record, ptr %values, ptr %adjoints, i64 %at, ptr %table, ptr %live"

_FORWARD_HEAD: Final = f"""\
define internal CONVENTION void @NAME({_FORWARD}) {{
  %record.next = getelementptr i8, ptr %record, i64 {RECORD}
  %number = load i16, ptr %record.next
  %number.wide = zext i16 %number to i64
  %entry = getelementptr ptr, ptr %table, i64 %number.wide
  %next = load ptr, ptr %entry"""

_FORWARD_TAIL: Final = """\
  %result.next = getelementptr i8, ptr %result, i64 8
  musttail call CONVENTION void %next(ptr %record.next, ptr %values, ptr %result.next, ptr %table)
  ret void
}"""

_BACKWARD_HEAD: Final = f"""\
define internal CONVENTION void @NAME({_BACKWARD}) {{
  %record.next = getelementptr i8, ptr %record, i64 -{RECORD}
  %number.at = getelementptr i8, ptr %record, i64 {2 - RECORD}
  %number = load i16, ptr %number.at
  %number.wide = zext i16 %number to i64
  %entry = getelementptr ptr, ptr %table, i64 %number.wide
  %next = load ptr, ptr %entry"""

_IF_LIVE: Final = """\
  %flag.at = getelementptr i8, ptr %live, i64 %at
  %flag = load i8, ptr %flag.at
  %idle = icmp eq i8 %flag, 0
  br i1 %idle, label %done, label %busy
busy:"""

_ADJOINT: Final = """\
  %adjoint.at = getelementptr double, ptr %adjoints, i64 %at
  %adjoint = load double, ptr %adjoint.at"""

_BACKWARD_TAIL: Final = """\
  %at.next = sub i64 %at, 1
  musttail call CONVENTION void %next(ptr %record.next, ptr %values, ptr %adjoints, i64 %at.next, \
ptr %table, ptr %live)
  ret void
}"""


def _forward_text(module: Module, form: Form) -> str:
    code = Code(module)
    operands = placeholders(form.types)
    values = {}
    for at, operand in enumerate(operands):
        if operand not in values:
            values[operand] = _value(code, _place(code, at), form.types[at])
    node = make(form.op, operands, form.params)
    result = element(code, node, [values[operand] for operand in operands])
    if result.kind == "i1":
        result = code.emit("i64", f"zext i1 {result.text} to i64")
    code.add_line(f"  store {result.kind} {result.text}, ptr %result")
    return body([_FORWARD_HEAD, *code.lines, _FORWARD_TAIL])


def _backward_text(module: Module, form: Form, wanted: int, careful: bool) -> str:
    code = Code(module)
    rules = partials_of(form.op, form.types, form.type, form.params)
    shares = [
        (at, partial)
        for at, partial in enumerate(rules.partials)
        if wanted & 1 << at and isinstance(partial, Partial)
    ]
    ends = [end for _, partial in shares for end in (partial.factor, partial.guard) if end]
    needed = set(walk.depth_first(ends))
    places = {
        at: _place(code, at)
        for at, operand in enumerate(rules.operands)
        if wanted & 1 << at or operand in needed
    }
    known: dict[Node, Value] = {
        operand: _value(code, places[at], form.types[at])
        for at, operand in enumerate(rules.operands)
        if operand in needed
    }
    if rules.out in needed:
        known[rules.out] = _value(code, "%at", form.type)
    for at, partial in shares:
        if partial.guard is None:
            _send(code, partial, known, places[at], careful)
            continue
        guard = _computed(code, partial.guard, known)
        code.add_line(f"  br i1 {guard.text}, label %taken{at}, label %after{at}\ntaken{at}:")
        _send(code, partial, dict(known), places[at], careful)
        code.add_line(f"  br label %after{at}\nafter{at}:")
    lines = [_ADJOINT, *code.lines]
    if careful:
        lines = [_IF_LIVE, *lines, "  br label %done\ndone:"]
    return body([_BACKWARD_HEAD, *lines, _BACKWARD_TAIL])


def _send(
    code: Code, partial: Partial, known: MutableMapping[Node, Value], place: str, careful: bool
) -> None:
    """Add adjoint · factor to the adjoint at a place, and if asked to, say that there is one."""
    number = Value("%adjoint", "double")
    if partial.constant == -1:
        number = code.negate(number)
    elif partial.constant != 1:
        number = code.multiply(number, _computed(code, partial.factor, known))
    to = code.emit("ptr", f"getelementptr double, ptr %adjoints, i64 {place}").text
    total = code.add(code.emit("double", f"load double, ptr {to}"), number)
    code.add_line(f"  store double {total.text}, ptr {to}")
    if careful:
        flag = code.emit("ptr", f"getelementptr i8, ptr %live, i64 {place}").text
        code.add_line(f"  store i8 1, ptr {flag}")


def _computed(code: Code, node: Node, known: MutableMapping[Node, Value]) -> Value:
    elements(code, walk.depth_first([node], known), known)
    return known[node]


def _place(code: Code, at: int) -> str:
    """Where an operand lies among the values."""
    field = code.emit("ptr", f"getelementptr i8, ptr %record, i64 {4 + 4 * at}").text
    place = code.emit("i32", f"load i32, ptr {field}").text
    return code.emit("i64", f"zext i32 {place} to i64").text


def _value(code: Code, place: str, type: Type) -> Value:
    where = code.emit("ptr", f"getelementptr double, ptr %values, i64 {place}").text
    if type is FLOAT64:
        return code.emit("double", f"load double, ptr {where}")
    byte = code.emit("i8", f"load i8, ptr {where}").text
    return code.emit("i1", f"trunc i8 {byte} to i1")


# --- running a tape -------------------------------------------------------------------------------


def _field(name: str) -> str:
    """Instructions that load a field of the context."""
    offset = getattr(Context, name).offset
    kind = "i64" if dict(Context._fields_)[name] is ctypes.c_int64 else "ptr"
    return f"""\
  %{name}.at = getelementptr i8, ptr %context, i64 {offset}
  %{name} = load {kind}, ptr %{name}.at"""


_FORWARD_RUN: Final = f"""\
  %constant.bytes = shl i64 %constant_count, 3
  %input.bytes = shl i64 %input_count, 3
  call void @llvm.memcpy.p0.p0.i64(ptr %scratch, ptr %constants, i64 %constant.bytes, i1 false)
  %given = getelementptr i8, ptr %scratch, i64 %constant.bytes
  call void @llvm.memcpy.p0.p0.i64(ptr %given, ptr %inputs, i64 %input.bytes, i1 false)
  %made = getelementptr i8, ptr %given, i64 %input.bytes
  %first = getelementptr i8, ptr %records, i64 {RECORD}
  %number = load i16, ptr %first
  %number.wide = zext i16 %number to i64
  %entry = getelementptr ptr, ptr %forward, i64 %number.wide
  %step = load ptr, ptr %entry
  call CONVENTION void %step(ptr %first, ptr %scratch, ptr %made, ptr %forward)"""


def _loop(name: str, count: str, lines: str, start: int = 0) -> str:
    """Instructions for %``name`` from ``start`` up to ``count``."""
    return f"""\
  br label %{name}.before
{name}.before:
  br label %{name}.head
{name}.head:
  %{name} = phi i64 [ {start}, %{name}.before ], [ %{name}.next, %{name}.body ]
  %{name}.more = icmp ult i64 %{name}, {count}
  br i1 %{name}.more, label %{name}.body, label %{name}.end
{name}.body:
{lines}
  %{name}.next = add i64 %{name}, 1
  br label %{name}.head
{name}.end:"""


_PASS_OUTPUT: Final = """\
  %place.at = getelementptr i32, ptr %outputs, i64 %k
  %place = load i32, ptr %place.at
  %place.wide = zext i32 %place to i64
  %from = getelementptr i64, ptr %scratch, i64 %place.wide
  %bits = load i64, ptr %from
  %to = getelementptr i64, ptr %results, i64 %k
  store i64 %bits, ptr %to"""

_WANTED: Final = """\
  %w.at = getelementptr i32, ptr %wanted, i64 %w
  %w.place = load i32, ptr %w.at
  %w.wide = zext i32 %w.place to i64
  %w.from = getelementptr double, ptr %adjoints, i64 %w.wide
  %w.adjoint = load double, ptr %w.from
  %w.to = getelementptr double, ptr %derivatives, i64 %w"""

_PASS_DERIVATIVE: Final = f"""\
{_WANTED}
  store double %w.adjoint, ptr %w.to"""

_PASS_IF_LIVE: Final = f"""\
{_WANTED}
  %w.flag.at = getelementptr i8, ptr %live, i64 %w.wide
  %w.flag = load i8, ptr %w.flag.at
  %w.has = icmp ne i8 %w.flag, 0
  %w.number = select i1 %w.has, double %w.adjoint, double 0.0
  store double %w.number, ptr %w.to"""

_SEED_LIVE: Final = """\
  call void @llvm.memset.p0.i64(ptr %live, i8 0, i64 %nodes, i1 false)
  %seed.flag = getelementptr i8, ptr %live, i64 %start.wide
  store i8 1, ptr %seed.flag"""

_CLEAR: Final = """\
  %i.to = getelementptr <8 x double>, ptr %adjoints, i64 %i
  store <8 x double> splat (double -0.0), ptr %i.to"""

_HEAD: Final = "define internal void @NAME(ptr %inputs, ptr %results, ptr %scratch, ptr %context) {"
_FORWARD_FIELDS: Final = [
    "forward",
    "records",
    "constants",
    "constant_count",
    "input_count",
    "outputs",
    "output_count",
]


def _evaluate_text() -> str:
    return body([
        _HEAD,
        *map(_field, _FORWARD_FIELDS),
        _FORWARD_RUN,
        _loop("k", "%output_count", _PASS_OUTPUT),
        "  ret void\n}",
    ])  # fmt: skip


def _gradient_text(careful: bool) -> str:
    # Adjoints start at −0.0, eight at a time: adding to that gives every number unchanged, zeros
    # included.
    run = f"""\
  %fixed = add i64 %constant_count, %input_count
  %nodes = add i64 %fixed, %computations
  %node.bytes = shl i64 %nodes, 3
  %padded = add i64 %node.bytes, 71
  %rounded = and i64 %padded, -64
  %adjoints = getelementptr i8, ptr %scratch, i64 %rounded
  %live = getelementptr i8, ptr %adjoints, i64 %rounded
  %lines = lshr i64 %rounded, 6
{_loop("i", "%lines", _CLEAR)}
  %spare = getelementptr double, ptr %adjoints, i64 %nodes
  store double 0.0, ptr %spare
  %start = load i32, ptr %outputs
  %start.wide = zext i32 %start to i64
  %seed = getelementptr double, ptr %adjoints, i64 %start.wide
  store double 1.0, ptr %seed
{_SEED_LIVE if careful else ""}
  %last.offset = mul i64 %computations, {RECORD}
  %last = getelementptr i8, ptr %records, i64 %last.offset
  %last.number.at = getelementptr i8, ptr %last, i64 2
  %last.number = load i16, ptr %last.number.at
  %last.wide = zext i16 %last.number to i64
  %last.entry = getelementptr ptr, ptr %backward, i64 %last.wide
  %last.step = load ptr, ptr %last.entry
  %last.node = sub i64 %nodes, 1
  call CONVENTION void %last.step(ptr %last, ptr %scratch, ptr %adjoints, i64 %last.node, \
ptr %backward, ptr %live)
  %derivatives = getelementptr i64, ptr %results, i64 1"""
    return body([
        _HEAD,
        *map(_field, [*_FORWARD_FIELDS, "backward", "computations", "wanted", "wanted_count"]),
        _FORWARD_RUN,
        _loop("k", "1", _PASS_OUTPUT),
        run,
        _loop("w", "%wanted_count", _PASS_IF_LIVE if careful else _PASS_DERIVATIVE),
        "  ret void\n}",
    ])  # fmt: skip


_STOP: Final = "define internal CONVENTION void @NAME({}) {{\n  ret void\n}}"


def _role_text(step: Step) -> str:
    match step.role:
        case "evaluate":
            return _evaluate_text()
        case "gradient":
            return _gradient_text(step.careful)
        case "stop":
            return _STOP.format(_FORWARD)
        case "stop backward":
            return _STOP.format(_BACKWARD)
        case _:
            return body([_BACKWARD_HEAD, _BACKWARD_TAIL])
