"""Patterns hold every derivative that is not zero, and no other where elements only move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.diff.known import Known
from chainrule.diff.patterns import dense, identity, nothing, united
from chainrule.diff.sparsity import jacobian_pattern, patterns
from chainrule.errors import LimitError
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from tests.diff.test_batch import ARRAYS, SMOOTH, pointwise, squared
from tests.ops.array_matrix import ALL, applied, maps_of, operands_of, types_of

EXACT = {
    "broadcast", "sum", "reshape", "transpose", "slice", "embed", "concatenate", "windows",
    "overlap_add", "gather", "scatter_add", "scatter_set", "contract", "cumsum", "cumprod", "prod",
}  # fmt: skip
"""Operations that depend on all that they are said to depend on, at operands other than 0."""


def numeric(op, example, at):
    """The elements that changes of one operand reach, by unit tangents at a few points."""
    found = None
    for seed in range(3):
        operands = operands_of(op, example, seed if op.kinds[-1].value != "a whole number" else 0)
        map = maps_of(op, example, operands)[at]
        out = applied(op, example, operands)
        size = operands[at].size
        units = np.eye(size).reshape(size, *operands[at].shape)
        values = [x[()] for x in operands]
        columns = [np.ravel(map.push(unit[()], out, *values)) != 0 for unit in units]
        made = np.array(columns, bool).reshape(size, np.size(out)).T
        found = made if found is None else found | made
    return found


def examples():
    for op in ALL:
        for number, example in enumerate(op.examples):
            maps = maps_of(op, example, operands_of(op, example))
            for at, map in enumerate(maps):
                if map is not None:
                    yield pytest.param(op, example, at, id=f"{op.name} {number}, operand {at}")


def nodes_of(op, example, at, operands):
    """The operation on inputs, and which of them it is about."""
    inputs = [input_node(f"x{n}", type) for n, type in enumerate(types_of(operands))]
    return make(op, tuple(inputs), op.normal_params(example.params)), inputs


@pytest.mark.parametrize(("op", "example", "at"), list(examples()))
def test_each_operation_on_arrays(op, example, at):
    operands = operands_of(op, example)
    node, inputs = nodes_of(op, example, at, operands)
    pairs = list(zip(inputs, operands, strict=True))
    known = Known({x: value for x, value in pairs if not x.type.is_float})
    pattern = jacobian_pattern([node], [inputs[at]], known).toarray()
    expected = numeric(op, example, at)
    assert (pattern | ~expected).all()
    if op.name in EXACT:
        np.testing.assert_array_equal(pattern, expected)


@pytest.mark.parametrize(("op", "example", "at"), list(examples()))
def test_indices_that_are_not_known(op, example, at):
    """What may be reached by any indices holds what is reached by some."""
    operands = operands_of(op, example)
    node, inputs = nodes_of(op, example, at, operands)
    pattern = jacobian_pattern([node], [inputs[at]]).toarray()
    assert (pattern | ~numeric(op, example, at)).all()


def test_unknown_indices_along_one_axis_keep_the_others_apart():
    x = cr.input("x", (3, 4))
    rows = np.arange(3)[:, None] * np.ones(4, int)
    sorted_rows = np.sort(x, axis=1)
    expected = np.kron(np.eye(3), np.ones((4, 4))) > 0
    pattern = jacobian_pattern([sorted_rows.node], [x.node]).toarray()
    np.testing.assert_array_equal(pattern, expected)
    moved = x.at[rows, np.argsort(x, axis=1)].set(x * 2)
    np.testing.assert_array_equal(
        jacobian_pattern([moved.node], [x.node]).toarray(), expected | np.eye(12, dtype=bool)
    )


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.pointwise and not op.is_leaf])
def test_each_pointwise_operation(op):
    """An element depends on the same element of operands with a derivative, and on no other."""
    if not op.kernel:
        return
    params = {"dtype": "float64", "exponent": 3, "order": 1, "slope": 0.2, "alpha": 0.5}
    kinds = ["bool" if kind.value == "a condition" else "float64" for kind in op.kinds]
    inputs = [input_node(f"x{n}", Type.of(kind, (3,))) for n, kind in enumerate(kinds)]
    given = op.normal_params([params.get(param.name) for param in op.params])
    node = make(op, tuple(inputs), given)
    for x, rule in zip(inputs, op.partials, strict=True):
        if not x.type.is_float:
            continue
        pattern = jacobian_pattern([node], [x]).toarray()
        flat = (
            rule is None or not node.type.is_float or op.name in ("floor", "ceil", "sign", "round")
        )
        assert not (pattern & ~np.eye(3, dtype=bool)).any()
        if flat:
            assert not pattern.any()


# --- compositions ---------------------------------------------------------------------------------

steps = st.one_of(st.sampled_from(ARRAYS), st.sampled_from(SMOOTH).map(pointwise))
choices = st.lists(st.tuples(steps, st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=5)


def composed(chosen):
    """A function of a 3×3 matrix made of these steps."""

    def function(x):
        values = [x, x * 0.5 + 0.1]
        for step, first, second in chosen:
            a, b = values[first % len(values)], values[second % len(values)]
            values.append(squared(step(a, b)))
        return values[-1]

    return function


@settings(max_examples=60)
@given(choices, st.sampled_from(["auto", "forward", "reverse", "mixed"]))
def test_random_functions(chosen, mode):
    """The pattern holds every derivative that is not zero; the sparse values are the dense ones."""
    function = composed(chosen)
    pattern = cr.sparsity(function, mode=mode)(np.ones((3, 3))).pattern.toarray()
    for seed in range(2):
        x = np.random.default_rng(seed).normal(size=(3, 3))
        full = cr.jacobian(function)(x).reshape(9, 9)
        assert (pattern | (full == 0)).all()
        found = cr.jacobian(function, sparse=True, mode=mode)(x)
        np.testing.assert_allclose(found.toarray(), np.where(pattern, full, 0), 1e-11, 1e-13)
        np.testing.assert_array_equal(_stored(found), pattern)


@settings(max_examples=30)
@given(choices, st.sampled_from(["direct", "substitution"]))
def test_hessians_of_random_functions(chosen, recovery):
    function = composed(chosen)

    def total(x):
        return np.sum(function(x) ** 2)

    found = cr.sparsity(total, of="hessian")(np.ones((3, 3))).pattern.toarray()
    np.testing.assert_array_equal(found, found.T)
    x = np.random.default_rng(0).normal(size=(3, 3))
    full = cr.hessian(total)(x).reshape(9, 9)
    scale = max(1.0, np.abs(full).max())
    assert (found | (np.abs(full) <= 1e-12 * scale)).all()
    made = cr.hessian(total, sparse=True, recovery=recovery)(x)
    np.testing.assert_allclose(made.toarray(), full, 1e-9, 1e-11 * scale)


def _stored(matrix):
    made = matrix.copy()
    made.data = np.ones(len(made.data))
    return made.toarray() > 0


# --- what is known --------------------------------------------------------------------------------


def pattern_of(function, *arguments):
    return cr.sparsity(function)(*arguments).pattern.toarray().astype(int)


def test_what_is_multiplied_by_zero_passes_nothing_on():
    mask = np.array([1.0, 0.0, 2.0])
    expected = np.diag([1, 0, 1])
    np.testing.assert_array_equal(pattern_of(lambda x: x * mask, np.ones(3)), expected)
    np.testing.assert_array_equal(
        pattern_of(lambda x: np.where(mask > 0, np.sin(x), 1.0), np.ones(3)), expected
    )


def test_constant_matrices_pass_on_what_their_entries_do():
    matrix = np.triu(np.tri(5, 5, 1), -1) * 0.5
    np.testing.assert_array_equal(pattern_of(lambda x: matrix @ x, np.ones(5)), matrix > 0)
    np.testing.assert_array_equal(pattern_of(lambda x: x @ matrix, np.ones(5)), matrix.T > 0)
    np.testing.assert_array_equal(
        pattern_of(lambda x: matrix @ x, np.ones((5, 2))), np.kron(matrix, np.eye(2)) > 0
    )


def test_steps_have_no_derivative():
    def function(x):
        return np.floor(x) + np.sign(x) + (x > 0) * 2.0

    assert not pattern_of(function, np.ones(3)).any()


def test_second_derivatives_of_what_is_linear_are_nothing():
    def function(x):
        return np.sum(np.abs(x)) + np.max(x) + 3 * x[0]

    assert cr.sparsity(function, of="hessian")(np.ones(4)).entries == 0
    found = cr.hessian(function, sparse=True)(np.ones(4))
    assert found.shape == (4, 4)
    assert found.nnz == 0


def test_products_interact_only_across():
    found = cr.sparsity(lambda x: x[0] * x[1] + x[2] ** 3, of="hessian")(np.ones(3))
    expected = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    np.testing.assert_array_equal(found.pattern.toarray(), expected)


def test_what_is_not_sparse_is_an_error():
    with pytest.raises(LimitError) as caught:
        cr.sparsity(lambda x: x / np.sum(x))(np.ones(30_000))
    assert caught.value.code == "E159"


# --- loops ----------------------------------------------------------------------------------------


def stepped(u):
    """Each element depends on its neighbours."""
    return u + 0.1 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) * u


def reachable(count, steps):
    near = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    return np.minimum(near, count - near) <= steps


def check_loop(function, x, exact):
    """The pattern is the exact one; sparse derivatives, first and second, are the dense ones."""
    np.testing.assert_array_equal(pattern_of(function, x), np.asarray(exact))
    found = cr.jacobian(function, sparse=True)(x).toarray()
    np.testing.assert_allclose(found, cr.jacobian(function)(x), 1e-12, 1e-14)

    def total(x):
        return np.sum(function(x) ** 2)

    second = cr.hessian(total, sparse=True)(x).toarray()
    full = cr.hessian(total)(x)
    np.testing.assert_allclose(second, full, 1e-9, 1e-11 * np.abs(full).max())


@pytest.mark.parametrize("steps", [0, 1, 2, 4])
def test_steps_of_a_loop_are_followed(steps):
    x = np.random.default_rng(0).uniform(0.5, 1, 9)
    check_loop(lambda u: cr.fori_loop(0, steps, lambda _, u: stepped(u), u), x, reachable(9, steps))


def test_many_steps_reach_a_fixed_point():
    x = np.random.default_rng(0).uniform(0.5, 1, 6)
    check_loop(lambda u: cr.fori_loop(0, 300, lambda _, u: stepped(u), u), x, np.ones((6, 6)))
    check_loop(lambda u: cr.fori_loop(0, 300, lambda _, u: np.sin(u) + 0.1, u), x, np.eye(6))


def test_a_scan_depends_on_what_came_before():
    def running(x):
        return cr.scan(lambda c, v: (c * 0.5 + np.sin(v), c + v * v), 0.3, x)[1]

    x = np.random.default_rng(0).uniform(0.5, 1, 6)
    check_loop(running, x, np.tri(6))


@pytest.mark.parametrize("count", [5, 250])
def test_what_is_mapped_stays_apart(count):
    found = cr.sparsity(lambda x: cr.map(lambda v: np.sin(v) * v, x))(np.ones(count))
    np.testing.assert_array_equal(found.pattern.toarray(), np.eye(count))


def test_a_loop_that_runs_while_a_condition_holds():
    def grown(u):
        return cr.while_loop(lambda u: np.sum(u) < 20, lambda u: u * 1.5 + 0.1 * u[0], u)

    exact = np.eye(5)
    exact[:, 0] = 1
    check_loop(grown, np.random.default_rng(0).uniform(0.5, 1, 5), exact)


def test_all_branches_count():
    def chosen(u):
        return cr.cond(u[0] > 0, lambda u: u * u, lambda u: u[::-1] ** 2, u)

    pattern = pattern_of(chosen, np.ones(4))
    np.testing.assert_array_equal(pattern, np.eye(4) + np.eye(4)[::-1])


def test_a_call_is_what_it_calls():
    def kept(u):
        return cr.checkpoint(stepped)(u)

    check_loop(kept, np.random.default_rng(0).uniform(0.5, 1, 7), reachable(7, 1))


def test_counters_of_loops_are_indices_that_are_known():
    def filled(u):
        return cr.fori_loop(1, 5, lambda i, u: u.at[i].set(u[i] * u[i - 1]), u)

    np.testing.assert_array_equal(pattern_of(filled, np.ones(5)), np.tri(5))


# --- linear algebra -------------------------------------------------------------------------------


def test_items_are_worked_on_apart():
    a = np.random.default_rng(0).normal(size=(3, 2, 2))
    blocks = np.kron(np.eye(3), np.ones((4, 4)))
    np.testing.assert_array_equal(pattern_of(np.linalg.inv, a), blocks)
    found = pattern_of(lambda b: np.linalg.solve(a, b[..., None]), np.ones((3, 2)))
    np.testing.assert_array_equal(found, np.kron(np.eye(3), np.ones((2, 2))))


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.linalg.eigh(a + a.T)[0],
        lambda a: np.linalg.svd(a)[1],
        lambda a: np.linalg.qr(a)[1],
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.det(a) * a,
    ],
)
def test_decompositions(function):
    a = np.random.default_rng(0).normal(size=(3, 3)) + 3 * np.eye(3)
    full = np.reshape(cr.jacobian(function)(a), (-1, 9))
    found = cr.jacobian(function, sparse=True)(a).toarray()
    np.testing.assert_allclose(found, full, 1e-10, 1e-12)


# --- pieces ---------------------------------------------------------------------------------------


def test_unions():
    a, b = identity(3, 6), identity(3, 6, 3)
    both = united(a, b)
    assert both.nnz == 6
    assert united(both, a) is both
    assert united(a, nothing(3, 6)) is a
    assert dense(both, 2).nnz == 12


def test_what_depends_on_nothing_is_not_there():
    x = cr.input("x", (2,))
    fixed = constant_node(np.ones(2), Type.of("float64", (2,)))
    found = patterns([x.node, fixed], {x.node: identity(2, 2)})
    assert set(found) == {x.node}
