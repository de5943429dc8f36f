"""What must hold when the process forks.

A forked process has one thread, that which forked. Locks that other threads held would stay closed
there for ever, modules that they were importing would never be ready. So locks of this package are
made by `lock`, and are open in a forked process; and long work of other threads is done in turns
(`Turn`), in between which a fork may come: then nothing is half done.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final

_CAN_FORK: Final = hasattr(os, "register_at_fork")
_locks: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
_turns: Final[list[Turn]] = []
_awaited: Final[list[AbstractContextManager[Any]]] = []
_taken: Final[list[ExitStack]] = []
"""What the fork that is under way has taken."""


def lock() -> threading.RLock:
    """A lock that is open in a forked process, unless the thread that forked holds it.

    It is for what is never left half changed where a thread may be interrupted: tables whose
    entries are made first and then put in.
    """
    made = threading.RLock()
    _locks.add(made)
    return made


def wait_for(held: AbstractContextManager[Any]) -> None:
    """Have forks wait until nobody else is inside. Such locks are taken last, in order."""
    _awaited.append(held)


class Turn:
    """Entered for a piece of work that no fork may cut in two.

    A fork that waits comes before the next piece of work.
    """

    def __init__(self) -> None:
        self._door = threading.RLock()
        self._inside = threading.RLock()
        _turns.append(self)

    def __enter__(self) -> None:
        with self._door:
            self._inside.acquire()

    def __exit__(self, *_: object) -> None:
        self._inside.release()

    def take(self, taken: ExitStack) -> None:
        """Keep everybody out, and wait until nobody is inside."""
        taken.enter_context(self._door)
        taken.enter_context(self._inside)


def in_child(function: Callable[[], None]) -> Callable[[], None]:
    """Have this called in forked processes."""
    if _CAN_FORK:
        os.register_at_fork(after_in_child=function)
    return function


def _before() -> None:
    taken = ExitStack()
    for turn in _turns:
        turn.take(taken)
    for held in _awaited:
        taken.enter_context(held)
    _taken.append(taken)


def _after_in_parent() -> None:
    _taken.pop().close()


def _after_in_child() -> None:
    for made in _locks:
        if not made._is_owned():  # noqa: SLF001 - as the standard library does
            made._at_fork_reinit()  # noqa: SLF001
    _taken.pop().close()


if _CAN_FORK:
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
