"""The page of operations, ``docs/operations.md``: what stands in the blocks of the operations.

Run as a program it measures errors and writes the page: ``python -m benchmarks.operations`` for all
operations, ``python -m benchmarks.operations sin cos`` for these alone; the others keep the numbers
that stand on the page. `page` itself measures nothing.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

from benchmarks.accuracy import worst
from benchmarks.machine import describe
from chainrule import ops
from chainrule.formula.names import latex_name
from chainrule.formula.printer import Style, formula
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_node, input_node
from chainrule.graph.op import OPS, Kind, Op, Params, find
from chainrule.graph.types import BOOL, FLOAT64
from chainrule.ops.term import Function, Term
from chainrule.show.numbers import number
from chainrule.show.saved import op_needs_table

PAGE: Final = Path(__file__).parent.parent / "docs" / "operations.md"
NOT_MEASURED: Final = "–"

Errors = Mapping[str, Sequence[str]]
"""Measured errors by operation: value 64, value 32, derivative 64, derivative 32."""


class Room(NamedTuple):
    """One file of operations."""

    title: str
    about: str
    ops: tuple[Op, ...]

    @property
    def anchor(self) -> str:
        """What a link to its title ends with."""
        return self.title.lower().replace(" ", "-")


_FIRST: Final = (
    "arithmetic", "division", "elementary", "special", "activation", "select", "copies",
    "rearrange", "windows", "reduce", "contract", "index", "linalg", "determinant", "decompose",
    "several", "branches", "loops", "replay", "custom", "abstract",
)  # fmt: skip
"""From simple to special; a new file comes last."""


def rooms() -> list[Room]:
    """The files of ``chainrule.ops`` with the operations that each defines."""
    names = sorted(ops.__all__, key=lambda name: (*_FIRST, name).index(name))
    return [_room(importlib.import_module(f"chainrule.ops.{name}")) for name in names]


def _room(module: ModuleType) -> Room:
    defined = set()
    for statement in ast.parse(inspect.getsource(module)).body:  # what is imported is not its own
        if isinstance(statement, ast.Assign):
            defined |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            defined.add(statement.target.id)
    own = [_op_of(thing) for name, thing in vars(module).items() if name in defined]
    name = module.__name__.rpartition(".")[2]
    about = (module.__doc__ or "").partition("\n\n")[0].strip()
    title = name.replace("_", " ").capitalize()
    found = tuple([op for op in own if op is not None])
    return Room(title, f"{about} (`ops/{name}.py`)", found)


def _op_of(thing: object) -> Op | None:
    """The operation that a name stands for, if it does."""
    return thing if isinstance(thing, Op) else thing.op if isinstance(thing, Function) else None


# --- how an operation and its derivatives are written ---------------------------------------------

_EXAMPLES: Final = {"exponent": 3, "order": 1, "dtype": "float32", "function": "f"}
"""Values for parameters that have no default."""

_RESULT: Final = "z"


def example_params(op: Op) -> Params:
    """Values of the parameters to write the operation with."""
    return op.normal_params([_EXAMPLES.get(param.name) for param in op.params])


def written(op: Op, style: Style) -> str:
    """The operation on operands and parameters that go by their names."""
    spelled = latex_name if style == "latex" else str
    params = {param.name: spelled(param.name) for param in op.params}
    if op.variadic:
        given = zip(params, example_params(op), strict=True)
        params = {name: str(value) if value else "" for name, value in given}
        params["operands"] = "x, y, …"
    form = op.text if style == "text" else op.latex
    text = form.template.format(*map(spelled, op.operands), **params)
    return text.replace(r"\mathrm{\mathrm{dtype}}", r"\mathrm{dtype}")


def derivatives(op: Op) -> list[str]:
    """The derivative by each operand, as computed: ``∂z/∂a = 1/b``; z is the result."""
    names, kinds, rules = op.operands, op.kinds, list(op.partials)
    if op.variadic:
        names, kinds = (*names, "y"), op.kinds * 2
        rules = [functools.partial(rule, at) for rule in rules if callable(rule) for at in range(2)]
    out = input_node(_RESULT, FLOAT64)
    operands = [
        input_node(name, BOOL if kind is Kind.BOOL else FLOAT64)
        for name, kind in zip(names, kinds, strict=True)
    ]
    found = []
    for rule, operand in zip(rules, operands, strict=bool(rules)):
        if callable(rule):
            result = rule(Term(out), *map(Term, operands), *example_params(op))
            node = result.node if isinstance(result, Term) else constant_node(result, FLOAT64)
            *parts, last = formula(Dag([node], [out, *operands])).split("; ")
            where = f" where {', '.join(parts)}" if parts else ""
            found.append(f"∂{_RESULT}/∂{operand.name} = {_LONG.sub(_shortened, last + where)}")
    return found


_LONG: Final = re.compile(r"\d+\.\d{6,}")


def _shortened(numeral: re.Match[str]) -> str:
    return number(float(numeral[0]))


# --- the page -------------------------------------------------------------------------------------

_HEAD: Final = f"""\
# Operations

