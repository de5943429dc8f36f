"""Functions to functions: gradients and other derivatives of Python code over NumPy arrays.

A function is traced once for each kind of arguments (shapes, dtypes, values that are not arrays)
and for each state of what it reads besides; then its derivative graph is run. Inside of another
trace the derivative graph becomes part of that trace, so that all of this nests to any depth.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.api.array import Array
from chainrule.api.fingerprint import fingerprint
from chainrule.api.graph import Graph
from chainrule.api.tracing import (
    Arguments,
    Trace,
    arguments_of,
    captured,
    dag_of_trace,
    run,
    symbolic,
    type_of,
)
from chainrule.api.tree import Structure, flatten, matching
from chainrule.diff.blocks import blocks
from chainrule.diff.build import dependent
from chainrule.diff.flow import one
from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.errors import DerivativeError, GraphError, shown
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.types import Type
from chainrule.ops.composite.elementwise import astype
from chainrule.ops.term import Term
from chainrule.run.program import Program

Pure = Callable[..., Any]


def trace(function: Pure) -> Callable[..., Graph]:
    """A Python function over NumPy arrays as a graph, for arguments like those it is called with.

    Names of arguments and keys of dicts name the inputs: ``params["w"]`` is ``params_w``. Variables
    of the function name the nodes they hold at its end.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def loss(w, x):
    ...     z = w @ x
    ...     return np.sum(np.tanh(z))
    >>> graph = cr.trace(loss)(np.ones((2, 3)), np.ones(3))
    >>> graph.arguments
    ('w', 'x')
    >>> graph.at(np.ones((2, 3)), np.ones(3))["z"].value
    array([3., 3.])

    Args:
        function: It runs once, on symbolic arrays in place of arrays and floats; whole numbers,
            truth values and other objects stay as they are.

    Raises:
        TracingError: E230 to E238, at the line that cannot be traced.
        GraphError: E233 for a result that is not an array.
    """

    @functools.wraps(function)
    def traced(*positional: Any, **keywords: Any) -> Graph:
        arguments = arguments_of(function, positional, keywords)
        names = [arguments.names[at] for at in arguments.traced]
        return Graph(dag_of_trace(run(function, arguments), names))

    return traced


def grad(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] = (),
    has_aux: bool = False,
) -> Pure:
    """The gradient of a function with one number as its result.

    The gradient is structured like the argument; with several ``argnums`` it is a tuple.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> cr.grad(cr.grad(lambda x: x**3))(2.0)
    np.float64(12.0)

    Args:
        function: Of arrays, floats, and structures of them; what it reads besides is constant.
        argnums: Positions of the arguments to differentiate by; negative ones from the end.
        argnames: Names of keyword arguments to differentiate by as well; then the result is
            (gradients by position, gradients by name).
        has_aux: The function gives (value, something else), the gradient (gradient, that).

    Raises:
        DerivativeError: E331 for arguments that are not floating-point numbers, E333 for a result
            that is not one number.
        TracingError: E230 to E238, at the line that cannot be traced.
    """
    both = value_and_grad(function, argnums, argnames=argnames, has_aux=has_aux)

    @functools.wraps(function)
    def gradient(*positional: Any, **keywords: Any) -> Any:
        value, found = both(*positional, **keywords)
        return (found, value[1]) if has_aux else found

    return gradient


def value_and_grad(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] = (),
    has_aux: bool = False,
) -> Pure:
    """The value of a function and its gradient, computed together; see `grad`.

    >>> import chainrule as cr
    >>> cr.value_and_grad(lambda x: x**3)(2.0)
    (np.float64(8.0), np.float64(12.0))
    """
    wanted = _Wanted(_positions(argnums), _names(argnames))

    def build(trace: Trace, arguments: Arguments) -> _Plan:
        chosen = wanted.leaves(arguments, trace)
        results = list(trace.results)
        structure = trace.structure
        if has_aux and (structure.kind is not tuple or len(structure.parts) != 2):
            raise GraphError("E233", "with has_aux=True the function gives (value, something else)")
        first = structure.parts[0] if has_aux else structure
        output = _scalar(first, results)
        results[0] = Term(output)
        flow = adjoints(
            walk.depth_first([output]),
            [(output, one(output.type))],
            _active([output], chosen.nodes),
        )
        return _plan(
            trace.inputs,
            [*results, *map(flow.of, chosen.nodes)],
            Structure(tuple, (0, 1), (structure, chosen.structure)),
        )

    return _transform(function, ("gradient", wanted, has_aux), build)


def jvp(function: Pure, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function, and how it changes when its arguments do: forward mode.

    >>> import chainrule as cr
    >>> cr.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (np.float64(6.0), np.float64(3.0))

    Args:
        function: As for `grad`, with a result of any structure.
        primals: The arguments.
        tangents: Their changes, structured like them.

    Raises:
        GraphError: E239 when structures or shapes differ.
        DerivativeError: E331 for arguments that are not floating-point numbers.
    """
    given = arguments_of(function, tuple(primals), {})
    _require_float_arguments(given)
    changes = _alike(tuple(primals), tuple(tangents), "a tangent")

    def build(trace: Trace, _: Arguments) -> _Plan:
        seeds = _seeds([node.type for node in trace.inputs])
        outputs = [symbolic(result) for result in trace.results]
        flow = _tangents(outputs, dict(zip(trace.inputs, seeds, strict=True)))
        structure = _tuple([trace.structure, trace.structure])
        return _plan([*trace.inputs, *seeds], [*outputs, *map(flow.of, outputs)], structure)

    plan = _planned(function, ("jvp",), given, build)
    result: tuple[Any, Any] = _applied(plan, [*given.values, *changes])
    return result


