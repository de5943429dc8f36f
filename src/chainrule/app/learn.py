"""``chainrule descend``: parameters learned by gradient descent, step by step."""

from __future__ import annotations

import click

from chainrule.api.graph import Graph
from chainrule.app.options import DIGITS, SETTINGS, VALUES, examples, formula_command, numbers
from chainrule.app.writers import Answer, write
from chainrule.show.numbers import number


@click.command(
    short_help="Learn parameters by gradient descent.",
    context_settings=SETTINGS,
    epilog=examples(
        'descend "(w - 3)^2" w=0 --parameters w --rate 0.1 --steps 5',
        'descend "(w*x + b - y)^2" x=1,2,3 y=3,5,7 w=0 b=0 --parameters "w b" --steps 20',
    ),
)
@formula_command
@VALUES
@DIGITS
@click.option("--rate", type=float, default=0.1, show_default=True, help="The learning rate.")
@click.option(
    "--steps", type=click.IntRange(1), default=10, show_default=True, help="How many steps to take."
)
@click.option("--of", default=None, help="What is made smaller; needed with several outputs.")
def descend(
    graph: Graph,
    values: tuple[str, ...],
    rate: float,
    steps: int,
    of: str | None,
    form: str,
    digits: int,
) -> None:
    """Move the parameters downhill, again and again, and show every step.

    Inputs may have several values with commas between, one for each data point; what is made
    smaller is then the mean over the points.
    """
    found = graph.descend(numbers(values), rate, steps, of=of)
    data = {"value": found.value, "parameters": found.values, "note": found.note}
    lines = [(f"{name} = {number(value, digits)}", "green") for name, value in found.values.items()]
    write(Answer("descend", graph.formula(), [found.table(digits)], lines, data), form)
