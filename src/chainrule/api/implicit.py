"""Solutions of equations, differentiated by the equations: the implicit function theorem.

Where F(x, θ) = 0, a change of θ changes x by −(∂F/∂x)⁻¹ ∂F/∂θ: nothing of how x was found is kept.
A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., 2008, chapter 15.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.api.custom import custom_derivative
from chainrule.api.flow.bodies import converted, given
from chainrule.api.flow.loops import while_loop
from chainrule.api.linear import jvp
from chainrule.api.plans import Pure
from chainrule.api.transforms import jacobian
from chainrule.api.tree import Structure
from chainrule.errors import GraphError


def root(function: Pure, start: Any, *, tolerance: float = 1e-12, steps: int = 100) -> Any:
    """Where a function is zero, by Newton's method with shorter steps where a full one is worse.

    Derivatives are those of the solution, whatever the way to it; ``start`` has none.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def cube_root(a):
    ...     return cr.root(lambda x: x**3 - a, 1.0)
    >>> cube_root(8.0), round(float(cr.grad(cube_root)(8.0)), 12)
    (np.float64(2.0), 0.083333333333)

    Args:
        function: Of an array or a structure of arrays; its result has as many numbers. It may read
            other values around it: the solution depends on these.
        start: Where to begin.
        tolerance: The largest residual, relative to the first one or absolute, that counts as zero.
        steps: The most steps; the solution is NaN when they do not suffice.

    Raises:
        GraphError: E246 when the result has another number of elements than the argument.
    """
    flat = _Flat(function, start, "root")

    def residual(x: Any, read: Any) -> Any:
        return flat.values(x, read)

    def newton(x: Any, read: Any) -> Any:
        first = residual(x, read)
        enough = tolerance * np.maximum(1.0, np.max(np.abs(first)))

        def far(state: Any) -> Any:
            _, f, count = state
            return (np.max(np.abs(f)) > enough) & (count < steps)

        def step(state: Any) -> Any:
            x, f, count = state
            slopes = jacobian(lambda x: residual(x, read))(x)
            move = np.linalg.solve(slopes, -f)

            def worse(trial: Any) -> Any:
                length, new = trial
                return ~(np.sum(new**2) < np.sum(f**2)) & (length > 1e-4)

            def shorter(trial: Any) -> Any:
                length = trial[0] / 2
                return length, residual(x + length * move, read)

            length, f = while_loop(worse, shorter, (1.0, residual(x + move, read)))
            return x + length * move, f, count + 1

        x, f, _ = while_loop(far, step, (x, first, 0))
        return np.where(np.max(np.abs(f)) <= enough, x, np.nan)

    return flat.solved(newton, residual)


def fixed_point(
    function: Pure, start: Any, *, tolerance: float = 1e-12, steps: int = 10_000
) -> Any:
    """Where a function gives what it is given, by applying it again and again.

    Derivatives are those of the solution; ``start`` has none.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def angle(m):  # Kepler's equation: E = m + e·sin E
    ...     return cr.fixed_point(lambda E: m + 0.5 * np.sin(E), m)
    >>> round(float(angle(1.0)), 9), round(float(cr.grad(angle)(1.0)), 9)
    (1.498701134, 1.037362022)

    Args:
        function: Of an array or a structure of arrays, with a result like it. It may read other
            values around it: the solution depends on these.
        start: Where to begin.
        tolerance: The largest change in a step, relative to the value or absolute, that counts as
            none.
        steps: The most steps; the solution is NaN when they do not suffice.

    Raises:
        GraphError: E246 when the result has another number of elements than the argument.
    """
    flat = _Flat(function, start, "fixed_point")

    def iterate(x: Any, read: Any) -> Any:
        def far(state: Any) -> Any:
            before, x, count = state
            near = np.abs(x - before) <= tolerance * np.maximum(1.0, np.abs(x))
            return ~np.all(near) & (count < steps)

        def step(state: Any) -> Any:
            _, x, count = state
            return x, flat.values(x, read), count + 1

        before, x, _ = while_loop(far, step, (x, flat.values(x, read), 0))
        near = np.abs(x - before) <= tolerance * np.maximum(1.0, np.abs(x))
        return np.where(np.all(near), x, np.nan)

    return flat.solved(iterate, lambda x, read: flat.values(x, read) - x)


class _Flat:
    """A function of one vector and of the values it reads, in place of a function of structures."""

    def __init__(self, function: Pure, start: Any, name: str) -> None:
        self._start = given(start, f"the start of {name}")
        dtype = np.result_type(np.float32, *(x.dtype for x in self._start.leaves))
        self._start.leaves[:] = [x.astype(dtype) for x in self._start.leaves]
        pure, self._read = converted(function, [self._start.structure.build(self._start.leaves)])
        self._pure = pure
        self._name = name

    def values(self, x: Any, read: Any) -> Any:
        """The result as one vector."""
        leaves = given(self._pure([self._built(x)], read), f"the result of {self._name}").leaves
        made = _joined(leaves)
        if made.shape != x.shape:
            raise GraphError(
                "E246",
                f"{self._name} needs as many numbers in the result as in the argument, "
                f"got {made.shape[0]} for {x.shape[0]}",
            )
        return made

    def solved(self, solver: Pure, residual: Pure) -> Any:
        """The solution, structured like the start.

        Args:
            solver: (start, values read) → the solution.
            residual: (solution, values read) → what is zero there.
        """
        start = _joined(self._start.leaves)
        if not start.shape[0]:
            return self._built(start)
        solve = custom_derivative(solver)

        @solve.forward
        def _(primals: Any, tangents: Any) -> Any:
            _, read = primals
            x = solve(*primals)
            _, change = jvp(lambda read: residual(x, read), (read,), (tangents[1],))
            return np.linalg.solve(jacobian(lambda x: residual(x, read))(x), -change)

        return self._built(solve(start, self._read))

    def _built(self, x: Any) -> Any:
        """A vector in the structure of the start."""
        leaves, at = [], 0
        for leaf in self._start.leaves:
            size = int(np.prod(leaf.shape))
            leaves.append(x[at : at + size].reshape(leaf.shape))
            at += size
        structure: Structure = self._start.structure
        return structure.build([leaf[()] for leaf in leaves])


def _joined(leaves: Any) -> Any:
    if not leaves:
        return np.zeros(0)
    return np.concatenate([np.reshape(leaf, (-1,)) for leaf in leaves])
