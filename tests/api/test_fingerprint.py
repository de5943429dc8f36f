"""A trace is used again only where it is still right: whatever a function reads is in the key."""

# ruff: noqa: PLC0415, PLW0108, PTH123, SIM115
# Functions are written as users write them.

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import random
import sys
import time
import types
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.api import plans
from chainrule.api.fingerprint import fingerprint

POINT = np.array([1.0, 2.0])
SETTINGS = types.ModuleType("chainrule_test_settings")
SETTINGS.factor = 1.0
FACTOR = 1.0
LIST = [1.0]
ARRAY = np.array([1.0, 1.0])


@pytest.fixture
def traces(monkeypatch):
    """How many functions have been traced: one entry for each."""
    made = []
    original = plans.run

    def counted(function, arguments):
        made.append(function)
        return original(function, arguments)

    monkeypatch.setattr(plans, "run", counted)
    return made


def slope(function, x=2.0):
    """The derivative at a point, from a trace that may be an old one."""
    return float(np.sum(cr.grad(function)(x)))


def check(function, change, x=2.0):
    """A change of what a function reads changes the derivative as a new trace would."""
    before = slope(function, x)
    assert slope(function, x) == before
    change()
    after = slope(function, x)
    plans.cache._plans.clear()
    assert after == slope(function, x)
    assert after != before


# --- what changes a function ----------------------------------------------------------------------


def test_a_global_number_and_a_global_array_in_place(monkeypatch):
    monkeypatch.setitem(globals(), "FACTOR", 1.0)
    check(lambda x: FACTOR * x, lambda: globals().__setitem__("FACTOR", 3.0))
    held = ARRAY.copy()
    check(lambda x: np.sum(ARRAY * x), lambda: ARRAY.__setitem__(0, 5.0))
    ARRAY[:] = held


def test_a_large_array_in_place():
    large = np.zeros(100_000)
    check(lambda x: x * large[77_777], lambda: large.__setitem__(77_777, 1.0))


def test_an_array_that_is_not_contiguous():
    base = np.ones((400, 400))
    view = base[:, ::2]
    check(lambda x: x * view[1, 1], lambda: base.__setitem__((1, 2), 4.0))


def test_a_list_and_a_dict_that_are_global_or_enclosed():
    check(lambda x: LIST[0] * x, lambda: LIST.__setitem__(0, LIST[0] + 1))
    numbers, table = [1.0], {"k": {"deep": [1.0]}}
    check(lambda x: numbers[0] * x, lambda: numbers.append(numbers.pop() + 1))
    check(lambda x: table["k"]["deep"][0] * x, lambda: table["k"]["deep"].insert(0, 7.0))


def test_the_order_of_a_dict():
    table = {"a": 1.0, "b": 2.0}
    first = fingerprint(lambda: table)

    def reversed_table():
        table["a"] = table.pop("a")

    check(lambda x: next(iter(table.values())) * x, reversed_table)
    assert fingerprint(lambda: table) != first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1.0, 2.0),
        ((1.0,), (2.0,)),
        (np.float32(1), np.float32(2)),
        (collections.OrderedDict(a=1.0), collections.OrderedDict(a=2.0)),
        (collections.defaultdict(float, a=1.0), collections.defaultdict(float, a=2.0)),
        (collections.deque([1.0]), collections.deque([2.0])),
        (types.SimpleNamespace(a=1.0), types.SimpleNamespace(a=2.0)),
        (types.MappingProxyType({"a": 1.0}), types.MappingProxyType({"a": 2.0})),
        (frozenset({1.0}), frozenset({2.0})),
        (slice(0, 1), slice(0, 2)),
        (range(1), range(2)),
        (1j, 2j),
        (complex(0.0, 0.0), complex(-0.0, 0.0)),
        (0.0, -0.0),
        (True, 1),
        (1, 1.0),
        (True, 1.0),
        (np.float64(1), 1.0),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), -np.zeros(2)),
        (np.array([1, None], object), np.array([2, None], object)),
        (np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-02"], "M8[D]")),
        (np.ma.masked_array([1.0, 2.0], [0, 1]), np.ma.masked_array([1.0, 2.0], [1, 0])),
        ("a", b"a"),
        (None, 0),
    ],
)
def test_enclosed_values_that_differ(before, after):
    def function_of(held):
        return lambda x: (held, x)

    assert fingerprint(function_of(before)) is not None
    assert fingerprint(function_of(before)) != fingerprint(function_of(after))


