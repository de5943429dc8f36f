"""What is computed in one loop, what goes through memory, and where that lies: as data."""

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.compiling import Planned
from chainrule.run.native.plan.kernels import Foreign, Home
from chainrule.run.native.plan.nest import TooLongError

X = np.linspace(0.0, 1.0, 10)


def planned(function, *arguments, gradient=None, **options):
    graph = cr.trace(function)(*arguments)
    if gradient:
        graph = graph.gradient() if gradient is True else graph.gradient(gradient)
    return Planned(graph.dag, **options)


def ops(kernel):
    """The operations of a kernel in order, without reads and constants, box by box."""
    return [
        [step.node.op.name for step in box.steps if step.place is None and step.operands]
        for box in kernel.boxes
    ]


def ranges(kernel):
    return [box.ranges for box in kernel.boxes]


def reads(box, home=Home.INPUT):
    """(offset, strides) of what a box reads."""
    places = [step.place for step in box.steps if step.place is not None]
    return {(place.offset, place.strides) for place in places if place.buffer.home is home}


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def logistic(w, b, p, q, y):
    return np.sum(np.log(1 + np.exp(-y * (w[0] * p + w[1] * q + b))))


# --- loops ----------------------------------------------------------------------------------------


def test_rosenbrock_with_its_gradient_is_one_loop_of_three_boxes():
    plan = planned(rosenbrock, X, gradient=True).plan
    (kernel,) = plan.kernels
    assert ranges(kernel) == [((0, 1),), ((1, 9),), ((9, 10),)]
    first, inner, last = kernel.boxes
    assert reads(first) == {(0, (1,)), (1, (1,))}
    assert reads(inner) == {(-1, (1,)), (0, (1,)), (1, (1,))}
    assert reads(last) == {(-1, (1,)), (0, (1,))}
    assert [len(box.sums) for box in kernel.boxes] == [1, 1, 0]
    assert [len(box.stores) for box in kernel.boxes] == [1, 1, 1]
    assert not plan.scratch


def test_a_logistic_loss_and_its_gradient_are_one_loop():
    plan = planned(logistic, np.ones(2), 0.5, X, X, X, gradient="w").plan
    loop, rest = plan.kernels
    assert loop.sizes == (10,)
    assert (len(loop.totals), loop.reduced) == (3, 1)
    (body,) = ops(loop)
    assert [body.count(name) for name in ("exp", "log", "divide")] == [1, 1, 1]
    assert rest.sizes == ()  # two numbers, joined


def test_softmax_keeps_its_exponentials():
    plan = planned(lambda x: cr.softmax(x, axis=1), np.ones((4, 10))).plan
    largest, exponentials, total, quotient = plan.kernels
    assert isinstance(largest, Foreign)
    assert largest.node.op.name == "reduce_max"
    assert [ops(kernel) for kernel in (exponentials, quotient)] == [
        [["subtract", "exp"]],
        [["divide"]],
    ]
    assert total.reduced == 1
    assert [type.shape for type in plan.scratch] == [(4, 10), (4,)]


def test_what_is_cheap_is_computed_again():
    plan = planned(lambda x: (x[1:] * 2 + 1) * (x[:-1] * 2 + 1), X).plan
    (kernel,) = plan.kernels
    assert not plan.scratch
    assert ops(kernel) == [["add", "add", "add", "add", "multiply"]]


def test_what_is_expensive_is_kept():
    plan = planned(lambda x: np.exp(np.sin(x))[1:] * np.exp(np.sin(x))[:-1], X).plan
    made, used = plan.kernels
    assert ops(made) == [["sin", "exp"]]
    assert ops(used) == [["multiply"]]


def test_what_would_be_computed_for_each_row_is_kept():
    columns, rows = np.ones(30), np.ones(20)
    plan = planned(lambda x, y: np.exp(x) * np.exp(y)[:, None], columns, rows).plan
    made, used = plan.kernels
    assert (made.sizes, ops(made)) == ((30,), [["exp"]])
    assert (used.sizes, ops(used)) == ((20, 30), [["exp", "multiply"]])
    assert [type.shape for type in plan.scratch] == [(30,)]
    few = planned(lambda x, y: (x + 1) * y[:, None], columns, rows[:3]).plan
    assert len(few.kernels) == 1
    a_part = planned(lambda x, y: (x + 1)[:3] * y[:, None], np.ones(1000), rows).plan
    assert len(a_part.kernels) == 1


