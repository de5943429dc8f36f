"""LLVM: from the text of a module to machine code.

This is the only room that knows llvmlite. Loading it takes longer than a first call may, so it is
loaded late: code from the cache does without.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

import llvmlite.binding as llvm

from chainrule import forks
from chainrule.run.native.code.processor import Loader, Processor

_lock: Final = threading.RLock()
"""LLVM's context is shared by all modules; one thread at a time may be inside."""


# In a process that was forked while a thread was inside of LLVM, nobody could go in any more.
# llvmlite has a lock of its own: modules are given back outside of ours.
forks.wait_for(_lock)
forks.wait_for(getattr(llvm.ffi.lib, "_lock", nullcontext()))


def host() -> Processor:
    """What LLVM finds out about the processor of this machine.

    Raises:
        OSError: LLVM makes no code for it.
    """
    with _lock:
        _start()
        triple = llvm.get_process_triple()
        try:
            llvm.Target.from_triple(triple)
        except RuntimeError as problem:
            raise OSError(f"LLVM has no target {triple} ({problem})") from None
        features = llvm.get_host_cpu_features()
        if features.get("avx512f") and features.get("avx512dq") and features.get("avx512vl"):
            width = 8
        elif features.get("avx2"):
            width = 4
        else:
            width = 2
        return Processor(triple, llvm.get_host_cpu_name(), features.flatten(), width)


@functools.cache
def _start() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _new_machine(known: Processor, level: int, loader: Loader) -> Any:
    _start()
    # What the engine of LLVM loads must not assume that code and data lie close together.
    return llvm.Target.from_triple(known.triple).create_target_machine(
        cpu=known.name,
        features=known.features,
        opt=level,
        reloc="pic",
        codemodel="small" if loader == "own" else "jitdefault",
        jit=loader == "engine",
    )


_machine: Final = functools.cache(_new_machine)


def optimised(text: str, known: Processor, level: int = 2, loader: Loader = "own") -> Any:
    """The module of this text, checked and optimised; level 0 leaves it as it is.

    Raises:
        RuntimeError: What LLVM says of text that is wrong: a fault of ours.
    """
    with _lock:
        machine = _machine(known, level, loader)
        module = llvm.parse_assembly(text)
        module.verify()
        module.triple = known.triple
        module.data_layout = str(machine.target_data)
        if level:
            _run_passes(module, machine, level)
        return module


def _run_passes(module: Any, machine: Any, level: int) -> None:
    # A builder is for one run: what each run registers with it, it does not forget.
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(level))
    passes = builder.getModulePassManager()
    try:
        passes.run(module, builder)
    finally:
        # llvmlite 0.50 never frees the passes, 50 to 120 KB of memory: of the two base classes of
        # its manager, that without a way to do so comes first. What the builder keeps for its
        # passes, 1.5 KB, is lost all the same.
        free = getattr(llvm.ffi.lib, "LLVMPY_DisposeNewModulePassManger", None)
        if free is not None:
            free(passes)
            passes.detach()


def machine_code(module: Any, known: Processor, level: int = 2, loader: Loader = "own") -> bytes:
    """An object file of this module."""
    with _lock:
        code: bytes = _machine(known, level, loader).emit_object(module)
        return code


def assembly(module: Any, known: Processor, level: int = 2) -> str:
    """The instructions of the processor as text."""
    with _lock:
        text: str = _machine(known, level, "own").emit_assembly(module)
        return text


class Engine:
    """Machine code that LLVM's engine loaded; it is gone when this object is.

    Args:
        code: An object file made for the engine.
        known: The processor.
        provided: Addresses of functions that the code may call besides those of the process.
    """

    def __init__(self, code: bytes, known: Processor, provided: Mapping[str, int]) -> None:
        with _lock:
            for name, address in provided.items():
                llvm.add_symbol(name, address)
            # An engine owns its machine.
            machine = _new_machine(known, 0, "engine")
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
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
