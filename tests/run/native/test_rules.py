"""The native rule of every pointwise operation, in machine code, against the NumPy kernels.

Values and derivatives are compared with mpmath in the op matrix, in the column "native".
"""

import functools
import itertools
import math

import numpy as np
import pytest

from benchmarks import accuracy, exact
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS, Kind
from chainrule.graph.types import DTYPES, Type
from chainrule.run.kernels import kernel, local_derivatives
from chainrule.run.native.emit import element, special
from chainrule.run.native.emit.element import is_native
from chainrule.run.native.emit.lanes import Code, Module
from tests.ops.matrix import ALL, everywhere, params_of
from tests.run.native.columns import Case, Compiled

WITHOUT = {"abstract": "an unspecified function has no values"}
"""The operations that have no native rule, and why."""

INTEGER_PARAMS = {"power": ((0,), (1,), (2,), (3,), (10,), (63,))}
NATIVE = [op for op in ALL if op.name not in WITHOUT]
each_op = pytest.mark.parametrize("op", NATIVE, ids=lambda op: op.name)


def dtypes_of(op):
    """The dtypes of numbers that an operation takes."""
    if set(op.kinds) == {Kind.BOOL}:
        return ["bool"]
    kind = next(kind for kind in op.kinds if kind is not Kind.BOOL)
    return [dtype for dtype in DTYPES if kind.accepts(Type.of(dtype))]


def cases_of(op):
    for dtype in dtypes_of(op):
        whole = dtype.startswith("int")
        for params in (whole and INTEGER_PARAMS.get(op.name)) or params_of(op):
            yield Case(op, params, dtype)


@functools.cache
def compiled():
    """All operations, compiled together."""
    return Compiled(case for op in NATIVE for case in cases_of(op))


WHOLE = (0, 1, -1, 2, -2, 3, -3, 7, 10, -12, 46341, -46341)


@functools.cache
def columns_of(case):
    """Points of all sizes, infinities, NaN and the borders of integers among them."""
    if case.dtype.startswith("float"):
        return everywhere(case.op, case.dtype)
    info = None if case.dtype == "bool" else np.iinfo(case.dtype)
    numbers = (False, True) if info is None else (*WHOLE, info.max, info.min, info.min + 1)
    choices = [(False, True) if kind is Kind.BOOL else numbers for kind in case.op.kinds]
    points = itertools.product(*choices)
    return [
        np.array(column, type.dtype)
        for column, type in zip(zip(*points, strict=True), case.types, strict=True)
    ]


def same_bits(a, b):
    """Equal to the bit; a NaN is like every other."""
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    bits = f"u{a.itemsize}"
    return bool(((np.isnan(a) & np.isnan(b)) | (a.view(bits) == b.view(bits))).all())


# --- every operation ------------------------------------------------------------------------------


def test_what_has_no_rule_says_why():
    assert {op.name for op in ALL if op.native is None} == set(WITHOUT)
    assert not any(op.native for op in OPS.values() if not op.pointwise or op.is_leaf)
    assert all(case.has_code for op in NATIVE for case in cases_of(op))


@each_op
def test_one_lane_gives_the_bits_of_eight(op):
    for case in cases_of(op):
        columns = columns_of(case)
        alone, together = (compiled().run(case, columns, width) for width in (1, 8))
        for one, other in zip(alone, together, strict=True):
            assert same_bits(one, other), case


@each_op
def test_values_are_those_of_the_numpy_kernel(op):
    for case in cases_of(op):
        columns = columns_of(case)
        with np.errstate(all="ignore"):
            wanted = kernel(op, case.params)(*columns)
        found = compiled().run(case, columns)[0]
        assert found.dtype == wanted.dtype
        if op.name == "convert":
            fits = fitting(columns[0], found.dtype)
            found, wanted = found[fits], wanted[fits]
        if op.accuracy is None or op.accuracy.value <= 0.5 or not case.dtype.startswith("float"):
            assert same_bits(found, wanted), (case, found, wanted)
        else:
            sizes = scales(accuracy.VALUE_SCALE, case, columns)
            assert_close(case, columns, found, wanted, 2 * op.accuracy.value, sizes)


def fitting(column, dtype):
    """Where a number is one of the dtype, so that the C standard says what becomes of it."""
    if dtype.kind != "i" or column.dtype.kind != "f":
        return np.full(len(column), True)
    return abs(column) < float(np.iinfo(dtype).max)


@each_op
def test_partial_derivatives_are_those_of_the_interpreter(op):
    for case in cases_of(op):
        if not case.node.type.is_float or not case.types[-1].is_float:
            continue
        columns = columns_of(case)
        value, slopes = compiled().evaluate(*case, columns)
        rules = local_derivatives(op, case.types, case.node.type, case.params)
        sizes = scales(accuracy.SLOPE_SCALE, case, columns)
        for rule, slope in zip(rules, slopes, strict=True):
            # From the same value, so that the rules of the derivative alone are compared.
            arguments = [value, *columns]
            with np.errstate(all="ignore"):
                wanted = np.zeros_like(slope) if rule is None else rule.factor(*arguments)
                if rule is not None and rule.guard is not None:
                    wanted = np.where(rule.guard(*arguments), wanted, slope.dtype.type(0))
            wanted = np.broadcast_to(np.asarray(wanted, slope.dtype), slope.shape)
            if op.accuracy is None:
                assert same_bits(slope, wanted), case
            else:
                bound = 2 * op.accuracy.partials
                assert_close(case, columns, slope, wanted, bound, sizes)


