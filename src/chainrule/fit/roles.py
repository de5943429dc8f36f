"""Which leaf is data, which is learned, which is the label: read off the shape of a loss.

In the prediction each product pairs a parameter with an input, and what stands alone in a sum of
products is a bias. Where the shape leaves a choice, names decide, and where names do not, the order
of writing; both are said, and the other choice is given.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chainrule.errors import GraphError
from chainrule.fit.labels import Surroundings, find_labels
from chainrule.fit.shapes import LINEAR, MULTIPLY, factors, reachable, terms
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.show.cells import Names, word_cell
from chainrule.show.table import Table, columns

Role = Literal["input", "parameter", "label"]


@dataclass(frozen=True, slots=True)
class LeafRole:
    """The role of one leaf.

    Attributes:
        node: The leaf.
        role: Its role; None: nothing tells.
        reason: Why, in one sentence.
        alternatives: Roles that fit the shape of the graph as well.
    """

    node: Node
    role: Role | None
    reason: str
    alternatives: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of the arguments of a graph.

    Attributes:
        dag: The graph.
        leaves: The role of each argument, in order.
    """

    dag: Dag
    leaves: tuple[LeafRole, ...]

    def __getitem__(self, leaf: Node) -> LeafRole:
        """The role of one argument; raises KeyError when it is none."""
        for found in self.leaves:
            if found.node is leaf:
                return found
        raise KeyError(leaf)

    def having(self, role: Role | None) -> tuple[Node, ...]:
        """The arguments with this role; None: those without one."""
        return tuple(leaf.node for leaf in self.leaves if leaf.role == role)

    def table(self) -> Table:
        """A row for each argument: its role, the reason, what it could be as well."""
        names = Names(self.dag)
        return Table(
            "roles",
            "Roles of the arguments",
            columns(
                ("leaf", "Leaf", False, "bold"),
                ("role", "Role", False, "green"),
                ("reason", "Reason"),
                ("alternatives", "Could also be"),
            ),
            tuple(
                (
                    names.cell(leaf.node),
                    word_cell(leaf.role or "unknown"),
                    word_cell(leaf.reason),
                    word_cell(", ".join(leaf.alternatives)),
                )
                for leaf in self.leaves
            ),
        )

    def __str__(self) -> str:
        return self.table().text()


def roles(
    dag: Dag,
    label: Node | None = None,
    inputs: Collection[Node] = (),
    parameters: Collection[Node] = (),
) -> Roles:
    """Propose a role for each argument of a loss: input, parameter, label, or none.

    What is said wins, and spreads: the partner of a parameter in a product is an input. Arguments
    that are declared as parameters count as said.

    >>> from chainrule.formula.infix import read
    >>> dag = read("(v1*v2 + v3*v4 + v5 - v6)^2")
    >>> found = roles(dag)
    >>> [(leaf.node.name, leaf.role) for leaf in found.leaves][3:]
    [('v4', 'input'), ('v5', 'parameter'), ('v6', 'label')]
    >>> print(found[dag.find("v4")].reason)
    it multiplies v3, a parameter
    >>> found[dag.find("v4")].alternatives
    ('parameter',)
    >>> roles(dag, parameters=[dag.find("v4")])[dag.find("v3")].role
    'input'

    Args:
        dag: The graph; its outputs are losses, or models without a loss.
        label: The leaf that the prediction is compared with; None: look for it.
        inputs: Leaves that are given data.
        parameters: Leaves that are learned.

    Raises:
        GraphError: E224 for a node that is no argument of the graph, E229 for a leaf that is given
            two roles.
    """
    found = _said(dag, label, inputs, parameters)
    if label is None:
        free = {node for node in dag.inputs if node not in found}
        for node, reason in find_labels(dag, free).items():
            found[node] = LeafRole(node, "label", reason)
    labels = [node for node, leaf in found.items() if leaf.role == "label"]
    around = Surroundings(dag, labels)
    _Reading(dag, around, found).read()
    inside, reached = set(around.predictions), walk.ancestors(*dag.outputs)
    for node in dag.inputs:
        if node in inside:
            reason = "nothing in the graph tells"
        elif node in reached:
            reason = "it is no part of the prediction, only of the loss"
        else:
            reason = "no output depends on it"
        found.setdefault(node, LeafRole(node, None, reason))
    return Roles(dag, tuple(found[node] for node in dag.inputs))


