"""One way in for all spellings of a formula: text as people type it, or LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from chainrule.formula import infix
from chainrule.formula.declarations import Shapes
from chainrule.formula.limits import Limits
from chainrule.graph.dag import Dag
from chainrule.late import Late

if TYPE_CHECKING:
    from chainrule.formula import latex
else:
    latex = Late("chainrule.formula.latex")

Spelling = Literal["auto", "text", "latex"]

_COMMENT: Final = re.compile(r"#[^\n]*")
_LATEX: Final = re.compile(r"[\\$]|\^\s*\{")


def is_latex(source: str) -> bool:
    r"""Whether a formula has signs that text never has: a backslash, a dollar, ``^{``.

    >>> is_latex(r"\frac{x}{y}"), is_latex("x^{2}"), is_latex("x_{ij}^2  # costs 3$")
    (True, True, False)
    """
    return _LATEX.search(_COMMENT.sub("", source)) is not None


def read(
    source: str,
    *,
    syntax: Spelling = "auto",
    inputs: str | Sequence[str] | None = None,
    parameters: str | Sequence[str] = (),
    abstract: str | Sequence[str] = (),
    single_letters: bool = False,
    dtype: str | Mapping[str, str] = "float64",
    shapes: Shapes | None = None,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Dag:
    r"""The graph of a formula.

    Args:
        source: The formula, in text or LaTeX.
        syntax: Which of the two it is; ``"auto"`` decides by `is_latex`.
        inputs: All input names in order; by default every free name is one.
        parameters: Which names are learnable.
        abstract: Names of functions without a definition.
        single_letters: Whether unknown words of text are products of their letters, as they are in
            LaTeX anyway.
        dtype: The dtype of all names and numbers, or dtypes by name (others are float64).
        shapes: The shapes of names that stand for arrays; a whole number is that of a vector.
        limits: How large the formula may be.

    Raises:
        FormulaError: The formula cannot be read.
        LimitError: It is larger than the limits allow.
        GraphError: E201 an unknown dtype, E213 a declared name that is none.
        ValueError: A syntax other than these three.

    >>> read(r"\frac{x}{y}") == read("x/y")
    True
    """
    if syntax not in ("auto", "text", "latex"):
        raise ValueError(f"syntax is 'auto', 'text' or 'latex', got {syntax!r:.60}")
    if not isinstance(source, str):
        raise TypeError(f"a formula is a text, got {source!r:.60}")
    if syntax == "latex" or (syntax == "auto" and is_latex(source)):
        return latex.read_latex(
            source,
            inputs=inputs,
            parameters=parameters,
            abstract=abstract,
            dtype=dtype,
            shapes=shapes,
            limits=limits,
        )
    return infix.read(
        source,
        inputs=inputs,
        parameters=parameters,
        abstract=abstract,
        single_letters=single_letters,
        dtype=dtype,
        shapes=shapes,
        limits=limits,
    )
