"""Derivatives at one point as linear functions: forward mode, reverse mode, linearization.

What does not depend on a tangent or adjoint is computed once, when the point is given; after that
only the linear part runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chainrule.api.plans import Plan, Pure, applied, plan_of, planned
from chainrule.api.tracing import Arguments, Trace, arguments_of, symbolic
from chainrule.api.tree import LEAF, Structure
from chainrule.api.wanted import alike, float_type, require_float_arguments, tuple_of
from chainrule.api.watch import fingerprint_of
from chainrule.diff.build import dependent
from chainrule.diff.flow import Flow
from chainrule.diff.forward import tangents
from chainrule.diff.reverse import adjoints
from chainrule.diff.split import split
from chainrule.graph import walk
from chainrule.graph.node import Node, input_node


def jvp(function: Pure, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function, and how it changes when its arguments do: forward mode.

    >>> import chainrule as cr
    >>> cr.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (np.float64(6.0), np.float64(3.0))

    Args:
        function: As for `grad`, with a result of any structure.
        primals: The arguments.
        tangents: Their changes, structured like them.

    Raises:
        GraphError: E239 when structures or shapes differ.
        DerivativeError: E331 for arguments that are not floating-point numbers.
    """
    given = arguments_of(function, tuple(primals), {})
    require_float_arguments(given)
    changes = alike(tuple(primals), tuple(tangents), "a tangent")

    def build(trace: Trace, _: Arguments) -> Plan:
        seeds, outputs, flow = _forward(trace)
        structure = tuple_of([trace.structure, trace.structure])
        return plan_of([*trace.inputs, *seeds], [*outputs, *map(flow.of, outputs)], structure)

    plan = planned(function, fingerprint_of(function), ("jvp",), given, build)
    result: tuple[Any, Any] = applied(plan, [*given.values, *changes])
    return result


def linearize(function: Pure, *primals: Any) -> tuple[Any, Pure]:
    """The value of a function, and the linear function from tangents of its arguments to its own.

    `jvp` with one point and many tangents: what does not depend on them is computed once.

    >>> import chainrule as cr
    >>> value, push = cr.linearize(lambda x, y: x * y, 2.0, 3.0)
    >>> push(1.0, 0.0), push(0.0, 1.0)
    (np.float64(3.0), np.float64(2.0))

    Args:
        function: As for `grad`, with a result of any structure.
        *primals: The arguments.

    Raises:
        DerivativeError: E331 for arguments that are not floating-point numbers.
    """
    given = arguments_of(function, primals, {})
    require_float_arguments(given)

    def build(trace: Trace, _: Arguments) -> Plan:
        seeds, outputs, flow = _forward(trace)
        ends = list(map(flow.of, outputs))
        return _in_two(trace, seeds, ends, trace.structure)

    point = _at(planned(function, fingerprint_of(function), ("linearize",), given, build), given)

    def push(*tangents: Any) -> Any:
        return point.along(alike(primals, tangents, "a tangent"))

    return point.value, push


def vjp(function: Pure, *primals: Any) -> tuple[Any, Pure]:
    """The value of a function, and the function from adjoints of it to adjoints of the arguments.

    >>> import chainrule as cr
    >>> value, pull = cr.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pull(1.0)
    (np.float64(3.0), np.float64(2.0))

    Args:
        function: As for `grad`, with a result of any structure.
        *primals: The arguments.

    Raises:
        DerivativeError: E331 for arguments that are not floating-point numbers.
    """
    given = arguments_of(function, primals, {})
    require_float_arguments(given)

    def build(trace: Trace, arguments: Arguments) -> Plan:
        results = [(result, float_type(result)) for result in trace.results]
        outputs = [symbolic(result) for result, type in results if type is not None]
        seeds = _seeds(outputs)
        order = walk.depth_first(outputs)
        pairs = zip(outputs, seeds, strict=True)
        flow = adjoints(order, pairs, dependent(order, trace.inputs))
        ends = list(map(flow.of, trace.inputs))
        return _in_two(trace, seeds, ends, arguments.structure.parts[0])

    point = _at(planned(function, fingerprint_of(function), ("vjp",), given, build), given)

    def pull(adjoint: Any) -> tuple[Any, ...]:
        result: tuple[Any, ...] = point.along(alike(point.value, adjoint, "an adjoint"))
        return result

    return point.value, pull


# --- derivatives of traces ------------------------------------------------------------------------


def _forward(trace: Trace) -> tuple[list[Node], list[Node], Flow]:
    """Inputs for tangents of the arguments, the outputs, and the tangents that follow."""
    seeds = _seeds(trace.inputs)
    outputs = [symbolic(result) for result in trace.results]
    order = walk.depth_first([*trace.inputs, *outputs])
    return seeds, outputs, tangents(order, dict(zip(trace.inputs, seeds, strict=True)))


def _seeds(nodes: Sequence[Node]) -> list[Node]:
    """Inputs for adjoints or tangents of these nodes."""
    return [input_node(f"seed__{at}", node.type) for at, node in enumerate(nodes)]


def _in_two(
    trace: Trace, seeds: Sequence[Node], ends: Sequence[Node], structure: Structure
) -> Plan:
    """A plan for the value of a function and for what the linear part of a derivative needs.

    Args:
        trace: Of the function.
        seeds: What goes into the linear part.
        ends: What comes out of it.
        structure: Of that.
    """
    parts = split(ends, seeds)
    kept = tuple_of([LEAF] * len(parts.early))
    first = plan_of(trace.inputs, [*trace.results, *parts.early], tuple_of([trace.structure, kept]))
    return first._replace(linear=plan_of([*parts.given, *seeds], parts.late, structure))


class _Point(NamedTuple):
    """A function at one point.

    Attributes:
        value: Its value there.
        kept: What its derivative needs of the computation of the value.
        linear: The derivative, from what is kept and tangents or adjoints.
    """

    value: Any
    kept: tuple[Any, ...]
    linear: Plan

    def along(self, changes: Sequence[Any]) -> Any:
        return applied(self.linear, [*self.kept, *changes])


def _at(plan: Plan, given: Arguments) -> _Point:
    assert plan.linear is not None
    value, kept = applied(plan, given.values)
    return _Point(value, kept, plan.linear)
