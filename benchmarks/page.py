"""Pages of measured figures: one table, the machine named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.machine import describe

DOCS = Path(__file__).parent.parent / "docs"

Row = tuple[str, str, str]
"""What, measured, goal."""


def write_page(
    name: str, title: str, intro: Sequence[str], groups: Sequence[Callable[[], list[Row]]]
) -> None:
    """Measure each group, print its rows as they come, and write the page."""
    lines = [
        f"# {title}",
        "",
        *intro,
        "",
        f"{describe('numpy', 'chainrule')}.",
        "",
        "| what | measured | goal |",
        "|---|---|---|",
    ]
    for group in groups:
        for row in group():
            lines.append(f"| {' | '.join(row)} |")
            print(lines[-1], flush=True)
    (DOCS / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
