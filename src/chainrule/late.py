"""Modules that are loaded when something of them is first used: drawings, checks, explanations.

Half of the package is not needed to build, run and differentiate a graph; loading it takes longer
than all the rest. And of what makes machine code, little is needed where the cache has the code.
"""

from __future__ import annotations

import importlib
from typing import Any


class Late:
    """A module that is not loaded yet; asking for what is in it loads it.

    >>> fractions = Late("fractions")
    >>> fractions.Fraction(1, 2)
    Fraction(1, 2)
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, found)
        return found
