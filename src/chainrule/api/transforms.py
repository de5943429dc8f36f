"""Functions to functions: gradients and other derivatives of Python code over NumPy arrays.

A function is traced once for each kind of arguments (shapes, dtypes, values that are not arrays)
and for each state of what it reads besides; then its derivative graph is run. Inside of another
trace the derivative graph becomes part of that trace, so that all of this nests to any depth.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

from chainrule.api.graph import Graph
from chainrule.api.linear import jvp
from chainrule.api.plans import Plan, Pure, plan_of, transform
from chainrule.api.tracing import (
    Arguments,
    Trace,
    arguments_of,
    dag_of_trace,
    run,
    symbolic,
)
from chainrule.api.tree import Structure, mapped
from chainrule.api.wanted import (
    Wanted,
    names_of,
    nested,
    positions,
    require_float_results,
)
from chainrule.diff.blocks import blocks
from chainrule.diff.build import dependent
from chainrule.diff.flow import one
from chainrule.diff.reverse import adjoints
from chainrule.errors import DerivativeError, GraphError
from chainrule.graph import walk
from chainrule.graph.node import Node
from chainrule.ops import select
from chainrule.ops.term import Term


def trace(function: Pure) -> Callable[..., Graph]:
    """A Python function over NumPy arrays as a graph, for arguments like those it is called with.

    Names of arguments and keys of dicts name the inputs: ``params["w"]`` is ``params_w``. Variables
    of the function name the nodes they hold at its end.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def loss(w, x):
    ...     z = w @ x
    ...     return np.sum(np.tanh(z))
    >>> graph = cr.trace(loss)(np.ones((2, 3)), np.ones(3))
    >>> graph.arguments
    ('w', 'x')
    >>> graph.at(np.ones((2, 3)), np.ones(3))["z"].value
    array([3., 3.])

    Args:
        function: It runs once, on symbolic arrays in place of arrays and floats; whole numbers,
            truth values and other objects stay as they are.

    Raises:
        TracingError: E230 to E238, at the line that cannot be traced.
        GraphError: E233 for a result that is not an array.
    """

    @functools.wraps(function)
    def traced(*positional: Any, **keywords: Any) -> Graph:
        arguments = arguments_of(function, positional, keywords)
        names = [arguments.names[at] for at in arguments.traced]
        return Graph(dag_of_trace(run(function, arguments), names))

    return traced


def jit(function: Pure) -> Pure:
    """A function that is traced once for each kind of arguments; afterwards its graph runs.

    Floats become float64 numbers of NumPy; arguments that are not arrays are part of the kind. The
    graph for some arguments is what ``.trace`` gives, as `trace` does.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> @cr.jit
    ... def norm(x, order=2):
    ...     return np.sum(abs(x) ** order) ** (1 / order)
    >>> norm(np.array([3.0, 4.0]))
    np.float64(5.0)
    >>> norm.trace(np.array([3.0, 4.0]))
    <Graph of (x): sum(abs(x)^2)^0.5>

    Args:
        function: Of arrays, floats, and structures of them, with a result of any structure.

    Raises:
        TracingError: E230 to E238, at the line that cannot be traced.
    """

    def build(trace: Trace, _: Arguments) -> Plan:
        return plan_of(trace.inputs, trace.results, trace.structure)

    compiled: Any = transform(function, ("value",), build)
    compiled.trace = trace(function)
    return cast("Pure", compiled)


def stop_gradient(value: Any) -> Any:
    """The value itself, which derivatives take for a constant.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: x * cr.stop_gradient(x))(3.0)
    np.float64(3.0)

    Args:
        value: An array, or a structure of them.
    """
    return mapped(
        lambda leaf: select.stop_gradient(leaf) if isinstance(leaf, Term) else leaf, value
    )


def grad(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] = (),
    has_aux: bool = False,
) -> Pure:
    """The gradient of a function with one number as its result.

    The gradient is structured like the argument; with several ``argnums`` it is a tuple.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> cr.grad(cr.grad(lambda x: x**3))(2.0)
    np.float64(12.0)

    Args:
        function: Of arrays, floats, and structures of them; what it reads besides is constant.
        argnums: Positions of the arguments to differentiate by; negative ones from the end.
        argnames: Names of keyword arguments to differentiate by as well; then the result is
            (gradients by position, gradients by name).
        has_aux: The function gives (value, something else), the gradient (gradient, that).

    Raises:
        DerivativeError: E331 for arguments that are not floating-point numbers, E333 for a result
            that is not one number.
        TracingError: E230 to E238, at the line that cannot be traced.
    """
    both = value_and_grad(function, argnums, argnames=argnames, has_aux=has_aux)

    @functools.wraps(function)
    def gradient(*positional: Any, **keywords: Any) -> Any:
        value, found = both(*positional, **keywords)
        return (found, value[1]) if has_aux else found

    return gradient


def value_and_grad(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    argnames: str | Sequence[str] = (),
    has_aux: bool = False,
) -> Pure:
    """The value of a function and its gradient, computed together; see `grad`.

    >>> import chainrule as cr
    >>> cr.value_and_grad(lambda x: x**3)(2.0)
    (np.float64(8.0), np.float64(12.0))
    """
    wanted = Wanted(positions(argnums), names_of(argnames))

    def build(trace: Trace, arguments: Arguments) -> Plan:
        chosen = wanted.leaves(arguments, trace)
        results = list(trace.results)
        structure = trace.structure
        if has_aux and (structure.kind is not tuple or len(structure.parts) != 2):
            raise GraphError("E233", "with has_aux=True the function gives (value, something else)")
        first = structure.parts[0] if has_aux else structure
        output = _scalar(first, results)
        results[0] = Term(output)
        order = walk.depth_first([output])
        start = (output, one(output.type))
        flow = adjoints(order, [start], dependent(order, chosen.nodes))
        return plan_of(
            trace.inputs,
            [*results, *map(flow.of, chosen.nodes)],
            Structure(tuple, (0, 1), (structure, chosen.structure)),
        )

    return transform(function, ("gradient", wanted, has_aux), build)


def jacobian(function: Pure, argnums: int | Sequence[int] = 0, *, mode: str = "auto") -> Pure:
    """All derivatives of a function's results by an argument: shape of the result, then of it.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])

    Args:
        function: As for `grad`, with a result of any structure.
        argnums: Positions of the arguments to differentiate by.
        mode: ``"forward"``, ``"reverse"``, or ``"auto"``: what needs fewer passes.

    Raises:
        DerivativeError: E331 for what is not a floating-point number, E336 for an unknown mode.
    """
    if mode not in ("auto", "forward", "reverse"):
        raise DerivativeError("E336", f"unknown mode {mode!r}; use 'auto', 'forward' or 'reverse'")
    wanted = Wanted(positions(argnums), ())

    def build(trace: Trace, arguments: Arguments) -> Plan:
        chosen = wanted.leaves(arguments, trace)
        outputs = [symbolic(result) for result in trace.results]
        require_float_results(outputs)
        made = blocks(outputs, chosen.nodes, mode)
        return plan_of(trace.inputs, made, nested(trace.structure, chosen.structure))

    return transform(function, ("jacobian", wanted, mode), build)


def hessian(function: Pure, argnums: int | Sequence[int] = 0) -> Pure:
    """All second derivatives of a function with one number as its result: forward over reverse.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])

    Args:
        function: As for `grad`.
        argnums: Positions of the arguments to differentiate by; with several, blocks in tuples.

    Raises:
        DerivativeError: as for `grad`.
    """
    return jacobian(grad(function, argnums), argnums, mode="forward")


def hvp(function: Pure, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of a function times a vector, without the Hessian: forward over reverse.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])

    Args:
        function: As for `grad`.
        primals: The arguments.
        tangents: The vector, structured like them.

    Returns:
        Structured like the argument; a tuple with several.
    """
    count = len(primals)
    gradient = grad(function, 0 if count == 1 else tuple(range(count)))
    return jvp(gradient, primals, tangents)[1]


# --- results --------------------------------------------------------------------------------------


def _scalar(structure: Structure, results: Sequence[Any]) -> Node:
    """The only number that a function gave; raises DerivativeError E333, E331."""
    if structure.kind is not None:
        gave = "several" if structure.leaves else "none"
        raise DerivativeError("E333", f"a gradient needs one number, the function gave {gave}")
    output = symbolic(results[0])
    if output.type.shape:
        raise DerivativeError(
            "E333",
            f"a gradient needs one number, the function gave shape {list(output.type.shape)}; "
            "use np.sum or np.mean, or jacobian",
        )
    require_float_results([output])
    return output
