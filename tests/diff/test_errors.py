"""What cannot be differentiated is refused by code; names of derivatives never clash."""

import pytest

import chainrule as cr
from chainrule.diff.jacobian import hessian, jacobian
from chainrule.diff.reverse import gradient
from chainrule.errors import DerivativeError, GraphError
from chainrule.graph.dag import Dag
from chainrule.graph.node import input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type

X, N = cr.input("x"), cr.input("n", dtype="int64")
MIXED = cr.graph(X * N + cr.where(X > 0, X, 1.0), names={"positive": X > 0, "half": N / 2})
WHOLE = cr.graph(N * N)
SEVERAL = cr.parse("s = x + y; p = x*y; s, p")
PLAIN = cr.parse("a = x*y; f = sin(a)")


@pytest.mark.parametrize(
    ("ask", "code", "says"),
    [
        (lambda: MIXED.gradient("n"), "E331", "'n' is int64"),
        (lambda: MIXED.gradient("x", of="positive"), "E331", "'positive' is bool"),
        (lambda: MIXED.gradient("x n"), "E331", "'n'"),
        (lambda: MIXED.jvp("n"), "E331", "'n'"),
        (lambda: MIXED.vjp("positive"), "E331", "'positive'"),
        (lambda: MIXED.jacobian("n"), "E331", "'n'"),
        (lambda: MIXED.hessian("n"), "E331", "'n'"),
        (lambda: cr.parse("x > 0").gradient(), "E331", "bool"),
        (lambda: cr.parse("x, x > 0").jacobian(), "E331", "bool"),
        (lambda: cr.parse("x, x > 0").jvp(), "E331", "bool"),
        (lambda: cr.parse("x, x > 0").vjp(), "E331", "bool"),
        (lambda: cr.parse("x > 0").hessian(), "E331", "bool"),
        (SEVERAL.gradient, "E332", "several outputs ('s', 'p')"),
        (SEVERAL.hessian, "E332", "of="),
        (lambda: PLAIN.jacobian(mode="backward"), "E336", "unknown mode 'backward'"),
        (lambda: PLAIN.jacobian(mode=None), "E336", "unknown mode None"),
        (lambda: PLAIN.hessian("a"), "E335", "'a' is computed"),
        (lambda: PLAIN.hessian("x a"), "E335", "'a' is computed"),
        (WHOLE.gradient, "E337", "nothing to differentiate by"),
        (WHOLE.jacobian, "E337", "nothing to differentiate by"),
        (lambda: PLAIN.gradient([]), "E337", "nothing to differentiate by"),
        (lambda: PLAIN.jvp(""), "E337", "nothing to differentiate by"),
    ],
)
def test_derivatives_that_do_not_exist(ask, code, says):
    with pytest.raises(DerivativeError) as caught:
        ask()
    assert caught.value.code == code
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("ask", "code", "says"),
    [
        (lambda: PLAIN.gradient("z"), "E225", "no node named 'z'"),
        (lambda: PLAIN.gradient("x", of="ff"), "E225", "no node named 'ff'; did you mean 'f'?"),
        (lambda: PLAIN.gradient("x", holding="b"), "E225", "no node named 'b'"),
        (lambda: PLAIN.jvp("x z"), "E225", "'z'"),
        (lambda: PLAIN.vjp("∂f/∂x"), "E225", "'∂f/∂x'"),
        (lambda: PLAIN.jacobian(["x", 3]), "E213", "3 is not a name"),
        (lambda: PLAIN.hessian("q"), "E225", "'q'"),
        (lambda: PLAIN.gradient("x", holding="x"), "E228", "'x' cannot change and be held fixed"),
        (lambda: PLAIN.gradient("a", holding=["y", "a"]), "E228", "'a'"),
        (lambda: PLAIN.gradient("x", holding="f"), "E228", "'f'"),
    ],
)
def test_nodes_that_do_not_fit(ask, code, says):
    with pytest.raises(GraphError) as caught:
        ask()
    assert caught.value.code == code
    assert says in caught.value.message


def test_gradients_and_hessians_need_a_scalar():
    x = input_node("x", Type.of("float64", (3,)))
    dag = Dag([make(OPS["sin"], (x,))])
    for ask in (gradient, hessian):
        with pytest.raises(DerivativeError) as caught:
            ask(dag, dag.output, [x])
        assert caught.value.code == "E333"
        assert "has shape [3]" in caught.value.message


def test_abstract_functions_aside_are_no_obstacle():
    graph = cr.parse("h = g(y); x^2 + x*h", abstract="g")
    assert graph.gradient("x").formula().endswith("d_x = h + 2*x; f, d_x")
    assert jacobian(graph.dag, [graph.dag.find("x")]).outputs


# --- names ----------------------------------------------------------------------------------------


def test_names_that_are_taken_already():
    graph = cr.parse("f_bar = x*d_x; x_dot = sin(f_bar)*d_x; f = x_dot*x")
    assert graph.gradient().outputs == ("f", "d_x_", "d_d_x")
    assert graph.jvp().arguments == ("x", "d_x", "x_dot_", "d_x_dot")
    assert graph.vjp().arguments == ("x", "d_x", "f_bar_")
    assert graph.vjp().outputs == ("f", "x_bar", "d_x_bar")
    point = {"x": 0.7, "d_x": 1.3}
    record = graph.at(**point)
    _, slopes = graph.gradient()(**point)
    assert slopes == tuple(record.gradient.values())
    assert graph.vjp()(0.7, 1.3, 1.0)[1] == slopes


def test_gradients_of_gradients_have_names_of_their_own():
    graph = cr.parse("x^4")
    for _ in range(3):
        graph = graph.gradient("x", of=graph.outputs[-1])
    assert len(set(graph.outputs)) == 2
    assert len(set(graph.dag.labels.values())) == len(graph.dag.order)
    assert graph(2.0)[1] == (48.0,)


def test_greek_names():
    graph = cr.parse("σ²·exp(-θ)·μ", inputs="σ θ μ")
    assert graph.arguments == ("sigma", "theta", "mu")
    assert graph.gradient("θ").outputs[1] == "d_theta"
    assert graph.gradient("μ").derivatives()[graph.gradient("μ").outputs[1]] == ("∂f/∂mu",)
    named = cr.graph(cr.input("größe") ** 2)
    derived = named.gradient()
    assert derived(3.0) == (9.0, (6.0,))
    assert derived.derivatives() == {"d_größe": ("∂f/∂größe",)}
    assert named.jvp().arguments == ("größe", "größe_dot")


def test_one_input_that_is_its_own_output():
    graph = cr.parse("x")
    assert graph.gradient()(3) == (3.0, (1.0,))
    assert graph.jvp()(3, 5) == (3.0, 5.0)
    assert graph.vjp()(3, 5) == (3.0, (5.0,))
    assert graph.vjp().arguments == ("x", "x_bar")
    assert graph.jacobian()(3).tolist() == [[1.0]]
    assert graph.hessian()(3).tolist() == [[0.0]]
