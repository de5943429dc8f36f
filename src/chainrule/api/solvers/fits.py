"""Fits by SciPy, with the Jacobian of the residuals or of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy as sp

from chainrule.api.solvers.flat import flat, of_parameters, pattern
from chainrule.api.solvers.solving import Solving, solved, structured
from chainrule.api.solvers.unknowns import unknowns_of, vector, watching
from chainrule.api.transforms import jacobian


class Fits(Solving):
    """The methods that fit."""

    def least_squares(
        self,
        x0: Any,
        *,
        bounds: Any = (-np.inf, np.inf),
        method: str = "trf",
        **rest: Any,
    ) -> Any:
        """`scipy.optimize.least_squares` with the Jacobian of the residuals.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> t = np.linspace(0, 1, 5)
        >>> def residuals(p):
        ...     return p["size"] * np.exp(-p["rate"] * t) - 3 * np.exp(-2 * t)
        >>> found = cr.scipy(residuals).least_squares({"size": 1.0, "rate": 1.0})
        >>> {name: round(float(value), 6) for name, value in found.x.items()}
        {'size': 3.0, 'rate': 2.0}

        Args:
            x0: Where to start; may be a structure.
            bounds: SciPy's; for a structure two numbers or structures.
            method: SciPy's.
            **rest: Whatever else SciPy takes. ``jac_sparsity=True`` gives the pattern of the
                Jacobian to SciPy's approximation (``jac="2-point"``).

        Returns:
            SciPy's result; its ``x`` is structured like ``x0``, everything else is flat.

        Raises:
            DerivativeError: E351 for a start that is not made of numbers.
            TracingError: E230 to E238, at the line that cannot be traced.
        """
        unknowns, start = unknowns_of(x0)
        residuals = flat(self._function, unknowns, vector)
        if rest.get("jac", True) is True:
            rest["jac"] = jacobian(residuals, sparse=self._sparse and method != "lm")
        if rest.get("jac_sparsity") is True:
            given = rest.get("args", ())
            args = given if isinstance(given, tuple) else (given,)
            rest["jac_sparsity"] = pattern(residuals, start, args, rest.get("kwargs") or {})
        if "callback" in rest:
            rest["callback"] = watching(rest["callback"], unknowns)
        return structured(
            solved(
                "jac='2-point' has SciPy approximate the derivatives",
                sp.optimize.least_squares,
                residuals,
                start,
                bounds=unknowns.sides(bounds),
                method=method,
                **rest,
            ),
            unknowns,
        )

    def curve_fit(
        self, xdata: Any, ydata: Any, p0: Any = None, *positional: Any, **rest: Any
    ) -> Any:
        """`scipy.optimize.curve_fit` with the Jacobian of the model ``f(x, *parameters)``.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> def model(x, size, rate):
        ...     return size * np.exp(-rate * x)
        >>> x = np.linspace(0, 1, 5)
        >>> found, covariance = cr.scipy(model).curve_fit(x, model(x, 3.0, 2.0))
        >>> found.round(6)
        array([3., 2.])

        Args:
            xdata: Where it was measured.
            ydata: What was measured.
            p0: Where to start; ones by SciPy.
            *positional: Whatever else SciPy takes: ``sigma``, ….
            **rest: The same by name; ``jac=None`` has SciPy approximate.

        Returns:
            SciPy's results.

        Raises:
            TracingError: E230 to E238, at the line that cannot be traced.
        """
        if rest.get("jac", len(positional) < 6) is True:
            slopes = jacobian(of_parameters(self._function))
            rest["jac"] = lambda x, *parameters: slopes(np.array(parameters, np.float64), x)
        return solved(
            "jac='2-point' has SciPy approximate the derivatives",
            sp.optimize.curve_fit,
            self._function,
            xdata,
            ydata,
            p0,
            *positional,
            **rest,
        )
