"""The sparsity of derivatives as users hold it: a pattern, its colours, its cost, a picture."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from chainrule.diff.compression import Compression
from chainrule.draw.figure import Figure, known_suffix, write
from chainrule.draw.options import options
from chainrule.draw.plot.matrix import MatrixPlot, matrix_plot, matrix_svg
from chainrule.show.sparsity import (
    described,
    entry_table,
    pass_table,
    passes_of,
    sparsity_table,
)
from chainrule.show.table import Table

if TYPE_CHECKING:
    from chainrule.diff.patterns import Pattern

_NAMES = {"jacobian": "Jacobian", "hessian": "Hessian"}


class PatternPicture(Figure):
    """A picture of a pattern, ready to be written. In a notebook it shows itself.

    Attributes:
        data: What is drawn: squares and the colours of columns and rows.
    """

    def __init__(self, data: MatrixPlot) -> None:
        self.data = data

    def svg(self) -> str:
        """As SVG that needs no font and no other file."""
        return matrix_svg(self.data)

    def __repr__(self) -> str:
        return f"<Picture of {self.data.title}>"


class Sparsity:
    """Which derivatives can be other than zero, and the passes that find them; see `sparsity`.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> found = cr.sparsity(lambda x: np.sum(x[1:] * x[:-1] ** 2), of="hessian")(np.ones(6))
    >>> found
    <Sparsity of the Hessian: 6 × 6, 15 of 36 entries may not be zero, 3 colours>
    >>> found.mode, found.coloring, found.colors, found.dense_passes
    ('forward', 'star', 3, 6)
    >>> found.column_colors
    array([0, 1, 0, 2, 0, 1])
    """

    def __init__(self, plan: Compression, of: str = "jacobian") -> None:
        self._plan = plan
        self._name = _NAMES[of]

    @property
    def pattern(self) -> Pattern:
        """The entries that may not be zero, as a ``scipy.sparse.csr_array`` of truth values.

        A row for each element of the results, a column for each element of the arguments, both in
        row-major order.
        """
        return self._plan.pattern.copy()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        height, width = self._plan.pattern.shape
        return height, width

    @property
    def entries(self) -> int:
        """How many entries may not be zero."""
        return int(self._plan.pattern.nnz)

    @property
    def mode(self) -> str:
        """``"forward"``, ``"reverse"`` or ``"mixed"``."""
        return self._plan.mode

    @property
    def coloring(self) -> str:
        """``"column"``, ``"row"``, ``"row and column"``, ``"star"`` or ``"acyclic"``."""
        return self._plan.coloring

    @property
    def colors(self) -> int:
        """The number of colours, which is that of passes."""
        return self._plan.passes

    @property
    def dense_passes(self) -> int:
        """How many passes all entries take without compression."""
        return self._plan.dense_passes

    @property
    def column_colors(self) -> npt.NDArray[np.int64]:
        """For each column the number of its forward pass; −1: none."""
        return self._plan.columns.copy()

    @property
    def row_colors(self) -> npt.NDArray[np.int64]:
        """For each row the number of its reverse pass; −1: none."""
        return self._plan.rows.copy()

    def table(self) -> Table:
        """One row for each way to get all derivatives: the passes it takes."""
        return sparsity_table(self._plan, self._name)

    def passes(self) -> Table:
        """One row for each pass: the columns or rows that it adds up."""
        return pass_table(self._plan, self._name)

    def entry_table(self) -> Table:
        """One row for each entry: where it stands, and the pass it comes from."""
        return entry_table(self._plan, self._name)

    def draw(self, *, theme: str = "light") -> PatternPicture:
        """The pattern as a picture, each entry in the colour of its pass.

        >>> import chainrule as cr
        >>> import numpy as np
        >>> cr.sparsity(np.diff)(np.ones(4)).draw()
        <Picture of Jacobian: 3 × 4, 6 of 12 entries may not be zero>

        Args:
            theme: The colours: ``light``, ``dark``, ``print`` (grey) or ``colour-blind``.

        Raises:
            DrawingError: E250 for an unknown theme.
        """
        plan = self._plan
        lines = np.repeat(np.arange(self.shape[0]), np.diff(plan.pattern.indptr))
        reverse = np.where(plan.rows >= 0, plan.forward + plan.rows, -1)
        return PatternPicture(
            matrix_plot(
                self.shape,
                (lines, plan.pattern.indices.astype(np.int64)),
                np.array(passes_of(plan), np.int64),
                plan.columns.tolist() if plan.forward else (),
                reverse.tolist() if plan.reverse else (),
                f"{self._name}: {described(plan)}",
                self._said(),
                options({"theme": theme}).theme,
            )
        )

    def _said(self) -> str:
        forward, reverse = self._plan.forward, self._plan.reverse
        parts = [f"{forward:,} forward"] * bool(forward) + [f"{reverse:,} reverse"] * bool(reverse)
        passes = "pass" if forward + reverse == 1 else "passes"
        instead = f"in place of {self.dense_passes:,}"
        return f"{' and '.join(parts) or 'no'} {passes} {instead}, {self.coloring} colouring"

    def save(self, path: str | PathLike[str], *, theme: str = "light", scale: float = 2.0) -> Path:
        """Write the entries (``.csv``, ``.json``) or the picture (``.svg``, ``.png``, ``.pdf``).

        Args:
            path: Where to.
            theme: The colours of the picture.
            scale: Pixels for each point, for ``.png``.

        Raises:
            FileError: E406 for another suffix.
            DrawingError, LimitError, MissingExtraError: as for `Figure.save`.
        """
        suffix = known_suffix(path, (".csv", ".json", *Figure.forms))
        if suffix in Figure.forms:
            return self.draw(theme=theme).save(path, scale=scale)
        table = self.entry_table()
        return write(path, table.csv() if suffix == ".csv" else table.json())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"image/svg+xml": self.draw().svg(), "text/plain": repr(self)}

    def __str__(self) -> str:
        return self.table().text()

    def __repr__(self) -> str:
        colors = f"{self.colors:,} colour{'' if self.colors == 1 else 's'}"
        return f"<Sparsity of the {self._name}: {described(self._plan)}, {colors}>"
