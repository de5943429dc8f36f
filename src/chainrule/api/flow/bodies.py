"""Functions that an operation runs: traced into graphs, and run on what they are given."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from chainrule.api.array import Array
from chainrule.api.flow.closing import closed, is_read, renamed
from chainrule.api.places import running
from chainrule.api.tracing import Arguments, parameter_names, run, symbolic, type_of
from chainrule.api.tree import Structure, flatten
from chainrule.api.wanted import tuple_of
from chainrule.errors import GraphError, shown
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.types import Type
from chainrule.ops.inner import Known
from chainrule.ops.term import Term
from chainrule.run.program import Program


class Body(NamedTuple):
    """A traced function.

    Attributes:
        inputs: The nodes of its arguments, leaf by leaf.
        outputs: The leaves of its result; numbers stay as they are.
        structure: Of the result.
        known: The names of its variables, and where nodes were made.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Any, ...]
    structure: Structure
    known: Known


class Given(NamedTuple):
    """Values for an operation: leaves that are symbolic or arrays, and their structure.

    Attributes:
        leaves: Symbolic values, and arrays of a dtype that a graph can hold.
        structure: How they were put together.
        weak: For each leaf whether it was a plain number, whose dtype is only proposed.
    """

    leaves: list[Any]
    structure: Structure
    weak: list[bool]

    @property
    def types(self) -> list[Type]:
        """The type of each leaf."""
        return [leaf.node.type if isinstance(leaf, Term) else _type(leaf) for leaf in self.leaves]


def given(value: Any, what: str) -> Given:
    """Take values apart; plain numbers become arrays.

    Raises:
        GraphError: E233 for a leaf that is no array.
    """
    leaves, structure = flatten(value)
    found = []
    for leaf in leaves:
        if not isinstance(leaf, (Term, np.ndarray, np.generic)):
            plain = isinstance(leaf, (bool, int, float)) or type_of(leaf) is not None
            if not plain:
                raise GraphError("E233", f"{what} holds {shown(leaf)}, which is not an array")
            leaf = np.asarray(leaf)[()]
        _ = leaf if isinstance(leaf, Term) else type_of(leaf)
        found.append(leaf)
    weak = [isinstance(leaf, (int, float)) and not isinstance(leaf, np.generic) for leaf in leaves]
    return Given(found, structure, weak)


def _type(value: Any) -> Type:
    found = type_of(value)
    assert found is not None
    return found


def body_of(
    function: Callable[..., Any],
    structures: Sequence[Structure],
    types: Sequence[Type],
    plain: Mapping[int, Any] = MappingProxyType({}),
) -> Body:
    """Trace a function of arguments of these structures, whose leaves have these types.

    ``plain``: leaves that are numbers, by their place.
    """
    structure = tuple_of([tuple_of(structures), Structure(dict, (), ())])
    parameters = tuple(parameter_names(function, structures))
    values = tuple([plain.get(at) for at in range(len(types))])
    kinds = tuple([None if at in plain else type for at, type in enumerate(types)])
    trace = run(function, Arguments(structure, parameters, values, kinds))
    read = {node: [name] for name, node in _read_by(function)}
    names = {**read, **trace.names}
    return Body(trace.inputs, trace.results, trace.structure, Known(names, trace.origins))


def _read_by(function: Callable[..., Any]) -> list[tuple[str, Node]]:
    """The symbolic values that a function reads from the function around it, by name."""
    cells = getattr(function, "__closure__", None) or ()
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found = []
    for name, cell in zip(names, cells, strict=False):
        try:
            value = cell.cell_contents
        except ValueError:  # a variable that has no value yet
            continue
        if isinstance(value, Array):
            found.append((name, value.node))
    return found


def outputs_like(body: Body, types: Sequence[Type | None]) -> list[Node]:
    """The results of a body as nodes; plain numbers get the dtypes that are wanted, if they fit."""
    return [_result(*pair) for pair in zip(body.outputs, types, strict=True)]


def _result(output: Any, wanted: Type | None) -> Node:
    if not isinstance(output, (bool, int, float)) or isinstance(output, np.generic):
        return symbolic(output)
    dtype = np.asarray(output).dtype
    if wanted is not None and np.result_type(wanted.dtype, output) == wanted.dtype:
        dtype = wanted.dtype
    return constant_node(output, Type.of(dtype))


def bound(build: Callable[[Sequence[Term]], Sequence[Term]], leaves: Sequence[Any]) -> list[Any]:
    """The results of operations on leaves: symbolic inside of a trace, else numbers.

    Args:
        build: From symbolic values for the leaves to symbolic results.
        leaves: Symbolic values and arrays.
    """
    if any(isinstance(leaf, Term) for leaf in leaves):
        terms = [
            leaf if isinstance(leaf, Term) else Term(constant_node(leaf, _type(leaf)))
            for leaf in leaves
        ]
        return [Array(result.node) for result in build(terms)]
    own = {input_node(f"leaf__{at}", _type(leaf)): leaf for at, leaf in enumerate(leaves)}
    results = [result.node for result in build(list(map(Term, own)))]
    before: Container[Node] = running.recorder or ()
    order = walk.depth_first(results, before)
    if any(node not in own and is_read(node, before) for node in order):
        kept = {node: node for node in order if node in before}
        constants = {node: constant_node(leaf, node.type) for node, leaf in own.items()}
        made = walk.rebuild(order, kept | constants)
        return [Array(made[node]) for node in results]
    return list(Program(Dag(results, list(own)))(*own.values())) if results else []


class Converted(NamedTuple):
    """A function whose values of outer traces are arguments.

    Attributes:
        function: (the arguments, a list of the values it reads) → the result.
        read: Those values.
    """

    function: Callable[..., Any]
    read: list[Array]


def converted(function: Callable[..., Any], example: Sequence[Any]) -> Converted:
    """A function of arguments like these as one that reads nothing else.

    Args:
        function: Of arrays and structures of arrays.
        example: Arguments: symbolic values or arrays.
    """
    like = given(tuple(example), "an argument")
    body = body_of(function, like.structure.parts, like.types)
    inner = closed(body.inputs, outputs_like(body, [None] * len(body.outputs)), body.known)

    def pure(arguments: Sequence[Any], read: Sequence[Any]) -> Any:
        leaves = [*flatten(tuple(arguments))[0], *read]
        nodes = [*inner.inputs, *inner.constants]

        def build(values: Sequence[Term]) -> list[Term]:
            names = dict(zip(nodes, [value.node for value in values], strict=True))
            return list(map(Term, renamed(inner.outputs, names, inner.known)[0]))

        return body.structure.build(bound(build, leaves))

    return Converted(pure, list(map(Array, inner.outside)))
