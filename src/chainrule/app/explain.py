"""The subcommands that explain: ``paths``, ``derive``, ``saved``, ``cost``."""

from __future__ import annotations

from typing import Any

import click

from chainrule.api.graph import Graph
from chainrule.app.options import DIGITS, SETTINGS, VALUES, examples, formula_command, numbers
from chainrule.app.writers import Answer, write
from chainrule.show.derivation import Direction

_WRT = click.option(
    "--wrt", default=None, help="With respect to which node; needed with several arguments."
)
_OF = click.option(
    "--of", default=None, help="What is differentiated; needed with several outputs."
)
_HOLDING = click.option(
    "--holding", default="", help="Nodes held fixed: only paths that avoid them count."
)


@click.command(
    short_help="Show each path with its product.",
    context_settings=SETTINGS,
    epilog=examples(
        'paths "(x+y)*(x+1)" x=2 y=1 --wrt x',
        'paths "a = x + y; f = a * x" x=3 y=2 --wrt x --holding a',
    ),
)
@formula_command
@VALUES
@DIGITS
@_WRT
@_OF
@_HOLDING
@click.option(
    "--most",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How many paths are shown.",
)
def paths(
    graph: Graph,
    values: tuple[str, ...],
    wrt: str | None,
    of: str | None,
    holding: str,
    most: int,
    form: str,
    digits: int,
) -> None:
    """Show each path from one node to another with its product, largest magnitude first.

    The products add up to the derivative. The count is exact, however many there are.
    """
    record = graph.at(**numbers(values))
    found = record.paths(_leaf(graph, wrt), of=of, holding=holding)
    data = {"paths": found.count, "derivative": found.derivative}
    write(Answer("paths", graph.formula(), [found.table(most, digits)], (), data), form)


@click.command(
    short_help="Show the derivative as a formula, step by step.",
    context_settings=SETTINGS,
    epilog=examples(
        'derive "exp(-x^2)" --wrt x',
        'derive "L = (y - sigmoid(w*x + b))^2" --wrt w --mode reverse',
        'derive "sin(x)*cos(x)" --wrt x --format latex',
        'derive "a = x + y; f = a*x" --wrt x --holding a',
        'derive "f(g1(x), g2(x))" --abstract "f g1 g2" --wrt x --chain-rule',
    ),
)
@formula_command
@_WRT
@_OF
@click.option(
    "--mode",
    type=click.Choice(["forward", "reverse"]),
    default="forward",
    show_default=True,
    help="Steps from the leaf on, or back from the output.",
)
@_HOLDING
@click.option("--written-out", is_flag=True, help="With nothing shared and nothing named.")
@click.option("--chain-rule", is_flag=True, help="The chain rule with symbols, no formulas.")
def derive(
    graph: Graph,
    wrt: str | None,
    of: str | None,
    mode: Direction,
    holding: str,
    written_out: bool,
    chain_rule: bool,
    form: str,
) -> None:
    """Show the derivative as a formula, and step by step with the rules used."""
    leaf = _leaf(graph, wrt)
    if chain_rule:
        rule = graph.chain_rule(leaf, of=of, holding=holding)
        answer = Answer(
            "derive",
            graph.formula(),
            [rule.table()],
            [(rule.text(), "red")],
            {"chain_rule": rule.text()},
            f"\\[ {rule.latex()} \\]\n" if form == "latex" else "",
        )
        write(answer, form)
        return
    derivation = graph.derive(leaf, of=of, mode=mode, holding=holding)
    text = derivation.written_out() if written_out else derivation.text()
    latex = derivation.written_out("latex") if written_out else derivation.latex()
    equation = derivation.latex_equation(written_out=written_out)
    data: dict[str, Any] = {"derivative": text, "latex": latex}
    lines = [(derivation.equation(text), "red")]
    answer = Answer(
        "derive", graph.formula(), [derivation.table()], lines, data, f"\\[ {equation} \\]\n"
    )
    write(answer, form)


@click.command(
    short_help="Show what the backward pass needs.",
    context_settings=SETTINGS,
    epilog=examples(
        'saved "a = sin(x); f = exp(a)*y"',
        'saved "relu(w*x + b)" --parameters "w b" --wrt "w b"',
    ),
)
@formula_command
@click.option("--wrt", default=None, help="With respect to which nodes; all arguments by default.")
@_OF
def saved(graph: Graph, wrt: str | None, of: str | None, form: str) -> None:
    """Show which values of the forward pass the backward pass needs, and their bytes."""
    found = graph.saved_values(wrt, of=of)
    data = {"bytes": found.bytes, "bytes_of_everything": found.everything}
    write(Answer("saved", graph.formula(), [found.needs(), found.table()], (), data), form)


@click.command(
    short_help="Count the operations of value and gradient.",
    context_settings=SETTINGS,
    epilog=examples('cost "x1*x2*x3*x4*x5"', 'cost "a = 4x*(1-x); b = 4a*(1-a); 4b*(1-b)"'),
)
@formula_command
@click.option("--wrt", default=None, help="With respect to which nodes; all arguments by default.")
@_OF
def cost(graph: Graph, wrt: str | None, of: str | None, form: str) -> None:
    """Count the operations of the value and its gradient, by every way to get them."""
    write(Answer("cost", graph.formula(), [graph.cost(wrt, of=of).table()]), form)


def _leaf(graph: Graph, wrt: str | None) -> str:
    """The node to differentiate by; the only argument where none is named."""
    if wrt is not None:
        return wrt
    if len(graph.arguments) != 1:
        choices = ", ".join(graph.arguments[:8]) or "none"
        raise click.UsageError(f"--wrt is needed; the arguments are: {choices}")
    return graph.arguments[0]
