"""A formula as people type it becomes a Dag: tokens, then a syntax tree, then nodes.

The errors of reading:

==== ===================================================================================
E101 unknown function
E102 unknown name
E103 a variable is called: a product is missing its ``*``, or a definition its function
E104 a function without its arguments: ``sin x``, ``sin^2(x)``
E105 a wrong number of arguments
E106 an argument that must be a literal number (or the name of a dtype) is none
E107 a name is used before its definition
E108 a definition that uses itself
E109 a name is defined twice, or defined and declared
E110 a name is both a variable and a function
E111 an operand is missing
E112 a bracket or bar is never closed
E113 a bracket is closed that was never opened
E114 a number directly after an operand
E115 a single ``=`` inside an expression
E116 a comma outside the arguments of a function
E117 an empty text
E118 nothing after ``=``
E119 a character that no formula has
E120 a number, name or raised exponent that ends badly
E121 a statement without a name that is not the last
E122 a function without parameters
E123 a declared parameter, abstract function or shape whose name does not appear
E124 ``not`` or a sign where it needs brackets
E125 an operator is missing
E126 a name is declared twice, or as an input and a parameter
E130 operands that do not fit the operation: conditions where numbers belong, …
E203 arrays whose shapes do not match
E151 the text is too long
E152 too many brackets, signs or exponents are open at once
E153 too many nodes
E154 a number is too long or too large
E155 an exponent is too large
W101 a definition that the output does not use (a warning)
==== ===================================================================================
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence

from chainrule.errors import ChainruleWarning
from chainrule.formula.declarations import Declarations, Shapes
from chainrule.formula.limits import Limits
from chainrule.formula.lower import check_shapes, lower
from chainrule.formula.names import CONSTANTS
from chainrule.formula.parser import parse
from chainrule.formula.tokens import Token, normal_form, split_letters, tokenize
from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag


def read(
    text: str,
    *,
    inputs: str | Sequence[str] | None = None,
    parameters: str | Sequence[str] = (),
    abstract: str | Sequence[str] = (),
    single_letters: bool = False,
    dtype: str | Mapping[str, str] = "float64",
    shapes: Shapes | None = None,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Dag:
    """The graph of a formula.

    Args:
        text: Statements such as ``a = x + y; f = a * x``; the last one is the output.
        inputs: All input names in order, such as ``"x y"``; by default every free name is one, in
            the order of the last statement's ``f(x, y) = …``, then of appearance.
        parameters: Which names are learnable.
        abstract: Names of functions without a definition.
        single_letters: Whether unknown words are products of their letters, ``awx`` = a·w·x.
        dtype: The dtype of all names and numbers, or dtypes by name (others are float64).
        shapes: The shapes of names that stand for arrays; a whole number is that of a vector.
        limits: How large the formula may be.

    Raises:
        FormulaError: The text cannot be read; the table of codes opens this module.
        LimitError: It is larger than the limits allow.
        GraphError: E201 an unknown dtype, E213 a declared name that is none.

    >>> dag = read("a = x + y; f = a * x")
    >>> [node.name for node in dag.inputs], dag.names[dag.output]
    (['x', 'y'], ('f',))
    """
    if not isinstance(text, str):
        raise TypeError(f"a formula is a text, got {text!r:.60}")
    text = normal_form(text)
    declarations = Declarations.of(inputs, parameters, abstract, dtype, shapes)
    tokens = tokenize(text, limits)
    if single_letters:
        tokens = split_letters(tokens, text, declarations.all_names)
    return lowered(tokens, text, declarations, limits, CONSTANTS)


def lowered(
    tokens: list[Token],
    text: str,
    declarations: Declarations,
    limits: Limits,
    constants: Mapping[str, float],
) -> Dag:
    """The graph of tokens; definitions without use are warned of.

    Raises:
        FormulaError: As `read`.
        LimitError: As `read`.
    """
    with collector_paused():
        statements = parse(tokens, text, limits)
        check_shapes(declarations, {token.text for token in tokens}, text)
        dag, unused = lower(statements, text, declarations, limits, constants)
    for name in unused:
        warnings.warn(
            f"W101 {name!r} is defined, but the output does not use it; outputs are what the last "
            "statement gives: one, or several with commas between",
            ChainruleWarning,
            stacklevel=_level_of_caller(),
        )
    return dag


def _level_of_caller() -> int:
    """How many calls up the first line outside of this package is."""
    level, frame = 1, inspect.currentframe()
    while frame and str(frame.f_globals.get("__name__")).startswith("chainrule."):
        level, frame = level + 1, frame.f_back
    return level - 1
