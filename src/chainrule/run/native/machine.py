"""A graph that runs as machine code, by the best code there is so far.

A graph of numbers has up to three routines that replace one another while others call: a tape that
starts at once, code that LLVM writes down as it is, optimised code. Over points, and for arrays,
there is optimised code only. Until there is any, NumPy runs the graph; a graph that takes arrays
apart into very many single elements stays with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import forks
from chainrule.errors import GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.types import Type
from chainrule.late import Late
from chainrule.run.native import absent
from chainrule.run.native.absent import ABSENT
from chainrule.run.native.call.callable import Context
from chainrule.run.native.code import target
from chainrule.run.native.making import Making, on_tape
from chainrule.run.native.points import Points
from chainrule.run.native.request import Options, Request
from chainrule.run.native.routine import Routine
from chainrule.run.native.slots import (
    EVALUATE,
    NONE,
    Given,
    address,
    filled,
    results_for,
    scratch_of,
)
from chainrule.run.owning import owned
from chainrule.run.program import Program

if TYPE_CHECKING:
    from chainrule.run.native import listings
    from chainrule.run.native import measured as looking
    from chainrule.run.native import report as reports
    from chainrule.run.native.compiling import Planned
    from chainrule.run.native.foreign import Mixed
    from chainrule.run.native.measured import Measured
    from chainrule.run.native.plan import nest
    from chainrule.run.native.report import CompileReport
else:
    listings = Late("chainrule.run.native.listings")
    looking = Late("chainrule.run.native.measured")
    nest = Late("chainrule.run.native.plan.nest")
    reports = Late("chainrule.run.native.report")


class Machine:
    """The routines of one graph. Safe to call from several threads.

    Attributes:
        options: How it is compiled.
        routine: The best one for single calls so far; None: NumPy runs the graph.
        making: What makes the code, and how far it is.
    """

    def __init__(self, dag: Dag, options: Options | None = None) -> None:
        self.options = options or Options()
        self.routine: Routine | None = None
        self._request = Request(dag, self.options)
        self.making = Making(self, self._request)
        self._mixed: Mixed | None = None
        self._points = Points(self._request)
        self._lock = forks.lock()
        self._contexts: list[Context] = []

    @property
    def dag(self) -> Dag:
        """The graph of all results, the derivatives among them."""
        return self._request.dag

    @property
    def types(self) -> list[Type]:
        """The types of the results."""
        return self._request.types

    @property
    def planned(self) -> Planned:
        """The kernels of the graph."""
        return self._request.planned

    # --- making code ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with what is ready at once; have the rest made aside while somebody holds this.

        Code that an earlier process has made is all there is to do, and is ready at once.

        Where no code can be made, NumPy runs the graph for ever.
        """
        try:
            target.processor()
        except ABSENT as problem:
            self.making.give_up(str(problem))
            absent.warn(str(problem))
            return
        found = self._request.recalled()
        routine = found or on_tape(self._request)
        if routine is not None:
            self.use(routine)
        if found is None:
            self.making.start()
        else:
            self.making.finish()

    def use(self, routine: Routine, mixed: Mixed | None = None) -> None:
        """Have calls that begin from now on run this code.

        Args:
            routine: It.
            mixed: What runs it, where NumPy or other threads do a part of the work.
        """
        with self._lock:
            self._mixed = mixed  # first: whoever sees the routine looks for this
            self.routine = routine
            for context in self._contexts:
                self._tell(context)

    def attach(self, context: Context) -> None:
        """Have calls through a context run the best code, as soon as there is some."""
        with self._lock:
            self._contexts.append(context)
            self._tell(context)

    def _tell(self, context: Context) -> None:
        routine = self.routine
        if routine is not None and self._mixed is None:
            context.swap(routine.addresses[0], routine.scratch, routine.keep, routine.context)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the best code is there, or so many seconds; say whether it is.

        Raises:
            Exception: What went wrong while code was made: a fault of ours.
        """
        return self.making.wait(timeout)

    # --- looking at it --------------------------------------------------------------------------

    def _require_code(self) -> None:
        if self.making.absent:
            raise GraphError("E248", f"no machine code can be made here: {self.making.absent}")

    def report(self) -> CompileReport:
        """What runs the graph now."""
        routine, making = self.routine, self.making
        known = making.is_done and not making.is_too_long
        return reports.CompileReport(
            "numpy" if routine is None else routine.tier,
            len(self.dag if known else self._request.given),
            0 if routine is None else routine.kernels,
            () if self._mixed is None else self.planned.by_numpy,
            {} if routine is None else routine.seconds,
            0 if routine is None else routine.instructions,
            0 if routine is None else routine.code_bytes,
            0 if routine is None else routine.scratch,
            self.options.profile,
            making.absent,
        )

    def measured(self) -> list[Measured]:
        """What the kernels of a profiling build took so far, in the order in which they run.

        Raises:
            GraphError: E248 where no code can be made.
        """
        self._require_code()
        counters = self.planned.counters
        assert counters is not None
        return looking.measured(
            self.dag, self.planned, counters.read(), fast_math=self.options.fast_math
        )

    def listing(self, kind: str) -> str:
        """The kernels, LLVM's text before and after its passes, or instructions of the processor.

        Args:
            kind: ``"kernels"``, ``"llvm"``, ``"optimised"`` or ``"assembly"``.

        Raises:
            GraphError: E248 where no code can be made.
        """
        if kind != "kernels":
            self._require_code()
        try:
            return listings.listed(self.dag, self.planned, kind, fast_math=self.options.fast_math)
        except nest.TooLongError:
            return "NumPy runs this graph: its loops would be cut into too many parts."

    # --- running it -----------------------------------------------------------------------------

    @cached_property
    def _program(self) -> Program:
        return Program(self.dag)

    def __call__(self, *arguments: Any) -> list[Any]:
        """The results at arguments of the types of the inputs: what a `Program` does."""
        return self.run([in_order(argument) for argument in arguments])

    def run(self, values: Sequence[Any], given: Given = NONE) -> list[Any]:
        """The results, as arrays and numbers of NumPy.

        Args:
            values: One for each input: a number of NumPy's, or an array in order and aligned, of
                its type.
            given: Memory for results that are arrays; it may be left unused.
        """
        routine = self.routine
        if routine is None:
            return owned(self._program(*values), values)
        if self._mixed is not None:
            return self._mixed(values)
        results, outputs = results_for(self.types, given)
        inputs, scratch = filled(values), scratch_of(routine.scratch)
        places = address(inputs), address(outputs), address(scratch)
        EVALUATE(routine.addresses[0])(*places, routine.context)
        return [result if result.shape else result[()] for result in results]

    def run_points(
        self, values: Sequence[Any], shape: tuple[int, ...], given: Given = NONE
    ) -> list[Any]:
        """The results of a graph of numbers over points, each of the shape of the points.

        Args:
            values: One for each input: a number, or an array that broadcasts to ``shape``.
            shape: The shape of the points.
            given: Memory for results; it may be left unused.
        """
        found = None if self.making.absent else self._points(values, shape, given)
        if found is None:
            return [np.broadcast_to(result, shape).copy() for result in self._program(*values)]
        return found


def in_order(value: Any) -> Any:
    """The array itself, or a copy in order and aligned; numbers as they are."""
    if value.__class__ is not np.ndarray:
        return value
    flags = value.flags  # asking takes a tenth of what `require` does
    if flags.c_contiguous and flags.aligned:
        return value
    return np.require(value, requirements=("C", "A"))
