"""A sparse matrix of derivatives computed in few passes: planned once, run many times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.diff.compression import Compression, forward_sums, reverse_sums
from chainrule.diff.patterns import Numbers, sparse
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.program import Program

BUDGET: Final = 2**27
"""Numbers that the arrays of all passes that run together may hold, about: a gigabyte."""
_LIVE: Final = 4
"""Arrays of the largest size that are there at once, about."""


class Block(NamedTuple):
    """The derivatives of one output by one argument.

    Attributes:
        places: For each of its entries the place among all entries; None: it has all of them.
        starts: Where the rows start.
        columns: The column of each entry.
        shape: Its size.
        dtype: Of its entries.
    """

    places: Numbers | None
    starts: npt.NDArray[np.integer[Any]]
    columns: npt.NDArray[np.integer[Any]]
    shape: tuple[int, int]
    dtype: np.dtype[Any]


class Compressed:
    """The derivatives of outputs by nodes, as sparse matrices, as a function of arguments.

    Args:
        inputs: The arguments.
        outputs: What is differentiated.
        wrt: By what.
        plan: The passes.
        budget: Numbers that the arrays of all passes that run together may hold, about. Where they
            would hold more, some passes wait for others.
    """

    def __init__(
        self,
        inputs: Sequence[Node],
        outputs: Sequence[Node],
        wrt: Sequence[Node],
        plan: Compression,
        budget: int = BUDGET,
    ) -> None:
        self.plan = plan
        self._passes = [
            _Passes(make, inputs, outputs, wrt, colors, starts, budget)
            for make, colors, starts in (
                (forward_sums, plan.columns, wrt),
                (reverse_sums, plan.rows, outputs),
            )
            if colors.max(initial=-1) >= 0
        ]
        self._blocks = _blocks(plan, outputs, wrt)

    def __call__(self, *arguments: Any) -> list[Any]:
        """The blocks: for each output one for each node, as scipy.sparse.csr_array."""
        sums = [passes(arguments) for passes in self._passes]
        if not sums:
            entries: Any = np.zeros(0)
        else:
            entries = self.plan.entries(sums[0] if len(sums) == 1 else np.concatenate(sums))
        found = []
        for places, starts, columns, shape, dtype in self._blocks:
            own = entries if places is None else entries[places]
            own = own.astype(dtype, copy=False)
            # The caller may change what he gets.
            parts = (own, columns.copy(), starts.copy())
            found.append(sparse().csr_array(parts, shape=shape))
        return found


class _Passes:
    """The passes of one direction, so many at a time as fit into memory."""

    def __init__(
        self,
        make: Any,
        inputs: Sequence[Node],
        outputs: Sequence[Node],
        wrt: Sequence[Node],
        colors: Numbers,
        starts: Sequence[Node],
        budget: int,
    ) -> None:
        self._count = int(colors.max()) + 1
        one = make(outputs, wrt, 1)[1]
        largest = max(math.prod(node.type.shape) for node in walk.depth_first(one))
        most = min(self._count, max(1, budget // (_LIVE * max(largest, 1))))
        turns = -(-self._count // most)
        self._together = -(-self._count // turns)
        seeds, results = make(outputs, wrt, self._together)
        self._program = Program(Dag(results, [*inputs, *seeds]))
        self._seeds = []
        ends = np.cumsum([math.prod(node.type.shape) for node in starts])[:-1]
        parts = list(zip(starts, np.split(colors, ends), strict=True))
        for first in range(0, self._count, self._together):
            numbers = np.arange(first, first + self._together).reshape(-1, 1)
            shape = (self._together,)
            self._seeds.append([
                (part == numbers).astype(node.type.dtype).reshape(shape + node.type.shape)
                for node, part in parts
            ])  # fmt: skip

    def __call__(self, arguments: Sequence[Any]) -> Any:
        """The sums of all passes, one pass after the other."""
        found = []
        for seeds in self._seeds:
            made = self._program(*arguments, *seeds)
            rows = [result.reshape(self._together, -1) for result in made]
            found.append(rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1))
        every = found[0] if len(found) == 1 else np.concatenate(found)[: self._count]
        return every.ravel()


def _blocks(plan: Compression, outputs: Sequence[Node], wrt: Sequence[Node]) -> list[Block]:
    pattern = plan.pattern
    heights, widths = ([math.prod(node.type.shape) for node in nodes] for nodes in (outputs, wrt))
    if len(heights) == len(widths) == 1:
        dtype = outputs[0].type.dtype
        return [Block(None, pattern.indptr, pattern.indices, pattern.shape, dtype)]
    # Each entry is its own number.
    numbers = sparse().csr_array(
        (np.arange(pattern.nnz), pattern.indices, pattern.indptr), shape=pattern.shape
    )
    found = []
    top = 0
    for output, height in zip(outputs, heights, strict=True):
        strip = numbers[top : top + height].tocsc()
        top += height
        left = 0
        for width in widths:
            part = strip[:, left : left + width].tocsr()
            left += width
            part.sort_indices()
            shape = (height, width)
            found.append(Block(part.data, part.indptr, part.indices, shape, output.type.dtype))
    return found
