"""Exercises are solved to their ends: those of the text by hand, others with Python's numbers."""

from __future__ import annotations

import math
from typing import Any, Final

import pytest

from chainrule.exchange.javascript.module import module
from chainrule.formula.reader import read
from chainrule.page.asking import exercise_for
from chainrule.page.content import Asked, content
from chainrule.page.exercises import EASIEST, EXERCISES, HARDEST, exercise
from chainrule.run.interpret import Sweep
from tests.page.engine import ran

_SOLVE = """
const found = [];
for (const { content, text, answers } of given) {
  const numbers = new m.Numbers(content, await program(text));
  const state = { ...m.firstState(), output: content.output, practice: "on" };
  const store = { state, change(patch) { this.state = { ...this.state, ...patch }; } };
  const practice = new m.Practice({ content, numbers, store });
  const asked = [];
  while (practice.current && asked.length < 500) {
    const question = practice.current;
    const answer = answers[question.key];
    const verdict = practice.answer(question, String(answer ?? ""));
    asked.push([question.key, verdict.is]);
    if (verdict.is !== "right") break;
  }
  const left = practice.questions.filter(({ key }) => !practice.isClosed(key)).length;
  found.push({ asked, left });
}
return found;
"""

_EXPORTS: Final = "Numbers, Practice, firstState"


def _content(name: str) -> dict[str, Any]:
    return exercise_for({"name": name, "seed": 0, "difficulty": 1, "options": {}})


BY_HAND: Final[dict[str, dict[str, str]]] = {
    # f = (x - 1)(x + 1) at x = 3: slots x, 1, v1 = 2, v2 = 4, f = 8
    "difference-of-squares": {
        "value-2": "2",
        "value-3": "4",
        "value-4": "8",
        "local-0": "1",
        "local-1": "1",
        "local-2": "4",
        "local-3": "2",
        "adjoint-4": "1",
        "adjoint-3": "2",
        "adjoint-2": "4",
        "adjoint-0": "6",
    },
    # f = x·x at x = 3
    "used-twice": {
        "value-1": "9",
        "local-0": "3",
        "local-1": "3",
        "adjoint-1": "1",
        "adjoint-0": "6",
    },
    # f = (x + y)·z at 1, 2, 4
    "three-variables": {
        "value-3": "3",
        "value-4": "12",
        "local-0": "1",
        "local-1": "1",
        "local-2": "4",
        "local-3": "3",
        "adjoint-4": "1",
        "adjoint-3": "4",
        "adjoint-2": "3",
        "adjoint-1": "4",
        "adjoint-0": "4",
    },
    # y = relu(w·x + b) at 2, 1.5, -1: w·x = 3, and 2 is above 0
    "neural-layer": {
        "value-3": "3",
        "value-4": "2",
        "value-5": "2",
        "local-0": "1.5",
        "local-1": "2",
        "local-2": "1",
        "local-3": "1",
        "local-4": "1",
        "adjoint-5": "1",
        "adjoint-4": "1",
        "adjoint-3": "1",
        "adjoint-2": "1",
        "adjoint-1": "2",
        "adjoint-0": "1.5",
    },
    # f = exp(x·y) + sin(x) - y, with the table of the text: multiply needs its operands, exp its
    # output, sin its operand; sums and differences need nothing
    "memory": {
        "saved-2": "operands",
        "saved-3": "output",
        "saved-4": "operands",
        "saved-5": "nothing",
        "saved-6": "nothing",
        "formula-0": "y",
        "formula-1": "x",
        "formula-2": "exp(x*y)",
        "formula-3": "cos(x)",
        "formula-4": "1",
        "formula-5": "1",
        "formula-6": "1",
        "formula-7": "-1",
    },
}
"""What section 2.4 of the text and its tables give, worked out by hand."""


def test_exercises_of_the_text_are_solved_with_numbers_by_hand() -> None:
    given = []
    for name, answers in BY_HAND.items():
        found = _content(name)
        given.append({"content": found, "text": found.pop("program"), "answers": answers})
    for name, found in zip(BY_HAND, ran("main.js", _EXPORTS, _SOLVE, given), strict=True):
        assert {verdict for _, verdict in found["asked"]} == {"right"}, (name, found)
        assert found["left"] == 0, (name, found)
        assert {key for key, _ in found["asked"]} == BY_HAND[name].keys(), name


