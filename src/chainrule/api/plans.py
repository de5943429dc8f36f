"""A traced function made ready to run: planned once, kept as long as it holds, run many times."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import numpy as np

from chainrule.api.array import Array
from chainrule.api.fingerprint import fingerprint
from chainrule.api.recall import Match, match_of
from chainrule.api.tracing import Arguments, Trace, arguments_of, captured, run
from chainrule.api.tree import Structure
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node
from chainrule.graph.types import Type
from chainrule.ops.term import Term
from chainrule.run.program import Program

Pure = Callable[..., Any]


class Runnable(Protocol):
    """A graph that runs."""

    @property
    def dag(self) -> Dag:
        """The graph."""

    def __call__(self, *arguments: Any) -> Sequence[Any]:
        """The values of the outputs."""


class Plan(NamedTuple):
    """A derivative of a traced function, ready for any arguments of its kind.

    Attributes:
        inputs: The nodes of the arguments that are arrays.
        results: Leaves of the result: nodes, or other objects as they are.
        structure: Of the result.
        free: Nodes of other traces that the results depend on.
        program: From the arguments to the results that are nodes; None with ``free`` ones.
        fresh: Whether each result is an array of its own, by the operations that make them.
        linear: For results (value, values to keep): from the kept values and changes of one side,
            tangents or adjoints, to those of the other.
    """

    inputs: tuple[Node, ...]
    results: tuple[Any, ...]
    structure: Structure
    free: tuple[Node, ...]
    program: Runnable | None
    fresh: bool
    linear: Plan | None = None


def plan_of(inputs: Sequence[Node], results: Sequence[Any], structure: Structure) -> Plan:
    results = [result.node if isinstance(result, Term) else kept(result) for result in results]
    nodes = [node for node in results if isinstance(node, Node)]
    free = tuple(captured(nodes, inputs))
    program = None if free or not nodes else Program(Dag(nodes, list(inputs)))
    # What depends on no argument is computed once.
    own = walk.descendants(walk.depth_first(nodes), inputs)
    fresh = len(set(nodes)) == len(nodes) and all(_is_fresh(node, own) for node in nodes)
    return Plan(tuple(inputs), tuple(results), structure, free, program, fresh)


def _is_fresh(node: Node, moving: Container[Node]) -> bool:
    """Whether a node's operation makes a new array at every call, and no view of another.

    Args:
        node: A result.
        moving: The nodes that depend on an argument.
    """
    if not node.type.shape:
        return True
    makes = node.op.name in _MAKERS or (node.op.name == "sum" and bool(node.params[0]))
    return makes and node in moving


_MAKERS: Final = frozenset({
    "add", "subtract", "multiply", "divide", "negate", "square", "exp", "log", "sin", "cos", "tanh",
    "contract", "embed", "scatter_add",
})  # fmt: skip
"""Operations on arrays whose result is always memory of its own."""


class Planned(Protocol):
    """What every kind of plan has."""

    @property
    def free(self) -> tuple[Node, ...]:
        """Nodes of other traces that it depends on; with some it holds for one call only."""


P = TypeVar("P", bound=Planned)


class _Cache:
    """The plans used last, by everything they depend on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._plans: OrderedDict[Hashable, Planned] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Planned | None:
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
            return plan

    def put(self, key: Hashable, plan: Planned) -> None:
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > self._most:
                self._plans.popitem(last=False)


cache: Final = _Cache(512)
Build = Callable[[Trace, Arguments], Plan]


def transform(function: Pure, request: tuple[Any, ...], build: Build) -> Pure:
    """A function that plans once for each kind of arguments, then runs the plan."""
    last: list[_Last] = []  # of the last call, at most one

    @functools.wraps(function)
    def transformed(*positional: Any, **keywords: Any) -> Any:
        for before in last:
            values = before.match(positional, keywords)
            if values is not None and fingerprint(function) == before.state:
                return _run(before.plan, values)
        arguments = arguments_of(function, positional, keywords)
        plan = planned(function, request, arguments, build)
        values = [arguments.values[at] for at in arguments.traced]
        if plan.program is not None:
            match, state = match_of(arguments), fingerprint(function)
            last[:] = [_Last(match, state, plan)] if match is not None and state is not None else []
        return applied(plan, values)

    return transformed


