"""Convolution, pooling, interpolation: NumPy's values, JAX's derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GraphError
from chainrule.ops.composite import lines as ln
from chainrule.ops.composite import signals as sg
from chainrule.ops.copies import total
from tests.jax_values import expected_array, jax, jnp
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


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("counts", [(5, 3), (5, 2), (2, 5), (3, 6), (4, 4), (4, 1), (1, 1), (1, 3)])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_sequences(name, counts, mode):
    values = arrays(*[(count,) for count in counts])
    check_values(
        lambda a, v: getattr(sg, name)(a, v, mode),
        lambda a, v: getattr(np, name)(a, v, mode),
        *values,
    )
    if mode != "same" or counts in ((5, 3), (5, 2), (2, 5)):
        check_derivatives(
            lambda a, v: getattr(sg, name)(a, v, mode),
            lambda a, v: getattr(jnp, name)(a, v, mode),
            *values,
        )


def test_sequences_of_numbers_and_conditions():
    (x,) = arrays((3,))
    same(value_of(lambda x: sg.convolve(x, 2.0), x), np.convolve(x, 2.0))
    same(value_of(lambda s: sg.convolve(s, x), x[0]), np.convolve(x[0], x))
    flags = np.array([True, False, True])
    same(value_of(lambda x: sg.convolve(x, flags), flags), np.convolve(flags, flags))
    known = cr.input("x", 5)
    assert ops_of(sg.convolve(known, [1, 2, 3], "valid")) == ["windows", "contract"]
    assert ops_of(sg.correlate(known, known)) == ["windows", "contract"]


def jax_conv(x, w, count, stride, padding, dilation, groups):
    def each(value):
        return value if isinstance(value, tuple) else (value,) * count

    if isinstance(padding, str):
        pads = padding.upper()
    elif count == 1 and isinstance(padding, tuple):
        pads = (padding,)
    else:
        pads = tuple(p if isinstance(p, tuple) else (p, p) for p in each(padding))
    return jax.lax.conv_general_dilated(
        x,
        w,
        each(stride),
        pads,
        rhs_dilation=each(dilation),
        feature_group_count=groups,
        dimension_numbers=("NCH", "OIH", "NCH") if count == 1 else ("NCHW", "OIHW", "NCHW"),
        precision="highest",
    )


CONVOLUTIONS = [
    ((2, 3, 8), (4, 3, 3), {}),
    ((2, 3, 8), (4, 3, 3), {"stride": 2, "padding": 1}),
    ((2, 3, 8), (4, 3, 3), {"padding": (2, 0), "dilation": 2}),
    ((2, 3, 7), (4, 3, 4), {"padding": "same"}),
    ((2, 3, 8), (4, 3, 3), {"padding": "same", "stride": 3}),
    ((2, 4, 8), (6, 2, 3), {"groups": 2}),
    ((2, 4, 8), (4, 1, 3), {"groups": 4, "padding": "same"}),
    ((1, 1, 3), (1, 1, 3), {"padding": "valid"}),
    ((0, 3, 8), (4, 3, 3), {}),
    ((2, 3, 6, 5), (4, 3, 3, 2), {}),
    ((2, 3, 6, 5), (4, 3, 3, 2), {"stride": (2, 1), "padding": (1, 2)}),
    ((2, 3, 6, 5), (4, 3, 3, 2), {"padding": ((1, 0), 2), "dilation": (2, 1)}),
    ((2, 3, 6, 5), (4, 3, 3, 3), {"padding": "same", "stride": 2}),
    ((2, 4, 6, 5), (6, 2, 1, 1), {"groups": 2, "padding": 1}),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolutional_layers(case):
    first, second, options = case
    values = arrays(first, second)
    count = len(first) - 2
    layer = sg.conv1d if count == 1 else sg.conv2d
    whole = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **options}

    def mine(x, w):
        return layer(x, w, **options)

    def theirs(x, w):
        return jax_conv(x, w, count, **whole)

    same(value_of(mine, *values), expected_array(lambda: theirs(*values)))
    check_derivatives(mine, theirs, *values)
    small = [x.astype("float32") for x in values]
    same(value_of(mine, *small), expected_array(lambda: theirs(*small)))
    whole_numbers = [(9 * x).astype(int) for x in values]
    wanted = expected_array(lambda: theirs(*[x.astype(float) for x in whole_numbers]))
    same(value_of(mine, *whole_numbers), wanted.astype(int))


def test_layers_have_no_node_too_many():
    x, w = cr.input("x", (2, 3, 8)), cr.input("w", (4, 3, 3))
    assert ops_of(sg.conv1d(x, w)) == ["windows", "contract"]
    assert ops_of(sg.conv1d(x, w, padding=1)) == ["embed", "windows", "contract"]
    assert ops_of(sg.max_pool(x, 2)) == ["windows", "reduce_max"]


def reduced(x, start, function, lengths, steps):
    front = (1,) * (x.ndim - len(lengths))
    return jax.lax.reduce_window(x, start, function, (*front, *lengths), (*front, *steps), "VALID")


@pytest.mark.parametrize(
    ("shape", "window", "stride", "lengths", "steps"),
    [
        ((2, 3, 8), 2, None, (2,), (2,)),
        ((2, 3, 8), 3, 2, (3,), (2,)),
        ((2, 3, 6, 5), 2, None, (2, 2), (2, 2)),
        ((2, 3, 6, 5), (3, 2), (1, 2), (3, 2), (1, 2)),
        ((7,), (3,), 1, (3,), (1,)),
    ],
)
def test_pooling(shape, window, stride, lengths, steps):
    (x,) = arrays(shape)
    add, largest = jax.lax.add, jax.lax.max

    def most(x):
        start = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        start = np.asarray(start, x.dtype)[()]
        return expected_array(lambda: reduced(x, start, largest, lengths, steps))

    check_values(lambda x: sg.max_pool(x, window, stride), most, x)
    check_derivatives(
        lambda x: sg.max_pool(x, window, stride),
        lambda x: reduced(x, -np.inf, largest, lengths, steps),
        x,
    )

    def mean(x):
        return reduced(x, 0.0, add, lengths, steps) / np.prod(lengths)

    wanted = expected_array(lambda: mean(x))
    same(value_of(lambda x: sg.avg_pool(x, window, stride), x), wanted)
    check_derivatives(lambda x: sg.avg_pool(x, window, stride), mean, x)


# --- lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", [{}, {"left": -3.0, "right": 4.0}])
def test_interp(ends):
    points = np.array([-0.8, -0.1, 0.2, 0.9])
    (heights,) = arrays((4,))
    x = np.array([[-2.0, -0.75, -0.5], [0.0, 0.5, 2.0]])
    values = (x, points, heights)
    same(value_of(lambda *v: ln.interp(*v, **ends), *values), np.interp(*values, **ends))
    for at in range(3):

        def partly(v, at=at):
            return ln.interp(*values[:at], v, *values[at + 1 :], **ends)

        same(value_of(partly, values[at]), np.interp(*values, **ends))
    check_derivatives(lambda *v: ln.interp(*v, **ends), lambda *v: jnp.interp(*v, **ends), *values)
    small = [v.astype("float32") for v in values]
    same(
        value_of(lambda *v: ln.interp(*v, **ends), *small),
        np.interp(*values, **ends).astype("float32"),
    )
    same(
        value_of(lambda v: ln.interp(v, [0, 1, 2], [3, 5, 9]), np.array([-1, 0, 1, 2, 3])),
        np.array([3.0, 3, 5, 9, 9]),
    )


def test_interp_at_the_points_and_behind():
    points, heights = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, -2.0])
    x = cr.input("x", 7)
    where = np.array([-1.0, 0.0, 1.0, 3.0, 4.0, np.nan, np.inf])
    out = ln.interp(x, points, heights)
    same(cr.graph(out, [x]).at(where).value, np.interp(where, points, heights))
    slopes = cr.graph(total(out, (0,)), [x]).at(where[[0, 1, 2, 3, 4, 6, 6]]).gradient["x"]
    np.testing.assert_array_equal(slopes, [0, 1, -2, -2, 0, 0, 0])
    left, right = cr.input("left"), cr.input("right")
    ends = cr.graph(total(ln.interp(x, points, heights, left, right), (0,)), [x, left, right])
    record = ends.at(where[[0, 0, 0, 1, 2, 4, 4]], 5.0, 6.0)
    assert (record.gradient["left"], record.gradient["right"]) == (3, 2)


def test_interp_where_only_the_end_is_symbolic():
    got = value_of(lambda end: ln.interp([0.0, 9.0], [0, 1], [2, 3], right=end), 5.0)
    same(got, np.array([2.0, 5.0]))


def test_interp_of_one_point():
    x = np.array([-1.0, 0.5, 2.0])
    for ends in ({}, {"left": -1, "right": 7}):
        same(
            value_of(lambda x, f, ends=ends: ln.interp(x, [0.5], f, **ends), x, np.array([3.0])),
            np.interp(x, [0.5], [3.0], **ends),
        )


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((), ()), {}),
        (((), ()), {"num": 7, "endpoint": False}),
        (((), ()), {"num": 1}),
        (((), ()), {"num": 0}),
        (((3,), ()), {"num": 4}),
        (((3,), (2, 1)), {"num": 4, "axis": 1}),
        (((3,), (3,)), {"num": 4, "axis": -1}),
    ],
)
def test_linspace(shapes, options):
    values = arrays(*shapes)
    check_values(
        lambda a, b: ln.linspace(a, b, **options),
        lambda a, b: np.linspace(a, b, **options),
        *values,
    )
    check_derivatives(
        lambda a, b: ln.linspace(a, b, **options),
        lambda a, b: jnp.linspace(a, b, **options),
        *values,
    )


def test_linspace_in_other_forms():
    a, b = -2.7, 5.0
    step = value_of(lambda a, b: ln.linspace(a, b, 8, retstep=True)[1], a, b)
    assert step == pytest.approx(np.linspace(a, b, 8, retstep=True)[1])
    assert np.isnan(value_of(lambda a, b: ln.linspace(a, b, 1, retstep=True)[1], a, b))
    for dtype in ("int64", "float32"):
        same(
            value_of(lambda a, b, t=dtype: ln.linspace(a, b, 8, dtype=t), a, b),
            np.linspace(a, b, 8, dtype=dtype),
        )
    ends = value_of(lambda a, b: ln.linspace(a, b, 11), 0.1, 0.3)
    assert (ends[0], ends[-1]) == (0.1, 0.3)


X, W = cr.input("x", (2, 3, 8)), cr.input("w", (4, 3, 3))
S = cr.input("s", 3)
WRONG = [
    (lambda: sg.convolve(X, S), r"E203 convolve takes sequences .*got \[2, 3, 8\]"),
    (lambda: sg.convolve(S, []), "E203"),
    (lambda: sg.convolve(S, S, "all"), "E212 .*'full', 'same' or 'valid'"),
    (lambda: sg.conv1d(S, W), "E203 .*do not have 3 axes"),
    (lambda: sg.conv2d(X, W), "E203 .*do not have 4 axes"),
    (lambda: sg.conv1d(X, np.ones((4, 2, 3))), r"E203 .*3 channels, filters \[4, 2, 3\] and 1"),
    (lambda: sg.conv1d(X, W, groups=3), "E203"),
    (lambda: sg.conv1d(X, W, dilation=4), "E203 .*reach over 9"),
    (lambda: sg.conv1d(X, W, stride=0), "E212 .*stride"),
    (lambda: sg.conv1d(X, W, stride=(1, 1)), "E212 .*stride"),
    (lambda: sg.conv1d(X, W, stride="a"), "E212 .*stride"),
    (lambda: sg.conv1d(X, W, padding=-1), "E212 .*padding"),
    (lambda: sg.conv1d(X, W, padding="full"), "E212 .*padding"),
    (lambda: sg.conv1d(X, W, padding=(1, 2, 3)), "E212 .*padding"),
    (lambda: sg.max_pool(S, 2), "E203"),
    (lambda: sg.max_pool(X, 9), "E203"),
    (lambda: sg.avg_pool(X, 2, 0), "E212"),
    (lambda: ln.interp(S, [1, 2], [1]), "E203"),
    (lambda: ln.interp(S, [], []), "E203"),
    (lambda: ln.linspace(S, np.ones(2)), "E203"),
    (lambda: ln.linspace(S, 1, -1), "E203"),
    (lambda: ln.linspace(S, 1, axis=2), "E203"),
    (lambda: ln.arange(S), r"E235 .*linspace\(start, stop, num\)"),
]


@pytest.mark.parametrize(("build", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(build, message):
    with pytest.raises(GraphError, match=message):
        build()
