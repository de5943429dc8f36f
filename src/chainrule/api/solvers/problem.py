"""SciPy's solvers with exact derivatives: its own arguments go in, its own results come out."""

from __future__ import annotations

from chainrule.api.plans import Pure
from chainrule.api.solvers.equations import Equations
from chainrule.api.solvers.fits import Fits
from chainrule.api.solvers.minima import Minima
from chainrule.api.solvers.roots import Roots
from chainrule.errors import DerivativeError, shown


def scipy(function: Pure, *, sparse: bool = False) -> Problem:
    """A function with SciPy's solvers as methods, which get its exact derivatives.

    Every method is called like SciPy's function of that name, without the function itself; all
    arguments are SciPy's, and so is the result. A derivative that is not passed is computed here,
    if the solver has a use for it; one that is passed is passed on.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> cr.scipy(rosenbrock).minimize(np.zeros(4), method="trust-exact").x.round(3)
    array([1., 1., 1., 1.])

    The unknowns may be a structure: a dict, a tuple of arrays, a dataclass, a matrix. The function
    takes it, and the result holds it.

    >>> def distance(p):
    ...     return (p["a"] - 1) ** 2 + np.sum((p["b"] - p["a"]) ** 2)
    >>> found = cr.scipy(distance).minimize({"a": 0.0, "b": np.zeros(2)})
    >>> {name: np.round(value, 6) for name, value in found.x.items()}
    {'a': np.float64(1.0), 'b': array([1., 1.])}

    Args:
        function: Of the unknowns and of other arguments, as SciPy's solver wants it.
        sparse: Give Jacobians and Hessians as matrices of ``scipy.sparse`` to the methods that
            take such: ``trf``, ``dogbox``, ``Radau``, ``BDF``, ``trust-constr``.

    Raises:
        DerivativeError: E352 for what is not a function.
    """
    if not callable(function):
        raise DerivativeError("E352", f"a solver needs a function, not {shown(function)}")
    return Problem(function, sparse)


class Problem(Minima, Fits, Roots, Equations):
    """A function with SciPy's solvers as methods; see `scipy`."""

    def __repr__(self) -> str:
        return f"<SciPy's solvers for {getattr(self._function, '__name__', 'a function')}>"