def scales(table, case, columns):
    """The sizes that errors are measured by where a result is smaller."""
    points = zip(*(column.tolist() for column in columns), strict=True)
    return np.array([accuracy._scale(table, case.op, point, case.params) for point in points])


def assert_close(case, columns, found, wanted, bound, sizes):
    """Numbers within so many ulps; NaN, infinities and zeros of both signs where they belong."""
    nan = np.isnan(wanted)
    same = (found == wanted) & (np.signbit(found) == np.signbit(wanted)) | nan & np.isnan(found)
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(abs(found), abs(wanted)).astype(float), sizes)
        distance = abs(found.astype(float) - wanted) / np.spacing(size.astype(found.dtype))
        ordinary = np.isfinite(found) & np.isfinite(wanted)
        # A zero next to the smallest number is a rounding error, too.
        signs = (np.signbit(found) == np.signbit(wanted)) | (sizes > size / 2)
        near = same | ordinary & signs & (distance <= bound)
    if not near.all():
        at = int(np.flatnonzero(~near)[0])
        point = [column[at] for column in columns]
        raise AssertionError(f"{case} at {point}: {found[at]!r}, not {wanted[at]!r}")


# --- singular points ------------------------------------------------------------------------------


def convention_cases():
    return [(op, convention) for op in NATIVE for convention in op.conventions]


@pytest.mark.parametrize("dtype", exact.DTYPES)
def test_conventions(dtype):
    chosen, cases = [], []
    for op, convention in convention_cases():
        count = len(op.operands)
        defaults = tuple(param.default for param in op.params)
        params = (*convention.at[count:], *defaults[len(convention.at) - count :])
        cases.append(Case(op, op.normal_params(params), dtype))
        chosen.append(convention)
    machine = Compiled(dict.fromkeys(cases), (8,))
    for case, convention in zip(cases, chosen, strict=True):
        point = [np.array([x], dtype) for x in convention.at[: len(case.op.operands)]]
        value, slopes = machine.evaluate(*case, point)
        wanted = [convention.value, *convention.partials]
        for number, right in zip([value, *slopes], wanted, strict=True):
            if right is not None:
                np.testing.assert_allclose(number[0], right, 4 * np.finfo(dtype).eps, 0)
        if convention.value == 0 and np.signbit(convention.value):
            assert np.signbit(value[0]), (case, convention)


def test_the_power_one_half_is_no_root_at_negative_zero_and_infinity():
    case = Case(OPS["power"], (0.5,), "float64")
    found = compiled().run(case, [np.array([-0.0, -math.inf, -1.0, 4.0])])[0]
    assert found.tolist()[:2] == [math.pow(-0.0, 0.5), math.pow(-math.inf, 0.5)] == [0.0, math.inf]
    assert not np.signbit(found[0])
    assert math.isnan(found[2])
    assert found[3] == 2


# --- what is native, and SciPy's functions --------------------------------------------------------


def test_polygamma_functions_of_high_order_are_left_to_numpy():
    x = input_node("x", Type.of("float64"))
    for order, native in ((0, True), (4, True), (20, True), (21, False), (1000, False)):
        assert is_native(make(OPS["polygamma"], (x,), (order,))) is native


def test_nodes_that_are_native():
    x = input_node("x", Type.of("float64", (3,)))
    assert is_native(make(OPS["sin"], (x,), ()))
    assert is_native(constant_node(2.0, Type.of("float32", (4,))))
    assert not is_native(constant_node(np.array([1.0, 2.0]), Type.of("float64", (2,))))
    assert not is_native(make(OPS["abstract"], (x,), ("g", ())))
    assert not is_native(make(OPS["sum"], (x,), ((0,),)))


def test_a_function_that_scipy_lacks_leaves_its_operations_to_numpy(monkeypatch):
    x = input_node("x", Type.of("float64"))
    node = make(OPS["erfinv"], (x,), ())
    element.pattern.cache_clear()
    monkeypatch.setattr(special, "address", lambda name: None)
    assert not is_native(node)
    assert is_native(make(OPS["erf"], (x,), ()))
    with pytest.raises(LookupError, match="erfinv"):
        special.addresses(["erfinv"])
    monkeypatch.undo()
    element.pattern.cache_clear()
    assert is_native(node)


def test_a_module_names_the_functions_that_it_takes_from_scipy():
    module = Module()
    code = Code(module, 8)
    code.call("cbrt", code.constant(2.0))
    assert module.externals == set()
    code.call("digamma", code.constant(2.0))
    assert module.externals == {"digamma"}
    assert set(special.addresses(module.externals)) == {special.symbol("digamma")}
    assert all(special.addresses(special.NAMES).values())


def test_capsules_of_another_signature_are_not_called(monkeypatch):
    special.address.cache_clear()
    monkeypatch.setattr(special, "_SIGNATURE", b"double (double)")
    assert special.address("digamma") is None
    special.address.cache_clear()
