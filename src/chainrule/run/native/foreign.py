"""Plans that are more than one function: kernels, functions of NumPy's, and loops in parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.graph.types import Type
from chainrule.run.kernels import kernel, params_of
from chainrule.run.native.emit.counters import Counters
from chainrule.run.native.plan.kernels import Buffer, Foreign, Home, Plan, Together
from chainrule.run.native.plan.memory import Layout
from chainrule.run.native.pool import together
from chainrule.run.native.slots import (
    Array,
    Evaluate,
    address,
    fill,
    number_in,
    scratch_of,
)

_FRAMES: Final = 2
"""How many frames are kept from call to call, for threads that call at once."""


class _ByNumpy(NamedTuple):
    """What NumPy does.

    Attributes:
        function: It.
        operands: Where they are: in which list of `_Values`, and at which place.
        dtype: Of the result; None: it is several arrays.
        result: Which entry of the table it becomes.
        outputs: Which outputs it is.
    """

    function: Callable[..., Any]
    operands: tuple[tuple[int, int], ...]
    dtype: np.dtype[Any] | None
    result: int
    outputs: tuple[int, ...]


_Step = Sequence[Evaluate] | _ByNumpy
"""Functions that may run side by side, or what NumPy does."""

_Values = tuple[Sequence[Any], list[Any], Sequence[Array], list[Any]]
"""What operands of NumPy's are taken from, by the number of their home."""

_HOMES: Final = (Home.INPUT, Home.OUTPUT, Home.SCRATCH, Home.TABLE)


class Mixed:
    """A graph that runs through kernels and NumPy. Safe to call from several threads."""

    def __init__(
        self,
        dag: Dag,
        plan: Plan,
        layout: Layout,
        kernels: Sequence[Evaluate],
        counters: Counters | None = None,
    ) -> None:
        """Make a plan ready.

        Args:
            dag: The graph.
            plan: Its plan.
            layout: Of its scratch memory.
            kernels: The function of each kernel, in the order of `Plan.alone`.
            counters: Of the steps, in a profiling build.
        """
        self._plan = plan
        self._layout = layout
        self._counters = counters
        self._types = [node.type for node in dag.outputs]
        by_numpys = {
            at for step in plan.kernels if isinstance(step, Foreign) for at in step.outputs
        }
        self._written = [
            (at, type) for at, type in enumerate(self._types) if type.shape and at not in by_numpys
        ]
        constants = [np.asarray(constant_value(node)) for node in plan.constants]
        self._table: list[Any] = [*[None] * plan.made, *constants]
        self._has_kernels = bool(kernels)
        self._steps: list[_Step] = []
        functions = iter(kernels)
        for at, step in enumerate(plan.kernels):
            if isinstance(step, Foreign):
                by_numpy = kernel(step.node.op, params_of(step.node, dag))
                if counters is not None:
                    by_numpy = _timed(by_numpy, counters, at)
                self._steps.append(_by_numpy(step, by_numpy))
            else:
                count = len(step.kernels) if isinstance(step, Together) else 1
                self._steps.append([next(functions) for _ in range(count)])
        self._frames: list[_Frame] = []

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The outputs, arrays and numbers of NumPy; values as for `slots.fill`."""
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = _Frame(self._plan, self._layout, self._types, self._table, self._counters)
        results = self._run(frame, values)
        if len(self._frames) < _FRAMES:  # after an error, threads may still write into the frame
            self._frames.append(frame)
        return results

    def _run(self, frame: _Frame, values: Sequence[Any]) -> list[Any]:
        table, outputs = self._table.copy(), frame.numbers.copy()
        for at, type in self._written:
            outputs[at] = np.empty(type.shape, type.dtype)
            frame.outputs[at] = address(outputs[at])
        if self._has_kernels:
            fill(frame.inputs, values)
        known: _Values = (values, outputs, frame.arrays, table)
        with np.errstate(all="ignore"):
            for step in self._steps:
                if isinstance(step, _ByNumpy):
                    made = _done(step, known)
                    if step.dtype is not None and self._has_kernels:
                        frame.table[step.result] = address(made)
                else:
                    together(step, *frame.places, keep=(frame, known))
        return [output if output.shape else output[()] for output in outputs]


class _Frame:
    """The memory of a call, but for its results; made once for many calls.

    Attributes:
        inputs: Their slots.
        outputs: Theirs.
        table: Where what NumPy made is, then constants, then the counters.
        places: Where these lie, in the order in which kernels take them.
        numbers: The outputs that are numbers: they lie in their slots. None: an array.
        arrays: The arrays in scratch memory.
    """

    def __init__(
        self,
        plan: Plan,
        layout: Layout,
        types: Sequence[Type],
        table: Sequence[Any],
        counters: Counters | None,
    ) -> None:
        self.inputs, self.outputs, self.table = (
            np.zeros(count, np.int64) for count in (len(plan.inputs), len(types), len(table) + 1)
        )
        fill(self.table[plan.made :], table[plan.made :])
        if counters is not None:
            self.table[-1] = counters.address
        scratch = scratch_of(layout.size)
        memory = (self.inputs, self.outputs, scratch, self.table)
        self.places = tuple([address(one) for one in memory])
        self.numbers: list[Any] = [
            None if type.shape else number_in(self.outputs, at, type)
            for at, type in enumerate(types)
        ]
        self.arrays: list[Array] = [
            np.ndarray(type.shape, type.dtype, scratch.data, offset)
            for type, offset in zip(plan.scratch, layout.offsets, strict=True)
        ]


def _by_numpy(step: Foreign, function: Callable[..., Any]) -> _ByNumpy:
    def place(buffer: Buffer) -> tuple[int, int]:
        return _HOMES.index(buffer.home), buffer.number

    return _ByNumpy(
        function,
        tuple(map(place, step.operands)),
        None if step.node.type.parts else step.node.type.dtype,
        step.result,
        step.outputs,
    )


def _done(step: _ByNumpy, known: _Values) -> Any:
    """The result of a step that is NumPy's, entered where it belongs."""
    found = [known[home][at] for home, at in step.operands]
    given = [value[()] if isinstance(value, np.ndarray) else value for value in found]
    made: Any = step.function(*given)
    if step.dtype is not None:
        made = _own(made, step.dtype, given)
    _, outputs, _, table = known
    table[step.result] = made
    for number, at in enumerate(step.outputs):
        outputs[at] = made.copy() if number else made
    return made


def _timed(function: Callable[..., Any], counters: Counters, number: int) -> Callable[..., Any]:
    """A function that is counted."""

    def timed(*given: Any) -> Any:
        start = time.perf_counter()
        made = function(*given)
        counters.add(number, time.perf_counter() - start)
        return made

    return timed


def _own(made: Any, dtype: np.dtype[Any], given: Sequence[Any]) -> Array:
    """The result as an array in order, in memory of its own: operands may be overwritten later."""
    array = np.asarray(made, dtype, order="C")
    if array.base is not None or any(array is value for value in given):
        return array.copy()
    return array
