"""What is computed together: a loop nest, the steps of one element, what is stored and added up.

These are plain data, made by `fuse` and written as machine code by `emit`. Printed, they are a
listing that can be read beside the formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.numerals import numeral
from chainrule.graph.types import Type


class Home(Enum):
    """Where an array or a number lies in memory."""

    INPUT = "input"
    OUTPUT = "output"
    SCRATCH = "scratch"
    TABLE = "table"


class Buffer(NamedTuple):
    """An array, or one number, in memory.

    Attributes:
        home: Where it lies.
        number: Which slot of the inputs or outputs; which entry of the table of what NumPy made
            and of constants; for scratch, the place in `Plan.scratch`.
        type: What it holds.
    """

    home: Home
    number: int
    type: Type


class Place(NamedTuple):
    """One element of a buffer: number ``offset + Σ stride · index``, an index for each axis."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]


class Step(NamedTuple):
    """One value of a body.

    Attributes:
        node: What is computed.
        operands: The earlier steps it is computed from.
        place: Where it is read, in place of computing it.
    """

    node: Node
    operands: tuple[int, ...] = ()
    place: Place | None = None


class Store(NamedTuple):
    """What is written for each element: the value of a step."""

    step: int
    place: Place


class Sum(NamedTuple):
    """What is added up over the innermost axes: the value of a step, into one of the totals."""

    step: int
    total: int


class Box(NamedTuple):
    """A part of the index space in which every element is computed alike.

    Attributes:
        ranges: First index and the one after the last, for each axis.
        steps: The values of one element; those of `Kernel.uniform` are counted before them.
        stores: What is written.
        sums: What is added up.
    """

    ranges: tuple[tuple[int, int], ...]
    steps: tuple[Step, ...]
    stores: tuple[Store, ...]
    sums: tuple[Sum, ...]


class Kernel(NamedTuple):
    """A loop nest.

    Attributes:
        sizes: Of the axes, outermost first; none: everything happens once.
        reduced: How many of the innermost axes are added up over.
        uniform: Values that are the same for all elements.
        boxes: The parts of the index space, in the order in which they run.
        totals: Where each sum goes once its axes are done.
        writes: The nodes it makes.
    """

    sizes: tuple[int, ...]
    reduced: int
    uniform: tuple[Step, ...]
    boxes: tuple[Box, ...]
    totals: tuple[Place, ...]
    writes: tuple[Node, ...]


class Foreign(NamedTuple):
    """An operation that NumPy does.

    Attributes:
        node: What is computed.
        operands: Where its operands are.
        result: Which entry of the table it becomes.
        outputs: Which outputs it is.
    """

    node: Node
    operands: tuple[Buffer, ...]
    result: int
    outputs: tuple[int, ...]


class Together(NamedTuple):
    """Kernels that may run side by side: none of them reads what another one writes."""

    kernels: tuple[Kernel, ...]


class Plan(NamedTuple):
    """A graph as kernels in the order in which they run.

    Attributes:
        kernels: Kernels, alone or several at once, and operations that NumPy does.
        inputs: The arguments.
        outputs: The results.
        made: How many entries of the table are what NumPy makes.
        constants: Arrays that kernels read: the entries behind those.
        scratch: The types of what lies in scratch memory, in the order of their numbers.
    """

    kernels: tuple[Kernel | Foreign | Together, ...]
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    made: int
    constants: tuple[Node, ...]
    scratch: tuple[Type, ...]

    def alone(self) -> Iterator[Kernel]:
        """Each kernel, those that may run side by side one after the other."""
        for step in self.kernels:
            if isinstance(step, Kernel):
                yield step
            elif isinstance(step, Together):
                yield from step.kernels


# --- listings -------------------------------------------------------------------------------------


def listing(plan: Plan, labels: Mapping[Node, str]) -> str:
    """The kernels as text; nodes go by their labels."""
    lines: list[str] = []
    for at, kernel in enumerate(plan.kernels):
        if at:
            lines.append("")
        if isinstance(kernel, Foreign):
            lines.append(
                f"numpy {at}: {_label(kernel.node, labels)} = {kernel.node.op.name}"
                f"({', '.join(map(_buffer, kernel.operands))})"
            )
        elif isinstance(kernel, Together):
            for number, part in enumerate(kernel.kernels):
                lines += _kernel_lines(f"{at}.{number}", part, labels)
        else:
            lines += _kernel_lines(str(at), kernel, labels)
    return "\n".join(lines)


_AXES = "ijklmnpqrs"


def _axis(number: int) -> str:
    return _AXES[number] if number < len(_AXES) else f"i{number}"


def _kernel_lines(at: str, kernel: Kernel, labels: Mapping[Node, str]) -> list[str]:
    over = ", ".join(f"{_axis(axis)} < {size}" for axis, size in enumerate(kernel.sizes))
    lines = [f"kernel {at}{f' over {over}' if over else ''}: {_made(kernel, labels)}"]
    lines += _step_lines(kernel.uniform, 0, labels, "  ")
    for box in kernel.boxes:
        whole = all(r == (0, size) for r, size in zip(box.ranges, kernel.sizes, strict=True))
        indent = "  "
        if box.ranges:
            where = (
                "all"
                if whole
                else ", ".join(
                    f"{low} ≤ {_axis(axis)} < {high}" for axis, (low, high) in enumerate(box.ranges)
                )
            )
            lines.append(f"  for {where}:")
            indent = "    "
        lines += _step_lines(box.steps, len(kernel.uniform), labels, indent)
        lines += [f"{indent}{_place(s.place)} = t{s.step}" for s in box.stores]
        lines += [f"{indent}s{s.total} += t{s.step}" for s in box.sums]
    lines += [f"  {_place(place)} = s{number}" for number, place in enumerate(kernel.totals)]
    return lines


def _made(kernel: Kernel, labels: Mapping[Node, str]) -> str:
    return ", ".join(_label(node, labels) for node in kernel.writes)


def _step_lines(
    steps: Sequence[Step], first: int, labels: Mapping[Node, str], indent: str
) -> list[str]:
    lines = []
    for at, step in enumerate(steps, start=first):
        node = step.node
        if step.place is not None:
            what = _place(step.place)
        elif node.op is CONSTANT:
            what = numeral(uniform_value(node))
        else:
            params = [str(param) for param in node.params]
            given = [*(f"t{operand}" for operand in step.operands), *params]
            what = f"{node.op.name}({', '.join(given)})"
        lines.append(f"{indent}t{at} = {what}{'':{max(1, 34 - len(what))}}; {_label(node, labels)}")
    return lines


def _label(node: Node, labels: Mapping[Node, str]) -> str:
    return labels.get(node, node.op.name)


def _place(place: Place) -> str:
    buffer, offset, strides = place
    name = _buffer(buffer)
    if not buffer.type.shape:
        return name
    parts = [
        _axis(axis) if stride == 1 else f"{stride}*{_axis(axis)}"
        for axis, stride in enumerate(strides)
        if stride
    ]
    if offset or not parts:
        parts.append(str(offset))
    return f"{name}[{' + '.join(parts)}]"


def _buffer(buffer: Buffer) -> str:
    return f"{buffer.home.value}{buffer.number}"
