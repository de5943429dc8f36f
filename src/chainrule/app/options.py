"""What subcommands have in common: a formula, values, how it is read, how results are written."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import click
import numpy as np

from chainrule.api.sources import parse
from chainrule.errors import EvaluationError
from chainrule.formula.names import canonical
from chainrule.formula.reader import Spelling
from chainrule.graph.types import DTYPES

_READING: Final = (
    click.option(
        "--syntax",
        type=click.Choice(["auto", "text", "latex"]),
        default="auto",
        help="Of the formula; auto: LaTeX where there is a backslash, a dollar or ^{.",
    ),
    click.option("--parameters", default="", help="Names of learnable numbers, such as 'w b'."),
    click.option(
        "--inputs", default=None, help="Names of inputs, in order; others are then unknown."
    ),
    click.option("--abstract", default="", help="Names of functions without a definition."),
    click.option("--single-letters", is_flag=True, help="Read awx as a*w*x."),
    click.option(
        "--dtype", type=click.Choice(DTYPES[:2]), default="float64", help="Of all leaves."
    ),
    click.option(
        "--shapes",
        default="",
        help="Of arrays, such as 'W=3,2 x=2'; values that are lists say their shapes themselves.",
    ),
)
_FORMAT: Final = click.option(
    "--format",
    "form",
    type=click.Choice(["rich", "text", "json", "csv", "latex"]),
    default="rich",
    help="How to write; rich is for people, coloured on a terminal unless NO_COLOR is set.",
)

DIGITS: Final = click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=6,
    show_default=True,
    help="Significant digits shown.",
)

SETTINGS: Final = {"ignore_unknown_options": True}
"""So that a formula may start with a minus: options have long names only, ``-x^2`` is none."""


def graph_command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a subcommand a formula and the options of reading it.

    The function gets the graph first; then its own arguments and options.
    """

    @functools.wraps(function)
    def command(
        formula: str,
        syntax: Spelling,
        parameters: str,
        inputs: str | None,
        abstract: str,
        single_letters: bool,
        dtype: str,
        shapes: str,
        **rest: Any,
    ) -> None:
        known = _shapes_given(shapes) | _shapes_of_values(rest.get("values", ()))
        with warnings.catch_warnings(record=True) as found:
            graph = parse(
                _source(formula),
                syntax=syntax,
                inputs=inputs,
                parameters=parameters,
                abstract=abstract,
                single_letters=single_letters,
                dtype=dtype,
                shapes=known,
            )
        for warning in found:
            click.echo(str(warning.message), err=True)
        function(graph, **rest)

    decorated: Callable[..., None] = command
    for option in reversed((click.argument("formula"), *_READING)):
        decorated = option(decorated)
    return decorated


def formula_command(function: Callable[..., None]) -> Callable[..., None]:
    """Give a subcommand a formula and the options of reading and writing.

    The function gets the graph first; then its own arguments and options, and ``form``.
    """
    return graph_command(_FORMAT(function))


VALUES: Final = click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
"""The values of arguments; read by `numbers`."""


def examples(*lines: str) -> str:
    """The epilog of a subcommand."""
    return "\b\nExamples:\n" + "\n".join(f"  chainrule {line}" for line in lines)


def _source(formula: str) -> str:
    if formula != "-":
        return formula
    if sys.stdin is None:
        raise click.UsageError("there is no standard input to read")
    return sys.stdin.buffer.read().decode("utf-8-sig")


def _shapes_given(text: str) -> dict[str, tuple[int, ...]]:
    """The shapes by name in ``W=3,2 x=2``."""
    found = {}
    for pair in text.split():
        name, _, sizes = pair.partition("=")
        parts = sizes.split(",")
        if not name or not all(part.isascii() and part.isdigit() for part in parts):
            raise click.UsageError(f"--shapes: {pair!r} is not of the form name=2 or name=3,2")
        found[canonical(name)] = tuple(map(int, parts))
    return found


def _shapes_of_values(pairs: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The shapes by name of values that are lists, ``W=[[1,2],[3,4]]``."""
    found = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name and text.lstrip().startswith("["):
            value = _number(name, text)
            if isinstance(value, np.ndarray):
                found[canonical(name.strip())] = value.shape
    return found


def numbers(pairs: Sequence[str]) -> dict[str, Any]:
    """The values by name of arguments such as ``x=2``, ``x=0,pi/4,1`` or ``x=[1,2]``."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            kind = "no such option" if pair.startswith("--") else "not of the form name=value"
            raise click.UsageError(f"{pair!r}: {kind}")
        name = canonical(name.strip())
        if name in given:
            raise EvaluationError("E302", f"{name!r} is given twice")
        given[name] = _number(name, text)
    return given


def _number(name: str, text: str) -> Any:
    """The value of a constant expression such as ``sqrt(pi/2)``, or of several with commas.

    Lists in brackets are arrays, read by the parser of formulas, which holds them to its limits.
    """
    graph = parse(text)
    if graph.arguments:
        raise EvaluationError("E303", f"{name!r} must be a number, got {text!r}")
    value = graph()
    if isinstance(value, tuple) and any(map(np.ndim, value)):
        raise EvaluationError("E303", f"{name!r} must be one list, such as [[1,2],[3,4]]")
    return list(value) if isinstance(value, tuple) else value
