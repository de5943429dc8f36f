"""Functions on arrays that are made of primitives: no rules of their own, NumPy's names.

Importing this package fills the tables `chainrule.ops.composite.table.COVERED` and ``NAMED``.
"""

from chainrule.ops.composite import (
    decompositions,
    einsum,
    elementwise,
    indexing,
    joining,
    linalg,
    lines,
    norms,
    ordering,
    patterns,
    products,
    running,
    scipy_linalg,
    shaping,
    signals,
    stable,
    statistics,
)

__all__ = [
    "decompositions",
    "einsum",
    "elementwise",
    "indexing",
    "joining",
    "linalg",
    "lines",
    "norms",
    "ordering",
    "patterns",
    "products",
    "running",
    "scipy_linalg",
    "shaping",
    "signals",
    "stable",
    "statistics",
]