def test_the_worked_example_of_the_text() -> None:
    """(x + y)·x at (3, 2): a = 5, f = 15, and 8 and 3 come back."""
    dag = read("a = x + y; f = a*x")
    answers = {
        "value-2": "5",
        "value-3": "15",
        "local-0": "1",
        "local-1": "1",
        "local-2": "3",
        "local-3": "5",
        "adjoint-3": "1",
        "adjoint-2": "3",
        "adjoint-1": "3",
        "adjoint-0": "3 + 5",
    }
    shown = content(dag, Asked({"x": 3, "y": 2}))
    task = [{"content": shown, "text": module(dag), "answers": answers}]
    (found,) = ran("main.js", _EXPORTS, _SOLVE, task)
    assert [verdict for _, verdict in found["asked"]] == ["right"] * 10
    assert found["left"] == 0


def _answers(formula: str, values: dict[str, float]) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a formula and Python's answers to everything, rounded to nine digits."""
    dag = read(formula)
    point = {node: node.type.dtype.type(values[node.name]) for node in dag.inputs}
    sweep = Sweep(dag, point)
    adjoints = sweep.reverse(dag.output)
    shown = content(dag, Asked(values, drawings=(), derivations=False))
    answers: dict[str, str] = {}
    for slot, node in enumerate(dag.order):
        answers[f"value-{slot}"] = f"{float(sweep.values[node]):.9g}"
        answers[f"adjoint-{slot}"] = f"{float(adjoints.get(node, 0.0)):.9g}"
    for edge in shown["edges"]:
        if edge["slot"] is not None:
            user = dag.order[edge["user"]]
            slope = sweep.local_derivative(user, edge["position"])
            answers[f"local-{edge['slot']}"] = f"{float(slope):.9g}"
            answers[f"formula-{edge['slot']}"] = edge["local"]["text"]
    return {**shown, "exercise": {"name": "", "task": "", "asks": []}, "text": module(dag)}, answers


@pytest.mark.parametrize("difficulty", range(EASIEST, HARDEST + 1))
def test_exercises_of_seeds_are_solved_with_numbers_of_python(difficulty: int) -> None:
    given = []
    for seed in range(50):
        one = exercise(seed, difficulty)
        shown, answers = _answers(one.formula, dict(one.values))
        text = shown.pop("text")
        shown["exercise"] = {"name": one.name, "task": one.task, "asks": list(one.asks)}
        given.append({"content": shown, "text": text, "answers": answers})
    found = ran("main.js", _EXPORTS, _SOLVE, given)
    assert len(found) == 50
    for seed, one in enumerate(found):
        assert one["asked"], seed
        assert {verdict for _, verdict in one["asked"]} == {"right"}, (seed, one["asked"][-1])
        assert one["left"] == 0


def test_new_values_are_pleasant_and_always_the_same() -> None:
    dag = read("a = ln(x) + sqrt(y); f = a/(x - y)")
    body = """
    const page = given.content;
    const p = await program(given.text);
    const drawn = given.seeds.map((seed) => m.drawnValues(page, p, page.output, seed));
    return drawn.map((values) => [...values]);
    """
    task = {"content": content(dag, Asked({})), "text": module(dag), "seeds": [1, 2, 3, 1]}
    found = ran("main.js", "drawnValues", body, task)
    assert found[0] == found[3]
    for pairs in found:
        values = dict(pairs)
        sweep = Sweep(dag, {node: float(values[node.name]) for node in dag.inputs})
        numbers = [*sweep.values.values(), *sweep.reverse(dag.output).values()]
        assert all(math.isfinite(number) and abs(number) <= 200 for number in numbers)


def test_the_menu_has_the_exercises_of_python() -> None:
    names = ran("main.js", "EXERCISE_NAMES", "return m.EXERCISE_NAMES.map(([name]) => name);", None)
    assert names == list(EXERCISES)
