"""Functions with derivatives of their own, and functions that no graph can hold.

What a function is and what its derivatives are is said in Python; the parameters of these
operations are the objects that hold it. A graph with such a node cannot be written to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Protocol

from chainrule.errors import DerivativeError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node
from chainrule.graph.op import Call, Joint, Op, Param, Params, Writing
from chainrule.graph.types import TupleType, Type
from chainrule.ops.copies import total
from chainrule.ops.inner import batched, check_arguments, graph, term_or_zero
from chainrule.ops.loop_parts import Loop, Part, scanned
from chainrule.ops.rearrange import along_front
from chainrule.ops.several import results, several, written_called
from chainrule.ops.term import Term
from chainrule.ops.unused import used_only


class Rules(Protocol):
    """The derivatives of a function as its author gave them.

    Attributes:
        name: Of the function.
        has_forward: Whether ``push`` can be called.
        has_reverse: Whether ``pull`` can be called.
    """

    @property
    def name(self) -> str: ...

    @property
    def has_forward(self) -> bool: ...

    @property
    def has_reverse(self) -> bool: ...

    def push(
        self, operands: Sequence[Term], outs: Sequence[Term], tangents: Sequence[Term]
    ) -> list[Term]:
        """The tangents of the results that are floating-point numbers."""
        ...

    def pull(
        self, operands: Sequence[Term], outs: Sequence[Term], adjoints: Sequence[Term]
    ) -> list[Term]:
        """The adjoints of the operands that are floating-point numbers."""
        ...


class Foreign(Protocol):
    """A function that is called when the graph runs.

    Attributes:
        name: Of the function.
        types: The types of its results.
    """

    @property
    def name(self) -> str: ...

    @property
    def types(self) -> tuple[Type, ...]: ...

    def run(self, operands: Sequence[Any]) -> Sequence[Any]:
        """The results for numbers."""
        ...


_serial: Final = count()
"""Numbers that tell the tangents of one transposition from those of another."""


def customised(dag: Dag, rules: Rules, operands: Sequence[Term]) -> list[Any]:
    """The results of a graph whose derivatives are given."""
    return results(CUSTOM, operands, (dag, rules))


def foreign(function: Foreign, operands: Sequence[Term]) -> list[Any]:
    """The results of a function that is called when the graph runs."""
    return results(FOREIGN, operands, (function,))


# --- custom ---------------------------------------------------------------------------------------


def _custom_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    dag, _ = params
    check_arguments(op.name, dag, types)
    return TupleType.of_parts([node.type for node in dag.outputs])


def _floats(terms: Sequence[Any], types: Sequence[Term]) -> list[Any]:
    """Of what belongs to terms, what belongs to floating-point ones."""
    return [x for x, like in zip(terms, types, strict=True) if like.node.type.is_float]


def _placed(made: Sequence[Term], like: Sequence[Term]) -> list[Term | None]:
    """What belongs to floating-point terms at their places; None at the others."""
    rest = iter(made)
    return [next(rest) if term.node.type.is_float else None for term in like]


def _filled(given: Sequence[Term | None], like: Sequence[Term]) -> list[Term]:
    pairs = zip(given, like, strict=True)
    return _floats([term_or_zero(x, term.node.type) for x, term in pairs], like)


def _custom_push(tangents: Any, call: Call, given: Sequence[Term | None]) -> list[Term | None]:
    rules: Rules = call.params[1]
    if not rules.has_forward:
        raise DerivativeError(
            "E343",
            f"{rules.name} has a rule for reverse mode only; give it one by @{rules.name}.forward",
        )
    filled = _filled(given, call.operands)
    return _placed(rules.push(call.operands, call.results, filled), call.results)


def _custom_pull(
    adjoints: Any, call: Call, given: Sequence[Term | None], wanted: Sequence[bool]
) -> list[Term | None]:
    rules: Rules = call.params[1]
    filled = _filled(given, call.results)
    if rules.has_reverse:
        made = _placed(rules.pull(call.operands, call.results, filled), call.operands)
    else:
        made = _transposed(adjoints, rules, call, filled)
    return [x if wants else None for x, wants in zip(made, wanted, strict=True)]


def _transposed(adjoints: Any, rules: Rules, call: Call, given: Sequence[Term]) -> list[Any]:
    """Reverse mode by a rule for forward mode, which is linear in the tangents: its transpose."""
    floats = _floats(call.operands, call.operands)
    # Rules nest: what one is transposed by must not be taken for what another one is.
    dots = [input_node(f"dot__{next(_serial)}", x.node.type) for x in floats]
    moved = rules.push(call.operands, call.results, list(map(Term, dots)))
    starts = [(x.node, bar.node) for x, bar in zip(moved, given, strict=True)]
    order = walk.depth_first([x.node for x in moved])
    flow = adjoints(order, starts, walk.descendants(order, dots))
    # A loop of values and tangents gives values too; what reads these depends on no tangent.
    made = list(map(Term, used_only([flow.of(dot) for dot in dots])))
    reached = walk.depth_first([x.node for x in made])
    if not set(dots).isdisjoint(reached):
        raise DerivativeError(
            "E344", f"the rule for forward mode of {rules.name} is not linear in the tangents"
        )
    return _placed(made, call.operands)


def _custom_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    dag, rules = call.params
    axes = {node for node, there in zip(dag.inputs, has, strict=True) if there}
    inner, _ = batched(batch, dag, axes, count, [True] * len(dag.outputs))
    types = tuple([node.type for node in dag.inputs])
    outs = tuple([node.type for node in dag.outputs])
    many = _Many(rules, batch, types, outs, tuple(has), count)
    return customised(inner, many, call.operands)


@dataclass(frozen=True)
class _Many:
    """Rules for many items at once."""

    rules: Rules
    batch: Callable[..., Any]
    types: tuple[Type, ...]
    outs: tuple[Type, ...]
    has: tuple[bool, ...]
    count: int

    @property
    def name(self) -> str:
        return self.rules.name

    @property
    def has_forward(self) -> bool:
        return self.rules.has_forward

    @property
    def has_reverse(self) -> bool:
        return self.rules.has_reverse

    def push(
        self, operands: Sequence[Term], outs: Sequence[Term], tangents: Sequence[Term]
    ) -> list[Term]:
        floats = [type for type in self.types if type.is_float]
        has = [there for type, there in zip(self.types, self.has, strict=True) if type.is_float]
        made = self._many(self.rules.push, floats, has, operands, outs, tangents)
        return [along_front(x, there, self.count) for x, there in made]

    def pull(
        self, operands: Sequence[Term], outs: Sequence[Term], adjoints: Sequence[Term]
    ) -> list[Term]:
        floats = [type for type in self.outs if type.is_float]
        made = self._many(self.rules.pull, floats, [True] * len(floats), operands, outs, adjoints)
        wanted = [there for type, there in zip(self.types, self.has, strict=True) if type.is_float]
        # What all items share gets what every one of them adds.
        return [
            along_front(x, there, self.count) if has else _added(x, there, self.count)
            for (x, there), has in zip(made, wanted, strict=True)
        ]

    def _many(
        self,
        rule: Callable[..., Sequence[Term]],
        types: Sequence[Type],
        has: Sequence[bool],
        operands: Sequence[Term],
        outs: Sequence[Term],
        changes: Sequence[Term],
    ) -> list[tuple[Term, bool]]:
        """A rule over placeholders for one item, made for many."""
        own = [*self.types, *self.outs, *types]
        many = [*self.has, *(True for _ in self.outs), *has]
        given = [*operands, *outs, *changes]
        inputs = [input_node(f"one__{at}", type) for at, type in enumerate(own)]
        terms = list(map(Term, inputs))
        first, second = len(self.types), len(self.types) + len(self.outs)
        made = rule(terms[:first], terms[first:second], terms[second:])
        nodes = [x.node for x in made]
        order = walk.depth_first(nodes)
        pairs = list(zip(inputs, given, many, strict=True))
        found = self.batch(order, {node: x.node for node, x, there in pairs if there}, self.count)
        kept = {node: x.node for node, x, there in pairs if not there}
        new = walk.rebuild(walk.depth_first([found.get(node, node) for node in nodes]), kept)
        return [(Term(new[found.get(node, node)]), node in found) for node in nodes]


def _added(x: Term, there: bool, count: int) -> Any:
    """What many items add to what they share."""
    return total(x, (0,)) if there else x * count


def _custom_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called(params[1].name, len(types))


def _as_it_is(value: Any) -> Any:
    return value


CUSTOM = several(
    "custom",
    "a graph whose derivatives are given",
    operands=("operand",),
    variadic=True,
    params=(Param("graph", graph), Param("rules", _as_it_is)),
    kernel="chainrule.run.loops.call_custom",
    infer=_custom_type,
    joint=Joint(_custom_push, _custom_pull, _custom_batch),
    rule="a rule of its own",
    write=_custom_written,
)


# --- foreign --------------------------------------------------------------------------------------


def _foreign_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    return TupleType.of_parts(params[0].types)


def _foreign_derivative(_: Any, call: Call, *rest: Any) -> list[Term | None]:
    name = call.params[0].name
    raise DerivativeError(
        "E343", f"{name} is not traced and has no rule; give it one by @{name}.forward or .reverse"
    )


def _foreign_batch(batch: Any, call: Call, has: Sequence[bool], count: int) -> list[Term]:
    """One item after the other."""
    inner = [
        input_node(f"x{at}", _item_type(x.node.type, there))
        for at, (x, there) in enumerate(zip(call.operands, has, strict=True))
    ]
    made: list[Term] = foreign(call.params[0], list(map(Term, inner)))
    parts = [Part(*pair) for pair in zip(inner, call.operands, strict=True)]
    loop = Loop(
        constants=[part for part, there in zip(parts, has, strict=True) if not there],
        carried=[],
        sliced=[part for part, there in zip(parts, has, strict=True) if there],
        stacked=[x.node for x in made],
        length=count,
        backward=False,
    )
    return list(scanned(loop).stacked)


def _item_type(type: Type, there: bool) -> Type:
    return type.with_shape(type.shape[1:]) if there else type


def _foreign_written(types: Sequence[Type], params: Params) -> Writing:
    return written_called(params[0].name, len(types))


FOREIGN = several(
    "foreign",
    "a function of Python that is called when the graph runs",
    operands=("operand",),
    variadic=True,
    params=(Param("function", _as_it_is),),
    kernel="chainrule.run.loops.call_foreign",
    infer=_foreign_type,
    joint=Joint(_foreign_derivative, _foreign_derivative, _foreign_batch),
    rule="none",
    write=_foreign_written,
)
