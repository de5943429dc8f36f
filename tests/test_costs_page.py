"""The page of costs says what is counted now."""

from __future__ import annotations

from benchmarks import costs


def test_the_page_of_costs_is_up_to_date(request):
    if request.config.getoption("--accept"):
        costs.PAGE.write_text(costs.page(), encoding="utf-8")
    assert costs.PAGE.read_text(encoding="utf-8") == costs.page()


def test_the_numbers_of_paths_are_those_of_the_third_text():
    """3·3 = 9, 3³ = 27, and on."""
    _, _, *rows = costs.explosion()
    assert [row.split(" | ")[1] for row in rows[:3]] == ["9", "27", "81"]
