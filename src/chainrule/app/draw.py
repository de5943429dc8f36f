"""``chainrule draw``: a picture of the graph, in a file or on the terminal."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any, Final, get_args

import click
from rich.console import Console

from chainrule.api.graph import Graph
from chainrule.app.options import SETTINGS, VALUES, examples, graph_command, numbers
from chainrule.draw.diagram import Arrows, Direction
from chainrule.draw.drawing import Drawing
from chainrule.draw.options import EdgeItem, Groups, Heat, NodeItem, Options, Style, View
from chainrule.draw.themes import THEMES

_LIMIT: Final = 3
_WIDTH: Final = 100
"""Columns of a drawing away from a terminal."""
_STANDARD: Final = Options()
_LEGEND: Final = "--legend/--no-legend"
_TYPES: Final = {int: int, bool: bool}


class _Command(click.Command):
    """Knows ``-o``, alone, as ``--output``.

    As a short option of click it would be found inside a formula with a minus, ``-cos(x)``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--output" if word == "-o" else word for word in args])


def _positive(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not 0 < value < math.inf:
        raise click.BadParameter(f"{value} is not a positive number", context, parameter)
    return value


def _drawn(name: str, words: str, choices: tuple[str, ...] = (), flag: str = "") -> Any:
    """An option of drawing, with the standard of `Options`, which checks what is given."""
    standard = getattr(_STANDARD, name)
    default = " ".join(standard) if isinstance(standard, tuple) else standard or None
    return click.option(
        flag or f"--{name.replace('_', '-')}",
        name,
        type=click.Choice(choices) if choices else _TYPES.get(type(standard), str),
        default=default,
        show_default=default is not None,
        help=words,
    )


_DRAWING: Final = (
    _drawn("view", "What is drawn; derivative and paths need --wrt.", get_args(View)),
    _drawn("style", "Nodes are values, or operators stand apart.", get_args(Style)),
    _drawn("direction", "Where values flow to.", get_args(Direction)),
    _drawn("nodes", f"What nodes show, of: {' '.join(get_args(NodeItem))}."),
    _drawn("edges", "What edges show.", get_args(EdgeItem)),
    _drawn("arrows", "Along the values, along the adjoints, or both.", get_args(Arrows)),
    _drawn("theme", "The colours.", tuple(THEMES)),
    _drawn("heat", "What colours nodes or edges by magnitude.", get_args(Heat)),
    _drawn("path", "Point at one path from --wrt; 1 is the one of largest magnitude."),
    _drawn("cone", "Point at what this node depends on."),
    _drawn("groups", "Frames around named intermediates.", get_args(Groups)),
    _drawn("up_to", "A step of a pass, such as 'backward 2': the drawing as it is then."),
    _drawn("digits", "Significant digits of numbers."),
    _drawn("most", "With more boxes than this, those far from the output are left out."),
    _drawn("open", "Loops and branches by name, or all: drawn with what is inside."),
    _drawn("step", "Which step of an open loop."),
    _drawn("legend", "Whether a line below says what colours mean.", flag=_LEGEND),
    _drawn("live", "Whether numbers have room for any others.", flag="--live/--no-live"),
)


def _options_of_drawing(function: Any) -> Any:
    for option in reversed(_DRAWING):
        function = option(function)
    return function


@click.command(
    cls=_Command,
    short_help="Draw the graph, in a file or here.",
    context_settings=SETTINGS,
    epilog=examples(
        'draw "(x+y)*(x+1)" x=2 y=1 -o graph.svg',
        'draw "L = (y - sigmoid(w*x + b))^2" w=0.5 b=-1 x=3 y=1 --parameters "w b" '
        "--arrows both -o loss.png",
        'draw "(x+y)*x" x=3 y=2 --view paths --wrt x',
        'draw "h(f(g(x)))" --abstract "f g h" --view derivative --wrt x -o chain.tex',
        'draw "(x+y)*x" x=3 y=2 --arrows both --animated -o moving.svg',
    ),
)
@graph_command
@VALUES
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Where to, -o for short; the suffix says in which form: {' '.join(Drawing.forms)}. "
    "Without it the drawing appears here, in box characters.",
)
@click.option("--wrt", default=None, help="The node that changes: where paths start.")
@click.option("--of", default=None, help="Node to differentiate; with several outputs.")
@_options_of_drawing
@click.option(
    "--scale",
    type=float,
    default=2.0,
    show_default=True,
    callback=_positive,
    help="Pixels for each point, in .png.",
)
@click.option("--animated", is_flag=True, help="The passes run: .svg moves, .tex has slides.")
def draw(
    graph: Graph,
    values: tuple[str, ...],
    output: Path | None,
    wrt: str | None,
    of: str | None,
    scale: float,
    animated: bool,
    **options: Any,
) -> None:
    """Draw the graph: with values and derivatives where values are given, else alone.

    FORMULA is text such as "(x+y)*(x+1)", or - to read it from standard input. Several values
    with commas between are many points: each number is then a list.
    """
    if animated and output is None:
        raise click.UsageError("--animated needs a file to write, -o FILE")
    chosen = {name: value for name, value in options.items() if value is not None}
    given = numbers(values)
    subject = graph.at(**given) if given else graph
    drawing = subject.draw(wrt=wrt, of=of, **chosen)
    if output is None:
        _here(drawing)
        return
    try:
        drawing.save(output, scale=scale, animated=animated)
    except OSError as error:
        raise click.BadParameter(f"{output}: {error.strerror}", param_hint="-o") from error
    click.echo(output)


def _here(drawing: Drawing) -> None:
    """The drawing in box characters on standard output."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    found = drawing.coloured(console.width)
    if found is None:
        click.echo(
            f"the drawing does not fit into {console.width} columns;"
            " write it to a file with -o graph.svg",
            err=True,
        )
        sys.exit(_LIMIT)
    console.print(found)
