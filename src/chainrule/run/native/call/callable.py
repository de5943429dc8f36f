"""Callables that run compiled code at the cost of a function written in C.

A `Context` says what the code takes and gives; a `NativeCallable` is what users hold. With
arguments of exactly the kinds that the code takes, one piece of machine code does everything from
Python's call to the finished result (code.py). Everything else, names, defaults, conversions,
points, errors, is the matter of its slow path, a Python function.

Where this Python or this NumPy is not laid out as that code expects (`python_api.available`), or
LLVM is not there, the same classes do the same through ctypes (plain.py).
"""

from __future__ import annotations

import ctypes
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chainrule import forks
from chainrule.late import Late
from chainrule.run.native.absent import ABSENT
from chainrule.run.native.call import layout, python_api, records, vectorcall
from chainrule.run.native.call.signature import (
    Argument,
    Results,
    height,
    made_arrays,
    output_count,
    steps,
)
from chainrule.run.native.code import target

if TYPE_CHECKING:
    from chainrule.run.native.call import code
    from chainrule.run.native.call import plain as plain_call
else:
    code = Late("chainrule.run.native.call.code")
    plain_call = Late("chainrule.run.native.call.plain")

# --- the machine code --------------------------------------------------------------------------


class _Machine(NamedTuple):
    """The code behind every callable.

    Attributes:
        library: What holds it in memory.
        call: The address of the function that calls run.
        exchange: ``exchange(place, pointer)``: what was at this place.
        free: Gives the block of a context back.
        forget: ``forget(records, count)`` lets go of the arrays that are kept there.
    """

    library: object
    call: int
    exchange: Any
    free: Any
    forget: Any


def _machine() -> _Machine:
    """Made at the first callable; it stays until the process ends, as threads may run it then."""
    with _making:
        return _made()


_making: Final = forks.lock()


@functools.cache
def _is_native() -> bool:
    """Whether calls run machine code: this Python is laid out for it, and LLVM is there."""
    try:
        return python_api.available() and bool(_machine().call)
    except ABSENT:
        return False


@functools.cache
def _made() -> _Machine:
    for name, address in python_api.symbols().items():
        target.provide(name, address)
    told = f"call {_FIELDS} {python_api.HEAD} {python_api.FLOAT} {python_api.ITEMS}"
    library = target.load(target.Written(lambda: code.text(_FIELDS), told))
    keep = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
    keep(library)
    pointer = ctypes.c_void_p
    return _Machine(
        library,
        library.address("chainrule_call"),
        ctypes.PYFUNCTYPE(pointer, pointer, pointer)(library.address("chainrule_exchange")),
        ctypes.PYFUNCTYPE(None, pointer)(library.address("chainrule_free")),
        ctypes.PYFUNCTYPE(None, pointer, ctypes.c_int64)(library.address("chainrule_forget")),
    )


# --- what is called -----------------------------------------------------------------------------


