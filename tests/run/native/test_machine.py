"""Stages behind a compiled graph: sums and loops in memory, long bodies, tiers, reports."""

import contextlib
import gc
import math
import threading
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.node import make
from chainrule.graph.op import OPS
from chainrule.ops.several import is_joint, items
from chainrule.run.native.code import cache
from chainrule.run.native.compiling import (
    TOGETHER,
    Planned,
    text_of,
)
from chainrule.run.native.emit.element import cost
from chainrule.run.native.emit.lanes import Module
from chainrule.run.native.emit.mathematics import FUNCTIONS
from chainrule.run.native.emit.straight import LONGEST, over_points, write_straight
from chainrule.run.native.machine import Machine
from chainrule.run.native.pool import together
from chainrule.run.program import Program
from tests.ops.array_matrix import operands_of, terms_of
from tests.run.native.random_graphs import difference
from tests.run.native.ready import ready

X = np.linspace(-1.0, 1.0, 12)


def new_module():
    return Module(FUNCTIONS)


def machine_of(function, *arguments, **options):
    return ready(cr.trace(function)(*arguments).dag, **options)


# --- sums and loops -------------------------------------------------------------------------------

SIZES = (1, 7, 8, 9, 31, 32, 33, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 8192, 8200, 12345)


@pytest.fixture(scope="module")
def sums():
    """Sums over arrays of many sizes, all in one machine."""

    def function(*arrays):
        return [np.sum(x) for x in arrays] + [np.sum(x[1:] * 2 + x[:-1]) for x in arrays[1:]]

    arrays = [np.zeros(size) for size in SIZES]
    return machine_of(function, *arrays)


@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-300])
def test_sums_are_as_exact_as_sums_with_care(sums, scale):
    source = np.random.default_rng(3)
    arrays = [
        source.normal(size=size) * scale * 10 ** source.uniform(-9, 9, size) for size in SIZES
    ]
    found = sums(*arrays)
    terms = [*arrays, *(x[1:] * 2 + x[:-1] for x in arrays[1:])]
    for got, row in zip(found, terms, strict=True):
        # One block of vectors is added up plainly, blocks are added up with care.
        bound = 4 * np.finfo(float).eps * math.fsum(abs(row)) + 5e-324
        assert abs(got - math.fsum(row)) <= bound


def test_sums_of_large_numbers_that_cancel(sums):
    arrays = [np.zeros(size) for size in SIZES]
    arrays[-1][[0, 6000, 12344]] = 1e16, 1.0, -1e16
    assert sums(*arrays)[len(SIZES) - 1] in (0.0, 1.0)
    arrays[-1][[0, 6000, 12344]] = 1e308, 1e308, -1e308
    assert sums(*arrays)[len(SIZES) - 1] == math.inf
    arrays[-1][6000] = -math.inf
    assert sums(*arrays)[len(SIZES) - 1] == -math.inf
    arrays[-1][0] = math.inf
    assert math.isnan(sums(*arrays)[len(SIZES) - 1])


@pytest.mark.parametrize("shape", [(30_000, 3), (3, 30_000), (200, 150, 3)], ids=str)
def test_sums_over_several_axes_are_added_up_with_care(shape):
    x = np.random.default_rng(5).random(shape).astype("f4")
    (found,) = machine_of(np.sum, x)(x)
    wanted = math.fsum(x.ravel().tolist())
    assert abs(found - wanted) <= 8 * np.finfo("f4").eps * wanted


def test_sums_begin_with_zero(sums):
    found = sums(*[np.full(size, -0.0) for size in SIZES])
    assert [math.copysign(1, value) for value in found] == [1.0] * len(found)


def test_sums_of_whole_numbers_wrap_as_in_numpy():
    x = np.full((3, 5), 2**62)
    machine = machine_of(lambda x: (np.sum(x), np.sum(x, axis=0), np.sum(x, axis=1)), x)
    for got, axis in zip(machine(x), (None, 0, 1), strict=True):
        assert not difference(got, np.sum(x, axis=axis))


