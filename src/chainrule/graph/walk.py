"""Walks over nodes, all iterative: orders, cones, path counts, rebuilding."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

from chainrule.graph.node import Node, make

Uses = Mapping[Node, Sequence[tuple[Node, int]]]
"""For each node the edges that leave it: (user, position among the user's operands)."""


def depth_first(roots: Iterable[Node], leaves: Container[Node] = ()) -> list[Node]:
    """Topological order by depth-first post-order: operands come before their users.

    Args:
        roots: Where the walk starts.
        leaves: Nodes that are taken without what they are computed from.
    """
    seen: set[Node] = set()
    order: list[Node] = []
    # None on the stack says: the operands of the node below it are done.
    stack: list[Node | None] = [*reversed(list(roots))]
    while stack:
        node = stack.pop()
        if node is None:
            finished = stack.pop()
            assert finished is not None
            order.append(finished)
        elif node not in seen:
            seen.add(node)
            operands = node.operands
            if operands and node not in leaves:
                stack.append(node)
                stack.append(None)
                stack.extend(operands[::-1])
            else:
                order.append(node)
    return order


def exceeds(root: Node, limit: int) -> bool:
    """Whether ``root`` is computed from more than this many nodes, looking no further."""
    seen = {root}
    stack = [root]
    while stack and len(seen) <= limit:
        for operand in stack.pop().operands:
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return len(seen) > limit


def uses_of(order: Iterable[Node]) -> dict[Node, list[tuple[Node, int]]]:
    """The edges leaving each node; ``x*x`` gives two edges from the same ``x``."""
    uses: dict[Node, list[tuple[Node, int]]] = {}
    for node in order:
        uses[node] = []
        for position, operand in enumerate(node.operands):
            uses[operand].append((node, position))
    return uses


def kahn(order: Sequence[Node], uses: Uses) -> list[Node]:
    """Topological order by Kahn's algorithm: again and again take a node all of whose operands are
    taken (A. B. Kahn, Topological sorting of large networks, CACM 5, 1962).
    """
    missing = {node: len(node.operands) for node in order}
    ready = deque(node for node in order if not node.operands)
    result: list[Node] = []
    while ready:
        node = ready.popleft()
        result.append(node)
        for user, _ in uses[node]:
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    return result


def ancestors(*targets: Node) -> set[Node]:
    """The nodes that the targets are computed from, themselves included."""
    return set(depth_first(targets))


def descendants(order: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """The nodes of ``order`` that are computed from one of ``sources``, themselves included."""
    reached = set(sources)
    for node in order:
        for operand in node.operands:
            if operand in reached:
                reached.add(node)
                break
    return reached


def occurrences(order: Sequence[Node], roots: Iterable[Node]) -> Iterator[tuple[Node, int]]:
    """How often each node occurs when the roots are written out as trees, users first.

    A node occurs once for every directed path from it to a root, parallel edges counted apart.
    Counted, not enumerated: one addition of whole numbers (of any size) for each edge. A count is
    forgotten once it has been passed on, as the counts may have as many digits as there are nodes.
    """
    counts: dict[Node, int] = {}
    for root in roots:
        counts[root] = counts.get(root, 0) + 1
    for node in reversed(order):
        count = counts.pop(node, 0)
        yield node, count
        if count:
            for operand in node.operands:
                counts[operand] = counts.get(operand, 0) + count


def path_counts(order: Sequence[Node], target: Node, sources: Collection[Node]) -> dict[Node, int]:
    """For each source the number of directed paths to ``target``, parallel edges counted apart."""
    found = dict.fromkeys(sources, 0)
    found.update((node, count) for node, count in occurrences(order, [target]) if node in found)
    return found


def path_lengths(order: Sequence[Node], target: Node, sources: Collection[Node]) -> dict[Node, int]:
    """For each source the number of edges on all its paths to ``target`` together."""
    found = dict.fromkeys(sources, 0)
    lengths: dict[Node, int] = {}
    for node, count in occurrences(order, [target]):
        length = lengths.pop(node, 0)
        if node in found:
            found[node] = length
        if count:
            for operand in node.operands:
                lengths[operand] = lengths.get(operand, 0) + length + count
    return found


def rebuild(
    order: Iterable[Node],
    replacements: Mapping[Node, Node],
    build: Callable[..., Node] = make,
) -> dict[Node, Node]:
    """Old node → new node, after replacing some nodes and remaking everything above them."""
    result: dict[Node, Node] = {}
    for node in order:
        new = replacements.get(node)
        if new is None:
            operands = tuple([result[operand] for operand in node.operands])
            new = node if operands == node.operands else build(node.op, operands, node.params)
        result[node] = new
    return result
