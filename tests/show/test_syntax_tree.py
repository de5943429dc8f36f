"""Syntax trees as text: a line for each occurrence, branches drawn."""

from __future__ import annotations

import pytest

import chainrule as cr
from chainrule.errors import GraphError, LimitError

DRAWN = {
    "x": "x",
    "(x + y)*(x + 1)": """\
f = v1*v2
├── v1 = x + y
│   ├── x
│   └── y
└── v2 = x + 1
    ├── x
    └── 1""",
    "a = x^2; f = a*(a + pi)": """\
f = a*v1
├── a = x^2
│   └── x
└── v1 = a + pi
    ├── a = x^2
    │   └── x
    └── pi""",
    "where(x > 0, -x, y)": """\
f = where(v1, v2, y)
├── v1 = x > 0
│   ├── x
│   └── 0
├── v2 = -x
│   └── x
└── y""",
}


@pytest.mark.parametrize("formula", DRAWN)
def test_drawn(formula):
    found = cr.parse(formula).tree()
    assert str(found) == DRAWN[formula]
    assert len(found) == len(DRAWN[formula].split("\n"))
    assert repr(found) == f"<SyntaxTree of {len(found)} nodes>"


def test_of_one_output_or_any_node():
    graph = cr.parse("s = x + y; p = s*x; s, p")
    assert str(graph.tree(of="s")) == "s = x + y\n├── x\n└── y"
    with pytest.raises(GraphError, match="E223"):
        graph.tree()
    with pytest.raises(GraphError, match="E225"):
        graph.tree(of="q")


def test_the_limit():
    with pytest.raises(LimitError, match="E157 the syntax tree has 6 nodes, more than 5"):
        cr.parse("x^2 + sin(x^2)").tree(5)
    (value,) = cr.inputs("x")
    for _ in range(100):
        value = value * value
    with pytest.raises(LimitError, match=r"E157 .* about 10\^30 nodes"):
        cr.graph(value).tree()


def test_a_deep_tree():
    (value,) = cr.inputs("x")
    for _ in range(3_000):
        value = cr.sin(value)
    assert len(str(cr.graph(value).tree()).split("\n")) == 3_001
