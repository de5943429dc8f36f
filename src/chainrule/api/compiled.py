"""A graph as a callable that runs as machine code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from chainrule.api.arguments import bind, taken_apart
from chainrule.api.out import arrangement_of, arrays_for, copied, handed_out
from chainrule.api.outputs import arranged
from chainrule.errors import DerivativeError, GraphError, shown
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Arrangement, Matrix
from chainrule.graph.node import Node
from chainrule.graph.types import Type
from chainrule.late import Late
from chainrule.run.native.call.callable import NativeCallable
from chainrule.run.native.call.signature import Cells, Leaf, Results
from chainrule.run.native.machine import Machine, in_order
from chainrule.run.native.request import Options
from chainrule.run.native.runner import context_of

if TYPE_CHECKING:
    from chainrule.api import drawings
    from chainrule.draw.drawing import Drawing
    from chainrule.run.native.report import CompileReport
    from chainrule.show import profile as profiles
    from chainrule.show.profile import Profile
else:
    drawings = Late("chainrule.api.drawings")
    profiles = Late("chainrule.show.profile")

Listing = Literal["kernels", "llvm", "optimised", "assembly"]

_TIME: Final = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(ms|s)\s*")


class Compiled(NativeCallable):
    """A graph that runs as machine code; made by `Graph.compile`.

    It takes what the graph takes, by position or by name, and gives what the graph gives. With
    ``out=`` results that are arrays go into the caller's, in the structure of the results (where
    an argument of the graph is called ``out``, that is meant).

    >>> import chainrule as cr
    >>> fast = cr.parse("(x + y) * (x + 1)").gradient().compile()
    >>> fast(2.0, 1.0)
    (9.0, (6.0, 3.0))
    >>> fast(x=2.0, y=1.0)
    (9.0, (6.0, 3.0))

    Calls raise EvaluationError: E301 missing, E302 surplus, E303 not a number, E304 not of the
    dtype, E305 shapes that do not fit, E346 an ``out`` that cannot take the results.
    """

    def __init__(self, dag: Dag, options: Options) -> None:
        self.dag = dag
        self._options = options
        self._machine = machine = Machine(dag, options)
        self._arrangement = arrangement_of(dag)
        if options.wrt is not None:
            self._arrangement = (0, tuple(range(1, 1 + len(options.wrt))))
        results = _results(self._arrangement, machine.types)
        context = context_of(dag, results, machine.types)
        super().__init__(context, slow=Compiled._slowly, name="compiled")
        machine.attach(context)
        machine.start()

    def wait(self, timeout: float | None = None) -> Compiled:
        """Wait until the optimised code is there, or so many seconds; give this callable itself."""
        self._machine.wait(timeout)
        return self

    def report(self) -> CompileReport:
        """What runs the graph now, what making it took, what is left to NumPy.

        >>> import chainrule as cr
        >>> fast = cr.parse("(x + y) * (x + 1)").compile().wait()
        >>> fast.report().tier, fast.report().by_numpy
        ('optimised', ())
        """
        return self._machine.report()

    def ir(self, kind: Listing = "kernels") -> str:
        """What the graph became: loops as a listing, LLVM's text, instructions of the processor.

        Comments name the nodes, and the characters or the line of Python that they come from.

        >>> import chainrule as cr
        >>> print(cr.parse("(x + y) * (x + 1)").compile().ir())
        kernel 0: f
          t0 = input0                         ; x
          t1 = input1                         ; y
          t2 = add(t0, t1)                    ; v1: x + y, characters 2–6
          t3 = 1
          t4 = add(t0, t3)                    ; v2: x + 1, characters 12–16
          t5 = multiply(t2, t4)               ; f: (x + y) * (x + 1), characters 1–17
          output0 = t5

        Args:
            kind: ``"kernels"``; ``"llvm"``, as it is made; ``"optimised"``, after LLVM's passes;
                ``"assembly"``.

        Raises:
            GraphError: E226 for another kind; E248 where no code can be made.
        """
        if kind not in get_args(Listing):
            kinds = ", ".join(map(repr, get_args(Listing)))
            raise GraphError("E226", f"kind must be one of {kinds}, got {shown(kind)}")
        return self._machine.listing(kind)

    def profile(self) -> Profile:
        """What each kernel took so far, in a profiling build.

        >>> import chainrule as cr
        >>> fast = cr.parse("exp(-x^2)").compile(profile=True).wait()
        >>> fast(0.5), fast(1.5)
        (0.7788007830714049, 0.10539922456186433)
        >>> [(row.kind, row.nodes, row.calls) for row in fast.profile()]
        [('kernel', ('f',), 2)]

        Calls that NumPy ran, because there was no code yet, are not counted: `wait` first.

        Raises:
            GraphError: E226 where kernels do not count: compile with ``profile=True``; E248 where
                no code can be made.
        """
        if not self._options.profile:
            raise GraphError("E226", "there is no profile: compile with profile=True")
        return profiles.profile_of(self._machine.measured())

    def draw(self, *, wrt: str | None = None, of: str | None = None, **options: Any) -> Drawing:
        """A drawing of the graph that was compiled; a profiling build colours it by time.

        Derivatives that were asked for belong to it. `Graph.draw` with ``heat=fast.profile()``
        colours the graph without them.

        Args:
            wrt: The node that changes: where paths start.
            of: What is differentiated; None: the only output.
            options: How it is drawn: those of `chainrule.draw.options.Options`.

        Raises:
            DrawingError, GraphError, DerivativeError, LimitError: as for `Graph.draw`.
        """
        if self._options.profile:
            options = {"heat": self.profile(), **options}
        return drawings.drawn(self._machine.dag, None, wrt, of, options)

    def _slowly(self, /, *values: Any, out: Any = None, **named: Any) -> Any:
        """Calls that need more than exact types by position: names, conversions, points.

        Also all calls that NumPy has a part in.
        """
        if out is None and not named and not self.context.tier[0] and self._takes(values):
            made = [_plain(result) for result in self._machine.run(values)]
            return arranged(self._arrangement, made, ())
        if any(node.name == "out" for node in self.dag.inputs):  # then it is an argument
            named, out = named if out is None else {**named, "out": out}, None
        if len(values) != len(self.dag.inputs):
            values = taken_apart(self.dag, values)
        given, shape = bind(self.dag, values, named, copy=False)
        arguments = [in_order(given[node]) for node in self.dag.inputs]
        machine, arrangement = self._machine, self._arrangement
        into = () if out is None else arrays_for(arrangement, machine.types, out, shape, arguments)
        memory = {one.part: one.array for one in into if one.whole and isinstance(one.part, int)}
        if shape:
            results = machine.run_points([*map(np.asarray, arguments)], shape, memory)
        else:
            results = machine.run(arguments, memory)
        made = [_plain(result) for result in results]
        if not into:
            return arranged(arrangement, made, shape)
        copied(into, made, shape)
        return handed_out(arrangement, into, made, shape)

    def _takes(self, values: Sequence[Any]) -> bool:
        """Whether these are arrays and numbers of NumPy's of exactly the types of the inputs."""
        arguments = self.context.arguments
        return len(values) == len(arguments) and all(
            isinstance(value, (np.ndarray, np.generic)) and argument.accepts(value)
            for argument, value in zip(arguments, values, strict=True)
        )

    def __repr__(self) -> str:
        names = ", ".join(node.name for node in self.dag.inputs)
        return f"<Compiled graph of ({names}): {len(self.dag)} nodes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Compiled, (self.dag, self._options))


