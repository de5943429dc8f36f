"""``chainrule practice``: an exercise as a page, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from chainrule.api.exercises import exercise
from chainrule.app.options import examples
from chainrule.page.exercises import EASIEST, EXERCISES, HARDEST


@click.command(
    short_help="Write an exercise as a page.",
    epilog=examples(
        "practice --name used-twice -o exercise.html",
        "practice --seed 7 --difficulty 3 -o exercise.html",
    ),
)
@click.option("--name", type=click.Choice(list(EXERCISES)), help="An exercise of the texts.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Makes one.")
@click.option(
    "--difficulty",
    type=click.IntRange(EASIEST, HARDEST),
    default=2,
    show_default=True,
    help="Of one that is made.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("exercise.html"),
    show_default=True,
    help="The file.",
)
def practice(name: str | None, seed: int, difficulty: int, output: Path) -> None:
    """Write an exercise as one HTML file that opens as practice and needs no network."""
    one = exercise(name or seed, difficulty)
    try:
        one.save(output)
    except OSError as error:
        raise click.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from error
    click.echo(f"{output}: {one.graph.formula()}")
