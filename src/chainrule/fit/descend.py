"""Gradient descent by hand: every step with its value, gradient and update."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from chainrule.errors import DerivativeError, EvaluationError, GraphError, listed, shown
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.run.interpret import Sweep
from chainrule.show.cells import Names, count_cell, number_cell, word_cell
from chainrule.show.numbers import number
from chainrule.show.table import Cell, Table, columns

_MOST_STEPS: Final = 10**6
"""Every step is kept."""


@dataclass(frozen=True, slots=True)
class DescentStep:
    """One step: where it starts, what the gradient says there, where it leads.

    Attributes:
        step: Its number, from 1.
        value: The value of the output at the start, the mean over the points.
        parameters: The parameters at the start.
        gradient: The derivatives of the value with respect to the parameters.
        update: What is added to the parameters: −rate · gradient.
        result: The parameters after the step.
    """

    step: int
    value: float
    parameters: Mapping[Node, Any]
    gradient: Mapping[Node, Any]
    update: Mapping[Node, Any]
    result: Mapping[Node, Any]


@dataclass(frozen=True, slots=True)
class Descent:
    """The steps of a gradient descent and where it ended.

    Attributes:
        dag: The graph.
        output: What was made smaller.
        rate: The learning rate.
        points: How many data points the value is the mean of; 1 for a single point.
        steps: The steps that were taken.
        values: The parameters at the end.
        value: The value there.
        note: Why it stopped early, or an empty string.
    """

    dag: Dag
    output: Node
    rate: float
    points: int
    steps: tuple[DescentStep, ...]
    values: Mapping[Node, Any]
    value: float
    note: str = ""

    def table(self, digits: int = 6) -> Table:
        """For each step the value, and a row for each parameter with its gradient and its update.

        The last rows are where the descent ended: they have no gradient, as no step starts there.
        """
        names = Names(self.dag)
        output = names.text[self.output]
        blank = Cell("", "", None)
        rows = []
        for step in (*self.steps, None):
            first = word_cell("end") if step is None else count_cell(step.step)
            value = number_cell(self.value if step is None else step.value, digits)
            for at, node in enumerate(self.values):
                numbers = [self.values[node], None, None]
                if step is not None:
                    numbers = [step.parameters[node], step.gradient[node], step.update[node]]
                start = (first, value) if at == 0 else (blank, blank)
                cells = [number_cell(item, digits) for item in numbers]
                rows.append((*start, names.cell(node), *cells))
        rate = number(self.rate)
        mean = f", the mean over {self.points} points" if self.points > 1 else ""
        note = f"Update: −{rate} · gradient, added to the parameter."
        return Table(
            "descent",
            f"Gradient descent on {output}{mean}, learning rate {rate}",
            columns(
                ("step", "Step", True, "dim"),
                ("value", "Value", True, "green"),
                ("parameter", "Parameter", False, "bold"),
                ("at", "At", True),
                ("gradient", "Gradient", True, "red"),
                ("update", "Update", True),
            ),
            tuple(rows),
            f"{note}\n{self.note}" if self.note else note,
        )

    def __str__(self) -> str:
        return self.table().text()


def descend(
    dag: Dag, values: Mapping[Node, Any], rate: float, steps: int, of: Node | None = None
) -> Descent:
    """Walk downhill: add −rate · gradient to the parameters, again and again; inputs stay fixed.

    Inputs may be arrays: many data points. What is made smaller is then the *mean* of the output
    over the points, and the gradient is that of the mean.

    When the value or a gradient is no longer a finite number the walk stops; the steps so far are
    kept, and ``note`` says what happened.

    >>> from chainrule.formula.infix import read
    >>> dag = read("(w - 3)^2", parameters="w")
    >>> (w,) = dag.inputs
    >>> found = descend(dag, {w: np.float64(0)}, rate=0.1, steps=2)
    >>> print(found)
    Gradient descent on f, learning rate 0.1
    Step   Value  Parameter    At  Gradient  Update
    ────  ──────  ─────────  ────  ────────  ──────
       1       9  w             0        -6     0.6
       2    5.76  w           0.6      -4.8    0.48
     end  3.6864  w          1.08         –       –
    Update: −0.1 · gradient, added to the parameter.

    Args:
        dag: The graph.
        values: A NumPy value of the right dtype for each argument, as `Sweep` takes them.
        rate: The learning rate.
        steps: How many steps to take.
        of: The node to make smaller; None: the only output.

    Raises:
        EvaluationError: E308 when there are no parameters, or one is not a single number; E309 for
            a rate or a number of steps that makes no sense.
        DerivativeError: E331 when the output or a parameter is not a floating-point number, E332
            when there are several outputs, E333 when the output is not a scalar.
        GraphError: E224 for a node of another graph.

    Source: A. Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées,
    1847.
    """
    output = _output(dag, of)
    _check_parameters(dag, values)
    _check_numbers(rate, steps)
    arguments = dict(values)
    parameters = {node: values[node] for node in dag.parameters}
    taken: list[DescentStep] = []
    while True:
        sweep = Sweep(dag, arguments)
        points = np.asarray(sweep.values[output])
        value = _mean(points)
        if not math.isfinite(value):
            note = f"Stopped: {dag.labels[output]} is {value}; a smaller rate may help."
            break
        if len(taken) == steps:
            note = ""
            break
        gradient = _gradient(sweep, output, points.shape)
        wrong = [dag.labels[node] for node, slope in gradient.items() if not np.isfinite(slope)]
        if wrong:
            note = f"Stopped: the derivative by {listed(wrong)} is not finite."
            break
        with np.errstate(all="ignore"):
            update = {n: n.type.dtype.type(-rate * slope) for n, slope in gradient.items()}
            result = {node: parameters[node] + change for node, change in update.items()}
        taken.append(DescentStep(len(taken) + 1, value, parameters, gradient, update, result))
        parameters = result
        arguments.update(parameters)
    return Descent(dag, output, float(rate), points.size, tuple(taken), parameters, value, note)


def _mean(points: np.ndarray[Any, Any]) -> float:
    with np.errstate(all="ignore"):
        return float(np.mean(points, dtype=np.float64))


def _gradient(sweep: Sweep, output: Node, shape: tuple[int, ...]) -> dict[Node, Any]:
    """The gradient of the mean over the points: the mean of the gradients."""
    parameters = sweep.dag.parameters
    adjoints = sweep.reverse(output, wrt=parameters)
    return {
        node: node.type.dtype.type(_mean(np.broadcast_to(adjoints.get(node, 0.0), shape)))
        for node in parameters
    }


def _output(dag: Dag, of: Node | None) -> Node:
    if of is None:
        if len(dag.outputs) != 1:
            names = listed(repr(dag.labels[node]) for node in dag.outputs)
            raise DerivativeError(
                "E332", f"the graph has several outputs ({names}); say which one, of=…"
            )
        of = dag.outputs[0]
    if of not in dag:
        raise GraphError("E224", f"{of!r} is not in this graph")
    if of.type.shape:
        raise DerivativeError(
            "E333",
            f"{dag.labels[of]!r} has shape {list(of.type.shape)}; "
            "only one number can be made smaller, such as a sum of squares",
        )
    if not of.type.is_float:
        raise DerivativeError(
            "E331", f"{dag.labels[of]!r} is {of.type}; only a floating-point number has a gradient"
        )
    return of


def _check_parameters(dag: Dag, values: Mapping[Node, Any]) -> None:
    if not dag.parameters:
        names = " ".join(node.name for node in dag.inputs[:2]) or "w b"
        raise EvaluationError(
            "E308",
            "the graph has no parameters, so there is nothing to learn; "
            f'say which arguments are: parse(…, parameters="{names}"), or --parameters "{names}"',
        )
    for node in dag.parameters:
        if not node.type.is_float:
            raise DerivativeError(
                "E331", f"{node.name!r} is {node.type}; only floating-point parameters are learned"
            )
        if np.shape(values[node]):
            raise EvaluationError(
                "E308",
                f"the parameter {node.name!r} starts at an array of shape "
                f"{list(np.shape(values[node]))}; only inputs take many points",
            )


def _check_numbers(rate: Any, steps: Any) -> None:
    real = isinstance(rate, (int, float, np.integer, np.floating)) and not isinstance(rate, bool)
    if not real or not math.isfinite(rate) or rate <= 0:
        raise EvaluationError(
            "E309", f"the rate must be a positive number such as 0.1, got {shown(rate)}"
        )
    whole = isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)
    if not whole or not 1 <= steps <= _MOST_STEPS:
        raise EvaluationError(
            "E309",
            f"the number of steps must be a whole number from 1 to {_MOST_STEPS}, "
            f"got {shown(steps)}",
        )