def test_uniform_values_stand_before_the_loop():
    (kernel,) = planned(lambda x, a: x * np.exp(a) + np.sin(a), X, 0.5).plan.kernels
    assert [s.node.op.name for s in kernel.uniform] == ["input", "exp", "sin"]
    assert ops(kernel) == [["multiply", "add"]]


def test_one_dimensional_loops_of_almost_one_size_are_one():
    (kernel,) = planned(lambda x: (x * 2, x[1:] * 3, x[:-2] + 1), X).plan.kernels
    assert ranges(kernel) == [((0, 8),), ((8, 9),), ((9, 10),)]
    assert [len(box.stores) for box in kernel.boxes] == [3, 2, 1]


def test_levels():
    """A sum is there for the loops after its own; one that needs only elements shares it."""
    plan = planned(lambda x: (x / np.sum(x), np.sum(x * x), x * 3), X).plan
    first, second = plan.kernels
    assert len(first.totals) == 2
    assert [node.op.name for node in first.writes if node.op.name != "sum"] == ["multiply"]
    assert ops(second) == [["divide"]]


def test_views_are_never_computed():
    def function(x):
        y = np.concatenate([x[::-1], x[2:5]])
        return np.stack([y, y * 2]).T[3:, ::-1]

    plan = planned(function, X).plan
    names = {step.node.op.name for k in plan.kernels for box in k.boxes for step in box.steps}
    assert names <= {"input", "add", "multiply", "constant"}
    assert not plan.scratch


def test_reads_of_axes_of_one_element():
    """A joined number is read at its own place, wherever on the axis of the loop that is."""
    (kernel,) = planned(
        lambda x: np.concatenate([x, x, x]) * np.arange(3.0), np.ones(1)
    ).plan.kernels
    inputs = {s.place for s in kernel.uniform if s.place is not None}
    assert {(place.offset, place.strides) for place in inputs} == {(0, (0,))}


@pytest.mark.parametrize("kept", [True, False])
def test_a_reshape_that_moves_elements_between_axes_reads_memory(kept):
    def function(x):
        y = np.reshape(np.sin(x), (2, 5))
        return (y, y.T * 2) if kept else y.T * 2

    plan = planned(function, X).plan
    assert plan.kernels[0].sizes == (10,)
    assert all(kernel.sizes in ((2, 5), (5, 2)) for kernel in plan.kernels[1:])
    last = plan.kernels[-1].boxes[0]
    assert {strides for _, strides in reads(last, Home.SCRATCH)} <= {(1, 5), (5, 1)}


def test_numbers_are_one_kernel_in_the_order_of_the_graph():
    plan = Planned(cr.parse("a = x*y; b = sin(a); a + b").dag).plan
    (kernel,) = plan.kernels
    assert (kernel.sizes, kernel.reduced, kernel.uniform) == ((), 0, ())
    assert [s.node.op.name for s in kernel.boxes[0].steps] == [
        "input", "input", "multiply", "sin", "add",
    ]  # fmt: skip


def test_results_of_numpy_are_entries_of_the_table():
    plan = planned(lambda x: np.cumsum(np.sin(x)) @ np.ones((10, 3)) + 1, X).plan
    kinds = [type(kernel).__name__ for kernel in plan.kernels]
    assert kinds == ["Kernel", "Foreign", "Foreign", "Kernel"]
    assert plan.made == 2
    assert [node.type.shape for node in plan.constants] == [(10, 3)]


def test_arrays_without_elements():
    plan = planned(
        lambda x: (x * 2, np.sum(x), np.sum(x[:, None] * np.ones(3), axis=0)), X[:0]
    ).plan
    assert not any(kernel.boxes for kernel in plan.kernels)


def test_outputs_that_are_arguments_constants_and_one_another():
    def function(x):
        y = x * 2
        return x, y, y, np.arange(10.0), x[:1]

    plan = planned(function, X).plan
    stores = [s.place.buffer.number for k in plan.kernels for box in k.boxes for s in box.stores]
    assert sorted(set(stores)) == [0, 1, 2, 3, 4]


