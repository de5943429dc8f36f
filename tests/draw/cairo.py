"""cairosvg, which loads a library of the system: what needs it is skipped where that is missing."""

import pytest

try:
    import cairosvg

    reason = ""
except (ImportError, OSError) as error:
    cairosvg = None
    reason = str(error).splitlines()[0]

needs_cairo = pytest.mark.skipif(cairosvg is None, reason=f"cairo cannot be loaded: {reason}")