class Pair(NamedTuple):
    first: float
    second: float


class Numbers(list):
    pass


class Length(float):
    pass


class Color(enum.IntEnum):
    RED = 1
    BLUE = 2


class Slotted:
    __slots__ = ("__hidden", "value")

    def __init__(self, value, hidden=0.0):
        self.value = value
        self.__hidden = hidden

    def read(self):
        return self.__hidden


@dataclasses.dataclass
class Model:
    weight: float
    layers: list = dataclasses.field(default_factory=list)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Pair(1.0, 2.0), Pair(1.0, 3.0)),
        (Numbers([1.0]), Numbers([2.0])),
        (Length(1.0), Length(2.0)),
        (Slotted(1.0), Slotted(2.0)),
        (Slotted(1.0, 1.0), Slotted(1.0, 2.0)),
        (Model(1.0), Model(2.0)),
        (Model(1.0, [1.0]), Model(1.0, [2.0])),
    ],
)
def test_objects_of_users_classes(before, after):
    def function_of(held):
        return lambda x: (held, x)

    assert fingerprint(function_of(before)) == fingerprint(function_of(before)) is not None
    assert fingerprint(function_of(before)) != fingerprint(function_of(after))


def test_members_of_an_enumeration():
    def function_of(held):
        return lambda x: (held, x)

    red, blue = fingerprint(function_of(Color.RED)), fingerprint(function_of(Color.BLUE))
    assert red is None or red != blue


def test_default_arguments():
    def function(x, factor=1.0, *, power=1):
        return factor * x**power

    check(function, lambda: setattr(function, "__defaults__", (3.0,)))
    check(function, lambda: function.__kwdefaults__.update(power=3))


def test_an_attribute_of_an_object_and_of_its_class():
    class Layer:
        factor = 1.0

        def __init__(self):
            self.weight = 1.0

        def __call__(self, x):
            return self.factor * self.weight * x

        def twice(self, x):
            return 2 * self(x)

    layer = Layer()
    check(lambda x: layer(x), lambda: setattr(layer, "weight", 2.0))
    check(lambda x: layer(x), lambda: setattr(Layer, "factor", 3.0))
    check(layer, lambda: setattr(layer, "weight", 4.0))
    check(layer.twice, lambda: setattr(Layer, "factor", 7.0))
    check(lambda x: layer.twice(x), lambda: setattr(Layer, "twice", lambda self, x: 5 * x))
    check(lambda x: layer(x), lambda: setattr(Layer, "__call__", lambda self, x: 6 * x))


def test_a_property_an_inherited_method_and_a_static_one():
    class Base:
        def method(self, x):
            return x

    class Derived(Base):
        @property
        def factor(self):
            return 2.0

        @staticmethod
        def static(x):
            return x

        @functools.cached_property
        def cached(self):
            return 3.0

    thing = Derived()
    check(lambda x: thing.method(x), lambda: setattr(Base, "method", lambda self, x: 3 * x))
    check(lambda x: thing.factor * x, lambda: setattr(Derived, "factor", property(lambda _: 5.0)))
    check(lambda x: thing.static(x), lambda: setattr(Derived, "static", staticmethod(np.square)))
    assert fingerprint(lambda x: thing.cached * x) is not None


def test_a_metaclass():
    class Meta(type):
        factor = 1.0

    class Thing(metaclass=Meta):
        pass

    check(lambda x: Thing.factor * x, lambda: setattr(Meta, "factor", 2.0))


def helper(x):
    return x


def inner_helper(x):
    return FACTOR * x


def outer_helper(x):
    return inner_helper(x)


