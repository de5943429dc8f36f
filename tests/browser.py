"""Chromium for tests, driven by Playwright: the one on PATH; none is ever downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_VARIABLE = "CHAINRULE_BROWSER"
_PATIENCE_MS = 30_000
"""What is expected of a page may take so long where the machine is slow."""


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser without windows; where there is none, the test is skipped.

    With ``CHAINRULE_BROWSER=required`` it fails instead.
    """
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        reason = f"there is no browser on PATH: {', '.join(_NAMES)}"
        if os.environ.get(_VARIABLE) == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()