def test_sums_over_nothing():
    x = np.zeros((0, 3))
    machine = machine_of(lambda x: (np.sum(x), np.sum(x, axis=0), np.sum(x, axis=1)), x)
    for got, axis in zip(machine(x), (None, 0, 1), strict=True):
        assert not difference(got, np.sum(x, axis=axis))


def test_partial_sums_over_boxes_of_several_axes():
    x = np.arange(24.0).reshape(4, 6)

    def function(x):
        y = np.zeros((7, 9))
        z = np.concatenate([np.concatenate([x, x * 2], axis=0)[:7], np.ones((7, 3))], axis=1)
        return np.sum(z + y, axis=1), np.sum(z + y, axis=0), np.sum(z * z)

    for got, value in zip(machine_of(function, x)(x), function(x), strict=True):
        assert not difference(got, value)


def test_nothing_is_kept_in_scratch_memory_between_calls():
    def function(x):
        return np.sum(np.exp(x)[::-1] * np.exp(x)) / np.sum(np.exp(x))

    machine = machine_of(function, X)
    first = machine(X)
    machine(X * np.nan)
    assert machine(X) == first


# --- long bodies ----------------------------------------------------------------------------------


def _chain(x, y, count):
    for at in range(count):
        x = np.sin(x) * y + at
    return x


def long_graph(count):
    return cr.trace(lambda x, y: _chain(x, y, count))(0.5, 0.25)


def test_long_bodies_are_cut_and_the_frame_is_used_again():
    planned = Planned(long_graph(100).dag)
    written = write_straight(new_module, planned.numbers, "evaluate", 8)
    text = written.modules[0].text
    functions = text.count("define internal void @evaluate.")
    assert functions == text.count("call void @evaluate.")
    length = sum(cost(step.node) for step in planned.numbers.boxes[0].steps if step.operands)
    assert 1 < length / LONGEST / 2 < functions <= 2 * length / LONGEST
    # One value goes from each function to the next one.
    assert written.frame <= 3 * 8
    many = write_straight(new_module, over_points(planned.numbers, (True, False)), "evaluate", 8)
    assert many.frame <= 3 * 8 * 8


def test_very_long_bodies_are_several_modules():
    text = text_of(Planned(long_graph(1500).dag))
    assert len(text.modules) > 3
    assert sum(len(names) for names in text.parts) > 36
    assert text.entries == ("evaluate",)


def test_every_tier_gives_the_same():
    graph = long_graph(400)
    machine = Machine(graph.dag)
    wanted = graph(0.5, 0.25)
    assert machine.report().tier == "numpy"
    tiers = {}
    np.testing.assert_allclose(machine(np.float64(0.5), np.float64(0.25)), wanted, rtol=1e-12)
    while machine.making.step():
        tiers[machine.report().tier] = machine(np.float64(0.5), np.float64(0.25))
    assert list(tiers) == ["numpy", "baseline", "optimised"]
    assert tiers["baseline"] == tiers["optimised"]
    np.testing.assert_allclose(tiers["optimised"], wanted, rtol=1e-12)


