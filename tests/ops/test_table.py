"""The table of operations is complete, types are what NumPy gives, integers stay exact."""

import itertools
import math
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.ops.term as term
from chainrule.graph.node import input_node
from chainrule.graph.op import OPS, Kind
from chainrule.graph.types import DTYPES, Type
from chainrule.ops.term import Term
from chainrule.run.kernels import kernel
from tests.ops.matrix import ALL, LOGIC, RELATIONS, params_of

RUNNING = [op for op in ALL if op.name != "abstract"]
each_running = pytest.mark.parametrize("op", RUNNING, ids=lambda op: op.name)
SAMPLES = {"f": (0.5, 0.25), "i": (3, 2, -2), "b": (True, False)}


@each_running
def test_blocks_are_complete(op):
    count = len(op.operands)
    assert op.about
    assert len(op.domain) == count
    assert all(low < high for low, high in op.domain)
    assert len(op.partials) == count
    assert callable(kernel(op, params_of(op)[0]))
    for form in (op.text, op.latex):
        assert len(form.slots) == count
        fields = {name for _, name, _, _ in string.Formatter().parse(form.template) if name}
        assert {str(i) for i in range(count)} <= fields
        params = {param.name: "7" for param in op.params}
        text = form.template.format(*"abc"[:count], **params)
        assert text.count("{") == text.count("}")
    for convention in op.conventions:
        assert count <= len(convention.at) <= count + len(op.params)
        assert len(convention.partials) == count
        assert convention.why
    condition = op.infer(op, [_some_type(op, kind) for kind in op.kinds], params_of(op)[0]).is_bool
    if not condition and op.name not in {"where", "convert", "stop_gradient"}:
        assert op.exact is not None
    assert (op.exact is None) == (op.accuracy is None)


def _some_type(op, kind):
    return Type.of("bool" if kind is Kind.BOOL else "float64")


def accepted(op, params):
    """The lists of operand types an operation takes, one dtype for all but the conditions."""
    for name in DTYPES:
        types = [Type.of("bool" if kind is Kind.BOOL else name) for kind in op.kinds]
        whole = op.kind_for(params) is Kind.FLOAT and not Type.of(name).is_float
        if not whole and all(
            kind.accepts(type) for kind, type in zip(op.kinds, types, strict=True)
        ):
            yield types


@each_running
def test_the_inferred_type_is_the_type_of_the_result(op):
    for params in params_of(op):
        for types in accepted(op, params):
            result = op.infer(op, types, params)
            for sample in zip(*(SAMPLES[type.dtype.kind] for type in types), strict=False):
                scalars = [type.dtype.type(x) for type, x in zip(types, sample, strict=True)]
                arrays = [
                    np.array([x, x], type.dtype) for type, x in zip(types, sample, strict=True)
                ]
                with np.errstate(all="ignore"):
                    alone, together = kernel(op, params)(*scalars), kernel(op, params)(*arrays)
                assert alone.dtype == result.dtype, (params, types)
                assert together.dtype == result.dtype, (params, types)
                assert np.shape(alone) == ()
                assert together.shape == (2,)


@each_running
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_numbers_meet_operands_as_in_numpy(op, data):
    params = data.draw(st.sampled_from(params_of(op)))
    types = data.draw(st.sampled_from(list(accepted(op, params))))
    terms = tuple(Term(input_node(f"x{at}", type)) for at, type in enumerate(types))
    result = term.apply(op, terms, params).node
    operands = [
        data.draw(st.sampled_from([type.dtype.type(x) for x in SAMPLES[type.dtype.kind]]))
        for type in types
    ]
    with np.errstate(all="ignore"):
        assert kernel(op, params)(*operands).dtype == result.type.dtype


# --- integers -------------------------------------------------------------------------------------

BIG = 2**53 + 1  # not a float64
WHOLE = [
    ("add", (), (BIG, 2), BIG + 2),
    ("subtract", (), (BIG, -2), BIG + 2),
    ("multiply", (), (3, BIG // 3), BIG // 3 * 3),
    ("fmod", (), (-BIG, 10), -3),
    ("remainder", (), (-BIG, 10), 7),
    ("floor_divide", (), (-BIG, 10), -900719925474100),
    ("negate", (), (BIG,), -BIG),
    ("square", (), (-94906267,), 94906267**2),
    ("power", (3,), (-200001,), (-200001) ** 3),
    ("power", (1,), (BIG,), BIG),
    ("power", (0,), (0,), 1),
    ("power", (2,), (-94906267,), 94906267**2),
    ("abs", (), (-BIG,), BIG),
    ("sign", (), (-BIG,), -1),
    ("sign", (), (0,), 0),
    ("floor", (), (BIG,), BIG),
    ("ceil", (), (-BIG,), -BIG),
    ("round", (), (BIG,), BIG),
    ("minimum", (), (BIG, BIG - 1), BIG - 1),
    ("maximum", (), (BIG, BIG - 1), BIG),
    ("clip", (), (BIG, 0, BIG - 1), BIG - 1),
    ("clip", (), (-5, -3, 3), -3),
]


@pytest.mark.parametrize(("name", "params", "operands", "result"), WHOLE)
def test_integers_stay_exact(name, params, operands, result):
    run = kernel(OPS[name], params)
    found = run(*map(np.int64, operands))
    assert found == result
    assert found.dtype == np.int64
    assert list(run(*(np.array([x, x]) for x in operands))) == [result, result]
    assert run(*(np.int32(np.int64(x) % 1000) for x in operands)).dtype == np.int32


def test_integers_become_floats_where_the_operation_needs_it():
    whole = Term(input_node("n", Type.of("int64")))
    assert (whole**-1).node.type == Type.of("float64")
    assert (whole**0.5).node.type == Type.of("float64")
    assert (whole**3).node.type == Type.of("int64")
    assert (whole / 2).node.type == Type.of("float64")
    assert term.apply(OPS["sin"], (whole,)).node.type == Type.of("float64")


# --- conditions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RELATIONS)
def test_whole_numbers_are_compared_exactly(name):
    assert kernel(OPS[name])(np.int64(BIG), np.int64(BIG - 1)) == RELATIONS[name](BIG, BIG - 1)


@pytest.mark.parametrize("name", ["equal", "not_equal"])
def test_conditions_are_compared(name):
    for a, b in itertools.product((True, False), repeat=2):
        assert kernel(OPS[name])(np.bool_(a), np.bool_(b)) == RELATIONS[name](a, b)


@pytest.mark.parametrize("name", [*RELATIONS, *LOGIC])
def test_conditions_are_numpy_conditions(name):
    arguments = [np.bool_(True)] * len(OPS[name].operands)
    if name not in {*LOGIC, "equal", "not_equal"}:
        arguments = [np.float64(1)] * 2
    assert isinstance(kernel(OPS[name])(*arguments), np.bool_)


def test_where_takes_one_branch_untouched():
    run = kernel(OPS["where"])
    for condition in (True, False):
        a, b = np.float32(-0.0), np.float32(math.nan)
        found = run(np.bool_(condition), a, b)
        assert found.tobytes() == (a if condition else b).tobytes()
    mixed = run(np.array([True, False]), np.array([1, 2]), np.array([3, 4]))
    assert list(mixed) == [1, 4]


def test_minimum_and_maximum_let_nan_through():
    for name in ("minimum", "maximum"):
        run = kernel(OPS[name])
        assert np.isnan(run(np.float64(math.nan), np.float64(1)))
        assert np.isnan(run(np.float64(1), np.float64(math.nan)))
