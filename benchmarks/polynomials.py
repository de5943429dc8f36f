"""The polynomials of run/native/emit/mathematics: best approximations, by Remez's exchange.

Each is the polynomial of its degree whose largest weighted error on an interval is smallest. The
weights are such that the error is relative to the function that the polynomial is for, so 1.1e-16
is half a unit in the last place. ``python -m benchmarks.polynomials`` prints the text of
``coefficients.py``; names after it choose among the polynomials.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

import mpmath as mp

DIGITS: Final = 60
SAMPLES: Final = 24
"""Points looked at between two nodes of the exchange."""

Function = Callable[[mp.mpf], mp.mpf]


HEAD: Final = '''"""Coefficients of polynomials, lowest power first.

``python -m benchmarks.polynomials`` writes this file; there it says what each polynomial is for.
The error is relative to the function it belongs to.
"""

from typing import Final
'''


class Wanted(NamedTuple):
    """What a polynomial is to approximate.

    Attributes:
        function: The function.
        weight: What the error is multiplied with.
        low: Where the interval begins.
        high: Where it ends.
        degree: The degree of the polynomial.
    """

    function: Function
    weight: Function
    low: str
    high: str
    degree: int


def remez(wanted: Wanted, rounds: int = 12) -> tuple[list[mp.mpf], mp.mpf]:
    """The coefficients, lowest power first, and the largest weighted error."""
    low, high = mp.mpf(mp.mpmathify(wanted.low)), mp.mpf(mp.mpmathify(wanted.high))
    count = wanted.degree + 2
    nodes = [
        (low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * count))
        for i in range(count)
    ]
    coefficients: list[mp.mpf] = []
    worst = mp.inf
    for _ in range(rounds):
        matrix = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for row, x in enumerate(nodes):
            for power in range(count - 1):
                matrix[row, power] = x**power
            matrix[row, count - 1] = (-1) ** row / wanted.weight(x)
            right[row] = wanted.function(x)
        solution = mp.lu_solve(matrix, right)
        coefficients = list(solution)[:-1]
        level = abs(solution[count - 1])

        def error(x: mp.mpf, known: list[mp.mpf] = coefficients) -> mp.mpf:
            return wanted.weight(x) * (wanted.function(x) - mp.polyval(known[::-1], x))

        nodes, worst = _exchange(error, [low, *nodes, high], count)
        if worst <= level * mp.mpf("1.001"):
            break
    return coefficients, worst


def _exchange(
    error: Callable[[mp.mpf], mp.mpf], nodes: list[mp.mpf], count: int
) -> tuple[list[mp.mpf], mp.mpf]:
    """The places of the extreme errors, of signs that alternate, and the largest one."""
    places = [nodes[0]]
    for left, right in itertools.pairwise(nodes):
        places += [left + (right - left) * i / SAMPLES for i in range(1, SAMPLES + 1)]
    extremes: list[tuple[mp.mpf, mp.mpf]] = []
    for x in places:
        value = error(x)
        if extremes and (extremes[-1][1] > 0) == (value > 0):
            if abs(value) > abs(extremes[-1][1]):
                extremes[-1] = (x, value)
        else:
            extremes.append((x, value))
    while len(extremes) > count:
        extremes.pop(0 if abs(extremes[0][1]) < abs(extremes[-1][1]) else -1)
    assert len(extremes) == count, "the exchange has lost a node"
    return [x for x, _ in extremes], max(abs(value) for _, value in extremes)


def _near_zero(function: Function, start: Function) -> Function:
    """A function that is a quotient 0/0 at 0, as its limit there."""
    return lambda x: start(x) if abs(x) < mp.mpf(10) ** -25 else function(x)


def _of_square(function: Function) -> Function:
    return lambda z: function(mp.sqrt(z))


def _scaled_erfc(t: mp.mpf) -> mp.mpf:
    """(1 + 2x)·exp(x²)·erfc x as a function of t = (x − 4)/(x + 4)."""
    x = 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x**2) * mp.erfc(x)


_HALF_LN2 = "0.34658"  # ln 2/2 = 0.346573…, with room for a rounded quotient
_SQRT_LOW, _SQRT_HIGH = "-0.2928933", "0.4142136"  # √½ − 1, √2 − 1

WANTED: Final[dict[str, Wanted]] = {
    "EXP": Wanted(  # eʳ = 1 + r + r²·P(r)
        _near_zero(lambda r: (mp.expm1(r) - r) / r**2, lambda r: 0.5 + r / 6),
        lambda r: r**2 / mp.exp(r) if abs(r) > 1e-9 else mp.mpf(1e-18),
        f"-{_HALF_LN2}",
        _HALF_LN2,
        9,
    ),
    "EXPM1": Wanted(  # eʳ − 1 = r + r²·P(r), relative to eʳ − 1
        _near_zero(lambda r: (mp.expm1(r) - r) / r**2, lambda r: 0.5 + r / 6),
        lambda r: r**2 / mp.expm1(r) if abs(r) > 1e-9 else mp.mpf(1e-9),
        f"-{_HALF_LN2}",
        _HALF_LN2,
        10,
    ),
    "EXP2": Wanted(  # 2ʳ = 1 + r·ln 2 + r²·P(r)
        _near_zero(
            lambda r: (mp.expm1(r * mp.ln(2)) - r * mp.ln(2)) / r**2,
            lambda r: mp.ln(2) ** 2 / 2 + r * mp.ln(2) ** 3 / 6,
        ),
        lambda r: r**2 / mp.power(2, r) if abs(r) > 1e-9 else mp.mpf(1e-18),
        "-0.5001",
        "0.5001",
        9,
    ),
    "LOG": Wanted(  # log(1 + f) = f + f²·P(f)
        _near_zero(lambda f: (mp.log1p(f) - f) / f**2, lambda f: f / 3 - 0.5),
        lambda f: f**2 / mp.log1p(f) if abs(f) > 1e-9 else mp.mpf(1e-9),
        _SQRT_LOW,
        _SQRT_HIGH,
        19,
    ),
    "SIN_QUARTER": Wanted(  # sin r = r + r³·P(r²), |r| ≤ π/4
        _near_zero(_of_square(lambda r: (mp.sin(r) - r) / r**3), lambda z: z / 120 - mp.mpf(1) / 6),
        _of_square(lambda r: r**3 / mp.sin(r) if r > 1e-9 else mp.mpf(1e-18)),
        "0",
        "0.6169",
        5,
    ),
    "COS_QUARTER": Wanted(  # cos r = 1 − r²/2 + r⁴·P(r²), |r| ≤ π/4
        _near_zero(
            _of_square(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4),
            lambda z: mp.mpf(1) / 24 - z / 720,
        ),
        _of_square(lambda r: r**4 / mp.cos(r)),
        "0",
        "0.6169",
        5,
    ),
    "SINH": Wanted(  # sinh r = r + r³·P(r²), |r| ≤ ln 2/2
        _near_zero(
            _of_square(lambda r: (mp.sinh(r) - r) / r**3), lambda z: z / 120 + mp.mpf(1) / 6
        ),
        _of_square(lambda r: r**3 / mp.sinh(r) if r > 1e-9 else mp.mpf(1e-18)),
        "0",
        "0.12012",
        4,
    ),
    "COSH": Wanted(  # cosh r = 1 + r²·P(r²), |r| ≤ ln 2/2
        _near_zero(_of_square(lambda r: (mp.cosh(r) - 1) / r**2), lambda z: 0.5 + z / 24),
        _of_square(lambda r: r**2 / mp.cosh(r)),
        "0",
        "0.12012",
        4,
    ),
    "ATAN": Wanted(  # atan a = a + a³·P(a²), |a| ≤ √2 − 1
        _near_zero(_of_square(lambda a: (mp.atan(a) - a) / a**3), lambda z: z / 5 - mp.mpf(1) / 3),
        _of_square(lambda a: a**3 / mp.atan(a) if a > 1e-9 else mp.mpf(1e-18)),
        "0",
        "0.17158",
        10,
    ),
    "ASIN": Wanted(  # asin x = x + x³·P(x²), |x| ≤ ½
        _near_zero(
            _of_square(lambda x: (mp.asin(x) - x) / x**3), lambda z: z * 3 / 40 + mp.mpf(1) / 6
        ),
        _of_square(lambda x: x**3 / mp.asin(x) if x > 1e-9 else mp.mpf(1e-18)),
        "0",
        "0.25",
        12,
    ),
    "ATANH": Wanted(  # 2·atanh s = 2s + ⅔s³ + s⁵·P(s²), |s| ≤ (√2 − 1)/(√2 + 1)
        _near_zero(
            _of_square(lambda s: (2 * mp.atanh(s) - 2 * s - 2 * s**3 / 3) / s**5),
            lambda z: z * 2 / 7 + mp.mpf(2) / 5,
        ),
        _of_square(lambda s: s**5 / mp.atanh(s) if s > 1e-9 else mp.mpf(1e-36)),
        "0",
        "0.029438",
        7,
    ),
    "ERF": Wanted(  # erf x = x·(2/√π + x²·P(x²)), |x| ≤ 1
        _near_zero(
            _of_square(lambda x: (mp.erf(x) / x - 2 / mp.sqrt(mp.pi)) / x**2),
            lambda z: (z / 5 - mp.mpf(2) / 3) / mp.sqrt(mp.pi),
        ),
        _of_square(lambda x: x**3 / mp.erf(x) if x > 1e-9 else mp.mpf(1e-18)),
        "0",
        "1",
        11,
    ),
    "ERFC": Wanted(  # (1 + 2x)·exp(x²)·erfc x = P((x − 4)/(x + 4)), 0.8 ≤ x ≤ 28
        _scaled_erfc,
        lambda t: 1 / _scaled_erfc(t),
        "-0.6668",
        "0.7501",
        21,
    ),
    "CBRT": Wanted(  # m^(−1/3), 1 ≤ m ≤ 2: where the iteration begins
        lambda m: mp.power(m, mp.mpf(-1) / 3),
        mp.cbrt,
        "1",
        "2",
        4,
    ),
}


def main(names: list[str]) -> None:
    """Print the polynomials."""
    mp.mp.dps = DIGITS
    print(HEAD)
    for name in names or WANTED:
        coefficients, worst = remez(WANTED[name])
        print(f"{name}: Final = (")
        for coefficient in coefficients:
            print(f"    {float(coefficient)!r},")
        print(f")  # error {mp.nstr(worst, 2)}")


if __name__ == "__main__":
    main(sys.argv[1:])
