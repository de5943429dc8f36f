"""A graph as one Python function over NumPy, for graphs that run often and keep nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value, uniform_value
from chainrule.graph.op import OPS, Params
from chainrule.ops.array_kernels import expanded
from chainrule.run.kernels import kernel, params_of

_BROADCAST: Final = OPS["broadcast"]

_LONGEST: Final = 2000
"""Statements in one function: Python compiles long ones slowly."""


Part = Callable[[list[Any]], list[Any]]
"""From values to the values that are needed later. It empties its list, so that it holds none."""


class Program:
    """The outputs of a graph as a function of its arguments; nothing else is kept.

    A value is forgotten after its last use. Safe to call from several threads.

    >>> from chainrule.formula.infix import read
    >>> Program(read("a = x + y; a * x"))(np.float64(3), np.float64(2))
    (np.float64(15.0),)
    """

    def __init__(self, dag: Dag) -> None:
        self.dag = dag
        self._parts = _parts(dag)

    def __call__(self, *arguments: Any) -> tuple[Any, ...]:
        """The values of the outputs; arguments in order, each of its dtype and shape."""
        with np.errstate(all="ignore"):
            return tuple(self.run(list(arguments)))

    def run(self, values: list[Any]) -> list[Any]:
        """The same for a caller who has silenced NumPy already; the list is emptied."""
        for part in self._parts:
            values = part(values)
        return values


def _parts(dag: Dag) -> list[Part]:
    """Functions that hand what is needed later from one to the next."""
    loose = _loose(dag)
    same = _same(dag, loose)
    fixed = _fixed(dag)
    params = {node: params_of(node, dag) for node in dag.order if node.op.joint is not None}
    computed = [
        node for node in dag.order if node.operands and node not in same and node not in fixed
    ]
    chunks = [computed[at : at + _LONGEST] for at in range(0, len(computed), _LONGEST)] or [[]]
    place = {node: at for at, node in enumerate(computed)}
    last: dict[Node, int] = {}
    for node in computed:
        for operand in node.operands:
            last[same.get(operand, operand)] = place[node]
    last |= dict.fromkeys(dag.outputs, len(computed))
    found = []
    given: list[Node] = list(dag.inputs)
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if done == len(computed):
            after = list(dag.outputs)
        else:
            known = [*given, *chunk]
            after = [node for node in known if last.get(node, -1) >= done]
        chunk_of = _Chunk(given, chunk, after, done - len(chunk))
        found.append(_function(chunk_of, last, loose, same, fixed, params))
        given = after
    return found


def _loose(dag: Dag) -> set[Node]:
    """Copies along axes, and arrays full of one number, that need not be made.

    All their users are pointwise and have an operand of the full shape besides, so that NumPy
    broadcasts by itself.
    """
    outputs = frozenset(dag.outputs)
    found = {
        node
        for node in dag.order
        if node.type.shape
        and node not in outputs
        and (node.op is _BROADCAST or uniform_value(node) is not None)
    }
    for node in dag.order:
        operands = node.operands
        if not node.op.pointwise:
            found.difference_update(operands)
        elif operands and found.issuperset(operands):
            found.discard(operands[0])
    return found


def _fixed(dag: Dag) -> dict[Node, Any]:
    """The values of computations that depend on no argument, found once."""
    found: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for node in dag.order:
            operands = node.operands
            if operands and all(x in found or x.op is CONSTANT for x in operands):
                values = [found[x] if x in found else constant_value(x) for x in operands]
                found[node] = value = kernel(node.op, params_of(node, dag))(*values)
                if isinstance(value, np.ndarray):  # every call gives this one
                    value.setflags(write=False)
    return found


def _same(dag: Dag, loose: set[Node]) -> dict[Node, Node]:
    """Copies that need not be made → what stands for them as it is."""
    found: dict[Node, Node] = {}
    for node in dag.order:
        if node in loose and node.op is _BROADCAST:
            (operand,) = node.operands
            if _inner_shape(node) == operand.type.shape:
                found[node] = found.get(operand, operand)
    return found


class _Chunk(NamedTuple):
    """Computations that become one function.

    Attributes:
        given: The nodes whose values go in.
        computed: Those that are computed, in order.
        after: Those whose values come out.
        first: The number of the first computed one.
    """

    given: Sequence[Node]
    computed: Sequence[Node]
    after: Sequence[Node]
    first: int


def _function(
    chunk: _Chunk,
    last: dict[Node, int],
    loose: set[Node],
    same: dict[Node, Node],
    fixed: dict[Node, Any],
    params_by: Mapping[Node, Params],
) -> Part:
    """The source is put together from fixed pieces only: numbers of values and of kernels."""
    given, computed, after, first = chunk
    names = {node: f"x{at}" for at, node in enumerate(given)}
    scope: dict[str, Any] = {}
    lines = []

    def name(node: Node) -> str:
        if node not in names:
            names[node] = f"c{len(names)}"
            if node in fixed:
                scope[names[node]] = fixed[node]
            else:
                assert node.op is CONSTANT
                scope[names[node]] = uniform_value(node) if node in loose else constant_value(node)
        return names[node]

    kept = frozenset(after)
    for at, node in enumerate(computed, start=first):
        used = [same.get(operand, operand) for operand in node.operands]
        operands = ", ".join(map(name, used))
        names[node] = f"v{at}"
        scope[f"k{at}"], params = kernel(node.op), params_by.get(node, node.params)
        if node in loose and node.op is _BROADCAST:
            scope[f"k{at}"], params = expanded, (_inner_shape(node),)
        given_params = "".join(f", p{at}_{number}" for number in range(len(params)))
        scope |= {f"p{at}_{number}": param for number, param in enumerate(params)}
        lines.append(f" v{at} = k{at}({operands}{given_params})")
        gone = [
            names[operand]
            for operand in dict.fromkeys(used)
            if last[operand] == at
            and operand not in kept
            and operand.op is not CONSTANT
            and operand not in fixed
        ]
        if gone:
            lines.append(f" del {', '.join(gone)}")
    taken = f" [{', '.join(f'x{at}' for at in range(len(given)))}] = given"
    results = ", ".join([name(node) for node in after])
    head = ["def function(given):", taken, " given.clear()"]
    source = "\n".join([*head, *lines, f" return [{results}]"])
    exec(compile(source, "<graph>", "exec"), scope)
    function: Part = scope["function"]
    return function


def _inner_shape(node: Node) -> tuple[int, ...]:
    """The shape in which the operand of a broadcast meets the others: axes of size 1 are added."""
    shape, axes = node.params
    own = node.operands[0].type.shape
    if not axes:
        return own
    found = [1] * len(shape)
    for at, size in zip(axes, own, strict=True):
        found[at] = size
    return tuple(found)
