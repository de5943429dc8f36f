"""From a graph to loaded machine code, stage by stage, each timed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.run.native import target
from chainrule.run.native.counters import Counters
from chainrule.run.native.emit import write_counted, write_evaluate, write_kernel
from chainrule.run.native.fuse import fuse
from chainrule.run.native.kernels import Foreign, Kernel, Plan
from chainrule.run.native.lanes import Module
from chainrule.run.native.mathematics import FUNCTIONS
from chainrule.run.native.memory import Layout, layout
from chainrule.run.native.notes import Notes
from chainrule.run.native.simplify import simplified
from chainrule.run.native.straight import cut, over_points, write_straight

BASELINE: Final = 0
"""LLVM's level for code that is written down as it is: for graphs of numbers it is nearly as quick
as any other, and made in a fifth of the time."""

OPTIMISED: Final = 2
"""LLVM's level for code that it has looked at for long."""


class Routine(NamedTuple):
    """A way to run a graph.

    Attributes:
        tier: What kind of code it is; see `chainrule.run.native.report.CompileReport`.
        addresses: Of the functions; a single one where no work is left to NumPy.
        scratch: Bytes of scratch memory that it needs.
        context: The table of constants, or where it is.
        instructions: How many instructions LLVM was given.
        code_bytes: Of the object files.
        seconds: What each stage took.
        keep: What must live as long as the code.
    """

    tier: str
    addresses: tuple[int, ...]
    scratch: int
    context: Any
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

    def __init__(self, dag: Dag, *, fast_math: bool = False, profile: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        with stage(self.seconds, "simplify"):
            self.dag = simplified(dag, fast_math=fast_math)
        with stage(self.seconds, "fuse"):
            self.plan = fuse(self.dag)
        with stage(self.seconds, "memory"):
            self.layout: Layout = layout(self.plan)
        self.counters = Counters(self._count()) if profile else None

    def _count(self) -> int:
        """How many counters there are: one for each kernel, or for each part of a single one."""
        if self.numbers is None:
            return len(self.plan.kernels)
        (box,) = self.numbers.boxes
        return len(cut(box.steps))

    @cached_property
    def numbers(self) -> Kernel | None:
        """The one kernel of a graph of numbers; None for other graphs."""
        if len(self.plan.kernels) == 1 and not any(n.type.shape for n in self.dag.order):
            (kernel,) = self.plan.kernels
            return kernel if isinstance(kernel, Kernel) else None
        return None

    @property
    def is_mixed(self) -> bool:
        """Whether NumPy does some of the work."""
        return any(isinstance(kernel, Foreign) for kernel in self.plan.kernels)


class Text(NamedTuple):
    """What LLVM is given.

    Attributes:
        modules: One or more.
        entries: The functions that are called from outside, in the first module.
        parts: Functions of the other modules, whose places stand in the table.
        scratch: Bytes of scratch memory.
    """

    modules: tuple[Module, ...]
    entries: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    scratch: int


@contextmanager
def stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the time that a stage takes to those of before."""
    start = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start


def text_of(
    what: Planned, moving: Sequence[bool] | None = None, notes: Notes | None = None
) -> Text:
    """The text of a graph for LLVM.

    Args:
        what: The graph.
        moving: For a graph of numbers over points: whether each input has a value for each point.
        notes: What comments say; None: there are none.
    """

    def new_module() -> Module:
        return Module(FUNCTIONS, notes)

    width = target.processor().width
    numbers, profile = what.numbers, what.counters is not None
    if numbers is not None:
        kernel = numbers if moving is None else over_points(numbers, moving)
        written = write_straight(new_module, kernel, "evaluate", width, profile=profile)
        return Text(written.modules, ("evaluate",), written.parts, written.frame)
    module = new_module()
    if what.is_mixed:
        entries = []
        for at, one in enumerate(what.plan.kernels):
            if isinstance(one, Kernel):
                write_kernel(module, one, f"k{at}", what.layout, width)
                entries.append(f"c{at}" if profile else f"k{at}")
                if profile:
                    write_counted(module, at, f"c{at}", what.plan.table)
    else:
        entries = ["evaluate"]
        write_evaluate(module, what.plan, what.layout, width, profile=profile)
    return Text((module,), tuple(entries), (), what.layout.size)


def compiled(
    what: Planned, level: int = OPTIMISED, moving: Sequence[bool] | None = None
) -> Routine:
    """Machine code of a graph, loaded."""
    seconds = dict(what.seconds)
    with stage(seconds, "emit"):
        text = text_of(what, moving)
    # A straight body gains nothing from LLVM's passes: nothing in it is computed twice.
    passes = level if what.numbers is None or moving is not None else 0
    libraries, size = [], 0
    for module in text.modules:
        with stage(seconds, "optimise"):
            optimised = target.optimised(module.text, passes)
        with stage(seconds, "code"):
            code = target.machine_code(optimised, level)
        with stage(seconds, "load"):
            libraries.append(target.Library(code, module.externals))
        size += len(code)
    more = [] if what.counters is None else [what.counters.address]
    context, constants = table(what.plan, more)
    if text.parts:
        found = [
            library.address(name)
            for library, names in zip(libraries[1:], text.parts, strict=True)
            for name in names
        ]
        context = (ctypes.c_void_p * (len(found) + len(more)))(*found, *more)
    return Routine(
        "baseline" if level == BASELINE else "optimised",
        tuple([libraries[0].address(name) for name in text.entries]),
        text.scratch,
        context,
        sum([module.text.count("\n  ") for module in text.modules]),
        size,
        seconds,
        (libraries, constants, what.counters),
    )


def table(plan: Plan, more: Sequence[int] = ()) -> tuple[Any, list[Any]]:
    """Where the constants of a plan lie, with more addresses behind them, and the constants."""
    constants = [np.asarray(constant_value(node)) for node in plan.constants]
    pointers = [constant.ctypes.data for constant in constants]
    pointers += [0] * (plan.table - len(pointers)) + [*more]
    return (ctypes.c_void_p * max(1, len(pointers)))(*pointers), constants
