"""Costly steps of one kind are computed side by side, and give the bits that they give alone."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diff.reverse import gradient
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.code import target
from chainrule.run.native.compiling import BASELINE, OPTIMISED, Planned, compiled, text_of
from chainrule.run.native.emit.element import pays_in_lanes
from chainrule.run.native.emit.straight import TOGETHER, cut
from chainrule.run.native.slots import EVALUATE, filled, results_for, scratch_of

WIDTH = target.processor().width
DOUBLE, SINGLE = Type.of("float64"), Type.of("float32")

COSTLY = ("sin", "cos", "exp", "log1p", "tanh", "erf", "sigmoid")
CHEAP = ("negate", "square", "sqrt", "abs")
TWO = ("add", "multiply", "subtract", "atan2", "hypot", "fmod", "remainder")


def random_dag(random, count: int) -> Dag:
    """Numbers of both types; operands are among the last values, so that some graphs are deep."""
    pool = [input_node(f"x{at}", DOUBLE if at % 2 else SINGLE) for at in range(6)]
    inputs = list(pool)
    near = random.choice((3, 10, 1000))
    for _ in range(count):
        x = random.choice(pool[-near:])
        same = [node for node in pool[-near:] if node.type is x.type]
        names = random.choice((COSTLY, COSTLY, CHEAP, TWO, ("convert",)))
        name = random.choice(names)
        if name == "convert":
            pool.append(make(OPS[name], (x,), ("float32" if x.type is DOUBLE else "float64",)))
        elif names is TWO:
            pool.append(make(OPS[name], (x, random.choice(same))))
        else:
            pool.append(make(OPS[name], (x,)))
    return Dag(pool[-6:], inputs)


def results(dag: Dag, values, lanes: int, level: int = OPTIMISED) -> list[bytes]:
    """The bits of the results where so many numbers are computed side by side."""
    planned = Planned(dag, lanes=lanes)
    routine = compiled(planned, text_of(planned), level=level)
    found, outputs = results_for([node.type for node in dag.outputs], {})
    inputs, scratch = filled(values), scratch_of(routine.scratch)
    EVALUATE(routine.addresses[0])(
        inputs.ctypes.data, outputs.ctypes.data, scratch.ctypes.data, routine.context
    )
    # Which bits a NaN has says nothing.
    return [np.where(np.isnan(result), np.nan, result).tobytes() for result in found]


def values_of(dag: Dag, numbers) -> list[np.generic]:
    return [node.type.dtype.type(x) for node, x in zip(dag.inputs, numbers, strict=True)]


def check(dag: Dag, lanes: int) -> None:
    """The plan has every step once, after its operands, in groups of one kind."""
    plain, box = (Planned(dag, lanes=n).numbers.boxes[0] for n in (1, lanes))
    assert not plain.groups
    assert len(box.steps) == len(plain.steps)
    assert {step.node for step in box.steps} == {step.node for step in plain.steps}
    for at, step in enumerate(box.steps):
        if step.place is None:
            assert [box.steps[x].node for x in step.operands] == list(step.node.operands)
        assert all(operand < at for operand in step.operands)
    stored = [[(s.place, b.steps[s.step].node) for s in b.stores] for b in (box, plain)]
    assert stored[0] == stored[1]
    assert all(end <= first for (_, end), (first, _) in pairwise(box.groups))
    for first, end in box.groups:
        assert 2 <= end - first <= lanes
        members = box.steps[first:end]
        kinds = {(m.node.op, m.node.params, *[x.type for x in m.node.operands]) for m in members}
        assert len(kinds) == 1
        assert pays_in_lanes(members[0].node)
        assert all(operand < first for member in members for operand in member.operands)
    (part_of,) = ({at: n for n, part in enumerate(parts) for at in part} for parts in [cut(box)])
    assert sorted(part_of) == list(range(len(box.steps)))
    assert all(part_of[first] == part_of[end - 1] for first, end in box.groups)


@given(st.randoms(use_true_random=False), st.sampled_from((2, 4, 8)), st.integers(1, 600))
@settings(max_examples=60, deadline=None)
def test_every_step_once_after_its_operands(random, lanes, count):
    check(random_dag(random, count), lanes)


@given(st.randoms(use_true_random=False), st.integers(1, 300))
@settings(max_examples=12, deadline=None)
def test_the_same_bits_as_one_after_the_other(random, count):
    dag = random_dag(random, count)
    numbers = [
        random.choice((0.0, -0.0, 1e7, np.inf, np.nan, random.uniform(-3, 3))) for _ in "123456"
    ]
    values = values_of(dag, numbers)
    wanted = results(dag, values, 1)
    for lanes in {2, WIDTH}:
        assert results(dag, values, lanes) == wanted
    assert results(dag, values, WIDTH, BASELINE) == wanted


def sines(count: int) -> cr.Graph:
    xs = cr.inputs([f"x{at}" for at in range(count)])
    return cr.graph([cr.sin(x) for x in xs])


@pytest.mark.parametrize("count", range(2, 2 * WIDTH + 1))
def test_lanes_that_are_left_over(count):
    values = [np.float64(x) for x in (0.5, -0.0, 1e9, np.nan, 2.0, -np.inf, 3e7, 1.0) * 2][:count]
    dag = sines(count).dag
    check(dag, WIDTH)
    assert results(dag, values, WIDTH) == results(dag, values, 1)
    wanted = np.concatenate([[np.sin(x)] for x in values[:1]])
    np.testing.assert_allclose(np.frombuffer(results(dag, values, WIDTH)[0]), wanted, rtol=1e-15)


def test_lanes_that_are_left_over_take_no_other_way():
    # The last number is in them: the C library is called only where one of ours is large.
    text = text_of(Planned(sines(2).dag, lanes=WIDTH)).modules[0].text
    (given,) = re.findall(r"call .*@pack\.f64\.w\d+\((.*)\)", text)
    first, *others = given.split(", ")
    assert len(others) == WIDTH - 1
    assert first not in others
    assert len(set(others)) == 1


def test_numbers_of_both_types_have_vectors_of_their_own():
    inputs = [input_node(f"x{at}", SINGLE if at < 3 else DOUBLE) for at in range(6)]
    dag = Dag([make(OPS["exp"], (x,)) for x in inputs], inputs)
    check(dag, 8)
    assert len(Planned(dag, lanes=8).numbers.boxes[0].groups) == 2
    values = values_of(dag, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    found = results(dag, values, WIDTH)
    for value, result in zip(values, found, strict=True):
        np.testing.assert_allclose(np.frombuffer(result, value.dtype), np.exp(value), rtol=3e-7)


def test_what_scipy_computes_and_what_is_cheap_stays_alone():
    text = " + ".join(f"erfinv(x/{at + 2})*sqrt(y + {at}) + {at}/y" for at in range(8))
    assert not Planned(cr.parse(text).dag, lanes=8).numbers.boxes[0].groups


def test_a_step_that_reads_another_one_is_not_beside_it():
    chain = cr.parse("sin(sin(sin(sin(x))))")
    planned = Planned(chain.dag, lanes=8)
    assert not planned.numbers.boxes[0].groups
    assert planned.plan == Planned(chain.dag).plan


def chains(count: int, length: int) -> cr.Graph:
    """Long chains, each with an eye on its neighbour."""
    xs = list(cr.inputs([f"x{at}" for at in range(count)]))
    for at in range(length):
        xs = [cr.sin(x) + y / (at + 2) for x, y in zip(xs, [*xs[1:], xs[0]], strict=True)]
    return cr.graph(xs)


def test_memory_of_vectors_is_used_again():
    planned = Planned(chains(8, 60).dag, lanes=WIDTH)
    check(planned.dag, WIDTH)
    assert len(cut(planned.numbers.boxes[0])) > 8
    longer = text_of(Planned(chains(8, 600).dag, lanes=WIDTH))
    assert longer.scratch <= text_of(planned).scratch + 8 * WIDTH


def test_values_wait_for_a_bounded_time():
    # Each sine could be computed at once, and all be kept until they are added up at last.
    x, *ys = cr.inputs([f"x{at}" for at in range(3000)])
    for y in ys:
        x = x * cr.exp(y)
    alone, beside = (text_of(Planned(cr.graph(x).dag, lanes=n)).scratch for n in (1, WIDTH))
    assert beside - alone < 8 * 1000


def test_long_graphs_at_every_level():
    graph = chains(6, 100).dag
    dag = gradient(graph, graph.outputs[0], graph.inputs)
    dag = Dag([*graph.outputs, *dag.outputs], graph.inputs)
    values = [np.float64(at / 7) for at in range(6)]
    wanted = results(dag, values, 1)
    assert len(cut(Planned(dag, lanes=1).numbers.boxes[0])) > TOGETHER
    for level in (BASELINE, OPTIMISED):
        assert results(dag, values, WIDTH, level) == wanted


FORMULA = "a = sin(x)*exp(y) + sin(y)*exp(x); f = sin(x*y)*a"


def test_points_give_the_same_bits():
    fast = cr.parse(FORMULA).compile(gradient=True).wait()
    points = np.linspace(-1, 1, 37)
    value, slopes = fast(points, 0.7)
    for at, point in enumerate(points):
        assert fast(point, 0.7) == (value[at], tuple(slope[at] for slope in slopes))


def test_the_listing_shows_what_is_side_by_side():
    fast = cr.parse(FORMULA).compile()
    kernels = fast.ir()
    for block in re.findall(r"  side by side:\n((?:    t.*\n)+)", kernels):
        names = re.findall(r"    t\d+ = (\w+)\(", block)
        assert len(names) > 1
        assert len(set(names)) == 1
    assert "  side by side:\n    t" in kernels
    assert "; v3: sin(x), characters 5–10\n" in kernels
    text = fast.ir("llvm")
    assert re.search(r"  ; side by side: v2, v3(, v6)?\n  %\w+ = call .*@pack\.", text)
    assert re.search(r"  ; kept: v2, v3", text)


def test_after_the_passes_no_value_has_the_name_of_another():
    listing = cr.parse(FORMULA).compile().ir("optimised")
    body = listing[listing.index("; kernel 0") :]
    said = [line.rpartition("  ; ")[2] for line in body.split("\n") if "  ; " in line]
    assert len(said) == len(set(said))
    (line,) = [line for line in body.split("\n") if line.endswith("characters 42–47")] or [""]
    assert not line or "fmul" in line or "load" in line


def test_a_profiling_build():
    graph = chains(6, 20)
    fast = graph.compile(profile=True).wait()
    values = [at / 7 for at in range(6)]
    assert fast(*values) == graph.compile().wait()(*values)
    rows = list(fast.profile())
    assert len(rows) > 1
    assert {row.calls for row in rows} == {1}
    nodes = [name for row in rows for name in row.nodes]
    assert len(nodes) == len(set(nodes))
    points = np.linspace(0, 1, 33)
    assert fast(points, *values[1:])[0][5] == fast(points[5], *values[1:])[0]
