"""Functions on arrays that are made of primitives: no rules of their own, NumPy's names.

Importing this package fills the tables `chainrule.ops.composite.table.COVERED` and ``NAMED``.
"""

from chainrule.ops.composite import (
    choices,
    covariance,
    differences,
    einsum,
    elementwise,
    indexing,
    joining,
    lines,
    missing,
    norms,
    ordering,
    patterns,
    polynomials,
    products,
    quantiles,
    running,
    shaping,
    signals,
    stable,
    statistics,
)

__all__ = [
    "choices",
    "covariance",
    "differences",
    "einsum",
    "elementwise",
    "indexing",
    "joining",
    "lines",
    "missing",
    "norms",
    "ordering",
    "patterns",
    "polynomials",
    "products",
    "quantiles",
    "running",
    "shaping",
    "signals",
    "stable",
    "statistics",
]
