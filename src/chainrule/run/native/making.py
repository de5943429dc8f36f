"""The code of a machine in the making: tier after tier, in steps that are done aside."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

from chainrule import forks
from chainrule.late import Late
from chainrule.run.native import absent
from chainrule.run.native.absent import ABSENT
from chainrule.run.native.request import LONG, Request
from chainrule.run.native.routine import Routine
from chainrule.run.native.slots import EVALUATE

if TYPE_CHECKING:
    from chainrule.run.native import background, compiling, foreign
    from chainrule.run.native.compiling import Planned, Text
    from chainrule.run.native.foreign import Mixed
    from chainrule.run.native.machine import Machine
    from chainrule.run.native.plan import nest
    from chainrule.run.native.tape import tape as tapes
else:
    background = Late("chainrule.run.native.background")
    compiling = Late("chainrule.run.native.compiling")
    foreign = Late("chainrule.run.native.foreign")
    nest = Late("chainrule.run.native.plan.nest")
    tapes = Late("chainrule.run.native.tape.tape")

_QUICK: Final = 300
"""A graph of numbers of so many nodes is optimised before anybody would notice."""


class Making:
    """How far the code of a machine is.

    It does not keep the machine alive: code that nobody is left to call is not made.

    Attributes:
        is_done: Whether there is nothing more to come.
        is_too_long: Whether loops would be cut into too many parts, so that NumPy runs the graph.
        absent: Why no code can be made here; empty where it can.

    Args:
        machine: It gets the code.
        request: For what; code of graphs with few nodes is made first.
    """

    def __init__(self, machine: Machine, request: Request) -> None:
        self.is_done = False
        self.is_too_long = False
        self.absent = ""
        self._failure: Exception | None = None
        self._machine = weakref.ref(machine)
        self._request = request
        self._changed = threading.Condition(forks.lock())
        self._steps = self._all()
        self._job: background.Job | None = None

    def start(self) -> None:
        """Have the code made aside."""
        self._job = background.Job(self.step, len(self._request.given))
        self._job.submit()

    def step(self) -> bool:
        """Do a step, and say whether there are more; `wait` tells what went wrong."""
        machine = self._machine()
        if machine is None:
            return False
        try:
            next(self._steps)
        except StopIteration:
            self.finish()
        except nest.TooLongError:
            self.is_too_long = True
            self.finish()
        except ABSENT as problem:
            self.give_up(str(problem))
        except Exception as failure:
            self._failure = failure
            self.finish()
        return not self.is_done

    def give_up(self, why: str) -> None:
        """There will be no code, ever."""
        self.absent = why
        self._request.has_code = False
        self.finish()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all is made, or so many seconds; say whether it is.

        Raises:
            Exception: What went wrong while code was made: a fault of ours.
        """
        if not self.is_done and self._job is not None:
            with self._job.at_the_front(), self._changed:
                seconds = None if timeout is None else min(timeout, threading.TIMEOUT_MAX)
                self._changed.wait_for(lambda: self.is_done, seconds)
        if self._failure is not None:
            raise self._failure
        if self.absent:
            absent.warn(self.absent)
        return self.is_done

    def finish(self) -> None:
        """There is nothing more to come."""
        with self._changed:
            self.is_done = True
            self._changed.notify_all()

    def _all(self) -> Iterator[None]:
        """All steps; between two of them nothing here holds the machine."""
        _ = self._request.dag  # a step of its own: differentiating takes as long as planning
        yield
        planned = self._request.planned
        yield
        text = compiling.text_of(planned)
        yield
        for level in _levels(planned, text):
            routine, mixed = yield from made(planned, text, level, self._request.name())
            machine = self._machine()
            assert machine is not None  # `step` holds it
            machine.use(routine, mixed)
            del machine
            yield


def made(
    planned: Planned, text: Text, level: int, name: str | None
) -> Generator[None, None, tuple[Routine, Mixed | None]]:
    """Code of this level, a module at each step, and what runs it where NumPy does a part.

    The arguments are those of `chainrule.run.native.compiling.compiling`.
    """
    routine = yield from compiling.compiling(planned, text, level, name)
    if planned.is_whole:
        return routine, None
    functions = [EVALUATE(address) for address in routine.addresses]
    plan, layout, counters = planned.plan, planned.layout, planned.counters
    return routine, foreign.Mixed(planned.dag, plan, layout, functions, counters)


def _levels(planned: Planned, text: Text) -> Iterator[int]:
    """The levels at which code is made, one after the other."""
    best = compiling.OPTIMISED
    is_long = len(planned.dag) > LONG
    is_profile = planned.counters is not None
    if planned.numbers is None or len(planned.dag) <= _QUICK or text.is_cached(best):
        yield best
        return
    if is_long or not is_profile:  # times of several tiers would add up to nonsense
        yield compiling.BASELINE
    if not is_long:
        yield best


def on_tape(request: Request) -> Routine | None:
    """What runs a graph of numbers at once, where making code for it takes long; None elsewhere."""
    dag, wrt = request.given, request.options.wrt
    has_gradient = wrt is not None
    if len(dag) <= _QUICK or request.options.profile or not request.is_numbers:
        return None
    if not tapes.fits(dag, has_gradient):
        return None
    tape = tapes.Tape(dag, wrt)
    return Routine(
        tier="tape",
        addresses=(tape.address(has_gradient),),
        scratch=tape.scratch(has_gradient),
        context=tape.context,
        instructions=0,
        kernels=0,
        code_bytes=0,
        seconds={},
        keep=tape,
    )
