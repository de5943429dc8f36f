"""A program of a user: a function over a namespace like NumPy's, and arguments for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

QUICK: Final = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Options of XLA with which compiling takes half as long."""


@dataclass(frozen=True)
class Program:
    """A function that gives one number.

    Attributes:
        function: Takes the namespace, the arguments to differentiate by, and the data.
        wrt: The arguments to differentiate by: structures of floats and float arrays.
        data: The other arguments.
        special: The function takes a namespace like scipy.special as well, behind the first.
        flow: The function takes chainrule as well: loops, transforms, equations.
        xla: How JAX compiles it; None: not at all, as unrolled loops take long.
    """

    function: Callable[..., Any]
    wrt: tuple[Any, ...]
    data: tuple[Any, ...] = ()
    special: bool = False
    flow: bool = False
    xla: dict[str, Any] | None = field(default_factory=lambda: QUICK)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    def over(self, numpy: Any, special: Any, flow: Any) -> Callable[..., Any]:
        """The function over these namespaces: of the arguments to differentiate by, and data."""
        names = [numpy, *([special] if self.special else ()), *([flow] if self.flow else ())]
        return functools.partial(self.function, *names)
