"""Threads that compile, call, drop and collect graphs all at once.

``python -m tests.run.native.storm --seconds 60`` ends with code 0 where every result was right.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import sys
import threading
import time
import traceback
from collections.abc import Callable
from random import Random

import numpy as np

import chainrule as cr

X = np.linspace(-2.0, 2.0, 37)
LONG = np.linspace(0.1, 1.0, 70_000)

problems: list[str] = []


def expect(got: object, wanted: object) -> None:
    if not np.allclose(got, wanted, rtol=1e-12, atol=1e-12):
        raise AssertionError(f"{got} for {wanted}")


def formula(random: Random, shared: list) -> None:
    """A new graph of numbers, at one point and at many."""
    a, b = random.randrange(1, 50), random.randrange(1, 50)
    fast = cr.parse(f"sin({a}*x) * y + {b}*x*y").compile(budget=random.choice((0, 0.02)), threads=2)
    expect(fast(0.5, 2.0), np.sin(a * 0.5) * 2 + b)
    expect(fast(X, 2.0), np.sin(a * X) * 2 + b * X * 2)
    value, (by_x, _) = cr.parse(f"x^2*{a} + y").compile(gradient=True, budget=0)(3.0, 1.0)
    expect((value, by_x), (9 * a + 1, 6 * a))
    shared[random.randrange(len(shared))] = (fast, (0.25, 3.0), np.sin(a * 0.25) * 3 + b * 0.75)


def array(random: Random, shared: list) -> None:
    """A new graph of arrays."""
    a = random.randrange(1, 50)
    graph = cr.trace(lambda x: np.sum(np.tanh(x[1:] * a) - x[:-1]))(X)
    fast = graph.compile(budget=random.choice((0, 0.02)), gradient=random.random() < 0.3)
    found = fast(X)
    found = found[0] if isinstance(found, tuple) else found
    wanted = np.sum(np.tanh(X[1:] * a) - X[:-1])
    expect(found, wanted)
    shared[random.randrange(len(shared))] = (fast, (X,), None)


def mixed(random: Random, shared: list) -> None:
    """A graph in which NumPy does some of the work."""
    a = random.randrange(1, 50)
    fast = cr.trace(lambda x: np.cumsum(np.outer(x, x) @ x) + a)(X).compile(budget=0)
    expect(fast(X), np.cumsum(np.outer(X, X) @ X) + a)


def others(random: Random, shared: list) -> None:
    """Graphs of other threads."""
    for _ in range(50):
        kept = random.choice(shared)
        if kept is not None:
            fast, arguments, wanted = kept
            got = fast(*arguments)
            if wanted is not None:
                expect(got, wanted)
            str(fast.report())


@cr.jit
def common(x):
    return np.sum(np.sin(x) ** 2) * x


def jitted(random: Random, shared: list) -> None:
    x = X[: random.randrange(1, 37)]
    expect(common(x), np.sum(np.sin(x) ** 2) * x)
    if random.random() < 0.1:
        common.wait(0.01)


threaded = cr.trace(lambda x: np.exp(x) * 2 + np.sum(x))(LONG).compile(threads=2)


def long(random: Random, shared: list) -> None:
    """A loop that two threads share, in four threads at once."""
    out = np.empty_like(LONG)
    threaded(LONG, out=out)
    expect(out, np.exp(LONG) * 2 + np.sum(LONG))


def drop(random: Random, shared: list) -> None:
    shared[random.randrange(len(shared))] = None
    if random.random() < 0.2:
        gc.collect()


WORK: tuple[Callable[[Random, list], None], ...] = (
    formula, array, mixed, others, others, jitted, long, drop,
)  # fmt: skip


def worker(number: int, shared: list, end: float, counts: list[int]) -> None:
    random = Random(number)
    while time.monotonic() < end and not problems:
        try:
            random.choice(WORK)(random, shared)
        except Exception:
            problems.append(traceback.format_exc())
        counts[number] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    faulthandler.enable()
    faulthandler.dump_traceback_later(options.seconds + 60, exit=True)
    shared: list = [None] * 16
    counts = [0] * options.threads
    end = time.monotonic() + options.seconds
    threads = [
        threading.Thread(target=worker, args=(number, shared, end, counts))
        for number in range(options.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(problems))
    print(f"{sum(counts)} pieces of work in {options.threads} threads")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
