"""What is said of operands whose shapes do not match, and what would fit in their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from chainrule.errors import Span
from chainrule.formula.labels import plain_operands
from chainrule.formula.syntax import Operation, Syntax, excerpt, ungrouped
from chainrule.graph.node import Node


def mismatch(nodes: Sequence[Node], operands: Sequence[Syntax], text: str, span: Span) -> str:
    """Which operands have which shapes."""
    whole = excerpt(text, span, SHORT)
    where = "" if whole == "…" else f" in {whole}"
    shapes = []
    for at, (node, operand) in enumerate(zip(nodes[:_MOST], operands, strict=False)):
        source = excerpt(text, operand.span, SHORT)
        name = f"operand {at + 1}" if source == "…" else source
        shapes.append(f"{name} is {list(node.type.shape) if node.type.shape else 'a number'}")
    return f"shapes do not match{where}: {', '.join(shapes)}"


def fitting_product(
    nodes: Sequence[Node],
    operands: Sequence[Syntax],
    flags: Sequence[bool],
    text: str,
    *,
    latex: bool = False,
) -> str:
    """What differs in a matrix product, and the product that would fit.

    ``flags`` says of either operand whether it is transposed within the product.
    """
    shapes = [node.type.shape for node in nodes]
    if not all(shapes):
        return "a number multiplies with *"
    if any(len(shape) > 2 for shape in shapes):
        return ""
    a, b = (shape[::-1] if flag else shape for shape, flag in zip(shapes, flags, strict=True))
    differ = f"the inner sizes {a[-1]} and {b[0]} differ"
    sources = [excerpt(text, operand.span, SHORT) for operand in operands]
    if "…" in sources:
        return differ
    names = [as_factor(text, operand.span) for operand in operands]
    transpose, times = (r"^\top", " ") if latex else (".T", " @ ")
    pairs = list(zip(names, flags, strict=True))
    given = [name + transpose * flag for name, flag in pairs]
    turned = [name + transpose * (not flag) for name, flag in pairs]
    if len(a) > 1 and a[0] == b[0]:
        pair = turned[0], given[1]
    elif len(b) > 1 and b[-1] == a[-1]:
        pair = given[0], turned[1]
    elif b[-1] == a[0]:
        pair = given[1], given[0]
    else:
        return differ
    return f"{differ}; {times.join(pair)} would fit"


def product_meant(nodes: Sequence[Node], operands: Sequence[Syntax], text: str) -> str:
    """The matrix product in place of ``W*x``, which is element by element, where it exists."""
    for node, operand in zip(nodes, operands, strict=True):
        written = ungrouped(operand)
        if not (isinstance(written, Operation) and written.op == node.op.name == "multiply"):
            continue
        first, second = [factor.type.shape for factor in plain_operands(node, lambda _: None)]
        if sorted((len(first), len(second))) in ([1, 2], [2, 2]) and first[-1] == second[0]:
            sources = [excerpt(text, part.span, SHORT) for part in written.operands]
            if not any("…" in source or "\\" in source for source in sources):
                return f"the matrix product is {' @ '.join(sources)}"
    return ""


def as_factor(text: str, span: Span) -> str:
    """A piece of the source as a factor of a product that a message writes."""
    source = excerpt(text, span, SHORT)
    return source if re.fullmatch(_FACTOR, source) else f"({source})"


SHORT: Final = 30
"""Sources of operands that are longer are left out of messages."""
_MOST: Final = 6
_FACTOR: Final = r"…|\\?[\w.]+|\w+\([^()]*\)|\([^()]*\)"
