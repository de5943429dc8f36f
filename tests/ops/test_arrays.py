"""Every operation on whole arrays passes every check, and its page says so, cell by cell."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import GraphError
from chainrule.graph.op import OPS, Linear
from chainrule.ops.kernels import where
from tests.ops import array_matrix
from tests.ops.array_matrix import ALL, CHECKS, Result

PAGE = Path(__file__).parent.parent.parent / "docs" / "op-matrix-arrays.md"


@functools.cache
def result(op, name) -> Result:
    return CHECKS[name](op)


@pytest.fixture(scope="module")
def cells(request) -> dict[tuple[str, str], str]:
    """The cells of the page by operation and check; ``pytest --accept`` writes the page first."""
    if request.config.getoption("--accept"):
        made = array_matrix.page(lambda op, name: result(op, name).cell)
        _, second = array_matrix.parts(PAGE.read_text("utf-8"))
        PAGE.write_text(made + second, "utf-8", newline="")
    return array_matrix.cells(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
@pytest.mark.parametrize("name", CHECKS)
def test_cell(op, name, cells):
    assert cells[op.name, name] == result(op, name).cell


def test_the_page_has_every_cell_and_no_other(cells):
    assert set(cells) == {(op.name, name) for op in ALL for name in CHECKS}
    first, _ = array_matrix.parts(PAGE.read_text("utf-8"))
    assert first == array_matrix.page(lambda op, name: cells[op.name, name])
    assert len(ALL) > 20


def test_every_operation_has_examples_and_a_batching_rule():
    assert all(op.examples and (op.batch or op.joint) for op in ALL)


def changed(name, **fields):
    """An operation of the table with a fault."""
    return dataclasses.replace(OPS[name], **fields)


(CUMSUM,) = OPS["cumsum"].partials
STUCK = Linear(lambda tangent, out, x, axis, reverse: tangent, CUMSUM.pull)
FORGETFUL = Linear(CUMSUM.push, lambda adjoint, out, x, axis, reverse: adjoint)


@pytest.mark.parametrize(
    ("name", "faulty"),
    [
        ("shapes", changed("sum", kernel="chainrule.ops.array_kernels.cumsum")),
        ("tangents", changed("cumsum", partials=(STUCK,))),
        ("adjoints", changed("cumsum", partials=(FORGETFUL,))),
        ("batching", changed("sum", batch=OPS["argmax"].batch)),
    ],
)
def test_a_fault_is_found(name, faulty):
    with pytest.raises((AssertionError, TypeError, GraphError, ValueError)):
        CHECKS[name](faulty)


@pytest.mark.parametrize(
    ("name", "shapes", "params"),
    [
        ("reshape", [(2, 3)], ((4,),)),
        ("transpose", [(2, 3)], ((0, 0),)),
        ("slice", [(3,)], ((1,), (3,), (1,))),
        ("broadcast", [(3,)], ((2,), ())),
        ("concatenate", [(2, 3), (3, 2)], (0,)),
        ("contract", [(2, 3), (4, 2)], ((0, 1), (1, 2), (0, 2))),
        ("sum", [(2,)], ((1,),)),
        ("reduce_max", [(0,)], ((0,),)),
        ("windows", [(2,)], ((0,), (3,), (1,), (1,))),
    ],
)
def test_what_does_not_fit_is_refused(name, shapes, params):
    operands = [np.ones(shape) for shape in shapes]
    op = OPS[name]
    with pytest.raises(GraphError, match=r"E2\d\d"):
        op.infer(op, array_matrix.types_of(operands), op.normal_params(params))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "bool"])
@pytest.mark.parametrize("count", [3, 1000])
def test_where_keeps_every_bit(dtype, count):
    random = np.random.default_rng(0)
    special = [0, 1] if dtype == "bool" else [0, 1, -1, 7]
    special = [0.0, -0.0, 1.5, np.inf, -np.inf, np.nan, 5e-324] if "float" in dtype else special
    a, b = (random.choice(special, count).astype(dtype) for _ in range(2))
    condition = random.random(count) < 0.5
    for first, second in ((a, b), (a, a[:1][0]), (b[1:2][0], a), (a, a.dtype.type(0))):
        got = where(condition, first, second)
        assert got.dtype == a.dtype
        assert got.tobytes() == np.where(condition, first, second).tobytes()
