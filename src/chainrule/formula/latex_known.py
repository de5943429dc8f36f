"""What a reader of LaTeX knows of the names in a formula."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chainrule.formula.latex_names import Names
from chainrule.formula.latex_stack import Stack
from chainrule.formula.tokens import Token


class Known(Stack):
    """Reads what is written, and knows the names that were declared or defined.

    Attributes:
        skips: Tokens that were read ahead: where they start → where reading goes on.
    """

    def __init__(
        self,
        tokens: list[Token],
        text: str,
        variables: Collection[str],
        functions: Collection[str],
        spelled: Mapping[str, str],
        *,
        arrays: bool = False,
    ) -> None:
        super().__init__(tokens, text)
        self.arrays = arrays
        self.skips: dict[int, int] = {}
        self._names = Names(tokens, self.partners, text)
        self._variables = set(variables)
        self._functions = set(functions)
        self._own: frozenset[str] = frozenset()
        self._spelled = spelled

    def is_variable(self, name: str) -> bool:
        """Whether a name is declared or defined as a variable, or an argument of this function."""
        return name in self._own or name in self._variables

    def define(self, name: str, own: Collection[str] | None = None) -> None:
        """A definition starts: of a variable, or of a function with its own arguments."""
        if own is None:
            self._variables.add(name)
        else:
            self._functions.add(name)
            self._own = frozenset(own)

    def forget_arguments(self) -> None:
        """The statement ends, and with it the meaning of its arguments."""
        self._own = frozenset()
