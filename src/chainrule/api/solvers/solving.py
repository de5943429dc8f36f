"""What the methods of a problem share: the function, and calls of SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.api.plans import Pure
from chainrule.api.solvers.unknowns import Unknowns
from chainrule.errors import TracingError


class Solving:
    """A function that SciPy's solvers work on.

    Args:
        function: Of the unknowns and of other arguments.
        sparse: Whether solvers get sparse matrices where they take such.
    """

    def __init__(self, function: Pure, sparse: bool) -> None:
        self._function = function
        self._sparse = sparse


def solved(instead: str, solver: Callable[..., Any], *positional: Any, **keywords: Any) -> Any:
    """What SciPy gives; where the function cannot be traced, the error says what to do instead."""
    try:
        return solver(*positional, **keywords)
    except TracingError as error:
        error.add_note(f"  or leave the function as it is: {instead}")
        raise


def structured(result: Any, unknowns: Unknowns) -> Any:
    """SciPy's result, with the unknowns as the user has them."""
    result.x = unknowns.split(result.x)
    return result
