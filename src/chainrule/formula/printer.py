"""A Dag becomes text or LaTeX that reads back to the same Dag: shared nodes are written once.

Brackets are decided in one place, for text and LaTeX: a piece in a slot gets them when it binds
more loosely than the slot demands, or when its sign would follow an operator (``x*(-3)``).
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from chainrule.formula.labels import (
    Labels,
    latex_spellings,
    literal,
    names_itself,
    plain_operands,
)
from chainrule.formula.names import NAMED_CONSTANTS, latex_name
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value, uniform_value
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Form, Level
from chainrule.ops.composite.indexing import get
from chainrule.ops.families import latex_called, prefix
from chainrule.ops.rearrange import subscript
from chainrule.ops.term import Term

Style = Literal["text", "latex"]


def formula(dag: Dag) -> str:
    """The text of a graph; `chainrule.formula.infix.read` makes the same graph of it.

    What has a name is defined under it; shared nodes without a name get one. Inputs, parameters and
    dtypes are not part of the text: who reads it back states them.

    >>> from chainrule.formula.infix import read
    >>> formula(read("f = sin(x²) + x²"))
    'v1 = x^2; f = sin(v1) + v1'
    """
    labels = Labels(dag, text_form)
    statements = _statements(dag, labels, _TEXT, labels.label)
    return "; ".join([f"{name} = {value}" if name else value for name, value in statements])


def latex(dag: Dag) -> str:
    r"""The LaTeX of a graph; `chainrule.formula.latex.read_latex` makes the same graph of it.

    Definitions stand in an ``aligned`` environment, one on each line; a formula without any is only
    an expression. As in text, arguments and dtypes are stated by who reads it back.

    >>> from chainrule.formula.infix import read
    >>> print(latex(read("sigmoid(w_1*x/2)^2")))
    \sigma\left(\frac{w_{1} x}{2}\right)^{2}
    """
    labels = Labels(dag, latex_form, _LATEX_CONSTANTS)
    names = labels.names()
    spelled = latex_spellings([*names, *_LATEX_CONSTANTS])
    written = {
        node: _latex_constant(node)
        if node.op is CONSTANT and label == literal(node)
        else spelled[label]
        for node, label in labels.label.items()
    }
    notation = _LATEX._replace(
        form=functools.partial(_exact_latex_form, taken=frozenset(names)),
        name=spelled.__getitem__,
    )
    lines = list(_statements(dag, labels, notation, written))
    if len(lines) == 1:
        ((name, value),) = lines
        return f"{spelled[name]} = {value}" if name else value
    if not lines[-1][0] and len(dag.outputs) == 1 and dag.output not in labels.label:
        name = labels.fresh(dag.output)
        spelled = latex_spellings([*spelled, name])
        lines[-1] = (name, lines[-1][1])
    # The empty braces keep a sign at the start of a row from going on with the row before.
    rows = [f"{spelled[name]} &= {value}" if name else f"{{}}{value}" for name, value in lines]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(rows), r"\end{aligned}"])


def _statements(
    dag: Dag, labels: Labels, notation: _Notation, written: Mapping[Node, str]
) -> Iterator[tuple[str, str]]:
    """The names to be defined and their values; outputs that have none come last, without one."""
    last = None
    for node, defined in labels.defined.items():
        value = written[node] if node.is_leaf else _written(node, notation, written.get)
        if node.op is CONSTANT and labels.label[node] == defined[0]:
            value = notation.constant(node)
        for name in defined:
            yield name, value
            value = notation.name(defined[0])
        last = node
    if dag.outputs != (last,):
        values = [
            written.get(node) or _written(node, notation, written.get) for node in dag.outputs
        ]
        yield "", ", ".join(values)


def expression(node: Node, label_of: Mapping[Node, str], style: Style = "text") -> str:
    """One operation on what has labels; what has none is written out. A leaf is its own label.

    >>> from chainrule.formula.infix import read
    >>> dag = read("sigmoid(x*y)")
    >>> expression(dag.output, dag.labels)
    'sigmoid(v1)'
    """
    if node.is_leaf:
        return label_of[node]
    notation = _TEXT if style == "text" else _LATEX
    return "".join(notation.joined(_pieces(node, notation, label_of.get)))


# --- one expression -------------------------------------------------------------------------------

_WORD: Final = Level.ATOM + 1
"""Names bind tighter than numerals: ``-x`` is a negation, ``-3`` is a number."""

_Label = Callable[[Node], str | None]
_Part = str | tuple[Node, int, bool]
"""Finished text, or a node with the level its slot demands and whether a sign may stand there."""


class _Notation(NamedTuple):
    """How text differs from LaTeX: brackets, the forms of operations, numbers, names.

    Attributes:
        raised: The template of a power of a node that is written out, if it has one of its own, as
            in sin² x.
        joined: The pieces of an expression, factors put side by side where that reads back.
    """

    open: str
    close: str
    form: Callable[[Node, _Label], Form]
    number: Callable[[str], str]
    constant: Callable[[Node], str]
    name: Callable[[str], str]
    slots: Callable[[tuple[int, ...]], str]
    raised: Callable[[Node], str | None]
    joined: Callable[[list[str]], list[str]]

    def spellings(self, constant: Node) -> Collection[str]:
        """The labels of an array that one number fills, where they say no more than that."""
        number = numeral(uniform_value(constant))
        return (number, self.number(number), literal(constant), self.constant(constant))


def _written(root: Node, notation: _Notation, label: _Label) -> str:
    """The operation of ``root`` as a statement; a bare ``=`` in it would define something."""
    text = "".join(notation.joined(_pieces(root, notation, label)))
    loose = notation.form(root, label).level == Level.LIST
    return f"{notation.open}{text}{notation.close}" if loose else text


def _pieces(root: Node, notation: _Notation, label: _Label) -> list[str]:
    """The operation of ``root``; what has a label stands as its label, the rest is written out."""
    out: list[str] = []
    stack: list[_Part] = [*reversed(_parts(root, notation, label, leading=True))]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            out.append(part)
            continue
        node, least, leading = part
        text = label(node)
        if text is None and node.op is CONSTANT:
            text = notation.constant(node)
        if text is None:
            form = notation.form(node, label)
            level, signed = int(form.level), form.template.startswith("-")
        else:
            level = _level_of(node, text)
            signed = level == Level.SIGN
        bracketed = level < least or (signed and not leading)
        if bracketed:
            out.append(notation.open)
            stack.append(notation.close)
        if text is None:
            stack += reversed(_parts(node, notation, label, leading=leading or bracketed))
        else:
            out.append(text)
    return out


def _parts(node: Node, notation: _Notation, label: _Label, *, leading: bool) -> list[_Part]:
    """The template of a node with its slots filled: parameters as text, operands as nodes."""
    form = notation.form(node, label)
    parts: list[_Part] = []
    template = form.template
    operands = plain_operands(node, label, notation.spellings)
    if node.op is OPS["reshape"] and label(node.operands[0]) is None:
        picked = _picked(node, notation)
        if picked is not None:
            node, template = picked
            form, operands = Form(template, Level.ATOM, (Level.ATOM,)), node.operands
    if node.op is OPS["power"] and label(node.operands[0]) is None:
        raised = notation.raised(node)
        if raised is not None:
            node, template = node.operands[0], raised
            form = notation.form(node, label)
            operands = node.operands
    for words, slot in _template(template):
        if words:
            parts.append(words)
        if slot == "operands":
            for at, operand in enumerate(operands):
                parts += [", "] * (at > 0)
                parts.append((operand, Level.LIST, True))
        elif slot.isdigit():
            operand, least = operands[int(slot)], int(form.slots[int(slot)])
            if operand.op is CONSTANT:
                given = node.operands[int(slot)]
                if names_itself(given, label(given)):
                    bare = operand is not given
                    parts.append((label(given) or "") if bare else notation.constant(given))
                    continue
            if (node.op is OPS["negate"] and operand.op is CONSTANT) or (
                # A transpose directly in a product would be read as a part of it.
                notation.open == "("
                and node.op is OPS["contract"]
                and operand.op is OPS["transpose"]
                and least
            ):
                least = _WORD
            free = least == Level.LIST or form.level <= Level.COMPARISON
            parts.append((operand, least, leading if not parts else free))
        elif slot:
            position = [param.name for param in node.op.params].index(slot)
            parts.append(_param(node.params[position], slot, notation))
    return parts


@functools.cache
def _template(template: str) -> list[tuple[str, str]]:
    """A template as (literal text, name of the slot after it or ``""``)."""
    return [(literal, slot or "") for literal, slot, _, _ in string.Formatter().parse(template)]


def _param(value: int | float | str | tuple[int, ...], slot: str, notation: _Notation) -> str:
    if isinstance(value, tuple) and slot != "slots":
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, tuple):
        return notation.slots(value) if value else ""
    if not isinstance(value, str):
        return notation.number(numeral(value))
    return notation.name(value) if slot == "function" else value


def _level_of(node: Node, label: str) -> int:
    if node.op is not CONSTANT:
        return _WORD
    if label.startswith("-"):
        return Level.SIGN
    if r"\cdot" in label:
        return Level.PRODUCT
    return Level.ATOM if label[:1].isdigit() or label in ("inf", r"\infty") else _WORD


def _picked(node: Node, notation: _Notation) -> tuple[Node, str] | None:
    """The slice under a reshape that leaves out axes, and a template with their places: ``x[0]``.

    None for any other reshape.
    """
    (cut,) = node.operands
    if cut.op is not OPS["slice"]:
        return None
    (array,) = cut.operands
    rest = list(node.type.shape)
    key: list[int | slice] = []
    written = []
    for size, start, count, step in zip(array.type.shape, *cut.params, strict=True):
        left = len(array.type.shape) - len(key) - 1
        if rest and count == rest[0] and (count != 1 or len(rest) > left):
            key.append(
                slice(start, start + count * step if start + count * step >= 0 else None, step)
            )
            written.append(subscript(size, start, count, step))
            del rest[0]
        elif count == 1:
            key.append(start)
            written.append(str(start))
        else:
            return None
    if rest or get(Term(array), tuple(key)).node is not node:
        return None
    while len(written) > 1 and written[-1] == ":":
        del written[-1]
    shown = ", ".join(written)
    return cut, f"{{0}}[{shown}]" if notation.open == "(" else f"{{0}}_{{{{{shown}}}}}"


# --- forms ----------------------------------------------------------------------------------------


def text_form(node: Node) -> Form:
    """How a node is written in text."""
    found = node.op.written([operand.type for operand in node.operands], node.params)
    return node.op.text if found is None else found.text


def latex_form(node: Node) -> Form:
    """How a node is written in LaTeX; the product of arrays element by element has its own sign."""
    if node.op is OPS["multiply"] and node.type.shape and _are_arrays(node):
        return _ELEMENTWISE
    found = node.op.written([operand.type for operand in node.operands], node.params)
    return node.op.latex if found is None else found.latex


def _are_arrays(node: Node) -> bool:
    return all(operand.type.shape for operand in plain_operands(node, lambda _: None))


_ELEMENTWISE: Final = Form(r"{0} \odot {1}", Level.PRODUCT, (Level.PRODUCT, Level.SIGN))


def _text_form(node: Node, label: _Label) -> Form:
    """How a node is written; ``x^2`` is `power`, so `general_power` to a numeral is called."""
    if _has_numeral_exponent(node, label):
        return _CALLED_POWER
    form = text_form(node)
    power = node.op.name in ("power", "general_power") and node.operands[0].op is CONSTANT
    if power and label(node.operands[0]) == "e":  # bare, it would be the exponential function
        return form._replace(template=f"({{0}}){form.template.removeprefix('{0}')}")
    return form


def _has_numeral_exponent(node: Node, label: _Label) -> bool:
    if node.op is not OPS["general_power"]:
        return False
    exponent = node.operands[1]
    return exponent.op is CONSTANT and _level_of(exponent, label(exponent) or "") != _WORD


def _exact_latex_form(node: Node, label: _Label, taken: Collection[str]) -> Form:
    """How a node is written so that it reads back, next to names that are ``taken``."""
    op = node.op
    if not op.pointwise:
        return latex_form(node)
    if (
        op.name in _AMBIGUOUS
        or _LETTERS.get(op.name) in taken
        or _has_numeral_exponent(node, label)
    ):
        return latex_called(op.name, len(op.operands), op.params)
    if op.name == "exp" and "e" in taken:
        return _CALLED_EXP
    if op.name in ("power", "general_power") and label(node.operands[0]) in ("e", "10"):
        # Bare, the base would be the exponential function, or part of a number like 2 · 10³.
        return op.latex._replace(template=f"{{{{{{0}}}}}}{op.latex.template.removeprefix('{0}')}")
    return latex_form(node)


_CALLED_POWER: Final = prefix("general_power", 2)
_CALLED_EXP: Final = Form(r"\exp\left({0}\right)", Level.ATOM, (Level.LIST,))
_AMBIGUOUS: Final = frozenset(
    {"exp2", "reciprocal", "square", "hypot", "logaddexp", "xlogy", "normal_log_cdf"}
)
"""Operations that look like others in LaTeX: the reader would take x² for a power."""
_LETTERS: Final = {
    "sigmoid": "sigma",
    "gamma": "Gamma",
    "digamma": "psi",
    "polygamma": "psi",
    "normal_pdf": "phi",
    "normal_cdf": "Phi",
}
"""Operations whose sign is a letter: it stands for a variable of that name if there is one."""

_LATEX_CONSTANTS: Final = tuple(name for name in NAMED_CONSTANTS if name != "tau")
_SCIENTIFIC: Final = re.compile(r"(.*)e(-?\d+)")


def _latex_number(text: str) -> str:
    r"""A numeral in LaTeX: ``1e-9`` is ``1 \cdot 10^{-9}``."""
    match = _SCIENTIFIC.fullmatch(text)
    if match:
        return rf"{match[1]} \cdot 10^{{{match[2]}}}"
    if text.endswith("inf"):
        return text.replace("inf", r"\infty")
    return rf"\mathrm{{{text}}}" if text.isalpha() else text


def _latex_constant(node: Node) -> str:
    """A constant in LaTeX: a number, a list, or a number with the shape that it fills."""
    shape = node.type.shape
    if not shape:
        return _latex_number(numeral(constant_value(node)))
    number = uniform_value(node)
    if number is None:
        return literal(node).replace("…", r"\ldots")
    sizes = r" \times ".join(map(str, shape))
    text = _latex_number(numeral(number))
    return rf"{text}_{{{sizes}}}" if text in ("0", "1") else rf"\left[{text}\right]_{{{sizes}}}"


def _slots(slots: tuple[int, ...], template: str, separator: str) -> str:
    """Which operands of an abstract function it is differentiated by: ``_d1_2``."""
    return template.format(separator.join(map(str, slots)))


def _raised_function(node: Node) -> str | None:
    r"""``\sin^{2}\left({0}\right)``, where a function is raised to a power of 2 or more."""
    (function,), (exponent,) = node.operands, node.params
    if function.op.name not in _RAISED or exponent < 2 or exponent != int(exponent):
        return None
    head, arguments = function.op.latex.template.split(r"\left", 1)
    return rf"{head}^{{{{{numeral(exponent)}}}}}\left{arguments}"


_RAISED: Final = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh", "log"})
"""Functions whose powers are written at their name: sin² x."""


def _side_by_side(pieces: list[str]) -> list[str]:
    """Factors without a sign between them, where they read back as the same product."""
    pieces = [piece for piece in pieces if piece]
    for at in range(1, len(pieces) - 1):
        if pieces[at] == _TIMES and _may_touch(pieces[at - 1], pieces[at + 1]):
            pieces[at] = " "
    return pieces


def _may_touch(before: str, after: str) -> bool:
    """Whether a factor that ends so may stand beside one that starts so."""
    if after[0].isdigit() or after == "{":  # a number, or the base 10 in its braces
        return False
    if before.endswith(_ENDS_BRACKET):
        return True
    if before.lstrip("-")[0].isdigit():  # with a fraction after it, it would be a mixed number
        return not after.startswith(r"\frac")
    if after.startswith(r"\left("):  # a name before a bracket would be called
        return before[0] in "^}"
    words = before.startswith(r"\mathrm") or after.startswith(r"\mathrm")  # they would run together
    return not words


_TIMES: Final = r" \cdot "
_ENDS_BRACKET: Final = (r"\right)", r"\right|")

_TEXT: Final = _Notation(
    "(",
    ")",
    _text_form,
    str,
    literal,
    str,
    functools.partial(_slots, template="_d{}", separator="_"),
    lambda _: None,
    lambda pieces: pieces,
)
_LATEX: Final = _Notation(
    r"\left(",
    r"\right)",
    lambda node, _: latex_form(node),
    _latex_number,
    _latex_constant,
    latex_name,
    functools.partial(_slots, template=r"\partial_{{{}}} ", separator=","),
    _raised_function,
    _side_by_side,
)
"""As a mathematician writes it: several operations may look the same."""