Written by `python -m benchmarks.operations`; do not edit. Everything here stands in the blocks of
the operations (`src/chainrule/ops/`); only the errors in ulps are measured. After a change to a
block, `pytest --accept` writes the page anew and keeps the measured numbers.

Each group has up to four tables; operations on whole arrays have one of their own, and stand in the
[op matrix of arrays](op-matrix-arrays.md). Users write them with NumPy's names: see the [table of
NumPy functions](numpy.md).

- **How they are written**: in text, with other names that formulas may use, and in LaTeX. Operands
  come first, then literal parameters. All operations take floating-point numbers; *a number* may
  also be an integer.
- **Derivatives**: by each operand, as they are computed. `{_RESULT}` is the result, numbers are
  rounded to six digits, and parameters have an example value. *Saved* is what the backward pass
  needs of the forward pass: operands, the result, a bit (the truth of a condition), or nothing.
- **Singular points**: where mathematics leaves a choice, this is ours.
- **Accuracy**: the largest errors allowed, which the tests hold, and the largest errors measured.
"""

_ACCURACY: Final = """\
## About accuracy

Errors are in units in the last place (ulps) of the exact result: the worst on a grid of
ordinary numbers, neighbours of zeros, poles and borders of domains, and the largest and
smallest numbers of the dtype. 0.5 is correct rounding. “64” is float64, “32” float32; the tests
hold both to the bounds in the last two columns.

- Outside its domain an operation gives NaN; nothing is claimed about the derivative.
- Where a result overflows or is subnormal, nothing is claimed about a derivative that is
  computed from the result.
- Near those zeros where no formula keeps relative accuracy the error is measured against
  the terms whose difference the result is. These are the negative zeros of lgamma,
  digamma and polygamma, the zeros of logaddexp, and the zeros of the derivatives of
  gamma, lgamma, polygamma, silu, gelu and gelu_tanh.
- power and general_power take exponent − 1 in the derivative; it is rounded, and |log x|
  magnifies that. For general_power nothing is claimed where x to the power y − 1
  overflows and its product with y does not, nor for x < 0 and |y| of 2²⁴ or more, where
  the rounding loses the sign.
