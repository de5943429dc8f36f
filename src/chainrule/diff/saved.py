"""What the backward pass needs of the forward pass, read off the derivative rules.

Nothing is declared: the partial derivatives of an operation are run once on placeholders
(`chainrule.diff.rules`), and what they reach is what has to be saved. A condition in a rule, such
as ``x > 0`` in that of ``relu``, is saved as itself: one truth value in place of the number.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chainrule.diff.reverse import adjoints
from chainrule.diff.rules import Transfer, partials_of
from chainrule.errors import GraphError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, input_node, make
from chainrule.graph.op import OPS, Call, Kind, Op, Params
from chainrule.graph.types import BOOL, FLOAT64, UNKNOWN, Type
from chainrule.ops.loops import SCAN, WHILE
from chainrule.ops.several import ITEM
from chainrule.ops.term import Term

_NOT: Final = OPS["logical_not"]

Place = Literal["computed", "condition", "argument", "constant"]


@dataclass(frozen=True, slots=True)
class OpNeeds:
    """What the derivatives of one operation are computed from.

    Attributes:
        out: Placeholder for the result of the operation.
        operands: Placeholders for its operands.
        values: Which of these are needed.
        conditions: Truth values that are needed, as small graphs over the placeholders. One that
            can be computed again from ``values`` is not among them.
    """

    out: Node
    operands: tuple[Node, ...]
    values: tuple[Node, ...]
    conditions: tuple[Node, ...]


def op_needs(
    op: Op,
    params: Params = (),
    active: Collection[int] | None = None,
    types: tuple[Type, ...] | None = None,
) -> OpNeeds:
    """What the backward pass needs at an operation: operands, result, conditions, or nothing.

    >>> from chainrule.graph.op import OPS
    >>> op_needs(OPS["add"]).values, op_needs(OPS["exp"]).values
    ((), (<input out: float64>,))
    >>> op_needs(OPS["multiply"], active=[0]).values
    (<input x1: float64>,)
    >>> relu = op_needs(OPS["relu"])
    >>> relu.values, relu.conditions
    ((), (<greater of 2: bool>,))

    Args:
        op: The operation.
        params: Its literal parameters, in normal form.
        active: The positions of the operands that are differentiated; None: all.
        types: The types of the operands; None: numbers are float64, conditions bool.

    Raises:
        GraphError: E202 or E203 for types that do not fit.
    """
    if types is None:
        types = tuple(BOOL if kind is Kind.BOOL else FLOAT64 for kind in op.kinds)
    positions = frozenset(range(len(types)) if active is None else active)
    return _op_needs(op, types, op.infer(op, types, params), params, positions)


@functools.lru_cache(maxsize=4096)
def _op_needs(
    op: Op, types: tuple[Type, ...], out_type: Type, params: Params, active: frozenset[int]
) -> OpNeeds:
    rules = partials_of(op, types, out_type, params)
    partials = [rules.partials[position] for position in sorted(active)]
    roots: list[Node] = []
    for partial in partials:
        if isinstance(partial, Transfer):
            roots.append(partial.pull.result)
        elif partial is not None:
            roots += [root for root in (partial.factor, partial.guard) if root is not None]
    placeholders = (rules.out, *rules.operands)
    reached = _frontier(roots, placeholders)
    values = tuple(node for node in placeholders if node in reached)
    conditions = tuple(
        node for node in reached if node not in placeholders and not _follows(node, reached)
    )
    return OpNeeds(rules.out, rules.operands, values, conditions)


def _frontier(roots: Iterable[Node], placeholders: Collection[Node]) -> dict[Node, None]:
    """The placeholders and the conditions that are met first on the way down from the roots.

    A negation is looked through: it needs no bit of its own.
    """
    found: dict[Node, None] = {}
    stack = list(roots)[::-1]
    while stack:
        node = stack.pop()
        if node in placeholders or (node.type.is_bool and node.op not in (CONSTANT, _NOT)):
            found[node] = None
        else:
            stack.extend(reversed(node.operands))
    return found


def _follows(condition: Node, saved: Collection[Node]) -> bool:
    """Whether everything the condition is computed from is saved itself."""
    leaves = [node for node in walk.depth_first([condition]) if node.is_leaf]
    return all(leaf in saved or leaf.op is CONSTANT for leaf in leaves)


@dataclass(frozen=True, slots=True)
class NodeNeeds:
    """What the backward pass needs at one computation.

    Attributes:
        node: The computation.
        active: The positions of the operands that are differentiated.
        operands: Those of its operands whose values are needed, each once.
        output: Whether its own value is needed.
        conditions: Truth values that are needed, as nodes over the nodes of the graph.
    """

    node: Node
    active: tuple[int, ...]
    operands: tuple[Node, ...]
    output: bool
    conditions: tuple[Node, ...]

    @property
    def values(self) -> tuple[Node, ...]:
        """Everything that is needed here."""
        return (*self.operands, *((self.node,) if self.output else ()), *self.conditions)


@dataclass(frozen=True, slots=True)
class SavedValue:
    """One value that has to be there for the backward pass, saved once for all who need it.

    Attributes:
        node: The node whose value it is; for a condition that only a rule knows, a node over the
            nodes of the graph.
        place: ``"computed"`` by the forward pass; a ``"condition"``, which takes one byte, as NumPy
            stores truth values; an ``"argument"``, which the caller has anyway; a ``"constant"``,
            which is part of the graph.
        users: The computations whose derivatives need it.
        bytes: Its size at one point; 0 for a constant.
        is_per_step: Whether this is the size for one step of a loop, whose number of steps is known
            only when it runs.
    """

    node: Node
    place: Place
    users: tuple[Node, ...]
    bytes: int
    is_per_step: bool = False


@dataclass(frozen=True, slots=True)
class SavedValues:
    """The saved values of a graph.

    Attributes:
        dag: The graph.
        nodes: For each computation what it needs, in topological order.
        values: The values to save, each once, in the order the forward pass has them.
        everything: Bytes of all arguments and computed values below the outputs: what a backward
            pass needs to keep that does not look at the rules.
        everything_computed: The same without the arguments.
    """

    dag: Dag
    nodes: tuple[NodeNeeds, ...]
    values: tuple[SavedValue, ...]
    everything: int
    everything_computed: int

    @property
    def bytes(self) -> int:
        """Bytes of all saved values, arguments included."""
        return sum(value.bytes for value in self.values if not value.is_per_step)

    @property
    def bytes_per_step(self) -> int:
        """Bytes for each step of loops that run until a condition fails."""
        return sum(value.bytes for value in self.values if value.is_per_step)

    @property
    def bytes_computed(self) -> int:
        """Bytes of the saved values without the arguments, which the caller has anyway."""
        kept = [value for value in self.values if value.place != "argument"]
        return sum(value.bytes for value in kept if not value.is_per_step)


def saved_values(
    dag: Dag, wrt: Collection[Node] | None = None, of: Collection[Node] | None = None
) -> SavedValues:
    """What has to be kept of the forward pass so that the backward pass can run.

    An operand counts only where it is differentiated: where the derivative by one of ``wrt`` passes
    through it. So in ``w*x`` with respect to ``w`` alone, only ``x`` is needed.

    >>> from chainrule.formula.infix import read
    >>> dag = read("a = sin(x); f = exp(a)*y")
    >>> saved = saved_values(dag)
    >>> [(dag.labels[value.node], value.place, value.bytes) for value in saved.values]
    [('x', 'argument', 8), ('y', 'argument', 8), ('v1', 'computed', 8)]
    >>> saved.bytes_computed, saved.everything_computed
    (8, 24)

    Args:
        dag: The graph.
        wrt: The nodes to differentiate by; None: all arguments.
        of: The nodes to differentiate; None: all outputs.

    Raises:
        GraphError: E224 for a node of another graph.
    """
    starts = dag.inputs if wrt is None else wrt
    ends = dag.outputs if of is None else of
    for node in (*starts, *ends):
        if node not in dag:
            raise GraphError("E224", f"{node!r} is not in this graph")
    below = walk.ancestors(*ends)
    nodes = _node_needs([node for node in dag.order if node in below], starts, ends)
    users: dict[Node, list[Node]] = {}
    for needs in nodes:
        for value in needs.values:
            users.setdefault(value, []).append(needs.node)
    place = {node: at for at, node in enumerate(dag.order)}
    # A condition that stands in a rule alone is there when its first user is computed.
    order = sorted(users, key=lambda node: place.get(node, place[users[node][0]]))
    computed = sum(_everything(node) for node in below if not node.is_leaf)
    arguments = sum(_size(node) for node in below if node.is_leaf)
    return SavedValues(
        dag,
        nodes,
        tuple(
            SavedValue(node, _place(node), tuple(users[node]), _size(node), _is_per_step(node))
            for node in order
        ),
        computed + arguments,
        computed,
    )


def _node_needs(
    order: Sequence[Node], starts: Collection[Node], ends: Collection[Node]
) -> tuple[NodeNeeds, ...]:
    """The needs of each computation on the way of a derivative from an end to a start."""
    varying = {node for node in starts if node.type.is_float}
    active: dict[Node, tuple[int, ...]] = {}
    for node in order:
        active[node] = _active(node, varying)
        if active[node]:
            varying.add(node)
    carrying = varying.intersection(ends)
    found = []
    read: dict[Node, set[int]] = {}
    for node in reversed(order):
        if node in carrying and node.op is ITEM:
            read.setdefault(node.operands[0], set()).add(node.params[0])
        if node in carrying:
            carrying.update(node.operands[position] for position in active[node])
        if not node.is_leaf:
            positions = active[node] if node in carrying else ()
            if positions and node.op.joint is not None:
                every = range(len(node.type.parts))
                found.append(_needs_of_all(node, positions, read.get(node, every)))
            else:
                found.append(_needs(node, positions))
    return tuple(reversed(found))


def _active(node: Node, varying: Collection[Node]) -> tuple[int, ...]:
    """The positions of the operands through which a derivative passes."""
    if not any(operand in varying for operand in node.operands):
        return ()
    if node.op is ITEM:
        return (0,) if node.type.is_float else ()
    if node.op.joint is not None:
        pairs = enumerate(node.operands)
        return tuple([at for at, operand in pairs if operand in varying])
    types = tuple([operand.type for operand in node.operands])
    partials = partials_of(node.op, types, node.type, node.params).partials
    rules = enumerate(zip(node.operands, partials, strict=True))
    return tuple([at for at, (node, rule) in rules if node in varying and rule is not None])


def _needs(node: Node, active: tuple[int, ...]) -> NodeNeeds:
    """What one computation needs, its op's placeholders replaced by the node and its operands."""
    if not active:
        return NodeNeeds(node, (), (), False, ())
    types = tuple([operand.type for operand in node.operands])
    needs = op_needs(node.op, node.params, active, types)
    meaning = dict(zip((needs.out, *needs.operands), (node, *node.operands), strict=True))
    operands = [meaning[value] for value in needs.values if value is not needs.out]
    conditions = [
        walk.rebuild(walk.depth_first([condition]), meaning)[condition]
        for condition in needs.conditions
    ]
    return NodeNeeds(
        node,
        active,
        tuple(dict.fromkeys(operands)),
        needs.out in needs.values,
        tuple(dict.fromkeys(conditions)),
    )


