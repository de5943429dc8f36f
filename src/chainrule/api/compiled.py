"""A graph as a callable that runs as machine code."""

from __future__ import annotations

import inspect
import re
import threading
import weakref
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from chainrule.api.arguments import bind
from chainrule.api.outputs import arranged
from chainrule.errors import GraphError, shown
from chainrule.graph.dag import Dag
from chainrule.run.native import background
from chainrule.run.native.machine import Machine

Listing = Literal["kernels", "llvm", "assembly"]

_BUDGET: Final = 0.2
"""Seconds that `compile` waits for optimised code when nothing else is said."""


class Options(NamedTuple):
    """How a graph is compiled; see `chainrule.Graph.compile`."""

    threads: int = 1


class Compiled:
    """A graph that runs as machine code; made by `Graph.compile`.

    It takes what the graph takes, by position or by name, and gives what the graph gives.

    >>> import chainrule as cr
    >>> fast = cr.parse("(x + y) * (x + 1)").gradient().compile()
    >>> fast(2.0, 1.0)
    (9.0, (6.0, 3.0))
    >>> fast(x=2.0, y=1.0)
    (9.0, (6.0, 3.0))
    """

    def __init__(self, dag: Dag, options: Options) -> None:
        self.dag = dag
        self._options = options
        self._machine = Machine(dag, options.threads)
        self._done = threading.Event()
        self._failure: BaseException | None = None
        background.submit(_job(weakref.ref(self)))

    # --- making code --------------------------------------------------------------------------

    def _make(self) -> None:
        """Make the code of each level, one after the other."""
        try:
            for level in self._machine.levels():
                if not background.is_stopping():
                    self._machine.make(level)
        except Exception as failure:  # told where somebody waits
            self._failure = failure
        finally:
            self._done.set()

    def wait(self, timeout: float | None = None) -> Compiled:
        """Wait until the optimised code is there, or so many seconds; give this callable itself."""
        self._done.wait(timeout)
        if self._failure is not None:
            raise self._failure
        return self

    # --- calling ------------------------------------------------------------------------------

    def __call__(self, /, *values: Any, out: Any = None, **named: Any) -> Any:
        """The value of the output, a tuple or structure of them where there are several.

        Args:
            values: Numbers or arrays for the arguments, in order.
            out: Arrays that take the results, in the structure of the results.
            named: The same by name.

        Raises:
            EvaluationError: E301 missing, E302 surplus, E303 not a number, E304 not of the dtype,
                E305 shapes that do not fit.
        """
        given, shape = bind(self.dag, values, named, copy=False)
        arguments = [given[node] for node in self.dag.inputs]
        results = (
            self._machine.run_points([*map(np.asarray, arguments)], shape)
            if shape
            else self._machine.run([in_order(value) for value in arguments])
        )
        return arranged(self.dag.arrangement, [_plain(result) for result in results], shape)

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(n.name, kind) for n in self.dag.inputs])

    def __repr__(self) -> str:
        names = ", ".join(node.name for node in self.dag.inputs)
        return f"<Compiled graph of ({names}): {len(self.dag)} nodes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Compiled, (self.dag, self._options))


def _job(reference: weakref.ref[Compiled]) -> background.Job:
    """Makes the code of a graph, if anybody still holds it."""

    def job() -> None:
        held = reference()
        if held is not None:
            held._make()

    return job


def in_order(value: Any) -> Any:
    """The array itself, or a copy in order and aligned; numbers as they are."""
    if value.__class__ is np.ndarray:
        return np.require(value, requirements=("C", "A"))
    return value


def _plain(value: Any) -> Any:
    """A number as users get it."""
    return value if isinstance(value, (np.ndarray, np.float32)) else value.item()


def seconds_of(budget: str | float) -> float:
    """A length of time: seconds, or text such as ``"200ms"`` and ``"2s"``.

    >>> seconds_of("200ms")
    0.2

    Raises:
        GraphError: E226 for anything else.
    """
    match = (
        re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*(ms|s)\s*", budget) if isinstance(budget, str) else None
    )
    if match is not None:
        return float(match[1]) * (0.001 if match[2] == "ms" else 1)
    if isinstance(budget, (int, float)) and not isinstance(budget, bool) and budget >= 0:
        return float(budget)
    raise GraphError("E226", f"budget must be a time such as '200ms' or '2s', got {shown(budget)}")
