"""The report on a compiled graph as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.show.cells import count_cell, word_cell
from chainrule.show.profile import time_words
from chainrule.show.table import Cell, Table, columns

if TYPE_CHECKING:
    from chainrule.run.native.report import CompileReport


def report_table(report: CompileReport) -> Table:
    """One row for each thing there is to say."""
    by_numpy = report.no_code or ", ".join(report.by_numpy) or "nothing"
    rows = [
        (word_cell("runs as"), word_cell(report.tier)),
        (word_cell("nodes"), count_cell(report.nodes)),
        (word_cell("kernels"), count_cell(report.kernels)),
        (word_cell("by NumPy"), Cell(by_numpy, word_cell(by_numpy).latex, list(report.by_numpy))),
        *((word_cell(f"time: {stage}"), _time(s)) for stage, s in report.seconds.items()),
        (word_cell("instructions of LLVM"), count_cell(report.instructions)),
        (word_cell("bytes of code"), count_cell(report.code_bytes)),
        (word_cell("bytes of scratch memory"), count_cell(report.scratch_bytes)),
    ]
    return Table(
        "report", "Compiled", columns(("what", "What"), ("value", "Value", True)), tuple(rows)
    )


def _time(seconds: float) -> Cell:
    text = time_words(seconds)
    return Cell(text, text.replace("µ", r"$\mu$"), seconds)
