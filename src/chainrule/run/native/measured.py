"""What the kernels of a profiling build took, with the nodes that each of them computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.native.compiling import Planned
from chainrule.run.native.kernels import Foreign, Kernel
from chainrule.run.native.notes import notes
from chainrule.run.native.straight import cut

Kind = Literal["kernel", "numpy", "part"]


class Measured(NamedTuple):
    """One kernel.

    Attributes:
        kind: A ``kernel``; an operation of ``numpy``; a ``part`` of a long kernel without loops.
        number: Among these, from 0.
        makes: The labels of the nodes that are stored; of a part, of all that it computes.
        nodes: The nodes of the graph that was compiled that are computed there.
        calls: How often it ran.
        seconds: How long in all.
    """

    kind: Kind
    number: int
    makes: tuple[str, ...]
    nodes: frozenset[Node]
    calls: int
    seconds: float


def measured(
    planned: Planned, counts: Sequence[tuple[int, float]], dag: Dag, new_of: Mapping[Node, Node]
) -> list[Measured]:
    """What kernels took.

    Args:
        planned: The kernels.
        counts: Calls and seconds of each.
        dag: The graph that was compiled.
        new_of: What its nodes became.
    """
    said = notes(dag, new_of)
    old_of: dict[Node, list[Node]] = {}
    for node in dag.order:
        if not node.is_leaf:
            old_of.setdefault(new_of[node], []).append(node)
    found = []
    for number, ((kind, makes, computed), (calls, seconds)) in enumerate(
        zip(_kernels(planned), counts, strict=True)
    ):
        nodes = frozenset(old for new in computed for old in old_of.get(new, ()))
        labels = tuple(said.label(node) for node in makes)
        found.append(Measured(kind, number, labels, nodes, calls, seconds))
    return found


def _kernels(planned: Planned) -> list[tuple[Kind, Sequence[Node], Sequence[Node]]]:
    """Of each kernel the nodes that it makes, and all that it computes."""
    if planned.numbers is not None:
        (box,) = planned.numbers.boxes
        parts = [[box.steps[at].node for at in part] for part in cut(box.steps)]
        if len(parts) == 1:
            return [("kernel", planned.numbers.writes, parts[0])]
        own = [[node for node in part if node.operands] for part in parts]
        return [("part", nodes, nodes) for nodes in own]
    found: list[tuple[Kind, Sequence[Node], Sequence[Node]]] = []
    for kernel in planned.plan.kernels:
        if isinstance(kernel, Foreign):
            found.append(("numpy", [kernel.node], [kernel.node]))
        else:
            found.append(("kernel", kernel.writes, _computed(kernel)))
    return found


def _computed(kernel: Kernel) -> list[Node]:
    steps = [*kernel.uniform, *(step for box in kernel.boxes for step in box.steps)]
    return [*kernel.writes, *(step.node for step in steps if step.place is None)]