def test_many_kernels_are_several_modules():
    def function(x):
        for at in range(40):
            x = np.sum(x) * x + at / 7
            x = x / np.sum(x * x)
        return x

    planned = Planned(cr.trace(function)(X).dag)
    assert len(planned.plan.kernels) > TOGETHER
    text = text_of(planned)
    assert len(text.modules) == 1 + -(-len(planned.plan.kernels) // TOGETHER)
    np.testing.assert_allclose(machine_of(function, X)(X)[0], function(X), rtol=1e-11)
    mixed = machine_of(lambda x: np.cumsum(function(np.cumsum(x))), X)
    np.testing.assert_allclose(mixed(X)[0], np.cumsum(function(np.cumsum(X))), rtol=1e-11)


# --- results --------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_code", [False, True])
def test_results_are_memory_of_their_own(has_code):
    """Arguments, views of them, constants: all may be written to, and share nothing."""

    def function(x):
        y = x * 2
        return x, x.T, x[0], np.broadcast_to(x, (2, 3, 3)), y, y, y[1:], np.ones((2, 2)), np.eye(2)

    x = np.arange(9.0).reshape(3, 3)
    dag = cr.trace(function)(x).dag
    machine = ready(dag) if has_code else Machine(dag)
    results = machine(x)
    for at, one in enumerate(results):
        assert one.flags.writeable
        assert not any(np.shares_memory(one, other) for other in (x, *results[:at]))
    for got, value in zip(results, function(x), strict=True):
        assert not difference(got, value)


def test_results_of_numpy_are_memory_of_their_own():
    def function(x):
        kept = cr.cond(np.sum(x) > 0, lambda x: x, lambda x: x * 2, x)
        looped = cr.while_loop(lambda x: np.sum(x) < 0, lambda x: x * 2, x)
        return kept, looped, np.cumsum(x), np.cumsum(x)

    x = np.ones(3)
    results = machine_of(function, x)(x)
    for at, one in enumerate(results):
        assert not any(np.shares_memory(one, other) for other in (x, *results[:at]))
        assert one.flags.writeable


def test_singular_matrices_are_not_exceptions():
    machine = machine_of(lambda a, b: np.linalg.solve(a, b) * 2, np.eye(2), np.ones(2))
    (found,) = machine(np.ones((2, 2)), np.ones(2))
    assert np.isnan(found).all()


# --- reports --------------------------------------------------------------------------------------

REPORTS = [
    # what, function, arguments, kernels, by NumPy, scratch
    ("number", lambda x: np.sin(x) * x, (0.5,), 1, (), 0),
    ("constant", lambda x: 2.0 + 0 * x * 0, (0.5,), 1, (), 0),
    ("array", lambda x: np.sin(x) * x, (X,), 1, (), 0),
    ("sum", lambda x: np.sum(np.sin(x) * x), (X,), 1, (), 0),
    ("sum that is used", lambda x: x / np.sum(x), (X,), 2, (), 128),
    ("product", lambda x: x @ x, (np.eye(3),), 0, ("contract",), 64),
    ("product of sines", lambda x: np.sin(x) @ x, (np.eye(3),), 1, ("contract",), 192),
    ("sort", lambda x: np.sort(x) + 1, (X,), 1, ("argsort", "gather"), None),
    ("cumulated", lambda x: np.cumsum(np.cumsum(x)), (X,), 0, ("cumsum", "cumsum"), 64),
    ("empty", lambda x: x * 2, (X[:0],), 1, (), 0),
    ("branches", lambda x: cr.cond(x > 0, np.sin, np.cos, x), (0.5,), 1, ("cond", "item"), None),
]


@pytest.mark.parametrize(
    ("function", "arguments", "kernels", "by_numpy", "scratch"),
    [row[1:] for row in REPORTS],
    ids=[row[0] for row in REPORTS],
)
def test_reports(function, arguments, kernels, by_numpy, scratch):
    machine = machine_of(function, *arguments)
    report = machine.report()
    assert (report.tier, report.kernels, report.by_numpy) == ("optimised", kernels, by_numpy)
    assert report.nodes == len(machine.dag)
    assert set(report.seconds) >= {"simplify", "fuse", "memory", "emit"}
    assert bool(report.instructions) == bool(kernels)
    if scratch is not None:
        assert report.scratch_bytes <= scratch
    assert str(report).startswith("runs as      optimised\nnodes ")
    (line,) = [line for line in str(report).split("\n") if line.startswith("by NumPy")]
    assert line == f"by NumPy     {', '.join(by_numpy) or 'nothing'}"


def test_a_report_before_there_is_code():
    machine = Machine(cr.parse("x*y").dag)
    report = machine.report()
    assert (report.tier, report.kernels, report.code_bytes) == ("numpy", 0, 0)
    assert "compiled in  0.0 ms" in str(report)


def test_what_is_too_long_stays_with_numpy():
    def function(x):
        return sum(np.roll(x, k) for k in range(500))

    machine = ready(cr.trace(function)(np.ones(500)).dag)
    np.testing.assert_array_equal(machine(np.arange(500.0))[0], np.full(500, 499 * 250.0))
    assert machine.report().tier == "numpy"
    assert machine.report().by_numpy == ()
    assert machine.listing("kernels").startswith("NumPy runs this graph")


# --- listings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (lambda x: np.exp(x) * 2, 0.5),
        (lambda x: np.exp(x) * 2, X),
        (lambda x: np.sum(np.exp(x), axis=0), np.ones((3, 4))),
        (lambda x: np.cumsum(np.exp(x)) * 2, X),
        (lambda x: x > 0, X),
    ],
    ids=["number", "array", "sum", "mixed", "condition"],
)
def test_listings(function, argument):
    machine = machine_of(function, argument)
    kernels, text, optimised, assembly = (
        machine.listing(kind) for kind in ("kernels", "llvm", "optimised", "assembly")
    )
    assert "kernel" in kernels
    assert "define void @" in text
    assert "define " in optimised
    assert "evaluate" in assembly or "k1" in assembly
    assert text.count("\n") > 5


