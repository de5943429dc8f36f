"""What is said about the names of a formula outside of its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chainrule.errors import GraphError, shown
from chainrule.formula.names import KEYWORDS, canonical, names_of
from chainrule.graph.node import check_name
from chainrule.graph.types import Type

Shapes = Mapping[str, int | Sequence[int]]
"""The shape of each name; a whole number is the shape of a vector."""


class Declarations(NamedTuple):
    """Names by kind, dtypes and shapes; ``inputs`` None says that every free name is one."""

    inputs: tuple[str, ...] | None
    parameters: tuple[str, ...]
    abstract: tuple[str, ...]
    dtype: str | Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]

    @staticmethod
    def of(
        inputs: str | Sequence[str] | None,
        parameters: str | Sequence[str],
        abstract: str | Sequence[str],
        dtype: str | Mapping[str, str],
        shapes: Shapes | None = None,
    ) -> Declarations:
        """From names listed as ``"x y"``, ``"x, y"`` or a sequence.

        Raises:
            GraphError: E213 for what is not a name, E201 for what is not a shape.
        """
        if not isinstance(dtype, (str, Mapping)):
            raise GraphError("E201", f"dtype is a name or maps names to names, got {shown(dtype)}")
        if not isinstance(dtype, str):
            dtype = {canonical(name): kind for name, kind in dtype.items()}
        return Declarations(
            None if inputs is None else _listed(inputs),
            _listed(parameters),
            _listed(abstract),
            dtype,
            _shapes(shapes or {}),
        )

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every declared name."""
        return (*(self.inputs or ()), *self.parameters, *self.abstract)

    def type_of(self, name: str) -> Type:
        """The type of an input or parameter."""
        kind = self.dtype if isinstance(self.dtype, str) else self.dtype.get(name, "float64")
        return Type.of(kind, self.shapes.get(name, ()))

    @property
    def has_arrays(self) -> bool:
        """Whether a name stands for more than a number."""
        return any(self.shapes.values())

    @property
    def literals(self) -> Type:
        """The type of numbers that meet no name."""
        return Type.of(self.dtype if isinstance(self.dtype, str) else "float64")


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    listed = tuple(map(check_name, names_of(names)))
    for name in listed:
        if name in KEYWORDS:
            raise GraphError("E213", f"{name!r} is a word of the language, not a name")
    return listed


def _shapes(given: Shapes) -> dict[str, tuple[int, ...]]:
    if not isinstance(given, Mapping):
        raise GraphError("E201", f"shapes map names to shapes, got {shown(given)}")
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in given.items():
        try:
            sizes = (shape,) if isinstance(shape, int) else tuple(shape)
            found[check_name(canonical(name))] = Type.of("float64", sizes).shape
        except (TypeError, GraphError) as error:
            if isinstance(error, GraphError) and error.code == "E213":
                raise
            problem = f"{shown(shape)} is no shape; {name!r:.60} takes sizes such as 3 or (3, 2)"
            raise GraphError("E201", problem) from None
    return found
