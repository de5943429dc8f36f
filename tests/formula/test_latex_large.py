"""Large LaTeX is read without recursion, in linear time, and nonsense is refused at once."""

from __future__ import annotations

from collections.abc import Callable

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

    def work(depth: int) -> int:
        def refused() -> None:
            with pytest.raises(LimitError, match="E152"):
                read_latex(before * depth + r"\theta" + after * depth)

        return calls(refused)

    assert work(4_400) < 100 * 4_400 * len(before + after)
    assert work(4_400) < 4.2 * work(1_100)


# What is refused, of a length that grows with n.
NONSENSE: list[Callable[[int], str]] = [
    lambda n: "{" * n,
    lambda n: r"\left(" * n,
    lambda n: "x^" * n,
    lambda n: "x_{" * n,
    lambda n: r"\frac" * n,
    lambda n: r"\sqrt" * n,
    lambda n: r"\hat" * n,
    lambda n: r"\mathbf{" * n,
    lambda n: r"\sin" * n,
    lambda n: r"\sin^" * n,
    lambda n: r"\log_" * n,
    lambda n: r"\begin{aligned}" * (n // 2),
    lambda n: "&" * n,
    lambda n: r"\begin{cases}" * (n // 2),
    lambda n: "|" * n,
    lambda n: "$" * n,
    lambda n: r"\\" * n + "@",
    lambda n: "x" + "!" * n,
    lambda n: "x" + "'" * n + "(",
    lambda n: "x" + "\n" * n + "@",
    lambda n: "=" * n,
    lambda n: r"\text{" * (n // 2),
    lambda n: r"\label{" * (n // 2),
    lambda n: r"\sqrt[" * (n // 2),
    lambda n: "1" * n,
    lambda n: "}" * n,
    lambda n: r"\mathrm" + " " * n + "@",
    lambda n: "x" * n + "(x]",
    lambda n: "sin" * (n // 2) + "(x)",
    lambda n: r"\begin{aligned}" * (n // 5) + "\n%\n" * (n // 5) + "@",
    lambda n: "(" * (n // 2) + "x" + "!)" * (n // 2),
    lambda n: r"\sin^{" * (n // 2) + "x" + "}x" * (n // 2),
    lambda n: r"\sin |" * (n // 2),
    lambda n: r"\left" * (n // 2),
    lambda n: r"\mathbf{2" * (n // 2) + "}" * (n // 2),
]


@pytest.mark.parametrize("source", NONSENSE)
def test_large_nonsense_is_refused_quickly(source):
    def work(text: str) -> int:
        def refused() -> None:
            with pytest.raises(FormulaError):
                read_latex(text)

        return calls(refused)

    few, many = source(2_500), source(10_000)
    assert work(many) < 100 * len(many)
    assert work(many) < 4.2 * work(few)


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
