"""What goes between the server and a worker: two texts of bytes, after their lengths.

To a worker: the name of a job, and the request as JSON. Back: the answer as JSON, and a program or
nothing; or no answer, and why as JSON. Nothing in them is ever run or unpickled.
"""

from __future__ import annotations

import asyncio
import struct
from typing import BinaryIO, Final

_LENGTHS: Final = struct.Struct(">II")

Message = tuple[bytes, bytes]


def packed(message: Message) -> bytes:
    """A message as it is sent."""
    first, second = message
    return _LENGTHS.pack(len(first), len(second)) + first + second


def read(stream: BinaryIO) -> Message | None:
    """The next message, or None where the stream ends: the side of the worker."""
    head = stream.read(_LENGTHS.size)
    if len(head) < _LENGTHS.size:
        return None
    first, second = _LENGTHS.unpack(head)
    return stream.read(first), stream.read(second)


async def receive(stream: asyncio.StreamReader, most: int) -> Message:
    """The next message: the side of the server, which believes no length.

    Raises:
        EOFError: The stream ends before the message does, or the message is too long.
    """
    first, second = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    if max(first, second) > most:
        raise EOFError
    return await stream.readexactly(first), await stream.readexactly(second)
