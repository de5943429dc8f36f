"""What listings say of a node: its name in the graph that was compiled, and what it was read from.

Notes are made for listings only; what LLVM compiles has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node

_LONGEST: Final = 60
"""Letters of the source that are quoted."""
_FEW: Final = 4
"""So many names are listed in full."""


class Notes(NamedTuple):
    """What is said of the nodes of a simplified graph.

    Attributes:
        labels: What they are called.
        texts: That, and where they come from.
    """

    labels: Mapping[Node, str]
    texts: Mapping[Node, str]

    def label(self, node: Node) -> str:
        """What a node is called; one that simplifying made, by its operation."""
        return self.labels.get(node, node.op.name)

    def text(self, node: Node) -> str:
        """What a comment says of a node."""
        return self.texts.get(node, node.op.name)


def notes(dag: Dag, new_of: Mapping[Node, Node]) -> Notes:
    """What is said of the nodes that took the places of those of a graph.

    Args:
        dag: The graph that was compiled.
        new_of: What its nodes became.
    """
    labels: dict[Node, str] = {}
    texts: dict[Node, str] = {}
    named = [node for node in dag.order if node.is_leaf or node in dag.names]
    for node in dict.fromkeys((*named, *dag.order)):
        new = new_of[node]
        if new not in labels and (not new.is_leaf or node is new):
            labels[new] = dag.labels[node]
    for node in dag.order:
        new = new_of[node]
        if new.is_leaf or new not in labels:
            continue
        said = _source(dag, node)
        if said and (new not in texts or dag.labels[node] == labels[new]):
            texts[new] = f"{labels[new]}: {said}"
    return Notes(labels, {**labels, **texts})


def _source(dag: Dag, node: Node) -> str:
    """The characters a computation was read from, or the line that made it, or what it means."""
    if node.is_leaf:
        return ""
    for start, end in dag.spans.get(node, ()):
        text = one_line(dag.source[start:end])
        if text and text != dag.labels[node]:
            return f"{text}, characters {start + 1}–{end}"
    if node in dag.origins:
        return one_line(dag.origins[node].words)
    # The first meaning says how it arose; a derivative may be several.
    return next((one_line(m.label) for m in dag.meanings.get(node, ())), "")


def one_line(text: str) -> str:
    r"""A piece of source text as a comment may hold it: short, and without what ends a line.

    >>> one_line("a +\n  b\0")
    'a + b\\x00'
    """
    shown = "".join(
        sign if sign.isprintable() else " " if sign.isspace() else repr(sign)[1:-1] for sign in text
    )
    shown = " ".join(shown.split())
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def span_words(labels: Sequence[str]) -> str:
    """Names in a line: the first ones, the last one, and how many there are.

    >>> span_words(["a", "b"]), span_words(["v1", "v2", "v3", "v4", "v5", "f"])
    ('a, b', 'v1, v2, v3, … f (6 nodes)')
    """
    if len(labels) <= _FEW:
        return ", ".join(labels)
    return f"{', '.join(labels[: _FEW - 1])}, … {labels[-1]} ({len(labels)} nodes)"
