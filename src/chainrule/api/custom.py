"""Functions with derivatives of their own, foreign code, and what is computed anew backward."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.api.array import Array
from chainrule.api.closing import closed, renamed
from chainrule.api.plans import Pure
from chainrule.api.tracing import Arguments, arguments_of, run, symbolic, type_of
from chainrule.api.tree import Structure, flatten, matching
from chainrule.api.wanted import float_type
from chainrule.errors import DerivativeError, EvaluationError, GraphError, shown
from chainrule.graph.node import Node, constant_node, input_node
from chainrule.graph.types import Type
from chainrule.ops.branches import called
from chainrule.ops.custom import customised, foreign
from chainrule.ops.inner import Known
from chainrule.ops.term import Term, spread


def checkpoint(function: Pure) -> Pure:
    """The same function, of which reverse mode keeps only the arguments.

    What the backward pass needs of it is computed anew, from the arguments. That costs one more
    evaluation and saves the memory of everything in between.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> f = cr.checkpoint(lambda x: np.sin(np.sin(x)))
    >>> float(cr.grad(f)(1.0)) == float(cr.grad(lambda x: np.sin(np.sin(x)))(1.0))
    True

    Raises:
        TracingError: E230 to E238, at the line that cannot be traced.
    """

    @functools.wraps(function)
    def checkpointed(*positional: Any, **keywords: Any) -> Any:
        arguments = arguments_of(function, positional, keywords)
        if not any(isinstance(value, Term) for value in arguments.values):
            return function(*positional, **keywords)
        trace = run(function, arguments)
        outputs = [symbolic(result) for result in trace.results]
        if not outputs:
            return trace.structure.build([])
        known = Known(trace.names, trace.origins)
        body = closed(trace.inputs, outputs, known, arrays=True)
        operands = [*_operands(arguments), *map(Array, body.outside)]
        dag = body.known.dag(body.outputs, [*body.inputs, *body.constants])
        made = called(dag, operands)
        return trace.structure.build([Array(x.node) for x in made])

    return checkpointed


class custom_derivative:  # noqa: N801 - a decorator
    """A function with derivatives of its own; rules are given by ``forward`` or ``reverse``.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> @cr.custom_derivative
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.forward
    ... def _(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return dx / (1 + np.exp(-x))
    >>> cr.grad(log1pexp)(100.0)
    np.float64(1.0)

    With one rule for forward mode both modes work, to any order: the rule is linear in the
    tangents, and reverse mode transposes it. A rule for reverse mode serves that alone.

    A function that cannot be traced, because it calls other code, needs ``result``: it is called
    with NumPy arrays whenever the graph runs.

    >>> def solver(x):  # of Fortran, say
    ...     return np.array([float(v) ** 3 for v in x])
    >>> cube = cr.custom_derivative(solver, result=lambda x: x)
    >>> @cube.reverse
    ... def _(primals, result, adjoint):
    ...     (x,) = primals
    ...     return (3 * x**2 * adjoint,)
    >>> cr.grad(lambda x: np.sum(cube(x)))(np.array([1.0, 2.0]))
    array([ 3., 12.])

    Args:
        function: Of arrays and structures of arrays. Its arguments are all it may read of what is
            being traced.
        result: For a function that is not traced: arrays of the shapes and dtypes of its result,
            structured like it, or a function of the arguments that gives such.
    """

    def __init__(self, function: Pure, *, result: Any = None) -> None:
        functools.update_wrapper(self, function)
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.result = result
        self.forward_rule: Pure | None = None
        self.reverse_rule: Pure | None = None

    def forward(self, rule: Pure) -> Pure:
        """Say how the function pushes tangents.

        Args:
            rule: (arguments, their tangents) → the tangent of the result. Linear in the tangents.
        """
        self.forward_rule = rule
        return rule

    def reverse(self, rule: Pure) -> Pure:
        """Say how the function pulls adjoints.

        Args:
            rule: (arguments, result, the adjoint of the result) → an adjoint for each argument;
                None where it has none.
        """
        self.reverse_rule = rule
        return rule

    def __call__(self, *positional: Any) -> Any:
        """The value of the function.

        Raises:
            GraphError: E240 when it reads values that are being traced and are no arguments.
        """
        arguments = arguments_of(self.function, positional, {})
        if not any(isinstance(value, Term) for value in arguments.values):
            return self.function(*positional)
        ruled = self.forward_rule is not None or self.reverse_rule is not None
        if self.result is None and not ruled:
            return self.function(*positional)
        if self.result is None:
            trace = run(self.function, arguments)
            known = Known(trace.names, trace.origins)
            inputs, structure = list(trace.inputs), trace.structure
            outputs = [symbolic(result) for result in trace.results]
        else:
            known = Known()
            inputs, structure, outputs = self._called_later(arguments, positional)
        body = closed(inputs, outputs, known)
        if body.outside:
            raise GraphError(
                "E240",
                f"{self.name} reads a value that is being traced; make it an argument, "
                "so that its derivative can be given",
            )
        if not ruled:
            operands = [x.node for x in _operands(arguments)]
            names = dict(zip(body.inputs, operands, strict=True))
            nodes, _ = renamed(body.outputs, names, known)
            return structure.build(list(map(Array, nodes)))
        rules = _Rules(self, arguments._replace(values=_static(arguments)), structure)
        made = customised(body.known.dag(body.outputs, body.inputs), rules, _operands(arguments))
        return structure.build([Array(x.node) for x in made])

    def _called_later(
        self, arguments: Arguments, positional: Sequence[Any]
    ) -> tuple[list[Node], Structure, list[Node]]:
        """A node that calls the function when the graph runs."""
        like = self.result(*positional) if callable(self.result) else self.result
        leaves, structure = flatten(like)
        types = [type_of(np.asarray(x) if isinstance(x, int) else x) for x in leaves]
        if not types or any(type is None for type in types):
            raise GraphError("E233", f"the result of {self.name} is said to be {shown(like)}")
        inputs = [
            input_node(f"x{at}__", type)
            for at, type in enumerate(type for type in arguments.types if type is not None)
        ]
        call = _Foreign(
            self.name,
            self.function,
            arguments._replace(values=_static(arguments)),
            structure,
            tuple(type for type in types if type is not None),
        )
        made: list[Term] = foreign(call, list(map(Term, inputs)))
        return inputs, structure, [x.node for x in made]


def _operands(arguments: Arguments) -> list[Term]:
    """The arguments that are arrays, as terms."""
    found = []
    for at in arguments.traced:
        value, type = arguments.values[at], arguments.types[at]
        assert type is not None
        found.append(value if isinstance(value, Term) else Array(constant_node(value, type)))
    return found


def _static(arguments: Arguments) -> tuple[Any, ...]:
    """The arguments that are not arrays, at their places."""
    pairs = zip(arguments.values, arguments.types, strict=True)
    return tuple([value if type is None else None for value, type in pairs])


def _filled(arguments: Arguments, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The positional arguments with these arrays."""
    rest = iter(arrays)
    pairs = zip(arguments.values, arguments.types, strict=True)
    leaves = [value if type is None else next(rest) for value, type in pairs]
    positional: tuple[Any, ...] = arguments.structure.build(leaves)[0]
    return positional


@dataclass(frozen=True, eq=False)
class _Foreign:
    """A function that is called when the graph runs, with what it gives.

    Two of them may be different calls: they are equal only to themselves.
    """

    name: str
    function: Pure
    arguments: Arguments
    structure: Structure
    types: tuple[Type, ...]

    def run(self, operands: Sequence[Any]) -> Sequence[Any]:
        """Call the function; raises EvaluationError E312 for a result unlike what was said."""
        with np.errstate(all="warn"):
            given = self.function(*_filled(self.arguments, operands))
        leaves, structure = flatten(given)
        if structure != self.structure:
            raise EvaluationError("E312", f"{self.name} gave {shown(given)}, structured otherwise")
        found = []
        for leaf, type in zip(leaves, self.types, strict=True):
            array = np.asarray(leaf)
            fits = array.shape == type.shape and np.can_cast(array.dtype, type.dtype, "same_kind")
            if not fits:
                raise EvaluationError(
                    "E312",
                    f"{self.name} gave {array.dtype}{list(array.shape)} where {type} was said",
                )
            found.append(array.astype(type.dtype, copy=False)[()])
        return found


class _Rules:
    """The rules of a function for one kind of arguments."""

    def __init__(self, owner: custom_derivative, arguments: Arguments, result: Structure) -> None:
        self.name = owner.name
        self._forward = owner.forward_rule
        self._reverse = owner.reverse_rule
        self._arguments = arguments
        self._result = result

    @property
    def has_forward(self) -> bool:
        return self._forward is not None

    @property
    def has_reverse(self) -> bool:
        return self._reverse is not None

    def push(
        self, operands: Sequence[Term], outs: Sequence[Term], tangents: Sequence[Term]
    ) -> list[Term]:
        assert self._forward is not None
        primals = _filled(self._arguments, _arrays(operands))
        moved = self._like_arguments(operands, tangents)
        made = self._forward(primals, moved)
        return _leaves_like(made, self._result, outs, f"the tangent that {self.name} gives")

    def pull(
        self, operands: Sequence[Term], outs: Sequence[Term], adjoints: Sequence[Term]
    ) -> list[Term]:
        assert self._reverse is not None
        primals = _filled(self._arguments, _arrays(operands))
        result = self._result.build(_arrays(outs))
        rest = iter(_arrays(adjoints))
        bars = self._result.build([next(rest) if _is_float(x) else None for x in outs])
        made = self._reverse(primals, result, bars)
        parts = self._arguments.structure.parts[0].parts
        if not isinstance(made, (tuple, list)) or len(made) != len(parts):
            raise DerivativeError(
                "E344",
                f"the rule for reverse mode of {self.name} gives a tuple of {len(parts)} "
                f"adjoints, one for each argument, not {shown(made)}",
            )
        found: list[Term] = []
        leaves = iter(zip(self._arguments.types, self._operand_terms(operands), strict=True))
        for part, adjoint in zip(parts, made, strict=True):
            mine = [next(leaves)[1] for _ in range(part.leaves)]
            arrays = [x for x in mine if x is not None]
            if adjoint is None:
                found += [Term(constant_node(0, x.node.type)) for x in arrays if _is_float(x)]
            elif len(arrays) == part.leaves:
                what = f"the adjoint that {self.name} gives"
                found += _leaves_like(adjoint, part, arrays, what)
            else:
                raise DerivativeError(
                    "E344", f"the rule of {self.name} gives an adjoint of what is no array"
                )
        return found

    def _operand_terms(self, operands: Sequence[Term]) -> list[Term | None]:
        rest = iter(operands)
        return [None if type is None else next(rest) for type in self._arguments.types]

    def _like_arguments(self, operands: Sequence[Term], tangents: Sequence[Term]) -> Any:
        """Tangents structured like the arguments; None for what has none."""
        rest = iter(_arrays(tangents))
        leaves = [
            None if x is None or not _is_float(x) else next(rest)
            for x in self._operand_terms(operands)
        ]
        return self._arguments.structure.build(leaves)[0]


def _is_float(x: Term) -> bool:
    return x.node.type.is_float


def _arrays(terms: Sequence[Term]) -> list[Array]:
    return [Array(term.node) for term in terms]


def _leaves_like(value: Any, structure: Structure, like: Sequence[Term], what: str) -> list[Term]:
    """The leaves of what a rule gave that belong to floating-point numbers, in their types."""
    try:
        leaves = matching(value, structure, what)
    except GraphError as error:
        raise DerivativeError("E344", error.message) from None
    found = []
    for leaf, term in zip(leaves, like, strict=True):
        type = term.node.type
        if not type.is_float:
            continue
        node = constant_node(leaf, type) if isinstance(leaf, (int, float)) else symbolic(leaf)
        if node.type.dtype != type.dtype or float_type(Array(node)) is None:
            node = constant_node(0, type) if not node.type.is_float else node
        if node.type is not type:
            if node.type.dtype == type.dtype and node.type.shape == ():
                node = spread(node, type.shape)
            else:
                raise DerivativeError("E344", f"{what} is {node.type}, it belongs to {type}")
        found.append(Term(node))
    return found
