"""A graph that runs as machine code: its routines, and how they take numbers, arrays and points.

A graph of numbers has up to three routines that replace one another while others call: a tape that
starts at once, code that LLVM writes down as it is, optimised code. Over points, and for arrays,
there is optimised code only. Until there is any, NumPy runs the graph; a graph that takes arrays
apart into very many single elements stays with it.
"""

from __future__ import annotations

import functools
import math
import threading
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from chainrule.diff.reverse import gradient
from chainrule.errors import GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.types import UNKNOWN, Type
from chainrule.late import Late
from chainrule.run.native import absent, background
from chainrule.run.native.absent import ABSENT
from chainrule.run.native.call.callable import Context, NativeCallable
from chainrule.run.native.call.signature import Argument, Leaf, Results
from chainrule.run.native.code import target
from chainrule.run.native.compiling import (
    BASELINE,
    OPTIMISED,
    Planned,
    Routine,
    StoppedError,
    Text,
    compiled,
    text_of,
)
from chainrule.run.native.foreign import Mixed
from chainrule.run.native.plan.kernels import Foreign
from chainrule.run.native.plan.nest import TooLongError
from chainrule.run.native.pool import together
from chainrule.run.native.slots import (
    EVALUATE,
    NONE,
    POINTS,
    Given,
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
    from chainrule.run.native.measured import Measured
    from chainrule.run.native.report import CompileReport
    from chainrule.run.native.tape import tape as tapes
else:
    tapes = Late("chainrule.run.native.tape.tape")
    listings = Late("chainrule.run.native.listings")
    looking = Late("chainrule.run.native.measured")
    reports = Late("chainrule.run.native.report")

_LEAST: Final = 4096
"""Points for each thread: for fewer, starting it costs more than it saves."""

_QUICK: Final = 300
"""A graph of numbers of so many nodes is optimised before anybody would notice."""

_LONG: Final = 20_000
"""A graph of numbers of so many nodes would be optimised for minutes: it is not."""


_LONG_CALL: Final = 4000
"""From so many nodes or elements on, other threads may run Python meanwhile."""


class Options(NamedTuple):
    """How a graph is compiled.

    Attributes:
        threads: How many may share the work on points and on large arrays.
        fast_math: Whether sums and products may be regrouped.
        wrt: The positions of the inputs by which the output is differentiated; the derivatives
            follow the value. None: no derivatives.
        profile: Whether kernels count their calls and their time.
    """

    threads: int = 1
    fast_math: bool = False
    wrt: tuple[int, ...] | None = None
    profile: bool = False


class Machine:
    """The routines of one graph. Safe to call from several threads.

    Attributes:
        options: How it is compiled.
        routine: The best one for single calls so far; None: NumPy runs the graph.
    """

    def __init__(self, dag: Dag, options: Options | None = None) -> None:
        self.options = options or Options()
        self.routine: Routine | None = None
        self._given = dag
        self._dag = dag if self.options.wrt is None else None
        self._planned: Planned | None = None
        self._mixed: Mixed | None = None
        self._points: dict[tuple[bool, ...], Routine] = {}
        self._lock = threading.RLock()
        self._done = threading.Event()
        self._failure: Exception | None = None
        self._is_too_long = False
        self._contexts: list[Context] = []
        self._absent = ""

    # --- the graph ------------------------------------------------------------------------------

    # Not cached properties: before Python 3.12 those of all machines share one lock.

    @property
    def dag(self) -> Dag:
        """The graph of all results, the derivatives among them."""
        if self._dag is None:
            with self._lock:
                inputs = [self._given.inputs[at] for at in self.options.wrt or ()]
                self._dag = gradient(self._given, self._given.output, inputs)
        return self._dag

    @cached_property
    def types(self) -> list[Type]:
        """The types of the results."""
        inputs = [self._given.inputs[at] for at in self.options.wrt or ()]
        return [node.type for node in (*self._given.outputs, *inputs)]

    @property
    def planned(self) -> Planned:
        """The kernels of the graph."""
        with self._lock:
            if self._planned is None:
                options = self.options
                self._planned = Planned(
                    self.dag,
                    fast_math=options.fast_math,
                    threads=options.threads,
                    profile=options.profile and not self._absent,
                )
            return self._planned

    @cached_property
    def _program(self) -> Program:
        return Program(self.dag)

    @cached_property
    def is_numbers(self) -> bool:
        """Whether every node is a single number, so that points broadcast over the graph."""
        return not any(node.type.shape or node.type.parts for node in self._given.order)

    # --- making code ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with what is ready at once; have the rest made aside while somebody holds this.

        Where no code can be made, NumPy runs the graph for ever.
        """
        try:
            target.processor()
        except ABSENT as problem:
            self._absent = str(problem)
            self._done.set()
            absent.warn(self._absent)
            return
        has_gradient = self.options.wrt is not None
        is_large = len(self._given) > _QUICK and self.is_numbers and not self.options.profile
        if is_large and tapes.fits(self._given, has_gradient):
            tape = tapes.Tape(self._given, self.options.wrt)
            self._use(
                Routine(
                    "tape",
                    (tape.address(has_gradient),),
                    tape.scratch(has_gradient),
                    tape.context,
                    0,
                    0,
                    {},
                    tape,
                )
            )
        background.submit(_Job(self))

    def make(self, level: int, text: Text | None = None) -> None:
        """Make code of this level and call it from now on."""
        routine = compiled(
            self.planned, text or text_of(self.planned), level, background.is_stopping
        )
        plan = self.planned.plan
        if not self.planned.is_whole:
            functions = [EVALUATE(address) for address in routine.addresses]
            layout, counters = self.planned.layout, self.planned.counters
            self._mixed = Mixed(self.planned.dag, plan, layout, functions, counters)
        self._use(routine)

    def attach(self, context: Context) -> None:
        """Have calls through a context run the best code, as soon as there is some."""
        with self._lock:
            self._contexts.append(context)
            if self.routine is not None:
                self._use(self.routine)

    def _use(self, routine: Routine) -> None:
        with self._lock:
            self.routine = routine
            if self._mixed is None:
                for context in self._contexts:
                    context.swap(
                        routine.addresses[0], routine.scratch, routine.keep, routine.context
                    )

    def _levels(self, text: Text) -> Iterator[int]:
        if self.planned.numbers is None or len(self.planned.dag) <= _QUICK:
            yield OPTIMISED
            return
        if text.is_cached(OPTIMISED):
            yield OPTIMISED
            return
        is_long = len(self.planned.dag) > _LONG
        if is_long or not self.options.profile:  # times of several tiers would add up to nonsense
            yield BASELINE
        if not is_long:
            yield OPTIMISED

    def make_all(self) -> None:
        """Make the code of each level, one after the other; failures are told by `wait`."""
        try:
            text = text_of(self.planned)
            for level in self._levels(text):
                if background.is_stopping():
                    break
                self.make(level, text)
        except TooLongError:
            self._is_too_long = True
        except StoppedError:
            pass
        except ABSENT as problem:
            self._absent = str(problem)
        except Exception as failure:
            self._failure = failure
        finally:
            self._done.set()

    def unlock(self) -> None:
        """In a forked process, nobody else is at work on this."""
        self._lock = threading.RLock()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the best code is there, or so many seconds; say whether it is.

        Raises:
            Exception: What went wrong while code was made: a fault of ours.
        """
        if not self._done.is_set():
            background.go_on()
        done = self._done.wait(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        if self._failure is not None:
            raise self._failure
        if self._absent:
            absent.warn(self._absent)
        return done

    # --- looking at it --------------------------------------------------------------------------

    def _require_code(self) -> None:
        if self._absent:
            raise GraphError("E248", f"no machine code can be made here: {self._absent}")

    def report(self) -> CompileReport:
        """What runs the graph now."""
        routine = self.routine
        known = self._done.is_set() and not self._is_too_long
        kernels = self.planned.plan.kernels if known and not self._absent else ()
        foreign = [kernel.node.op.name for kernel in kernels if isinstance(kernel, Foreign)]
        return reports.CompileReport(
            "numpy" if routine is None else routine.tier,
            len(self.dag if known else self._given),
            len(kernels) - len(foreign),
            tuple(foreign),
            {} if routine is None else routine.seconds,
            0 if routine is None else routine.instructions,
            0 if routine is None else routine.code_bytes,
            0 if routine is None else routine.scratch,
            self.options.profile,
            self._absent,
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
        except TooLongError:
            return "NumPy runs this graph: its loops would be cut into too many parts."

    # --- running it -----------------------------------------------------------------------------

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
            return [result if result.shape else result[()] for result in self._mixed(values)]
        results, outputs = results_for(self.types, given)
        inputs, scratch = filled(values), scratch_of(routine.scratch)
        EVALUATE(routine.addresses[0])(
            inputs.ctypes.data, outputs.ctypes.data, scratch.ctypes.data, routine.context
        )
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
        if self.planned.numbers is None or self._absent:
            return [np.broadcast_to(result, shape).copy() for result in self._program(*values)]
        whole = [
            np.ascontiguousarray(np.broadcast_to(value, shape)) if np.ndim(value) else value[()]
            for value in values
        ]
        moving = tuple([np.ndim(value) > 0 for value in whole])
        with self._lock:
            routine = self._points.get(moving)
            if routine is None:
                routine = self._points[moving] = compiled(
                    self.planned, text_of(self.planned, moving)
                )
        results = [
            given[at] if at in given else np.empty(shape, type.dtype)
            for at, type in enumerate(self.types)
        ]
        inputs, outputs = filled(whole), filled(results)
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

        parts = max(1, min(self.options.threads, count // _LEAST))
        if parts == 1:
            part(0, count)
        else:
            bounds = [count * at // parts for at in range(parts + 1)]
            together([functools.partial(part, *ends) for ends in pairwise(bounds)])
        return results


class Runner(NativeCallable):
    """A graph as a function of its arguments, each of its type; what a `Program` is, and quicker.

    Its results belong to the caller: no two share memory, nor with the arguments.

    Attributes:
        machine: What runs the graph.
    """

    def __init__(self, dag: Dag) -> None:
        self.machine = Machine(dag)
        types = self.machine.types
        context = context_of(dag, tuple([Leaf(at, type) for at, type in enumerate(types)]), types)
        super().__init__(context, slow=_run_slowly, name="graph")
        self.machine.attach(context)
        self.machine.start()

    @property
    def dag(self) -> Dag:
        """The graph."""
        return self.machine.dag


def _run_slowly(runner: Runner, *values: Any) -> tuple[Any, ...]:
    return tuple(runner.machine(*values))


def context_of(dag: Dag, results: Results, types: Sequence[Type]) -> Context:
    """What calls of a graph need to know; without results that have a size, only the slow path."""
    arguments = [Argument(node.name, node.type) for node in dag.inputs]
    if any(type.parts or UNKNOWN in type.shape for type in types):
        return Context(0, arguments, ())
    elements = sum([math.prod(node.type.shape) for node in dag.inputs])
    long = elements > _LONG_CALL or len(dag) > _LONG_CALL
    return Context(0, arguments, results, outputs=len(types), release_gil=long)


def in_order(value: Any) -> Any:
    """The array itself, or a copy in order and aligned; numbers as they are."""
    if value.__class__ is np.ndarray:
        return np.require(value, requirements=("C", "A"))
    return value


class _Job:
    """Makes the code of a machine that somebody still holds."""

    def __init__(self, machine: Machine) -> None:
        self._machine = weakref.ref(machine)

    def __call__(self) -> None:
        machine = self._machine()
        if machine is not None:
            machine.make_all()

    def begin_anew(self) -> None:
        machine = self._machine()
        if machine is not None:
            machine.unlock()
