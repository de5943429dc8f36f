"""The definition of one primitive operation, and ``OPS``, the table of all of them.

An `Op` is data: everything the project knows about an operation stands in its one block, and every
reader of the table (evaluation, differentiation, printers, tests, documentation) finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, Final, NamedTuple

from chainrule.errors import GraphError, nearest
from chainrule.graph.types import Type

Params = tuple[Any, ...]
"""Values of an operation's literal parameters, in the order the op declares them."""


class Kind(Enum):
    """What an operand may be."""

    FLOAT = "a floating-point number"
    NUMBER = "a number"
    INTEGER = "a whole number"
    BOOL = "a condition"
    ANY = "a number or a condition"

    def accepts(self, type: Type) -> bool:
        """Whether a value of this type may stand here."""
        if self is Kind.ANY:
            return True
        if self is Kind.BOOL:
            return type.is_bool
        if self is Kind.INTEGER:
            return not type.is_bool and not type.is_float
        return type.is_float or (self is Kind.NUMBER and not type.is_bool)


class Level(IntEnum):
    """How tightly a piece of a formula binds; a looser one inside a tighter one needs brackets."""

    LIST = 0
    OR = 1
    AND = 2
    NOT = 3
    COMPARISON = 4
    SUM = 5
    PRODUCT = 6
    SIGN = 7
    POWER = 8
    ATOM = 9


class Form(NamedTuple):
    """How an operation is written: a template, how tightly it binds, and what its slots demand.

    ``{0}``, ``{1}``, … in the template stand for operands, ``{name}`` for parameters.
    """

    template: str
    level: Level
    slots: tuple[Level, ...]


class Symbol(NamedTuple):
    """How a drawing writes an operation without its operands, as text and in LaTeX."""

    text: str
    latex: str


class Writing(NamedTuple):
    """How one node is written, where that depends on its parameters and the types it works on."""

    text: Form
    latex: Form
    symbol: Symbol


class Param(NamedTuple):
    """A literal parameter of an operation, such as the exponent of ``power``.

    ``check`` returns the value in its one normal form (so that equal nodes are one node), or raises
    ValueError saying what is allowed. ``default`` None means that the parameter must be given.
    """

    name: str
    check: Callable[[Any], Any]
    default: Any = None


class Convention(NamedTuple):
    """What an operation does at a singular point, where mathematics leaves a choice.

    ``at`` holds the operands, then the parameters.
    ``None`` in ``value`` or ``partials`` means: nothing is chosen there, mathematics decides.
    """

    at: tuple[float, ...]
    value: float | None
    partials: tuple[float | None, ...]
    why: str


class Linear(NamedTuple):
    """The derivative by one operand where it is not element by element: a linear map, both ways.

    Attributes:
        push: (tangent, out, operands, parameters) → what the tangent of the operand adds to that of
            the result, as terms.
        pull: (adjoint, out, operands, parameters) → what the adjoint of the result adds to that of
            the operand.
    """

    push: Callable[..., Any]
    pull: Callable[..., Any]


class Joint(NamedTuple):
    """What an operation with several results does to derivatives and to items, all at once.

    ``call`` is a `Call`; ``passes`` are the passes of differentiation over the graphs that an
    operation holds (`chainrule.diff.passes`). None stands for what is structurally zero.

    Attributes:
        push: (passes, call, a tangent or None for each operand) → one for each result.
        pull: (passes, call, an adjoint or None for each result, whether each operand wants one) →
            one for each operand.
        batch: (passes, call with items along the first axis of some operands, which those are, how
            many items) → the results, all with an axis of items in front.
        runs: How it runs the graphs that it holds, given the call; None: it holds none.
    """

    push: Callable[..., Sequence[Any]]
    pull: Callable[..., Sequence[Any]]
    batch: Callable[..., Sequence[Any]]
    runs: Callable[[Any], Runs] | None = None