- atan2: for the largest numbers the derivative, which is subnormal, may be 0.
"""

_MEASURED_ON: Final = "Measured on: "


def page(errors: Errors, measured_on: str) -> str:
    """The page, with measured errors from elsewhere."""
    found = rooms()
    index = "\n".join(
        f"- [{room.title}](#{room.anchor}): {', '.join(f'`{op.name}`' for op in room.ops)}"
        for room in found
    )
    blocks = [_HEAD, f"{index}\n", f"{_ACCURACY}\n{_MEASURED_ON}{measured_on}.\n"]
    needs = {row[0].text: row[2].text for row in op_needs_table().rows}
    for room in found:
        blocks.append(f"## {room.title}\n\n{room.about}\n")
        blocks += [
            f"### {room.title}: {title}\n\n{table}"
            for title, table in (
                *_tables([op for op in room.ops if op.pointwise], needs, errors),
                ("on whole arrays", _array_table([op for op in room.ops if not op.pointwise])),
            )
            if table
        ]
    return "\n".join(blocks)


def _array_table(group: Sequence[Op]) -> str:
    """Operations that are not element by element: what they take, and the rule of derivatives."""
    return _table(
        ("operation", "meaning", "operands", "parameters", "rule of the derivative"),
        [
            (
                f"**{_escaped(op.name)}**",
                op.about,
                _escaped(", ".join(op.operands) + (", …" if op.variadic else "")),
                _escaped(", ".join(param.name for param in op.params)),
                op.rule if any(op.partials) or op.joint is not None else "",
            )
            for op in group
        ],
    )


def _tables(
    group: Sequence[Op], needs: Mapping[str, str], errors: Errors
) -> Iterator[tuple[str, str]]:
    yield (
        "how they are written",
        _table(
            ("operation", "text", "LaTeX", "also", "meaning", "operands"),
            [
                (
                    f"**{_escaped(op.name)}**",
                    _code(written(op, "text")),
                    _math(written(op, "latex")),
                    ", ".join(map(_code, op.aliases)),
                    op.about,
                    _operands(op),
                )
                for op in group
            ],
        ),
    )
    yield (
        "derivatives",
        _table(
            ("operation", "derivatives", "rule", "saved"),
            [
                (
                    f"**{_escaped(op.name)}**",
                    "<br>".join(map(_code, derivatives(op))),
                    op.rule,
                    needs.get(op.name, ""),
                )
                for op in group
                if any(op.partials)
            ],
        ),
    )
    yield (
        "singular points",
        _table(
            ("operation", "at", "value", "derivatives", "why"),
            [
                (f"**{_escaped(op.name)}**", *cells)
                for op in group
                for cells in _singular_points(op)
            ],
        ),
    )
    yield (
        "accuracy",
        _table(
            (
                *("operation", "value 64", "value 32", "derivative 64", "derivative 32"),
                *("value ≤", "derivative ≤"),
            ),
            [
                (
                    _code(op.name),
                    *errors.get(op.name, [NOT_MEASURED] * 4),
                    f"{op.accuracy.value:g}",
                    f"{op.accuracy.partials:g}",
                )
                for op in group
                if is_measured(op) and op.accuracy is not None
            ],
        ),
    )


def is_measured(op: Op) -> bool:
    """Whether there is something to measure: an exact result, and a bound on errors."""
    return op.exact is not None and op.accuracy is not None


def _operands(op: Op) -> str:
    """What is not a floating-point number, and the parameters with their defaults."""
    kinds = dict.fromkeys(op.kinds)
    words = []
    if len(kinds) > 1:
        words += [f"{n}: {kind.value}" for n, kind in zip(op.operands, op.kinds, strict=True)]
    elif kinds and Kind.FLOAT not in kinds:
        words += [f"{', '.join(op.operands)}: {next(iter(kinds)).value}"]
    if op.variadic:
        words.append("any number of operands")
    for param in op.params:
        default = "must be given" if param.default is None else f"{param.default} by default"
        words.append(f"{param.name}: literal, {default}")
    return "<br>".join(words)


def _singular_points(op: Op) -> Iterator[tuple[str, str, str, str]]:
    names = (*op.operands, *(param.name for param in op.params))
    for convention in op.conventions:
        at = ", ".join(f"{n} = {v:g}" for n, v in zip(names, convention.at, strict=True))
        value = NOT_MEASURED if convention.value is None else f"{convention.value:g}"
        slopes = ", ".join("–" if slope is None else f"{slope:g}" for slope in convention.partials)
        yield at, value, slopes, convention.why


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown without the columns that are empty; no rows, no table."""
    found = list(rows)
    if not found:
        return ""
    kept = [at for at in range(len(head)) if any(row[at] for row in found)]
    lines = [[row[at] for at in kept] for row in (head, ["---"] * len(head), *found)]
    return "".join(f"| {' | '.join(_bars(cell) for cell in line)} |\n" for line in lines)


def _bars(cell: str) -> str:
    return cell.replace("|", r"\|")


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _code(text: str) -> str:
    return f"`{text}`"


def _math(text: str) -> str:
    # A bar would end the cell of the table, even behind a backslash in mathematics.
    return f"${text.replace('|', chr(92) + 'vert ')}$"


# --- measured numbers -----------------------------------------------------------------------------


def measured(op: Op) -> list[str]:
    """The worst errors of an operation; some seconds for each."""
    double, single = worst(op, "float64"), worst(op, "float32")
    errors = (double[0], single[0], double[1], single[1])
    return [f"{float(f'{error:.2g}'):g}" for error in errors]  # two digits, no exponent


def on_page(text: str) -> tuple[Errors, str]:
    """The measured errors that stand on a page, and the machine."""
    errors = {}
    machine = ""
    for line in text.splitlines():
        if line.startswith(_MEASURED_ON):
            machine = line.removeprefix(_MEASURED_ON).removesuffix(".")
        elif line.startswith("| `"):
            name, *numbers, _, _ = line.strip("| ").split(" | ")
            errors[name.strip("`")] = numbers
    return errors, machine


def write(text: str) -> None:
    """Replace the page at once: who reads it at the same time finds all of it."""
    new = PAGE.with_name(f"{PAGE.name}.{os.getpid()}")
    new.write_text(text, "utf-8", newline="")
    new.replace(PAGE)


def main(names: Sequence[str]) -> None:
    errors, machine = on_page(PAGE.read_text("utf-8"))
    chosen = [find(name) for name in names] or [op for op in OPS.values() if is_measured(op)]
    errors = {**errors, **{op.name: measured(op) for op in chosen if is_measured(op)}}
    if not names:
        machine = describe("numpy", "scipy", "mpmath")
    write(page(errors, machine))
    print(PAGE, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
