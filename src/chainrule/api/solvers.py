"""SciPy's solvers with exact derivatives: its own arguments go in, its own results come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import scipy as sp  # its modules are imported when they are first used

from chainrule.api.constraints import WITHOUT_GRADIENT, Constraint, constraints_for
from chainrule.api.flat import (
    flat,
    of_parameters,
    pattern,
    products,
    same,
    slope,
    two_derivatives,
)
from chainrule.api.plans import Pure
from chainrule.api.transforms import grad, hessian, jacobian, value_and_grad
from chainrule.api.unknowns import (
    VECTOR,
    Unknowns,
    number,
    splitting,
    unknowns_of,
    vector,
    watching,
)
from chainrule.errors import DerivativeError, TracingError, shown

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
_WITH_JACOBIAN: Final = frozenset({"hybr", "lm"})
_IMPLICIT: Final = ("Radau", "BDF", "LSODA")


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


class Problem:
    """A function with SciPy's solvers as methods; see `scipy`."""

    def __init__(self, function: Pure, sparse: bool) -> None:
        self._function = function
        self._sparse = sparse

    def __repr__(self) -> str:
        return f"<SciPy's solvers for {getattr(self._function, '__name__', 'a function')}>"

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
        return _structured(
            _solved(
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
        return _structured(
            _solved(
                "jac='2-point' has SciPy approximate the derivatives",
                sp.optimize.least_squares,
                residuals,
                start,
                bounds=_sides(bounds, unknowns),
                method=method,
                **rest,
            ),
            unknowns,
        )

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
        return _structured(
            _solved(
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
        return _solved(
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
        return _solved(
            "jac='2-point' has SciPy approximate the derivatives",
            sp.optimize.curve_fit,
            self._function,
            xdata,
            ydata,
            p0,
            *positional,
            **rest,
        )

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
        found = _solved(
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


# --- calls of SciPy -------------------------------------------------------------------------------


def _solved(instead: str, solver: Callable[..., Any], *positional: Any, **keywords: Any) -> Any:
    """What SciPy gives; where the function cannot be traced, the error says what to do instead."""
    try:
        return solver(*positional, **keywords)
    except TracingError as error:
        error.add_note(f"  or leave the function as it is: {instead}")
        raise


def _structured(result: Any, unknowns: Unknowns) -> Any:
    """SciPy's result, with the unknowns as the user has them."""
    result.x = unknowns.split(result.x)
    return result


def _box(bounds: Any, unknowns: Unknowns) -> Any:
    """Bounds as `minimize` has them."""
    if unknowns.plain or not isinstance(bounds, tuple) or len(bounds) != 2:
        return bounds
    return sp.optimize.Bounds(*_sides(bounds, unknowns))


def _sides(bounds: Any, unknowns: Unknowns) -> Any:
    """Bounds as `least_squares` has them."""
    if unknowns.plain or not isinstance(bounds, tuple) or len(bounds) != 2:
        return bounds
    lower, upper = bounds
    return unknowns.limits(lower, "the lower bound"), unknowns.limits(upper, "the upper bound")


def _implicit_name(method: Any) -> str:
    """The implicit solver of SciPy's that a class is derived from; an empty string for none."""
    names = [kind.__name__ for kind in getattr(method, "__mro__", ()) if _is_scipys(kind)]
    return next((name for name in names if name in _IMPLICIT), "")


def _is_scipys(kind: type) -> bool:
    return kind.__module__.startswith("scipy.integrate.")