class Runs(NamedTuple):
    """How an operation runs a graph that it holds, again and again or once.

    The results are the carried values after the last step, then ``between`` others without
    derivatives, then what is stacked, then, where they are ``kept``, the carried values before each
    step.

    Attributes:
        graphs: One of them runs in every step; all take the same arguments.
        first: How many operands stand before the arguments.
        carried: The arguments that are carried from step to step, from this one to that one; what
            is carried on is the first outputs. Those behind are slices of operands.
        length: The number of steps; `UNKNOWN` where it is not known.
        backward: Whether the last slice comes first.
        between: How many results stand behind the carried values.
        kept: Whether the carried values before each step are results.
    """

    graphs: Sequence[Any]
    first: int = 0
    carried: tuple[int, int] | None = None
    length: int = 1
    backward: bool = False
    between: int = 0
    kept: bool = False


class Call(NamedTuple):
    """A node of an operation with several results, as its rules see it.

    Attributes:
        op: The operation.
        operands: The operands, as terms.
        params: The parameters.
        results: The results, as terms.
    """

    op: Op
    operands: Sequence[Any]
    params: Params
    results: Sequence[Any] = ()


class Example(NamedTuple):
    """Operands of an operation for tests and for the documentation.

    Attributes:
        shapes: The shape of each operand.
        params: The parameters.
        dtypes: The dtype of each operand; float64 for those left out.
        below: Integer operands are drawn from 0 up to this, for each; indices, say.
        fit: Makes of random operands some that the operation is made for: in order, say, or
            positive definite; None where any will do.
    """

    shapes: tuple[tuple[int, ...], ...]
    params: Params = ()
    dtypes: tuple[str, ...] = ()
    below: int = 2
    fit: Callable[[list[Any]], list[Any]] | None = None


class Accuracy(NamedTuple):
    """Largest errors in units in the last place, over the whole grid of the accuracy tests."""

    value: float
    partials: float


