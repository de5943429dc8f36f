"""What tests, doctests and texts share: they leave the user's own cache of machine code alone."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

_VARIABLE = "CHAINRULE_CACHE"
_folders: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """A folder of the session; the workers of xdist inherit it."""
    if not hasattr(config, "workerinput"):
        _folders.append(tempfile.mkdtemp(prefix="chainrule-tests-"))
        os.environ[_VARIABLE] = _folders[0]


def pytest_unconfigure() -> None:
    """The folder goes with the session."""
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)
