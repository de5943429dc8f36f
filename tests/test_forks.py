"""Processes that fork while other threads hold locks, import, and make machine code."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of Unix")

START = """
    import gc, os, signal, sys, threading, warnings

    import numpy as np
    import chainrule as cr
    from chainrule import forks

    warnings.simplefilter("ignore")  # Python 3.12 warns of forks with threads

    def forked(function):
        '''What a forked process says in the end: 0 where this function returned there.'''
        child = os.fork()
        if child:
            return os.waitpid(child, 0)[1]
        signal.alarm(200)
        try:
            function()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)

    def other(function):
        '''Another thread that is inside of what this function is a context of.'''
        entered, leave = threading.Event(), threading.Event()
        def run():
            with function():
                entered.set()
                leave.wait()
        thread = threading.Thread(target=run)
        thread.start()
        entered.wait()
        return thread, leave
"""


def script(text, folder):
    found = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            textwrap.dedent(START) + textwrap.dedent(text),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "CHAINRULE_CACHE": str(folder / "cache")},
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


def test_locks_of_other_threads_are_open(tmp_path):
    text = """
    held, own = forks.lock(), forks.lock()
    thread, leave = other(lambda: held)

    def child():
        assert held.acquire(timeout=60)
        own.release()
        assert own.acquire(timeout=60)

    with own:
        print(forked(child))
    print(held.acquire(blocking=False))
    leave.set()
    thread.join()
    """
    assert script(text, tmp_path) == "0\nFalse\n"


def test_pauses_of_other_threads_end(tmp_path):
    text = """
    from chainrule.graph.collector import collector_paused

    thread, leave = other(collector_paused)

    def child():
        assert gc.isenabled()
        with collector_paused():
            assert not gc.isenabled()
        assert gc.isenabled()

    print(forked(child), gc.isenabled())
    leave.set()
    thread.join()
    print(gc.isenabled())
    """
    assert script(text, tmp_path) == "0 False\nTrue\n"


def test_a_fork_waits_for_a_turn_and_comes_before_the_next_one(tmp_path):
    """A module that another thread imports in its turn is there in the forked process."""
    (tmp_path / "slow.py").write_text("import builtins\nbuiltins.begin()\ndone = True\n")
    text = f"""
    import builtins, time
    sys.path.insert(0, {str(tmp_path)!r})
    turn, begun, said = forks.Turn(), threading.Event(), []

    def begin():
        begun.set()
        time.sleep(0.2)

    def run():
        with turn:
            import slow
            said.append("imported")
        with turn:
            said.append("next")

    builtins.begin = begin
    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()

    def child():
        import slow
        assert slow.done
        assert said == ["imported"]
        with turn:
            pass

    print(forked(child))
    thread.join()
    print(said)
    """
    assert script(text, tmp_path) == "0\n['imported', 'next']\n"


def test_code_in_the_making_goes_on_in_a_forked_process(tmp_path):
    text = """
    def function(x):
        for at in range(60):
            x = np.cumsum(np.sin(x) * at + x * 2)
        return x

    x = np.ones(50)
    fast = cr.trace(function)(x).compile(budget=0)
    small = cr.parse("sin(x)*y").compile(budget=0, threads=2)
    long = np.linspace(0.0, 1.0, 10_000)
    ready = cr.parse("cos(x)*y").compile(budget=60, threads=2)
    ready(long, 2.0)

    def check():
        for one in (ready, small):
            one.wait(60)
            one(long, 2.0)
        new = cr.trace(lambda x: np.sum(x * x))(x).compile(budget=60)
        assert (new(x), new.report().tier) == (50.0, "optimised")
        assert fast(x).shape == (50,)
        assert fast.wait(60).report().tier == "optimised"

    print(forked(check))
    check()
    """
    assert script(text, tmp_path) == "0\n"


FIRST = """
    def child():
        new = cr.parse("cos(x)*y + 2").compile(budget=60).wait()
        assert new.report().tier == "optimised"
        fast.wait()
        assert abs(fast(0.5, 2.0) - 2 * np.sin(0.5)) < 1e-15
        assert gc.isenabled()

    fast = cr.parse("sin(x)*y").compile(budget=0)
"""


@pytest.mark.parametrize("seconds", [0, 0.004, 0.01, 0.02, 0.04])
def test_forks_while_first_code_is_made(tmp_path, seconds):
    """That is when modules are imported and LLVM is loaded, by the thread aside."""
    script("cr.parse('x').compile(budget=60)", tmp_path)  # so that it is not loaded at once
    text = (
        FIRST
        + f"""
    import time
    time.sleep({seconds})
    print(forked(child))
    child()
    """
    )
    assert script(text, tmp_path) == "0\n"


def test_many_forks_while_code_is_made(tmp_path):
    text = (
        FIRST
        + """
    kept = [cr.parse(f"sin({at}*x)*y").compile(budget=0) for at in range(40)]
    print({forked(child) for _ in range(20)})
    """
    )
    assert script(text, tmp_path) == "{0}\n"


@pytest.mark.parametrize("kind", ["futures", "pool"])
def test_pools_of_processes(tmp_path, kind):
    """As people use them: functions that call what is compiled, and compile more."""
    text = """
    import concurrent.futures, multiprocessing

    kept = [cr.parse(f"sin({at}*x)*y").compile(budget=0) for at in range(20)]

    @cr.jit
    def common(x):
        return np.sum(np.sin(x) ** 2) * x

    common(np.ones(3))

    def work(at):
        found = kept[at].wait()(0.5, 2.0), cr.parse(f"x + {at}").compile(budget=60)(1.0)
        common.wait()
        common(np.ones(3 + at % 3))
        return found

    def check(found):
        for at, (sine, sum) in enumerate(found):
            assert abs(sine - 2 * np.sin(0.5 * at)) < 1e-14
            assert sum == 1 + at

    fork = multiprocessing.get_context("fork")
    """
    text += {
        "futures": """
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=fork) as pool:
        check(pool.map(work, range(20)))
    """,
        "pool": """
    with fork.Pool(3) as pool:
        check(pool.map(work, range(20)))
    """,
    }[kind]
    script(text, tmp_path)
