"""Minima by SciPy, with gradients, products with the Hessian and constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import scipy as sp

from chainrule.api.solvers.constraints import WITHOUT_GRADIENT, Constraint, constraints_for
from chainrule.api.solvers.flat import flat, products, same
from chainrule.api.solvers.solving import Solving, solved, structured
from chainrule.api.solvers.unknowns import VECTOR, Unknowns, number, unknowns_of, watching
from chainrule.api.transforms import hessian, value_and_grad

if TYPE_CHECKING:
    from scipy.optimize import NonlinearConstraint

_SECOND: Final = {
    "newton-cg": "hessp",
    "trust-ncg": "hessp",
    "trust-krylov": "hessp",
    "trust-constr": "hessp",
    "dogleg": "hess",
    "trust-exact": "hess",
}
"""Methods with second derivatives: those that only multiply by the Hessian get the products."""


class Minima(Solving):
    """The methods that look for a minimum."""

    def minimize(
        self,
        x0: Any,
        args: Any = (),
        method: Any = None,
        *,
        bounds: Any = None,
        constraints: Any = (),
        callback: Any = None,
        **rest: Any,
    ) -> Any:
        """`scipy.optimize.minimize`: value and gradient in one go, second derivatives where used.

        ``Newton-CG``, ``trust-ncg``, ``trust-krylov`` and ``trust-constr`` only multiply by the
        Hessian: they get the products (``hessp``), or with ``hess=True`` the Hessian. ``dogleg``
        and ``trust-exact`` get the Hessian. ``Nelder-Mead``, ``Powell``, ``COBYLA`` and ``COBYQA``
        get the function as it is, which then need not be traced.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> problem = cr.scipy(lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2)
        >>> inside = {"type": "ineq", "fun": lambda x: 1 - x @ x}
        >>> problem.minimize([0.5, 0.5], constraints=inside).x.round(4)
        array([0.8944, 0.4472])

        Args:
            x0: Where to start; may be a structure.
            args: Further arguments of the function.
            method: SciPy's.
            bounds: SciPy's; for a structure also (lower, upper), each a number or such a structure.
            constraints: SciPy's. Dicts without ``jac`` get it; see `constraint` for the others.
            callback: SciPy's; it is given the structure.
            **rest: Whatever else SciPy takes. ``jac=True``, ``hess=True`` and ``hessp=True`` ask
                for ours, ``jac="2-point"`` for SciPy's; functions of your own take flat vectors.

        Returns:
            SciPy's result; its ``x`` is structured like ``x0``, everything else is flat.

        Raises:
            DerivativeError: E351 for a start that is not made of numbers, E333 for a function that
                does not give one number.
            TracingError: E230 to E238, at the line that cannot be traced.
        """
        unknowns, start = unknowns_of(x0)
        name = method.lower() if isinstance(method, str) else method
        value = flat(self._function, unknowns, number)
        function = flat(self._function, unknowns, same)
        if rest.get("jac", name not in WITHOUT_GRADIENT) is True:
            rest["jac"] = True
            function = value_and_grad(value)
            if name in _SECOND and "hess" not in rest and "hessp" not in rest:
                rest[_SECOND[name]] = True
        if rest.get("hess") is True:
            rest["hess"] = hessian(value, sparse=self._sparse and name == "trust-constr")
        if rest.get("hessp") is True:
            rest["hessp"] = products(value)
        return structured(
            solved(
                "jac='2-point' has SciPy approximate the derivatives",
                sp.optimize.minimize,
                function,
                start,
                args,
                method,
                bounds=_box(bounds, unknowns),
                constraints=constraints_for(constraints, unknowns, name),
                callback=watching(callback, unknowns),
                **rest,
            ),
            unknowns,
        )

    def constraint(self, lb: Any, ub: Any, **rest: Any) -> NonlinearConstraint:
        """`scipy.optimize.NonlinearConstraint`: the function lies between two bounds.

        Its Jacobian is exact, and so is the Hessian of its combination with multipliers, as an
        operator: only ``trust-constr`` uses it, and it only multiplies by it.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> circle = cr.scipy(lambda x: x @ x).constraint(1, 1)
        >>> problem = cr.scipy(lambda x: x[0] + x[1])
        >>> problem.minimize([-1.0, 0.0], constraints=circle).x.round(4)
        array([-0.7071, -0.7071])

        Passed to `minimize` of a structure, its function takes the same structure. Passed to
        SciPy itself, it takes a vector.

        Args:
            lb: The lower bound; ``-np.inf`` for none.
            ub: The upper bound; the same for an equation.
            **rest: Whatever else SciPy takes.
        """
        return Constraint(self._function, self._sparse, lb, ub, rest).over(VECTOR, second=True)


def _box(bounds: Any, unknowns: Unknowns) -> Any:
    """Bounds as `minimize` has them."""
    sides = unknowns.sides(bounds)
    return sides if sides is bounds else sp.optimize.Bounds(*sides)
