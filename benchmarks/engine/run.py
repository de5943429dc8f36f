"""One process for each contender; they take turns, round by round, so that noise meets all."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engine.reference import Result, reference
from benchmarks.engine.rows import OURS, Contender, Row
from benchmarks.engine.works import BOTH, VALUE, Case

ROOT = Path(__file__).parent.parent.parent
ROUND = 0.003
"""Seconds of a round, at least one call."""
ROUND_OF_THREADS = 0.024
"""Seconds of a round on several threads, which have to be awake on cores of their own."""
REST = 0.02
"""Seconds before a turn on several threads: those of OpenMP spin for a while after their work."""
PATIENCE = 60.0
"""Seconds of all rounds of a case; then what there is must do (three rounds at least)."""
TOLERANCE = {"a": 1e-14, "b": 1e-12, "c": 1e-12, "d": 1e-10, "f": 1e-12}
"""How far a result may be from the reference, in parts of the largest number."""


@dataclass
class Measured:
    """What one contender showed in one case; ``why`` says why there is nothing."""

    contender: Contender
    why: str = ""
    build: float = 0.0
    first: float = 0.0
    wait: float = 0.0
    distance: float = 0.0
    rounds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        """Whether it was measured."""
        return not self.why

    @property
    def warm(self) -> float:
        """Seconds of a call, the median."""
        return statistics.median(self.rounds[BOTH])

    @property
    def to_first(self) -> float:
        """Seconds from nothing to the first gradient."""
        return self.build + self.first

    @property
    def over_function(self) -> float | None:
        """Value and gradient over the function alone."""
        alone = self.rounds.get(VALUE)
        return None if not alone else _ratio(self.rounds[BOTH], alone)

    def over(self, other: Measured) -> float:
        """This one's time over the other's, round by round."""
        return _ratio(self.rounds[BOTH], other.rounds[BOTH])


def _ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))


class _LateError(Exception):
    """No answer in time."""


class _Process:
    """A worker, in a folder and a process group of its own."""

    def __init__(self, folder: Path, threads: int, command: Sequence[str] = ()) -> None:
        self.folder = folder
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        each = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
        caches = ("CHAINRULE_CACHE", "XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")
        changed = {
            "PYTHONPATH": path,
            "PYTHONHASHSEED": "0",
            **dict.fromkeys(each, str(threads)),
            **dict.fromkeys(caches, str(folder / "cache")),
        }
        if threads == 1:
            changed["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self.errors = folder / "errors.txt"
        with self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, sys.executable, "-m", "benchmarks.engine.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={**os.environ, **changed},
                start_new_session=True,
            )

    def ask(self, limit: float, **question: Any) -> dict[str, Any]:
        """The answer, or `_LateError`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return {"error": "the process ended"}
        if not select.select([self._process.stdout], [], [], limit)[0]:
            raise _LateError
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the process ended"}
        return answer

    def end(self) -> None:
        """Stop it, and the compilers it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def process(threads: int, command: Sequence[str] = ()) -> Iterator[_Process]:
    """A worker that ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = _Process(Path(folder), threads, command)
        try:
            yield made
        finally:
            made.end()


def run_case(row: Row, case: Case, contenders: Sequence[Contender], limit: float) -> list[Measured]:
    """Build all, one after the other; then measure all, in turn."""
    found = [Measured(contender) for contender in contenders]
    wanted = (BOTH, VALUE) if row.alone else (BOTH,)
    right = reference(case)
    with ExitStack() as stack:
        workers = {}
        for each in found:
            if case.size > each.contender.most:
                each.why = "not tried"
                continue
            worker = stack.enter_context(process(case.threads))
            try:
                _build(each, worker, case, wanted, right, limit)
                workers[each.contender.key] = worker
            except _LateError:
                each.why = f"more than {limit:g} s"
            if not each.there:
                worker.end()
        begin = time.monotonic()
        for turn in range(row.rounds):
            if turn >= 3 and time.monotonic() - begin > PATIENCE:
                break
            for each in found:
                if each.there:
                    _turn(each, workers[each.contender.key], case.threads, limit)
    return found


def _build(
    each: Measured,
    worker: _Process,
    case: Case,
    wanted: Sequence[str],
    right: Result,
    limit: float,
) -> None:
    """Both functions of a contender; the result checked."""
    contender = each.contender
    answer = worker.ask(
        120, do="load", peer=contender.peer, way=contender.way, case=dataclasses.asdict(case)
    )
    for what in wanted:
        if "missing" in answer:
            each.why = "not installed"
        elif "unfit" in answer:
            each.why = answer["unfit"]
        elif "error" in answer:
            each.why = f"fails: {answer['error'].splitlines()[0][:80]}"
        if each.why:
            return
        path = str(worker.folder / what)
        answer = worker.ask(limit, do="build", what=what, save=path)
        if what == BOTH and "build" in answer:
            each.build, each.first, each.wait = (answer[k] for k in ("build", "first", "wait"))
            saved = [Path(f"{path}{more}.npz") for more in ("", "-again")]
            each.distance = max(_load(p).distance(right) for p in saved if p.exists())
            if not each.distance <= TOLERANCE[case.row]:
                each.why = f"wrong numbers: off by {each.distance:.1g}"
                return
    if "error" in answer:
        each.why = f"fails: {answer['error'].splitlines()[0][:80]}"
    each.rounds = {what: [] for what in wanted}


def _load(path: Path) -> Result:
    with np.load(path) as saved:
        count = sum(name.startswith("d") for name in saved)
        return Result(saved.get("value"), tuple(saved[f"d{i}"] for i in range(count)))


def _turn(each: Measured, worker: _Process, threads: int, limit: float) -> None:
    """A round; on several threads one before it that does not count, in which they wake up."""
    seconds = ROUND if threads == 1 else ROUND_OF_THREADS
    if threads > 1:
        time.sleep(REST)
    for what, times in each.rounds.items():
        try:
            for _ in range(min(threads, 2)):
                answer = worker.ask(limit, do="measure", what=what, seconds=seconds)
        except _LateError:
            answer = {"error": "too late"}
        if "seconds" not in answer:
            each.why = f"fails: {answer['error']}"
            return
        times.append(answer["seconds"])


def chosen(row: Row, peers: Collection[str] | None) -> list[Contender]:
    """chainrule, and the peers asked for."""
    return [c for c in row.contenders if c.peer == OURS or peers is None or c.peer in peers]
