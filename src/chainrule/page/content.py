"""What the page shows of a graph, as JSON: nodes, edges, steps, drawings, tables, words.

Numbers are not among it, except where sliders start: the page computes them, with the program that
is made of the same graph. Nodes go by their place in the order of the graph, their slot.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from chainrule.diff.build import dependent, require_float
from chainrule.diff.cost import cost
from chainrule.diff.saved import NodeNeeds, saved_values
from chainrule.draw.elements import kind_of
from chainrule.draw.options import options as drawing_options
from chainrule.draw.picture import picture
from chainrule.draw.subject import Subject
from chainrule.errors import ChainruleWarning, GraphError
from chainrule.formula.printer import formula, latex
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.op import OPS
from chainrule.page.live import LiveSheet
from chainrule.page.mathml import mathml, rows, table, written
from chainrule.page.sliders import slider, start
from chainrule.run.interpret import Sweep
from chainrule.show.costs import cost_table
from chainrule.show.derivation import Derivation
from chainrule.show.numbers import plain
from chainrule.show.saved import needs_table, saved_table
from chainrule.show.steps import backward_rows, rows_in_order

VERSION: Final = 1
_PREFIX: Final = "g"
"""Of the ids in the drawing."""
_FEW: Final = 150
"""Steps of derivations, over all arguments, that are worked out ahead."""
_MOST_OUTPUTS: Final = 12
"""Outputs whose backward passes the page can show."""


class Asked(NamedTuple):
    """What a page is asked to show.

    Attributes:
        values: Where sliders start, by name; others are chosen.
        of: The node whose derivatives are shown first; empty: as `differentiated` chooses.
        drawings: The options of each drawing (`chainrule.draw.options.Options`); the page offers
            to switch between them.
        title: What the page is called; empty: the formula.
        derivations: Whether derivatives are worked out as formulas; without, the page asks for
            them when it needs them.
    """

    values: Mapping[str, Any] = {}
    of: str = ""
    drawings: Sequence[Mapping[str, Any]] = ({},)
    title: str = ""
    derivations: bool = True


def content(dag: Dag, asked: Asked, source: str = "", form: str = "text") -> dict[str, Any]:
    """What the page shows of a graph.

    Args:
        dag: A graph of numbers.
        asked: What is to be shown.
        source: What was typed, if anything was; else the graph is written as text.
        form: Whether that is ``"text"`` or ``"latex"``.

    Raises:
        GraphError: E225 for an unknown node, E229 for a graph of arrays, of loops, or of functions
            without a definition.
        DerivativeError: E331 for a node without derivatives.
        DrawingError: For options that cannot be.
    """
    _require_numbers(dag)
    ends = [node for node in dag.outputs if node.type.is_float][:_MOST_OUTPUTS]
    output = differentiated(dag, asked.of)
    if output is not None and output not in ends:
        ends.append(output)
    sweep = start(dag, output, asked.values)
    adjoints = None if output is None else sweep.reverse(output)
    subject = Subject(dag, output, None, sweep, adjoints)
    slot = _slot(dag)
    return {
        "format": "chainrule-page",
        "version": VERSION,
        "title": asked.title,
        "formula": _formula(dag, source, form),
        "nodes": [_node(subject, node, slot) for node in dag.order],
        "arguments": [{"slot": slot[node], **_argument(sweep, node)} for node in dag.inputs],
        "outputs": _slots(slot, dag.outputs),
        "output": None if output is None else slot[output],
        "edges": _edges(subject),
        "forward": _slots(slot, rows_in_order(dag)),
        "backward": {slot[end]: _slots(slot, backward_rows(sweep, end)) for end in ends},
        "drawings": [_drawing(subject, dict(given)) for given in asked.drawings],
        **_tables(dag, output),
        "derivations": derivations(dag, output) if asked.derivations else None,
    }


def differentiated(dag: Dag, of: str) -> Node | None:
    """What the page differentiates: the node that is called so, or with an empty name the first
    output that has derivatives; None where none has.

    Raises:
        GraphError: E225 for an unknown node.
        DerivativeError: E331 for a node without derivatives.
    """
    if not of:
        return next((node for node in dag.outputs if node.type.is_float), None)
    node = dag.find(of)
    require_float(dag, [node])
    return node


def _require_numbers(dag: Dag) -> None:
    for node in dag.order:
        if node.op.joint is not None or node.type.shape or node.op.name == "abstract":
            what = "has no definition" if node.op.name == "abstract" else "is no single number"
            raise GraphError(
                "E229",
                f"the page is for graphs of numbers, and {dag.labels[node]} {what}; expand() "
                "makes numbers of a small graph of arrays",
            )


def _slot(dag: Dag) -> dict[Node, int]:
    return {node: at for at, node in enumerate(dag.order)}


def _slots(slot: Mapping[Node, int], nodes: Iterable[Node]) -> list[int]:
    return [slot[node] for node in nodes]


def _formula(dag: Dag, source: str, form: str) -> dict[str, Any]:
    set_in = latex(dag)
    text = formula(dag)
    return {
        "source": source or text,
        "form": form,
        "text": text,
        "latex": set_in,
        "mathml": rows(set_in),
    }


def _node(subject: Subject, node: Node, slot: Mapping[Node, int]) -> dict[str, Any]:
    dag, names = subject.dag, subject.names
    is_number = node.op is CONSTANT
    return {
        "label": names.text[node],
        "mathml": mathml(names.latex[node]),
        "kind": kind_of(node),
        "operation": written(names.operation(node)),
        "operands": [slot[operand] for operand in node.operands],
        **({"chooses": True} if node.op is OPS["where"] else {}),
        "constant": plain(constant_value(node)) if is_number else None,
        "varying": node in subject.varying,
        "type": node.type.dtype.name,
        "spans": [[span.start, span.end] for span in dag.spans.get(node, ())],
        "title": subject.sentence(node).split(" = ", 1)[0] if node.is_leaf else "",
    }


def _argument(sweep: Sweep, node: Node) -> dict[str, Any]:
    value = sweep.values[node]
    return {
        "name": node.name,
        "value": plain(value),
        **slider(node, float(value)),
    }


def _edges(subject: Subject) -> list[dict[str, Any]]:
    """Every edge; those that carry a derivative are counted by ``slot``."""
    dag = subject.dag
    slot = _slot(dag)
    found: list[dict[str, Any]] = []
    carrying = 0
    for node in dag.order:
        for position, operand in enumerate(node.operands):
            edge: dict[str, Any] = {
                "user": slot[node],
                "operand": slot[operand],
                "position": position,
                "slot": None,
                "rule": node.op.rule,
            }
            if subject.has_derivative(node, position):
                edge["slot"] = carrying
                carrying += 1
                cell = subject.local_formula(node, position)
                edge["local"] = None if cell is None else written(cell)
            found.append(edge)
    return found


def _drawing(subject: Subject, given: dict[str, Any]) -> dict[str, Any]:
    """One drawing, with the signs that its numbers are written with."""
    chosen = drawing_options({"arrows": "both", "legend": False, **given, "live": True})
    scene = picture(subject, chosen)
    sheet = LiveSheet(scene, _PREFIX, numbers_on_edges=chosen.edges != "formula")
    signs = sheet.signs()
    return {
        "style": chosen.style,
        "direction": chosen.direction,
        "edges": chosen.edges,
        "digits": chosen.digits,
        "width": scene.width,
        "height": scene.height,
        "signs": signs,
        "svg": sheet.document(),
    }


def _tables(dag: Dag, output: Node | None) -> dict[str, Any]:
    """What the backward pass needs, and what everything costs."""
    arguments = [node for node in dag.inputs if node.type.is_float]
    if output is None or not arguments:
        return {"saved": None, "cost": None}
    saved = saved_values(dag, arguments, [output])
    slot = _slot(dag)
    kept = [slot.get(value.node) for value in saved.values]
    return {
        "saved": {
            "needs": table(needs_table(saved), [slot[one.node] for one in saved.nodes]),
            "values": table(saved_table(saved), kept),
            "kept": [at for at in kept if at is not None],
            "bytes": saved.bytes_computed,
            "everything": saved.everything_computed,
            "kinds": {slot[needs.node]: _kind_of_needs(needs) for needs in saved.nodes},
        },
        "cost": table(cost_table(cost(dag, output, arguments))),
    }


def _kind_of_needs(needs: NodeNeeds) -> str:
    """What an operation saves, in a word."""
    if needs.operands:
        return "both" if needs.output else "operands"
    if needs.output:
        return "output"
    return "bit" if needs.conditions else "nothing"


def derivations(dag: Dag, output: Node | None) -> dict[str, Any]:
    """The derivative of an output by each argument, as a formula, with its steps where they are
    not too many.
    """
    if output is None:
        return {}
    varying = dependent(dag.order, dag.inputs)
    arguments = [node for node in dag.inputs if node.type.is_float and node in varying]
    are_few = len(arguments) * len(dag.computations) <= _FEW
    found = {}
    for node in arguments:
        derivation = Derivation(dag, output, node)
        equation = derivation.latex_equation()
        found[node.name] = {
            "text": derivation.equation(derivation.text()),
            "mathml": rows(equation),
            "steps": _steps(dag, derivation) if are_few else None,
        }
    return found


def _steps(dag: Dag, derivation: Derivation) -> dict[str, Any]:
    return table(derivation.table(), _slots(_slot(dag), (step.node for step in derivation.steps())))


def read_quietly(read: Any, source: str, **given: Any) -> tuple[Dag, list[str]]:
    """A graph that a reader of formulas makes, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ChainruleWarning)
        dag = read(source, **given)
    return dag, [str(warning.message) for warning in caught]
