"""Functions on arrays that are made of primitives: no rules of their own, NumPy's names.

Importing this package fills the table of NumPy functions, `chainrule.ops.composite.table.COVERED`.
"""

from chainrule.ops.composite import (
    elementwise,
    indexing,
    joining,
    norms,
    patterns,
    products,
    running,
    shaping,
    stable,
    statistics,
)

__all__ = [
    "elementwise",
    "indexing",
    "joining",
    "norms",
    "patterns",
    "products",
    "running",
    "shaping",
    "stable",
    "statistics",
]
