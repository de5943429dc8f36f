"""From a graph to loaded machine code, stage by stage, each timed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.run.native.code import target
from chainrule.run.native.code.library import provided
from chainrule.run.native.emit.counters import Counters
from chainrule.run.native.emit.lanes import Module
from chainrule.run.native.emit.loops import write_calls, write_counted, write_evaluate, write_kernel
from chainrule.run.native.emit.mathematics import FUNCTIONS
from chainrule.run.native.emit.notes import Notes
from chainrule.run.native.emit.straight import cut, over_points, write_straight
from chainrule.run.native.plan.fuse import fuse
from chainrule.run.native.plan.kernels import Foreign, Kernel, Plan, named
from chainrule.run.native.plan.memory import Layout, layout
from chainrule.run.native.plan.pieces import in_pieces
from chainrule.run.native.plan.simplify import simplified
from chainrule.run.native.plan.threads import shared
from chainrule.run.native.stages import stage

BASELINE: Final = 0
"""LLVM's level for code that is written down as it is: for graphs of numbers it is nearly as quick
as any other, and made in a fifth of the time."""

OPTIMISED: Final = 2
"""LLVM's level for code that it has looked at for long."""


TOGETHER: Final = 32
"""How many kernels one module has: LLVM cannot be stopped in the middle of one."""


class StoppedError(Exception):
    """The code is not needed any more."""


class Routine(NamedTuple):
    """A way to run a graph.

    Attributes:
        tier: What kind of code it is; see `chainrule.run.native.report.CompileReport`.
        addresses: Of the functions; a single one where no work is left to NumPy.
        scratch: Bytes of scratch memory that it needs.
        context: Where the table of constants is.
        instructions: How many instructions LLVM was given.
        code_bytes: Of the object files.
        seconds: What each stage took.
        keep: What must live as long as the code.
    """

    tier: str
    addresses: tuple[int, ...]
    scratch: int
    context: int
    instructions: int
    code_bytes: int
    seconds: dict[str, float]
    keep: Any


class Planned:
    """A graph on its way to code.

    Attributes:
        dag: The graph, simplified.
        plan: Its kernels.
        layout: Of its scratch memory.
        counters: Of its kernels, in a profiling build.
        seconds: What each stage took.
    """

    def __init__(
        self, dag: Dag, *, fast_math: bool = False, threads: int = 1, profile: bool = False
    ) -> None:
        self.seconds: dict[str, float] = {}
        with stage(self.seconds, "simplify"):
            self.dag = simplified(dag, fast_math=fast_math)
        with stage(self.seconds, "fuse"):
            self.plan = in_pieces(shared(fuse(self.dag), threads))
        with stage(self.seconds, "memory"):
            self.layout: Layout = layout(self.plan)
        self.counters = Counters(self._count()) if profile else None

    def _count(self) -> int:
        """How many counters there are: one for each step, or for each part of a single kernel."""
        if self.numbers is None:
            return len(self.plan.kernels)
        (box,) = self.numbers.boxes
        return len(cut(box.steps))

    @cached_property
    def numbers(self) -> Kernel | None:
        """The one kernel of a graph of numbers, which adds nothing up; None for other graphs."""
        if len(self.plan.kernels) == 1 and not any(n.type.shape for n in self.dag.order):
            (kernel,) = self.plan.kernels
            if isinstance(kernel, Kernel) and not kernel.totals:
                return kernel
        return None

    @property
    def is_whole(self) -> bool:
        """Whether one function does everything: nothing is left to NumPy or to other threads."""
        return all(isinstance(kernel, Kernel) for kernel in self.plan.kernels)


class Text(NamedTuple):
    """What LLVM is given.

    Attributes:
        modules: One or more.
        entries: The functions that are called from outside, in the first module; none: all parts.
        parts: Functions of the other modules, whose places stand in the table.
        scratch: Bytes of scratch memory.
        is_straight: Whether it is one straight body. LLVM's passes do nothing for those: nothing
            in them is computed twice.
        seconds: What writing it took.
    """

    modules: tuple[Module, ...]
    entries: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    scratch: int
    is_straight: bool
    seconds: float

    def passes(self, level: int) -> int:
        """How hard LLVM's passes try at this level."""
        return 0 if self.is_straight else level

    def written(self, level: int) -> list[str]:
        """The modules as they are given to LLVM at this level."""
        if level != BASELINE:
            return [module.text for module in self.modules]
        return [module.text_without(provided(module.defined)) for module in self.modules]

    def is_cached(self, level: int) -> bool:
        """Whether an earlier process has made code of this level."""
        passes = self.passes(level)
        return all(target.is_cached(text, level, passes=passes) for text in self.written(level))


