r"""LaTeX as people write it becomes a Dag; it means what its translation into text means.

Besides the errors of text (see `chainrule.formula.infix`) there are these:

==== ===================================================================================
E127 a command or environment that there is not
E128 what formulas do not have: sums, integrals, derivatives, matrices, inverses and powers
     of matrices, text
E129 a column, row or environment that does not fit
E131 a second superscript or subscript, or one that belongs to nothing
E132 what has two readings: where an argument or denominator ends, ``\sin x (y + 1)``, ``a/bc``;
     a mixed number or a product, ``2\frac{1}{2}``; what the factorial of ``x^2!`` is
E133 letters that spell a function, but multiply: ``sin(x)``
==== ===================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chainrule.formula.declarations import Declarations, Shapes
from chainrule.formula.infix import lowered
from chainrule.formula.latex_parser import Translation
from chainrule.formula.latex_tokens import tokenize
from chainrule.formula.limits import Limits
from chainrule.formula.names import CONSTANTS, spoken
from chainrule.formula.tokens import normal_form
from chainrule.graph.dag import Dag

LATEX_CONSTANTS: Final = {name: value for name, value in CONSTANTS.items() if name != "tau"}
r"""In LaTeX ``\tau`` is a letter like others: time constants are more common than 2π."""


def read_latex(
    source: str,
    *,
    inputs: str | Sequence[str] | None = None,
    parameters: str | Sequence[str] = (),
    abstract: str | Sequence[str] = (),
    dtype: str | Mapping[str, str] = "float64",
    shapes: Shapes | None = None,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Dag:
    r"""The graph of a formula in LaTeX.

    Args:
        source: One or more statements, with or without dollars and environments around them.
        inputs: All input names in order; by default every free name is one, as in text.
        parameters: Which names are learnable.
        abstract: Names of functions without a definition.
        dtype: The dtype of all names and numbers, or dtypes by name (others are float64).
        shapes: The shapes of names that stand for arrays; a whole number is that of a vector.
        limits: How large the formula may be.

    Raises:
        FormulaError: It cannot be read; this module and `chainrule.formula.infix` list the codes.
        LimitError: It is larger than the limits allow.
        GraphError: E201 an unknown dtype, E213 a declared name that is none.

    >>> dag = read_latex(r"a = \frac{x}{y}, \quad f = \sin^2 a")
    >>> [node.name for node in dag.inputs], dag.names[dag.output]
    (['x', 'y'], ('f',))
    """
    if not isinstance(source, str):
        raise TypeError(f"a formula is a text, got {source!r:.60}")
    text = normal_form(source)
    declarations = Declarations.of(inputs, parameters, abstract, dtype, shapes)
    variables = (*(declarations.inputs or ()), *declarations.parameters)
    known = [*declarations.all_names, *(() if isinstance(dtype, str) else declarations.dtype)]
    known += declarations.shapes
    spelled = {spoken(name): name for name in known if spoken(name) not in known}
    tokens = Translation(
        tokenize(text, limits),
        text,
        {*variables, *declarations.shapes},
        declarations.abstract,
        spelled,
        arrays=declarations.has_arrays,
    ).translated()
    return lowered(tokens, text, declarations, limits, LATEX_CONSTANTS)
