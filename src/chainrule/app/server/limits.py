"""What a request to the server may cost: every bound is here."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that a server holds its requests to.

    Attributes:
        seconds: How long one computation may take.
        memory: Bytes of address space for one worker, with Python and the libraries.
        workers: How many computations run at once.
        waiting: How many more may wait for a worker.
        rate: Computations a second that may be asked for in the long run.
        burst: How many of them may come at once.
        body: Bytes of a request.
        upload: Seconds until a request must have come.
        answer: Bytes of an answer, and of a program.
        grace: Seconds that a computation may still take when nobody waits for it any more. Most
            end by themselves in that time, which is cheaper than a new worker.
        start: Seconds in which a worker must be ready.
        programs: How many generated programs are kept.
        program_bytes: How large all of them may be.
        connections: How many connections may be open.
        header: Bytes of the head of a request.
    """

    seconds: float = 5.0
    memory: int = 2048 * MIB
    workers: int = 2
    waiting: int = 16
    rate: float = 20.0
    burst: int = 40
    body: int = 64 * 1024
    upload: float = 10.0
    answer: int = 5 * MIB
    grace: float = 0.5
    start: float = 60.0
    programs: int = 64
    program_bytes: int = 32 * MIB
    connections: int = 64
    header: int = 16 * 1024
