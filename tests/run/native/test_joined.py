"""Arrays that are read element by element or slice by slice: as machine code, in linear time."""

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.compiling import Planned
from tests.run.native.ready import ready
from tests.work import calls

RANDOM = np.random.default_rng(7)


def rosenbrock(x):
    total = 0.0
    for k in range(len(x) - 1):
        total = total + 100 * (x[k + 1] - x[k] ** 2) ** 2 + (1 - x[k]) ** 2
    return total


def spiral(x):
    """Numbers that depend on all of those before them."""
    total, angle = 0.0, 0.1
    for k in range(len(x)):
        angle = angle * x[k] + 0.5
        total = total + angle * x[k]
    return total


def rows(a):
    total = 0.0
    for k in range(len(a) - 1):
        total = total + np.sum(a[k] * a[k + 1])
    return total


def entries(a):
    total = 0.0
    for i in range(len(a)):
        for j in range(a.shape[1]):
            total = total + a[i, j] * a[i, j - 1] * (i + 1)
    return total


def row_entries(a):
    total = 0.0
    for i in range(len(a)):
        row = a[i]
        for j in range(a.shape[1]):
            total = total + row[j] * row[j - 1] * (i + 1)
    return total


def halves(x):
    return sum(np.sum(x[k : k + 2] ** 2) * k for k in range(0, len(x), 2))


def windows(x):
    return sum(np.sum(x[k : k + 5] ** 3) * k for k in range(len(x) - 4))


def wide_windows(x):
    return sum(np.sum(x[k : k + 70] ** 3) * k for k in range(len(x) - 69))


def tails(x):
    return sum(np.sum(x[k:] ** 2) * k for k in range(len(x)))


def wide_windows_and_all(x):
    return wide_windows(x) + np.sum(np.sin(x)) + sum(np.sum(x[k : k + 70] ** 2) for k in range(30))


def neighbours(x):
    return np.sum(np.array([x[k] * x[k - 1] for k in range(len(x))]) ** 2)


def stencil(u):
    weights = [-1, 8, -3, 1, -30, 1, -3, 8, -1]
    v = sum(w * u[k : len(u) - 8 + k] for k, w in enumerate(weights))
    return np.sum(v * v)


def line(n):
    return RANDOM.uniform(-1, 1, n)