def test_a_helper_that_is_replaced_and_the_global_of_a_nested_helper(monkeypatch):
    module = sys.modules[__name__]
    monkeypatch.setattr(module, "helper", helper)
    monkeypatch.setattr(module, "FACTOR", 1.0)
    check(lambda x: helper(x), lambda: setattr(module, "helper", lambda x: 2 * x))
    check(lambda x: outer_helper(x), lambda: setattr(module, "FACTOR", 9.0))


def test_an_attribute_of_a_function():
    def function(x):
        return function.factor * x

    function.factor = 1.0
    check(function, lambda: setattr(function, "factor", 2.0))


def test_a_partial():
    values = [1.0]

    def product(factors, x):
        return factors[0] * x

    check(functools.partial(product, values), lambda: values.__setitem__(0, 4.0))
    one = fingerprint(functools.partial(product, [1.0]))
    assert one == fingerprint(functools.partial(product, [1.0])) is not None
    assert one != fingerprint(functools.partial(product, [2.0]))
    assert one != fingerprint(functools.partial(product, factors=[1.0]))


def test_the_code_of_a_function_and_its_constants():
    def function(x):
        return x

    check(function, lambda: setattr(function, "__code__", (lambda x: 3 * x).__code__))
    zero, negative = (lambda x: x / 0.0), (lambda x: x / -0.0)
    one, whole = (lambda x: x * 1.0), (lambda x: x * 1)
    assert fingerprint(zero) != fingerprint(negative)
    assert fingerprint(one) != fingerprint(whole)


def test_a_module_of_the_user(monkeypatch):
    monkeypatch.setitem(sys.modules, SETTINGS.__name__, SETTINGS)
    SETTINGS.factor = 1.0
    check(lambda x: SETTINGS.factor * x, lambda: setattr(SETTINGS, "factor", 2.0))

    def importing(x):
        import chainrule_test_settings

        return chainrule_test_settings.factor * x

    def importing_a_name(x):
        from chainrule_test_settings import factor

        return factor * x

    check(importing, lambda: setattr(SETTINGS, "factor", 3.0))
    check(importing_a_name, lambda: setattr(SETTINGS, "factor", 4.0))


def test_a_module_that_two_functions_read_by_different_names():
    SETTINGS.factor, SETTINGS.shift = 1.0, 1.0

    def second(x):
        return SETTINGS.shift * x

    def first(x):
        return SETTINGS.factor * x + second(x)

    check(first, lambda: setattr(SETTINGS, "shift", 5.0))
    check(first, lambda: setattr(SETTINGS, "factor", 5.0))


def test_names_that_are_not_in_the_code_have_no_fingerprint():
    name = "fac" + "tor"
    assert fingerprint(lambda x: getattr(SETTINGS, name) * x) is None
    assert fingerprint(lambda x: vars(SETTINGS)[name] * x) is None
    assert fingerprint(lambda x: globals()["FACTOR"] * x) is None
    assert fingerprint(lambda x: eval("FACTOR") * x) is None
    assert fingerprint(lambda x: __import__("chainrule_test_settings").factor * x) is None


def test_a_monkeypatched_function_of_numpy(monkeypatch):
    check(lambda x: np.tanh(x), lambda: monkeypatch.setattr(np, "tanh", np.sin))


def test_whole_numbers_strings_and_functions_as_arguments():
    def function(x, n, kind="sum", outer=np.sin):
        return outer(x) * n if kind == "sum" else x**n

    gradient = cr.grad(function)
    assert gradient(2.0, 3) == 3 * np.cos(2.0)
    assert gradient(2.0, 4) == 4 * np.cos(2.0)
    assert gradient(2.0, 3, "power") == 12.0
    assert gradient(2.0, 3, outer=np.cos) == -3 * np.sin(2.0)
    assert gradient(2.0, True) == np.cos(2.0)
    assert gradient(2.0, 3, outer=lambda x: 5 * x) == 15.0
    assert gradient(2.0, 3, outer=lambda x: 6 * x) == 18.0


