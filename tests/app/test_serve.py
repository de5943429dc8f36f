"""The command ``chainrule serve``: how it starts, and how everything ends with it."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import webbrowser
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from chainrule.app import serve
from chainrule.app.cli import main
from chainrule.app.server import running
from chainrule.late import Late
from tests.app.serving import ends

ROOT = Path(__file__).parents[2]


@contextmanager
def command(*options: str):
    """A server as a program of its own, and the address that it prints."""
    path = [str(ROOT), *filter(None, sys.path)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.app.serving", "serve", "--no-browser", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(path)},
        cwd="/",
    ) as process:
        try:
            line = process.stdout.readline()
            address = re.fullmatch(r"The page: http://127\.0\.0\.1:(\d+)(/[\w-]{43}/)\n", line)
            assert address, line + process.stderr.read()
            assert process.stdout.readline() == "Ctrl-C stops it.\n"
            yield process, int(address[1]), address[2]
        finally:
            process.kill()


def compute(port: int, path: str, source: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    body = f'{{"source": "{source}"}}'
    connection.request("POST", f"{path}api/content", body, {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def ask_and_do_not_wait(port: int, path: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    kind = {"content-type": "application/json"}
    connection.request("POST", f"{path}api/content", '{"source": "spin"}', kind)
    return connection


def workers(process: subprocess.Popen) -> list[int]:
    return [child.pid for child in psutil.Process(process.pid).children(recursive=True)]


def test_ctrl_c_ends_it():
    with command("--workers", "1", "--seconds", "600") as (process, port, path):
        assert compute(port, path, "x") == 200
        assert compute(port, path, "fail") == 500
        waiting = ask_and_do_not_wait(port, path)
        ends_well(process, signal.SIGINT)
        waiting.close()


def test_it_ends_before_it_is_ready():
    with command("--workers", "1") as (process, _, _):
        ends_well(process, signal.SIGTERM)


def ends_well(process: subprocess.Popen, number: signal.Signals) -> None:
    """A signal leaves nothing behind: no word, no worker."""
    before = workers(process)
    process.send_signal(number)
    assert process.wait(120) == 0
    assert process.stdout.read() == process.stderr.read() == ""
    assert all(map(ends, before))


def test_only_when_asked_to_it_says_what_failed_inside():
    with command("--workers", "1", "--verbose") as (process, port, path):
        assert compute(port, path, "fail") == 500
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert "ZeroDivisionError: secret" in said
    assert path not in said


def test_workers_end_when_it_is_killed():
    """Those that wait, and those that compute."""
    with command("--workers", "2", "--seconds", "600") as (process, port, path):
        assert compute(port, path, "x") == 200
        waiting = ask_and_do_not_wait(port, path)
        before = workers(process)
        assert len(before) == 2
        process.kill()
        process.wait(120)
        assert all(map(ends, before))
        waiting.close()


def test_two_run_side_by_side():
    with command("--workers", "1") as first, command("--workers", "1") as second:
        for (_, port, path), (_, _, other) in ((first, second), (second, first)):
            assert compute(port, path, "x") == 200
            assert compute(port, other, "x") == 404
        for process, port, _ in (first, second):
            found = psutil.Process(process.pid).net_connections("inet")
            listening = [tuple(one.laddr) for one in found if one.status == psutil.CONN_LISTEN]
            assert listening == [("127.0.0.1", port)]
        taken = first[1]
        result = CliRunner().invoke(main, ["serve", "--no-browser", "--port", str(taken)])
        assert result.exit_code == 2
        assert f"{taken}: Address already in use" in result.output


def test_the_body_of_an_answer_does_not_wait_for_its_headers_to_be_acknowledged():
    with running.listen(0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_can_listen_on_this_machine_only():
    assert "--host" not in CliRunner().invoke(main, ["serve", "--help"]).output


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_its_extra_it_says_what_to_install(missing, monkeypatch):
    for name in ("application", "running"):
        monkeypatch.delitem(sys.modules, f"chainrule.app.server.{name}", raising=False)
        monkeypatch.setattr(serve, f"_{name}", Late(f"chainrule.app.server.{name}"))
    for name in [missing, *sys.modules]:
        if name.partition(".")[0] == missing:
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(socket, "create_server", None)
    result = CliRunner().invoke(main, ["serve", "--no-browser"])
    assert result.exit_code == 2
    assert result.output == (
        "E160 chainrule serve needs the extra 'web': pip install \"chainrule[web]\"\n"
    )


def test_it_opens_the_browser_at_its_address(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(serve, "_running", Running())
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 0, result.output
    assert [f"The page: {address}" for address in opened] == result.output.splitlines()[:1]


class Running:
    """`chainrule.app.server.running`, but nothing runs."""

    HOST = "127.0.0.1"

    def listen(self, port):
        return socket.create_server((self.HOST, port))

    def server(self, *_):
        return self

    def end_on_signals(self, serving):
        assert serving is self

    def run(self, sockets):
        sockets[0].close()


@pytest.mark.parametrize("options", [["--port", "80"], ["--seconds", "0"], ["--workers", "0"]])
def test_options_that_make_no_sense(options):
    assert CliRunner().invoke(main, ["serve", *options]).exit_code == 2
