"""A traced function made ready to run: planned once, kept as long as it holds, run many times."""

from __future__ import annotations

import functools
import types
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import numpy as np

from chainrule import forks
from chainrule.api.array import Array
from chainrule.api.fingerprint import Key, Made, fingerprint
from chainrule.api.recall import OTHER, Again, Ready, again_of
from chainrule.api.tracing import Arguments, Trace, arguments_of, captured, run
from chainrule.api.tree import Structure
from chainrule.api.watch import Steady, fingerprint_of
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node
from chainrule.graph.types import Type
from chainrule.ops.term import Term
from chainrule.run.owning import owned
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
        self._lock = forks.lock()

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

_KINDS: Final = 8
"""Kinds of arguments that a function remembers; the cache knows more."""


class Transformed(Made):
    """A function that plans once for each kind of arguments, then runs the plan.

    It remembers the kinds of its last calls, as long as the function reads the same things.
    """

    __slots__ = ("_kinds", "_steady")

    def __init__(self, function: Pure, request: tuple[Any, ...]) -> None:
        super().__init__(function, request)
        self._steady: Steady | None = None
        self._kinds: tuple[Again, ...] = ()

    def _planned(self, arguments: Arguments, state: Key | None) -> Plan:
        """The plan for arguments, where the function has this fingerprint."""
        raise NotImplementedError

    def __call__(self, *positional: Any, **keywords: Any) -> Any:
        """What the request says, at these arguments."""
        for again in self._kinds:
            found = again(positional, keywords)
            if found is not OTHER:
                return found
        return self._called(positional, keywords)

    def __get__(self, instance: Any, owner: type | None = None) -> Pure:
        """A method, where the function stands in a class."""
        return self if instance is None else types.MethodType(self, instance)

    def _called(self, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """A call of a kind that is not remembered."""
        arguments = arguments_of(self.function, positional, keywords)
        before, steady = self._steady, self._now()
        state = None if steady is None else self.with_chain(steady.key)
        plan = self._planned(arguments, state)
        values = [arguments.values[at] for at in arguments.traced]
        # The first call of all may be the last one.
        if steady is not None and steady is before and plan.program is not None:
            self._remember(steady, arguments, plan)
        return applied(plan, values)

    def _now(self) -> Steady | None:
        """The fingerprint of what the function is made of; None where nobody can tell."""
        before = self._steady
        if before is not None and before.holds(self.base):
            return before
        key = fingerprint(self.base)
        if before is not None and key == before.key:
            before.loosen()
            return before
        self._kinds = ()
        self._steady = None if key is None else Steady(key, changed=before is not None)
        return self._steady

    def _remember(self, steady: Steady, arguments: Arguments, plan: Plan) -> None:
        assert plan.program is not None
        ready = Ready(self.base, steady, plan.program, plan.fresh, plan.results, plan.structure)
        again = again_of(arguments, ready)
        # The function may have changed what it reads while it was traced.
        if again is not None and steady.holds(self.base):
            self._kinds = (again, *self._kinds[: _KINDS - 1])


class Derived(Transformed):
    """A function whose plan is built from one trace.

    Args:
        function: What is traced.
        request: What becomes of it.
        build: Makes the plan for a kind of arguments; the request says all that it depends on.
    """

    __slots__ = ("_build",)

    def __init__(self, function: Pure, request: tuple[Any, ...], build: Build) -> None:
        super().__init__(function, request)
        self._build = build

    def _planned(self, arguments: Arguments, state: Key | None) -> Plan:
        return planned(self.function, state, self.request, arguments, self._build)


def planned(
    function: Pure,
    state: Key | None,
    request: tuple[Any, ...],
    arguments: Arguments,
    build: Callable[[Trace, Arguments], P],
) -> P:
    """The plan for arguments of this kind, made now or before.

    Args:
        function: What is traced.
        state: Its fingerprint.
        request: What is asked for.
        arguments: Of the call.
        build: Makes the plan.
    """
    key = None if state is None else _key(state, request, arguments)
    try:
        found = None if key is None else cache.get(key)
    except TypeError:  # something in it has no hash
        key = found = None
    if found is not None:
        return cast("P", found)  # the request says what kind of plan it is
    plan = build(run(function, arguments), arguments)
    # What was read while the function ran has to be what the key is of.
    if key is not None and not plan.free and fingerprint_of(function) == state:
        cache.put(key, plan)
    return plan


def _key(state: Key, request: tuple[Any, ...], arguments: Arguments) -> Hashable | None:
    """Everything a plan depends on; None where that cannot be told."""
    read = [
        *(v for v, type in zip(arguments.values, arguments.types, strict=True) if type is None),
        *_foreign_kinds(arguments.structure),
        *arguments.structure.odd_keys(),
    ]
    parts = [fingerprint(value) for value in read]
    if any(part is None for part in parts):
        return None
    return (request, arguments.structure, arguments.types, state, tuple(parts))


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
    return _built(plan, made if plan.fresh else owned(made, given))


def _built(plan: Plan, made: Sequence[Any]) -> Any:
    found = iter(made)
    return plan.structure.build(
        [next(found) if isinstance(result, Node) else kept(result) for result in plan.results]
    )


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
