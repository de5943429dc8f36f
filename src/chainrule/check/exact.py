"""Every operation in mpmath, at any precision, for real and for complex numbers.

The definitions are the ``exact`` fields of the operations. What is only chosen or converted
(comparisons, ``where``, ``convert``) is defined here. Constants and arguments are the numbers that
their bits say, not the decimal numbers somebody typed.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from chainrule.errors import EvaluationError
from chainrule.graph.node import CONSTANT, Node, constant_value
from chainrule.graph.op import Op, Params

Real = Any
"""An mpmath number; NaN where mathematics gives no real number."""

_LARGEST: Final = 5000
"""Powers of two. No float is so large; the sine of such a number takes more digits than it pays."""


_FARTHEST: Final = 10**6
"""Complex functions of larger numbers align parts of sizes so different that memory runs out."""


class NotAnalyticError(Exception):
    """A complex number met a place where the operation has no complex derivative."""


class Context:
    """mpmath with a precision of its own, and functions that also take the largest numbers.

    >>> mp = Context(30)
    >>> mp.nstr(mp.sqrt(mp.mpf(2)), 20)
    '1.4142135623730950488'
    """

    def __init__(self, digits: int) -> None:
        # mpmath takes 70 ms to import; most programs that use the package never check anything.
        self._mp = importlib.import_module("mpmath").MPContext()
        self._mp.dps = digits
        self.largest = self._mp.ldexp(1, _LARGEST)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mp, name)

    def set_digits(self, digits: int) -> None:
        """Change the precision."""
        self._mp.dps = digits

    def erfc(self, x: Any) -> Any:
        """The asymptotic series for large x (DLMF 7.12.1); its terms fall below any precision."""
        mp = self._mp
        if not 1e4 < mp.re(x) < mp.inf:
            return mp.erfc(x)
        total, term, k = mp.mpf(0), mp.mpf(1), 1
        while abs(term) > mp.eps:
            total += term
            term *= -(2 * k - 1) / (2 * x * x)
            k += 1
        return mp.exp(-x * x) / (x * mp.sqrt(mp.pi)) * total

    def erfinv(self, x: Any) -> Any:
        """Near the real axis by Newton's method from the real result, as mpmath has none there."""
        mp = self._mp
        found = mp.erfinv(mp.re(x))
        if isinstance(x, mp.mpc):
            for _ in range(3):
                found -= (mp.erf(found) - x) * mp.exp(found * found) * mp.sqrt(mp.pi) / 2
        return found

    def power(self, x: Any, y: Any) -> Any:
        """Powers; beyond e^(±10⁵) there is no number left to tell from 0 or infinity."""
        mp = self._mp
        x, y = mp.mpmathify(x), mp.mpmathify(y)
        if mp.isint(y) and abs(y) < 2**20:
            return mp.power(x, int(y))
        if isinstance(x, mp.mpc) or isinstance(y, mp.mpc):
            return mp.exp(y * mp.log(x))
        if not (x and mp.isfinite(x) and mp.isfinite(y)):
            return mp.power(x, y)
        if x < 0 and not mp.isint(y):
            return mp.nan
        exponent = y * mp.log(abs(x))
        size = mp.mpf(0 if exponent < 0 else mp.inf) if abs(exponent) > 1e5 else mp.exp(exponent)
        return -size if x < 0 and not mp.isint(y / 2) else size

    def polygamma(self, order: int, x: Any) -> Any:
        """Reflected for large negative x (DLMF 5.15.6), where mpmath would step up one by one."""
        mp = self._mp
        if mp.re(x) > -100 or order == 0:
            return mp.polygamma(order, x)
        if mp.isint(x):
            raise ZeroDivisionError("a pole")
        # In powers of c = cot(πx), dc/dx = −π(1 + c²).
        powers = [0, 1]
        for _ in range(order):
            slope = [k * a for k, a in enumerate(powers)][1:]
            powers = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
        c = mp.cot(mp.pi * x)
        steep = mp.pi ** (order + 1) * sum(a * c**k for k, a in enumerate(powers))
        return (-1) ** order * mp.polygamma(order, 1 - x) - steep


# --- one operation --------------------------------------------------------------------------------

