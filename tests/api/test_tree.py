"""Structures come apart into leaves and together again as they were."""

# ruff: noqa: PT017, RUF059
# Functions are written as users write them.

from __future__ import annotations

import collections
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.api.tree import LEAF, flatten, mapped, matching
from chainrule.errors import GraphError


class Pair(NamedTuple):
    first: Any
    second: Any = None


class Checked(NamedTuple("Checked", [("value", Any)])):
    def __new__(cls, value):
        assert isinstance(value, float)
        return super().__new__(cls, value)


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    weight: Any
    bias: Any = None

    def __post_init__(self):
        assert isinstance(self.weight, float)


class Config(dict):
    __getattr__ = dict.__getitem__


trees = st.recursive(
    st.one_of(st.floats(allow_nan=False), st.none(), st.text("ab", max_size=1)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text("abc", max_size=2), st.integers()), inner, max_size=3),
        st.builds(Pair, inner, inner),
        st.dictionaries(st.text("ab", max_size=1), inner).map(collections.OrderedDict),
    ),
)


@given(trees)
def test_what_comes_apart_comes_together(tree):
    leaves, structure = flatten(tree)
    built = structure.build(leaves)
    assert repr(built) == repr(tree)  # the order of dicts too
    assert structure.leaves == len(leaves) == len(structure.paths())
    assert flatten(built) == (leaves, structure)
    assert hash(structure) == hash(flatten(built)[1])
    assert matching(tree, structure, "this") == leaves
    assert mapped(lambda leaf: leaf, tree) == tree


@given(trees, trees)
def test_other_structures_do_not_match(first, second):
    structure, other = flatten(first)[1], flatten(second)[1]
    if structure == other:
        matching(second, structure, "this")
    else:
        try:
            matching(second, structure, "this")
        except GraphError as error:
            assert error.code == "E239"
        else:  # dicts in another order
            assert sorted(map(repr, structure.kinds())) == sorted(map(repr, other.kinds()))
            assert structure.leaves == other.leaves


def test_paths_lead_to_leaves():
    tree = {"w": [1.0, Pair(2.0, Layer(3.0))], 7: None}
    assert flatten(tree)[1].paths() == [
        ("w", 0),
        ("w", 1, "first"),
        ("w", 1, "second", "weight"),
    ]


def test_classes_that_check_their_fields_are_rebuilt_without_a_check():
    leaves, structure = flatten([Layer(1.0), Checked(2.0)])
    built = structure.build(["symbolic", "values"])
    assert built[0].weight == "symbolic"
    assert built[0].bias is None
    assert type(built[1]) is Checked
    assert built[1].value == "values"


def test_subclasses_of_dict_keep_their_class():
    config = flatten(Config(w=1.0, b=2.0))[1].build([3.0, 4.0])
    assert type(config) is Config
    assert (config.w, config.b) == (3.0, 4.0)
    ordered = flatten(collections.OrderedDict(b=1, a=2))[1].build([1, 2])
    assert list(ordered.items()) == [("b", 1), ("a", 2)]


def test_leaves_are_whatever_else_there_is():
    for leaf in (1, "text", np.ones(2), {1}, object(), Layer, range(3)):
        assert flatten(leaf)[1] == LEAF
    assert flatten(None)[1] != LEAF
    assert flatten(())[1] != flatten([])[1]


def test_dicts_match_in_any_order():
    structure = flatten({"b": 1.0, "a": (2.0, None)})[1]
    assert matching({"a": (20.0, None), "b": 10.0}, structure, "this") == [10.0, 20.0]


@pytest.mark.parametrize(
    "other", [{"a": 1.0}, {"a": 1.0, "c": 2.0}, {"a": 1.0, "b": [2.0]}, [1.0, 2.0], 1.0, None]
)
def test_what_does_not_match(other):
    structure = flatten({"a": 1.0, "b": 2.0})[1]
    with pytest.raises(GraphError, match="E239 a tangent must be structured like"):
        matching(other, structure, "a tangent")
