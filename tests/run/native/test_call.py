"""Calls of compiled code: what is taken as it is, what goes the slow path, what comes out."""

import gc
import inspect
import math
import pickle
import subprocess
import sys
import threading
import tracemalloc
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from chainrule.graph.types import Type
from chainrule.run.native.call import code as call_code
from chainrule.run.native.call import python_api
from chainrule.run.native.call.callable import Context, NativeCallable, PlainCallable
from chainrule.run.native.call.signature import Cells, Leaf, height, steps
from tests.run.native import toys
from tests.run.native.toys import FLOAT, VECTOR

each_class = pytest.mark.parametrize("make", [NativeCallable, PlainCallable])


def slow(callable, *positional, **named):
    """Shows that it was called, and with what."""
    return callable, positional, named


def is_slow(make, context, *values, **named):
    """Whether a call with these values reaches the slow path, as it should be with all of them."""
    function = make(context, slow=slow)
    result = function(*values, **named)
    if type(result) is not tuple or not result or result[0] is not function:
        return False
    assert len(result[1]) == len(values)
    assert all(given is value for given, value in zip(result[1], values, strict=True))
    assert result[2] == named
    return True


def identity(dtype, python=True):
    type = Type.of(dtype)
    return toys.context("copy1", [type], Leaf(0, type, python))


def test_this_python_has_the_quick_way():
    assert python_api.available()


# --- numbers -------------------------------------------------------------------------------------


class Float(float):
    pass


class Int(int):
    pass


class Hostile:
    def __float__(self):
        raise RuntimeError("no number")

    __int__ = __index__ = __array__ = __bool__ = __float__


SCALARS = {
    "float64": [0.0, -0.0, 1.5, math.inf, -math.inf, 5e-324, -1.0, 7, -1, 0, 2**53 + 1, -(2**100)],
    "float64 ": [2**1023, 2**1024 - 2**970 - 1, np.float64(2.5), np.float64(-0.0)],
    "float32": [np.float32(1.5), np.float32(-0.0), 0.1, 1e-50, 3.4e38, math.inf, -math.inf, -2.5],
    "int64": [0, -1, 2**63 - 1, -(2**63), 2**31, np.int64(-5), np.int64(2**62)],
    "int32": [0, -1, 2**31 - 1, -(2**31), np.int32(-5)],
    "bool": [True, False, np.True_, np.False_],
}


@each_class
@pytest.mark.parametrize("python", [True, False])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [(dtype.strip(), value) for dtype, values in SCALARS.items() for value in values],
    ids=repr,
)
def test_numbers_are_taken_and_given(make, python, dtype, value):
    result = make(identity(dtype, python))(value)
    expected = np.dtype(dtype).type(value)
    if python:
        expected = expected.item()
    assert type(result) is type(expected)
    assert np.array(result).tobytes() == np.array(expected).tobytes()


@each_class
def test_nan_is_taken(make):
    assert math.isnan(make(identity("float64"))(math.nan))
    assert math.isnan(make(identity("float32"))(math.nan))


NEVER = [
    None, "1", b"1", 1j, [], (), {}, object(), Hostile(), Float(1.0), Int(1), np.array(1.0),
    np.array(1), np.array(True), np.array([1.0]), np.float16(1), np.longdouble(1), np.uint8(1),
    np.complex128(1), np.datetime64("2020-01-01"), Ellipsis, float, np.float64,
]  # fmt: skip
REFUSED = {
    "float64": [True, np.True_, np.float32(1), np.int64(1), 2**1024, -(2**5000), 2**1024 - 2**970],
    "float32": [True, 1, np.float64(1), 1e39, -1e300, float(2**128 - 2**103), np.int32(1)],
    "int64": [True, 1.0, np.float64(1), np.int32(1), 2**63, -(2**63) - 1, 10**100, np.uint64(1)],
    "int32": [True, 1.0, np.int64(1), 2**31, -(2**31) - 1, 2**32, 2**63, -(10**100)],
    "bool": [0, 1, 1.0, np.int64(1), np.float64(0)],
}