def _said(
    dag: Dag, label: Node | None, inputs: Collection[Node], parameters: Collection[Node]
) -> dict[Node, LeafRole]:
    """What the caller says, then what the graph declares."""
    found: dict[Node, LeafRole] = {}
    said: list[tuple[Role, Collection[Node]]] = [
        ("label", [] if label is None else [label]),
        ("input", inputs),
        ("parameter", parameters),
    ]
    for role, nodes in said:
        for node in nodes:
            if node not in dag.inputs:
                raise GraphError("E224", f"{node!r} is not an argument of this graph")
            first = found.setdefault(node, LeafRole(node, role, "given")).role
            if first != role:
                raise GraphError("E229", f"{node.name!r} cannot be both {first} and {role}")
    for node in dag.parameters:
        found.setdefault(node, LeafRole(node, "parameter", "declared as a parameter"))
    return found


# --- products and sums of the prediction ----------------------------------------------------------

_PARAMETER_NAME: Final = re.compile(
    r"(w|a|b|c|d|k|m|alpha|beta|gamma|theta|weight|bias|coef|slope|intercept)_?\d*", re.IGNORECASE
)
_INPUT_NAME: Final = re.compile(r"(x|feature|input)_?\d*", re.IGNORECASE)

_NAMES: Final = 4
"""From this level of clues on, the other choice fits the shape as well."""

Clue = tuple[Role, str]
"""A role that something speaks for, and the reason."""


