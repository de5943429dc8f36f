"""Threads that share the work of one call; they are made when they are first needed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chainrule import forks
from chainrule.late import Late

if TYPE_CHECKING:
    from concurrent import futures
    from concurrent.futures import ThreadPoolExecutor
else:
    futures = Late("concurrent.futures")


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return futures.ThreadPoolExecutor(os.cpu_count() or 1, "chainrule")


forks.in_child(_pool.cache_clear)  # a forked process has none of these threads


def together(functions: Sequence[Callable[..., Any]], *arguments: Any, keep: object) -> None:
    """Call functions with the same arguments, side by side; the last one in this thread.

    An error, as that of Ctrl-C, goes on when all functions have ended; a second Ctrl-C at once.

    Args:
        functions: What is called.
        arguments: The arguments, such as addresses.
        keep: What holds the memory that the functions work on; it lives until the last has ended.
    """
    *others, own = functions
    waiting: list[Any] = []
    try:
        waiting += [_pool().submit(_run, function, arguments, keep) for function in others]
        own(*arguments)
        for one in waiting:
            one.result()
    except BaseException:
        futures.wait(waiting)
        raise


def _run(function: Callable[..., Any], arguments: Sequence[Any], keep: object) -> None:  # noqa: ARG001 - held
    function(*arguments)
