"""The subcommands that explain: paths, derive, check, saved, cost, descend."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex

import pytest
from click.testing import CliRunner

from chainrule.api.graph import Graph
from chainrule.app.cli import main
from tests.show.test_derivation import balanced

ANSWERS = {
    "paths": ["paths", "(x+y)*(x+1)", "x=2", "y=1", "--wrt", "x"],
    "paths-holding": ["paths", "a = x + y; f = a*x", "x=3", "y=2", "--wrt", "x", "--holding", "a"],
    "derive": ["derive", "exp(-x^2)", "--wrt", "x"],
    "derive-reverse": [
        "derive", "L = (y - sigmoid(w*x + b))^2", "--wrt", "w", "--mode", "reverse"
    ],
    "derive-written-out": ["derive", "x^2*exp(-x^2)", "--wrt", "x", "--written-out"],
    "derive-chain-rule": [
        "derive", "f(g1(x), g2(x))", "--abstract", "f g1 g2", "--wrt", "x", "--chain-rule"
    ],
    "derive-chain-rule-holding": [
        "derive", "f(x, g(x))", "--abstract", "f g", "--wrt", "x", "--chain-rule", "--holding", "g"
    ],
    "check": ["check", "abs(x)*y", "x=0", "y=3"],
    "saved": ["saved", "a = sin(x); f = exp(a)*y"],
    "cost": ["cost", "x1*x2*x3*x4*x5"],
    "descend": ["descend", "(w - 3)^2", "w=0", "--parameters", "w", "--steps", "3"],
}  # fmt: skip

each_answer = pytest.mark.parametrize("name", ANSWERS)


def run(*arguments: str, stdin: str | None = None):
    return CliRunner().invoke(main, arguments, input=stdin)


# --- formats --------------------------------------------------------------------------------------


@each_answer
def test_text(name, golden):
    result = run(*ANSWERS[name], "--format", "text")
    assert result.exit_code == 0, result.output
    golden(f"commands/{name}.txt", result.stdout)


@each_answer
def test_rich_is_the_same_in_words(name):
    rich = run(*ANSWERS[name]).stdout
    text = run(*ANSWERS[name], "--format", "text").stdout
    assert re.sub(r"[\s─━]+", "", rich) == re.sub(r"[\s─━]+", "", text)


@each_answer
def test_latex(name, golden):
    result = run(*ANSWERS[name], "--format", "latex")
    assert result.exit_code == 0
    assert balanced(result.stdout)
    golden(f"commands/{name}.tex", result.stdout)


@each_answer
def test_json_has_a_format_a_version_and_the_formula(name):
    data = json.loads(run(*ANSWERS[name], "--format", "json").stdout)
    assert (data["format"], data["version"]) == (f"chainrule {ANSWERS[name][0]}", 1)
    assert "=" in data["formula"] or "(" in data["formula"] or "*" in data["formula"]
    assert all(table["kind"] and table["rows"] for table in data["tables"])


@each_answer
def test_csv_has_a_header_and_rows(name):
    for block in run(*ANSWERS[name], "--format", "csv").stdout.split("\n\n"):
        first, *rows = csv.reader(io.StringIO(block))
        assert all(heading.isidentifier() for heading in first)
        assert {len(row) for row in rows} == {len(first)}


def test_the_numbers_in_json():
    data = json.loads(run(*ANSWERS["paths"], "--format", "json").stdout)
    assert (data["paths"], data["derivative"]) == (2, 6.0)
    assert [row["product"] for row in data["tables"][0]["rows"]] == [3.0, 3.0]
    data = json.loads(run(*ANSWERS["paths-holding"], "--format", "json").stdout)
    assert (data["paths"], data["derivative"]) == (1, 5.0)
    data = json.loads(run(*ANSWERS["derive"], "--format", "json").stdout)
    assert data["derivative"] == "-2*x*exp(-x^2)"
    data = json.loads(run(*ANSWERS["derive-chain-rule"], "--format", "json").stdout)
    assert data["chain_rule"] == "df/dx = ∂f/∂g1·∂g1/∂x + ∂f/∂g2·∂g2/∂x"
    data = json.loads(run(*ANSWERS["check"], "--format", "json").stdout)
    assert data["ok"] is True
    data = json.loads(run(*ANSWERS["saved"], "--format", "json").stdout)
    assert (data["bytes"], data["bytes_of_everything"]) == (8, 24)
    data = json.loads(run(*ANSWERS["cost"], "--format", "json").stdout)
    assert [row["total"] for row in data["tables"][0]["rows"]][:3] == [4, 4, 10]
    # w ← w − 0.1·2(w − 3): 3·(1 − 0.8^k)
    data = json.loads(run(*ANSWERS["descend"], "--format", "json").stdout)
    assert data["parameters"]["w"] == pytest.approx(3 * (1 - 0.8**3))
    assert data["value"] == pytest.approx(9 * 0.64**3)


# --- what goes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["paths", "-", "x=2", "--wrt", "x"], ["derive", "-", "--wrt", "x"], ["check", "-", "x=2"],
     ["saved", "-"], ["cost", "-"], ["descend", "-", "x=2", "--parameters", "x"]],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_the_formula_from_standard_input(arguments):
    result = run(*arguments, "--format", "json", stdin="# squares\na = x^2\nf = a + 1\n")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["formula"] == "a = x^2; f = a + 1"


@pytest.mark.parametrize("formula", ["-x^2", "-(x)", "--x", "-x*y"])
@pytest.mark.parametrize("command", ["derive", "cost", "saved", "paths", "check", "descend"])
def test_a_formula_may_start_with_a_minus(command, formula):
    values = [] if command in ("derive", "cost", "saved") else ["x=3"]
    values += ["y=2"] if values and "y" in formula else []
    options = {"derive": ["--wrt", "x"], "paths": ["--wrt", "x"], "descend": ["--parameters", "x"]}
    result = run(command, formula, *values, *options.get(command, []), "--format", "json")
    assert result.exit_code == 0, result.output


def test_nodes_may_be_named_in_between_and_outputs_chosen():
    several = "s = x + y; p = s*x; s, p"
    result = run("derive", several, "--wrt", "s", "--of", "p", "--format", "json")
    assert json.loads(result.stdout)["derivative"] == "x"
    result = run("paths", several, "x=2", "y=3", "--wrt", "x", "--of", "p", "--format", "json")
    assert json.loads(result.stdout)["derivative"] == 7.0
    result = run("cost", several, "--of", "s", "--wrt", "x", "--format", "json")
    assert json.loads(result.stdout)["tables"][0]["rows"][0]["total"] == 1
    assert run("saved", several, "--of", "s").exit_code == 0
    assert run("descend", several, "x=1", "y=1", "--parameters", "x", "--of", "p").exit_code == 0


def test_only_the_first_paths_are_shown():
    formula = " * ".join(["x"] * 30)
    result = run("paths", formula, "x=1", "--wrt", "x", "--most", "3", "--format", "json")
    data = json.loads(result.stdout)
    assert (data["paths"], data["derivative"], len(data["tables"][0]["rows"])) == (30, 30.0, 3)


# --- exit codes -----------------------------------------------------------------------------------

SHARED = "; ".join(f"a{at} = a{at - 1}*(1 - a{at - 1})" for at in range(1, 21)).replace("a0", "x")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["paths", "x^2*y", "x=1", "y=2"], 2, "--wrt"),
        (["paths", "x^2", "x=1", "--wrt", "z"], 2, "E225"),
        (["paths", "x^2", "--wrt", "x"], 2, "E301 no value for 'x'"),
        (["paths", "x, x^2", "x=1", "--wrt", "x"], 2, "E332"),
        (["paths", "x > 0", "x=1", "--wrt", "x"], 2, "E331"),
        (["paths", "a = 2*x; a^2", "x=1", "--wrt", "x", "--holding", "b"], 2, "E225"),
        (["derive", "x^2*y"], 2, "--wrt"),
        (["derive", "x^2", "--wrt", "xx"], 2, "E225"),
        (["derive", "x, x^2", "--wrt", "x"], 2, "E332"),
        (["derive", "x^2", "--wrt", "x", "--mode", "sideways"], 2, "sideways"),
        (["derive", "x +", "--wrt", "x"], 2, "E111"),
        (["derive", SHARED, "--wrt", "x", "--written-out"], 3, "E157"),
        (["derive", SHARED, "--wrt", "x", "--chain-rule"], 3, "E156"),
        (["check", "x", "x=1", "y=2"], 2, "E302"),
        (["check", "x*y", "x=1"], 2, "E301"),
        (["check", "f(x)", "--abstract", "f"], 2, "E307"),
        (["check", "x", "--points", "0"], 2, "--points"),
        (["saved", "x^2", "--wrt", "q"], 2, "E225"),
        (["cost", "x, x^2"], 2, "E332"),
        (["cost", "x^2", "--wrt", "q"], 2, "E225"),
        (["descend", "(w - 3)^2", "w=0"], 2, "E308"),
        (["descend", "(w - 3)^2", "w=0", "--parameters", "w", "--rate", "nan"], 2, "E309"),
        (["descend", "(w - 3)^2", "--parameters", "w"], 2, "E301"),
        (["descend", "(w - 3)^2", "w=0", "--parameters", "w", "--steps", "0"], 2, "--steps"),
        (["cost", "(" * 5000 + "x" + ")" * 5000], 3, "E15"),
    ],
)
def test_exit_codes_and_messages(arguments, code, says):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert not result.stdout


def test_a_finding_has_exit_code_1(monkeypatch):
    """A report in which something is wrong."""

    class Finding:
        def __str__(self) -> str:
            return "error: the derivative of v1 is wrong"

    real = Graph.check

    class Broken:
        ok = False
        findings = (Finding(),)

        def __init__(self, report) -> None:
            self.table = report.table
            self.comparisons = report.comparisons

    monkeypatch.setattr(Graph, "check", lambda self, points: Broken(real(self, points)))
    result = run("check", "x^2", "x=1")
    assert result.exit_code == 1
    assert "the derivative of v1 is wrong" in result.stdout
    assert "not verified" in result.stdout
    data = json.loads(run("check", "x^2", "x=1", "--format", "json").stdout)
    assert (data["ok"], data["findings"]) == (False, ["error: the derivative of v1 is wrong"])


# --- help -----------------------------------------------------------------------------------------

COMMANDS = ["show", "paths", "derive", "check", "saved", "cost", "descend"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_the_help_runs(command):
    text = run(command, "--help").stdout
    lines = [line.strip() for line in text.partition("Examples:")[2].split("\n") if line.strip()]
    assert lines
    for line in lines:
        stdin = None
        words = shlex.split(line)
        if "|" in words:
            bar = words.index("|")
            stdin, words = words[bar - 1], words[bar + 1 :]
        assert words[:2] == ["chainrule", command]
        result = run(*words[1:], stdin=stdin)
        assert result.exit_code == 0, result.output
        assert result.stdout


def test_the_commands_are_listed_with_what_they_do():
    text = run("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z].*\.$", text, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_defaults_are_said(command):
    text = " ".join(run(command, "--help").stdout.split())
    for option in ("--steps", "--most", "--points", "--rate", "--mode"):
        if option in text:
            assert "[default" in text.split(option)[1].split("--")[0], option


@each_answer
def test_no_colours_away_from_a_terminal(name, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(*ANSWERS[name]).stdout
