"""The steps that a loop made, as a sequence of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

from chainrule.api.arguments import digits_shown
from chainrule.draw.words import counted
from chainrule.late import Late
from chainrule.run.inside import Inside

if TYPE_CHECKING:
    from chainrule.show import iterations as shown
    from chainrule.show.table import Table
else:
    shown = Late("chainrule.show.iterations")

Step = TypeVar("Step")


class Iterations(Sequence[Step]):
    """The steps of a loop: records that are made when they are asked for.

    The adjoints in each are those of the whole graph's output; they need one run back through the
    steps, which is made once. `table` shows all steps.
    """

    def __init__(
        self, inside: Inside, name: str, of: str, made: Callable[[Inside, int, str], Step]
    ) -> None:
        """Take the steps of a node.

        Args:
            inside: The steps.
            name: What the node is called.
            of: What the adjoints are derivatives of.
            made: Gives the record of a step, which is counted from 0.
        """
        self._inside = inside
        self._name = name
        self._of = of
        self._made = made

    def __len__(self) -> int:
        return self._inside.count

    @overload
    def __getitem__(self, at: int) -> Step: ...

    @overload
    def __getitem__(self, at: slice) -> list[Step]: ...

    def __getitem__(self, at: int | slice) -> Step | list[Step]:
        if isinstance(at, slice):
            return [self[step] for step in range(*at.indices(len(self)))]
        step = range(len(self))[at]
        return self._made(self._inside, step, self._of)

    def table(self, digits: int = 6) -> Table:
        """One row for each step: the carried values before it, and the values that are stacked.

        Where there are adjoints, those of the carried values are shown too.
        """
        return shown.iterations_table(self._inside, self._name, self._of, digits_shown(digits))

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'step')} of {self._name}>"
