"""What tests of solvers share."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest


@pytest.fixture
def passed(monkeypatch):
    """What a solver of SciPy's is called with, and how often it calls the function."""

    def watch(module, name):
        seen = SimpleNamespace(calls=0)
        solver = getattr(module, name)

        def recording(function, *positional, **keywords):
            @functools.wraps(function)
            def counted(*args):
                seen.calls += 1
                return function(*args)

            seen.function, seen.positional, seen.keywords = function, positional, keywords
            return solver(counted, *positional, **keywords)

        monkeypatch.setattr(module, name, recording)
        return seen

    return watch
