"""``chainrule compile``: the report, the results, the listings, in every format."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner

from chainrule.app.cli import main

FORMULA = "(x+y)*(x+1)"
LISTING = """\
kernel 0: f
  t0 = input0                         ; x
  t1 = input1                         ; y
  t2 = add(t0, t1)                    ; v1: x+y, characters 2–4
  t3 = 1
  t4 = add(t0, t3)                    ; v2: x+1, characters 8–10
  t5 = multiply(t2, t4)               ; f: (x+y)*(x+1), characters 1–11
  output0 = t5"""


def run(*arguments: str, stdin: str | None = None):
    return CliRunner().invoke(main, ["compile", *arguments], input=stdin)


def test_the_report():
    result = run(FORMULA, "--format", "text")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "(x + y)*(x + 1)"
    assert lines[2] == "Compiled"
    assert re.sub(r" +", " ", lines[5]) == "runs as optimised"
    assert any(re.fullmatch(r"time: simplify +[\d.]+ [mµn]?s", line) for line in lines)
    assert "f =" not in result.stdout


def test_results():
    result = run(FORMULA, "x=2", "y=1", "--gradient", "--format", "text")
    assert result.stdout.endswith("f = 9\n∂f/∂x = 6\n∂f/∂y = 3\n")
    data = json.loads(run(FORMULA, "x=2", "y=1", "--gradient", "--format", "json").stdout)
    assert data["results"] == {"f": 9.0, "∂f/∂x": 6.0, "∂f/∂y": 3.0}
    assert data["format"] == "chainrule compile"
    data = json.loads(run("x^2", "x=0,1,3", "--gradient", "--format", "json").stdout)
    assert data["results"] == {"f": [0.0, 1.0, 9.0], "∂f/∂x": [0.0, 2.0, 6.0]}
    data = json.loads(run("a = 2x; b = 3x; a, b", "x=1", "--format", "json").stdout)
    assert data["results"] == {"a": 2.0, "b": 3.0}
    assert json.loads(run("1 + 2", "--format", "json").stdout)["results"] == {"f": 3.0}
    result = run("sum(W@x)", "W=[[1,2],[3,4]]", "x=[1,1]", "--format", "json")
    assert json.loads(result.stdout)["results"] == {"f": 10.0}


@pytest.mark.parametrize("form", ["rich", "text"])
def test_a_listing_in_place_of_the_report(form):
    result = run(FORMULA, "--ir", "kernels", "--format", form)
    assert result.stdout == f"(x + y)*(x + 1)\n\n{LISTING}\n"


def test_a_listing_in_other_formats():
    data = json.loads(run(FORMULA, "--ir", "kernels", "--format", "json").stdout)
    assert data["listing"] == LISTING
    assert data["tables"][0]["kind"] == "report"
    latex = run(FORMULA, "--ir", "kernels", "--format", "latex").stdout
    assert latex == f"\\begin{{verbatim}}\n{LISTING}\n\\end{{verbatim}}\n"
    head, *rows = csv.reader(io.StringIO(run(FORMULA, "--format", "csv").stdout))
    assert head == ["what", "value"]
    assert ["runs as", "optimised"] in rows


@pytest.mark.parametrize(
    ("kind", "piece"),
    [("llvm", "fmul double"), ("optimised", "fmul double"), ("assembly", "evaluate:")],
)
def test_each_stage(kind, piece):
    assert piece in run(FORMULA, "--ir", kind).stdout


def test_the_formula_from_standard_input():
    result = run("-", "x=3", "--format", "json", stdin="# squares\na = x^2\nf = a + 1\n")
    assert json.loads(result.stdout)["results"] == {"f": 10.0}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["foo(x)"], 2, "E101"),
        ([FORMULA, "x=2"], 2, "E301"),
        ([FORMULA, "x=2", "y=1", "z=3"], 2, "E302"),
        (["a = x; b = 2x; a, b", "--gradient"], 2, "E332"),
        ([FORMULA, "--ir", "binary"], 2, "'binary' is not one of"),
        ([FORMULA, "--nonsense"], 2, "no such option"),
        (["(" * 2000 + "x" + ")" * 2000], 3, "E152"),
    ],
)
def test_what_is_wrong(arguments, code, message):
    result = run(*arguments)
    assert result.exit_code == code
    assert message in result.output
