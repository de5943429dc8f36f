"""Our own loader of machine code against LLVM's engine, and against damaged objects."""

from __future__ import annotations

import ctypes
import gc
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.run.native.code import llvm, loader, target
from chainrule.run.native.code.loader import Placed, RefusedError, of_process
from chainrule.run.native.code.processor import processor

pytestmark = pytest.mark.skipif(not loader.available(), reason="for x86-64 Linux")

Array = np.ndarray[Any, Any]
RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
X = np.array([0.3, -1.7, 2.5, 0.0, 1e-3, 4.0, -0.25, 7.5])

EACH = """
define void @run(ptr %in, ptr %out) nounwind {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %from = getelementptr double, ptr %in, i64 %i
  %to = getelementptr double, ptr %out, i64 %i
  %x = load double, ptr %from
  %y = call double @one(double %x, i64 %i)
  store double %y, ptr %to
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, 8
  br i1 %more, label %loop, label %end
end:
  ret void
}
"""

Module = tuple[str, Callable[[Array], Any]]

MODULES: dict[str, Module] = {
    "functions of the C library": (
        EACH
        + """
declare double @sin(double)
declare double @atan2(double, double)
define double @one(double %x, i64 %i) nounwind {
  %a = call double @sin(double %x)
  %b = call double @atan2(double %x, double %a)
  %c = call double @sin(double %b)
  ret double %c
}
""",
        lambda x: [math.sin(math.atan2(v, math.sin(v))) for v in x],
    ),
    "a section of one jump": (
        EACH
        + """
declare double @sin(double)
define internal double @far(double %x) cold noinline nounwind {
  %a = tail call double @sin(double %x)
  ret double %a
}
define double @one(double %x, i64 %i) nounwind {
  %large = fcmp ogt double %x, 1.0e9
  br i1 %large, label %slow, label %done
slow:
  %a = call double @far(double %x)
  br label %done
done:
  %b = phi double [ %x, %0 ], [ %a, %slow ]
  ret double %b
}
""",
        lambda x: x,
    ),
    "constants": (
        EACH
        + """
define double @one(double %x, i64 %i) nounwind {
  %a = fmul double %x, 0x3FB999999999999A
  %b = fadd double %a, 2.5
  %c = fmul double %b, 1.0e300
  ret double %c
}
""",
        lambda x: (x * 0.1 + 2.5) * 1e300,
    ),
    "vectors of eight": (
        """
define void @run(ptr %in, ptr %out) nounwind {
  %x = load <8 x double>, ptr %in, align 8
  %a = fadd <8 x double> %x, splat (double 0x3FB999999999999A)
  %b = fmul <8 x double> %a, <double 1., double 2., double 3., double 4., double 5., double 6.,
                              double 7., double 8.5>
  %c = shufflevector <8 x double> %b, <8 x double> poison,
       <8 x i32> <i32 7, i32 3, i32 1, i32 0, i32 6, i32 2, i32 5, i32 4>
  store <8 x double> %c, ptr %out, align 8
  ret void
}
""",
        lambda x: ((x + 0.1) * [1, 2, 3, 4, 5, 6, 7, 8.5])[[7, 3, 1, 0, 6, 2, 5, 4]],
    ),
    "internal functions": (
        EACH
        + """
define internal double @square(double %x) noinline nounwind {
  %a = fmul double %x, %x
  ret double %a
}
define double @open(double %x) noinline nounwind {
  %a = call double @square(double %x)
  %b = fadd double %a, 3.25
  ret double %b
}
define double @one(double %x, i64 %i) nounwind {
  %a = call double @open(double %x)
  %b = call double @square(double %a)
  ret double %b
}
""",
        lambda x: (x * x + 3.25) * (x * x + 3.25),
    ),
    "tables, and addresses in them": (
        EACH
        + """
@table = internal constant [8 x double] [double 1.5, double 2.5, double 3.5, double 4.5,
                                         double 5.5, double 6.5, double 7.5, double 8.5]
@pointers = internal constant [2 x ptr] [ptr @twice, ptr @half]
define internal double @twice(double %x) nounwind {
  %a = fmul double %x, 2.0
  ret double %a
}
define internal double @half(double %x) nounwind {
  %a = fmul double %x, 0.5
  ret double %a
}
define double @one(double %x, i64 %i) nounwind {
  %at = getelementptr double, ptr @table, i64 %i
  %t = load double, ptr %at
  %odd = and i64 %i, 1
  %which = getelementptr ptr, ptr @pointers, i64 %odd
  %function = load ptr, ptr %which
  %a = call double %function(double %x)
  %b = fadd double %a, %t
  ret double %b
}
""",
        lambda x: x * np.tile([2.0, 0.5], 4) + np.arange(8) + 1.5,
    ),
    "memory of its own": (
        EACH
        + """
@count = internal global double 40.0
@sum = internal global double 0.0
define double @one(double %x, i64 %i) nounwind {
  %c = load double, ptr @count
  %d = fadd double %c, 1.0
  store double %d, ptr @count
  %s = load double, ptr @sum
  %t = fadd double %s, %d
  store double %t, ptr @sum
  ret double %t
}
""",
        lambda x: np.cumsum(41.0 + np.arange(8)),
    ),
    "a table of jumps": (
        EACH
        + """
declare double @exp(double)
define double @one(double %x, i64 %i) nounwind {
  switch i64 %i, label %other [ i64 0, label %a  i64 1, label %b  i64 2, label %c
                                i64 3, label %d  i64 4, label %e  i64 5, label %f ]
a:
  %ra = fadd double %x, 1.25
  ret double %ra
b:
  %rb = fmul double %x, 3.5
  ret double %rb
c:
  %rc = call double @exp(double %x)
  ret double %rc
d:
  %rd = fsub double 9.5, %x
  ret double %rd
e:
  %re = fdiv double 1.0, %x
  ret double %re
f:
  %rf = fmul double %x, %x
  ret double %rf
other:
  ret double -1.0
}
""",
        lambda x: [
            x[0] + 1.25,
            x[1] * 3.5,
            math.exp(x[2]),
            9.5 - x[3],
            1 / x[4],
            x[5] * x[5],
            -1,
            -1,
        ],
    ),
    "the address of a function outside": (
        EACH
        + """
declare double @cos(double)
declare double @floor(double)
define internal double @through(ptr %f, double %x) noinline nounwind {
  %a = call double %f(double %x)
  ret double %a
}
define double @one(double %x, i64 %i) nounwind {
  %low = icmp slt i64 %i, 4
  %f = select i1 %low, ptr @cos, ptr @floor
  %a = call double @through(ptr %f, double %x)
  ret double %a
}
""",
        lambda x: [*map(math.cos, x[:4]), *np.floor(x[4:])],
    ),
    "copies of memory": (
        """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @run(ptr %in, ptr %out) nounwind {
  %bytes = load i64, ptr @size
  call void @llvm.memset.p0.i64(ptr %out, i8 0, i64 64, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %in, i64 %bytes, i1 false)
  ret void
}
@size = internal global i64 40
""",
        lambda x: np.where(np.arange(8) < 5, x, 0.0),
    ),
}