@each_class
@pytest.mark.parametrize("dtype", REFUSED)
def test_other_values_go_the_slow_path(make, dtype):
    context = identity(dtype)
    for value in NEVER + REFUSED[dtype]:
        assert is_slow(make, context, value), value


@each_class
def test_c_types_of_the_same_size_are_others(make):
    """Where int64 is C's long, long long is another type of NumPy."""
    for name, dtype in (("longlong", "int64"), ("long", "int64"), ("intc", "int32")):
        scalar = np.dtype(name).type
        other = scalar is not np.dtype(dtype).type
        assert is_slow(make, identity(dtype), scalar(1)) is other


@each_class
def test_wrong_arguments_go_the_slow_path(make):
    context = toys.product()
    for values in ((), (1.0,), (1.0, 2.0, 3.0), (1.0,) * 300, (1.0, None), (None, 1.0)):
        assert is_slow(make, context, *values)
    assert is_slow(make, context, 1.0, b=2.0)
    assert is_slow(make, context, b=2.0, a=1.0)
    assert is_slow(make, context, 1.0, 2.0, wrong=Hostile())
    assert is_slow(make, context, **{f"k{i}": i for i in range(300)})
    assert not is_slow(make, context, 1.0, 2.0)


# --- arrays --------------------------------------------------------------------------------------


class Sub(np.ndarray):
    pass


def shifted(array):
    """The same numbers at an address that is no multiple of their size."""
    memory = np.zeros(array.nbytes + 1, dtype=np.uint8)
    other = memory[1:].view(array.dtype).reshape(array.shape)
    other[...] = array
    assert not other.flags.aligned
    return other


def read_only(array):
    array.flags.writeable = False
    return array


def numbers():
    return np.arange(6.0).reshape(2, 3)


TAKEN = {
    "as it is": numbers,
    "read-only": lambda: read_only(numbers()),
    "view": lambda: np.arange(20.0)[3:9].reshape(2, 3),
    "rows of a larger one": lambda: np.arange(30.0).reshape(10, 3)[4:6],
    "dtype of its own": lambda: np.zeros((2, 3), dtype=np.dtype("f8", metadata={"unit": "m"})),
    "from another process": lambda: pickle.loads(pickle.dumps(numbers())),
    "of bytes": lambda: np.frombuffer(np.arange(6.0).tobytes()).reshape(2, 3),
}


@each_class
@pytest.mark.parametrize("given", TAKEN)
def test_arrays_are_taken_without_a_copy(make, given):
    array = TAKEN[given]()
    before = array.copy()
    result, count = make(toys.twice())(array)
    assert type(result) is np.ndarray
    assert result.dtype is np.dtype(np.float64)
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert result.flags.owndata
    np.testing.assert_array_equal(result, 2 * before, strict=True)
    np.testing.assert_array_equal(array, before)
    assert type(count) is np.float64
    assert count == 6


DECLINED = {
    "other shape": lambda: np.zeros((3, 2)),
    "fewer axes": lambda: np.zeros(6),
    "more axes": lambda: np.zeros((1, 2, 3)),
    "empty": lambda: np.zeros((0, 3)),
    "0-d": lambda: np.array(1.0),
    "float32": lambda: np.zeros((2, 3), dtype=np.float32),
    "long double": lambda: np.zeros((2, 3), dtype=np.longdouble),
    "dates": lambda: np.zeros((2, 3), dtype="M8[s]"),
    "texts": lambda: np.zeros((2, 3), dtype="U2"),
    "int64": lambda: np.zeros((2, 3), dtype=np.int64),
    "complex": lambda: np.zeros((2, 3), dtype=np.complex128),
    "objects": lambda: np.zeros((2, 3), dtype=object),
    "swapped bytes": lambda: np.zeros((2, 3), dtype=np.dtype(np.float64).newbyteorder()),
    "fields": lambda: np.zeros((2, 3), dtype=[("a", "f8")]),
    "columns first": lambda: np.asfortranarray(numbers()),
    "every second": lambda: np.zeros((2, 6))[:, ::2],
    "backwards": lambda: numbers()[::-1, ::-1],
    "strides 0": lambda: np.broadcast_to(1.0, (2, 3)),
    "overlapping rows": lambda: as_strided(np.zeros(6), (2, 3), (8, 8)),
    "not aligned": lambda: shifted(numbers()),
    "subclass": lambda: numbers().view(Sub),
    "matrix": lambda: np.ma.array(numbers()),
    "list": lambda: numbers().tolist(),
    "number": lambda: 1.0,
    "buffer": lambda: memoryview(numbers()),
    "none": lambda: None,
    "hostile": Hostile,
    "64 axes": lambda: np.zeros((1,) * 64),
}


