"""Exercises from Python: a graph, a point, and a page to work them out on."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType
from typing import Final

from chainrule.api.graph import Graph
from chainrule.draw.figure import write
from chainrule.exchange.javascript.module import module
from chainrule.page.bundle import document
from chainrule.page.exercises import Ask, found, graph_of
from chainrule.page.exercises import Exercise as Given
from chainrule.page.practice import practice_content

_WAYS: Final[tuple[Mapping[str, str], ...]] = ({}, {"direction": "down"})
"""The page of an exercise has its drawing for wide and for narrow windows."""


class Exercise:
    """Something to work out: values, local derivatives, adjoints, formulas, what is saved."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._graph = Graph(graph_of(given))

    @property
    def name(self) -> str:
        """How it is asked for; that of a made one is its seed and difficulty."""
        return self._given.name

    @property
    def task(self) -> str:
        """What is to be done, in a sentence or two."""
        return self._given.task

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What is filled in, in this order."""
        return self._given.asks

    @property
    def graph(self) -> Graph:
        """The graph; ``graph.at(**values)`` has all the answers."""
        return self._graph

    @property
    def values(self) -> Mapping[str, float]:
        """The point, by name."""
        return MappingProxyType(dict(self._given.values))

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as one HTML file that opens as practice and needs no network.

        Args:
            path: Where to; the suffix is not looked at.

        Raises:
            OSError: The file cannot be written.
        """
        write(path, document(practice_content(self._given, _WAYS), module(self._graph.dag)))

    def __repr__(self) -> str:
        return f"<Exercise {self.name}: {self._given.formula}>"


def exercise(which: int | str, difficulty: int = 2) -> Exercise:
    """An exercise: one with a name, or one that is made of a seed.

    >>> import chainrule as cr
    >>> one = cr.exercise("used-twice")
    >>> one
    <Exercise used-twice: f(x) = x*x>
    >>> one.graph.at(**one.values).gradient
    {'x': 6.0}
    >>> cr.exercise(7, difficulty=1).asks
    ('value',)

    Args:
        which: A name, or a whole number: the same one makes the same exercise again.
        difficulty: Of a made one, from 1 to 5.

    Raises:
        GraphError: E226 for an unknown name or difficulty.
    """
    return Exercise(found(which, difficulty))
