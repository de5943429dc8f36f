"""A Dag becomes text or LaTeX that reads back to the same Dag: shared nodes are written once.

Brackets are decided in one place, for text and LaTeX: a piece in a slot gets them when it binds
more loosely than the slot demands, or when its sign would follow an operator (``x*(-3)``).
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Literal

from chainrule.formula.labels import (
    Labels,
    latex_spellings,
    literal,
    names_itself,
    plain_operands,
)
from chainrule.formula.latex_commands import GREEK_FUNCTIONS
from chainrule.formula.names import latex_name
from chainrule.formula.notation import (
    LATEX,
    LATEX_CONSTANTS,
    TEXT,
    WORD,
    Label,
    Notation,
    clear_latex_form,
    exact_latex_form,
    latex_constant,
    latex_form,
    level_of,
    text_form,
)
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Form, Level
from chainrule.ops.composite.indexing import get
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
    statements = _statements(dag, labels, TEXT, labels.label)
    return "; ".join([f"{name} = {value}" if name else value for name, value in statements])


def latex(dag: Dag) -> str:
    r"""The LaTeX of a graph; `chainrule.formula.latex.read_latex` makes the same graph of it.

    Definitions stand in an ``aligned`` environment, one on each line; a formula without any is only
    an expression. Braces under several outputs say which derivatives they are. As in text,
    arguments and dtypes are stated by who reads it back.

    >>> from chainrule.formula.infix import read
    >>> print(latex(read("sigmoid(w_1*x/2)^2")))
    \sigma\left(\frac{w_{1} x}{2}\right)^{2}
    """
    labels = Labels(dag, latex_form, LATEX_CONSTANTS)
    names = labels.names()
    spelled = latex_spellings([*names, *LATEX_CONSTANTS])
    written = {
        node: latex_constant(node)
        if node.op is CONSTANT and label == literal(node)
        else spelled[label]
        for node, label in labels.label.items()
    }
    notation = LATEX._replace(
        form=functools.partial(exact_latex_form, taken=frozenset(names)),
        name=spelled.__getitem__,
    )
    lines = list(_statements(dag, labels, notation, written, _derivatives(dag)))
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


def _derivatives(dag: Dag) -> list[str]:
    r"""For every output which derivative it is, ``\partial f / \partial x``; for values nothing.

    A node that is several derivatives is the first of them where it stands first.
    """
    values = {meaning.of for meanings in dag.meanings.values() for meaning in meanings}
    waiting = {
        node: iter(dict.fromkeys([meaning.label for meaning in dag.meanings.get(node, ())]))
        for node in dict.fromkeys(dag.outputs)
    }
    found = []
    for node in dag.outputs:
        match = None if node in values else _DERIVATIVE.fullmatch(next(waiting[node], ""))
        if match is None:
            found.append("")
            continue
        order, of, wrt = match.groups()
        above = rf"\partial{'^{2}' if order else ''} {latex_name(of)}"
        below = " ".join([rf"\partial {latex_name(name)}" for name in wrt.split("∂") if name])
        found.append(f"{above} / {below}")
    return found


_DERIVATIVE: Final = re.compile(r"∂(²?)(\w+)/((?:∂\w+)+)")


def _statements(
    dag: Dag,
    labels: Labels,
    notation: Notation,
    written: Mapping[Node, str],
    below: Sequence[str] = (),
) -> Iterator[tuple[str, str]]:
    """The names to be defined and their values; outputs that have none come last, without one.

    ``below`` is what stands below the outputs, if they are several.
    """
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
        if len(values) > 1 and any(below):
            pairs = zip(values, below, strict=True)
            values = [
                rf"\underbrace{{{value}}}_{{{note}}}" if note else value for value, note in pairs
            ]
        yield "", ", ".join(values)


def expression(
    node: Node,
    label_of: Mapping[Node, str],
    style: Style = "text",
    taken: Collection[str] = (),
) -> str:
    """One operation on what has labels; what has none is written out. A leaf is its own label.

    In LaTeX no operation is written by a letter that is a name, one of those ``taken``.

    >>> from chainrule.formula.infix import read
    >>> dag = read("sigmoid(x*y)")
    >>> expression(dag.output, dag.labels)
    'sigmoid(v1)'
    """
    if node.is_leaf:
        return label_of[node]
    notation = TEXT
    if style == "latex":
        notation = LATEX
        if not _WITH_LETTERS.isdisjoint(taken):
            notation = LATEX._replace(form=lambda node, _: clear_latex_form(node, taken))
    return "".join(notation.joined(_pieces(node, notation, label_of.get)))


_WITH_LETTERS: Final = frozenset({"e", *GREEK_FUNCTIONS})
"""Names that are letters of operations, too."""

# --- one expression -------------------------------------------------------------------------------

_Part = str | tuple[Node, int, bool]
"""Finished text, or a node with the level its slot demands and whether a sign may stand there."""


def _written(root: Node, notation: Notation, label: Label) -> str:
    """The operation of ``root`` as a statement; a bare ``=`` in it would define something."""
    text = "".join(notation.joined(_pieces(root, notation, label)))
    loose = notation.form(root, label).level == Level.LIST
    return f"{notation.open}{text}{notation.close}" if loose else text


def _pieces(root: Node, notation: Notation, label: Label) -> list[str]:
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
            level = level_of(node, text)
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


def _parts(node: Node, notation: Notation, label: Label, *, leading: bool) -> list[_Part]:
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
                # A transpose directly in a product would be read as a part of it, a power refused.
                notation.open == "("
                and node.op is OPS["contract"]
                and operand.op.name in ("transpose", "power", "general_power")
                and len(operand.type.shape) > 1
                and least
            ):
                least = WORD
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


def _param(value: int | float | str | tuple[int, ...], slot: str, notation: Notation) -> str:
    if isinstance(value, tuple) and slot != "slots":
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, tuple):
        return notation.slots(value) if value else ""
    if not isinstance(value, str):
        return notation.number(numeral(value))
    return notation.name(value) if slot == "function" else value


def _picked(node: Node, notation: Notation) -> tuple[Node, str] | None:
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
