"""Each operation in JavaScript: it has a spelling, and its values are those of Python."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from benchmarks.accuracy import VALUE_SCALE, evaluate, ulps
from benchmarks.exact import expected, grid, measured_ops, params_of
from chainrule.errors import GraphError
from chainrule.exchange.javascript import library
from chainrule.graph.op import OPS
from chainrule.ops.native import _ERFCX
from tests.javascript import run
from tests.ops.matrix import alone

WITHOUT = {"abstract": "an abstract function has no values"}
"""Pointwise operations without a spelling, and why."""

FARTHER = {
    found[1]: (float(found[2]), float(found[3]))
    for found in re.finditer(
        r"^\| `(\w+)` \| (\d+) \| (\d+) \| .+ \|$",
        (Path(__file__).parents[2] / "docs" / "files.md").read_text("utf-8"),
        re.MULTILINE,
    )
}
"""Operations with more than 4 ulps: from Python, and from the exact value."""

each_op = pytest.mark.parametrize("op", measured_ops(), ids=lambda op: op.name)


def test_every_operation_on_numbers_has_a_spelling():
    pointwise = {op.name for op in OPS.values() if op.pointwise and not op.is_leaf}
    assert pointwise - {name for name in pointwise if OPS[name].javascript} == set(WITHOUT)
    assert len(FARTHER) == 9


def test_names_of_functions_are_there():
    own = {name for file in library.files().values() for name in file.names}
    for op in OPS.values():
        if isinstance(op.javascript, str) and op.javascript.isidentifier():
            assert op.javascript in own, op


def points(op, count):
    """Points of all sizes, and in the domain."""
    rng = np.random.default_rng(sum(map(ord, op.name)))
    size = (count, len(op.operands))
    low, high = np.array(op.domain).T
    return np.concatenate(
        [
            rng.choice([-1, 1], size) * 10.0 ** rng.uniform(-12, 6, size),
            rng.uniform(-40, 40, size),
            rng.uniform(-1, 1, size),
            rng.uniform(low, high, size),
        ]
    )


def values(op, params, table):
    return run(alone(op, params), table).values[:, -1]


def scales(op, params, table):
    """Near a zero where no formula keeps relative accuracy, ulps are those of this size."""
    scale = VALUE_SCALE.get(op.name, lambda *_: 0.0)
    return np.array([scale(*row, *params) if np.isfinite(row).all() else 0.0 for row in table])


@each_op
def test_values_are_those_of_python(op):
    bound, _ = FARTHER.get(op.name, (4, 4))
    table = np.concatenate([points(op, 1000), np.array(grid(op, "float64"))])
    for params in params_of(op):
        found = values(op, params, table)
        wanted, _ = evaluate(op, params, "float64", [*table.T])
        both_nan = np.isnan(found) & np.isnan(wanted)
        size = np.maximum(np.abs(wanted), scales(op, params, table))
        with np.errstate(all="ignore"):
            error = np.abs(found - wanted) / np.spacing(np.minimum(size, np.finfo(float).max))
        close = (found == wanted) | both_nan | (error <= bound)
        assert close.all(), (params, table[~close], found[~close], wanted[~close])


@pytest.mark.parametrize("name", [*FARTHER, "erf", "erfinv", "silu", "normal_pdf", "power", "tanh"])
def test_values_are_exact_in_all_but_a_few_ulps(name):
    """The op matrix does the same on the grid."""
    op = OPS[name]
    _, bound = FARTHER.get(name, (4, 4))
    table = points(op, 20)
    for params in params_of(op):
        found = values(op, params, table)
        for row, number, scale in zip(table, found, scales(op, params, table), strict=True):
            exact, _ = expected(op, tuple(map(float, row)), params)
            assert ulps(float(number), exact, "float64", scale) <= bound, (row, number)


def test_factorials_are_exact():
    found = values(OPS["gamma"], (), np.arange(1.0, 24.0)[:, None])
    assert [int(number) for number in found] == [math.factorial(n) for n in range(23)]


def test_conversions_to_whole_numbers_are_refused():
    for dtype in ("int32", "int64"):
        with pytest.raises(GraphError, match="E249"):
            cr.parse(f"convert(x, {dtype})").javascript()


def test_the_coefficients_of_the_machine_code():
    table = re.search(r"ERFCX = \[(.*?)\]", library.files()["error"].text, re.DOTALL)
    assert [float(number) for number in table[1].strip(" \n,").split(",")] == [*_ERFCX[::-1]]
