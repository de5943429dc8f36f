"""How a node is computed in JavaScript: numbers, operations, dtypes.

A floating-point number is a number of JavaScript; one of single precision is rounded after each
operation. A condition is the number 0 or 1. There are no whole numbers: those of 64 bits would not
fit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final

from chainrule.errors import GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.op import Op, Params
from chainrule.graph.types import Type


def check(dag: Dag) -> None:
    """Raise GraphError E249 where a node has no counterpart in JavaScript."""
    for node in dag.order:
        problem = _problem(node)
        if problem:
            raise GraphError("E249", f"{dag.labels[node]} has no counterpart: {problem}")


def _problem(node: Node) -> str:
    type = node.type
    if type.parts:
        return f"JavaScript has no {node.op.name}; expand() writes a short scan out"
    if type.shape:
        return "JavaScript does not compute with arrays; expand() writes a small graph as scalars"
    if not type.is_float and not type.is_bool:
        return f"JavaScript has no {type}; a floating-point number does for most"
    if not node.is_leaf and not node.op.javascript:
        return f"JavaScript has no {node.op.name}"
    return ""


def expression(node: Node, names: Mapping[Node, str]) -> str:
    """How the result of an operation is computed; ``names`` has its operands."""
    operands = [names[operand] for operand in node.operands]
    spelled = spelling(node.op, node.params)
    if "{" in spelled:
        text = spelled.format(*operands)
    else:
        params = [number(param) for param in node.params]
        text = f"{spelled}({', '.join([*operands, *params])})"
    return kept(text, node.type)


def spelling(op: Op, params: Params) -> str:
    """The expression or the name of the function that an operation is in JavaScript."""
    return op.javascript if isinstance(op.javascript, str) else op.javascript(*params)


def kept(text: str, type: Type) -> str:
    """An expression as a number of this type."""
    if type.is_bool:
        return f"Number({text})"
    return f"Math.fround({text})" if type.dtype.itemsize == 4 else text


def argument(text: str, type: Type) -> str:
    """An argument as a number of this type, whatever number is given."""
    return kept(f"{text} !== 0" if type.is_bool else text, type)


def constant(node: Node) -> str | None:
    """A constant as a literal that may stand anywhere; None for any other node."""
    return number(constant_value(node).item()) if node.op is CONSTANT else None


def number(value: float) -> str:
    """A number, with brackets around a sign.

    >>> number(2.0), number(-0.0), number(1e300), number(-math.inf), number(True)
    ('2', '(-0)', '1e+300', '(-Infinity)', '1')
    """
    if math.isnan(value):
        return "NaN"
    text = repr(abs(float(value))).removesuffix(".0").replace("inf", "Infinity")
    return f"(-{text})" if math.copysign(1, value) < 0 else text


# --- what users wrote -----------------------------------------------------------------------------


def string(text: str) -> str:
    r"""A text as a literal in which nothing can end it, nor the script that it stands in.

    >>> print(string('"</script>\u2028'))
    "\"\u003c/script>\u2028"
    """
    return json.dumps(text).replace("<", r"\u003c")


def comment(text: str) -> str:
    r"""A text that may stand in a comment: nothing in it ends the comment, its line or the script.

    >>> print(comment("a */ b </script <!-- \u2028"))
    a *\/ b <\/script <\!-- \u2028
    """
    plain = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return _ENDS.sub(lambda found: f"{found[1]}\\{found[2]}", plain)


_ENDS: Final = re.compile(r"(\*|<)([/!])")


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\u{{{code:x}}}"
