"""What a check found, as data, as a table and as sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from chainrule.show.numbers import latex_of, number, plain
from chainrule.show.table import Cell, Table, columns

Kind = Literal[
    "value",
    "derivative",
    "convention",
    "accumulation",
    "gradient",
    "kink",
    "singular",
    "rounding",
    "not finite",
    "unclear",
    "unchecked",
]
"""What a finding is about.

- ``"value"``, ``"derivative"``, ``"convention"``: a kernel or a rule of one operation is wrong, or
  not what it documents; ``"accumulation"``: the operations are right, but a pass added them up
  wrongly; ``"gradient"``: a derivative computed in another way is wrong. These are bugs.
- ``"kink"``, ``"singular"``: the slopes of both sides differ, or are infinite or missing, so that a
  derivative is a choice; ``"rounding"``: everything is right, but the numbers have lost digits;
  ``"not finite"``: a number is infinite or NaN where the function says so; ``"unclear"``: the exact
  derivative could not be settled; ``"unchecked"``: nothing could be compared.
"""

Verdict = Literal["ok", "wrong", "kink", "singular", "rounding", "not finite", "unclear"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth saying about one node at one point.

    Attributes:
        node: Label of the node.
        operand: Label of the operand whose derivative it is about, or None.
        position: Which operand that is, from 0.
        kind: What it is about.
        bug: Whether something is wrong: a kink, say, is not.
        point: The arguments by name.
        got: The number that was computed.
        expected: The exact number; at a kink the slopes of the left and of the right side.
        ulps: The error in units in the last place, where there is one.
        steps: Step sizes of the differences that gave the exact derivative.
        message: The same in a sentence.
    """

    node: str
    operand: str | None
    position: int | None
    kind: Kind
    bug: bool
    point: Mapping[str, Any]
    got: Any
    expected: float | tuple[float, float] | None
    ulps: float | None
    steps: tuple[float, ...]
    message: str

    def __str__(self) -> str:
        return f"{'BUG' if self.bug else 'note'} ({self.kind}): {self.message}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number of the graph beside the exact one.

    Attributes:
        point: The arguments by name.
        quantity: Such as ``f`` or ``∂f/∂x``.
        ours: What the graph computes.
        exact: By differences in high precision; NaN where there is none.
        error: Relative to the exact number, or to the terms it is the sum of if they are larger.
        verdict: What follows.
        complex_step: Whether the complex step confirms the differences; None: not applicable.
    """

    point: Mapping[str, Any]
    quantity: str
    ours: Any
    exact: float
    error: float
    verdict: Verdict
    complex_step: bool | None = None


_MOST_SHOWN: Final = 20
_CONFIRMED: Final = {True: "agrees", False: "differs", None: "not applicable"}


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check.

    >>> from chainrule.check.graphs import check_graph
    >>> from chainrule.formula.infix import read
    >>> report = check_graph(read("x*abs(y)"), points=[{"x": 3, "y": 0}])
    >>> report.ok
    True
    >>> print(report)
    Check against exact arithmetic
    Point     Quantity  Ours  Exact  Error  Complex step    Verdict
    ────────  ────────  ────  ─────  ─────  ──────────────  ───────
    x=3, y=0  f            0      0      0                  ok
    x=3, y=0  ∂f/∂x        0      0      0  agrees          ok
    x=3, y=0  ∂f/∂y        0      –      –  not applicable  kink
    note (kink): v1 = abs(y) has a kink at y = 0: its slope is -1 on the left and 1 on ...
    1 point, 3 comparisons: no bug found

    Attributes:
        points: The points where something was compared.
        comparisons: Every value and derivative of an output, ours beside the exact one.
        findings: What is wrong or worth knowing, bugs first.
    """

    points: tuple[Mapping[str, Any], ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether something was compared and no bug was found."""
        return bool(self.points) and not self.bugs

    @property
    def bugs(self) -> tuple[Finding, ...]:
        """The findings that mean that something is wrong."""
        return tuple(finding for finding in self.findings if finding.bug)

    def table(self, digits: int = 6) -> Table:
        """Point, quantity, ours, exact, relative error, complex step, verdict."""
        return Table(
            "check",
            "Check against exact arithmetic",
            columns(
                ("point", "Point"),
                ("quantity", "Quantity", False, "bold"),
                ("ours", "Ours", True),
                ("exact", "Exact", True, "green"),
                ("error", "Error", True),
                ("complex_step", "Complex step", False, "dim"),
                ("verdict", "Verdict"),
            ),
            tuple(_row(comparison, digits) for comparison in self.comparisons),
        )

    def __repr__(self) -> str:
        return f"<Report: {'ok' if self.ok else 'not ok'}, {len(self.findings)} findings>"

    def __str__(self) -> str:
        points = _counted(len(self.points), "point")
        comparisons = _counted(len(self.comparisons), "comparison")
        verdict = "no bug found" if self.points else "nothing was checked"
        if self.bugs:
            verdict = f"{_counted(len(self.bugs), 'bug')} found"
        table = [self.table().text()] if self.comparisons else []
        findings = [str(finding) for finding in self.findings[:_MOST_SHOWN]]
        left_out = len(self.findings) - len(findings)
        more = [f"… {left_out} more"] * (left_out > 0)
        return "\n".join([*table, *findings, *more, f"{points}, {comparisons}: {verdict}"])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def point_text(point: Mapping[str, Any], digits: int = 6) -> str:
    """``x=2, y=1``.

    >>> point_text({"x": 2.0, "y": 0.1})
    'x=2, y=0.1'
    """
    return ", ".join(f"{name}={number(value, digits)}" for name, value in point.items())


def _row(row: Comparison, digits: int) -> tuple[Cell, ...]:
    point = {name: plain(value) for name, value in row.point.items()}
    quantity = row.quantity.replace("_", r"\_").replace("∂", r"$\partial$")
    derivative = row.quantity.startswith("∂")
    confirmed = _CONFIRMED[row.complex_step] if derivative else ""
    text = point_text(row.point)
    return (
        Cell(text, text.replace("_", r"\_"), point),
        Cell(row.quantity, quantity, row.quantity),
        _number(row.ours, digits),
        _number(row.exact, digits),
        _number(row.error, 2),
        Cell(confirmed, confirmed, row.complex_step),
        Cell(row.verdict, row.verdict, row.verdict),
    )


def _number(value: Any, digits: int) -> Cell:
    text = number(None if math.isnan(value) else value, digits)
    return Cell(text, f"${latex_of(text)}$", plain(value))
