"""Shapes, joins and patterns: each case is one expression, read by us, by NumPy and by JAX."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import joining, patterns, shaping
from chainrule.ops.composite.table import COVERED
from chainrule.ops.term import Term
from tests.jax_values import jnp
from tests.ops.composite.against_jax import check_derivatives, ops_of, same, value_of

ours = SimpleNamespace(**{**vars(shaping), **vars(joining), **vars(patterns)})

CASES = {
    "reshape": ((2, 3), lambda m, x: m.reshape(x, (3, 2))),
    "reshape-guess": ((2, 3, 2), lambda m, x: m.reshape(x, (2, -1))),
    "reshape-number": ((2, 3), lambda m, x: m.reshape(x, 6)),
    "reshape-empty": ((0, 2), lambda m, x: m.reshape(x, (-1, 2))),
    "ravel": ((2, 3), lambda m, x: m.ravel(x)),
    "ravel-scalar": ((), lambda m, x: m.ravel(x)),
    "transpose": ((2, 3, 4), lambda m, x: m.transpose(x)),
    "transpose-axes": ((2, 3, 4), lambda m, x: m.transpose(x, (1, -1, 0))),
    "permute_dims": ((2, 3, 4), lambda m, x: m.permute_dims(x, (2, 0, 1))),
    "moveaxis": ((2, 3, 4), lambda m, x: m.moveaxis(x, 0, -1)),
    "moveaxis-two": ((2, 3, 4, 1), lambda m, x: m.moveaxis(x, (0, 2), (-1, 0))),
    "swapaxes": ((2, 3, 4), lambda m, x: m.swapaxes(x, 0, -1)),
    "expand_dims": ((2, 3), lambda m, x: m.expand_dims(x, -1)),
    "expand_dims-two": ((2, 3), lambda m, x: m.expand_dims(x, (0, 2))),
    "squeeze": ((1, 2, 1), lambda m, x: m.squeeze(x)),
    "squeeze-axis": ((1, 2, 1), lambda m, x: m.squeeze(x, -1)),
    "broadcast_to": ((2, 1), lambda m, x: m.broadcast_to(x, (3, 2, 4))),
    "broadcast_to-scalar": ((), lambda m, x: m.broadcast_to(x, 3)),
    "broadcast_arrays": (
        (2, 1),
        lambda m, x: m.broadcast_arrays(x, np.arange(3), np.float32(1)),
    ),
    "atleast_1d": ((), lambda m, x: m.atleast_1d(x)),
    "atleast_2d": ((3,), lambda m, x: m.atleast_2d(x)),
    "atleast_3d": ((3,), lambda m, x: m.atleast_3d(x)),
    "atleast_3d-matrix": ((3, 2), lambda m, x: m.atleast_3d(x)),
    "atleast_3d-scalar": ((), lambda m, x: m.atleast_3d(x)),
    "atleast_2d-several": ((3,), lambda m, x: m.atleast_2d(x, 1.0)),
    "meshgrid": ((2,), lambda m, x: m.meshgrid(x, np.arange(3.0))),
    "meshgrid-ij": ((2,), lambda m, x: m.meshgrid(x, np.arange(3.0), x, indexing="ij")),
    "meshgrid-sparse": ((2,), lambda m, x: m.meshgrid(x, np.arange(3.0), x, sparse=True)),
    "meshgrid-one": ((2,), lambda m, x: m.meshgrid(x)),
    "meshgrid-scalar": ((), lambda m, x: m.meshgrid(x, np.arange(3.0))),
    "full_like": ((2, 3), lambda m, x: m.full_like(x, 7)),
    "full_like-dtype": ((2, 3), lambda m, x: m.full_like(x, 1.5, "float32", shape=(2,))),
    "zeros_like": ((2,), lambda m, x: m.zeros_like(x)),
    "ones_like": ((2,), lambda m, x: m.ones_like(x, dtype="int64")),
    "astype": ((2,), lambda m, x: m.astype(x, "float32")),
    "copy": ((2,), lambda m, x: m.copy(x)),
    "concatenate": ((2, 3), lambda m, x: m.concatenate([x, np.ones((2, 1)), x], axis=-1)),
    "concatenate-ints": ((2,), lambda m, x: m.concatenate([x, np.arange(3, dtype=np.int32)])),
    "concatenate-flat": ((2, 3), lambda m, x: m.concatenate((x, np.float32(1)), axis=None)),
    "concatenate-dtype": ((2,), lambda m, x: m.concatenate([x, x], dtype="float64")),
    "concatenate-array": ((2, 3), lambda m, x: m.concatenate(x)),
    "concat": ((2, 3), lambda m, x: m.concat([x, x])),
    "stack": ((2, 3), lambda m, x: m.stack([x, x], axis=-1)),
    "stack-middle": ((2, 3), lambda m, x: m.stack([x, x, np.ones((2, 3), bool)], 1)),
    "stack-scalars": ((), lambda m, x: m.stack([x, 1.0])),
    "vstack": ((3,), lambda m, x: m.vstack([x, x])),
    "hstack": ((2, 3), lambda m, x: m.hstack([x, x])),
    "hstack-vectors": ((3,), lambda m, x: m.hstack([x, 2.0])),
    "dstack": ((2, 3), lambda m, x: m.dstack([x, x])),
    "column_stack": ((3,), lambda m, x: m.column_stack([x, np.ones((3, 2))])),
    "split": ((6, 2), lambda m, x: m.split(x, 3)),
    "split-places": ((6, 2), lambda m, x: m.split(x, [1, 1, -2, 9])),
    "split-axis": ((2, 4), lambda m, x: m.split(x, 2, axis=-1)),
    "array_split": ((7,), lambda m, x: m.array_split(x, 3)),
    "array_split-many": ((2,), lambda m, x: m.array_split(x, 3)),
    "hsplit": ((2, 4), lambda m, x: m.hsplit(x, 2)),
    "hsplit-vector": ((4,), lambda m, x: m.hsplit(x, 2)),
    "vsplit": ((4, 2), lambda m, x: m.vsplit(x, 2)),
    "dsplit": ((1, 2, 4), lambda m, x: m.dsplit(x, [1])),
    "unstack": ((2, 3), lambda m, x: m.unstack(x, axis=1)),
    "pad": ((2, 3), lambda m, x: m.pad(x, 1)),
    "pad-pair": ((2, 3), lambda m, x: m.pad(x, (1, 2))),
    "pad-nothing": ((2, 3), lambda m, x: m.pad(x, 0)),
    "pad-axes": ((2, 3), lambda m, x: m.pad(x, ((0, 2), (1, 0)))),
    "pad-column": ((2, 3), lambda m, x: m.pad(x, ((1,), (2,)))),
    "pad-values": (
        (2, 3),
        lambda m, x: m.pad(x, ((0, 2), (1, 1)), constant_values=((0, 1), (0, 5))),
    ),
    "pad-edge": ((2, 3), lambda m, x: m.pad(x, ((2, 1), (0, 3)), mode="edge")),
    "pad-reflect": ((2, 3), lambda m, x: m.pad(x, ((1, 1), (2, 1)), mode="reflect")),
    "pad-reflect-far": ((3,), lambda m, x: m.pad(x, (7, 6), mode="reflect")),
    "pad-reflect-farther": ((2,), lambda m, x: m.pad(x, (0, 20), mode="reflect")),
    "pad-reflect-one": ((1,), lambda m, x: m.pad(x, 2, mode="reflect")),
    "pad-symmetric": ((3,), lambda m, x: m.pad(x, 4, mode="symmetric")),
    "pad-wrap": ((3,), lambda m, x: m.pad(x, (2, 5), mode="wrap")),
    "flip": ((2, 3), lambda m, x: m.flip(x)),
    "flip-axis": ((2, 3), lambda m, x: m.flip(x, -1)),
    "flip-axes": ((2, 3, 2), lambda m, x: m.flip(x, (0, 2))),
    "fliplr": ((2, 3), lambda m, x: m.fliplr(x)),
    "flipud": ((3,), lambda m, x: m.flipud(x)),
    "roll": ((2, 3), lambda m, x: m.roll(x, 2)),
    "roll-axis": ((2, 3), lambda m, x: m.roll(x, -1, axis=1)),
    "roll-axes": ((2, 3), lambda m, x: m.roll(x, (1, 4), axis=(0, -1))),
    "roll-axes-alike": ((2, 3), lambda m, x: m.roll(x, 1, axis=(0, 1))),
    "roll-twice": ((5,), lambda m, x: m.roll(x, (1, 2), axis=0)),
    "roll-empty": ((0,), lambda m, x: m.roll(x, 1)),
    "rot90": ((2, 3), lambda m, x: m.rot90(x)),
    "rot90-two": ((2, 3), lambda m, x: m.rot90(x, 2)),
    "rot90-back": ((2, 3, 2), lambda m, x: m.rot90(x, -1, (2, 1))),
    "rot90-none": ((2, 3), lambda m, x: m.rot90(x, 4)),
    "repeat": ((2, 3), lambda m, x: m.repeat(x, 2)),
    "repeat-axis": ((2, 3), lambda m, x: m.repeat(x, 2, axis=-2)),
    "repeat-scalar": ((), lambda m, x: m.repeat(x, 2)),
    "repeat-each": ((2, 3), lambda m, x: m.repeat(x, np.array([0, 2, 1]), axis=1)),
    "repeat-never": ((2, 3), lambda m, x: m.repeat(x, 0, axis=1)),
    "tile": ((2, 3), lambda m, x: m.tile(x, 2)),
    "tile-axes": ((2, 3), lambda m, x: m.tile(x, (2, 1, 3))),
    "tile-column": ((3,), lambda m, x: m.tile(x, (2, 1))),
    "tile-never": ((3,), lambda m, x: m.tile(x, (2, 0))),
    "triu": ((3, 3), lambda m, x: m.triu(x)),
    "triu-batched": ((2, 3, 4), lambda m, x: m.triu(x, 1)),
    "tril": ((3, 3), lambda m, x: m.tril(x)),
    "tril-batched": ((2, 3, 4), lambda m, x: m.tril(x, -1)),
    "diag": ((3,), lambda m, x: m.diag(x)),
    "diag-above": ((3,), lambda m, x: m.diag(x, 2)),
    "diag-below": ((3,), lambda m, x: m.diag(x, -1)),
    "diag-of": ((3, 4), lambda m, x: m.diag(x)),
    "diag-of-above": ((3, 4), lambda m, x: m.diag(x, 2)),
    "diag-of-below": ((3, 4), lambda m, x: m.diag(x, -1)),
    "diag-of-far": ((3, 4), lambda m, x: m.diag(x, 9)),
}
JAX_REFUSES = {"meshgrid-scalar", "split-places", "pad-column"}
DTYPES = ("float64", "float32", "int64", "int32", "bool")


def drawn(shape, dtype="float64", seed=0):
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return (random.random(shape) < 0.5) if shape else np.bool_(True)
    return (random.uniform(-1, 1, shape) * (9 if "int" in dtype else 1)).astype(dtype)[()]


def several(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def compare(function, x):
    """Our values, dtypes and classes against NumPy's."""
    term = cr.input("x", np.shape(x), np.asarray(x).dtype.name)
    outs, expected = several(function(ours, term)), several(function(np, x))
    assert len(outs) == len(expected)
    for out, wanted in zip(outs, expected, strict=True):
        assert type(out) is cr.Array
        got = cr.graph(out, [term]).at(x).value
        if np.asarray(wanted).ndim == 0:  # records show numbers as Python's
            got = np.asarray(got, out.dtype)
        assert out.dtype == np.asarray(wanted).dtype
        same(got, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_values_and_dtypes_are_those_of_numpy(name, dtype):
    if name == "unstack" and not hasattr(np, "unstack"):
        pytest.skip("NumPy 2.1")
    shape, function = CASES[name]
    compare(function, drawn(shape, dtype))


@pytest.mark.parametrize("name", [name for name in CASES if "_like" not in name])
def test_derivatives_are_those_of_jax(name):
    shape, function = CASES[name]

    def flat(m, x):
        parts = [m.ravel(m.astype(out, "float64")) for out in several(function(m, x))]
        return m.concatenate(parts)

    if name in JAX_REFUSES:  # all is linear here, so a tangent goes through as a value does
        term, x, dot = cr.input("x", shape), drawn(shape), drawn(shape, seed=1)
        graph = cr.graph(flat(ours, term), [term])
        _, tangent = graph.jvp("x")(x, dot)
        np.testing.assert_allclose(tangent, graph(x + dot) - graph(x), atol=1e-14)
        return
    check_derivatives(lambda x: flat(ours, x), lambda x: flat(jnp, x), drawn(shape))


SHAPES = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)


