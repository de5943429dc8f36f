"""The op matrix: what is checked of every operation, and what came out.

A check is a function of one operation. It raises AssertionError, or it returns what stands in the
cell of ``docs/op-matrix.md``: how much was compared and how closely, or why there is nothing to
compare. Every operation goes through every check, so no cell can be left empty.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import mpmath
import numpy as np

import chainrule as cr
from benchmarks import accuracy, exact
from benchmarks.accuracy import evaluate, ulps
from chainrule.check.rounding import convention_at
from chainrule.diff.saved import op_needs
from chainrule.formula.infix import read
from chainrule.formula.latex import read_latex
from chainrule.formula.printer import formula, latex
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node, make
from chainrule.graph.op import OPS, Kind, Op, Params
from chainrule.graph.types import BOOL, DTYPES, FLOAT64, Type
from chainrule.run.kernels import kernel
from tests.javascript import edges_of, run
from tests.run.native.columns import Case, Compiled

ALL = [op for op in OPS.values() if op.pointwise and not op.is_leaf]
NAN, INF = math.nan, math.inf


class Result(NamedTuple):
    """What a check found: that all is well, with a figure, or that it does not apply, and why."""

    text: str
    applies: bool = True

    @property
    def cell(self) -> str:
        return self.text if self.applies else f"– ({self.text})"


def not_applicable(why: str) -> Result:
    return Result(why, applies=False)


NO_VALUES = not_applicable("no values")
NO_DERIVATIVE = not_applicable("no derivative")


# --- what is checked with -------------------------------------------------------------------------

RELATIONS = {
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
}
LOGIC = {
    "logical_and": lambda a, b: a and b,
    "logical_or": lambda a, b: a or b,
    "logical_xor": lambda a, b: a != b,
    "logical_not": lambda a: not a,
}
PYTHON = {"bool": bool, "int32": int, "int64": int, "float32": float, "float64": float}
CHOICES = {
    **RELATIONS,
    **LOGIC,
    "where": lambda condition, a, b: a if condition else b,
    "convert": lambda x, dtype: PYTHON[dtype](x),
    "stop_gradient": lambda x: x,
}
"""In plain Python, what operations do that only choose; all others have a definition in mpmath."""

PARAMS = {"convert": tuple((name,) for name in DTYPES), "abstract": (("g", ()),)}


def params_of(op: Op) -> tuple[Params, ...]:
    """The literal parameters to check an operation with."""
    return PARAMS.get(op.name) or exact.params_of(op)


def alone(op: Op, params: Params, dtype: str = "float64") -> cr.Graph:
    """The graph of one operation on inputs."""
    inputs = [
        input_node(name, BOOL if kind is Kind.BOOL else Type.of(dtype))
        for name, kind in zip(op.operands, op.kinds, strict=True)
    ]
    return cr.Graph(Dag([make(op, tuple(inputs), params)], inputs))


def differentiable(op: Op, dtype: str = "float64") -> list[tuple[cr.Graph, Params]]:
    """The graphs of one operation that have a derivative, with their parameters."""
    graphs = [(alone(op, params, dtype), params) for params in params_of(op) if op.partials]
    return [(graph, params) for graph, params in graphs if graph.dag.output.type.is_float]


def inside(op: Op) -> list[tuple[float, ...]]:
    """A few points of the domain, where the operation is smooth."""
    shares = (0.1, 0.37, 0.81)
    return [
        tuple(
            share > 0.3 if kind is Kind.BOOL else low + share * (high - low)
            for kind, (low, high) in zip(op.kinds, op.domain, strict=True)
        )
        for share in shares
    ]


def everywhere(op: Op, dtype: str = "float64") -> list[np.ndarray]:
    """Points of all sizes, infinities and NaN among them: a column for each operand."""
    if op.exact is not None:
        points = exact.grid(op, dtype)
    else:
        numbers = (-INF, -1.5, -1.0, -0.0, 0.0, 1.0, 2.5, INF, NAN)
        conditions = (True, False)
        points = itertools.product(
            *(conditions if kind is Kind.BOOL else numbers for kind in op.kinds)
        )
    columns = zip(*points, strict=True)
    return [
        np.array(column, bool if kind is Kind.BOOL else dtype)
        for column, kind in zip(columns, op.kinds, strict=True)
    ]


def within(bound: float) -> str:
    return f"≤ {bound:g} ulp" if bound else "exact"


def plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- values and derivatives -----------------------------------------------------------------------


def value(op: Op) -> Result:
    """The value against mpmath (or plain Python) on the grid."""
    return _values(op, "float64")


def _values(op: Op, dtype: str) -> Result:
    if op.name == "abstract":
        return NO_VALUES
    if op.exact is not None:
        measured = accuracy.measurements(op, dtype)
        worst = max(measured, key=lambda m: m.value[1])
        assert worst.value[1] <= op.accuracy.value, worst
        return Result(f"{plural(len(measured), 'point')}, {within(op.accuracy.value)}")
    count = 0
    for params in params_of(op):
        for point in zip(*everywhere(op, dtype), strict=True):
            plain = [x.item() for x in point]
            if op.name == "convert" and not math.isfinite(plain[0]):
                continue  # what an infinite integer is the platform decides
            found, wanted = kernel(op, params)(*point), CHOICES[op.name](*plain, *params)
            assert found == wanted or (found != found and wanted != wanted), (point, params, found)
            count += 1
    return Result(f"{plural(count, 'point')}, exact")


def first_derivative(op: Op) -> Result:
    """Every partial derivative against its closed form in mpmath on the grid."""
    return _first_derivatives(op, "float64")


CHOSEN_SLOPES = {
    "where": lambda condition, a, b: {"a": float(condition), "b": float(not condition)},
    "convert": lambda x, dtype: {"x": 1.0},
    "stop_gradient": lambda x: {"x": 0.0},
}


def _first_derivatives(op: Op, dtype: str) -> Result:
    if op.name == "abstract":
        return NO_VALUES
    if not differentiable(op):
        return NO_DERIVATIVE
    if op.exact is not None:
        measured = accuracy.measurements(op, dtype)
        for position in range(len(op.operands)):
            worst = max(measured, key=lambda m: m.partials[position][1])
            assert worst.partials[position][1] <= op.accuracy.partials, worst
        return Result(f"{plural(len(measured), 'point')}, {within(op.accuracy.partials)}")
    count = 0
    for params in params_of(op):
        graph = alone(op, params, dtype)
        for point in zip(*everywhere(op, dtype), strict=True):
            if graph.dag.output.type.is_float:
                assert graph.at(*point).gradient == CHOSEN_SLOPES[op.name](*point, *params)
                count += 1
    return Result(f"{plural(count, 'point')}, exact")


def single_precision(op: Op) -> Result:
    """Values and derivatives of float32 against mpmath."""
    values, slopes = _values(op, "float32"), _first_derivatives(op, "float32")
    if not values.applies:
        return values
    if not slopes.applies or op.exact is None:
        return values
    return Result(f"{values.text}; derivative {within(op.accuracy.partials)}")


DIGITS = 12
"""How many digits of second derivatives must be right, inside the domain."""


def second_derivative(op: Op) -> Result:
    """Every second derivative against differences of the closed first ones in mpmath."""
    if op.name == "abstract":
        return NO_VALUES
    graphs = differentiable(op)
    if not graphs:
        return NO_DERIVATIVE
    count = 0
    for graph, params in graphs:
        hessian = graph.hessian()
        active = [at for at, kind in enumerate(op.kinds) if kind is not Kind.BOOL]
        for point in inside(op):
            found = hessian(*point)
            for row, column in itertools.product(range(len(active)), repeat=2):
                wanted = _second(op, params, point, active[row], active[column])
                error = abs(float(found[row, column]) - wanted)
                assert error <= 10.0**-DIGITS * (1 + abs(wanted)), (params, point, error, wanted)
                count += 1
    return Result(f"{plural(count, 'number')}, {DIGITS} digits")


def _second(op: Op, params: Params, point: tuple[float, ...], first: int, second: int) -> float:
    """∂²op/∂first∂second by a central difference of the closed first derivative."""
    if op.exact is None:  # what only chooses or converts is linear
        return 0.0

    def slope(x):
        at = [*map(exact.mp.mpf, point)]
        at[second] = x
        return exact.SLOPES[op.name][first](exact.mp, *at, *params)

    with exact.mp.workdps(60):
        x, step = exact.mp.mpf(point[second]), exact.mp.mpf(10) ** -20
        return float((slope(x + step) - slope(x - step)) / (2 * step))


def adjoint_identity(op: Op) -> Result:
    """⟨ȳ, Jẋ⟩ = ⟨Jᵀȳ, ẋ⟩ for the graphs of forward and reverse mode."""
    if op.name == "abstract":
        return NO_VALUES
    graphs = differentiable(op)
    if not graphs:
        return NO_DERIVATIVE
    count = 0
    for graph, _ in graphs:
        forward, reverse = graph.jvp(), graph.vjp()
        names = [node.name for node in graph.dag.inputs if node.type.is_float]
        for number, point in enumerate(inside(op)):
            tangent = [0.7 - 0.9 * at + 0.31 * number for at in range(len(names))]
            adjoint = 1.3 - 0.8 * number
            _, along = forward(*point, *tangent)
            _, back = reverse(*point, adjoint)
            products = [float(b) * t for b, t in zip(back, tangent, strict=True)]
            scale = sum(map(abs, products))
            error = abs(adjoint * float(along) - math.fsum(products))
            assert error <= 8 * np.finfo(graph.dag.output.type.dtype).eps * scale, (point, error)
            count += 1
    return Result(plural(count, "point"))


def sweep_is_symbolic(op: Op) -> Result:
    """Numeric gradients and graphs of gradients give the same numbers, singular points included."""
    if op.name == "abstract":
        return NO_VALUES
    if not differentiable(op):
        return NO_DERIVATIVE
    count = 0
    for dtype in exact.DTYPES:
        columns = everywhere(op, dtype)
        some = [tuple(column[row] for column in columns) for row in range(0, len(columns[0]), 7)]
        for graph, params in differentiable(op, dtype):
            symbolic = graph.gradient()
            for point in [tuple(columns), *some]:
                record = graph.at(*point)
                found, slopes = symbolic(*point)
                numeric = [record.value, *record.gradient.values()]
                for one, other in zip([found, *slopes], numeric, strict=True):
                    assert np.array_equal(one, other, equal_nan=True), (params, point, one, other)
                count += np.size(point[0])
    return Result(f"{plural(count, 'point')}, equal")


def singular_points(op: Op) -> Result:
    """The documented conventions: numerically, as a graph, in both precisions."""
    if not op.conventions:
        return not_applicable("none")
    for convention, dtype in itertools.product(op.conventions, exact.DTYPES):
        count = len(op.operands)
        defaults = tuple(param.default for param in op.params)
        params = op.normal_params((*convention.at[count:], *defaults[len(convention.at) - count :]))
        point = convention.at[:count]
        assert convention_at(op, point, params) is convention, "two conventions at one point"
        found, slopes = evaluate(op, params, dtype, [np.array([x], dtype) for x in point])
        graph_found, graph_slopes = alone(op, params, dtype).gradient()(*point)
        wanted = [convention.value, *convention.partials]
        for numbers in [found[0], *(s[0] for s in slopes)], [graph_found, *graph_slopes]:
            for number, chosen in zip(numbers, wanted, strict=True):
                if chosen is not None:
                    error = ulps(float(number), mpmath.mpf(chosen), dtype)
                    assert error <= 2, (convention, number)
        if convention.value == 0 and math.copysign(1, convention.value) < 0:
            assert np.signbit(found[0]), convention
    return Result(plural(len(op.conventions), "point"))


def native(op: Op) -> Result:
    """Machine code: values and derivatives against mpmath on the grid, in both precisions."""
    if op.native is None:
        return not_applicable("left to NumPy") if op.kernel else NO_VALUES
    cases = [Case(op, *rest) for rest in itertools.product(params_of(op), exact.DTYPES)]
    if set(op.kinds) == {Kind.BOOL}:
        cases = [Case(op, params, "bool") for params in params_of(op)]
    assert all(case.has_code for case in cases)
    machine = Compiled(cases, (8,))
    count = 0
    for case in cases:
        if op.exact is None:
            count += _native_choices(machine, case)
            continue
        for found in accuracy.measure(*case, machine.evaluate):
            assert found.value[1] <= op.accuracy.value, found
            assert all(error <= op.accuracy.partials for _, error in found.partials), found
            count += 1
    if op.exact is None:
        return Result(f"{plural(count, 'point')}, exact")
    bounds = within(op.accuracy.value), within(op.accuracy.partials)
    return Result(f"{plural(count, 'point')}, {bounds[0]}; derivative {bounds[1]}")


def _native_choices(machine: Compiled, case: Case) -> int:
    """Compare with plain Python; how many points there were."""
    columns = everywhere(case.op, case.dtype)
    if case.op.name == "convert":
        columns = [column[np.isfinite(column)] for column in columns]
    found = machine.run(case, columns)[0]
    points = zip(*(column.tolist() for column in columns), strict=True)
    wanted = np.array([CHOICES[case.op.name](*point, *case.params) for point in points])
    assert np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "f"), (case, found)
    if found.dtype.kind == "f" and case.op.name in CHOSEN_SLOPES:
        _, slopes = machine.evaluate(*case, columns)
        active = [at for at, kind in enumerate(case.op.kinds) if kind is not Kind.BOOL]
        for row, point in enumerate(zip(*columns, strict=True)):
            chosen = CHOSEN_SLOPES[case.op.name](*point, *case.params)
            assert [slopes[at][row] for at in active] == list(chosen.values()), (case, point)
    return len(wanted)


def javascript(op: Op) -> Result:
    """JavaScript: values and derivatives against mpmath on the grid, in both precisions."""
    if not op.javascript:
        return NO_VALUES
    count = 0
    for params, dtype in itertools.product(params_of(op), exact.DTYPES):
        graph = alone(op, params, dtype)
        if not (graph.dag.output.type.is_float or graph.dag.output.type.is_bool):
            continue  # whole numbers are refused
        if op.exact is None:
            count += _javascript_choices(op, params, dtype)
            continue
        for found in accuracy.measure(op, params, dtype, _in_javascript):
            assert found.value[1] <= op.accuracy.value, found
            assert all(error <= op.accuracy.partials for _, error in found.partials), found
            count += 1
    if op.exact is None:
        return Result(f"{plural(count, 'point')}, exact")
    bounds = within(op.accuracy.value), within(op.accuracy.partials)
    return Result(f"{plural(count, 'point')}, {bounds[0]}; derivative {bounds[1]}")


def _in_javascript(
    op: Op, params: Params, dtype: str, columns: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Value and partial derivatives of an operation at many points."""
    dag = alone(op, params, dtype).dag
    found = run(cr.Graph(dag), np.stack(columns, axis=1))
    slopes = [np.zeros(len(found.values)) for _ in columns]
    for slot, edge in enumerate(edges_of(dag)):
        slopes[edge.position] = found.locals[:, slot]
    return found.values[:, -1], slopes


