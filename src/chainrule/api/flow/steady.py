"""Steps of loops, traced: what they carry keeps its structure, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from chainrule.api.flow.bodies import Body, Given, body_of, outputs_like
from chainrule.api.places import running
from chainrule.api.plans import Pure
from chainrule.api.tracing import symbolic
from chainrule.api.tree import Structure, at_place, place_of
from chainrule.errors import GraphError
from chainrule.graph import walk
from chainrule.graph.node import Node
from chainrule.graph.types import Type
from chainrule.ops.term import Term


def steady(
    function: Pure, start: Given, rest: Sequence[Structure], types: Sequence[Type], *, pair: bool
) -> tuple[Body, Given]:
    """A traced step, and the values before the first one in the dtypes that the step keeps.

    Plain numbers at the start take the dtype of what a step gives. ``pair``: a step gives carried
    values and results.
    """
    structures = [start.structure, *rest]
    single: set[int] = set()
    while True:  # a dtype can only grow: bool, int, float64; or be made float32 once, and grow
        body = body_of(function, structures, [*start.types, *types])
        structure = body.structure
        if pair:
            if structure.kind is not tuple or len(structure.parts) != 2:
                raise GraphError("E241", "a step of scan gives (carried values, results)")
            structure = structure.parts[0]
        _require_same(start.structure, structure)
        count = len(start.leaves)
        new = _single_after_plain(function, structures, types, start, body, single)
        if new:
            single |= new
            continue
        grown = False
        for at, (before, output) in enumerate(zip(start.types, body.outputs[:count], strict=True)):
            if not start.weak[at]:
                continue
            plain = isinstance(output, (bool, int, float)) and not isinstance(output, np.generic)
            after = output if plain else symbolic(output).type.dtype
            dtype = np.result_type(before.dtype, after)
            if dtype != before.dtype and (plain or dtype == after):
                start.leaves[at] = start.leaves[at].astype(dtype)
                grown = True
        if not grown:
            break
    _require_steady(
        start, outputs_like(body, [*start.types, *[None] * (len(body.outputs) - count)])
    )
    return body, start


def _single_after_plain(
    function: Pure,
    structures: Sequence[Structure],
    types: Sequence[Type],
    start: Given,
    body: Body,
    done: Collection[int],
) -> set[int]:
    """Make starts float32 where a plain number and what meets it in a step give that (NEP 50).

    Returns:
        Which ones, besides those that were done before.
    """
    weak = [at for at, plain in enumerate(start.weak) if plain and at not in done]
    wide = [at for at in weak if _dtype(body.outputs[at]) == "f8"]
    outputs = [output.node for output in body.outputs if isinstance(output, Term)]
    reached = walk.depth_first(outputs, running.recorder or ()) if wide else []
    if all(node.type.dtype != "f4" for node in reached):
        return set()
    plain = {at: start.leaves[at].item() for at in weak}
    try:
        with np.errstate(all="ignore"):
            tried = body_of(function, structures, [*start.types, *types], plain)
    except Exception:
        return set()
    single = [at for at in wide if _dtype(tried.outputs[at]) == "f4"]
    for at in single:
        start.leaves[at] = start.leaves[at].astype(np.float32)
    return set(single)


def _dtype(output: Any) -> str:
    """A name of the dtype of what a step gives; none for a plain number."""
    return output.dtype.str[1:] if isinstance(output, Term) else ""


def _require_same(before: Structure, after: Structure) -> None:
    """Raise E241 unless carried values keep their structure."""
    if before == after:
        return
    missing = [path for path in before.paths() if path not in after.paths()]
    extra = [path for path in after.paths() if path not in before.paths()]
    what = "; ".join(
        f"{len(paths)} {word}: {', '.join([place_of(x) or 'the value itself' for x in paths[:3]])}"
        for paths, word in ((missing, "missing after a step"), (extra, "new after a step"))
        if paths
    )
    raise GraphError("E241", f"carried values change their structure: {what or 'other containers'}")


def _require_steady(start: Given, after: Sequence[Node]) -> None:
    """Raise E241 unless every carried value keeps its shape and dtype."""
    for path, before, node in zip(start.structure.paths(), start.types, after, strict=False):
        if node.type is not before:
            repair = ""
            if node.type.shape == before.shape:
                repair = f"; start with dtype {node.type.dtype}, or write .astype({before.dtype})"
            raise GraphError(
                "E241",
                f"the carried value{at_place(path)} is {before}, after a step {node.type}{repair}",
            )
