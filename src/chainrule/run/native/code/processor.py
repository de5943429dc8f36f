"""What the processor of this machine can do: LLVM's answer, kept in the cache."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import json
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from chainrule.late import Late
from chainrule.run.native.code import cache

llvm: Any = Late("chainrule.run.native.code.llvm")

_FIRST: Final = 1 << 14
"""Bytes of the system's list of processors in which the first one ends."""
_SAID: Final = (b"vendor_id", b"cpu family", b"model", b"model name", b"stepping", b"flags")


Loader = Literal["own", "engine"]
"""Who places machine code in memory: our own loader, or LLVM's engine."""


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
    """The processor of this machine."""
    system, kept = _as_the_system_says(), cache.current()
    if system is None or kept is None:
        return _asked()
    key = cache.key("processor", compiler(), system)
    content = kept.get(key)
    if content is not None:
        try:
            triple, name, features, width = json.loads(content)
            return Processor(str(triple), str(name), str(features), int(width))
        except (ValueError, TypeError):  # written by another version
            pass
    found = _asked()
    kept.put(key, json.dumps(found).encode())
    return found


def _asked() -> Processor:
    found: Processor = llvm.host()
    return found


def _as_the_system_says() -> str | None:
    """The processor in the words of Linux; None elsewhere."""
    try:
        with Path("/proc/cpuinfo").open("rb", buffering=0) as file:
            first = file.read(_FIRST).split(b"\n\n")[0]
    except OSError:
        return None
    lines = [line for line in first.split(b"\n") if line.split(b"\t")[0] in _SAID]
    return b"\n".join(lines).decode("latin-1") if lines else None


@functools.cache
def compiler() -> str:
    """Which LLVM is installed, found out without loading it."""
    folder = folder_of("llvmlite")
    if folder is None:
        return "none"
    said = []
    try:
        said.append((folder / "_version.py").read_text(encoding="utf-8"))
        for suffix in (".so", ".dylib", ".dll"):
            for prefix in ("lib", ""):
                library = folder / "binding" / f"{prefix}llvmlite{suffix}"
                if library.exists():
                    status = library.stat()
                    said.append(f"{status.st_size} {status.st_mtime_ns}")
    except OSError:
        said.append("unknown")
    return "\n".join(said)


def folder_of(package: str) -> Path | None:
    """Where a package lies, found out without loading it; None: it is not installed."""
    found = importlib.util.find_spec(package)
    return None if found is None or found.origin is None else Path(found.origin).parent
