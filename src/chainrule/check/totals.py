"""The whole graph against differences of the whole graph, and what explains a disagreement.

Where every operation and every sum is right (`chainrule.check.local`, `chainrule.check.sums`), a
derivative that is far from the exact one has lost its digits to rounding, or goes through a point
where a derivative is a choice. A derivative outside its error bound (`chainrule.check.bounds`) is a
bug whatever the graph is like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from chainrule.check.bounds import Bound, error_bounds
from chainrule.check.exact import (
    Context,
    NotAnalyticError,
    Real,
    complex_result,
    evaluate,
    number,
    result,
)
from chainrule.check.report import Comparison, Finding, Kind, Verdict
from chainrule.check.rounding import relative, unit
from chainrule.check.run import Run, decimal
from chainrule.check.slopes import Slope, complex_step, slope
from chainrule.graph import walk
from chainrule.graph.node import Node
from chainrule.run.interpret import Flow
from chainrule.show.numbers import number as text_of

ROUNDINGS: Final = 2**10
"""Errors of so many roundings are not worth a word."""
BACKWARD: Final = ""
FORWARD: Final = " in forward mode"
GIVEN: Final = " as given"
_MARGINS: Final = {BACKWARD: 1, FORWARD: 2, GIVEN: 8}
"""A derivative computed in another way than the recorded one may have errors of its own, up to so
many times the bound of the recorded one."""
_AGREE: Final = 1e-12
_MOST_DIGITS: Final = 3000
_NOISE: Final = 1e-25
"""What differences in a hundred digits may be off themselves."""


class Totals:
    """The derivatives of one output, exact and computed.

    Attributes:
        run: The graph at a point.
        output: What is differentiated.
        adjoints: The recorded backward pass.
    """

    def __init__(self, run: Run, output: Node, adjoints: Flow) -> None:
        self.run = run
        self.output = output
        self.adjoints = adjoints
        self.name = run.dag.labels[output]
        self._below = walk.ancestors(output)

    @cached_property
    def exact(self) -> dict[Node, Any]:
        """The exact value of every node, in digits enough that more of them change nothing.

        An ill-conditioned graph loses digits in any precision; the context gets what it needs.
        """
        run, mp = self.run, self.run.mp
        given = {node: number(mp, run.value(node)) for node in run.dag.inputs}
        found = evaluate(mp, run.dag.order, given)
        while True:
            digits = 2 * mp.dps
            with mp.workdps(digits):
                finer = evaluate(mp, run.dag.order, given)
                same = _agree(mp, found[self.output], finer[self.output])
            if same or digits > _MOST_DIGITS:
                return finer
            mp.set_digits(digits)
            found = finer

    # --- values -------------------------------------------------------------------------------

    def value(self) -> tuple[Comparison, Finding | None]:
        """The value of the output against that of exact arithmetic throughout."""
        run, output = self.run, self.output
        got, exact = run.value(output), self.exact[output]
        if not output.type.is_float:
            same = bool(got == exact)
            error = 0.0 if same else math.inf
            exact = run.mp.mpf(int(exact))
        else:
            error = relative(run.mp, got, exact)
            # Half of the digits are what a derivative by differences in floats would have.
            same = error <= math.sqrt(2 * self._unit) or abs(number(run.mp, got) - exact) <= _least(
                output
            )
            same = same or (run.mp.isnan(exact) and math.isnan(got))
        finding = None
        verdict: Verdict = "ok"
        if not same and not run.faulty.isdisjoint(self._below):
            verdict = "wrong"
        elif not same and any(value == 0 and np.signbit(value) for value in self._floats()):
            # mpmath has no −0, and this graph has jumped at one.
            verdict = self._choice(self._below) or "rounding"
        elif not same:
            verdict = "rounding"
            finding = self._lost_digits(got, exact, error)
        row = Comparison(run.point, self.name, plain(got), float(exact), error, verdict)
        return row, finding

    @cached_property
    def _unit(self) -> float:
        """The largest relative error of one rounding anywhere below the output."""
        return max(unit(node.type.dtype) for node in self._below if node.type.is_float)

    def _floats(self) -> Iterator[Any]:
        """The recorded floating-point numbers below the output."""
        return (self.run.value(node) for node in self._below if node.type.is_float)

    def _lost_digits(self, got: Any, exact: Real, error: float) -> Finding:
        """Which node's rounding error the output has most of; the finding about it."""
        run = self.run
        node, why = self.output, "every node is right, but rounding errors grow on the way"
        turned = self._other_branch()
        if turned is not None:
            node, why = turned, f"rounding turns {run.described(turned)} the other way"
        elif self.output.type.is_float:
            shares = {v: self._share(v) for v in self.adjoints if v in self._below}
            node = max(shares, key=lambda v: shares[v], default=node)
            why = f"most of it is the rounding error of {run.described(node)}"
        return run.finding(
            node,
            "rounding",
            f"{self.name} is {text_of(got, 17)}, in exact arithmetic {decimal(run, exact)}, a "
            f"relative error of {error:.2g}: {why}",
            got=got,
            expected=exact,
        )

    def _other_branch(self) -> Node | None:
        """The first condition that exact arithmetic decides otherwise."""
        for node in self.run.dag.order:
            if node.type.is_bool and bool(self.run.value(node)) != self.exact[node]:
                return node
        return None

    def _share(self, node: Node) -> float:
        """What the rounding error of one node contributes to the error of the output."""
        run = self.run
        adjoint = self.adjoints[node]
        if node.is_leaf or not math.isfinite(adjoint):
            return 0.0
        exact = result(run.mp, node.op, node.params, run.operands(node))
        error = abs(number(run.mp, run.value(node)) - exact) * abs(float(adjoint))
        return float(error) if run.mp.isfinite(error) else 0.0

    @property
    def reachable(self) -> bool:
        """Whether exact arithmetic has a finite value here, as the differences need."""
        exact = self.exact[self.output]
        return isinstance(exact, bool) or bool(self.run.mp.isfinite(exact))

    def first_infinite_value(self) -> Node | None:
        """The first recorded number below the output that is not finite."""
        for node in self.run.dag.order:
            if node in self._below and not np.isfinite(self.run.value(node)):
                return node
        return None

    # --- derivatives --------------------------------------------------------------------------

    def function(self, argument: Node) -> tuple[Callable[..., Any], tuple[Node, ...]]:
        """The output as an exact function of one argument, and the nodes in between."""
        run = self.run
        reached = walk.descendants(run.dag.order, [argument])
        cone = tuple(
            node
            for node in run.dag.order
            if node in reached and node in self._below and node is not argument
        )

        def value(x: Real, rule: Callable[..., Any] = result) -> Any:
            known = evaluate(run.mp, cone, {argument: x}, self.exact, rule)
            return known.get(self.output, self.exact[self.output])

        return value, cone

    def derivative(self, argument: Node) -> tuple[Slope, bool | None]:
        """The exact derivative, and whether the complex step says the same."""
        run, mp = self.run, self.run.mp
        function, _ = self.function(argument)
        x = number(mp, run.value(argument))
        adjoint = self._adjoint(argument)
        length = min(mp.mpf(1), abs(x) or mp.mpf(run.smallest))
        output = abs(float(run.value(self.output)))
        if math.isfinite(adjoint) and adjoint and output:
            # A steep function changes over a shorter distance.
            length = min(length, mp.mpf(output) / abs(adjoint))
        found = slope(mp, function, x, length, self._size)
        if not found.smooth:
            return found, None
        try:
            other = complex_step(mp, lambda z: function(z, complex_result), x, length)
        except NotAnalyticError:
            other = None
        size = max(abs(found.value), _AGREE * self._size)
        if other is None:
            return found, None
        return found, bool(abs(other - found.value) <= _AGREE * size + _least(argument))

    @cached_property
    def _size(self) -> float:
        """The largest number on the way, as the output feels it."""
        sizes = (
            abs(float(self.run.value(node)) * float(adjoint))
            for node, adjoint in self.adjoints.items()
        )
        return max((size for size in sizes if math.isfinite(size)), default=0.0)

    def compare(
        self, argument: Node, found: Slope, got: Any, way: str = BACKWARD
    ) -> tuple[Verdict, float, Finding | None]:
        """What a computed derivative is worth.

        Args:
            argument: With respect to what.
            found: The exact derivative.
            got: The computed one.
            way: How it was computed: ``BACKWARD``, ``FORWARD`` or ``GIVEN``.

        Returns:
            The verdict, the relative error, and a finding where there is something to say.
        """
        run, mp = self.run, self.run.mp
        error, roundings = math.nan, ROUNDINGS * self._unit
        size = self._terms(argument)
        distance = mp.inf
        if found.smooth:
            size = max(abs(found.value), size)
            error = relative(mp, got, found.value)
            if math.isfinite(got):
                distance = abs(number(mp, got) - found.value)
                error = float(distance / size) if size else min(error, 1.0)
                error = error if error > _NOISE else 0.0
            if distance <= roundings * size + _least(argument) or error == 0:
                return "ok", error, None
        _, cone = self.function(argument)
        on_the_way = {argument, *cone}
        if not run.faulty.isdisjoint(on_the_way):
            return "wrong", error, None
        text = f"∂{self.name}/∂{argument.name}{way}"
        choice = self._choice(on_the_way)
        wanted, bound = self._bounds.get(argument, (mp.mpf(0), mp.mpf(0)))
        bound = _MARGINS[way] * bound + roundings * size
        if choice is not None or not found.smooth:
            comparable = math.isfinite(got) and mp.isfinite(bound) and way != BACKWARD
            if comparable and abs(number(mp, got) - wanted) > bound + roundings * abs(wanted):
                message = (
                    f"{text} is {text_of(got, 17)}; with the slopes that its operations use at "
                    f"this point it is {decimal(run, wanted)}"
                )
                bug = run.finding(argument, "gradient", message, got=got, expected=wanted, bug=True)
                return "wrong", error, bug
            if choice is not None:
                return choice, error, None
            return self._at_kink(argument, found, got, text)
        exact = decimal(run, found.value)
        if not (math.isfinite(got) or (way == GIVEN and math.isfinite(self._adjoint(argument)))):
            culprit = self._first_infinite(argument)
            message = (
                f"{text} is {text_of(got)}, by differences {exact}: the pass leaves the finite "
                f"numbers at {run.described(culprit)}"
            )
            note = run.finding(culprit, "not finite", message, got=got, expected=found.value)
            return "not finite", error, note
        if not distance <= bound:
            kind: Kind = "gradient" if way == GIVEN else "accumulation"
            message = (
                f"{text} is {text_of(got, 17)}, by differences {exact}; rounding explains an error "
                f"of {float(bound):.2g}, not one of {float(distance):.2g}"
            )
            culprit = self._first_wrong_adjoint(argument) if way == BACKWARD else argument
            bug = run.finding(
                culprit, kind, message, got=got, expected=found.value, bug=True, steps=found.steps
            )
            return "wrong", error, bug
        if error <= math.sqrt(2 * self._unit):
            return "ok", error, None
        message = (
            f"{text} is {text_of(got, 17)}, by differences {exact}, a relative error of "
            f"{error:.2g}: every local derivative is right, but rounding errors grow on the way"
        )
        note = run.finding(argument, "rounding", message, got=got, expected=found.value)
        return "rounding", error, note

    def _adjoint(self, node: Node) -> float:
        return float(self.adjoints.get(node, 0.0))

    def _terms(self, argument: Node) -> float:
        """The largest of the terms that the adjoint of an argument is the sum of."""
        run = self.run
        terms = (
            abs(self._adjoint(edge.user) * float(run.sweep.local_derivative(*edge[1:])))
            for edge in run.dag.uses(argument)
            if edge.user in self.adjoints
        )
        return max((size for size in terms if math.isfinite(size)), default=0.0)

    def _at_kink(
        self, argument: Node, found: Slope, got: Any, text: str
    ) -> tuple[Verdict, float, Finding | None]:
        """A derivative of the whole graph where its two sides differ, but those of no operation."""
        run = self.run
        left, right = (text_of(float(side)) for side in (found.left, found.right))
        finite = run.mp.isfinite(found.left) and run.mp.isfinite(found.right)
        turned = self._turning(argument, found)
        if turned is None and not found.sides:
            message = f"the exact value of {text} could not be settled"
            note = run.finding(self.output, "unclear", message, got=got, expected=None)
            return "unclear", math.nan, note
        node = self.output if turned is None else turned
        kind: Literal["kink", "singular"] = "kink" if finite else "singular"
        what = "jumps" if found.jumps else f"has a {'kink' if finite else 'singular point'}"
        message = (
            f"{self.name} {what} where {run.described(node)} changes, at {argument.name} = "
            f"{text_of(run.value(argument), 17)}: slope {left} on the left and {right} on the "
            f"right; {text_of(got)} is the slope used"
        )
        note = run.finding(
            node, kind, message, got=got, expected=(found.left, found.right), steps=found.steps
        )
        return kind, math.nan, note

    def _turning(self, argument: Node, found: Slope) -> Node | None:
        """The first condition that changes between the two sides of the argument."""
        run, mp = self.run, self.run.mp
        _, cone = self.function(argument)
        x, step = number(mp, run.value(argument)), mp.mpf(found.steps[0])
        below, above = (evaluate(mp, cone, {argument: x + h}, self.exact) for h in (-step, step))
        for node in cone:
            if node.type.is_bool and not below[node] == self.exact[node] == above[node]:
                return node
        return None

    def _choice(self, nodes: set[Node]) -> Verdict | None:
        """Whether the way goes through an edge whose local derivative is a choice."""
        found = [
            kind
            for (user, position), kind in self.run.chosen.items()
            if user in nodes and user.operands[position] in nodes
        ]
        if "singular" in found:
            return "singular"
        return "kink" if "kink" in found else None

    # --- who is to blame ----------------------------------------------------------------------

    @cached_property
    def _bounds(self) -> dict[Node, Bound]:
        return error_bounds(self.run, self.output, self.exact, self._unit)

    def _first_wrong_adjoint(self, argument: Node) -> Node:
        """In the order of the backward pass, the first node whose adjoint is outside its bound."""
        mp = self.run.mp
        for node in reversed(self.run.dag.order):
            if node in self._bounds:
                exact, bound = self._bounds[node]
                got = number(mp, np.float64(self.adjoints.get(node, 0.0)))
                if not abs(got - exact) <= bound + ROUNDINGS * self._unit * abs(exact):
                    return node
        return argument

    def _first_infinite(self, argument: Node) -> Node:
        """In the order of the backward pass, the first node with an adjoint that is not finite."""
        for node in reversed(self.run.dag.order):
            if node in self.adjoints and not math.isfinite(self.adjoints[node]):
                return node
        return argument


def _agree(mp: Context, a: Any, b: Any) -> bool:
    """Whether two results of different precision are the same, or both undefined."""
    if isinstance(a, bool) or a == b or not (mp.isfinite(a) and mp.isfinite(b)):
        return bool(a == b) or not (mp.isfinite(a) or mp.isfinite(b))
    return bool(abs(a - b) <= _NOISE * abs(b))


def _least(node: Node) -> float:
    """Errors of this size are those of the smallest numbers of the dtype."""
    return ROUNDINGS * float(np.finfo(node.type.dtype).smallest_subnormal)


def plain(value: Any) -> Any:
    """A NumPy scalar as a Python number."""
    return value.item() if isinstance(value, np.generic) else value
