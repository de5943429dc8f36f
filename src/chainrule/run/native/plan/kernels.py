"""What is computed together: a loop nest, the steps of one element, what is stored and added up.

These are plain data, made by `fuse` and written as machine code by `emit`. Printed, they are a
listing that can be read beside the formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from chainrule.graph.node import CONSTANT, Node, uniform_value
from chainrule.graph.numerals import numeral
from chainrule.graph.types import Type
from chainrule.run.native.emit.notes import Notes


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
        groups: First step and the one after the last of those that are computed side by side, in
            the lanes of a vector. Only graphs of numbers have such.
    """

    ranges: tuple[tuple[int, int], ...]
    steps: tuple[Step, ...]
    stores: tuple[Store, ...]
    sums: tuple[Sum, ...]
    groups: tuple[tuple[int, int], ...] = ()


class Kernel(NamedTuple):
    """A loop nest.

    Attributes:
        sizes: Of the axes, outermost first; none: everything happens once.
        reduced: How many of the innermost axes are added up over.
        uniform: Values that are the same for all elements.
        boxes: The parts of the index space, in the order in which they run.
        totals: Where each sum goes once its axes are done.
        writes: The nodes it makes.
        continues: Whether its sums are added to those of the kernel before.
    """

    sizes: tuple[int, ...]
    reduced: int
    uniform: tuple[Step, ...]
    boxes: tuple[Box, ...]
    totals: tuple[Place, ...]
    writes: tuple[Node, ...]
    continues: bool = False


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

    @property
    def table(self) -> int:
        """How many entries the table has."""
        return self.made + len(self.constants)

    def alone(self) -> Iterator[Kernel]:
        """Each kernel, those that may run side by side one after the other."""
        for step in self.kernels:
            if isinstance(step, Kernel):
                yield step
            elif isinstance(step, Together):
                yield from step.kernels


# --- listings -------------------------------------------------------------------------------------


def listing(plan: Plan, notes: Notes) -> str:
    """The kernels as text, with what is said of nodes behind the steps."""
    blocks = []
    for at, step in enumerate(plan.kernels):
        if isinstance(step, Foreign):
            blocks.append([foreign_words(at, step, notes)])
        else:
            for name, kernel in named(at, step):
                blocks.append([kernel_words(name, kernel, notes), *_lines(kernel, notes)])
    return "\n\n".join(map("\n".join, blocks))


def named(at: int, step: Kernel | Together) -> list[tuple[str, Kernel]]:
    """The kernels of a step of a plan with their names: ``3``, or ``3.0``, ``3.1``, …."""
    if isinstance(step, Kernel):
        return [(str(at), step)]
    return [(f"{at}.{number}", kernel) for number, kernel in enumerate(step.kernels)]


def kernel_words(name: str, kernel: Kernel, notes: Notes) -> str:
    """A kernel in a line: what it goes over, and what it makes."""
    over = ", ".join(f"{_axis(axis)} < {size}" for axis, size in enumerate(kernel.sizes))
    made = ", ".join(notes.label(node) for node in kernel.writes)
    return f"kernel {name}{f' over {over}' if over else ''}: {made}"


def foreign_words(at: int, step: Foreign, notes: Notes) -> str:
    """What NumPy does, in a line."""
    operands = ", ".join(map(_buffer, step.operands))
    return f"numpy {at}: {notes.label(step.node)} = {step.node.op.name}({operands})"


_AXES = "ijklmnpqrs"
_WIDE = 36
"""Letters before the comment behind a step."""


def _axis(number: int) -> str:
    return _AXES[number] if number < len(_AXES) else f"i{number}"


def _lines(kernel: Kernel, notes: Notes) -> list[str]:
    lines = _step_lines(kernel.uniform, 0, notes, "  ")
    for box in kernel.boxes:
        indent = "  "
        if box.ranges:
            lines.append(f"  for {range_words(kernel, box)}:")
            indent = "    "
        lines += _step_lines(box.steps, len(kernel.uniform), notes, indent, box.groups)
        lines += [f"{indent}{place_words(s.place)} = t{s.step}" for s in box.stores]
        lines += [f"{indent}s{s.total} += t{s.step}" for s in box.sums]
    return [*lines, *(f"  {place_words(p)} = s{number}" for number, p in enumerate(kernel.totals))]


def range_words(kernel: Kernel, box: Box) -> str:
    """Which elements a box has, such as ``1 ≤ i < 9``."""
    if all(r == (0, size) for r, size in zip(box.ranges, kernel.sizes, strict=True)):
        return "all"
    return ", ".join(
        f"{low} ≤ {_axis(axis)} < {high}" for axis, (low, high) in enumerate(box.ranges)
    )


def _step_lines(
    steps: Sequence[Step],
    first: int,
    notes: Notes,
    indent: str,
    groups: Sequence[tuple[int, int]] = (),
) -> list[str]:
    lines = []
    ends, end, outer = dict(groups), 0, indent
    for at, step in enumerate(steps, start=first):
        if at in ends:
            end = ends[at]
            lines.append(f"{outer}side by side:")
        indent = outer + "  " * (at < end)
        node = step.node
        if step.place is not None:
            what = place_words(step.place)
        elif node.op is CONSTANT:
            what = numeral(uniform_value(node))
        else:
            params = [str(param) for param in node.params]
            given = [*(f"t{operand}" for operand in step.operands), *params]
            what = f"{node.op.name}({', '.join(given)})"
        line = f"{indent}t{at} = {what}"
        said = notes.texts.get(node, "")
        plain = not said or (node.op is CONSTANT and said in (what, "constant"))
        lines.append(line if plain else f"{line:<{_WIDE}}  ; {said}")
    return lines


def place_words(place: Place) -> str:
    """An element as listings have it, such as ``input0[i + 1]``."""
    buffer, offset, strides = place
    name = _buffer(buffer)
    if not buffer.type.shape:
        return name
    parts = [
        _axis(axis) if stride == 1 else f"{stride}*{_axis(axis)}"
        for axis, stride in enumerate(strides)
        if stride
    ]
    index = " + ".join(parts)
    if not parts:
        index = str(offset)
    elif offset:
        index += f" {'+' if offset > 0 else '-'} {abs(offset)}"
    return f"{name}[{index}]"


def _buffer(buffer: Buffer) -> str:
    return f"{buffer.home.value}{buffer.number}"
