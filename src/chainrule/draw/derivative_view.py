"""The derivative graph of forward mode as a diagram: nodes are derivatives by the first node."""

from __future__ import annotations

from chainrule.draw.diagram import Diagram, Element, Line, Link
from chainrule.draw.elements import kind_of, shape_of
from chainrule.draw.number_lines import short
from chainrule.draw.options import Options
from chainrule.draw.subject import Subject
from chainrule.draw.words import counted
from chainrule.graph.node import Node
from chainrule.show.derivative_graph import DerivativeGraph
from chainrule.show.numbers import latex_of
from chainrule.show.table import Cell


def derivative_diagram(
    subject: Subject, options: Options, graph: DerivativeGraph, of: Node
) -> Diagram:
    """The derivative graph, with numbers or with formulas as it was made."""
    elements: list[Element] = []
    for node in graph.nodes:
        content = _content(node.content, options)
        elements.append(
            Element(
                f"d{len(elements)}",
                kind_of(node.node),
                shape_of(node.node),
                (
                    Line("symbol", node.name.text, _mathematics(node.name)),
                    Line("tangent", content.text, f"{{{_mathematics(content)}}}"),
                ),
                f"{node.name.text} = {node.content.text}",
                is_output=node.node in subject.dag.outputs,
            )
        )
    keys = {node.node: element.key for node, element in zip(graph.nodes, elements, strict=True)}
    links = []
    for edge in graph.edges:
        content = _content(edge.content, options)
        links.append(
            Link(
                keys[edge.operand],
                keys[edge.user],
                f"{edge.name.text} = {edge.content.text}",
                (
                    Line(
                        "local",
                        f"{edge.name.text} = {content.text}",
                        f"{_mathematics(edge.name)} = {{{_mathematics(content)}}}",
                    ),
                ),
                edge.position,
            )
        )
    wrt = subject.names.text[graph.wrt]
    return Diagram(
        f"Derivatives with respect to {wrt}",
        f"The derivative graph of forward mode: {counted(len(elements), 'derivative')} with "
        f"respect to {wrt}.",
        tuple(elements),
        tuple(links),
        notes=() if elements else (subject.no_path(graph.wrt, of),),
    )


def _mathematics(cell: Cell) -> str:
    """A cell's LaTeX without its dollar signs."""
    return cell.latex.removeprefix("$").removesuffix("$")


def _content(cell: Cell, options: Options) -> Cell:
    """A number as drawings write it; a formula as it is."""
    if isinstance(cell.datum, int | float):
        text = short(cell.datum, options.digits)
        return Cell(text, latex_of(text), cell.datum)
    return cell
