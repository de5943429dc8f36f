"""Large LaTeX is read without recursion, in linear time, and nonsense is refused at once."""

from __future__ import annotations

import pytest

from chainrule.errors import FormulaError, LimitError
from chainrule.formula.latex import read_latex
from chainrule.formula.limits import Limits
from tests.work import calls

COUNT = 5_000
LARGE = {
    "sum": ("+".join([r"\theta"] * COUNT), COUNT - 1),
    "letters": ("xy" * COUNT, 2 * COUNT - 1),
    "fractions": (r"\frac{x}{y}" * COUNT, COUNT),
    "functions": (r"\sin x_1 " * COUNT, COUNT),
    "powers": ("+".join(f"x^{{{at}}}" for at in range(COUNT)), 2 * COUNT - 1),
    "rows": (
        r"\begin{aligned} a_0 &= x \\"
        + r"\\ ".join(rf"a_{{{at}}} &= a_{{{at - 1}}} x" for at in range(1, COUNT))
        + r"\end{aligned}",
        COUNT - 1,
    ),
    "lines": (r"\theta +" + "\n" * COUNT + "y", 1),
    "cases": (
        r"\begin{cases}" + r"\\".join(rf"{at} & x > {at}" for at in range(400)) + r"\end{cases}",
        800,
    ),
    "bars": ("+".join([r"\left|x\right|"] * COUNT), COUNT),
}


@pytest.mark.parametrize("name", LARGE)
def test_many_tokens(name):
    source, computations = LARGE[name]
    assert len(read_latex(source).computations) == computations


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{", "}"), (r"\left(", r"\right)"), (r"\sqrt{", "}"), (r"\sqrt ", ""), (r"\sin ", ""),
        (r"\frac{1}{", "}"), ("|", "|"), ("x^{", "}"), ("e^{", "}"), (r"\ln(", ")"),
        (r"\sin^2", ""),
        (r"\begin{cases} x & ", r" > 1 \end{cases}"), (r"\sqrt[", "]{x}"), (r"\log_{", "}{x}"),
    ],
)  # fmt: skip
def test_deep_nesting(before, after):
    read_latex(before * 150 + r"\theta" + after * 150)
    deeper = before * 20_000 + r"\theta" + after * 20_000

    def refused() -> None:
        with pytest.raises(LimitError, match="E152"):
            read_latex(deeper)

    assert calls(refused) < 100 * len(deeper)


@pytest.mark.parametrize(
    "source",
    [
        "{" * 100_000, r"\left(" * 100_000, "x^" * 100_000, "x_{" * 100_000, r"\frac" * 100_000,
        r"\sqrt" * 100_000, r"\hat" * 100_000, r"\mathbf{" * 100_000, r"\sin" * 100_000,
        r"\sin^" * 100_000, r"\log_" * 100_000, r"\begin{aligned}" * 50_000, "&" * 100_000,
        r"\begin{cases}" * 50_000, "|" * 100_000, "$" * 100_000, r"\\" * 100_000 + "@",
        "x" + "!" * 100_000, "x" + "'" * 100_000 + "(", "x" + "\n" * 100_000 + "@", "=" * 100_000,
        r"\text{" * 50_000, r"\label{" * 50_000, r"\sqrt[" * 50_000, "1" * 100_000, "}" * 100_000,
        r"\mathrm" + " " * 100_000 + "@", "x" * 100_000 + "(x]", "sin" * 50_000 + "(x)",
        r"\begin{aligned}" * 20_000 + "\n%\n" * 20_000 + "@", "(" * 50_000 + "x" + "!)" * 50_000,
        r"\sin^{" * 50_000 + "x" + "}x" * 50_000, r"\sin |" * 50_000, r"\left" * 50_000,
        r"\mathbf{2" * 50_000 + "}" * 50_000,
    ],
)  # fmt: skip
def test_large_nonsense_is_refused_quickly(source):
    def refused() -> None:
        with pytest.raises(FormulaError):
            read_latex(source)

    assert calls(refused) < 100 * len(source)


def test_reading_takes_linear_work():
    def work(count: int) -> int:
        source = r"\\ ".join(
            rf"a_{{{at}}} = \sin^2 x \cdot \frac{{y_{at % 10}}}{{{at}!}}" for at in range(count)
        )
        whole = source + r"\\ " + " + ".join(f"a_{{{at}}}" for at in range(count))
        return calls(lambda: read_latex(whole))

    assert work(1_000) < 4.2 * work(250)


def test_within_limits():
    read_latex("x" * 10, limits=Limits(length=10))
    read_latex(r"\sqrt{\sqrt{x}} + \frac{1}{x}", limits=Limits(depth=4))
