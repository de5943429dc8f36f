"""A call like the last one takes no fingerprint, and no change of what a function reads is missed.

Changes come after the way of quick calls has been taken; work is counted by calls.
"""

# ruff: noqa: PLW0108, B007, PERF401
# Functions are written as users write them.

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import gc
import pickle
import sys
import threading
import types
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.api import guards, plans, watch
from chainrule.api.fingerprint import fingerprint
from chainrule.api.guards import guard_of

X = np.array([1.0, 2.0, -0.5])
RATE = 2.0
LIMITS = [1.0]
TABLE = {"a": 1.0}
WEIGHTS = np.array([1.0, 2.0, 3.0])
OTHER_NUMPY = types.ModuleType("other_numpy")
OTHER_NUMPY.sum, OTHER_NUMPY.testing = (lambda x: x[1]), np.testing
SETTINGS = types.ModuleType("chainrule_guard_settings")


@pytest.fixture
def taken(monkeypatch):
    """The fingerprints that were taken: one entry for each."""
    made = []

    def counted(function):
        made.append(function)
        return fingerprint(function)

    for module in (plans, watch, guards):
        monkeypatch.setattr(module, "fingerprint", counted)
    return made


def steady(call, taken):
    """Calls until they are quick, soon after a change too; the result."""
    for _ in range(14):
        result = call()
    count = len(taken)
    for _ in range(3):
        call()
    assert len(taken) == count, "a steady call took a fingerprint"
    return result


# --- what can change ------------------------------------------------------------------------------


def of_globals(x, rate=3.0, *, power=1):
    return np.sum(x * RATE) * rate * power * LIMITS[0] * TABLE["a"]


def inner(x):
    return RATE * x


def outer(x):
    return np.sum(inner(x) * WEIGHTS)


def recursive(x, depth=3):
    return np.sum(x) * RATE if depth == 0 else recursive(2 * x, depth - 1)


@cr.jit
def jitted(x):
    return np.sum(x) * RATE


def calls_jitted(x):
    return jitted(x) + jitted(2 * x)


def imports(x):
    import chainrule_guard_settings  # noqa: PLC0415

    return np.sum(x) * chainrule_guard_settings.factor


def decorator(function):
    @functools.wraps(function)
    def wrapped(*args):
        return wrapped.scale * function(*args)

    wrapped.scale = 1.0
    return wrapped


@decorator
def decorated(x):
    return np.sum(x) * RATE


def closure():
    rate, numbers, table, array = 2.0, [1.0, [2.0]], {"k": [3.0], 1: 1.0}, np.ones(3)
    nothing: list[float] = []
    large = np.ones(1000)
    many = [1.0] * 50
    space = types.SimpleNamespace(factor=1.0)
    pair = ([1.0], 2.0)
    queue, chosen = collections.deque([1.0]), {1.0, 2.0}
    default = collections.defaultdict(float, a=1.0)

    def enclosed(x):
        return np.sum(rate * x) * numbers[1][0]

    def other(x):
        return np.sum(rate * x) + numbers[0]

    def function(x):
        y = enclosed(x) * table["k"][0] * large[999] * many[7] + np.sum(array * x)
        y = y * queue[0] * len(chosen) * (default["a"] + default["b"])
        return (y + len(nothing)) * space.factor * pair[0][0] * len(table)

    def set_rate(value):
        nonlocal rate
        rate = value

    def changes():
        yield lambda: set_rate(5.0)
        yield lambda: set_rate(5)
        yield lambda: numbers[1].__setitem__(0, 7.0)
        yield lambda: table["k"].append(1.0) or table["k"].reverse()
        yield lambda: table.pop(1)
        yield lambda: table.__setitem__(True, 1.0)
        yield lambda: nothing.append(1.0)
        yield lambda: array.__setitem__(1, 4.0)
        yield lambda: large.__setitem__(999, 4.0)
        yield lambda: many.__setitem__(7, 4.0)
        yield lambda: queue.appendleft(4.0)
        yield lambda: chosen.add(3.0)
        yield lambda: default.__setitem__("a", 4.0)
        yield lambda: setattr(default, "default_factory", lambda: 1.0) or default.clear()
        yield lambda: setattr(space, "factor", 4.0)
        yield lambda: pair[0].__setitem__(0, 4.0)
        yield lambda: setattr(
            enclosed, "__code__", (lambda x: np.sum(rate * x) + numbers[0]).__code__
        )

    return function, changes()


