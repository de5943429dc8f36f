"""From a Python function to a graph: it runs once on symbolic values, and what it does is kept."""

from __future__ import annotations

import functools
import inspect
import keyword
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import count
from types import FrameType, FunctionType
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.api.array import Array
from chainrule.api.constructors import constructors
from chainrule.api.places import Recorder, at_user_line, running, untraceable
from chainrule.api.protocols import is_objects
from chainrule.api.tree import Structure, flatten
from chainrule.errors import GraphError, listed, shown
from chainrule.graph import walk
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Origin
from chainrule.graph.node import INPUT, PARAMETER, Node, constant_node, input_node
from chainrule.graph.types import BOOL, DTYPES, FLOAT64, Type, is_masked
from chainrule.ops.composite.table import as_term
from chainrule.ops.term import Term

_COMPREHENSIONS: Final = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_KNOWN: Final = frozenset(map(np.dtype, DTYPES))
_serial: Final = count()
"""Numbers that make the inputs of every run different from those of every other.

Two runs may use the same names; if they shared nodes, the derivative of one would see the other.
"""


class Arguments(NamedTuple):
    """The arguments of one call, taken apart.

    Attributes:
        structure: Of (positional, keywords).
        parameters: The names of the positional arguments.
        values: The leaves.
        types: The type of the input for each leaf; None for what is not an array and stays as it
            is: whole numbers and truth values of Python, text, and other objects.
    """

    structure: Structure
    parameters: tuple[str, ...]
    values: tuple[Any, ...]
    types: tuple[Type | None, ...]

    @property
    def names(self) -> list[str]:
        """For each leaf the name that its input gets: ``params_w`` for ``params["w"]``."""
        taken: set[str] = set()
        found = []
        for part, first, *rest in self.structure.paths():
            head = self.parameters[first] if part == 0 and isinstance(first, int) else str(first)
            found.append(_free(identifier((head, *rest)), taken))
        return found

    @property
    def traced(self) -> list[int]:
        """The leaves that become inputs, by number."""
        return [at for at, type in enumerate(self.types) if type is not None]


class Trace(NamedTuple):
    """What a run of a function left.

    Attributes:
        inputs: The nodes that stood for the arrays, in order.
        results: The leaves of the result; those that are not symbolic stay as they are.
        structure: Of the result.
        origins: Node → where it was made.
        names: Node → the names of variables that held it at the end.
    """

    inputs: tuple[Node, ...]
    results: tuple[Any, ...]
    structure: Structure
    origins: Mapping[Node, Origin]
    names: Mapping[Node, Sequence[str]]


def arguments_of(
    function: Callable[..., Any], positional: Sequence[Any], keywords: Mapping[str, Any]
) -> Arguments:
    """Take arguments apart; names are those of the function's signature and of keys.

    Raises:
        TracingError: E237 for arrays that no graph can hold.
    """
    leaves, structure = flatten((tuple(positional), dict(keywords)))
    values = tuple(map(joined, leaves))
    parameters = tuple(parameter_names(function, positional))
    return Arguments(structure, parameters, values, tuple(map(type_of, values)))


def type_of(value: Any) -> Type | None:
    """The type of the input that stands for an argument; None where it stays a Python object.

    Raises:
        TracingError: E237 for an array that no graph can hold.
    """
    if value.__class__ is np.ndarray and value.dtype in _KNOWN:
        return Type.of(value.dtype, value.shape)
    if isinstance(value, float) and not isinstance(value, np.generic):
        return FLOAT64
    if isinstance(value, Term):
        return value.node.type
    if isinstance(value, (str, bytes)):
        return None
    if isinstance(value, (np.ndarray, np.generic)):
        if is_masked(value):
            raise untraceable(
                "E237",
                "an array with masked points cannot be traced",
                "fill them or leave them out: x.filled(0), x.compressed()",
            )
        if isinstance(value, np.matrix):
            raise untraceable(
                "E237", "a matrix cannot be traced", "np.asarray(x) is an array, with * and @"
            )
        if value.dtype not in _KNOWN:
            raise untraceable(
                "E237",
                f"an array of {value.dtype} cannot be traced",
                f"pass arrays of {listed(DTYPES)}; np.asarray(x, float) makes one of numbers",
            )
        return Type.of(value.dtype, value.shape)
    if hasattr(value, "__array__") and not isinstance(value, type):
        return type_of(np.asarray(value))
    return None


def run(function: Callable[..., Any], arguments: Arguments) -> Trace:
    """Run a function on symbolic values in place of its arrays.

    Raises:
        TracingError: Whatever cannot be traced, at the line of the function.
    """
    inputs: list[Node] = []
    values: list[Any] = []
    for name, value, type in zip(arguments.names, arguments.values, arguments.types, strict=True):
        if type is None:
            values.append(value)
        else:
            node = input_node(f"{name}__{next(_serial)}", type)
            inputs.append(node)
            values.append(Array(node))
    positional, keywords = arguments.structure.build(values)
    outer = running.recorder
    root = sys._getframe()  # noqa: SLF001 - the root of the walk
    recorder = running.recorder = Recorder(root, outer)
    try:
        with constructors():
            result = function(*positional, **keywords)
    except Exception as error:
        found = at_user_line(error)
        if found is None:
            raise
        raise found.with_traceback(error.__traceback__) from None
    finally:
        running.recorder = outer
    leaves, structure = flatten(result)
    return Trace(
        tuple(inputs),
        tuple(map(joined, leaves)),
        structure,
        *_origins(recorder),
    )


