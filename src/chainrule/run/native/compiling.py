"""From a graph to loaded machine code, stage by stage, each timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Final, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.run.native import recall
from chainrule.run.native.code import target
from chainrule.run.native.code.library import provided
from chainrule.run.native.emit.counters import Counters
from chainrule.run.native.emit.functions import (
    write_calls,
    write_counted,
    write_evaluate,
    write_kernel,
)
from chainrule.run.native.emit.lanes import Module
from chainrule.run.native.emit.mathematics import FUNCTIONS
from chainrule.run.native.emit.notes import Notes
from chainrule.run.native.emit.straight import cut, over_points, write_straight
from chainrule.run.native.plan.abreast import abreast
from chainrule.run.native.plan.fuse import fuse
from chainrule.run.native.plan.kernels import Foreign, Kernel, named
from chainrule.run.native.plan.memory import Layout, layout
from chainrule.run.native.plan.pieces import in_pieces
from chainrule.run.native.plan.simplify import simplified
from chainrule.run.native.plan.threads import shared
from chainrule.run.native.routine import Recipe, Routine, routine
from chainrule.run.native.stages import stage

BASELINE: Final = 0
"""LLVM's level for code that is written down as it is: for graphs of numbers it is nearly as quick
as any other, and made in a fifth of the time."""

OPTIMISED: Final = 2
"""LLVM's level for code that it has looked at for long."""


TOGETHER: Final = 32
"""How many kernels one module has: nothing gets in between while LLVM is at one."""


class Planned:
    """A graph on its way to code.

    Attributes:
        dag: The graph, simplified.
        plan: Its kernels.
        numbers: The one kernel of a graph of numbers, which adds nothing up; None for other graphs.
        layout: Of its scratch memory.
        counters: Of its kernels, in a profiling build.
        seconds: What each stage took.
    """

    def __init__(
        self,
        dag: Dag,
        *,
        fast_math: bool = False,
        threads: int = 1,
        lanes: int = 1,
        profile: bool = False,
    ) -> None:
        """Plan a graph.

        Args:
            dag: The graph.
            fast_math: Whether sums and products may be regrouped.
            threads: How many may share the work on large arrays.
            lanes: How many numbers are computed side by side at most.
            profile: Whether kernels count their calls and their time.
        """
        self.seconds: dict[str, float] = {}
        with stage(self.seconds, "simplify"):
            self.dag = simplified(dag, fast_math=fast_math)
        with stage(self.seconds, "fuse"):
            self.plan = shared(fuse(self.dag), threads)
            self.numbers = self._numbers()
            if self.numbers is None:
                self.plan = in_pieces(self.plan)
            else:  # those are cut when they are written
                self.numbers = abreast(self.numbers, lanes)
                self.plan = self.plan._replace(kernels=(self.numbers,))
        with stage(self.seconds, "memory"):
            self.layout: Layout = layout(self.plan)
        self.counters = Counters(self._count()) if profile else None

    def _count(self) -> int:
        """How many counters there are: one for each step, or for each part of a single kernel."""
        if self.numbers is None:
            return len(self.plan.kernels)
        (box,) = self.numbers.boxes
        return len(cut(box))

    def _numbers(self) -> Kernel | None:
        if len(self.plan.kernels) == 1 and not any(n.type.shape for n in self.dag.order):
            (kernel,) = self.plan.kernels
            if isinstance(kernel, Kernel) and not kernel.totals:
                return kernel
        return None

    @property
    def by_numpy(self) -> tuple[str, ...]:
        """The operations that are left to NumPy."""
        steps = self.plan.kernels
        return tuple([step.node.op.name for step in steps if isinstance(step, Foreign)])

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


def compiled(what: Planned, text: Text, name: str | None = None, level: int = OPTIMISED) -> Routine:
    """Machine code of a graph, loaded; LLVM makes what is not in the cache.

    The arguments are those of `compiling`.
    """
    steps = compiling(what, text, level, name)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            routine: Routine = end.value
            return routine


def compiling(
    what: Planned, text: Text, level: int, name: str | None = None
) -> Generator[None, None, Routine]:
    """Machine code of a graph, a module at each step.

    Args:
        what: The graph.
        text: What `text_of` gave for it.
        level: How hard LLVM tries.
        name: What later processes are to find it by, if it is optimised and nothing of it is left
            to NumPy; None: nothing.
    """
    seconds = {**what.seconds, "emit": text.seconds}
    passes = text.passes(level)
    written = text.written(level)
    libraries = []
    for one, module in zip(written, text.modules, strict=True):
        libraries.append(target.load(one, level, module.externals, passes=passes, seconds=seconds))
        yield
    recipe = Recipe(
        text.entries,
        text.parts,
        what.plan.made,
        tuple([np.asarray(constant_value(node)) for node in what.plan.constants]),
        text.scratch,
        sum([one.count("\n  ") for one in written]),
        len(what.plan.kernels) - len(what.by_numpy),
    )
    is_optimised, counters = level != BASELINE, what.counters
    if name is not None and is_optimised and what.is_whole and counters is None:
        recall.keep(name, recipe, libraries)
    tier = "optimised" if is_optimised else "baseline"
    return routine(recipe, libraries, tier, seconds, counters)
