"""Plots as users hold them: a function of one argument around the point of a record."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from chainrule.api.arguments import bind
from chainrule.api.passes import Passes
from chainrule.api.selection import differentiated, find
from chainrule.draw.figure import Figure
from chainrule.draw.limits import within
from chainrule.draw.number_lines import short
from chainrule.draw.options import options
from chainrule.draw.plot.compose import tangent_plot
from chainrule.draw.plot.curve import Numbers
from chainrule.draw.plot.data import TangentPlot
from chainrule.draw.plot.svg import plot_svg
from chainrule.draw.plot.ticks import Label
from chainrule.errors import DrawingError, listed
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Sweep
from chainrule.show.cells import Names
from chainrule.show.numbers import DASH, latex_of

_SIZES: Final = {"width": (160, 4000), "height": (120, 4000)}
"""Of a plot, in points."""
_DIGITS: Final = 3
"""Of the slope, significant."""
_FINEST: Final = 2e4
"""Steps of the number format that a plot reaches to either side, at least."""


class Plot(Figure):
    """A plot of a function with its tangent, ready to be written.

    In a notebook it shows itself.

    >>> import chainrule as cr
    >>> plot = cr.parse("x^2").at(x=1).plot_tangent()
    >>> plot
    <Plot of f and its tangent at x = 1: df/dx = 2>
    >>> plot.svg()[:4]
    '<svg'

    Attributes:
        data: What is drawn: axes, curve, tangent and point.
    """

    def __init__(self, data: TangentPlot) -> None:
        self.data = data

    def svg(self) -> str:
        """As SVG that needs no font and no other file."""
        return plot_svg(self.data)

    def __repr__(self) -> str:
        return f"<Plot of {self.data.title}: {self.data.slope.text}>"


def plotted(
    passes: Passes,
    of: str | None,
    wrt: str | None,
    width: float,
    height: float,
    spread: float | None,
    theme: str,
) -> Plot:
    """The plot of a node over one argument, the others as they are.

    Raises:
        DrawingError: E250 for an unknown theme, E251 where there is no single floating-point
            number to follow, E253 for lengths that cannot be.
        GraphError: E225 for an unknown name.
        DerivativeError: E332 when ``of`` is ambiguous.
    """
    dag = passes.dag
    if passes.shape:
        raise DrawingError("E251", "a tangent is at one point; take one of many with .point(…)")
    if any(node.type.shape or not node.op.pointwise for node in dag.order):
        raise DrawingError("E251", "only graphs of scalars can be plotted")
    argument, output = _argument(dag, wrt), differentiated(dag, of)
    _require_float(dag, output)
    theme = options({"theme": theme}).theme
    within(width, *_SIZES["width"], "width")
    within(height, *_SIZES["height"], "height")
    values = {node.name: passes.sweep.values[node] for node in dag.inputs}
    at = float(values[argument.name])
    if not math.isfinite(at):
        raise DrawingError("E251", f"{argument.name} = {at} has no surroundings")
    if spread is not None:
        dtype = argument.type.dtype.type
        least = _FINEST * float(np.spacing(dtype(abs(at))))
        within(spread, least, 1e9 * max(1.0, abs(at)), "spread")

    def function(xs: Numbers) -> tuple[Numbers, Numbers]:
        with np.errstate(over="ignore"):
            arguments, shape = bind(dag, (), {**values, argument.name: xs})
        found = Sweep(dag, arguments).values[output]
        return arguments[argument].astype(float), np.broadcast_to(found, shape).astype(float)

    slope = float(passes.derivative(output, argument))
    names = Names(dag)
    derivative = names.derivative(output, argument, total=len(dag.inputs) == 1)
    text = short(slope, _DIGITS) if np.isfinite(passes.sweep.values[output]) else DASH
    return Plot(
        tangent_plot(
            function,
            at,
            slope,
            (_label(names, argument), _label(names, output)),
            Label(
                f"{derivative.latex[1:-1]} = {{{latex_of(text)}}}", f"{derivative.text} = {text}"
            ),
            width=width,
            height=height,
            spread=spread,
            theme=theme,
        )
    )


def _argument(dag: Dag, wrt: str | None) -> Node:
    """The argument that changes: the one of that name, or the only one."""
    if wrt is None:
        if len(dag.inputs) != 1:
            names = listed(node.name for node in dag.inputs) or "no arguments"
            raise DrawingError("E251", f"say which argument changes, wrt=…: there are {names}")
        found = dag.inputs[0]
    else:
        found = find(dag, wrt)
        if found not in dag.inputs:
            raise DrawingError("E251", f"{dag.labels[found]} is no argument, it cannot be changed")
    _require_float(dag, found)
    return found


def _require_float(dag: Dag, node: Node) -> None:
    if not node.type.is_float:
        raise DrawingError("E251", f"{dag.labels[node]} is {node.type}, it has no tangent")


def _label(names: Names, node: Node) -> Label:
    return Label(names.latex[node], names.text[node])
