"""What the engine's benchmarks compute is right: chainrule against mpmath, SciPy and pencil."""

from __future__ import annotations

import pytest

from benchmarks.engine.contender import numbers
from benchmarks.engine.peers import ours
from benchmarks.engine.reference import reference
from benchmarks.engine.rows import ROWS
from benchmarks.engine.run import TOLERANCE, chosen
from benchmarks.engine.works import BOTH, FORMULAS, HESSIAN, HVP, VALUE, Case

CASES = [
    *(Case("a", name) for name in FORMULAS),
    *(Case("b", name, 50, threads) for name in FORMULAS for threads in (1, 2)),
    Case("c", "Rosenbrock", 2),
    Case("c", "Rosenbrock", 7),
    Case("d", "random graph", 16),
    Case("d", "random graph", 300),
    Case("f", HESSIAN, 6),
    Case("f", HVP, 6),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row} {case.title}")
def test_ours_is_right(case: Case) -> None:
    ready = ours.build(case, "", BOTH)
    right = reference(case)
    found = ready.read(ready.call(*ready.arguments))
    assert found.distance(right) <= TOLERANCE[case.row]
    if case.row != "f":
        alone = ours.build(case, "", VALUE)
        value = numbers(alone.call(*alone.arguments))
        assert right.value is not None
        assert value == pytest.approx(right.value, rel=1e-12)


def test_the_big_graph_is_checked_in_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("d", "random graph", 200)
    precise = reference(case)
    monkeypatch.setattr("benchmarks.engine.reference.PRECISE", 0)
    assert reference(case).distance(precise) < 1e-13


def test_peers_are_chosen_by_name() -> None:
    row = ROWS[0]
    assert {c.peer for c in chosen(row, {"jax"})} == {"ours", "jax"}
    assert chosen(row, None) == list(row.contenders)


def test_every_row_has_its_goals() -> None:
    for row in ROWS:
        assert set(row.goals) == set(row.cases)
        assert row.quoted in {"", *(c.key for c in row.contenders)}