def vjp(function: Pure, *primals: Any) -> tuple[Any, Pure]:
    """The value of a function, and the function from adjoints of it to adjoints of the arguments.

    >>> import chainrule as cr
    >>> value, pull = cr.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pull(1.0)
    (np.float64(3.0), np.float64(2.0))

    Args:
        function: As for `grad`, with a result of any structure.
        *primals: The arguments.

    Raises:
        DerivativeError: E331 for arguments that are not floating-point numbers.
    """
    given = arguments_of(function, primals, {})
    _require_float_arguments(given)
    values = [_kept(value) for value in given.values]

    def build(trace: Trace, arguments: Arguments) -> _Plan:
        results = [(result, _float_type(result)) for result in trace.results]
        outputs = [symbolic(result) for result, type in results if type is not None]
        seeds = _seeds([node.type for node in outputs])
        pairs = list(zip(outputs, seeds, strict=True))
        flow = adjoints(walk.depth_first(outputs), pairs, _active(outputs, trace.inputs))
        backward = _plan(
            [*trace.inputs, *seeds],
            list(map(flow.of, trace.inputs)),
            arguments.structure.parts[0],
        )
        forward = _plan(trace.inputs, trace.results, trace.structure)
        return forward._replace(backward=backward)

    plan = _planned(function, ("vjp",), given, build)
    value = _applied(plan, values)

    def pullback(adjoint: Any) -> tuple[Any, ...]:
        assert plan.backward is not None
        changes = _alike(value, adjoint, "an adjoint")
        result: tuple[Any, ...] = _applied(plan.backward, [*values, *changes])
        return result

    return value, pullback


def jacobian(function: Pure, argnums: int | Sequence[int] = 0, *, mode: str = "auto") -> Pure:
    """All derivatives of a function's results by an argument: shape of the result, then of it.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])

    Args:
        function: As for `grad`, with a result of any structure.
        argnums: Positions of the arguments to differentiate by.
        mode: ``"forward"``, ``"reverse"``, or ``"auto"``: what needs fewer passes.

    Raises:
        DerivativeError: E331 for what is not a floating-point number, E336 for an unknown mode.
    """
    if mode not in ("auto", "forward", "reverse"):
        raise DerivativeError("E336", f"unknown mode {mode!r}; use 'auto', 'forward' or 'reverse'")
    wanted = _Wanted(_positions(argnums), ())

    def build(trace: Trace, arguments: Arguments) -> _Plan:
        chosen = wanted.leaves(arguments, trace)
        outputs = [symbolic(result) for result in trace.results]
        _require_float_results(outputs)
        made = blocks(outputs, chosen.nodes, mode)
        return _plan(trace.inputs, made, _nested(trace.structure, chosen.structure))

    return _transform(function, ("jacobian", wanted, mode), build)


