"""The primitives: importing this package fills the table ``chainrule.graph.op.OPS``.

To add an operation, write one block in the file of its family.
"""

from chainrule.ops import (
    abstract,
    activation,
    arithmetic,
    contract,
    copies,
    elementary,
    index,
    rearrange,
    reduce,
    select,
    special,
    windows,
)

__all__ = [
    "abstract",
    "activation",
    "arithmetic",
    "contract",
    "copies",
    "elementary",
    "index",
    "rearrange",
    "reduce",
    "select",
    "special",
    "windows",
]
