"""Large formulas are read without recursion, in linear time, and stopped at the limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chainrule.errors import FormulaError, LimitError
from chainrule.formula.infix import read
from chainrule.formula.limits import Limits
from tests.work import calls

COUNT = 10_000
LARGE = {
    "sum": ("+".join(["x"] * COUNT), COUNT - 1),
    "product": ("*".join(f"sin(x{at})" for at in range(COUNT)), 2 * COUNT - 1),
    "implicit product": (" ".join(["x"] * COUNT), COUNT - 1),
    "numbers": ("+".join(f"{at}.5*x" for at in range(COUNT)), 2 * COUNT - 1),
    "signs": ("-".join(["-x^2"] * COUNT), COUNT + 1),
    "chain": ("<".join(["x"] * COUNT), COUNT - 1),
    "arguments": (f"max({', '.join(f'x{at}' for at in range(COUNT))})", COUNT - 1),
    "statements": (
        "a0=x\n" + "\n".join(f"a{at}=a{at - 1}*x+{at}" for at in range(1, COUNT)),
        2 * COUNT - 2,
    ),
    "functions": (
        "f0(t)=t*x;"
        + "".join(f"f{at}(t)=f{at - 1}(t)+t;" for at in range(1, COUNT))
        + f"f{COUNT - 1}(x)",
        COUNT,
    ),
    "outputs": (", ".join(f"x + {at}" for at in range(COUNT)), COUNT),
    "lines": ("x +" + "\n" * COUNT + "y", 1),
    "comments": ("# nothing\n" * COUNT + "x + y", 1),
}


@pytest.mark.parametrize("name", LARGE)
def test_many_tokens(name):
    text, computations = LARGE[name]
    assert len(read(text).computations) == computations


def test_a_hundred_thousand_terms():
    assert len(read("+".join(["x"] * 100_000)).computations) == 99_999


@pytest.mark.parametrize(
    ("before", "after"), [("(", ")"), ("|", "|"), ("sin(", ")"), ("-", ""), ("x^", ""), ("√", "")]
)
def test_a_thousand_levels(before, after):
    read(before * 1000 + "x" + after * 1000)
    with pytest.raises(LimitError, match="E152"):
        read(before * 1001 + "x" + after * 1001)


def test_reading_takes_linear_work():
    def work(count: int) -> int:
        text = "".join(f"a{at} = sin(x)*{at} + y_{at}^2; " for at in range(count)) + " + ".join(
            f"a{at}" for at in range(count)
        )
        return calls(lambda: read(text))

    assert work(2_000) < 4.2 * work(500)


# What is refused, of a length that grows with n.
NONSENSE: list[Callable[[int], str]] = [
    lambda n: "(" * (2 * n),
    lambda n: "|" * (2 * n),
    lambda n: "x" * (2 * n) + "(x)",
    lambda n: "x_{" * n,
    lambda n: "f(" + "x," * n,
    lambda n: "x +" + "\n" * (2 * n),
    lambda n: "a = b; " + "x1 + " * n,
    lambda n: "1" * (2 * n),
    lambda n: "²" * (2 * n),
    lambda n: "sin " * n,
    lambda n: "=" * (2 * n),
]


@pytest.mark.parametrize("text", NONSENSE)
def test_large_nonsense_is_refused_quickly(text):
    def work(text: str) -> int:
        def refused() -> None:
            with pytest.raises(FormulaError):
                read(text)

        return calls(refused)

    few, many = text(2_500), text(10_000)
    assert work(many) < 100 * len(many)
    assert work(many) < 4.2 * work(few)


def test_unknown_name_among_many():
    names = " ".join(f"x{at}" for at in range(50_000))
    with pytest.raises(FormulaError, match="E102"):
        read("x10 + xx10", inputs=names)


def test_work_that_makes_no_nodes_is_limited():
    """Functions that do nothing, called exponentially often, are stopped too."""
    text = (
        f"i(x) = x; h(x) = {'i(' * 200}x{')' * 200} + 1; f0(x) = h(h(x)); "
        + "".join(f"f{at}(x) = f{at - 1}(f{at - 1}(x)); " for at in range(1, 40))
        + "f39(x)"
    )
    with pytest.raises(LimitError, match="E153"):
        read(text, limits=Limits(nodes=100_000))
