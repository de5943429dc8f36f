"""Programs with loops and branches, to be run as operations, unrolled, and by JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

import chainrule
from chainrule.api.tree import mapped
from tests.jax_values import taken_apart


class Unrolled:
    """Loops and branches in plain Python. Inside of a trace they go as they went on numbers.

    A program is run on numbers first, which keeps what every condition said; then it can be traced.
    """

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._left: list[Any] | None = None

    def replay(self) -> None:
        """From now on, conditions are what they were."""
        self._left = list(self._kept)

    def _decided(self, value: Any) -> Any:
        if self._left is None:
            self._kept.append(value if isinstance(value, int) else numpy.asarray(value).item())
            return self._kept[-1]
        return self._left.pop(0)

    def cond(self, pred, true_function, false_function, *operands):
        return (true_function if self._decided(pred) else false_function)(*operands)

    def switch(self, index, branches, *operands):
        at = self._decided(index)
        return branches[min(max(at, 0), len(branches) - 1)](*operands)

    def scan(self, function, init, xs=None, length=None, *, reverse=False):
        leaves: list[Any] = []
        mapped(leaves.append, xs)
        length = len(leaves[0]) if leaves else length
        carried, rows = init, [None] * length
        for at in reversed(range(length)) if reverse else range(length):
            carried, rows[at] = function(carried, mapped(lambda leaf: leaf[at], xs))  # noqa: B023
        return carried, self._stacked(rows)

    def _stacked(self, rows):
        columns: list[list[Any]] = []
        for row in rows:
            leaves: list[Any] = []
            mapped(leaves.append, row)
            columns.append(leaves)
        stacked = iter([numpy.stack(column) for column in zip(*columns, strict=True)])
        return mapped(lambda _: next(stacked), rows[0]) if rows else None

    def fori_loop(self, lower, upper, body, init):
        whole = isinstance(lower, int) and isinstance(upper, int)
        bounds = (lower, upper) if whole else map(self._decided, (lower, upper))
        for at in range(*bounds):
            init = body(at, init)
        return init

    def while_loop(self, condition, body, init):
        while self._decided(condition(init)):
            init = body(init)
        return init

    def map(self, function, xs):
        return self.scan(lambda _, x: (None, function(x)), None, xs)[1]


class Lib(NamedTuple):
    """What a program is written over.

    Attributes:
        np: NumPy, or JAX's.
        flow: Loops and branches.
        grad: Gradients.
    """

    np: Any
    flow: Any
    grad: Callable[..., Any]


OURS = Lib(numpy, chainrule, chainrule.grad)


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Motion:
    place: Any
    speed: Any
    force: Any = None


# Each takes a library and a vector of three numbers between 0.2 and 1.5, and gives a vector.


def recurrence(lib, x):
    """Carried and sliced, carried and stacked."""
    np = lib.np

    def step(carried, slice):
        carried = np.tanh(carried * slice + x[0])
        return carried, carried**2 + slice

    last, rows = lib.flow.scan(step, x, np.outer(np.arange(1.0, 5.0), x))
    return last + np.sum(np.sin(rows), axis=0)


def backward(lib, x):
    """From the last slice to the first."""
    np = lib.np

    def step(carried, slice):
        return carried * slice + x, carried - slice

    last, rows = lib.flow.scan(step, 2 * x, np.outer(np.arange(1.0, 4.0), x), reverse=True)
    return last + rows[0] * rows[1] - rows[2]


def steps_only(lib, x):
    """A length, no slices; nothing is stacked."""
    np = lib.np
    last, rows = lib.flow.scan(lambda c, _: (np.sin(c) * x[1] + c, None), x, None, 4)
    assert rows is None
    return last


def no_steps(lib, x):
    """Nothing is done."""
    np = lib.np
    last, rows = lib.flow.scan(lambda c, s: (c * s, np.log(c - s)), x, np.ones((0, 3)) * x)
    return last * x + (0.0 if rows is None else np.sum(rows, axis=0))


def structures(lib, x):
    """Dicts, named tuples, lists and None are carried, sliced and stacked."""
    np = lib.np

    def step(state, slices):
        left, (right,) = slices["left"], slices["right"]
        old = state["pair"]
        new = Pair(old.second * left, {"deep": old.first + right * np.cos(old.second)})
        state = {"pair": Pair(new.first, new.second["deep"]), "none": None, "list": [new.first]}
        return state, Pair({"a": old.first, "b": right}, None)

    start = {"pair": Pair(x, x**2), "none": None, "list": [x[::-1]]}
    slices = {"left": np.outer(np.arange(1.0, 4.0), x), "right": (np.ones((3, 3)) * x,)}
    last, rows = lib.flow.scan(step, start, slices)
    assert last["none"] is None
    assert rows.second is None
    return (
        last["pair"].first * last["list"][0]
        + last["pair"].second
        + np.sum(rows.first["a"] * rows.first["b"], axis=0)
    )


def register(lib, x):
    """Values move from one place to the next: what depends on x is known after many steps."""
    np = lib.np

    def step(state, t):
        a, b, c, d, unused = state
        return (b, c, d * t, a + t, unused), (a * b, c)

    one = np.ones(3)
    (a, b, c, d, unused), (products, thirds) = lib.flow.scan(
        step, (one, one, one, x, one), np.arange(1.0, 7.0)
    )
    return a * b + c - d * unused + np.sum(products, axis=0) + thirds[-1]


def counters(lib, x):
    """Whole numbers and truth values go along."""
    np = lib.np

    def step(state, k):
        count, flag, value = state
        value = np.where(flag, value * x[0], value + x[1] * count)
        return (count + k, ~flag, value), np.where(flag, count, 0)

    (count, _, value), counts = lib.flow.scan(step, (1, np.asarray(True), x), np.arange(4))
    return value * count + np.sum(counts)


def lookups(lib, x):
    """Elements of arrays by numbers that are carried."""
    np = lib.np
    table = np.sin(np.outer(np.arange(5.0), x))

    def step(at, _):
        return (at * 2 + 1) % 5, table[at] * x

    return np.sum(lib.flow.scan(step, 0, None, 6)[1] ** 2, axis=0)


def scan_in_scan(lib, x):
    """Each reads what is around it, at every depth."""
    np = lib.np

    def outer(carried, row):
        scaled = carried * x[0]

        def inner(total, entry):
            deepest = lib.flow.scan(
                lambda c, _: (np.sin(c + entry) * scaled + row[0], None), total, None, 2
            )[0]
            return deepest, deepest * entry * x[1]

        last, rows = lib.flow.scan(inner, carried, row)
        return last / 2, np.sum(rows, axis=0)

    last, rows = lib.flow.scan(outer, x, np.outer(np.arange(1.0, 4.0), x))
    return last + np.sum(rows, axis=0)


def cond_in_scan(lib, x):
    """Another branch in some steps; one reads its values, the other is given them."""
    np = lib.np

    def step(carried, k):
        up = lib.flow.cond(
            k % 2 == 0, lambda c: np.sin(c) * carried, lambda c: c + x[2] * k, carried * x[0]
        )
        sign = lib.flow.cond(carried[0] > 0.4, lambda: x, lambda: -2 * x * carried)
        return up + sign, up

    last, rows = lib.flow.scan(step, x, np.arange(5))
    return last + np.sum(rows, axis=0)


def switch_in_scan(lib, x):
    """Numbers outside of the branches mean the nearest one."""
    np = lib.np
    branches = [np.sin, lambda c: c * x[0], lambda c: x**2]

    def step(carried, k):
        return carried + lib.flow.switch(k, branches, carried), None

    return lib.flow.scan(step, x, np.arange(-1, 5))[0]


def scan_in_cond(lib, x):
    np = lib.np

    def summed(c):
        return lib.flow.scan(lambda c, t: (np.sin(c * t) + x, c), c, np.arange(1.0, 4.0))

    def other(c):
        return c, np.ones((3, 3)) * c * x[1]

    first, rows = lib.flow.cond(x[0] < 10, summed, other, x)
    second, more = lib.flow.cond(x[0] > 10, summed, other, x)
    return first * second + np.sum(rows * more, axis=0)


def cond_in_cond(lib, x):
    np = lib.np

    def inner(y):
        return lib.flow.cond(y[1] > 0, lambda z: z * x * y, np.exp, y * x[0])

    return lib.flow.cond(x[0] > 0, inner, lambda y: y, np.sin(x))


def newton(lib, x):
    """Square roots, all until the slowest is good."""
    np = lib.np

    def far(y):
        return np.max(np.abs(y * y - x)) > 1e-9

    return lib.flow.while_loop(far, lambda y: (y + x / y) / 2, np.ones(3))


def growth(lib, x):
    """Several values; the condition reads a count and what is around."""
    np = lib.np

    def body(state):
        count, values = state
        return count + 1, {"v": values["v"] * (1 + x[0]) + np.sin(x), "w": values["v"]}

    count, values = lib.flow.while_loop(
        lambda state: (np.sum(state[1]["v"]) < 20 * x[1]) & (state[0] < 50),
        body,
        (0, {"v": x, "w": x * 0}),
    )
    return values["v"] * values["w"] / count


def never(lib, x):
    """A loop that does nothing."""
    np = lib.np
    return lib.flow.while_loop(lambda y: y[0] < 0, lambda y: np.log(y * x), x) * x


def while_in_scan(lib, x):
    """As many steps inside as the step outside wants."""
    np = lib.np

    def step(carried, t):
        def body(state):
            return state[0] + 1, np.sin(state[1]) * t + x

        return lib.flow.while_loop(lambda state: state[0] < t, body, (0.0, carried))[1], carried

    last, rows = lib.flow.scan(step, x, np.arange(4.0))
    return last + np.sum(rows, axis=0)


def scan_in_while(lib, x):
    np = lib.np

    def body(c):
        last, rows = lib.flow.scan(lambda c, t: (c * (1 + t * x[0]), c * x), c, np.arange(3.0) / 4)
        return last + np.sum(rows, axis=0) / 9

    return lib.flow.while_loop(lambda c: np.sum(c) < 25.0, body, x)


def while_in_while(lib, x):
    np = lib.np

    def body(c):
        inner = lib.flow.while_loop(lambda d: np.sum(d) > 1, lambda d: d * 0.6 - 0.01 * x, c)
        return inner + c + x * 0.5

    return lib.flow.while_loop(lambda c: np.sum(c) < 9, body, x)


def counted(lib, x):
    np = lib.np
    powers = lib.flow.fori_loop(1, 4, lambda i, c: c * x + i, x)
    assert lib.flow.fori_loop(3, 1, lambda i, c: c + 1, x) is not None  # nothing to do
    return powers + lib.flow.fori_loop(0, 3, lambda i, c: np.sin(c) * x[i], x)


def counted_by_symbols(lib, x):
    """Bounds that are computed: a loop of a length that is known when it has run."""
    np = lib.np
    upper = np.sum(x > 0) + 2
    return lib.flow.fori_loop(upper - 4, upper, lambda i, c: np.sin(c) * x * (i + 1), x)


def mapped_rows(lib, x):
    np = lib.np

    def row(t):
        return {"sum": np.sum(x * t), "row": lib.flow.map(lambda s: np.sin(s * t) * x[0], x)}

    found = lib.flow.map(row, x)
    return found["sum"] * np.sum(found["row"] ** 2, axis=0)


def slopes_inside(lib, x):
    """A gradient in every step, of a function that reads what is carried and x."""
    np = lib.np

    def step(carried, t):
        slope = lib.grad(lambda y: np.sum(np.sin(y * x) * carried * t))(carried)
        return carried - 0.3 * slope, lib.grad(lambda s: np.sum(x**3) * s**2)(t)

    last, rows = lib.flow.scan(step, x, np.arange(1.0, 4.0))
    return last * np.sum(rows)


def slopes_of_loops_inside(lib, x):
    """Gradient descent: in every step the gradient of a loop."""
    np = lib.np

    def loss(y):
        last = lib.flow.scan(lambda c, t: (np.sin(c * y) + t * x, None), y, np.arange(3.0))[0]
        return np.sum(last**2)

    return lib.flow.fori_loop(0, 3, lambda _, y: y - 0.05 * lib.grad(loss)(y), x)


def dataclasses_too(lib, x):
    np = lib.np

    def step(state, t):
        force = -np.sin(state.place) * x[0]
        speed = state.speed + 0.1 * force
        return Motion(state.place + 0.1 * t * speed, speed), Motion(force, None, speed)

    last, rows = lib.flow.scan(step, Motion(x, 0 * x), np.arange(1.0, 4.0))
    return last.place * last.speed + np.sum(rows.place * rows.force, axis=0)


FLOWS = [
    recurrence,
    backward,
    steps_only,
    no_steps,
    structures,
    register,
    counters,
    lookups,
    scan_in_scan,
    cond_in_scan,
    switch_in_scan,
    scan_in_cond,
    cond_in_cond,
    newton,
    growth,
    never,
    while_in_scan,
    scan_in_while,
    while_in_while,
    counted,
    counted_by_symbols,
    mapped_rows,
    slopes_inside,
    slopes_of_loops_inside,
    dataclasses_too,
]
FORWARD_ONLY = {
    newton,
    growth,
    never,
    while_in_scan,
    scan_in_while,
    while_in_while,
    counted_by_symbols,
}
"""What JAX differentiates in forward mode only."""


# --- what tests of these share --------------------------------------------------------------------

X = numpy.array([0.3, 1.1, 0.7])
ITEMS = numpy.array([[0.3, 1.1, 0.7], [1.4, 0.25, 0.9], [0.6, 0.5, 0.4], [0.9, 0.8, 1.3]])
V = numpy.array([0.4, -1.3, 0.8])


def near(found, wanted, tolerance=1e-12):
    """The same structure, shapes and, closely, numbers."""
    found, wanted = taken_apart(found), taken_apart(wanted)
    assert found.structure == wanted.structure
    for a, b in zip(found.leaves, wanted.leaves, strict=True):
        assert numpy.shape(a) == numpy.shape(b)
        numpy.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def ours(flow):
    return lambda x: flow(OURS, x)


def unrolled(flow, x=X):
    """The same in plain Python, for arguments near x."""
    plain = Unrolled()
    library = Lib(numpy, plain, chainrule.grad)
    flow(library, x)

    def function(x):
        plain.replay()
        return flow(library, x)

    return function


def scalar(function, np=numpy):
    return lambda x: np.sum(np.sin(function(x)) * np.arange(1.0, 4.0))
