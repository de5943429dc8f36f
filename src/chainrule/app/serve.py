"""``chainrule serve``: the page, on this machine only."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from pathlib import Path
from typing import Final

import click

from chainrule.app.options import examples
from chainrule.app.server.bounds import HAS_MEMORY_BOUND
from chainrule.app.server.jobs import JOBS
from chainrule.app.server.limits import MIB, Limits
from chainrule.errors import MissingExtraError
from chainrule.late import Late

_application = Late("chainrule.app.server.application")
_running = Late("chainrule.app.server.running")

_STANDARD: Final = Limits()
_FOLDER: Final = Path(__file__).parents[1] / "page" / "static"


@click.command(
    short_help="Open the page in the browser.",
    epilog=examples("serve", "serve --port 8000 --no-browser", "serve --seconds 30"),
)
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    default=None,
    help="Where to listen, on 127.0.0.1.  [default: any free port]",
)
@click.option("--browser/--no-browser", default=True, help="Whether the browser opens.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3600),
    default=_STANDARD.seconds,
    show_default=True,
    help="How long one computation may take.",
)
@click.option(
    "--memory",
    type=click.IntRange(512),
    default=_STANDARD.memory // MIB,
    show_default=True,
    help="MiB of memory for each worker, with Python and the libraries.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=_STANDARD.workers,
    show_default=True,
    help="How many computations run at once.",
)
@click.option("--verbose", is_flag=True, help="Write what fails inside, which may show formulas.")
def serve(
    port: int | None, browser: bool, seconds: float, memory: int, workers: int, verbose: bool
) -> None:
    """Serve the page to the browser of this machine, until Ctrl-C.

    The address has a secret in it: who does not know it gets nothing. Formulas are computed in
    processes of their own, within limits.
    """
    limits = Limits(seconds=seconds, memory=memory * MIB, workers=workers)
    try:
        application, server = _application.application, _running.server
    except ImportError:
        raise MissingExtraError("chainrule serve", "web") from None
    try:
        listener = _running.listen(port or 0)
    except OSError as error:
        raise click.BadParameter(f"{port}: {error.strerror}", param_hint="--port") from error
    number = listener.getsockname()[1]
    token = secrets.token_urlsafe(32)
    page = application(number, token, JOBS, _FOLDER, limits, verbose)
    address = f"http://{_running.HOST}:{number}/{token}/"
    serving = server(page, limits, verbose)
    _running.end_on_signals(serving)
    click.echo(f"The page: {address}\nCtrl-C stops it.")
    if not HAS_MEMORY_BOUND:
        click.echo("This system does not limit the memory of the workers.", err=True)
    if browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    serving.run(sockets=[listener])
