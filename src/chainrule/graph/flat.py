"""A Dag as a plain list, operands by index: what files and pickles hold, checked when read."""

from __future__ import annotations

import base64
import copyreg
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from chainrule.errors import ChainruleError, FileError, Span, shown
from chainrule.graph import walk
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Arrangement, Matrix, Meaning, Origin
from chainrule.graph.node import (
    CONSTANT,
    INPUT,
    Node,
    constant_node,
    constant_of,
    constant_value,
    input_node,
    make,
    parameter_node,
    uniform_value,
)
from chainrule.graph.op import OPS, find
from chainrule.graph.types import Type

FORMAT: Final = "chainrule graph"
VERSION: Final = 1
_LONGEST_DTYPE: Final = 20
_TYPE: Final = re.compile(r"(\w+)(?:\[([0-9]{1,15}(?:, ?[0-9]{1,15})*)\])?")


# --- values and types ---------------------------------------------------------------------------


def encode_constant(node: Node) -> Any:
    """A constant as JSON: a number, ``"nan"``, ``"inf"``, ``"-inf"``, or the bytes of an array.

    A number stands for an array that it fills.
    """
    value = uniform_value(node)
    if value is not None:
        number = value.item()
        if math.isfinite(number):
            return number
        # A NaN may carry a payload; then only its bytes say all.
        if np.array(float(str(number))).astype(value.dtype).tobytes() == value.tobytes():
            return str(number)
    value = constant_value(node)
    data = value.astype(value.dtype.newbyteorder("<")).tobytes()
    return {"base64": base64.b64encode(data).decode()}


def decode_constant(value: Any, type: Type) -> Node:
    """The constant node back; raises FileError E404 for a value that does not fit."""
    plain = type.dtype.newbyteorder("<")
    if isinstance(value, Mapping) and isinstance(value.get("base64"), str):
        try:
            data = base64.b64decode(value["base64"], validate=True)
            array = np.frombuffer(data, plain).reshape(type.shape).astype(type.dtype)
        except ValueError as error:
            raise FileError("E404", f"broken data of a constant: {error}") from None
        return constant_of(array, type)
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        value = float(value)
    right = bool if type.is_bool else (float, int) if type.is_float else int
    if not isinstance(value, right) or isinstance(value, bool) != type.is_bool:
        raise FileError("E404", f"{shown(value)} is not a constant of type {type}")
    return constant_node(value, type)


def decode_type(text: Any) -> Type:
    """``"float64"`` or ``"float32[3, 2]"`` as a Type."""
    match = _TYPE.fullmatch(text) if isinstance(text, str) else None
    if match is None or len(match[1]) > _LONGEST_DTYPE:
        raise FileError("E404", f"{shown(text)} is not a type")
    sizes = match[2].split(",") if match[2] else []
    type = Type.of(match[1], tuple(map(int, sizes)))
    if type.dtype.name != match[1]:  # NumPy knows other names for it
        raise FileError("E404", f"{shown(text)} is not a type")
    return type


# --- Dag → data ---------------------------------------------------------------------------------


def to_json(dag: Dag) -> str:
    """The Dag as JSON, one line for each node; the layout is described in docs/files.md."""
    # What derivatives are derivatives of need not be in the graph itself, but is in the file.
    primal = [
        node
        for meanings in dag.meanings.values()
        for meaning in meanings
        for node in (meaning.of, meaning.wrt)
        if node is not None
    ]
    order = [*dag.order, *(node for node in walk.depth_first(primal) if node not in dag)]
    number = {node: index for index, node in enumerate(order)}
    head = {
        "format": FORMAT,
        "version": VERSION,
        "inputs": [number[node] for node in dag.inputs],
        "outputs": [number[node] for node in dag.outputs],
        "source": dag.source,
    }
    if dag.arrangement is not None:
        head["arrangement"] = _encode_arrangement(dag.arrangement)
    lines = []
    for node in order:
        line = f'"op": "{node.op.name}", "type": "{node.type.text}"'
        if node.op is CONSTANT:
            line += f', "value": {_json(encode_constant(node))}'
        elif node.is_leaf:
            line += f', "name": {_json(node.name)}'
        else:
            line += f', "operands": {[number[operand] for operand in node.operands]}'
            if node.params:
                line += f', "params": {encode_params(node)}'
        if node in dag.names:
            line += f', "names": {_json(dag.names[node])}'
        if node in dag.spans:
            line += f', "spans": {_json(dag.spans[node])}'
        if node in dag.meanings:
            entries = [
                [label, of and number[of], wrt and number[wrt]]
                for label, of, wrt in dag.meanings[node]
            ]
            line += f', "meanings": {_json(entries)}'
        if node in dag.origins:
            line += f', "origin": {_json(dag.origins[node])}'
        lines.append(f"{{{line}}}")
    body = ",\n".join(lines)
    return f'{_json(head)[:-1]}, "nodes": [\n{body}\n]}}\n'


