"""Exercises: a formula, a point, and what the reader is to fill in.

Those with a name are the exercises of a lecture on computation graphs (numerical analysis, section
2.4: the figures are its own, the words are ours); all others are made from a seed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, Literal, NamedTuple

from chainrule.errors import GraphError, listed
from chainrule.formula.reader import read
from chainrule.graph.dag import Dag
from chainrule.run.interpret import Sweep

Ask = Literal["value", "local", "adjoint", "formula", "saved"]
"""What is filled in: values of nodes, local derivatives of edges as numbers, adjoints, local
derivatives as formulas, or what the backward pass needs of each operation.
"""

EASIEST: Final = 1
HARDEST: Final = 5


class Exercise(NamedTuple):
    """Something to work out.

    Attributes:
        name: How it is asked for.
        task: What is to be done, in a sentence or two.
        formula: As text.
        values: The point, by name.
        asks: What is filled in, in this order.
        parameters: Which names are learnable.
    """

    name: str
    task: str
    formula: str
    values: Mapping[str, float]
    asks: tuple[Ask, ...]
    parameters: str = ""


EXERCISES: Final[dict[str, Exercise]] = {
    exercise.name: exercise
    for exercise in (
        Exercise(
            "difference-of-squares",
            "Follow the values forward, then the adjoints back to x. Multiplied out, the formula "
            "is x² − 1: does the adjoint of x agree with its derivative?",
            "f(x) = (x - 1)*(x + 1)",
            {"x": 3},
            ("value", "local", "adjoint"),
        ),
        Exercise(
            "used-twice",
            "x is both operands of one product. Fill in what flows back along each of the two "
            "edges, and see why the adjoint of x is 2x, and not x.",
            "f(x) = x*x",
            {"x": 3},
            ("value", "local", "adjoint"),
        ),
        Exercise(
            "three-variables",
            "One backward pass gives all three derivatives.",
            "f(x, y, z) = (x + y)*z",
            {"x": 1, "y": 2, "z": 4},
            ("value", "local", "adjoint"),
        ),
        Exercise(
            "neural-layer",
            "A layer of one neuron: relu passes what is above 0, and its derivative is 1 there.",
            "y(w, x, b) = relu(w*x + b)",
            {"w": 2, "x": 1.5, "b": -1},
            ("value", "local", "adjoint"),
            "w b",
        ),
        Exercise(
            "memory",
            "Which operations have to keep their operands for the backward pass, which of them can "
            "do with their output, and which need nothing?",
            "f(x, y) = exp(x*y) + sin(x) - y",
            {"x": 1, "y": 0.5},
            ("saved", "formula"),
        ),
    )
}
"""By name."""

_WORD: Final = re.compile("[a-z]+")
_NAMES: Final = "xyz"
_FUNCTIONS: Final = ("sin({})", "cos({})", "exp({})", "sqrt({})", "ln({})")
_LATER: Final = (*_FUNCTIONS, "tanh({})", "sigmoid({})", "relu({})")
_WHOLE: Final = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_HALVES: Final = (-1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
_LARGEST: Final = 200.0
"""Numbers beyond this are no fun by hand."""
_TRIES: Final = 200
_ASKS: Final[Mapping[int, tuple[Ask, ...]]] = {
    1: ("value",),
    2: ("value", "local"),
    3: ("value", "local", "adjoint"),
    4: ("value", "local", "adjoint"),
    5: ("value", "formula", "adjoint"),
}


def exercise(seed: int, difficulty: int = 2) -> Exercise:
    """An exercise that is the same for the same seed and difficulty.

    >>> exercise(7, 1) == exercise(7, 1)
    True

    Args:
        seed: Any whole number.
        difficulty: From 1, sums and products of one or two numbers, to 5, shared intermediate
            results and functions of three.

    Raises:
        GraphError: E226 for another difficulty.
    """
    if not EASIEST <= difficulty <= HARDEST:
        raise GraphError(
            "E226", f"the difficulty goes from {EASIEST} to {HARDEST}, got {difficulty}"
        )
    # Only `random` gives the same numbers in every version of Python.
    random = Random(f"chainrule {seed} {difficulty}")
    for _ in range(_TRIES):
        formula, names = _formula(random, difficulty)
        values = {name: _value(random, difficulty) for name in names}
        if _is_pleasant(formula, values):
            break
    task = f"Difficulty {difficulty}, number {seed}. Fill in what is asked for, step by step."
    return Exercise(f"{seed}-{difficulty}", task, formula, values, _ASKS[difficulty])


def found(which: int | str, difficulty: int = 2) -> Exercise:
    """The exercise with a name, or the one that is made of a seed.

    Raises:
        GraphError: E226 for an unknown name or another difficulty.
    """
    if isinstance(which, int):
        return exercise(which, difficulty)
    if which not in EXERCISES:
        raise GraphError("E226", f"there is no exercise {which!r}; choose {listed(EXERCISES)}")
    return EXERCISES[which]


def graph_of(one: Exercise) -> Dag:
    """The graph of an exercise."""
    return read(one.formula, parameters=one.parameters)


def _formula(random: Random, difficulty: int) -> tuple[str, str]:
    """A formula and the names of its arguments."""
    names = _NAMES[: 1 + _below(random, 1 + min(difficulty, 2))]
    statements = []
    known = list(names)
    for letter in "ab"[: max(0, difficulty - 3)]:
        statements.append(f"{letter} = {_sum(random, difficulty, known)}")
        known.append(letter)
    last = _sum(random, difficulty, known)
    used = set(_WORD.findall(" ".join([*(part.partition("=")[2] for part in statements), last])))
    for name in known:  # everything has its part
        if name not in used:
            last = f"({last})*{name}"
    return "; ".join([*statements, f"f({', '.join(names)}) = {last}"]), names


def _sum(random: Random, difficulty: int, known: list[str]) -> str:
    """Two terms, added or subtracted."""
    sign = _one(random, "+-")
    return f"{_term(random, difficulty, known)} {sign} {_term(random, difficulty, known)}"


def _term(random: Random, difficulty: int, known: list[str]) -> str:
    name = _one(random, known)
    forms = [f"{2 + _below(random, 4)}*{name}", f"{name}^2", f"{name}*{_one(random, known)}"]
    if difficulty >= 2:
        other = f"({name} {_one(random, '+-')} {1 + _below(random, 3)})"
        forms += [f"{other}*{_one(random, known)}", f"{other}^2"]
    if difficulty >= 3:
        functions = _FUNCTIONS if difficulty == 3 else _LATER
        inner = _one(random, [name, f"{name}^2", f"{name}*{_one(random, known)}"])
        forms += [_one(random, functions).format(inner)] * 3
    return _one(random, forms)


def _value(random: Random, difficulty: int) -> float:
    """A number that is easy to reckon with."""
    choices = _WHOLE if difficulty < 3 else _HALVES
    return choices[_below(random, len(choices))]


def _is_pleasant(formula: str, values: Mapping[str, float]) -> bool:
    """Whether all numbers are finite and of moderate size, and some derivative is not 0."""
    dag = read(formula)
    sweep = Sweep(dag, {node: node.type.dtype.type(values[node.name]) for node in dag.inputs})
    adjoints = sweep.reverse(dag.output)
    numbers = [*sweep.values.values(), *adjoints.values()]
    return all(math.isfinite(number) and abs(number) <= _LARGEST for number in numbers) and any(
        adjoints.get(node, 0.0) for node in dag.inputs
    )


def _below(random: Random, count: int) -> int:
    return int(random.random() * count)


def _one(random: Random, choices: Sequence[str]) -> str:
    return choices[_below(random, len(choices))]
