"""Profiling builds: every kernel counts its calls, by any number of threads."""

from __future__ import annotations

import csv
import io
import json
import pickle
import threading
import time

import llvmlite.binding as llvm
import numpy as np
import pytest

import chainrule as cr
from chainrule.run.native.code import target
from chainrule.run.native.emit.counters import Counters, counted
from chainrule.run.native.emit.lanes import Module
from tests.draw.reading import boxes
from tests.run.native.test_listings import long


def layer(w, x):
    return np.sum(np.tanh(w @ x) ** 2)


W, X = np.linspace(-1, 1, 600).reshape(20, 30), np.linspace(0, 1, 30)


def calls(fast) -> set[int]:
    return {row.calls for row in fast.profile()}


def test_results_are_those_of_a_build_that_does_not_count():
    graph = cr.parse("exp(-x^2)*sin(y)")
    plain, counting = graph.compile(gradient=True), graph.compile(gradient=True, profile=True)
    assert counting.wait()(0.3, 0.7) == plain.wait()(0.3, 0.7)
    points = np.linspace(-2, 2, 1001)
    for one, other in zip(counting(points, 0.7)[1], plain(points, 0.7)[1], strict=True):
        assert np.array_equal(one, other)


def test_numbers_and_points():
    fast = cr.parse("exp(-x^2)").compile(profile=True).wait()
    assert calls(fast) == {0}
    for _ in range(5):
        fast(0.5)
    assert calls(fast) == {5}
    fast(np.linspace(0, 1, 1001))  # one call, whatever the width of vectors
    assert calls(fast) == {6}
    assert fast(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("count", [60, 400], ids=["one module", "several modules"])
def test_each_part_of_a_long_body_counts(count):
    graph = long(count)
    fast = graph.compile(profile=True).wait()
    assert fast(0.5, 1.5) == graph.compile().wait()(0.5, 1.5)
    fast(0.25, 1.5)
    rows = list(fast.profile())
    assert len(rows) > 1
    assert {row.kind for row in rows} == {"part"}
    assert [row.number for row in rows] == list(range(len(rows)))
    assert calls(fast) == {2}
    points = np.linspace(0, 1, 37)
    assert fast(points, 1.5)[3] == fast(points[3], 1.5)


def test_kernels_and_numpy():
    fast = cr.trace(layer)(W, X).compile(gradient=True, profile=True).wait()
    for _ in range(4):
        value, _ = fast(W, X)
    assert value == pytest.approx(layer(W, X), rel=1e-14)
    rows = list(fast.profile())
    assert [row.kind for row in rows] == ["numpy", "kernel", "numpy", "numpy"]
    assert rows[0].nodes == ("v1",)
    assert "f" in rows[1].nodes
    assert {row.nodes for row in rows[2:]} == {("d_w",), ("d_x",)}
    assert calls(fast) == {4}
    assert all(row.seconds > 0 for row in rows if row.kind == "numpy")
    assert sum(row.share for row in rows) == pytest.approx(1)


def test_kernels_alone():
    fast = cr.trace(lambda x: np.cumsum(np.sum(np.exp(x), axis=1)) + 1)(np.ones((3, 4)))
    fast = fast.compile(profile=True).wait()
    fast(np.ones((3, 4)))
    assert calls(fast) == {1}
    fast = cr.trace(lambda x: np.sum(x) * x)(X).compile(profile=True).wait()
    fast(X)
    assert [row.kind for row in fast.profile()] == ["kernel"] * 2
    assert calls(fast) == {1}


def test_loops_that_threads_share():
    def total(x):
        return np.sum(np.exp(x) * x)

    x = np.linspace(0, 1, 200_000)
    graph = cr.trace(total)(x)
    fast = graph.compile(profile=True, threads=2).wait()
    for _ in range(3):
        value = fast(x)
    assert value == graph.compile(threads=2).wait()(x)
    parts, added = fast.profile()
    assert (parts.nodes, parts.calls) == (("f",), 6)  # once by each thread
    assert (added.nodes, added.calls) == (("f",), 3)


def test_threads_lose_no_count():
    scalar = cr.parse("exp(-x^2)").compile(profile=True).wait()
    mixed = cr.trace(layer)(W, X).compile(profile=True).wait()
    many = cr.parse("exp(-x^2)*x").compile(profile=True, threads=4).wait()
    points = np.linspace(0, 1, 100_000)

    def work():
        for _ in range(250):
            scalar(0.5)
            mixed(W, X)
        many(points)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls(scalar) == {1000}
    assert calls(mixed) == {1000}
    assert calls(many) == {16}  # each call is shared by four threads


def test_each_compiled_object_has_its_own_counters():
    graph = cr.parse("x^3")
    one, other = (graph.compile(profile=True).wait() for _ in range(2))
    one(1.0)
    assert (calls(one), calls(other)) == ({1}, {0})
    third = pickle.loads(pickle.dumps(one)).wait()
    third(2.0)
    third(2.0)
    assert (calls(one), calls(third)) == ({1}, {2})


@pytest.mark.skipif(
    not target.processor().triple.startswith(("x86_64", "aarch64", "arm64")),
    reason="no counter that programs may read",
)
def test_ticks_are_seconds():
    counters = Counters(1)
    start = time.perf_counter()
    counters.add(0, 0.25)
    fast = cr.trace(lambda x: np.sum(np.sin(x)))(np.ones(100_000)).compile(profile=True).wait()
    for _ in range(20):
        fast(np.ones(100_000))
    took = time.perf_counter() - start
    assert counters.read() == [(1, 0.25)]
    (row, *more) = fast.profile()
    assert not more
    # The kernel computes two million sines, and nothing took longer than everything.
    assert 2e6 * 1e-10 < row.seconds < took


@pytest.mark.parametrize(
    ("triple", "counter"),
    [
        ("x86_64-pc-linux-gnu", "llvm.readcyclecounter"),
        ("aarch64-unknown-linux-gnu", "llvm.readsteadycounter"),
        ("arm64-apple-darwin", "llvm.readsteadycounter"),
        ("riscv64-unknown-linux-gnu", None),  # calls are counted, time is not
    ],
)
def test_the_counter_of_each_processor(monkeypatch, triple, counter):
    known = target.processor()
    monkeypatch.setattr(target, "processor", lambda: known._replace(triple=triple))
    module = Module()
    lines = counted(module, ["  call void @work()"], 3, 7)
    module.declare("work", "void @work()")
    body = "\n".join(["define void @all(ptr %context) {", *lines, "  ret void", "}"])
    module.define("all", body)
    assert module.text.count("= call i64 @llvm.read") == (2 if counter else 0)
    assert counter is None or counter in module.text
    llvm.parse_assembly(module.text).verify()


# --- as a table, and as heat ----------------------------------------------------------------------


def test_the_table():
    fast = cr.trace(layer)(W, X).compile(profile=True).wait()
    fast(W, X)
    profile = fast.profile()
    title, heads, _, *lines = str(profile).splitlines()
    assert title == "Time of kernels"
    assert heads.split() == ["Kernel", "Makes", "Calls", "Time", "Share"]
    assert len(lines) == len(profile) == 2
    assert all(line.endswith("%") for line in lines)
    data = json.loads(profile.table().json())["rows"]
    assert [row["kernel"] for row in data] == ["numpy 0", "kernel 1"]
    assert sum(row["seconds"] for row in data) == pytest.approx(profile.seconds)
    assert r"\%" in profile.table().latex()
    assert len(list(csv.reader(io.StringIO(profile.table().csv())))) == 3


def test_a_drawing_is_coloured_by_the_time_of_kernels():
    graph = cr.trace(layer)(W, X)
    fast = graph.compile(profile=True).wait()
    fast(W, X)
    profile = fast.profile()
    product, kernel = profile
    most = max(product.seconds, kernel.seconds)
    scene = graph.draw(heat=profile).scene
    heats = {box.heat for name, box in boxes(scene).items() if name not in ("w", "x")}
    assert heats == {product.seconds / most, kernel.seconds / most}
    assert {box.heat for name, box in boxes(scene).items() if name in ("w", "x")} == {0}
    assert "heat: time of the kernels that compute it, 0 to" in graph.draw(heat=profile).svg()
    assert fast.draw().scene.boxes
    assert {box.heat for box in fast.draw(heat=None).scene.boxes} == {None}


def test_derivatives_have_heat_in_the_drawing_of_what_was_compiled():
    fast = cr.trace(layer)(W, X).compile(gradient=True, profile=True).wait()
    fast(W, X)
    hot = [box.heat for box in fast.draw().scene.boxes if box.heat is not None]
    assert max(hot) == 1
    assert len(hot) > len(cr.trace(layer)(W, X).draw().scene.boxes)


def test_before_the_first_call_everything_is_cold():
    graph = cr.parse("a = x + y; f = a * x")
    profile = graph.compile(profile=True).profile()
    assert {row.share for row in profile} == {0}
    assert {box.heat for box in graph.draw(heat=profile).scene.boxes} == {0}


def test_the_profile_of_another_graph():
    profile = cr.parse("a*b").compile(profile=True).profile()
    with pytest.raises(cr.DrawingError, match="E250 heat is the profile of another graph"):
        cr.parse("x + y").draw(heat=profile)


def test_without_a_profiling_build_there_is_no_profile():
    fast = cr.parse("x^2").compile()
    with pytest.raises(cr.GraphError, match="E226 there is no profile: compile with profile=True"):
        fast.profile()
    assert {box.heat for box in fast.draw().scene.boxes} == {None}


def test_the_report_says_what_it_is():
    assert "profiling" not in str(cr.parse("x^2").compile().report())
    report = cr.parse("x^2").compile(profile=True).wait().report()
    assert report.profile
    assert str(report).endswith("profiling    kernels count their calls and their time")


def test_long_graphs_have_no_quick_tiers():
    fast = long(400).compile(profile=True, budget=0)
    assert fast.report().tier in ("numpy", "optimised")
    assert fast.wait().report().tier == "optimised"
