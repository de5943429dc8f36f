"""Instructions of a call, counted by ``valgrind --tool=callgrind``: a measure without noise."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Collection, Sequence
from typing import Any

from benchmarks.engine.rows import OURS, ROWS, Contender
from benchmarks.engine.run import process
from benchmarks.engine.works import BOTH, Case

_LIMIT = 600.0
_WHO = (
    Contender(OURS, "chainrule"),
    Contender("sympy", "SymPy lambdify"),
    Contender("casadi", "CasADi, buffers", "buffer"),
    Contender("c", "C", "counted"),
)
_MOST = 1_000
_ROWS = "acd"


def count(rows: Collection[str], peers: Collection[str] | None) -> list[Sequence[str]]:
    """Rows of a table: what, who, instructions. None where valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return []
    lines: list[Sequence[str]] = []
    for row in ROWS:
        if row.letter not in _ROWS or row.letter not in rows:
            continue
        for case in row.cases:
            if case.size > _MOST:
                continue
            for who in _WHO:
                if peers is not None and who.peer not in {OURS, *peers}:
                    continue
                if (who.peer, case.row) in {("sympy", "c"), ("sympy", "d")}:
                    continue
                found = _instructions(case, who)
                lines.append((case.title, who.title, found))
                print(f"| {' | '.join(lines[-1])} |", flush=True)
    return lines


def _instructions(case: Case, who: Contender) -> str:
    """The difference between many calls and few, with the same start."""
    few, many = 100, 1100
    totals = [_total(case, who, calls) for calls in (few, many)]
    if None in totals:
        return "fails"
    first, second = totals
    assert first is not None
    assert second is not None
    return f"{(second - first) / (many - few):,.0f}"


def _total(case: Case, who: Contender, calls: int) -> int | None:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    with process(1, command) as worker:
        way = "mx" if (who.peer, case.row) == ("casadi", "c") else who.way
        asked: list[dict[str, Any]] = [
            {"do": "load", "peer": who.peer, "way": way, "case": dataclasses.asdict(case)},
            {"do": "build", "what": BOTH, "save": str(worker.folder / BOTH)},
            {"do": "run", "what": BOTH, "count": calls},
        ]
        for question in asked:
            answer = worker.ask(_LIMIT, **question)
            if not answer.keys().isdisjoint({"error", "missing", "unfit"}):
                return None
        worker.close(_LIMIT)
        found = re.search(r"Collected : (\d+)", worker.errors.read_text(encoding="utf-8"))
        return int(found.group(1)) if found else None
