"""Numbers as text that reads back exactly."""

from __future__ import annotations

from typing import Any

import numpy as np


def numeral(value: Any) -> str:
    """The shortest text that reads back as this number; whole floats lose their ``.0``.

    >>> numeral(2.0), numeral(-0.0), numeral(0.1), numeral(1e300), numeral(True)
    ('2', '-0', '0.1', '1e300', 'true')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"[{', '.join(map(numeral, value[:3]))}{', …' if len(value) > 3 else ''}]"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = str(value).replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return text.removesuffix(".0")