class _Last(NamedTuple):
    """The plan of the last call of a function.

    Attributes:
        match: Tells arguments of the same kind.
        state: The fingerprint of the function.
        plan: The plan.
    """

    match: Match
    state: Any
    plan: Plan


def planned(
    function: Pure,
    request: tuple[Any, ...],
    arguments: Arguments,
    build: Callable[[Trace, Arguments], P],
) -> P:
    """The plan for arguments of this kind, made now or before.

    Args:
        function: What is traced.
        request: What is asked for.
        arguments: Of the call.
        build: Makes the plan.
    """
    key = _key(function, request, arguments)
    try:
        found = None if key is None else cache.get(key)
    except TypeError:  # something in it has no hash
        key = found = None
    if found is not None:
        return cast("P", found)  # the request says what kind of plan it is
    plan = build(run(function, arguments), arguments)
    if key is not None and not plan.free:
        cache.put(key, plan)
    return plan


def _key(function: Pure, request: tuple[Any, ...], arguments: Arguments) -> Hashable | None:
    """Everything a plan depends on; None where that cannot be told."""
    read = [
        function,
        *(v for v, type in zip(arguments.values, arguments.types, strict=True) if type is None),
        *_foreign_kinds(arguments.structure),
        *arguments.structure.odd_keys(),
    ]
    parts = [fingerprint(value) for value in read]
    if any(part is None for part in parts):
        return None
    return (request, arguments.structure, arguments.types, tuple(parts))


@functools.lru_cache(maxsize=1024)
def _foreign_kinds(structure: Structure) -> tuple[type, ...]:
    """The classes of containers that are not Python's own."""
    return tuple([kind for kind in structure.kinds() if kind.__module__ != "builtins"])


def applied(plan: Plan, values: Sequence[Any]) -> Any:
    """The results at the arguments: numbers, or symbolic where an argument is."""
    if plan.free or any(isinstance(value, Term) for value in values):
        return _built(plan, _inlined(plan, values))
    if plan.program is None:
        return _built(plan, [])
    types = [node.type for node in plan.inputs]
    return _run(plan, list(map(number, values, types)))


def _run(plan: Plan, given: Sequence[Any]) -> Any:
    """The results at numbers that have the types of the inputs."""
    assert plan.program is not None
    made = list(plan.program(*given))
    return _built(plan, made if plan.fresh else _owned(made, given))


def _built(plan: Plan, made: Sequence[Any]) -> Any:
    found = iter(made)
    return plan.structure.build(
        [next(found) if isinstance(result, Node) else kept(result) for result in plan.results]
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


def number(value: Any, type: Type) -> Any:
    """An argument as the graph takes it: of the dtype of its input."""
    if value.__class__ is np.ndarray and value.dtype == type.dtype:
        return value if type.shape else value[()]
    if value.__class__ is float:
        return type.dtype.type(value)
    array = np.asarray(value, type.dtype)
    return array if type.shape else array[()]


def _inlined(plan: Plan, values: Sequence[Any]) -> list[Any]:
    """The results as part of the trace that the arguments belong to."""
    nodes = [node for node in plan.results if isinstance(node, Node)]
    replacements = {
        node: value.node if isinstance(value, Term) else constant_node(value, node.type)
        for node, value in zip(plan.inputs, values, strict=True)
    }
    made = walk.rebuild(walk.depth_first(nodes), replacements)
    return [Array(made[node]) for node in nodes]


def kept(value: Any) -> Any:
    """An array that nobody else can change; anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value
