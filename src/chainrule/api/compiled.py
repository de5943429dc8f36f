"""A graph as a callable that runs as machine code."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import numpy as np

from chainrule.api.arguments import bind, taken_apart
from chainrule.api.out import arrays_for, copied, handed_out
from chainrule.api.outputs import arranged
from chainrule.errors import GraphError, shown
from chainrule.graph.dag import Dag
from chainrule.run.native.machine import Machine, in_order

if TYPE_CHECKING:
    from chainrule.run.native.report import CompileReport

Listing = Literal["kernels", "llvm", "optimised", "assembly"]

_TIME: Final = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(ms|s)\s*")


class Options(NamedTuple):
    """How a graph is compiled; see `chainrule.Graph.compile`."""

    threads: int = 1


class Compiled:
    """A graph that runs as machine code; made by `Graph.compile`.

    It takes what the graph takes, by position or by name, and gives what the graph gives.

    >>> import chainrule as cr
    >>> fast = cr.parse("(x + y) * (x + 1)").gradient().compile()
    >>> fast(2.0, 1.0)
    (9.0, (6.0, 3.0))
    >>> fast(x=2.0, y=1.0)
    (9.0, (6.0, 3.0))
    """

    def __init__(self, dag: Dag, options: Options) -> None:
        self.dag = dag
        self._options = options
        self._machine = Machine(dag, options.threads)
        self._machine.start()

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

        >>> import chainrule as cr
        >>> print(cr.parse("(x + y) * (x + 1)").compile().ir())
        kernel 0: f
          t0 = input0                            ; x
          t1 = input1                            ; y
          t2 = add(t0, t1)                       ; v1
          t3 = 1                                 ; 1
          t4 = add(t0, t3)                       ; v2
          t5 = multiply(t2, t4)                  ; f
          output0 = t5

        Args:
            kind: ``"kernels"``; ``"llvm"``, as it is made; ``"optimised"``, after LLVM's passes;
                ``"assembly"``.

        Raises:
            GraphError: E226 for another kind.
        """
        if kind not in get_args(Listing):
            kinds = ", ".join(map(repr, get_args(Listing)))
            raise GraphError("E226", f"kind must be one of {kinds}, got {shown(kind)}")
        return self._machine.listing(kind)

    # --- calling ------------------------------------------------------------------------------

    def __call__(self, /, *values: Any, out: Any = None, **named: Any) -> Any:
        """The value of the output, a tuple or structure of them where there are several.

        Args:
            values: Numbers or arrays for the arguments, in order.
            out: Arrays that take the results, in the structure of the results.
            named: The same by name.

        Raises:
            EvaluationError: E301 missing, E302 surplus, E303 not a number, E304 not of the dtype,
                E305 shapes that do not fit, E346 an ``out`` that cannot take the results.
        """
        if len(values) != len(self.dag.inputs):
            values = taken_apart(self.dag, values)
        given, shape = bind(self.dag, values, named, copy=False)
        arguments = [in_order(given[node]) for node in self.dag.inputs]
        into = () if out is None else arrays_for(self.dag, out, shape, arguments)
        memory = {one.part: one.array for one in into if one.whole and isinstance(one.part, int)}
        if shape:
            results = self._machine.run_points([*map(np.asarray, arguments)], shape, memory)
        else:
            results = self._machine.run(arguments, memory)
        made = [_plain(result) for result in results]
        if not into:
            return arranged(self.dag.arrangement, made, shape)
        copied(into, made, shape)
        return handed_out(self.dag, into, made, shape)

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(n.name, kind) for n in self.dag.inputs])

    def __repr__(self) -> str:
        names = ", ".join(node.name for node in self.dag.inputs)
        return f"<Compiled graph of ({names}): {len(self.dag)} nodes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Compiled, (self.dag, self._options))


def _plain(value: Any) -> Any:
    """A number as users get it."""
    return value if isinstance(value, (np.ndarray, np.float32)) else value.item()


def seconds_of(budget: str | float) -> float:
    """A length of time: seconds, or text such as ``"200ms"`` and ``"2s"``.

    >>> seconds_of("200ms")
    0.2

    Raises:
        GraphError: E226 for anything else.
    """
    match = (
        re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*(ms|s)\s*", budget) if isinstance(budget, str) else None
    )
    if match is not None:
        return float(match[1]) * (0.001 if match[2] == "ms" else 1)
    if isinstance(budget, (int, float)) and not isinstance(budget, bool) and budget >= 0:
        return float(budget)
    raise GraphError("E226", f"budget must be a time such as '200ms' or '2s', got {shown(budget)}")
