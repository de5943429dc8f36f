"""How far rounding alone can have carried an adjoint.

The errors that the recorded local derivatives really have, against the exact ones at the exact
values, go through the backward pass as a bound (running error analysis, N. Higham, Accuracy and
Stability of Numerical Algorithms, 2002, §3.3): with â = a + δa and d̂ = d + δd

    |â·d̂ − a·d| ≤ |δa|·|d| + (|a| + |δa|)·|δd|

Ill-conditioned graphs have large bounds, others small ones, so that no tolerance has to fit both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from chainrule.check.exact import Real, number
from chainrule.check.local import exact_slope
from chainrule.check.run import Run
from chainrule.graph.node import Node

Bound = tuple[Real, Real]
"""An exact adjoint, and a bound on the error of the recorded one."""

_CLOSER: Final = ("1", "1e-100", "1e-300")
_ROUNDINGS: Final = 4
"""Of one edge: the local derivative, the product, the sum, and one to spare."""


def error_bounds(
    run: Run, output: Node, values: Mapping[Node, Any], unit: float
) -> dict[Node, Bound]:
    """For every node that the output is differentiated by, its exact adjoint and the error bound.

    Args:
        run: The recorded numbers; their local derivatives are known to be right.
        output: What is differentiated.
        values: The exact value of every node.
        unit: The relative error of one rounding.
    """
    mp, varying = run.mp, run.sweep.varying
    found = {output: (mp.mpf(1), mp.mpf(0))}
    for node in reversed(run.dag.order):
        if node not in found:
            continue
        adjoint, error = found[node]
        for position, operand in enumerate(node.operands):
            if operand in varying:
                exact, gap = _edge(run, node, position, values)
                gap += _ROUNDINGS * unit * abs(exact)
                total, bound = found.get(operand, (mp.mpf(0), mp.mpf(0)))
                share = error * abs(exact) + (abs(adjoint) + error) * gap
                found[operand] = (total + adjoint * exact, bound + share)
    return found


def _edge(run: Run, node: Node, position: int, values: Mapping[Node, Any]) -> Bound:
    """The exact local derivative at the exact values, and how far the recorded one is from it.

    Where a derivative is a choice, the recorded choice counts as exact.
    """
    mp = run.mp
    recorded = run.sweep.local_derivative(node, position)
    if not math.isfinite(recorded):
        return mp.mpf(0), mp.inf
    got = number(mp, recorded)
    operands = [values[operand] for operand in node.operands]
    if (node, position) not in run.chosen and all(map(mp.isfinite, operands)):
        for closer in _CLOSER:
            found = exact_slope(run, node, position, operands, closer)
            if found.smooth:
                return found.value, abs(got - found.value)
    return got, mp.mpf(0)
