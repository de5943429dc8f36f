"""Differential equations by SciPy, with the Jacobian for its implicit methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import scipy as sp

from chainrule.api.solvers.flat import slope
from chainrule.api.solvers.solving import Solving, solved
from chainrule.api.solvers.unknowns import splitting, unknowns_of
from chainrule.api.transforms import jacobian

_IMPLICIT: Final = ("Radau", "BDF", "LSODA")


class Equations(Solving):
    """The method that solves differential equations."""

    def solve_ivp(
        self, t_span: Any, y0: Any, method: Any = "RK45", *, events: Any = None, **rest: Any
    ) -> Any:
        """`scipy.integrate.solve_ivp` with the Jacobian, for ``Radau``, ``BDF`` and ``LSODA``.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> def van_der_pol(t, y, stiffness):
        ...     return [y[1], stiffness * (1 - y[0] ** 2) * y[1] - y[0]]
        >>> problem = cr.scipy(van_der_pol)
        >>> found = problem.solve_ivp((0, 20), [2.0, 0.0], method="Radau", args=(100.0,))
        >>> found.success, found.y[0, -1].round(3)
        (True, np.float64(1.858))

        Args:
            t_span: From when to when.
            y0: Where it starts; may be a structure: then the function gives such a structure.
            method: SciPy's.
            events: SciPy's; they are given the structure.
            **rest: Whatever else SciPy takes; ``jac=None`` has SciPy approximate.

        Returns:
            SciPy's result; its ``y`` is structured like ``y0``, with the times along the last axis
            of every leaf. Everything else is flat.

        Raises:
            DerivativeError: E351 for a start that is not made of numbers.
            GraphError: E239 for derivatives structured unlike ``y0``.
            TracingError: E230 to E238, at the line that cannot be traced.
        """
        unknowns, start = unknowns_of(y0)
        function = self._function
        flow = slope(function, unknowns)
        name = method if isinstance(method, str) else _implicit_name(method)
        if rest.get("jac", name in _IMPLICIT) is True:
            derivative = jacobian(flow, 1, sparse=self._sparse and name != "LSODA")
            rest["jac"] = lambda t, y, *args: derivative(float(t), y, *args)
        if isinstance(events, Sequence):
            events = [splitting(event, unknowns) for event in events]
        elif events is not None:
            events = splitting(events, unknowns)
        found = solved(
            "jac=None has SciPy approximate the derivatives",
            sp.integrate.solve_ivp,
            function if unknowns.plain else flow,
            t_span,
            start,
            method,
            events=events,
            **rest,
        )
        found.y = unknowns.split(found.y)
        return found


def _implicit_name(method: Any) -> str:
    """The implicit solver of SciPy's that a class is derived from; an empty string for none."""
    names = [kind.__name__ for kind in getattr(method, "__mro__", ()) if _is_scipys(kind)]
    return next((name for name in names if name in _IMPLICIT), "")


def _is_scipys(kind: type) -> bool:
    return kind.__module__.startswith("scipy.integrate.")