def hessian(function: Pure, argnums: int | Sequence[int] = 0) -> Pure:
    """All second derivatives of a function with one number as its result: forward over reverse.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])

    Args:
        function: As for `grad`.
        argnums: Positions of the arguments to differentiate by; with several, blocks in tuples.

    Raises:
        DerivativeError: as for `grad`.
    """
    return jacobian(grad(function, argnums), argnums, mode="forward")


def hvp(function: Pure, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of a function times a vector, without the Hessian: forward over reverse.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])

    Args:
        function: As for `grad`.
        primals: The arguments.
        tangents: The vector, structured like them.

    Returns:
        Structured like the argument; a tuple with several.
    """
    count = len(primals)
    gradient = grad(function, 0 if count == 1 else tuple(range(count)))
    return jvp(gradient, primals, tangents)[1]


# --- arguments ------------------------------------------------------------------------------------


class _Chosen(NamedTuple):
    """The leaves to differentiate by, and how a gradient by them is structured."""

    nodes: list[Node]
    structure: Structure


class _Wanted(NamedTuple):
    """Arguments to differentiate by.

    Attributes:
        argnums: One position, or several.
        argnames: Keyword arguments.
    """

    argnums: int | tuple[int, ...]
    argnames: tuple[str, ...]

    def leaves(self, arguments: Arguments, trace: Trace) -> _Chosen:
        """The nodes of these arguments in one trace.

        Raises:
            DerivativeError: E331 for a leaf that is not a floating-point number, E334 for an
                argument that is not there.
        """
        positional, keywords = arguments.structure.parts
        count = len(positional.parts)
        several = not isinstance(self.argnums, int)
        numbers = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        _require_there(count, numbers, keywords.keys, self.argnames)
        nodes: list[Node] = []
        by_leaf = dict(zip(arguments.traced, trace.inputs, strict=True))

        def taken(part: int, key: Hashable) -> None:
            for at, path in enumerate(arguments.paths):
                if path[:2] == (part, key):
                    node = by_leaf.get(at)
                    if node is None:
                        raise _without_derivative(arguments.names[at], arguments.values[at])
                    _require_float_argument(arguments.names[at], node.type)
                    nodes.append(node)

        found = []
        for number in numbers:
            taken(0, number % count)
            found.append(positional.parts[number % count])
        structure = _tuple(found) if several else found[0]
        if self.argnames:
            named = []
            for name in self.argnames:
                taken(1, name)
                named.append(keywords.parts[keywords.keys.index(name)])
            structure = _tuple([structure, Structure(dict, self.argnames, tuple(named))])
        return _Chosen(nodes, structure)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _tuple(parts: Sequence[Structure]) -> Structure:
    return Structure(tuple, tuple(range(len(parts))), tuple(parts))


def _nested(outer: Structure, inner: Structure) -> Structure:
    """A structure in which every leaf of one is another."""
    if outer.kind is None:
        return inner
    return outer._replace(parts=tuple([_nested(part, inner) for part in outer.parts]))


def _positions(given: int | Sequence[int]) -> int | tuple[int, ...]:
    if isinstance(given, Sequence):
        return tuple(map(operator.index, given))
    return operator.index(given)


def _require_there(
    count: int, numbers: Sequence[int], given: Sequence[Hashable], names: Sequence[str]
) -> None:
    """Raise E334 for an argument by position or by name that a call does not have."""
    for at in numbers:
        if not -count <= at < count:
            raise DerivativeError(
                "E334",
                f"there is no argument number {at} to differentiate by, only {count} by position; "
                "argnames names others",
            )
    for name in names:
        if name not in given:
            raise DerivativeError(
                "E334",
                f"there is no argument {name!r} to differentiate by; it has to be passed by name",
            )


def _without_derivative(name: str, value: Any) -> DerivativeError:
    """E331 for an argument that is not an array."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    repair = f"; pass {float(value)}" if whole else "; leave it out of what to differentiate by"
    return DerivativeError("E331", f"{name!r} is {shown(value)}, which has no derivative{repair}")


