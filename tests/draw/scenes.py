"""Scenes to test on: the graphs of the texts, and random ones."""

from __future__ import annotations

import random

import chainrule as cr
from tests.conftest import SEEDS

OPERATORS = ["+", "-", "*", "/"]
FUNCTIONS = ["sin", "exp", "sigmoid", "relu", "sqrt", "tanh"]


def random_formula(seed: int, nodes: int) -> str:
    """A formula with about this many nodes, much of it shared."""
    chance = random.Random(seed)
    names = [f"x{at}" for at in range(chance.randint(1, 4))]
    lines: list[str] = []
    unused: list[str] = []
    while len(names) + len(unused) < nodes or not lines:
        a, b = chance.choice(names[-8:]), chance.choice(names[-8:])
        if chance.random() < 0.35:
            value = f"{chance.choice(FUNCTIONS)}({a})"
        elif chance.random() < 0.15:
            value = f"{a}*{chance.choice(['2', '0.5', '-3'])}"
        else:
            value = f"{a} {chance.choice(OPERATORS)} {b}"
        name = f"a{len(lines)}"
        lines.append(f"{name} = {value}")
        unused = [other for other in unused if other not in value.replace("(", " ").split()]
        unused = [other for other in unused if not value.startswith(f"{other}*")]
        unused = [other for other in unused if f"({other})" not in value]
        names.append(name)
        unused.append(name)
    return "; ".join([*lines, " + ".join(unused)])


def random_record(seed: int, nodes: int) -> cr.Record:
    """A random graph of about this many nodes at a random point."""
    graph = cr.parse(random_formula(seed, nodes))
    chance = random.Random(seed)
    return graph.at(**{name: chance.uniform(-2, 2) for name in graph.arguments})


def seed_record(case: dict) -> cr.Record:
    """A worked example of the texts at its point."""
    return cr.parse(case["formula"], parameters=case["parameters"]).at(**case["at"])


__all__ = ["SEEDS", "random_formula", "random_record", "seed_record"]
