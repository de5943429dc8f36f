"""``chainrule check``: values and derivatives against exact arithmetic."""

from __future__ import annotations

import sys
from typing import Final

import click

from chainrule.api.graph import Graph
from chainrule.app.options import DIGITS, SETTINGS, VALUES, examples, formula_command, numbers
from chainrule.app.writers import Answer, write

FINDING: Final = 1


@click.command(
    short_help="Verify values and derivatives in high precision.",
    context_settings=SETTINGS,
    epilog=examples('check "sin(x)*exp(-y)"', 'check "abs(x)*y" x=0 y=3'),
)
@formula_command
@VALUES
@DIGITS
@click.option(
    "--points",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="How many points, where none is given.",
)
def check(graph: Graph, values: tuple[str, ...], points: int, form: str, digits: int) -> None:
    """Check values and derivatives against differences in high precision and the complex step.

    Without values some points are chosen, always the same ones. Kinks and singular points are
    noted; when something is wrong, the node is named and the exit code is 1.
    """
    given = numbers(values)
    report = graph.check([given] if given else points)
    findings = [str(finding) for finding in report.findings]
    data = {"ok": report.ok, "findings": findings}
    lines = [(line, "") for line in findings]
    lines.append(("no bug found", "green") if report.ok else ("not verified", "bold red"))
    write(
        Answer(
            "check",
            graph.formula(),
            [report.table(digits)] if report.comparisons else [],
            lines,
            data,
        ),
        form,
    )
    if not report.ok:
        sys.exit(FINDING)
