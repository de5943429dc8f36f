"""The tables of saved values: of the computations of a graph, and of the operations at large."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Sequence
from typing import Final

from chainrule.diff.saved import NodeNeeds, SavedValue, SavedValues, saved_values
from chainrule.formula.printer import Style, expression
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import CONSTANT, Node, constant_value, input_node, make
from chainrule.graph.numerals import numeral
from chainrule.graph.op import OPS, Kind, Op
from chainrule.graph.types import BOOL, FLOAT64
from chainrule.ops.several import ITEM, name_of
from chainrule.show.cells import Names, count_cell, word_cell
from chainrule.show.numbers import latex_of
from chainrule.show.table import Cell, Table, columns

_NOTHING: Final = "nothing"
_MOST_USERS: Final = 8
"""Of the users of a saved value, this many are shown; the data has all."""


def saved_table(saved: SavedValues) -> Table:
    """The values to save, each once: what it is, who needs it, how large it is."""
    names = Names(saved.dag)
    rows = tuple(
        (
            _value(value.node, names),
            word_cell(value.place),
            _users(value.users, names),
            _bytes_cell(value),
        )
        for value in saved.values
    )
    more = ""
    if saved.bytes_per_step:
        more = f" A step of a loop takes {saved.bytes_per_step} more."
    kept, arguments = saved.bytes_computed, saved.bytes - saved.bytes_computed
    return Table(
        "saved-values",
        "Values saved for the backward pass",
        columns(
            ("value", "Value", False, "bold"),
            ("place", "Kind"),
            ("users", "Needed by"),
            ("bytes", "Bytes", True, "green"),
        ),
        rows,
        f"{_bytes(kept)} to save, and {_bytes(arguments)} of arguments that the caller keeps; "
        f"saving every computed value would take {saved.everything_computed}.{more}",
    )


def needs_table(saved: SavedValues) -> Table:
    """For each computation what its derivatives need of the forward pass."""
    names = Names(saved.dag)
    return Table(
        "needs",
        "What the backward pass needs at each computation",
        columns(
            ("step", "Step", True, "dim"),
            ("node", "Node", False, "bold"),
            ("operation", "Operation"),
            ("needs", "Needs"),
        ),
        tuple(
            (
                count_cell(step),
                names.cell(needs.node),
                names.operation(needs.node),
                _needs(needs, names),
            )
            for step, needs in enumerate(saved.nodes, start=1)
        ),
    )


_EXAMPLES: Final = {"exponent": 3, "order": 1, "dtype": "float32"}
"""Parameters that operations do not have by themselves."""


def op_needs_table() -> Table:
    """For every operation what its derivatives need: read off the rules, as everything here."""
    rows = []
    for op in OPS.values():
        if op.is_leaf or op.variadic or not op.pointwise:
            continue
        dag = _alone(op)
        names = Names(dag)
        together = word_cell("no derivative")
        each: list[Cell] = []
        if any(op.partials):
            together = _needs(saved_values(dag).nodes[-1], names)
            each = [
                _alone_needs(dag, operand, names) for operand in dag.inputs if operand.type.is_float
            ]
        several = len(each) > 1 and together.text != _NOTHING
        rows.append(
            (
                word_cell(op.name),
                names.operation(dag.output),
                together,
                _list(each if several else (), "; "),
            )
        )
    return Table(
        "operation-needs",
        "What the backward pass needs at each operation",
        columns(
            ("operation", "Operation", False, "bold"),
            ("result", "z"),
            ("needs", "Needs"),
            ("each", "For one operand alone"),
        ),
        tuple(rows),
        "Needs: the operands, the result z, bits (the truth of a condition), or nothing.",
    )


def _alone(op: Op) -> Dag:
    """The operation on inputs that are named as its operands; its result is z."""
    operands = tuple(
        input_node(name, BOOL if kind is Kind.BOOL else FLOAT64)
        for name, kind in zip(op.operands, op.kinds, strict=True)
    )
    node = make(op, operands, op.normal_params([_EXAMPLES.get(p.name) for p in op.params]))
    return Dag([node], operands, {node: ["z"]})


def _alone_needs(dag: Dag, operand: Node, names: Names) -> Cell:
    """``a: b``: what is needed when this operand alone is differentiated."""
    needs = _needs(saved_values(dag, [operand]).nodes[-1], names)
    name = names.cell(operand)
    return Cell(
        f"{name.text}: {needs.text}", f"{name.latex}: {needs.latex}", [name.datum, needs.datum]
    )


def _needs(needs: NodeNeeds, names: Names) -> Cell:
    if not needs.values:
        return word_cell(_NOTHING)
    return _list([_value(value, names) for value in needs.values])


def _users(users: Sequence[Node], names: Names) -> Cell:
    """The first users of a value; as data all of them."""
    shown = [names.cell(user) for user in users[:_MOST_USERS]]
    if len(users) > len(shown):
        shown.append(word_cell(f"… {len(users) - len(shown)} more"))
    cell = _list(shown)
    return Cell(cell.text, cell.latex, [names.text[user] for user in users])


def _bytes_cell(value: SavedValue) -> Cell:
    """A number of bytes; where a loop runs until a condition fails, for each of its steps."""
    cell = count_cell(value.bytes)
    if not value.is_per_step:
        return cell
    return Cell(f"{cell.text} a step", f"{cell.latex} a step", cell.datum)


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"


def _value(node: Node, names: Names) -> Cell:
    """A node by its label; a condition is written out, and said to be one bit."""
    cell = names.cell(node) if node in names.text else _written_out(node, names)
    if node.op is ITEM and node not in names.text:
        words = word_cell(f" ({name_of(node)})")
        cell = Cell(cell.text + words.text, cell.latex + words.latex, cell.datum)
    if not node.type.is_bool:
        return cell
    return Cell(f"bit {cell.text}", rf"bit {cell.latex}", cell.datum)


def _written_out(condition: Node, names: Names) -> Cell:
    """A condition that stands in a rule, over the labels of the graph's nodes."""
    text = _inner(condition, "text", names)
    return Cell(text, f"${_inner(condition, 'latex', names)}$", text)


def _inner(condition: Node, style: Style, names: Names) -> str:
    known = names.text if style == "text" else names.latex
    opening, closing = ("(", ")") if style == "text" else (r"\left(", r"\right)")
    labels: dict[Node, str] = {}
    label_of = ChainMap(labels, known)  # type: ignore[arg-type]  # only read
    written = ""
    for node in walk.depth_first([condition], known):
        if node in known:
            continue
        if node.op is CONSTANT:
            written = numeral(constant_value(node))
            labels[node] = written if style == "text" else latex_of(written)
        else:
            written = expression(node, label_of, style, names.taken)
            labels[node] = f"{opening}{written}{closing}"
    return written


def _list(cells: Iterable[Cell], separator: str = ", ") -> Cell:
    every = list(cells)
    return Cell(
        separator.join(cell.text for cell in every),
        separator.join(cell.latex for cell in every),
        [cell.datum for cell in every],
    )
