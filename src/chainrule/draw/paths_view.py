"""All paths from one node to another as a diagram: the start is drawn once for each path.

Whatever lies on several paths is drawn again on each, up to where they have joined, so that every
path can be followed alone; the products stand below.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from chainrule.draw.diagram import Diagram, Element, Line, Link
from chainrule.draw.elements import Writing
from chainrule.draw.number_lines import short
from chainrule.draw.options import Options
from chainrule.draw.subject import Subject
from chainrule.draw.words import counted
from chainrule.errors import LimitError
from chainrule.graph import walk
from chainrule.graph.node import CONSTANT, Node
from chainrule.show.numbers import DASH, count

_NOTED: Final = 8
"""Paths whose product is written below the drawing."""

_Way = tuple[Node, int, "_Way | None"]
"""The edges from an occurrence to the end, the nearest first: users and positions."""


def paths_diagram(subject: Subject, options: Options, wrt: Node, of: Node) -> Diagram:
    """The paths from ``wrt`` to ``of``.

    Raises:
        LimitError: E156 when that takes more than ``options.most`` boxes.
    """
    order = walk.depth_first([of])
    reached = walk.descendants(order, [wrt])
    boxes = sum(
        times * (1 + _beside(node, wrt, reached))
        for node, times in walk.occurrences(order, [of])
        if node in reached
    )
    if boxes > options.most:
        raise LimitError(
            "E156", f"the paths take {count(boxes)} boxes, more than most={options.most}"
        )
    writing = Writing(subject, options)
    elements: list[Element] = []
    links: list[Link] = []
    ways: list[_Way | None] = []
    stack: list[tuple[Node, Link | None, _Way | None]] = [(of, None, None)]
    while stack:
        node, link, way = stack.pop()
        key = f"p{len(elements)}"
        if link is not None:
            links.append(replace(link, source=key))
        if node not in reached:
            faded = node is not of and node.op is not CONSTANT
            elements.append(writing.element(key, node, faded=faded))
            continue
        lines = writing.node(node)
        if node is wrt:
            ways.append(way)
            lines = (*lines, Line.words("note", f"path {len(ways)}"))
        elements.append(writing.element(key, node, lines=lines))
        if node is wrt:
            continue
        for at, operand in reversed(list(enumerate(node.operands))):
            on_path = operand in reached
            step = writing.link("", key, node, at, strong=on_path, faded=not on_path)
            stack.append((operand, step, (node, at, way)))
    source, target = subject.names.text[wrt], subject.names.text[of]
    return Diagram(
        f"Paths from {source} to {target}",
        f"{counted(len(ways), 'path')} from {source} to {target}.",
        tuple(reversed(elements)),
        tuple(links),
        notes=_notes(ways, subject, options, wrt, of),
    )


def _beside(node: Node, wrt: Node, reached: Collection[Node]) -> int:
    """How many operands of a node on a path are drawn beside it."""
    return 0 if node is wrt else sum(operand not in reached for operand in node.operands)


def _notes(
    ways: Sequence[_Way | None], subject: Subject, options: Options, wrt: Node, of: Node
) -> tuple[str, ...]:
    """The product along each path, and their sum."""
    if not ways:
        return (subject.no_path(wrt, of),)
    if subject.sweep is None:
        return ()
    notes = []
    totals = []
    for number, way in enumerate(ways[:_NOTED], start=1):
        factors, product = _factors(subject, way, options.digits)
        totals.append(short(product, options.digits))
        equals = f" = {totals[-1]}" if len(factors) > 1 else ""
        notes.append(f"path {number}: {' · '.join(factors) or '1'}{equals}")
    if len(ways) > _NOTED:
        notes.append(f"… and {counted(len(ways) - _NOTED, 'more path')}")
    elif subject.adjoints is not None:
        whole = short(subject.adjoints.get(wrt, 0.0), options.digits)
        names = subject.names.text
        equals = f" = {' + '.join(totals)}" if len(totals) > 1 else ""
        notes.append(f"d{names[of]}/d{names[wrt]}{equals} = {whole}")
    if any(DASH in note for note in notes):
        notes.append(f"{DASH}: nothing flows along a branch that is not taken, or a condition")
    return tuple(notes)


def _factors(subject: Subject, way: _Way | None, digits: int) -> tuple[list[str], Any]:
    """The local derivatives along a path, and their product: exactly 0 where nothing flows along
    one of its edges, whatever the others are.
    """
    found = []
    product: Any = 1.0
    live: Any = True
    with np.errstate(all="ignore"):
        while way is not None:
            user, position, way = way
            local = subject.local(user, position)
            flows = local is not None and subject.is_live(user, position)
            found.append(short(local if np.any(flows) else None, digits))
            product = product * (0.0 if local is None else local)
            live = live & flows
        return found, np.where(live, product, 0.0)[()]
