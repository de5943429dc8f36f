"""Functions that an operation runs: traced into graphs that read nothing but their arguments.

What such a function reads from around it, numbers of an outer trace, becomes an argument too, and
an operand of the operation. What does not depend on the arguments is computed once, outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.api.array import Array
from chainrule.api.tracing import Arguments, captured, parameter_names, run, symbolic, type_of
from chainrule.api.tree import Structure, flatten
from chainrule.api.wanted import tuple_of
from chainrule.errors import GraphError, shown
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import INPUT, PARAMETER, Node, constant_node, input_node
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
    function: Callable[..., Any], structures: Sequence[Structure], types: Sequence[Type]
) -> Body:
    """Trace a function of arguments of these structures, whose leaves have these types."""
    structure = tuple_of([tuple_of(structures), Structure(dict, (), ())])
    names = tuple(parameter_names(function, structures))
    trace = run(function, Arguments(structure, names, (None,) * len(types), tuple(types)))
    known: dict[Node, Sequence[str]] = {node: [name] for name, node in _read_by(function)}
    known.update(trace.names)
    return Body(trace.inputs, trace.results, trace.structure, Known(known, trace.origins))


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
    """The results of a body as nodes; plain numbers get the types they are to have."""
    found = []
    for output, type in zip(body.outputs, types, strict=True):
        if type is not None and isinstance(output, (bool, int, float)):
            found.append(constant_node(np.full(type.shape, output, type.dtype), type))
        else:
            found.append(symbolic(output))
    return found


class Closed(NamedTuple):
    """A body that reads nothing but its arguments.

    Attributes:
        inputs: The arguments of the function, under names of their own.
        constants: The arguments for what it reads from outside.
        outside: What that is.
        outputs: What it computes from the arguments.
        known: Names and places of what it computes.
    """

    inputs: list[Node]
    constants: list[Node]
    outside: list[Node]
    outputs: list[Node]
    known: Known


def closed(inputs: Sequence[Node], outputs: Sequence[Node], known: Known | None = None) -> Closed:
    """Close a body. What depends on none of its arguments is computed outside.

    Args:
        inputs: Its arguments.
        outputs: What it computes from these and from nodes of other traces.
        known: Names and places of nodes.
    """
    known = known or Known()
    order = walk.depth_first(outputs)
    own = walk.descendants(order, inputs)
    foreign = walk.descendants(order, captured(outputs, inputs)) - own
    read = [node for user in order if user in own for node in user.operands if node in foreign]
    outside = list(dict.fromkeys([*read, *(node for node in outputs if node in foreign)]))
    taken: set[str] = set()
    # Equal bodies are one graph: the numbers that tell one trace from another are left out.
    plain = [unused(own_name(node), node.type, taken) for node in inputs]
    constants = [
        unused(_name_outside(node, known, f"c{at}"), node.type, taken)
        for at, node in enumerate(outside, start=1)
    ]
    names = dict(zip([*inputs, *outside], [*plain, *constants], strict=True))
    made = walk.rebuild(walk.depth_first(outputs, names), names)
    inner = {node: new for node, new in made.items() if not new.is_leaf}
    outs = [made[node] for node in outputs]
    return Closed(plain, constants, outside, outs, known.moved(inner))


def own_name(argument: Node) -> str:
    """The name of an argument without the number of its trace."""
    return argument.name.rpartition("__")[0] or argument.name


def _name_outside(node: Node, known: Known, otherwise: str) -> str:
    """What a value from outside is called: as a variable, or as the argument that it is."""
    if known.names.get(node):
        return known.names[node][0]
    return own_name(node) if node.op in (INPUT, PARAMETER) else otherwise


def unused(name: str, type: Type, taken: set[str]) -> Node:
    """A new argument; its name gets underscores where it is taken."""
    while name in taken:
        name += "_"
    taken.add(name)
    return input_node(name, type)


def renamed(outputs: Sequence[Node], names: Mapping[Node, Node]) -> list[Node]:
    """The outputs over other arguments."""
    return renamed_known(outputs, names, Known())[0]


def renamed_known(
    outputs: Sequence[Node], names: Mapping[Node, Node], known: Known
) -> tuple[list[Node], Known]:
    """The outputs over other arguments, and what is known of their nodes."""
    made = walk.rebuild(walk.depth_first(outputs), names)
    inner = {node: new for node, new in made.items() if node not in names}
    return [made[node] for node in outputs], known.moved(inner)


def bound(build: Callable[[Sequence[Array]], Sequence[Any]], leaves: Sequence[Any]) -> list[Any]:
    """The results of operations on leaves: symbolic inside of a trace, else numbers.

    Args:
        build: From symbolic values for the leaves to symbolic results.
        leaves: Symbolic values and arrays.
    """
    fresh = [
        leaf.node if isinstance(leaf, Term) else input_node(f"leaf__{at}", _type(leaf))
        for at, leaf in enumerate(leaves)
    ]
    results = [result.node for result in build([Array(node) for node in fresh])]
    own = {
        node: leaf for node, leaf in zip(fresh, leaves, strict=True) if not isinstance(leaf, Term)
    }
    if len(own) < len(leaves) or captured(results, list(own)):
        constants = {node: constant_node(leaf, node.type) for node, leaf in own.items()}
        made = walk.rebuild(walk.depth_first(results), constants)
        return [Array(made[node]) for node in results]
    dag = Dag(results, list(own))
    return list(Program(dag)(*own.values())) if results else []


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
    inner = closed(body.inputs, outputs_like(body, [None] * len(body.outputs)))

    def pure(arguments: Sequence[Any], read: Sequence[Any]) -> Any:
        leaves = [*flatten(tuple(arguments))[0], *read]
        nodes = [*inner.inputs, *inner.constants]

        def build(values: Sequence[Array]) -> list[Term]:
            names = dict(zip(nodes, [value.node for value in values], strict=True))
            return list(map(Term, renamed(inner.outputs, names)))

        return body.structure.build(bound(build, leaves))

    return Converted(pure, list(map(Array, inner.outside)))
