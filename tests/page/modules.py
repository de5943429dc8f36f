"""Modules of the page by themselves, without the page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from playwright.sync_api import Page

from chainrule.page import bundle


def evaluate(page: Page, module: str, exports: str, expression: str, given: Any = None) -> Any:
    """What an expression of JavaScript gives, with exports of a module in it as ``m``."""
    code = "\n".join(map(bundle._bare, bundle._in_order(module, {})))
    source = base64.b64encode(f"{code}\nexport {{ {exports} }};".encode()).decode()
    script = (
        "async ([source, given]) => {"
        "const m = await import(`data:text/javascript;base64,${source}`);"
        f"return {expression}; }}"
    )
    return page.evaluate(script, [source, given])


DOUBLES = "new Float64Array(Uint8Array.from(atob(given[0]), (c) => c.charCodeAt(0)).buffer)"
"""Numbers from `packed`, bit by bit."""


def packed(numbers: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, np.float64).tobytes()).decode()
