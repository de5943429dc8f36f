"""Computations that are slow, large or fatal: each gets its answer, and the next one works."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest

from tests.app.serving import TOKEN, Serving, ends

needs_memory_bound = pytest.mark.skipif(os.name == "nt", reason="no limits on memory")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    with Serving(folder, rate=1e6, burst=10**6, waiting=100) as serving:
        yield serving


@pytest.mark.parametrize(
    ("source", "status", "code", "words"),
    [
        pytest.param("allocate", 422, "E512", "more than 2048 MiB", marks=needs_memory_bound),
        ("abort", 500, "E515", "ended the process"),
        ("exit", 500, "E515", "ended the process"),
        ("recurse", 422, "E514", "nests too deeply"),
        ("nest", 422, "E514", "nests too deeply"),
        ("large", 422, "E513", "larger than 5242880 bytes"),
        ("fail", 500, "E516", "the computation failed: ZeroDivisionError"),
        ("infinite", 500, "E516", "ValueError"),
    ],
)
def test_what_fails_says_so_and_the_next_works(server, source, status, code, words):
    answer = server.compute(source)
    assert (answer.status, answer.code) == (status, code)
    assert words in answer.json["error"]["message"]
    assert b"secret" not in answer.body
    assert server.compute("x").status == 200


def test_what_takes_too_long_is_stopped(tmp_path):
    with Serving(tmp_path, seconds=1) as server:
        for source in ("sleep 60", "spin"):
            before = server.compute("x").json["process"]
            answer = server.compute(source)
            assert (answer.status, answer.code) == (422, "E511")
            assert answer.json["error"]["message"] == "this takes longer than 1 seconds"
            assert ends(before)
        assert server.compute("x").status == 200


def test_what_a_job_prints_is_no_answer(server):
    answer = server.compute("print")
    assert (answer.status, answer.json["read"]) == (200, "")


def test_many_requests_at_once_get_each_its_own_answer(server):
    def rest(number: int) -> str:
        return server.compute(f"number {number}").json["asked"]["rest"]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(rest, range(60))) == [str(number) for number in range(60)]


def test_fatal_ones_between_others_harm_nobody(server):
    sources = ["x", "abort", "fail", "x", "recurse", "exit", "x"]
    with ThreadPoolExecutor(7) as pool:
        found = [answer.status for answer in pool.map(server.compute, sources)]
    assert found == [200, 500, 500, 200, 422, 500, 200]


def test_a_worker_that_is_killed_while_it_waits_is_replaced(server):
    before = server.compute("x").json["process"]
    psutil.Process(before).kill()
    assert ends(before)
    answer = server.compute("x")
    assert (answer.status, answer.json["process"] != before) == (200, True)


def test_a_worker_ignores_the_keyboard(server):
    process = server.compute("x").json["process"]
    os.kill(process, signal.SIGINT)
    assert server.compute("x").json["process"] == process


def leave(server: Serving, source: str) -> None:
    """Ask, and go away before the answer comes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    body = json.dumps({"source": source})
    connection.request("POST", f"/{TOKEN}/api/content", body, {"content-type": "application/json"})
    connection.close()


def test_nobody_waits_for_what_nobody_wants_any_more(tmp_path):
    with Serving(tmp_path, seconds=600, grace=0.1) as server:
        before = server.compute("x").json["process"]
        leave(server, "spin")
        assert server.compute("x").json["process"] != before


def test_what_soon_ends_may_end(tmp_path):
    with Serving(tmp_path, grace=600) as server:
        before = server.compute("x").json["process"]
        leave(server, "sleep 0.1")
        assert server.compute("x").json["process"] == before


def test_too_many_that_wait_are_sent_away(tmp_path):
    with Serving(tmp_path, waiting=1, seconds=1) as server:
        server.compute("x")
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(server.compute, ["spin"] * 8))
        codes = {answer.code for answer in answers}
        assert codes == {"E506", "E511"}
        busy = next(answer for answer in answers if answer.code == "E506")
        assert (busy.status, busy.headers["retry-after"]) == (503, "1")
        assert server.compute("x").status == 200


def test_workers_that_do_not_start_are_an_error_not_a_silence(tmp_path):
    with Serving(tmp_path, {"content": "no.such.module:content"}) as server:
        answer = server.compute("x")
    assert (answer.status, answer.code) == (503, "E517")


def test_no_worker_outlives_the_server(tmp_path):
    before = set(psutil.Process().children(recursive=True))
    with Serving(tmp_path, seconds=600) as server:
        server.compute("x")
        thread = threading.Thread(target=_ask_in_vain, args=(server,))
        thread.start()
        assert set(psutil.Process().children(recursive=True)) - before
    thread.join()
    assert not set(psutil.Process().children(recursive=True)) - before


def _ask_in_vain(server: Serving) -> None:
    with suppress(http.client.HTTPException, OSError):
        server.compute("spin")
