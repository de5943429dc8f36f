"""Processes that must end well: a slice of the campaign, a storm of threads, sudden ends."""

import subprocess
import sys
import textwrap

import pytest


def run(*command, limit=300):
    found = subprocess.run(
        [sys.executable, "-X", "faulthandler", *command],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


def script(text, limit=300):
    return run("-c", textwrap.dedent(text), limit=limit)


def test_a_slice_of_the_campaign():
    text = run(
        "-m", "tests.run.native.fuzz", "--graphs", "100", "--seed", "1000000", "--slowest", "inf"
    )
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
        timeout=300,
        check=False,
    )
    assert found.returncode == 1
    assert found.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
