"""Every derivative knows what it is the derivative of, in files too; all forms read back."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings

import chainrule as cr
from chainrule.errors import FileError
from chainrule.formula.infix import read
from chainrule.formula.printer import formula as written
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Matrix, Meaning
from chainrule.graph.node import constant_value
from chainrule.graph.types import FLOAT64
from tests.diff.examples import FORMULAS, PLACES, at_point, smooth, whole_table

KINDS = {
    "gradient": lambda graph: graph.gradient(of=graph.outputs[0]),
    "partial gradient": lambda graph: graph.gradient("x", of=graph.outputs[0]),
    "jvp": lambda graph: graph.jvp(),
    "vjp": lambda graph: graph.vjp(),
    "jacobian": lambda graph: graph.jacobian(),
    "hessian": lambda graph: graph.hessian(of=graph.outputs[0]),
    "gradient of gradient": lambda graph: graph.gradient(of=graph.outputs[0]).gradient(of="∂f/∂x"),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


# --- what they say --------------------------------------------------------------------------------


def test_the_derivatives_of_the_second_text():
    graph = cr.parse("a = x + y; f = a * x")
    x, y, a, f = map(graph.dag.find, "xyaf")
    dag = graph.gradient().dag
    assert dag.meanings[dag.find("d_x")] == (Meaning("∂f/∂x", f, x),)
    # x is ∂f/∂a, and as a adds y it is ∂f/∂y too.
    assert set(dag.meanings[x]) == {Meaning("∂f/∂a", f, a), Meaning("∂f/∂y", f, y)}
    assert dag.find("∂f/∂x") is dag.find("d_x")
    assert dag.find("∂f/∂y") is dag.find("∂f/∂a") is x
    assert graph.gradient().derivatives() == {"x": ("∂f/∂y", "∂f/∂a"), "d_x": ("∂f/∂x",)}
    record = graph.gradient().at(x=3, y=2)
    assert (record["∂f/∂x"].value, record["∂f/∂a"].value) == (8.0, 3.0)


def test_directions_matrices_and_second_derivatives():
    graph = cr.parse("a = x*y; f = sin(a)")
    assert graph.jvp().derivatives()["f_dot"] == ("f_dot",)
    a_dot = graph.jvp().dag.find("a_dot")
    assert graph.jvp().dag.meanings[a_dot] == (Meaning("a_dot", graph.dag.find("a"), None),)
    x_bar = graph.vjp().dag.find("x_bar")
    assert graph.vjp().dag.meanings[x_bar] == (Meaning("x_bar", None, graph.dag.find("x")),)
    assert graph.jacobian().derivatives()["d_f_y"] == ("∂f/∂y",)
    hessian = graph.hessian()
    assert hessian.derivatives()["d_x_y"] == ("∂²f/∂x∂y", "∂²f/∂y∂x")
    assert hessian.dag.find("∂²f/∂y∂x") is hessian.dag.find("∂²f/∂x∂y")


@settings(max_examples=150)
@given(whole_table())
def test_a_node_that_means_an_adjoint_has_its_value(dag):
    """Whatever a node of a gradient graph says it is, the numeric sweep gives the same number."""
    graph = cr.Graph(Dag([dag.outputs[0]], dag.inputs, dag.names))
    gradient = graph.gradient()
    sweep, values = graph.at(**PLACES).sweep, gradient.at(**PLACES).sweep.values
    adjoints = sweep.reverse(graph.dag.output)
    for node, meanings in gradient.dag.meanings.items():
        for label, of, wrt in meanings:
            assert label == f"∂{graph.dag.labels[of]}/∂{graph.dag.labels[wrt]}"
            assert of is graph.dag.output
            wanted = adjoints.get(wrt, 0)
            assert np.array_equal(*np.broadcast_arrays(values[node], wanted), equal_nan=True), label


GUARDED = {"minimum", "maximum", "clip", "hypot", "xlogy", "relu", "general_power", "normal_pdf"}


@settings(max_examples=150)
@given(smooth().filter(lambda graph: not {n.op.name for n in graph.dag.order} & GUARDED))
def test_every_adjoint_of_a_smooth_graph_has_a_meaning(graph):
    """Where no guard is on the way all adjoints are nodes of the graph, but for plain numbers."""
    of = graph.outputs[0]
    dag = graph.gradient(of=of).dag
    told = {meaning.wrt for meanings in dag.meanings.values() for meaning in meanings}
    here, there = (graph.at(x=x, y=y) for x, y in ((0.3, -0.7), (1.1, 0.4)))
    for node, label in graph.dag.labels.items():
        if node.operands and here.derivative(of=of, wrt=label) != there.derivative(
            of=of, wrt=label
        ):
            assert node in told, label


# --- files ----------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("formula", FORMULAS)
def test_files_and_pickles_keep_everything(formula, kind):
    graph = cr.parse(f"f = {formula}")
    derived = KINDS[kind](graph)
    dag = derived.dag
    for again in (
        flat.from_json(flat.to_json(dag)),
        pickle.loads(pickle.dumps(derived)).dag,
        copy.deepcopy(derived).dag,
    ):
        assert again == dag
        assert again.meanings == dag.meanings
        assert again.arrangement == dag.arrangement
        assert again.names == dag.names
    if kind not in {"jvp", "vjp"}:
        point = at_point(graph)
        first, second = derived(**point), cr.Graph(flat.from_json(flat.to_json(dag)))(**point)
        assert np.array_equal(np.hstack(_flat(first)), np.hstack(_flat(second)))


def _flat(value):
    return [value] if not isinstance(value, tuple) else [x for part in value for x in _flat(part)]


def test_save_and_load(tmp_path):
    graph = cr.parse("a = x*y; f = sin(a)").hessian()
    graph.save(tmp_path / "hessian.json")
    again = cr.load(tmp_path / "hessian.json")
    assert again == graph
    assert again.derivatives() == graph.derivatives()
    assert np.array_equal(again(2, 3), graph(2, 3))
    assert again(2, 3).shape == (2, 2)


def damaged(**fields):
    """The file of a Jacobian with some fields of its head changed."""
    data = json.loads(cr.parse("x^2*y, y^2").jacobian().json())
    return {**data, **fields}


def with_meanings(meanings):
    data = json.loads(cr.parse("x^2").gradient().json())
    data["nodes"][-1]["meanings"] = meanings
    return data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (damaged(arrangement=4), "E404"),
        (damaged(arrangement=-1), "E404"),
        (damaged(arrangement=True), "E404"),
        (damaged(arrangement="matrix"), "E404"),
        (damaged(arrangement=None), "E404"),
        (damaged(arrangement=[0, [1, 9]]), "E404"),
        (damaged(arrangement=[[[[[[[[[[0]]]]]]]]]]), "E404"),
        (damaged(arrangement={"first": 0, "rows": 2}), "E404"),
        (damaged(arrangement={"first": 0, "rows": 2, "columns": 3}), "E404"),
        (damaged(arrangement={"first": 1, "rows": 2, "columns": 2}), "E404"),
        (damaged(arrangement={"first": -1, "rows": 2, "columns": 2}), "E404"),
        (damaged(arrangement={"first": 0, "rows": 2.0, "columns": 2}), "E404"),
        (damaged(arrangement={"first": 0, "rows": True, "columns": 1}), "E404"),
        (damaged(arrangement={"first": 0, "rows": 2, "columns": 2, "more": 1}), "E404"),
        (with_meanings("∂f/∂x"), "E404"),
        (with_meanings(["∂f/∂x"]), "E404"),
        (with_meanings([["∂f/∂x", 0]]), "E404"),
        (with_meanings([[1, 0, 0]]), "E404"),
        (with_meanings([["∂f/∂x", 0, 99]]), "E403"),
        (with_meanings([["∂f/∂x", -1, 0]]), "E403"),
        (with_meanings([["∂f/∂x", True, 0]]), "E403"),
        (with_meanings([["∂f/∂x", "x", 0]]), "E403"),
    ],
)
def test_broken_files_are_refused(data, code):
    with pytest.raises(FileError) as caught:
        flat.from_json(json.dumps(data))
    assert caught.value.code == code


def test_files_without_meanings_are_read():
    data = json.loads(cr.parse("x^2*y, y^2").jacobian().json())
    assert flat.from_data(data).arrangement == Matrix(0, 2, 2)
    del data["arrangement"]
    for entry in data["nodes"]:
        entry.pop("meanings", None)
    again = flat.from_data(data)
    assert (again.arrangement, again.meanings) == (None, {})
    assert cr.Graph(again)(3, 5) == (30.0, 9.0, 0.0, 10.0)


# --- text -----------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("formula", [*FORMULAS, "x + y", "x - 3*y", "x*0 + 2", "y"])
def test_texts_read_back(formula, kind):
    graph = cr.parse(f"f = {formula}", inputs="x y z")
    if kind == "gradient of gradient" and "^" not in formula and "(" not in formula:
        return  # ∂f/∂x is a number, which has no name
    dag = KINDS[kind](graph).dag
    assert text.read(text.write(dag)) == dag
    assert read(written(dag), inputs=[node.name for node in dag.inputs]) == dag


@settings(max_examples=150)
@given(whole_table())
def test_texts_of_random_gradients_read_back(dag):
    graph = cr.Graph(dag)
    derived = [graph.gradient("x w", of=graph.outputs[0]).dag, graph.jacobian("w x").dag]
    for each in derived:
        assert text.read(text.write(each)) == each
        assert flat.from_json(flat.to_json(each)) == each
        # A number of another dtype than float64 does not say so in a formula.
        if all(node.type is FLOAT64 for node in each.order if node.type.dtype.kind in "fi"):
            names = [node.name for node in each.inputs if node.op.name == "input"]
            parameters = [node.name for node in each.inputs if node.op.name == "parameter"]
            dtype = {"s": "float32", "n": "int64", "c": "bool"}
            again = read(written(each), inputs=names, parameters=parameters, dtype=dtype)
            assert again.outputs == each.outputs


def test_numbers_as_outputs():
    graph = cr.parse("2*x + 3").gradient()
    assert graph.formula() == "f = 2*x + 3; f, 2"
    assert constant_value(graph.dag.outputs[1]) == 2
    assert math.isclose(cr.parse("pi*x").gradient()(1)[1][0], math.pi)
