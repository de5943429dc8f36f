"""Small graphs as machine code that runs over columns of numbers: what tests of rules work with."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.graph import walk
from chainrule.graph.node import Node
from chainrule.run.native import target
from chainrule.run.native.element import elements
from chainrule.run.native.lanes import KINDS, SIZES, Code, Define, Module, Value, kind_of

WIDTHS = (1, 8)


class Columns:
    """Graphs of 0-d nodes, collected and then compiled together.

    Every graph is there once for each width; the code goes over columns in steps of it.
    """

    def __init__(self, functions: Mapping[str, Define] | None = None) -> None:
        self.module = Module(functions)
        self._graphs: list[tuple[tuple[Node, ...], tuple[Node, ...]]] = []
        self._library: target.Library | None = None

    def add(
        self,
        arguments: Sequence[Node],
        results: Sequence[Node],
        same: Mapping[Node, Node] | None = None,
    ) -> int:
        """Add a graph; ``same`` says which other nodes stand for nodes that are known.

        Returns:
            Its number, for `run`.
        """
        number = len(self._graphs)
        self._graphs.append((tuple(arguments), tuple(results)))
        for width in WIDTHS:
            code = Code(self.module, width)
            code.add_line("loop:")
            at = code.emit("i64", "phi i64 [ 0, %entry ], [ %next, %loop ]").text
            values: dict[Node, Value] = {}
            for position, node in enumerate(arguments):
                values[node] = _load(code, f"%a{position}", at, kind_of(node.type))
            for wanted in (*(same or {}).values(), *results):
                elements(code, walk.depth_first([wanted], values), values)
                for other, known in (same or {}).items():
                    if known is wanted:
                        values[other] = values[known]
            for position, node in enumerate(results):
                _store(code, f"%r{position}", at, values[node])
            code.add_line(f"  %next = add i64 {at}, {width}")
            code.add_line("  %more = icmp slt i64 %next, %count")
            code.add_line("  br i1 %more, label %loop, label %done")
            pointers = [f"ptr %a{k}" for k in range(len(arguments))]
            pointers += [f"ptr %r{k}" for k in range(len(results))]
            name = f"graph{number}_{width}"
            head = f"define void @{name}({', '.join([*pointers, 'i64 %count'])}) {{"
            lines = [head, "entry:", "  br label %loop", *code.lines, "done:", "  ret void", "}"]
            self.module.define(name, "\n".join(lines))
        return number

    def run(self, number: int, width: int, columns: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The results of a graph for columns of its arguments; compiles what has been added."""
        if self._library is None:
            self._library = target.load(self.module.text, 1, self.module.externals)
        _, results = self._graphs[number]
        count = len(columns[0])
        padded = -(-count // 8) * 8
        given = [np.resize(column, padded) for column in columns]
        found = [np.empty(padded, node.type.dtype) for node in results]
        address = self._library.address(f"graph{number}_{width}")
        kinds = [ctypes.c_void_p] * (len(given) + len(found))
        call = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64)(address)
        call(*[column.ctypes.data for column in (*given, *found)], padded)
        return [column[:count] for column in found]


def _memory(code: Code, kind: str) -> str:
    return code.type("i8" if kind == "i1" else kind)


def _pointer(code: Code, start: str, at: str, kind: str) -> str:
    size = SIZES[kind]
    offset = code.emit("i64", f"mul i64 {at}, {size}").text
    return code.emit("ptr", f"getelementptr i8, ptr {start}, i64 {offset}").text


def _load(code: Code, start: str, at: str, kind: str) -> Value:
    place = _pointer(code, start, at, kind)
    memory = _memory(code, kind)
    value = code.emit(kind, f"load {memory}, ptr {place}, align {SIZES[kind]}")
    if kind != "i1":
        return value
    return code.emit("i1", f"trunc {memory} {value.text} to {code.type('i1')}")


def _store(code: Code, start: str, at: str, value: Value) -> None:
    place = _pointer(code, start, at, value.kind)
    memory, text = _memory(code, value.kind), value.text
    if value.kind == "i1":
        text = code.emit("i8", f"zext {code.type('i1')} {text} to {memory}").text
    code.add_line(f"  store {memory} {text}, ptr {place}, align {SIZES[value.kind]}")


assert set(KINDS.values()) == set(SIZES)