def encode_params(node: Node) -> str:
    """The parameters of a node as JSON; a graph among them as its own data."""
    return _json(node.params, default=_data_of)


def _data_of(value: Any) -> Any:
    if not isinstance(value, Dag):
        raise FileError("E408", f"{shown(value)} cannot be kept in a file")
    return json.loads(to_json(value))


def _encode_arrangement(arrangement: Arrangement) -> Any:
    """Positions as numbers, tuples as lists, matrices as objects (never deep)."""
    if isinstance(arrangement, Matrix):
        return arrangement._asdict()
    if isinstance(arrangement, int):
        return arrangement
    return [_encode_arrangement(part) for part in arrangement]


_json: Final = partial(json.dumps, ensure_ascii=False, allow_nan=False)


# --- data → Dag ---------------------------------------------------------------------------------


def from_json(text: str) -> Dag:
    """The Dag that `to_json` wrote.

    Raises:
        FileError: E401 not JSON or not ours, E402 another version, E403 a cycle or a missing node,
            E404 an unknown operation, a wrong type, or any other field that does not fit.
    """
    return from_data(parse_json(text.removeprefix("\ufeff")))


def parse_json(text: str) -> Any:
    """JSON as the standard has it; raises FileError E401 for anything else."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FileError("E401", f"not JSON: {shown(str(error), 100)}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@collector_paused()
def from_data(data: Any) -> Dag:
    """The Dag of JSON data; raises like `from_json`."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise FileError("E401", f'not a saved graph: there is no "format": "{FORMAT}"')
    if data.get("version") != VERSION or data["version"].__class__ is not int:
        raise FileError(
            "E402", f"version {shown(data.get('version'))} cannot be read, only version {VERSION}"
        )
    entries = _field(data, "nodes", list, "the file")
    made = _make_nodes(entries)
    names: dict[Node, list[str]] = {}
    spans: dict[Node, list[Span]] = {}
    meanings: dict[Node, list[Meaning]] = {}
    origins: dict[Node, Origin] = {}
    for index, (node, entry) in enumerate(zip(made, entries, strict=True)):
        if "names" in entry:
            names.setdefault(node, []).extend(_names(entry, f"node {index}"))
        if "spans" in entry:
            spans.setdefault(node, []).extend(_spans(entry, f"node {index}"))
        if "meanings" in entry:
            meanings.setdefault(node, []).extend(_meanings(entry, made, f"node {index}"))
        if "origin" in entry:
            origins.setdefault(node, _origin(entry, f"node {index}"))

    def listed(key: str) -> list[Node]:
        indices = _field(data, key, list, "the file")
        return [made[_checked_index(index, len(made), f"{key!r}")] for index in indices]

    try:
        source = _field(data, "source", str, "the file", "")
        outputs = listed("outputs")
        arrangement = None
        if "arrangement" in data:
            arrangement = _decode_arrangement(data["arrangement"], len(outputs))
        inputs = listed("inputs")
        return Dag(outputs, inputs, names, spans, source, meanings, arrangement, origins)
    except FileError:
        raise
    except ChainruleError as error:
        raise FileError("E404", error.message) from None


def _names(entry: Mapping[str, Any], where: str) -> list[str]:
    names: list[str] = _field(entry, "names", list, where)
    for name in names:
        if not isinstance(name, str):
            raise FileError("E404", f"{where}: {shown(name)} is not a name")
    return names


def _spans(entry: Mapping[str, Any], where: str) -> list[Span]:
    spans = []
    for span in _field(entry, "spans", list, where):
        whole = isinstance(span, list) and len(span) == 2 and all(map(_is_index, span))
        if not whole or span[0] > span[1]:
            raise FileError("E404", f"{where}: a span is [start, end], got {shown(span)}")
        spans.append(Span(*span))
    return spans


def _origin(entry: Mapping[str, Any], where: str) -> Origin:
    match entry["origin"]:
        case [str(file), int(line), [*calls]] if all(isinstance(call, str) for call in calls):
            return Origin(file, int(line), tuple(calls))
        case other:
            raise FileError(
                "E404", f"{where}: an origin is [file, line, calls], got {shown(other)}"
            )


def _meanings(entry: Mapping[str, Any], made: Sequence[Node], where: str) -> list[Meaning]:
    def node(index: Any) -> Node | None:
        return None if index is None else made[_checked_index(index, len(made), where)]

    meanings = []
    for item in _field(entry, "meanings", list, where):
        if not isinstance(item, list) or len(item) != 3 or not isinstance(item[0], str):
            raise FileError("E404", f"{where}: a meaning is [label, of, wrt], got {shown(item)}")
        meanings.append(Meaning(item[0], node(item[1]), node(item[2])))
    return meanings


