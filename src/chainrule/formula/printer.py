"""A Dag becomes text that reads back to the same Dag: few brackets, shared nodes written once.

Brackets are decided in one place, for text and LaTeX: a piece in a slot gets them when it binds
more loosely than the slot demands, or when its sign would follow an operator (``x*(-3)``).
"""

from __future__ import annotations

import functools
import string
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Literal

from chainrule.errors import FormulaError
from chainrule.formula.limits import Limits
from chainrule.formula.names import CONSTANTS, KEYWORDS, NAMED_CONSTANTS, latex_name
from chainrule.formula.tokens import NAME, tokenize
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Form, Level
from chainrule.ops.families import prefix

Style = Literal["text", "latex"]

DEPTH: Final = 50
"""What is nested deeper than this gets a name."""


def formula(dag: Dag) -> str:
    """The text of a graph; `chainrule.formula.infix.read` makes the same graph of it.

    What has a name is defined under it; shared nodes without a name get one. Inputs, parameters and
    dtypes are not part of the text: who reads it back states them.

    >>> from chainrule.formula.infix import read
    >>> formula(read("f = sin(x²) + x²"))
    'v1 = x^2; f = sin(v1) + v1'
    """
    names = _Names(dag)
    statements = []
    last = None
    for node, defined in names.defined.items():
        value = names.label[node] if node.is_leaf else _written(node, "text", names.label.get)
        if node.op is CONSTANT and names.label[node] == defined[0]:
            value = numeral(constant_value(node))
        for name in defined:
            statements.append(f"{name} = {value}")
            value = defined[0]
        last = node
    if dag.outputs != (last,):
        outputs = [
            names.label.get(node) or _written(node, "text", names.label.get) for node in dag.outputs
        ]
        statements.append(", ".join(outputs))
    return "; ".join(statements)


def expression(node: Node, label_of: Mapping[Node, str], style: Style = "text") -> str:
    """One operation with its operands replaced by labels; a leaf is its own label.

    >>> from chainrule.formula.infix import read
    >>> dag = read("sigmoid(x*y)")
    >>> expression(dag.output, dag.labels)
    'sigmoid(v1)'
    """
    return label_of[node] if node.is_leaf else _written(node, style, label_of.__getitem__)


# --- one expression -------------------------------------------------------------------------------

_WORD: Final = Level.ATOM + 1
"""Names bind tighter than numerals: ``-x`` is a negation, ``-3`` is a number."""

_Label = Callable[[Node], str | None]
_Part = str | tuple[Node, int, bool]
"""Finished text, or a node with the level its slot demands and whether a sign may stand there."""

_OPEN: Final = {"text": "(", "latex": r"\left("}
_CLOSE: Final = {"text": ")", "latex": r"\right)"}


def _written(root: Node, style: Style, label: _Label) -> str:
    """The operation of ``root``; what has a label stands as its label, the rest is written out."""
    out: list[str] = []
    stack: list[_Part] = [*reversed(_parts(root, style, label, leading=True))]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            out.append(part)
            continue
        node, least, leading = part
        text = label(node)
        if text is None:
            form = _form(node, style, label)
            level, signed = int(form.level), form.template.startswith("-")
        else:
            level = _level_of(node, text)
            signed = level == Level.SIGN
        bracketed = level < least or (signed and not leading)
        if bracketed:
            out.append(_OPEN[style])
            stack.append(_CLOSE[style])
        if text is None:
            stack += reversed(_parts(node, style, label, leading=leading or bracketed))
        else:
            out.append(text)
    return "".join(out)


