"""What the kernels of a profiling build took, with the nodes that each of them computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.native.compiling import Planned
from chainrule.run.native.emit.notes import notes
from chainrule.run.native.emit.straight import cut
from chainrule.run.native.plan.kernels import Foreign, Kernel, named
from chainrule.run.native.plan.simplify import rewritten

Kind = Literal["kernel", "numpy", "part"]


class Measured(NamedTuple):
    """One kernel.

    Attributes:
        kind: A ``kernel``; an operation of ``numpy``; a ``part`` of a long kernel without loops.
        number: Among these, from 0.
        makes: The labels of the nodes that are stored; of a part, of all that it computes.
        nodes: The nodes of the graph that was compiled that are computed there.
        calls: How often it ran, each of the threads that shared a call counted.
        seconds: How long in all.
    """

    kind: Kind
    number: int
    makes: tuple[str, ...]
    nodes: frozenset[Node]
    calls: int
    seconds: float


def measured(
    dag: Dag, planned: Planned, counts: Sequence[tuple[int, float]], *, fast_math: bool = False
) -> list[Measured]:
    """What kernels took.

    Args:
        dag: The graph that was compiled.
        planned: Its kernels.
        counts: Calls and seconds of each.
        fast_math: Whether sums and products were regrouped.
    """
    new_of = rewritten(dag, fast_math=fast_math)
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
        parts = [[box.steps[at].node for at in part] for part in cut(box)]
        if len(parts) == 1:
            return [("kernel", planned.numbers.writes, parts[0])]
        own = [[node for node in part if node.operands] for part in parts]
        return [("part", nodes, nodes) for nodes in own]
    found: list[tuple[Kind, Sequence[Node], Sequence[Node]]] = []
    for at, step in enumerate(planned.plan.kernels):
        if isinstance(step, Foreign):
            found.append(("numpy", [step.node], [step.node]))
        else:
            kernels = [kernel for _, kernel in named(at, step)]
            computed = [node for kernel in kernels for node in _computed(kernel)]
            found.append(("kernel", kernels[0].writes, computed))
    return found


def _computed(kernel: Kernel) -> list[Node]:
    steps = [*kernel.uniform, *(step for box in kernel.boxes for step in box.steps)]
    return [*kernel.writes, *(step.node for step in steps if step.place is None)]
