"""Work grows with the number of nodes, not with its square; counted in calls, never timed."""

import pytest

import chainrule as cr
from tests.work import calls


def inputs(count: int) -> tuple[cr.Array, ...]:
    return cr.inputs([f"x{at}" for at in range(count)])


def quotient(count: int) -> cr.Graph:
    """``x0/x1/x2/…``, which is x0 over a long product."""
    value, *others = inputs(count)
    for other in others:
        value = value / other
    return cr.graph(value)


def maxima(count: int) -> cr.Graph:
    """Each greatest number so far is compared with the next one, so conditions stand in a row."""
    x, value = cr.inputs("x y")
    for at in range(count):
        value = cr.maximum(x * at, value)
    return cr.graph(value)


def tree(count: int) -> cr.Graph:
    """A balanced product: each input is below few nodes."""
    values = list(inputs(count))
    while len(values) > 1:
        values = [a * b for a, b in zip(values[::2], values[1::2], strict=True)]
    return cr.graph(values[0])


WORK = {
    "simplify a long quotient": (quotient, lambda graph: graph.gradient().simplify()),
    "write conditions in a row": (maxima, lambda graph: str(graph.saved_values())),
    "count the cost of a tree": (tree, lambda graph: graph.cost()),
}


@pytest.mark.parametrize("name", WORK)
def test_four_times_the_nodes_take_no_more_than_five_times_the_calls(name):
    build, work = WORK[name]
    small, large = build(128), build(512)
    work(build(64))  # what is done once in a process
    assert calls(lambda: work(large)) <= 5 * calls(lambda: work(small))
