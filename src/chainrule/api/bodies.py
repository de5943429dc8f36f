"""Functions that an operation runs: traced into graphs that read nothing but their arguments.

What such a function reads from around it, numbers of an outer trace, becomes an argument too, and
an operand of the operation. What a loop computes in every step from these alone is computed once,
outside, unless that could be seen: where a step, or a branch, may not be run, or may mask the
result, what is computed there must not count when it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.api.array import Array
from chainrule.api.places import running
from chainrule.api.tracing import Arguments, parameter_names, run, symbolic, type_of
from chainrule.api.tree import Structure, flatten
from chainrule.api.wanted import tuple_of
from chainrule.diff.rules import Partial, partials_of
from chainrule.errors import GraphError, shown
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, INPUT, PARAMETER, Node, constant_node, input_node
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


class Hoist(Enum):
    """What a body computes outside of it.

    Attributes:
        NOTHING: What is only read.
        REGULAR: What has finite derivatives whatever the numbers are, such as products.
        ALL: Whatever depends on none of its arguments.
    """

    NOTHING = auto()
    REGULAR = auto()
    ALL = auto()


_LARGE: Final = 256
"""An array of numbers with more elements is an operand of what runs a body, not a part of it.

Bodies are kept, with their programs, for when they are met again: they must not hold such arrays.
"""


def closed(
    inputs: Sequence[Node],
    outputs: Sequence[Node],
    known: Known,
    hoist: Hoist = Hoist.NOTHING,
    *,
    arrays: bool = False,
) -> Closed:
    """Close a body.

    Args:
        inputs: Its arguments.
        outputs: What it computes from these and from nodes of other traces.
        known: Names and places of nodes.
        hoist: What is computed outside. Nodes that the traces around it made are in any case.
        arrays: Whether large arrays of numbers are read from outside as well.
    """
    before: Container[Node] = running.recorder or ()
    order = walk.depth_first(outputs, before)
    own = walk.descendants(order, inputs)
    if hoist is Hoist.ALL and not all(map(_always, own)):
        hoist = Hoist.REGULAR
    given = [
        node
        for node in order
        if node not in own and (_is_read(node, before) or (arrays and _is_large(node)))
    ]
    foreign = walk.descendants(order, given) - own
    apart: set[Node] = set(given)
    for node in order if hoist is not Hoist.NOTHING else ():
        if (
            node in foreign
            and apart.issuperset(foreign.intersection(node.operands))
            and (hoist is Hoist.ALL or _is_regular(node))
        ):
            apart.add(node)
    inside = [node for node in order if node in own or (node in foreign and node not in apart)]
    read = [node for user in inside for node in user.operands if node in apart]
    outside = list(dict.fromkeys([*read, *(node for node in outputs if node in apart)]))
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


def _is_large(node: Node) -> bool:
    """Whether a node is an array of many different numbers."""
    type = node.type
    return node.op is CONSTANT and len(node.params[0]) > _LARGE * type.dtype.itemsize


def _is_read(node: Node, before: Container[Node]) -> bool:
    """Whether a node was there before a body that uses it."""
    return node.op in (INPUT, PARAMETER) or (bool(node.operands) and node in before)


_REGULAR: Final = frozenset({"add", "subtract", "multiply", "negate", "contract", "convert"})


def _is_regular(node: Node) -> bool:
    """Whether no derivative of a node by its operands is ever infinite."""
    return not node.type.is_float or node.op.moves or node.op.name in _REGULAR


def _always(node: Node) -> bool:
    """Whether what a node is computed from always counts: it chooses nothing, and skips nothing."""
    if node.op.joint is None:
        types = tuple([operand.type for operand in node.operands])
        rules = partials_of(node.op, types, node.type, node.params).partials
        return not any(isinstance(rule, Partial) and rule.guard is not None for rule in rules)
    if node.op.name not in ("scan", "call"):
        return False
    if node.op.name == "scan" and node.params[3] <= 0:  # no step, or nobody knows how many
        return False
    return all(map(_always, node.params[0].order))


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


def renamed(
    outputs: Sequence[Node], names: Mapping[Node, Node], known: Known
) -> tuple[list[Node], Known]:
    """The outputs over other arguments, and what is known of their nodes."""
    made = walk.rebuild(walk.depth_first(outputs), names)
    inner = {node: new for node, new in made.items() if node not in names}
    return [made[node] for node in outputs], known.moved(inner)


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
    if any(node not in own and _is_read(node, before) for node in order):
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
