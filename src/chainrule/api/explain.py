"""Explanations as users hold them: nodes go by their names, and everything has a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from chainrule.api.arguments import digits_shown, whole_number
from chainrule.diff.cost import Costs, Count
from chainrule.diff.saved import SavedValues
from chainrule.fit import descend
from chainrule.fit import roles as fit_roles
from chainrule.graph.node import Node
from chainrule.run import paths
from chainrule.run.finite import FirstShare, first_shares, first_values
from chainrule.run.interpret import Flow, Sweep
from chainrule.show.costs import cost_table
from chainrule.show.finite import local_number, share_sentences, value_sentences
from chainrule.show.paths import path_table
from chainrule.show.saved import needs_table, saved_table
from chainrule.show.table import Table

_MOST_PATHS: Final = 10**8
"""Paths that are listed or added up one by one, at most."""


class PathRecord(NamedTuple):
    """One path.

    Attributes:
        nodes: The nodes it goes through, both ends included.
        local_derivatives: Those of its edges, in order.
        product: Their product: what the path contributes to the derivative.
    """

    nodes: tuple[str, ...]
    local_derivatives: tuple[float, ...]
    product: float


class Paths:
    """The paths between two nodes of a record, largest magnitude first; made by ``Record.paths``.

    Iterating computes them one by one, so that the first ones of 10³⁰ come at once.

    >>> import chainrule as cr
    >>> paths = cr.parse("a = x + y; f = a * x").at(x=3, y=2).paths("x")
    >>> for path in paths:
    ...     print(path)
    PathRecord(nodes=('x', 'f'), local_derivatives=(5.0,), product=5.0)
    PathRecord(nodes=('x', 'a', 'f'), local_derivatives=(1.0, 3.0), product=3.0)
    >>> paths.count, paths.sum(), paths.derivative
    (2, 8.0, 8.0)
    """

    def __init__(self, found: paths.Paths) -> None:
        self._paths = found

    @property
    def count(self) -> int:
        """How many there are, exactly; counted without listing them."""
        return self._paths.count

    @property
    def derivative(self) -> float:
        """What the products add up to, from the backward pass.

        Raises:
            DerivativeError: E331 when one of the ends is an integer or a condition.
        """
        return self._paths.derivative

    def sum(self, most: int = paths.MOST) -> float:
        """The sum of all products, path by path.

        Raises:
            DerivativeError: E338 when there are more than ``most`` paths.
        """
        return self._paths.sum(whole_number(most, "most", 0, _MOST_PATHS))

    def first(self, count: int) -> tuple[PathRecord, ...]:
        """The ``count`` paths of largest magnitude, or all when there are fewer."""
        count = whole_number(count, "count", 0, _MOST_PATHS)
        return tuple(map(self._record, self._paths.first(count)))

    def table(self, most: int = 10, digits: int = 6) -> Table:
        """The first paths with their factors and products."""
        most = whole_number(most, "most", 0, _MOST_PATHS)
        return path_table(self._paths, most, digits_shown(digits))

    def _record(self, path: paths.Path) -> PathRecord:
        labels = self._paths.sweep.dag.labels
        return PathRecord(
            tuple([labels[node] for node in path.nodes]),
            tuple([step.local_derivative for step in path.steps]),
            path.product,
        )

    def __iter__(self) -> Iterator[PathRecord]:
        return map(self._record, self._paths)

    def __str__(self) -> str:
        return self.table().text()

    def __repr__(self) -> str:
        labels = self._paths.sweep.dag.labels
        return f"<Paths from {labels[self._paths.source]} to {labels[self._paths.target]}>"


class FirstValue(NamedTuple):
    """A node whose value is not finite, though those of its operands are.

    Attributes:
        name: The node.
        value: Its value.
    """

    name: str
    value: Any


class FirstDerivative(NamedTuple):
    """An edge on which a derivative stops being finite.

    Attributes:
        operand: Where the derivative arrives.
        user: Where it comes from, finite; None: a sum of finite derivatives overflows.
        adjoint: The derivative by the user; None for a sum and for several results at once.
        local_derivative: The local derivative of the edge; None where that is no number.
        share: What arrives.
    """

    operand: str
    user: str | None
    adjoint: Any
    local_derivative: Any
    share: Any


class NotFinite:
    """Where values and derivatives became infinite or NaN; made by ``Record.why_not_finite``.

    It is true where there is something to tell.

    >>> import chainrule as cr
    >>> r = cr.parse("a = sqrt(x); f = a*y").at(x=0, y=0)
    >>> r.value, r.gradient["x"]
    (0.0, nan)
    >>> print(r.why_not_finite())
    On the edge x → a = sqrt(x) the derivative becomes nan: ∂f/∂a · ∂a/∂x = 0 · inf.
    >>> bool(cr.parse("x^2").at(x=1).why_not_finite())
    False

    Attributes:
        of: What is differentiated; an empty string where nothing is.
    """

    def __init__(self, sweep: Sweep, adjoints: Flow | None, of: str) -> None:
        self.of = of
        self._sweep = sweep
        self._adjoints = adjoints
        arguments = [node for node in sweep.dag.inputs if node.type.is_float]
        self._values = first_values(sweep, sweep.dag.outputs)
        self._shares = [] if adjoints is None else first_shares(sweep, adjoints, arguments)

    @property
    def values(self) -> tuple[FirstValue, ...]:
        """The first nodes on the way to the outputs whose values are not finite."""
        labels, values = self._sweep.dag.labels, self._sweep.values
        return tuple(FirstValue(labels[node], values[node]) for node in self._values)

    @property
    def derivatives(self) -> tuple[FirstDerivative, ...]:
        """The first edges on the way back to the arguments with derivatives that are not finite."""
        return tuple(map(self._derivative, self._shares))

    def _derivative(self, first: FirstShare) -> FirstDerivative:
        labels = self._sweep.dag.labels
        node, user, position, share = first
        if user is None or self._adjoints is None:
            return FirstDerivative(labels[node], None, None, None, share)
        local = local_number(self._sweep, user, position)
        adjoint = self._adjoints.get(user)
        return FirstDerivative(labels[node], labels[user], adjoint, local, share)

    def sentences(self, digits: int = 6) -> tuple[str, ...]:
        """One sentence for each of them, values first."""
        digits = digits_shown(digits)
        found = value_sentences(self._sweep, self._values, digits)
        if self._adjoints is not None:
            found += share_sentences(self._sweep, self._adjoints, self.of, self._shares, digits)
        return tuple(found)

    def __bool__(self) -> bool:
        return bool(self._values or self._shares)

    def __str__(self) -> str:
        return "\n".join(self.sentences()) or "All values and derivatives are finite."

    def __repr__(self) -> str:
        return f"<NotFinite: {len(self._values)} values, {len(self._shares)} derivatives>"


class Saved(NamedTuple):
    """One saved value.

    Attributes:
        name: The node whose value it is; for a condition its formula.
        kind: ``"computed"``, ``"condition"``, ``"argument"`` or ``"constant"``.
        users: The computations whose derivatives need it.
        bytes: Its size at one point.
    """

    name: str
    kind: str
    users: tuple[str, ...]
    bytes: int


class SavedReport:
    """What the backward pass needs of the forward pass; made by ``Graph.saved_values``.

    >>> import chainrule as cr
    >>> saved = cr.parse("a = sin(x); f = exp(a)*y").saved_values()
    >>> [(value.name, value.kind, value.bytes) for value in saved.values]
    [('x', 'argument', 8), ('y', 'argument', 8), ('v1', 'computed', 8)]
    >>> saved.bytes, saved.everything
    (8, 24)
    """

    def __init__(self, saved: SavedValues) -> None:
        self._saved = saved

    @property
    def values(self) -> tuple[Saved, ...]:
        """The values to keep, each once; arguments and constants are there anyway."""
        labels = self._saved.dag.labels
        names = [row[0].text for row in saved_table(self._saved).rows]
        return tuple(
            Saved(name, value.place, tuple(labels[user] for user in value.users), value.bytes)
            for name, value in zip(names, self._saved.values, strict=True)
        )

    @property
    def bytes_per_step(self) -> int:
        """The bytes to save besides for each step of loops that run while a condition holds."""
        return self._saved.bytes_per_step

    @property
    def bytes(self) -> int:
        """Bytes to save, without the arguments, which the caller has anyway."""
        return self._saved.bytes_computed

    @property
    def everything(self) -> int:
        """Bytes when every computed value is saved."""
        return self._saved.everything_computed

    def table(self) -> Table:
        """The saved values: kind, who needs them, bytes."""
        return saved_table(self._saved)

    def needs(self) -> Table:
        """For each computation: its operands, its output, one bit, or nothing."""
        return needs_table(self._saved)

    def __str__(self) -> str:
        return f"{self.needs()}\n\n{self.table()}"

    def __repr__(self) -> str:
        return f"<SavedReport: {self.bytes} of {self.everything} bytes>"


class Cost:
    """What a value and its gradient cost, counted in operations; made by ``Graph.cost``.

    >>> import chainrule as cr
    >>> cost = cr.parse("x1*x2*x3*x4").cost()
    >>> cost.counts.value.total, cost.counts.reverse.total, cost.counts.gradient_tree.total
    (3, 7, 8)

    Attributes:
        counts: The numbers.
    """

    def __init__(self, counts: Costs) -> None:
        self.counts = counts

    def table(self) -> Table:
        """One row for each way to get there."""
        return cost_table(self.counts)

    def __str__(self) -> str:
        return self.table().text()

    def __repr__(self) -> str:
        value: Count = self.counts.value
        return f"<Cost: value {value.total}, with gradient {self.counts.reverse.total} operations>"


class Descent:
    """A gradient descent, step by step; made by ``Graph.descend``.

    >>> import chainrule as cr
    >>> found = cr.parse("(w - 3)^2", parameters="w").descend({"w": 0}, rate=0.1, steps=50)
    >>> round(found.values["w"], 3), len(found.steps)
    (3.0, 50)
    """

    def __init__(self, found: descend.Descent) -> None:
        self._found = found

    @property
    def values(self) -> dict[str, Any]:
        """The parameters at the end."""
        return self._named(self._found.values)

    @property
    def value(self) -> float:
        """The value of the output at the end; over many points their mean."""
        return self._found.value

    @property
    def note(self) -> str:
        """Why the descent stopped early, or an empty string."""
        return self._found.note

    @property
    def steps(self) -> tuple[DescentRecord, ...]:
        """The steps that were taken."""
        return tuple(
            DescentRecord(
                step.value,
                self._named(step.parameters),
                self._named(step.gradient),
                self._named(step.update),
            )
            for step in self._found.steps
        )

    def table(self, digits: int = 6) -> Table:
        """A row for each step: the value, and each parameter with its gradient and update."""
        return self._found.table(digits_shown(digits))

    def _named(self, numbers: Mapping[Node, Any]) -> dict[str, Any]:
        return {node.name: number.item() for node, number in numbers.items()}

    def __str__(self) -> str:
        return self.table().text()

    def __repr__(self) -> str:
        return f"<Descent of {len(self._found.steps)} steps to {self.value:.6g}>"


class DescentRecord(NamedTuple):
    """One step of gradient descent.

    Attributes:
        value: The value of the output where the step starts.
        parameters: The parameters there.
        gradient: The derivatives by the parameters.
        update: What is added to the parameters: −rate · gradient.
    """

    value: float
    parameters: dict[str, Any]
    gradient: dict[str, Any]
    update: dict[str, Any]


class LeafRole(NamedTuple):
    """The role of one argument.

    Attributes:
        name: The argument.
        role: ``"input"``, ``"parameter"``, ``"label"``, or None: nothing tells.
        reason: Why, in a few words.
        alternatives: Roles that fit the shape of the graph as well.
    """

    name: str
    role: str | None
    reason: str
    alternatives: tuple[str, ...]


class Roles:
    """Proposed roles of the arguments; made by ``Graph.roles``.

    >>> import chainrule as cr
    >>> roles = cr.parse("(w1*x1 + w2*x2 + b - y)^2").roles()
    >>> roles.parameters, roles.inputs, roles.labels
    (('w1', 'w2', 'b'), ('x1', 'x2'), ('y',))
    """

    def __init__(self, found: fit_roles.Roles) -> None:
        self._found = found

    @property
    def leaves(self) -> tuple[LeafRole, ...]:
        """The role of each argument, in order, with the reason."""
        return tuple(
            LeafRole(leaf.node.name, leaf.role, leaf.reason, leaf.alternatives)
            for leaf in self._found.leaves
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The given data, labels apart."""
        return self._having("input")

    @property
    def parameters(self) -> tuple[str, ...]:
        """What is learned."""
        return self._having("parameter")

    @property
    def labels(self) -> tuple[str, ...]:
        """What predictions are compared with."""
        return self._having("label")

    def _having(self, role: str) -> tuple[str, ...]:
        return tuple(leaf.name for leaf in self.leaves if leaf.role == role)

    def table(self) -> Table:
        """A row for each argument: its role, the reason, what it could be as well."""
        return self._found.table()

    def __str__(self) -> str:
        return self.table().text()

    def __repr__(self) -> str:
        return f"<Roles: parameters {self.parameters}, inputs {self.inputs}, labels {self.labels}>"
