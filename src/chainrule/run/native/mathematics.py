"""Our own functions in vectors."""

from typing import Final

from chainrule.run.native.lanes import Define

FUNCTIONS: Final[dict[str, Define]] = {}