class Layer:
    factor = 1.0

    def __init__(self):
        self.weight = 1.0
        self.items = [1.0]

    def __call__(self, x):
        return np.sum(x) * self.weight * self.items[0] * self.factor * self.shift

    def method(self, x):
        return 2 * self(x)

    @property
    def shift(self):
        return 3.0


@dataclasses.dataclass
class Model:
    weight: float = 2.0

    @staticmethod
    def twice(x):
        return 2 * x

    def loss(self, x):
        return np.sum(self.twice(x)) * self.weight


def globals_changed():
    here = sys.modules[__name__]
    setattr_of = functools.partial(functools.partial, setattr)
    yield of_globals, setattr_of(here, "RATE", 5.0)
    yield of_globals, functools.partial(LIMITS.__setitem__, 0, 3.0)
    yield of_globals, functools.partial(TABLE.__setitem__, "a", 3.0)
    yield of_globals, setattr_of(of_globals, "__defaults__", (7.0,))
    yield of_globals, functools.partial(of_globals.__kwdefaults__.__setitem__, "power", 2)
    yield of_globals, setattr_of(of_globals, "__code__", (lambda x, rate, *, power: x[0]).__code__)
    yield of_globals, setattr_of(np, "sum", np.prod)
    yield of_globals, setattr_of(here, "np", OTHER_NUMPY)
    yield of_globals, setattr_of(here, "sum", 1.0)  # the name of an attribute: nothing changes
    yield outer, setattr_of(here, "RATE", 5.0)
    yield outer, setattr_of(here, "inner", lambda x: 3 * x)
    yield outer, functools.partial(WEIGHTS.__setitem__, 0, 9.0)
    yield outer, setattr_of(here, "WEIGHTS", np.ones(3, np.float32))
    yield recursive, setattr_of(here, "RATE", 5.0)
    yield recursive, setattr_of(here, "recursive", lambda x, depth: x[0])
    yield calls_jitted, setattr_of(here, "RATE", 5.0)
    yield calls_jitted, setattr_of(here, "jitted", cr.jit(lambda x: x[0]))
    yield decorated, setattr_of(here, "RATE", 5.0)
    yield decorated, setattr_of(decorated, "scale", 3.0)
    yield lambda x: np.sum(x) * SETTINGS.factor, setattr_of(SETTINGS, "factor", 4.0)
    yield imports, setattr_of(SETTINGS, "factor", 4.0)
    yield lambda x: abs(x[0]) * 2, setattr_of(here, "abs", lambda x: 3 * x)


def objects_changed():
    for function_of in (
        lambda layer: layer,
        lambda layer: layer.method,
        lambda layer: lambda x: layer(x),
        lambda layer: functools.partial(Layer.method, layer),
        lambda layer: functools.partial(lambda scale, f, x: scale * f(x), 2.0, layer.method),
    ):
        layer = Layer()
        function = function_of(layer)
        setattr_of = functools.partial(functools.partial, setattr)
        yield function, setattr_of(layer, "weight", 2.0)
        yield function, setattr_of(layer, "items", [4.0])
        yield function, functools.partial(layer.items.__setitem__, 0, 5.0)
        yield function, setattr_of(layer, "factor", 6.0)
        yield function, setattr_of(Layer, "factor", 6.0)
        yield function, setattr_of(Layer, "shift", property(lambda self: 8.0))
        yield function, setattr_of(Layer, "__call__", lambda self, x: x[0])
        yield function, setattr_of(Layer.__call__, "__code__", (lambda self, x: x[1]).__code__)
    model = Model()
    yield model.loss, functools.partial(setattr, model, "weight", 3.0)
    yield model.loss, functools.partial(setattr, Model, "twice", staticmethod(np.square))
    partial = functools.partial(lambda table, x: np.sum(x) * table["a"][0], {"a": [1.0]})
    yield partial, functools.partial(partial.args[0]["a"].__setitem__, 0, 2.0)