def _require_float_argument(name: str, type: Type) -> None:
    if not type.is_float:
        problem = f"{name!r} is {type}: only floating-point numbers have derivatives"
        raise DerivativeError("E331", f"{problem}; pass {name}.astype(float)")


def _require_float_arguments(arguments: Arguments) -> None:
    """Raise E331 unless every leaf is an array, or a number, of floating-point numbers."""
    for name, value, type in zip(arguments.names, arguments.values, arguments.types, strict=True):
        if type is None:
            raise _without_derivative(name, value)
        _require_float_argument(name, type)


def _require_float_results(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if not node.type.is_float:
            problem = f"the function gave {node.type}: only floating-point numbers have derivatives"
            raise DerivativeError("E331", problem)


def _alike(value: Any, other: Any, what: str) -> list[Any]:
    """The leaves of the other that belong to floating-point numbers, as arrays of their dtypes.

    Raises:
        GraphError: E239 unless both have the same structure and shapes.
    """
    leaves, structure = flatten(value)
    found = []
    for leaf, mine in zip(leaves, matching(other, structure, what), strict=True):
        type = _float_type(leaf.value)
        if type is None:
            continue
        if _shape(mine) != type.shape:
            raise GraphError(
                "E239",
                f"{what} has shape {list(_shape(mine))}, it belongs to shape {list(type.shape)}",
            )
        if isinstance(mine, Term):
            found.append(mine if mine.dtype == type.dtype else astype(mine, type.dtype))
        else:
            found.append(np.asarray(mine, type.dtype))
    return found


def _shape(value: Any) -> tuple[int, ...]:
    return value.shape if isinstance(value, Term) else np.shape(value)


def _float_type(result: Any) -> Type | None:
    """The type of a result that has derivatives; None for others."""
    type = type_of(result)
    return type if type is not None and type.is_float else None


# --- derivatives of traces ------------------------------------------------------------------------


def _active(outputs: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    return dependent(walk.depth_first(outputs), wrt)


def _tangents(outputs: Sequence[Node], seeds: dict[Node, Node]) -> Any:
    return tangents(walk.depth_first([*seeds, *outputs]), seeds)


def _scalar(structure: Structure, results: Sequence[Any]) -> Node:
    """The only number that a function gave; raises DerivativeError E333, E331."""
    if structure.kind is not None:
        gave = "several" if structure.leaves else "none"
        raise DerivativeError("E333", f"a gradient needs one number, the function gave {gave}")
    output = symbolic(results[0])
    if output.type.shape:
        raise DerivativeError(
            "E333",
            f"a gradient needs one number, the function gave shape {list(output.type.shape)}; "
            "use np.sum or np.mean, or jacobian",
        )
    _require_float_results([output])
    return output


def _kept(value: Any) -> Any:
    """An array that nobody else can change; anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _seeds(types: Sequence[Type]) -> list[Node]:
    """Inputs for adjoints or tangents of these types."""
    return [input_node(f"seed__{at}", type) for at, type in enumerate(types)]


# --- plans ----------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """A derivative of a traced function, ready for any arguments of its kind.

    Attributes:
        inputs: The nodes of the arguments that are arrays.
        results: Leaves of the result: nodes, or other objects as they are.
        structure: Of the result.
        free: Nodes of other traces that the results depend on.
        program: From the arguments to the results that are nodes; None with ``free`` ones.
        backward: From arguments and adjoints of the results to adjoints of the arguments.
    """

    inputs: tuple[Node, ...]
    results: tuple[Any, ...]
    structure: Structure
    free: tuple[Node, ...]
    program: Program | None
    backward: _Plan | None = None


def _plan(inputs: Sequence[Node], results: Sequence[Any], structure: Structure) -> _Plan:
    results = [result.node if isinstance(result, Term) else _kept(result) for result in results]
    nodes = [node for node in results if isinstance(node, Node)]
    free = tuple(captured(nodes, inputs))
    program = None if free or not nodes else Program(Dag(nodes, list(inputs)))
    return _Plan(tuple(inputs), tuple(results), structure, free, program)


class _Cache:
    """The plans used last, by everything they depend on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._plans: OrderedDict[Hashable, _Plan] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> _Plan | None:
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
            return plan

    def put(self, key: Hashable, plan: _Plan) -> None:
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > self._most:
                self._plans.popitem(last=False)


_cache: Final = _Cache(512)
_KEYS: Final = (int, str)
"""Classes of keys of dicts that are equal only to themselves, or read already."""


Build = Callable[[Trace, Arguments], _Plan]


def _transform(function: Pure, request: tuple[Any, ...], build: Build) -> Pure:
    """A function that plans once for each kind of arguments, then runs the plan."""

    @functools.wraps(function)
    def transformed(*positional: Any, **keywords: Any) -> Any:
        arguments = arguments_of(function, positional, keywords)
        plan = _planned(function, request, arguments, build)
        return _applied(plan, [arguments.values[at] for at in arguments.traced])

    return transformed


def _planned(function: Pure, request: tuple[Any, ...], arguments: Arguments, build: Build) -> _Plan:
    """The plan for arguments of this kind, made now or before.

    Args:
        function: What is traced.
        request: What is asked for.
        arguments: Of the call.
        build: Makes the plan.
    """
    key = _key(function, request, arguments)
    plan = None if key is None else _cache.get(key)
    if plan is None:
        plan = build(run(function, arguments), arguments)
        if key is not None and not plan.free:
            _cache.put(key, plan)
    return plan


def _key(function: Pure, request: tuple[Any, ...], arguments: Arguments) -> Hashable | None:
    """Everything a plan depends on; None where that cannot be told."""
    read = [
        function,
        *(v for v, type in zip(arguments.values, arguments.types, strict=True) if type is None),
        *_foreign_kinds(arguments.structure),
        *_odd_keys(arguments.paths),
    ]
    parts = [fingerprint(value) for value in read]
    if any(part is None for part in parts):
        return None
    key = (request, arguments.structure, arguments.names, arguments.types, tuple(parts))
    try:
        hash(key)
    except TypeError:
        return None
    return key


@functools.lru_cache(maxsize=1024)
def _foreign_kinds(structure: Structure) -> tuple[type, ...]:
    """The classes of containers that are not Python's own."""
    return tuple([kind for kind in structure.kinds() if kind.__module__ != "builtins"])


def _odd_keys(paths: Sequence[Sequence[Hashable]]) -> list[Hashable]:
    """Keys that are neither whole numbers nor text."""
    return [key for path in paths for key in path if key.__class__ not in _KEYS]


def _applied(plan: _Plan, values: Sequence[Any]) -> Any:
    """The results at the arguments: numbers, or symbolic where an argument is."""
    symbols = plan.free or any(isinstance(value, Term) for value in values)
    if symbols:
        made: list[Any] = _inlined(plan, values)
    elif plan.program is None:
        made = []
    else:
        types = [node.type for node in plan.inputs]
        given = list(map(_number, values, types))
        made = _owned(plan.program(*given), given)
    found = iter(made)
    return plan.structure.build(
        [next(found) if isinstance(result, Node) else _kept(result) for result in plan.results]
    )


def _owned(results: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Results that can be written into without a change of arguments or of other results."""
    taken = {id(_owner(value)) for value in given}
    found = []
    for result in results:
        if isinstance(result, np.ndarray):
            owner = id(_owner(result))
            own = owner not in taken and result.flags.writeable
            taken.add(owner)
            found.append(result if own else result.copy())
        else:
            found.append(result)
    return found


def _owner(value: Any) -> Any:
    """The object that holds the memory of an array."""
    while isinstance(value, np.ndarray) and value.base is not None:
        value = value.base
    return value


def _number(value: Any, type: Type) -> Any:
    if value.__class__ is float:
        return type.dtype.type(value)
    array = np.asarray(value, type.dtype)
    return array if type.shape else array[()]


def _inlined(plan: _Plan, values: Sequence[Any]) -> list[Any]:
    """The results as part of the trace that the arguments belong to."""
    nodes = [node for node in plan.results if isinstance(node, Node)]
    replacements = {
        node: value.node if isinstance(value, Term) else constant_node(value, node.type)
        for node, value in zip(plan.inputs, values, strict=True)
    }
    made = walk.rebuild(walk.depth_first(nodes), replacements)
    return [Array(made[node]) for node in nodes]
