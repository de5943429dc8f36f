"""Numbers on the page have the digits that Python writes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from playwright.sync_api import Page

from chainrule.draw.number_lines import short
from chainrule.show.numbers import number
from tests.page.modules import DOUBLES, evaluate, packed


def _doubles() -> np.ndarray:
    """Any bits, ordinary numbers, the middles between two decimals, and the ends of the scale."""
    random = np.random.default_rng(8)
    bits = random.integers(0, 2**64, 3000, dtype=np.uint64).view(np.float64)
    ordinary = random.normal(size=2000) * 10.0 ** random.integers(-9, 12, 2000)
    middles = (2 * random.integers(0, 2**26, 2000) + 1) / 2.0 ** random.integers(1, 12, 2000)
    whole = random.integers(-(10**7), 10**7, 2000).astype(float)
    powers = 10.0 ** np.arange(-320, 309)
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 2.5, 0.5]
    near = np.concatenate([np.nextafter(powers, 0), np.nextafter(powers, math.inf), powers])
    return np.concatenate(
        [bits, ordinary, middles, -middles, whole, near, special, [999999.5, 1e6]]
    )


@pytest.mark.parametrize("digits", [1, 3, 6, 15, 17])
def test_digits_are_those_of_python(page: Page, digits: int) -> None:
    doubles = _doubles()
    given = [packed(doubles), digits]
    expression = f"Array.from({DOUBLES}, (x) => [m.number(x, given[1]), m.short(x, given[1])])"
    found = evaluate(page, "numbers.js", "number, short", expression, given)
    with np.errstate(all="ignore"):
        expected = [[number(x, digits), short(x, digits)] for x in doubles.tolist()]
    assert found == expected


def test_conditions_whole_numbers_and_what_is_missing(page: Page) -> None:
    expression = (
        '[m.number(1, 6, "bool"), m.number(0, 6, "bool"), m.number(1234567890, 6, "int64"),'
        " m.number(null), m.factor(-2), m.factor(2)]"
    )
    found = evaluate(page, "numbers.js", "number, factor", expression)
    expected = [number(True), number(False), number(1234567890), number(None), "(-2)", "2"]
    assert found == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("2", 2), (" -0.5 ", -0.5), ("1e-3", 1e-3), (".5", 0.5), ("−3", -3), ("1e400", math.inf)],
)
def test_numbers_that_are_typed(page: Page, typed: str, expected: float) -> None:
    if math.isinf(expected):
        found = evaluate(page, "numbers.js", "read", "String(m.read(given))", typed)
        assert found == "Infinity"
    else:
        assert evaluate(page, "numbers.js", "read", "m.read(given)", typed) == expected


@pytest.mark.parametrize("typed", ["", "x", "1+1", "0x10", "1e", "--1", "1 2", "1_000", "alert(1)"])
def test_what_is_typed_and_is_no_number(page: Page, typed: str) -> None:
    assert evaluate(page, "numbers.js", "read", "m.read(given)", typed) is None
