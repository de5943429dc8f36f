"""Tables of what was measured, and the page."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from benchmarks.engine.notes import NOTES
from benchmarks.engine.rows import OURS, Goal, Row
from benchmarks.engine.run import Measured
from benchmarks.engine.works import Case
from benchmarks.machine import describe
from benchmarks.page import DOCS

Results = Mapping[Case, Sequence[Measured]]

_INTRO = """# Benchmarks of the engine

Values and gradients, compiled: chainrule, other libraries and C. Written by
`python -m benchmarks.engine`; `--row c --size 1000` measures one row or size, `--peers jax,casadi`
chooses. The libraries come by `pip install -e ".[peers]"`, PyTorch by its own index of CPU builds;
what is not installed is shown as such.

Each contender has a process of its own. They are built one after the other; then they take turns
in rounds of about 3 ms, each round the function with its gradient and the function alone. Times
are medians of the rounds, ratios medians of the ratios round by round: the machine is shared and
noisy, ratios count. *Build* runs from the function to something that can be called, in a process
that has imported its library and compiled a trifle before; JAX compiles in the *first call*. *Then*
is the time until optimised code is in place, where it is made in the background. *Over function*:
value and gradient over the function alone. Each contender's results are checked against mpmath,
SciPy's Rosenbrock functions or derivatives by hand. All in double precision.
"""

_HEADS = ("what", "who", "build", "first call", "then", "a call", "over function", "ours over it")
_SHORT = (
    "what",
    "chainrule",
    "best peer",
    "over best peer",
    "over C",
    "over function",
    "first gradient",
    "goal",
    "reached",
)


def seconds(value: float) -> str:
    """Three digits, and a unit that suits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{_digits(value / size)} {unit}"
    return f"{_digits(value * 1e9)} ns"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(value: float | None) -> str:
    return "–" if value is None else _digits(value)


def rows_of(case: Case, found: Sequence[Measured]) -> list[Sequence[str]]:
    """All contenders of a case."""
    ours = _there(found, OURS)
    lines: list[Sequence[str]] = []
    for each in found:
        start = (case.title, each.contender.title)
        if not each.there:
            lines.append((*start, each.why.replace("|", "/"), *["–"] * 5))
            continue
        lines.append(
            (
                *start,
                seconds(each.build),
                seconds(each.first),
                seconds(each.wait) if each.wait > 1e-4 else "–",
                seconds(each.warm),
                _times(each.over_function),
                "–" if ours is None or each is ours else _times(ours.over(each)),
            )
        )
    return lines


def summary(row: Row, case: Case, found: Sequence[Measured]) -> Sequence[str]:
    """One line: ours, the best peer, C, the goal."""
    ours = _there(found, OURS)
    goal = row.goals.get(case)
    peers = [m for m in found if m.there and not m.contender.floor and m.contender.peer != OURS]
    best = min(peers, key=lambda m: m.warm) if peers else None
    floor = next((m for m in found if m.there and m.contender.key == row.quoted), None)
    if ours is None:
        return (case.title, *["–"] * (len(_SHORT) - 1))
    reached = "–" if goal is None else _reached(goal, ours, best, floor, found)
    return (
        case.title,
        seconds(ours.warm),
        "–" if best is None else f"{seconds(best.warm)}, {best.contender.title}",
        "–" if best is None else _times(ours.over(best)),
        "–" if floor is None else _times(ours.over(floor)),
        _times(ours.over_function),
        seconds(ours.to_first),
        "–" if goal is None else goal.text,
        reached,
    )


def _reached(
    goal: Goal,
    ours: Measured,
    best: Measured | None,
    floor: Measured | None,
    found: Sequence[Measured],
) -> str:
    """Yes or no; – where what the goal speaks of was not measured."""
    allowed = goal.seconds
    if goal.floor:
        if floor is None:
            return "–"
        allowed += goal.floor * ours.warm / ours.over(floor)
    if goal.best:
        rival = best if not goal.of else _there(found, goal.of)
        if rival is None:
            return "–"
        allowed += goal.best * ours.warm / ours.over(rival)
    good = ours.warm <= allowed and (not goal.to_first or ours.to_first <= goal.to_first)
    return "yes" if good else "no"


def _there(found: Sequence[Measured], key: str) -> Measured | None:
    return next((m for m in found if m.there and key in {m.contender.peer, m.contender.key}), None)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown."""
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def section(row: Row, results: Results) -> list[str]:
    """A row of the page: the goals, all contenders, why goals are missed."""
    mine = {case: found for case, found in results.items() if case.row == row.letter}
    lines = [
        f"## {row.letter}. {row.title}",
        "",
        *row.said,
        "",
        *table(_SHORT, [summary(row, case, found) for case, found in mine.items()]),
        "",
    ]
    for note in NOTES.get(row.letter, ()):
        lines += [note, ""]
    every = [line for case, found in mine.items() for line in rows_of(case, found)]
    return [*lines, *table(_HEADS, every), ""]


def versions() -> str:
    """The machine, and what is installed."""
    there = []
    for package in ("jax", "torch", "casadi", "autograd", "sympy"):
        try:
            version(package)
        except PackageNotFoundError:
            continue
        there.append(package)
    return f"{describe('numpy', 'llvmlite', 'chainrule', *there)}, {_gcc()}."


def _gcc() -> str:
    try:
        answer = subprocess.check_output(["gcc", "-dumpfullversion"], text=True)
    except FileNotFoundError:
        return "no gcc"
    return f"gcc {answer.strip()}"


def write(rows: Sequence[Row], results: Results, counted: Sequence[Sequence[str]]) -> None:
    """The page: what was measured now in place of what stood there; other sections stay."""
    page = DOCS / "benchmarks-engine.md"
    sections = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    for row in rows:
        if any(case.row == row.letter for case in results):
            sections[row.letter] = section(row, results)
    if counted:
        sections[_LAST] = instructions(counted)
    lines = [_INTRO, versions(), ""]
    for letter in sorted(sections):
        lines += sections[letter]
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


_LAST = "instructions"


def _sections(text: str) -> dict[str, list[str]]:
    """The lines of each section, by its row."""
    found: dict[str, list[str]] = {}
    for part in text.split("\n## ")[1:]:
        title = part.partition("\n")[0]
        key = title[0] if title[1] == "." else _LAST
        found[key] = [f"## {part}".rstrip(), ""]
    return found


def instructions(counted: Sequence[Sequence[str]]) -> list[str]:
    """What valgrind counted."""
    said = [
        "## Instructions",
        "",
        "Instructions of a call with value and gradient, counted by `valgrind --tool=callgrind`,",
        "which shows programs no AVX-512: a measure that noise does not touch. C is compiled with",
        "`-march=x86-64-v3` here, in a loop of C.",
        "",
    ]
    return [*said, *table(("what", "who", "instructions of a call"), counted), ""]
