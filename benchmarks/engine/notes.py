"""Why a goal is missed, row by row; printed under the tables."""

NOTES: dict[str, tuple[str, ...]] = {
    "b": (
        """\
The C of the ratios has `-ffast-math` and libmvec, whose functions may be 4 units in the last place
off; ours stay below 1 and keep the rules of IEEE 754 (C without `-ffast-math` takes two to four
times as long). Our exp takes 1.28 times as long as libmvec's; the density divides seven times.""",
        """\
Two threads on two shared cores: what is measured is mostly who had the cores.""",
    ),
    "c": (
        """\
n = 1,000: the call and the new array for the gradient take about 0.3 µs; the loop computes the term
of the neighbour again rather than scatter it, which pays at n = 100,000.""",
        """\
Over the function alone it is 3 to 4 for small n, because the value alone makes no array.""",
    ),
    "d": (
        """\
n = 1,000: the derivative of tanh is 1/cosh², which keeps its digits for large x, and so a call of
cosh; C and CasADi have 1 − tanh². sin and cos of one number are two calls.""",
        """\
The first gradient is that of the tape; its steps are compiled first where the disk cache is empty,
as here. Where they are cached, n = 1,000 takes 40 ms.""",
        """\
n = 10,000 and more: code is written down as it is (level 0 of LLVM). More effort made it up to
15 % faster, and five times as long to compile.""",
    ),
    "f": (
        """\
The dense Hessian multiplies by a unit matrix, which is mostly zeros; CasADi's graph has scalars and
no zeros, and takes 40 s to build.""",
    ),
}
