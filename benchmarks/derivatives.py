"""How fast derivatives become graphs, and LaTeX text: ``python -m benchmarks.derivatives``.

Nodes are counted as they are made; the time of a node of a derivative stands beside that of a node
built through operators in the same run.
"""

from __future__ import annotations

from functools import partial

import chainrule as cr
from benchmarks.foundation import made_by_operator_loop, operator_loop, timed
from benchmarks.graphs import random_scalar_graph
from benchmarks.page import Row, write_page
from chainrule.diff.build import dependent
from chainrule.diff.flow import Flow, one
from chainrule.diff.reverse import adjoints
from chainrule.graph.dag import Dag
from chainrule.graph.node import live_nodes


def reverse(dag: Dag) -> Flow:
    """The reverse pass alone: the adjoints of all nodes."""
    seeds = [(dag.output, one(dag.output.type))]
    return adjoints(dag.order, seeds, dependent(dag.order, dag.inputs))


def reverse_mode() -> list[Row]:
    rows = []
    for wanted in (20_000, 200_000):
        dag = random_scalar_graph(wanted).dag
        built = timed(partial(operator_loop, wanted)) / made_by_operator_loop(wanted)
        before = live_nodes()
        flow = reverse(dag)
        made = live_nodes() - before
        del flow
        seconds = timed(partial(reverse, dag))
        edges = sum(len(node.operands) for node in dag.order)
        each = f"{seconds / made * 1e6:.2f} µs for each of {made:,} new nodes"
        ratio = f"{seconds / made / built:.2f} × a node built with operators"
        rows.append(
            (f"reverse mode, mixed graph of {len(dag):,} nodes", f"{each}, {ratio}", "5 µs")
        )
        rows.append(
            ("new nodes for each operand edge of that graph", f"{made / edges:.2f}", "at most 4")
        )
    return rows


def chain() -> list[Row]:
    value = cr.input("x")
    for _ in range(1_000_000):
        value = cr.sin(value)
    graph = cr.graph(value)
    seconds = timed(graph.gradient, 3)
    nodes = len(graph.gradient().dag)
    return [
        (
            "gradient graph of a chain of 10⁶ nodes",
            f"{seconds:.1f} s, {nodes:,} nodes in all",
            "works",
        )
    ]


def rosenbrock(count: int) -> cr.Graph:
    """Rosenbrock's function of this many variables (Computer Journal 3, 1960; extended)."""
    x = cr.inputs([f"x{at}" for at in range(count)])
    terms = [100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(count - 1)]
    return cr.graph(sum(terms[1:], terms[0]))


def hessians() -> list[Row]:
    rows = []
    for count in (10, 100, 300):
        graph = rosenbrock(count)
        seconds = timed(graph.hessian)
        nodes = len(graph.hessian().dag)
        goal = "1 s" if count == 100 else "–"
        rows.append(
            (
                f"Hessian graph of Rosenbrock's function of {count} variables",
                f"{seconds * 1e3:.0f} ms, {nodes:,} nodes",
                goal,
            )
        )
    return rows


def shared_squares(count: int) -> cr.Graph:
    """A graph whose formula without names would have 2^count leaves."""
    value = cr.input("x")
    for _ in range(count):
        value = value * value + 1
    return cr.graph(value)


def latex() -> list[Row]:
    rows = []
    for count in (22, 1_000, 10_000):
        graph = shared_squares(count)
        text = graph.latex()
        seconds = timed(graph.latex)
        nodes = len(graph.dag)
        rows.append(
            (
                f"LaTeX of {count:,} shared squares",
                f"{len(text) / nodes:.1f} characters and {seconds / nodes * 1e6:.1f} µs a node",
                "linear",
            )
        )
    return rows


def main() -> None:
    """Measure everything and write the page."""
    write_page(
        "benchmarks-derivatives.md",
        "Benchmarks of derivatives",
        [
            "Derivatives as graphs, and LaTeX. Medians; written by",
            "`python -m benchmarks.derivatives`. The machine is shared and noisy: ratios count.",
        ],
        [reverse_mode, chain, hessians, latex],
    )


if __name__ == "__main__":
    main()
