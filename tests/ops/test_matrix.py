"""The op matrix: every operation passes every check, and its page says so, cell by cell."""

import dataclasses
import functools
from pathlib import Path

import pytest

from chainrule.graph.op import OPS, Convention
from tests.ops import matrix
from tests.ops.matrix import ALL, CHECKS, Result

PAGE = Path(__file__).parent.parent.parent / "docs" / "op-matrix.md"
each_op = pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
each_check = pytest.mark.parametrize("name", CHECKS)


@functools.cache
def result(op, name) -> Result:
    return CHECKS[name](op)


@pytest.fixture(scope="module")
def cells(request) -> dict[tuple[str, str], str]:
    """The cells of the page by operation and check; ``pytest --accept`` writes the page first."""
    if request.config.getoption("--accept"):
        PAGE.write_text(matrix.page(lambda op, name: result(op, name).cell), "utf-8", newline="")
    return matrix.cells(PAGE.read_text("utf-8"))


@each_op
@each_check
def test_cell(op, name, cells):
    found = result(op, name)
    assert found.text.strip(), "a check says what it compared, or why there is nothing to compare"
    assert cells[op.name, name] == found.cell


def test_the_page_has_a_cell_for_every_operation_and_check_and_no_other(cells):
    assert set(cells) == {(op.name, name) for op in ALL for name in CHECKS}
    assert all(cells.values())
    assert PAGE.read_text("utf-8") == matrix.page(lambda op, name: cells[op.name, name])


def test_a_check_that_does_not_apply_is_not_an_excuse():
    """Operations with a definition and rules are held to everything there is."""
    always = ("value", "first derivative", "second derivative", "float32", "forward = reverse")
    for op in ALL:
        if op.exact is not None:
            for name in (*always, "sweep = graph", "native", "JavaScript", "text", "LaTeX"):
                assert result(op, name).applies, (op, name)
            assert result(op, "singular points").applies == bool(op.conventions)


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("add", "nothing"),
        ("exp", "the result"),
        ("sin", "x"),
        ("multiply", "a, b"),
        ("relu", "one bit"),
        ("where", "condition"),
        ("tanh", "x"),
    ],
)
def test_what_is_saved_for_the_backward_pass(name, saved):
    assert matrix.saved_values(OPS[name]).cell == saved


def changed(name, **fields):
    """An operation of the table with a fault."""
    return dataclasses.replace(OPS[name], **fields)


@pytest.mark.parametrize(
    ("name", "faulty"),
    [
        ("value", changed("sin", kernel="numpy.cos")),
        ("value", changed("less", kernel="operator.le")),
        ("first derivative", changed("sin", partials=OPS["exp"].partials)),
        ("first derivative", changed("where", partials=(None, lambda *_: 1, lambda *_: 0))),
        ("second derivative", changed("sin", partials=(lambda out, x: 1 - x * x / 2,))),
        ("float32", changed("sin", kernel="numpy.cos")),
        ("float32", changed("sin", partials=OPS["exp"].partials)),
        ("singular points", changed("sqrt", conventions=(Convention((0.0,), 0.0, (0.0,), ""),))),
        ("native", changed("sin", native=OPS["cos"].native)),
        ("native", changed("sin", partials=OPS["exp"].partials)),
        ("native", changed("less", native=OPS["less_equal"].native)),
        ("native", changed("where", native=lambda code, condition, a, b: a)),
        ("JavaScript", changed("sin", javascript="Math.cos")),
        ("JavaScript", changed("sin", partials=OPS["exp"].partials)),
        ("JavaScript", changed("less", javascript="{0} <= {1}")),
        ("JavaScript", changed("where", javascript="{1}")),
        ("text", changed("sin", text=OPS["cos"].text)),
        ("LaTeX", changed("sin", latex=OPS["cos"].latex)),
    ],
)
def test_faults_are_found(name, faulty):
    with pytest.raises(AssertionError):
        CHECKS[name](faulty)
