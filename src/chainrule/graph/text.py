"""The canonical text of a Dag: one line for each node, so shared nodes are written once.

::

    chainrule graph 1
    input x: float64
    parameter w: float64
    %1 = multiply(w, x)
    a = add(%1, 1.0)
    output a

A named node stands under its names (``a, b = …``), any other under a number. Constants of one
number stand where they are used; their type follows a colon unless it is float64. Literal
parameters follow a semicolon: ``power(x; 2)``. Spans and source are kept by JSON files only.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from chainrule.errors import ChainruleError, FileError, shown
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.flat import (
    FORMAT,
    VERSION,
    decode_constant,
    decode_type,
    encode_constant,
    encode_params,
    parse_json,
)
from chainrule.graph.node import (
    CONSTANT,
    INPUT,
    PARAMETER,
    Node,
    input_node,
    make,
    parameter_node,
)
from chainrule.graph.op import find
from chainrule.graph.types import FLOAT64

_HEAD: Final = f"{FORMAT} {VERSION}"
_LEAF: Final = re.compile(r"(input|parameter) (\S+): ([^;]+?)(?: as (.+))?")
_LINE: Final = re.compile(r"(.+?) = (\w+)\((.*)\)")
_CONSTANT: Final = re.compile(r"(.+?)(?:: ?(\w+(?:\[[0-9, ]*\])?))?")


def write(dag: Dag) -> str:
    """The canonical text; linear in the number of nodes."""
    lines = [_HEAD]
    shown: dict[Node, str] = {}
    for node in dag.order:
        names = list(dag.names.get(node, ()))
        if node.op is INPUT or node.op is PARAMETER:
            alias = f" as {', '.join(names)}" if names else ""
            lines.append(f"{node.op.name} {node.name}: {node.type}{alias}")
            shown[node] = node.name
            continue
        if node.op is CONSTANT:
            value = json.dumps(encode_constant(node))
            body = value if node.type is FLOAT64 else f"{value}: {node.type}"
            if not names and not node.type.shape:
                shown[node] = body
                continue
            body = f"constant({body})"
        else:
            operands = ", ".join([shown[operand] for operand in node.operands])
            params = f"; {encode_params(node)[1:-1]}" if node.params else ""
            body = f"{node.op.name}({operands}{params})"
        shown[node] = names[0] if names else f"%{len(lines)}"
        lines.append(f"{', '.join(names) or shown[node]} = {body}")
    lines.append(f"output {', '.join(shown[node] for node in dag.outputs)}")
    return "\n".join(lines) + "\n"


@collector_paused()
def read(text: str) -> Dag:
    """The Dag whose canonical text this is.

    Raises:
        FileError: E401 not canonical text, E405 with the number of the line that does not fit.
    """
    lines = text.splitlines()
    if not lines or lines[0] != _HEAD:
        raise FileError("E401", f"not the canonical text of a graph: it starts with {_HEAD!r}")
    reader = _Reader()
    for number, line in enumerate(lines[1:], start=2):
        try:
            if reader.outputs:
                raise FileError("E405", "nothing may follow the output")
            reader.take(line)
        except ChainruleError as error:
            raise FileError("E405", f"line {number}: {error.message}") from None
    try:
        return Dag(reader.outputs, reader.inputs, reader.names)
    except ChainruleError as error:
        raise FileError("E405", error.message) from None


class _Reader:
    """What has been read so far."""

    def __init__(self) -> None:
        self.known: dict[str, Node] = {}
        self.inputs: list[Node] = []
        self.outputs: list[Node] = []
        self.names: dict[Node, list[str]] = {}

    def take(self, line: str) -> None:
        if line.startswith("output "):
            self.outputs = [self.operand(part) for part in _split(line[len("output ") :])]
        elif leaf := _LEAF.fullmatch(line):
            kind, name, type_text, aliases = leaf.groups()
            build = input_node if kind == "input" else parameter_node
            node = build(name, decode_type(type_text))
            self.inputs.append(node)
            self.define(node, [name], named=False)
            if aliases:
                self.define(node, aliases.split(", "), named=True)
        elif match := _LINE.fullmatch(line):
            left, op_name, body = match.groups()
            node = self.constant(body) if op_name == "constant" else self.computation(op_name, body)
            self.define(node, left.split(", "), named=not left.startswith("%"))
        else:
            raise FileError("E405", f"cannot read {shown(line)}")

    def define(self, node: Node, names: list[str], *, named: bool) -> None:
        for name in names:
            if name in self.known:
                raise FileError("E405", f"{name!r} is defined twice")
            self.known[name] = node
        if named:
            self.names.setdefault(node, []).extend(names)

    def computation(self, op_name: str, body: str) -> Node:
        operands, _, params = body.partition(";")
        op = find(op_name)
        if op.is_leaf:
            raise FileError("E405", f"{op_name} is not written like this")
        values: list[Any] = parse_json(f"[{params}]")
        return make(op, tuple(map(self.operand, _split(operands))), op.normal_params(values))

    def operand(self, text: str) -> Node:
        node = self.known.get(text)
        return node if node is not None else self.constant(text)

    def constant(self, text: str) -> Node:
        match = _CONSTANT.fullmatch(text)
        try:
            value = parse_json(match[1]) if match else None
        except FileError:
            value = None
        if match is None or value is None:
            raise FileError("E405", f"{shown(text)} is neither a number nor a node defined above")
        return decode_constant(value, decode_type(match[2]) if match[2] else FLOAT64)


def _split(text: str) -> list[str]:
    """Operands apart; commas inside of brackets do not count."""
    parts: list[str] = []
    depth = 0
    for piece in text.split(","):
        if depth > 0:
            parts[-1] += f",{piece}"
        else:
            parts.append(piece)
        depth += piece.count("[") - piece.count("]")
    return [part.strip() for part in parts if part.strip()]