@st.composite
def shape_and_axis(draw):
    shape = draw(SHAPES)
    return shape, draw(st.integers(-len(shape), len(shape) - 1))


@settings(max_examples=60)
@given(
    shape_and_axis(),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=3),
    st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]),
)
def test_any_padding(case, widths, mode):
    shape, _ = case
    widths = widths[: len(shape)]
    if mode != "constant" and 0 in shape:
        widths = [(0, 0)] * len(shape)
    compare(lambda m, x: m.pad(x, widths, mode=mode), drawn(shape))


@settings(max_examples=60)
@given(shape_and_axis(), st.integers(-7, 7), st.integers(0, 3))
def test_any_roll_flip_repeat_tile_and_split(case, shift, count):
    shape, axis = case
    x = drawn(shape)
    compare(lambda m, x: m.roll(x, shift, axis), x)
    compare(lambda m, x: m.flip(x, axis), x)
    compare(lambda m, x: m.repeat(x, count, axis), x)
    compare(lambda m, x: m.tile(x, (count, 2)), x)
    compare(lambda m, x: m.array_split(x, count + 1, axis), x)
    compare(lambda m, x: m.array_split(x, [shift, count], axis), x)
    compare(lambda m, x: m.expand_dims(m.swapaxes(x, axis, 0), axis), x)
    if len(shape) == 2:
        compare(lambda m, x: m.diag(x, shift), x)
        compare(lambda m, x: m.rot90(x, shift), x)
    if len(shape) == 1:
        compare(lambda m, x: m.diag(x, shift), x)