def _needs_of_all(node: Node, active: Collection[int], read: Collection[int]) -> NodeNeeds:
    """What an operation with several results needs: operands, and results, read or not.

    Args:
        node: The operation.
        active: The positions of the operands that are differentiated.
        read: The results that have adjoints.
    """
    assert node.op.joint is not None
    operands = [input_node(f"x{at}", operand.type) for at, operand in enumerate(node.operands)]
    outs = [input_node(f"out{at}", type) for at, type in enumerate(node.type.parts)]
    bars = [input_node(f"bar{at}", type) for at, type in enumerate(node.type.parts)]
    call = Call(node.op, list(map(Term, operands)), node.params, list(map(Term, outs)))
    given = [Term(bar) if at in read and bar.type.is_float else None for at, bar in enumerate(bars)]
    wanted = [at in active for at in range(len(operands))]
    shares = node.op.joint.pull(adjoints, call, given, wanted)
    reached = set(walk.depth_first([share.node for share in shares if share is not None]))
    results = [make(ITEM, (node,), (at,)) for at, out in enumerate(outs) if out in reached]
    pairs = zip(node.operands, operands, strict=True)
    needed = [own for own, operand in pairs if operand in reached]
    return NodeNeeds(node, tuple(active), tuple(dict.fromkeys([*needed, *results])), False, ())


