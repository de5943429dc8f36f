"""Machine code gives what NumPy gives: random graphs, and derivatives of functions of arrays."""

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.run.program import Program
from tests.run.native.random_graphs import difference, far, graph_of, values_for
from tests.run.native.ready import ready

randoms = st.randoms(use_true_random=False)
some = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def compare(random: Random, kind: str) -> None:
    whole = "whole" in kind
    made = graph_of(random, kind)
    machine = ready(made.dag)
    terms = [node for node in made.rounded if node is not None]
    program = Program(Dag([*made.dag.outputs, *terms], made.dag.inputs))
    for _ in range(2):
        values = [value[()] for value in values_for(random, made, whole=whole)]
        wanted = program(*values)
        extra = iter(wanted[len(made.dag.outputs) :])
        rows = zip(machine(*values), wanted, made.rounded, made.dag.outputs, strict=False)
        for got, value, rounded, node in rows:
            if rounded is None:
                assert not difference(got, value)
            else:
                assert not far(got, value, next(extra), node)


@given(randoms)
@some
def test_graphs_of_whole_numbers_and_work_by_numpy(random):
    compare(random, "whole")


@given(randoms)
@some
def test_graphs_of_any_numbers(random):
    compare(random, "free")


@given(randoms)
@some
def test_graphs_without_arrays(random):
    compare(random, "numbers")


# --- derivatives ----------------------------------------------------------------------------------

X = np.linspace(0.2, 1.7, 11)
M = np.cos(np.arange(24.0)).reshape(4, 6)

FUNCTIONS = {
    "shifted": (lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), X),
    "steps": (lambda x: np.sum(np.sin(x[::2])) * np.sum(x[1::3] ** 3) + np.prod(x[::-5]), X),
    "reversed": (lambda x: np.sum(x * x[::-1] ** 2) + np.sum(np.tanh(x[3:0:-1])), X),
    "joined": (lambda x: np.sum(np.concatenate([x, x**2, x[2:4]]) ** 2), X),
    "stacked": (lambda x: np.sum(np.stack([x, np.sin(x), x * 2]).T @ np.ones(3) * x), X),
    "softmax": (lambda x: np.sum(cr.softmax(x) * np.arange(11)), X),
    "logsumexp": (lambda x: cr.logsumexp(x * 3) + cr.logsumexp(x[:2]), X),
    "norm": (lambda x: np.sqrt(np.sum(x**2)) * np.mean(x) + np.var(x), X),
    "chosen": (lambda x: np.sum(np.where(x > 1, x**3, np.exp(x))), X),
    "cumulated": (lambda x: np.sum(np.cumsum(x) ** 2 * np.cos(x)), X),
    "outer": (lambda x: np.sum(np.outer(x, np.sin(x)) ** 2 + x[:, None]), X),
    "solved": (lambda x: np.sum(np.linalg.solve(np.eye(11) * 3 + np.outer(x, x), x)), X),
    "gathered": (lambda x: np.sum(x[np.array([0, 3, 3, 10])] ** 2), X),
    "single elements": (lambda x: x[0] * x[3] + np.sin(x[7]) * x[10] ** 2, X),
    "matrix": (lambda a: np.sum(np.sum(a, axis=0) ** 2) + np.sum(a.T @ a), M),
    "rows": (lambda a: np.sum(a[1:-1, ::2] * a[2:, 1::2]) ** 2, M),
    "means": (lambda a: np.sum(((a - np.mean(a, axis=0)) / (1 + np.var(a, axis=0))) ** 3), M),
    "reshaped": (lambda a: np.sum(np.reshape(a, (6, 4)) * a.T[:, ::-1] ** 2), M),
    "branches": (lambda x: cr.cond(np.sum(x) > 3, np.sum, lambda x: np.sum(x**2) * 0.5, x), X),
    "loop": (lambda x: cr.scan(lambda c, a: (np.sin(c * a) + a, c), x[0], x)[0], X),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_gradients_and_hessians(name):
    function, point = FUNCTIONS[name]

    def everything(x):
        return function(x), cr.grad(function)(x), cr.hessian(function)(x)

    graph = cr.trace(everything)(point)
    machine = ready(graph.dag)
    for x in (point, point * 0.7 - 0.3):
        for got, value in zip(machine(x), Program(graph.dag)(x), strict=True):
            scale = 1 + np.max(np.abs(value), initial=0.0)
            np.testing.assert_allclose(got, value, rtol=1e-11, atol=1e-13 * scale)
    # The value is that of the Python function itself.
    if name not in ("loop", "branches") and not name.startswith(("softmax", "logsumexp")):
        np.testing.assert_allclose(machine(point)[0], function(point), rtol=1e-12)
