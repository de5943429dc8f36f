"""Every command shown on a page prints what the page says. (Python examples run as doctests.)"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule.app.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands() -> list:
    """The ``$ chainrule …`` lines of console blocks, each with the output that follows it."""
    blocks = re.compile(r"```console\n(.*?)```", re.DOTALL)
    lines = re.compile(r"^\$ chainrule (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
    return [
        pytest.param(command, output, id=f"{page.name}: {command}")
        for page in PAGES
        for block in blocks.findall(page.read_text(encoding="utf-8"))
        for command, output in lines.findall(block)
    ]


@pytest.mark.parametrize(("command", "output"), commands())
def test_shown_commands_print_what_is_shown(command, output):
    result = CliRunner().invoke(main, shlex.split(command))
    assert _lines(result.output) == _lines(output)


def _lines(text: str) -> list[str]:
    """The lines without the spaces at their ends, which nobody sees and editors remove."""
    return [line.rstrip() for line in text.rstrip("\n").splitlines()]


def test_there_are_commands_to_check():
    assert commands()


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_error_code_of_the_source_stands_on_the_page_of_errors():
    used = {"W101", "W102"}  # inside the texts of warnings
    for module in (ROOT / "src").rglob("*.py"):
        used |= set(re.findall(r'"([EW][0-9]{3})"', module.read_text(encoding="utf-8")))
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| ([EW][0-9]{3}) \|", page, re.MULTILINE)) == sorted(used)
