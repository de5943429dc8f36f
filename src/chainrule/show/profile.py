"""What the kernels of a profiling build took, as a table and as heat for drawings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chainrule.graph.node import Node
from chainrule.run.native.emit.notes import span_words
from chainrule.show.cells import count_cell, word_cell
from chainrule.show.table import Cell, Table, columns

if TYPE_CHECKING:
    from chainrule.run.native.measured import Kind, Measured

_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One kernel.

    Attributes:
        kind: A ``"kernel"``; an operation that ``"numpy"`` does; a ``"part"`` of a long kernel
            without loops.
        number: Which of them, from 0.
        nodes: What it stores, or what a part computes: names of nodes.
        calls: How often it ran; over points, a part runs once for each vector of points.
        seconds: How long in all; 0 where the processor has no counter that programs may read.
        share: Of the seconds of all kernels, from 0 to 1.
    """

    kind: Kind
    number: int
    nodes: tuple[str, ...]
    calls: int
    seconds: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What each kernel took so far; printed, a table.

    Attributes:
        rows: The kernels, in the order in which they run.
        amounts: Node → the seconds of the kernels that compute it, for ``draw(heat=…)``.
    """

    rows: tuple[ProfileRow, ...]
    amounts: Mapping[Node, float] = field(repr=False)

    def __iter__(self) -> Iterator[ProfileRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def seconds(self) -> float:
        """Of all kernels."""
        return sum([row.seconds for row in self.rows])

    def table(self) -> Table:
        """One row for each kernel."""
        return Table(
            "profile",
            "Time of kernels",
            columns(
                ("kernel", "Kernel"),
                ("nodes", "Makes"),
                ("calls", "Calls", True),
                ("seconds", "Time", True),
                ("share", "Share", True, "bold"),
            ),
            tuple(
                (
                    word_cell(f"{row.kind} {row.number}"),
                    word_cell(span_words(row.nodes)),
                    count_cell(row.calls),
                    _time_cell(row.seconds),
                    _share_cell(row.share),
                )
                for row in self.rows
            ),
        )

    def __str__(self) -> str:
        return self.table().text()


def profile_of(kernels: Sequence[Measured]) -> Profile:
    """The profile of these kernels."""
    total = sum([kernel.seconds for kernel in kernels])
    amounts: dict[Node, float] = {}
    rows = []
    for kernel in kernels:
        share = kernel.seconds / total if total else 0.0
        rows.append(ProfileRow(*kernel[:3], kernel.calls, kernel.seconds, share))
        for node in kernel.nodes:
            amounts[node] = amounts.get(node, 0.0) + kernel.seconds
    return Profile(tuple(rows), amounts)


def time_words(seconds: float) -> str:
    """A time with its unit, in three digits.

    >>> time_words(0.0123), time_words(4.5e-6), time_words(0.0), time_words(2.0)
    ('12.3 ms', '4.5 µs', '0 s', '2 s')
    """
    size, unit = next((u for u in _UNITS if seconds >= u[0]), _UNITS[-1] if seconds else _UNITS[0])
    return f"{seconds / size:.3g} {unit}"


def _time_cell(seconds: float) -> Cell:
    text = time_words(seconds)
    return Cell(text, text.replace("µ", r"$\mu$"), seconds)


def _share_cell(share: float) -> Cell:
    text = f"{share:.1%}"
    return Cell(text, text.replace("%", r"\%"), share)