# --- the work aside -------------------------------------------------------------------------------


def test_machines_that_nobody_holds_are_not_made():
    machine = Machine(cr.parse("x*y").dag)
    reference = weakref.ref(machine)
    machine.start()
    machine.wait(120)
    del machine
    gc.collect()
    assert reference() is None


def test_failures_are_told_by_those_who_wait(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.setenv(cache.VARIABLE, "off")
    monkeypatch.setattr("chainrule.run.native.making.compiling.compiling", broken)
    machine = Machine(cr.parse("x*y").dag)
    machine.start()
    with pytest.raises(ZeroDivisionError):
        machine.wait(120)
    assert machine(np.float64(2), np.float64(3)) == [6.0]


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.examples], ids=lambda op: op.name)
def test_operations_on_arrays_alone(op):
    """Each operation with the operands that it is documented with, also with those without axes."""
    for example in op.examples:
        operands = operands_of(op, example)
        inputs = [term.node for term in terms_of(operands)]
        node = make(op, tuple(inputs), op.normal_params(example.params))
        outputs = [item.node for item in items(node)] if is_joint(node) else [node]
        machine = ready(Dag(outputs, inputs))
        given = [operand[()] for operand in operands]
        for mine, numpys in zip(machine.run(given), Program(machine.dag)(*given), strict=True):
            assert np.asarray(mine).dtype == np.asarray(numpys).dtype
            np.testing.assert_allclose(mine, numpys, rtol=1e-13, atol=1e-13)


def test_graphs_with_numpy_are_called_by_threads_at_once():
    """Each call has memory of its own, and gives back none that it handed out."""
    machine = ready(cr.trace(lambda x: np.cumsum(np.sin(x)) * 2)(X).dag)
    found = []

    def work(at):
        for _ in range(50):
            (result,) = machine(X + at)
            found.append((at, result))

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    for at, result in found:
        np.testing.assert_allclose(result, np.cumsum(np.sin(X + at)) * 2, rtol=1e-13)


def test_an_error_of_numpys_leaves_the_graph_usable():
    machine = ready(cr.trace(lambda a: np.linalg.cholesky(a) * 2)(np.eye(2)).dag)
    good = np.array([[4.0, 2.0], [2.0, 5.0]])
    (before,) = machine(good)
    with contextlib.suppress(np.linalg.LinAlgError):
        machine(-good)
    (after,) = machine(good)
    np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(after, np.linalg.cholesky(good) * 2, rtol=1e-14)


def test_an_interrupt_waits_for_the_other_threads():
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def other():
        begun.set()
        go_on.wait(60)
        ended.append(True)

    def own():
        begun.wait(60)
        threading.Timer(0.01, go_on.set).start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together([other, own], keep=None)
    assert ended == [True]
