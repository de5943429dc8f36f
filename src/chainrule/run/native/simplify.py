"""The first stage: the same values with less work.

The identities of `_exact` hold for floating-point numbers to the bit: for rounded results, infinities
and signed zeros alike (NaN may come with another sign). Those of `_fast` hold for real numbers only;
they are used with ``fast_math=True``. What depends on constants alone is computed here, once.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from chainrule.graph.collector import collector_paused
from chainrule.graph.dag import Dag
from chainrule.graph.node import (
    CONSTANT,
    INPUT,
    Node,
    constant_node,
    constant_value,
    input_node,
    make,
    uniform_value,
)
from chainrule.graph.op import OPS, Op, Params
from chainrule.graph.template import Template
from chainrule.graph.types import Type
from chainrule.ops.arithmetic import abs as absolute
from chainrule.ops.arithmetic import reciprocal, square
from chainrule.ops.select import logical_not, stop_gradient, where
from chainrule.ops.term import Term
from chainrule.run.kernels import kernel

_LARGEST: Final = 4096
"""Elements of an array that is computed in advance."""

_ROUNDS: Final = 8
"""How often one node is rewritten."""

Identities = Sequence[tuple[Term, Term]]


def _exact(x: Term, y: Term, c: Term, two: Term, test: Term) -> Identities:
    """Left sides and what they become.

    Args:
        x: Anything.
        y: Anything.
        c: A constant.
        two: A constant that is a power of two.
        test: A condition.
    """
    return [
        (x * 1, x),
        (1 * x, x),
        (x / 1, x),
        (x - 0, x),
        (x * -1, -x),
        (-1 * x, -x),
        (x / -1, -x),
        (2 * x, x + x),
        (x * 2, x + x),
        (x / two, x * (1 / two)),
        # signs move outward and meet
        (-(-x), x),
        (-(c * x), -c * x),
        (-(x * c), x * -c),
        (-x * c, x * -c),
        (c * -x, -c * x),
        (-x * y, -(x * y)),
        (x * -y, -(x * y)),
        (-x / y, -(x / y)),
        (x / -y, -(x / y)),
        (x + -y, x - y),
        (-x + y, y - x),
        (x - -y, x + y),
        (square(-x), square(x)),
        (absolute(-x), absolute(x)),
        # literal powers
        (x**0, x * 0 * 0 + 1) if False else (x**1, x),
        (x**2, square(x)),
        (x**-1, reciprocal(x)),
        (c * reciprocal(x), c / x),
        (x * reciprocal(y), x * reciprocal(y)),
        # choices
        (where(test, x, x), x),
        (logical_not(logical_not(test)), test),
        (stop_gradient(x), x),
    ]
