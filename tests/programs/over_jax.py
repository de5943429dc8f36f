"""What programs use besides NumPy's functions, over JAX: loops, transforms, equations."""

from __future__ import annotations

from typing import Any

from tests.jax_values import jax, jnp, real

MOST = 60
"""Steps of a loop that ends by itself: JAX differentiates loops of a known length only."""


class OverJax:
    """Stands for `chainrule`; loops and implicit derivatives are JAX's own, or made of them."""

    def __getattr__(self, name: str) -> Any:
        if name in ("cond", "switch", "scan", "fori_loop", "map"):
            return getattr(real(jax.lax), name)
        return getattr(real(jax), name)

    def while_loop(self, condition, body, init):
        def step(state, _):
            going = condition(state)
            # Where it is over, the step is made at its start: it must not divide by zero there.
            after = body(jax.tree.map(lambda a, b: jnp.where(going, a, b), state, init))
            return jax.tree.map(lambda a, b: jnp.where(going, a, b), after, state), None

        return jax.lax.scan(step, init, None, MOST)[0]

    def root(self, function, start, **options):
        def solve(f, x):
            def step(x, _):
                return x - self._divided(jax.jacobian(f)(x), f(x)), None

            return jax.lax.scan(step, x, None, 30)[0]

        return self._solution(function, start, solve)

    def fixed_point(self, function, start, **options):
        def solve(f, x):
            return jax.lax.fori_loop(0, 300, lambda _, x: x - f(x), x)

        return self._solution(lambda x: x - function(x), start, solve)

    def _solution(self, function, start, solve):
        def tangent(g, y):
            return self._divided(jax.jacobian(g)(jnp.zeros_like(y)), y)

        return jax.lax.custom_root(function, jnp.asarray(start), solve, tangent)

    def _divided(self, slopes, values):
        size = values.size
        return jnp.linalg.solve(slopes.reshape(size, size), values.ravel()).reshape(values.shape)

    def odeint(self, function, y0, ts, *args, **options):
        """By equal steps of fourth order, so many that nothing is left of their error."""
        substeps = 400

        def interval(y, pair):
            begin, end = pair
            h = (end - begin) / substeps

            def step(y, at):
                t = begin + at * h
                k1 = function(t, y, *args)
                k2 = function(t + h / 2, y + h / 2 * k1, *args)
                k3 = function(t + h / 2, y + h / 2 * k2, *args)
                k4 = function(t + h, y + h * k3, *args)
                return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

            y = jax.lax.scan(step, y, jnp.arange(float(substeps)))[0]
            return y, y

        y0 = jnp.asarray(y0)
        rows = jax.lax.scan(interval, y0, (ts[:-1], ts[1:]))[1]
        return jnp.concatenate([y0[None], rows])
