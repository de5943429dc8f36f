"""How costs grow, counted in operations, not timed: ``python -m benchmarks.costs``.

Every number is exact and the same on every machine; the tests compare the page with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy

import chainrule as cr
from benchmarks.page import DOCS
from chainrule.show.numbers import count

PAGE = DOCS / "costs.md"

_INTRO = """# What derivatives cost

Counted in operations (`Graph.cost`), not timed; written by `python -m benchmarks.costs`, and the
same on every machine. *Value* is the number of operations of the function itself, each node once.
"""


def explosion() -> list[str]:
    """Layered graphs: the sum over paths against the passes."""
    rows = []
    for layers in (1, 2, 3, 4, 6, 8, 10):
        graph = cr.layered(3, *[3] * layers, 1, unit=_unit)
        costs = graph.cost().counts
        rows.append(
            [
                " → ".join(["3"] * (layers + 1) + ["1"]),
                count(costs.paths),
                count(costs.value.total),
                count(costs.reverse.total),
                count(costs.forward.total),
                count(costs.path_by_path.total),
            ]
        )
    heads = ["layers", "paths", "value", "reverse mode", "forward mode, 3 inputs", "path by path"]
    return _table(heads, rows)


def _unit(at: int, *operands: cr.Array) -> cr.Array:
    """A node of its own for each place in a layer."""
    node: cr.Array = cr.sin(sum(operands[1:], operands[0]) + at)
    return node


def inputs() -> list[str]:
    """The product of n variables: forward mode pays for each input, reverse mode once."""
    rows = []
    for n in (2, 4, 8, 16, 32, 64, 128):
        costs = cr.parse("*".join(f"x{at}" for at in range(n))).cost().counts
        rows.append(
            [
                str(n),
                count(costs.value.total),
                count(costs.reverse.total),
                count(costs.forward.total),
                count(costs.gradient_tree.total),
            ]
        )
    return _table(["n", "value", "reverse mode", "forward mode", "gradient written out"], rows)


Iterated = Callable[[str], str]
_EXAMPLES: tuple[tuple[str, Iterated], ...] = (
    ("the logistic map, 4·v·(1 − v) again and again", lambda v: f"4*{v}*(1 - {v})"),
    ("a sigmoid again and again, σ(v) = 1/(1 + exp(−v))", lambda v: f"1/(1 + exp(-{v}))"),
    ("sin(v)·cos(v) again and again", lambda v: f"sin({v})*cos({v})"),
)


def swell() -> list[str]:
    """The derivative as a graph against the derivative written out, and against SymPy's."""
    lines = []
    for title, step in _EXAMPLES:
        rows = []
        for times in range(1, 7):
            statements = [f"v{at} = {step(f'v{at - 1}' if at > 1 else 'x')}" for at in _upto(times)]
            costs = cr.parse("; ".join(statements)).cost().counts
            rows.append(
                [
                    str(times),
                    count(costs.value.total),
                    count(costs.value_tree.total),
                    count(costs.gradient.total),
                    count(costs.gradient_tree.total),
                    count(_sympy_count(step, times)),
                ]
            )
        heads = [
            "times",
            "value",
            "value as a tree",
            "derivative as a graph",
            "derivative written out",
            "SymPy's `diff`, `count_ops`",
        ]
        lines += [f"*{title}*", "", *_table(heads, rows), ""]
    return lines[:-1]


def _sympy_count(step: Iterated, times: int) -> int:
    """The operations of the derivative as SymPy writes it."""
    x = sympy.Symbol("x")
    value: sympy.Expr = x
    pattern = sympy.sympify(step("v"))
    for _ in range(times):
        value = pattern.subs(sympy.Symbol("v"), value)
    return int(sympy.count_ops(sympy.diff(value, x)))


def _upto(count: int) -> range:
    return range(1, count + 1)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def page() -> str:
    """The whole page."""
    parts = [
        _INTRO,
        "## The explosion of paths",
        "",
        "Each node of a layer is a function of all nodes of the layer before. The number of paths",
        "is multiplied by the width with every layer; both modes stay linear in the graph.",
        "",
        *explosion(),
        "",
        "## One output, many inputs",
        "",
        "The product of n variables. Forward mode is one pass for each variable; reverse mode is",
        "one pass whatever n is.",
        "",
        *inputs(),
        "",
        "## Expression swell",
        "",
        "A derivative written out as a formula repeats what a graph computes once.",
        "",
        *swell(),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