@each_class
@pytest.mark.parametrize("given", DECLINED)
def test_other_arrays_go_the_slow_path(make, given):
    assert is_slow(make, toys.twice(), DECLINED[given]())


@each_class
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "bool"])
@pytest.mark.parametrize("shape", [(1,), (0,), (4,), (2, 0, 3), (1, 2, 3, 4)])
def test_arrays_of_every_dtype(make, dtype, shape):
    """The same array goes in and nothing comes out of it: the pointer is what is handed on."""
    array = np.ones(shape, dtype=dtype)
    type = Type.of(dtype, shape)
    where = make(toys.context("copy1", [type], Leaf(0, Type.of("int64"), True)))
    assert where(array) == array.ctypes.data
    made = make(toys.context("nothing", [], Leaf(0, type)))()
    assert (made.dtype, made.shape, made.flags.c_contiguous) == (array.dtype, shape, True)


# --- results -------------------------------------------------------------------------------------


def leaf(slot, python=True):
    return Leaf(slot, FLOAT, python)


ARRANGED = {
    "one": (leaf(0), 6.0),
    "none": ((), ()),
    "tuple of one": ((leaf(2),), (2.0,)),
    "value and gradient": ((leaf(0), (leaf(1), leaf(2))), (6.0, (3.0, 2.0))),
    "first deep": (((leaf(1), (leaf(2),)), leaf(0)), ((3.0, (2.0,)), 6.0)),
    "empty inside": (((), leaf(0), ((), ())), ((), 6.0, ((), ()))),
    "one twice": ((leaf(0), leaf(0)), (6.0, 6.0)),
}


@each_class
@pytest.mark.parametrize("arranged", ARRANGED)
def test_results_are_arranged(make, arranged):
    results, expected = ARRANGED[arranged]
    assert make(toys.product(results=results))(2.0, 3.0) == expected


@each_class
def test_results_nest_as_deep_as_one_likes(make):
    results = expected = ()
    for _ in range(100_000):
        results, expected = (results,), (expected,)
    result = make(toys.product(results=results))(2.0, 3.0)
    depth = 0
    while result:
        (result,) = result
        depth += 1
    assert depth == 100_000


@each_class
def test_many_results(make):
    type = Type.of("int64")
    many = tuple(Leaf(0, type, True) for _ in range(5000))
    function = make(toys.context("copy1", [type], many))
    assert function(2**40) == (2**40,) * 5000


@each_class
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "bool"])
def test_cells_become_an_array(make, dtype):
    type = Type.of(dtype)
    values = np.array([3, 0, 5, 1, 0, 2]).astype(dtype)
    context = toys.context("copy6", [type] * 6, (Cells(0, Type.of(dtype, (2, 3))), Leaf(5, type)))
    matrix, last = make(context)(*values)
    np.testing.assert_array_equal(matrix, values.reshape(2, 3), strict=True)
    assert last == values[5]
    point = make(toys.context("copy1", [type], Cells(0, type)))(values[0])
    np.testing.assert_array_equal(point, np.array(values[0]), strict=True)


@each_class
def test_an_array_in_two_places_is_one_array(make):
    results = (Leaf(0, VECTOR), (Leaf(0, VECTOR), Leaf(1, FLOAT, True)))
    first, (second, count) = make(toys.context("twice", [VECTOR], results))(np.ones((2, 3)))
    assert first is second
    assert count == 6
    np.testing.assert_array_equal(first, np.full((2, 3), 2.0))


# --- arrays that are handed out again ------------------------------------------------------------


def doubled():
    return NativeCallable(toys.context("twice", [VECTOR], Leaf(0, VECTOR), outputs=2))


