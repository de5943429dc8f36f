"""Small graphs as machine code that runs over columns of numbers: what tests of rules work with."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.diff.rules import Partials, partials_of
from chainrule.graph import walk
from chainrule.graph.node import Node, input_node, make
from chainrule.graph.op import Kind, Op, Params
from chainrule.graph.types import BOOL, Type
from chainrule.run.native.code import target
from chainrule.run.native.emit.element import elements, is_native
from chainrule.run.native.emit.lanes import SIZES, Code, Module, Value, kind_of
from chainrule.run.native.emit.mathematics import FUNCTIONS


class Case(NamedTuple):
    """An operation with its parameters, on numbers of this dtype."""

    op: Op
    params: Params
    dtype: str

    @property
    def types(self) -> tuple[Type, ...]:
        """The types of the operands; those that are conditions by declaration stay conditions."""
        wanted = Type.of(self.dtype)
        return tuple(BOOL if kind is Kind.BOOL else wanted for kind in self.op.kinds)

    @property
    def node(self) -> Node:
        """The operation on inputs."""
        inputs = [input_node(f"x{at}", type) for at, type in enumerate(self.types)]
        return make(self.op, tuple(inputs), self.params)

    @property
    def rules(self) -> Partials:
        return partials_of(self.op, self.types, self.node.type, self.params)

    @property
    def has_code(self) -> bool:
        return is_native(self.node)


class Compiled:
    """Operations with their partial derivatives, compiled together, once for each width."""

    def __init__(self, cases: Iterable[Case], widths: Sequence[int] = (1, 8)) -> None:
        module = Module(FUNCTIONS)
        self._names: dict[Case, str] = {}
        self._results: dict[Case, list[Node]] = {}
        for number, case in enumerate(cases):
            self._names[case] = f"case{number}"
            for width in widths:
                self._define(module, case, width)
        self._library = target.load(module.text, 1, module.externals)

    def _define(self, module: Module, case: Case, width: int) -> None:
        node, rules = case.node, case.rules
        results = [node]
        for partial in rules.partials:
            if partial is not None:
                results += [part for part in partial[:2] if part is not None]
        self._results[case] = results
        code = Code(module, width)
        code.add_line("loop:")
        at = code.emit("i64", "phi i64 [ 0, %entry ], [ %next, %loop ]").text
        values: dict[Node, Value] = {}
        for position, operand in enumerate(node.operands):
            values[operand] = _load(code, f"%a{position}", at, kind_of(operand.type))
        elements(code, [node], values)
        values[rules.out] = values[node]
        for placeholder, operand in zip(rules.operands, node.operands, strict=True):
            values[placeholder] = values[operand]
        elements(code, walk.depth_first(results, values), values)
        for position, result in enumerate(results):
            _store(code, f"%r{position}", at, values[result])
        code.add_line(f"  %next = add i64 {at}, {width}")
        code.add_line("  %more = icmp slt i64 %next, %count")
        code.add_line("  br i1 %more, label %loop, label %done")
        pointers = [f"ptr %a{at}" for at in range(len(node.operands))]
        pointers += [f"ptr %r{at}" for at in range(len(results))]
        name = f"{self._names[case]}_{width}"
        head = f"define void @{name}({', '.join([*pointers, 'i64 %count'])}) {{"
        lines = [head, "entry:", "  br label %loop", *code.lines, "done:", "  ret void", "}"]
        module.define(name, "\n".join(lines))

    def run(self, case: Case, columns: Sequence[np.ndarray], width: int = 8) -> list[np.ndarray]:
        """The result for columns of operands, then factor and guard of each partial derivative."""
        count = len(columns[0])
        padded = -(-count // 8) * 8
        given = [np.resize(column, padded) for column in columns]
        found = [np.empty(padded, node.type.dtype) for node in self._results[case]]
        kinds = [ctypes.c_void_p] * (len(given) + len(found))
        address = self._library.address(f"{self._names[case]}_{width}")
        call = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64)(address)
        call(*[column.ctypes.data for column in (*given, *found)], padded)
        return [column[:count] for column in found]

    def evaluate(
        self, op: Op, params: Params, dtype: str, operands: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Value and partial derivatives, as `benchmarks.accuracy.evaluate` gives them."""
        case = Case(op, params, dtype)
        out, *found = self.run(case, operands)
        rest = iter(found)
        partials = []
        for partial in case.rules.partials:
            slope = np.zeros_like(out) if partial is None else next(rest)
            if partial is not None and partial.guard is not None:
                slope = np.where(next(rest), slope, slope.dtype.type(0))
            partials.append(slope)
        return out, tuple(partials)


def _load(code: Code, start: str, at: str, kind: str) -> Value:
    memory, place = _place(code, start, at, kind)
    value = code.emit(kind, f"load {memory}, ptr {place}, align {SIZES[kind]}")
    if kind != "i1":
        return value
    return code.emit("i1", f"trunc {memory} {value.text} to {code.type('i1')}")


def _store(code: Code, start: str, at: str, value: Value) -> None:
    memory, place = _place(code, start, at, value.kind)
    text = value.text
    if value.kind == "i1":
        text = code.emit("i8", f"zext {code.type('i1')} {text} to {memory}").text
    code.add_line(f"  store {memory} {text}, ptr {place}, align {SIZES[value.kind]}")


def _place(code: Code, start: str, at: str, kind: str) -> tuple[str, str]:
    """The type of an element in memory, and where it is."""
    offset = code.emit("i64", f"mul i64 {at}, {SIZES[kind]}").text
    place = code.emit("ptr", f"getelementptr i8, ptr {start}, i64 {offset}").text
    return code.type("i8" if kind == "i1" else kind), place
