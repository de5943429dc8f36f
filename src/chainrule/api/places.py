"""Where in the user's code something happens: the innermost frame that is not ours or NumPy's."""

from __future__ import annotations

import functools
import sys
import threading
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import numpy as np
import scipy

from chainrule import errors
from chainrule.errors import Place, TracingError
from chainrule.graph.node import Node

_OURS: Final = tuple(f"{Path(str(module.__file__)).parent}/" for module in (errors, np, scipy))
_MADE: Final = ("<partial derivative>", "<graph>", "<__array_function__ internals>")


class Recorder:
    """Where the nodes of one run of a function are made.

    Attributes:
        made: Node → file, line, and the frames of the user's code it was made in, innermost first.
    """

    def __init__(self, root: FrameType) -> None:
        self._root = root
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


class Running(threading.local):
    """What this thread is doing.

    Attributes:
        recorder: Of the innermost function that is being traced; None while there is none.
    """

    recorder: Recorder | None = None


running: Final = Running()


def user_place() -> Place | None:
    """The innermost line of the user's code, with the stretch of it that is running."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - nothing public is as fast
    while frame is not None and _is_ours(frame.f_code):
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    nowhere: tuple[Any, ...] = (None, None, None, None)
    line, last, start, end = next(islice(code.co_positions(), frame.f_lasti // 2, None), nowhere)
    if line is None or start is None or end is None or line != last:
        return Place(code.co_filename, frame.f_lineno)
    return Place(code.co_filename, line, start, end)


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
