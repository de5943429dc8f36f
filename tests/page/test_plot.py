"""The plot of the page: its window is that of Python's plots; it is broken where it jumps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

import chainrule as cr
from chainrule.draw.plot.curve import fitting_spread, value_range
from tests.page.conftest import Opens
from tests.page.modules import evaluate


@pytest.mark.parametrize(
    ("formula", "at", "pieces"),
    [
        ("1/x", 0.5, 2),
        ("floor(x)", 0.5, 4),
        ("sqrt(x)", 1.0, 1),
        ("tan(x)", 0.25, 2),
        ("log(x)*0 + where(x > 1, 1, -1)", 1.5, 2),
        ("x^2", 1.0, 1),
    ],
)
def test_curves_are_broken_where_they_have_to_be(
    opened: Opens, tmp_path: Path, formula: str, at: float, pieces: int
) -> None:
    graph = cr.parse(formula)
    graph.at(x=at).save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html", "#v=1&tab=tangent")
    line = page.locator(".curve-line").get_attribute("d")
    assert line
    assert line.count("M") >= pieces
    assert "NaN" not in line
    assert "Infinity" not in line


_FUNCTIONS = {
    "Math.sin(50 * x)": lambda x: np.sin(50 * x),
    "1 / x": lambda x: 1 / x,
    "x * x": lambda x: x * x,
    "Math.exp(-x * x)": lambda x: np.exp(-x * x),
    "Math.log(x)": np.log,
    "7": lambda x: np.full_like(x, 7.0),
}


@pytest.mark.parametrize("expression", _FUNCTIONS)
@pytest.mark.parametrize(("at", "slope"), [(0.3, 1.0), (2.0, -4.0), (40.0, 0.0)])
def test_windows_are_those_of_pictures(
    page: Page, expression: str, at: float, slope: float
) -> None:
    function = _FUNCTIONS[expression]

    def values(xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            return xs, np.asarray(function(xs), float)

    spread = fitting_spread(values, at, slope)
    ys = values(np.linspace(at - spread, at + spread, 65))[1]
    ys = np.where(np.abs(ys) < 1e300, ys, np.nan)
    script = (
        f"(() => {{ const curve = (xs) => xs.map((x) => {expression})"
        ".map((y) => Math.abs(y) < 1e300 ? y : NaN);"
        "const spread = m.fittingSpread(curve, given[0], given[1]);"
        "const xs = m.spaced(given[0] - spread, given[0] + spread, 64);"
        "return [spread, ...m.valueRange(curve(xs), 1)]; })()"
    )
    exports = "fittingSpread, spaced, valueRange"
    found = evaluate(page, "plot-window.js", exports, script, [at, slope])
    assert found == pytest.approx([spread, *value_range(ys, 1.0)], rel=1e-9, abs=1e-12)
