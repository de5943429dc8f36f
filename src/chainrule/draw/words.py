"""Words in drawings: counts, and words among mathematics."""

from __future__ import annotations

from chainrule.show.numbers import count


def counted(number: int, noun: str) -> str:
    """A number of things; what one of them is called in the plural ends in ``s``.

    >>> counted(1, "more node"), counted(20, "more node")
    ('1 more node', '20 more nodes')
    """
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def as_words(text: str) -> str:
    r"""Plain text as mathematics sets it.

    >>> print(as_words("50% of a_1"))
    \text{50\% of a\_1}
    """
    escaped = "".join(f"\\{letter}" if letter in "#$%&_{}" else letter for letter in text)
    return rf"\text{{{escaped}}}"
