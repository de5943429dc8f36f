"""What became of a graph: which code runs it, what making it took, what is left to NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.run.native.stages import STAGES


@dataclass(frozen=True, slots=True)
class CompileReport:
    """How a compiled graph runs right now; printed, a few lines of text.

    Attributes:
        tier: ``"numpy"`` until there is code; ``"tape"`` or ``"baseline"`` for code that is ready
            quickly; ``"optimised"`` for the best there is.
        nodes: Of the graph, leaves included.
        kernels: How many loop nests it became.
        by_numpy: The operations that NumPy does, by name, each as often as it occurs.
        seconds: What each stage of making the code took.
        instructions: How many instructions LLVM was given.
        code_bytes: Size of the machine code.
        scratch_bytes: Memory that one call needs besides arguments and results.
        profile: Whether this is a profiling build: its kernels count their calls and their time.
        no_code: Why no machine code can be made here, so that NumPy runs everything; empty: it can.
    """

    tier: str
    nodes: int
    kernels: int
    by_numpy: tuple[str, ...]
    seconds: Mapping[str, float]
    instructions: int
    code_bytes: int
    scratch_bytes: int
    profile: bool = False
    no_code: str = ""

    def __str__(self) -> str:
        total = sum(self.seconds.values())
        parts = ", ".join(
            f"{stage} {self.seconds[stage] * 1e3:.1f}" for stage in STAGES if stage in self.seconds
        )
        by_numpy = ", ".join(self.by_numpy) or "nothing"
        if self.no_code:
            by_numpy = f"everything: {self.no_code}"
        lines = [
            f"runs as      {self.tier}",
            f"nodes        {self.nodes}, in {self.kernels} kernels",
            f"by NumPy     {by_numpy}",
            f"compiled in  {total * 1e3:.1f} ms" + (f" ({parts})" if parts else ""),
            f"code         {self.instructions} instructions of LLVM, {self.code_bytes} bytes",
            f"scratch      {self.scratch_bytes} bytes a call",
        ]
        if self.profile:
            lines.append("profiling    kernels count their calls and their time")
        return "\n".join(lines)
