"""Every composite passes every check, and the page of arrays says so, cell by cell."""

from __future__ import annotations

import pytest

from chainrule.ops.composite.table import COVERED, covers
from tests.ops import array_matrix
from tests.ops.composite import composite_matrix
from tests.ops.composite.composite_matrix import ALL, CHECKS
from tests.ops.composite.examples import EXAMPLES, QUESTIONS, REFUSED
from tests.ops.test_arrays import PAGE

NAMES = composite_matrix.names()


def table() -> str:
    """The second table as it is on the page."""
    _, second = array_matrix.parts(PAGE.read_text("utf-8"))
    return second.lstrip("\n")


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], str]:
    """The cells that this run has made."""
    return {}


@pytest.mark.parametrize("name", NAMES)
def test_row(name, found, request):
    for check in CHECKS:
        found[name, check] = composite_matrix.result(name, check).cell
    if not request.config.getoption("--accept"):
        on_page = composite_matrix.cells(table())
        assert {check: on_page[name, check] for check in CHECKS} == {
            check: found[name, check] for check in CHECKS
        }


def test_the_page_has_every_row_and_no_other(found, request):
    """``pytest --accept`` writes the table; rows that have not run stay as they are."""
    if request.config.getoption("--accept"):
        cells = composite_matrix.cells(table()) | found
        made = composite_matrix.table(lambda name, check: cells.get((name, check), ""))
        first, _ = array_matrix.parts(PAGE.read_text("utf-8"))
        PAGE.write_text(f"{first}\n{made}", "utf-8", newline="")
    cells = composite_matrix.cells(table())
    assert set(cells) == {(name, check) for name in NAMES for check in CHECKS}
    assert table() == composite_matrix.table(lambda name, check: cells[name, check])


def test_every_composite_has_examples_and_no_other_name_has():
    assert {*EXAMPLES, *QUESTIONS, *REFUSED} == set(ALL)
    with pytest.raises(AssertionError, match="write an example"):
        composite_matrix.result("new", "values")


def test_a_fault_is_found(monkeypatch):
    function = next(function for function in COVERED if function.__name__ == "trapezoid")
    monkeypatch.setitem(COVERED, function, lambda y, *rest, **options: y[..., 0] * 1.0)
    with pytest.raises(AssertionError):
        composite_matrix.result("trapezoid", "values")


def test_a_function_has_one_counterpart():
    with pytest.raises(ValueError, match="already"):
        covers(next(iter(COVERED)))(lambda x: x)