_CHOICES: Final[dict[str, Callable[..., Any]]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "logical_and": operator.and_,
    "logical_or": operator.or_,
    "logical_xor": operator.xor,
    "logical_not": operator.not_,
    "where": lambda condition, a, b: a if condition else b,
}
"""Operations that compute nothing: the same for floats and for mpmath numbers."""


def require_exact(nodes: Iterable[Node]) -> None:
    """Raise EvaluationError: E307 for an abstract function, E340 for an op without a definition in
    mpmath, E341 for arrays.
    """
    for node in nodes:
        op = node.op
        if node.type.shape:
            raise EvaluationError("E341", f"only scalars can be checked, not {node.type}")
        if node.is_leaf or op.exact is not None or op.name in _CHOICES or op.name == "convert":
            continue
        if not op.kernel:
            name = node.params[0] if node.params else op.name
            raise EvaluationError("E307", f"{name} is an abstract function: it has no values")
        raise EvaluationError("E340", f"{op.name} has no exact definition to check it by")


def number(mp: Context, value: Any) -> Any:
    """A NumPy or Python scalar, bit for bit, in mpmath; conditions stay conditions."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "b" or isinstance(value, bool):
        return bool(value)
    return mp.mpf(float(value) if kind == "f" else value if kind == "" else int(value))


def result(mp: Context, op: Op, params: Params, operands: Sequence[Any]) -> Any:
    """The exact result of one operation; NaN where it is undefined or not real.

    >>> from chainrule.ops.elementary import log
    >>> mp = Context(25)
    >>> mp.nstr(result(mp, log.op, (), [mp.mpf(10)]), 20)
    '2.302585092994045684'
    >>> result(mp, log.op, (), [mp.mpf(-1)])
    mpf('nan')
    """
    if op.name in _CHOICES:
        return _CHOICES[op.name](*operands)
    if op.name == "convert":
        return _converted(mp, operands[0], params[0])
    assert op.exact is not None
    if _out_of_reach(mp, operands):
        return mp.nan
    try:
        found = mp.mpmathify(op.exact(mp, *operands, *params))
    except (ZeroDivisionError, ValueError, OverflowError):
        return mp.nan
    if isinstance(found, mp.mpc):
        return found.real if found.imag == 0 else mp.nan
    return found


def _out_of_reach(mp: Context, operands: Sequence[Any]) -> bool:
    return not all(abs(x) < mp.largest for x in operands)


def _converted(mp: Context, x: Any, dtype: str) -> Any:
    """A change of dtype; rounding to float32 is an error of the value, not a step of a staircase,
    and so it is not part of the exact function.
    """
    if dtype == "bool":
        return bool(x != 0)
    x = mp.mpmathify(int(x) if isinstance(x, bool) else x)
    return mp.mpf(int(mp.re(x))) if dtype.startswith("int") and mp.isfinite(x) else x


# --- off the real axis ----------------------------------------------------------------------------


def complex_result(mp: Context, op: Op, params: Params, operands: Sequence[Any]) -> Any:
    """The analytic continuation of an operation from the real axis; choices go by real parts.

    Raises:
        NotAnalyticError: There is none here: a kink, a jump, or no definition.
    """
    if not any(isinstance(operand, mp.mpc) for operand in operands):
        return result(mp, op, params, operands)
    if op.name == "where":
        return operands[1] if operands[0] else operands[2]
    if op.name in _CHOICES:
        return _CHOICES[op.name](*map(mp.re, operands))
    if op.name == "convert":
        return _converted(mp, operands[0], params[0])
    reals = list(map(mp.re, operands))
    if any(abs(x) > _FARTHEST for x in reals) or mp.isnan(result(mp, op, params, reals)):
        raise NotAnalyticError("too large, or not real on the real axis")
    try:
        continued = _CONTINUED.get(op.name, op.exact)
        assert continued is not None
        found = mp.mpmathify(continued(mp, *operands, *params))
    except (TypeError, ValueError, ArithmeticError, NotImplementedError) as error:
        raise NotAnalyticError(op.name) from error
    return mp.re(found) if abs(mp.im(found)) < 1 / mp.largest else found


def _before(mp: Context, a: Any, b: Any) -> bool:
    """Whether a < b by real parts; a tie is a kink."""
    if mp.re(a) == mp.re(b):
        raise NotAnalyticError("a tie")
    return bool(mp.re(a) < mp.re(b))


def _smaller(mp: Context, a: Any, b: Any) -> Any:
    return a if _before(mp, a, b) else b


def _larger(mp: Context, a: Any, b: Any) -> Any:
    return b if _before(mp, a, b) else a


def _signed(mp: Context, x: Any) -> int:
    return -1 if _before(mp, x, 0) else 1


def _step(name: str, offset: float) -> Callable[..., Any]:
    """A staircase whose steps lie at whole numbers + offset."""

    def stair(mp: Context, x: Any) -> Any:
        if mp.isint(mp.re(x) + offset):
            raise NotAnalyticError("a step")
        return getattr(mp, name)(mp.re(x))

    return stair


def _angle(mp: Context, y: Any, x: Any) -> Any:
    """The angle of (x, y), turned so that the cut is far away."""
    b, a = mp.re(y), mp.re(x)
    turned_y, turned_x = y * a - x * b, x * a + y * b
    return mp.atan2(b, a) + mp.atan(turned_y / turned_x)


def _log_sum(mp: Context, a: Any, b: Any) -> Any:
    high, low = (b, a) if mp.re(a) < mp.re(b) else (a, b)
    return high + mp.log1p(mp.exp(low - high))


def _log_gamma(mp: Context, x: Any) -> Any:
    gamma = mp.gamma(x)
    return mp.log(_signed(mp, gamma) * gamma)


def _log_normal(mp: Context, x: Any) -> Any:
    if mp.re(x) < 0:
        return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)
    return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)


def _whole(mp: Context, x: Any, y: Any) -> Any:
    """⌊x/y⌋ by real parts; a multiple is a step."""
    a, b = mp.re(x), mp.re(y)
    if mp.fmod(a, b) == 0:
        raise NotAnalyticError("a step")
    return mp.floor(a / b)


def _truncated(mp: Context, x: Any, y: Any) -> Any:
    """x/y towards 0."""
    floor = _whole(mp, x, y)
    return floor + 1 if floor < 0 else floor


_CONTINUED: Final[dict[str, Callable[..., Any]]] = {
    "abs": lambda mp, x: _signed(mp, x) * x,
    "sign": lambda mp, x: mp.mpf(_signed(mp, x)),
    "floor": _step("floor", 0),
    "ceil": _step("ceil", 0),
    "round": _step("nint", 0.5),
    "fmod": lambda mp, x, y: x - y * _truncated(mp, x, y),
    "remainder": lambda mp, x, y: x - y * _whole(mp, x, y),
    "floor_divide": _whole,
    "minimum": _smaller,
    "maximum": _larger,
    "clip": lambda mp, x, low, high: _smaller(mp, _larger(mp, x, low), high),
    "relu": lambda mp, x: _larger(mp, x, 0),
    "leaky_relu": lambda mp, x, slope: x if _signed(mp, x) > 0 else slope * x,
    "elu": lambda mp, x, alpha: x if _signed(mp, x) > 0 else alpha * mp.expm1(x),
    "cbrt": lambda mp, x: _signed(mp, x) * mp.exp(mp.log(_signed(mp, x) * x) / 3),
    "hypot": lambda mp, x, y: mp.sqrt(x * x + y * y),
    "atan2": _angle,
    "lgamma": _log_gamma,
    "logaddexp": _log_sum,
    "xlogy": lambda mp, x, y: x * mp.log(y) if x else x * 0,
    "normal_log_cdf": _log_normal,
}
"""Continuations of the operations whose definition compares numbers or takes absolute values."""


# --- a graph --------------------------------------------------------------------------------------


def evaluate(
    mp: Context,
    order: Iterable[Node],
    arguments: Mapping[Node, Any],
    known: Mapping[Node, Any] | None = None,
    rule: Callable[..., Any] = result,
) -> dict[Node, Any]:
    """The exact values of the nodes in ``order``, operands first.

    Args:
        mp: The precision.
        order: What to compute.
        arguments: The numbers of the arguments.
        known: Values of nodes that are not in ``order``.
        rule: `result`, or `complex_result`.
    """
    values = dict(arguments)
    beyond = {} if known is None else known
    for node in order:
        if node.op is CONSTANT:
            values[node] = number(mp, constant_value(node))
        elif not node.is_leaf:
            operands = [values[at] if at in values else beyond[at] for at in node.operands]
            values[node] = rule(mp, node.op, node.params, operands)
    return values
