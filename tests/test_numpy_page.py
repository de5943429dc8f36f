"""The page of NumPy functions says which have a counterpart; ``pytest --accept`` writes it."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import chainrule as cr
from chainrule.api.protocols import namespace
from chainrule.ops.composite.elementwise import SPECIAL
from chainrule.ops.composite.table import COVERED, LINALG

PAGE = Path(__file__).parent.parent / "docs" / "numpy.md"
INTRODUCTION = """# What can be traced

Functions that `chainrule` traces run on NumPy's arrays unchanged. This page lists the functions of
NumPy and SciPy that have a counterpart, and those of the [Array API standard
2024.12](https://data-apis.org/array-api/2024.12/). Any other function of NumPy raises E238 at its
line. [Linear algebra](linear-algebra.md) has a page of its own. This one is written anew by `pytest
--accept`.
"""
STANDARD = {
    "Element by element": "abs acos acosh add asin asinh atan atan2 atanh bitwise_and "
    "bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor ceil clip conj "
    "copysign cos cosh divide equal exp expm1 floor floor_divide greater greater_equal hypot imag "
    "isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not "
    "logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow "
    "real reciprocal remainder round sign signbit sin sinh sqrt square subtract tan tanh trunc",
    "Statistics": "cumulative_prod cumulative_sum max mean min prod std sum var",
    "Creation": "arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid "
    "ones ones_like tril triu zeros zeros_like",
    "Shapes": "broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat "
    "reshape roll squeeze stack tile unstack",
    "Dtypes": "astype can_cast finfo iinfo isdtype result_type",
    "Products": "matmul matrix_transpose tensordot vecdot",
    "Searching, sorting, sets": "argmax argmin argsort count_nonzero nonzero searchsorted sort "
    "take take_along_axis unique_all unique_counts unique_inverse unique_values where",
    "Truth and differences": "all any diff",
    "linalg": "cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power "
    "matrix_rank matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot "
    "vector_norm",
    "fft": "fft fftfreq fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftfreq "
    "rfftn",
    "Constants": "e inf nan newaxis pi",
}
"""The names of the standard, by its categories."""
_FREE = (
    "arange asarray empty eye from_dlpack full linspace ones zeros can_cast finfo iinfo isdtype "
    "result_type fftfreq rfftfreq e inf nan newaxis pi"
)
FREE = frozenset(_FREE.split())
"""Names that work as NumPy's own: they take no arrays, or only ask for dtypes."""


def name_of(function):
    return function.__name__


def of_standard(category, name):
    """What stands for a name of the standard in NumPy, or None."""
    home = getattr(np, category) if category in ("linalg", "fft") else np
    return getattr(home, name, None)


def is_covered(category, name):
    if name in FREE:
        return True
    return of_standard(category, name) in COVERED


def listed(names):
    return " ".join(f"`{name}`" for name in names)


def covered_functions():
    """The functions of NumPy that have a counterpart: ufuncs, others, those of np.linalg."""
    ufuncs, functions, linear = set(), set(), set()
    for function in COVERED:
        name = name_of(function)
        if isinstance(function, np.ufunc):
            ufuncs.add(name)
        elif getattr(np, name, None) is function:
            functions.add(name)
        elif getattr(np.linalg, name, None) is function:
            linear.add(name)
        elif getattr(np.lib.stride_tricks, name, None) is function:
            functions.add(f"lib.stride_tricks.{name}")
    return ufuncs, functions, linear


def page():
    ufuncs, functions, linear = covered_functions()
    every = {name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)}
    aliases = {n for n in every if name_of(getattr(np, n)) != n}
    lines = [INTRODUCTION, "## NumPy\n", "| | covered |", "|---|---|"]
    lines += [
        f"| ufuncs | {listed(sorted(ufuncs))} |",
        f"| functions | {listed(sorted(functions))} |",
        f"| `np.linalg` | {listed(sorted(linear))} |",
        f"| `scipy.special` | {listed(sorted(SPECIAL))} |",
        f"| `scipy.linalg` | {listed(sorted(LINALG))} |",
        "",
        f"Ufuncs without a counterpart: {listed(sorted(every - aliases - ufuncs))}.",
        "",
        "## The Array API standard\n",
        "`x.__array_namespace__()` has these names; what takes no symbolic array is NumPy's.\n",
        "| category | covered | not covered |",
        "|---|---|---|",
    ]
    for category, names in STANDARD.items():
        have = [name for name in names.split() if is_covered(category, name)]
        lack = [name for name in names.split() if name not in have]
        lines.append(f"| {category} | {listed(have)} | {listed(lack)} |")
    return "\n".join(lines) + "\n"


def test_the_page_is_up_to_date(request):
    if request.config.getoption("--accept"):
        PAGE.write_text(page(), encoding="utf-8", newline="")
    assert PAGE.read_text("utf-8") == page(), "run pytest --accept"


@pytest.mark.parametrize(
    "name",
    [n for c, names in STANDARD.items() if c not in ("linalg", "fft") for n in names.split()],
)
def test_the_namespace_has_what_is_covered(name):
    category = next(c for c, names in STANDARD.items() if name in names.split())
    if is_covered(category, name):
        assert hasattr(namespace(), name)


def test_names_of_the_standard_are_numpys():
    """Of NumPy 2.3; older versions lack some."""
    names = [(category, name) for category, row in STANDARD.items() for name in row.split()]
    missing = {name for category, name in names if of_standard(category, name) is None}
    assert missing <= {"newaxis", "unstack"}  # newaxis is None


def test_every_counterpart_is_of_a_public_function():
    ufuncs, functions, linear = covered_functions()
    assert len(ufuncs) + len(functions) + len(linear) == len(COVERED)
    assert isinstance(scipy.special, types.ModuleType)
    assert all(isinstance(getattr(scipy.special, name), np.ufunc) for name in SPECIAL)
    assert all(callable(getattr(scipy.linalg, name)) for name in LINALG)


def test_what_is_not_covered_says_so():
    x = cr.input("x", (2, 2))
    for category, names in STANDARD.items():
        for name in names.split():
            if not is_covered(category, name):
                function = of_standard(category, name)
                arguments = (x, x) if name in ("copysign", "nextafter") or (
                    "shift" in name and "fft" not in name) else (x,)  # fmt: skip
                with pytest.raises(cr.GraphError, match="E238"):
                    function(*arguments)