@pytest.fixture
def restored(monkeypatch):
    """Everything that these tests change, put back at the end."""
    here = sys.modules[__name__]
    for name in ("RATE", "WEIGHTS", "inner", "recursive", "jitted", "np"):
        monkeypatch.setattr(here, name, getattr(here, name))
    for name in ("sum", "abs"):
        monkeypatch.setitem(vars(here), name, getattr(np, name))
        monkeypatch.delitem(vars(here), name)
    monkeypatch.setitem(TABLE, "a", 1.0)
    monkeypatch.setattr(np, "sum", np.sum)
    monkeypatch.setattr(of_globals, "__defaults__", (3.0,))
    monkeypatch.setattr(of_globals, "__code__", of_globals.__code__)
    monkeypatch.setitem(of_globals.__kwdefaults__, "power", 1)
    monkeypatch.setattr(decorated, "scale", 1.0)
    monkeypatch.setitem(sys.modules, SETTINGS.__name__, SETTINGS)
    monkeypatch.setattr(SETTINGS, "factor", 1.0, raising=False)
    for name in ("factor", "shift", "__call__"):
        monkeypatch.setattr(Layer, name, vars(Layer)[name])
    monkeypatch.setattr(Layer.__call__, "__code__", Layer.__call__.__code__)
    monkeypatch.setattr(Model, "twice", vars(Model)["twice"])
    weights, numbers, limits = WEIGHTS, WEIGHTS.copy(), list(LIMITS)
    yield
    weights[:] = numbers
    LIMITS[:] = limits


def fresh(function):
    """The gradient from a trace that is made now."""
    plans.cache._plans.clear()
    return cr.grad(function)(X)


def check(function, changes, taken):
    gradient = cr.grad(function)
    compiled = cr.jit(cr.value_and_grad(function))
    for change in changes:
        before = steady(lambda: gradient(X), taken)
        steady(lambda: compiled(X), taken)
        np.testing.assert_array_equal(before, fresh(function))
        change()
        after = gradient(X)
        np.testing.assert_allclose(compiled(X)[1], after, rtol=1e-14)
        np.testing.assert_array_equal(after, fresh(function))


def test_changes_of_a_closure(taken):
    function, changes = closure()
    check(function, changes, taken)


@pytest.mark.parametrize("which", range(len(list(globals_changed()))))
def test_changes_of_globals(which, taken, restored):
    function, change = list(globals_changed())[which]
    check(function, [change, lambda: None], taken)


@pytest.mark.parametrize("which", range(len(list(objects_changed()))))
def test_changes_of_objects_and_classes(which, taken, restored):
    function, change = list(objects_changed())[which]
    check(function, [change, lambda: None], taken)


def test_a_change_back(taken):
    """What was right before is right again, and needs no new trace."""
    rate = 2.0
    traces = []
    gradient = cr.grad(lambda x: np.sum(rate * x))
    for rate in (2.0, 3.0, 2.0, 3.0, 3.0, 2.0, 2.0):
        traces.append(gradient(X)[0])
    assert traces == [2.0, 3.0, 2.0, 3.0, 3.0, 2.0, 2.0]
    assert steady_after(gradient, taken) <= 12


def steady_after(call, taken):
    """How many fingerprints it takes until calls take none."""
    count = len(taken)
    for _ in range(70):
        call(X)
    end = len(taken)
    call(X)
    assert len(taken) == end
    return end - count


def test_equal_objects_in_the_place_of_others_are_no_change(taken):
    numbers = [1.5, [2.0]]
    gradient = cr.grad(lambda x: np.sum(x) * numbers[0] * numbers[1][0])
    steady(lambda: gradient(X), taken)
    numbers[1] = [numbers[1][0]]  # another list that holds the same
    count = len(taken)
    assert gradient(X)[0] == 3.0
    assert len(taken) == count
    numbers[0] = float("1.5")  # another number, which is equal
    assert gradient(X)[0] == 3.0
    assert len(taken) > count


def test_two_lists_that_become_one():
    first, second = [1.0], [1.0]

    def function(x):
        return np.sum(x) * (3.0 if first is second else 2.0)

    gradient = cr.grad(function)
    for _ in range(4):
        assert gradient(X)[0] == 2.0
    second = first
    for _ in range(4):
        assert gradient(X)[0] == 3.0
    second = [1.0]
    assert gradient(X)[0] == 2.0


