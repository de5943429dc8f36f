"""A program gives what a sweep gives, for graphs of every length, and holds no value too long."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.run import program as module
from chainrule.run.interpret import Sweep
from chainrule.run.program import Program

UNARY = (cr.sin, cr.cos, cr.tanh, cr.negate, cr.sigmoid, cr.atan)
BINARY = (cr.add, cr.multiply, cr.subtract, cr.minimum, cr.maximum)


def random_dag(seed, length, outputs=3):
    """A graph of so many operations on two inputs and some constants."""
    random = np.random.default_rng(seed)
    values = [*cr.inputs("x y"), cr.constant(0.7), cr.constant(-1.2)]
    for _ in range(length):
        recent = values[-40:]
        first, second = (recent[at] for at in random.integers(0, len(recent), 2))
        if random.random() < 0.4:
            values.append(UNARY[random.integers(len(UNARY))](first))
        else:
            if not {first.node, second.node} - {value.node for value in values[2:4]}:
                first = values[0]
            values.append(BINARY[random.integers(len(BINARY))](first, second))
    chosen = [values[at] for at in random.integers(0, len(values), outputs - 1)]
    inputs = [value.node for value in values[:2]]
    return Dag([*(value.node for value in chosen), values[-1].node], inputs)


def same_as_a_sweep(dag, *numbers):
    arguments = [np.float64(number) for number in numbers]
    sweep = Sweep(dag, dict(zip(dag.inputs, arguments, strict=True)))
    got = Program(dag)(*arguments)
    assert isinstance(got, tuple)
    assert [float(x) for x in got] == [float(sweep.values[node]) for node in dag.outputs]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 10, 100, 1000, 5000])
def test_programs_of_every_length(length):
    for seed in range(3):
        same_as_a_sweep(random_dag(seed, length), 0.3, -0.8)


@pytest.mark.parametrize("longest", [1, 2, 3, 7, 50])
def test_programs_in_many_parts(monkeypatch, longest):
    monkeypatch.setattr(module, "_LONGEST", longest)
    for seed in range(10):
        same_as_a_sweep(random_dag(seed, 60, outputs=5), 0.3, -0.8)


def test_outputs_that_are_inputs_constants_or_twice_the_same(monkeypatch):
    x, y = cr.inputs("x y")
    three = cr.constant(3.0)
    outputs = [value.node for value in (x, three, x * y, x * y, y, three)]
    for longest in (1, 2000):
        monkeypatch.setattr(module, "_LONGEST", longest)
        same_as_a_sweep(Dag(outputs, [x.node, y.node]), 2.0, 5.0)
        same_as_a_sweep(Dag([three.node], [x.node]), 2.0)
        same_as_a_sweep(Dag([x.node], [y.node, x.node]), 2.0, 5.0)


class Watched(np.ndarray):
    """An array whose copies made by operations are counted while they live."""

    living: int = 0
    most: int = 0

    def __array_finalize__(self, other):
        cls = type(self)
        cls.living += 1
        cls.most = max(cls.most, cls.living)
        weakref.finalize(self, cls.gone)

    @classmethod
    def gone(cls):
        cls.living -= 1


@pytest.mark.parametrize("longest", [1, 5, 2000])
def test_values_are_forgotten_after_their_last_use(monkeypatch, longest):
    monkeypatch.setattr(module, "_LONGEST", longest)
    x = cr.input("x", 10)
    value = x
    for _ in range(100):
        value = cr.sin(value)
    program = Program(Dag([value.node], [x.node]))
    argument = np.ones(10).view(Watched)
    gc.collect()
    Watched.most = before = Watched.living
    program(argument)
    assert Watched.most <= before + 3


def test_threads_run_the_same_program():
    dag = random_dag(1, 3000)
    program = Program(dag)
    points = [(np.float64(at / 7), np.float64(-at / 3)) for at in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda point: program(*point), points))
    assert found == [program(*point) for point in points]


def test_no_warnings_for_infinite_values():
    x = cr.input("x")
    assert Program(Dag([cr.log(x).node], [x.node]))(np.float64(0)) == (-np.inf,)


def test_one_condition_for_all_elements_and_one_number_against_many():
    """The copies along axes are not made, and the result has its shape all the same."""
    x, c = cr.input("x", (3,)), cr.input("c", (), "bool")
    chosen = cr.where(c, 2.0, cr.exp(x))
    graph = cr.graph(np.sum(chosen.reshape(3, 1) * np.ones((3, 2)), axis=1), [c, x])
    for condition, wanted in ((True, [4.0, 4.0, 4.0]), (False, [2.0, 2.0, 2.0])):
        found = Program(graph.dag)(np.bool_(condition), np.zeros(3))
        np.testing.assert_array_equal(found[0], wanted)
