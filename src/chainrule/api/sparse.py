"""Sparse derivatives of functions: the pattern, the colouring and the passes are planned once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from chainrule.api.plans import Pure, number, planned
from chainrule.api.tracing import Arguments, Trace, arguments_of, captured, symbolic
from chainrule.api.tree import Structure
from chainrule.api.wanted import Wanted, nested, positions, require_float_results, scalar_result
from chainrule.api.watch import fingerprint_of
from chainrule.diff.build import dependent
from chainrule.diff.compression import (
    Compression,
    Mode,
    Recovery,
    compression,
    symmetric_compression,
)
from chainrule.diff.flow import one
from chainrule.diff.known import Known
from chainrule.diff.patterns import symmetric
from chainrule.diff.reverse import adjoints
from chainrule.diff.sparsity import jacobian_pattern
from chainrule.errors import DerivativeError
from chainrule.graph import walk
from chainrule.graph.node import Node
from chainrule.late import Late
from chainrule.ops.term import Term
from chainrule.run.compressed import Compressed

if TYPE_CHECKING:
    from chainrule.api import pattern
    from chainrule.api.pattern import Sparsity
else:
    pattern = Late("chainrule.api.pattern")

Derivative = Literal["jacobian", "hessian"]


class SparsePlan(NamedTuple):
    """Derivatives of a traced function as sparse matrices, ready for any arguments of its kind.

    Attributes:
        inputs: The nodes of the arguments that are arrays.
        structure: Of the result, whose leaves are blocks.
        chosen: For each block which of those that are computed it is.
        free: Nodes of other traces that the results depend on.
        compression: The passes.
        compressed: From the arguments to the blocks; None with ``free`` nodes.
    """

    inputs: tuple[Node, ...]
    structure: Structure
    chosen: tuple[int, ...]
    free: tuple[Node, ...]
    compression: Compression
    compressed: Compressed | None


def sparse_jacobian(function: Pure, argnums: int | Sequence[int], mode: str) -> Pure:
    """As ``jacobian``, blocks as sparse matrices."""
    return _evaluated(function, *_jacobian(argnums, mode))


def sparse_hessian(function: Pure, argnums: int | Sequence[int], recovery: str) -> Pure:
    """As ``hessian``, blocks as sparse matrices."""
    return _evaluated(function, *_hessian(argnums, recovery))


def sparsity(
    function: Pure,
    argnums: int | Sequence[int] = 0,
    *,
    of: Derivative = "jacobian",
    mode: Mode = "auto",
    recovery: Recovery = "direct",
) -> Callable[..., Sparsity]:
    """Which derivatives of a function can be other than zero, and how many passes find them.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> found = cr.sparsity(lambda x: x[1:] * x[:-1])(np.ones(5))
    >>> found.pattern.toarray().astype(int)
    array([[1, 1, 0, 0, 0],
           [0, 1, 1, 0, 0],
           [0, 0, 1, 1, 0],
           [0, 0, 0, 1, 1]])
    >>> print(found)
    Sparsity of the Jacobian: 4 × 5, 8 of 20 entries may not be zero
    Way                                   Forward  Reverse  Passes
    ────────────────────────────────────  ───────  ───────  ──────
    compressed, by columns of one colour        2        0       2
    dense, forward mode                         5        0       5
    dense, reverse mode                         0        4       4

    Args:
        function: Of arrays, floats, and structures of them, as for ``jacobian``; arrays of whole
            numbers and truth values among the arguments are taken as they are, so that indices and
            masks are known.
        argnums: Positions of the arguments to differentiate by.
        of: Of the ``"jacobian"`` or of the ``"hessian"``.
        mode: For a Jacobian ``"forward"``, ``"reverse"``, ``"mixed"`` or ``"auto"``.
        recovery: For a Hessian ``"direct"`` or ``"substitution"``.

    Raises:
        DerivativeError: as for ``jacobian`` and ``hessian``.
        LimitError: E159 where the derivatives are not sparse.
    """
    if of not in get_args(Derivative):
        raise DerivativeError("E336", f"unknown derivative {of!r}; use 'jacobian' or 'hessian'")
    request, build = _hessian(argnums, recovery) if of == "hessian" else _jacobian(argnums, mode)

    @functools.wraps(function)
    def explained(*positional: Any, **keywords: Any) -> Sparsity:
        arguments = arguments_of(function, positional, keywords)
        plan = planned(
            function, fingerprint_of(function), (*request, _numbers(arguments)), arguments, build
        )
        return pattern.Sparsity(plan.compression, of)

    return explained


Build = Callable[[Trace, Arguments], SparsePlan]


def _jacobian(argnums: int | Sequence[int], mode: str) -> tuple[tuple[Any, ...], Build]:
    wanted = Wanted(positions(argnums), ())

    def build(trace: Trace, arguments: Arguments) -> SparsePlan:
        chosen = wanted.leaves(arguments, trace)
        outputs = [symbolic(result) for result in trace.results]
        require_float_results(outputs)
        nodes = list(dict.fromkeys(chosen.nodes))
        pattern = jacobian_pattern(outputs, nodes, _known(trace, arguments))
        plan = compression(pattern, mode)  # type: ignore[arg-type]  # it checks the mode
        structure = nested(trace.structure, chosen.structure)
        return _planned(trace, outputs, chosen.nodes, plan, structure)

    return ("sparse jacobian", wanted, mode), build


def _hessian(argnums: int | Sequence[int], recovery: str) -> tuple[tuple[Any, ...], Build]:
    wanted = Wanted(positions(argnums), ())

    def build(trace: Trace, arguments: Arguments) -> SparsePlan:
        chosen = wanted.leaves(arguments, trace)
        output = scalar_result(trace.structure, trace.results)
        order = walk.depth_first([output])
        nodes = list(dict.fromkeys(chosen.nodes))
        flow = adjoints(order, [(output, one(output.type))], dependent(order, nodes))
        gradient = list(map(flow.of, nodes))
        pattern = symmetric(jacobian_pattern(gradient, nodes, _known(trace, arguments)))
        plan = symmetric_compression(pattern, recovery)  # type: ignore[arg-type]  # as above
        structure = nested(chosen.structure, chosen.structure)
        rows = [nodes.index(node) for node in chosen.nodes]
        return _planned(trace, gradient, chosen.nodes, plan, structure, rows)

    return ("sparse hessian", wanted, recovery), build


def _planned(
    trace: Trace,
    outputs: Sequence[Node],
    wrt: Sequence[Node],
    plan: Compression,
    structure: Structure,
    rows: Sequence[int] | None = None,
) -> SparsePlan:
    """The plan; nodes that are asked for more than once are differentiated by once."""
    nodes = list(dict.fromkeys(wrt))
    rows = range(len(outputs)) if rows is None else rows
    chosen = [row * len(nodes) + nodes.index(node) for row in rows for node in wrt]
    free = tuple(captured(outputs, trace.inputs))
    made = None if free else Compressed(trace.inputs, outputs, nodes, plan)
    return SparsePlan(trace.inputs, structure, tuple(chosen), free, plan, made)


def _evaluated(function: Pure, request: tuple[Any, ...], build: Build) -> Pure:
    """A function that plans once for each kind of arguments, then runs the passes."""

    @functools.wraps(function)
    def transformed(*positional: Any, **keywords: Any) -> Any:
        arguments = arguments_of(function, positional, keywords)
        plan = planned(
            function, fingerprint_of(function), (*request, _numbers(arguments)), arguments, build
        )
        values = [arguments.values[at] for at in arguments.traced]
        if plan.compressed is None or any(isinstance(value, Term) for value in values):
            raise DerivativeError(
                "E339",
                "a sparse derivative is a matrix of numbers, it cannot be part of a trace; leave "
                "out sparse=True there",
            )
        types = [node.type for node in plan.inputs]
        blocks = plan.compressed(*map(number, values, types))
        made = [blocks[at] for at in plan.chosen]
        repeated = len(set(plan.chosen)) < len(made)
        return plan.structure.build([block.copy() for block in made] if repeated else made)

    return transformed


def _known(trace: Trace, arguments: Arguments) -> Known:
    """The whole numbers and truth values among the arguments."""
    values = [arguments.values[at] for at in arguments.traced]
    pairs = zip(trace.inputs, values, strict=True)
    return Known({
        node: number(value, node.type)
        for node, value in pairs
        if not node.type.is_float and not isinstance(value, Term)
    })  # fmt: skip


def _numbers(arguments: Arguments) -> bytes:
    """What tells whole numbers and truth values among the arguments from others."""
    digest = blake2b(digest_size=16)
    for value, type in zip(arguments.values, arguments.types, strict=True):
        if type is not None and not type.is_float:
            symbols = isinstance(value, Term)
            digest.update(b"?" if symbols else np.ascontiguousarray(value).tobytes())
    return digest.digest()
