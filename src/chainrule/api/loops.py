"""Loops that stay one operation however many steps they take.

A loop written in Python is unrolled when it is traced; these are not. Forward and reverse mode,
batching and their compositions work through them.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from itertools import starmap
from typing import Any

import numpy as np

from chainrule.api.bodies import Given, body_of, bound, given, outputs_like
from chainrule.api.closing import Closed, Hoist, closed, renamed
from chainrule.api.plans import Pure
from chainrule.api.steady import steady
from chainrule.api.tree import at_place
from chainrule.errors import GraphError
from chainrule.graph.types import Type
from chainrule.ops.loop_parts import Carried, Loop, Part, repeated, scanned
from chainrule.ops.select import convert
from chainrule.ops.term import Term


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
    body, start = steady(function, start, [slices.structure], kinds, pair=True)
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
    traced, start = steady(body, given(init, "the start of while_loop"), [], [], pair=False)
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
            raise GraphError(
                "E242", f"scan takes slices of arrays, xs{at_place(path)} is one number"
            )
        sizes[path] = leaf.shape[0]
    found = {*sizes.values()} | ({operator.index(length)} if length is not None else set())
    if len(found) > 1:
        named = ", ".join(f"{size} in xs{at_place(path)}" for path, size in sizes.items())
        also = "" if length is None else f", length is {length}"
        raise GraphError("E242", f"scan needs one number of slices: {named}{also}")
    if not found or min(found) < 0:
        raise GraphError("E242", "scan needs xs, or the number of steps: length=10")
    return found.pop()


def _whole(value: Any) -> Any:
    if isinstance(value, Term):
        if value.shape or value.node.type.is_float:
            raise GraphError("E242", f"fori_loop counts by whole numbers, got {value.node.type}")
        return convert(value, "int64")
    return np.int64(operator.index(value))
