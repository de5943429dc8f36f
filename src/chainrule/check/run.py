"""A graph at one point: the recorded numbers, and what is known about them so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.check.exact import Context, number
from chainrule.check.report import Finding, Kind
from chainrule.check.slopes import DIGITS
from chainrule.formula.printer import expression
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.run.interpret import Sweep
from chainrule.show.numbers import number as text_of


@dataclass(eq=False)
class Run:
    """A graph at one point: recorded numbers, and the precision to check them at.

    Attributes:
        dag: The graph.
        sweep: The recorded numbers.
        point: The arguments by name.
        alive: Nodes whose adjoint is not structurally zero: some output feels them.
        faulty: Nodes whose value or local derivative is wrong.
        chosen: Edges (user, position) whose local derivative is a choice: kinks, singular points.
    """

    dag: Dag
    sweep: Sweep
    point: Mapping[str, Any]
    alive: set[Node]
    faulty: set[Node] = field(default_factory=set)
    chosen: dict[tuple[Node, int], Kind] = field(default_factory=dict)

    @cached_property
    def mp(self) -> Context:
        """With digits enough for numbers as large and as small as the recorded ones."""
        return Context(DIGITS + math.ceil(math.log10(self.largest) - math.log10(self.smallest)))

    @cached_property
    def _sizes(self) -> list[float]:
        values = (abs(float(value)) for value in self.sweep.values.values())
        return [1.0, *(size for size in values if 0 < size < math.inf)]

    @cached_property
    def largest(self) -> float:
        """The size of the largest finite number, or 1."""
        return max(self._sizes)

    @cached_property
    def smallest(self) -> float:
        """The size of the smallest number that is not 0, or 1."""
        return min(self._sizes)

    def value(self, node: Node) -> Any:
        """The recorded value."""
        return self.sweep.values[node]

    def operands(self, node: Node) -> list[Any]:
        """The recorded values of the operands of a node, in mpmath."""
        return [number(self.mp, self.value(operand)) for operand in node.operands]

    def described(self, node: Node) -> str:
        """``v1 = abs(y)``; leaves by their label."""
        label = self.dag.labels[node]
        if node.is_leaf:
            return label
        return f"{label} = {expression(node, self.dag.labels, style='text')}"

    def where(self, node: Node) -> str:
        """``at y = 0``: the operands of a node with their values."""
        operands = dict.fromkeys(operand for operand in node.operands if operand.op is not CONSTANT)
        given = [f"{self.dag.labels[at]} = {text_of(self.value(at), 17)}" for at in operands]
        return f"at {', '.join(given)}" if given else ""

    def finding(
        self,
        node: Node,
        kind: Kind,
        message: str,
        *,
        got: Any,
        expected: Any,
        bug: bool = False,
        position: int | None = None,
        error: float | None = None,
        steps: tuple[float, ...] = (),
    ) -> Finding:
        """A finding about a node at this point."""
        labels = self.dag.labels
        if isinstance(expected, tuple):
            expected = tuple(map(float, expected))
        elif expected is not None:
            expected = float(expected)
        return Finding(
            node=labels[node],
            operand=None if position is None else labels[node.operands[position]],
            position=position,
            kind=kind,
            bug=bug,
            point=self.point,
            got=got.item() if isinstance(got, np.generic) else got,
            expected=expected,
            ulps=error,
            steps=steps,
            message=message,
        )


def decimal(run: Run, exact: Any) -> str:
    """More digits than a float has, so that a difference shows."""
    return str(run.mp.nstr(exact, 20))


def off(error: float) -> str:
    """An error in ulps as an addition to a sentence."""
    return f" ({error:.2g} ulps away)" if math.isfinite(error) else ""
