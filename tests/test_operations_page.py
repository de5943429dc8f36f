"""The page of operations says what the blocks of the operations say; only errors are measured."""

import re

import pytest

import chainrule as cr
from benchmarks import operations
from benchmarks.operations import PAGE, example_params
from chainrule.graph.op import OPS

ALL = [op for op in OPS.values() if op.pointwise and not op.is_leaf]
MEASURED = [op for op in ALL if operations.is_measured(op)]


@pytest.fixture(scope="module")
def page(request) -> str:
    """The page; ``pytest --accept`` writes it first, and keeps the measured numbers."""
    text = PAGE.read_text("utf-8")
    if request.config.getoption("--accept"):
        text = operations.page(*operations.on_page(text))
        operations.write(text)
    return text


def test_the_page_is_what_the_blocks_say(page):
    assert page == operations.page(*operations.on_page(page)), (
        "run pytest --accept, or for a new operation python -m benchmarks.operations NAME"
    )


def test_every_operation_that_has_a_bound_has_been_measured(page):
    errors, machine = operations.on_page(page)
    assert list(errors) == [
        op.name for room in operations.rooms() for op in room.ops if op in MEASURED
    ]
    assert machine
    for name, numbers in errors.items():
        assert all(re.fullmatch(r"[\d.]+", number) for number in numbers), (
            f"run python -m benchmarks.operations {name}"
        )


def test_what_was_measured_is_within_the_bounds(page):
    errors, _ = operations.on_page(page)
    for op in MEASURED:
        value, single_value, slope, single_slope = map(float, errors[op.name])
        assert max(value, single_value) <= op.accuracy.value, op
        assert max(slope, single_slope) <= op.accuracy.partials, op


def test_every_operation_stands_in_one_room():
    found = [op for room in operations.rooms() for op in room.ops]
    every = [op for op in OPS.values() if not op.is_leaf]
    assert len(found) == len(every)
    assert set(found) == set(every)


def test_a_new_operation_changes_the_page(page, monkeypatch):
    rooms = operations.rooms()
    monkeypatch.setattr(operations, "rooms", lambda: rooms[1:])
    assert page != operations.page(*operations.on_page(page))


def test_derivatives_are_written_with_the_names_of_the_operands():
    assert operations.derivatives(OPS["divide"]) == ["∂z/∂a = 1/b", "∂z/∂b = -(z/b)"]
    assert operations.derivatives(OPS["sqrt"]) == ["∂z/∂x = 0.5/z"]
    assert operations.derivatives(OPS["less"]) == []


@pytest.mark.parametrize(
    "op", [op for op in ALL if any(op.partials) and not op.variadic], ids=lambda op: op.name
)
def test_a_derivative_on_the_page_is_a_formula_of_the_derivative(op):
    """What the page shows reads back, and has the value of the derivative, to six digits."""
    point = {
        name: (low + high) / 2 for name, (low, high) in zip(op.operands, op.domain, strict=True)
    }
    names = [param.name for param in op.params]
    params = dict(zip(names, map(repr, example_params(op)), strict=True))
    dtypes = dict.fromkeys(op.operands, "float64")
    if op.name == "where":
        point["condition"] = True
        dtypes["condition"] = "bool"
    whole = cr.parse(
        op.text.template.format(*op.operands, **params).replace("'", ""), dtype=dtypes
    ).at(**point)
    shown = operations.derivatives(op)
    assert len(shown) == sum(rule is not None for rule in op.partials)
    for line in shown:
        symbol, _, text = line.partition(" = ")
        last, _, parts = text.partition(" where ")
        statements = "; ".join([*re.split(r", (?=v\w* = )", parts), last]).removeprefix("; ")
        graph = cr.parse(statements, dtype={**dtypes, "z": "float64"})
        given = {**point, "z": whole.value}
        slope = graph.at(**{name: given[name] for name in graph.arguments}).value
        expected = whole.derivative(wrt=symbol.partition("/∂")[2])
        assert slope == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_measured_numbers_are_read_off_a_page_that_was_written():
    errors = {op.name: ["0.5", "1", "20", "300"] for op in MEASURED}
    assert operations.on_page(operations.page(errors, "a machine")) == (errors, "a machine")
