"""Facts about the processor, and the ways from text to loaded code."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainrule.run.native.code import cache, llvm, processor, target

TEXT = """
define double @half(double %x) nounwind {
  %a = fmul double %x, 0.5
  ret double %a
}
"""


class NoLlvm:
    """Stands for a process in which LLVM must not be needed."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"LLVM was asked for {name}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    processor.processor.cache_clear()
    yield tmp_path / "cache"
    processor.processor.cache_clear()


def half(library: target.Library, x: float) -> float:
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(library.address("half"))
    return float(function(x))


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="what Linux says of processors")
def test_the_processor_is_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = processor.processor()
    assert first == llvm.host()
    assert first.width in (2, 4, 8)
    processor.processor.cache_clear()
    monkeypatch.setattr(processor, "llvm", NoLlvm())
    assert processor.processor() == first
    # Another processor, or another LLVM, is asked for anew.
    for name in ("_as_the_system_says", "compiler"):
        processor.processor.cache_clear()
        with monkeypatch.context() as changed:
            changed.setattr(processor, name, lambda: "another")
            with pytest.raises(AssertionError, match="host"):
                processor.processor()


@pytest.mark.parametrize("content", [b"", b"7", b"[1, 2]", b"{", b'["a", "b", "c", "d"]'])
def test_facts_that_cannot_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(cache.Cache, "get", lambda self, key: content)
    assert processor.processor() == llvm.host()


def test_without_a_list_of_processors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "_as_the_system_says", lambda: None)
    assert processor.processor() == llvm.host()
    assert not folder.exists()


def test_code_is_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not target.is_cached(TEXT)
    seconds: dict[str, float] = {}
    first = target.load(TEXT, seconds=seconds)
    assert not first.is_cached
    assert {"cache", "optimise", "code", "load"} == set(seconds)
    assert target.is_cached(TEXT)
    seconds = {}
    second = target.load(TEXT, seconds=seconds)
    assert second.is_cached
    assert {"cache", "load"} == set(seconds)
    assert second.code_bytes == first.code_bytes
    assert half(first, 3.0) == half(second, 3.0) == 1.5
    # Another level, other passes and another text are other code.
    assert not target.load(TEXT, 0).is_cached
    assert not target.load(TEXT, 2, passes=0).is_cached
    assert not target.load(TEXT.replace("0.5", "0.25")).is_cached
    # So is code for another processor, or by another LLVM.
    known = processor.processor()
    with monkeypatch.context() as changed:
        changed.setattr(target, "processor", lambda: known._replace(features="+sse2"))
        assert not target.load(TEXT).is_cached
        changed.setattr(target, "processor", lambda: known)
        changed.setattr(target, "compiler", lambda: "another")
        assert not target.load(TEXT).is_cached
    assert target.load(TEXT).is_cached


def test_without_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, "off")
    seconds: dict[str, float] = {}
    for _ in range(2):
        library = target.load(TEXT, seconds=seconds)
        assert not library.is_cached
        assert half(library, 5.0) == 2.5
    assert "cache" not in seconds
    assert not target.is_cached(TEXT)


def test_text_that_is_wrong() -> None:
    with pytest.raises(RuntimeError):
        target.load("define double @half(double %x) { ret double %y }")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read as Linux says it")
def test_passes_leave_no_memory_behind() -> None:
    def memory() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    known, count = processor.processor(), 100
    for _ in range(count):
        llvm.optimised(TEXT, known)
    before = memory()
    for _ in range(count):
        llvm.optimised(TEXT, known)
    assert memory() - before < 10_000 * count
