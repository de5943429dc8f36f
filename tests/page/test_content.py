"""What the page is told of a graph, against the texts' figures and against LaTeX read elsewhere."""

import base64
import gzip
import json
import math
import re
from xml.etree import ElementTree

import pytest
import sympy

import chainrule as cr
from chainrule.errors import DerivativeError, DrawingError, GraphError
from chainrule.formula.reader import read
from chainrule.page.asking import content_for, derivations_for, export_for
from chainrule.page.content import Asked, content, read_quietly
from chainrule.page.mathml import mathml, rows

TEXT = "a = x + y; f = a * x"


def told(formula, **asked):
    return content(read(formula), Asked(**asked), formula)


def names(found, slots):
    return [found["nodes"][slot]["label"] for slot in slots]


def test_rows_are_those_of_the_tables_of_the_text():
    found = told(TEXT, values={"x": 3, "y": 2})
    assert names(found, found["forward"]) == ["x", "y", "a", "f"]
    (rows,) = found["backward"].values()
    assert names(found, rows) == ["f", "a", "x", "y"]
    assert names(found, found["outputs"]) == ["f"]
    assert [one["value"] for one in found["arguments"]] == [3.0, 2.0]


def test_edges_that_carry_derivatives_are_counted():
    found = told("exp(2*x) + 3", values={"x": 1})
    edges = {
        (found["nodes"][one["operand"]]["label"], found["nodes"][one["user"]]["label"]): one
        for one in found["edges"]
    }
    assert len(edges) == 5
    carrying = [one["slot"] for one in found["edges"] if one["slot"] is not None]
    assert carrying == [0, 1, 2]
    assert edges["x", "v1"]["local"]["text"] == "2"
    assert edges["v1", "v2"]["local"]["text"] == "v2"  # the derivative of exp is its output
    assert edges["3", "f"]["slot"] is None


def test_characters_of_the_formula_belong_to_nodes():
    found = told("(x + y)*x")
    spelled = {
        node["label"]: ["(x + y)*x"[start:end] for start, end in node["spans"]]
        for node in found["nodes"]
    }
    assert spelled["x"] == ["x", "x"]
    assert spelled["f"] == ["(x + y)*x"]


def test_derivations_are_those_of_sympy():
    x, y = sympy.symbols("x y")
    expected = {"x": sympy.diff(sympy.sin(x * y) * x, x), "y": sympy.diff(sympy.sin(x * y) * x, y)}
    found = told("sin(x*y)*x")["derivations"]
    for name, wanted in expected.items():
        given = found[name]["text"].partition(" = ")[2].replace("^", "**")
        *named, last = given.partition("   where")[0].split("; ")
        assert not named
        assert sympy.simplify(sympy.sympify(last) - wanted) == 0
        assert found[name]["steps"]["rows"]


@pytest.mark.parametrize(
    "formula", ["ln(x)", "sqrt(1 - x^2)*y", "1/(x - 2)", "asin(x)", "ln(-x)", "x/(y - 1)", "x^y"]
)
def test_sliders_start_where_all_is_finite(formula):
    found = told(formula)
    values = {one["name"]: one["value"] for one in found["arguments"]}
    record = cr.parse(formula).at(**values)
    assert math.isfinite(record.value)
    assert all(map(math.isfinite, record.gradient.values()))
    for one in found["arguments"]:
        assert one["low"] <= one["value"] <= one["high"]
        assert 0 < one["step"] <= (one["high"] - one["low"]) / 20


def test_values_that_are_given_stay_even_where_nothing_is_finite():
    found = told("ln(x)", values={"x": -1})
    assert found["arguments"][0]["value"] == -1.0


def test_all_is_json_without_nan():
    for formula in ("inf*x", "nan + x", TEXT, "x > 0", "where(x > 0, x, -x)"):
        json.loads(json.dumps(told(formula), allow_nan=False))


def test_a_condition_has_no_backward_pass():
    found = told("x > 0")
    assert found["output"] is None
    assert found["backward"] == {}
    assert found["saved"] is None


_REQUEST = {"kinds": {}, "values": {"x": 3.0}, "of": "", "options": {}, "form": "auto"}


def test_a_condition_first_and_then_a_number():
    """Page and files differentiate the same output: the first one that has derivatives."""
    asked = {**_REQUEST, "source": "x > 0, x^2", "as": "csv"}
    shown = content_for(asked)
    assert names(shown, [shown["output"]]) == ["f2"]
    (adjoint,) = [line for line in export_for(asked)["text"].splitlines() if "∂f2/∂x" in line]
    assert adjoint.endswith(",6.0")
    for job in (content_for, derivations_for, export_for):
        with pytest.raises(DerivativeError, match="E331 'f1' is bool"):
            job({**asked, "of": "f1"})


def test_warnings_go_into_the_file():
    found = export_for({**_REQUEST, "source": "a = x^2; x + 1", "as": "html"})
    packed = re.search(r'id="content">([^<]*)<', found["text"])
    assert packed
    kept = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    assert "'a' is defined" in kept["warnings"][0]


def test_each_output_has_its_backward_pass():
    found = told("s = x + y; p = x * y; s, p", of="p")
    assert names(found, [found["output"]]) == ["p"]
    assert {found["nodes"][slot]["label"] for slot in found["backward"]} == {"s", "p"}


@pytest.mark.parametrize(
    ("graph", "asked", "error", "code"),
    [
        (lambda: cr.parse("A @ x", shapes={"A": (2, 2), "x": 2}), {}, GraphError, "E229"),
        (lambda: cr.parse("f(x)", abstract="f"), {}, GraphError, "E229"),
        (lambda: cr.parse("x*y"), {"of": "z"}, GraphError, "E225"),
        (lambda: cr.parse("x*y"), {"drawings": ({"colour": "red"},)}, DrawingError, "E250"),
    ],
)
def test_what_cannot_be_shown_is_refused(graph, asked, error, code):
    with pytest.raises(error) as caught:
        content(graph().dag, Asked(**asked))
    assert caught.value.code == code


def test_warnings_are_told():
    """Of several equations the last one is the output; none is left out without a word."""
    _, warnings = read_quietly(read, "f = x*y; g = x + y")
    (told_of_f,) = warnings
    assert told_of_f.startswith("W101 'f' is defined, but the output does not use it; outputs are")
    dag, warnings = read_quietly(read, "f = x*y; g = x + y; f, g")
    assert warnings == []
    assert [dag.labels[node] for node in dag.outputs] == ["f", "g"]


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{1}{\sqrt{2\pi\sigma^2}} e^{-\frac{(x-\mu)^2}{2\sigma^2}}",
        r"\left(x + y\right) \left(x + 1\right)",
        r"x < y \land y \le 3",
        r"\operatorname{relu}\left(w_{1} x\right)",
        r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}",
    ],
)
def test_mathematics_is_well_formed(latex):
    root = ElementTree.fromstring(mathml(latex))
    assert root.tag == "math"
    assert "".join(root.itertext()).strip()


def test_mathematics_that_cannot_be_set_is_left_out():
    assert mathml(r"\frac{1}") == "" or mathml(r"\frac{1}").startswith("<math>")
    assert mathml("x" * 5000) == ""
    assert len(rows("\\begin{aligned}\na &= x \\\\\nf &= a\n\\end{aligned}")) == 2
