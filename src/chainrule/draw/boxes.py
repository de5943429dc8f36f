"""Boxes that stand for several nodes at once, or for half of one, and the links into them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from chainrule.draw.diagram import Element, Line, Link
from chainrule.draw.elements import Writing
from chainrule.draw.entries import EntryNumbers
from chainrule.draw.selection import Entry, Selection
from chainrule.draw.words import counted
from chainrule.graph.node import Node

_MOST_RESULTS: Final = 4
"""Results whose numbers stand in the box of their operation."""


class Boxes:
    """Elements for operations with several results, collapsed groups, operators and results."""

    def __init__(self, writing: Writing, chosen: Selection, numbers: EntryNumbers) -> None:
        self._writing = writing
        self._subject = writing.subject
        self._options = writing.options
        self._chosen = chosen
        self._numbers = numbers

    def several(self, key: str, node: Node, looks: dict[str, Any]) -> Element:
        """What has several results, as one box: its symbol, and what is read of the results."""
        items = self._chosen.results.get(node, [])
        writing = self._writing
        lines = list(writing.head(node))
        named = [item for item in items if writing.has_name(item)]
        if len(items) == 1:
            (item,) = items
            lines = [*self._name(item), *lines, *writing.numbers(item)]
        elif len(named) <= _MOST_RESULTS:
            for item in named:
                words = self._subject.names.text[item]
                numbers = [line for line in writing.numbers(item) if line.role != "note"]
                lines += [_about(words, line) for line in numbers]
        title = "; ".join(map(self._sentence, (node, *items)))
        is_output = not {node, *items}.isdisjoint(self._subject.dag.outputs)
        more = {"lines": tuple(lines), "title": title, "is_output": is_output}
        return writing.element(key, node, **looks, **more)

    def collapsed(self, key: str, node: Node, looks: dict[str, Any]) -> Element:
        """A group as one box: its name and its numbers."""
        group = self._chosen.closed[node]
        text = counted(len(group.nodes), "operation")
        lines = [Line("symbol", group.text, group.latex), Line.words("note", text)]
        # The numbers of a call that has several results would not say whose they are.
        if len(group.exits) == 1:
            name = self._name(node) if group.is_call else []
            lines = [*name, *lines, *self._writing.numbers(node)]
        results = list(map(self._sentence, group.exits))
        title = f"{results[0]}; {text} in one box"
        if group.is_call:
            title = f"{group.text}, {text} in one box: {'; '.join(results)}"
        is_output = not set(self._subject.dag.outputs).isdisjoint(group.nodes)
        more = {"lines": tuple(lines), "title": title, "is_output": is_output}
        return self._writing.element(key, node, **looks, **more)

    def into_collapsed(self, node: Node, entry: Entry) -> dict[str, Any]:
        """The attributes of a link into the box of a group."""
        subject, writing = self._subject, self._writing
        group, operand = self._chosen.closed[node], entry.operand
        flows_back = any(subject.flows_back(*edge) for edge in entry.edges)
        whole = group.text if group.is_call else subject.names.text[node]
        words = f"{whole} depends on {subject.names.text[operand]}"
        if subject.has_arrays:
            norm = self._numbers.norm(entry)
            return writing.mapped(node, operand, words, None, norm, flows_back=flows_back)
        local, share = self._numbers.local(node, entry), self._numbers.contribution(entry)
        return writing.between(node, operand, words, local, share, flows_back=flows_back)

    def operator(self, key: str, node: Node, looks: dict[str, Any]) -> Element:
        """The first half of a computation: its operation."""
        return Element(
            key,
            "operator",
            "square",
            (self._subject.sign(node),),
            f"operation of {self._subject.names.text[node]}",
            **{**looks, "heat": None},
            moment=self._subject.forward.get(node),
        )

    def result(self, key: str, node: Node, looks: dict[str, Any]) -> Element:
        """The second half: what comes out."""
        name = replace(self._subject.label(node), role="name")
        lines = (name, *self._writing.numbers(node))
        return self._writing.element(key, node, kind="result", shape="circle", lines=lines, **looks)

    def between_halves(
        self, source: str, target: str, node: Node, *, faded: bool, strong: bool
    ) -> Link:
        """The link from the operator to its result."""
        subject = self._subject
        text = subject.names.text[node]
        flows_back = self._options.arrows != "forward" and any(
            subject.flows_back(node, at) for at in range(len(node.operands))
        )
        return Link(
            source,
            target,
            f"the result is {text}",
            back_title=f"{text} passes its adjoint on" if flows_back else "",
            faded=faded,
            strong=strong,
            moment=subject.forward.get(node),
            back_moment=subject.backward.get(node),
        )

    def _name(self, node: Node) -> list[Line]:
        """The name of a node as a line, where it is shown."""
        if not self._writing.has_name(node):
            return []
        return [replace(self._subject.label(node), role="name")]

    def _sentence(self, node: Node) -> str:
        return self._subject.sentence(node, self._options.up_to)


def _about(words: str, line: Line) -> Line:
    """A line of numbers that says whose they are."""
    return replace(line, text=f"{words}: {line.text}", latex=rf"\text{{{words}: }}{line.latex}")
