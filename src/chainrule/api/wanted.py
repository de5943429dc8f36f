"""Which arguments of a function are differentiated, and what goes with them: checks, tangents."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.api.tracing import Arguments, Trace, symbolic, type_of
from chainrule.api.tree import Structure, flatten, matching
from chainrule.errors import DerivativeError, GraphError, shown
from chainrule.graph.node import Node
from chainrule.graph.types import Type
from chainrule.ops.composite.shaping import astype
from chainrule.ops.term import Term


class Chosen(NamedTuple):
    """The leaves to differentiate by, and how a gradient by them is structured."""

    nodes: list[Node]
    structure: Structure


class Wanted(NamedTuple):
    """Arguments to differentiate by.

    Attributes:
        argnums: One position, or several.
        argnames: Keyword arguments.
    """

    argnums: int | tuple[int, ...]
    argnames: tuple[str, ...]

    def leaves(self, arguments: Arguments, trace: Trace) -> Chosen:
        """The nodes of these arguments in one trace.

        Raises:
            DerivativeError: E331 for a leaf that is not a floating-point number, E334 for an
                argument that is not there.
        """
        positional, keywords = arguments.structure.parts
        count = len(positional.parts)
        several = not isinstance(self.argnums, int)
        numbers = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        _require_there(count, numbers, keywords.keys, self.argnames)
        nodes: list[Node] = []
        by_leaf = dict(zip(arguments.traced, trace.inputs, strict=True))

        def taken(part: int, key: Hashable) -> None:
            for at, path in enumerate(arguments.structure.paths()):
                if path[:2] == (part, key):
                    node = by_leaf.get(at)
                    if node is None:
                        raise _without_derivative(arguments.names[at], arguments.values[at])
                    _require_float_argument(arguments.names[at], node.type)
                    nodes.append(node)

        found = []
        for number in numbers:
            taken(0, number % count)
            found.append(positional.parts[number % count])
        structure = tuple_of(found) if several else found[0]
        if self.argnames:
            named = []
            for name in self.argnames:
                taken(1, name)
                named.append(keywords.parts[keywords.keys.index(name)])
            structure = tuple_of([structure, Structure(dict, self.argnames, tuple(named))])
        return Chosen(nodes, structure)


def names_of(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def tuple_of(parts: Sequence[Structure]) -> Structure:
    return Structure(tuple, tuple(range(len(parts))), tuple(parts))


def nested(outer: Structure, inner: Structure) -> Structure:
    """A structure in which every leaf of one is another."""
    if outer.kind is None:
        return inner
    return outer._replace(parts=tuple([nested(part, inner) for part in outer.parts]))


def positions(given: int | Sequence[int]) -> int | tuple[int, ...]:
    if isinstance(given, Sequence):
        return tuple(map(operator.index, given))
    return operator.index(given)


def _require_there(
    count: int, numbers: Sequence[int], given: Sequence[Hashable], names: Sequence[str]
) -> None:
    """Raise E334 for an argument by position or by name that a call does not have."""
    for at in numbers:
        if not -count <= at < count:
            raise DerivativeError(
                "E334",
                f"there is no argument number {at} to differentiate by, only {count} by position; "
                "argnames names others",
            )
    for name in names:
        if name not in given:
            raise DerivativeError(
                "E334",
                f"there is no argument {name!r} to differentiate by; it has to be passed by name",
            )


def _without_derivative(name: str, value: Any) -> DerivativeError:
    """E331 for an argument that is not an array."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    repair = f"; pass {float(value)}" if whole else "; leave it out of what to differentiate by"
    return DerivativeError("E331", f"{name!r} is {shown(value)}, which has no derivative{repair}")


def _require_float_argument(name: str, type: Type) -> None:
    if not type.is_float:
        problem = f"{name!r} is {type}: only floating-point numbers have derivatives"
        raise DerivativeError("E331", f"{problem}; pass {name}.astype(float)")


def require_float_arguments(arguments: Arguments) -> None:
    """Raise E331 unless every leaf is an array, or a number, of floating-point numbers."""
    for name, value, type in zip(arguments.names, arguments.values, arguments.types, strict=True):
        if type is None:
            raise _without_derivative(name, value)
        _require_float_argument(name, type)


def require_float_results(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if not node.type.is_float:
            problem = f"the function gave {node.type}: only floating-point numbers have derivatives"
            raise DerivativeError("E331", problem)


def scalar_result(structure: Structure, results: Sequence[Any]) -> Node:
    """The only number that a function gave; raises DerivativeError E333, E331."""
    if structure.kind is not None:
        gave = "several" if structure.leaves else "none"
        raise DerivativeError("E333", f"a gradient needs one number, the function gave {gave}")
    output = symbolic(results[0])
    if output.type.shape:
        raise DerivativeError(
            "E333",
            f"a gradient needs one number, the function gave shape {list(output.type.shape)}; "
            "use np.sum or np.mean, or jacobian",
        )
    require_float_results([output])
    return output


def alike(value: Any, other: Any, what: str) -> list[Any]:
    """The leaves of the other that belong to floating-point numbers, as arrays of their dtypes.

    Raises:
        GraphError: E239 unless both have the same structure and shapes.
    """
    leaves, structure = flatten(value)
    found = []
    for leaf, mine in zip(leaves, matching(other, structure, what), strict=True):
        type = float_type(leaf)
        if type is None:
            continue
        if _shape(mine) != type.shape:
            raise GraphError(
                "E239",
                f"{what} has shape {list(_shape(mine))}, it belongs to shape {list(type.shape)}",
            )
        if isinstance(mine, Term):
            found.append(mine if mine.dtype == type.dtype else astype(mine, type.dtype))
        else:
            found.append(np.asarray(mine, type.dtype))
    return found


def _shape(value: Any) -> tuple[int, ...]:
    return value.shape if isinstance(value, Term) else np.shape(value)


def float_type(result: Any) -> Type | None:
    """The type of a result that has derivatives; None for others."""
    type = type_of(result)
    return type if type is not None and type.is_float else None
