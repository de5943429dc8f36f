"""Activation functions of neural networks, and the sums of exponentials behind them."""

from __future__ import annotations

import math

from chainrule.graph.op import Accuracy, Convention, Form, Level, Param
from chainrule.ops import native
from chainrule.ops.elementary import exp
from chainrule.ops.families import pointwise
from chainrule.ops.literals import real
from chainrule.ops.select import clip, minimum, where
from chainrule.ops.special import normal_cdf, normal_pdf
from chainrule.ops.term import Function

sigmoid: Function = pointwise(
    "sigmoid",
    "the logistic function 1/(1 + exp(−x))",
    kernel="chainrule.ops.kernels.sigmoid",
    native=native.sigmoid,
    javascript="sigmoid",
    # The same as out·(1 − out), which cancels for large x.
    partials=[lambda out, x: out * sigmoid(-x)],
    exact=lambda mp, x: 1 / (1 + mp.exp(-x)),
    latex=r"\sigma",
    aliases=("σ", "logistic", "expit"),
    accuracy=Accuracy(10, 20),
)

softplus = pointwise(
    "softplus",
    "log(1 + exp(x)) without overflow",
    kernel="chainrule.ops.kernels.softplus",
    native=native.softplus,
    javascript="softplus",
    partials=[lambda out, x: sigmoid(x)],
    exact=lambda mp, x: mp.log1p(mp.exp(x)),
    accuracy=Accuracy(8, 10),
)

log_sigmoid = pointwise(
    "log_sigmoid",
    "log(sigmoid(x)) without underflow",
    kernel="chainrule.ops.kernels.log_sigmoid",
    native=native.log_sigmoid,
    javascript="logSigmoid",
    partials=[lambda out, x: sigmoid(-x)],
    exact=lambda mp, x: -mp.log1p(mp.exp(-x)),
    accuracy=Accuracy(8, 10),
)

logaddexp = pointwise(
    "logaddexp",
    "log(exp(a) + exp(b)) without overflow",
    operands=("a", "b"),
    kernel="numpy.logaddexp",
    native=native.logaddexp,
    javascript="logAddExp",
    partials=[lambda out, a, b: sigmoid(a - b), lambda out, a, b: sigmoid(b - a)],
    exact=lambda mp, a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
    latex=Form(r"\ln\left(e^{{{0}}} + e^{{{1}}}\right)", Level.ATOM, (Level.LIST, Level.LIST)),
    conventions=[
        Convention(
            (-math.inf, -math.inf), -math.inf, (math.nan, math.nan), "neither operand is larger"
        ),
        Convention(
            (math.inf, math.inf), math.inf, (math.nan, math.nan), "neither operand is larger"
        ),
    ],
    # The difference of the operands is rounded; exp magnifies that, up to |a − b| = 745.
    accuracy=Accuracy(400, 600),
)

relu = pointwise(
    "relu",
    "x where positive, else 0",
    kernel="chainrule.ops.kernels.relu",
    native=native.relu,
    javascript="Math.max({0}, 0)",
    partials=[lambda out, x: where(x > 0, 1.0, 0.0)],
    exact=lambda mp, x: max(x, 0),
    conventions=[
        Convention((0.0,), 0.0, (0.0,), "the slope on the left"),
        Convention((math.nan,), math.nan, (0.0,), "NaN is not positive"),
    ],
    accuracy=Accuracy(0, 0),
)

leaky_relu = pointwise(
    "leaky_relu",
    "x where positive, else slope times x",
    params=[Param("slope", real, 0.01)],
    kernel="chainrule.ops.kernels.leaky_relu",
    native=native.leaky_relu,
    javascript="leakyRelu",
    partials=[lambda out, x, slope: where(x > 0, 1.0, slope)],
    exact=lambda mp, x, slope: x if x > 0 else slope * x,
    conventions=[Convention((0.0, 0.01), 0.0, (0.01,), "the slope on the left")],
    accuracy=Accuracy(1.5, 0.5),
)

elu = pointwise(
    "elu",
    "x where positive, else alpha (exp(x) − 1)",
    params=[Param("alpha", real, 1)],
    kernel="chainrule.ops.kernels.elu",
    native=native.elu,
    javascript="elu",
    partials=[lambda out, x, alpha: where(x > 0, 1.0, exp(x) if alpha == 1 else alpha * exp(x))],
    exact=lambda mp, x, alpha: x if x > 0 else alpha * mp.expm1(x),
    conventions=[Convention((0.0, 1), 0.0, (1.0,), "the slope on the left, alpha")],
    accuracy=Accuracy(6, 6),
)

_FAR = 1000.0
"""Beyond ±1000 the derivatives of silu and gelu are 0 or 1 in every floating-point format we have;
clipping there keeps ∞ · 0 out."""

silu = pointwise(
    "silu",
    "x sigmoid(x), also called swish",
    kernel="chainrule.ops.kernels.silu",
    native=native.silu,
    javascript="silu",
    partials=[lambda out, x: sigmoid(x) + minimum(out, _FAR) * sigmoid(-x)],
    exact=lambda mp, x: x / (1 + mp.exp(-x)),
    aliases=("swish",),
    conventions=[
        Convention((-math.inf,), 0.0, (0.0,), "the limit"),
        Convention((math.inf,), math.inf, (1.0,), "the limit"),
    ],
    accuracy=Accuracy(12, 24),
)

gelu = pointwise(
    "gelu",
    "x normal_cdf(x), the exact Gaussian error linear unit",
    kernel="chainrule.ops.special_kernels.gelu",
    native=native.gelu,
    javascript="gelu",
    partials=[lambda out, x: normal_cdf(x) + clip(x, -_FAR, _FAR) * normal_pdf(x)],
    exact=lambda mp, x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    conventions=[
        Convention((-math.inf,), 0.0, (0.0,), "the limit"),
        Convention((math.inf,), math.inf, (1.0,), "the limit"),
    ],
    accuracy=Accuracy(20, 40),
)

_SQRT_8_OVER_PI = math.sqrt(8 / math.pi)
_CUBIC = 0.044715


def _gelu_tanh_partial(out: object, x: object) -> object:
    """With s = sigmoid(u), u = √(8/π)(x + 0.044715 x³): s + x s(−u) s u'."""
    c = clip(x, -_FAR, _FAR)
    u = _SQRT_8_OVER_PI * (c + _CUBIC * c**3)
    slope = _SQRT_8_OVER_PI * (1 + (3 * _CUBIC) * c**2)
    return sigmoid(u) * (1 + c * slope * sigmoid(-u))


gelu_tanh = pointwise(
    "gelu_tanh",
    "the tanh form of gelu, x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))",
    kernel="chainrule.ops.kernels.gelu_tanh",
    native=native.gelu_tanh,
    javascript="geluTanh",
    partials=[_gelu_tanh_partial],
    exact=lambda mp, x: x / (1 + mp.exp(-mp.sqrt(8 / mp.pi) * (x + mp.mpf(_CUBIC) * x**3))),
    conventions=[
        Convention((-math.inf,), 0.0, (0.0,), "the limit"),
        Convention((math.inf,), math.inf, (1.0,), "the limit"),
    ],
    # The argument of the exponential, rounded three times, goes to 745.
    accuracy=Accuracy(2000, 2000),
)
