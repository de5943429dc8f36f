"""How an operation is written in a box: without its operands, which the edges show."""

from __future__ import annotations

import re
import string
from typing import Any, Final

from chainrule.formula.names import latex_name
from chainrule.graph.node import Node
from chainrule.graph.numerals import numeral
from chainrule.graph.op import Form, Symbol

_BLANK: Final = "□"
_CALL: Final = re.compile(r"(.+?)\(□(, □)*\)")
_LATEX_CALL: Final = re.compile(r"(.+?)\\left\(\\square(, \\square)*\\right\)")
_INFIX: Final = re.compile(r"□ ?(\S+) ?□")
_LATEX_INFIX: Final = re.compile(r"\\square (\S+) \\square")


def symbol(node: Node) -> Symbol:
    r"""The sign of the operation of a node: ``+``, ``sin``, ``□^2``; the function it calls.

    >>> from chainrule.formula.infix import read
    >>> for text in ["x + y", "x*y", "sin(x)", "x^2", "-x", "sqrt(x)", "leaky_relu(x, 0.1)"]:
    ...     print(*symbol(read(text).output), sep="   ")
    +   +
    ×   \times
    sin   \sin
    □^2   \square^{2}
    -   -
    sqrt   \sqrt{\square}
    leaky_relu(□, 0.1)   \operatorname{leaky\_relu}\left(\square, 0.1\right)
    """
    op = node.op
    written = op.written([operand.type for operand in node.operands], node.params)
    if written is not None:
        return written.symbol
    if op.symbol is not None:
        return op.symbol
    if op.labelled:
        name = str(node.params[0])
        return Symbol(name, latex_name(name))
    text = _filled(op.text, node, _BLANK)
    latex = _filled(op.latex, node, r"\square")
    return Symbol(
        _stripped(text, _CALL, _INFIX) if not node.params else _stripped(text, _INFIX),
        _stripped(latex, _LATEX_CALL, _LATEX_INFIX),
    )


def _filled(form: Form, node: Node, blank: str) -> str:
    """The template of an operation with blanks for operands and its parameters in place."""
    given = {
        param.name: _shown(value) for param, value in zip(node.op.params, node.params, strict=True)
    }
    blanks = [blank] * len(node.operands)
    parts = []
    for literal, slot, _, _ in string.Formatter().parse(form.template):
        parts.append(literal)
        if slot == "operands":
            parts.append(", ".join(blanks))
        elif slot:
            parts.append(blank if slot.isdigit() else given[slot])
    return "".join(parts)


def _shown(value: Any) -> str:
    """A literal parameter."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return value if isinstance(value, str) else numeral(value)


def _stripped(written: str, *patterns: re.Pattern[str]) -> str:
    """What stands around the blanks, where that is a sign or the name of a function."""
    for pattern in patterns:
        match = pattern.fullmatch(written)
        if match:
            return match[1]
    if written in (f"-{_BLANK}", r"-\square"):
        return "-"
    return written
