"""The steps of a tape as machine code: small functions that call each other in a chain.

A tape (see `tape`) is an array of records, one for each computation of a scalar graph: which step
it is, and where its operands lie. A step does one computation and jumps to the step of the next
record. There is one function for each operation with its parameters, made from the operation's own
native rule, and one for its derivatives, made from its partial derivatives. So tapes need no code
of their own: only steps that no earlier graph needed are compiled.

A forward step gets the record, the values, where its result goes, and the table of steps. A step
backward gets the record, values, adjoints, which nodes have an adjoint, its own place among them,
and the table. What has no adjoint, because a branch was not taken, sends nothing.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Final, NamedTuple

from chainrule.diff.rules import Partial, partials_of
from chainrule.graph import walk
from chainrule.graph.node import INPUT, Node, input_node, make
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import BOOL, FLOAT64, Type
from chainrule.run.native.element import element, elements, is_native
from chainrule.run.native.lanes import Code, Define, Module, Value, body
from chainrule.run.native.target import Library, machine_code, optimised, processor

LEVEL: Final = 1
"""How hard LLVM tries. A step is a few instructions: more effort gives the same code."""

RECORD: Final = 16
"""Bytes of a record: the numbers of the forward and the backward step (two bytes each), then the
places of three operands (four bytes each)."""

MOST_OPERANDS: Final = 3

FUNCTIONS: Final[Mapping[str, Define]] = {}
"""The functions of mathematics that steps call; others come from the C library."""


class Form(NamedTuple):
    """What a node computes, whatever its operands are.

    Attributes:
        op: The operation.
        params: Its parameters.
        types: The types of the operands.
        type: The type of the result.
    """

    op: Op
    params: Params
    types: tuple[Type, ...]
    type: Type

    @staticmethod
    def of(node: Node) -> Form:
        """The form of a computation."""
        types = tuple([operand.type for operand in node.operands])
        return Form(node.op, node.params, types, node.type)


class Step(NamedTuple):
    """One function of compiled code.

    Attributes:
        form: What it computes; None for one of the steps of every tape, then ``role`` says which.
        wanted: For a step backward: which operands get their share, one bit for each; 0: forward.
        role: ``evaluate`` and ``gradient`` run a tape; ``stop`` ends it; ``skip`` does nothing,
            backward.
    """

    form: Form | None
    wanted: int = 0
    role: str = ""


EVALUATE: Final = Step(None, role="evaluate")
GRADIENT: Final = Step(None, role="gradient")
STOP: Final = Step(None, role="stop")
STOP_BACKWARD: Final = Step(None, role="stop backward")
SKIP: Final = Step(None, role="skip")


# --- which steps there are ------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def forward_step(form: Form) -> Step | None:
    """The step that computes a form; None where there is no native rule."""
    fits = len(form.types) <= MOST_OPERANDS and form.op.native is not None
    return Step(form) if fits else None


@functools.lru_cache(maxsize=4096)
def backward_step(form: Form, wanted: int) -> Step | None:
    """The step that sends an adjoint on to those operands; None where there is no native rule.

    Args:
        form: What the node computes.
        wanted: The operands that want their share, one bit for each.
    """
    if not form.type.is_float or forward_step(form) is None:
        return SKIP if forward_step(form) else None
    for at, partial in enumerate(partials_of(form.op, form.types, form.type, form.params).partials):
        if partial is None:
            wanted &= ~(1 << at)
        elif wanted & 1 << at:
            if not isinstance(partial, Partial):
                return None
            ends = [partial.factor] if partial.guard is None else [partial.factor, partial.guard]
            if not all(is_native(node) for node in walk.depth_first(ends) if node.op is not INPUT):
                return None
    return Step(form, wanted) if wanted & (1 << len(form.types)) - 1 else SKIP


_COMMON_PARAMS: Final[Mapping[str, Sequence[Params]]] = {
    "power": [(2,), (3,), (4,), (-1,), (-2,), (0.5,), (-0.5,), (1.5,)],
    "leaky_relu": [(0.01,)],
    "elu": [(1,)],
    "convert": [("float64",)],
}


def common_steps() -> list[Step]:
    """The steps that most graphs are made of, in an order that depends on the table alone."""
    steps = [EVALUATE, GRADIENT, STOP, STOP_BACKWARD, SKIP]
    for op in OPS.values():
        if op.native is None or op.variadic or len(op.kinds) > MOST_OPERANDS:
            continue
        types = tuple([BOOL if kind is Kind.BOOL else FLOAT64 for kind in op.kinds])
        if op.name == "convert":
            types = (BOOL,)
        for params in _COMMON_PARAMS.get(op.name, [] if op.params else [()]):
            form = Form.of(make(op, _placeholders(types), params))
            for step in (
                forward_step(form),
                *[backward_step(form, wanted) for wanted in range(1, 1 << len(types))],
            ):
                if step is not None and step not in steps:
                    steps.append(step)
    return steps


# --- text -----------------------------------------------------------------------------------------


def text_of(steps: Sequence[Step]) -> str:
    """A module of LLVM whose function ``steps`` gives the address of an array with these steps."""
    module = Module(FUNCTIONS)
    names = []
    for at, step in enumerate(steps):
        names.append(name := f"step{at}")
        if step.form is None:
            text = _ROLES[step.role]()
        elif step.wanted:
            text = _backward_text(module, step.form, step.wanted)
        else:
            text = _forward_text(module, step.form)
        module.define(name, text.replace("@NAME", f"@{name}").replace("CONVENTION", convention()))
    pointers = ", ".join([f"ptr @{name}" for name in names])
    table = f"@table = internal constant [{len(names)} x ptr] [{pointers}]"
    module.define("steps", f"{table}\ndefine ptr @steps() {{\n  ret ptr @table\n}}")
    return module.text


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

_BACKWARD_BODY: Final = """\
  %flag.at = getelementptr i8, ptr %live, i64 %at
  %flag = load i8, ptr %flag.at
  %idle = icmp eq i8 %flag, 0
  br i1 %idle, label %done, label %busy