def test_a_function_that_changes_what_it_reads_while_it_is_traced():
    calls = [0.0]

    def function(x):
        calls[0] += 1.0
        return np.sum(x) * calls[0]

    gradient = cr.grad(function)
    assert [gradient(X)[0] for _ in range(6)] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


class Slotted:
    __slots__ = ("empty", "value")


class Numbers(list):
    pass


Named = collections.namedtuple("Named", "first second")


def test_a_change_by_somebody_else_while_a_function_is_traced(monkeypatch):
    rate = 2.0
    original = plans.run

    def changed(*given):
        nonlocal rate
        rate = 3.0
        return original(*given)

    gradient = cr.grad(lambda x: np.sum(rate * x))
    monkeypatch.setattr(plans, "run", changed)
    assert gradient(X)[0] == 3.0
    monkeypatch.undo()
    rate = 2.0
    assert gradient(X)[0] == 2.0


def test_what_has_no_guard_is_read_at_each_call():
    held = (Slotted(), Numbers([1.0]))
    gradient = cr.grad(lambda x: np.sum(x) * held[0].value * held[1][0])
    for value in (1.0, 1.0, 1.0, 5.0, 5.0, 6.0):
        held[0].value = value
        assert gradient(X)[0] == value
    assert guard_of(gradient.base, fingerprint(gradient.base)) is None
    for value in (1.0, 1.0, 1.0, 5.0, 5.0, 6.0):
        held[1][0] = value
        assert gradient(X)[0] == 6.0 * value


def test_named_tuples_and_slots(taken):
    first, second = Named([1.0], 2.0), Slotted()
    second.value, second.empty = 2.0, None
    graph = cr.parse("3 * x")  # the class of graphs has slots, too

    def function(x):
        return np.sum(x) * len(graph.dag) * first.first[0] * second.value * (second.empty is None)

    def changes():
        nonlocal first
        yield lambda: first.first.__setitem__(0, 4.0)
        yield lambda: setattr(second, "value", 4.0)
        first = Named([5.0], 2.0)
        yield lambda: setattr(second, "empty", 0)
        yield lambda: setattr(second, "empty", None)
        yield lambda: delattr(second, "empty") or setattr(second, "empty", 1)

    check(function, changes(), taken)


def test_a_slot_in_the_place_of_which_something_else_stands():
    class Held:
        __slots__ = ("value",)

    held = Held()
    held.value = 2.0
    gradient = cr.grad(lambda x: np.sum(x) * held.value)
    for _ in range(4):
        assert gradient(X)[0] == 2.0
    slot = Held.value
    Held.value = property(lambda self: 7.0)
    assert gradient(X)[0] == 7.0
    Held.value = slot
    assert gradient(X)[0] == 2.0


trees = st.recursive(
    st.sampled_from(
        [1, 1.0, True, 0.0, -0.0, float("nan"), None, "a", (), (1, 2.0), np.float64(1)]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["a", 1, True]), inner, max_size=2),
        st.lists(st.sampled_from([0.0, -0.0, 1.0]), max_size=2).map(np.array),
        st.builds(Named, inner, inner),
        inner.map(lambda value: types.SimpleNamespace(value=value)),
        inner.map(lambda value: [value, value]),
        inner.map(lambda value: lambda x: (value, x)),
        inner.map(Model),
    ),
    max_leaves=6,
)


@given(trees, trees)
def test_a_guard_holds_only_while_the_fingerprint_is_the_same(first, second):
    held = first
    function = lambda x: (held, x)  # noqa: E731
    key = fingerprint(function)
    guard = guard_of(function, key)
    assert guard.holds(function)
    held = second
    assert fingerprint(function) == key or not guard.holds(function)
    held = copy.deepcopy(first)
    assert fingerprint(function) == key or not guard.holds(function)
    held = first  # copying notes the slots of classes in them: they may have changed
    assert guard.holds(function) == (fingerprint(function) == key)


def test_guards_of_much_that_is_read_are_not_written():
    lists = [[float(at)] for at in range(2000)]
    function = lambda x: np.sum(x) * lists[7][0]  # noqa: E731
    key = fingerprint(function)
    assert key is not None
    assert guard_of(function, key) is None


