"""Write a formula, see its computation graph, follow every value and every derivative through it.

>>> import chainrule as cr
>>> record = cr.parse("(x + y) * (x + 1)").at(x=2, y=1)
>>> record.value, record.gradient
(9.0, {'x': 6.0, 'y': 3.0})

Every operation of the table is a function here too: ``cr.exp``, ``cr.where``, ``cr.sigmoid``, ….
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from chainrule.api.array import (
    Array,
    constant,
    input,
    inputs,
    parameter,
    parameters,
)
from chainrule.api.batching import vmap
from chainrule.api.custom import checkpoint, custom_derivative
from chainrule.api.flow.branches import cond, switch
from chainrule.api.flow.loops import fori_loop, map, scan, while_loop
from chainrule.api.graph import Graph
from chainrule.api.jit import jit
from chainrule.api.layered import layered
from chainrule.api.linear import jvp, linearize, vjp
from chainrule.api.node_record import NodeRecord
from chainrule.api.record import Record
from chainrule.api.sources import graph, load, parse
from chainrule.api.sparse import sparsity
from chainrule.api.transforms import (
    grad,
    hessian,
    hvp,
    jacobian,
    stop_gradient,
    trace,
    value_and_grad,
)
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
    TracingError,
)
from chainrule.formula.limits import Limits
from chainrule.graph.op import OPS
from chainrule.ops.composite.table import NAMED
from chainrule.ops.term import Function

if TYPE_CHECKING:
    from chainrule.api.exercises import exercise
    from chainrule.api.implicit import fixed_point, root
    from chainrule.api.ode import odeint
    from chainrule.api.plots import Plot
    from chainrule.api.solvers.problem import scipy
    from chainrule.draw.drawing import Drawing

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
    "TracingError",
    "checkpoint",
    "cond",
    "constant",
    "custom_derivative",
    "exercise",
    "fixed_point",
    "fori_loop",
    "grad",
    "graph",
    "hessian",
    "hvp",
    "input",
    "inputs",
    "jacobian",
    "jit",
    "jvp",
    "layered",
    "linearize",
    "load",
    "map",
    "odeint",
    "parameter",
    "parameters",
    "parse",
    "root",
    "scan",
    "scipy",
    "sparsity",
    "stop_gradient",
    "switch",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]


_LATE: Final = {
    "Drawing": "chainrule.draw.drawing",
    "Plot": "chainrule.api.plots",
    "exercise": "chainrule.api.exercises",
    "fixed_point": "chainrule.api.implicit",
    "odeint": "chainrule.api.ode",
    "root": "chainrule.api.implicit",
    "scipy": "chainrule.api.solvers.problem",
}
"""Public names whose modules are loaded when somebody asks for them."""


def __getattr__(name: str) -> Any:
    """The operations and functions, straight from the tables: adding one takes one block there."""
    if name in _LATE:
        found: Any = getattr(importlib.import_module(_LATE[name]), name)
    else:
        found = _named(name)
    if found is None:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    globals()[name] = found
    return found


def _named(name: str) -> Callable[..., Any] | None:
    """A pointwise operation, or a function on arrays by NumPy's name."""
    op = OPS.get(name)
    return Function(op) if op is not None and op.pointwise and not op.is_leaf else NAMED.get(name)


def __dir__() -> list[str]:
    names = [name for name in {**OPS, **NAMED} if _named(name) is not None]
    return [*__all__, "__version__", *names]