def _javascript_choices(op: Op, params: Params, dtype: str) -> int:
    """Compare with plain Python; how many points there were."""
    columns = everywhere(op, dtype)
    found, slopes = _in_javascript(op, params, dtype, columns)
    for row, point in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        wanted = CHOICES[op.name](*point, *params)
        assert found[row] == wanted or (found[row] != found[row] and wanted != wanted), point
        if op.name in CHOSEN_SLOPES and alone(op, params, dtype).dag.output.type.is_float:
            chosen = CHOSEN_SLOPES[op.name](*point, *params)
            for at, name in enumerate(op.operands):
                assert slopes[at][row] == chosen.get(name, 0), (params, point)
    return len(found)


# --- text and files -------------------------------------------------------------------------------


def written_graphs(op: Op) -> Iterator[Dag]:
    """An operation on inputs, on numbers, on itself, shared, and its derivatives."""
    for params in params_of(op):
        graph = alone(op, params)
        yield graph.dag
        node, inputs = graph.dag.output, graph.dag.inputs
        if any(input.type is FLOAT64 for input in inputs):
            number = constant_node(-1.5, FLOAT64)
            for position, operand in enumerate(inputs):
                if operand.type is FLOAT64 and len(inputs) > 1:
                    operands = (*inputs[:position], number, *inputs[position + 1 :])
                    yield Dag([make(op, operands, params)], inputs)
        kind = op.kinds[-1]
        if kind.accepts(node.type) and op.name != "convert":
            operands = tuple(node if input.type is node.type else input for input in inputs)
            yield Dag([make(op, operands, params)], inputs)
            yield Dag([make(op, operands, params), node], inputs, {node: ["shared"]})
        if op.partials and node.type.is_float:
            yield graph.gradient().dag
            yield graph.hessian().dag


