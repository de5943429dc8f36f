"""Options and portfolios."""

from __future__ import annotations

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(4)


def black_scholes(np, special, spot, volatility, rate, strike, maturity):
    """The value of a book of calls and puts; its gradient and Hessian are the Greeks."""
    spread = volatility * np.sqrt(maturity)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * maturity) / spread
    d2 = d1 - spread
    present = strike * np.exp(-rate * maturity)
    call = spot * special.ndtr(d1) - present * special.ndtr(d2)
    put = present * 0.5 * (1 - special.erf(d2 / np.sqrt(2))) - spot * special.ndtr(-d1)
    return np.sum(call) + np.sum(put)


def portfolio(np, weights, returns, views):
    """Variance against return, with penalties in place of constraints."""
    mean = np.mean(returns, axis=0)
    centred = returns - mean
    covariance = centred.T @ centred / (returns.shape[0] - 1)
    risk = weights @ covariance @ weights
    short = np.maximum(-weights, 0.0)
    crowded = np.maximum(weights - 0.25, 0.0)
    turnover = np.sqrt((weights - views) ** 2 + 1e-6).sum()
    penalty = 10 * (np.sum(short**2) + np.sum(crowded**2) + (weights.sum() - 1) ** 2)
    return risk - 0.5 * mean @ weights + penalty + 0.01 * turnover


PROGRAMS = [
    Program(
        black_scholes,
        (_random.uniform(80, 120, 25), _random.uniform(0.1, 0.5, 25), 0.03),
        (_random.uniform(70, 130, 25), _random.uniform(0.1, 2, 25)),
        special=True,
    ),
    Program(
        portfolio,
        (_random.uniform(-0.2, 0.5, 12), 0.02 * _random.standard_normal((60, 12))),
        (_random.uniform(0, 0.2, 12),),
    ),
]
