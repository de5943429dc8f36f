"""Instructions of a call, counted by ``valgrind --tool=callgrind``: a measure without noise."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
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


_CALLS = (100, 300)
"""What a call costs is the difference: what surrounds the calls is in both."""


def count(rows: Collection[str], peers: Collection[str] | None) -> list[Sequence[str]]:
    """Rows of a table: what, who, instructions. None where valgrind is not installed."""
    if shutil.which("valgrind") is None or shutil.which("gcc") is None:
        return []
    cases = [
        case
        for row in ROWS
        if row.letter in _ROWS and row.letter in rows
        for case in row.cases
        if case.size <= _MOST
    ]
    found: dict[tuple[Case, Contender], str] = {}
    for who in _WHO:
        if peers is None or who.peer in {OURS, *peers}:
            for case, instructions in _counted(who, cases):
                found[case, who] = instructions
                print(f"| {case.title} | {who.title} | {instructions} |", flush=True)
    return [
        (case.title, who.title, found[case, who])
        for case in cases
        for who in _WHO
        if (case, who) in found
    ]


def _counted(who: Contender, cases: Sequence[Case]) -> Iterator[tuple[Case, str]]:
    """One process does all cases: under valgrind it starts slowly."""
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=counts"]
    with process(1, command) as worker:
        for case in cases:
            way = "mx" if (who.peer, case.row) == ("casadi", "c") else who.way
            asked: list[dict[str, Any]] = [
                {"do": "load", "peer": who.peer, "way": way, "case": dataclasses.asdict(case)},
                {"do": "build", "what": BOTH, "save": str(worker.folder / BOTH)},
                *({"do": "count", "what": BOTH, "calls": calls} for calls in (1, *_CALLS)),
            ]
            answers = [worker.ask(_LIMIT, **question) for question in asked]
            if any("unfit" in answer for answer in answers):
                continue
            if any(not answer.keys().isdisjoint({"missing", "error"}) for answer in answers):
                yield case, "fails"
                continue
            few, many = _totals(worker.folder)[-2:]
            yield case, f"{(many - few) / (_CALLS[1] - _CALLS[0]):,.0f}"


def _totals(folder: Path) -> list[int]:
    """What callgrind wrote, in order."""
    files = sorted(folder.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    texts = [path.read_text(encoding="utf-8") for path in files]
    found = [re.search(r"^totals: (\d+)", text, re.MULTILINE) for text in texts]
    return [int(match.group(1)) for match in found if match]
