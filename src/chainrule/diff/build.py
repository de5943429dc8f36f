"""What the passes of differentiation share: who takes part, and the graph that comes out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from chainrule.diff.flow import Flow
from chainrule.errors import DerivativeError
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Arrangement, Meaning
from chainrule.graph.node import CONSTANT, Node, input_node


def dependent(
    order: Iterable[Node], sources: Iterable[Node], holding: Collection[Node] = ()
) -> set[Node]:
    """The floating-point nodes of ``order`` that depend on one of the sources, these included.

    What depends on them only through nodes of ``holding`` does not count, nor do those.
    """
    found = {node for node in sources if node.type.is_float}
    fixed = frozenset(holding)
    for node in order:
        if node.type.is_float and node not in fixed:
            for operand in node.operands:
                if operand in found:
                    found.add(node)
                    break
    return found


def require_float(dag: Dag, nodes: Iterable[Node]) -> None:
    """Raise DerivativeError E331 if one of the nodes cannot have a derivative."""
    for node in nodes:
        name = dag.labels[node]
        if node.type.parts:
            raise DerivativeError(
                "E331", f"{name!r} has several results; each of them has derivatives of its own"
            )
        if not node.type.is_float:
            raise DerivativeError(
                "E331", f"{name!r} is {node.type}: only floating-point numbers have derivatives"
            )


def require_scalar(dag: Dag, node: Node) -> None:
    """Raise DerivativeError E333 if the node is not a scalar."""
    if node.type.shape:
        name = dag.labels[node]
        raise DerivativeError(
            "E333", f"{name!r} has shape {list(node.type.shape)}; a gradient needs a scalar"
        )


def new_inputs(dag: Dag, nodes: Sequence[Node], suffix: str) -> list[Node]:
    """One new input for each node, of its type, named after it: ``x_dot``, ``f_bar``."""
    made = []
    taken = set(dag.taken_names)
    for node in nodes:
        stem = dag.labels[node] if node.op is not CONSTANT or node in dag.names else "c"
        name = _free(f"{stem}_{suffix}", taken)
        taken.add(name)
        made.append(input_node(name, node.type))
    return made


@collector_paused()
def derivative_dag(
    dag: Dag,
    outputs: Sequence[Node],
    names: Sequence[str],
    meanings: Mapping[Node, Sequence[Meaning]],
    arrangement: Arrangement | None,
    new: Sequence[Node] = (),
) -> Dag:
    """The graph of derivatives, with the names and places of the graph they come from.

    Args:
        dag: What was differentiated.
        outputs: The outputs of the new graph.
        names: A name for each output, or an empty string. Only nodes that ``dag`` does not have
            get one: a derivative may well be a node that bears another name there.
        meanings: Node → the derivatives it is.
        arrangement: How the outputs are handed out.
        new: Arguments after those of ``dag``.
    """
    given = {node: list(names) for node, names in dag.names.items()}
    taken = {*dag.taken_names, *(node.name for node in new)}
    for node, name in zip(outputs, names, strict=True):
        named = not name or node.is_leaf or node in given
        if not named and (node not in dag or name == dag.labels[node]):
            given[node] = [_free(name, taken)]
            taken.add(given[node][0])
    return Dag(
        outputs,
        [*dag.inputs, *new],
        given,
        dag.spans,
        dag.source,
        meanings,
        arrangement,
        dag.origins,
    )


def meanings_of(
    flow: Flow, wanted: Iterable[Node], meaning: Callable[[Node], Meaning]
) -> dict[Node, list[Meaning]]:
    """Which derivative each node of a flow is.

    Behind a guard only what is wanted stands as one node; elsewhere the guard has moved on.
    """
    found: dict[Node, list[Meaning]] = {}
    for node in [*wanted, *(node for node in flow if node not in flow.guards)]:
        found.setdefault(flow.of(node), []).append(meaning(node))
    return found


def partial_label(dag: Dag, of: Node, wrt: Node) -> str:
    """∂of/∂wrt by the labels of the graph."""
    return f"∂{dag.labels[of]}/∂{dag.labels[wrt]}"


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name
