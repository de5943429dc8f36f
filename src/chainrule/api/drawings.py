"""Drawings by name: what a user asks for becomes a subject and its options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from os import PathLike
from typing import Any

from chainrule.api.passes import Passes
from chainrule.api.selection import find, only_number
from chainrule.diff.build import require_float
from chainrule.draw.drawing import Drawing
from chainrule.draw.options import MOST, Options, options
from chainrule.draw.picture import picture
from chainrule.draw.subject import Subject
from chainrule.errors import DrawingError
from chainrule.formula.names import names_of
from chainrule.formula.printer import latex
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.inside import graphs_of, holder, holds_graph, steps_made


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
    if passes is None:
        output = only_number(dag) if of is None else find(dag, of)
    else:
        output = passes.start(of)
    seed = None if wrt is None else find(dag, wrt)
    require_float(dag, [node for node in (output, seed) if node is not None])
    cone = find(dag, chosen.cone) if chosen.cone else None
    opened = _opened(dag, chosen.open)
    if passes is None:
        subject = Subject(dag, output, seed, opened=opened)
    else:
        adjoints, of_name = passes.adjoints_from(output)
        tangents = None if seed is None or seed.type.shape else passes.tangents(seed)
        _check_step(passes, opened, chosen)
        subject = Subject(
            dag,
            output,
            seed,
            passes.sweep,
            adjoints,
            tangents,
            given=of_name,
            opened=opened,
            step=chosen.step,
        )
    return Drawing(picture(subject, chosen, cone))


def _opened(dag: Dag, names: str) -> list[Node]:
    """The loops, branches and calls to be drawn with what is inside of them.

    Raises:
        GraphError: E225 for an unknown name, E229 for what holds no graph.
    """
    if names == "all":
        return [node for node in dag.order if holds_graph(node)]
    found = [holder(find(dag, name)) for name in names_of(names)]
    for node in found:
        graphs_of(node)
    return found


def _check_step(passes: Passes, opened: Sequence[Node], chosen: Options) -> None:
    """Raise DrawingError E252 for a step that none of the opened loops made."""
    counts = [steps_made(node, passes.sweep.values[node]) for node in opened]
    most = max((count for count in counts if count is not None), default=None)
    if chosen.step > 1 and (most is None or chosen.step > most):
        made = f"the longest loop made {most} steps" if most is not None else "no loop is open"
        raise DrawingError("E252", f"there is no step {chosen.step}: {made}")


def save_drawing(
    path: str | PathLike[str], draw: Callable[..., Drawing], given: dict[str, Any]
) -> None:
    """Draw and write a file; ``scale`` and ``animated`` are for the file, the rest for drawing."""
    writing = {name: given.pop(name) for name in ("scale", "animated") if name in given}
    draw(**given).save(path, **writing)


def notebook_forms(
    shown: object,
    dag: Dag,
    draw: Callable[[], Drawing],
    include: Collection[str] | None,
    exclude: Collection[str] | None,
) -> dict[str, str]:
    """What a notebook may show, by MIME type: the drawing, the formula in LaTeX, a line of text.

    A front end shows the richest form that it knows: the drawing, in most of them. Of graphs with
    more than `MOST` nodes, and of what cannot be drawn or written, there is the text alone.

    Args:
        shown: The graph or the record.
        dag: Its graph.
        draw: Makes the drawing.
        include: The types that are wanted; None: all.
        exclude: The types that are not wanted.
    """
    forms: dict[str, Callable[[], str]] = {"text/plain": lambda: repr(shown)}
    if len(dag) <= MOST:
        forms["image/svg+xml"] = lambda: draw().svg()
        forms["text/latex"] = lambda: rf"$\displaystyle {latex(dag)}$"
    wanted = {
        name: form
        for name, form in forms.items()
        if (not include or name in include) and name not in (exclude or ())
    }
    try:
        return {name: form() for name, form in wanted.items()}
    except Exception:  # whatever it is: a cell that only looks at something must not fail
        return {"text/plain": repr(shown)}
