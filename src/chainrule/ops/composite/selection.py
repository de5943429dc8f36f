"""What a key in square brackets chooses, worked out from the shape alone.

``x[key]`` is at most a slice, then elements at arrays of indices, then another shape; and the same
backwards for values that are to be written there. The rules are NumPy's (Advanced indexing).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import GraphError, listed, shown
from chainrule.ops.copies import broadcast_along, trailing
from chainrule.ops.index import gather
from chainrule.ops.rearrange import embed, inverse, permuted, reshaped, slice_of
from chainrule.ops.term import Term


class Selection(NamedTuple):
    """What a key chooses from an array.

    Attributes:
        base: The shape of the array, with an axis of size 1 for each True or False of the key.
        starts: Where the slice of each axis of it starts.
        sizes: How many elements it has.
        steps: How far they are apart.
        axes: The axes that arrays of indices choose from; their slices take everything.
        indices: These arrays, all of shape ``common``.
        common: The shape that all indices have together.
        place: How many axes that are only sliced come before those of ``common``.
        shape: The shape of the result.
    """

    base: tuple[int, ...]
    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    axes: tuple[int, ...]
    indices: tuple[Any, ...]
    common: tuple[int, ...]
    place: int
    shape: tuple[int, ...]

    @property
    def is_static(self) -> bool:
        """Whether the places are known without data."""
        return not any(isinstance(index, Term) for index in self.indices)

    @property
    def takes_all(self) -> bool:
        """Whether the slice leaves nothing out."""
        unit = all(
            step == 1 or size <= 1 for step, size in zip(self.steps, self.sizes, strict=True)
        )
        return self.sizes == self.base and unit

    def sliced(self, x: Any) -> Any:
        """The slice of x, with the axes that indices choose from in front."""
        x = reshaped(x, self.base)
        part = x if self.takes_all else slice_of(x, self.starts, self.sizes, self.steps)
        return permuted(part, self._front())

    def unsliced(self, x: Any) -> Any:
        """What `sliced` gave, placed into zeros."""
        x = permuted(x, inverse(self._front()))
        return x if self.takes_all else embed(x, self.base, self.starts, self.steps)

    def chosen(self, x: Any) -> Any:
        """The result, from what `sliced` gave."""
        if self.axes:
            x = permuted(gather(x, *self.indices), self._back())
        return reshaped(x, self.shape)

    def spread(self, values: Any) -> Any:
        """Values of the shape of the result, as they lie behind `gather`."""
        if not self.axes:
            return reshaped(values, self.sizes)
        rest = [self.sizes[at] for at in self._others()]
        lying = (*rest[: self.place], *self.common, *rest[self.place :])
        return permuted(reshaped(values, lying), inverse(self._back()))

    def mask(self) -> np.ndarray[Any, Any]:
        """Whether the slice takes an element of the array."""
        found = np.zeros(self.base, bool)
        places = [
            start + step * np.arange(size)
            for start, size, step in zip(self.starts, self.sizes, self.steps, strict=True)
        ]
        found[np.ix_(*places)] = True
        return found

    def _others(self) -> list[int]:
        return [at for at in range(len(self.base)) if at not in self.axes]

    def _front(self) -> list[int]:
        return [*self.axes, *self._others()]

    def _back(self) -> list[int]:
        count, others = len(self.common), len(self._others())
        rest = list(range(count, count + others))
        return [*rest[: self.place], *range(count), *rest[self.place :]]


# --- reading --------------------------------------------------------------------------------------


def selection(key: Any, shape: tuple[int, ...]) -> Selection:
    """What a key chooses from an array of this shape.

    Raises:
        GraphError: E203 for too many indices and for places outside, E235 for a mask or a slice
            that depends on data, E202 for indices that are not whole numbers, E214 for no index.
    """
    given = [_entry(item) for item in (key if isinstance(key, tuple) else (key,))]
    entries, base = _complete(given, shape)
    advanced = any(isinstance(entry, (np.ndarray, Term)) for entry in entries)
    ranges: list[range] = []
    axes: list[int] = []
    indices: list[Any] = []
    kept: list[int | None] = []
    among: list[int] = []
    for position, entry in enumerate(entries):
        at = len(ranges)
        if entry is None:
            kept.append(None)
        elif isinstance(entry, slice):
            kept.append(at)
            ranges.append(range(base[at])[entry])
        elif entry is not ...:
            found = _inside(entry, at, base[at])
            if advanced:
                among.append(position)
                if len(among) == 1:
                    before = len(kept)
                axes.append(at)
                indices.append(found)
            ranges.append(range(base[at]) if advanced else range(found, found + 1))
    # NumPy: indices side by side leave their axes in place; others put them in front.
    if not advanced or among[-1] - among[0] >= len(among):
        before = 0
    indices, common = _together(indices)
    lengths = [1 if at is None else len(ranges[at]) for at in kept]
    return Selection(
        base,
        tuple([part[0] if part else 0 for part in ranges]),
        tuple([len(part) for part in ranges]),
        tuple([part.step if len(part) > 1 else 1 for part in ranges]),
        tuple(axes),
        tuple(indices),
        common,
        sum(at is not None for at in kept[:before]),
        (*lengths[:before], *common, *lengths[before:]),
    )


def _entry(item: Any) -> Any:
    """One part of a key: None, an ellipsis, a slice, an int, an array or a term of indices."""
    if item is None or item is ...:
        return item
    if isinstance(item, slice):
        return _slice(item)
    if isinstance(item, Term):
        if item.dtype.kind == "b":
            raise depends("a condition as an index", "use where(condition, x, 0) instead")
        if item.dtype.kind == "f":
            raise _fractional(item.node.type)
        return item
    if not isinstance(item, (bool, np.ndarray, list, tuple)) and hasattr(item, "__index__"):
        return operator.index(item)
    try:
        array = np.asarray(item)
    except ValueError:
        array = np.asarray(None)
    if array.size == 0 and not isinstance(item, np.ndarray):
        array = array.astype(np.int64)
    if array.dtype.kind == "f":
        raise _fractional(array.dtype)
    if array.dtype.kind not in "biu":
        raise GraphError("E214", f"{shown(item)} is no index; stack() makes one array of several")
    if array.dtype.kind == "b":
        return array
    return array.astype(np.int64) if array.ndim else int(array)


def _slice(item: slice) -> slice:
    for bound in (item.start, item.stop, item.step):
        if isinstance(bound, Term):
            raise depends(
                "a slice with a symbolic bound", "take as many from there: x[start + np.arange(n)]"
            )
        if bound is not None and not hasattr(bound, "__index__"):
            raise _fractional(shown(bound))
    if item.step is not None and operator.index(item.step) == 0:
        raise GraphError("E203", "the step of a slice cannot be 0")
    return item


def _fractional(found: object) -> GraphError:
    return GraphError("E202", f"an index is a whole number, got {found}")


def depends(what: str, instead: str) -> GraphError:
    """E235 for a result whose shape is not known before there are data."""
    return GraphError("E235", f"{what}: the shape would depend on the data; {instead}")


def _complete(given: Sequence[Any], shape: tuple[int, ...]) -> tuple[list[Any], tuple[int, ...]]:
    """One part for each axis, an ellipsis left where it was; and the shape with axes for flags."""
    taken = sum(_axes_taken(entry) for entry in given)
    if taken > len(shape):
        raise GraphError("E203", f"too many indices: {taken} for {list(shape)}")
    ellipses = sum(entry is ... for entry in given)
    if ellipses > 1:
        raise GraphError("E203", "an index has one ellipsis at most")
    entries: list[Any] = []
    base: list[int] = []
    left = list(shape)
    for entry in [*given, *([] if ellipses else [...])]:
        count = len(shape) - taken if entry is ... else _axes_taken(entry)
        sizes, left = left[:count], left[count:]
        if entry is ...:
            entries += [..., *[slice(None)] * count]
        elif isinstance(entry, np.ndarray) and entry.dtype.kind == "b":
            if list(entry.shape) != sizes:
                mask = f"a mask of shape {list(entry.shape)} does not fit"
                raise GraphError("E203", f"{mask} the axes {sizes} of {list(shape)}")
            entries += np.nonzero(entry) if count else [np.zeros(int(entry), np.int64)]
            sizes = sizes or [1]
        else:
            entries.append(entry)
        base += sizes
    return entries, tuple(base)


def _axes_taken(entry: Any) -> int:
    if entry is None or entry is ...:
        return 0
    return entry.ndim if isinstance(entry, np.ndarray) and entry.dtype.kind == "b" else 1


def _inside(index: Any, axis: int, size: int) -> Any:
    """An index counted from 0; one that is known and outside is an error."""
    if isinstance(index, Term):
        return index
    outside = np.asarray(index)[(np.asarray(index) < -size) | (np.asarray(index) >= size)]
    if outside.size:
        place = f"axis {axis} of size {size}"
        raise GraphError("E203", f"index {outside.flat[0]} is out of bounds for {place}")
    if isinstance(index, int):
        return index % size
    return np.where(index < 0, index + size, index)


def _together(indices: Sequence[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """All indices broadcast to one shape."""
    shapes = [np.shape(index) if not isinstance(index, Term) else index.shape for index in indices]
    try:
        common = np.broadcast_shapes(*shapes)
    except ValueError:
        sizes = listed([str(list(shape)) for shape in shapes])
        raise GraphError("E203", f"indices do not broadcast: {sizes}") from None
    return [
        broadcast_along(index, common, trailing(index.ndim, len(common)))
        if isinstance(index, Term)
        else np.broadcast_to(index, common)
        for index in indices
    ], common
