"""The ``chainrule`` command. Exit codes: 0 ok, 1 a finding, 2 bad input, 3 a limit."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

import click
from click.shell_completion import get_completion_class
from rich.console import Console
from rich.text import Text

from chainrule import __version__
from chainrule.api.graph import Graph
from chainrule.api.record import Record
from chainrule.api.sources import parse
from chainrule.errors import ChainruleError, EvaluationError, LimitError
from chainrule.formula.names import canonical
from chainrule.graph.types import DTYPES
from chainrule.show.numbers import number, plain
from chainrule.show.table import Table
from chainrule.show.terminal import rich_table

BAD_INPUT: Final = 2
LIMIT: Final = 3
INTERRUPTED: Final = 130  # as shells count SIGINT and SIGPIPE
BROKEN_PIPE: Final = 141
JSON_VERSION: Final = 1
UNFOLDED: Final = 10_000

_EXAMPLES: Final = """\b
Examples:
  chainrule show "(x+y)*(x+1)" x=2 y=1
  chainrule show "sigmoid(w*x + b)" w=0.5 x=3 b=-1 --parameters "w b"
  chainrule show "a = x + y; f = a * x" x=3 y=2 --wrt x
  chainrule show "sin(x^2)" "x=sqrt(pi/2)" --format latex
  chainrule show "exp(-x^2)" x=0,0.25,0.5 --format json
  echo "x^2 + sin(x^2)" | chainrule show - x=0.7"""


class _Commands(click.Group):
    """Turns our errors into one message on standard error and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LimitError as error:
            _fail(error, LIMIT)
        except (ChainruleError, UnicodeError) as error:
            _fail(error, BAD_INPUT)


def _fail(error: Exception, code: int) -> NoReturn:
    click.echo(str(error), err=True)
    sys.exit(code)


def run() -> None:
    """The command as installed: `main`, and calm about streams that are closed, full or broken."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        if sys.stdout is None:
            sys.exit(BAD_INPUT)
        code = main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except OSError as error:
        # Nobody reads on, or nothing can be written: Python must not try again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = BROKEN_PIPE if isinstance(error, BrokenPipeError) else BAD_INPUT
    sys.exit(code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["--help"]})
@click.version_option(__version__, prog_name="chainrule")
def main() -> None:
    """Write a formula, see its computation graph, follow every value and derivative through it."""


@main.command(
    # So that a formula may start with a minus: options have long names only, `-x^2` is none.
    context_settings={"ignore_unknown_options": True},
    epilog=_EXAMPLES,
)
@click.argument("formula")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--parameters", default="", help="Names of learnable numbers, such as 'w b'.")
@click.option("--inputs", default=None, help="Names of inputs, in order; others are then unknown.")
@click.option("--abstract", default="", help="Names of functions without a definition.")
@click.option("--single-letters", is_flag=True, help="Read awx as a*w*x.")
@click.option("--dtype", type=click.Choice(DTYPES[:2]), default="float64", help="Of all leaves.")
@click.option("--wrt", multiple=True, help="Also forward mode with respect to this leaf.")
@click.option("--of", default=None, help="Node to differentiate; needed with several outputs.")
@click.option(
    "--table",
    "kinds",
    multiple=True,
    type=click.Choice(["forward", "backward", "forward-mode"]),
    help="Only these tables.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["rich", "text", "json", "csv", "latex"]),
    default="rich",
    help="How to write; rich is for people, coloured on a terminal unless NO_COLOR is set.",
)
@click.option("--digits", type=click.IntRange(1, 17), default=6, help="Significant digits shown.")
def show(
    formula: str,
    values: tuple[str, ...],
    parameters: str,
    inputs: str | None,
    abstract: str,
    single_letters: bool,
    dtype: str,
    wrt: tuple[str, ...],
    of: str | None,
    kinds: tuple[str, ...],
    form: str,
    digits: int,
) -> None:
    """Show the value, the gradient and every step on the way to them.

    FORMULA is text such as "(x+y)*(x+1)", or - to read it from standard input. Each VALUE is a
    number, a constant expression such as pi/4, or several with commas between: many points.
    """
    graph = parse(
        _source(formula),
        inputs=inputs,
        parameters=parameters,
        abstract=abstract,
        single_letters=single_letters,
        dtype=dtype,
    )
    given = _values(values)
    if any(node.op.name == "abstract" for node in graph.dag.order) and not given:
        _WRITERS[form]([graph.table()], _structure(graph), digits)
        return
    if wrt and kinds and "forward-mode" not in kinds:
        raise click.UsageError("--wrt is for the forward-mode table")
    record = graph.at(**given)
    one = graph.dag.outputs[0] if len(graph.dag.outputs) == 1 else None
    derivatives = of is not None or (one is not None and one.type.is_float)
    if not kinds:
        backward = ("backward",) if derivatives else ()
        kinds = ("forward", *backward, *(("forward-mode",) if wrt else ()))
    summary = _summary(graph, record)
    if derivatives:
        summary["gradient"] = {of or graph.outputs[0]: record.gradient_of(of)}
    elif one is None:
        summary["hint"] = f"for derivatives choose an output: --of {' or '.join(graph.outputs[:8])}"
    _WRITERS[form](_tables(record, kinds, wrt, of, digits), summary, digits)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  chainrule completion bash >> ~/.bashrc
    zsh:   chainrule completion zsh >> ~/.zshrc
    fish:  chainrule completion fish > ~/.config/fish/completions/chainrule.fish
    """
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "chainrule", "_CHAINRULE_COMPLETE").source())


