"""Roots by SciPy, with the Jacobian of a system or the derivatives of a function of a number."""

from __future__ import annotations

from typing import Any, Final

import scipy as sp

from chainrule.api.solvers.flat import flat, two_derivatives
from chainrule.api.solvers.solving import Solving, solved, structured
from chainrule.api.solvers.unknowns import VECTOR, number, unknowns_of, vector, watching
from chainrule.api.transforms import grad, jacobian, value_and_grad

_WITH_JACOBIAN: Final = frozenset({"hybr", "lm"})


class Roots(Solving):
    """The methods that look for a root."""

    def root(
        self,
        x0: Any,
        args: Any = (),
        method: str = "hybr",
        *,
        callback: Any = None,
        **rest: Any,
    ) -> Any:
        """`scipy.optimize.root` with the Jacobian, for the methods that use one: ``hybr``, ``lm``.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> circle_and_line = lambda x: [x[0] ** 2 + x[1] ** 2 - 2, x[0] - x[1]]
        >>> cr.scipy(circle_and_line).root([2.0, 0.5]).x.round(6)
        array([1., 1.])

        Args:
            x0: Where to start; may be a structure. So may what the function gives.
            args: Further arguments of the function.
            method: SciPy's.
            callback: SciPy's; it is given the structure.
            **rest: Whatever else SciPy takes; ``jac=None`` has SciPy approximate.

        Returns:
            SciPy's result; its ``x`` is structured like ``x0``, everything else is flat.

        Raises:
            DerivativeError: E351 for a start that is not made of numbers.
            TracingError: E230 to E238, at the line that cannot be traced.
        """
        unknowns, start = unknowns_of(x0)
        system = flat(self._function, unknowns, vector)
        if rest.get("jac", method.lower() in _WITH_JACOBIAN) is True:
            rest["jac"] = jacobian(system)
        return structured(
            solved(
                "jac=None has SciPy approximate the derivatives",
                sp.optimize.root,
                system,
                start,
                args,
                method,
                callback=watching(callback, unknowns),
                **rest,
            ),
            unknowns,
        )

    def root_scalar(
        self,
        args: Any = (),
        method: str | None = None,
        *,
        bracket: Any = None,
        x0: Any = None,
        x1: Any = None,
        **rest: Any,
    ) -> Any:
        """`scipy.optimize.root_scalar`: value and derivatives in one go.

        ``newton`` gets the first derivative, ``halley`` the second too. Without a method a start
        ``x0`` alone means ``newton``, as in SciPy.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> kepler = cr.scipy(lambda E, M, e: E - e * np.sin(E) - M)
        >>> round(kepler.root_scalar(x0=1.0, args=(0.8, 0.5)).root, 12)
        np.float64(1.27884153382)

        Args:
            args: Further arguments of the function.
            method: SciPy's.
            bracket: SciPy's.
            x0: Where to start.
            x1: SciPy's.
            **rest: Whatever else SciPy takes. ``fprime=True`` and ``fprime2=True`` ask for ours.

        Returns:
            SciPy's result.

        Raises:
            DerivativeError: E333 for a function that does not give one number.
            TracingError: E230 to E238, at the line that cannot be traced.
        """
        name = method.lower() if method else None
        alone = name is None and bracket is None and x0 is not None and x1 is None
        first = rest.get("fprime", name in ("newton", "halley") or alone)
        second = rest.get("fprime2", name == "halley")
        value = flat(self._function, VECTOR, number)
        function = self._function
        if second is True and first is True:
            function = two_derivatives(value)
            rest |= {"fprime": True, "fprime2": True}
        elif first is True:
            function = value_and_grad(value)
            rest["fprime"] = True
        elif second is True:
            rest["fprime2"] = grad(grad(value))
        return solved(
            "a bracket, or method='secant' with x1, needs no derivatives",
            sp.optimize.root_scalar,
            function,
            args,
            method,
            bracket=bracket,
            x0=x0 if x0 is None else unknowns_of(x0)[1].item(),
            x1=x1,
            **rest,
        )