def text_round_trip(op: Op) -> Result:
    """Formula, canonical text and JSON give the same graph back."""
    count = 0
    for dag in written_graphs(op):
        assert _read_back(read, formula(dag), dag) == dag.outputs, formula(dag)
        assert text.read(text.write(dag)) == dag
        assert flat.from_json(flat.to_json(dag)) == dag
        count += 1
    return Result(plural(count, "graph"))


def latex_round_trip(op: Op) -> Result:
    """The LaTeX of a graph gives the same graph back."""
    count = 0
    for dag in written_graphs(op):
        assert _read_back(read_latex, latex(dag), dag) == dag.outputs, latex(dag)
        count += 1
    return Result(plural(count, "graph"))


def _read_back(reader: Callable[..., Dag], source: str, dag: Dag) -> tuple[Node, ...]:
    """The outputs after reading; who reads a formula states arguments and dtypes."""
    names = [node.name for node in dag.inputs]
    dtypes = {node.name: node.type.dtype.name for node in dag.inputs}
    abstract = ["g"] if any(node.op.name == "abstract" for node in dag.order) else []
    return reader(source, inputs=names, dtype=dtypes, abstract=abstract).outputs


# --- saved values ---------------------------------------------------------------------------------


def saved_values(op: Op) -> Result:
    """What the backward pass keeps, read off the rules; the page is the snapshot."""
    found = {_saved(op, params) for params in params_of(op)}
    if not differentiable(op):
        assert found == {"nothing"}
        return NO_DERIVATIVE
    return Result(" or ".join(sorted(found)))


