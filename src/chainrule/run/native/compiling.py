"""From a graph to loaded machine code, stage by stage, each timed."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


@contextmanager
def stage(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the time that a stage takes to those of before."""
    start = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start


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


def compiled(
    what: Planned, level: int = OPTIMISED, moving: Sequence[bool] | None = None
) -> Routine:
    """Machine code of a graph, loaded."""
    seconds = dict(what.seconds)
    with stage(seconds, "emit"):
        module, scratch = module_of(what, moving)
        text = module.text
    # A long straight body gains nothing from LLVM's passes: nothing in it is computed twice.
    passes = level if what.numbers is None or moving is not None else 0
    with stage(seconds, "optimise"):
        optimised = target.optimised(text, passes)
    with stage(seconds, "code"):
        code = target.machine_code(optimised, level)
    with stage(seconds, "load"):
        library = target.Library(code)
    names = [
        f"k{at}"
        for at, kernel in enumerate(what.plan.kernels)
        if isinstance(kernel, Kernel) and f"k{at}" in module and "evaluate" not in module
    ] or ["evaluate"] * ("evaluate" in module)
    context, constants = table(what.plan)
    return Routine(
        "baseline" if level == BASELINE else "optimised",
        tuple([library.address(name) for name in names]),
        scratch,
        context,
        text.count("\n  "),
        len(code),
        seconds,
        (library, constants),
    )


def table(plan: Plan) -> tuple[Any, list[Any]]:
    """Where the constants of a plan lie, and the constants."""
    constants = [np.asarray(constant_value(node)) for node in plan.constants]
    pointers = [constant.ctypes.data for constant in constants]
    return (ctypes.c_void_p * max(1, plan.table))(*pointers), constants