def _results(arrangement: Arrangement, types: Sequence[Type]) -> Results:
    """The structure of the results, as calls build it."""
    if isinstance(arrangement, Matrix):
        first, rows, columns = arrangement
        return Cells(first, types[first].with_shape((rows, columns)))
    if isinstance(arrangement, int):
        type = types[arrangement]
        return Leaf(arrangement, type, python=type.dtype != np.float32)
    return tuple([_results(part, types) for part in arrangement])


def _plain(value: Any) -> Any:
    """A number as users get it."""
    return value if isinstance(value, (np.ndarray, np.float32)) else value.item()


def positions(dag: Dag, nodes: Sequence[Node]) -> tuple[int, ...]:
    """Which arguments these nodes are.

    Raises:
        DerivativeError: E334 for another node.
    """
    found = {node: at for at, node in enumerate(dag.inputs)}
    for node in nodes:
        if node not in found:
            raise DerivativeError("E334", f"{dag.labels[node]!r} is no argument of the graph")
    return tuple([found[node] for node in nodes])


def seconds_of(budget: str | float) -> float:
    """A length of time: seconds, or text such as ``"200ms"`` and ``"2s"``.

    >>> seconds_of("200ms")
    0.2

    Raises:
        GraphError: E226 for anything else.
    """
    match = _TIME.fullmatch(budget) if isinstance(budget, str) else None
    if match is not None:
        return float(match[1]) * (0.001 if match[2] == "ms" else 1)
    if isinstance(budget, (int, float)) and not isinstance(budget, bool) and budget >= 0:
        return float(budget)
    raise GraphError("E226", f"budget must be a time such as '200ms' or '2s', got {shown(budget)}")
