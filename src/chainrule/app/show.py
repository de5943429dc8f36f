"""``chainrule show``: the value, the gradient and every step on the way to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import click

from chainrule.api.graph import Graph
from chainrule.api.record import Record
from chainrule.app.options import DIGITS, SETTINGS, VALUES, examples, formula_command, numbers
from chainrule.app.writers import Answer, write
from chainrule.show.numbers import number
from chainrule.show.table import Table

_REASONS: Final = 8
"""This many places are named where values or derivatives stop being finite."""

_DRAWN: Final = 100
"""Graphs with more nodes do not fit on a terminal, and placing them takes long."""


@click.command(
    short_help="Show value, gradient and every step.",
    context_settings=SETTINGS,
    epilog=examples(
        'show "(x+y)*(x+1)" x=2 y=1',
        'show "sigmoid(w*x + b)" w=0.5 x=3 b=-1 --parameters "w b"',
        'show "a = x + y; f = a * x" x=3 y=2 --wrt x',
        'show "sin(x^2)" "x=sqrt(pi/2)" --format latex',
        'show "exp(-x^2)" x=0,0.25,0.5 --format json',
        'show "sigmoid(W @ x + b)" "W=[[1,2],[3,4],[5,6]]" "x=[1,2]" "b=[0,0,0]"',
    )
    + '\n  echo "x^2 + sin(x^2)" | chainrule show - x=0.7',
)
@formula_command
@VALUES
@DIGITS
@click.option("--wrt", multiple=True, help="Also forward mode with respect to this leaf.")
@click.option("--of", default=None, help="Node to differentiate; needed with several outputs.")
@click.option(
    "--table",
    "kinds",
    multiple=True,
    type=click.Choice(["forward", "backward", "forward-mode"]),
    help="Only these tables.",
)
def show(
    graph: Graph,
    values: tuple[str, ...],
    wrt: tuple[str, ...],
    of: str | None,
    kinds: tuple[str, ...],
    form: str,
    digits: int,
) -> None:
    """Show the value, the gradient and every step on the way to them.

    On a terminal, and as text, a drawing of the graph follows where it fits.

    FORMULA is text such as "(x+y)*(x+1)", or - to read it from standard input. Each VALUE is a
    number, a constant expression such as pi/4, or several with commas between: many points.
    A list in brackets is a vector, a list of lists a matrix: one point of an array.
    """
    given = numbers(values)
    if any(node.op.name == "abstract" for node in graph.dag.order) and not given:
        write(_structure(graph), form)
        return
    if wrt and kinds and "forward-mode" not in kinds:
        raise click.UsageError("--wrt is for the forward-mode table")
    record = graph.at(**given)
    # Tables that were asked for are all that was asked for; a drawing shows one point.
    small = len(graph.dag.order) <= _DRAWN
    points = any(isinstance(value, list) for value in given.values())
    drawn = not kinds and small and not points
    one = graph.dag.outputs[0] if len(graph.dag.outputs) == 1 else None
    scalar = one is not None and not one.type.shape
    derivatives = of is not None or (one is not None and scalar and one.type.is_float)
    if not kinds:
        backward = ("backward",) if derivatives else ()
        kinds = ("forward", *backward, *(("forward-mode",) if wrt else ()))
    values_of = dict(zip(graph.outputs, record.outputs, strict=True))
    data: dict[str, Any] = {
        "arguments": {name: record[name].value for name in graph.arguments},
        "value": values_of,
    }
    lines = [(f"{name} = {number(value, digits)}", "green") for name, value in values_of.items()]
    if derivatives:
        output = of or graph.outputs[0]
        gradient = record.gradient_of(of)
        data["gradient"] = {output: gradient}
        lines += [
            (f"∂{output}/∂{name} = {number(value, digits)}", "red")
            for name, value in gradient.items()
        ]
    elif one is None:
        choices = " or ".join(graph.outputs[:8])
        lines.append((f"for derivatives choose an output: --of {choices}", "dim"))
    elif not scalar:
        lines.append(("for derivatives make one number of it, such as sum(…)", "dim"))
    reasons = record.why_not_finite(of=of).sentences(digits)
    if reasons:
        data["not_finite"] = list(reasons)
        lines += [(reason, "yellow") for reason in reasons[:_REASONS]]
        more = len(reasons) - _REASONS
        lines += [(f"… {more} more", "dim")] * (more > 0)
    tables = _tables(record, kinds, wrt, of, digits)
    draw = partial(record.draw, of=of) if drawn else None
    write(Answer("show", graph.formula(), tables, lines, data, draw=draw), form)


def _tables(
    record: Record, kinds: Sequence[str], wrt: Sequence[str], of: str | None, digits: int
) -> list[Table]:
    tables = []
    for kind in kinds:
        if kind == "forward":
            tables.append(record.table("forward", digits=digits))
        elif kind == "backward":
            tables.append(record.table("backward", of=of, digits=digits))
        elif not wrt:
            raise click.UsageError("the forward-mode table needs --wrt NAME")
        else:
            tables += [record.table("forward-mode", wrt=name, digits=digits) for name in wrt]
    return tables


def _structure(graph: Graph) -> Answer:
    """What can be said of a graph without values."""
    counts = graph.dag.path_counts(graph.dag.inputs)
    paths = {node.name: count for node, count in counts.items()}
    lines = [
        (f"{count} path{'' if count == 1 else 's'} from {name}", "")
        for name, count in paths.items()
    ]
    return Answer("show", graph.formula(), [graph.table()], lines, {"paths": paths})
