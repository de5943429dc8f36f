"""Nodes: interned, immutable, weakly held, safe under threads."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import struct
import sys
import threading

import numpy as np
import pytest

import chainrule.ops  # noqa: F401  (fills the table of operations)
from chainrule.errors import GraphError
from chainrule.graph.node import (
    constant_node,
    constant_value,
    input_node,
    live_nodes,
    make,
    parameter_node,
)
from chainrule.graph.op import OPS
from chainrule.graph.types import FLOAT64, Type

ADD, MULTIPLY, SIN, POWER = (OPS[name] for name in ("add", "multiply", "sin", "power"))


@pytest.fixture
def x():
    return input_node("x", FLOAT64)


def test_the_same_expression_is_the_same_node(x):
    assert make(ADD, (x, x)) is make(ADD, (x, x))
    assert make(SIN, (make(ADD, (x, x)),)) is make(SIN, (make(ADD, (x, x)),))
    assert input_node("x", FLOAT64) is x


def test_operands_in_another_order_are_another_node(x):
    y = input_node("y", FLOAT64)
    assert make(ADD, (x, y)) is not make(ADD, (y, x))


def test_parameters_and_kinds_of_leaves_tell_nodes_apart(x):
    assert make(POWER, (x,), (2,)) is not make(POWER, (x,), (3,))
    assert make(POWER, (x,), (2,)) is make(POWER, (x,), (2,))
    assert parameter_node("x", FLOAT64) is not x
    assert input_node("x", Type.of("float32")) is not x


def test_constants_are_keyed_by_bits():
    zero, minus = constant_node(0.0, FLOAT64), constant_node(-0.0, FLOAT64)
    assert zero is not minus
    assert math.copysign(1, constant_value(minus)) == -1
    assert constant_node(math.nan, FLOAT64) is constant_node(math.nan, FLOAT64)
    other_nan = np.frombuffer(struct.pack("=Q", 0x7FF8000000000001))[0]
    assert constant_node(other_nan, FLOAT64) is not constant_node(math.nan, FLOAT64)
    assert constant_node(2, FLOAT64) is constant_node(2.0, FLOAT64)
    assert constant_node(2.0, Type.of("float32")) is not constant_node(2.0, FLOAT64)


def test_array_constants_are_copied_and_frozen():
    data = np.arange(3.0)
    node = constant_node(data, Type.of("float64", (3,)))
    data[0] = 99
    assert constant_value(node).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        constant_value(node)[0] = 1


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "int64"),
        (2**63, "int64"),
        (2**31, "int32"),
        (10**400, "float64"),
        (1e300, "float32"),
        ("one", "float64"),
        (np.zeros(2), "float64"),
        (1.0, "bool"),
    ],
)
def test_a_constant_that_does_not_fit_is_refused(value, dtype):
    with pytest.raises(GraphError) as caught:
        constant_node(value, Type.of(dtype))
    assert caught.value.code == "E204"


def test_nodes_cannot_be_changed_or_pickled_alone_and_copies_are_the_node(x):
    with pytest.raises(AttributeError):
        x.op = ADD
    with pytest.raises(AttributeError):
        del x.op
    with pytest.raises(TypeError, match="pickle the Graph"):
        pickle.dumps(x)
    assert copy.copy(x) is copy.deepcopy(x) is x


def test_a_dead_node_is_forgotten():
    x = input_node("nobody_else_has_this", FLOAT64)
    gc.collect()
    before = live_nodes()
    node = make(SIN, (make(ADD, (x, x)),))
    assert live_nodes() == before + 2
    del node
    gc.collect()
    assert live_nodes() == before


def test_a_node_made_again_after_death_is_interned_again(x):
    for _ in range(3):
        node = make(SIN, (x,))
        assert make(SIN, (x,)) is node
        del node


def test_a_late_callback_leaves_the_younger_entry_alone(x):
    """A node dies inside a reference cycle: its entry is dead before the callback has run."""

    class Holder:
        pass

    gc.disable()
    try:
        holder = Holder()
        holder.self, holder.node = holder, make(SIN, (x,))
        del holder
        gc.collect()
        younger = make(SIN, (x,))
        gc.collect()
        assert make(SIN, (x,)) is younger
    finally:
        gc.enable()


def test_threads_agree_on_nodes(x):
    """Eight threads build the same expressions at once: each must get the same objects."""
    results: list[list[int]] = []
    barrier = threading.Barrier(8)
    kept = []

    def build() -> None:
        barrier.wait()
        node, ids = x, []
        for step in range(2000):
            node = make(MULTIPLY, (make(SIN, (node,)), constant_node(step, FLOAT64)))
            ids.append(id(node))
        kept.append(node)
        results.append(ids)

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(ids == results[0] for ids in results)


@pytest.mark.parametrize("name", ["", "1x", "a b", "x;", "a-b", "\n"])
def test_bad_names_are_refused(name):
    with pytest.raises(GraphError) as caught:
        input_node(name, FLOAT64)
    assert caught.value.code == "E213"


@pytest.mark.parametrize(
    ("op", "dtypes", "code"),
    [
        ("add", ["float64"], "E211"),
        ("add", ["float64", "float32"], "E202"),
        ("add", ["bool", "bool"], "E202"),
        ("sin", ["int64"], "E202"),
        ("where", ["float64", "float64", "float64"], "E202"),
        ("logical_and", ["bool", "float64"], "E202"),
    ],
)
def test_operations_are_strict_about_types(op, dtypes, code):
    operands = tuple(input_node(f"x{i}", Type.of(dtype)) for i, dtype in enumerate(dtypes))
    with pytest.raises(GraphError) as caught:
        make(OPS[op], operands)
    assert caught.value.code == code


def test_operations_are_strict_about_shapes(x):
    with pytest.raises(GraphError) as caught:
        make(ADD, (x, input_node("v", Type.of("float64", (3,)))))
    assert caught.value.code == "E203"


def test_types_are_interned_and_frozen():
    assert Type.of("float64", (2, 3)) is Type.of(np.float64, (2, 3))
    assert copy.deepcopy(Type.of("int32")) is Type.of("int32")
    assert pickle.loads(pickle.dumps(Type.of("float32", (4,)))) is Type.of("float32", (4,))
    with pytest.raises(AttributeError):
        FLOAT64.shape = (1,)
    for bad in ("complex128", "S3", object, "nonsense", ">f8"):
        with pytest.raises(GraphError):
            Type.of(bad)
    with pytest.raises(GraphError):
        Type.of("float64", (-1,))


def test_threads_agree_on_types():
    """Equal types are the same object also when eight threads make them at once."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for size in range(100):
            made: list[Type] = []
            barrier = threading.Barrier(8)

            def make_type(size=size, made=made, barrier=barrier) -> None:
                barrier.wait()
                made.append(Type.of("float32", (size, 7919)))

            threads = [threading.Thread(target=make_type) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len({id(type) for type in made}) == 1
    finally:
        sys.setswitchinterval(switch)
