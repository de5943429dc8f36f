"""The page's own job for a formula, but for two formulas: their worker dies, or is never done."""

from __future__ import annotations

import os
from typing import Any

from chainrule.page.asking import content_for

DIES = "dies + 1"
SPINS = "spins + 1"


def content(request: dict[str, Any]) -> dict[str, Any]:
    if request["source"] == DIES:
        os.abort()
    while request["source"] == SPINS:
        pass
    return content_for(request)
