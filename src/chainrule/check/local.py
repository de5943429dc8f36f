"""One operation at a time, at the recorded values of its operands: the check that names the node.

A value is right if it is the exact result at the numbers the operands really had, a local
derivative if it is the exact slope there. Errors from elsewhere in the graph play no part, so that
ill-conditioned graphs raise no alarm here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from chainrule.check.exact import Real, number, result
from chainrule.check.report import Finding, Kind
from chainrule.check.rounding import SLACK, accuracy, convention_at, subnormal, ulps
from chainrule.check.run import Run, decimal, off
from chainrule.check.slopes import Slope, slope
from chainrule.graph.node import Node
from chainrule.graph.op import Convention
from chainrule.show.numbers import number as text_of

_NEARLY_ZERO: Final = "1e-5000"
_OVERFLOW: Final = 1e150
_BESIDE: Final = "1e-24"
"""Far below the spacing of floats, far above the steps of the differences."""
_STAIRS: Final = ("fmod", "remainder", "floor_divide")
_SAME: Final = 1e-6


# --- values ---------------------------------------------------------------------------------------


def check_values(run: Run) -> Iterator[Finding]:
    """The value of every node against the exact result at the recorded operands."""
    for node in run.dag.order:
        if not node.is_leaf:
            found = _check_value(run, node)
            if found is not None:
                if found.bug:
                    run.faulty.add(node)
                yield found


def _check_value(run: Run, node: Node) -> Finding | None:
    mp, op, got = run.mp, node.op, run.value(node)
    recorded = [run.value(operand) for operand in node.operands]
    convention = convention_at(op, recorded, node.params)
    kind: Kind = "value"
    if convention is not None and convention.value is not None:
        exact, kind = mp.mpf(convention.value), "convention"
    elif not all(map(np.isfinite, recorded)):
        return None  # nothing is claimed about infinite operands that no convention mentions
    else:
        exact = result(mp, op, node.params, run.operands(node))
    if not node.type.is_float:
        return _check_whole(run, node, exact)
    dtype, allowed = node.type.dtype, SLACK * accuracy(op).value + 1
    error = ulps(mp, got, exact, dtype)
    if error <= allowed or (mp.isnan(exact) and not np.isfinite(got) and kind == "value"):
        return None
    if kind == "value":
        if any(value == 0 and np.signbit(value) for value in recorded):
            # mpmath has no −0: there the limit from below counts as well.
            beside = [
                mp.mpf("-" + _NEARLY_ZERO)
                if value == 0 and np.signbit(value)
                else number(mp, value)
                for value in recorded
            ]
            if ulps(mp, got, result(mp, op, node.params, beside), dtype) <= allowed:
                return None
            if any(exact_slope(run, node, at).jumps for at in range(len(recorded))):
                return None
        if ulps(mp, got, exact, dtype, _steepness(run, node)) <= allowed:
            return None
    bug = not subnormal(recorded)
    meant = "its documented value is" if kind == "convention" else "the exact value is"
    return run.finding(
        node,
        kind if bug else "rounding",
        f"{run.described(node)} gives {text_of(got, 17)} {run.where(node)}; "
        f"{meant} {decimal(run, exact)}{off(error)}",
        got=got,
        expected=exact,
        bug=bug,
        error=error,
    )


def _check_whole(run: Run, node: Node, exact: Any) -> Finding | None:
    """Conditions and whole numbers have no rounding errors, but whole numbers wrap around."""
    got = run.value(node)
    if node.type.is_bool:
        wanted: Any = bool(exact)
    elif not run.mp.isfinite(exact):
        return None
    else:
        wanted = int(exact)
    if got == wanted:
        return None
    wraps = not node.type.is_bool and (int(got) - wanted) % 2 ** (8 * node.type.dtype.itemsize) == 0
    why = "; the result does not fit its type and wraps around" if wraps else ""
    return run.finding(
        node,
        "rounding" if wraps else "value",
        f"{run.described(node)} gives {text_of(got)} {run.where(node)}; "
        f"the exact value is {text_of(wanted)}{why}",
        got=got,
        expected=wanted,
        bug=not wraps,
    )


def _steepness(run: Run, node: Node) -> Real:
    """How much the result changes when its operands change by their size, or by 1 if that is less.

    Near a zero of a function its terms are of about this size: no formula that computes them keeps
    relative accuracy there.
    """
    mp, total = run.mp, run.mp.mpf(0)
    for position, operand in enumerate(node.operands):
        if operand.type.is_float:
            found = exact_slope(run, node, position)
            if found.smooth:
                total += abs(found.value) * min(abs(number(mp, run.value(operand))), 1)
    return total


# --- local derivatives ----------------------------------------------------------------------------


def exact_slope(
    run: Run,
    node: Node,
    position: int,
    operands: Sequence[Any] | None = None,
    closer: str = "1",
) -> Slope:
    """The slope of one operation in one operand, at the recorded operands or at others.

    Between floats and the singular points that floats can express there is room for the steps; for
    exact operands, which may lie anywhere, ``closer`` makes them smaller.
    """
    mp = run.mp
    given = run.operands(node) if operands is None else operands
    x = given[position]
    sizes = [abs(other) for other in given if not isinstance(other, bool) and other != 0]
    length = min([mp.mpf(1), abs(x)] if x else [mp.mpf(1), *sizes])
    if node.op.name in _STAIRS:
        length = min([mp.mpf(1), *sizes]) * _tread(given, position)

    def function(moved: Real) -> Real:
        return result(mp, node.op, node.params, [*given[:position], moved, *given[position + 1 :]])

    return slope(mp, function, x, length * mp.mpf(closer))


def _tread(operands: Sequence[Any], position: int) -> Real:
    """How long the pieces of a remainder are, next to the smaller operand: in x they are y long,
    in y about y²/x. Where x is many times y, floats are farther apart than that.
    """
    x, y = map(abs, operands)
    return y / x if position and 0 < y < x else y * 0 + 1


def check_derivatives(run: Run) -> Iterator[Finding]:
    """Every local derivative on the way from an argument, against differences of its operation."""
    varying = run.sweep.varying
    for node in run.dag.order:
        if node in varying:
            for position, operand in enumerate(node.operands):
                found = _check_derivative(run, node, position) if operand in varying else None
                # In a branch that was not taken a choice makes no difference; a bug would.
                if found is not None and (found.bug or node in run.alive):
                    if found.bug:
                        run.faulty.add(node)
                    else:
                        run.chosen[node, position] = found.kind
                    yield found


def _check_derivative(run: Run, node: Node, position: int) -> Finding | None:
    mp, op, operand = run.mp, node.op, node.operands[position]
    got = run.sweep.local_derivative(node, position)
    recorded = [run.value(at) for at in node.operands]
    dtype, allowed = operand.type.dtype, SLACK * accuracy(op).partials + 1
    convention = convention_at(op, recorded, node.params)
    claimed = None if convention is None else convention.partials[position]
    if convention is not None and claimed is not None:
        error = ulps(mp, got, mp.mpf(claimed), dtype)
        if error > allowed:
            return run.finding(
                node,
                "convention",
                f"the derivative of {run.described(node)} with respect to "
                f"{run.dag.labels[operand]} is {text_of(got, 17)} {run.where(node)}; "
                f"its documented choice is {text_of(claimed, 17)} ({convention.why})",
                got=got,
                expected=claimed,
                bug=True,
                position=position,
                error=error,
            )
    if not all(map(np.isfinite, recorded)):
        return None
    found = exact_slope(run, node, position)
    if not found.smooth:
        return _at_kink(
            run, node, position, got, found, convention if claimed is not None else None
        )
    error = ulps(mp, got, found.value, dtype)
    if claimed is not None or error <= allowed:
        return _crowded(run, node, position, got, found)
    # Near a zero of the derivative its terms are about as large as the second derivative.
    scale = found.bend * min(abs(number(mp, recorded[position])), 1)
    if ulps(mp, got, found.value, dtype, scale) <= allowed:
        return None
    around = _slopes_around(run, node, position)
    if around is not None and _between(run, node, position, got, around):
        low, high = (text_of(float(slope)) for slope in around)
        return run.finding(
            node,
            "kink",
            f"{run.described(node)} has a kink {run.where(node)}: around that point its slope in "
            f"{run.dag.labels[operand]} is from {low} to {high}; {text_of(got)} is the slope used",
            got=got,
            expected=around,
            position=position,
            steps=found.steps,
        )
    too_large = np.isinf(got) and abs(found.value) > _OVERFLOW
    bug = not (too_large or subnormal([*recorded, run.value(node)]))
    return run.finding(
        node,
        "derivative" if bug else "rounding",
        f"the derivative of {run.described(node)} with respect to {run.dag.labels[operand]} is "
        f"{text_of(got, 17)} {run.where(node)}; by differences it is "
        f"{decimal(run, found.value)}{off(error)}",
        got=got,
        expected=found.value,
        bug=bug,
        position=position,
        error=error,
        steps=found.steps,
    )


def _crowded(run: Run, node: Node, position: int, got: Any, found: Slope) -> Finding | None:
    """Jumps so close together that there is one between any two floats: no slope says much."""
    x, *rest = map(abs, run.operands(node))
    if node.op.name not in _STAIRS or x < rest[0] * 2 ** np.finfo(node.type.dtype).nmant:
        return None
    return run.finding(
        node,
        "kink",
        f"{run.described(node)} jumps between any two floats {run.where(node)}; {text_of(got)} is "
        "the slope used",
        got=got,
        expected=(found.left, found.right),
        position=position,
        steps=found.steps,
    )


def _at_kink(
    run: Run, node: Node, position: int, got: Any, found: Slope, convention: Convention | None
) -> Finding | None:
    """A kink, a jump or a singular point: any slope between those of the two sides will do."""
    name = run.dag.labels[node.operands[position]]
    at = f"{name} = {text_of(run.value(node.operands[position]), 17)}"
    left, right = (text_of(float(side)) for side in (found.left, found.right))
    finite = all(math.isfinite(float(side)) for side in (found.left, found.right))
    kind: Kind = "kink" if finite else "singular"
    if found.jumps:
        what = f"jumps at {at}, with slope {left} on the left and {right} on the right"
    elif finite:
        what = f"has a kink at {at}: its slope is {left} on the left and {right} on the right"
    elif not found.sides:
        what = f"has no derivative with respect to {name} at {at}"
    elif len(found.sides) == 1:
        what = (
            f"has a singular point at {at}, with slope {text_of(float(found.sides[0]))} on one side"
        )
    else:
        what = f"has a singular point at {at}: slope {left} on the left and {right} on the right"
    bug = convention is None and not _admissible(run, node, position, got, found)
    if convention is not None:
        end = f"{text_of(got)} is its documented choice ({convention.why})"
    elif bug:
        end = f"{text_of(got, 17)} is not between them"
    else:
        end = f"{text_of(got)} is the slope used"
    return run.finding(
        node,
        "derivative" if bug else kind,
        f"{run.described(node)} {what}; {end}",
        got=got,
        expected=(found.left, found.right),
        bug=bug,
        position=position,
        steps=found.steps,
    )


def _admissible(run: Run, node: Node, position: int, got: Any, found: Slope) -> bool:
    """Whether a number lies between the slopes of the two sides (or the one there is)."""
    sides = found.sides
    if math.isnan(got):
        return found.jumps or len(sides) < 2 or any(map(run.mp.isinf, sides))
    return not sides or _between(run, node, position, got, (min(sides), max(sides)))


def _between(run: Run, node: Node, position: int, got: Any, ends: tuple[Real, Real]) -> bool:
    """Whether a number lies between two slopes, to the accuracy of the operation."""
    low, high = ends
    if math.isnan(got):
        return False
    exact = max(min(run.mp.mpf(float(got)), high), low)
    dtype = node.operands[position].type.dtype
    return ulps(run.mp, got, exact, dtype) <= SLACK * accuracy(node.op).partials + 1


def _slopes_around(run: Run, node: Node, position: int) -> tuple[Real, Real] | None:
    """The smallest and the largest slope very close to the operands; None where they are the same.

    Several operands can meet in a kink that none of them shows alone: clip(0, 0, 0) does not change
    with x, but close by there are points where it does. All orders of the operands are tried.
    """
    mp, given = run.mp, run.operands(node)
    floats = [at for at, operand in enumerate(node.operands) if operand.type.is_float]
    if len(floats) < 2:
        return None
    sizes = [abs(given[at]) for at in floats if given[at] != 0]
    step = min([mp.mpf(1), *sizes]) * mp.mpf(_BESIDE)
    ranks = [rank for rank in range(-len(floats), len(floats) + 1) if rank]
    found = []
    for shifts in itertools.permutations(ranks, len(floats)):
        moved = list(given)
        for at, shift in zip(floats, shifts, strict=True):
            moved[at] += shift * step
        near = exact_slope(run, node, position, moved)
        if near.smooth:
            found.append(near.value)
    if not found or max(found) - min(found) <= _SAME * max(map(abs, found)):
        return None
    return min(found), max(found)
