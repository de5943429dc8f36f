"""Every adjoint and every tangent is the sum that the recorded numbers make.

The terms are recorded numbers too, so an error is where it is found: what came before it does not
count. Only the rounding of the products and of the sum is allowed for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.exact import number
from chainrule.check.report import Finding
from chainrule.check.rounding import ulps, unit
from chainrule.check.run import Run, decimal, off
from chainrule.graph.node import Node
from chainrule.run.interpret import Flow
from chainrule.show.numbers import number as text_of


def check_adjoints(run: Run, output: Node, adjoints: Flow) -> Iterator[Finding]:
    """Every adjoint against the sum over the users: adjoint of the user · local derivative."""
    varying = run.sweep.varying
    for node in reversed(run.dag.order):
        if node not in varying:
            continue
        terms = [
            (adjoints[edge.user], run.sweep.local_derivative(edge.user, edge.position))
            for edge in run.dag.uses(node)
            if edge.user in adjoints and edge.user in varying
        ]
        if node is output:
            terms.append((np.float64(1), np.float64(1)))
        got = adjoints.get(node, node.type.dtype.type(0))
        found = _check_sum(run, node, got, terms, "adjoint", "its users")
        if found is not None:
            yield found


def check_tangents(run: Run, seed: Node, tangents: Flow) -> Iterator[Finding]:
    """Every tangent against the sum over the operands: local derivative · tangent."""
    for node in run.dag.order:
        if node is seed or node not in run.sweep.varying:
            continue
        terms = [
            (tangents[operand], run.sweep.local_derivative(node, position))
            for position, operand in enumerate(node.operands)
            if operand in tangents
        ]
        got = tangents.get(node, node.type.dtype.type(0))
        which = f"tangent with respect to {run.dag.labels[seed]}"
        found = _check_sum(run, node, got, terms, which, "its operands")
        if found is not None:
            yield found


def _check_sum(
    run: Run, node: Node, got: Any, terms: Sequence[tuple[Any, Any]], which: str, over: str
) -> Finding | None:
    mp = run.mp
    numbers = [got, *(factor for term in terms for factor in term)]
    if not all(map(math.isfinite, numbers)):
        return None  # 0·∞ and what guards keep out of it
    products = [number(mp, a) * number(mp, b) for a, b in terms]
    exact, size = mp.fsum(products), mp.fsum(map(abs, products))
    dtypes = [item.dtype for item in numbers]
    rounding = 2 * (len(terms) + 2) * max(map(unit, dtypes)) * size
    least = (len(terms) + 1) * max(float(np.finfo(dtype).smallest_subnormal) for dtype in dtypes)
    if abs(number(mp, got) - exact) <= rounding + least:
        return None
    error = ulps(mp, got, exact, node.type.dtype)
    return run.finding(
        node,
        "accumulation",
        f"the {which} of {run.described(node)} is {text_of(got, 17)}, but the sum over {over} is "
        f"{decimal(run, exact)}{off(error)}",
        got=got,
        expected=exact,
        bug=True,
        error=error,
    )
