"""What the nodes of a graph are called when it is written as a formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from chainrule.errors import FormulaError
from chainrule.formula.limits import Limits
from chainrule.formula.names import (
    CONSTANTS,
    KEYWORDS,
    NAMED_CONSTANTS,
    latex_name,
    plain_latex_name,
    spoken,
)
from chainrule.formula.tokens import NAME, tokenize
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Form, Op

DEPTH: Final = 50
"""What is nested deeper than this gets a name."""


class Labels:
    """What the nodes of a graph are called in its text.

    Attributes:
        label: Node → how it stands inside others; nodes without a label are written out.
        defined: Node → the names to define for it, in the order of the text.
        taken: Every name in use.
    """

    def __init__(
        self,
        dag: Dag,
        form: Callable[[Op], Form],
        constants: Collection[str] = NAMED_CONSTANTS,
    ) -> None:
        self.label: dict[Node, str] = {}
        self.defined: dict[Node, list[str]] = {}
        self._dag = dag
        self._constants = constants
        self._called = _called(dag)
        given = {name for names in dag.names.values() for name in names}
        self.taken = given.union([node.name for node in dag.inputs], CONSTANTS, self._called)
        uses = Counter([operand for node in dag.order for operand in node.operands])
        uses.update(dag.outputs)
        depths: dict[Node, int] = {}
        for node in dag.order:
            names = [name for name in dag.names.get(node, ()) if self._usable(name)]
            if node.op is CONSTANT:
                self._name_constant(node, names)
            elif node.is_leaf:
                self.label[node] = node.name
            else:
                depth = _depth(node, depths, form)
                deep = depth > DEPTH and dag.outputs != (node,)
                if names or deep or uses[node] > 1:
                    names = names or [self.fresh(node)]
                    self.label[node] = names[0]
                else:
                    depths[node] = depth
            if names:
                self.defined[node] = names

    def names(self) -> list[str]:
        """Every name of arguments, definitions and functions."""
        return [
            *(label for node, label in self.label.items() if node.op is not CONSTANT),
            *(name for names in self.defined.values() for name in names),
            *(node.params[0] for node in self._dag.order if node.op is OPS["abstract"]),
        ]

    def _name_constant(self, node: Node, names: list[str]) -> None:
        """Constants stand as their numeral, their own name, or a defined one."""
        value = constant_value(node)
        if not names:
            self.label[node] = numeral(value)
            return
        self.label[node] = names[0]
        if names[0] in self._constants and value == node.type.dtype.type(CONSTANTS[names[0]]):
            del names[0]

    def _usable(self, name: str) -> bool:
        """Whether the reader takes this as the name of a definition."""
        if name in self._called:
            return False
        if name.isascii():
            return True
        try:
            tokens = tokenize(name, Limits())
        except FormulaError:
            return False
        return [(token.kind, token.text) for token in tokens[:-1]] == [(NAME, name)]

    def fresh(self, node: Node) -> str:
        """A new name for a node that has none."""
        name = self._dag.labels[node]
        if not name.isascii():
            name = "v"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


def _called(dag: Dag) -> set[str]:
    """The names that definitions must leave alone: of functions and dtypes in use, words."""
    abstract = {node.params[0] for node in dag.order if node.op is OPS["abstract"]}
    dtypes = {node.params[0] for node in dag.order if node.op is OPS["convert"]}
    used = {node.op.name for node in dag.computations}
    return used | abstract | dtypes | KEYWORDS | {"inf", "nan"}


def latex_spellings(names: Iterable[str]) -> dict[str, str]:
    r"""How names are written in LaTeX so that each reads back as itself.

    >>> print(latex_spellings(["x1"])["x1"], latex_spellings(["x1", "x_1"])["x1"])
    x_{1} \mathrm{x1}
    """
    known = dict.fromkeys(names)
    return {
        name: latex_name(name)
        if spoken(name) == name or spoken(name) not in known
        else plain_latex_name(name)
        for name in known
    }


def _depth(node: Node, depths: Mapping[Node, int], form_of: Callable[[Op], Form]) -> int:
    """How many brackets, exponents and signs are open at once in the text of a node."""
    form = form_of(node.op)
    deepest = 0
    for at, operand in enumerate(node.operands):
        below = depths.get(operand)
        if below is not None:
            first = at == 0 and form.template.startswith("{0}")
            bare = first and form_of(operand.op).level >= form.slots[0]
            deepest = max(deepest, below + (not bare))
    return deepest
