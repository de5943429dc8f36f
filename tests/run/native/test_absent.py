"""Where LLVM is not, NumPy runs everything, and one warning says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.run.native import absent
from chainrule.run.native.code import llvm, target

WHY = "LLVM has no target toaster-unknown-none"
WARNING = f"W102 no machine code can be made here: {WHY}; NumPy runs all graphs"


@pytest.fixture
def nowhere(monkeypatch):
    """A machine for which LLVM makes no code."""

    def processor():
        raise OSError(WHY)

    monkeypatch.setattr(target, "processor", processor)
    monkeypatch.setattr(absent, "_said", set())


def test_everything_works_and_one_warning_says_why(nowhere, recwarn):
    graph = cr.parse("exp(-x^2)*y")
    fast = graph.compile(gradient=True)
    assert fast(1.0, 2.0) == graph.gradient()(1.0, 2.0)
    value, slopes = fast(np.array([1.0, 2.0]), 2.0)
    assert value.tolist() == graph(x=np.array([1.0, 2.0]), y=2.0).tolist()
    assert [slope.shape for slope in slopes] == [(2,), (2,)]
    memory = np.empty(2), (np.empty(2), np.empty(2))
    assert fast(np.array([1.0, 2.0]), 2.0, out=memory)[0] is memory[0]
    assert memory[0].tolist() == value.tolist()
    summed = cr.jit(lambda x: np.sum(np.exp(x)))
    assert summed(np.zeros(3)) == 3.0
    assert summed.wait()(np.zeros(3)) == 3.0
    many = cr.parse("; ".join(f"v{at} = v{at - 1} + x" if at else "v0 = x" for at in range(500)))
    assert many.compile().wait()(1.0) == 500.0
    assert [str(warning.message) for warning in recwarn] == [WARNING]
    assert recwarn[0].category is cr.ChainruleWarning


@pytest.mark.filterwarnings("ignore:W102")
def test_the_report_and_the_kernels(nowhere):
    fast = cr.parse("exp(-x^2)").compile().wait()
    report = fast.report()
    assert (report.tier, report.kernels, report.by_numpy) == ("numpy", 0, ())
    assert f"by NumPy     everything: {WHY}\n" in str(report)
    assert "exp" in fast.ir("kernels")


@pytest.mark.filterwarnings("ignore:W102")
@pytest.mark.parametrize("kind", ["llvm", "optimised", "assembly"])
def test_there_is_no_code_to_look_at(nowhere, kind):
    fast = cr.parse("exp(-x^2)").compile()
    with pytest.raises(cr.GraphError, match=f"E248 no machine code can be made here: {WHY}"):
        fast.ir(kind)


@pytest.mark.filterwarnings("ignore:W102")
def test_there_is_nothing_to_profile(nowhere):
    fast = cr.parse("exp(-x^2)").compile(profile=True)
    assert fast(0.0) == 1.0
    with pytest.raises(cr.GraphError, match="E248"):
        fast.profile()
    assert "exp" in fast.ir("kernels")
    assert fast(np.zeros(2)).tolist() == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:W102")
def test_code_that_cannot_be_made_after_all(monkeypatch):
    cr.parse("x").compile().wait()  # what all callables share is there

    def load(*given, **named):
        raise ImportError("llvmlite is gone")

    monkeypatch.setattr(target, "load", load)
    fast = cr.parse("exp(-x^2)").compile(budget=0).wait()
    assert fast(0.0) == 1.0
    assert fast(np.zeros(2)).tolist() == [1.0, 1.0]
    assert fast.report().no_code == "llvmlite is gone"


def test_a_target_that_llvm_does_not_have(monkeypatch):
    monkeypatch.setattr(llvm.llvm, "get_process_triple", lambda: "toaster-unknown-none")
    with pytest.raises(OSError, match=WHY):
        llvm.host()


def test_without_llvmlite():
    script = """
import sys, warnings
sys.modules["llvmlite"] = sys.modules["llvmlite.binding"] = None
import chainrule as cr
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    fast = cr.parse("x^2").compile(gradient=True)
    again = cr.parse("x^3").compile()
    print(fast(3.0), again(2.0), fast.report().tier, len(found))
    print(found[0].message)
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, map(Path, sys.path)))},
    )
    first, second = result.stdout.splitlines()
    assert first == "(9.0, (6.0,)) 8.0 numpy 1"
    assert second.startswith("W102 no machine code can be made here: ")
    assert "llvmlite" in second
