"""A node is immutable and interned: building the same expression twice gives the same node."""

from __future__ import annotations

import functools
import struct
import threading
import weakref
from collections import defaultdict
from typing import Any, Final, final

import numpy as np

from chainrule import forks
from chainrule.errors import GraphError, shown
from chainrule.graph.op import Form, Level, Op, Params, register
from chainrule.graph.types import FLOAT64, Type, is_masked

Key = tuple[Any, ...]


@final
class Node:
    """One operation applied to operands: ``op``, ``operands``, ``params``, ``type``.

    Nodes are made by `make` (and by `input_node`, `parameter_node`, `constant_node`), never
    directly. They compare by identity; two nodes with the same op, operands and parameters are the
    same object, so shared subexpressions are shared automatically.
    """

    __slots__ = ("__weakref__", "op", "operands", "params", "type")

    op: Op
    operands: tuple[Node, ...]
    params: Params
    type: Type

    def __init__(self) -> None:
        raise TypeError("nodes are made by chainrule.graph.node.make")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Node cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Node cannot be changed: {name}")

    @property
    def is_leaf(self) -> bool:
        """Whether this is an input, a parameter or a constant."""
        return self.op.is_leaf

    @property
    def name(self) -> str:
        """The name of an input or a parameter."""
        return str(self.params[0])

    def __repr__(self) -> str:
        if self.op is CONSTANT:
            return f"<constant {constant_value(self)}: {self.type}>"
        if self.op.is_leaf:
            return f"<{self.op.name} {self.name}: {self.type}>"
        return f"<{self.op.name} of {len(self.operands)}: {self.type}>"

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: object) -> Node:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Only the flat form of a whole Dag is pickled: a chain of nodes would recurse.
        raise TypeError("a Node cannot be pickled; pickle the Graph or Dag that holds it")


_set_op: Final = Node.__dict__["op"].__set__
_set_operands: Final = Node.__dict__["operands"].__set__
_set_params: Final = Node.__dict__["params"].__set__
_set_type: Final = Node.__dict__["type"].__set__


class _Entry(weakref.ref[Node]):
    """A weak reference that knows its place in the table, so that a dead node can be forgotten."""

    __slots__ = ("key", "table")

    table: dict[Key, _Entry]
    key: Key


# The interning table, one part for each operation. A key is the tuple of operands, so that it costs
# no memory of its own; only where there are parameters it is the pair of both.
_tables: Final[defaultdict[Op, dict[Key, _Entry]]] = defaultdict(dict)
# Re-entrant: a garbage collection inside `make` may call `_forget` on the same thread.
_lock: Final = forks.lock()
_new: Final = object.__new__


def _forget(
    entry: weakref.ref[Node], kind: type[_Entry] = _Entry, lock: threading.RLock = _lock
) -> None:
    # Defaults in place of globals: those are gone when the last nodes die at the interpreter's end.
    assert isinstance(entry, kind)
    with lock:
        # The key may belong to a younger node by now: remove only what is our own.
        if entry.table.get(entry.key) is entry:
            del entry.table[entry.key]


def make(op: Op, operands: tuple[Node, ...] = (), params: Params = ()) -> Node:
    """The node for this operation on these operands; ``params`` must be in normal form.

    Raises:
        GraphError: E211 for a wrong number of operands, E202 or E203 for types that do not fit.
    """
    table = _tables[op]
    key = (operands, params) if params else operands
    entry = table.get(key)
    if entry is not None:
        found = entry()
        if found is not None:
            return found
    node = _new(Node)
    _set_op(node, op)
    _set_operands(node, operands)
    _set_params(node, params)
    _set_type(
        node,
        _infer(op, tuple([operand.type for operand in operands]), params)
        if operands
        else op.infer(op, (), params),
    )
    entry = _Entry(node, _forget)
    entry.table = table
    entry.key = key
    # Inserting where there is nothing is one atomic step; only replacing a dead entry is not.
    if table.setdefault(key, entry) is entry:
        return node
    with _lock:
        found = table.setdefault(key, entry)()
        if found is not None:
            return found
        table[key] = entry
    return node


@functools.lru_cache(maxsize=4096)
def _infer(op: Op, types: tuple[Type, ...], params: Params) -> Type:
    return op.infer(op, types, params)