def test_zero_and_minus_zero_and_nan_among_enclosed_numbers():
    def slope_of(number):
        return float(cr.grad(lambda x: x / number)(1.0))

    assert slope_of(0.0) == np.inf
    assert slope_of(-0.0) == -np.inf
    nan = float("nan")
    first, second = [fingerprint(lambda: nan) for _ in range(2)]
    assert first == second
    assert np.isnan(cr.grad(lambda x: nan * x)(1.0))


def test_dtypes_and_shapes_of_arguments():
    def function(x):
        return np.sum(x) * len(x.shape) * x.dtype.itemsize

    gradient = cr.grad(function)
    assert gradient(np.ones(2)).tolist() == [8.0, 8.0]
    assert gradient(np.ones((2, 1))).tolist() == [[16.0], [16.0]]
    single = gradient(np.ones(2, np.float32))
    assert single.tolist() == [4.0, 4.0]
    assert single.dtype == np.float32


def test_keys_and_order_of_dicts_among_arguments():
    def weighted(table):
        return sum((at + 1) * value for at, value in enumerate(table.values()))

    assert cr.grad(weighted)({"a": 1.0, "b": 1.0}) == {"a": 1.0, "b": 2.0}
    assert cr.grad(weighted)({"b": 1.0, "a": 1.0}) == {"a": 2.0, "b": 1.0}
    by_kind = cr.grad(lambda table: sum(v * len(str(k)) for k, v in table.items()))
    assert by_kind({1: 1.0}) == {1: 1.0}
    assert by_kind({True: 1.0}) == {True: 4.0}
    assert by_kind({1.0: 1.0}) == {1.0: 3.0}


def test_a_method_of_the_class_of_an_argument():
    @dataclasses.dataclass
    class Scaled:
        x: float

        def value(self):
            return 2 * self.x

    gradient = cr.grad(lambda thing: thing.value())
    assert gradient(Scaled(1.0)).x == 2.0
    Scaled.value = lambda self: 3 * self.x
    assert gradient(Scaled(1.0)).x == 3.0


# --- what is never kept ---------------------------------------------------------------------------

rng = np.random.default_rng(0)
legacy = np.random.RandomState(0)


def numbers():
    while True:
        yield random.random()


stream = numbers()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * np.random.normal(),
        lambda x: x * rng.normal(),
        lambda x: x * legacy.normal(),
        lambda x: x * random.random(),
        lambda x: x * time.perf_counter_ns(),
        lambda x: x * next(stream),
    ],
    ids=["np.random", "Generator", "RandomState", "random", "time", "generator"],
)
def test_random_numbers_clocks_and_generators_are_asked_anew(function):
    assert fingerprint(function) is None
    assert slope(function) != slope(function)


def test_random_numbers_in_a_helper_after_numpy_was_met():
    def noise():
        return np.random.standard_normal()

    def function(x):
        return np.sum(x) * noise()

    assert fingerprint(function) is None


def test_imported_names_of_changing_modules():
    from datetime import datetime
    from random import Random
    from time import perf_counter

    from numpy.random import default_rng, normal

    for changing in (datetime, Random, perf_counter, default_rng, normal):
        assert fingerprint(lambda x, changing=changing: changing) is None


def test_files_have_no_fingerprint(tmp_path):
    path = tmp_path / "w.npy"
    np.save(path, 2.0)
    name = str(path)

    def function(x):
        return np.load(name) * x

    assert slope(function) == 2.0
    np.save(path, 3.0)
    assert slope(function) == 3.0
    assert fingerprint(lambda: open(name)) is None
    assert fingerprint(lambda: path.read_bytes()) is None


def test_a_function_that_counts_its_calls_is_traced_each_time():
    calls = []

    def function(x):
        calls.append(1)
        return x * len(calls)

    assert [slope(function) for _ in range(3)] == [1.0, 2.0, 3.0]


def test_what_lives_in_c_has_no_fingerprint():
    iterator, view = iter([1.0]), memoryview(b"a")
    lock = __import__("threading").Lock()
    for held in (iterator, view, lock, (n for n in "ab"), np.random.default_rng()):
        assert fingerprint(lambda x, held=held: held) is None
    assert fingerprint([1.0].append) is None


