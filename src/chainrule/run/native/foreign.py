"""Plans that are more than one function: kernels, functions of NumPy's, and loops in parts."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.run.kernels import kernel, params_of
from chainrule.run.native.emit.counters import Counters
from chainrule.run.native.plan.kernels import Buffer, Foreign, Home, Plan, Together
from chainrule.run.native.plan.memory import Layout
from chainrule.run.native.pool import together
from chainrule.run.native.slots import Evaluate, filled, results_for, scratch_of

Step = tuple[Sequence[Callable[..., Any]], Foreign | None]
"""Functions that may run side by side; and what NumPy does, if it is NumPy's."""


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
        self._dag = dag
        self._plan = plan
        self._layout = layout
        self._counters = counters
        self._constants = [np.asarray(constant_value(node)) for node in plan.constants]
        self._steps: list[Step] = []
        functions = iter(kernels)
        for at, step in enumerate(plan.kernels):
            if isinstance(step, Foreign):
                by_numpy = kernel(step.node.op, params_of(step.node, dag))
                if counters is not None:
                    by_numpy = _timed(by_numpy, counters, at)
                self._steps.append(((by_numpy,), step))
            else:
                count = len(step.kernels) if isinstance(step, Together) else 1
                self._steps.append(([next(functions) for _ in range(count)], None))

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The outputs as arrays; values as for `slots.filled`."""
        scratch = scratch_of(self._layout.size)
        outputs, outputs_at = results_for([node.type for node in self._dag.outputs])
        inputs_at = filled(values)
        table: list[Any] = [*[None] * self._plan.made, *self._constants]
        pointers = (ctypes.c_void_p * (len(table) + 1))()
        if self._counters is not None:
            pointers[len(table)] = self._counters.address
        for at, constant in enumerate(self._constants, start=self._plan.made):
            pointers[at] = constant.ctypes.data
        places = [inputs_at.ctypes.data, outputs_at.ctypes.data, scratch.ctypes.data, pointers]

        def read(buffer: Buffer) -> Any:
            if buffer.home is Home.SCRATCH:
                offset = self._layout.offsets[buffer.number]
                found: Any = np.ndarray(buffer.type.shape, buffer.type.dtype, scratch.data, offset)
            else:
                of = {Home.INPUT: values, Home.TABLE: table, Home.OUTPUT: outputs}[buffer.home]
                found = of[buffer.number]
            return found[()] if isinstance(found, np.ndarray) else found

        with np.errstate(all="ignore"):
            for functions, step in self._steps:
                if step is None:
                    together(functions, *places)
                    continue
                (function,) = functions
                given = [read(operand) for operand in step.operands]
                made: Any = function(*given)
                if not step.node.type.parts:
                    made = _own(made, step.node.type.dtype, given)
                    pointers[step.result] = made.ctypes.data
                table[step.result] = made
                for number, at in enumerate(step.outputs):
                    outputs[at] = made.copy() if number else made
        return outputs


def _timed(function: Callable[..., Any], counters: Counters, number: int) -> Callable[..., Any]:
    """A function that is counted."""

    def timed(*given: Any) -> Any:
        start = time.perf_counter()
        made = function(*given)
        counters.add(number, time.perf_counter() - start)
        return made

    return timed


def _own(made: Any, dtype: np.dtype[Any], given: Sequence[Any]) -> np.ndarray[Any, Any]:
    """The result as an array in order, in memory of its own: operands may be overwritten later."""
    array = np.asarray(made, dtype, order="C")
    if array.base is not None or any(array is value for value in given):
        return array.copy()
    return array
