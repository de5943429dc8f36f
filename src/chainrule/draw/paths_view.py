"""All paths from one node to another as a diagram: the start is drawn once for each path.

Whatever lies on several paths is drawn again on each, up to where they have joined, so that every
path can be followed alone; the products stand below.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from chainrule.draw.diagram import Diagram, Element, Line, Link
from chainrule.draw.elements import Writing
from chainrule.draw.options import Options
from chainrule.draw.subject import Subject, short
from chainrule.errors import LimitError
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node
from chainrule.show.numbers import count

_NOTED: Final = 8
"""Paths whose product is written below the drawing."""

_Locals = tuple[Any, "_Locals | None"]
"""The local derivatives from an occurrence to the end, the nearest first."""


def paths_diagram(subject: Subject, options: Options, wrt: Node, of: Node) -> Diagram:
    """The paths from ``wrt`` to ``of``.

    Raises:
        LimitError: E156 when that takes more than ``options.most`` boxes.
    """
    order = walk.depth_first([of])
    reached = walk.descendants(order, [wrt])
    boxes = sum(times for node, times in walk.occurrences(order, [of]) if node in reached)
    if boxes > options.most:
        raise LimitError(
            "E156", f"the paths take {count(boxes)} boxes, more than most={options.most}"
        )
    writing = Writing(subject, options)
    elements: list[Element] = []
    links: list[Link] = []
    products: list[list[Any]] = []
    stack: list[tuple[Node, Link | None, _Locals | None]] = [(of, None, None)]
    while stack:
        node, link, locals_ = stack.pop()
        key = f"p{len(elements)}"
        if link is not None:
            links.append(replace(link, source=key))
        if node not in reached:
            elements.append(writing.element(key, node, faded=node.op is not CONSTANT))
            continue
        lines = writing.node(node)
        if node is wrt:
            products.append(_listed(locals_))
            text = f"path {len(products)}"
            lines = (*lines, Line("note", text, rf"\text{{{text}}}"))
        elements.append(writing.element(key, node, lines=lines))
        if node is wrt:
            continue
        for at, operand in reversed(list(enumerate(node.operands))):
            on_path = operand in reached
            step = writing.link("", key, node, at, strong=on_path, faded=not on_path)
            stack.append((operand, step, (subject.local(node, at), locals_)))
    source, target = subject.names.text[wrt], subject.names.text[of]
    return Diagram(
        f"Paths from {source} to {target}",
        f"{len(products)} paths from {source} to {target}.",
        tuple(reversed(elements)),
        tuple(links),
        notes=tuple(_notes(products, subject, options, wrt, of)),
    )


def _listed(locals_: _Locals | None) -> list[Any]:
    """The local derivatives of a path, from its start on."""
    found = []
    while locals_ is not None:
        value, locals_ = locals_
        found.append(value)
    return found


def _notes(
    products: list[list[Any]], subject: Subject, options: Options, wrt: Node, of: Node
) -> list[str]:
    """The product along each path, and their sum."""
    if subject.sweep is None:
        return []
    shown = products[:_NOTED]
    totals = []
    notes = []
    for number, factors in enumerate(shown, start=1):
        total: Any = 1.0
        for factor in factors:
            total = total * (0.0 if factor is None else factor)
        totals.append(short(total, options.digits))
        written = " · ".join(short(factor, options.digits) for factor in factors) or "1"
        notes.append(f"path {number}: {written} = {totals[-1]}")
    if len(products) > len(shown):
        notes.append(f"… and {len(products) - len(shown)} more paths")
    elif subject.adjoints is not None:
        whole = short(subject.adjoints.get(wrt, 0.0), options.digits)
        names = subject.names.text
        notes.append(f"d{names[of]}/d{names[wrt]} = {' + '.join(totals)} = {whole}")
    return notes
