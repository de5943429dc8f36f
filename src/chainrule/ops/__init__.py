"""The primitives: importing this package fills the table ``chainrule.graph.op.OPS``.

To add an operation, write one block in the file of its family.
"""

from chainrule.ops import (
    abstract,
    activation,
    arithmetic,
    branches,
    contract,
    copies,
    custom,
    decompose,
    determinant,
    division,
    elementary,
    index,
    loops,
    matrix_functions,
    rearrange,
    reduce,
    replay,
    select,
    several,
    special,
    systems,
    windows,
)

__all__ = [
    "abstract",
    "activation",
    "arithmetic",
    "branches",
    "contract",
    "copies",
    "custom",
    "decompose",
    "determinant",
    "division",
    "elementary",
    "index",
    "loops",
    "matrix_functions",
    "rearrange",
    "reduce",
    "replay",
    "select",
    "several",
    "special",
    "systems",
    "windows",
]
