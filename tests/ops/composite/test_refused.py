"""What functions of NumPy refuse, and what they do at points where there is a choice."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.ops.composite.statistics import sum as total
from tests.ops.composite.against_jax import ops_of, same, value_of

X = cr.input("x", (4,))
M = cr.input("m", (2, 3))
I = cr.input("i", (3,), "int64")  # noqa: E741
S = cr.input("s")
WRONG = {
    "allclose": ("E238", "np.where", lambda: np.allclose(X, 1.0)),
    "array_equal": ("E238", r"np.all\(a == b\)", lambda: np.array_equal(X, X)),
    "array_equiv": ("E238", r"np.all\(a == b\)", lambda: np.array_equiv(X, X)),
    "put_along_axis": (
        "E238", "chainrule.put_along_axis", lambda: np.put_along_axis(M, np.array([[0]]), 1, 1)
    ),
    "quantile-method": ("E212", "one of 'linear'", lambda: np.quantile(X, 0.5, method="hazen")),
    "quantile-share": ("E212", "from 0 to 1", lambda: np.quantile(X, 1.5)),
    "percentile-share": ("E212", "from 0 to 1", lambda: np.percentile(X, [50, 150])),
    "quantile-nothing": ("E203", "of nothing", lambda: np.quantile(cr.input("e", (0,)), 0.5)),
    "max-where": ("E212", "initial=", lambda: np.max(X, where=X > 0)),
    "sum-where": ("E203", "do not match", lambda: np.sum(X, where=np.array([True, False]))),
    "gradient-few": ("E203", "needs 2 points", lambda: np.gradient(cr.input("o", (1,)))),
    "gradient-few-2": ("E203", "needs 3 points", lambda: np.gradient(X[:2], edge_order=2)),
    "gradient-order": ("E212", "1 or 2", lambda: np.gradient(X, edge_order=3)),
    "gradient-places": ("E203", "coordinates", lambda: np.gradient(X, np.arange(3.0))),
    "gradient-gaps": ("E203", "distances along", lambda: np.gradient(M, 1.0, 1.0, 1.0)),
    "cov-axes": ("E203", "vectors and matrices", lambda: np.cov(cr.input("t", (2, 2, 2)))),
    "cov-weights": ("E203", "weight for each", lambda: np.cov(M, aweights=np.ones(2))),
    "polyval": ("E203", "are a vector", lambda: np.polyval(M, 1.0)),
    "vander": ("E203", "takes a vector", lambda: np.vander(M)),
    "vander-count": ("E203", "from 0", lambda: np.vander(X, -1)),
    "polyder": ("E203", "vector of coefficients", lambda: np.polyder(M)),
    "polyint": ("E203", "constants for", lambda: np.polyint(X, 3, [1.0, 2.0])),
    "delete": ("E203", "out of bounds", lambda: np.delete(X, 4)),
    "insert": ("E203", "out of bounds", lambda: np.insert(X, 5, 0.0)),
    "insert-shape": ("E203", "broadcast", lambda: np.insert(M, [0, 1], np.ones((5, 3)), axis=0)),
    "block": ("E203", "nested", lambda: np.block([[X], X])),
    "block-empty": ("E203", "empty", lambda: np.block([[X], []])),
    "block-nothing": ("E203", "nested", lambda: np.block([[], X])),
    "choose": ("E203", "outside of 2", lambda: np.choose(np.array([2, 0, 0, 0]), [X, X])),
    "choose-mode": ("E212", "mode", lambda: np.choose(I, [X, X], mode="near")),
    "choose-kind": ("E202", "whole numbers", lambda: np.choose(X, [X, X])),
    "piecewise": ("E203", "function for each", lambda: np.piecewise(X, [X > 0], [1, 2, 3])),
    "digitize": ("E203", "ascending", lambda: np.digitize(X, [0.0, 2.0, 1.0])),
    "bincount": ("E235", "largest of symbolic", lambda: np.bincount(I, np.ones(3))),
    "bincount-list": ("E203", "from 0", lambda: np.bincount(np.array([-1, 0, 1, 2]), X)),
    "bincount-weights": ("E203", "weights of", lambda: np.bincount(np.array([0, 1]), X)),
    "interp-period": ("E212", "period", lambda: np.interp(S, [0.0, 1.0], [0.0, 1.0], period=0)),
    "ldexp": ("E202", "whole number", lambda: np.ldexp(X, X)),
    "windows": (
        "E203", "sizes of windows", lambda: np.lib.stride_tricks.sliding_window_view(M, 2)
    ),
    "windows-large": (
        "E203", "larger than", lambda: np.lib.stride_tricks.sliding_window_view(X, 5)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_wrong(name):
    code, words, function = WRONG[name]
    with pytest.raises(cr.GraphError, match=rf"(?s){code}.*{words}"):
        function()


def gradient(function, x):
    """The gradient of the sum, by numbers and by the graph, which must agree."""
    term = cr.input("x", np.shape(x))
    graph = cr.graph(total(function(term)), [term])
    record = graph.at(x).gradient["x"]
    np.testing.assert_array_equal(graph.gradient("x")(x)[1][0], record)
    return record.tolist()


def test_what_does_not_count_has_derivative_0():
    x = np.array([np.nan, np.inf, 2.0, 3.0])
    assert gradient(lambda x: np.sum(np.log(x), where=x < 2.5), x)[2:] == [0.5, 0]
    assert gradient(np.nanmin, x) == [0, 0, 1, 0]
    assert gradient(np.nanmax, np.full(2, np.nan)) == [0, 0]
    assert gradient(np.nanmean, x[[0, 2, 3]]) == [0, 0.5, 0.5]
    assert gradient(np.nanstd, np.array([np.nan, 1.0, 1.0])) == [0, 0, 0]
    assert gradient(np.nan_to_num, x) == [0, 0, 1, 1]


def test_quantiles_of_equal_elements_go_by_a_stable_sort():
    x = np.array([2.0, 1.0, 2.0, 2.0])
    assert gradient(lambda x: np.quantile(x, 0.5), x) == [0.5, 0, 0.5, 0]
    assert gradient(lambda x: np.quantile(x, 1.0), x) == [0, 0, 0, 1]


def test_quantiles_beside_infinity():
    x = np.array([1.0, np.inf, -np.inf])
    assert value_of(np.median, x) == 1
    assert value_of(lambda x: np.quantile(x, 1.0), x) == np.inf
    assert np.isnan(value_of(np.median, np.array([1.0, np.nan])))


def test_a_step_of_half_a_period_keeps_its_direction():
    for x in ([0.0, np.pi], [0.0, -np.pi], [0.0, 3 * np.pi, 0.0]):
        same(value_of(np.unwrap, np.array(x)), np.unwrap(x))
    assert gradient(np.unwrap, np.array([0.0, 4.0, 9.0])) == [1, 1, 1]


def test_symbolic_choices_wrap_or_stay_inside():
    i, x = np.array([-1, 1, 5]), np.array([1.0, 2.0, 3.0])
    for mode in ("wrap", "clip"):
        same(
            value_of(lambda i, x: np.choose(i, [x, 2 * x, 3 * x], mode=mode), i, x),  # noqa: B023
            np.choose(i, [x, 2 * x, 3 * x], mode=mode),
        )


def test_no_node_too_many():
    assert ops_of(np.delete(X, 0)) == ["slice"]
    assert ops_of(np.insert(X, 1, np.ones(2))) == ["slice", "slice", "concatenate"]
    assert ops_of(np.append(X, np.ones(1))) == ["concatenate"]
    assert np.nan_to_num(I).node is I.node
    assert np.polyder(X, 0).node is X.node
