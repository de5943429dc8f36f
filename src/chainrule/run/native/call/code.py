"""The machine code behind every native callable, as LLVM's text: one function for all signatures.

``chainrule_call`` has the shape of CPython's vector call (PEP 590). It reads from the callable
which function to run and which kinds of arguments that takes (a *context*, made by `Context` in
callable.py), and hands what is not exactly of these kinds to the slow path.

The memory of a call: input slots, output slots, the arrays that are made, a stack of results, and
the scratch of the evaluation. It lies on the processor's stack while it is small, else in a block
that is parked at the context between calls; a thread that finds none there makes its own.
"""

from __future__ import annotations

import re
from typing import Final

from chainrule.run.native.call import arrays as call_arrays
from chainrule.run.native.call import layout
from chainrule.run.native.call import parts as call_parts
from chainrule.run.native.call import python_api as api
from chainrule.run.native.call import quick as call_quick


def text(base: int) -> str:
    """The module; its externals are the names in ``python_api.symbols()``.

    Args:
        base: Where the fields of a callable start.
    """
    numbers = {name: value for name, value in vars(layout).items() if isinstance(value, int)}
    numbers |= {f"A_{name}": value for name, value in vars(api).items() if isinstance(value, int)}
    numbers |= {name: base + numbers[name] for name in ("CONTEXT", "SLOW")}
    numbers |= {f"IS_{kind.upper()}": place for place, kind in enumerate(layout.STEP_KINDS)}
    lines = []
    for line in (call_parts.SOURCE + call_arrays.SOURCE + call_quick.SOURCE).splitlines():
        if line.islower() and " = read " not in line:  # no number: quicker than to search
            lines.append(line)
            continue
        read = _READ.fullmatch(line)
        if read:
            name, kind, holder, field = read.groups()
            lines.append(f"  {name}.at = getelementptr i8, ptr {holder}, i64 {numbers[field]}")
            lines.append(f"  {name} = load {kind}, ptr {name}.at")
        else:
            lines.append(_NUMBER.sub(lambda found: str(numbers[found[1]]), line))
    return "\n".join(lines) + "\n"


_READ: Final = re.compile(r" *(%[\w.]+) = read (\w+) (%[\w.]+) (\w+)")
"""``%x = read kind holder FIELD``: a field of what a pointer points to."""
_NUMBER: Final = re.compile(r"(?<![\w@%.])([A-Z][A-Z0-9_]+)\b")
"""A number by its name."""
