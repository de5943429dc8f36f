"""The ``chainrule`` command. Exit codes: 0 ok, 1 a finding, 2 bad input, 3 a limit."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, Final, NoReturn

import click
from click.shell_completion import get_completion_class

from chainrule import __version__
from chainrule.app.compile import compile_formula
from chainrule.app.draw import draw
from chainrule.app.explain import cost, derive, paths, saved
from chainrule.app.learn import descend
from chainrule.app.practice import practice
from chainrule.app.serve import serve
from chainrule.app.show import show
from chainrule.app.verify import check
from chainrule.errors import ChainruleError, LimitError

BAD_INPUT: Final = 2
LIMIT: Final = 3
INTERRUPTED: Final = 130  # as shells count SIGINT and SIGPIPE
BROKEN_PIPE: Final = 141


class _Commands(click.Group):
    """Turns our errors into one message on standard error and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LimitError as error:
            _fail(error, LIMIT)
        except (ChainruleError, UnicodeError) as error:
            _fail(error, BAD_INPUT)
        except OSError as error:
            # From version 8.5 on, click has an answer of its own to pipes that nobody reads.
            raise _StreamError from error


class _StreamError(Exception):
    """A stream could not be read or written; its cause says why."""


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
    except (OSError, _StreamError) as error:
        # Nobody reads on, or nothing can be written: Python must not try again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        cause = error.__cause__ if isinstance(error, _StreamError) else error
        code = BROKEN_PIPE if isinstance(cause, BrokenPipeError) else BAD_INPUT
    sys.exit(code)


@click.group(cls=_Commands, context_settings={"help_option_names": ["--help"]})
@click.version_option(__version__, prog_name="chainrule")
def main() -> None:
    """Write a formula, see its computation graph, follow every value and derivative through it."""


for command in (
    show,
    draw,
    paths,
    derive,
    check,
    saved,
    cost,
    descend,
    compile_formula,
    serve,
    practice,
):
    main.add_command(command)


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