def made(text: str, level: int, loader: str = "own") -> bytes:
    known = processor()
    return llvm.machine_code(llvm.optimised(text, known, level, loader), known, level, loader)


def result(library: Any) -> Array:
    given, out = X.copy(), np.full(8, np.nan)
    RUN(library.address("run"))(given.ctypes.data, out.ctypes.data)
    return out


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("name", MODULES)
def test_as_the_engine_of_llvm(name: str, level: int) -> None:
    text, expected = MODULES[name]
    own = result(Placed(made(text, level), of_process))
    engine = result(llvm.Engine(made(text, level, "engine"), processor(), {}))
    assert own.tobytes() == engine.tobytes()
    np.testing.assert_allclose(own, expected(X), rtol=4e-16)


@pytest.mark.parametrize("name", MODULES)
def test_as_the_engine_in_baseline_code(name: str) -> None:
    """Tables of relocations differ most at level 1, where nothing is inlined or folded."""
    text, expected = MODULES[name]
    np.testing.assert_allclose(result(Placed(made(text, 1), of_process)), expected(X), rtol=4e-16)


def test_a_large_module() -> None:
    count = 3000
    calls = "\n".join(f"  %v{n + 1} = call double @f{n}(double %v{n})" for n in range(count))
    functions = "\n".join(
        f"define internal double @f{n}(double %x) noinline nounwind {{\n"
        f"  %a = fmul double %x, {0.5 + n % 7 * 0.125}\n"
        f"  %b = fadd double %a, {float(n)}\n  ret double %b\n}}"
        for n in range(count)
    )
    text = (
        EACH
        + functions
        + f"\ndefine double @one(double %v0, i64 %i) nounwind {{\n{calls}\n"
        + f"  ret double %v{count}\n}}"
    )
    expected = X.copy()
    for n in range(count):
        expected = expected * (0.5 + n % 7 * 0.125) + float(n)
    assert result(Placed(made(text, 1), of_process)).tolist() == expected.tolist()


# --- what it says of functions --------------------------------------------------------------------


def test_names() -> None:
    placed = Placed(made(MODULES["internal functions"][0], 0), of_process)
    assert placed.address("run") != placed.address("open")
    for name in ("square", "elsewhere", ""):
        with pytest.raises(KeyError):
            placed.address(name)


def test_a_function_that_is_nowhere() -> None:
    text = EACH + "declare double @no_such_function(double, i64)\n"
    code = made(text.replace("@one", "@no_such_function"), 0)
    with pytest.raises(LookupError, match="no_such_function"):
        Placed(code, of_process)


def test_functions_that_are_provided() -> None:
    double = ctypes.c_double
    function = ctypes.CFUNCTYPE(double, double, ctypes.c_int64)(lambda x, i: 10 * x + i)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    target.provide("ten_times", address)
    text = EACH.replace("@one", "@ten_times") + "declare double @ten_times(double, i64)\n"
    assert result(target.load(text)).tolist() == (10 * X + np.arange(8)).tolist()


