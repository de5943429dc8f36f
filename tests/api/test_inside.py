"""What happened inside of loops, branches and calls: step by step, against loops in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError

W, U, START, XS = 0.5, 0.3, 0.1, np.array([1.0, 2.0, 3.0])


def network(w, u, start, xs):
    def step(h, x):
        z = w * h + u * x
        new = np.tanh(z)
        y = new**2
        return new, y

    last, ys = cr.scan(step, start, xs)
    return np.sum(ys) + last


def by_hand():
    """Values before each step, stacked values, and adjoints of the values before each step."""
    before, ys, h = [], [], START
    for x in XS:
        before.append(h)
        h = np.tanh(W * h + U * x)
        ys.append(h**2)
    adjoint, found = 1.0, []
    for at in range(len(XS) - 1, -1, -1):
        new = np.tanh(W * before[at] + U * XS[at])
        adjoint = (adjoint + 2 * new) * (1 - new**2) * W
        found.append(adjoint)
    return before, ys, found[::-1]


@pytest.fixture
def record():
    return cr.trace(network)(W, U, START, XS).at(W, U, START, XS)


def test_each_step_of_a_scan_has_its_values_and_adjoints(record):
    before, ys, adjoints = by_hand()
    steps = record.iterations("scan1")
    assert len(steps) == 3
    np.testing.assert_allclose([step["h"].value for step in steps], before, rtol=1e-15)
    np.testing.assert_allclose([step["y"].value for step in steps], ys, rtol=1e-15)
    np.testing.assert_allclose([step["x"].value for step in steps], XS)
    np.testing.assert_allclose([step["h"].adjoint for step in steps], adjoints, rtol=1e-14)


def test_the_steps_of_a_constant_add_up_to_its_gradient(record):
    steps = record.iterations("scan1")
    total = sum(step.gradient["w"] for step in steps)
    np.testing.assert_allclose(total, record.gradient["w"], rtol=1e-14)
    slices = [step.gradient["x"] for step in steps]
    np.testing.assert_allclose(slices, record.gradient["xs"], rtol=1e-14)


def test_steps_are_a_sequence(record):
    steps = record.iterations("last")
    assert [step["x"].value for step in steps[1:]] == [2.0, 3.0]
    assert steps[-1]["x"].value == 3.0
    assert repr(steps) == "<3 steps of scan1>"
    with pytest.raises(IndexError):
        steps[3]


def test_the_table_of_steps(record):
    table = record.iterations("scan1").table()
    before, ys, adjoints = by_hand()
    columns = list(zip(*[[cell.datum for cell in row] for row in table.rows], strict=True))
    assert columns[0] == (1, 2, 3)
    for column, expected in zip(columns[1:], (before, ys, adjoints), strict=True):
        np.testing.assert_allclose(column, expected, rtol=1e-14)
    assert str(table).splitlines()[1].split() == ["Step", "h", "y", "∂f/∂h"]


def test_a_scan_that_goes_backward_begins_with_the_last_slice():
    graph = cr.trace(lambda s, xs: cr.scan(lambda c, x: (c * x, c), s, xs, reverse=True)[0])
    record = graph(2.0, XS).at(2.0, XS)
    steps = record.iterations("scan1")
    assert [step["x"].value for step in steps] == [3.0, 2.0, 1.0]
    assert [step["c"].value for step in steps] == [2.0, 6.0, 12.0]
    assert [step["c"].adjoint for step in steps] == [6.0, 2.0, 1.0]


def root(a):
    def step(x):
        better = (x + a / x) / 2
        return better  # noqa: RET504 - the name is asked for

    return cr.while_loop(lambda x: abs(x * x - a) > 1e-12, step, a)


def test_a_loop_with_a_condition_has_a_record_for_each_step():
    found, x = [], 2.0
    while abs(x * x - 2.0) > 1e-12:
        found.append(x)
        x = (x + 2.0 / x) / 2
    record = cr.trace(root)(2.0).at(2.0)
    steps = record.iterations("while1")
    assert [step["x"].value for step in steps] == found
    assert [step["better"].value for step in steps] == [*found[1:], x]
    assert all(step.outputs[-1] is True for step in steps)  # the condition
    # Of x → (x + a/x)/2 the derivative is (1 - a/x²)/2.
    slopes = [(1 - 2.0 / x**2) / 2 for x in found]
    expected = [float(np.prod(slopes[at:])) for at in range(len(found))]
    np.testing.assert_allclose([step["x"].adjoint for step in steps], expected, rtol=1e-4)


def test_a_loop_that_never_runs_has_no_steps():
    record = cr.trace(lambda a: cr.while_loop(lambda x: x < 0, lambda x: 2 * x, a))(1.0).at(1.0)
    assert len(record.iterations("while1")) == 0
    assert record.draw(open="all").svg().count("no step")


def pair(x, y):
    def up(x):
        s = np.sin(x)
        return s * y, s

    a, b = cr.cond(x > 0, up, lambda x: (x**2, -x), x)
    return a * b


@pytest.mark.parametrize(("x", "branch"), [(1.0, 0), (-1.0, 1)])
def test_a_branch_says_which_one_it_was(x, branch):
    record = cr.trace(pair)(1.0, 2.0).at(x, 2.0)
    assert record.branch("cond1") == record.branch("a") == branch
    (step,) = record.iterations("cond1")
    expected = (np.sin(x) * 2.0, np.sin(x)) if branch == 0 else (x**2, -x)
    np.testing.assert_allclose(step.value, expected)
    np.testing.assert_allclose(step.gradient["x"], record.gradient["x"])


def test_a_call_has_one_step():
    record = cr.trace(lambda x: 2 * cr.checkpoint(lambda x: np.sin(x) * x)(x))(1.0).at(1.0)
    (step,) = record.iterations("call1")
    np.testing.assert_allclose(step.value, np.sin(1.0))
    np.testing.assert_allclose(step["x"].adjoint, 2 * (np.cos(1.0) + np.sin(1.0)))


def test_loops_in_loops_have_steps_in_steps():
    def outer(c, x):
        inner = cr.scan(lambda d, _: (d * x, None), c, length=2)[0]
        return inner, None

    graph = cr.trace(lambda c, xs: cr.scan(outer, c, xs)[0])(1.0, XS)
    steps = graph.at(2.0, XS).iterations("scan1")
    inner = steps[1].iterations("scan1")
    # 2·1·1 = 2 goes into the second step, whose x is 2; after it come 3·3.
    assert [one["d"].value for one in inner] == [2.0, 4.0]
    assert [one["d"].adjoint for one in inner] == [36.0, 18.0]


def test_several_outputs_need_a_name():
    graph = cr.trace(lambda s: cr.scan(lambda c, _: (c * 2, c * c), s, length=2))(1.0)
    record = graph.at(3.0)
    with pytest.raises(ChainruleError, match="E332"):
        _ = record.iterations("scan1")[0]["c"].adjoint
    steps = record.iterations("scan1", of=graph.outputs[0])
    assert [step["c"].adjoint for step in steps] == [4.0, 2.0]


def test_inside_is_a_graph_of_its_own():
    graph = cr.trace(network)(W, U, START, XS)
    body = graph.inside("scan1")
    assert str(body) == "z = w*h + u*x; new = tanh(z); y = new^2; new, y"
    np.testing.assert_allclose(body(0.5, 0.3, 0.1, 1.0)[0], np.tanh(0.35))
    branches = cr.trace(pair)(1.0, 2.0)
    assert str(branches.inside("cond1", 0)) == "s = sin(x); s*y, s"
    assert str(branches.inside("cond1", 1)) == "x^2, -x"


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda r, g: r.iterations("f"), "E229"),
        (lambda r, g: r.iterations("nothing"), "E225"),
        (lambda r, g: r.branch("scan1"), "E229"),
        (lambda r, g: g.inside("f"), "E229"),
        (lambda r, g: g.inside("scan1", 1), "E226"),
        (lambda r, g: r.paths("w"), "E229"),
        (lambda r, g: g.derive("w"), "E229"),
        (lambda r, g: g.check(), "E229"),
        (lambda r, g: g.cost(), "E229"),
        (lambda r, g: r.local_derivative("w", "scan1"), "E229"),
        (lambda r, g: r["scan1"].adjoint, "E331"),
        (lambda r, g: r.derivative(wrt="scan1"), "E331"),
        (lambda r, g: g.gradient("scan1"), "E331"),
        (lambda r, g: g.substitute(scan1=1.0), "E202"),
        (lambda r, g: r.draw(open="f"), "E229"),
        (lambda r, g: r.draw(open="all", step=4), "E252"),
        (lambda r, g: r.draw(step=2), "E252"),
        (lambda r, g: r.draw(step=0), "E250"),
        (lambda r, g: r.draw(open=3), "E250"),
    ],
)
def test_what_cannot_be_says_why(record, ask, code):
    with pytest.raises(ChainruleError, match=code):
        ask(record, cr.trace(network)(W, U, START, XS))


def test_several_results_are_counted_not_shown(record):
    values = record["scan1"].value
    assert len(values) == 3
    assert repr(record["scan1"]) == "<node scan1 = 3 results>"
    rules = {edge.user: edge.local_derivative for edge in record.edges()}
    assert rules["scan1"] == "derivative of a loop"
    assert rules["last"] == "one result"


# --- written out ----------------------------------------------------------------------------------


def test_a_short_scan_is_written_out_in_scalars(record):
    graph = cr.trace(network)(W, U, START, XS)
    scalars = graph.expand()
    assert not any(node.op.joint for node in scalars.dag.order)
    flat = scalars.at(W, U, START, *XS)
    np.testing.assert_allclose(flat.value, record.value, rtol=1e-15)
    np.testing.assert_allclose(flat.gradient["w"], record.gradient["w"], rtol=1e-14)
    assert flat["new_2"].value == pytest.approx(record.iterations("scan1")[1]["new"].value)
    assert scalars.check().ok


def test_the_gradient_of_a_scan_is_written_out_too():
    graph = cr.trace(network)(W, U, START, XS).gradient()
    value, d_w, *_ = graph.expand()(W, U, START, *XS)
    np.testing.assert_allclose(
        (value, d_w), (graph(W, U, START, XS)[0], graph(W, U, START, XS)[1][0])
    )


def test_a_call_is_written_out():
    graph = cr.trace(cr.checkpoint(lambda x: np.sin(x) * x))(1.0)
    assert str(graph.expand()) == "sin(x)*x"


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (lambda: cr.trace(root)(2.0), "depends on values"),
        (lambda: cr.trace(pair)(1.0, 2.0), "chooses a branch by a value"),
    ],
)
def test_what_depends_on_values_is_not_written_out(graph, words):
    with pytest.raises(ChainruleError, match=f"E229 .*{words}"):
        graph().expand()


def test_a_long_scan_is_not_written_out():
    graph = cr.trace(lambda s: cr.scan(lambda c, _: (np.sin(c), None), s, length=10**6)[0])(1.0)
    with pytest.raises(ChainruleError, match="E157"):
        graph.expand()


# --- saved values ---------------------------------------------------------------------------------


def saved(graph):
    return {value.name: value.bytes for value in graph.saved_values().values}


def test_a_loop_saves_the_carried_values_before_each_step():
    def f(w, s, xs):
        return cr.scan(lambda c, x: (np.tanh(w * c) + x, None), s, xs)[0]

    # The values before each step are the second result. A slice that is only added is not needed.
    assert saved(cr.trace(f)(0.5, 0.1, XS)) == {
        "w": 8,
        "scan1[1] (c before each step)": 3 * 8,
    }


def test_a_linear_loop_saves_nothing():
    graph = cr.trace(lambda s, xs: cr.scan(lambda c, x: (2 * c + x, None), s, xs)[0])(0.1, XS)
    assert graph.saved_values().bytes == 0


def test_a_loop_with_a_condition_saves_so_much_for_each_step():
    report = cr.trace(root)(2.0).saved_values()
    assert report.bytes_per_step == 8
    assert "A step of a loop takes 8 more." in str(report)
