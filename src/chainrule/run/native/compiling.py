"""From a graph to loaded machine code, stage by stage, each timed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.run.native import target
from chainrule.run.native.emit import write_evaluate, write_kernel
from chainrule.run.native.fuse import fuse
from chainrule.run.native.kernels import Kernel, Plan
from chainrule.run.native.lanes import Module
from chainrule.run.native.mathematics import FUNCTIONS
from chainrule.run.native.memory import Layout, layout
from chainrule.run.native.pieces import in_pieces
from chainrule.run.native.simplify import simplified
from chainrule.run.native.straight import over_points, write_straight
from chainrule.run.native.threads import shared

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
        seconds: What each stage took.
    """

    def __init__(self, dag: Dag, *, fast_math: bool = False, threads: int = 1) -> None:
        self.seconds: dict[str, float] = {}
        with stage(self.seconds, "simplify"):
            self.dag = simplified(dag, fast_math=fast_math)
        with stage(self.seconds, "fuse"):
            self.plan = in_pieces(shared(fuse(self.dag), threads))
        with stage(self.seconds, "memory"):
            self.layout: Layout = layout(self.plan)

    @cached_property
    def numbers(self) -> Kernel | None:
        """The one kernel of a graph of numbers; None for other graphs."""
        if len(self.plan.kernels) == 1 and not any(n.type.shape for n in self.dag.order):
            (kernel,) = self.plan.kernels
            return kernel if isinstance(kernel, Kernel) else None
        return None

    @property
    def is_whole(self) -> bool:
        """Whether one function does everything: nothing is left to NumPy or to other threads."""
        return all(isinstance(kernel, Kernel) for kernel in self.plan.kernels)


class _Text(NamedTuple):
    """What LLVM is given.

    Attributes:
        modules: One or more.
        entries: The functions that are called from outside, in the first module; none: all parts.
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


def new_module() -> Module:
    """An empty module that knows the functions of mathematics."""
    return Module(FUNCTIONS)


def text_of(what: Planned, moving: Sequence[bool] | None = None) -> _Text:
    """The text of a graph for LLVM.

    Args:
        what: The graph.
        moving: For a graph of numbers over points: whether each input has a value for each point.
    """
    width = target.processor().width
    numbers = what.numbers
    if numbers is not None:
        kernel = numbers if moving is None else over_points(numbers, moving)
        written = write_straight(new_module, kernel, "evaluate", width)
        return _Text(written.modules, ("evaluate",), written.parts, written.frame)
    kernels = list(what.plan.alone())
    names = [f"k{at}" for at in range(len(kernels))]
    first = new_module()
    modules, parts = [first], list[tuple[str, ...]]()
    for at in range(0, len(kernels), TOGETHER):
        if len(kernels) > TOGETHER:
            modules.append(new_module())
            parts.append(tuple(names[at : at + TOGETHER]))
        for name, kernel in zip(names[at : at + TOGETHER], kernels[at:], strict=False):
            write_kernel(modules[-1], kernel, name, what.layout, width)
    entries = [] if parts else names
    if what.is_whole:
        write_evaluate(first, what.plan, names)
        entries = ["evaluate"]
    return _Text(tuple(modules), tuple(entries), tuple(parts), what.layout.size)


def compiled(
    what: Planned,
    level: int = OPTIMISED,
    moving: Sequence[bool] | None = None,
    is_stopping: Callable[[], bool] = bool,
) -> Routine:
    """Machine code of a graph, loaded.

    Args:
        what: The graph.
        level: How hard LLVM tries.
        moving: As for `text_of`.
        is_stopping: Asked now and then whether to give up.

    Raises:
        StoppedError: It was to give up.
    """
    seconds = dict(what.seconds)
    with stage(seconds, "emit"):
        text = text_of(what, moving)
    # A straight body gains nothing from LLVM's passes: nothing in it is computed twice.
    passes = level if what.numbers is None or moving is not None else 0
    libraries, size = [], 0
    for module in text.modules:
        if is_stopping():
            raise StoppedError
        with stage(seconds, "optimise"):
            optimised = target.optimised(module.text, passes)
        with stage(seconds, "code"):
            code = target.machine_code(optimised, level)
        with stage(seconds, "load"):
            libraries.append(target.Library(code, module.externals))
        size += len(code)
    found = [
        library.address(name)
        for library, names in zip(libraries[1:], text.parts, strict=False)
        for name in names
    ]
    context, constants = table(what.plan, found)
    return Routine(
        "baseline" if level == BASELINE else "optimised",
        tuple([libraries[0].address(name) for name in text.entries] or found),
        text.scratch,
        ctypes.addressof(context),
        sum([module.text.count("\n  ") for module in text.modules]),
        size,
        seconds,
        (libraries, constants, context),
    )


def table(plan: Plan, more: Sequence[int] = ()) -> tuple[Any, list[Any]]:
    """Where the constants of a plan lie, with more addresses behind them, and the constants."""
    constants = [np.asarray(constant_value(node)) for node in plan.constants]
    pointers = [None] * plan.made + [constant.ctypes.data for constant in constants] + [*more]
    return (ctypes.c_void_p * max(1, len(pointers)))(*pointers), constants
