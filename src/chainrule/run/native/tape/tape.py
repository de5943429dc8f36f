"""Scalar graphs on a tape: no compilation, so that the first result is there at once.

Encoding a graph takes about as long as walking over it; running it costs a few nanoseconds a node.
Going backward over the same tape gives the gradient of the output without a graph of derivatives.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Mapping, Sequence
from itertools import chain, compress
from typing import Any, Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, INPUT, PARAMETER, Node
from chainrule.graph.op import Kind, Op
from chainrule.graph.types import BOOL, FLOAT64
from chainrule.run.native.tape.code import addresses
from chainrule.run.native.tape.steps import (
    CAREFUL_GRADIENT,
    EVALUATE,
    GRADIENT,
    MOST_OPERANDS,
    STOP,
    STOP_BACKWARD,
    Form,
    Step,
    always_live,
    backward_step,
    forward_step,
)
from chainrule.run.native.tape.text import Context

_TYPES: Final = frozenset([FLOAT64, BOOL])
_LEAVES: Final = frozenset([INPUT, PARAMETER, CONSTANT])
_MOST_FORMS: Final = 256
"""More would take long to compile, as those of hundreds of different exponents, and a tape is to
start at once; steps are numbered in two bytes."""

_RECORD: Final = np.dtype(
    [("forward", "u2"), ("backward", "u2"), ("operands", "u4", MOST_OPERANDS)]
)


def fits(dag: Dag, gradient: bool = False) -> bool:
    """Whether a graph can go on a tape: all its nodes are 0-d float64 or conditions, and native.

    Args:
        dag: The graph.
        gradient: Whether the derivatives of its output are needed too.
    """
    order = dag.order
    if len(order) >= 1 << 32 or not _TYPES.issuperset({node.type for node in order}):
        return False
    if gradient and (len(dag.outputs) != 1 or dag.outputs[0].type is not FLOAT64):
        return False
    ops = [node.op for node in order]
    samples = dict(zip(ops, order, strict=True))
    forms = {Form.of(node) for op, node in samples.items() if op not in _LEAVES}
    several = {op for op in samples if _is_several(op)}
    if several:
        forms |= set(_by_key([node for node in order if node.op in several])[1].values())
    if len(forms) > _MOST_FORMS or None in map(forward_step, forms):
        return False
    return not gradient or None not in [
        backward_step(form, (1 << len(form.types)) - 1) for form in forms
    ]


class Tape:
    """A graph that `fits`, encoded.

    Attributes:
        dag: The graph.
        context: What the compiled function takes last: the address of what it knows of the graph.
    """

    def __init__(self, dag: Dag, wrt: Sequence[int] | None = None) -> None:
        """Encode a graph.

        Args:
            dag: The graph.
            wrt: The positions of the inputs whose derivatives `address(gradient=True)` gives;
                None: no derivatives.
        """
        self.dag = dag
        inputs = dag.inputs
        rest = dag.order[len(inputs) :]
        operands = [node.operands for node in rest]
        constants = list(compress(rest, map(operator.not_, operands)))
        computed = list(compress(rest, operands))
        places = dict(zip(chain(constants, inputs, computed), range(len(dag.order)), strict=True))
        forms, codes = _forms(computed, [node.op for node in computed])
        arity = np.array([len(form.types) for form in forms], np.int64)[codes]
        flat = np.fromiter(
            map(places.__getitem__, chain.from_iterable(operands)), np.uint32, int(arity.sum())
        )
        records = _records(codes, arity, flat, end=len(forms))
        forward = [*[_known(forward_step(form)) for form in forms], STOP]
        backward: list[Step] = []
        roles = [EVALUATE]
        if wrt is not None:
            careful = not all(map(always_live, forms))
            backward = self._backward(records, forms, codes, arity, len(constants), careful)
            roles.append(CAREFUL_GRADIENT if careful else GRADIENT)
        found = np.array(addresses([*forward, *backward, *roles]), np.uint64)
        self._entries = found[len(forward) + len(backward) :].tolist()
        bits = b"".join([node.params[0].ljust(8, b"\0") for node in constants])
        self._held: tuple[Any, ...] = (
            records,
            found,
            np.frombuffer(bits, np.uint64),
            np.array([places[node] for node in dag.outputs], np.uint32),
            self._wanted(wrt or (), len(constants), places, flat),
        )
        pointers = [array.ctypes.data for array in self._held]
        self._context = Context(
            forward=pointers[1],
            backward=pointers[1] + 8 * len(forward),
            records=pointers[0],
            computations=len(computed),
            constants=pointers[2],
            constant_count=len(constants),
            input_count=len(inputs),
            outputs=pointers[3],
            output_count=len(dag.outputs),
            wanted=pointers[4],
            wanted_count=len(wrt or ()),
        )
        self.context = ctypes.addressof(self._context)

    @staticmethod
    def _backward(
        records: Any, forms: Sequence[Form], codes: Any, arity: Any, constants: int, careful: bool
    ) -> list[Step]:
        """Number the steps of the way back, and give them in order; constants get no share."""
        operands = records["operands"][1:-1]
        keys = codes << MOST_OPERANDS
        for at in range(MOST_OPERANDS):
            keys |= ((operands[:, at] >= constants) & (arity > at)).astype(np.int64) << at
        used = np.zeros(len(forms) << MOST_OPERANDS, bool)
        used[keys] = True
        numbers: dict[Step, int] = {STOP_BACKWARD: 0}
        number_of = np.zeros(len(used), np.uint16)
        for key in np.flatnonzero(used).tolist():
            wanted = key & (1 << MOST_OPERANDS) - 1
            step = _known(backward_step(forms[key >> MOST_OPERANDS], wanted, careful))
            number_of[key] = numbers.setdefault(step, len(numbers))
        records["backward"][1:-1] = number_of[keys]
        return list(numbers)

    def _wanted(
        self, wrt: Sequence[int], constants: int, places: Mapping[Node, int], flat: Any
    ) -> Any:
        """The places of the derivatives; that of an input that nobody uses is behind all others."""
        nodes = len(self.dag.order)
        used = np.zeros(nodes, bool)
        used[flat] = True
        used[[places[node] for node in self.dag.outputs]] = True
        wanted = np.array(wrt, np.int64) + constants
        return np.where(used[wanted], wanted, nodes).astype(np.uint32)

    def address(self, gradient: bool = False) -> int:
        """Where ``void evaluate(inputs, outputs, scratch, context)`` starts.

        Args:
            gradient: Whether the outputs are the value, then the derivatives.
        """
        entry: int = self._entries[gradient]
        return entry

    def scratch(self, gradient: bool = False) -> int:
        """How many bytes of working memory it needs, at an address that is a multiple of 64."""
        nodes = len(self.dag.order)
        rounded = (8 * (nodes + 1) + 63) // 64 * 64
        return 2 * rounded + nodes + 1 if gradient else rounded


def _records(codes: Any, arity: Any, flat: Any, end: int) -> Any:
    """The records of a tape, without the steps of the way back.

    Args:
        codes: The forward step of each computation.
        arity: How many operands each has.
        flat: The places of these, one computation after the other.
        end: The forward step that stops.
    """
    # The first record ends the way back, the last one the way forward.
    records = np.zeros(len(codes) + 2, _RECORD)
    inner = records[1:-1]
    starts = np.cumsum(arity) - arity
    for at in range(MOST_OPERANDS):
        have = arity > at
        if have.all():
            inner["operands"][:, at] = flat[starts + at]
        elif have.any():
            inner["operands"][have, at] = flat[starts[have] + at]
    inner["forward"] = codes
    records["forward"][-1] = end
    return records


def _forms(computed: Sequence[Node], ops: Sequence[Op]) -> tuple[list[Form], Any]:
    """The different forms of these nodes, and for each node the number of its form."""
    numbers: dict[Form, int] = {}
    by_op: dict[Op, int] = {}
    for op, node in dict(zip(ops, computed, strict=True)).items():
        several = _is_several(op)
        by_op[op] = -1 if several else numbers.setdefault(Form.of(node), len(numbers))
    codes = np.fromiter(map(by_op.__getitem__, ops), np.int64, len(ops))
    open = np.flatnonzero(codes < 0)
    keys, found = _by_key([computed[at] for at in open.tolist()])
    number_of = {key: numbers.setdefault(form, len(numbers)) for key, form in found.items()}
    codes[open] = np.fromiter(map(number_of.__getitem__, keys), np.int64, len(keys))
    return list(numbers), codes


def _by_key(nodes: Sequence[Node]) -> tuple[list[tuple[Any, ...]], dict[tuple[Any, ...], Form]]:
    """For each node what its form depends on, and the forms by that."""
    # The types of the first operand and of the result say all types of a pointwise operation.
    keys = [(node.op, node.params, node.operands[0].type, node.type) for node in nodes]
    samples = dict(zip(keys, nodes, strict=True))
    return keys, {key: Form.of(node) for key, node in samples.items()}


def _is_several(op: Op) -> bool:
    """Whether nodes of this operation on scalars may differ in more than their operands."""
    return bool(op.params) or op.variadic or Kind.ANY in op.kinds


def _known(step: Step | None) -> Step:
    assert step is not None
    return step
