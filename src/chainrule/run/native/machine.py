"""A graph that runs as machine code: its routines, and how they take numbers, arrays and points.

A graph of numbers has a quick routine first (``baseline``: LLVM writes it down as it is) and an
optimised one later; over points, and for arrays, there is optimised code only. Until there is any,
NumPy runs the graph.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.late import Late
from chainrule.run.native import background, target
from chainrule.run.native.compiling import (
    BASELINE,
    OPTIMISED,
    Planned,
    Routine,
    Written,
    compiled,
    module_of,
    planned,
    written,
)
from chainrule.run.native.foreign import Mixed
from chainrule.run.native.kernels import Foreign, Kernel, listing
from chainrule.run.native.slots import (
    EVALUATE,
    NONE,
    POINTS,
    Given,
    filled,
    results_for,
    scratch_of,
)
from chainrule.run.program import Program

if TYPE_CHECKING:
    from concurrent import futures
    from concurrent.futures import ThreadPoolExecutor

    from chainrule.run.native import report as reports
    from chainrule.run.native.report import CompileReport
else:
    reports = Late("chainrule.run.native.report")
    futures = Late("concurrent.futures")

_LEAST: Final = 4096
"""Points for each thread: for fewer, starting it costs more than it saves."""


@cache
def _pool() -> ThreadPoolExecutor:
    return futures.ThreadPoolExecutor(os.cpu_count() or 1, "chainrule")


class Machine:
    """The routines of one graph. Safe to call from several threads.

    Attributes:
        dag: The graph.
        routine: The best one for single calls so far; None: NumPy runs the graph.
    """

    def __init__(self, dag: Dag, threads: int = 1) -> None:
        self.dag = dag
        self.threads = threads
        self.routine: Routine | None = None
        self._program = Program(dag)
        self._planned: Planned | None = None
        self._written: Written | None = None
        self._mixed: Mixed | None = None
        self._points: dict[tuple[bool, ...], Routine] = {}
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._failure: Exception | None = None

    # --- making code ----------------------------------------------------------------------------

    @property
    def planned(self) -> Planned:
        """The kernels of the graph."""
        with self._lock:
            if self._planned is None:
                self._planned = planned(self.dag)
            return self._planned

    @property
    def is_numbers(self) -> bool:
        """Whether every node is a single number, so that points broadcast over the graph."""
        return not any(node.type.shape or node.type.parts for node in self.dag.order)

    def levels(self) -> tuple[int, ...]:
        """The levels at which code is made, one after the other."""
        if self.planned.numbers is None or self._text().is_cached(OPTIMISED):
            return (OPTIMISED,)
        return (BASELINE, OPTIMISED)

    def _text(self) -> Written:
        """What LLVM is given."""
        if self._written is None:
            self._written = written(self.planned)
        return self._written

    def make(self, level: int) -> None:
        """Make code and call it from now on."""
        routine = compiled(self._text(), level)
        plan = self.planned.plan
        if any(isinstance(kernel, Foreign) for kernel in plan.kernels):
            functions = iter([EVALUATE(address) for address in routine.addresses])
            kernels = [next(functions) if isinstance(k, Kernel) else None for k in plan.kernels]
            self._mixed = Mixed(self.dag, plan, self.planned.layout, kernels)
        self.routine = routine

    def report(self) -> CompileReport:
        """What runs the graph now."""
        kernels = self.planned.plan.kernels
        routine = self.routine
        foreign = [kernel.node.op.name for kernel in kernels if isinstance(kernel, Foreign)]
        return reports.CompileReport(
            "numpy" if routine is None else routine.tier,
            len(self.dag),
            len(kernels) - len(foreign),
            tuple(foreign),
            {} if routine is None else routine.seconds,
            0 if routine is None else routine.instructions,
            0 if routine is None else routine.code_bytes,
            self.planned.layout.size if routine is None else routine.scratch,
        )

    def listing(self, kind: str) -> str:
        """The kernels, LLVM's text before and after its passes, or instructions of the processor.

        Args:
            kind: ``"kernels"``, ``"llvm"``, ``"optimised"`` or ``"assembly"``.
        """
        if kind == "kernels":
            return listing(self.planned.plan, self.dag.labels)
        module, _ = module_of(self.planned)
        if kind == "llvm":
            return module.text
        made = target.optimised(module.text, OPTIMISED)
        return str(made) if kind == "optimised" else target.assembly(made, OPTIMISED)

    def start(self) -> None:
        """Have the code of each level made aside, as long as somebody holds this machine."""
        background.submit(_job(weakref.ref(self)))

    def make_all(self) -> None:
        """Make the code of each level, one after the other; failures are told by `wait`."""
        try:
            for level in self.levels():
                if not background.is_stopping():
                    self.make(level)
        except Exception as failure:
            self._failure = failure
        finally:
            self._written = None
            self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the best code is there, or so many seconds; say whether it is.

        Raises:
            Exception: What went wrong while code was made: a fault of ours.
        """
        done = self._done.wait(timeout)
        if self._failure is not None:
            raise self._failure
        return done

    # --- running it -----------------------------------------------------------------------------

    def __call__(self, *arguments: Any) -> list[Any]:
        """The outputs at arguments of the types of the inputs: what a `Program` does."""
        return self.run([in_order(argument) for argument in arguments])

    def run(self, values: Sequence[Any], given: Given = NONE) -> list[Any]:
        """The outputs, as arrays and numbers of NumPy.

        Args:
            values: One for each input: a number of NumPy's, or an array in order and aligned, of
                its type.
            given: Memory for outputs that are arrays; it may be left unused.
        """
        routine = self.routine
        if routine is None:
            return list(self._program(*values))
        if self._mixed is not None:
            return [result[()] for result in self._mixed(values)]
        results, outputs = results_for(self.dag, given)
        inputs, scratch = filled(values), scratch_of(routine.scratch)
        EVALUATE(routine.addresses[0])(
            inputs.ctypes.data, outputs.ctypes.data, scratch.ctypes.data, routine.context
        )
        return [result[()] for result in results]

    def run_points(
        self, values: Sequence[Any], shape: tuple[int, ...], given: Given = NONE
    ) -> list[Any]:
        """The outputs of a graph of numbers over points, each of the shape of the points.

        Args:
            values: One for each input: a number, or an array that broadcasts to ``shape``.
            shape: The shape of the points.
            given: Memory for outputs; it may be left unused.
        """
        if self.planned.numbers is None:
            return [np.broadcast_to(result, shape).copy() for result in self._program(*values)]
        arrays = [
            value[()]
            if np.ndim(value) == 0
            else np.ascontiguousarray(np.broadcast_to(value, shape))
            for value in values
        ]
        moving = tuple([np.ndim(value) > 0 for value in arrays])
        with self._lock:
            routine = self._points.get(moving)
            if routine is None:
                routine = self._points[moving] = compiled(written(self.planned, moving))
        results = [
            given[at] if at in given else np.empty(shape, node.type.dtype)
            for at, node in enumerate(self.dag.outputs)
        ]
        inputs, outputs = filled(arrays), filled(results)
        count = results[0].size
        function = POINTS(routine.addresses[0])

        def part(low: int, high: int) -> None:
            scratch = scratch_of(routine.scratch)
            function(
                inputs.ctypes.data,
                outputs.ctypes.data,
                scratch.ctypes.data,
                routine.context,
                low,
                high,
            )

        parts = max(1, min(self.threads, count // _LEAST))
        if parts == 1:
            part(0, count)
        else:
            bounds = [count * at // parts for at in range(parts + 1)]
            list(_pool().map(part, bounds[:-1], bounds[1:]))
        return results


def in_order(value: Any) -> Any:
    """The array itself, or a copy in order and aligned; numbers as they are."""
    if value.__class__ is np.ndarray:
        return np.require(value, requirements=("C", "A"))
    return value


def _job(reference: weakref.ref[Machine]) -> background.Job:
    """Makes the code of a machine that somebody still holds."""

    def job() -> None:
        machine = reference()
        if machine is not None:
            machine.make_all()

    return job
