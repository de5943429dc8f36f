"""Write a formula, see its computation graph, follow every value and every derivative through it.

>>> import chainrule as cr
>>> record = cr.parse("(x + y) * (x + 1)").at(x=2, y=1)
>>> record.value, record.gradient
(9.0, {'x': 6.0, 'y': 3.0})

Every operation of the table is a function here too: ``cr.exp``, ``cr.where``, ``cr.sigmoid``, ….
"""

from typing import Final

from chainrule.api.array import (
    Array,
    constant,
    input,
    inputs,
    parameter,
    parameters,
)
from chainrule.api.graph import Graph
from chainrule.api.layered import layered
from chainrule.api.plots import Plot
from chainrule.api.record import NodeRecord, Record
from chainrule.api.sources import graph, load, parse
from chainrule.draw.drawing import Drawing
from chainrule.errors import (
    ChainruleError,
    ChainruleWarning,
    DerivativeError,
    DrawingError,
    EvaluationError,
    FileError,
    FormulaError,
    GraphError,
    LimitError,
    MissingExtraError,
)
from chainrule.formula.limits import Limits
from chainrule.graph.op import OPS
from chainrule.ops.term import Function

__version__: Final = "0.1.0"

__all__ = [
    "Array",
    "ChainruleError",
    "ChainruleWarning",
    "DerivativeError",
    "Drawing",
    "DrawingError",
    "EvaluationError",
    "FileError",
    "FormulaError",
    "Graph",
    "GraphError",
    "LimitError",
    "Limits",
    "MissingExtraError",
    "NodeRecord",
    "Plot",
    "Record",
    "constant",
    "graph",
    "input",
    "inputs",
    "layered",
    "load",
    "parameter",
    "parameters",
    "parse",
]


def __getattr__(name: str) -> Function:
    """The operations, straight from the table: one block there is all it takes to add one."""
    op = OPS.get(name)
    if op is None or op.is_leaf:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    function = globals()[name] = Function(op)
    return function


def __dir__() -> list[str]:
    return [*__all__, "__version__", *(name for name, op in OPS.items() if not op.is_leaf)]
