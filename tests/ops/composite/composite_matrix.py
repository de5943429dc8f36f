"""What is checked of every composite: the second table of ``docs/op-matrix-arrays.md``.

A check is a function of the name of a composite. It raises AssertionError, or it returns what
stands in the cell. All its examples go through every check.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.diff.batch import batch
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node
from chainrule.graph.types import Type
from tests.jax_values import jnp
from tests.ops.composite.against_jax import check_derivatives, same, terms_of
from tests.ops.composite.examples import EXAMPLES, LINEAR, QUESTIONS, REFUSED, Case, composites
from tests.ops.matrix import NO_DERIVATIVE, Result, not_applicable

ALL = composites()
ANSWERED = not_applicable("answered at once")
SHAPELESS = not_applicable("refused: E235")
ITEMS = 3


def operands_of(case: Case, dtype: str = "float64", seed: int = 0) -> list[Any]:
    """Random operands of an example, and those that are fixed; whole ones go further out."""
    random = np.random.default_rng(seed)
    found = []
    for operand in case.operands:
        if isinstance(operand, tuple):
            made = random.uniform(case.low, case.high, operand)
        elif operand.dtype.kind == "f":
            made = operand
        else:
            found.append(operand)
            continue
        found.append((made * (8 if "int" in dtype else 1)).astype(dtype)[()])
    return found


def several(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (tuple, list)) else [found]


def wanted(case: Case, operands: list[Any]) -> list[Any]:
    """What NumPy gives."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [np.asarray(part) for part in several(case.function(np, *operands))]


def ours(case: Case, terms: list[Any]) -> list[Any]:
    """What symbolic arrays give for the same call of NumPy's function."""
    found = case.function(np, *terms) if case.ours is None else case.ours(*terms)
    return several(found)


def compare(case: Case, dtype: str) -> None:
    operands = operands_of(case, dtype)
    terms = terms_of(operands)
    for got, expected in zip(ours(case, terms), wanted(case, operands), strict=True):
        assert type(got) is cr.Array
        assert got.dtype == expected.dtype
        value = np.asarray(cr.graph(got, terms).at(*operands).value, got.dtype)
        same(value, expected)


# --- the checks -----------------------------------------------------------------------------------


def values(name: str) -> Result:
    """Value, shape and dtype in float64, against NumPy."""
    for case in EXAMPLES[name]:
        compare(case, "float64")
    return Result(f"{len(EXAMPLES[name])} examples")


def shapes(name: str) -> Result:
    """Whether scalars and arrays without elements are among the examples."""
    kinds = set()
    for case in EXAMPLES[name]:
        sizes = [np.shape(x) for x in (*operands_of(case), *wanted(case, operands_of(case)))]
        kinds |= {"0-d" for shape in sizes if shape == ()}
        kinds |= {"empty" for shape in sizes if 0 in shape}
    return Result(", ".join(sorted(kinds)) or "–")


def dtypes(name: str) -> Result:
    """The same in other dtypes: value, shape and dtype are those of NumPy."""
    found = {}
    for case in EXAMPLES[name]:
        for dtype in case.dtypes:
            compare(case, dtype)
            found[dtype] = None
    return Result(", ".join(found)) if found else not_applicable("float64 only")


def derivative(name: str) -> Result:
    """The gradient of Σ w·f², by the sweep and as a graph, against JAX to 12 digits."""
    return _differentiated(name, "gradients")


def second_derivative(name: str) -> Result:
    """The product of its Hessian with a vector, against JAX to 12 digits."""
    return _differentiated(name, "products")


def _differentiated(name: str, what: str) -> Result:
    count = _checked(name)
    return Result(f"{count} {what}") if count else NO_DERIVATIVE


@functools.cache
def _checked(name: str) -> int:
    count = 0
    for case in EXAMPLES[name]:
        if case.smooth:
            check_derivatives(
                lambda *terms, case=case: in_a_row(np, ours(case, list(terms))),
                of_jax(case),
                *operands_of(case),
            )
            count += 1
    return count


