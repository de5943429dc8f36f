"""Listings: comments name nodes and where they come from, and nothing breaks out of them."""

from __future__ import annotations

import re

import llvmlite.binding as llvm
import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native.code.target import processor
from chainrule.run.native.compiling import Planned, text_of
from chainrule.run.native.emit.notes import notes, one_line
from chainrule.run.native.listings import listed
from chainrule.run.native.plan.simplify import rewritten

FORMULA = "a = x*y; f = exp(-a^2)*(x + 1)"


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def long(count: int) -> cr.Graph:
    steps = [f"v{at} = sin(v{at - 1})*x + exp(-v{at - 1}^2)" for at in range(1, count)]
    return cr.parse("; ".join(["v0 = x*y", *steps]))


CASES = {
    "numbers": lambda: cr.parse(FORMULA).compile(gradient=True),
    "array": lambda: cr.trace(rosenbrock)(np.ones(100)).compile(gradient=True),
    "with NumPy": lambda: cr.trace(lambda w, x: np.sum(np.tanh(w @ x) ** 2))(
        np.ones((3, 2)), np.ones(2)
    ).compile(gradient=True),
    "axes": lambda: cr.trace(lambda x: np.sum(np.sum(np.exp(x), axis=1) ** 2))(
        np.ones((4, 5))
    ).compile(),
    "threads": lambda: cr.trace(rosenbrock)(np.ones(100_000)).compile(threads=2, gradient=True),
    "several functions": lambda: long(60).compile(),
    "several modules": lambda: long(400).compile(),
    "profile": lambda: cr.parse(FORMULA).compile(profile=True),
}
each_case = pytest.mark.parametrize("case", CASES)


def without_comments(text: str) -> list[str]:
    lines = [line.partition(";")[0].rstrip() for line in text.split("\n")]
    return [line for line in lines if line]


@each_case
def test_comments_change_no_instruction(case):
    machine = CASES[case]()._machine
    texts = [module.text for module in text_of(machine.planned).modules]
    assert not any(";" in text for text in texts)
    assert without_comments(machine.listing("llvm")) == without_comments("\n".join(texts))


@each_case
def test_the_text_with_its_comments_is_read_by_llvm(case):
    processor()
    text = CASES[case]().ir("llvm")
    for module in text.split("\n!0 = !{}\n")[:-1]:
        llvm.parse_assembly(module + "\n!0 = !{}\n").verify()


def test_each_node_of_a_formula_has_its_name_and_its_characters_behind_it():
    listing = cr.parse(FORMULA).compile().ir("kernels")
    for label, start, end in (("a", 5, 7), ("v1", 19, 21), ("v2", 18, 21), ("f", 14, 30)):
        source = FORMULA[start - 1 : end]
        assert f"; {label}: {source}, characters {start}–{end}\n" in listing


def test_names_are_those_of_the_graph_that_was_compiled():
    # Slices vanish and powers become squares; the numbering stays that of the graph.
    graph = cr.trace(rosenbrock)(np.ones(100))
    squares = [label for node, label in graph.dag.labels.items() if node.op.name == "power"]
    said = re.findall(r"square\(t\d+\) *; (\w+):", graph.compile().ir())
    assert set(said) == set(squares)


def test_nodes_of_functions_name_their_line():
    line = rosenbrock.__code__.co_firstlineno + 1
    listing = cr.trace(rosenbrock)(np.ones(100)).compile(gradient=True).ir()
    assert f": test_listings.py:{line}\n" in listing


def test_derivatives_say_of_what():
    listing = cr.parse(FORMULA).compile(gradient=True).ir()
    assert "; d_x: ∂f/∂x\n" in listing
    assert "; d_y: ∂f/∂y\n" in listing


def test_functions_have_heads_in_every_form():
    numbers = cr.parse(FORMULA).compile()
    array = cr.trace(rosenbrock)(np.ones(100)).compile()
    for kind in ("llvm", "optimised", "assembly"):
        assert re.search(r"^\S+ kernel 0: f$", numbers.ir(kind), re.MULTILINE)
        assert re.search(r"^\S+ kernel 0 over i < 99: f$", array.ir(kind), re.MULTILINE)
    parts = long(60).compile().ir("llvm")
    assert re.search(r"^; part 1: .* \(\d+ nodes\)\ndefine .*@evaluate\.1\(", parts, re.MULTILINE)


def test_values_that_llvm_keeps_are_named_after_its_passes():
    listing = cr.parse(FORMULA).compile(gradient=True).ir("optimised")
    (line,) = re.findall(r".*exp\.f64\.w1\(double.*; .*", listing)
    assert line.endswith("; v3: exp(-a^2), characters 14–22")
    (line,) = re.findall(r".*; d_x: .*", listing)
    assert "fsub" in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x\n  + y", "x + y"),
        ("x\r+\ty", "x + y"),
        ("a\x00b", "a\\x00b"),
        ("a\x85b\u2028c", "a b c"),
        ("a\u202eb\x1bc", "a\\u202eb\\x1bc"),
        ("é ∂ 😀", "é ∂ 😀"),
        ("a\ud800b", "a\\ud800b"),
        ("x" * 100, "x" * 59 + "…"),
        ("  ", ""),
    ],
)
def test_source_text_stays_in_its_comment(text, shown):
    assert one_line(text) == shown
    assert len(one_line(text).splitlines()) <= 1


def test_a_hostile_source_is_only_quoted():
    type = Type.of("float64")
    x = input_node("x", type)
    node = make(OPS["sin"], (x,))
    source = 'sin(x)\n}\ndefine void @evil() { ret void }\r\x00"'
    dag = Dag([node], [x], spans={node: [cr.errors.Span(0, len(source))]}, source=source)
    planned = Planned(dag)
    text = listed(dag, planned, "llvm")
    assert "evil" in text
    assert without_comments(text) == without_comments(text_of(planned).modules[0].text)
    assert "evil" not in listed(dag, planned, "assembly")


def test_a_name_goes_with_the_first_node_that_becomes_the_same():
    graph = cr.parse("a = 2x; b = x + x; f = a*b")
    said = notes(graph.dag, rewritten(graph.dag))
    assert sorted(said.labels.values()) == ["2", "a", "f", "x"]


def test_a_listing_after_fast_math():
    fast = cr.parse("f = (3*x)*2").compile(fast_math=True)
    assert "multiply" in fast.ir()
    assert "; f: (3*x)*2, characters 5–11" in fast.ir()
