"""Checking: every value and derivative of a graph, or of one operation, at several points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from chainrule.check.exact import require_exact
from chainrule.check.local import check_derivatives, check_values
from chainrule.check.report import Comparison, Finding, Report
from chainrule.check.run import Run
from chainrule.check.sample import bind, labelled, sampled
from chainrule.check.sums import check_adjoints, check_tangents
from chainrule.check.totals import BACKWARD, FORWARD, GIVEN, Totals, plain
from chainrule.errors import DerivativeError
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, input_node, make
from chainrule.graph.op import Kind, Op, Params
from chainrule.graph.types import Type
from chainrule.run.interpret import Flow, Sweep
from chainrule.show.numbers import number as text_of

Point = Mapping[str, Any]
Gradient = Callable[[Mapping[Node, Any]], Mapping[Node, Any]]
"""Another way to the gradient: values of the arguments → derivatives by the arguments."""


def check_graph(
    dag: Dag, points: int | Sequence[Point] = 3, gradient_of: Gradient | None = None
) -> Report:
    """Check every value and every derivative of a graph against exact arithmetic.

    At each point every node, every local derivative and every sum of the backward and forward-mode
    passes is checked alone, at the numbers it really got: what is wrong there is a bug, and the
    node is named. Then the outputs and their derivatives are compared with differences of the whole
    graph in a hundred digits and more, at three step sizes from both sides, and with the complex
    step. What differs there though every part is right is a kink, a singular point, or lost to
    rounding, and the report says which.

    >>> from chainrule.formula.infix import read
    >>> report = check_graph(read("(x + y)*(x + 1)"), points=[{"x": 2, "y": 1}])
    >>> report.ok, [(row.quantity, row.ours, row.exact) for row in report.comparisons]
    (True, [('f', 9.0, 9.0), ('∂f/∂x', 6.0, 6.0), ('∂f/∂y', 3.0, 3.0)])
    >>> note = check_graph(read("sin(1e15*x)"), points=[{"x": 0.1}]).findings[0]
    >>> note.bug, note.kind, note.node
    (False, 'rounding', 'v1')

    Args:
        dag: The graph.
        points: Where: values by argument name, or how many points to draw where the graph is
            finite (always the same ones).
        gradient_of: Derivatives of the only output computed in another way, to be compared too.

    Raises:
        EvaluationError: E301 to E304 for points that do not fit, E307 for an abstract function,
            E340 for an operation without an exact definition, E341 for arrays.
        DerivativeError: E332 for ``gradient_of`` with several outputs.
    """
    require_exact(dag.order)
    if gradient_of is not None and len(dag.outputs) != 1:
        raise DerivativeError("E332", f"gradient_of needs one output, not {len(dag.outputs)}")
    given = sampled(dag, points) if isinstance(points, int) else [bind(dag, p) for p in points]
    reports = [_check_point(dag, arguments, gradient_of) for arguments in given]
    if reports:
        return merged(reports)
    message = "no point was found where the graph and its gradient are finite; give points"
    output = dag.labels[dag.outputs[0]]
    nothing = Finding(output, None, None, "unchecked", False, {}, None, None, None, (), message)
    return Report((), (), (nothing,))


def merged(reports: Iterable[Report]) -> Report:
    """Several reports as one, bugs first."""
    parts = list(reports)
    findings = [finding for part in parts for finding in part.findings]
    return Report(
        tuple(point for part in parts for point in part.points),
        tuple(row for part in parts for row in part.comparisons),
        tuple(sorted(findings, key=lambda finding: not finding.bug)),
    )


def _check_point(dag: Dag, arguments: Mapping[Node, Any], gradient_of: Gradient | None) -> Report:
    sweep = Sweep(dag, arguments)
    passes = {output: sweep.reverse(output) for output in dag.outputs if output.type.is_float}
    alive = {node for adjoints in passes.values() for node in adjoints}
    run = Run(dag, sweep, labelled(arguments, dag.inputs), alive)
    found: list[Comparison | Finding] = [*check_values(run), *check_derivatives(run)]
    wrt = [node for node in dag.inputs if node.type.is_float]
    tangents = {node: sweep.forward({node: node.type.dtype.type(1)}) for node in wrt}
    for node, flow in tangents.items():
        found += check_tangents(run, node, flow)
    for output in dict.fromkeys(dag.outputs):
        adjoints = passes.get(output)
        if adjoints is not None:
            found += check_adjoints(run, output, adjoints)
        gradient = None if gradient_of is None or adjoints is None else gradient_of(arguments)
        flows = {} if adjoints is None else tangents
        found += _compare(Totals(run, output, adjoints or Flow({})), flows, gradient)
    rows = [item for item in found if isinstance(item, Comparison)]
    findings = [item for item in found if isinstance(item, Finding)]
    return Report((run.point,), tuple(rows), tuple(findings))


def _compare(
    totals: Totals, tangents: Mapping[Node, Flow], gradient: Mapping[Node, Any] | None
) -> Iterator[Comparison | Finding]:
    """Rows and findings about one output: its value, and its derivative by each argument."""
    run, output = totals.run, totals.output
    if not all(np.isfinite(run.value(node)) for node in (*run.dag.inputs, output)):
        yield _not_finite(run, output, output)
        return
    lost = None if totals.reachable else totals.first_infinite_value()
    if lost is not None:
        yield _not_finite(run, output, lost)
        return
    row, finding = totals.value()
    yield row
    if finding is not None:
        yield finding
    if not totals.reachable:
        return
    for argument, flow in tangents.items():
        found, confirmed = totals.derivative(argument)
        exact = float(found.value) if found.smooth else math.nan
        zero = argument.type.dtype.type(0)
        quantity = f"∂{totals.name}/∂{argument.name}"
        ways = {BACKWARD: totals.adjoints.get(argument, zero), FORWARD: flow.get(output, zero)}
        if gradient is not None:
            ways[GIVEN] = gradient.get(argument, zero)
        for way, got in ways.items():
            verdict, error, finding = totals.compare(argument, found, got, way)
            if way != FORWARD:
                yield Comparison(
                    run.point, quantity + way, plain(got), exact, error, verdict, confirmed
                )
            # Forward mode has the kinks and rounding errors of the backward pass: said already.
            if finding is not None and (way != FORWARD or finding.bug):
                yield finding
        if confirmed is False:
            message = f"differences and the complex step disagree about {quantity}"
            got = ways[BACKWARD]
            yield run.finding(output, "unclear", message, got=got, expected=exact)


def _not_finite(run: Run, output: Node, start: Node) -> Finding:
    """Where the numbers that ``start`` is computed from leave the finite ones."""
    node = start
    while bad := [at for at in node.operands if not np.isfinite(run.value(at))]:
        node = bad[0]
    where = f" {run.where(node)}" if node.operands else ""
    return run.finding(
        node,
        "not finite",
        f"{run.dag.labels[output]} is {text_of(run.value(output))}: {run.described(node)} is "
        f"{text_of(run.value(node))}{where}; derivatives of the whole graph are not compared here",
        got=run.value(node),
        expected=None,
    )


# --- one operation --------------------------------------------------------------------------------

_PARAMS: Final = (0.5, 2, 3, -1, 1, 0.3, "float32", "float64")
"""Values for literal parameters, as far as the parameter allows them."""
_MOST_PARAMS: Final = 4
_WITHIN: Final = (0.5, 0.1, 0.9)
"""Where in its smooth intervals an operation is looked at."""


def check_op(
    op: Op,
    params: Sequence[Params] | None = None,
    points: Sequence[Sequence[Any]] | None = None,
    dtype: str = "float64",
) -> Report:
    """Check the value and the partial derivatives of one operation against exact arithmetic.

    >>> from chainrule.ops.elementary import sqrt
    >>> report = check_op(sqrt.op)
    >>> report.ok, [point["x"] for point in report.points]
    (True, [0.5, 0.3, 0.7, 0.0, -0.0])

    Args:
        op: The operation.
        params: Tuples of literal parameters; by default several that it allows.
        points: Operands; by default points of its smooth intervals and those where it declares a
            convention.
        dtype: Of the operands that may be floats.

    Raises:
        EvaluationError: E307 for an abstract function, E340 for one without exact definition.
    """
    reports = []
    for chosen in _some_params(op) if params is None else map(op.normal_params, params):
        types = [Type.of("bool" if kind is Kind.BOOL else dtype) for kind in op.kinds]
        operands = tuple(map(input_node, op.operands, types))
        dag = Dag([make(op, operands, chosen)], operands)
        at = _some_points(op, chosen) if points is None else points
        named = [dict(zip(op.operands, point, strict=True)) for point in at]
        reports.append(check_graph(dag, named))
    return merged(reports)


def _some_params(op: Op) -> list[Params]:
    """Parameters in normal form: those of conventions, the defaults, and some ordinary ones."""
    if not op.params:
        return [()]
    declared = [convention.at[len(op.operands) :] for convention in op.conventions]
    defaults = tuple(param.default for param in op.params)
    usual = [defaults] * (None not in defaults)
    usual += itertools.product(*[_allowed(param.check) for param in op.params])
    found = [op.normal_params(each) for each in (*usual[:_MOST_PARAMS], *declared)]
    return list(dict.fromkeys(found))


def _allowed(check: Callable[[Any], Any]) -> list[Any]:
    allowed = []
    for value in _PARAMS:
        try:
            allowed.append(check(value))
        except (TypeError, ValueError):  # not a value of this parameter
            continue
    return allowed


def _some_points(op: Op, params: Params) -> list[Sequence[Any]]:
    """Points of the smooth intervals, of every condition, and of the conventions."""
    count = len(op.operands)
    numbers = [
        tuple(
            low + (high - low) * (within if at % 2 == 0 else 1 - within)
            for at, (low, high) in enumerate(op.domain)
        )
        for within in _WITHIN
    ]
    choices = [(False, True) if kind is Kind.BOOL else (None,) for kind in op.kinds]
    points: list[Sequence[Any]] = [
        [value if chosen is None else chosen for value, chosen in zip(point, row, strict=True)]
        for point in numbers
        for row in itertools.product(*choices)
    ]
    for convention in op.conventions:
        at, rest = convention.at[:count], convention.at[count:]
        if rest == params[: len(rest)]:
            points.append(at)
    return points