def live_nodes() -> int:
    """How many nodes exist in this process (for tests of memory)."""
    return sum(map(len, _tables.values()))


# --- leaves -----------------------------------------------------------------------------------


def _leaf(name: str, about: str) -> Op:
    def infer(op: Op, types: object, params: Params) -> Type:
        type: Type = params[1]
        return type

    form = Form("{name}", Level.ATOM, ())
    return register(
        Op(
            name=name,
            about=about,
            operands=(),
            kinds=(),
            params=(),
            infer=infer,
            kernel="",
            text=form,
            latex=form,
            is_leaf=True,
        )
    )


INPUT: Final = _leaf("input", "given data: a feature, a label, a point; not learned")
PARAMETER: Final = _leaf("parameter", "a learnable number: what gradient descent updates")
CONSTANT: Final = _leaf("constant", "a literal number")


def check_name(name: str) -> str:
    """The name itself, if it can name a leaf or an intermediate node: letters, digits, ``_``.

    Raises:
        GraphError: E213 otherwise.
    """
    if not str(name).isidentifier() or not isinstance(name, str):
        raise GraphError("E213", f"{name!r} is not a name; use letters, digits and _")
    return name


def input_node(name: str, type: Type) -> Node:
    """The input of this name and type."""
    return make(INPUT, (), (check_name(name), type))


def parameter_node(name: str, type: Type) -> Node:
    """The parameter of this name and type."""
    return make(PARAMETER, (), (check_name(name), type))


_pack_float: Final = struct.Struct("=d").pack
_PLAIN: Final = (float, int)
_DOUBLE: Final = FLOAT64.dtype


def constant_node(value: Any, type: Type) -> Node:
    """The constant of this value, keyed by its bits: −0.0 is not 0.0, and NaN equals itself.

    A number fills an array. An array whose elements are all the same is kept as one element.

    Raises:
        GraphError: E204 when the value does not fit the type, or is masked in places.
    """
    whole = type is FLOAT64 or (type.dtype == _DOUBLE and 0 not in type.shape)
    if whole and value.__class__ in _PLAIN:
        try:
            return make(CONSTANT, (), (_pack_float(value), type))
        except (OverflowError, struct.error):
            raise GraphError("E204", f"the constant {shown(value)} does not fit {type}") from None
    if is_masked(value):
        raise GraphError("E204", "a constant has masked points; fill them or leave them out")
    try:
        with np.errstate(over="raise"):
            array = np.asarray(value).astype(type.dtype, casting="same_kind", copy=False)
            if isinstance(value, int) and not type.is_bool and int(array) != value:
                array = np.asarray(value, dtype=type.dtype)
    except (OverflowError, FloatingPointError, TypeError, ValueError):
        raise GraphError("E204", f"the constant {shown(value)} does not fit {type}") from None
    if array.shape not in (type.shape, ()):
        raise GraphError("E204", f"a constant of shape {array.shape} does not fit {type}")
    return constant_of(array, type)


def constant_of(array: np.ndarray[Any, Any], type: Type) -> Node:
    """The constant of an array that has the dtype, and the shape of the type or none."""
    if type.shape:
        if 0 in type.shape:
            return make(CONSTANT, (), (b"", type))
        words = np.ascontiguousarray(array).view(f"u{array.itemsize}").ravel()
        if (words == words[0]).all():
            return make(CONSTANT, (), (words[:1].tobytes(), type))
    return make(CONSTANT, (), (array.tobytes(), type))


def constant_value(node: Node) -> Any:
    """The value of a constant: a NumPy scalar, or a read-only array."""
    bits, type = node.params
    flat = np.frombuffer(bits, dtype=type.dtype)
    if not type.shape:
        return flat[0]
    return np.broadcast_to(flat[0], type.shape) if len(flat) == 1 else flat.reshape(type.shape)


def uniform_value(node: Node) -> Any:
    """The one number that a constant is, or that fills it; None for any other node.

    >>> from chainrule.graph.types import Type
    >>> uniform_value(constant_node([2.0, 2.0], Type.of("float64", (2,)))).item()
    2.0
    """
    if node.op is not CONSTANT:
        return None
    bits, type = node.params
    if len(bits) != type.dtype.itemsize:
        return None
    return np.frombuffer(bits, dtype=type.dtype)[0]
