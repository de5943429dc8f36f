"""A Python function that runs as its graph, and as machine code as soon as there is some."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from chainrule import forks
from chainrule.api.fingerprint import Key
from chainrule.api.graph import Graph
from chainrule.api.plans import Derived, Plan, Pure, plan_of
from chainrule.api.tracing import Arguments, Trace
from chainrule.api.transforms import trace
from chainrule.late import Late

if TYPE_CHECKING:
    from chainrule.run.native import runner
    from chainrule.run.native.machine import Machine
else:
    runner = Late("chainrule.run.native.runner")


class jit(Derived):  # noqa: N801 - used as a function
    """A function that is traced once for each kind of arguments; afterwards its graph runs.

    NumPy runs the graph until machine code has been made aside (`wait` waits for it); results of
    both agree to rounding. Floats become float64 numbers of NumPy; arguments that are not arrays
    are part of the kind.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> @cr.jit
    ... def norm(x, order=2):
    ...     return np.sum(abs(x) ** order) ** (1 / order)
    >>> norm(np.array([3.0, 4.0]))
    np.float64(5.0)

    Args:
        function: Of arrays, floats, and structures of them, with a result of any structure.

    Raises:
        TracingError: E230 to E238, at the line that cannot be traced.
    """

    __slots__ = ("_lock", "_machines")

    def __init__(self, function: Pure) -> None:
        self._lock = forks.lock()
        self._machines: weakref.WeakSet[Machine] = weakref.WeakSet()
        super().__init__(function, ("jit",), _compiled)

    def _planned(self, arguments: Arguments, state: Key | None) -> Plan:
        plan = super()._planned(arguments, state)
        if plan.program is not None:
            compiled: Any = plan.program
            with self._lock:
                self._machines.add(compiled.machine)
        return plan

    def wait(self, timeout: float | None = None) -> jit:
        """Wait for the machine code of all kinds of arguments seen so far; give the function.

        >>> import chainrule as cr
        >>> f = cr.jit(lambda x: x**2)
        >>> f(3.0), f.wait()(3.0)
        (np.float64(9.0), np.float64(9.0))

        Args:
            timeout: No longer than so many seconds for each kind.
        """
        with self._lock:
            machines = list(self._machines)
        for made in machines:
            made.wait(timeout)
        return self

    def trace(self, *positional: Any, **keywords: Any) -> Graph:
        """The graph for arguments like these; see `trace`.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> cr.jit(lambda x: np.sum(x**2)).trace(np.ones(3))
        <Graph of (x): sum(x^2)>
        """
        return trace(self.function)(*positional, **keywords)


def _compiled(trace: Trace, _: Arguments) -> Plan:
    plan = plan_of(trace.inputs, trace.results, trace.structure)
    if plan.program is None:
        return plan
    return plan._replace(program=runner.Runner(plan.program.dag), fresh=True)