def _saved(op: Op, params: Params) -> str:
    needs = op_needs(op, params)
    names = dict(zip((needs.out, *needs.operands), ("the result", *op.operands), strict=True))
    words = [names[node] for node in needs.values]
    bits = len(needs.conditions)
    words += [f"{('', 'one', 'two', 'three')[bits]} bit{'s' * (bits > 1)}"] * (bits > 0)
    return ", ".join(words) or "nothing"


# --- the page -------------------------------------------------------------------------------------

CHECKS: dict[str, Callable[[Op], Result]] = {
    "value": value,
    "first derivative": first_derivative,
    "second derivative": second_derivative,
    "float32": single_precision,
    "singular points": singular_points,
    "forward = reverse": adjoint_identity,
    "sweep = graph": sweep_is_symbolic,
    "native": native,
    "JavaScript": javascript,
    "text": text_round_trip,
    "LaTeX": latex_round_trip,
    "saved for the backward pass": saved_values,
}


def row(op: Op, cells: list[str]) -> str:
    assert all(cells), f"{op.name}: an empty cell"
    return f"| `{op.name}` | {' | '.join(cells)} |"


def head() -> str:
    lines = [
        "# What is checked of every operation",
        "",
        "Written by `pytest tests/ops --accept`; do not edit. The tests run every check on every",
        "operation and compare every cell. A dash says that a check does not apply, and why.",
        "",
        "| column | what is compared |",
        "| --- | --- |",
        *(f"| {name} | {check.__doc__} |" for name, check in CHECKS.items()),
        "",
        "The grid has ordinary numbers, neighbours of poles and zeros, the largest and smallest",
        "numbers, infinities and NaN. Ulps are units in the last place of the exact result; the",
        "page of [operations](operations.md) says what is claimed where, and what was measured.",
        "",
        f"| operation | {' | '.join(CHECKS)} |",
        "| --- " * (len(CHECKS) + 1) + "|",
        "",
    ]
    return "\n".join(lines)


def page(cell: Callable[[Op, str], str]) -> str:
    """The page, its cells from ``cell(op, name of the check)``."""
    rows = [row(op, [cell(op, name) for name in CHECKS]) for op in ALL]
    return head() + "\n".join([*rows, ""])


def cells(page: str) -> dict[tuple[str, str], str]:
    """The cells of a page by operation and check."""
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {
        (name.strip("`"), check): cell
        for name, *found in lines
        for check, cell in zip(CHECKS, found, strict=True)
    }
