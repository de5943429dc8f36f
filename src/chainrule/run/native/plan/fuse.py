"""From a graph to kernels: what is computed in one loop, and what goes through memory.

A node of a graph of arrays is either *kept*, that is, its elements are stored somewhere, or
computed where it is needed. Kept are outputs, sums, what NumPy computes and what it reads, and what
would otherwise be computed too often. Slices, transposes, copies along axes, embeddings and joined
arrays are never computed: they say where to read (`views`). Reading an embedding outside of what is
embedded gives 0; so the index space is cut into boxes in which every read is of one kind, and the
adjoint of a slice becomes a gathered sum without a branch.

Arrays of many pieces are stored by loops of their own (`joined`), and where terms overlap too much
for that, sums of embeddings are added up in place (`running`).

Kept nodes of one level (none of them reads what another one of the level has not stored yet) over
the same index space share one loop.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.op import OPS
from chainrule.graph.types import UNKNOWN, Type
from chainrule.run.native.emit.element import cost, is_native
from chainrule.run.native.plan.joined import MANY, elements, is_numbers, joined
from chainrule.run.native.plan.kernels import (
    Box,
    Buffer,
    Foreign,
    Home,
    Kernel,
    Place,
    Plan,
    Step,
    Store,
)
from chainrule.run.native.plan.nest import Nest, axes_in_order
from chainrule.run.native.plan.running import running
from chainrule.run.native.plan.views import Where, identity, is_flat, is_view, operands_read, placed

SUM: Final = OPS["sum"]

_CHEAP: Final = 12
"""Instructions that may be done again rather than kept."""

_CHEAP_NUMBER: Final = 100
"""The same for what is computed once a kernel."""

_NEAR: Final = 64
"""Index spaces of one axis whose sizes differ by no more than this share a loop."""

_MOST_NODES: Final = 64
"""So many nodes are made by one loop; more are made by several."""

_MOST_NEAR: Final = 16
"""The same for a loop over index spaces of several sizes: a box for each."""

_MOST_AGAIN: Final = 16
"""Instructions that loops over more axes may do again for each element of what they read."""

_MOST_SITES: Final = 8
"""From so many places a node may be read before it is kept."""


def fuse(dag: Dag) -> Plan:
    """The kernels of a graph, in the order in which they run.

    Raises:
        TooLongError: A loop would have too many boxes; NumPy had better run the graph.
    """
    if not any(type.shape or type.parts for type in {node.type for node in dag.order}):
        forms = {(x.op, x.params, *[y.type for y in x.operands]): x for x in dag.computations}
        if all(map(is_native, forms.values())):
            return _numbers(dag)
    return _Fusion(dag).plan()


# --- graphs of numbers ----------------------------------------------------------------------------


def _numbers(dag: Dag) -> Plan:
    """One kernel without axes, its steps in the order of the graph."""
    inputs = _arguments(dag)
    outputs = tuple([Buffer(Home.OUTPUT, at, n.type) for at, n in enumerate(dag.outputs)])
    place = {node: at for at, node in enumerate(dag.order)}
    steps = [
        Step(b, (), Place(buffer, 0, ())) for b, buffer in zip(dag.inputs, inputs, strict=True)
    ]
    steps += [
        Step(node, tuple([place[operand] for operand in node.operands]))
        for node in dag.order[len(inputs) :]
    ]
    stores = [
        Store(place[node], Place(buffer, 0, ()))
        for node, buffer in zip(dag.outputs, outputs, strict=True)
    ]
    box = Box((), tuple(steps), tuple(stores), ())
    return Plan((Kernel((), 0, (), (box,), (), dag.outputs),), inputs, outputs, 0, (), ())


def _arguments(dag: Dag) -> tuple[Buffer, ...]:
    return tuple([Buffer(Home.INPUT, at, node.type) for at, node in enumerate(dag.inputs)])


# --- graphs of arrays -----------------------------------------------------------------------------


class _Loop(NamedTuple):
    """What kept nodes must have in common to share a loop.

    Attributes:
        level: When it runs.
        shape: The index space.
        axes: The axes that are added up over where these are not all; they come last.
        alone: What it makes, and nothing else; None: any others.
        part: Of the nodes of a loop that makes many.
    """

    level: int
    shape: tuple[int, ...]
    axes: tuple[int, ...] = ()
    alone: Node | None = None
    part: int = 0


_Sites = set[tuple[_Loop | Node, Where]]
"""Where a node is read: in which loop, or in that of which kept node, and at which elements."""


class _Fusion:
    """One graph on its way to kernels."""

    def __init__(self, dag: Dag) -> None:
        self.dag = dag
        self.foreign = {node for node in dag.order if node.operands and not _is_ours(node)}
        pieces = {n: count for n, count in joined(dag.order).items() if n not in self.foreign}
        self.kept = set(self._needed())
        self.kept |= {node for node, count in pieces.items() if count > MANY}
        # Arrays of joined numbers, and those of other pieces.
        self.numbers = {n for n, count in pieces.items() if n in self.kept and is_numbers(n, count)}
        self.pieced = {n for n, count in pieces.items() if count > MANY} - self.numbers
        # Sums that are added up in place: what they are after each term, and the term.
        self.sums = running(dag)
        self.added = {x: placed(x.operands[1]) for chain in self.sums for x in chain[1:]}
        self.alone = self.pieced.union(*self.sums)
        self.kept |= self.alone

    def _needed(self) -> Iterable[Node]:
        """What has to be stored whatever else is decided."""
        yield from (node for node in self.dag.outputs if not node.is_leaf)
        for node in self.dag.order:
            if node.op is SUM or node in self.foreign:
                yield node
            if node in self.foreign or is_flat(node):
                yield from (operand for operand in node.operands if not operand.is_leaf)

    # --- when -----------------------------------------------------------------------------------

    def _levels(self) -> dict[Node, int]:
        """The level of each kept node."""
        same: dict[Node, int] = {}  # in a loop over the node's own elements
        after: dict[Node, int] = {}  # in any other loop
        found = {}
        for node in self.dag.order:
            before = max([after[x] for x in node.operands], default=0)
            here = before
            if node in self.numbers:
                read = {x for x, _ in elements(node, self.kept)}
                here = max([after[x] if x.type.shape else same[x] for x in read])
            elif not (
                node in self.foreign or node in self.alone or is_view(node) or _is_partial(node)
            ):
                here = max([same[x] for x in node.operands], default=0)
            if node in self.kept:
                found[node] = here
                after[node] = here + 1
                same[node] = here + self._is_for_others(node)
            else:
                after[node], same[node] = before, here
        return found

    def _is_for_others(self, node: Node) -> bool:
        """Whether a kept node is there once its loop has ended, not for other nodes in it."""
        ended = node.op is SUM or node in self.foreign
        return ended or node in self.numbers or node in self.alone

    def _loops(self, levels: dict[Node, int]) -> dict[Node, _Loop]:
        """The loop of each kept node."""
        loops: dict[Node, _Loop] = {}
        count: Counter[_Loop] = Counter()
        for node, level in levels.items():
            loop = self._loop(node, level)
            if loop.shape:
                loop = loop._replace(part=count[loop] // _MOST_NODES)
                count[loop._replace(part=0)] += 1
            loops[node] = loop
        return loops

    def _loop(self, node: Node, level: int) -> _Loop:
        if node in self.numbers:
            return _Loop(level, ())
        if node in self.added:
            return _Loop(level, self.added[node].node.type.shape, (), node)
        if node in self.alone:
            return _Loop(level, node.type.shape, (), node)
        if node.op is SUM:
            shape = node.operands[0].type.shape
            return _Loop(level, shape, node.params[0] if _is_partial(node) else ())
        return _Loop(level, node.type.shape)

    # --- what -----------------------------------------------------------------------------------

    def _keep_more(self) -> None:
        """Keep what would be computed too often."""
        loops = self._loops(self._levels())
        sites: defaultdict[Node, _Sites] = defaultdict(set)
        costs = self._costs()
        for node in reversed(self.dag.order):
            if node.is_leaf:
                continue
            if node not in self.kept and self._is_expensive(node, sites[node], costs[node]):
                self.kept.add(node)
            if node in self.foreign:
                continue
            if node in self.numbers:
                for x, where in elements(node, self.kept):
                    sites[x].add((loops[node], where))
                continue
            if node in self.pieced:
                # Each piece is a place of its own: the pieces have nothing in common.
                for piece, where in operands_read(node, identity(len(node.type.shape))):
                    sites[piece].add((piece, where))
                continue
            if node in self.added:
                term = self.added[node].node
                sites[term].add((loops[node], identity(len(term.type.shape))))
                continue
            if node in self.kept:
                loop = loops.get(node, node)
                source = node.operands[0] if node.op is SUM else node
                given: _Sites = {(loop, identity(len(source.type.shape)))}
            else:
                given = sites[node]
            if is_view(node) and not is_flat(node):
                for loop, where in given:
                    for operand, at in operands_read(node, where):
                        sites[operand].add((loop, at))
            else:
                for operand in node.operands:
                    sites[operand] |= given

    def _is_expensive(self, node: Node, sites: _Sites, cost: int) -> bool:
        if is_view(node) or not sites:
            return False
        size = math.prod(node.type.shape)
        most = max([_evaluations(loop, where) for loop, where in sites])
        if cost * (most - size) >= _MOST_AGAIN * max(1, size):
            return True
        cheap = _CHEAP if node.type.shape else _CHEAP_NUMBER
        return len(sites) > 1 and (cost > cheap or len(sites) > _MOST_SITES)

    def _costs(self) -> dict[Node, int]:
        """Instructions for one element of each node, as far as it is computed where it is read."""
        costs: dict[Node, int] = {}
        most = 100 * _CHEAP_NUMBER
        for node in self.dag.order:
            if node.is_leaf or node in self.kept:
                costs[node] = 0
            else:
                own = 0 if is_view(node) else cost(node)
                costs[node] = min(most, own + sum([costs[x] for x in node.operands]))
        return costs

    # --- kernels --------------------------------------------------------------------------------

    def plan(self) -> Plan:
        self._keep_more()
        levels = self._levels()
        self.buffers = self._buffers()
        loops: defaultdict[_Loop, list[Node]] = defaultdict(list)
        steps: list[tuple[int, int, Kernel | Foreign]] = []
        place = {node: at for at, node in enumerate(self.dag.order)}
        for node, loop in self._loops(levels).items():
            if node in self.foreign:
                steps.append((loop.level, place[node], self._foreign(node)))
            else:
                loops[loop].append(node)
        for node in dict.fromkeys(self.dag.outputs):
            if node.is_leaf:  # an argument or a constant is copied
                loops[_Loop(0, node.type.shape)].append(node)
        for loop, nodes in _near(loops):
            nest = Nest(self.buffers, self._new_constant, nodes, loop.shape, loop.axes, self.added)
            kernel = nest.kernel()
            steps.append((loop.level, min(place[node] for node in nodes), kernel))
        steps.sort(key=lambda step: step[:2])
        return Plan(
            tuple([step for _, _, step in steps]),
            _arguments(self.dag),
            self.outputs,
            self.made,
            tuple(self.constants),
            tuple(self.scratch),
        )

    def _buffers(self) -> dict[Node, list[Buffer]]:
        """Where each leaf and each kept node lies: to be read in the first place of the list."""
        found: dict[Node, list[Buffer]] = {}
        for node, buffer in zip(self.dag.inputs, _arguments(self.dag), strict=True):
            found[node] = [buffer]
        self.made = 0
        for node in self.dag.order:
            if node in self.foreign:
                found[node] = [Buffer(Home.TABLE, self.made, node.type)]
                self.made += 1
        self.constants: dict[Node, Buffer] = {}
        by_numpy = {operand for node in self.foreign for operand in node.operands}
        for node in self.dag.order:
            if node.op is CONSTANT and (uniform_value(node) is None or node in by_numpy):
                found[node] = [self._new_constant(node)]
        self.outputs = tuple(
            [Buffer(Home.OUTPUT, at, node.type) for at, node in enumerate(self.dag.outputs)]
        )
        for node, buffer in zip(self.dag.outputs, self.outputs, strict=True):
            found.setdefault(node, []).append(buffer)
        self.scratch: list[Type] = []
        last = {node: chain[-1] for chain in self.sums for node in chain}
        for node in self.dag.order:
            home = last.get(node, node)  # a sum is added up where it lies in the end
            if node in self.kept and home not in found:
                found[home] = [Buffer(Home.SCRATCH, len(self.scratch), node.type)]
                self.scratch.append(node.type)
            if home is not node:
                found[node] = found[home]
        return found

    def _new_constant(self, node: Node) -> Buffer:
        """The entry of the table that a constant is."""
        at = self.made + len(self.constants)
        return self.constants.setdefault(node, Buffer(Home.TABLE, at, node.type))

    def _foreign(self, node: Node) -> Foreign:
        outputs = [at for at, output in enumerate(self.dag.outputs) if output is node]
        return Foreign(
            node,
            tuple([self.buffers[operand][0] for operand in node.operands]),
            self.buffers[node][0].number,
            tuple(outputs),
        )


def _evaluations(loop: _Loop | Node, where: Where) -> int:
    """How often a loop computes what is read there: for all indices of the axes down to the
    innermost one that it changes along, whether or not it changes along the others.
    """
    shape, last = (loop.shape, loop.axes) if isinstance(loop, _Loop) else (loop.type.shape, ())
    own = {along.axis for along in where}
    order = axes_in_order(len(shape), last)
    while order and order[-1] not in own:
        order.pop()
    return math.prod([shape[axis] for axis in order])


def _is_ours(node: Node) -> bool:
    """Whether kernels can make this node."""
    if any(x.type.parts or UNKNOWN in x.type.shape for x in (node, *node.operands)):
        return False
    if node.op is SUM:
        return bool(node.params[0]) or not node.type.shape
    return is_view(node) or is_native(node)


def _is_partial(node: Node) -> bool:
    """Whether this is a sum over some of the axes, not all."""
    return node.op is SUM and len(node.params[0]) < len(node.operands[0].type.shape)


def _near(loops: dict[_Loop, list[Node]]) -> list[tuple[_Loop, list[Node]]]:
    """The loops to be made; those over one axis of almost the same size become one."""
    found: list[tuple[_Loop, list[Node]]] = []
    for loop in sorted(loops, key=lambda one: (one.level, len(one.shape), one.shape, one.part)):
        fits = found and len(found[-1][1]) + len(loops[loop]) <= _MOST_NEAR
        if fits and _is_near(found[-1][0], loop):
            found[-1] = (loop, [*found[-1][1], *loops[loop]])
        else:
            found.append((loop, loops[loop]))
    return found


def _is_near(a: _Loop, b: _Loop) -> bool:
    return (
        a.level == b.level
        and len(a.shape) == len(b.shape) == 1
        and not a.axes
        and not b.axes
        and a.alone is b.alone is None
        and a.part == b.part
        and 0 <= b.shape[0] - a.shape[0] <= min(_NEAR, a.shape[0])
    )