def _place(node: Node) -> Place:
    if node.op is CONSTANT:
        return "constant"
    if node.is_leaf:
        return "argument"
    return "condition" if node.type.is_bool else "computed"


def _size(node: Node) -> int:
    """The bytes of the value of a node; a constant is part of the graph."""
    if node.op is CONSTANT or node.type.parts:
        return 0
    return node.type.dtype.itemsize * abs(math.prod(node.type.shape))


def _is_per_step(node: Node) -> bool:
    return node.type.shape[:1] == (UNKNOWN,)


def _everything(node: Node) -> int:
    """The bytes of all that an operation computes: of a loop in all its steps, if their number is
    known; of branches those of the largest one.
    """
    if _is_per_step(node):
        return 0
    if node.op.joint is None:
        return _size(node)
    if node.op is WHILE or (node.op is SCAN and node.params[3] == UNKNOWN):
        return 0
    dags: list[Dag] = []
    for param in node.params:
        dags += [dag for dag in (param if isinstance(param, tuple) else (param,)) if _is_dag(dag)]
    inside = [sum(_everything(inner) for inner in dag.computations) for dag in dags]
    return max(inside, default=0) * (node.params[3] if node.op is SCAN else 1)


def _is_dag(value: object) -> bool:
    return isinstance(value, Dag)
