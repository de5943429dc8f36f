"""Symbolic values with Python's operators, from which graphs are made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

import numpy as np

from chainrule.api.array_methods import Methods
from chainrule.api.places import in_scipy, refused_by_scipy, running, untraceable, user_place
from chainrule.api.protocols import call_function, call_ufunc, is_objects, namespace
from chainrule.api.repairs import for_array, for_number, for_truth
from chainrule.errors import GraphError, TracingError, shown
from chainrule.formula.names import canonical, names_of
from chainrule.formula.printer import formula
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node, parameter_node
from chainrule.graph.types import Type
from chainrule.graph.walk import exceeds
from chainrule.ops.composite.indexing import get
from chainrule.ops.composite.table import COVERED, NAMED
from chainrule.ops.term import Number, Term

_SERIAL: Final = re.compile(r"(?<=\w)__\d+\b")
"""What tells the inputs of one trace from those of others; users do not see it."""
_MOST_OBJECTS: Final = 10_000
LONGEST_SHOWN: Final = 1000
"""Graphs with more nodes than this show their size in place of their formula."""


class Array(Methods, Term):
    """A symbolic value: a node of a graph in the making.

    Made by `input`, `parameter` and `constant`, by tracing a function, and by operators and
    functions on arrays. A scalar is an array of shape ``()``. NumPy's functions take it, and it has
    the methods of NumPy's arrays; it cannot be written into.

    >>> import chainrule as cr
    >>> x, y = cr.inputs("x y")
    >>> x * y + cr.exp(-(x**2))
    Array(x*y + exp(-x^2))
    >>> import numpy as np
    >>> np.sum(cr.input("v", 3) * 2).shape
    ()
    """

    __slots__ = ()
    __hash__ = None  # == compares elements, as in NumPy.

    def __init__(self, node: Node) -> None:
        self.node = node
        if running.recorder is not None:
            running.recorder.note(node)

    def __repr__(self) -> str:
        if exceeds(self.node, LONGEST_SHOWN):
            return f"Array(of more than {LONGEST_SHOWN} nodes)"
        text = _SERIAL.sub("", formula(Dag([self.node])))
        shape = f", shape {list(self.shape)}" if self.shape else ""
        return f"Array({text if len(text) <= 200 else text[:199] + '…'}{shape})"

    # --- NumPy's protocols --------------------------------------------------------------------

    def __array_ufunc__(  # type: ignore[override]  # terms inside of rules have none
        self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any
    ) -> Any:
        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Any, types: Any, positional: Sequence[Any], options: Mapping[str, Any]
    ) -> Any:
        return call_function(function, positional, options)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return namespace()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """An array of objects, one symbolic scalar for each element, for ``np.array([x, y])``."""
        refused = refused_by_scipy()
        if refused is not None:
            raise refused
        if dtype is not None and np.dtype(dtype) != object:
            place = user_place()
            problem = "a symbolic value cannot become an array of numbers"
            raise TracingError("E237", problem, for_array(place), place)
        if self.size > _MOST_OBJECTS:
            raise untraceable(
                "E237",
                f"a symbolic array of {self.size} elements would become an array of objects",
                "join arrays with np.stack or np.concatenate, and leave out np.asarray",
            )
        made = np.empty(self.shape, object)
        for at in np.ndindex(*self.shape):
            made[at] = self[at] if at else self
        return made

    # --- what only numbers can do -------------------------------------------------------------

    def __bool__(self) -> NoReturn:
        place = user_place()
        problem = "a symbolic value is neither true nor false"
        raise TracingError("E230", problem, for_truth(place), place)

    def _not_a_number(self, *rest: Any) -> NoReturn:  # noqa: ARG002 - what NumPy's methods take
        place = user_place()
        problem = "a symbolic value is not a number yet"
        raise TracingError("E231", problem, for_number(place), place)

    __float__ = __int__ = __index__ = __complex__ = item = tolist = _not_a_number

    def __format__(self, spec: str) -> str:
        return self._not_a_number() if spec else str(self)

    def __iter__(self) -> Iterator[Array]:
        if not self.shape:
            raise untraceable(
                "E232",
                "a symbolic scalar cannot be iterated over",
                "index an array, or stack scalars with np.stack([...])",
            )
        return (self[at] for at in range(self.shape[0]))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a symbolic scalar has no len()")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Array:
        found: Array = get(self, key)
        return found

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        self._in_place()

    def _in_place(self, *rest: Any, **options: Any) -> NoReturn:  # noqa: ARG002 - NumPy's own
        function = in_scipy()
        if function:
            raise untraceable(
                "E236",
                f"SciPy's {function} writes into its arrays, and a symbolic one cannot be",
                f"use chainrule.{function}"
                if function in NAMED
                else "write it with functions that are covered: docs/numpy.md",
            )
        raise untraceable(
            "E236",
            "a symbolic array cannot be written into",
            "write x = x.at[i].set(v) in place of x[i] = v, .add(v) in place of +=, and "
            "x = np.sort(x) in place of x.sort()",
        )

    sort = fill = put = partition = resize = _in_place

    # --- the rest of Python's operators -------------------------------------------------------

    def __matmul__(self, other: Any) -> Any:
        return COVERED[np.matmul](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return COVERED[np.matmul](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return COVERED[np.floor_divide](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return COVERED[np.floor_divide](other, self)

    def __mod__(self, other: Any) -> Any:
        return COVERED[np.remainder](self, other)

    def __rmod__(self, other: Any) -> Any:
        return COVERED[np.remainder](other, self)

    def __divmod__(self, other: Any) -> Any:
        return COVERED[np.divmod](self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return COVERED[np.divmod](other, self)

    def __round__(self, digits: int = 0) -> Any:
        return COVERED[np.round](self, digits)

    def __copy__(self) -> Array:
        return self

    def __deepcopy__(self, memo: object) -> Array:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("an Array cannot be pickled; pickle the Graph made of it")


def _deferring(name: str) -> Any:
    """An operator of terms that leaves arrays of objects to NumPy, which asks `call_ufunc`."""
    operator = getattr(Array, name)

    def method(self: Array, other: Any) -> Any:
        return NotImplemented if is_objects(other) else operator(self, other)

    method.__name__ = name
    return method


for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul",
    "lt", "le", "gt", "ge", "eq", "ne",
):  # fmt: skip
    setattr(Array, f"__{_name}__", _deferring(f"__{_name}__"))


def input(name: str, shape: int | Sequence[int] = (), dtype: Any = "float64") -> Array:
    """One input: given data, not learned.

    Raises:
        GraphError: E213 for a bad name, E201 for a bad dtype or shape.
    """
    return Array(input_node(canonical(name), _type(dtype, shape)))


def inputs(names: str | Sequence[str], dtype: Any = "float64") -> tuple[Array, ...]:
    """Several scalar inputs, by names such as ``"x y"``.

    >>> import chainrule as cr
    >>> x, y = cr.inputs("x y")
    """
    return tuple(input(name, dtype=dtype) for name in names_of(names))


def _type(dtype: Any, shape: int | Sequence[int]) -> Type:
    """The type of a leaf; a whole number is the shape of a vector."""
    return Type.of(dtype, (shape,) if isinstance(shape, int) else shape)


def parameter(name: str, shape: int | Sequence[int] = (), dtype: Any = "float64") -> Array:
    """One parameter: a learnable number, what gradient descent updates.

    Raises:
        GraphError: E213 for a bad name, E201 for a bad dtype or shape.
    """
    return Array(parameter_node(canonical(name), _type(dtype, shape)))


def parameters(names: str | Sequence[str], dtype: Any = "float64") -> tuple[Array, ...]:
    """Several scalar parameters, by names such as ``"w b"``."""
    return tuple(parameter(name, dtype=dtype) for name in names_of(names))


def constant(value: Number, dtype: Any = None) -> Array:
    """A literal number or array; float64 for a Python number unless ``dtype`` says otherwise.

    >>> import chainrule as cr
    >>> cr.constant(2) ** cr.input("x")
    Array(2^x)
    """
    try:
        shape = np.shape(value)
    except ValueError:
        raise GraphError("E204", f"{shown(value)} is not an array") from None
    if dtype is None:
        strong = isinstance(value, (np.ndarray, np.generic, bool))
        dtype = np.asarray(value).dtype if strong else "float64"
    return Array(constant_node(value, Type.of(dtype, shape)))


def dag_of(
    outputs: Array | Sequence[Array],
    inputs: Array | Sequence[Array] | None,
    names: Mapping[str, Array] | None,
) -> Dag:
    """The Dag of symbolic outputs; raises GraphError E233 when one of them is not symbolic."""
    named: dict[Node, list[str]] = {}
    if names is not None and not isinstance(names, Mapping):
        raise GraphError("E233", f"names must map names to symbolic values, got {shown(names)}")
    for name, value in (names or {}).items():
        named.setdefault(_node(value), []).append(canonical(name))
    arguments = None if inputs is None else _nodes(inputs)
    return Dag(_nodes(outputs), arguments, named)


def _nodes(values: Any) -> list[Node]:
    return [_node(value) for value in (values if isinstance(values, (list, tuple)) else [values])]


def _node(value: Any) -> Node:
    if not isinstance(value, Array):
        raise GraphError(
            "E233", f"expected a symbolic value, got {shown(value)}; chainrule.constant() makes one"
        )
    return value.node
