"""Several nodes of one kind, computed side by side in the lanes of a vector.

Numbers come into a vector by a function, and out of it through memory: of instructions that move
single lanes, LLVM makes code several times as slowly.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.node import Node
from chainrule.run.native.emit.element import element
from chainrule.run.native.emit.lanes import Code, Module, Value
from chainrule.run.native.emit.mathematics.base import PURE, SHORT


def abreast(
    code: Code, lanes: int, nodes: Sequence[Node], operands: Sequence[Sequence[Value]]
) -> Value:
    """The values of nodes, as a vector.

    Args:
        code: Where the instructions go, for plain numbers.
        lanes: Of the vector.
        nodes: As many as there are lanes, or fewer.
        operands: Of each node.
    """
    wide, notes = code.with_width(lanes), code.module.notes
    if notes is not None:
        code.comment(f"side by side: {', '.join(map(notes.label, nodes))}")
    given = [_packed(wide, column) for column in zip(*operands, strict=True)]
    return element(wide, nodes[0], given)


def _packed(code: Code, numbers: Sequence[Value]) -> Value:
    """Plain numbers in the lanes of a vector.

    The last one is also in the lanes that are left over: they give no reason to go a slow way.
    """
    kind, vector = numbers[0].kind, code.type(numbers[0].kind)
    name = pack(code.module, kind, code.width)
    code.module.declare(name, f"{vector} @{name}({', '.join([kind] * code.width)})")
    filled = [*numbers, *[numbers[-1]] * (code.width - len(numbers))]
    given = ", ".join(f"{kind} {number.text}" for number in filled)
    return code.emit(kind, f"call {vector} @{name}({given})")


def pack(module: Module, kind: str, width: int) -> str:
    """Define the function that makes a vector of plain numbers, unless it is there: its name."""
    name = f"pack.{SHORT[kind]}.w{width}"
    if name not in module:
        code = Code(module, width)
        result = Value("poison", kind)
        for lane in range(width):
            result = code.with_lane(result, lane, Value(f"%x{lane}", kind))
        given = ", ".join(f"{kind} %x{lane}" for lane in range(width))
        head = f"define internal {code.type(kind)} @{name}({given}) noinline {PURE} {{"
        end = f"  ret {code.type(kind)} {result.text}"
        module.define(name, "\n".join([head, *code.lines, end, "}"]))
    return name
