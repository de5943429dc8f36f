"""Products under NumPy's names: values like NumPy's, derivatives like JAX's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import products as p
from chainrule.ops.composite.einsum import einsum
from chainrule.ops.term import Term
from tests.jax_values import jnp
from tests.ops.composite.against_jax import (
    check_derivatives,
    check_values,
    ops_of,
    same,
    value_of,
)


def arrays(*shapes, seed=0):
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, shape)[()] for shape in shapes]


def newer(name):
    """A function of NumPy, or what stands for it in an older one."""
    older = {
        "matvec": lambda a, b: np.einsum("...ij,...j->...i", a, b),
        "vecmat": lambda a, b: np.einsum("...j,...ji->...i", a, b),
    }
    return getattr(np, name, older.get(name))


MATMUL = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 2)),
    ((1, 2, 3), (5, 3, 2)),
    ((4, 1, 2, 3), (1, 5, 3, 2)),
    ((1, 2, 3), (1, 3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (1, 3, 2)),
]
CASES = [
    *(("matmul", {}, shapes) for shapes in MATMUL),
    ("matvec", {}, ((4, 2, 3), (3,))),
    ("matvec", {}, ((2, 3), (4, 3))),
    ("vecmat", {}, ((4, 2), (2, 3))),
    ("vecmat", {}, ((2,), (4, 2, 3))),
    ("vecdot", {}, ((4, 3), (3,))),
    ("vecdot", {"axis": 0}, ((3, 4), (3, 1))),
    ("dot", {}, ((), (3, 2))),
    ("dot", {}, ((3,), (3,))),
    ("dot", {}, ((2, 3), (3,))),
    ("dot", {}, ((2, 4, 3), (5, 3, 2))),
    ("dot", {}, ((2, 4, 3), (3,))),
    ("vdot", {}, ((2, 3), (2, 3))),
    ("vdot", {}, ((2, 3), (6,))),
    ("vdot", {}, ((), ())),
    ("inner", {}, ((2, 3), (4, 5, 3))),
    ("inner", {}, ((3,), ())),
    ("outer", {}, ((2, 3), (4,))),
    ("outer", {}, ((), (4,))),
    ("tensordot", {"axes": 0}, ((2,), (3,))),
    ("tensordot", {"axes": 1}, ((2, 3), (3, 4))),
    ("tensordot", {}, ((2, 3, 4), (3, 4, 5))),
    ("tensordot", {"axes": ([0, 2], [1, 0])}, ((2, 3, 4), (4, 2, 5))),
    ("tensordot", {"axes": (-1, 0)}, ((2, 3), (3, 4))),
    ("kron", {}, ((2, 3), (3, 2))),
    ("kron", {}, ((2,), (3, 4))),
    ("kron", {}, ((2, 3, 1), (2,))),
    ("kron", {}, ((), ())),
    ("cross", {}, ((3,), (3,))),
    ("cross", {}, ((4, 3), (3,))),
    ("cross", {"axisa": 0, "axisb": 1, "axisc": 0}, ((3, 4), (4, 3))),
    ("cross", {"axis": 0}, ((3, 4), (3, 1))),
]


@pytest.mark.parametrize(("name", "options", "shapes"), CASES)
def test_products_of_two(name, options, shapes):
    values = arrays(*shapes)

    def mine(*x):
        return getattr(p, name)(*x, **options)

    check_values(mine, lambda *x: newer(name)(*x, **options), *values)
    check_derivatives(mine, lambda *x: getattr(jnp, name)(*x, **options), *values)


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("diagonal", {}, (3, 3)),
        ("diagonal", {"offset": 1}, (3, 4)),
        ("diagonal", {"offset": -2}, (3, 4)),
        ("diagonal", {"offset": 7}, (3, 4)),
        ("diagonal", {"offset": 1, "axis1": 2, "axis2": 0}, (3, 2, 4)),
        ("diagonal", {}, (0, 2)),
        ("trace", {}, (3, 3)),
        ("trace", {"offset": -1, "axis1": -1, "axis2": 0}, (3, 2, 4)),
        ("trace", {"offset": 9}, (3, 4)),
        ("matrix_transpose", {}, (2, 3, 4)),
    ],
)
def test_parts_of_one(name, options, shape):
    values = arrays(shape)

    def mine(x):
        return getattr(p, name)(x, **options)

    check_values(mine, lambda x: getattr(np, name)(x, **options), *values)
    check_derivatives(mine, lambda x: getattr(jnp, name)(x, **options), *values)


def test_linear_algebra_takes_the_last_two_axes():
    (x,) = arrays((2, 3, 4))
    same(
        value_of(lambda x: p.diagonal_of_matrices(x, offset=1), x), np.linalg.diagonal(x, offset=1)
    )
    same(value_of(lambda x: p.trace_of_matrices(x, offset=-1), x), np.linalg.trace(x, offset=-1))
    small = np.arange(4, dtype=np.int32).reshape(2, 2)
    same(value_of(p.trace, small), np.trace(small))
    same(value_of(lambda x: p.trace(x, dtype="float32"), small), np.trace(small, dtype="float32"))


CONDITIONS = [
    (p.matmul, np.matmul, ((2, 3), (3, 2))),
    (p.dot, np.dot, ((), (3,))),
    (p.inner, np.inner, ((), (3,))),
    (p.kron, np.kron, ((), ())),
    (p.kron, np.kron, ((2,), (3,))),
    (p.outer, np.outer, ((2,), (3,))),
    (lambda a, b: einsum("i,i", a, b), lambda a, b: np.einsum("i,i", a, b), ((3,), (3,))),
    (lambda a, b: einsum("ij,k", a, b), lambda a, b: np.einsum("ij,k", a, b), ((2, 2), (3,))),
    (lambda a, b: einsum("ij,k->k", a, b), lambda a, b: np.einsum("ij,k->k", a, b), ((2, 2), (3,))),
    (lambda a, b: einsum("i,i->i", a, b), lambda a, b: np.einsum("i,i->i", a, b), ((3,), (3,))),
]


@pytest.mark.parametrize(("mine", "numpy", "shapes"), CONDITIONS)
def test_conditions_stay_conditions(mine, numpy, shapes):
    values = [np.asarray(x > 0)[()] for x in arrays(*shapes)]
    same(value_of(mine, *values), numpy(*values))


@pytest.mark.parametrize(
    "shapes",
    [((2, 3), (3, 4)), ((10, 3), (3, 20), (20, 2)), ((3,), (3, 4), (4, 2), (2,))],
)
def test_multi_dot(shapes):
    values = arrays(*shapes)
    check_values(lambda *x: p.multi_dot(x), lambda *x: np.linalg.multi_dot(x), *values)
    check_derivatives(lambda *x: p.multi_dot(x), lambda *x: jnp.linalg.multi_dot(x), *values)


def test_multi_dot_takes_the_cheapest_order():
    a, b, c = cr.input("a", (10, 100)), cr.input("b", (100, 5)), cr.input("c", (5, 50))
    assert p.multi_dot([a, b, c]).node is p.matmul(p.matmul(a, b), c).node
    d = cr.input("d", (50, 1))
    assert p.multi_dot([a, b, c, d]).node is p.matmul(a, p.matmul(b, p.matmul(c, d))).node
    many = [cr.input(f"m{at}", (2, 2)) for at in range(40)]
    assert len(ops_of(p.multi_dot(many))) == 39


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba,ca", (2, 3), (4, 3)),
    ("ij->ji", (2, 3)),
    ("ij", (2, 3)),
    ("ji", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("iijii->j", (2, 2, 3, 2, 2)),
    ("ij->", (2, 3)),
    ("ij,kl->", (2, 3), (2, 2)),
    ("ij,j->ij", (2, 3), (3,)),
    ("i,i->i", (3,), (3,)),
    ("i,j->ji", (3,), (2,)),
    (",i->i", (), (3,)),
    (",", (), ()),
    ("...ij,...jk->...ik", (5, 2, 3), (1, 3, 2)),
    ("...ij,jk", (5, 2, 3), (3, 2)),
    ("i...,i...->...", (2, 3, 1), (2, 4)),
    ("...i,i...->...", (4, 3), (3, 4)),
    ("...,...", (2, 3), (3,)),
    ("ij,ij->i", (1, 3), (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 5), (5, 2)),
    ("i,i,i->i", (3,), (3,), (3,)),
    ("i,i,i", (3,), (3,), (3,)),
    ("a,ab,abc->abc", (2,), (2, 3), (2, 3, 2)),
    ("pqrs,pa,qb,rc,sd->abcd", (2, 2, 2, 2), (2, 3), (2, 2), (2, 2), (2, 2)),
    ("ab,bc,cd,de,ef,fa->", (2, 3), (3, 2), (2, 2), (2, 2), (2, 3), (3, 2)),
    ("ij,jk,k->i", (2, 0), (0, 3), (3,)),
    ("ijk,il,jm->klm", (2, 3, 4), (2, 2), (3, 2)),
    ("bijk , bk -> bji", (2, 2, 3, 4), (2, 4)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
def test_einsum(case):
    subscripts, *shapes = case
    values = arrays(*shapes)

    def mine(*x):
        return einsum(subscripts, *x)

    check_values(mine, lambda *x: np.asarray(np.einsum(subscripts, *x)), *values)
    check_derivatives(mine, lambda *x: jnp.einsum(subscripts, *x), *values)


@given(st.data())
def test_einsum_of_anything(data):
    sizes = {letter: data.draw(st.integers(1, 3)) for letter in "abcdef"}
    labels = st.lists(st.sampled_from("abcdef"), max_size=3)
    parts = data.draw(st.lists(labels, min_size=1, max_size=4))
    every = sorted({letter for part in parts for letter in part})
    out = data.draw(st.permutations(every).map(lambda order: order[: len(order) // 2]))
    text = ",".join("".join(part) for part in parts)
    if data.draw(st.booleans()):
        text += "->" + "".join(out)
    values = arrays(*[tuple(sizes[letter] for letter in part) for part in parts])
    same(value_of(lambda *x: einsum(text, *x), *values), np.einsum(text, *values))


def test_einsum_with_lists_of_axes():
    a, b = arrays((2, 3), (3, 4))
    for given_ in (
        [[0, 1], [1, 2], [0, 2]],
        [[0, 1], [1, 2]],
        [[30, 1], [1, 2]],
        [[..., 1], [1, 2], [2, ...]],
    ):

        def both(module, a, b, given_=given_):
            return module(a, given_[0], b, given_[1], *given_[2:])

        same(value_of(lambda a, b: both(einsum, a, b), a, b), both(np.einsum, a, b))


def test_einsum_of_very_many_operands_and_axes():
    values = arrays(*[(2,)] * 30)
    text = ",".join("abcdefghijklmnopqrstuvwxyzABCD") + "->"
    got = value_of(lambda *x: einsum(text, *x), *values)
    np.testing.assert_allclose(got, np.prod([x.sum() for x in values]), rtol=1e-12)
    (deep,) = arrays((1,) * 54 + (2,))  # more than NumPy plans for
    same(value_of(lambda x: einsum("...,...,...->...", x, x, x), deep), deep**3)


def test_no_node_too_many():
    A, B, x = cr.input("A", (2, 3)), cr.input("B", (3, 4)), cr.input("x", 3)
    C, y = cr.input("C", (4, 5)), cr.input("y", 3)
    assert ops_of(p.matmul(A, B)) == ["contract"]
    assert p.matmul(A, B).node is einsum("ij,jk", A, B).node is p.dot(A, B).node
    assert p.matmul(A, B).node is p.tensordot(A, B, 1).node
    assert ops_of(p.matmul(x, x)) == ["contract"]
    assert ops_of(einsum("i,i->i", x, y)) == ["multiply"]
    assert ops_of(einsum("ij", A)) == []
    assert ops_of(p.trace(cr.input("S", (3, 3)))) == ["reshape", "slice", "sum"]
    assert ops_of(p.diagonal(cr.input("S", (3, 3)))) == ["reshape", "slice"]
    assert ops_of(p.vdot(A, A)) == ["contract"]
    assert ops_of(p.outer(x, y)) == ["contract"]
    assert ops_of(p.kron(A, B)) == ["contract", "reshape"]
    assert ops_of(einsum("ij,jk,kl", A, B, C)) == ["contract", "contract"]
    assert ops_of(p.matmul(A, np.ones((3, 2), int))) == ["contract"]
    assert ops_of(einsum("i,i", [1, 2, 3], x)) == ["contract"]


def test_the_result_is_of_the_kind_of_the_operands():
    x = cr.input("x", 3)
    assert type(p.dot(x, np.ones(3))) is type(x)
    assert type(p.dot(Term(x.node), np.ones(3))) is Term
    with pytest.raises(GraphError, match="E215"):
        p.dot(np.ones(3), np.ones(3))


S = {
    "A": (3, 4),
    "B": (4, 5),
    "x": (3,),
    "y": (4,),
    "T": (2, 3, 4),
    "U": (5, 4, 3),
    "s": (),
}
WRONG = [
    (
        lambda v: p.matmul(v.A, v.x),
        r"^E203 .* in matmul: \[3, 4\] and \[3\]: the inner sizes 4 and 3 .*; transpose the first$",
    ),
    (lambda v: p.matmul(v.B, v.A), "inner sizes 5 and 3 differ; exchange the two$"),
    (lambda v: p.matmul(v.y, p.matrix_transpose(v.B)), "4 and 5 differ; transpose the second$"),
    (lambda v: p.matmul(v.A, v.A), "inner sizes 4 and 3 differ; transpose the first$"),
    (lambda v: p.matmul(v.y, v.x), "inner sizes 4 and 3 differ$"),
    (lambda v: p.matmul(v.s, v.x), r"E203 .*write a \* b"),
    (lambda v: p.matmul(v.T, v.U), "E203 .*2 and 5 differ"),
    (lambda v: p.matvec(v.x, v.x), "E203 .*has no axis -2"),
    (lambda v: p.dot(v.A, v.x), "E203 .*in dot.*transpose the first"),
    (lambda v: p.inner(v.A, v.x), "E203 .*in inner"),
    (lambda v: p.vdot(v.A, v.x), "E203 .*inner sizes 12 and 3"),
    (lambda v: p.vecdot(v.A, v.x, axis=5), "E203"),
    (lambda v: p.tensordot(v.A, v.x, 2), "E203 .*2 axes each"),
    (lambda v: p.tensordot(v.A, v.x, ([0], [0, 1])), "E203|E212"),
    (lambda v: p.tensordot(v.A, v.A, ([0, 0], [0, 1])), "E212"),
    (lambda v: p.tensordot(v.A, v.A, ([0],)), "E212"),
    (lambda v: p.cross(v.A, v.x), "E203 .*must have size 3"),
    (lambda v: p.diagonal(v.x), "E203"),
    (lambda v: p.diagonal(v.A, 0, 1, 1), "E203"),
    (lambda v: p.matrix_transpose(v.x), "E203 .*no matrix"),
    (lambda v: p.multi_dot([v.A]), "E211"),
    (lambda v: p.multi_dot([v.A, v.y, v.y]), "E203"),
    (lambda v: einsum("ij,jk", v.A, v.A), "E203 .*label j has sizes 4 and 3"),
    (lambda v: einsum("ii", v.A), "E203 .*label i has sizes 3 and 4"),
    (lambda v: einsum("ijk", v.A), "E203 .*does not label"),
    (lambda v: einsum("i", v.A), "E203 .*does not label"),
    (lambda v: einsum("ij,jk", v.A), "E211"),
    (lambda v: einsum(), "E211"),
    (lambda v: einsum("ij->ijk", v.A), "E212 .*no operand has the label 'k'"),
    (lambda v: einsum("ij->ii", v.A), "E212 .*twice"),
    (lambda v: einsum("i1", v.A), "E212 .*'1' is no label"),
    (lambda v: einsum("i.", v.A), "E212"),
    (lambda v: einsum("......", v.A), "E212 .*one ellipsis"),
    (lambda v: einsum("i...->i", v.A), "E212 .*ellipsis too"),
    (lambda v: einsum(v.A, 3), "E212"),
    (lambda v: einsum(v.A, [0, -1]), "E212"),
    (lambda v: einsum("i", "three"), "E215"),
    (lambda v: einsum("i,i", v.x, "three"), "E203|E214"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(build, message):
    class Values:
        def __getattr__(self, name):
            return cr.input(name, S[name])

    with pytest.raises(GraphError, match=message):
        build(Values())
