"""How several variables vary together: covariances and correlations."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.ops.arithmetic import sqrt
from chainrule.ops.composite.joining import joined
from chainrule.ops.composite.patterns import diag
from chainrule.ops.composite.products import matmul
from chainrule.ops.composite.shaping import squeeze
from chainrule.ops.composite.statistics import average, clip, sum
from chainrule.ops.composite.table import as_term, covers, in_dtype, terms
from chainrule.ops.rearrange import permuted, reshaped


@covers(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """The covariances of variables, each with all others, as a matrix; of one variable a number.

    Args:
        m: The variables, one in each row, and their observations; a vector is one variable.
        y: More of them.
        rowvar: Whether variables stand in rows; else in columns.
        bias: Divide by the number of observations, else by one less.
        ddof: What is taken off the number of observations instead.
        fweights: How often each observation counts, whole numbers.
        aweights: How much each observation weighs.
        dtype: The dtype to compute in; None for float64.
    """
    x = _variables(m, y, rowvar)
    x = in_dtype(x, np.result_type(x.dtype, np.float64) if dtype is None else dtype)
    given = [w for w in (fweights, aweights) if w is not None]
    for w in given:
        if np.shape(w) != (x.shape[1],):
            raise GraphError("E203", f"cov: a weight for each of {x.shape[1]} observations")
    weights = [in_dtype(as_term(w, x.__class__), x.dtype) for w in given]
    off = (0 if bias else 1) if ddof is None else ddof
    if not weights:
        count: Any = x.shape[1] - off
        centred = x - reshaped(average(x, 1), (x.shape[0], 1))
        weighted = centred
    else:
        w = functools.reduce(operator.mul, weights)
        count = sum(w)
        heavy = sum(w * weights[-1]) / count if off and aweights is not None else 1
        count = count - off * heavy
        centred = x - reshaped(average(x, 1, w), (x.shape[0], 1))
        weighted = centred * w
    return squeeze(matmul(centred, permuted(weighted, (1, 0))) / count)


@covers(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """The correlations of variables: covariances over the standard deviations, from −1 to 1."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviations = sqrt(diag(c))
    return clip(c / reshaped(deviations, (c.shape[0], 1)) / deviations, -1, 1)


def _variables(m: Any, y: Any, rowvar: bool) -> Any:
    """The variables, one in each row."""
    given = terms([m] if y is None else [m, y])
    rows = []
    for at, x in enumerate(given):
        if x.ndim > 2:
            raise GraphError("E203", f"cov takes vectors and matrices, got {list(x.shape)}")
        turned = not rowvar and x.ndim == 2 and (at == 0 or x.shape[0] != 1)  # as NumPy does
        x = reshaped(x, (1,) * (2 - x.ndim) + x.shape)
        rows.append(permuted(x, (1, 0)) if turned else x)
    return joined(rows, 0)
