"""How text and LaTeX write operations, numbers and names: forms, brackets, signs."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from chainrule.formula.labels import literal, plain_operands
from chainrule.formula.names import NAMED_CONSTANTS, latex_name
from chainrule.graph.node import CONSTANT, Node, constant_value, uniform_value
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Form, Level
from chainrule.ops.families import latex_called, prefix

WORD: Final = Level.ATOM + 1
"""Names bind tighter than numerals: ``-x`` is a negation, ``-3`` is a number."""

Label = Callable[[Node], str | None]


class Notation(NamedTuple):
    """How text differs from LaTeX: brackets, the forms of operations, numbers, names.

    Attributes:
        raised: The template of a power of a node that is written out, if it has one of its own, as
            in sin² x.
        joined: The pieces of an expression, factors put side by side where that reads back.
    """

    open: str
    close: str
    form: Callable[[Node, Label], Form]
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


def level_of(node: Node, label: str) -> int:
    """How tightly a label binds."""
    if node.op is not CONSTANT:
        return WORD
    if label.startswith("-"):
        return Level.SIGN
    if r"\cdot" in label:
        return Level.PRODUCT
    return Level.ATOM if label[:1].isdigit() or label in ("inf", r"\infty") else WORD


# --- forms ----------------------------------------------------------------------------------------


def text_form(node: Node) -> Form:
    """How a node is written in text."""
    found = node.op.written([operand.type for operand in node.operands], node.params)
    return node.op.text if found is None else found.text


def latex_form(node: Node) -> Form:
    """How a node is written in LaTeX; what is done to matrices element by element looks so."""
    if node.type.shape and node.op.pointwise:
        elementwise = _latex_of_arrays(node)
        if elementwise is not None:
            return elementwise
    found = node.op.written([operand.type for operand in node.operands], node.params)
    return node.op.latex if found is None else found.latex


def _latex_of_arrays(node: Node) -> Form | None:
    r"""Signs of their own, where those of numbers would mean another thing: ``A^{\odot 2}``."""
    name = node.op.name
    if name == "multiply":
        return _ELEMENTWISE if _are_arrays(node) else None
    if name == "abs":
        return _CALLED_ABS
    if len(node.operands[0].type.shape) < 2:
        return None
    if name == "exp":
        return _CALLED_EXP
    form = node.op.latex
    if name in ("power", "general_power", "square"):
        return form._replace(template=form.template.replace("^{{", r"^{{\odot ", 1))
    return None


def _are_arrays(node: Node) -> bool:
    return all(operand.type.shape for operand in plain_operands(node, lambda _: None))


_CALLED_EXP: Final = Form(r"\exp\left({0}\right)", Level.ATOM, (Level.LIST,))
_CALLED_ABS: Final = latex_called("abs")
_ELEMENTWISE: Final = Form(r"{0} \odot {1}", Level.PRODUCT, (Level.PRODUCT, Level.SIGN))


def _text_form(node: Node, label: Label) -> Form:
    """How a node is written; ``x^2`` is `power`, so `general_power` to a numeral is called."""
    if _has_numeral_exponent(node, label):
        return _CALLED_POWER
    form = text_form(node)
    power = node.op.name in ("power", "general_power") and node.operands[0].op is CONSTANT
    if power and label(node.operands[0]) == "e":  # bare, it would be the exponential function
        return form._replace(template=f"({{0}}){form.template.removeprefix('{0}')}")
    return form


def _has_numeral_exponent(node: Node, label: Label) -> bool:
    if node.op is not OPS["general_power"]:
        return False
    exponent = node.operands[1]
    return exponent.op is CONSTANT and level_of(exponent, label(exponent) or "") != WORD


def exact_latex_form(node: Node, label: Label, taken: Collection[str]) -> Form:
    """How a node is written so that it reads back, next to names that are ``taken``."""
    op = node.op
    if not op.pointwise:
        return latex_form(node)
    if op.name in _AMBIGUOUS or _has_numeral_exponent(node, label):
        return latex_called(op.name, len(op.operands), op.params)
    if op.name == "exp" or op.name in _LETTERS:
        return clear_latex_form(node, taken)
    if op.name in ("power", "general_power") and label(node.operands[0]) in ("e", "10"):
        # Bare, the base would be the exponential function, or part of a number like 2 · 10³.
        return op.latex._replace(template=f"{{{{{{0}}}}}}{op.latex.template.removeprefix('{0}')}")
    return latex_form(node)


def clear_latex_form(node: Node, taken: Collection[str]) -> Form:
    r"""How a node is written for people next to names that are ``taken``: no ``e^{x}`` beside e."""
    op = node.op
    if _LETTERS.get(op.name) in taken:
        return latex_called(op.name, len(op.operands), op.params)
    return _CALLED_EXP if op.name == "exp" and "e" in taken else latex_form(node)


_CALLED_POWER: Final = prefix("general_power", 2)
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

# --- LaTeX ----------------------------------------------------------------------------------------

LATEX_CONSTANTS: Final = tuple(name for name in NAMED_CONSTANTS if name != "tau")
_SCIENTIFIC: Final = re.compile(r"(.*)e(-?\d+)")


def _latex_number(text: str) -> str:
    r"""A numeral in LaTeX: ``1e-9`` is ``1 \cdot 10^{-9}``."""
    match = _SCIENTIFIC.fullmatch(text)
    if match:
        return rf"{match[1]} \cdot 10^{{{match[2]}}}"
    if text.endswith("inf"):
        return text.replace("inf", r"\infty")
    return rf"\mathrm{{{text}}}" if text.isalpha() else text


def latex_constant(node: Node) -> str:
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
        inverse = at > 1 and pieces[at - 2 : at] == ["-1", "}"]  # f⁻¹(…) would be an inverse
        if inverse and pieces[at + 1].startswith(r"\left("):
            continue
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

TEXT: Final = Notation(
    open="(",
    close=")",
    form=_text_form,
    number=str,
    constant=literal,
    name=str,
    slots=functools.partial(_slots, template="_d{}", separator="_"),
    raised=lambda _: None,
    joined=lambda pieces: pieces,
)
LATEX: Final = Notation(
    open=r"\left(",
    close=r"\right)",
    form=lambda node, _: latex_form(node),
    number=_latex_number,
    constant=latex_constant,
    name=latex_name,
    slots=functools.partial(_slots, template=r"\partial_{{{}}} ", separator=","),
    raised=_raised_function,
    joined=_side_by_side,
)
"""As a mathematician writes it: several operations may look the same."""
