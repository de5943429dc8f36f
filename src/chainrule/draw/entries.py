"""The numbers of what enters a box: of one edge, or of all edges into a collapsed group."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.draw.selection import Entry, Selection
from chainrule.draw.subject import Subject
from chainrule.graph.node import Node
from chainrule.show.summaries import norm_of


class EntryNumbers:
    """The derivatives along entries, and what flows back along them."""

    def __init__(self, subject: Subject, chosen: Selection) -> None:
        self._subject = subject
        self._chosen = chosen

    def local(self, node: Node, entry: Entry) -> Any:
        """The local derivative along an entry; into a collapsed box, the derivative through it,
        the other operands held fixed. None: there is none.
        """
        subject = self._subject
        if not self._chosen.is_one(node):
            return subject.local(*entry.edges[0])
        if len(self._chosen.closed[node].exits) > 1:
            return None
        if subject.sweep is None or not any(subject.has_derivative(*edge) for edge in entry.edges):
            return None
        others = [other.operand for other in self._chosen.entries(node)]
        held = [other for other in others if other is not entry.operand]
        found = subject.sweep.reverse(node, wrt=[entry.operand], holding=held)
        return found.get(entry.operand, 0.0)

    def contribution(self, entry: Entry) -> Any:
        """What an entry adds to the adjoint of its operand; None where nothing flows."""
        found = [self._subject.contribution(*edge) for edge in entry.edges]
        shares = [share for share in found if share is not None]
        with np.errstate(all="ignore"):
            return sum(shares[1:], shares[0]) if shares else None

    def norm(self, entry: Entry) -> float | None:
        """The norm of that; None where nothing flows."""
        if len(entry.edges) == 1:
            return self._subject.sent(*entry.edges[0])
        found = self.contribution(entry)
        return None if found is None else norm_of(found)