def text_of(
    what: Planned, moving: Sequence[bool] | None = None, notes: Notes | None = None
) -> Text:
    """The text of a graph for LLVM.

    Args:
        what: The graph.
        moving: For a graph of numbers over points: whether each input has a value for each point.
        notes: What comments say; None: there are none.
    """
    start = time.perf_counter()
    width = target.processor().width
    numbers, profile = what.numbers, what.counters is not None

    def new_module() -> Module:
        return Module(FUNCTIONS, notes)

    if numbers is not None:
        kernel = numbers if moving is None else over_points(numbers, moving)
        written = write_straight(new_module, kernel, "evaluate", width, profile=profile)
        return Text(
            written.modules,
            ("evaluate",),
            written.parts,
            written.frame,
            moving is None,
            time.perf_counter() - start,
        )
    kernels = list(what.plan.alone())
    if len(kernels) > TOGETHER and not profile:
        return _in_modules(what, kernels, new_module, start)
    module = new_module()
    entries = ["evaluate"]
    if what.is_whole:
        write_evaluate(module, what.plan, what.layout, width, profile=profile)
    else:
        entries = []
        for at, step in enumerate(what.plan.kernels):
            for number, kernel in () if isinstance(step, Foreign) else named(at, step):
                write_kernel(module, kernel, f"k{number}", what.layout, width)
                entries.append(f"c{number}" if profile else f"k{number}")
                if profile:
                    write_counted(module, f"k{number}", at, entries[-1], what.plan.table)
    took = time.perf_counter() - start
    return Text((module,), tuple(entries), (), what.layout.size, False, took)


def _in_modules(
    what: Planned, kernels: Sequence[Kernel], new: Callable[[], Module], start: float
) -> Text:
    """Many kernels, some in each module."""
    width = target.processor().width
    names = [f"k{at}" for at in range(len(kernels))]
    modules, parts = [new()], []
    for at in range(0, len(kernels), TOGETHER):
        modules.append(new())
        parts.append(tuple(names[at : at + TOGETHER]))
        for name, kernel in zip(parts[-1], kernels[at:], strict=False):
            write_kernel(modules[-1], kernel, name, what.layout, width)
    if what.is_whole:
        write_calls(modules[0], len(kernels), what.plan.table)
    entries = ("evaluate",) if what.is_whole else ()
    took = time.perf_counter() - start
    return Text(tuple(modules), entries, tuple(parts), what.layout.size, False, took)


def compiled(
    what: Planned, text: Text, level: int = OPTIMISED, is_stopping: Callable[[], bool] = bool
) -> Routine:
    """Machine code of a graph, loaded; LLVM makes what is not in the cache.

    Args:
        what: The graph.
        text: What `text_of` gave for it.
        level: How hard LLVM tries.
        is_stopping: Asked now and then whether to give up.

    Raises:
        StoppedError: It was to give up.
    """
    seconds = {**what.seconds, "emit": text.seconds}
    passes = text.passes(level)
    written = text.written(level)
    libraries = []
    for one, module in zip(written, text.modules, strict=True):
        if is_stopping():
            raise StoppedError
        libraries.append(target.load(one, level, module.externals, passes=passes, seconds=seconds))
    found = [
        library.address(name)
        for library, names in zip(libraries[1:], text.parts, strict=False)
        for name in names
    ]
    more = [] if what.counters is None else [what.counters.address]
    context, constants = table(what.plan, [*found, *more])
    return Routine(
        "baseline" if level == BASELINE else "optimised",
        tuple([libraries[0].address(name) for name in text.entries] or found),
        text.scratch,
        ctypes.addressof(context),
        sum([one.count("\n  ") for one in written]),
        sum([library.code_bytes for library in libraries]),
        seconds,
        (libraries, constants, context, what.counters),
    )


def table(plan: Plan, more: Sequence[int] = ()) -> tuple[Any, list[Any]]:
    """Where the constants of a plan lie, with more addresses behind them, and the constants."""
    constants = [np.asarray(constant_value(node)) for node in plan.constants]
    pointers = [None] * plan.made + [constant.ctypes.data for constant in constants]
    pointers += more
    return (ctypes.c_void_p * max(1, len(pointers)))(*pointers), constants
