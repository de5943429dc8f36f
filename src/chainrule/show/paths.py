"""The table of the paths between two nodes: each path, its factors and their product."""

from __future__ import annotations

from typing import Final

from chainrule.run.paths import Path, Paths, PathStep, add_up
from chainrule.show.cells import Names, count_cell, number_cell
from chainrule.show.numbers import DASH, count, factor, latex_of, number, plain
from chainrule.show.table import Cell, Table, columns

_LONGEST: Final = 12
"""A path with more edges than this shows its first and last ones; the data has all."""


def path_table(paths: Paths, most: int = 10, digits: int = 6) -> Table:
    """Number, path, factors, product; below it how many paths there are and what they add up to.

    Raises:
        DerivativeError: E331 when one of the ends has no derivative.
    """
    names = Names(paths.sweep.dag)
    shown = paths.first(most)
    source, target = names.text[paths.source], names.text[paths.target]
    rows = tuple(
        (
            count_cell(at),
            _way(path, names),
            _factors(path, digits),
            number_cell(path.product, digits),
        )
        for at, path in enumerate(shown, start=1)
    )
    d = "∂" if paths.holding else "d"
    held = ", ".join(names.text[node] for node in paths.sweep.dag.order if node in paths.holding)
    return Table(
        "paths",
        f"Paths from {source} to {target}" + (f", holding {held} fixed" if held else ""),
        columns(
            ("number", "Path", True, "dim"),
            ("nodes", "Nodes", False, "bold"),
            ("factors", "Local derivatives"),
            ("product", "Product", True, "red"),
        ),
        rows,
        _note(paths, shown, f"{d}{target}/{d}{source}", digits),
    )


def _note(paths: Paths, shown: tuple[Path, ...], name: str, digits: int) -> str:
    derivative = number(paths.derivative, digits)
    if not paths.count:
        return f"No path: {name} = {derivative}."
    total = number(add_up([path.product for path in shown]), digits)
    if paths.count > len(shown):
        note = (
            f"{len(shown)} of {count(paths.count)} paths, largest magnitude first; "
            f"these add up to {total}, all of them to {name} = {derivative}."
        )
    else:
        number_of = "1 path" if len(shown) == 1 else f"{len(shown)} paths"
        note = f"{number_of}; the products add up to {total}; {name} = {derivative}."
    if all(step.live for path in shown for step in path.steps):
        return note
    return f"{note}\n{DASH}: a branch not taken, a condition or a step; it makes the product 0."


def _way(path: Path, names: Names) -> Cell:
    """``x → a → f``; parallel edges, as in ``x*x``, carry the number of the operand."""
    edges = _ends(path.steps)
    left_out = len(path.steps) - len(edges)
    text = [names.text[path.source]]
    latex = [names.latex[path.source]]
    for at, step in enumerate(edges):
        if left_out and at == _LONGEST // 2:
            text.append(f" → … {left_out} more")
            latex.append(rf" \to \ldots\text{{ {left_out} more}}")
        arrow, latex_arrow = " → ", r" \to "
        if step.user.operands.count(step.operand) > 1:
            which = step.position + 1
            arrow, latex_arrow = f" →{which} ", rf" \xrightarrow{{{which}}} "
        text.append(f"{arrow}{names.text[step.user]}")
        latex.append(f"{latex_arrow}{names.latex[step.user]}")
    return Cell("".join(text), f"${''.join(latex)}$", [names.text[node] for node in path.nodes])


def _factors(path: Path, digits: int) -> Cell:
    """``3·1``; an edge that carries structurally nothing has a dash."""
    edges = _ends(path.steps)
    left_out = len(path.steps) - len(edges)
    factors = [
        (number if at == 0 else factor)(step.local_derivative if step.live else None, digits)
        for at, step in enumerate(edges)
    ]
    latex = list(map(latex_of, factors))
    if left_out:
        factors.insert(_LONGEST // 2, "…")
        latex.insert(_LONGEST // 2, r"\ldots")
    data = [plain(step.local_derivative) if step.live else None for step in path.steps]
    product = r" \cdot ".join(latex) or "1"
    return Cell("·".join(factors) or "1", f"${product}$", data)


def _ends(steps: tuple[PathStep, ...]) -> tuple[PathStep, ...]:
    """The edges that are shown."""
    if len(steps) <= _LONGEST:
        return steps
    half = _LONGEST // 2
    return steps[:half] + steps[-half:]