def _parts(node: Node, style: Style, label: _Label, *, leading: bool) -> list[_Part]:
    """The template of a node with its slots filled: parameters as text, operands as nodes."""
    form = _form(node, style, label)
    parts: list[_Part] = []
    for literal, slot in _template(form.template):
        if literal:
            parts.append(literal)
        if slot == "operands":
            for at, operand in enumerate(node.operands):
                parts += [", "] * (at > 0)
                parts.append((operand, Level.LIST, True))
        elif slot.isdigit():
            operand, least = node.operands[int(slot)], int(form.slots[int(slot)])
            if node.op is OPS["negate"] and operand.op is CONSTANT:
                least = _WORD
            free = least == Level.LIST or form.level <= Level.COMPARISON
            parts.append((operand, least, leading if not parts else free))
        elif slot:
            position = [param.name for param in node.op.params].index(slot)
            parts.append(_param(node.params[position], slot, style))
    return parts


@functools.cache
def _template(template: str) -> list[tuple[str, str]]:
    """A template as (literal text, name of the slot after it or ``""``)."""
    return [(literal, slot or "") for literal, slot, _, _ in string.Formatter().parse(template)]


def _param(value: int | float | str, slot: str, style: Style) -> str:
    if not isinstance(value, str):
        return numeral(value)
    return latex_name(value) if style == "latex" and slot == "function" else value


_CALLED_POWER: Final = prefix("general_power", 2)


def _form(node: Node, style: Style, label: _Label) -> Form:
    """How a node is written; ``x^2`` is `power`, so `general_power` to a numeral is called."""
    if style == "latex":
        return node.op.latex
    if node.op is OPS["general_power"]:
        exponent = node.operands[1]
        if exponent.op is CONSTANT and _level_of(exponent, label(exponent) or "") != _WORD:
            return _CALLED_POWER
    return node.op.text


def _level_of(node: Node, label: str) -> int:
    if node.op is not CONSTANT:
        return _WORD
    if label.startswith("-"):
        return Level.SIGN
    if r"\cdot" in label:
        return Level.PRODUCT
    return Level.ATOM if label[:1].isdigit() or label == "inf" else _WORD


# --- names ----------------------------------------------------------------------------------------


class _Names:
    """What the nodes of a graph are called in its text.

    Attributes:
        label: Node → how it stands inside others; nodes without a label are written out.
        defined: Node → the names to define for it, in the order of the text.
    """

    def __init__(self, dag: Dag) -> None:
        self.label: dict[Node, str] = {}
        self.defined: dict[Node, list[str]] = {}
        self._dag = dag
        self._called = _called(dag)
        given = {name for names in dag.names.values() for name in names}
        self._taken = given.union([node.name for node in dag.inputs], CONSTANTS, self._called)
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
                depth = _depth(node, depths)
                deep = depth > DEPTH and dag.outputs != (node,)
                if names or deep or uses[node] > 1:
                    names = names or [self._fresh(node)]
                    self.label[node] = names[0]
                else:
                    depths[node] = depth
            if names:
                self.defined[node] = names

    def _name_constant(self, node: Node, names: list[str]) -> None:
        """Constants stand as their numeral, their own name, or a defined one."""
        value = constant_value(node)
        if not names:
            self.label[node] = numeral(value)
            return
        self.label[node] = names[0]
        if names[0] in NAMED_CONSTANTS and value == node.type.dtype.type(CONSTANTS[names[0]]):
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

    def _fresh(self, node: Node) -> str:
        name = self._dag.labels[node]
        if not name.isascii():
            name = "v"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def _called(dag: Dag) -> set[str]:
    """The names that definitions must leave alone: of functions in use, and words."""
    abstract = {node.params[0] for node in dag.order if node.op is OPS["abstract"]}
    return {node.op.name for node in dag.computations} | abstract | KEYWORDS | {"inf", "nan"}


def _depth(node: Node, depths: Mapping[Node, int]) -> int:
    """How many brackets, exponents and signs are open at once in the text of a node."""
    form = node.op.text
    deepest = 0
    for at, operand in enumerate(node.operands):
        below = depths.get(operand)
        if below is not None:
            first = at == 0 and form.template.startswith("{0}")
            bare = first and operand.op.text.level >= form.slots[0]
            deepest = max(deepest, below + (not bare))
    return deepest
