"""Counts in words."""

from __future__ import annotations

from chainrule.show.numbers import count


def counted(number: int, noun: str) -> str:
    """A number of things; what one of them is called in the plural ends in ``s``.

    >>> counted(1, "more node"), counted(20, "more node")
    ('1 more node', '20 more nodes')
    """
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"