def test_arrays_that_nobody_holds_are_handed_out_again():
    function, six = doubled(), np.ones((2, 3))
    places = set()
    result = None
    for _ in range(50):
        result = function(six)  # holds the one before
        places.add(id(result))
    assert len(places) == 2
    of_cells = NativeCallable(toys.context("copy6", [FLOAT] * 6, Cells(0, VECTOR)))
    assert len({id(of_cells(*range(6))) for _ in range(50)}) == 1


def test_arrays_that_somebody_holds_stay_as_they_are():
    function = doubled()
    held = [function(np.full((2, 3), float(k))) for k in range(5)]
    held += [
        function(np.full((2, 3), float(k)))[1:] for k in range(5, 10)
    ]  # views hold what they show
    held += [memoryview(function(np.full((2, 3), float(k)))) for k in range(10, 15)]
    for k, result in enumerate(held):
        assert np.all(np.asarray(result) == 2 * k)
    # What goes in is held by the call.
    assert np.all(function(function(function(np.ones((2, 3))))) == 8)


def shaped(array):
    array.shape = (6,)


def typed(array):
    array.dtype = np.int64


def frozen(array):
    array.flags.writeable = False


@pytest.mark.parametrize("change", [shaped, typed, frozen])
def test_arrays_that_were_changed_are_not_handed_out_again(change):
    function = doubled()
    for _ in range(5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            change(function(np.ones((2, 3))))
        result = function(np.ones((2, 3)))
        assert (result.shape, result.dtype) == ((2, 3), np.float64)
        assert result.flags.writeable
        assert np.all(result == 2)


def test_arrays_that_a_weak_reference_knew_are_not_handed_out_again():
    function = doubled()
    known = weakref.ref(function(np.ones((2, 3))))
    assert function(np.ones((2, 3))) is not known()
    function(np.ones((2, 3)))
    del function
    assert known() is None


def test_large_arrays_are_not_kept():
    for size, ends in ((1 << 14, False), ((1 << 14) + 1, True)):
        type = Type.of("float64", (size,))
        function = NativeCallable(toys.context("nothing", [], Leaf(0, type)))
        end = weakref.ref(function())
        assert (end() is None) is ends


def test_an_output_has_one_type():
    with pytest.raises(ValueError, match="output 0"):
        steps((Leaf(0, VECTOR), Leaf(0, FLOAT)))
    with pytest.raises(ValueError, match="output 1"):
        steps((Cells(0, VECTOR), Leaf(1, Type.of("float64", (3,)))))
    with pytest.raises(ValueError, match="output -1"):
        steps(Leaf(-1, FLOAT))


def test_the_stack_is_as_high_as_it_must_be():
    assert height(steps(leaf(0))) == 1
    assert height(steps(())) == 1
    assert height(steps((leaf(0), (leaf(0), leaf(0)), leaf(0)))) == 3
    assert height(steps((((leaf(0),),),))) == 1


# --- memory --------------------------------------------------------------------------------------


@each_class
@pytest.mark.parametrize("scratch", [0, 1, 64, 2000, 3072, 5000, 10**6])
def test_scratch_is_aligned_and_as_large_as_asked(make, scratch):
    number = Type.of("int64")
    both = (Leaf(0, number, True), Leaf(1, number, True))
    function = make(toys.context("pointers", [], both, scratch=scratch))
    for _ in range(3):
        place, outputs = function()
        assert place % 64 == 0
        assert outputs + 16 <= place or outputs >= place + scratch or make is PlainCallable
    if scratch:
        filled = 8 * (scratch // 8 + 1)
        code = toys.library(toys.fill(filled))
        context = Context(code.address("fill"), [], Leaf(0, number, True), scratch=filled)
        assert [make(context)() for _ in range(3)] == [filled] * 3


@each_class
def test_out_of_memory(make):
    with pytest.raises(ValueError, match="scratch"):
        toys.product(scratch=-1)
    with pytest.raises((MemoryError, ValueError)):
        make(toys.product(scratch=2**62))(1.0, 2.0)
    huge = Type.of("float64", (2**45,))
    arrays = (Leaf(0, VECTOR), Leaf(1, huge))
    with pytest.raises(MemoryError):
        make(toys.context("nothing", [], arrays))()


def growth(function, *values, rounds=2000):
    """How many bytes Python's memory grows by in as many calls."""
    for _ in range(100):
        function(*values)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(rounds):
            function(*values)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_no_call_leaks():
    array, huge = np.ones((2, 3)), Type.of("float64", (2**62,))
    failing = NativeCallable(toys.context("nothing", [], (Leaf(0, VECTOR), Leaf(1, huge))))

    def fail():
        with pytest.raises(ValueError, match="too big"):
            failing()

    def no(callable, *positional):
        raise ZeroDivisionError

    def refused():
        with pytest.raises(ZeroDivisionError):
            NativeCallable(toys.twice(), slow=no)(None)

    nested = (Leaf(0, VECTOR), (Leaf(0, VECTOR), (Leaf(1, FLOAT, True), Leaf(1, FLOAT))))
    type = Type.of("int64")
    calls = [
        (NativeCallable(toys.product()), 300.5, 7),
        (NativeCallable(toys.product(python=False)), np.float64(3), 2.0),
        (NativeCallable(toys.product(scratch=10_000)), 2.0, 3.0),
        (NativeCallable(toys.product(scratch=10_000), slow=slow), 2.0, None),
        (NativeCallable(toys.product(release_gil=True)), 2.0, 3.0),
        (NativeCallable(toys.product(), slow=slow), 2.0, 2**2000),
        (NativeCallable(toys.context("twice", [VECTOR], nested)), array),
        (NativeCallable(toys.context("copy1", [type], Cells(0, Type.of("int64", (1,))))), 2**40),
        (fail,),
        (refused,),
    ]
    counted = [array, array.dtype, np.dtype(np.int64), None, True, slow]
    counts = [sys.getrefcount(object) for object in counted]
    for function, *values in calls:
        assert growth(function, *values) < 16_000, function
    after = [sys.getrefcount(object) for object in counted]
    assert all(abs(a - b) < 100 for a, b in zip(counts, after, strict=True))


def test_callables_die_with_their_last_reference():
    keep = type("Keep", (), {})()
    context = toys.product(scratch=10_000)
    context.swap(context.tier[0], 10_000, keep)
    function = NativeCallable(context, slow=slow)
    function(1.0, 2.0)
    ends = [weakref.ref(keep), weakref.ref(context), weakref.ref(function)]
    del keep, context
    gc.collect()
    assert all(end() is not None for end in ends)
    gc.disable()
    try:
        del function
        assert all(end() is None for end in ends)
    finally:
        gc.enable()


def test_cycles_are_found():
    class Own(NativeCallable):
        pass

    function = Own(toys.product())
    function.slow = function
    other = NativeCallable(toys.product(), slow=function)
    function.other = other
    end = weakref.ref(function)
    assert gc.is_tracked(function)
    del function, other
    gc.collect()
    assert end() is None


def test_making_callables_leaks_nothing():
    def make():
        class Own(NativeCallable):
            pass

        Own(toys.product(scratch=5000), slow=slow)(1.0, 2.0)
        doubled()(np.ones((2, 3)))
        NativeCallable(toys.context("copy1", [FLOAT], Cells(0, FLOAT)))(1.0)

    assert growth(make, rounds=1000) < 60_000


# --- the callable --------------------------------------------------------------------------------


@each_class
def test_names_and_signature(make):
    function = make(toys.product(), name="area")
    assert function.__name__ == "area"
    assert str(inspect.signature(function)) == "(a, b)"
    assert callable(function)
    inspect.signature(make)
    assert make.__name__ in {"NativeCallable", "PlainCallable"}


@each_class
def test_without_a_slow_path_the_error_says_what_does_not_fit(make):
    function = make(toys.product(), name="area")
    with pytest.raises(TypeError, match=r"area\(\): b is float64, not this str"):
        function(1.0, "2")
    with pytest.raises(TypeError, match="2 arguments"):
        function(1.0)
    with pytest.raises(TypeError, match="by position"):
        function(a=1.0, b=2.0)


@each_class
def test_a_callable_that_was_not_made_is_refused(make):
    with pytest.raises(TypeError):
        make.__new__(make)(1.0, 2.0)
    function = make(toys.product())
    with pytest.raises(TypeError, match="once"):
        function.__init__(toys.twice())
    assert function(2.0, 3.0) == (6.0, 3.0, 2.0)


@each_class
def test_what_it_reads_cannot_be_taken_away(make):
    function = make(toys.product())
    for name in ("_state", "context", "__signature__", "__vectorcalloffset__", "__call__"):
        with pytest.raises((AttributeError, TypeError)):
            delattr(function, name)
        with pytest.raises((AttributeError, TypeError)):
            setattr(function, name, 1)
    assert function(2.0, 3.0) == (6.0, 3.0, 2.0)


def test_subclasses_have_methods_and_may_override_the_call():
    class Compiled(NativeCallable):
        def wait(self):
            return self.done

    class Counted(Compiled):
        def __call__(self, *values):
            self.done += 1
            return super().__call__(*values)

    compiled = Compiled(toys.product(), slow=slow)
    compiled.done = "yes"
    assert compiled.wait() == "yes"
    assert compiled(2.0, 3.0) == (6.0, 3.0, 2.0)
    assert compiled(1, b=2) == (compiled, (1,), {"b": 2})
    assert compiled.__call__(2.0, 3.0) == (6.0, 3.0, 2.0)
    assert list(map(compiled, [1.0], [2.0])) == [(2.0, 2.0, 1.0)]
    counted = Counted(toys.product())
    counted.done = 0
    assert counted(2.0, 3.0) == counted(*[2.0, 3.0]) == (6.0, 3.0, 2.0)
    assert counted.done == 2


@each_class
def test_errors_of_the_slow_path_arrive(make):
    def no(callable, *positional, **named):
        raise LookupError(positional, named)

    with pytest.raises(LookupError) as caught:
        make(toys.product(), slow=no)(1.0, b=2.0)
    assert caught.value.args == ((1.0,), {"b": 2.0})
    with pytest.raises(TypeError):
        make(toys.product(), slow=lambda: None)(1.0)
    with pytest.raises(TypeError):
        make(toys.product(), slow=5)(1.0)


def test_the_slow_path_may_call_again_without_end():
    function = NativeCallable(toys.product(), slow=lambda own, *values: own(*values))
    with pytest.raises(RecursionError):
        function(None)
    inner = NativeCallable(toys.product(), slow=function)
    for _ in range(2000):
        inner = NativeCallable(toys.product(), slow=inner)
    with pytest.raises(RecursionError):
        inner(None)


@each_class
def test_the_slow_path_may_convert_and_call(make):
    def convert(callable, a=1, *, b=10):
        return callable(float(a), float(b))

    function = make(toys.product(), slow=convert)
    assert function("3") == (30.0, 10.0, 3.0)
    assert function(b="4") == (4.0, 4.0, 1.0)


def test_the_text_is_the_same_in_every_process():
    text = call_code.text(32)
    assert text == call_code.text(32)
    assert text != call_code.text(40)
    assert "define ptr @chainrule_call" in text
    assert not any(str(address) in text for address in python_api.symbols().values())


# --- threads -------------------------------------------------------------------------------------


def test_threads_call_while_code_is_swapped():
    """Each call runs wholly the old code or wholly the new, with the scratch that belongs to it."""
    number = Type.of("int64")
    sizes = [64, 512, 4096, 40_000, 400_000]
    codes = [toys.library(toys.fill(size)) for size in sizes]
    places = [code.address("fill") for code in codes]
    context = Context(places[0], [], Leaf(0, number, True), scratch=64, release_gil=True)
    function = NativeCallable(context)
    wrong, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            result = function()
            if result not in sizes:
                wrong.append(result)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for turn in range(2000):
        which = turn % len(sizes)
        context.swap(places[which], sizes[which], codes[which])
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_python_meanwhile():
    number = Type.of("int64")
    context = toys.context("spin", [number], Leaf(0, number, True), release_gil=True)
    function = NativeCallable(context)
    began, ended = threading.Event(), threading.Event()

    def work():
        began.set()
        assert function(300_000_000) == 299_999_999
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    turns = 0
    while not ended.is_set():
        turns += 1
    thread.join()
    assert turns > 100


def test_a_callable_may_lose_its_name_while_it_runs():
    number = Type.of("int64")
    holder = [None]
    context = toys.context("spin", [number], Leaf(0, number, True), release_gil=True)
    holder[0] = NativeCallable(context)
    results = []

    def work():
        results.append(holder[0](20_000_000))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    del context
    holder[0] = NativeCallable(toys.context("spin", [number], Leaf(0, number, True)))
    gc.collect()
    for thread in threads:
        thread.join()
    assert results == [19_999_999] * 4


# --- programs of their own -----------------------------------------------------------------------


def program(text):
    """The exit status of a program, what it printed and what it complained about."""
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", text],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    return run.returncode, run.stdout, run.stderr


WITHOUT = """
from chainrule.run.native.call import python_api
python_api.available = lambda: False
from chainrule.run.native.call.callable import NativeCallable, PlainCallable
from tests.run.native import toys

class Own(NativeCallable):
    pass

assert issubclass(Own, PlainCallable)
own = Own(toys.product(), slow=lambda own, *values, **named: (values, named))
assert own(2.0, 3.0) == (6.0, 3.0, 2.0)
assert own(2.0, b=3.0) == ((2.0,), {"b": 3.0})
own.context.swap(own.context.tier[0], 5000)
assert own(2.0, 3.0) == (6.0, 3.0, 2.0)
"""


def test_a_python_of_another_layout_calls_the_plain_way():
    assert program(WITHOUT) == (0, "", "")


HOSTILE = """
import gc, itertools, random, sys, threading
import numpy as np
from tests.run.native import toys
from tests.run.native.test_call import DECLINED, NEVER, REFUSED, TAKEN, Hostile
from chainrule.graph.types import Type
from chainrule.run.native.call.callable import NativeCallable
from chainrule.run.native.call.signature import Cells, Leaf

sys.setswitchinterval(1e-5)
types = [Type.of(d, s) for d in REFUSED for s in ((), (2, 3), (4,))]
values = [*NEVER, *itertools.chain(*REFUSED.values()), *(m() for m in TAKEN.values())]
values += [m() for m in DECLINED.values()] + [np.ones(t.shape, t.dtype)[()] for t in types] * 3

def slow(callable, *positional, **named):
    kind = random.randrange(4)
    if kind == 0:
        raise KeyError(positional)
    if kind == 1:
        gc.collect(0)
    if kind == 2 and positional:
        return callable(*positional[1:])
    return positional, named

def work(seed):
    random = __import__("random").Random(seed)
    for _ in range(60):
        count = random.randrange(1, 5)
        chosen = [random.choice(types) for _ in range(count)]
        leaves = [Leaf(i, t, random.random() < 0.5) for i, t in enumerate(chosen) if not t.shape]
        leaves += [Leaf(i, t) for i, t in enumerate(chosen, 10) if t.shape]
        results = (tuple(leaves), random.choice(leaves))
        function = NativeCallable(
            toys.context("nothing", chosen, results, scratch=random.choice([0, 100, 9000])),
            slow=slow,
        )
        good = [np.ones(t.shape, t.dtype)[()] for t in chosen]
        for _ in range(60):
            given = [random.choice([g, g, random.choice(values)]) for g in good]
            try:
                if random.random() < 0.1:
                    function(*given[: random.randrange(4)], **{random.choice("abcd"): None})
                else:
                    function(*given)
            except KeyError:
                pass
            if random.random() < 0.02:
                function.context.swap(toys.library().address("nothing"), random.choice([0, 5000]))

threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
spinning = NativeCallable(
    toys.context("spin", [Type.of("int64")], Leaf(0, Type.of("int64"), True), release_gil=True)
)
threading.Thread(target=lambda: spinning(2**62), daemon=True).start()
print("alive")
"""


def test_hostile_calls_and_an_exit_while_code_runs():
    assert program(HOSTILE) == (0, "alive\n", "")
