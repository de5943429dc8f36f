"""Branches and loops as operations: for what depends on values, and for loops that stay loops.

A loop written in Python is unrolled when it is traced. These stay one node however many steps they
take; forward and reverse mode, batching and their compositions work through them.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Collection, Sequence
from itertools import starmap
from typing import Any

import numpy as np

from chainrule.api.bodies import (
    Body,
    Closed,
    Given,
    Hoist,
    body_of,
    bound,
    closed,
    given,
    outputs_like,
    own_name,
    renamed,
    unused,
)
from chainrule.api.places import running
from chainrule.api.tracing import symbolic
from chainrule.api.tree import Structure
from chainrule.errors import GraphError
from chainrule.graph import walk
from chainrule.graph.node import Node
from chainrule.graph.types import Type
from chainrule.ops.branches import branched
from chainrule.ops.loop_parts import Carried, Loop, Part, repeated, scanned
from chainrule.ops.select import convert
from chainrule.ops.term import Term

Pure = Callable[..., Any]


# --- branches -------------------------------------------------------------------------------------


def cond(pred: Any, true_function: Pure, false_function: Pure, *operands: Any) -> Any:
    """One of two functions, chosen by a truth value; only that one is run.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> f = lambda x: cr.cond(x > 0, np.sqrt, lambda x: -x, x)
    >>> f(4.0), cr.grad(f)(4.0), cr.grad(f)(-4.0)
    (np.float64(2.0), np.float64(0.25), np.float64(-1.0))

    Args:
        pred: A truth value; with one that is symbolic both functions are traced.
        true_function: Of the operands; may read other values around it.
        false_function: Gives values of the same structure, shapes and dtypes.
        *operands: Arrays and structures of arrays.

    Raises:
        GraphError: E241 when the results differ in structure, shape or dtype, E242 for a truth
            value that is an array.
    """
    if not isinstance(pred, Term):
        if np.ndim(pred):
            raise _not_one_truth(np.shape(pred))
        return (true_function if pred else false_function)(*operands)
    if pred.shape:
        raise _not_one_truth(pred.shape)
    truth = pred if pred.dtype == bool else pred != 0
    return _branched(convert(~truth, "int64"), [true_function, false_function], operands)


def _not_one_truth(shape: tuple[int, ...]) -> GraphError:
    return GraphError(
        "E242", f"cond needs one truth value, got shape {list(shape)}; use np.where or vmap"
    )


def switch(index: Any, branches: Sequence[Pure], *operands: Any) -> Any:
    """One of several functions, chosen by a number; only that one is run.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.switch(1, [np.sin, np.cos, np.tan], 0.0)
    np.float64(1.0)

    Args:
        index: A whole number; outside of the branches it means the nearest one.
        branches: Functions of the operands with results of one structure, shapes and dtypes.
        *operands: Arrays and structures of arrays.

    Raises:
        GraphError: E241 when the results differ, E242 for no branches or an index that is not one
            whole number.
    """
    if not branches:
        raise GraphError("E242", "switch needs at least one branch")
    if not isinstance(index, Term):
        at = operator.index(index)
        return branches[min(max(at, 0), len(branches) - 1)](*operands)
    if index.shape or index.node.type.is_float:
        raise GraphError("E242", f"switch needs one whole number, got {index.node.type}")
    return _branched(convert(index, "int64"), branches, operands)


def _branched(index: Any, functions: Sequence[Pure], operands: Sequence[Any]) -> Any:
    values = given(tuple(operands), "cond")
    types = values.types
    bodies = [body_of(function, values.structure.parts, types) for function in functions]
    first = bodies[0]
    for body in bodies[1:]:
        if body.structure != first.structure:
            raise GraphError("E241", "the branches give values of different structures")
    wanted = [_common(column) for column in zip(*(body.outputs for body in bodies), strict=True)]
    outputs = [outputs_like(body, wanted) for body in bodies]
    if not wanted:
        return first.structure.build([])
    paths = first.structure.paths()
    for path, *column in zip(paths, *outputs, strict=True):
        kinds = [node.type for node in column]
        if any(kind is not kinds[0] for kind in kinds):
            named = " and ".join(sorted({str(kind) for kind in kinds}))
            raise GraphError("E241", f"the branches give {named}{_at(path)}")
    taken: set[str] = set()
    shared = [unused(own_name(node), node.type, taken) for node in first.inputs]
    read: dict[Node, Node] = {}
    dags = []
    for body, nodes in zip(bodies, outputs, strict=True):
        inner = closed(body.inputs, nodes, body.known, arrays=True)
        for node, constant in zip(inner.outside, inner.constants, strict=True):
            read.setdefault(node, unused(constant.name, node.type, taken))
        names = dict(zip(inner.inputs, shared, strict=True))
        pairs = zip(inner.constants, inner.outside, strict=True)
        names |= {old: read[node] for old, node in pairs}
        dags.append(renamed(inner.outputs, names, inner.known))
    inputs = [*shared, *read.values()]
    branches = [known.dag(outputs, inputs) for outputs, known in dags]

    def build(leaves: Sequence[Term]) -> Sequence[Term]:
        chosen, *rest = leaves
        return branched(chosen, branches, [*rest, *builtins.map(Term, read)])

    made = bound(build, [index, *values.leaves])
    return first.structure.build(made)


def _common(column: Sequence[Any]) -> Type | None:
    """The type that plain numbers among the results of branches are to have."""
    found = next((output.node.type for output in column if isinstance(output, Term)), None)
    if found is None and all(isinstance(output, (bool, int, float)) for output in column):
        return Type.of(np.result_type(*builtins.map(np.asarray, column)))
    return found


# --- loops ----------------------------------------------------------------------------------------


def scan(
    function: Pure,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
    checkpoints: int | None = None,
) -> tuple[Any, Any]:
    """Run a function on one slice after the other, with values carried from step to step.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> def step(total, x):
    ...     total = 0.5 * total + x
    ...     return total, total**2
    >>> cr.scan(step, 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(4.25), array([ 1.    ,  6.25  , 18.0625]))
    >>> cr.grad(lambda start: cr.scan(step, start, np.ones(3))[0])(0.0)
    np.float64(0.125)

    Args:
        function: (carried values, a slice) → (carried values, results of the step). The carried
            values keep their structure, shapes and dtypes. It may read other values around it.
        init: The carried values before the first step.
        xs: Arrays whose first axis is that of the steps, or a structure of them; None: no slices.
        length: The number of steps, where there are no slices.
        reverse: Whether to begin with the last slice; results stand at the places of their slices.
        checkpoints: How many sets of carried values the backward pass may keep at once, besides
            the first and the last; None: those before all steps. The others are computed anew:
            with c checkpoints each of C(c + t, c) steps at most t times more (Griewank and Walther,
            Algorithm 799: Revolve, ACM TOMS 26, 2000). The bound is that of a first derivative;
            derivatives of it, and `vmap` of it, keep all.

    Returns:
        The carried values after the last step, and the results of all steps stacked.

    Raises:
        GraphError: E241 when carried values change structure, shape or dtype, naming which; E242
            for arrays with different numbers of slices, or when nothing says how many steps.
    """
    start, slices = given(init, "the start of scan"), given(xs, "xs of scan")
    steps = _steps(slices, length)
    if checkpoints is not None and operator.index(checkpoints) < 1:
        raise GraphError("E242", f"scan needs at least one checkpoint, got {checkpoints}")
    kinds = [Type.of(type.dtype, type.shape[1:]) for type in slices.types]
    body, start = _steady(function, start, [slices.structure], kinds, pair=True)
    count = len(start.leaves)
    types = start.types
    results = body.outputs[count:]
    nodes = outputs_like(body, [*types, *(None for _ in results)])

    def build(leaves: Sequence[Term]) -> Sequence[Term]:
        hoist = Hoist.ALL if steps else Hoist.REGULAR
        inner = closed(body.inputs, nodes, body.known, hoist, arrays=True)
        outs = inner.outputs
        made = scanned(
            Loop(
                constants=_constants(inner),
                carried=list(
                    starmap(Carried, zip(inner.inputs, leaves, outs[:count], strict=False))
                ),
                sliced=list(starmap(Part, zip(inner.inputs[count:], leaves[count:], strict=True))),
                stacked=outs[count:],
                length=steps,
                backward=reverse,
                kept=operator.index(checkpoints or 0),
                known=inner.known,
            )
        )
        return [*made.carried, *made.stacked]

    made = bound(build, [*start.leaves, *slices.leaves])
    carried, stacked = body.structure.parts
    return carried.build(made[:count]), stacked.build(made[count:])


def fori_loop(lower: Any, upper: Any, body: Pure, init: Any) -> Any:
    """Run a function for each whole number from ``lower`` up to, not including, ``upper``.

    >>> import chainrule as cr
    >>> cr.fori_loop(1, 5, lambda i, product: product * i, 1)
    np.int64(24)

    Args:
        lower: Where to begin.
        upper: Where to end; numbers that are symbolic make a loop of unknown length.
        body: (number, carried values) → carried values.
        init: The carried values at the start.

    Raises:
        GraphError: E241 when carried values change structure, shape or dtype, naming which.
    """
    if not isinstance(lower, Term) and not isinstance(upper, Term):
        numbers = np.arange(operator.index(lower), operator.index(upper))
        return scan(lambda carried, at: (body(at, carried), None), init, numbers)[0]

    def go_on(state: Any) -> Any:
        return state[0] < state[1]

    def step(state: Any) -> Any:
        at, end, carried = state
        return at + 1, end, body(at, carried)

    return while_loop(go_on, step, (_whole(lower), _whole(upper), init))[2]


def while_loop(condition: Pure, body: Pure, init: Any) -> Any:
    """Run a function again and again while a condition on the carried values holds.

    Reverse mode records the carried values of each step.

    >>> import chainrule as cr
    >>> def root(a):  # Newton's method
    ...     far = lambda x: abs(x * x - a) > 1e-12
    ...     return cr.while_loop(far, lambda x: (x + a / x) / 2, a)
    >>> round(float(root(2.0)), 9), round(float(cr.grad(root)(2.0)), 9)
    (1.414213562, 0.353553391)

    Args:
        condition: Carried values → one truth value.
        body: Carried values → carried values of the same structure, shapes and dtypes.
        init: The carried values at the start.

    Raises:
        GraphError: E241 when carried values change structure, shape or dtype, naming which; E242
            for a condition that is not one truth value.
    """
    traced, start = _steady(body, given(init, "the start of while_loop"), [], [], pair=False)
    if not start.leaves:
        raise GraphError("E242", "while_loop carries no values, so its condition never changes")
    types = start.types
    asked = body_of(condition, [start.structure], types)
    if len(asked.outputs) != 1:
        raise GraphError("E242", "the condition of while_loop must give one truth value")
    (truth,) = outputs_like(asked, [Type.of("bool")])
    if truth.type.shape or not truth.type.is_bool:
        raise GraphError(
            "E242", f"the condition of while_loop must give one truth value, got {truth.type}"
        )
    same = dict(zip(asked.inputs, traced.inputs, strict=True))
    (truth,), asking = renamed([truth], same, asked.known)
    known = traced.known.joined(asking)
    nodes = outputs_like(traced, types)

    def build(leaves: Sequence[Term]) -> Sequence[Term]:
        # Perhaps no step is made.
        inner = closed(traced.inputs, [*nodes, truth], known, Hoist.REGULAR, arrays=True)
        *outs, going = inner.outputs
        carried = list(starmap(Carried, zip(inner.inputs, leaves, outs, strict=True)))
        return repeated(_constants(inner), carried, going, inner.known)[0].carried

    return start.structure.build(bound(build, start.leaves))


def map(function: Pure, xs: Any) -> Any:
    """Run a function on one slice after the other, and stack the results.

    `vmap` computes the same for all slices at once; this needs the memory of one.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> cr.map(np.sum, np.arange(6.0).reshape(3, 2))
    array([1., 5., 9.])
    """
    return scan(lambda _, x: (None, function(x)), None, xs)[1]


def _constants(inner: Closed) -> list[Part]:
    """What a body reads from outside, as constants of a loop."""
    return list(starmap(Part, zip(inner.constants, builtins.map(Term, inner.outside), strict=True)))


def _steps(slices: Given, length: int | None) -> int:
    """The number of steps of a scan."""
    sizes = {}
    for path, leaf in zip(slices.structure.paths(), slices.leaves, strict=True):
        if not leaf.shape:
            raise GraphError("E242", f"scan takes slices of arrays, xs{_at(path)} is one number")
        sizes[path] = leaf.shape[0]
    found = {*sizes.values()} | ({operator.index(length)} if length is not None else set())
    if len(found) > 1:
        named = ", ".join(f"{size} in xs{_at(path)}" for path, size in sizes.items())
        also = "" if length is None else f", length is {length}"
        raise GraphError("E242", f"scan needs one number of slices: {named}{also}")
    if not found or min(found) < 0:
        raise GraphError("E242", "scan needs xs, or the number of steps: length=10")
    return found.pop()


def _steady(
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
        f"{len(paths)} {word}: {', '.join(_keys(path) or 'the value itself' for path in paths[:3])}"
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
                f"the carried value{_at(path)} is {before}, after a step {node.type}{repair}",
            )


def _at(path: Sequence[Any]) -> str:
    keys = _keys(path)
    return f" at {keys}" if keys else ""


def _keys(path: Sequence[Any]) -> str:
    return "".join(f"[{key!r}]" for key in path)


def _whole(value: Any) -> Any:
    if isinstance(value, Term):
        if value.shape or value.node.type.is_float:
            raise GraphError("E242", f"fori_loop counts by whole numbers, got {value.node.type}")
        return convert(value, "int64")
    return np.int64(operator.index(value))
