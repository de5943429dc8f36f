"""The interpreter: one evaluation of a graph in NumPy that keeps every number.

The forward pass records a value for each node. The backward and the forward-mode passes are numeric
sweeps over these values: no derivative graph is built, each node is visited once however many paths
run through it, and each local derivative is computed once for all passes.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import DerivativeError
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.run.kernels import kernel, local_derivatives

Numbers = dict[Node, Any]


Locals = tuple[Any, ...]
"""The local derivatives on the edges into one node at the recorded values: a factor and a guard for
each operand, one after the other. The derivative is the factor where the guard holds and else 0;
guard None: everywhere; factor None: the edge carries no derivative."""


class Adjoints(dict[Node, Any]):
    """The result of a backward pass: node → ∂output/∂node.

    A node that is absent gets structurally nothing: its adjoint is 0.

    Attributes:
        live: Where an adjoint is not structurally zero; a node without an entry: everywhere.
    """

    def __init__(self, output: Node, seed: Any) -> None:
        super().__init__({output: seed})
        self.live: Numbers = {}


class Sweep:
    """The values of every node of a graph at one point (or at many, by broadcasting).

    Attributes:
        dag: The graph.
        values: Node → value, a NumPy scalar or array of the node's dtype.
        evaluations: How many local derivatives have been computed so far; each at most once.
    """

    def __init__(self, dag: Dag, arguments: Mapping[Node, Any]) -> None:
        """Run the forward pass; ``arguments`` holds a value of the right dtype for each input."""
        self.dag = dag
        self.evaluations = 0
        self._varying_locals: dict[Node, Locals] = {}
        self._all_locals: dict[Node, Locals] = {}
        values: Numbers = dict(arguments)
        with np.errstate(all="ignore"):
            for node in dag.order:
                operands = node.operands
                if operands:
                    run = kernel(node.op, node.params)
                    if len(operands) == 1:
                        values[node] = run(values[operands[0]])
                    elif len(operands) == 2:
                        values[node] = run(values[operands[0]], values[operands[1]])
                    else:
                        values[node] = run(*[values[operand] for operand in operands])
                elif node.op is CONSTANT:
                    values[node] = constant_value(node)
        self.values = values

    def local_derivative(self, node: Node, position: int) -> Any:
        """The local derivative on the edge into ``node`` from its operand at ``position``."""
        factor, guard = self._edge(node, position)
        return np.float64(0.0) if factor is None else _masked(factor, guard)

    def _edge(self, node: Node, position: int) -> tuple[Any, Any]:
        """Factor and guard of one edge."""
        varies = node.operands[position] in self.varying
        with np.errstate(all="ignore"):
            found = self._locals(node) if varies else self._locals_with_constants(node)
        return found[2 * position], found[2 * position + 1]

    def _locals(self, node: Node) -> Locals:
        """What passes use: edges from operands that depend on an argument."""
        found = self._varying_locals.get(node)
        if found is None:
            found = self._varying_locals[node] = self._compute_locals(node, self.varying)
        return found

    def _locals_with_constants(self, node: Node) -> Locals:
        """The same with the edges from constants, which few ask for."""
        found = self._all_locals.get(node)
        if found is None:
            found = self._all_locals[node] = self._compute_locals(node, node.operands)
        return found

    def _compute_locals(self, node: Node, wanted: Container[Node]) -> Locals:
        operands = node.operands
        types = tuple([operand.type for operand in operands])
        values = self.values
        arguments = [values[node], *[values[operand] for operand in operands]]
        found: list[Any] = []
        rules = local_derivatives(node.op, types, node.type, node.params)
        for rule, operand in zip(rules, operands, strict=True):
            if rule is None or operand not in wanted:
                found.append(None)
                found.append(None)
                continue
            self.evaluations += 1
            constant = rule.constant
            found.append(rule.factor(*arguments) if constant is None else constant)
            found.append(None if rule.guard is None else rule.guard(*arguments))
        return tuple(found)

    # --- sweeps -------------------------------------------------------------------------------

    def reverse(
        self,
        output: Node,
        seed: Any = None,
        wrt: Collection[Node] | None = None,
        holding: Collection[Node] = (),
    ) -> Adjoints:
        """The adjoints ∂output/∂node, each accumulated over all users of its node.

        Args:
            output: Where the pass starts.
            seed: The adjoint of the output; one by default.
            wrt: Only follow edges that lead to these nodes; by default to all arguments.
            holding: Nodes held fixed: what they depend on gets nothing through them.

        Raises:
            DerivativeError: E331 when the output is not a floating-point number.
        """
        _require_float(output)
        active = self.varying if wrt is None else self._dependent(wrt)
        locals_of = self._locals if active <= self.varying else self._locals_with_constants
        known = self._varying_locals if active <= self.varying else self._all_locals
        adjoints = Adjoints(output, output.type.dtype.type(1) if seed is None else seed)
        live = adjoints.live
        with np.errstate(all="ignore"):
            for node in reversed(self.dag.order):
                adjoint = adjoints.get(node)
                if adjoint is None or node in holding:
                    continue
                operands = node.operands
                if not operands:
                    continue
                found = known.get(node)
                if found is None:
                    found = locals_of(node)
                mask = live.get(node) if live else None
                at = 0
                for operand in operands:
                    factor, guard = found[at], found[at + 1]
                    at += 2
                    if factor is None or operand not in active:
                        continue
                    contribution = adjoint * factor
                    if guard is not None or mask is not None:
                        guard = _both(guard, mask)
                        if not guard.any():
                            continue
                        contribution = _masked(contribution, guard)
                    if operand.type is not node.type:
                        contribution = contribution.astype(operand.type.dtype)
                    total = adjoints.get(operand)
                    if total is None:
                        adjoints[operand] = contribution
                        if guard is not None:
                            live[operand] = guard
                    else:
                        adjoints[operand] = total + contribution
                        if operand in live:
                            if guard is None:
                                del live[operand]
                            else:
                                live[operand] = live[operand] | guard
        return adjoints

    def contribution(self, adjoints: Adjoints, user: Node, position: int) -> Any:
        """What one edge adds to the adjoint of its operand: adjoint of the user · local derivative.

        Exactly 0 where the edge belongs to a branch that was not taken.
        """
        factor, guard = self._edge(user, position)
        if factor is None:
            return np.float64(0.0)
        with np.errstate(all="ignore"):
            return _masked(adjoints[user] * factor, _both(guard, adjoints.live.get(user)))

    def push(self, tangents: Mapping[Node, Any], node: Node, position: int) -> Any:
        """What one edge adds to the tangent of ``node``: its derivative · the operand's tangent."""
        factor, guard = self._edge(node, position)
        if factor is None:
            return np.float64(0.0)
        with np.errstate(all="ignore"):
            return _masked(factor * tangents[node.operands[position]], guard)

    def forward(self, seeds: Mapping[Node, Any]) -> Numbers:
        """The tangents d(node)/d(seed), each accumulated over the operands of its node.

        Args:
            seeds: Node → tangent; the change of these nodes that all others follow.

        Returns:
            Node → tangent. A node that is absent does not depend on the seeds: its tangent is 0.

        Raises:
            DerivativeError: E331 when a seed is not a floating-point number.
        """
        for node in seeds:
            _require_float(node)
        tangents: Numbers = dict(seeds)
        locals_of = self._locals if self.varying.issuperset(seeds) else self._locals_with_constants
        with np.errstate(all="ignore"):
            for node in self.dag.order:
                if node in seeds:
                    continue
                total = found = None
                for position, operand in enumerate(node.operands):
                    tangent = tangents.get(operand)
                    if tangent is None:
                        continue
                    found = found or locals_of(node)
                    factor, guard = found[2 * position], found[2 * position + 1]
                    if factor is None:
                        continue
                    contribution = _masked(factor * tangent, guard)
                    if operand.type is not node.type:
                        contribution = contribution.astype(node.type.dtype)
                    total = contribution if total is None else total + contribution
                if total is not None:
                    tangents[node] = total
        return tangents

    @cached_property
    def varying(self) -> set[Node]:
        """The floating-point nodes that depend on an argument: those that have adjoints."""
        return self._dependent(self.dag.inputs)

    def _dependent(self, sources: Iterable[Node]) -> set[Node]:
        """The floating-point nodes that depend on one of the sources."""
        found = {node for node in sources if node.type.is_float}
        for node in self.dag.order:
            if node.type.is_float:
                for operand in node.operands:
                    if operand in found:
                        found.add(node)
                        break
        return found


def _both(guard: Any, mask: Any) -> Any:
    """Where two conditions hold; None holds everywhere."""
    if guard is None or mask is None:
        return mask if guard is None else guard
    return guard & mask


def _masked(number: Any, guard: Any) -> Any:
    """The number where the guard holds, else exactly 0."""
    if guard is None:
        return number
    if isinstance(guard, np.bool_):
        return number if guard else np.zeros_like(number)[()]
    return np.where(guard, number, number.dtype.type(0))


def _require_float(node: Node) -> None:
    if not node.type.is_float:
        raise DerivativeError("E331", f"a value of type {node.type} has no derivative")
