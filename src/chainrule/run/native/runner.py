"""Graphs as callables: what the code behind them is told of arguments and results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from chainrule.graph.dag import Dag
from chainrule.graph.types import UNKNOWN, Type
from chainrule.run.native.call.callable import Context, NativeCallable
from chainrule.run.native.call.signature import Argument, Leaf, Results
from chainrule.run.native.machine import Machine

_LONG_CALL: Final = 4000
"""From so many nodes or elements on, other threads may run Python meanwhile."""


class Runner(NativeCallable):
    """A graph as a function of its arguments, each of its type; what a `Program` is, and quicker.

    Its results belong to the caller: no two share memory, nor with the arguments.

    Attributes:
        machine: What runs the graph.
    """

    def __init__(self, dag: Dag) -> None:
        self.machine = Machine(dag)
        types = self.machine.types
        context = context_of(dag, tuple([Leaf(at, type) for at, type in enumerate(types)]), types)
        super().__init__(context, slow=_run_slowly, name="graph")
        self.machine.attach(context)
        self.machine.start()

    @property
    def dag(self) -> Dag:
        """The graph."""
        return self.machine.dag


def _run_slowly(runner: Runner, *values: Any) -> tuple[Any, ...]:
    return tuple(runner.machine(*values))


def context_of(dag: Dag, results: Results, types: Sequence[Type]) -> Context:
    """What calls of a graph need to know.

    Args:
        dag: The graph.
        results: What is made of the outputs. Without results that have a size, all calls go the
            slow path.
        types: Of the outputs.
    """
    arguments = [Argument(node.name, node.type) for node in dag.inputs]
    if any(type.parts or UNKNOWN in type.shape for type in types):
        return Context(0, arguments, ())
    elements = sum([math.prod(node.type.shape) for node in dag.inputs])
    long = elements > _LONG_CALL or len(dag) > _LONG_CALL
    return Context(0, arguments, results, outputs=len(types), release_gil=long)
