"""What operations of one family share, so that each block states only what is its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from chainrule.errors import GraphError
from chainrule.graph.op import (
    Accuracy,
    Convention,
    Example,
    Form,
    Kind,
    Level,
    Linear,
    Op,
    Param,
    Params,
    Symbol,
    Writing,
    register,
)
from chainrule.graph.types import Type
from chainrule.ops.term import Function, Rule

Head = str | Form | None
TypeRule = Callable[[Op, Sequence[Type], Params], Type]
BatchRule = Callable[[Op, Sequence[Any], Sequence[bool], Params], Any]
Interval = tuple[float, float]


def prefix(head: str, count: int = 1, params: Sequence[Param] = ()) -> Form:
    """``head(a, b)``: the form of a function call in text."""
    slots = [*(f"{{{i}}}" for i in range(count)), *(f"{{{p.name}}}" for p in params)]
    return Form(f"{head}({', '.join(slots)})", Level.ATOM, (Level.LIST,) * count)


def latex_call(head: str, count: int = 1, params: Sequence[Param] = ()) -> Form:
    r"""``\head\left(a, b\right)``: the form of a function call in LaTeX."""
    slots = [*(f"{{{i}}}" for i in range(count)), *(f"{{{p.name}}}" for p in params)]
    return Form(rf"{head}\left({', '.join(slots)}\right)", Level.ATOM, (Level.LIST,) * count)


def latex_called(name: str, count: int = 1, params: Sequence[Param] = ()) -> Form:
    r"""``\operatorname{name}\left(a, b\right)``: a call by name in LaTeX."""
    escaped = name.replace("_", r"\_")
    return latex_call(rf"\operatorname{{{{{escaped}}}}}", count, params)


def infix(symbol: str, level: Level) -> Form:
    """``a symbol b``, grouping to the left: the right operand must bind tighter."""
    return Form(f"{{0}} {symbol} {{1}}", level, (level, Level(level + 1)))


def below(numbers: Sequence[int]) -> str:
    """Whole numbers as Unicode subscripts.

    >>> below((0, 12))
    '₀,₁₂'
    """
    return ",".join([str(number).translate(_BELOW) for number in numbers])


_BELOW: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def bracketed(numbers: Sequence[int]) -> str:
    """Whole numbers as formulas list them: ``[2, 3]``."""
    return f"[{', '.join(map(str, numbers))}]"


def along_axes(
    name: str, latex: str, sign: str, level: Level = Level.ATOM, *, listed: bool = False
) -> Callable[[Sequence[Type], Params], Writing]:
    r"""How a reduction is written: ``sum(x)`` over all axes, ``sum(x, [0, 2])`` over some.

    Args:
        name: What it is called in text.
        latex: Its sign in LaTeX, in front of the operand.
        sign: Its sign in drawings.
        level: How tightly the LaTeX binds.
        listed: Whether one axis stands in brackets, too; another operand would stand without.
    """

    def write(types: Sequence[Type], params: Params) -> Writing:
        (axes,) = params
        if axes and axes == tuple(range(len(types[0].shape))):
            text, places, shown = f"{name}({{0}})", "", ""
        else:
            numbers = ", ".join(map(str, axes))
            given = bracketed(axes) if listed or len(axes) != 1 else numbers
            text, places, shown = f"{name}({{0}}, {given})", f"_{{{numbers}}}", below(axes)
        if level == Level.ATOM:
            template, slot = rf"{_kept(latex + places)}\left({{0}}\right)", Level.LIST
        else:
            template, slot = f"{latex}{_kept(places)} {{0}}", Level(level + 1)
        return Writing(
            Form(text, Level.ATOM, (Level.LIST,)),
            Form(template, level, (slot,)),
            Symbol(f"{sign}{shown}", f"{latex}{places}"),
        )

    return write


def with_params(name: str, given: str, shown: str) -> Writing:
    """How an operation on one array is written: ``name(x, given)``.

    In a drawing it is its name with what is ``shown``; nothing where the shape of the box says it.
    """
    escaped = name.replace("_", r"\_")
    under = given[1:-1] if given.count("[") == 1 and given != "[]" else given
    return Writing(
        Form(f"{name}({{0}}, {given})", Level.ATOM, (Level.LIST,)),
        Form(
            rf"\operatorname{{{{{escaped}}}}}_{{{{{under}}}}}\left({{0}}\right)",
            Level.ATOM,
            (Level.LIST,),
        ),
        Symbol(f"{name}{shown}", rf"\operatorname{{{escaped}}}" + rf"_{{{under}}}" * bool(shown)),
    )


def _kept(text: str) -> str:
    """The text as part of a template: braces are doubled."""
    return text.replace("{", "{{").replace("}", "}}")


def pointwise(
    name: str,
    about: str,
    *,
    kernel: str,
    partials: Sequence[Rule | None],
    operands: Sequence[str] = ("x",),
    kinds: Sequence[Kind] | Kind = Kind.FLOAT,
    params: Sequence[Param] = (),
    text: Form | None = None,
    latex: Head = None,
    exact: Callable[..., Any] | str | None = None,
    aliases: Sequence[str] = (),
    conventions: Sequence[Convention] = (),
    domain: Sequence[Interval] | Interval = (0.25, 0.75),
    accuracy: Accuracy | None = None,
    meet: Callable[[Params], Kind] | None = None,
    infer: TypeRule | None = None,
    rule: str = "",
    symbol: Symbol | None = None,
    native: Callable[..., Any] | None = None,
    javascript: str | Callable[..., str] = "",
) -> Function:
    """Define an operation that works element by element; operands of one type give that type."""
    return _defined(
        name,
        about,
        operands,
        kinds,
        params,
        text,
        latex,
        rule,
        kernel=kernel,
        infer=infer or _same_type,
        partials=tuple(partials),
        exact=_exact(exact),
        aliases=tuple(aliases),
        conventions=tuple(conventions),
        domain=_domain(domain, len(operands)),
        accuracy=accuracy,
        meet=meet,
        symbol=symbol,
        native=native,
        javascript=javascript,
    )


def comparison(
    name: str,
    about: str,
    *,
    kernel: str,
    text: Form,
    latex: Head = None,
    native: Callable[..., Any],
    javascript: str,
    operands: Sequence[str] = ("a", "b"),
    kind: Kind = Kind.NUMBER,
) -> Function:
    """Define an operation whose result is a condition; conditions have no derivative."""
    return pointwise(
        name,
        about,
        kernel=kernel,
        partials=(None,) * len(operands),
        operands=operands,
        kinds=kind,
        text=text,
        latex=latex,
        infer=_condition,
        native=native,
        javascript=javascript,
    )


def structural(
    name: str,
    about: str,
    *,
    kernel: str,
    infer: TypeRule,
    partials: Sequence[Linear | None],
    batch: BatchRule,
    examples: Sequence[Example],
    operands: Sequence[str] = ("x",),
    kinds: Sequence[Kind] | Kind = Kind.ANY,
    params: Sequence[Param] = (),
    text: Form | None = None,
    latex: Head = None,
    aliases: Sequence[str] = (),
    rule: str = "",
    symbol: Symbol | None = None,
    write: Callable[[Sequence[Type], Params], Writing | None] | None = None,
    moves: bool = False,
    variadic: bool = False,
    reach: Callable[..., Any] | None = None,
) -> Function:
    """Define an operation on whole arrays."""
    return _defined(
        name,
        about,
        operands,
        kinds,
        params,
        text,
        latex,
        rule,
        kernel=kernel,
        infer=infer,
        partials=tuple(partials),
        aliases=tuple(aliases),
        symbol=symbol,
        write=write,
        pointwise=False,
        moves=moves,
        variadic=variadic,
        batch=batch,
        examples=tuple(examples),
        reach=reach,
    )


def _defined(
    name: str,
    about: str,
    operands: Sequence[str],
    kinds: Sequence[Kind] | Kind,
    params: Sequence[Param],
    text: Form | None,
    latex: Head,
    rule: str,
    **fields: Any,
) -> Function:
    """Enter an operation: what every family fills in the same way, and the fields of one family."""
    count = len(operands)
    return Function(
        register(
            Op(
                name=name,
                about=about,
                operands=tuple(operands),
                kinds=(kinds,) * count if isinstance(kinds, Kind) else tuple(kinds),
                params=tuple(params),
                text=text or prefix(name, count, params),
                latex=_latex(name, latex, count, params),
                rule=rule or f"derivative of {name}",
                **fields,
            )
        )
    )


def linear(
    name: str, about: str, *, pull: Callable[..., Any], rule: str = "linear", **rest: Any
) -> Function:
    """Define a linear operation on one array: tangents go through it as values do.

    Args:
        name: Its name.
        about: Its meaning in one line.
        pull: (adjoint, out, x, parameters) → the adjoint of x.
        rule: What the rule of its derivative is called.
        **rest: As for `structural`.
    """

    def push(tangent: Any, out: Any, x: Any, *params: Any) -> Any:
        return function(tangent, *params)

    function = structural(
        name, about, partials=[Linear(push, pull)], rule=rule, **{"moves": True, **rest}
    )
    return function


def piecewise_constant(out: Any, *operands: Any) -> int:
    """The partial derivative of a step function: zero everywhere, the steps included."""
    return 0


# --- type rules -----------------------------------------------------------------------------------


def fail(op: Op, problem: str) -> GraphError:
    """E203 for shapes that do not fit."""
    return GraphError("E203", f"shapes do not match in {op.name}: {problem}")


def check_operands(op: Op, types: Sequence[Type]) -> Type:
    """Check number, kinds, shapes and dtypes of the operands; give the type they have in common.

    Operands that are conditions by declaration share the shape, not the dtype.

    Raises:
        GraphError: E211 for their number, E202 for dtypes, E203 for shapes.
    """
    kinds = op.kinds_of(len(types))
    if len(types) != len(kinds):
        raise GraphError("E211", f"{op.name} takes {op.arity}, got {len(types)}")
    common: Type | None = None
    for type, kind in zip(types, kinds, strict=True):
        if not kind.accepts(type):
            raise GraphError("E202", f"{op.name} needs {kind.value}, got {type}")
        if kind is not Kind.BOOL:
            if common is None:
                common = type
            elif common is not type and common.dtype != type.dtype:
                raise GraphError(
                    "E202", f"{op.name} needs operands of one dtype, got {common} and {type}"
                )
    first = common or types[0]
    for type in types:
        if type.shape != first.shape:
            raise GraphError(
                "E203",
                f"shapes do not match in {op.name}: {list(first.shape)} and {list(type.shape)}",
            )
    return first


def _same_type(op: Op, types: Sequence[Type], params: Params) -> Type:
    first = check_operands(op, types)
    if op.kind_for(params) is Kind.FLOAT and not first.is_float:
        raise GraphError("E202", f"{op.name} needs {Kind.FLOAT.value} here, got {first}")
    return first


def _condition(op: Op, types: Sequence[Type], params: Params) -> Type:
    return check_operands(op, types).with_dtype("bool")


# --- fields in their full form --------------------------------------------------------------------


def _latex(name: str, given: Head, count: int, params: Sequence[Param]) -> Form:
    if isinstance(given, Form):
        return given
    return latex_call(given, count, params) if given else latex_called(name, count, params)


def _exact(given: Callable[..., Any] | str | None) -> Callable[..., Any] | None:
    if isinstance(given, str):
        return lambda mp, *operands: getattr(mp, given)(*operands)
    return given


def _domain(given: Sequence[Interval] | Interval, count: int) -> tuple[Interval, ...]:
    """One interval for each operand; a single one is for all."""
    match given:
        case (int() | float() as low, int() | float() as high):
            return ((low, high),) * count
        case _:
            return tuple((low, high) for low, high in given)
