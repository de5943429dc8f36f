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


def together(functions: Sequence[Callable[..., Any]], *arguments: Any) -> None:
    """Call functions with the same arguments, side by side; the last one in this thread."""
    *others, own = functions
    waiting = [_pool().submit(function, *arguments) for function in others]
    own(*arguments)
    for one in waiting:
        one.result()