def in_a_row(m: Any, parts: list[Any]) -> Any:
    """One result as it is, several as one vector."""
    if len(parts) == 1:
        return parts[0]
    return m.concatenate([m.reshape(part, (-1,)) for part in parts])


def of_jax(case: Case) -> Callable[..., Any]:
    if case.jax is LINEAR:
        (x,) = operands_of(case)
        units = np.eye(x.size).reshape(x.size, *x.shape)
        columns = [in_a_row(np, several(case.function(np, unit))) for unit in units]
        matrix = np.stack(columns, -1)
        return lambda y: jnp.tensordot(matrix, jnp.ravel(y), 1)
    run = case.function if case.jax is None else case.jax
    return lambda *x: in_a_row(jnp, several(run(jnp, *x)))


def batching(name: str) -> Result:
    """Many operands at once against a Python loop."""
    count = 0
    for case in EXAMPLES[name]:
        sets = [operands_of(case, seed=seed) for seed in range(ITEMS)]
        terms = terms_of(sets[0])
        outs = ours(case, terms)
        given = [np.stack([items[at] for items in sets]) for at in range(len(terms))]
        many = [input_node(f"many{at}", Type.of(x.dtype, x.shape)) for at, x in enumerate(given)]
        for at, out in enumerate(outs):
            order = Dag([out.node]).topological_order()
            items = dict(zip([term.node for term in terms], many, strict=True))
            made = batch(order, items, ITEMS).get(out.node)
            if made is None:  # it depends on no operand
                continue
            value = cr.graph(cr.Array(made), [cr.Array(node) for node in many]).at(*given).value
            for item in range(ITEMS):
                expected = wanted(case, sets[item])[at]
                np.testing.assert_allclose(value[item], expected, rtol=1e-12, atol=1e-12)
        count += 1
    return Result(f"{count} batches of {ITEMS}")


CHECKS: dict[str, Callable[[str], Result]] = {
    "values": values,
    "dtypes": dtypes,
    "shapes": shapes,
    "derivative": derivative,
    "second derivative": second_derivative,
    "batching of all operands": batching,
}


def result(name: str, check: str) -> Result:
    """What a check finds; for what gives no array, or refuses, there is one thing to check."""
    if name in QUESTIONS:
        x = np.ones((2, 3))
        assert QUESTIONS[name](cr.input("x", (2, 3))) == QUESTIONS[name](x)
        return ANSWERED
    if name in REFUSED:
        with pytest.raises(cr.GraphError, match="E235"):
            REFUSED[name](cr.input("x", (2, 3)))
        return SHAPELESS
    assert name in EXAMPLES, f"write an example of {name} in tests/ops/composite/examples.py"
    return CHECKS[check](name)


def title(name: str) -> str:
    """The name of a row: other names of NumPy's functions stand beside it."""
    return ", ".join(f"`{path}`" for path in dict.fromkeys([name, *ALL[name]]))


def head() -> str:
    lines = [
        "## Functions that are made of them",
        "",
        "A row for each function of NumPy that is made of operations, and for those of this",
        "project. Their examples stand in `tests/ops/composite/examples.py`; one without fails.",
        "",
        "| column | what is compared |",
        "| --- | --- |",
        *(f"| {name} | {check.__doc__} |" for name, check in CHECKS.items()),
        "",
        f"| function | {' | '.join(CHECKS)} |",
        "| --- " * (len(CHECKS) + 1) + "|",
        "",
    ]
    return "\n".join(lines)


def table(cell: Callable[[str, str], str]) -> str:
    """The table, its cells from ``cell(name, name of the check)``."""
    rows = [f"| {title(name)} | {' | '.join(cell(name, c) for c in CHECKS)} |" for name in names()]
    return head() + "\n".join([*rows, ""])


def names() -> list[str]:
    """In the order of the alphabet, the main namespace first."""
    return sorted(ALL, key=lambda name: ("." in name, name))


def cells(table: str) -> dict[tuple[str, str], str]:
    """The cells of the table by function and check."""
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| `")]
    return {
        (name.partition(",")[0].strip(" `"), check): cell.strip()
        for name, *found in rows
        for check, cell in zip(CHECKS, found, strict=True)
    }