def joined(result: Any) -> Any:
    """An array of symbolic scalars, such as ``np.array([x, y])``, as one symbolic array."""
    if is_objects(result) and any(isinstance(part, Term) for part in result.flat):
        return as_term(result, Array)
    return result


# --- names ----------------------------------------------------------------------------------------


def parameter_names(function: Callable[..., Any], positional: Sequence[Any]) -> list[str]:
    """The names of the positional arguments."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        code = function.__code__
        names = list(code.co_varnames[: code.co_argcount])
        rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :][:1]
        more = rest[0] if code.co_flags & inspect.CO_VARARGS else "x"
    else:
        names, more = _signature_names(function)
    count = len(positional)
    return [*names[:count], *(f"{more}_{at}" for at in range(count - len(names)))]


def _signature_names(function: Callable[..., Any]) -> tuple[list[str], str]:
    """The names of parameters by position, and that of the tuple of the others."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins have none
        return [], "x"
    placed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    more = [p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
    return [p.name for p in parameters if p.kind in placed], (*more, "x")[0]


@functools.lru_cache(maxsize=4096)
def identifier(keys: tuple[Hashable, ...]) -> str:
    """Keys as one name that a formula can hold.

    >>> identifier(("params", "layer 1", 0))
    'params_layer_1_0'
    """
    text = "_".join(map(str, keys))
    text = "".join([letter if f"x{letter}".isidentifier() else "_" for letter in text])
    text = text if text[:1].isidentifier() else f"x{text}"
    return f"{text}_" if keyword.iskeyword(text) else text


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _origins(recorder: Recorder) -> tuple[dict[Node, Origin], dict[Node, list[str]]]:
    """Where nodes were made, and the variables of the function that hold them at its end."""
    numbers: dict[FrameType, str] = {}
    counts: dict[tuple[FrameType, str], int] = {}
    origins: dict[Node, Origin] = {}
    roots: dict[FrameType, None] = {}
    for node, (file, line, frames) in recorder.made.items():
        *inner, root = frames
        roots[root] = None
        calls = []
        above = root
        for frame in reversed(inner):
            if frame.f_code.co_name in _COMPREHENSIONS:  # some versions of Python have no frame
                continue
            if frame not in numbers:
                name = identifier((frame.f_code.co_name.strip("<>"),))
                counts[above, name] = at = counts.get((above, name), 0) + 1
                numbers[frame] = name if at == 1 else f"{name}_{at}"
            calls.append(numbers[frame])
            above = frame
        origins[node] = Origin(file, line, tuple(calls))
    names: dict[Node, list[str]] = {}
    for root in roots:
        for name, value in root.f_locals.items():
            if isinstance(value, Array):
                names.setdefault(value.node, []).append(name)
    return origins, names


# --- graphs ---------------------------------------------------------------------------------------


def symbolic(value: Any) -> Node:
    """The node of one output of a function; a number becomes a constant.

    Raises:
        GraphError: E233 for what is neither a number nor an array.
    """
    if isinstance(value, Term):
        return value.node
    if isinstance(value, int):
        return constant_node(value, BOOL if isinstance(value, bool) else FLOAT64)
    type = type_of(value)
    if type is None:
        raise GraphError("E233", f"the function gave {shown(value)}, which is not an array")
    return constant_node(value, type)


def captured(outputs: Iterable[Node], inputs: Iterable[Node]) -> list[Node]:
    """The arguments that outputs depend on and that are not among the inputs.

    They belong to a run of another function around this one.
    """
    own = frozenset(inputs)
    reached = walk.depth_first(outputs)
    return [node for node in reached if node.op in (INPUT, PARAMETER) and node not in own]


@collector_paused()
def dag_of_trace(trace: Trace, names: Sequence[str]) -> Dag:
    """The graph of a run, with its inputs under their own names, and names of its variables.

    Raises:
        GraphError: E233 for a result that is not an array.
    """
    if not trace.results:
        raise GraphError("E233", "the function gave no array; is its return missing?")
    outputs = [symbolic(value) for value in trace.results]
    renamed = {
        node: input_node(name, node.type) for node, name in zip(trace.inputs, names, strict=True)
    }
    order = walk.depth_first([*trace.inputs, *outputs])
    made = walk.rebuild(order, renamed)
    taken = set(names)
    given: dict[Node, list[str]] = {}
    for node, candidates in trace.names.items():
        for name in candidates:
            if node in made and not node.is_leaf and name not in taken:
                given.setdefault(made[node], []).append(name)
                taken.add(name)
    ends = [made[node] for node in outputs]
    return Dag(ends, list(renamed.values()), given, origins=_all_origins(trace, order, made))


def _all_origins(
    trace: Trace, order: Sequence[Node], made: Mapping[Node, Node]
) -> dict[Node, Origin]:
    """Where the nodes of a graph were made.

    What an operation needs besides, such as copies along axes, is made where its first user is.
    """
    noted = trace.origins
    origins = {made[node]: noted[node] for node in order if node in noted}
    if len(origins) < sum(1 for node in order if node.operands):
        found = dict(noted)
        for node in reversed(order):
            if node in found:
                for operand in node.operands:
                    if operand.operands and operand not in noted:
                        found[operand] = found[node]
        origins = {made[node]: found[node] for node in order if node in found}
    return origins
