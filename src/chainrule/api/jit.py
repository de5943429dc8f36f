"""A Python function that runs as its graph."""

from __future__ import annotations

import functools
import types
from typing import Any

from chainrule.api.graph import Graph
from chainrule.api.plans import Plan, Pure, plan_of, transform
from chainrule.api.tracing import Arguments, Trace
from chainrule.api.transforms import trace


class jit:  # noqa: N801 - used as a function
    """A function that is traced once for each kind of arguments; afterwards its graph runs.

    Floats become float64 numbers of NumPy; arguments that are not arrays are part of the kind.

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

    __wrapped__: Pure

    def __init__(self, function: Pure) -> None:
        functools.update_wrapper(self, function)
        self._run = transform(function, ("value",), _plan)

    def __call__(self, *positional: Any, **keywords: Any) -> Any:
        return self._run(*positional, **keywords)

    def __get__(self, instance: Any, owner: type | None = None) -> Pure:
        """A method, where the function stands in a class."""
        return self if instance is None else types.MethodType(self, instance)

    def trace(self, *positional: Any, **keywords: Any) -> Graph:
        """The graph for arguments like these; see `trace`.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> cr.jit(lambda x: np.sum(x**2)).trace(np.ones(3))
        <Graph of (x): sum(x^2)>
        """
        return trace(self.__wrapped__)(*positional, **keywords)


def _plan(trace: Trace, _: Arguments) -> Plan:
    return plan_of(trace.inputs, trace.results, trace.structure)
