"""The checks of the op matrix of arrays for operations with several results, all at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.api.array import Array
from chainrule.diff.batch import batch
from chainrule.diff.forward import tangents as pushed
from chainrule.diff.reverse import adjoints as pulled
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node, make
from chainrule.graph.op import Example, Op
from chainrule.graph.types import Type
from chainrule.ops.several import results
from chainrule.run.kernels import kernel
from chainrule.run.program import Program
from tests.ops.matrix import Result

ITEMS = 3
Operands = Callable[..., list[Any]]


def evaluated(outputs: list[Any], inputs: list[Any], values: list[Any]) -> Any:
    """The values of several outputs at once."""
    program = Program(Dag([out.node for out in outputs], [term.node for term in inputs]))
    return program(*[np.asarray(value)[()] for value in values])


class Checks:
    """The checks, given how operands are drawn for an example."""

    def __init__(self, operands_of: Operands) -> None:
        self.operands_of = operands_of

    def terms(self, op: Op, example: Example, operands: list[Any]) -> tuple[list[Any], list[Any]]:
        """Inputs for operands, and the results over them."""
        types = [Type.of(x.dtype, x.shape) for x in operands]
        terms = [Array(input_node(f"x{at}", type)) for at, type in enumerate(types)]
        return terms, results(op, terms, op.normal_params(example.params), Array)

    def applied(self, op: Op, example: Example, operands: list[Any]) -> tuple[Any, ...]:
        """All results by the kernel."""
        count = len(self.terms(op, example, operands)[1])
        found = kernel(op)(*operands, *op.normal_params(example.params), (True,) * count)
        return tuple(found)

    def shapes(self, op: Op) -> Result:
        kinds = set()
        for example in op.examples:
            for real in ("float64", "float32"):
                operands = self.operands_of(op, example, real=real)
                _, terms = self.terms(op, example, operands)
                whole = self.applied(op, example, operands)
                params = op.normal_params(example.params)
                for at, (value, term) in enumerate(zip(whole, terms, strict=True)):
                    assert np.shape(value) == term.shape
                    assert value.dtype == term.dtype
                    wanted = tuple(k == at for k in range(len(terms)))
                    alone = kernel(op)(*operands, *params, wanted)[at]
                    near = 1e-12 if real == "float64" else 1e-5
                    np.testing.assert_allclose(alone, value, rtol=near, atol=near)
            kinds |= {"empty" for shape in example.shapes if 0 in shape}
        also = f", {' and '.join(sorted(kinds))} among them" if kinds else ""
        return Result(f"{len(op.examples)} examples{also}")

    def ways(self, op: Op, example: Example) -> tuple[Any, ...]:
        """What a random change of the operands and random adjoints of the results give."""
        operands = self.operands_of(op, example)
        terms, outs = self.terms(op, example, operands)
        random = np.random.default_rng(1)
        changes = [random.uniform(-1, 1, x.shape) for x in operands]
        given = [random.uniform(-1, 1, x.shape) for x in outs]
        dots = [cr.input(f"dot{at}", x.shape) for at, x in enumerate(operands)]
        bars = [cr.input(f"bar{at}", x.shape) for at, x in enumerate(outs)]
        order = Dag([out.node for out in outs]).topological_order()
        seeds = {term.node: dot.node for term, dot in zip(terms, dots, strict=True)}
        there = pushed(order, seeds)
        starts = [(out.node, bar.node) for out, bar in zip(outs, bars, strict=True)]
        back = pulled(order, starts, {*order})
        zeros = [cr.constant(np.zeros(out.shape)) for out in outs]
        values = [*operands, *changes, *given]
        inputs = [*terms, *dots, *bars]
        known = [Array(there.of(out.node)) if out.node in there else zero
                 for out, zero in zip(outs, zeros, strict=True)]  # fmt: skip
        moved = evaluated(known, inputs, values)
        shares = evaluated([Array(back.of(term.node)) for term in terms], inputs, values)
        return operands, changes, given, moved, shares

    def tangents(self, op: Op) -> Result:
        for example in op.examples:
            operands, changes, _, moved, _ = self.ways(op, example)
            step = 1e-6
            ends = [
                self.applied(
                    op,
                    example,
                    [x + side * step * dx for x, dx in zip(operands, changes, strict=True)],
                )
                for side in (1, -1)
            ]
            for got, above, below in zip(moved, *ends, strict=True):
                np.testing.assert_allclose(got, (above - below) / (2 * step), 1e-6, 1e-8)
        return Result(f"{len(op.examples)} maps")

    def adjoints(self, op: Op) -> Result:
        for example in op.examples:
            _, changes, given, moved, shares = self.ways(op, example)
            product = sum(np.vdot(bar, dot) for bar, dot in zip(given, moved, strict=True))
            back = sum(np.vdot(bar, dot) for bar, dot in zip(shares, changes, strict=True))
            assert back == pytest.approx(product, rel=1e-12, abs=1e-13)
        return Result(f"{len(op.examples)} maps")

    def second_derivative(self, op: Op) -> Result:
        for example in op.examples:
            operands = self.operands_of(op, example)
            terms, outs = self.terms(op, example, operands)
            random = np.random.default_rng(2)
            squares = [cr.sum(out * out * random.uniform(0.5, 1, out.shape)) for out in outs]
            cubes = [cr.sum(out**3) for out in outs]  # squares of unit vectors say little
            total = squares[0]
            for more in (*squares[1:], *cubes):
                total = total + more
            graph = cr.graph(total, terms)
            wrt = [term.node.name for term in terms]
            gradient = graph.gradient(wrt)
            swept = graph.at(*operands).gradient
            for name, symbolic in zip(wrt, gradient(*operands)[1], strict=True):
                np.testing.assert_allclose(swept[name], symbolic, rtol=1e-12, atol=1e-13)
            changes = [random.uniform(-1, 1, x.shape) for x in operands]
            _, got = gradient.jvp(wrt)(*operands, *changes)
            step = 1e-6
            above, below = (
                gradient(*[x + side * step * dx for x, dx in zip(operands, changes, strict=True)])
                for side in (1, -1)
            )
            for mine, high, low in zip(got[1:], above[1], below[1], strict=True):
                np.testing.assert_allclose(mine, (high - low) / (2 * step), rtol=1e-5, atol=1e-6)
        return Result(f"{len(op.examples)} graphs")

    def single_precision(self, op: Op) -> Result:
        for example in op.examples:
            operands = self.operands_of(op, example, real="float32")
            terms, outs = self.terms(op, example, operands)
            order = Dag([out.node for out in outs]).topological_order()
            there = pushed(order, {term.node: term.node for term in terms})
            back = pulled(order, [(out.node, out.node) for out in outs], {*order})
            assert all(
                there.of(out.node).type is out.node.type for out in outs if out.node in there
            )
            assert all(back.of(term.node).type is term.node.type for term in terms)
        return Result(f"{len(op.examples)} maps")

    def batching(self, op: Op) -> Result:
        count = 0
        for example in op.examples:
            sets = [self.operands_of(op, example, seed) for seed in range(ITEMS)]
            for batched in itertools.product([False, True], repeat=len(example.shapes)):
                if not any(batched):
                    continue
                terms, outs = self.terms(op, example, sets[0])
                given = [
                    np.stack([items[at] for items in sets]) if has else sets[0][at]
                    for at, has in enumerate(batched)
                ]
                many = [Array(input_node(f"m{at}", Type.of(x.dtype, x.shape))) for at, x in
                        enumerate(given)]  # fmt: skip
                pairs = zip(terms, many, batched, strict=True)
                found = batch(
                    Dag([out.node for out in outs]).topological_order(),
                    {term.node: items.node for term, items, has in pairs if has},
                    ITEMS,
                )
                inputs = [items if has else term for term, items, has in
                          zip(terms, many, batched, strict=True)]  # fmt: skip
                values = evaluated([Array(found[out.node]) for out in outs], inputs, given)
                for item in range(ITEMS):
                    chosen = [sets[item if has else 0][at] for at, has in enumerate(batched)]
                    expected = self.applied(op, example, chosen)
                    for value, wanted in zip(values, expected, strict=True):
                        np.testing.assert_allclose(value[item], wanted, rtol=1e-12, atol=1e-14)
                count += 1
        return Result(f"{count} batches of {ITEMS}")

    def files(self, op: Op) -> Result:
        for example in op.examples:
            operands = self.operands_of(op, example)
            terms, outs = self.terms(op, example, operands)
            dag = Dag([out.node for out in outs], [term.node for term in terms])
            assert text.read(text.write(dag)) == dag
            assert flat.from_json(flat.to_json(dag)) == dag
            node = make(op, tuple(t.node for t in terms), op.normal_params(example.params))
            assert node is outs[0].node.operands[0]
        return Result(f"{len(op.examples)} graphs")

    def saved_values(self, op: Op) -> Result:
        example = op.examples[0]
        terms, outs = self.terms(op, example, self.operands_of(op, example))
        order = Dag([out.node for out in outs]).topological_order()
        bars = [input_node(f"bar{at}", out.node.type) for at, out in enumerate(outs)]
        back = pulled(
            order, [(out.node, bar) for out, bar in zip(outs, bars, strict=True)], {*order}
        )
        names = {out.node: f"result {at}" for at, out in enumerate(outs)}
        names |= {term.node: name for term, name in zip(terms, op.operands, strict=True)}
        found: list[str] = []
        waiting = [back.of(term.node) for term in terms]
        seen = set(waiting)
        while waiting:  # what a result is computed from is not kept
            node = waiting.pop()
            if node in names:
                found.append(names[node])
                continue
            fresh = {*node.operands} - seen
            seen |= fresh
            waiting += fresh
        return Result(", ".join(sorted(found)))
