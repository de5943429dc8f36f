"""What a graph became, as text to read: kernels, LLVM's text, instructions of the processor.

Comments name the nodes and the characters or lines that they come from. LLVM drops comments; so its
own text after the passes is commented anew, by the names of values that are still there, and
instructions of the processor by the functions they stand in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from chainrule.graph.dag import Dag
from chainrule.run.native.code import target
from chainrule.run.native.compiling import OPTIMISED, Planned, text_of
from chainrule.run.native.emit.notes import Notes, notes, span_words
from chainrule.run.native.emit.straight import cut
from chainrule.run.native.plan.kernels import Foreign, kernel_words, listing, named
from chainrule.run.native.plan.simplify import rewritten

_DEFINITION: Final = re.compile(r"^define .*@([\w.]+)\(")
_RESULT: Final = re.compile(r"^  %([A-Za-z][\w.]*?)((?:\.i\d*)*) = ")
_LABEL: Final = re.compile(r"^_?([\w.]+):")
_CALL: Final = re.compile(r" call .*@([\w.]+)\(")
_COMMENT: Final = "  ; "
_COLUMN: Final = 60


def listed(dag: Dag, planned: Planned, kind: str, *, fast_math: bool = False) -> str:
    """A graph after one of the stages.

    Args:
        dag: The graph that was compiled.
        planned: Its kernels.
        kind: ``"kernels"``; ``"llvm"``, ``"optimised"``: before and after LLVM's passes;
            ``"assembly"``.
        fast_math: Whether sums and products were regrouped.
    """
    said = notes(dag, rewritten(dag, fast_math=fast_math))
    if kind == "kernels":
        return listing(planned.plan, said)
    heads = _heads(planned, said)
    texts = [module.text for module in text_of(planned, notes=said).modules]
    if kind == "llvm":
        return "\n".join(_with_heads(text, _DEFINITION, heads, ";") for text in texts)
    write: Callable[[str, Mapping[str, str]], str]
    write = _optimised if kind == "optimised" else _assembly
    return "\n".join(write(text, heads) for text in texts)


def _heads(planned: Planned, said: Notes) -> dict[str, str]:
    """What is said of functions, by name."""
    plan, numbers = planned.plan, planned.numbers
    if numbers is None:
        heads = {
            f"k{name}": kernel_words(name, kernel, said)
            for at, step in enumerate(plan.kernels)
            if not isinstance(step, Foreign)
            for name, kernel in named(at, step)
        }
        return {**heads, "evaluate": "all kernels, one after the other"}
    heads = {"evaluate": kernel_words("0", numbers, said)}
    (box,) = numbers.boxes
    for number, part in enumerate(cut(box)):
        made = [box.steps[at].node for at in part if box.steps[at].node.operands]
        heads[f"evaluate.{number}"] = f"part {number}: {span_words([said.label(n) for n in made])}"
    return heads


def _with_heads(text: str, pattern: re.Pattern[str], heads: Mapping[str, str], sign: str) -> str:
    """A comment before each function of which something is known."""
    lines = []
    for line in text.split("\n"):
        found = pattern.match(line)
        if found and found[1] in heads:
            lines.append(f"{sign} {heads[found[1]]}")
        lines.append(line)
    return "\n".join(lines)


# --- after LLVM's passes --------------------------------------------------------------------------


def _optimised(text: str, heads: Mapping[str, str]) -> str:
    known = _results(text)
    values: Mapping[str, str] = {}
    depth = 0
    lines = []
    for line in str(target.optimised(text, OPTIMISED)).split("\n"):
        start = _DEFINITION.match(line)
        if start:
            values, depth = known.get(start[1], ({}, 0))
        found = _RESULT.match(line)
        if found and found[2].count(".i") == depth and (said := values.get(found[1])):
            line = f"{line:<{_COLUMN}}{_COMMENT}{said}"
        lines.append(line)
    return _with_heads("\n".join(lines), _DEFINITION, heads, ";")


def _results(text: str) -> dict[str, tuple[Mapping[str, str], int]]:
    """For each function what is said of its values by their names, and in how many calls they are.

    What is said of a group of instructions is said of the last value in it. A function that calls
    one function of ours alone may have taken its values in.
    """
    own: dict[str, dict[str, str]] = {}
    calls: dict[str, set[str]] = {}
    function = said = ""
    for line in text.split("\n"):
        if start := _DEFINITION.match(line):
            function, said = start[1], ""
            own[function], calls[function] = {}, set()
        elif line.startswith(_COMMENT):
            said, last = line[len(_COMMENT) :], ""
        elif function and (call := _CALL.search(line)):
            calls[function].add(call[1])
        found = _RESULT.match(line)
        if found and said:
            if last:
                own[function].pop(last, None)
            last = found[1]
            own[function][last] = said
    return {
        name: (values, 0) if values else (own.get(next(iter(calls[name])), {}), 1)
        for name, values in own.items()
        if values or len(calls[name]) == 1
    }


def _assembly(text: str, heads: Mapping[str, str]) -> str:
    made = target.assembly(target.optimised(text, OPTIMISED))
    return _with_heads(made, _LABEL, heads, _sign_of(target.processor().triple))


def _sign_of(triple: str) -> str:
    """What begins a comment in the language of an assembler."""
    if triple.startswith(("aarch64", "arm64")):
        return ";" if "apple" in triple or "darwin" in triple else "//"
    return "@" if triple.startswith(("arm", "thumb")) else "#"
