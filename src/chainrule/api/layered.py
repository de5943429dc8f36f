"""Graphs in layers, every node computed from all of the layer before: where paths explode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from chainrule.api.array import Array, inputs
from chainrule.api.graph import Graph
from chainrule.errors import GraphError, shown
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.ops.abstract import abstract

_NAMES: Final = "ghklmnpqrstuvw"
"""Of the hidden layers, from the one next to the output down."""

_WIDEST: Final = 1000
"""Of a layer; the edges between two of these are a million."""

Unit = Callable[..., Array]


def layered(*widths: int, unit: Unit | None = None) -> Graph:
    """A graph whose layers have these widths, inputs first, each joined to all of the next.

    The number of paths from the inputs to a node of the last layer is the product of the widths
    before it: a sum over paths is hopeless where one pass over the edges is not.

    >>> import chainrule as cr
    >>> g = cr.layered(2, 2, 1)
    >>> g
    <Graph of (x1, x2): f(g1(x1, x2), g2(x1, x2))>
    >>> sum(g.count_paths(name) for name in g.inputs)
    4
    >>> print(g.chain_rule("x1"))
    df/dx1 = ∂f/∂g1·∂g1/∂x1 + ∂f/∂g2·∂g2/∂x1
    >>> g = cr.layered(2, 2, 1, unit=lambda at, *xs: cr.sin(sum(xs) + at))
    >>> round(g.at(0, 0).value, 4)
    0.7456

    Args:
        widths: How many nodes each layer has; at least two layers.
        unit: The function that makes a node, given its place in its layer (from 0) and the arrays
            of the layer before; None: an abstract function with the name of the node.

    Raises:
        GraphError: E234 for widths that are no layers, or a unit that makes no array.
    """
    whole = all(type(width) is int and 0 < width <= _WIDEST for width in widths)
    if not whole or not 2 <= len(widths) <= len(_NAMES) + 2:
        raise GraphError(
            "E234",
            f"a layered graph needs from 2 to {len(_NAMES) + 2} widths from 1 to {_WIDEST}, "
            f"got {shown(widths)}",
        )
    hidden = reversed(_NAMES[: len(widths) - 2])
    names = [
        _numbered(letter, width) for letter, width in zip(("x", *hidden, "f"), widths, strict=True)
    ]
    layer: Sequence[Array] = inputs(names[0])
    first = layer
    named: dict[Node, list[str]] = {}
    for own in names[1:]:
        if unit is None:
            layer = [abstract(*layer, function=name) for name in own]
        else:
            layer = [unit(at, *layer) for at in range(len(own))]
            for name, array in zip(own, layer, strict=True):
                if not isinstance(array, Array):
                    raise GraphError(
                        "E234", f"the unit must make an array, got {shown(array)} for {name}"
                    )
                named.setdefault(array.node, []).append(name)
    return Graph(Dag([array.node for array in layer], [array.node for array in first], named))


def _numbered(letter: str, width: int) -> list[str]:
    """x1, x2, …; a layer of one node has no number."""
    return [letter] if width == 1 else [f"{letter}{at}" for at in range(1, width + 1)]
