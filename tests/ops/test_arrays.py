"""Operations on whole arrays: shapes, derivatives both ways, and many operands at once.

Every example of every block runs. Tangents are compared with differences of the NumPy kernel,
adjoints with tangents (⟨ȳ, ẏ⟩ = ⟨x̄, ẋ⟩), batches with a loop.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.api.array import Array
from chainrule.diff.rules import partials_of
from chainrule.graph.node import input_node
from chainrule.graph.op import OPS, Kind
from chainrule.graph.types import Type
from chainrule.ops.term import Function
from chainrule.run.kernels import kernel, local_derivatives

CASES = [
    pytest.param(op, example, id=f"{op.name}-{at}")
    for op in OPS.values()
    if not op.pointwise
    for at, example in enumerate(op.examples)
]


def operands_of(op, example, seed=0):
    """Random operands of an example."""
    random = np.random.default_rng(seed)
    kinds = op.kinds_of(len(example.shapes))
    found = []
    for at, shape in enumerate(example.shapes):
        dtype = example.dtypes[at] if at < len(example.dtypes) else "float64"
        if dtype == "bool":
            found.append(random.random(shape) < 0.5)
        elif dtype == "int64":
            found.append(random.integers(0, example.below, shape))
        else:
            found.append(random.uniform(0.5, 2.0, shape))
    if op.name == "searchsorted":
        found[0] = np.sort(found[0])
    assert all(kind is not Kind.INTEGER or x.dtype.kind == "i" for kind, x in zip(kinds, found))
    return found


def types_of(operands):
    return tuple(Type.of(x.dtype, x.shape) for x in operands)


def test_every_operation_on_arrays_has_examples_and_a_batching_rule():
    structural = [op for op in OPS.values() if not op.pointwise and not op.is_leaf]
    assert len(structural) > 20
    assert all(op.examples and op.batch for op in structural)


@pytest.mark.parametrize(("op", "example"), CASES)
def test_kernel_and_type_rule_agree(op, example):
    params = op.normal_params(example.params)
    for dtype in ("float64", "float32"):
        operands = [x.astype(dtype) if x.dtype.kind == "f" else x for x in operands_of(op, example)]
        type = op.infer(op, types_of(operands), params)
        value = kernel(op, params)(*[x[()] for x in operands])
        assert np.shape(value) == type.shape
        assert value.dtype == type.dtype


@pytest.mark.parametrize(("op", "example"), CASES)
def test_tangents_are_differences_and_adjoints_their_transpose(op, example):
    params = op.normal_params(example.params)
    operands = [x[()] for x in operands_of(op, example)]
    types = types_of([np.asarray(x) for x in operands])
    type = op.infer(op, types, params)
    run = kernel(op, params)
    out = run(*operands)
    random = np.random.default_rng(1)
    maps = local_derivatives(op, types, type, params)
    partials = partials_of(op, types, type, params).partials
    assert [m is None for m in maps] == [
        not (t.is_float and type.is_float) for t in types
    ] or not any(partials)
    for at, found in enumerate(maps):
        if found is None:
            continue
        tangent = random.uniform(-1, 1, types[at].shape)[()]
        step = 1e-6
        moved = [
            run(*[x + side * step * tangent if k == at else x for k, x in enumerate(operands)])
            for side in (1, -1)
        ]
        expected = (moved[0] - moved[1]) / (2 * step)
        pushed = found.push(tangent, out, *operands)
        np.testing.assert_allclose(pushed, expected, rtol=1e-6, atol=1e-8)
        assert np.shape(pushed) == type.shape
        adjoint = random.uniform(-1, 1, type.shape)[()]
        pulled = found.pull(adjoint, out, *operands)
        assert np.shape(pulled) == types[at].shape
        assert np.vdot(adjoint, pushed) == pytest.approx(
            np.vdot(pulled, tangent), rel=1e-12, abs=1e-13
        )


@pytest.mark.parametrize(("op", "example"), CASES)
def test_derivatives_keep_float32(op, example):
    params = op.normal_params(example.params)
    operands = [x.astype("float32") if x.dtype.kind == "f" else x for x in operands_of(op, example)]
    types = types_of(operands)
    type = op.infer(op, types, params)
    found = partials_of(op, types, type, params).partials
    for partial, operand in zip(found, types, strict=True):
        if partial is not None:
            assert partial.push.result.type is type
            assert partial.pull.result.type is operand


@pytest.mark.parametrize(("op", "example"), CASES)
def test_batches_are_loops(op, example):
    params = op.normal_params(example.params)
    count = 3
    sets = [operands_of(op, example, seed) for seed in range(count)]
    run = kernel(op, params)
    for batched in itertools.product([False, True], repeat=len(example.shapes)):
        if not any(batched):
            continue
        given = [
            np.stack([items[at] for items in sets]) if has else sets[0][at]
            for at, has in enumerate(batched)
        ]
        terms = [
            Array(input_node(f"x{at}", Type.of(x.dtype, x.shape))) for at, x in enumerate(given)
        ]
        made = op.batch(op, terms, batched, params)
        graph = cr.graph(made, terms)
        value = graph.at(*given).value
        for item in range(count):
            expected = run(*[sets[item if has else 0][at][()] for at, has in enumerate(batched)])
            np.testing.assert_allclose(value[item], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("op", "example"), CASES)
def test_second_derivatives(op, example):
    """The gradient graph of Σ w·op², its tangent against differences of the gradient."""
    params = op.normal_params(example.params)
    operands = operands_of(op, example)
    terms = [
        Array(input_node(f"x{at}", Type.of(x.dtype, x.shape))) for at, x in enumerate(operands)
    ]
    out = Function(op)(*terms, **dict(zip([p.name for p in op.params], params)))
    if out.dtype.kind != "f" or not any(
        partials_of(op, types_of(operands), out.node.type, params).partials
    ):
        return
    weights = np.random.default_rng(2).uniform(0.5, 1, out.shape)
    loss = out * out * weights
    loss = Function(OPS["sum"])(loss, tuple(range(loss.ndim))) if loss.ndim else loss
    wrt = [t.node.name for t in terms if t.dtype.kind == "f"]
    gradient = cr.graph(loss, terms).gradient(wrt)
    record = cr.graph(loss, terms).at(*operands)
    values = gradient(*operands)
    for name, symbolic in zip(wrt, values[1], strict=True):
        np.testing.assert_allclose(record.gradient[name], symbolic, rtol=1e-12, atol=1e-14)
    second = gradient.jvp(wrt)
    random = np.random.default_rng(3)
    dots = [random.uniform(-1, 1, np.shape(x)) for x in operands if x.dtype.kind == "f"]
    _, got = second(*operands, *dots)
    step = 1e-6

    def at(side):
        floats = iter(dots)
        return gradient(
            *[x + side * step * next(floats) if x.dtype.kind == "f" else x for x in operands]
        )[1]

    for mine, above, below in zip(got[1:], at(1), at(-1), strict=True):
        np.testing.assert_allclose(mine, (above - below) / (2 * step), rtol=1e-5, atol=1e-7)
