"""How large a formula may be: a text from a stranger costs bounded time and memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of reading; going beyond one raises LimitError with a code of its own.

    Attributes:
        length: E151, characters of the text.
        depth: E152, brackets, signs, roots and exponents open at once.
        nodes: E153, operations applied; calls of functions that the text defines count, too.
        digits: E154, characters of one number (a number beyond the largest float is E154, too).
        exponent: E155, the size of a literal exponent.

    >>> Limits(length=100).depth
    1000
    """

    length: int = 1_000_000
    depth: int = 1000
    nodes: int = 1_000_000
    digits: int = 400
    exponent: int = 1_000_000