_DEEPEST: Final = 8
"""How deep tuples of outputs may be nested in a file."""


def _decode_arrangement(data: Any, count: int, depth: int = 0) -> Arrangement:
    if data.__class__ is int and 0 <= data < count:
        position: int = data
        return position
    if isinstance(data, list) and depth < _DEEPEST:
        return tuple([_decode_arrangement(part, count, depth + 1) for part in data])
    if isinstance(data, dict) and data.keys() == set(Matrix._fields):
        sizes = list(data.values())
        matrix = Matrix(**data)
        cells = matrix.rows * matrix.columns if all(map(_is_index, sizes)) else 0
        if cells and matrix.first + cells <= count:
            return matrix
    raise FileError("E404", f"{shown(data)} does not arrange {count} outputs")


def _make_nodes(entries: Sequence[Any]) -> list[Node]:
    """The nodes in the order of the file, which need not be topological."""
    operands_of: list[list[int]] = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise FileError("E404", f"node {index} is not an object")
        listed = entry.get("operands", [])
        if not isinstance(listed, list):
            raise FileError("E404", f"node {index}: 'operands' must be a list")
        for at in listed:
            _checked_index(at, len(entries), f"node {index}")
        operands_of.append(listed)
    made: dict[int, Node] = {}
    for index in _operands_first(operands_of):
        operands = tuple([made[at] for at in operands_of[index]])
        try:
            made[index] = _make_node(entries[index], operands)
        except ChainruleError as error:
            raise FileError("E404", f"node {index}: {error.message}") from None
    return [made[index] for index in range(len(entries))]


def _operands_first(operands_of: Sequence[Sequence[int]]) -> list[int]:
    """The indices in topological order; raises FileError E403 naming a cycle if there is one."""
    if all(at < index for index, operands in enumerate(operands_of) for at in operands):
        return list(range(len(operands_of)))
    users: list[list[int]] = [[] for _ in operands_of]
    missing = [len(operands) for operands in operands_of]
    for index, operands in enumerate(operands_of):
        for at in operands:
            users[at].append(index)
    order = [index for index, count in enumerate(missing) if count == 0]
    for index in order:
        for user in users[index]:
            missing[user] -= 1
            if missing[user] == 0:
                order.append(user)
    if len(order) < len(operands_of):
        # Every node left over has an operand left over: walk down until one comes back.
        at = next(index for index, count in enumerate(missing) if count)
        walk: list[int] = []
        seen: set[int] = set()
        while at not in seen:
            seen.add(at)
            walk.append(at)
            at = next(operand for operand in operands_of[at] if missing[operand])
        cycle = [*walk[walk.index(at) :], at]
        steps = " <- ".join(map(str, cycle if len(cycle) <= 8 else [*cycle[:7], "…", at]))
        raise FileError("E403", f"the file has a cycle through the nodes {steps}")
    return order


def _make_node(entry: Mapping[str, Any], operands: tuple[Node, ...]) -> Node:
    name = entry.get("op")
    op = OPS.get(name) if isinstance(name, str) else None
    if op is None or op.is_leaf:
        return _make_leaf(entry, operands)
    given = _field(entry, "params", list, op.name, []) if "params" in entry else ()
    node = make(op, operands, op.normal_params(given))
    if "type" in entry and entry["type"] != node.type.text:
        raise FileError(
            "E404", f"{op.name} gives {node.type}, the file says {shown(entry['type'])}"
        )
    return node


def _make_leaf(entry: Mapping[str, Any], operands: tuple[Node, ...]) -> Node:
    op = find(_field(entry, "op", str, "a node"))
    if operands:
        raise FileError("E404", f"{op.name} has no operands")
    type = decode_type(entry.get("type"))
    if op is CONSTANT:
        if "value" not in entry:
            raise FileError("E404", "a constant needs a value")
        return decode_constant(entry["value"], type)
    name = _field(entry, "name", str, op.name)
    return (input_node if op is INPUT else parameter_node)(name, type)


def _field(data: Any, key: str, kind: type, where: str, default: Any = None) -> Any:
    value = data.get(key, default)
    if not isinstance(value, kind):
        raise FileError("E404", f"{where}: {key!r} must be a {kind.__name__}, got {shown(value)}")
    return value


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _checked_index(value: Any, count: int, where: str) -> int:
    if value.__class__ is int and 0 <= value < count:
        return value
    raise FileError("E403", f"{where}: there is no node {shown(value)}")


# A pickle of a Dag holds its JSON: a chain of nodes would recurse.
copyreg.pickle(Dag, lambda dag: (from_json, (to_json(dag),)))
