"""A label is what a prediction is compared with: two shapes of losses, and what surrounds them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from chainrule.fit.shapes import MULTIPLY, NEGATE, SUMS, factors, reachable, terms
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.graph.op import OPS

_EVEN: Final = tuple(OPS[name] for name in ("square", "abs", "cosh", "hypot"))
_POWER: Final = OPS["power"]
_LOGARITHMS: Final = tuple(
    OPS[name] for name in ("log", "log2", "log10", "log1p", "log_sigmoid", "normal_log_cdf")
)
_XLOGY: Final = OPS["xlogy"]
_OF_SCORES: Final = (OPS["softplus"], OPS["exp"])

_USUAL: Final = re.compile(r"(y|t|target|label|truth)(_?\d+)?", re.IGNORECASE)


def find_labels(dag: Dag, free: Collection[Node]) -> dict[Node, str]:
    """The leaves among ``free`` that look like labels, each with the reason in one sentence.

    - In a sum of negative logarithms, the leaf that weighs them: −y log p − (1 − y) log(1 − p);
      also y in log(1 + exp z) − y z and in exp z − y z, where z is a logarithm itself.
    - Of a difference under an even function (square, absolute value, Huber's loss), the leaf whose
      sign is against that of the prediction, and that is used nowhere else.
    """
    reason = "it weighs the logarithm of a prediction"
    found = {leaf: reason for leaf in _weights(dag) if leaf in free}
    return found or dict(_compared(dag, free))


# --- differences ----------------------------------------------------------------------------------


def _compared(dag: Dag, free: Collection[Node]) -> Iterator[tuple[Node, str]]:
    inside: set[Node] = set()  # what lies below a difference belongs to its prediction
    for node in reversed(dag.order):
        if node in inside or node.op not in SUMS or not _under_even_function(dag, node):
            continue
        parts = terms(node)
        reachable(node.operands, lambda below: below.operands, inside)
        computed = {sign for part, sign in parts if not part.is_leaf}
        leaves = [
            (part, sign) for part, sign in parts if part in free and _only_in(dag, part, node)
        ]
        if len(computed) == 1:
            leaves = [(part, sign) for part, sign in leaves if sign not in computed]
        candidates = [part for part, _ in leaves]
        named = [part for part in candidates if _USUAL.fullmatch(part.name)]
        outermost = [part for part in candidates if part in _bare_operands(node)]
        if not computed:
            if len(named) == 1 and len(candidates) > 1:
                yield named[0], "it is compared with another leaf, and has a usual name of a label"
        elif len(candidates) == 1:
            yield candidates[0], "it is subtracted from the prediction and used nowhere else"
        elif len(named) == 1:
            yield named[0], "it is one of several subtracted leaves, with a usual name of a label"
        elif len(outermost) == 1:
            yield outermost[0], "it is subtracted last, from all the rest"


def _under_even_function(dag: Dag, node: Node) -> bool:
    """Whether the sign of the node does not matter to one of its users."""
    for user in dag.users(node):
        if user.op in _EVEN or (user.op is MULTIPLY and user.operands == (node, node)):
            return True
        if user.op is _POWER and user.params[0] % 2 == 0:
            return True
    return False


def _only_in(dag: Dag, leaf: Node, difference: Node) -> bool:
    """Whether the leaf goes into this sum and nowhere else."""
    users = reachable(dag.users(leaf), dag.users, {difference})
    return all(user.op in SUMS or user.op is NEGATE for user in users)


def _bare_operands(node: Node) -> list[Node]:
    return [item.operands[0] if item.op is NEGATE else item for item in node.operands]


# --- logarithms -----------------------------------------------------------------------------------


def _weights(dag: Dag) -> Iterator[Node]:
    """The leaves y in terms −y log(…), −(1 − y) log(…), softplus(z) − y z, exp(z) − y z."""
    for output in dag.outputs:
        parts = terms(output)
        scores = {part.operands[0] for part, sign in parts if sign > 0 and part.op in _OF_SCORES}
        for part, sign in parts:
            if sign > 0:
                continue
            if part.op is _XLOGY:
                yield from _weight(part.operands[0])
            several = factors(part)
            if any(_is_logarithm(factor) or factor in scores for factor in several):
                for factor in several:
                    yield from _weight(factor)


def _is_logarithm(node: Node) -> bool:
    """The logarithm of something computed: log(x) of a leaf is a feature."""
    return node.op in _LOGARITHMS and not node.operands[0].is_leaf


def _weight(node: Node) -> Iterator[Node]:
    """The leaf y itself, for y and for 1 − y."""
    if node.is_leaf:
        yield node
    elif node.op in SUMS:
        rest = [part for part, _ in terms(node) if part.op is not CONSTANT]
        if len(rest) == 1 and rest[0].is_leaf:
            yield rest[0]


# --- what is compared with them -------------------------------------------------------------------


class Surroundings:
    """The parts of a loss around its labels.

    Attributes:
        predictions: The nodes below what is compared with a label, labels and constants left out;
            in a graph without labels all nodes.
        sums: The nodes that are sums and are not part of a larger one, where predictions are.
        penalties: The computed nodes outside: neither prediction nor comparison.
    """

    def __init__(self, dag: Dag, labels: Collection[Node]) -> None:
        reached = walk.ancestors(*dag.outputs)
        order = [node for node in dag.order if node in reached]
        compared: set[Node] = set()
        if labels:
            compared, predictions = _comparisons(order, labels)
            inside = walk.ancestors(*predictions)
        else:
            inside = set(order)
        leaves_out = {node for node in order if node.op is CONSTANT} | set(labels)
        self.predictions = [node for node in order if node in inside and node not in leaves_out]
        sums = {node for node in order if node.op in SUMS and (node in inside or node in compared)}
        self.sums = [node for node in order if node in sums and sums.isdisjoint(dag.users(node))]
        with_labels = walk.descendants(order, labels)
        self.penalties = [
            node
            for node in order
            if not node.is_leaf and node not in inside and node not in with_labels
        ]


def _comparisons(order: Collection[Node], labels: Collection[Node]) -> tuple[set[Node], set[Node]]:
    """The nodes where a label meets something else, and what it meets there."""
    pure = set(labels)  # labels, and what is computed from labels and numbers alone
    constant: set[Node] = set()
    compared: set[Node] = set()
    predictions: set[Node] = set()
    for node in order:
        if node.op is CONSTANT or (node.operands and constant.issuperset(node.operands)):
            constant.add(node)
            continue
        rest = [operand for operand in node.operands if operand not in constant]
        label_side = [
            operand
            for operand in rest
            if operand in pure or (operand in compared and operand.op in SUMS and node.op in SUMS)
        ]
        if not label_side:
            continue
        if all(operand in pure for operand in rest):
            pure.add(node)
        else:
            compared.add(node)
            predictions.update(operand for operand in rest if operand not in label_side)
    return compared, predictions