# --- what is used again ---------------------------------------------------------------------------


def test_other_numbers_use_the_trace_again(traces):
    gradient = cr.grad(lambda x: np.sum(np.tanh(x) ** 2))
    for at in range(5):
        gradient(POINT + at)
    assert len(traces) == 1


def test_a_lambda_that_is_made_anew_uses_the_trace_again(traces):
    for at in range(5):
        cr.grad(lambda x: np.sum(np.cos(x) * FACTOR))(POINT + at)
        cr.hvp(lambda x: np.sum(x**3), (POINT,), (POINT,))
        cr.vjp(lambda x: np.exp(x), POINT)[1](POINT)
    first = len(traces)
    cr.grad(lambda x: np.sum(np.cos(x) * FACTOR))(POINT)
    cr.hvp(lambda x: np.sum(x**3), (POINT,), (POINT,))
    assert first == 4  # two of them for the Hessian-vector product: gradient and function
    assert len(traces) == 4 + 3  # other lines


def test_transforms_of_transforms_are_used_again(traces):
    def function(x):
        return np.sum(np.sin(x) ** 2)

    hessian = cr.hessian(function)
    hessian(POINT)
    made = len(traces)
    for _ in range(3):
        hessian(POINT)
        cr.hessian(function)(POINT)
        cr.jacobian(cr.grad(function), mode="forward")(POINT)
    assert len(traces) == made


def test_methods_dataclasses_and_partials_are_used_again(traces):
    @dataclasses.dataclass
    class Layer:
        weight: np.ndarray

        def __call__(self, x):
            return np.sum(self.weight * x)

    layer = Layer(POINT)
    for _ in range(3):
        cr.grad(layer)(POINT)
        cr.grad(functools.partial(np.dot, POINT))(POINT)
        cr.grad(lambda layer, x: layer(x))(layer, POINT)
    assert len(traces) == 3


def test_the_cache_is_bounded():
    for at in range(600):
        cr.grad(lambda x, n: x * n)(1.0, at)
    assert len(plans.cache._plans) <= 512


values = st.recursive(
    st.one_of(
        st.integers(-2, 2), st.booleans(), st.none(), st.text("ab", max_size=2),
        st.sampled_from([0.0, -0.0, 1.0, float("inf"), float("nan")]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip


@given(values, values)
def test_equal_fingerprints_are_equal_values(first, second):
    """By ``repr``, which tells 0.0 from −0.0, 1 from True, and the order of dicts."""

    def function_of(held):
        return lambda x: (held, x)

    same = fingerprint(function_of(first)) == fingerprint(function_of(second))
    if same:
        assert repr(first) == repr(second)
    copied = eval(repr(first), {"nan": float("nan"), "inf": float("inf")})
    aliases = repr(first) == repr(copied)
    assert aliases


RATE = 2.0
LIMITS = [1.0]


def of_globals(x, weights=(1.0, [2.0]), rate=3.0):
    return np.sum(x * RATE) * rate * weights[1][0] * LIMITS[0]


def of_numbers(x, rate=3.0):
    return np.sum(x * RATE) * rate


def test_an_attribute_of_a_function_is_seen():
    first = fingerprint(of_numbers)
    of_numbers.note = [1]
    try:
        assert fingerprint(of_numbers) != first
    finally:
        del of_numbers.note
    assert fingerprint(of_numbers) == first


def test_lists_in_globals_and_defaults_are_read_each_time():
    first = fingerprint(of_globals)
    LIMITS[0] = 7.0
    try:
        assert fingerprint(of_globals) != first
    finally:
        LIMITS[0] = 1.0
    assert fingerprint(of_globals) == first
    of_globals.__defaults__[0][1][0] = 9.0
    try:
        assert fingerprint(of_globals) != first
    finally:
        of_globals.__defaults__[0][1][0] = 2.0
    assert fingerprint(of_globals) == first
