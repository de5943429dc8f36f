"""Random graphs of numbers and arrays, and arguments for them: what the native engine is fed with.

Two kinds can be compared to the bit with any other way to run them. *Whole* graphs compute with
small whole numbers (and NaN, infinities, zeros of both signs), so that sums are exact in any order.
*Free* graphs use every operation that IEEE 754 or NumPy defines to the bit, and have sums and
functions such as exp at their ends only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from chainrule.graph.dag import Dag
from chainrule.graph.node import Node, constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type

SMALL = (0, 1, 1, 2, 3, 4, 5, 7, 8, 9)
LONG = (15, 16, 17, 31, 33, 64, 65, 255, 257, 1023, 1024, 1025, 2049, 4096, 4099, 8200)
MOST = 10_000

EXACT_1 = ("negate", "square", "abs", "sign", "floor", "ceil", "round", "stop_gradient")
EXACT_FLOAT_1 = ("sqrt", "reciprocal", "relu", "leaky_relu")
EXACT_2 = ("add", "subtract", "multiply", "minimum", "maximum")
REMAINDERS = ("fmod", "remainder", "floor_divide")
RELATIONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
LOGIC = ("logical_and", "logical_or", "logical_xor")
ROUNDED = ("exp", "log", "sin", "tanh", "log1p", "expm1", "sigmoid", "softplus", "erf", "atan")


class Made(NamedTuple):
    """A random graph.

    Attributes:
        dag: The graph.
        rounded: For each output, how its values are compared: 0 to the bit, else the node whose
            elements it adds up or is a function of.
    """

    dag: Dag
    rounded: tuple[Node | None, ...]


class Builder:
    """A graph in the making."""

    def __init__(self, random: Random, *, whole: bool, numbers: bool = False, foreign: bool = True):
        self.random = random
        self.whole = whole
        self.numbers = numbers
        self.foreign = foreign and whole
        self.pool: list[Node] = []
        self.inputs: list[Node] = []
        self.rounded: dict[Node, Node] = {}

    def op(self, name: str, *operands: Node, params=()) -> Node:
        return make(OPS[name], operands, params)

    # --- types ------------------------------------------------------------------------------

    def size(self) -> int:
        return self.random.choice(SMALL)

    def shape(self) -> tuple[int, ...]:
        if self.numbers:
            return ()
        rank = self.random.choice((0, 1, 1, 1, 1, 2, 2, 2, 3))
        if rank == 1 and self.random.random() < 0.5:
            return (self.random.choice(LONG),)
        return tuple(self.size() for _ in range(rank))

    def dtype(self) -> str:
        return self.random.choice(("float64",) * 8 + ("float32", "int64", "int32", "bool"))

    def leaf(self) -> Node:
        type = Type.of(self.dtype(), self.shape())
        if self.inputs and self.random.random() < 0.35:
            return self.constant(type)
        node = input_node(f"x{len(self.inputs)}", type)
        self.inputs.append(node)
        return node

    def constant(self, type: Type) -> Node:
        random = self.random
        if random.random() < 0.7 or 0 in type.shape or not type.shape:
            number = random.choice((0, 1, 2, -1, 3, -2, 0.0, -0.0, 4, 0.5 if not self.whole else 5))
            return constant_node(type.dtype.type(number), type)
        values = [random.randrange(-3, 4) for _ in range(math.prod(type.shape))]
        return constant_node(np.array(values).astype(type.dtype).reshape(type.shape), type)

    # --- growing ----------------------------------------------------------------------------

    def any(self, wanted=lambda node: True) -> Node:
        """A node of the pool, younger ones more often; a new leaf where none is wanted."""
        found = [node for node in self.pool if wanted(node)]
        if not found or self.random.random() < 0.08:
            for _ in range(20):
                node = self.leaf()
                if wanted(node):
                    self.pool.append(node)
                    return node
                if node in self.inputs:
                    self.inputs.remove(node)
            return None
        at = max(self.random.randrange(len(found)), self.random.randrange(len(found)))
        return found[at]

    def like(self, type: Type) -> Node:
        """A node of this type."""
        found = [node for node in self.pool if node.type is type]
        if found and self.random.random() < 0.8:
            return self.random.choice(found)
        source = self.any(lambda n: n.type.dtype == type.dtype)
        made = None if source is None else self.fitted(source, type.shape)
        return self.constant(type) if made is None else made

    def fitted(self, node: Node, shape: tuple[int, ...]) -> Node | None:
        """The node cut, padded or spread to this shape."""
        own = node.type.shape
        if not own:
            return node if not shape else self.op("broadcast", node, params=(shape, ()))
        if len(own) != len(shape):
            return None
        for axis, (have, want) in enumerate(zip(own, shape, strict=True)):
            if have == want:
                continue
            now = node.type.shape
            target = (*now[:axis], want, *now[axis + 1 :])
            starts = [0] * len(now)
            steps = (1,) * len(now)
            if have == 1 and self.random.random() < 0.7:
                node = self.op("broadcast", node, params=(target, tuple(range(len(now)))))
            elif have > want:
                starts[axis] = self.random.randrange(have - want + 1) if want else 0
                node = self.op("slice", node, params=(tuple(starts), target, steps))
            else:
                starts[axis] = self.random.randrange(want - have + 1)
                node = self.op("embed", node, params=(target, tuple(starts), steps))
        return node

    def grow(self) -> None:
        """Add a node to the pool."""
        ways = [self.one, self.two, self.two, self.two, self.choice, self.converted]
        if not self.numbers:
            ways += [self.view] * 7 + [self.added] * 2
            if self.foreign:
                ways += [self.by_numpy]
        node = self.random.choice(ways)()
        if node is not None and math.prod(node.type.shape) <= MOST:
            self.pool.append(node)

    def tame(self, node: Node) -> Node:
        """Whole numbers stay small."""
        if self.whole and node.type.is_float:
            low, high = (constant_node(x, node.type) for x in (-100.0, 100.0))
            return self.op("clip", node, low, high)
        return node

    def one(self) -> Node | None:
        node = self.any()
        if node is None:
            return None
        if node.type.is_bool:
            return self.op("logical_not", node)
        names = EXACT_1
        if not self.whole and node.type.is_float:
            names += EXACT_FLOAT_1
        name = self.random.choice(names)
        params = (0.5,) if name == "leaky_relu" else ()
        return self.tame(self.op(name, node, params=params))

    def two(self) -> Node | None:
        x = self.any()
        if x is None:
            return None
        y = self.like(x.type)
        if self.random.random() < 0.5:
            x, y = y, x
        if x.type.is_bool:
            return self.op(self.random.choice(LOGIC), x, y)
        if self.random.random() < 0.2:
            return self.op(self.random.choice(RELATIONS), x, y)
        names = EXACT_2
        if not x.type.is_float:
            names += REMAINDERS
        elif not self.whole:
            names += ("divide", *REMAINDERS)
        return self.tame(self.op(self.random.choice(names), x, y))

    def choice(self) -> Node | None:
        x = self.any()
        if x is None:
            return None
        return self.op("where", self.like(Type.of("bool", x.type.shape)), x, self.like(x.type))

    def converted(self) -> Node | None:
        x = self.any()
        if x is None:
            return None
        choices = ["float64", "float32"]
        if not x.type.is_float:
            choices += ["int64", "bool"]
        return self.op("convert", x, params=(self.random.choice(choices),))

    def added(self) -> Node | None:
        x = self.any(lambda n: n.type.shape and not n.type.is_bool)
        if x is None:
            return None
        rank = len(x.type.shape)
        axes = tuple(sorted(self.random.sample(range(rank), self.random.randint(1, rank))))
        if self.random.random() < 0.4:
            axes = tuple(range(rank))
        if not self.whole and x.type.is_float:
            total = self.op("sum", x, params=(axes,))
            self.rounded[total] = x
            return None
        return self.tame(self.op("sum", x, params=(axes,)))

    def view(self) -> Node | None:
        node = self.any(lambda n: n.type.shape)
        if node is None:
            return None
        way = self.random.choice(
            (self.sliced, self.sliced, self.embedded, self.joined, self.turned, self.reshaped,
             self.spread)
        )  # fmt: skip
        return way(node)

    def sliced(self, node: Node) -> Node:
        starts, sizes, steps = [], [], []
        for size in node.type.shape:
            how = self.random.randrange(5)
            step = self.random.choice((1, 1, 1, -1, 2, -2, 3)) if how else 1
            if not size:
                start, count = 0, 0
            elif how == 0:
                start, count = 0, size
            else:
                start = self.random.randrange(size)
                most = (size - 1 - start) // step + 1 if step > 0 else start // -step + 1
                count = most if self.random.random() < 0.7 else self.random.randint(0, most)
                if how == 1 and abs(step) == 1:  # one less at an end
                    start, count = (1, size - 1) if step > 0 else (size - 1, size)
            starts.append(start)
            sizes.append(count)
            steps.append(step)
        return self.op("slice", node, params=(tuple(starts), tuple(sizes), tuple(steps)))

    def embedded(self, node: Node) -> Node:
        starts, sizes, steps = [], [], []
        for size in node.type.shape:
            step = self.random.choice((1, 1, 1, 1, 1, 2, -1))
            before, after = (self.random.choice((0, 0, 1, 2)) for _ in range(2))
            span = (size - 1) * abs(step) + 1 if size else 0
            starts.append(before if step > 0 else before + max(span - 1, 0))
            sizes.append(before + span + after)
            steps.append(step)
        starts = [min(s, max(n - 1, 0)) for s, n in zip(starts, sizes, strict=True)]
        try:
            return self.op("embed", node, params=(tuple(sizes), tuple(starts), tuple(steps)))
        except Exception:
            return node

    def joined(self, node: Node) -> Node:
        axis = self.random.randrange(len(node.type.shape))
        shape = node.type.shape

        def fits(other: Node) -> bool:
            own = other.type.shape
            return (
                other.type.dtype == node.type.dtype
                and len(own) == len(shape)
                and own[:axis] + own[axis + 1 :] == shape[:axis] + shape[axis + 1 :]
            )

        others = [other for other in self.pool if fits(other)]
        chosen = [self.random.choice(others) for _ in range(self.random.randint(1, 3)) if others]
        parts = [node, *chosen]
        self.random.shuffle(parts)
        return self.op("concatenate", *parts, params=(axis,))

    def turned(self, node: Node) -> Node:
        axes = list(range(len(node.type.shape)))
        self.random.shuffle(axes)
        return self.op("transpose", node, params=(tuple(axes),))

    def reshaped(self, node: Node) -> Node:
        count = math.prod(node.type.shape)
        shape = list(node.type.shape)
        way = self.random.randrange(3)
        if way == 0:
            shape = [count]
        elif way == 1:
            shape.insert(self.random.randrange(len(shape) + 1), 1)
        elif count:
            first = self.random.choice([n for n in range(1, min(count, 40) + 1) if count % n == 0])
            shape = [first, count // first]
        return self.op("reshape", node, params=(tuple(shape),))

    def spread(self, node: Node) -> Node:
        own = node.type.shape
        shape, axes = [], []
        for size in own:
            if self.random.random() < 0.25:
                shape.append(self.random.choice((1, 2, 3)))
            axes.append(len(shape))
            shape.append(self.random.choice((1, 2, 5, 9)) if size == 1 else size)
        if self.random.random() < 0.25:
            shape.append(self.random.choice((1, 2, 8)))
        if len(shape) > 5 or math.prod(shape) > MOST:
            return node
        return self.op("broadcast", node, params=(tuple(shape), tuple(axes)))

    def by_numpy(self) -> Node | None:
        node = self.any(lambda n: n.type.shape and 0 not in n.type.shape)
        if node is None:
            return None
        rank = len(node.type.shape)
        axis = self.random.randrange(rank)
        if node.type.is_bool:
            return self.op(self.random.choice(("any", "all")), node, params=((axis,),))
        name = self.random.choice(
            ("cumsum", "reduce_max", "reduce_min", "argmax", "argsort", "contract", "gather",
             "cumsum")
        )  # fmt: skip
        if name == "cumsum":
            return self.tame(self.op(name, node, params=(axis, self.random.random() < 0.5)))
        if name in ("argmax", "argsort"):
            return self.op(name, node, params=(axis,))
        if name == "gather":
            count = self.random.randrange(5)
            rows = [self.random.randrange(node.type.shape[0]) for _ in range(count)]
            at = constant_node(np.array(rows, np.int64), Type.of("int64", (count,)))
            try:
                return self.op("gather", node, at)
            except Exception:
                return None
        if name == "contract":
            if rank != 2 or not node.type.is_float:
                return None
            other = self.op("transpose", node, params=((1, 0),))
            return self.tame(self.op("contract", node, other, params=((0, 1), (1, 2), (0, 2))))
        return self.op(name, node, params=((axis,),))

    # --- the whole --------------------------------------------------------------------------

    def graph(self, steps: int) -> Made:
        random = self.random
        self.pool.append(self.leaf())
        for _ in range(steps):
            self.grow()
        ends = list(self.rounded)
        if not self.whole:
            for _ in range(random.randrange(3)):
                node = self.any(lambda n: n.type.dtype == np.float64)
                if node is not None:
                    end = self.op(random.choice(ROUNDED), node)
                    self.rounded[end] = node
                    ends.append(end)
        count = random.choice((1, 1, 2, 3, 5))
        outputs = [*self.pool[-count:], *ends[-3:]]
        if random.random() < 0.2:
            outputs.append(random.choice(outputs))
        if random.random() < 0.15:
            outputs.append(random.choice(self.inputs or outputs))
        if random.random() < 0.1:
            outputs.append(self.constant(Type.of("float64", self.shape())))
        random.shuffle(outputs)
        dag = Dag(outputs, self.inputs)
        return Made(dag, tuple(self.rounded.get(node) for node in dag.outputs))


def graph_of(random: Random, kind: str | None = None) -> Made:
    """A random graph.

    Args:
        random: Where choices come from.
        kind: ``whole``, ``free``, ``numbers`` or ``whole numbers``; None: any.
    """
    kind = kind or random.choice(("whole", "whole", "free", "free", "numbers", "whole numbers"))
    builder = Builder(random, whole="whole" in kind, numbers="numbers" in kind)
    steps = random.choice((1, 2, 3, 5, 8, 12, 18))
    if "numbers" in kind:
        steps = random.choice((1, 3, 8, 8, 20, 20, 60, 400))
    return builder.graph(steps)


# --- arguments ------------------------------------------------------------------------------------

SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan)
HARD = (5e-324, -5e-324, 1e308, -1e308, 2.2250738585072014e-308, 1e-310, 0.1, 1e16, 2.0**53)


def value_of(random: Random, type: Type, *, whole: bool, tame: bool = False) -> np.ndarray:
    """An argument of this type, with strange numbers among its elements unless ``tame``."""
    source = np.random.default_rng(random.getrandbits(32))
    shape = type.shape
    if type.is_bool:
        return source.random(shape) < 0.5
    if type.is_float and not whole:
        value = source.normal(size=shape) * 10.0 ** source.integers(-3, 4, size=shape)
    else:
        value = source.integers(-9, 10, size=shape)
    value = np.array(value, type.dtype)
    if type.is_float and not tame:
        strange = SPECIAL if whole else SPECIAL + HARD
        mask = source.random(shape) < random.choice((0.0, 0.0, 0.05, 0.5))
        with np.errstate(all="ignore"):
            value = np.where(mask, source.choice(strange, size=shape).astype(type.dtype), value)
    return np.asarray(value, type.dtype)


def values_for(random: Random, made: Made, *, whole: bool, tame: bool = False) -> list[np.ndarray]:
    return [value_of(random, node.type, whole=whole, tame=tame) for node in made.dag.inputs]


# --- comparing ------------------------------------------------------------------------------------


def difference(got: object, expected: object) -> str:
    """How two results differ in type, shape or bits; a NaN is like every other."""
    a, b = np.asarray(got), np.asarray(expected)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{a.dtype}{a.shape} for {b.dtype}{b.shape}"
    if a.dtype.kind != "f":
        return "" if np.array_equal(a, b) else f"{a} for {b}"
    bits = f"u{a.itemsize}"
    a, b = np.ascontiguousarray(a).ravel(), np.ascontiguousarray(b).ravel()
    same = (np.isnan(a) & np.isnan(b)) | (a.view(bits) == b.view(bits))
    if same.all():
        return ""
    at = np.flatnonzero(~same)[:4]
    return f"at {at.tolist()} of {a.size}: {a[at].tolist()} for {b[at].tolist()}"


def far(got: object, expected: object, terms: object, node: Node) -> str:
    """How a rounded result differs: a sum by more than its bound, a function by some rounding."""
    a, b = np.asarray(got), np.asarray(expected)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{a.dtype}{a.shape} for {b.dtype}{b.shape}"
    with np.errstate(all="ignore"):
        if node.op.name != "sum":
            close = np.isclose(a, b, rtol=1e-13, atol=1e-300, equal_nan=True)
            return "" if close.all() else f"{a[~close][:4]} for {b[~close][:4]}"
        (axes,) = node.params
        rest = [axis for axis in range(np.ndim(terms)) if axis not in axes]
        count = math.prod(np.shape(terms)[axis] for axis in axes)
        rows = np.transpose(terms, [*rest, *axes]).reshape(b.size, count)
        for one, row in zip(a.reshape(-1), rows, strict=True):
            problem = _sum_differs(one, row)
            if problem:
                return problem
    return ""


def _sum_differs(got: np.floating, row: Sequence[float]) -> str:
    size = float(np.abs(row.astype(np.float64)).sum())
    if not size < float(np.finfo(got.dtype).max) / 4:
        if np.isnan(row).any() and not np.isnan(got):
            return f"{got} with NaN"
        return ""
    exact = math.fsum(row.tolist())
    # No more than 256 vectors, or rows of some, are added up plainly.
    bound = float(np.finfo(got.dtype).eps) * size * (4 + min(len(row), 256) / 8)
    bound += float(np.finfo(got.dtype).smallest_subnormal)
    return "" if abs(float(got) - exact) <= bound else f"{got} for {exact}, bound {bound}"