busy:
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
    operands = _placeholders(form.types)
    values = {}
    for at, operand in enumerate(operands):
        if operand not in values:
            values[operand] = _value(code, _place(code, at), form.types[at])
    node = make(form.op, operands, form.params)
    result = element(code, node, [values[operand] for operand in operands])
    if result.kind == "i1":
        result = code.emit("i64", f"zext i1 {result.text} to i64")
    code.add_line(f"  store {result.kind} {result.text}, ptr %result")
    return body([_FORWARD_HEAD, *_apart(code.lines), _FORWARD_TAIL])


def _backward_text(module: Module, form: Form, wanted: int) -> str:
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
            _send(code, partial, known, places[at])
            continue
        guard = _computed(code, partial.guard, known)
        code.add_line(f"  br i1 {guard.text}, label %taken{at}, label %after{at}\ntaken{at}:")
        _send(code, partial, dict(known), places[at])
        code.add_line(f"  br label %after{at}\nafter{at}:")
    lines = _apart(code.lines)
    return body([_BACKWARD_HEAD, _BACKWARD_BODY, *lines, "  br label %done\ndone:", _BACKWARD_TAIL])


def _send(code: Code, partial: Partial, known: MutableMapping[Node, Value], place: str) -> None:
    """Add adjoint · factor to the adjoint at a place."""
    number = Value("%adjoint", "double")
    if partial.constant == -1:
        number = code.negate(number)
    elif partial.constant != 1:
        number = code.multiply(number, _computed(code, partial.factor, known))
    to = code.emit("ptr", f"getelementptr double, ptr %adjoints, i64 {place}").text
    total = code.add(code.emit("double", f"load double, ptr {to}"), number)
    code.add_line(f"  store double {total.text}, ptr {to}")
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


def _apart(lines: Iterable[str]) -> list[str]:
    """Calls of functions stay calls: copies of a function in every step would only be more code."""
    return [
        f"{line} noinline" if " call " in line and "@llvm." not in line else line for line in lines
    ]


def _placeholders(types: Sequence[Type]) -> tuple[Node, ...]:
    return tuple([input_node(f"x{at}", type) for at, type in enumerate(types)])


# --- running a tape -------------------------------------------------------------------------------


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

