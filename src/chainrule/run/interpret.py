"""The interpreter: one evaluation of a graph in NumPy that keeps every number.

The forward pass records a value for each node. The backward and the forward-mode passes are numeric
sweeps over these values: no derivative graph is built, each node is visited once however many paths
run through it, and each local derivative is computed once for all passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np

from chainrule.diff.build import dependent
from chainrule.diff.rules import rule_key
from chainrule.errors import DerivativeError
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.ops.kernels import where
from chainrule.ops.several import ITEM, is_joint
from chainrule.run.kernels import (
    LinearMap,
    LocalDerivative,
    every_result,
    kernel,
    local_derivatives,
)
from chainrule.run.whole import spread, whole_pull, whole_push

Numbers = dict[Node, Any]


Locals = tuple[Any, ...]
"""The local derivatives on the edges into one node at the recorded values: a factor and a guard for
each operand, one after the other. The derivative is the factor where the guard holds and else 0;
guard None: everywhere; factor None: the edge carries no derivative; a factor may be a linear map.
"""

_MISSING: Final = object()
"""Stands for a factor that nobody has asked for yet."""


class Flow(dict[Node, Any]):
    """The result of a pass: node → adjoint, or node → tangent.

    A node that is absent gets structurally nothing: its number is 0.

    Attributes:
        live: Where a number is not structurally zero; a node without an entry: everywhere. What is
            not live stays exactly 0, whatever infinite factors it meets later.
        shares: For an operation with several results what it sent: to each operand going backward,
            to each result going forward.
    """

    def __init__(self, starts: Mapping[Node, Any]) -> None:
        super().__init__(starts)
        self.live: dict[Node, Any] = {}
        self.shares: dict[Node, list[Any]] = {}

    def add(self, node: Node, number: Any, guard: Any) -> None:
        """Accumulate what one edge contributes to ``node``; it is live where the guard holds."""
        total = self.get(node)
        if total is None:
            self[node] = number
            if guard is not None:
                self.live[node] = guard
            return
        self[node] = total + number
        if node in self.live:
            if guard is None:
                del self.live[node]
            else:
                self.live[node] = self.live[node] | guard


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
        self._known: dict[Node, Locals] = {}
        self._rules_by: dict[tuple[Any, ...], tuple[LocalDerivative | LinearMap | None, ...]] = {}
        values: Numbers = dict(arguments)
        with np.errstate(all="ignore"):
            for node in dag.order:
                operands = node.operands
                if operands:
                    run = kernel(node.op, every_result(node))
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
        """The local derivative on the edge into ``node`` from its operand at ``position``.

        A number for each element; a `LinearMap` where the operation is not pointwise.
        """
        with np.errstate(all="ignore"):
            factor, guard = self._edge(node, position)
        if factor.__class__ is LinearMap:
            return factor
        return _zero(node.operands[position]) if factor is None else _masked(factor, guard)

    def _edge(self, node: Node, position: int) -> tuple[Any, Any]:
        """Factor and guard of one edge."""
        found = self._known.get(node) or self._locals(node)
        at = 2 * position
        if found[at] is _MISSING:
            rule = self._rules(node)[position]
            edge = (rule, None)
            if isinstance(rule, LocalDerivative):
                edge = rule.at(self._arguments(node))
            self.evaluations += rule is not None
            found = self._known[node] = (*found[:at], *edge, *found[at + 2 :])
        return found[at], found[at + 1]

    def _locals(self, node: Node) -> Locals:
        """The edges into ``node``; those from constants stay missing until somebody asks."""
        varying = self.varying
        arguments = None
        result: list[Any] = []
        for rule, operand in zip(self._rules(node), node.operands, strict=True):
            if operand not in varying:
                result += (_MISSING, None)
            elif rule is None or isinstance(rule, LinearMap):
                result += (rule, None)
            else:
                self.evaluations += 1
                if rule.constant is not None and rule.guard is None:
                    result += (rule.constant, None)
                else:
                    arguments = arguments or self._arguments(node)
                    result += rule.at(arguments)
        found = self._known[node] = tuple(result)
        return found

    def _arguments(self, node: Node) -> list[Any]:
        values = self.values
        return [values[node], *[values[operand] for operand in node.operands]]

    def _rules(self, node: Node) -> tuple[LocalDerivative | LinearMap | None, ...]:
        key = rule_key(node)
        found = self._rules_by.get(key)
        if found is None:
            types = tuple([operand.type for operand in node.operands])
            found = local_derivatives(node.op, types, node.type, node.params)
            self._rules_by[key] = found
        return found

    # --- sweeps -------------------------------------------------------------------------------

    def reverse(
        self,
        output: Node,
        seed: Any = None,
        wrt: Collection[Node] | None = None,
        holding: Collection[Node] = (),
    ) -> Flow:
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
        active = self.varying if wrt is None else dependent(self.dag.order, wrt)
        start = output.type.dtype.type(1) if seed is None else seed
        return self._reverse(Flow({output: start}), active, holding)

    def reverse_from(self, starts: Iterable[tuple[Node, Any]]) -> Flow:
        """The adjoints from nodes whose own are given; what a node is given twice adds up."""
        adjoints = Flow({})
        for node, number in starts:
            if node.type.is_float:
                adjoints.add(node, number, None)
        return self._reverse(adjoints, self.varying, ())

    def _reverse(self, adjoints: Flow, active: Collection[Node], holding: Collection[Node]) -> Flow:
        """Go on from the adjoints of some nodes to those of all others."""
        live = adjoints.live
        known = self._known
        with np.errstate(all="ignore"):
            for node in reversed(self.dag.order):
                adjoint = adjoints.get(node)
                operands = node.operands
                if adjoint is None or not operands or node in holding:
                    if node.op.joint is not None and node not in holding:
                        self._pull_all(adjoints, node, active)
                    continue
                found = known.get(node) or self._locals(node)
                for position, operand in enumerate(operands):
                    if operand not in active:
                        continue
                    factor = found[2 * position]
                    if (
                        found[2 * position + 1] is None
                        and not live
                        and factor is not None
                        and factor is not _MISSING
                        and node.op.pointwise
                        and operand.type is node.type
                    ):
                        # What `_share` and `add` do, for the common edge that nothing guards.
                        number = adjoint * factor
                        total = adjoints.get(operand)
                        adjoints[operand] = number if total is None else total + number
                        continue
                    number, guard = self._share(adjoints, node, node, position)
                    if number is not None:
                        adjoints.add(operand, number, guard)
        return adjoints

    def forward(self, seeds: Mapping[Node, Any], holding: Collection[Node] = ()) -> Flow:
        """The tangents d(node)/d(seed), each accumulated over the operands of its node.

        Args:
            seeds: Node → tangent; the change of these nodes that all others follow.
            holding: Nodes held fixed: they do not follow.

        Raises:
            DerivativeError: E331 when a seed is not a floating-point number.
        """
        for node in seeds:
            _require_float(node)
        tangents = Flow(seeds)
        with np.errstate(all="ignore"):
            for node in self.dag.order:
                if node in holding:
                    continue
                if node.op.joint is not None:
                    self._push_all(tangents, node)
                elif node not in seeds:
                    for position, operand in enumerate(node.operands):
                        if operand in tangents:
                            number, guard = self._share(tangents, operand, node, position)
                            if number is not None:
                                tangents.add(node, number, guard)
        return tangents

    def _pull_all(self, adjoints: Flow, node: Node, active: Collection[Node]) -> None:
        """From the adjoints of several results to the operands of their operation."""
        read = {user.params[0]: adjoints[user] for user in self.dag.users(node) if user in adjoints}
        given = tuple([at in read for at in range(len(node.type.parts))])
        wanted = tuple([operand in active for operand in node.operands])
        if not read or not any(wanted):
            return
        types = tuple([operand.type for operand in node.operands])
        whole = whole_pull(node.op, types, node.type, node.params, given, wanted)
        bars = [read[at] for at in sorted(read)]
        shares = adjoints.shares[node] = spread(whole, [*self._whole_arguments(node), *bars])
        for operand, share in zip(node.operands, shares, strict=True):
            if share is not None:
                adjoints.add(operand, share, None)

    def _push_all(self, tangents: Flow, node: Node) -> None:
        """From the tangents of operands to those of all results of their operation."""
        given = tuple([operand in tangents for operand in node.operands])
        if not any(given):
            return
        types = tuple([operand.type for operand in node.operands])
        whole = whole_push(node.op, types, node.type, node.params, given)
        dots = [tangents[operand] for operand in node.operands if operand in tangents]
        shares = tangents.shares[node] = spread(whole, [*self._whole_arguments(node), *dots])
        for user in self.dag.users(node):
            share = shares[user.params[0]]
            if share is not None:
                tangents.add(user, share, None)

    def _whole_arguments(self, node: Node) -> list[Any]:
        return [*[self.values[operand] for operand in node.operands], *self.values[node]]

    def contribution(self, flow: Flow, start: Node, user: Node, position: int) -> Any:
        """What one edge adds: the number of ``start`` · the local derivative of the edge.

        ``start`` is the user going backward, the operand going forward. Exactly 0 where the edge
        belongs to a branch that was not taken.
        """
        if is_joint(user):
            return self._joint_contribution(flow, start, user, position)
        with np.errstate(all="ignore"):
            number, _ = self._share(flow, start, user, position)
        return _zero(user.operands[position]) if number is None else number

    def _joint_contribution(self, flow: Flow, start: Node, user: Node, position: int) -> Any:
        """What an operation with several results sends to an operand, or to one result."""
        if user.op is ITEM:
            item = flow.get(user)
            return _zero(user) if item is None else item
        share = flow.shares[user][position] if start is user and user in flow.shares else None
        return _zero(user.operands[position]) if share is None else share

    def _share(self, flow: Flow, start: Node, user: Node, position: int) -> tuple[Any, Any]:
        """What flows along one edge, and where it is live; (None, None): structurally nothing."""
        factor, guard = self._edge(user, position)
        if factor is None:
            return None, None
        if factor.__class__ is LinearMap:
            return self._sent(flow, start, user, factor)
        number = flow[start] * factor
        operand = user.operands[position]
        if operand.type is not user.type:  # a change of dtype: adjoints go back in the old one
            end = operand if start is user else user
            number = number.astype(end.type.dtype)
        if flow.live:
            mask = flow.live.get(start)
            guard = mask if guard is None else guard if mask is None else guard & mask
        if guard is None:
            return number, None
        return (_masked(number, guard), guard) if guard.any() else (None, None)

    def _sent(self, flow: Flow, start: Node, user: Node, map: LinearMap) -> tuple[Any, Any]:
        """What flows along an edge that is a linear map, and where it is live."""
        through = map.pull if start is user else map.push
        arguments = self._arguments(user)
        live = flow.live.get(start) if map.moves else None
        number = through(flow[start], *arguments)
        if live is None:
            return number, None
        return number, through(live.astype(flow[start].dtype), *arguments) != 0

    @cached_property
    def varying(self) -> set[Node]:
        """The floating-point nodes that depend on an argument: those that have adjoints."""
        return dependent(self.dag.order, self.dag.inputs)


def _masked(number: Any, guard: Any) -> Any:
    """The number where the guard holds, else exactly 0."""
    if guard is None:
        return number
    if isinstance(guard, np.bool_):
        return number if guard else np.zeros_like(number)[()]
    return where(guard, number, number.dtype.type(0))


def _zero(node: Node) -> Any:
    """A derivative of 0 in the dtype of the node it belongs to."""
    return node.type.dtype.type(0) if node.type.is_float else np.float64(0)


def _require_float(node: Node) -> None:
    if not node.type.is_float:
        raise DerivativeError("E331", f"a value of type {node.type} has no derivative")
