"""Functions to functions: gradients and other derivatives of Python code over NumPy arrays.

A function is traced once for each kind of arguments (shapes, dtypes, values that are not arrays)
and for each state of what it reads besides; then its derivative graph is run. Inside of another
trace the derivative graph becomes part of that trace, so that all of this nests to any depth.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.api.graph import Graph
from chainrule.api.linear import jvp
from chainrule.api.plans import Derived, Plan, Pure, plan_of
from chainrule.api.sparse import sparse_hessian, sparse_jacobian
from chainrule.api.tracing import (
    Arguments,
    Trace,
    arguments_of,
    dag_of_trace,
    joined,
    run,
    symbolic,
)
from chainrule.api.tree import mapped
from chainrule.api.wanted import (
    Wanted,
    names_of,
    nested,
    positions,
    require_float_results,
    scalar_result,
    tuple_of,
)
from chainrule.diff.blocks import blocks
from chainrule.diff.build import dependent
from chainrule.diff.flow import one
from chainrule.diff.reverse import adjoints
from chainrule.errors import DerivativeError, GraphError
from chainrule.graph import walk
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


def stop_gradient(value: Any) -> Any:
    """The value itself, which derivatives take for a constant.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: x * cr.stop_gradient(x))(3.0)
    np.float64(3.0)

    Args:
        value: An array, or a structure of them.
    """

    def stopped(leaf: Any) -> Any:
        whole = joined(leaf)
        return select.stop_gradient(whole) if isinstance(whole, Term) else leaf

    return mapped(stopped, value)


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
    return _gradient(function, argnums, argnames, has_aux, with_value=False)


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
    return _gradient(function, argnums, argnames, has_aux, with_value=True)


def _gradient(
    function: Pure,
    argnums: int | Sequence[int],
    argnames: str | Sequence[str],
    has_aux: bool,
    with_value: bool,
) -> Pure:
    """The gradient, with ``with_value`` behind the value, and with ``has_aux`` with what else."""
    wanted = Wanted(positions(argnums), names_of(argnames))

    def build(trace: Trace, arguments: Arguments) -> Plan:
        chosen = wanted.leaves(arguments, trace)
        results = list(trace.results)
        structure = trace.structure
        if has_aux and (structure.kind is not tuple or len(structure.parts) != 2):
            raise GraphError("E233", "with has_aux=True the function gives (value, something else)")
        first = structure.parts[0] if has_aux else structure
        output = scalar_result(first, results)
        results[0] = Term(output)
        order = walk.depth_first([output])
        start = (output, one(output.type))
        flow = adjoints(order, [start], dependent(order, chosen.nodes))
        found = list(map(flow.of, chosen.nodes))
        if with_value:
            parts = [structure, chosen.structure]
            return plan_of(trace.inputs, [*results, *found], tuple_of(parts))
        if has_aux:
            parts = [chosen.structure, structure.parts[1]]
            return plan_of(trace.inputs, [*found, *results[1:]], tuple_of(parts))
        return plan_of(trace.inputs, found, chosen.structure)

    request = ("value and gradient" if with_value else "gradient", wanted, has_aux)
    return Derived(function, request, build)


def jacobian(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    mode: str = "auto",
    sparse: bool = False,
) -> Pure:
    """All derivatives of a function's results by an argument: shape of the result, then of it.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> cr.jacobian(lambda x: x**2, sparse=True)(np.array([1.0, 2.0]))
    <Compressed Sparse Row sparse array of dtype 'float64'
        with 2 stored elements and shape (2, 2)>

    Args:
        function: As for `grad`, with a result of any structure.
        argnums: Positions of the arguments to differentiate by.
        mode: ``"forward"``, ``"reverse"``, or ``"auto"``: what needs fewer passes. Sparse ones may
            be ``"mixed"``, too.
        sparse: Give each block as a ``scipy.sparse.csr_array``, a row for each element of the
            result and a column for each element of the argument, with an entry wherever a
            derivative can be other than zero. Entries that do not meet are computed in one pass;
            `sparsity` says how many there are. What they are is found at the first call, and again
            for other whole numbers among the arguments, which may be indices.

    Raises:
        DerivativeError: E331 for what is not a floating-point number, E336 for an unknown mode,
            E339 for a sparse one inside of a trace.
        LimitError: E159 for derivatives that are not sparse.
    """
    if sparse:
        return sparse_jacobian(function, argnums, mode)
    if mode not in ("auto", "forward", "reverse"):
        raise DerivativeError("E336", f"unknown mode {mode!r}; use 'auto', 'forward' or 'reverse'")
    wanted = Wanted(positions(argnums), ())

    def build(trace: Trace, arguments: Arguments) -> Plan:
        chosen = wanted.leaves(arguments, trace)
        outputs = [symbolic(result) for result in trace.results]
        require_float_results(outputs)
        made = blocks(outputs, chosen.nodes, mode)
        return plan_of(trace.inputs, made, nested(trace.structure, chosen.structure))

    return Derived(function, ("jacobian", wanted, mode), build)


def hessian(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    sparse: bool = False,
    recovery: str = "direct",
) -> Pure:
    """All second derivatives of a function with one number as its result: forward over reverse.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])

    Args:
        function: As for `grad`.
        argnums: Positions of the arguments to differentiate by; with several, blocks in tuples.
        sparse: Give each block as a ``scipy.sparse.csr_array``, as `jacobian` does.
        recovery: How the entries of a sparse one are found: ``"direct"``, each is a number that was
            computed; ``"substitution"``, some are differences of others, for fewer passes.

    Raises:
        DerivativeError: as for `grad`; E336 for an unknown recovery, E339 for a sparse one inside
            of a trace.
        LimitError: E159 for derivatives that are not sparse.
    """
    if sparse:
        return sparse_hessian(function, argnums, recovery)
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
