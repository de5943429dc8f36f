"""The generated programs that the page can load: the last ones, each under the hash of its text."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from chainrule.app.server.limits import Limits


def address(program: bytes) -> str:
    """Where the page finds a program, from its own address on.

    >>> address(b"export const nodes = 0;")[:20]
    'program/51c5caa56dda'
    """
    return f"program/{_digest(program)}.js"


def _digest(program: bytes) -> str:
    return hashlib.sha256(program).hexdigest()


class Programs:
    """Programs by their hash; those not used for the longest time make room for new ones."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def keep(self, program: bytes) -> None:
        """Keep a program; it is now the last one used."""
        digest = _digest(program)
        if self.find(digest) is None:
            self._kept[digest] = program
            self._size += len(program)
        while len(self._kept) > self._limits.programs or self._size > self._limits.program_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)

    def find(self, digest: str) -> bytes | None:
        """The program with this hash, while it is kept."""
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return self._kept.get(digest)