class _Reading:
    """The roles in a prediction, from the strongest clue to the weakest."""

    def __init__(self, dag: Dag, around: Surroundings, found: dict[Node, LeafRole]) -> None:
        self.found = found
        self.leaves = [node for node in around.predictions if node.is_leaf]
        self._sole = _sole_leaves(around.predictions)
        self.partners: dict[Node, dict[Node, None]] = {leaf: {} for leaf in self.leaves}
        """The leaves that a leaf makes a product with, in order of writing."""
        self.first: dict[Node, None] = {}
        """The leaves that stand first in their product."""
        shape: dict[Node, Clue] = {}
        self._read_products(dag, around.predictions, shape)
        # Each level: clues that count only where all levels before it are silent.
        self.levels: list[dict[Node, Clue]] = [
            self._penalised(around.penalties),
            shape,
            self._shared(),
            self._alone(around.sums),
            self._named(),
        ]

    def read(self) -> None:
        """Fill in ``found`` for the leaves of the prediction."""
        self._spread(self.leaves, [leaf for leaf in self.leaves if leaf in self.found])
        for group in self._groups():
            self._decide(group)

    # --- clues --------------------------------------------------------------------------------

    def _read_products(self, dag: Dag, nodes: Iterable[Node], clues: dict[Node, Clue]) -> None:
        for node in nodes:
            if node.op is not MULTIPLY or any(user.op is MULTIPLY for user in dag.users(node)):
                continue
            # What depends on one leaf alone, such as x·x or sin x, stands for this leaf.
            sides: dict[Node, list[Node]] = {}
            for part in factors(node):
                sides.setdefault(self._sole.get(part, part), []).append(part)
            if len(sides) != 2:
                continue
            one, other = sides
            leaves = [side for side in sides if side in self.partners and sides[side] == [side]]
            if one in self.partners and other in self.partners and leaves:
                self.partners[one][other] = None
                self.partners[other][one] = None
                self.first.setdefault(one)
                for side in (one, other):
                    if side not in leaves:
                        clues.setdefault(side, ("input", "it enters a product through a function"))
            elif len(leaves) == 1:
                computed = other if one is leaves[0] else one
                if computed.op not in LINEAR:
                    clues[leaves[0]] = ("parameter", "it weighs a computed value, as a layer does")

    def _penalised(self, penalties: Iterable[Node]) -> dict[Node, Clue]:
        used = {operand for node in penalties for operand in node.operands}
        return {
            leaf: ("parameter", "the loss has a term in it apart from the prediction")
            for leaf in self.leaves
            if leaf in used
        }

    def _shared(self) -> dict[Node, Clue]:
        return {
            leaf: ("input", f"it is used in {len(partners)} products, as data are")
            for leaf, partners in self.partners.items()
            if len(partners) > 1
        }

    def _alone(self, sums: Iterable[Node]) -> dict[Node, Clue]:
        clues: dict[Node, Clue] = {}
        for node in sums:
            parts = [part for part, _ in terms(node)]
            products = [part for part in parts if not part.is_leaf]
            inside = {self._sole.get(f) for part in products for f in factors(part)}
            for part in parts:
                if part in self.partners and products and part not in inside:
                    clues[part] = ("parameter", "it stands alone in a sum of products, as a bias")
        return clues

    def _named(self) -> dict[Node, Clue]:
        clues: dict[Node, Clue] = {}
        for leaf in self.leaves:
            if _PARAMETER_NAME.fullmatch(leaf.name):
                clues[leaf] = ("parameter", f"{leaf.name} is a usual name of a parameter")
            elif _INPUT_NAME.fullmatch(leaf.name):
                clues[leaf] = ("input", f"{leaf.name} is a usual name of an input")
        return clues

    # --- decisions ----------------------------------------------------------------------------

    def _groups(self) -> list[list[Node]]:
        """The leaves without a role that hang together by products."""
        seen = set(self.found)
        groups = [reachable([leaf], self.partners.__getitem__, seen) for leaf in self.leaves]
        return [group for group in groups if group]

    def _decide(self, group: list[Node]) -> None:
        """Give roles to leaves that hang together: one decision settles all."""
        side = _two_sides(group, self.partners)
        if side is None:
            for leaf in group:
                reason = "products pair it in a ring, where no two roles fit"
                self.found[leaf] = LeafRole(leaf, None, reason)
            return
        level, clues, votes = self._strongest(group, side)
        if not votes:
            return
        open_choice = level >= _NAMES
        learned = 0 if votes > 0 else 1
        settled = []
        for leaf in group:
            role: Role = "parameter" if side[leaf] == learned else "input"
            if leaf in clues and clues[leaf][0] == role:
                self.found[leaf] = LeafRole(leaf, role, clues[leaf][1], _others(role, open_choice))
                settled.append(leaf)
        self._spread(group, settled)

    def _strongest(
        self, group: Collection[Node], side: Mapping[Node, int]
    ) -> tuple[int, dict[Node, Clue], int]:
        """The first level that says something, its clues, and its votes.

        Votes above 0: the leaves on side 0 are parameters, those on side 1 inputs.
        """
        levels = [*self.levels, self._written(group, side)]
        for level, clues in enumerate(levels):
            votes = sum(
                1 if (clues[leaf][0] == "parameter") == (side[leaf] == 0) else -1
                for leaf in group
                if leaf in clues
            )
            if votes:
                return level, clues, votes
        return len(levels), {}, 0

    def _written(self, group: Collection[Node], side: Mapping[Node, int]) -> dict[Node, Clue]:
        """Nothing tells: the factor written first is taken for the parameter, as in w·x."""
        first = [leaf for leaf in group if leaf in self.first and len(group) > 1]
        return {
            leaf: ("parameter", "the factors can swap; the one written first is taken")
            for leaf in first
            if side[leaf] == side[first[0]]
        }

    def _spread(self, among: Collection[Node], settled: Iterable[Node]) -> None:
        """From leaves with a role to their partners in products, which have the other one."""
        waiting = deque(settled)
        allowed = set(among)
        while waiting:
            node = waiting.popleft()
            known = self.found[node]
            if known.role not in ("input", "parameter"):
                continue
            role: Role = "input" if known.role == "parameter" else "parameter"
            article = "an" if known.role == "input" else "a"
            for partner in self.partners[node]:
                if partner in allowed and partner not in self.found:
                    self.found[partner] = LeafRole(
                        partner,
                        role,
                        f"it multiplies {node.name}, {article} {known.role}",
                        _others(role, bool(known.alternatives)),
                    )
                    waiting.append(partner)


def _others(role: Role, open_choice: bool) -> tuple[Role, ...]:
    if not open_choice:
        return ()
    return ("input",) if role == "parameter" else ("parameter",)


def _sole_leaves(nodes: Iterable[Node]) -> dict[Node, Node]:
    """Node → the one leaf it depends on, for the nodes that depend on a single one."""
    sole: dict[Node, Node] = {}
    for node in nodes:
        below = {sole.get(o) for o in node.operands if o.op is not CONSTANT}
        if node.is_leaf:
            sole[node] = node
        elif len(below) == 1 and (leaf := below.pop()):
            sole[node] = leaf
    return sole


def _two_sides(
    group: Collection[Node], partners: Mapping[Node, Iterable[Node]]
) -> dict[Node, int] | None:
    """Partners on different sides, 0 and 1; None where that is impossible."""
    side = {next(iter(group)): 0}
    waiting = deque(side)
    members = set(group)
    while waiting:
        node = waiting.popleft()
        for partner in partners[node]:
            if partner not in members:
                continue
            if partner not in side:
                side[partner] = 1 - side[node]
                waiting.append(partner)
            elif side[partner] == side[node]:
                return None
    return side
