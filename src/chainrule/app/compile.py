"""``chainrule compile``: a formula as machine code, what making it took, and how it looks."""

from __future__ import annotations

from typing import Any, get_args

import click

from chainrule.api.compiled import Compiled, Listing
from chainrule.api.graph import Graph
from chainrule.app.options import DIGITS, SETTINGS, VALUES, examples, formula_command, numbers
from chainrule.app.writers import Answer, write
from chainrule.show.numbers import number
from chainrule.show.report import report_table


@click.command(
    name="compile",
    short_help="Compile to machine code, and show what came of it.",
    context_settings=SETTINGS,
    epilog=examples(
        'compile "(x+y)*(x+1)" x=2 y=1 --gradient',
        'compile "exp(-x^2)" --ir kernels',
        'compile "sum((y - X @ w)^2)" --shapes "y=3 X=3,2 w=2" --gradient --ir assembly',
    ),
)
@formula_command
@VALUES
@DIGITS
@click.option("--gradient", is_flag=True, help="With the derivatives by all arguments.")
@click.option(
    "--ir",
    "kind",
    type=click.Choice(get_args(Listing)),
    default=None,
    help="Show this in place of the report: the kernels; LLVM's text, also optimised; assembly.",
)
def compile_formula(
    graph: Graph,
    values: tuple[str, ...],
    gradient: bool,
    kind: Listing | None,
    form: str,
    digits: int,
) -> None:
    """Compile a formula to machine code, and show what making it took, or what it looks like.

    With values for the arguments, the code runs, and its results are shown.
    """
    fast = graph.compile(gradient=gradient).wait()
    given = numbers(values)
    results = _results(graph, fast, gradient, given) if given or not graph.arguments else {}
    lines = [
        (f"{name} = {number(value, digits)}", "red" if name.startswith("∂") else "green")
        for name, value in results.items()
    ]
    listing = fast.ir(kind) if kind else ""
    data = {"results": results, **({"listing": listing} if kind else {})}
    tables = [] if kind and form not in ("csv", "json") else [report_table(fast.report())]
    write(Answer("compile", graph.formula(), tables, lines, data, listing=listing), form)


def _results(graph: Graph, fast: Compiled, gradient: bool, given: dict[str, Any]) -> dict[str, Any]:
    """The results by their names."""
    found = fast(**given)
    if gradient:
        value, slopes = found
        output = graph.outputs[0]
        names = [f"∂{output}/∂{name}" for name in graph.arguments]
        return {output: value, **dict(zip(names, slopes, strict=True))}
    values = [found] if len(graph.outputs) == 1 else found
    return dict(zip(graph.outputs, values, strict=True))
