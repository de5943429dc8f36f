"""The syntax tree as a diagram: a node is drawn as often as it is used, so nothing is shared."""

from __future__ import annotations

from dataclasses import replace

from chainrule.draw.diagram import Diagram, Element, Link
from chainrule.draw.elements import Writing
from chainrule.draw.options import Options
from chainrule.draw.subject import Subject
from chainrule.draw.words import counted
from chainrule.graph.node import Node
from chainrule.graph.tree import Tree, tree


def tree_diagram(subject: Subject, options: Options, root: Node) -> Diagram:
    """The syntax tree of a node.

    Raises:
        LimitError: E157 when it has more nodes than ``options.most``.
    """
    writing = Writing(subject, options)
    elements: list[Element] = []
    links: list[Link] = []
    # Each occurrence waits with the link to its user, which learns its key when it is drawn.
    stack: list[tuple[Tree, Link | None]] = [(tree(root, options.most), None)]
    while stack:
        occurrence, link = stack.pop()
        node = occurrence.node
        key = f"t{len(elements)}"
        elements.append(replace(writing.element(key, node), is_output=node is root))
        if link is not None:
            links.append(replace(link, source=key))
        for at, child in reversed(list(enumerate(occurrence.children))):
            stack.append((child, writing.link("", key, node, at)))
    of = subject.names.text[root]
    return Diagram(
        f"Syntax tree of {of}",
        f"The syntax tree of {of} with {counted(len(elements), 'node')}; "
        "shared ones are drawn again.",
        tuple(reversed(elements)),
        tuple(links),
        steps=(len(subject.forward), len(subject.backward)),
    )
