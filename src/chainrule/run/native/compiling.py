"""From a graph to loaded machine code, stage by stage, each timed."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_value
from chainrule.run.native import target
from chainrule.run.native.emit import write_evaluate, write_kernel
from chainrule.run.native.fuse import fuse
from chainrule.run.native.kernels import Foreign, Kernel, Plan
from chainrule.run.native.lanes import Module
from chainrule.run.native.mathematics import FUNCTIONS
from chainrule.run.native.memory import Layout, layout
from chainrule.run.native.stages import stage
from chainrule.run.native.straight import over_points, write_straight

BASELINE, OPTIMISED = 0, 2
"""Levels of LLVM: code written down as it is, and code it has looked at for long."""


class Planned(NamedTuple):
    """A graph before it is text.

    Attributes:
        dag: The graph.
        plan: Its kernels.
        layout: Of its scratch memory.
        seconds: What each stage took.
    """

    dag: Dag
    plan: Plan
    layout: Layout
    seconds: dict[str, float]

    @property
    def numbers(self) -> Kernel | None:
        """The one kernel of a graph of numbers; None for a graph of arrays."""
        if len(self.plan.kernels) == 1 and not any(n.type.shape for n in self.dag.order):
            (kernel,) = self.plan.kernels
            return kernel if isinstance(kernel, Kernel) else None
        return None


class Routine(NamedTuple):
    """Loaded machine code of a graph.

    Attributes:
        tier: What kind of code it is.
        addresses: Of the functions; a single one where no work is left to NumPy.
        scratch: Bytes of scratch memory that it needs.
        context: The table of constants.
        instructions: How many instructions LLVM was given.
        code_bytes: Of the object file.
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


def planned(dag: Dag) -> Planned:
    """The kernels of a graph and the layout of its memory."""
    seconds: dict[str, float] = {}
    with stage(seconds, "fuse"):
        plan = fuse(dag)
    with stage(seconds, "memory"):
        places = layout(plan)
    return Planned(dag, plan, places, seconds)


def module_of(what: Planned, moving: Sequence[bool] | None = None) -> tuple[Module, int]:
    """The text of a graph for LLVM, and how much scratch memory it needs.

    Args:
        what: The graph.
        moving: For a graph of numbers over points: whether each input has a value for each point.
    """
    module = Module(FUNCTIONS)
    width = target.processor().width
    numbers = what.numbers
    if numbers is not None:
        kernel = numbers if moving is None else over_points(numbers, moving)
        return module, write_straight(module, kernel, "evaluate", width)
    if any(isinstance(kernel, Foreign) for kernel in what.plan.kernels):
        for at, one in enumerate(what.plan.kernels):
            if isinstance(one, Kernel):
                write_kernel(module, one, f"k{at}", what.layout, width)
    else:
        write_evaluate(module, what.plan, what.layout, width)
    return module, what.layout.size


class Written(NamedTuple):
    """A graph as text for LLVM.

    Attributes:
        what: The graph.
        names: Of the functions that are called; a single one where no work is left to NumPy.
        text: The module.
        scratch: Bytes of scratch memory that the code needs.
        is_straight: Whether it is a long body without loops: LLVM's passes do nothing for those,
            as nothing in them is computed twice.
        seconds: What each stage took.
    """

    what: Planned
    names: tuple[str, ...]
    text: str
    scratch: int
    is_straight: bool
    seconds: dict[str, float]

    def passes(self, level: int) -> int:
        """How hard LLVM's passes try at this level."""
        return 0 if self.is_straight else level

    def is_cached(self, level: int) -> bool:
        """Whether an earlier process has made code of this level."""
        return target.is_cached(self.text, level, passes=self.passes(level))


def written(what: Planned, moving: Sequence[bool] | None = None) -> Written:
    """The text of a graph; see `module_of`."""
    seconds = dict(what.seconds)
    with stage(seconds, "emit"):
        module, scratch = module_of(what, moving)
        text = module.text
    names = [
        f"k{at}"
        for at, kernel in enumerate(what.plan.kernels)
        if isinstance(kernel, Kernel) and f"k{at}" in module and "evaluate" not in module
    ] or ["evaluate"] * ("evaluate" in module)
    is_straight = what.numbers is not None and moving is None
    return Written(what, tuple(names), text, scratch, is_straight, seconds)


def compiled(given: Written, level: int = OPTIMISED) -> Routine:
    """Machine code of a graph, loaded; LLVM makes it unless it is in the cache."""
    seconds = dict(given.seconds)
    library = target.load(given.text, level, passes=given.passes(level), seconds=seconds)
    context, constants = table(given.what.plan)
    return Routine(
        "baseline" if level == BASELINE else "optimised",
        tuple([library.address(name) for name in given.names]),
        given.scratch,
        context,
        given.text.count("\n  "),
        library.code_bytes,
        seconds,
        (library, constants),
    )


def table(plan: Plan) -> tuple[Any, list[Any]]:
    """Where the constants of a plan lie, and the constants."""
    constants = [np.asarray(constant_value(node)) for node in plan.constants]
    pointers = [constant.ctypes.data for constant in constants]
    return (ctypes.c_void_p * max(1, plan.table))(*pointers), constants
