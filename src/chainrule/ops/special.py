"""Special functions: error functions, gamma functions, the normal distribution.

Definitions follow the NIST Digital Library of Mathematical Functions, chapters 5 and 7.
"""

from __future__ import annotations

import math
from typing import Any

from chainrule.graph.op import Accuracy, Convention, Form, Level, Param
from chainrule.ops import native
from chainrule.ops.arithmetic import square
from chainrule.ops.elementary import exp, log
from chainrule.ops.families import pointwise
from chainrule.ops.literals import order
from chainrule.ops.select import where
from chainrule.ops.term import Function

_TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)
_POLE = "a pole"

erf = pointwise(
    "erf",
    "the error function, 2/√π ∫₀ˣ exp(−t²) dt",
    kernel="scipy.special.erf",
    native=lambda code, x: code.call("erf", x),
    javascript="erf",
    partials=[lambda out, x: _TWO_OVER_SQRT_PI * exp(-square(x))],
    exact="erf",
    # In the derivative the rounding error of x² < 745 is magnified by exp.
    accuracy=Accuracy(4, 600),
)

erfc = pointwise(
    "erfc",
    "1 − erf(x), accurate for large x",
    kernel="chainrule.ops.special_kernels.erfc",
    native=lambda code, x: code.call("erfc", x),
    javascript="erfc",
    partials=[lambda out, x: -_TWO_OVER_SQRT_PI * exp(-square(x))],
    exact="erfc",
    # The derivative as for erf.
    accuracy=Accuracy(12, 600),
)


def _erfcx_partial(out: Any, x: Any) -> Any:
    """2 x out − 2/√π cancels for large x; there the series (DLMF 7.12.1) is differentiated."""
    s = square(1 / x)
    series = 1 - 1.5 * s * (1 - 2.5 * s * (1 - 3.5 * s * (1 - 4.5 * s)))
    return where(x > 30, -0.5 * _TWO_OVER_SQRT_PI * s * series, 2 * x * out - _TWO_OVER_SQRT_PI)


erfcx = pointwise(
    "erfcx",
    "exp(x²) erfc(x), the tail of the normal distribution without its underflow",
    kernel="chainrule.ops.special_kernels.erfcx",
    native=native.erfcx,
    javascript="erfcx",
    partials=[_erfcx_partial],
    exact=lambda mp, x: mp.exp(x * x) * mp.erfc(x),
    # The derivative cancels most just below x = 30.
    accuracy=Accuracy(12, 6000),
)

erfinv = pointwise(
    "erfinv",
    "the inverse of erf; NaN outside [−1, 1]",
    kernel="chainrule.ops.special_kernels.erfinv",
    native=native.erfinv,
    javascript="erfinv",
    partials=[lambda out, x: (math.sqrt(math.pi) / 2) * exp(square(out))],
    exact="erfinv",
    conventions=[
        Convention((1.0,), math.inf, (math.inf,), "the slope is vertical"),
        Convention((-1.0,), -math.inf, (math.inf,), "the slope is vertical"),
    ],
    # In the derivative the rounding error of out² < 35 is magnified by exp.
    accuracy=Accuracy(6, 100),
)

gamma = pointwise(
    "gamma",
    "the gamma function; (n − 1)! for a whole n > 0",
    kernel="chainrule.ops.special_kernels.gamma",
    native=lambda code, x: code.call("tgamma", x),
    javascript="gamma",
    partials=[lambda out, x: out * digamma(x)],
    exact="gamma",
    latex=r"\Gamma",
    aliases=("Gamma",),
    conventions=[
        Convention((0.0,), math.inf, (-math.inf,), _POLE),
        Convention((-0.0,), -math.inf, (-math.inf,), _POLE),
        Convention((-1.0,), math.nan, (math.nan,), "a pole with two signs"),
    ],
    accuracy=Accuracy(16, 40),
)

lgamma = pointwise(
    "lgamma",
    "the logarithm of |gamma(x)|",
    kernel="chainrule.ops.special_kernels.lgamma",
    native=lambda code, x: code.call("lgamma", x),
    javascript="logGamma",
    partials=[lambda out, x: digamma(x)],
    exact=lambda mp, x: mp.log(abs(mp.gamma(x))),
    aliases=("gammaln", "loggamma"),
    conventions=[
        Convention((0.0,), math.inf, (-math.inf,), _POLE),
        Convention((-0.0,), math.inf, (math.inf,), _POLE),
        Convention((-1.0,), math.inf, (math.nan,), "a pole, with a slope of two signs"),
    ],
    accuracy=Accuracy(20, 24),
)

