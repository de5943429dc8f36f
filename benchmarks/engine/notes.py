"""Why a goal is missed, row by row; printed under the tables."""

NOTES: dict[str, tuple[str, ...]] = {
    "b": (
        """\
The C of the ratios has `-ffast-math` and libmvec, whose functions may be 4 units in the last place
off; ours stay below 1 and keep the rules of IEEE 754 (C without `-ffast-math` takes two to four
times as long). Our exp takes 1.28 times as long as libmvec's; the density divides seven times.""",
        """\
On one thread other runs gave ratios to C of 1.06, 1.26, 1.22 and 1.12, and 1.11, 1.13, 1.07 and
1.22.""",
        """\
Two threads had a run of their own, with rounds of 24 ms, each after one that does not count:
threads have to be awake, and those of OpenMP spin for a while when they have no work. To share a
call between two threads of Python takes 0.2 ms, which OpenMP's, still spinning, save; the density
is behind by its divisions, too.""",
    ),
    "c": (
        """\
Results are dropped before the next call, as in most loops, so that the array of the gradient is
handed out again; who keeps them all pays 0.1 to 0.2 µs more. The loop computes the term of the
neighbour again, as the C does, but without its multiply-adds, which round once instead of twice:
17 instructions for 8 elements against 11.""",
        """\
n = 10: call and result take 90 % of the time; two tuples and the array are what the gradient has
more.""",
    ),
    "d": (
        """\
n = 1,000: the first gradient is that of the tape; its steps are compiled first where the disk cache
is empty, as here. Where they are cached it takes 40 ms.""",
        """\
n = 1,000: value and gradient are compiled to optimised code in 0.16 s of processor time where the
machine is quiet, and in up to 0.4 s where it is not; the goal is 0.15 s. `report()` says where it
goes: of 283 ms, LLVM takes 188 to choose instructions and registers and 18 to optimise; its text
takes 31, simplifying 28, fusing 15.""",
        """\
n = 10,000 and more: code is written down as it is (level 0 of LLVM). More effort made it up to
15 % faster, and five times as long to compile.""",
        """\
n = 100,000: 8.6 MB of code, each instruction of which runs once a call, so the time is that of
reading it from memory. The code of the function alone stays in the caches: hence the ratio.""",
    ),
    "f": (
        """\
The dense Hessian multiplies by a unit matrix, which is mostly zeros: infinity times 0 is NaN, so
they count. CasADi's graph has scalars and no zeros, and takes 20 to 40 s to build.""",
    ),
}