NOTHING = {
    "reshape": lambda x: shaping.reshape(x, (2, -1)),
    "transpose": lambda x: shaping.transpose(x, (0, 1)),
    "moveaxis": lambda x: shaping.moveaxis(x, 1, -1),
    "swapaxes": lambda x: shaping.swapaxes(x, 1, 1),
    "squeeze": shaping.squeeze,
    "expand_dims": lambda x: shaping.expand_dims(x, ()),
    "broadcast_to": lambda x: shaping.broadcast_to(x, (2, 3)),
    "atleast_2d": shaping.atleast_2d,
    "astype": lambda x: shaping.astype(x, float),
    "copy": shaping.copy,
    "concatenate": lambda x: joining.concatenate([x]),
    "split": lambda x: joining.split(x, 1)[0],
    "pad": lambda x: patterns.pad(x, 0, "edge"),
    "pad-zeros": lambda x: patterns.pad(x, 0),
    "flip": lambda x: patterns.flip(x, ()),
    "roll": lambda x: patterns.roll(x, 6, 1),
    "rot90": lambda x: patterns.rot90(x, 0),
    "repeat": lambda x: patterns.repeat(x, 1, 0),
    "tile": lambda x: patterns.tile(x, 1),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_changes_nothing_builds_nothing(name):
    x = cr.input("x", (2, 3))
    assert NOTHING[name](x).node is x.node


BUILT = {
    "flip": (patterns.flip, ["slice"]),
    "roll": (lambda x: patterns.roll(x, 1, 0), ["slice", "slice", "concatenate"]),
    "pad": (lambda x: patterns.pad(x, 1), ["embed"]),
    "pad-edge": (
        lambda x: patterns.pad(x, ((1, 0), (0, 0)), "edge"),
        ["slice", "concatenate"],
    ),
    "pad-reflect": (
        lambda x: patterns.pad(x, ((0, 0), (2, 2)), "reflect"),
        ["slice", "slice", "concatenate"],
    ),
    "repeat": (lambda x: patterns.repeat(x, 2, 0), ["broadcast", "reshape"]),
    "tile": (lambda x: patterns.tile(x, (2, 2)), ["broadcast", "reshape"]),
    "diag": (patterns.diag, ["reshape", "slice"]),
    "stack": (lambda x: joining.stack([x, x]), ["reshape", "concatenate"]),
    "constants": (lambda x: joining.concatenate([x, np.ones((1, 3), np.int32)]), ["concatenate"]),
}


@pytest.mark.parametrize("name", BUILT)
def test_what_is_built(name):
    function, expected = BUILT[name]
    assert ops_of(function(cr.input("x", (2, 3)))) == expected


X = cr.input("x", (2, 3))
WRONG = {
    "reshape": ("E203", "elements", lambda: shaping.reshape(X, (4, 2))),
    "reshape-guess": ("E203", "cannot be reshaped", lambda: shaping.reshape(X, (4, -1))),
    "reshape-guesses": ("E203", "one −1", lambda: shaping.reshape(X, (-1, -1))),
    "reshape-negative": ("E203", "negative", lambda: shaping.reshape(X, (-2, -3))),
    "reshape-what": ("E203", "whole numbers", lambda: shaping.reshape(X, "ab")),
    "transpose": ("E203", "not the 2 axes", lambda: shaping.transpose(X, (0, 0))),
    "axis": ("E203", "no axis 2", lambda: shaping.swapaxes(X, 0, 2)),
    "moveaxis": ("E203", "moveaxis", lambda: shaping.moveaxis(X, (0, 1), 0)),
    "expand_dims": ("E203", "twice", lambda: shaping.expand_dims(X, (0, 0))),
    "squeeze": ("E203", "not size 1", lambda: shaping.squeeze(X, 0)),
    "broadcast_to": ("E203", "cannot be broadcast", lambda: shaping.broadcast_to(X, (3, 2))),
    "broadcast_less": ("E203", "cannot be broadcast", lambda: shaping.broadcast_to(X, (3,))),
    "broadcast_arrays": ("E203", "do not match", lambda: shaping.broadcast_arrays(X, [1, 2])),
    "meshgrid": ("E212", "indexing", lambda: shaping.meshgrid(X, indexing="ji")),
    "dtype": ("E201", "dtype", lambda: shaping.astype(X, "complex128")),
    "numbers": ("E215", "symbolic", lambda: joining.concatenate([np.ones(2)])),
    "text": ("E214", "not an array", lambda: joining.concatenate([X, "text"])),
    "not-a-list": ("E214", "not a list", lambda: joining.concatenate(3)),
    "concatenate": ("E203", "do not match", lambda: joining.concatenate([X, np.ones(3)])),
    "concatenate-scalar": ("E203", "stack", lambda: joining.concatenate([X, 1.0])),
    "stack": ("E203", "do not match", lambda: joining.stack([X, np.ones(3)])),
    "split": ("E203", "equal parts", lambda: joining.split(X, 4)),
    "split-none": ("E203", "at least 1", lambda: joining.array_split(X, 0)),
    "split-what": ("E203", "places", lambda: joining.array_split(X, 1.5)),
    "dsplit": ("E203", "fewer than 3", lambda: joining.dsplit(X, 1)),
    "pad": ("E203", "pair for each axis", lambda: patterns.pad(X, [[1, 2, 3]])),
    "pad-negative": ("E203", "from 0", lambda: patterns.pad(X, -1)),
    "pad-mode": ("E212", "mode", lambda: patterns.pad(X, 1, "linear_ramp")),
    "pad-empty": (
        "E203",
        "empty",
        lambda: patterns.pad(cr.input("e", (0,)), 1, "edge"),
    ),
    "roll": ("E203", "2 distances", lambda: patterns.roll(X, (1, 2), (0, 1, 0))),
    "roll-half": ("E203", "roll needs whole numbers", lambda: patterns.roll(X, 0.5)),
    "tile-half": ("E203", "tile needs whole numbers", lambda: patterns.tile(X, (1, 0.5))),
    "rot90": ("E203", "different", lambda: patterns.rot90(X, 1, (0, -2))),
    "rot90-axes": ("E203", "two axes", lambda: patterns.rot90(X, 1, (0, 1, 2))),
    "repeat": ("E203", "3 numbers for 2", lambda: patterns.repeat(X, [1, 2, 3], 0)),
    "repeat-half": ("E203", "whole numbers", lambda: patterns.repeat(X, 0.5)),
    "tile": ("E203", "from 0", lambda: patterns.tile(X, -1)),
    "triangle": ("E203", "no triangle", lambda: patterns.tril(cr.input("s"))),
    "diag": ("E203", "vector or a matrix", lambda: patterns.diag(cr.input("s"))),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_wrong(name):
    code, words, function = WRONG[name]
    with pytest.raises(GraphError, match=words) as caught:
        function()
    assert caught.value.code == code


def test_padding_by_a_mapping():
    x = drawn((2, 3))
    expected = np.pad(x, ((0, 0), (1, 2)))
    same(value_of(lambda x: patterns.pad(x, {-1: (1, 2)}), x), expected)


def test_diagonals_of_many_matrices():
    x = drawn((2, 3, 4))
    for offset in range(-4, 6):
        got = value_of(lambda x: patterns.diagonal_slice(x, offset), x)  # noqa: B023
        same(got, np.diagonal(x, offset, 1, 2))


def test_a_symbolic_value_fills_an_array():
    x, y = cr.input("x"), cr.input("y", (2,), "float32")
    record = cr.graph(shaping.full_like(y, x), [x]).at(1.5)
    assert record.value.tolist() == [1.5, 1.5]
    assert record.value.dtype == np.float32


def test_terms_stay_terms():
    x = Term(cr.input("x", (2,)).node)
    assert type(shaping.reshape(x, (1, 2))) is Term
    assert type(joining.stack([x, cr.input("y", (2,))])) is cr.Array


def test_numpy_functions_lead_here():
    for module in (shaping, joining, patterns):
        for name, function in vars(module).items():
            covered = getattr(np, name, None)
            if callable(covered) and getattr(function, "__module__", "") == module.__name__:
                assert COVERED[covered] is function
