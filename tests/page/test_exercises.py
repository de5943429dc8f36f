"""Exercises: those of the lecture with its figures, others by seed."""

import math

import pytest

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.page.exercises import EXERCISES, HARDEST, exercise

# Worked by hand: value, then the derivatives.
ANSWERS = {
    "difference-of-squares": (8, {"x": 6}),  # x² − 1 and 2x at 3
    "used-twice": (9, {"x": 6}),
    "three-variables": (12, {"x": 4, "y": 4, "z": 3}),
    "neural-layer": (2, {"w": 1.5, "x": 2, "b": 1}),
    "memory": (
        math.exp(0.5) + math.sin(1) - 0.5,
        {"x": 0.5 * math.exp(0.5) + math.cos(1), "y": math.exp(0.5) - 1},
    ),
}


@pytest.mark.parametrize("name", EXERCISES)
def test_the_exercises_of_the_lecture(name):
    one = EXERCISES[name]
    record = cr.parse(one.formula, parameters=one.parameters).at(**one.values)
    value, derivatives = ANSWERS[name]
    assert record.value == pytest.approx(value, rel=1e-15)
    assert record.gradient == pytest.approx(derivatives, rel=1e-15)


def test_there_are_answers_to_all_of_them():
    assert set(ANSWERS) == set(EXERCISES)


@pytest.mark.parametrize("difficulty", range(1, HARDEST + 1))
def test_generated_exercises_can_be_done_by_hand(difficulty):
    seen = set()
    for seed in range(60):
        one = exercise(seed, difficulty)
        seen.add(one.formula)
        graph = cr.parse(one.formula)  # warnings, of what is not used, are errors here
        record = graph.at(**one.values)
        assert set(one.values) == set(graph.arguments)
        numbers = [record.value, *record.gradient.values()]
        assert all(math.isfinite(number) and abs(number) <= 200 for number in numbers)
        assert any(record.gradient.values())
        assert len(graph.dag.computations) <= 20
    assert len(seen) > 30


def test_the_same_seed_gives_the_same_exercise():
    # Written down once: the numbers of `random` are the same in all versions of Python.
    assert exercise(0, 2).formula == "f(x, y) = x*y - (x + 3)*y"
    assert exercise(0, 2).values == {"x": 2.0, "y": 3.0}
    assert exercise(1, 2) != exercise(0, 2)


@pytest.mark.parametrize("difficulty", [0, 6, -1])
def test_other_difficulties_are_refused(difficulty):
    with pytest.raises(GraphError, match="E226"):
        exercise(1, difficulty)
