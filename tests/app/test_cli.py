"""The command line: what goes in, what comes out, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.app import cli
from chainrule.app.cli import main

COMMAND = [str(Path(sys.executable).parent / "chainrule")]


def run(*arguments: str, stdin: str | None = None):
    return CliRunner().invoke(main, arguments, input=stdin)


def test_show(golden):
    result = run("show", "(x+y)*(x+1)", "x=2", "y=1")
    assert result.exit_code == 0
    golden("show.txt", result.stdout)


def test_show_as_text_with_forward_mode(golden):
    result = run("show", "a = x + y; f = a*x", "x=3", "y=2", "--wrt", "x", "--format", "text")
    assert result.exit_code == 0
    golden("show-forward-mode.txt", result.stdout)


def test_json():
    data = json.loads(run("show", "(x+y)*(x+1)", "x=2", "y=1", "--format", "json").stdout)
    assert (data["format"], data["version"]) == ("chainrule show", 1)
    assert data["arguments"] == {"x": 2.0, "y": 1.0}
    assert data["value"] == {"f": 9.0}
    assert data["gradient"] == {"f": {"x": 6.0, "y": 3.0}}
    assert [table["kind"] for table in data["tables"]] == ["forward", "backward"]


def test_csv_and_latex():
    result = run("show", "x*y", "x=2", "y=3", "--format", "csv", "--table", "backward")
    assert [row["node"] for row in csv.DictReader(io.StringIO(result.stdout))] == ["f", "x", "y"]
    result = run("show", "x*y", "x=2", "y=3", "--format", "latex")
    assert result.stdout.count(r"\begin{tabular}") == 2


def test_only_the_tables_asked_for():
    result = run("show", "x*y", "x=2", "y=3", "--table", "forward", "--format", "text")
    assert "Forward pass" in result.stdout
    assert "Backward pass" not in result.stdout


def test_the_formula_from_standard_input():
    result = run("show", "-", "x=3", "--format", "json", stdin="# a comment\na = x^2\na + 1\n")
    assert json.loads(result.stdout)["value"] == {"f": 10.0}


@pytest.mark.parametrize("formula", ["-x^2", "-(x)", "-x", "--x"])
def test_a_formula_may_start_with_a_minus(formula):
    result = run("show", formula, "x=3", "--format", "json")
    assert result.exit_code == 0, result.output


def test_values_are_constant_expressions_points_and_any_alphabet():
    result = run("show", "sin(x) + θ", "x=pi/2", "θ=-1e-3", "--format", "json")
    assert json.loads(result.stdout)["value"]["f"] == pytest.approx(0.999)
    result = run("show", "x^2", "x=1,2,-3", "--format", "json")
    data = json.loads(result.stdout)
    assert data["value"]["f"] == [1.0, 4.0, 9.0]
    assert data["gradient"]["f"]["x"] == [2.0, 4.0, -6.0]


def test_parameters_digits_and_several_outputs():
    data = json.loads(run("show", "s = x+y; p = x*y; s, p", "x=2", "y=3", "--of", "p",
                          "--format", "json").stdout)  # fmt: skip
    assert data["value"] == {"s": 5.0, "p": 6.0}
    assert data["gradient"] == {"p": {"x": 3.0, "y": 2.0}}
    assert "0.94 " in run("show", "exp(-x^2)", "x=0.25", "--digits", "2").stdout + " "


def test_abstract_functions_show_their_paths():
    result = run("show", "f(g1(x1,x2), g2(x1,x2))", "--abstract", "f g1 g2")
    assert result.exit_code == 0
    assert "2 paths from x1" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["simoid(x)", "x=1"], 2, "did you mean 'sigmoid'?"),
        (["x+", "x=1"], 2, "E1"),
        (["x + y", "x=1"], 2, "E301 no value for 'y'"),
        (["aw", "a=1", "w=2"], 2, "write a*w"),
        (["x", "x=1", "y=2"], 2, "E302"),
        (["x", "x=1", "x=2"], 2, "'x' is given twice"),
        (["x", "x=y"], 2, "'x' must be a number"),
        (["x", "x="], 2, "E1"),
        (["x", "x"], 2, "not of the form name=value"),
        (["x", "--parametres", "x"], 2, "no such option"),
        (["x", "x=1", "--wrt", "z"], 2, "E225"),
        (["x", "x=1", "--table", "forward-mode"], 2, "needs --wrt"),
        (["x, x^2", "x=1", "--table", "backward"], 2, "E332"),
        (["x", "x=1", "--wrt", "x", "--table", "backward"], 2, "--wrt is for the forward-mode"),
        (["(" * 5000 + "x" + ")" * 5000, "x=1"], 3, "E15"),
        (["x^1e9", "x=1"], 3, "E15"),
    ],
)
def test_exit_codes_and_messages(arguments, code, says):
    result = run("show", *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert not result.stdout


def test_help_has_examples():
    result = run("show", "--help")
    assert result.exit_code == 0
    assert 'chainrule show "(x+y)*(x+1)" x=2 y=1' in result.stdout
    assert run("--version").stdout.startswith("chainrule, version")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    assert "_CHAINRULE_COMPLETE" in run("completion", shell).stdout


def test_completion_completes():
    environment = {**os.environ, "_CHAINRULE_COMPLETE": "bash_complete",
                   "COMP_WORDS": "chainrule sh", "COMP_CWORD": "1"}  # fmt: skip
    result = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=True)
    assert "plain,show" in result.stdout


def terminal_output(
    environment: dict[str, str], arguments: tuple[str, ...] = ("show", "x*x", "x=3")
) -> str:
    """What the command prints when its output is a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )
    os.close(follower)
    printed = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:
            break
        if not chunk:
            break
        printed += chunk
    os.close(leader)
    assert process.wait() == 0
    return printed.decode()


