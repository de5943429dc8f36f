"""What is said about the names of a formula outside of its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.errors import GraphError, shown
from chainrule.formula.names import KEYWORDS, canonical, names_of
from chainrule.graph.node import check_name
from chainrule.graph.types import Type


@dataclass(frozen=True, slots=True)
class Declarations:
    """Names by kind, and dtypes; ``inputs`` None says that every free name is one."""

    inputs: tuple[str, ...] | None
    parameters: tuple[str, ...]
    abstract: tuple[str, ...]
    dtype: str | Mapping[str, str]

    @staticmethod
    def of(
        inputs: str | Sequence[str] | None,
        parameters: str | Sequence[str],
        abstract: str | Sequence[str],
        dtype: str | Mapping[str, str],
    ) -> Declarations:
        """From names listed as ``"x y"``, ``"x, y"`` or a sequence.

        Raises:
            GraphError: E213 for what is not a name.
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
        )

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every declared name."""
        return (*(self.inputs or ()), *self.parameters, *self.abstract)

    def type_of(self, name: str) -> Type:
        """The type of an input or parameter."""
        kind = self.dtype if isinstance(self.dtype, str) else self.dtype.get(name, "float64")
        return Type.of(kind)

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
