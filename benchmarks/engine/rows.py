"""The rows: their cases, who takes part, and the goals."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.engine.works import FORMULAS, HESSIAN, HVP, Case

OURS = "ours"


@dataclass(frozen=True)
class Contender:
    """One way of one library. Floors are C: shown beside peers, not counted as one."""

    peer: str
    title: str
    way: str = ""
    most: int = 10**9
    floor: bool = False

    @property
    def key(self) -> str:
        """Its name in results."""
        return f"{self.peer}:{self.way}"


@dataclass(frozen=True)
class Goal:
    """What is asked of the warm time: seconds, times of C plus seconds, or times of the best."""

    text: str
    seconds: float = 0.0
    floor: float = 0.0
    best: float = 0.0
    of: str = ""
    """The key of one peer that ``best`` speaks of; empty: the fastest."""
    to_first: float = 0.0


@dataclass(frozen=True)
class Row:
    """A kind of work."""

    letter: str
    title: str
    cases: tuple[Case, ...]
    contenders: tuple[Contender, ...]
    goals: dict[Case, Goal]
    quoted: str = ""
    """The key of the C that goals and ratios speak of."""
    alone: bool = True
    """The function without its gradient is measured too."""
    rounds: int = 100
    said: tuple[str, ...] = field(default=())


_OURS = Contender(OURS, "chainrule")
_JIT = Contender(OURS, "chainrule, cr.jit", "jit")
_JAX = Contender("jax", "JAX")
_TORCH = Contender("torch", "PyTorch")
_AUTOGRAD = Contender("autograd", "autograd")
_SYMPY = Contender("sympy", "SymPy lambdify")
_VM = Contender("casadi", "CasADi, buffers", "buffer")
_GCC = Contender("casadi", "CasADi + gcc, buffers", "gcc")
_EXACT = Contender("c", "C", "exact", floor=True)
_FAST = Contender("c", "C, fast-math", "fast", floor=True)

_A = tuple(Case("a", name) for name in FORMULAS)
_B = tuple(Case("b", name, 1_000_000, threads) for threads in (1, 2) for name in FORMULAS)
_C = tuple(Case("c", "Rosenbrock", n) for n in (10, 1_000, 100_000))
_D = tuple(Case("d", "random graph", n) for n in (1_000, 10_000, 100_000))
_F = (Case("f", HESSIAN, 100), Case("f", HVP, 100))

_D_GOALS = {1_000: (0.05, 3e-6), 10_000: (0.4, 45e-6), 100_000: (4.0, 700e-6)}

ROWS = (
    Row(
        "a",
        "Small formulas: value and gradient in one call from Python's floats",
        _A,
        (
            _OURS,
            _SYMPY,
            Contender("casadi", "CasADi, normal call", "call"),
            _VM,
            _GCC,
            _JAX,
            _TORCH,
            _AUTOGRAD,
            Contender("c", "C, called with floats", "call", floor=True),
            Contender("c", "C in a loop of C", "exact", floor=True),
        ),
        dict.fromkeys(_A, Goal("≤ 250 ns", seconds=250e-9)),
        "c:call",
        said=(
            "Floats go in and come out; CasADi's buffers lie in place, and its figure is without",
            "writing and reading them. *C, called with floats* is an extension module, the least",
            "that a call from Python can cost.",
        ),
    ),
    Row(
        "b",
        "The same over a million points",
        _B,
        (
            Contender(OURS, "chainrule, out=", "out"),
            Contender(OURS, "chainrule, new arrays"),
            _JAX,
            _TORCH,
            Contender("torch", "torch.compile", "compile"),
            _AUTOGRAD,
            Contender("sympy", "SymPy lambdify, NumPy"),
            _FAST,
            _EXACT,
        ),
        dict.fromkeys(_B, Goal("≤ 1.2 × C", floor=1.2)),
        "c:fast",
        rounds=15,
        said=(
            "Every partial derivative at each point; of the logistic loss the sum over the points",
            "and its gradient in three weights. The C of the ratios is `-O3 -march=native",
            "-ffast-math -fopenmp` with glibc's libmvec, into memory that is there already; *C* is",
            "without `-ffast-math`.",
        ),
    ),
    Row(
        "c",
        "Rosenbrock's function as array code",
        _C,
        (
            _OURS,
            _JIT,
            Contender("casadi", "CasADi MX, buffers", "mx"),
            _JAX,
            _TORCH,
            _AUTOGRAD,
            _FAST,
            _EXACT,
        ),
        dict.fromkeys(_C, Goal("≤ 1.3 × C + 0.3 µs", seconds=0.3e-6, floor=1.3)),
        "c:fast",
        said=("C runs in a loop of C. The C of the ratios is with `-ffast-math`.",),
    ),
    Row(
        "d",
        "Random graphs of numbers",
        _D,
        (
            _OURS,
            _VM,
            Contender("casadi", "CasADi + gcc, buffers", "gcc", most=10_000),
            Contender("jax", "JAX", most=10_000),
            Contender("c", "C", "exact", most=1_000, floor=True),
        ),
        {
            case: Goal(
                f"first gradient {_D_GOALS[case.size][0]:g} s, then "
                f"{_D_GOALS[case.size][1] * 1e6:g} µs",
                seconds=_D_GOALS[case.size][1],
                to_first=_D_GOALS[case.size][0],
            )
            for case in _D
        },
        "c:exact",
        rounds=30,
        said=(
            "16 inputs; each of n nodes has one of eight forms over the last 200 nodes; the output",
            "is the mean of the last 16. The build is everything from the inputs on: graph,",
            "gradient, code. C is one function of straight lines, derived by a script.",
        ),
    ),
    Row(
        "f",
        "Second derivatives: Rosenbrock in 100 variables + log1p(Σx²)",
        _F,
        (_OURS, _VM, _GCC, _JAX, _TORCH),
        dict.fromkeys(
            _F,
            Goal("≤ CasADi + gcc, built in ≤ 0.5 s", best=1.0, of="casadi:gcc", to_first=0.5),
        ),
        alone=False,
        said=("The whole Hessian as a dense matrix, and the Hessian times a vector of ones.",),
    ),
)
