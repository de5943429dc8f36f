"""What the nodes of a graph are called when it is written as a formula."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

import numpy as np

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
from chainrule.graph.node import CONSTANT, Node, constant_node, constant_value, uniform_value
from chainrule.graph.numerals import listing, numeral
from chainrule.graph.op import OPS, Form
from chainrule.graph.types import Type

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
        form: Callable[[Node], Form],
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
        _look_through(dag, uses)
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
        if not names:
            self.label[node] = literal(node)
            return
        self.label[node] = names[0]
        value = uniform_value(node)
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


MOST_LISTED: Final = 32
"""Constants with more elements are shown by their first ones, which does not read back."""


def literal(node: Node) -> str:
    """A constant in text: ``2``, ``[1, 2, 3]``, ``zeros([3])``; ``[1, 2, 3, …]`` if it is long.

    >>> from chainrule.graph.node import constant_node
    >>> from chainrule.graph.types import Type
    >>> literal(constant_node(0.5, Type.of("float64", (2, 3))))
    'full([2, 3], 0.5)'
    """
    shape = node.type.shape
    if not shape:
        return numeral(constant_value(node))
    number = uniform_value(node) if math.prod(shape) else np.float64(0)
    if number is not None:
        sizes = f"[{', '.join(map(str, shape))}]"
        word = {"0": "zeros", "1": "ones"}.get(numeral(number))
        return f"{word}({sizes})" if word else f"full({sizes}, {numeral(number)})"
    value = constant_value(node)
    return listing(value) if value.size <= MOST_LISTED else numeral(value)


def plain_operands(
    node: Node,
    label: Callable[[Node], str | None],
    spellings: Callable[[Node], Collection[str]] | None = None,
) -> tuple[Node, ...]:
    """The operands of a pointwise operation without what broadcasting puts around them.

    Numbers stand for the arrays that they fill, and arrays for what `broadcast` makes of them,
    as long as the shape of the result follows from the other operands. ``spellings`` are the
    labels of a constant that say no more than its value.
    """
    shape, operands = node.type.shape, node.operands
    if not shape or len(operands) < 2 or not node.op.pointwise:
        return operands
    plain = list(operands)
    for at, operand in enumerate(operands):
        inner = _without_broadcast(operand, label, spellings or _spellings)
        if inner is not operand:
            others = [other.type.shape for other in (*plain[:at], inner, *plain[at + 1 :])]
            if np.broadcast_shapes(*others) == shape:
                plain[at] = inner
    return tuple(plain)


def _spellings(constant: Node) -> Collection[str]:
    return (literal(constant), numeral(uniform_value(constant)))


def names_itself(constant: Node, label: str | None) -> bool:
    """Whether the label is that of a constant such as pi, which is what fills this array."""
    value = CONSTANTS.get((label or "").lstrip("\\"))
    number = uniform_value(constant)
    if value is None or number is None or not constant.type.shape:
        return False
    return bool(number == constant.type.dtype.type(value))


def _without_broadcast(
    operand: Node,
    label: Callable[[Node], str | None],
    spellings: Callable[[Node], Collection[str]],
) -> Node:
    number = uniform_value(operand)
    if number is not None and operand.type.shape:
        text = label(operand)
        plain = text is None or text in spellings(operand) or names_itself(operand, text)
        return constant_node(number, Type.of(operand.type.dtype)) if plain else operand
    if operand.op is OPS["broadcast"] and label(operand) is None and not operand.params[1]:
        inner = operand.operands[0]
        return operand if inner.op is CONSTANT else inner
    return operand


def _look_through(dag: Dag, uses: Counter[Node]) -> None:
    """Count uses of what is broadcast where it will stand without the broadcast."""
    found = [node for node in dag.order if node.op is OPS["broadcast"] and uses[node] > 1]
    if not found:
        return
    shown = set(dag.outputs) | dag.names.keys()
    for node in dag.order:
        plain = plain_operands(node, lambda _: None)
        pairs = zip(node.operands, plain, strict=True)
        shown.update([given for given, inner in pairs if given is inner])
    for node in reversed(found):
        if node not in shown:
            uses[node.operands[0]] += uses[node] - 1
            uses[node] = 1


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


def _depth(node: Node, depths: Mapping[Node, int], form_of: Callable[[Node], Form]) -> int:
    """How many brackets, exponents and signs are open at once in the text of a node."""
    form = form_of(node)
    deepest = 0
    for at, operand in enumerate(node.operands):
        below = depths.get(operand)
        if below is not None:
            first = at == 0 and form.template.startswith("{0}")
            bare = first and form_of(operand).level >= form.slots[0]
            deepest = max(deepest, below + (not bare))
    return deepest
