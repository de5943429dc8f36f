"""The module that users save: the graph with functions of numbers, and a comment that says what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chainrule.errors import listed
from chainrule.exchange.javascript.module import module
from chainrule.exchange.javascript.spelling import comment, string
from chainrule.formula.printer import formula
from chainrule.graph.dag import Dag

_LONGEST: Final = 2000
"""A longer formula is cut in the comment."""


def exported(dag: Dag) -> str:
    """The module of `chainrule.exchange.javascript.module`, and on top of it for users:

    - ``names``, those of the arguments, in order;
    - ``value(x, y, …)``, a number, or an array of them where there are several outputs;
    - ``gradient(x, y, …)``, the derivatives by the arguments, or with several outputs ``jacobian``,
      a row for each; where all outputs are floating-point numbers.

    Raises:
        GraphError: E249 where a node has no counterpart in JavaScript.
    """
    body = module(dag)
    names = [node.name for node in dag.inputs]
    outputs = [dag.order.index(node) for node in dag.outputs]
    single = len(outputs) == 1
    strings = ", ".join(string(name) for name in names)
    parts = [
        _about(dag),
        f"/** The arguments, in order. */\nexport const names = [{strings}];\n",
        _function(
            "value",
            "The value." if single else "The values of the outputs.",
            names,
            "number" if single else "number[]",
            f"const v = values(given);\n  return {_one_or_all(outputs, 'v[{}]')};",
        ),
    ]
    if all(node.type.is_float for node in dag.outputs):
        row = f"Array.from(adjoints(v, l, {{}}).subarray(0, {len(names)}))"
        parts.append(
            _function(
                "gradient" if single else "jacobian",
                "The derivatives by the arguments, in order"
                f"{'' if single else ': a row for each output'}; 0 for a condition.",
                names,
                "number[]" if single else "number[][]",
                "const v = values(given);\n  const l = locals(v);\n"
                f"  return {_one_or_all(outputs, row)};",
            )
        )
    return "\n".join([*parts, body])


def _about(dag: Dag) -> str:
    text = formula(dag)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} …"
    lines = [*text.replace("; ", "\n").split("\n"), "", "Written by chainrule."]
    return "\n".join(["/*", *(f" * {comment(line)}".rstrip() for line in lines), " */\n"])


def _function(name: str, about: str, names: Sequence[str], result: str, body: str) -> str:
    arguments = comment(listed(names)) or "none"
    return (
        f"/**\n * {about}\n"
        f" * @param {{...number}} given A number for each argument, 0 or 1 for a condition:\n"
        f" *   {arguments}.\n"
        f" * @returns {{{result}}}\n */\n"
        f"export function {name}(...given) {{\n  {body}\n}}\n"
    )


def _one_or_all(outputs: Sequence[int], template: str) -> str:
    """An expression for the only output, or an array of one for each."""
    found = [template.format(output) for output in outputs]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"