# --- memory ---------------------------------------------------------------------------------------


def mappings() -> list[tuple[int, int, str]]:
    found = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        span, rights = line.split()[:2]
        low, high = (int(end, 16) for end in span.split("-"))
        found.append((low, high, rights))
    return found


def test_never_writable_and_executable() -> None:
    before = [own for own in mappings() if "w" in own[2] and "x" in own[2]]
    placed = Placed(made(MODULES["memory of its own"][0], 0), of_process)
    (rights,) = [rights for low, high, rights in mappings() if low <= placed.address("run") < high]
    assert rights == "r-xp"
    assert [own for own in mappings() if "w" in own[2] and "x" in own[2]] == before


def test_memory_is_given_back() -> None:
    text = "@much = global [4000000 x double] zeroinitializer\n" + MODULES["constants"][0]
    code = made(text, 0)

    def size() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * 4096

    before = size()
    held = Placed(code, of_process)
    assert size() - before >= 32_000_000
    for _ in range(20):
        Placed(code, of_process)
    assert result(held).tolist() == ((X * 0.1 + 2.5) * 1e300).tolist()
    del held
    gc.collect()
    assert size() - before < 32_000_000


# --- what it refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "@t = thread_local global double 1.0\ndefine ptr @run() {\n  ret ptr @t\n}",
        """
define void @start() {
  ret void
}
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }]
  [{ i32, ptr, ptr } { i32 1, ptr @start, ptr null }]
""",
        '@v = global double 1.0, section "elsewhere"',
        "@common = common global double 0.0",
        """
@other = ifunc double (), ptr @resolver
define double @choose() {
  ret double 1.0
}
define ptr @resolver() {
  ret ptr @choose
}
""",
    ],
)
def test_what_is_not_understood(text: str) -> None:
    code = made(text, 0)
    try:
        placed = Placed(code, of_process)
    except RefusedError:
        return
    with pytest.raises(KeyError):
        placed.address("other")


@pytest.mark.parametrize(
    "code", [b"", b"\x7fELF", bytes(64), bytes(5000), b"\xcf\xfa\xed\xfe" * 99]
)
def test_no_object(code: bytes) -> None:
    with pytest.raises(RefusedError):
        Placed(code, of_process)


def test_a_program_is_no_object() -> None:
    with pytest.raises(RefusedError):
        Placed(Path(sys.executable).resolve().read_bytes()[:100_000], of_process)


def test_memory_that_may_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where our loader cannot, LLVM's engine does."""
    monkeypatch.setattr(loader, "_mprotect", lambda: lambda *_: -1)
    text, expected = MODULES["constants"]
    with pytest.raises(RefusedError):
        Placed(made(text, 0), of_process)
    assert result(target.load(text)).tolist() == expected(X).tolist()


def test_systems_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text, expected = MODULES["constants"]
    monkeypatch.setattr(target, "available", lambda: False)
    for _ in range(2):
        library = target.load(text, 1)
        assert result(library).tolist() == expected(X).tolist()
    assert library.is_cached
    with pytest.raises(KeyError):
        library.address("elsewhere")


FUZZ = """
import random, struct, sys
from pathlib import Path
from chainrule.run.native.code.loader import Placed, RefusedError, of_process
random.seed(int(sys.argv[1]))
whole = Path(sys.argv[2]).read_bytes()
(table,) = struct.unpack_from("<Q", whole, 40)
extremes = [0, 1, 3, 63, 64, 255, 0x7FFF, 0xFFF2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62,
            (1 << 63) - 1, 1 << 63, (1 << 64) - 1, len(whole), len(whole) - 1]
outcomes = {"placed": 0, "refused": 0}

def attempt(code):
    try:
        Placed(bytes(code), of_process).address("run")
    except (RefusedError, LookupError):
        outcomes["refused"] += 1
    else:
        outcomes["placed"] += 1

for _ in range(700):
    code = bytearray(whole)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        code[random.randrange(len(code))] = random.randrange(256)
    attempt(code)
    attempt(whole[: random.randrange(len(whole))])
    code = bytearray(whole)
    size = random.choice((1, 2, 4, 8))
    start = random.choice((0, table, len(whole) // 3))
    at = random.randrange(start, min(len(whole) - size, start + 700))
    value = random.choice(extremes) % (1 << 8 * size)
    code[at : at + size] = value.to_bytes(size, "little")
    attempt(code)
assert outcomes["refused"] > 300 and outcomes["placed"] > 300, outcomes
"""


@pytest.mark.parametrize(
    "name", ["functions of the C library", "tables, and addresses in them", "a table of jumps"]
)
def test_damaged_objects(name: str, tmp_path: Path) -> None:
    path = tmp_path / "object.o"
    path.write_bytes(made(MODULES[name][0], 0))
    for seed in range(2):
        done = subprocess.run(
            [sys.executable, "-c", FUZZ, str(seed), str(path)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