def test_a_guard_of_another_key_is_not_given():
    rate = 2.0
    function = lambda x: x * rate  # noqa: E731
    key = fingerprint(function)
    assert guard_of(function, key) is not None
    rate = 3.0
    assert guard_of(function, key) is None


# --- what is made of what -------------------------------------------------------------------------


def test_transforms_say_what_they_are_made_of():
    def function(x):
        return np.sum(np.sin(x))

    def enclosing(f):
        return lambda x: f(x)

    made = [
        cr.jit(function),
        cr.grad(function),
        cr.grad(function, has_aux=True),
        cr.value_and_grad(function),
        cr.jacobian(function),
        cr.jacobian(function, mode="reverse"),
        cr.hessian(function),
        cr.vmap(function),
        cr.vmap(function, in_axes=1),
        cr.jit(cr.grad(function)),
        cr.grad(cr.jit(function)),
        cr.checkpoint(function),
    ]
    keys = [fingerprint(enclosing(f)) for f in made]
    assert None not in keys
    for at, key in enumerate(keys):
        assert key not in keys[:at]
    made[0](X), made[1](X), made[8](np.stack([X, X]))
    assert [fingerprint(enclosing(f)) for f in made] == keys
    again = cr.grad(cr.jit(function))
    assert fingerprint(enclosing(again)) == keys[10]


def test_transforms_are_copied_and_sent_as_functions_are():
    assert copy.deepcopy({"f": jitted})["f"] is jitted
    assert pickle.loads(pickle.dumps(jitted)) is jitted
    slope = cr.grad(outer)
    assert copy.copy(slope) is slope
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(slope)  # the name is that of another function
    assert repr(slope) == "<gradient of outer>"
    assert repr(cr.jit(cr.vmap(functools.partial(outer)))) == "<jit of partial>"


def test_an_attribute_of_a_transform(taken):
    slope = cr.grad(lambda x: np.sum(x**2))
    slope.factor = 2.0
    gradient = cr.grad(lambda x: np.sum(slope(x)) * slope.factor)
    before = steady(lambda: gradient(X), taken)
    slope.factor = 3.0
    np.testing.assert_array_equal(gradient(X), before * 1.5)


def test_transforms_of_functions_that_call_jitted_ones_are_traced_once(monkeypatch):
    runs = []
    original = plans.run
    monkeypatch.setattr(plans, "run", lambda *given: runs.append(1) or original(*given))
    gradient = cr.grad(cr.jit(lambda x: np.sum(np.cos(x) * 1.25)))
    for _ in range(3):
        gradient(X)
    assert len(runs) == 2  # the function and what jit makes of it


def together(result):
    """All numbers of a result."""
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize(
    "transform",
    [
        cr.jit,
        cr.grad,
        cr.value_and_grad,
        cr.jacobian,
        cr.hessian,
        lambda f: cr.jit(cr.hessian(f)),
        lambda f: cr.jit(cr.value_and_grad(f)),
        lambda f: cr.jit(lambda x: cr.jvp(cr.grad(f), (x,), (x,))),
        lambda f: cr.jit(lambda x: cr.vjp(cr.grad(f), x)[1](x)),
        lambda f: cr.jit(lambda x: cr.linearize(f, x)[1](x)),
        lambda f: cr.vmap(lambda x: f(x)),
        lambda f: cr.grad(cr.checkpoint(f)),
        lambda f: cr.grad(lambda x: cr.vmap(f)(x)[0]),
    ],
)
def test_steady_calls_take_no_fingerprint(transform, taken, restored):
    def function(x):
        return np.sum(np.exp(x) * RATE)

    made = transform(function)
    steady(lambda: made(X), taken)
    globals()["RATE"] = 4.0
    after = made(X)
    plans.cache._plans.clear()
    expected = transform(function)(X)
    np.testing.assert_allclose(together(after), together(expected), rtol=1e-14)


def test_direct_calls_of_one_function_take_no_fingerprint(taken):
    def function(x):
        return np.sum(np.exp(x) * RATE)

    steady(lambda: cr.jvp(function, (X,), (X,)), taken)
    steady(lambda: cr.hvp(function, (X,), (X,)), taken)
    steady(lambda: cr.vjp(function, X)[1](1.0), taken)