_PASS_DERIVATIVE: Final = """\
  %w.at = getelementptr i32, ptr %wanted, i64 %w
  %w.place = load i32, ptr %w.at
  %w.wide = zext i32 %w.place to i64
  %w.flag.at = getelementptr i8, ptr %live, i64 %w.wide
  %w.flag = load i8, ptr %w.flag.at
  %w.has = icmp ne i8 %w.flag, 0
  %w.from = getelementptr double, ptr %adjoints, i64 %w.wide
  %w.adjoint = load double, ptr %w.from
  %w.number = select i1 %w.has, double %w.adjoint, double 0.0
  %w.to = getelementptr double, ptr %derivatives, i64 %w
  store double %w.number, ptr %w.to"""

_CLEAR: Final = """\
  %i.to = getelementptr double, ptr %adjoints, i64 %i
  store double -0.0, ptr %i.to"""

_HEAD: Final = "define internal void @NAME(ptr %inputs, ptr %results, ptr %scratch, ptr %context) {"
_FORWARD_FIELDS: Final = (
    "forward records constants constant_count input_count outputs output_count".split()
)


def _evaluate_text() -> str:
    return body([
        _HEAD,
        *map(_field, _FORWARD_FIELDS),
        _FORWARD_RUN,
        _loop("k", "%output_count", _PASS_OUTPUT),
        "  ret void\n}",
    ])  # fmt: skip


def _gradient_text() -> str:
    # The adjoints start at −0.0: adding to that gives every number unchanged, zeros included.
    run = f"""\
  %fixed = add i64 %constant_count, %input_count
  %nodes = add i64 %fixed, %computations
  %node.bytes = shl i64 %nodes, 3
  %padded = add i64 %node.bytes, 63
  %rounded = and i64 %padded, -64
  %adjoints = getelementptr i8, ptr %scratch, i64 %rounded
  %live = getelementptr i8, ptr %adjoints, i64 %rounded
{_loop("i", "%nodes", _CLEAR)}
  call void @llvm.memset.p0.i64(ptr %live, i8 0, i64 %nodes, i1 false)
  %start = load i32, ptr %outputs
  %start.wide = zext i32 %start to i64
  %seed = getelementptr double, ptr %adjoints, i64 %start.wide
  store double 1.0, ptr %seed
  %seed.flag = getelementptr i8, ptr %live, i64 %start.wide
  store i8 1, ptr %seed.flag
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
        _loop("w", "%wanted_count", _PASS_DERIVATIVE),
        "  ret void\n}",
    ])  # fmt: skip


_ROLES: Final[Mapping[str, Callable[[], str]]] = {
    "evaluate": _evaluate_text,
    "gradient": _gradient_text,
    "stop": lambda: f"define internal CONVENTION void @NAME({_FORWARD}) {{\n  ret void\n}}",
    "stop backward": lambda: f"define internal CONVENTION void @NAME({_BACKWARD}) {{\n  ret void\n}}",
    "skip": lambda: body([_BACKWARD_HEAD, _BACKWARD_TAIL]),
}


# --- loaded steps ---------------------------------------------------------------------------------

_lock: Final = threading.RLock()
_addresses: Final[dict[Step, int]] = {}
_libraries: Final[list[Library]] = []
"""They live as long as the process, as the steps do."""


def object_of(steps: Sequence[Step]) -> bytes:
    """Machine code of steps, for `install`."""
    return machine_code(optimised(text_of(steps), LEVEL), LEVEL)


def install(steps: Sequence[Step], code: bytes) -> None:
    """Make steps known whose machine code is there: what `object_of` gave for the same steps."""
    with _lock:
        library = Library(code)
        _libraries.append(library)
        table = ctypes.CFUNCTYPE(ctypes.c_void_p)(library.address("steps"))()
        found = (ctypes.c_uint64 * len(steps)).from_address(table)
        for step, address in zip(steps, found, strict=True):
            _addresses.setdefault(step, address)


def addresses(steps: Sequence[Step]) -> list[int]:
    """Where these steps start; those that are missing are compiled."""
    with _lock:
        missing = [step for step in dict.fromkeys(steps) if step not in _addresses]
        if missing:
            install(missing, object_of(missing))
        return [_addresses[step] for step in steps]
