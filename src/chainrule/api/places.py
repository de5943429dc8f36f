"""Where in the user's code something happens: the innermost frame that is not ours or NumPy's."""

from __future__ import annotations

import functools
import linecache
import os
import sys
import threading
from collections.abc import Iterator
from itertools import dropwhile, islice, takewhile
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import numpy as np
import scipy

from chainrule import errors
from chainrule.api.repairs import INDEX
from chainrule.errors import GraphError, Place, TracingError
from chainrule.graph.node import Node
from chainrule.ops.composite.table import LINALG

_HERE, _NUMPY, _SCIPY = (
    f"{Path(str(module.__file__)).parent}{os.sep}" for module in (errors, np, scipy)
)
_OURS: Final = (_HERE, _NUMPY, _SCIPY)
_MADE: Final = ("<partial derivative>", "<graph>", "<__array_function__ internals>")


class Recorder:
    """Where the nodes of one run of a function are made.

    Attributes:
        made: Node → file, line, and the frames of the user's code it was made in, innermost first.
        outer: The recorder of the run around this one.
    """

    def __init__(self, root: FrameType, outer: Recorder | None = None) -> None:
        self._root = root
        self.outer = outer
        self.made: dict[Node, tuple[str, int, tuple[FrameType, ...]]] = {}

    def note(self, node: Node) -> None:
        """Keep where ``node`` is made, unless it was made before."""
        if node in self.made:
            return
        frames = []
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - nothing public is as fast
        while frame is not None and frame is not self._root:
            if not _is_ours(frame.f_code):
                frames.append(frame)
            frame = frame.f_back
        if frames:
            inner = frames[0]
            self.made[node] = (inner.f_code.co_filename, inner.f_lineno, tuple(frames))

    def __contains__(self, node: object) -> bool:
        """Whether the node was made in this run or in one around it."""
        recorder: Recorder | None = self
        while recorder is not None:
            if node in recorder.made:
                return True
            recorder = recorder.outer
        return False


class Running(threading.local):
    """What this thread is doing.

    Attributes:
        recorder: Of the innermost function that is being traced; None while there is none.
    """

    recorder: Recorder | None = None


running: Final = Running()


def in_scipy() -> str:
    """The name of the SciPy function that called us; an empty string where none did."""
    inside = (_HERE, _NUMPY)
    outside = dropwhile(lambda frame: frame.f_code.co_filename.startswith(inside), _frames())
    scipys = takewhile(lambda frame: frame.f_code.co_filename.startswith(_SCIPY), outside)
    outermost = next(reversed(list(scipys)), None)
    if outermost is None:
        return ""
    # Decorated functions are run by a function of another name, which holds them as f.
    decorated = outermost.f_locals.get("f") if outermost.f_code.co_name == "wrapper" else None
    return str(getattr(decorated, "__name__", outermost.f_code.co_name))


def refused_by_scipy() -> TracingError | None:
    """The error for a function of SciPy that has a counterpart here and was called itself."""
    function = in_scipy()
    if function not in LINALG:
        return None
    return untraceable(
        "E238",
        f"SciPy's {function} takes no symbolic array where it is imported by its own name",
        f"write chainrule.{function}, or scipy.linalg.{function}(...) in a function that is traced",
    )


def user_place() -> Place | None:
    """The innermost line of the user's code, with the stretch of it that is running."""
    frame = next((frame for frame in _frames() if not _is_ours(frame.f_code)), None)
    return None if frame is None else _place(frame.f_code, frame.f_lasti, frame.f_lineno)


def _frames() -> Iterator[FrameType]:
    """The frames that are running, innermost first."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - nothing public is as fast
    while frame is not None:
        yield frame
        frame = frame.f_back


def place_of(error: BaseException) -> Place | None:
    """The innermost line of the user's code that an error came from."""
    found = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not _is_ours(code):
            found = _place(code, step.tb_lasti, step.tb_lineno)
        step = step.tb_next
    return found


def _place(code: CodeType, instruction: int, line: int) -> Place:
    nowhere: tuple[Any, ...] = (None, None, None, None)
    first, last, start, end = next(islice(code.co_positions(), instruction // 2, None), nowhere)
    if first is None or start is None or end is None or first != last:
        return Place(code.co_filename, line)
    text = linecache.getline(code.co_filename, first).encode()  # positions count bytes
    return Place(code.co_filename, first, *(len(text[:at].decode()) for at in (start, end)))


def at_user_line(error: Exception) -> TracingError | None:
    """An error as one that points at the user's line; None where it says enough already.

    NumPy hides some of our errors behind its own; and errors of graphs know no place.
    """
    if isinstance(error, TracingError):
        return None
    hidden = error.__cause__ or error.__context__
    if isinstance(hidden, TracingError) and isinstance(error, (TypeError, ValueError)):
        return hidden
    if isinstance(error, GraphError):
        problem, _, repair = error.message.partition("; ")
        return TracingError(error.code, problem, repair, place_of(error))
    if isinstance(error, IndexError) and str(error).startswith("only integers, slices"):
        return TracingError(
            "E231",
            "an array of numbers cannot be indexed by a symbolic value",
            INDEX,
            place_of(error),
        )
    return None


def untraceable(code: str, problem: str, repair: str) -> TracingError:
    """An error that points at the user's line.

    Args:
        code: Its code.
        problem: What cannot be done there.
        repair: What to write instead; may hold ``{}`` for the expression that was running.
    """
    return TracingError(code, problem, repair, user_place())


@functools.lru_cache(maxsize=4096)
def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_OURS) or code.co_filename in _MADE