class Context:
    """What is behind a callable: the code it runs now, its arguments and its results.

    Several callables may share one. The code can be exchanged while other threads run it; the
    context keeps the old code too, since a call may still be inside.

    Attributes:
        arguments: As given.
        steps: How the results are built.
        outputs: How many output slots there are.
        tier: The address of the code that new calls run, the scratch memory it asks for, and where
            its table is.
        release_gil: As given.
        address: Where the machine code reads this; 0 where there is none.

    Args:
        evaluate: The address of ``void evaluate(ptr inputs, ptr outputs, ptr scratch, ptr table)``;
            0: there is no code yet, all calls go the slow path.
        arguments: One for each input slot.
        results: What is made of the output slots. Every slot that the code takes for the memory
            of an array has to be in it.
        outputs: How many output slots the code fills, where that is more than the results name;
            the others have to be numbers.
        scratch: Bytes of scratch memory, which starts at a multiple of 64. Where it does not fit
            on the processor's stack, a block of this size is kept from call to call.
        table: What the code takes last.
        keep: What holds the code in memory.
        release_gil: Whether other threads may run Python meanwhile: for code that runs longer
            than some microseconds.

    Raises:
        ValueError: An output is an array in one place and something else in another, or a number
            of an output or the size of the scratch is negative.
    """

    __slots__ = (
        "__weakref__",
        "_kept",
        "_kept_arrays",
        "_machine",
        "_memory",
        "address",
        "arguments",
        "outputs",
        "release_gil",
        "steps",
        "tier",
    )

    def __init__(
        self,
        evaluate: int,
        arguments: Sequence[Argument],
        results: Results,
        *,
        outputs: int = 0,
        scratch: int = 0,
        table: int = 0,
        keep: object = None,
        release_gil: bool = False,
    ) -> None:
        self._machine: _Machine | None = None
        self.address = 0
        self.arguments = tuple(arguments)
        self.steps = steps(results)
        self.outputs = max(outputs, output_count(self.steps))
        self.release_gil = release_gil
        self._kept: list[object] = []
        if _is_native():
            self._lay_out(_machine())
        self.swap(evaluate, scratch, keep, table)

    def swap(self, evaluate: int, scratch: int = 0, keep: object = None, table: int = 0) -> None:
        """Let calls that begin from now on run other code with the same inputs and outputs.

        Raises:
            ValueError: The size of the scratch is negative.
        """
        if scratch < 0:
            raise ValueError(f"scratch memory of {scratch} bytes")
        fields = {layout.EVALUATE: evaluate, layout.SCRATCH: scratch, layout.TABLE: table}
        tier = records.Table([fields], layout.TIER_SIZE)
        self._kept.append((tier, keep))
        self.tier = (evaluate, scratch, table)
        if self._machine:
            self._machine.exchange(self.address + layout.TIER, tier.address)

    def _lay_out(self, machine: _Machine) -> None:
        """Write what the machine code reads; it changes nothing there but the parked block."""
        made = made_arrays(self.steps)
        arrays = {slot: place for place, slot in enumerate(made)}
        tables = [
            records.Table(rows, layout.RECORD_SIZE)
            for rows in (
                [records.argument(argument.type) for argument in self.arguments],
                [records.made_array(slot, type) for slot, type in made.items()],
                records.steps(self.steps, arrays),
            )
        ]
        outputs_at = 8 * len(self.arguments)
        held_at = outputs_at + 8 * self.outputs
        stack_at = held_at + 8 * len(arrays)
        scratch_at = (stack_at + 8 * height(self.steps) + 63) // 64 * 64
        fields = {
            layout.RELEASE: int(self.release_gil),
            layout.ARGUMENTS: tables[0].address,
            layout.ARGUMENT_COUNT: len(self.arguments),
            layout.MADE: tables[1].address,
            layout.MADE_COUNT: len(arrays),
            layout.STEPS: tables[2].address,
            layout.STEP_COUNT: len(self.steps),
            layout.OUTPUTS_AT: outputs_at,
            layout.HELD_AT: held_at,
            layout.STACK_AT: stack_at,
            layout.SCRATCH_AT: scratch_at,
        }
        memory = records.Table([fields], layout.CONTEXT_SIZE)
        self._memory = (memory, tables)
        self._kept_arrays = [(table.address, table.count) for table in tables[1:]]
        self.address = memory.address
        self._machine = machine

    def __del__(self, parked: int = layout.PARKED) -> None:
        machine = getattr(self, "_machine", None)
        if machine:
            machine.free(machine.exchange(self.address + parked, None))
            for table in self._kept_arrays:
                machine.forget(*table)


# --- what users hold ---------------------------------------------------------------------------

Slow = Callable[..., Any]
"""``slow(callable, *positional, **named)``: what a call runs that the machine code does not take.

It gets the callable, so that it need not hold it: the callable dies with its last reference."""


