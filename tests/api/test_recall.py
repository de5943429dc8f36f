"""Arguments like those of the last call are told from all others; a wrong hit is impossible."""

from __future__ import annotations

import collections
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.api.recall import OTHER, Ready, again_of
from chainrule.api.tracing import arguments_of
from chainrule.api.tree import flatten
from chainrule.graph.node import input_node
from chainrule.graph.types import FLOAT64

FACTOR = 2.0


class Pair(NamedTuple):
    first: Any
    second: Any


class Sub(np.ndarray):
    pass


def function(*args):
    return args


class Always:
    @staticmethod
    def holds(function):
        return True


def match_of(arguments):
    """From the arguments of a call to its arrays; None for calls of another kind."""
    count = len(arguments.traced)
    nodes = [input_node(f"x{at}", FLOAT64) for at in range(count)]
    results, structure = flatten(nodes)
    again = again_of(arguments, Ready(None, Always, lambda *x: x, True, results, structure))
    if again is None:
        return None

    def match(*call):
        found = again(*call)
        return None if found is OTHER else found

    return match


arrays = st.sampled_from([
    np.ones(2), np.zeros(2), np.ones(3), np.ones((2, 1)), np.ones(2, np.float32), np.ones(2, int),
    np.array(1.0), np.ones(2).view(Sub),
])  # fmt: skip
leaves = st.one_of(arrays, st.sampled_from([1, 1.0, True, 0, 0.0, False, "a", None, np.float64(1)]))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", 1, True]), inner, max_size=2),
        st.builds(Pair, inner, inner),
        st.dictionaries(st.sampled_from("ab"), inner).map(collections.OrderedDict),
    ),
    max_leaves=4,
)


def exactly(value):
    """Everything a plan depends on, with the classes of all that is compared."""
    if isinstance(value, dict):
        keys = [(type(key), key) for key in value]
        return type(value), keys, [exactly(part) for part in value.values()]
    if isinstance(value, (list, tuple)):
        return type(value), [exactly(part) for part in value]
    if isinstance(value, np.ndarray):
        return type(value), value.dtype.str, value.shape
    return (float,) if type(value) in (float, np.float64) else (type(value), value)


@given(trees, trees)
def test_only_the_same_kind_matches(first, second):
    match = match_of(arguments_of(function, (first,), {}))
    if match is None:
        return
    arguments = arguments_of(function, (second,), {})
    found = match((second,), {})
    assert (found is not None) == (exactly(first) == exactly(second))
    if found is not None:
        expected = [arguments.values[at] for at in arguments.traced]
        for mine, theirs in zip(found, expected, strict=True):
            assert mine is theirs or (mine == theirs and isinstance(mine, np.generic))
    assert match((second,), {"more": 1}) is None
    assert match((second, second), {}) is None


def test_what_takes_a_closer_look_has_no_match():
    for value in (Pair(1.0, 2.0), {1: np.ones(2)}, np.float32(1), np.ones(2).view(Sub)):
        assert match_of(arguments_of(function, (value,), {})) is None


def test_arguments_by_name():
    x = np.ones(2)
    match = match_of(arguments_of(function, (x,), {"a": x, "n": 3}))
    assert match((x,), {"a": 2 * x, "n": 3})[1].tolist() == [2, 2]
    assert match((x,), {"a": x, "n": 4}) is None
    assert match((x,), {"n": 3, "a": x}) is None
    assert match((x,), {"a": x}) is None
    assert match((x,), {}) is None
    assert match((x, x), {"n": 3}) is None


def scaled(x, power=2):
    return np.sum(FACTOR * x**power)


def test_a_function_that_reads_something_else_now_is_traced_again(monkeypatch):
    gradient = cr.grad(scaled)
    x = np.array([1.0, 3.0])
    for _ in range(2):
        np.testing.assert_array_equal(gradient(x), 4 * x)
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    for _ in range(2):
        np.testing.assert_array_equal(gradient(x), 10 * x)
    np.testing.assert_array_equal(gradient(x, 3), 15 * x**2)
    np.testing.assert_array_equal(gradient(x), 10 * x)
    monkeypatch.setattr(scaled, "__defaults__", (3,))
    np.testing.assert_array_equal(gradient(x), 15 * x**2)


def test_what_a_closure_holds_is_read_at_every_call():
    held = [2.0]
    gradient = cr.grad(lambda x: np.sum(held[0] * x))
    x = np.ones(2)
    assert gradient(x)[0] == 2
    held[0] = 7.0
    assert gradient(x)[0] == 7


def test_symbolic_arguments_between_numbers():
    gradient = cr.grad(scaled)
    x = np.array([1.0, 3.0])
    gradient(x)
    np.testing.assert_array_equal(cr.jacobian(gradient)(x), 4 * np.eye(2))
    np.testing.assert_array_equal(gradient(x), 4 * x)


@pytest.mark.parametrize("value", [1.5, np.array(1.5), np.array([1.5])])
def test_results_are_those_of_the_first_call(value):
    run = cr.value_and_grad(lambda x: np.sum(x * x))
    first, second = run(value), run(value)
    assert type(first[1]) is type(second[1])
    assert first[0] == second[0] == 2.25
    assert np.all(first[1] == second[1])
    if isinstance(second[1], np.ndarray):
        second[1][...] = 0
    assert np.all(run(value)[1] == 3)