def test_several_kinds_of_arguments_take_turns(taken):
    gradient = cr.grad(lambda x, n=2: np.sum(x**n))
    points = [X, np.ones(2), np.float64(2.0), 3.0, np.ones((2, 2))]

    def call():
        for point in points:
            np.testing.assert_array_equal(gradient(point), 2 * point)
        np.testing.assert_array_equal(gradient(X, n=3), 3 * X**2)

    steady(call, taken)


# --- results --------------------------------------------------------------------------------------


def test_results_belong_to_the_caller_before_and_after_machine_code_is_there():
    table = np.ones(3)
    function = cr.jit(lambda x: {"x": x, "same": [x, x[:2]], "t": table, "n": None, "k": 3})
    for wait in (False, True):
        if wait:
            function.wait()
        for _ in range(4):
            x = X.copy()
            found = function(x)
            found["x"][:] = 7.0
            found["same"][0][:] = 8.0
            found["same"][1][:] = 9.0
            found["t"][:] = 5.0
            assert x.tolist() == X.tolist()
            assert found["x"].tolist() == [7.0] * 3
            assert found["same"][0].tolist() == [8.0] * 3
            assert found["n"] is None
            assert found["k"] == 3
    assert table.tolist() == [1.0] * 3


def test_structures_of_results_are_the_same_at_every_call():
    function = cr.jit(lambda x: (Named(x, [x * 2, ()]), {"m": Model(x[0]), 1: {}}, "text", 2.5))
    first = function(X)
    for _ in range(4):
        assert repr(function(X)) == repr(first)


# --- lives ----------------------------------------------------------------------------------------


def test_nothing_lives_longer_for_being_remembered():
    class Held:
        def __init__(self):
            self.factor = 2.0

    class Array(np.ndarray):
        pass

    def make():
        held, helper = Held(), (lambda x: np.sum(x) * 2)
        return held, helper, lambda x: helper(x) * held.factor

    held, helper, function = make()
    for _ in range(4):
        cr.jvp(function, (X,), (X,))
        cr.jvp(helper, (X,), (X,))
    gradient, compiled = cr.grad(function), cr.jit(function)
    for _ in range(4):
        gradient(X), compiled(X)
    alive = [weakref.ref(value) for value in (held, helper, function, gradient)]
    function.__closure__[0].cell_contents = None
    del held
    gc.collect()
    assert alive[0]() is None
    del helper, function, gradient, compiled
    gc.collect()
    assert [ref() for ref in alive] == [None] * 4


def test_an_object_in_the_place_of_one_that_is_gone():
    """The new one may stand at the same address."""

    class Held:
        def __init__(self, factor):
            self.factor = factor

    held = Held(0.0)
    gradient = cr.grad(lambda x: np.sum(x) * held.factor)
    for factor in range(50):
        held = None
        held = Held(float(factor // 3))
        assert gradient(X)[0] == factor // 3


# --- threads --------------------------------------------------------------------------------------


def test_changes_under_eight_threads():
    """A call that begins after a change sees it; calls meanwhile see the old or the new."""
    rate = [0.0]
    gradient = cr.grad(lambda x: np.sum(rate[0] * x))
    compiled = cr.jit(lambda x: rate[0] * x)
    wrong: list[object] = []
    barrier = threading.Barrier(8)

    def work(number):
        try:
            for step in range(30):
                barrier.wait()
                if number == 0:
                    rate[0] = float(step // 4)
                barrier.wait()
                for _ in range(4):
                    found = gradient(X)[0], compiled(X)[0]
                    if found != (step // 4, step // 4):
                        wrong.append((step, found))
        except BaseException as error:
            wrong.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_changes_while_eight_threads_call():
    """No call gives what was never right: numbers only grow, and none is behind its start."""
    rate = 1.0
    gradient = cr.grad(lambda x: np.sum(rate * x))
    wrong: list[object] = []
    done = threading.Event()

    def work():
        try:
            while not done.is_set():
                low = rate
                found = gradient(X)[0]
                if not low <= found <= rate:
                    wrong.append((low, found, rate))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        for _ in range(5):
            gradient(X)
        rate += 1.0
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
