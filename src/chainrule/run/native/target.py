"""LLVM for this processor: from the text of a module to machine code, and from there to addresses.

This is one of the few rooms that know llvmlite.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from chainrule.run.native import special
from chainrule.run.native.absent import ABSENT

try:
    import llvmlite.binding as llvm
except ABSENT as problem:
    llvm, _why = None, f"llvmlite cannot be loaded ({problem})"

_lock: Final = threading.RLock()
"""LLVM's context is shared by all modules; one thread at a time may be inside."""


class Processor(NamedTuple):
    """What code is made for.

    Attributes:
        triple: Architecture, vendor and system.
        name: The processor as LLVM calls it.
        features: What it can do beyond its name.
        width: How many doubles its vectors hold.
    """

    triple: str
    name: str
    features: str
    width: int


@functools.cache
def processor() -> Processor:
    """The processor of this machine.

    Raises:
        ImportError: There is no LLVM here.
        OSError: It makes no code for this machine.
    """
    if llvm is None:
        raise ImportError(_why)
    with _lock:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        if features.get("avx512f") and features.get("avx512dq") and features.get("avx512vl"):
            width = 8
        elif features.get("avx2"):
            width = 4
        else:
            width = 2
        triple = llvm.get_process_triple()
        try:
            llvm.Target.from_triple(triple)
        except RuntimeError as problem:
            raise OSError(f"LLVM has no target {triple} ({problem})") from None
        return Processor(triple, llvm.get_host_cpu_name(), features.flatten(), width)


def _new_machine(level: int) -> Any:
    known = processor()
    return llvm.Target.from_triple(known.triple).create_target_machine(
        cpu=known.name,
        features=known.features,
        opt=level,
        reloc="default",
        codemodel="jitdefault",
        jit=True,
    )


_machine: Final = functools.cache(_new_machine)


def optimised(text: str, level: int = 2) -> Any:
    """The module of this text, checked and optimised; level 0 leaves it as it is.

    Raises:
        RuntimeError: What LLVM says of text that is wrong: a fault of ours.
    """
    with _lock:
        module = llvm.parse_assembly(text)
        module.verify()
        machine = _machine(level)
        module.triple = processor().triple
        module.data_layout = str(machine.target_data)
        if level:
            tuning = llvm.create_pipeline_tuning_options(level)
            builder = llvm.create_pass_builder(machine, tuning)
            builder.getModulePassManager().run(module, builder)
        return module


def machine_code(module: Any, level: int = 2) -> bytes:
    """An object file of this module."""
    with _lock:
        code: bytes = _machine(level).emit_object(module)
        return code


def assembly(module: Any, level: int = 2) -> str:
    """The instructions of the processor as text."""
    with _lock:
        text: str = _machine(level).emit_assembly(module)
        return text


class Library:
    """Machine code that is loaded; it is gone when this object is."""

    def __init__(self, code: bytes, externals: Iterable[str] = ()) -> None:
        """Load an object file; ``externals`` names the functions of SciPy that it calls.

        Raises:
            LookupError: SciPy does not offer one of these.
        """
        for symbol, start in special.addresses(externals).items():
            provide(symbol, start)
        with _lock:
            # An engine owns its machine.
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _new_machine(0))
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function starts.

        Raises:
            KeyError: There is no function of this name.
        """
        with _lock:
            address: int = self._engine.get_function_address(name)
        if not address:
            raise KeyError(name)
        return address


def provide(name: str, address: int) -> None:
    """Make a function of this process known by a name that code may call."""
    with _lock:
        llvm.add_symbol(name, address)


def load(text: str, level: int = 2, externals: Iterable[str] = ()) -> Library:
    """Text of a module as loaded machine code."""
    return Library(machine_code(optimised(text, level), level), externals)