digamma: Function = pointwise(
    "digamma",
    "the derivative of log gamma",
    kernel="chainrule.ops.special_kernels.digamma",
    native=native.digamma,
    javascript="digamma",
    partials=[lambda out, x: polygamma(x, order=1)],
    exact="digamma",
    latex=r"\psi",
    aliases=("psi",),
    conventions=[
        Convention((0.0,), -math.inf, (math.inf,), _POLE),
        Convention((-0.0,), math.inf, (math.inf,), _POLE),
        Convention((-1.0,), math.nan, (math.inf,), "a pole with two signs"),
    ],
    domain=(0.5, 3.0),
    accuracy=Accuracy(20, 12),
)

polygamma: Function = pointwise(
    "polygamma",
    "the derivative of digamma of this order; order 1 is the trigamma function",
    params=[Param("order", order)],
    kernel="chainrule.ops.special_kernels.polygamma",
    native=native.polygamma,
    javascript="polygamma",
    partials=[lambda out, x, order: polygamma(x, order=order + 1)],
    exact=lambda mp, x, order: mp.polygamma(order, x),
    latex=Form(r"\psi^{{({order})}}\left({0}\right)", Level.ATOM, (Level.LIST,)),
    conventions=[
        Convention((0.0, 1), math.inf, (-math.inf,), _POLE),
        Convention((-0.0, 1), math.inf, (math.inf,), _POLE),
        Convention((-1.0, 1), math.inf, (math.nan,), "a pole, with a slope of two signs"),
        Convention((-1.0, 2), math.nan, (math.inf,), "a pole with two signs"),
    ],
    domain=(0.5, 3.0),
    accuracy=Accuracy(40, 40),
)

normal_pdf = pointwise(
    "normal_pdf",
    "the density of the standard normal distribution",
    kernel="chainrule.ops.kernels.normal_pdf",
    native=native.normal_pdf,
    javascript="normalDensity",
    partials=[lambda out, x: where(out == 0, 0.0, -(x * out))],
    exact="npdf",
    latex=r"\varphi",
    accuracy=Accuracy(10, 12),
)

normal_cdf = pointwise(
    "normal_cdf",
    "the probability that a standard normal variable is at most x",
    kernel="chainrule.ops.special_kernels.normal_cdf",
    native=native.normal_cdf,
    javascript="normalProbability",
    partials=[lambda out, x: normal_pdf(x)],
    exact=lambda mp, x: mp.erfc(-x / mp.sqrt(2)) / 2,
    latex=r"\Phi",
    accuracy=Accuracy(20, 10),
)

normal_log_cdf = pointwise(
    "normal_log_cdf",
    "the logarithm of normal_cdf(x), without underflow",
    kernel="chainrule.ops.special_kernels.normal_log_cdf",
    native=native.normal_log_cdf,
    javascript="logNormalProbability",
    # φ/Φ, the inverse Mills ratio, through the scaled tail, so that nothing underflows.
    partials=[
        lambda out, x: where(
            x > 0,
            normal_pdf(x) / normal_cdf(x),
            math.sqrt(2 / math.pi) / erfcx(-math.sqrt(0.5) * x),
        )
    ],
    exact=lambda mp, x: (
        mp.log(mp.erfc(-x / mp.sqrt(2)) / 2) if x < 0 else mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
    ),
    latex=r"\ln \Phi",
    accuracy=Accuracy(20, 40),
)

xlogy = pointwise(
    "xlogy",
    "x log(y), and 0 for x = 0 whatever y",
    operands=("x", "y"),
    kernel="chainrule.ops.kernels.xlogy",
    native=native.xlogy,
    javascript="xLogY",
    partials=[
        lambda out, x, y: log(y),
        lambda out, x, y: where((x == 0) & (y == 0), 0.0, x / y),
    ],
    exact=lambda mp, x, y: x * mp.log(y) if x else x * 0,
    latex=Form(r"{0} \ln {1}", Level.PRODUCT, (Level.PRODUCT, Level.ATOM)),
    conventions=[
        Convention((0.0, 0.0), 0.0, (-math.inf, 0.0), "the limit of x log(x) at 0"),
    ],
    accuracy=Accuracy(6, 4),
)