def table(n):
    return RANDOM.uniform(-1, 1, (n // 4, 4))


CASES = [
    (rosenbrock, line),
    (spiral, line),
    (rows, table),
    (entries, table),
    (row_entries, table),
    (halves, line),
    (windows, line),
    (wide_windows, line),
    (wide_windows_and_all, line),
    (tails, line),
    (neighbours, line),
    (stencil, line),
]
each_case = pytest.mark.parametrize(
    ("function", "point"), CASES, ids=[function.__name__ for function, _ in CASES]
)


def gradient(function, point):
    return cr.trace(function)(point).gradient()


def native(dag):
    machine = ready(dag)
    assert machine.report().tier == "optimised"
    assert machine.report().by_numpy == ()
    return machine


def lengths(dag):
    """Boxes and steps of the plan of a graph."""
    kernels = list(Planned(dag).plan.alone())
    boxes = [box for kernel in kernels for box in kernel.boxes]
    return sum(len(k.uniform) for k in kernels) + sum(
        1 + len(box.steps) + len(box.stores) for box in boxes
    )


# --- in linear time -------------------------------------------------------------------------------


@each_case
def test_planning_is_linear(function, point):
    small, large = (gradient(function, point(n)).dag for n in (100, 400))
    assert calls(lambda: Planned(large)) < 5 * calls(lambda: Planned(small))
    assert lengths(large) < 5 * lengths(small)


@each_case
def test_code_comes_in_functions_of_bounded_length(function, point):
    for kernel in Planned(gradient(function, point(400)).dag).plan.alone():
        steps = sum(len(box.steps) + len(box.stores) for box in kernel.boxes)
        assert len(kernel.uniform) + steps < 2000


# --- the same numbers -----------------------------------------------------------------------------


@each_case
def test_values_and_gradients_are_those_of_numpy(function, point):
    given = point(120)
    graph = gradient(function, given)
    value, slope = native(graph.dag)(given)
    _, (exact,) = graph(given)
    np.testing.assert_allclose(value, function(given), rtol=1e-12)
    np.testing.assert_allclose(slope, exact, rtol=1e-12, atol=1e-13)
    step = 1e-6 * RANDOM.normal(size=given.shape)
    difference = (function(given + step) - function(given - step)) / 2
    np.testing.assert_allclose(np.sum(slope * step), difference, rtol=1e-5, atol=1e-12)


def test_rosenbrock_written_with_a_loop():
    x = line(1000)
    value, slope = native(gradient(rosenbrock, x).dag)(x)
    np.testing.assert_allclose(value, rosen(x), rtol=1e-12)
    np.testing.assert_allclose(slope, rosen_der(x), rtol=1e-12, atol=1e-12)


def test_long_numbers_pass_from_piece_to_piece():
    x = line(300)
    graph = gradient(spiral, x)
    assert len(Planned(graph.dag).plan.kernels) > 2
    value, slope = native(graph.dag)(x)
    expected, (exact,) = graph(x)
    assert value == expected
    np.testing.assert_array_equal(slope, exact)


def embedded(size, reads):
    """A sum of embeddings of arrays: an argument for each."""
    inputs, total = [], None
    for at, (start, length) in enumerate(reads):
        one = input_node(f"x{at}", Type.of("float64", (length,)))
        inputs.append(one)
        node = make(OPS["embed"], (one,), ((size,), (start,), (1,)))
        total = node if total is None else make(OPS["add"], (total, node))
    return Dag([total], inputs)


@pytest.mark.parametrize(
    ("size", "reads"),
    [
        (3, [(0, 1), (1, 1), (0, 1)]),
        (3, [(1, 1), (1, 1)]),
        (1, [(0, 1), (0, 1)]),
        (20, [(k % 15, 1 + k % 5) for k in range(40)]),
        (20, [(k % 5, 15) for k in range(40)]),
        (300, [(k % 200, 100) for k in range(250)]),  # added up in place
        (300, [(k, 200) for k in range(100)]),
    ],
)
@pytest.mark.parametrize("value", [-0.0, 0.0, 1.0, np.inf, 0.1])
def test_zeros_keep_their_signs(size, reads, value):
    dag = embedded(size, reads)
    given = [np.full(length, value) for _, length in reads]
    expected = np.full(size, -0.0)
    for x, (start, length) in zip(given, reads, strict=True):
        term = np.zeros(size)
        term[start : start + length] = x
        expected = expected + term
    (found,) = native(dag)(*given)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


# --- what stands where ----------------------------------------------------------------------------


def test_elements_that_are_read_singly_are_numbers():
    """Value and gradient are one kernel without a loop."""
    graph = gradient(rosenbrock, np.ones(5))
    (kernel,) = Planned(graph.dag).plan.kernels
    assert kernel.sizes == ()
    (box,) = kernel.boxes
    assert [store.place.offset for store in box.stores] == [0, 0, 1, 2, 3, 4]


def test_what_overlaps_much_is_added_up_in_place():
    """One loop over each term, none over the whole array but the first."""
    plan = Planned(embedded(300, [(k % 200, 100) for k in range(250)])).plan
    assert [kernel.sizes for kernel in plan.kernels] == [(300,), *[(100,)] * 249]
    assert not plan.scratch


def test_an_array_of_many_pieces_is_stored():
    """Loops that read it are not cut for it."""
    plan = Planned(cr.trace(lambda x: np.sin(neighbours_of(x)) * 2)(np.ones(40)).dag).plan
    made, used = plan.kernels
    assert made.sizes == ()
    assert [box.ranges for box in used.boxes] == [((0, 40),)]


def neighbours_of(x):
    return np.array([x[k] * x[k - 1] for k in range(len(x))])
