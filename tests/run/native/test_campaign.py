"""Processes that must end well: a slice of the campaign, a storm of threads, sudden ends, forks."""

import os
import subprocess
import sys
import textwrap

import pytest


def run(*command, limit=100):
    found = subprocess.run(
        [sys.executable, "-X", "faulthandler", *command],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


def script(text, limit=60):
    return run("-c", textwrap.dedent(text), limit=limit)


def test_a_slice_of_the_campaign():
    text = run("-m", "tests.run.native.fuzz", "--graphs", "100", "--seed", "1000000")
    assert " 0 findings" in text


def test_threads_that_compile_call_drop_and_collect():
    assert "in 8 threads" in run("-m", "tests.run.native.storm", "--seconds", "3")


LONG = """
    import numpy as np
    import chainrule as cr

    def function(x):
        for at in range(60):
            x = np.cumsum(np.sin(x) * at + x * 2)
        return x

    x = np.ones(50)
    graph = cr.trace(function)(x)
"""


@pytest.mark.parametrize("budget", [0, 0.1])
def test_the_interpreter_ends_while_code_is_made(budget):
    text = script(
        LONG
        + f"""
    kept = [graph.compile(budget={budget}), cr.parse("sin(x)").compile(budget=0)]
    print(kept[0](x).shape)
    """
    )
    assert text == "(50,)\n"


def test_the_interpreter_ends_with_an_error_while_code_is_made():
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LONG + "    graph.compile(budget=0)\n    1 / 0\n")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 1
    assert found.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of Unix")
def test_a_forked_process_calls_and_compiles():
    """Code in the making at the time is made anew; nothing waits for a lock of the other's."""
    text = script(
        LONG
        + """
    import os, sys, warnings

    warnings.simplefilter("ignore")  # Python 3.12 warns of forks with threads
    fast = graph.compile(budget=0)
    small = cr.parse("sin(x)*y").compile(budget=0, threads=2)
    long = np.linspace(0.0, 1.0, 10_000)
    ready = cr.parse("cos(x)*y").compile(budget=60, threads=2)
    ready(long, 2.0)
    child = os.fork()
    for one in (ready, small):
        one.wait(60)
        one(long, 2.0)
    new = cr.trace(lambda x: np.sum(x * x))(x).compile(budget=60)
    print(new(x), new.report().tier, fast(x).shape, fast.wait(60).report().tier, flush=True)
    if not child:
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    print("child", status)
    """
    )
    assert text.split("\n")[-2] == "child 0"
    assert text.count("50.0 optimised (50,) optimised") == 2
