"""Drawings by name: what a user asks for becomes a subject and its options."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

from chainrule.api.passes import Passes
from chainrule.api.selection import find
from chainrule.diff.build import require_float
from chainrule.draw.drawing import Drawing
from chainrule.draw.options import options
from chainrule.draw.picture import picture
from chainrule.draw.subject import Subject
from chainrule.graph.dag import Dag


def drawn(
    dag: Dag, passes: Passes | None, wrt: str | None, of: str | None, given: dict[str, Any]
) -> Drawing:
    """The drawing of a graph, with the numbers of its passes or without.

    Args:
        dag: The graph.
        passes: The numbers; None: there are none.
        wrt: The node that changes, for tangents, paths and the derivative graph.
        of: The node whose adjoints are shown; None: the only output, if it is one number.
        given: The options of the drawing (`chainrule.draw.options.Options`).

    Raises:
        DrawingError: E250 to E252 for options that cannot be.
        GraphError: E225 for an unknown name.
        DerivativeError: E331 or E333 when ``of`` or ``wrt`` has no derivative.
        LimitError: E156 or E157 where a view has more boxes than ``most``.
    """
    chosen = options(given)
    output = None if of is None else find(dag, of)
    if output is not None:
        require_float(dag, [output])
    elif len(dag.outputs) == 1 and dag.output.type.is_float and not dag.output.type.shape:
        output = dag.output
    seed = None if wrt is None else find(dag, wrt)
    if seed is not None:
        require_float(dag, [seed])
    cone = find(dag, chosen.cone) if chosen.cone else None
    if passes is None:
        subject = Subject(dag, output, seed)
    else:
        adjoints = None if output is None else passes.adjoints(output)
        tangents = None if seed is None else passes.tangents(seed)
        subject = Subject(dag, output, seed, passes.sweep, adjoints, tangents)
    return Drawing(picture(subject, chosen, cone))


def save_drawing(
    path: str | PathLike[str], draw: Callable[..., Drawing], given: dict[str, Any]
) -> None:
    """Draw and write a file; ``scale`` and ``animated`` are for the file, the rest for drawing."""
    writing = {name: given.pop(name) for name in ("scale", "animated") if name in given}
    draw(**given).save(path, **writing)