# --- what goes in -------------------------------------------------------------------------------


def _source(formula: str) -> str:
    if formula != "-":
        return formula
    if sys.stdin is None:
        raise click.UsageError("there is no standard input to read")
    return sys.stdin.buffer.read().decode("utf-8-sig")


def _values(pairs: Sequence[str]) -> dict[str, Any]:
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
    """The value of a constant expression such as ``sqrt(pi/2)``, or of several with commas."""
    graph = parse(text)
    if graph.arguments:
        raise EvaluationError("E303", f"{name!r} must be a number, got {text!r}")
    value = graph()
    return list(value) if isinstance(value, tuple) else value


# --- what comes out -----------------------------------------------------------------------------


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


def _summary(graph: Graph, record: Record) -> dict[str, Any]:
    """The formula and the values, as data."""
    return {
        "formula": graph.formula(),
        "arguments": {name: record[name].value for name in graph.arguments},
        "value": dict(zip(graph.outputs, record.outputs, strict=True)),
    }


def _structure(graph: Graph) -> dict[str, Any]:
    """What can be said of a graph without values."""
    return {
        "formula": graph.formula(),
        "paths": {
            node.name: count for node, count in graph.dag.path_counts(graph.dag.inputs).items()
        },
    }


def _write_people(tables: Sequence[Table], summary: dict[str, Any], digits: int) -> None:
    # Away from a terminal nothing says how wide a line may be: no cell is folded.
    terminal = sys.stdout.isatty()
    width = None if terminal else UNFOLDED
    console = Console(highlight=False, width=width, soft_wrap=not terminal)
    console.print(Text(summary["formula"], style="bold"))
    for table in tables:
        console.print()
        console.print(rich_table(table))
    console.print()
    for line, style in _closing_lines(summary, digits):
        console.print(Text(line, style=style))


def _write_text(tables: Sequence[Table], summary: dict[str, Any], digits: int) -> None:
    blocks = [summary["formula"], *(table.text() for table in tables)]
    blocks.append("\n".join(line for line, _ in _closing_lines(summary, digits)))
    click.echo("\n\n".join(blocks))


def _closing_lines(summary: dict[str, Any], digits: int) -> list[tuple[str, str]]:
    lines = [
        (f"{name} = {number(value, digits)}", "green")
        for name, value in summary.get("value", {}).items()
    ]
    for output, gradient in summary.get("gradient", {}).items():
        lines += [
            (f"∂{output}/∂{name} = {number(value, digits)}", "red")
            for name, value in gradient.items()
        ]
    lines += [
        (f"{count} path{'' if count == 1 else 's'} from {name}", "")
        for name, count in summary.get("paths", {}).items()
    ]
    if "hint" in summary:
        lines.append((summary["hint"], "dim"))
    return lines


def _write_json(tables: Sequence[Table], summary: dict[str, Any], digits: int) -> None:
    data = {
        "format": "chainrule show",
        "version": JSON_VERSION,
        **_plain({key: value for key, value in summary.items() if key != "hint"}),
        "tables": [table.data() for table in tables],
    }
    click.echo(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2))


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return plain(data)


def _write_csv(tables: Sequence[Table], summary: dict[str, Any], digits: int) -> None:
    click.echo("\r\n".join(table.csv() for table in tables), nl=False)


def _write_latex(tables: Sequence[Table], summary: dict[str, Any], digits: int) -> None:
    click.echo("\n".join(table.latex() for table in tables), nl=False)


_WRITERS: Final[dict[str, Callable[[Sequence[Table], dict[str, Any], int], None]]] = {
    "rich": _write_people,
    "text": _write_text,
    "json": _write_json,
    "csv": _write_csv,
    "latex": _write_latex,
}
