"""The op matrix of operations on whole arrays: what is checked of each, and what came out.

A check is a function of one operation. It raises AssertionError, or it returns what stands in the
cell of ``docs/op-matrix-arrays.md``. All examples of the op's block go through every check.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.api.array import Array
from chainrule.diff.rules import partials_of
from chainrule.diff.saved import op_needs
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node, make
from chainrule.graph.op import OPS, Example, Kind, Op
from chainrule.graph.types import Type
from chainrule.ops.several import ITEM
from chainrule.ops.term import Function
from chainrule.run.kernels import LinearMap, kernel, local_derivatives
from tests.ops.matrix import NO_DERIVATIVE, Result
from tests.ops.several_matrix import Checks

ALL = [
    op
    for op in OPS.values()
    if not op.pointwise and not op.is_leaf and op is not ITEM and (not op.joint or op.examples)
]
"""Operations that hold graphs have tests of their own, and no examples."""
ITEMS = 3


def operands_of(op: Op, example: Example, seed: int = 0, real: str = "float64") -> list[Any]:
    """Random operands of an example."""
    random = np.random.default_rng(seed)
    found = []
    for at, shape in enumerate(example.shapes):
        dtype = example.dtypes[at] if at < len(example.dtypes) else "float64"
        if dtype == "bool":
            found.append(random.random(shape) < 0.5)
        elif dtype == "int64":
            found.append(random.integers(0, example.below, shape))
        else:
            found.append(random.uniform(0.5, 2.0, shape).astype(real))
    if example.fit is not None:
        found = example.fit(found)
    kinds = op.kinds_of(len(found))
    pairs = zip(kinds, found, strict=True)
    assert all(kind is not Kind.INTEGER or x.dtype.kind == "i" for kind, x in pairs)
    return [np.asarray(x) for x in found]


def types_of(operands: list[Any]) -> tuple[Type, ...]:
    return tuple(Type.of(x.dtype, x.shape) for x in operands)


def terms_of(operands: list[Any]) -> list[Array]:
    """Symbolic arrays in place of operands."""
    return [Array(input_node(f"x{at}", type)) for at, type in enumerate(types_of(operands))]


def applied(op: Op, example: Example, operands: list[Any]) -> Any:
    """The NumPy kernel at the operands; scalars as NumPy scalars."""
    return kernel(op, op.normal_params(example.params))(*[x[()] for x in operands])


def differentiable(op: Op) -> bool:
    return any(op.partials)


# --- the checks -----------------------------------------------------------------------------------


def shapes(op: Op) -> Result:
    """The kernel gives the shape and dtype that the type rule says, in float64 and float32."""
    kinds = set()
    for example in op.examples:
        for real in ("float64", "float32"):
            operands = operands_of(op, example, real=real)
            type = op.infer(op, types_of(operands), op.normal_params(example.params))
            value = applied(op, example, operands)
            assert np.shape(value) == type.shape
            assert value.dtype == type.dtype
        kinds |= {"0-d" for shape in example.shapes if shape == ()}
        kinds |= {"empty" for shape in example.shapes if 0 in shape}
    also = f", {' and '.join(sorted(kinds))} among them" if kinds else ""
    return Result(f"{len(op.examples)} examples{also}")


def tangents(op: Op) -> Result:
    """What a change of an operand does, against differences of the NumPy kernel."""
    count = 0
    for example in op.examples:
        operands = operands_of(op, example)
        types = types_of(operands)
        params = op.normal_params(example.params)
        out = applied(op, example, operands)
        for at, map in enumerate(maps_of(op, example, operands)):
            if map is None:
                continue
            change = np.random.default_rng(1).uniform(-1, 1, types[at].shape)[()]
            step = 1e-6
            run, values = kernel(op, params), [x[()] for x in operands]
            ends = [values[at] + side * step * change for side in (1, -1)]
            moved = [run(*values[:at], end, *values[at + 1 :]) for end in ends]
            pushed = map.push(change, out, *[x[()] for x in operands])
            assert np.shape(pushed) == np.shape(out)
            np.testing.assert_allclose(pushed, (moved[0] - moved[1]) / (2 * step), 1e-6, 1e-8)
            count += 1
    return Result(f"{count} maps") if count else NO_DERIVATIVE


def adjoints(op: Op) -> Result:
    """⟨ȳ, ẏ⟩ = ⟨x̄, ẋ⟩: adjoints are the transpose of tangents, to 12 digits."""
    count = 0
    for example in op.examples:
        operands = operands_of(op, example)
        types = types_of(operands)
        out = applied(op, example, operands)
        values = [x[()] for x in operands]
        for at, map in enumerate(maps_of(op, example, operands)):
            if map is None:
                continue
            random = np.random.default_rng(2)
            change = random.uniform(-1, 1, types[at].shape)[()]
            adjoint = random.uniform(-1, 1, np.shape(out))[()]
            pulled = map.pull(adjoint, out, *values)
            assert np.shape(pulled) == types[at].shape
            product = np.vdot(adjoint, map.push(change, out, *values))
            assert np.vdot(pulled, change) == pytest.approx(product, rel=1e-12, abs=1e-13)
            count += 1
    return Result(f"{count} maps") if count else NO_DERIVATIVE


def maps_of(op: Op, example: Example, operands: list[Any]) -> list[LinearMap | None]:
    """The linear maps of an operation; an operand that is a float has one where it can."""
    types, params = types_of(operands), op.normal_params(example.params)
    type = op.infer(op, types, params)
    found = local_derivatives(op, types, type, params)
    rules = [*op.partials, *op.partials[-1:] * len(types)][: len(types)]
    for map, rule, operand in zip(found, rules, types, strict=True):
        assert (map is not None) == (rule is not None and operand.is_float and type.is_float)
        assert map is None or isinstance(map, LinearMap)
    return list(found)  # type: ignore[arg-type]  # checked above


def single_precision(op: Op) -> Result:
    """Derivatives of float32 are float32, both ways."""
    count = 0
    for example in op.examples:
        operands = operands_of(op, example, real="float32")
        types, params = types_of(operands), op.normal_params(example.params)
        type = op.infer(op, types, params)
        for partial, operand in zip(
            partials_of(op, types, type, params).partials, types, strict=True
        ):
            if partial is not None:
                assert partial.push.result.type is type
                assert partial.pull.result.type is operand
                count += 1
    return Result(f"{count} maps") if count else NO_DERIVATIVE


def second_derivative(op: Op) -> Result:
    """The gradient graph of Σ w·op²: equal to the sweep, its tangent to differences of it."""
    if not differentiable(op):
        return NO_DERIVATIVE
    count = 0
    for example in op.examples:
        count += _second(op, example)
    return Result(f"{count} graphs")


def _second(op: Op, example: Example) -> int:
    operands = operands_of(op, example)
    terms = terms_of(operands)
    params = dict(zip([p.name for p in op.params], op.normal_params(example.params), strict=True))
    out = Function(op)(*terms, **params)
    if out.dtype.kind != "f":
        return 0
    weights = np.random.default_rng(2).uniform(0.5, 1, out.shape)
    graph = cr.graph(cr.sum(out * out * weights), terms)
    wrt = [term.node.name for term in terms if term.dtype.kind == "f"]
    gradient = graph.gradient(wrt)
    swept = graph.at(*operands).gradient
    for name, symbolic in zip(wrt, gradient(*operands)[1], strict=True):
        np.testing.assert_allclose(swept[name], symbolic, rtol=1e-12, atol=1e-14)
    random = np.random.default_rng(3)
    changes = [random.uniform(-1, 1, x.shape) for x in operands if x.dtype.kind == "f"]
    _, got = gradient.jvp(wrt)(*operands, *changes)
    step = 1e-6

    def slopes(side: int) -> Any:
        floats = iter(changes)
        moved = [x + side * step * next(floats) if x.dtype.kind == "f" else x for x in operands]
        return gradient(*moved)[1]

    for mine, above, below in zip(got[1:], slopes(1), slopes(-1), strict=True):
        np.testing.assert_allclose(mine, (above - below) / (2 * step), rtol=1e-5, atol=1e-7)
    return 1


def batching(op: Op) -> Result:
    """Many operands at once against a Python loop, for every choice of operands that are many."""
    count = 0
    for example in op.examples:
        sets = [operands_of(op, example, seed) for seed in range(ITEMS)]
        for batched in itertools.product([False, True], repeat=len(example.shapes)):
            if any(batched):
                given = [
                    np.stack([items[at] for items in sets]) if has else sets[0][at]
                    for at, has in enumerate(batched)
                ]
                terms = terms_of(given)
                assert op.batch is not None
                made = op.batch(op, terms, batched, op.normal_params(example.params))
                value = cr.graph(made, terms).at(*given).value
                for item in range(ITEMS):
                    chosen = [sets[item if has else 0][at] for at, has in enumerate(batched)]
                    expected = applied(op, example, chosen)
                    np.testing.assert_allclose(value[item], expected, rtol=1e-12, atol=1e-14)
                count += 1
    return Result(f"{count} batches of {ITEMS}")


def files(op: Op) -> Result:
    """Canonical text and JSON give the same graph back."""
    for example in op.examples:
        operands = tuple(term.node for term in terms_of(operands_of(op, example)))
        node = make(op, operands, op.normal_params(example.params))
        dag = Dag([node], list(operands))
        assert text.read(text.write(dag)) == dag
        assert flat.from_json(flat.to_json(dag)) == dag
    return Result(f"{len(op.examples)} graphs")


def saved_values(op: Op) -> Result:
    """What the backward pass keeps, read off the rules; the page is the snapshot."""
    if not differentiable(op):
        return NO_DERIVATIVE
    example = op.examples[0]
    types = types_of(operands_of(op, example))
    needs = op_needs(op, op.normal_params(example.params), types=types)
    names = [*op.operands, *op.operands[-1:] * len(types)]
    words = dict(zip((needs.out, *needs.operands), ("the result", *names), strict=False))
    found = [*dict.fromkeys(words[node] for node in needs.values)]
    found += ["one bit of each element"] * bool(needs.conditions)
    return Result(", ".join(found) or "nothing")


_SEVERAL = Checks(operands_of)


def _either(check: Callable[[Op], Result]) -> Callable[[Op], Result]:
    """The check for operations with one result or with several."""

    @functools.wraps(check)
    def checked(op: Op) -> Result:
        own: Callable[[Op], Result] = getattr(_SEVERAL, check.__name__)
        return check(op) if op.joint is None else own(op)

    return checked


CHECKS: dict[str, Callable[[Op], Result]] = {
    "shapes": _either(shapes),
    "tangents": _either(tangents),
    "adjoints": _either(adjoints),
    "second derivative": _either(second_derivative),
    "float32": _either(single_precision),
    "batching": _either(batching),
    "files": _either(files),
    "saved for the backward pass": _either(saved_values),
}


def head() -> str:
    lines = [
        "# What is checked of every operation on arrays",
        "",
        "Written by `pytest tests/ops --accept`; do not edit. The tests run every check on every",
        "example of every operation and compare every cell. Operations that work element by",
        "element have a [page](op-matrix.md) of their own.",
        "",
        "| column | what is compared |",
        "| --- | --- |",
        *(f"| {name} | {check.__doc__} |" for name, check in CHECKS.items()),
        "",
        f"| operation | {' | '.join(CHECKS)} |",
        "| --- " * (len(CHECKS) + 1) + "|",
        "",
    ]
    return "\n".join(lines)


def page(cell: Callable[[Op, str], str]) -> str:
    """The page, its cells from ``cell(op, name of the check)``."""
    rows = [f"| `{op.name}` | {' | '.join(cell(op, name) for name in CHECKS)} |" for op in ALL]
    return head() + "\n".join([*rows, ""])


def parts(page: str) -> tuple[str, str]:
    """The page up to its second table, which `tests.ops.composite.composite_matrix` makes."""
    first, mark, second = page.partition("\n## ")
    return first, mark + second


def cells(page: str) -> dict[tuple[str, str], str]:
    """The cells of the first table by operation and check."""
    first, _ = parts(page)
    lines = [line.strip("| ").split(" | ") for line in first.splitlines() if line.startswith("| `")]
    return {
        (name.strip("`"), check): cell
        for name, *found in lines
        for check, cell in zip(CHECKS, found, strict=True)
    }
