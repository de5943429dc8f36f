"""A server for tests: the real one, on a real port, with jobs that are stood in for.

As a program (``python -m tests.app.serving …``) it is ``chainrule serve …`` with these jobs.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from chainrule.app import cli
from chainrule.app.server import running
from chainrule.app.server.application import application
from chainrule.app.server.jobs import JOBS
from chainrule.app.server.limits import Limits
from tests.app import stand_in

TOKEN = "the-token"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the error that it is."""
        return self.json["error"]["code"]


def ends(process: int) -> bool:
    """Whether a process is gone, or soon is."""
    deadline = time.monotonic() + 120
    while psutil.pid_exists(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not psutil.pid_exists(process)


class Serving:
    """A server that runs in a thread of this process."""

    def __init__(
        self, folder: Path, jobs: dict[str, str] = stand_in.JOBS, workers: int = 1, **limits: Any
    ) -> None:
        bounds = Limits(workers=workers, **limits)
        listener = running.listen(0)
        self.port = listener.getsockname()[1]
        page = application(self.port, TOKEN, jobs, folder, bounds)
        self._server = running.server(page, bounds)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))

    def __enter__(self) -> Serving:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(120)
        assert not self._thread.is_alive()

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """What a path below the token gives."""
        return self.send(method, f"/{TOKEN}/{path}", headers=headers)

    def compute(self, source: str, job: str = "content", **more: Any) -> Answer:
        """What a job gives for a formula."""
        return self.post(json.dumps({"source": source, **more}), job)

    def post(self, body: str | bytes, job: str = "content", **headers: str) -> Answer:
        headers = {"content-type": "application/json", **headers}
        return self.send("POST", f"/{TOKEN}/api/{job}", body, headers)

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        names = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        connection.request(method, path, body, names)
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found


if __name__ == "__main__":
    JOBS.update(stand_in.JOBS)
    sys.argv[0] = "chainrule"
    cli.run()