# --- many boxes -----------------------------------------------------------------------------------


def rolled(n):
    """Each turned by as many elements as it has before it, one after the other."""
    return lambda x: sum(np.roll(x, k) * (k + 1.0) for k in range(n))


def test_many_boxes_are_several_kernels():
    plan = planned(rolled(24), np.ones(40)).plan
    assert len(plan.kernels) > 2
    assert [low for k in plan.kernels for ((low, _),) in ranges(k)] == list(range(24))
    assert [kernel.continues for kernel in plan.kernels] == [
        False,
        *[True] * (len(plan.kernels) - 1),
    ]


def test_pieces_have_the_uniform_values_that_they_need():
    def function(x, y):
        return sum(np.roll(x, k) * np.sin(y[k]) for k in range(1, 25))

    plan = planned(function, np.ones(40), np.ones(40)).plan
    loops = [kernel for kernel in plan.kernels if kernel.sizes]
    assert len(loops) > 2
    for kernel in loops:
        used = {x for box in kernel.boxes for step in box.steps for x in step.operands}
        used |= {x for step in kernel.uniform for x in step.operands}
        assert set(range(len(kernel.uniform))) <= used


def test_sums_of_pieces_are_added_up():
    fast = cr.trace(lambda x: np.sum(rolled(24)(x) ** 2))(np.ones(40)).compile(budget=60)
    x = np.arange(40) / 16
    assert fast(x) == np.sum(rolled(24)(x) ** 2)
    assert len([k for k in fast._machine.planned.plan.kernels if k.continues]) >= 1


def test_far_too_many_boxes_are_refused():
    with pytest.raises(TooLongError):
        planned(rolled(500), np.ones(500))


# --- memory ---------------------------------------------------------------------------------------


def test_scratch_memory_is_used_again():
    def function(x):
        for factor in range(2, 8):
            x = np.cumsum(x * factor)
        return x

    found = planned(function, X)
    assert len(found.plan.scratch) == 6
    assert set(found.layout.offsets) == {0}
    assert found.layout.size == 128


def test_arrays_that_are_needed_at_once_lie_apart():
    def function(x):
        y, z = np.sin(x), np.cos(x)
        return np.cumsum(y) + np.cumsum(z) + y[::-1] * z[::-1]

    found = planned(function, X)
    spans = sorted(
        (offset, offset + type.dtype.itemsize * int(np.prod(type.shape)))
        for offset, type in zip(found.layout.offsets, found.plan.scratch, strict=True)
    )
    assert all(offset % 64 == 0 for offset, _ in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert found.layout.size >= spans[-1][1]


# --- what cannot be a view ------------------------------------------------------------------------


def test_an_embedding_with_gaps_is_left_to_numpy():
    x = input_node("x", Type.of("float64", (4,)))
    for step, names in ((1, []), (2, ["embed"])):
        node = make(OPS["embed"], (x,), ((9,), (0,), (step,)))
        plan = Planned(Dag([make(OPS["sin"], (node,))], [x])).plan
        assert [k.node.op.name for k in plan.kernels if isinstance(k, Foreign)] == names


def test_an_embedded_condition_is_false_outside():
    x = input_node("x", Type.of("bool", (2,)))
    node = make(OPS["embed"], (x,), ((4,), (1,), (1,)))
    (kernel,) = Planned(Dag([node], [x])).plan.kernels
    assert ranges(kernel) == [((0, 1),), ((1, 3),), ((3, 4),)]


# --- listings -------------------------------------------------------------------------------------


def test_the_listing_of_a_sum():
    text = cr.trace(lambda x, y: np.sum(x[1:] * y))(X, X[1:]).compile(budget=0).ir()
    assert text.startswith("kernel 0 over i < 9: f\n")
    assert "input0[i + 1]" in text
    assert "s0 += t" in text
    assert "output0 = s0" in text


def test_the_listing_of_work_by_numpy():
    text = cr.trace(lambda x: np.cumsum(x) * 2)(X).compile(budget=0).ir()
    assert "numpy 0: v1 = cumsum(input0)" in text


def test_constants_fill_arrays_without_memory():
    full = constant_node(2.0, Type.of("float64", (1000,)))
    plan = Planned(Dag([full], [])).plan
    assert not plan.constants
    assert not plan.scratch