def test_colour_on_a_terminal_unless_no_color_is_set():
    assert "\x1b[32m" in terminal_output({"NO_COLOR": ""})
    plain = terminal_output({"NO_COLOR": "1"})
    assert "\x1b[3" not in plain
    assert "∂f/∂x = 6" in plain


def test_the_installed_command_runs():
    result = subprocess.run(
        [*COMMAND, "show", "(x+y)*(x+1)", "x=2", "y=1"], capture_output=True, text=True, check=True
    )
    assert "∂f/∂x = 6" in result.stdout
    result = subprocess.run([*COMMAND, "show", "x+"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """A command line as a shell runs it, ``chainrule`` standing for the installed command."""
    script = command.replace("chainrule", COMMAND[0])
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, encoding="utf-8", errors="replace", check=False
    )


# Without a buffer, Python takes a part of a long text for all of it: no broken pipe is seen.
LONG_OUTPUT_TO_HEAD = (
    "unset PYTHONUNBUFFERED; yes 'x+' | head -c 60000 | tr -d '\\n' | sed 's/$/x/' "
    "| chainrule show - x=1 --table forward --format csv | head -1; exit ${PIPESTATUS[4]}"
)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("chainrule show x x=1 >&-", 2),
        ("chainrule show - x=1 <&-", 2),
        ("chainrule show x x=1 >/dev/full", 2),
        ("printf '\\xff' | chainrule show - x=1", 2),
        ("printf '\\xef\\xbb\\xbfx' | chainrule show - x=1", 0),
        (LONG_OUTPUT_TO_HEAD, 141),
        ("PYTHONIOENCODING=ascii chainrule show x x=1", 0),
        ("PYTHONIOENCODING=cp1252 chainrule show x x=1 --format text", 0),
    ],
)  # fmt: skip
def test_streams_that_are_closed_full_broken_or_narrow(command, code):
    result = shell(command)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr


def test_an_interrupt_ends_quietly(monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.app.options.parse", interrupt)
    monkeypatch.setattr("sys.argv", ["chainrule", "show", "x", "x=1"])
    with pytest.raises(SystemExit) as caught:
        cli.run()
    assert caught.value.code == 130


def test_conditions_and_several_outputs_are_shown_without_derivatives():
    result = run("show", "x > 1", "x=2", "--format", "json")
    data = json.loads(result.stdout)
    assert (data["value"], "gradient" in data) == ({"f": True}, False)
    result = run("show", "s = x + y; p = x*y; s, p", "x=2", "y=3")
    assert result.exit_code == 0
    assert "choose an output: --of s or p" in result.stdout


def test_values_with_functions_of_several_arguments():
    data = json.loads(run("show", "x", "x=hypot(3, 4)", "--format", "json").stdout)
    assert data["value"] == {"x": 5.0}


def test_csv_holds_points_in_full():
    result = run("show", "x*y", "x=0.123456789,1,2,3,4,5", "y=1", "--format", "csv",
                 "--table", "forward")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert json.loads(rows[0]["value"]) == [0.123456789, 1, 2, 3, 4, 5]


def test_a_constant_is_shown():
    assert "f = 3" in run("show", "1 + 2").stdout
    assert run("show", "3").exit_code == 0


def test_lists_are_arrays():
    result = run("show", "sum(W @ x)", "W=[[1,2],[3,4]]", "x=[1,-1]", "--format", "json")
    data = json.loads(result.output)
    assert (data["formula"], data["value"]) == ("sum(W @ x)", {"f": -2.0})
    assert data["gradient"] == {"f": {"W": [[1.0, -1.0], [1.0, -1.0]], "x": [4.0, 6.0]}}


def test_shapes_without_values():
    result = run("draw", "sum(W @ x)", "--shapes", "W=3,2 x=2")
    assert result.exit_code == 0
    assert "@" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x^2", "x=[1],[2]"], "must be one list"),
        (["x^2", "x=[1,y]"], "E119"),
        (["W @ x", "W=[[1,2],[3]]", "x=[1,2]"], "one length"),
        (["W @ x", "W=[[1,2,3]]", "x=[1,2]"], "inner sizes 3 and 2 differ"),
        (["W @ x", "--shapes", "W"], "name=3,2"),
        (["W @ x", "w=[1,2]"], "did you mean 'W'"),
    ],
)
def test_lists_that_do_not_fit(arguments, says):
    result = run("show", *arguments)
    assert result.exit_code == 2
    assert says in result.output
