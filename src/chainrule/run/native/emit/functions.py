"""Kernels as functions of a module, and what calls them."""

from __future__ import annotations

from chainrule.run.native.emit import columns
from chainrule.run.native.emit.counters import counted
from chainrule.run.native.emit.lanes import Module
from chainrule.run.native.emit.loops import ARGUMENTS, Loops
from chainrule.run.native.plan.kernels import Kernel, Plan
from chainrule.run.native.plan.memory import Layout


def write_kernel(module: Module, kernel: Kernel, name: str, layout: Layout, width: int) -> None:
    """Add a kernel to a module, as a function of this name."""
    found = columns.arranged(kernel, width)
    if found is None:
        text = Loops(module, kernel, layout, width).text(name)
    else:
        text = columns.Columns(module, found, layout, width).text(name)
    module.define(name, text)


def write_evaluate(
    module: Module, plan: Plan, layout: Layout, width: int, *, profile: bool = False
) -> None:
    """Add all kernels of a graph to a module, and ``evaluate``, which runs them."""
    calls = []
    for at, kernel in enumerate(plan.kernels):
        assert isinstance(kernel, Kernel)
        write_kernel(module, kernel, f"k{at}", layout, width)
        call = [f"  call void @k{at}({ARGUMENTS})"]
        calls += counted(module, call, at, plan.table, f"k{at}") if profile else call
    lines = [f"define void @evaluate({ARGUMENTS}) nounwind {{", *calls, "  ret void", "}"]
    module.define("evaluate", "\n".join(lines))


def write_counted(module: Module, kernel: str, number: int, name: str, entry: int) -> None:
    """Add a function that runs a kernel and counts it; see `counters.counted`."""
    call = counted(module, [f"  call void @{kernel}({ARGUMENTS})"], number, entry)
    lines = [f"define void @{name}({ARGUMENTS}) nounwind {{", *call, "  ret void", "}"]
    module.define(name, "\n".join(lines))


def write_calls(module: Module, count: int, first: int) -> None:
    """Add ``evaluate``, which runs kernels of other modules, to a module.

    Args:
        module: The module.
        count: How many there are.
        first: The entry of the table that says where the first one is.
    """
    lines = [f"define void @evaluate({ARGUMENTS}) nounwind {{"]
    for at in range(count):
        lines += [
            f"  %k{at}.at = getelementptr ptr, ptr %context, i64 {first + at}",
            f"  %k{at} = load ptr, ptr %k{at}.at, align 8",
            f"  call void %k{at}({ARGUMENTS})",
        ]
    module.define("evaluate", "\n".join([*lines, "  ret void", "}"]))
