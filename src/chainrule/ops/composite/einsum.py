"""Einstein sums: the subscripts are read, then the operands are multiplied pair by pair."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np

from chainrule.errors import GraphError, shown
from chainrule.ops.composite.products import diagonal_in_front, multiplied, together
from chainrule.ops.composite.table import covers
from chainrule.ops.copies import total
from chainrule.ops.rearrange import permuted, reshaped
from chainrule.ops.select import convert

_MOST_PLANNED: Final = 52
"""NumPy plans for as many labels as there are letters; beyond them products go left to right."""
_MOST_OPTIMAL: Final = 5
_LETTER: Final = dict(enumerate(sorted(string.ascii_letters)))
_UNLIMITED: Final = 2**62


class _Piece(NamedTuple):
    """An operand, or a product of some, and the label of each of its axes."""

    value: Any
    labels: tuple[Hashable, ...]


@covers(np.einsum)
def einsum(*operands: Any, optimize: Any = True) -> Any:
    """The sum of products over the axes whose labels are not in the result, as in NumPy.

    Operands are multiplied pair by pair in a good order (found for up to 5, greedy for more), so
    ``optimize`` changes nothing. A label twice in one operand means its diagonal.

    >>> import chainrule as cr
    >>> A, x = cr.input("A", (2, 3)), cr.input("x", 3)
    >>> einsum("ij,j->i", A, x).shape, einsum("ij,ij", A, A).shape
    ((2,), ())

    Raises:
        GraphError: E212 for subscripts that cannot be read, E203 for shapes that do not fit.
    """
    subscripts, values = _interleaved(operands)
    terms = together(*values)
    pieces, out = _labelled(subscripts, terms)
    condition = all(x.dtype.kind == "b" for x in terms)
    pieces = _without_lone(pieces, out)
    for step in _plan(pieces, out):
        chosen = [pieces[at] for at in step]
        pieces = [piece for at, piece in enumerate(pieces) if at not in step]
        made = chosen[0]
        for at, piece in enumerate(chosen[1:], 2):
            later = {*out}.union(*(other.labels for other in [*pieces, *chosen[at:]]))
            made = _product(made, piece, later, out)
        pieces.append(made)
    (made,) = pieces
    result = permuted(made.value, [made.labels.index(label) for label in out])
    return convert(result, "bool") if condition and result.dtype.kind != "b" else result


# --- reading --------------------------------------------------------------------------------------


def _wrong(subscripts: object, why: str) -> NoReturn:
    raise GraphError("E212", f"einsum cannot read {shown(subscripts)}: {why}")


def _interleaved(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The subscripts as one text, also where they come as lists: ``a, [0, 1], b, [1, 2]``."""
    if not operands:
        raise GraphError("E211", "einsum needs subscripts and operands")
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    values, lists = list(operands[::2]), list(operands[1::2])
    last = [values.pop()] if len(operands) % 2 else []
    parts = []
    for labels in [*lists, *last]:
        if not isinstance(labels, (list, tuple)):
            _wrong(labels, "axes are a list of whole numbers")
        try:
            parts.append("".join("..." if at is ... else _LETTER[at] for at in labels))
        except (KeyError, TypeError):
            _wrong(labels, "labels are whole numbers from 0 to 51")
    count = len(lists)
    return ",".join(parts[:count]) + ("->" + parts[count] if last else ""), values


def _labelled(subscripts: str, terms: Sequence[Any]) -> tuple[list[_Piece], tuple[Hashable, ...]]:
    """The operands with their labels, every label once in each, and the labels of the result."""
    left, arrow, right = subscripts.partition("->")
    parts = left.split(",")
    if len(parts) != len(terms):
        raise GraphError("E211", f"einsum {left!r} takes {len(parts)} operands, got {len(terms)}")
    read = [_expanded(part, x, subscripts) for part, x in zip(parts, terms, strict=True)]
    hidden = max([sum(isinstance(label, int) for label in labels) for labels in read])
    front: list[Hashable] = list(range(-hidden, 0))
    if arrow:
        out: list[Hashable] = []
        for piece in _letters(right, subscripts):
            out += front if piece == "..." else [piece]
        if hidden and "..." not in right:
            _wrong(subscripts, "the result needs an ellipsis too")
    else:
        counts = Counter(label for labels in read for label in labels if isinstance(label, str))
        out = [*front, *sorted(label for label in counts if counts[label] == 1)]
    if len({*out}) < len(out):
        _wrong(subscripts, "a label stands twice in the result")
    lost = {*out}.difference(*read)
    if lost:
        _wrong(subscripts, f"no operand has the label {lost.pop()!r} of the result")
    sizes = _sizes(read, terms, subscripts)
    return [_plain(x, labels, sizes) for x, labels in zip(terms, read, strict=True)], tuple(out)