def refuse(callable: NativeCallable, *positional: Any, **named: Any) -> Any:
    """A slow path for arguments that have been converted before.

    Raises:
        TypeError: Always; it says what does not fit.
    """
    arguments, name = callable.context.arguments, callable.__name__
    if named or len(positional) != len(arguments):
        raise TypeError(f"{name}() takes {len(arguments)} arguments, all by position")
    for argument, value in zip(arguments, positional, strict=True):
        if not argument.accepts(value):
            given = type(value).__name__
            raise TypeError(f"{name}(): {argument.name} is {argument.type}, not this {given}")
    raise TypeError(f"{name}(): an argument changed while it was read")


class _State(NamedTuple):
    """What a callable holds."""

    context: Context
    slow: Slow
    name: str


class _Signature:
    """``__signature__`` of a callable; its class has none, as `inspect` expects."""

    def __get__(self, instance: _Held | None, _: type) -> inspect.Signature:
        if instance is None:
            raise AttributeError("__signature__")
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [inspect.Parameter(argument.name, kind) for argument in instance.context.arguments]
        )


class _Held:
    """What Python manages of a callable: one reference, which the garbage collector sees."""

    __slots__ = ("__weakref__", "_state")

    __signature__ = _Signature()

    def __init__(self, context: Context, *, slow: Slow = refuse, name: str = "call") -> None:
        with _making:
            if _holds(self):
                raise TypeError("a callable is made once")
            _state.__set__(self, _State(context, slow, name))

    @property
    def context(self) -> Context:
        """The code it runs, its arguments and its results."""
        state: _State = _state.__get__(self)
        return state.context

    @property
    def __name__(self) -> str:
        state: _State = _state.__get__(self)
        return state.name


_state: Any = vars(_Held)["_state"]
"""The reference. No attribute leads to it, so that nobody takes away what a call reads."""
type.__delattr__(_Held, "_state")


def _holds(callable: _Held) -> bool:
    try:
        _state.__get__(callable)
    except AttributeError:
        return False
    return True


class PlainCallable(_Held):
    """A callable that any Python can run, some microseconds slower."""

    __slots__ = ()

    def __call__(self, /, *positional: Any, **named: Any) -> Any:
        if not _holds(self):
            raise TypeError("this callable was not made")
        context, slow, _ = _state.__get__(self)
        arguments = context.arguments
        if named or not context.tier[0] or not plain_call.accepted(arguments, positional):
            return slow(self, *positional, **named)
        return plain_call.run(context, positional)


_FIELDS: Final = _Held.__basicsize__
"""Where the fields start that the machine code reads."""

if TYPE_CHECKING or not _is_native():
    _Base = PlainCallable
else:
    _Base = vectorcall.callable_type(f"{__name__}._Base", _Held, layout.CALLABLE_SIZE)


class NativeCallable(_Base):
    """A Python callable that runs compiled code.

    Subclasses add methods; their objects are called as quickly, where they leave ``__call__``
    alone.

    Args:
        context: The code, its arguments and its results.
        slow: Called as ``slow(callable, *positional, **named)`` where the arguments are not of
            exactly the expected kinds; its result or error is that of the call.
        name: Its ``__name__``.

    Raises:
        TypeError: The callable has been made before.
    """

    __slots__ = ()

    def __init__(self, context: Context, *, slow: Slow = refuse, name: str = "call") -> None:
        super().__init__(context, slow=slow, name=name)
        if context.address:
            count = layout.CALLABLE_SIZE // 8
            fields = (ctypes.c_void_p * count).from_address(id(self) + _FIELDS)
            fields[layout.CONTEXT // 8] = context.address
            fields[layout.SLOW // 8] = id(slow)
            fields[layout.VECTORCALL // 8] = _machine().call

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if _is_native():
            vectorcall.inherit(cls, _Base)


if _is_native():
    vectorcall.inherit(NativeCallable, _Base)
