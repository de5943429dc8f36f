"""What is asked for: a graph, how it is to be compiled, and all that follows from these alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from chainrule import forks
from chainrule.diff.reverse import gradient
from chainrule.graph.dag import Dag
from chainrule.graph.types import Type
from chainrule.late import Late
from chainrule.run.native import recall
from chainrule.run.native.code import target
from chainrule.run.native.routine import Routine

if TYPE_CHECKING:
    from chainrule.run.native import compiling
    from chainrule.run.native.compiling import Planned
else:
    compiling = Late("chainrule.run.native.compiling")

LONG: Final = 20_000
"""A graph of numbers of so many nodes would be optimised for minutes: it is not."""

Moving = tuple[bool, ...] | None
"""For a graph of numbers over points: whether each input has a value for each point."""


class Options(NamedTuple):
    """How a graph is compiled.

    Attributes:
        threads: How many may share the work on points and on large arrays.
        fast_math: Whether sums and products may be regrouped.
        wrt: The positions of the inputs by which the output is differentiated; the derivatives
            follow the value. None: no derivatives.
        profile: Whether kernels count their calls and their time.
    """

    threads: int = 1
    fast_math: bool = False
    wrt: tuple[int, ...] | None = None
    profile: bool = False


class Request:
    """A graph and its options. Safe to use from several threads.

    What takes long is done when it is first asked for.

    Attributes:
        given: The graph, without derivatives.
        options: How it is compiled.
        has_code: Whether code can be made here; if not, nothing counts.
    """

    def __init__(self, given: Dag, options: Options) -> None:
        self.given = given
        self.options = options
        self.has_code = True
        self._dag = given if options.wrt is None else None
        self._planned: Planned | None = None
        self._names: dict[Moving, str | None] = {}
        self._lock = forks.lock()

    # What takes long is no cached property: before Python 3.12 those of all objects of a class
    # share one lock.

    @property
    def dag(self) -> Dag:
        """The graph of all results, the derivatives among them."""
        found = self._dag
        if found is None:
            with self._lock:
                inputs = [self.given.inputs[at] for at in self.options.wrt or ()]
                found = self._dag or gradient(self.given, self.given.output, inputs)
                self._dag = found
        return found

    @property
    def planned(self) -> Planned:
        """The kernels of the graph."""
        found = self._planned
        if found is None:
            threads, fast_math, _, profile = self.options
            profile = profile and self.has_code
            lanes = target.processor().width if self.has_code else 1
            with self._lock:
                found = self._planned or compiling.Planned(
                    self.dag, fast_math=fast_math, threads=threads, lanes=lanes, profile=profile
                )
                self._planned = found
        return found

    def name(self, moving: Moving = None) -> str | None:
        """What later processes find the code by; None: nothing."""
        if self.options.profile or (self.is_numbers and len(self.given) > LONG):
            return None
        with self._lock:
            if moving not in self._names:
                self._names[moving] = recall.name_of(self.given, self.options, moving)
            return self._names[moving]

    def recalled(self, moving: Moving = None) -> Routine | None:
        """The code that an earlier process has made, if any."""
        name = self.name(moving)
        return None if name is None else recall.recalled(name)

    @cached_property
    def types(self) -> list[Type]:
        """The types of the results."""
        inputs = [self.given.inputs[at] for at in self.options.wrt or ()]
        return [node.type for node in (*self.given.outputs, *inputs)]

    @cached_property
    def is_numbers(self) -> bool:
        """Whether every node is a single number, so that points broadcast over the graph."""
        return not any(node.type.shape or node.type.parts for node in self.given.order)