def _letters(part: str, subscripts: str) -> list[str]:
    pieces = part.replace("...", "…")
    if pieces.count("…") > 1:
        _wrong(subscripts, "one ellipsis at most for each operand")
    for letter in pieces:
        if letter != "…" and letter not in string.ascii_letters:
            _wrong(subscripts, f"{letter!r} is no label; use letters")
    return ["..." if letter == "…" else letter for letter in pieces]


def _expanded(part: str, x: Any, subscripts: str) -> list[Hashable]:
    """One label for each axis; those under an ellipsis are numbered from the end."""
    letters = _letters(part, subscripts)
    rest = x.ndim - len(letters) + ("..." in letters)
    if rest < 0 or (rest and "..." not in letters):
        shape = list(x.shape)
        raise GraphError("E203", f"einsum: {part!r} does not label the {x.ndim} axes of {shape}")
    labels: list[Hashable] = []
    for letter in letters:
        labels += range(-rest, 0) if letter == "..." else [letter]
    return labels


def _sizes(
    read: Sequence[list[Hashable]], terms: Sequence[Any], subscripts: str
) -> dict[Hashable, int]:
    """The size that each label stands for; size 1 broadcasts between operands."""
    sizes: dict[Hashable, int] = {}
    for labels, x in zip(read, terms, strict=True):
        own: dict[Hashable, int] = {}
        for label, size in zip(labels, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            if own.setdefault(label, size) != size or (known != size and 1 not in (known, size)):
                raise GraphError(
                    "E203",
                    f"shapes do not match in einsum {subscripts!r}: "
                    f"label {label} has sizes {known if known != size else own[label]} and {size}",
                )
            if known == 1:
                sizes[label] = size
    return sizes


def _plain(x: Any, labels: list[Hashable], sizes: dict[Hashable, int]) -> _Piece:
    """An operand with every label once, and without the axes of size 1 that broadcast."""
    kept = [at for at, label in enumerate(labels) if x.shape[at] == sizes[label]]
    x, labels = reshaped(x, tuple([x.shape[at] for at in kept])), [labels[at] for at in kept]
    for label in [label for label, count in Counter(labels).items() if count > 1]:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = diagonal_in_front(x, 0, first, second)
            del labels[second], labels[first]
            labels.insert(0, label)
    return _Piece(x, tuple(labels))


# --- multiplying ----------------------------------------------------------------------------------


def _without_lone(pieces: list[_Piece], out: tuple[Hashable, ...]) -> list[_Piece]:
    """Labels that one operand alone has, and the result has not, are summed away first."""
    counts = Counter(label for piece in pieces for label in piece.labels)
    found = []
    for value, labels in pieces:
        lone = [at for at, label in enumerate(labels) if counts[label] == 1 and label not in out]
        if lone:
            whole = convert(value, "int64") if value.dtype.kind == "b" else value
            value = total(whole, tuple(lone))
        rest = [label for at, label in enumerate(labels) if at not in lone]
        found.append(_Piece(value, tuple(rest)))
    return found


def _plan(pieces: Sequence[_Piece], out: tuple[Hashable, ...]) -> list[tuple[int, ...]]:
    """Which operands are multiplied one after the other; products join at the end of the list."""
    count = len(pieces)
    every = dict.fromkeys(label for piece in pieces for label in piece.labels)
    number = {label: at for at, label in enumerate(every)}
    if count < 3 or len(number) > _MOST_PLANNED:
        return [tuple(range(count))] if count > 1 else []
    given: list[Any] = []
    for value, labels in pieces:
        shape = tuple([max(size, 1) for size in value.shape])
        given += [np.broadcast_to(0.0, shape), [number[label] for label in labels]]
    given.append([number[label] for label in out])
    strategy = "optimal" if count <= _MOST_OPTIMAL else "greedy"
    path, _ = np.einsum_path(*given, optimize=(strategy, _UNLIMITED))
    return [tuple(step) for step in path[1:]]


def _product(a: _Piece, b: _Piece, later: set[Hashable], out: tuple[Hashable, ...]) -> _Piece:
    """Two pieces multiplied; labels that nothing needs any more are summed over."""
    both = [label for label in a.labels if label in b.labels and label in later]
    first = [label for label in a.labels if label not in b.labels]
    second = [label for label in b.labels if label not in a.labels]
    labels = (*both, *first, *second)
    if {*labels} == {*out}:
        labels = out
    elif a.labels == b.labels:
        labels = tuple([label for label in a.labels if label in later])
    return _Piece(multiplied(a.value, b.value, a.labels, b.labels, labels), labels)
