"""Graphs that an earlier process made code of, found again without planning them.

Such a graph is named by all that decides its code: every node of it, how it is compiled, the
processor, and the versions of everything that makes the code. Under this name the cache has a
recipe: which entries are the code, and what else a routine needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, INPUT, PARAMETER
from chainrule.graph.op import OPS
from chainrule.run.native.code import cache, target
from chainrule.run.native.code.loader import RefusedError, available
from chainrule.run.native.code.sources import sources
from chainrule.run.native.routine import Recipe, Routine, routine
from chainrule.run.native.stages import stage

_MOST: Final = 1 << 20
"""Bytes of constants in a graph: with more, it takes as long to read them as to plan it."""

_SHORT: Final = 64
"""Bytes of a constant that are written down as they are; longer ones are by a digest."""

_PLAIN: Final = frozenset([int, float, str, bytes, bool, type(None)])


def name_of(dag: Dag, *how: object) -> str | None:
    """The name of what a graph becomes; None: it cannot be told by what is written down.

    Args:
        dag: The graph. What its nodes are called is all the same.
        how: All else that decides what it becomes: plain values, and tuples of them.
    """
    made_by = sources() if available() else None  # elsewhere LLVM has to be loaded anyway
    text = None if made_by is None else _text(dag)
    if made_by is None or text is None:
        return None
    return cache.key("graph", made_by, *target.made_for(), repr(how), text)


def _text(dag: Dag) -> str | None:
    """Every node of a graph in a line: equal for two graphs only if all about them is.

    None for one that is told by more than names and plain values, such as functions of Python.
    """
    number = {node: at for at, node in enumerate(dag.order)}
    lines: list[Any] = [
        [(number.get(node), node.op.name, node.type.text) for node in dag.inputs],
        [number[node] for node in dag.outputs],
    ]
    size = 0
    for node in dag.order:
        op = node.op
        if op is CONSTANT:
            bits = node.params[0]
            size += len(bits)
            if size > _MOST:
                return None
            value = bits if len(bits) <= _SHORT else hashlib.sha256(bits).hexdigest()
            lines.append((value, node.type.text))
        elif op is INPUT or op is PARAMETER:
            lines.append(())  # told by its place among the inputs
        elif OPS.get(op.name) is op and (not node.params or _is_plain(node.params)):
            operands = tuple([number[operand] for operand in node.operands])
            lines.append((op.name, operands, node.params, node.type.text))
        else:
            return None
    return repr(lines)


def _is_plain(value: Any) -> bool:
    """Whether ``repr`` tells a value from all others."""
    if value.__class__ is tuple:
        return all(map(_is_plain, value))
    return value.__class__ in _PLAIN and value == value  # noqa: PLR0124 - NaN has many bits


def keep(name: str, recipe: Recipe, libraries: Sequence[target.Library]) -> None:
    """Have later processes find a routine of optimised code by this name, if that can be."""
    kept = cache.current()
    code = [(library.name, library.externals) for library in libraries]
    size = sum([constant.nbytes for constant in recipe.constants])
    if kept is None or size > _MOST or not all(name for name, _ in code):
        return
    told = recipe._asdict()
    told["constants"] = [(array.dtype.name, array.shape) for array in recipe.constants]
    data = b"".join([array.tobytes() for array in recipe.constants])
    kept.put(name, json.dumps({"code": code, "recipe": told}).encode() + b"\n" + data)


def recalled(name: str) -> Routine | None:
    """The routine of this name, of code out of the cache; None: there is none."""
    kept = cache.current()
    seconds: dict[str, float] = {}
    with stage(seconds, "cache"):
        content = None if kept is None else kept.get(name)
        if content is None:
            return None
        head, _, data = content.partition(b"\n")
        known = json.loads(head)
    libraries = []
    for code, externals in known["code"]:
        try:
            library = target.recalled(code, externals, seconds)
        except (RefusedError, LookupError):  # `target.load` will say what is wrong
            library = None
        if library is None:
            return None
        libraries.append(library)
    told = known["recipe"]
    told["constants"] = _arrays(told["constants"], data)
    return routine(Recipe(**told), libraries, "optimised", seconds)


def _arrays(kinds: Sequence[tuple[str, list[int]]], data: bytes) -> list[np.ndarray[Any, Any]]:
    """The constants of these dtypes and shapes, one after the other."""
    found, at = [], 0
    for dtype, shape in kinds:
        array = np.empty(shape, dtype)
        array[...] = np.frombuffer(data, dtype, array.size, at).reshape(shape)
        found.append(array)
        at += array.nbytes
    return found
