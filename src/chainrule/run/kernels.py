"""NumPy functions of operations and of their partial derivatives, made once and kept."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from chainrule.diff.rules import Mapped, Transfer, partials_of
from chainrule.errors import EvaluationError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.op import Op, Params
from chainrule.graph.types import Type

Kernel = Callable[..., Any]


@functools.lru_cache(maxsize=4096)
def kernel(op: Op, params: Params = ()) -> Kernel:
    """The NumPy function of an operation with its parameters bound.

    Raises:
        EvaluationError: E307 when the op has no values (an abstract function).
    """
    if not op.kernel:
        name = params[0] if params else op.name
        raise EvaluationError("E307", f"{name} is an abstract function: it has no values")
    module, _, name = op.kernel.rpartition(".")
    function = cast("Kernel", getattr(importlib.import_module(module), name))
    if not params:
        return function
    return lambda *operands: function(*operands, *params)


def params_of(node: Node, dag: Dag) -> Params:
    """What the kernel of a node takes after the operands.

    That of an operation with several results takes besides its parameters which ones the graph
    reads.
    """
    if node.op.joint is None:
        return node.params
    read = {user.params[0] for user in dag.users(node)}
    return (*node.params, tuple([at in read for at in range(len(node.type.parts))]))


def every_result(node: Node) -> Params:
    """What the kernel of a node takes after the operands when all its results are to be kept."""
    return node.params if node.op.joint is None else (*node.params, (True,) * len(node.type.parts))


@dataclass(frozen=True, slots=True)
class LocalDerivative:
    """∂out/∂operand as NumPy functions of (out, operands).

    Attributes:
        factor: The derivative where the guard holds.
        guard: Where it is not structurally zero; None: everywhere.
        constant: The derivative itself where it is one number known in advance.
        pick: Which of (out, operands) the derivative is, where it is one of them.
    """

    factor: Kernel
    guard: Kernel | None
    constant: Any
    pick: int | None

    def at(self, arguments: Sequence[Any]) -> tuple[Any, Any]:
        """The numbers of factor and guard at (out, operands)."""
        if self.pick is not None:
            factor = arguments[self.pick]
        else:
            factor = self.factor(*arguments) if self.constant is None else self.constant
        return factor, None if self.guard is None else self.guard(*arguments)


class LinearMap:
    """∂out/∂operand as a linear map, both ways as NumPy functions of (what goes in, out, operands).

    Attributes:
        moves: Whether what is zero in a derivative stays so; see `chainrule.graph.op.Op`.
    """

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self.moves = transfer.moves

    @functools.cached_property
    def push(self) -> Kernel:
        """From a tangent of the operand to a tangent of the result."""
        return self._function(self._transfer.push)

    @functools.cached_property
    def pull(self) -> Kernel:
        """From an adjoint of the result to an adjoint of the operand."""
        return self._function(self._transfer.pull)

    def _function(self, way: Mapped) -> Kernel:
        transfer = self._transfer
        return function_of(way.result, (way.given, transfer.out, *transfer.operands))


@functools.lru_cache(maxsize=4096)
def local_derivatives(
    op: Op, types: tuple[Type, ...], out_type: Type, params: Params
) -> tuple[LocalDerivative | LinearMap | None, ...]:
    """For each operand its local derivative; None where it is structurally zero."""
    rules = partials_of(op, types, out_type, params)
    arguments = (rules.out, *rules.operands)
    return tuple(
        None
        if partial is None
        else LinearMap(partial)
        if isinstance(partial, Transfer)
        else LocalDerivative(
            function_of(partial.factor, arguments),
            None if partial.guard is None else function_of(partial.guard, arguments),
            None if partial.constant is None else constant_value(partial.factor),
            arguments.index(partial.factor) if partial.factor in arguments else None,
        )
        for partial in rules.partials
    )


def function_of(result: Node, arguments: Sequence[Node]) -> Kernel:
    """A small graph as one Python function of its arguments.

    The source is put together from fixed pieces only: argument positions and kernel numbers.
    """
    names = {node: f"x{at}" for at, node in enumerate(arguments)}
    scope: dict[str, Any] = {}
    lines: list[str] = []
    for node in walk.depth_first([result]):
        if node in names:
            continue
        names[node] = name = f"t{len(names)}"
        if node.op is CONSTANT:
            scope[name] = constant_value(node)
        else:
            scope[f"k{name}"] = kernel(node.op, node.params)
            operands = ", ".join(names[operand] for operand in node.operands)
            lines.append(f"    {name} = k{name}({operands})")
    head = ", ".join(f"x{at}" for at in range(len(arguments)))
    source = "\n".join([f"def function({head}):", *lines, f"    return {names[result]}"])
    exec(compile(source, "<partial derivative>", "exec"), scope)
    return cast("Kernel", scope["function"])