@dataclass(frozen=True, eq=False, slots=True)
class Op:
    """One primitive operation.

    Attributes:
        name: Name in text, tables and files.
        about: Its meaning in one line.
        operands: Names of the operands; empty for leaves.
        kinds: What each operand may be.
        params: Literal parameters, which are not operands and have no derivative.
        infer: Type of the result from operand types and parameters; strict, raises GraphError.
        kernel: Dotted name of a NumPy-style function of (operands, parameters); found on first use.
        partials: For each operand, the partial derivative as a function of (out, operands,
            parameters) over terms; or a `Linear` map where the operation is not pointwise; None
            where there is no derivative (conditions). Where the last operand stands for several,
            its functions take the position of the operand first.
        exact: The same function in mpmath, called as ``exact(mp, *operands, *params)``.
        text: How it is written in a text formula.
        latex: How it is written in LaTeX.
        aliases: Other names it has in text formulas.
        conventions: What happens at singular points.
        domain: For each operand, an interval where the op is smooth (for tests and examples).
        accuracy: Bounds on rounding errors, held by the tests.
        meet: What the numbers among the operands must be, where that depends on the parameters.
        variadic: Whether the last operand stands for one or more.
        symbol: How a drawing writes it; None: as the forms say, with □ for what changes.
        write: (types of the operands, parameters) → how such a node is written, in place of
            ``text``, ``latex`` and ``symbol``; None where those will do.
        labelled: Whether the first parameter is a name that its nodes may go by.
        rule: What the rule of its derivative is called, such as "product rule".
        pointwise: Whether each element of the result depends on the same element of the operands.
        moves: Whether each element of the result is an element of an operand, a sum of some, or 0,
            so that what is zero in a derivative can be told from the derivative's shape alone.
        batch: How it works on many operands at once, for operations that are not pointwise: (op,
            operands as terms, whether each has an axis of items in front, parameters) → the results
            with the axis of items in front.
        examples: What it is tried with, for operations that are not pointwise.
        reach: Which elements a change of one operand reaches, where ``partials`` do not say it well
            enough: (position, values, tangent, out, operands, parameters) → the reached elements as
            terms, made of sums and of operations that move elements; ``values`` holds for each
            operand its value where that is known before anything is evaluated, else None.
        joint: Derivatives and batching of an operation with several results. Its kernel takes
            after the parameters a tuple that says which results are wanted; others may be None.
        native: How one element is computed in machine code: (code, operands, parameters) → the
            result, by the methods of a `chainrule.run.native.emit.lanes.Code`, or None where it
            does not cover the parameters or the operands; None in its place: NumPy does it.
        javascript: How JavaScript computes it: an expression with ``{0}``, ``{1}``, … for the
            operands, or the name of a function of the operands and parameters, one of JavaScript or
            one in `chainrule.exchange.javascript`; or what gives either for the parameters; empty:
            not at all.
        result_names: (types of the operands, parameters) → a few words for each of several results.
    """

    name: str
    about: str
    operands: tuple[str, ...]
    kinds: tuple[Kind, ...]
    params: tuple[Param, ...]
    infer: Callable[[Op, Sequence[Type], Params], Type]
    kernel: str
    text: Form
    latex: Form
    partials: tuple[Callable[..., Any] | Linear | None, ...] = ()
    exact: Callable[..., Any] | None = None
    aliases: tuple[str, ...] = ()
    conventions: tuple[Convention, ...] = ()
    domain: tuple[tuple[float, float], ...] = ()
    accuracy: Accuracy | None = None
    meet: Callable[[Params], Kind] | None = None
    variadic: bool = False
    symbol: Symbol | None = None
    write: Callable[[Sequence[Type], Params], Writing | None] | None = None
    labelled: bool = False
    rule: str = ""
    pointwise: bool = True
    moves: bool = False
    batch: Callable[..., Any] | None = None
    examples: tuple[Example, ...] = ()
    reach: Callable[..., Any] | None = None
    joint: Joint | None = None
    native: Callable[..., Any] | None = None
    javascript: str | Callable[..., str] = ""
    result_names: Callable[[Sequence[Type], Params], Sequence[str]] | None = None
    is_leaf: bool = field(default=False)

    @property
    def arity(self) -> str:
        """The number of operands in words, for messages."""
        count = len(self.operands)
        if self.variadic:
            return f"{'one' if count == 1 else count} or more operands"
        return f"{count} operand{'' if count == 1 else 's'}"

    def written(self, types: Sequence[Type], params: Params) -> Writing | None:
        """How a node of these types and parameters is written, if it has a form of its own."""
        return None if self.write is None else self.write(types, params)

    def kinds_of(self, count: int) -> tuple[Kind, ...]:
        """What each of so many operands may be."""
        if self.variadic and count > len(self.kinds):
            return self.kinds + self.kinds[-1:] * (count - len(self.kinds))
        return self.kinds

    def kind_for(self, params: Params) -> Kind:
        """What the operands that are not conditions must be, given the parameters."""
        if self.meet is not None:
            return self.meet(params)
        return next((kind for kind in self.kinds if kind is not Kind.BOOL), Kind.BOOL)

    def normal_params(self, given: Sequence[Any]) -> Params:
        """The parameters in normal form, defaults in place of None and of what is not given.

        Raises:
            GraphError: E212 when too many, too few or a value that is not allowed.
        """
        if len(given) > len(self.params):
            raise GraphError(
                "E212", f"{self.name} takes {len(self.params)} parameters, got {len(given)}"
            )
        result = []
        for position, param in enumerate(self.params):
            value = given[position] if position < len(given) else None
            value = param.default if value is None else value
            if value is None:
                raise GraphError("E212", f"{self.name} needs the parameter {param.name}")
            try:
                result.append(param.check(value))
            except (TypeError, ValueError) as error:
                raise GraphError("E212", f"{self.name}: {param.name} {error}") from None
        return tuple(result)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return (find, (self.name,))

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: object) -> Op:
        return self


OPS: Final[dict[str, Op]] = {}
"""All operations by name; `chainrule.ops` fills it."""


def register(op: Op) -> Op:
    """Enter an operation into the table.

    Raises:
        ValueError: The name is taken, or a field does not fit the number of operands.
    """
    if op.name in OPS:
        raise ValueError(f"there is an operation {op.name} already")
    if not op.is_leaf and len(op.kinds) != len(op.operands):
        raise ValueError(f"{op.name}: one kind for each operand")
    if not op.is_leaf and len(op.partials) != len(op.operands):
        raise ValueError(f"{op.name}: one partial derivative for each operand")
    OPS[op.name] = op
    return op


def find(name: str) -> Op:
    """The operation of this name.

    Raises:
        GraphError: E210 when there is none; the message offers the nearest name.
    """
    op = OPS.get(name)
    if op is None:
        guess = nearest(name, OPS)
        hint = f"; did you mean {guess!r}?" if guess else ""
        raise GraphError("E210", f"unknown operation {name!r}{hint}")
    return op
