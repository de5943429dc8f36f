"""Constraints of a minimum with their derivatives, for any unknowns and any method of SciPy's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import scipy as sp

from chainrule.api.plans import Pure
from chainrule.api.solvers.flat import curvature, flat
from chainrule.api.solvers.unknowns import Unknowns, vector
from chainrule.api.transforms import jacobian

if TYPE_CHECKING:
    from scipy.optimize import NonlinearConstraint

WITHOUT_GRADIENT: Final = frozenset({"nelder-mead", "powell", "cobyla", "cobyqa"})
"""Methods of a minimum that use no derivatives."""


class Constraint(NamedTuple):
    """What a constraint is made of, so that it can be made for other unknowns and methods."""

    function: Pure
    sparse: bool
    lb: Any
    ub: Any
    rest: Mapping[str, Any]

    def over(self, unknowns: Unknowns, *, second: bool) -> NonlinearConstraint:
        """SciPy's constraint; a method without second derivatives would warn of a Hessian."""
        values = flat(self.function, unknowns, vector)
        rest = dict(self.rest)
        if rest.get("jac", True) is True:
            rest["jac"] = jacobian(values, sparse=self.sparse and second)
            if second:
                rest.setdefault("hess", True)
        if rest.get("hess") is True:
            rest["hess"] = curvature(values)
        return sp.optimize.NonlinearConstraint(_Values(self, values), self.lb, self.ub, **rest)


class _Values:
    """The function of a constraint, which knows what it was made of."""

    def __init__(self, made_of: Constraint, values: Pure) -> None:
        self.made_of = made_of
        self._values = values

    def __call__(self, x: Any) -> Any:
        return self._values(x)


def constraints_for(given: Any, unknowns: Unknowns, method: Any) -> Any:
    """Constraints for these unknowns, with the derivatives that the method uses."""
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        return _for_method(given, unknowns, method)
    return [_for_method(one, unknowns, method) for one in given]


def _for_method(given: Any, unknowns: Unknowns, method: Any) -> Any:
    second = method == "trust-constr"
    if isinstance(getattr(given, "fun", None), _Values):
        return given.fun.made_of.over(unknowns, second=second)
    if not isinstance(given, Mapping) or not callable(given.get("fun")):
        return given
    values = flat(given["fun"], unknowns, vector)
    if given.get("jac", True) is not True or method in WITHOUT_GRADIENT:
        return {**given, "fun": values}
    kind = str(given.get("type")).lower()
    if second and kind in ("eq", "ineq"):
        args = given.get("args", ())
        bound = flat(_with_arguments(given["fun"], args), unknowns, vector)
        return sp.optimize.NonlinearConstraint(
            bound,
            0.0,
            0.0 if kind == "eq" else np.inf,
            jac=jacobian(bound),
            hess=curvature(bound),
        )
    return {**given, "fun": values, "jac": jacobian(values)}


def _with_arguments(function: Pure, args: Sequence[Any]) -> Pure:
    return (lambda x: function(x, *args)) if args else function
