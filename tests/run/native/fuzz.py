"""A campaign of random graphs and hostile arguments against compiled graphs and `jit`.

``python -m tests.run.native.fuzz --graphs 10000 --seed 0`` prints each finding with its seed, then
figures. A crash names the seed it happened at (``--seed N --graphs 1`` repeats it).
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import faulthandler
import gc
import pickle
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.api.array import Array
from chainrule.errors import ChainruleError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.program import Program
from tests.run.native.random_graphs import difference, far, graph_of, value_of, values_for


class Rude:
    def __array__(self, *_, **__):
        raise RuntimeError("no array")

    def __float__(self):
        raise ValueError("no float")


class Odd(np.ndarray):
    pass


def _structured() -> np.ndarray:
    return np.zeros(3, [("a", "f8"), ("b", "i4")])


HOSTILE: list[Callable[[], Any]] = [
    lambda: "text", lambda: None, object, lambda: [1.0, [2.0]], lambda: 1j,
    lambda: np.ones(3, "c16"),
    lambda: np.array("x"), lambda: np.datetime64("2020-01-01"), _structured, lambda: 10**400,
    lambda: -(10**30), Rude, lambda: {"a": 1.0}, lambda: (x for x in (1, 2)), lambda: b"bytes",
    lambda: np.array(None), lambda: np.array([1.0, None]),
    lambda: np.ma.masked_array([1.0, 2], [1, 0]),
    lambda: np.float16(1.5), lambda: np.uint64(2**63 + 1), lambda: np.longdouble("1e4000"),
    lambda: True, lambda: 3, lambda: 2.5, lambda: np.nan, lambda: np.inf, lambda: np.zeros((0,)),
    lambda: np.ones((1, 1, 1, 1)), list, lambda: np.ones(7).view(Odd), lambda: np.array(4.0),
    lambda: np.broadcast_to(1.0, (3,)), lambda: memoryview(b"1234"), lambda: np.float32(3),
    lambda: cr.parse("x"), lambda: slice(1), lambda: float, lambda: np.int8(-1), lambda: -0.0,
]  # fmt: skip


class Check:
    """One graph and what it is put through."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.kind = self.random.choice(("whole", "free", "free", "numbers", "whole numbers"))
        self.whole = "whole" in self.kind
        self.problems: list[str] = []
        self.calls = 0

    def run(self) -> None:
        random = self.random
        self.made = graph_of(random, self.kind)
        self.graph = cr.Graph(self.made.dag)
        self.fast = self.graph.compile(budget=random.choice((0, 60)), threads=random.choice((1, 3)))
        self.agree("at once", self.fast)
        self.fast.wait(60)
        if random.random() < 0.1:
            copy = pickle.loads(pickle.dumps(self.fast)).wait(60)
            self.agree("pickled", copy)
        for _ in range(2):
            self.agree("called", self.fast)
        self.agree("disguised", self.fast, disguise=True)
        self.memory()
        if "numbers" in self.kind:
            self.points()
        for _ in range(3):
            self.hostile()
        if random.random() < 0.3:
            self.jitted()
        if self.kind == "numbers":
            self.gradients()
        if random.random() < 0.1:
            texts = [self.fast.ir(kind) for kind in ("kernels", "llvm")]
            texts += [str(self.fast.report()), repr(self.fast)]
            if not all(texts):
                self.problems.append("an empty listing")
        if random.random() < 0.1:
            self.graph.compile(budget=60, fast_math=True)(*self.values())

    # --- comparing --------------------------------------------------------------------------

    def values(self) -> list[Any]:
        return [value[()] for value in values_for(self.random, self.made, whole=self.whole)]

    def expected(self, values: list[Any]) -> list[tuple[Any, Any, Node | None]]:
        """For each output the value, the terms where it is a sum, and the node that is rounded."""
        dag = self.made.dag
        terms = [node for node in self.made.rounded if node is not None]
        found = Program(Dag([*dag.outputs, *terms], dag.inputs))(*values)
        extra = iter(found[len(dag.outputs) :])
        return [
            (value, None if rounded is None else next(extra), node if rounded is not None else None)
            for value, rounded, node in zip(found, self.made.rounded, dag.outputs, strict=False)
        ]

    def compare(self, what: str, got: Any, values: list[Any]) -> None:
        self.calls += 1
        wanted = self.expected(values)
        got = [got] if len(wanted) == 1 else got
        for at, (one, (value, terms, node)) in enumerate(zip(got, wanted, strict=True)):
            if isinstance(one, (float, int)):
                one = np.asarray(one, value.dtype)
            problem = difference(one, value) if node is None else far(one, value, terms, node)
            if problem:
                self.problems.append(f"{what}: output {at}: {problem}")
        held = [x for x in values if isinstance(x, np.ndarray)]
        arrays = [x for x in got if isinstance(x, np.ndarray)]
        for at, one in enumerate(arrays):
            if any(np.may_share_memory(one, x) for x in (*held, *arrays[:at]) if x.size):
                self.problems.append(f"{what}: a result shares memory")
            if not one.flags.writeable:
                self.problems.append(f"{what}: a result cannot be written to")

    def agree(self, what: str, function: Any, *, disguise: bool = False) -> None:
        values = self.values()
        before = [np.copy(value) for value in values]
        given = [self.disguised(value) for value in values] if disguise else values
        if disguise and self.random.random() < 0.5:
            names = [node.name for node in self.made.dag.inputs]
            got = function(**dict(zip(names, given, strict=True)))
        else:
            got = function(*given)
        self.compare(what, got, values)
        for a, b in zip(values, before, strict=True):
            if difference(a, b):
                self.problems.append(f"{what}: an argument was changed")

    def disguised(self, value: Any) -> Any:
        """The same numbers in another form."""
        if not isinstance(value, np.ndarray):
            return self.random.choice(
                (value, value.item(), np.asarray(value), np.asarray(value)[None][0])
            )
        way = self.random.randrange(8)
        if way == 0:
            return np.asfortranarray(value)
        if way == 1:
            wide = np.zeros((*value.shape[:-1], 2 * value.shape[-1]), value.dtype)
            wide[..., ::2] = value
            return wide[..., ::2]
        if way == 2:
            raw = np.zeros(value.nbytes + 1, np.uint8)
            shifted = raw[1:].view(value.dtype).reshape(value.shape)
            shifted[...] = value
            return shifted
        if way == 3:
            value = value.copy()
            value.setflags(write=False)
            return value
        if way == 4:
            return value.astype(value.dtype.newbyteorder())
        if way == 5 and value.size:
            return value.tolist()
        if way == 6:
            return value[::-1].copy()[::-1]
        return value.view(Odd)

    # --- memory of the caller's -------------------------------------------------------------

    def place(self, type: Any, shape: tuple[int, ...]) -> Any:
        """An array that may take a result, or None."""
        size = (*shape, *type.shape)
        if not size or self.random.random() < 0.2:
            return None
        way = self.random.randrange(5)
        if way == 0:
            return np.empty((*size[:-1], 2 * size[-1]), type.dtype)[..., ::2]
        if way == 1:
            raw = np.empty(int(np.prod(size)) * type.dtype.itemsize + 1, np.uint8)
            return raw[1:].view(type.dtype).reshape(size)
        if way == 2:
            return np.empty(size[::-1], type.dtype).T
        return np.empty(size, type.dtype)

    def memory(self) -> None:
        values = self.values()
        outputs = self.made.dag.outputs
        out = [self.place(node.type, ()) for node in outputs]
        copies = [np.copy(value)[()] for value in values]
        if self.random.random() < 0.4:  # a result in place of an argument
            for at, node in enumerate(outputs):
                for value, own in zip(values, self.made.dag.inputs, strict=True):
                    if own.type is node.type and own.type.shape and value.flags.writeable:
                        out[at] = value
        taken: list[Any] = []
        for at, one in enumerate(out):
            if one is not None and any(one is other for other in taken):
                out[at] = None
            taken.append(out[at])
        given = out[0] if len(out) == 1 else tuple(out)
        got = self.fast(*values, out=given)
        self.compare_out("out", got, copies, out)
        for node, one in zip(outputs, out, strict=True):
            if one is not None:
                self.refused(node, out, one)
                break

    def compare_out(self, what: str, got: Any, values: list[Any], out: list[Any]) -> None:
        parts = [got] if len(out) == 1 else got
        for one, place in zip(parts, out, strict=True):
            if place is not None and one is not place:
                self.problems.append(f"{what}: another array was handed out")
        parts = [np.copy(part)[()] if isinstance(part, np.ndarray) else part for part in parts]
        self.compare(what, parts[0] if len(parts) == 1 else parts, values)

    def refused(self, node: Node, out: list[Any], one: Any) -> None:
        """Memory that cannot take a result."""
        locked = np.empty(node.type.shape, node.type.dtype)
        locked.setflags(write=False)
        wrong = [
            locked,
            np.empty(node.type.shape, np.float16),
            np.empty((*node.type.shape, 1), node.type.dtype),
            one.astype(node.type.dtype.newbyteorder())
            if node.type.dtype.itemsize > 1
            else one.tolist(),
            one.tolist(),
            3.0,
            [one] * (len(out) + 1),
            "text",
        ]
        bad = self.random.choice(wrong)
        given = bad if len(out) == 1 else [bad if x is one else x for x in out]
        self.fails("out", lambda: self.fast(*self.values(), out=given))

    def fails(self, what: str, call: Callable[[], Any]) -> None:
        self.calls += 1
        try:
            call()
        except ChainruleError:
            return
        self.problems.append(f"{what}: nothing was said against it")

    # --- points -----------------------------------------------------------------------------

    def points(self) -> None:
        inputs = self.made.dag.inputs
        if not inputs:
            return
        random = self.random
        whole = random.choice(
            ((5,), (1,), (0,), (8,), (9,), (3, 7), (4, 1, 5), (0, 3), (1025,), (9000,))
        )
        values = []
        for node in inputs:
            shape: tuple[int, ...] = tuple(1 if random.random() < 0.3 else n for n in whole)
            shape = random.choice((whole, whole, shape, (), whole[1:]))
            type = node.type.with_shape(shape)
            values.append(value_of(random, type, whole=self.whole)[()])
        shape = np.broadcast_shapes(*map(np.shape, values))
        spread = [np.broadcast_to(value, shape) for value in values]
        copies = [x[()] for x in map(np.copy, spread)]
        given = [self.disguised(x) for x in values] if random.random() < 0.5 else values
        types = [node.type for node in self.made.dag.outputs]
        with np.errstate(all="ignore"):
            if shape and random.random() < 0.4:
                out = [self.place(type, shape) for type in types]
                got = self.fast(*given, out=out[0] if len(out) == 1 else out)
                parts = [got] if len(out) == 1 else got
                for one, place in zip(parts, out, strict=True):
                    if place is not None and one is not place:
                        self.problems.append("points: another array was handed out")
            else:
                got = self.fast(*given)
            self.calls += 1
            wanted = self.expected(copies)
            got = [got] if len(types) == 1 else got
            for at, (one, (value, terms, node)) in enumerate(zip(got, wanted, strict=True)):
                value = np.broadcast_to(value, shape)
                one = np.asarray(one, value.dtype) if isinstance(one, (float, int)) else one
                problem = difference(one, value) if node is None else far(one, value, terms, node)
                if problem:
                    self.problems.append(f"points {shape}: output {at}: {problem}")

    # --- hostile arguments ------------------------------------------------------------------

    def hostile(self) -> None:
        values: list[Any] = self.values()
        way = self.random.randrange(4)
        named: dict[str, Any] = {}
        if way == 0 and values:
            values.pop()
        elif way == 1:
            values.append(1.0)
        elif way == 2:
            named[self.random.choice(("x0", "x99", "self", "__call__", "\u00e9", ""))] = 1.0
        if values and self.random.random() < 0.8:
            values[self.random.randrange(len(values))] = self.random.choice(HOSTILE)()
        self.calls += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(ChainruleError):
                self.fast(*values, **named)

    # --- gradients --------------------------------------------------------------------------

    def gradients(self) -> None:
        """Backward over a tape, and the graph of derivatives."""
        dag = self.made.dag
        inputs = [node for node in dag.inputs if node.type.dtype == np.float64]
        outputs = [node for node in dag.outputs if node.type.dtype == np.float64]
        if not inputs or not outputs:
            return
        graph = cr.Graph(Dag(outputs[:1], dag.inputs))
        values = values_for(self.random, self.made, whole=False, tame=True)
        values = [value[()] for value in values]
        fast = graph.compile(gradient=True, budget=0)
        first, other = fast(*values), graph.gradient().compile(budget=60)(*values)
        again = fast.wait(60)(*values)
        self.calls += 3
        for got in (first, again):
            rows = zip([got[0], *got[1]], [other[0], *other[1]], strict=True)
            if not all(np.isclose(a, b, rtol=1e-9, equal_nan=True) for a, b in rows):
                self.problems.append(f"gradient: {got} for {other}")

    # --- jit --------------------------------------------------------------------------------

    def jitted(self) -> None:
        dag = self.made.dag
        if not dag.inputs:
            return
        order = dag.order

        def function(*arguments: Any) -> Any:
            nodes = {node: value.node for node, value in zip(dag.inputs, arguments, strict=True)}
            made = walk.rebuild(order, nodes)
            return tuple([Array(made[node]) for node in dag.outputs])

        fast = cr.jit(function)
        for what in ("jit", "jit with code"):
            values = self.values()
            # Numbers are of the types of the graph only as arrays.
            got = fast(*map(np.asarray, values))
            self.compare(what, list(got) if len(dag.outputs) > 1 else got[0], values)
            fast.wait(60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slowest", type=float, default=20.0, help="seconds that are a finding")
    options = parser.parse_args()
    faulthandler.enable()
    findings = 0
    kinds: collections.Counter[str] = collections.Counter()
    nodes = calls = 0
    begin = time.perf_counter()
    for seed in range(options.seed, options.seed + options.graphs):
        print(f"seed {seed}", end="\r", file=sys.stderr, flush=True)
        faulthandler.dump_traceback_later(180, exit=True)
        start = time.perf_counter()
        check = Check(seed)
        try:
            check.run()
        except Exception:
            check.problems.append(traceback.format_exc(limit=-6))
        spent = time.perf_counter() - start
        if spent > options.slowest:
            check.problems.append(f"took {spent:.1f} s")
        for problem in dict.fromkeys(check.problems):
            print(f"seed {seed} ({check.kind}): {problem}", flush=True)
        findings += bool(check.problems)
        kinds[check.kind] += 1
        calls += check.calls
        if hasattr(check, "made"):
            nodes += len(check.made.dag)
        if seed % 50 == 0:
            gc.collect()
    faulthandler.cancel_dump_traceback_later()
    print(
        f"{options.graphs} graphs from seed {options.seed}: {dict(kinds)}, {nodes} nodes, "
        f"{calls} calls, {findings} findings, {time.perf_counter() - begin:.0f} s"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
