"""The page as one HTML file: style, modules, program and content in it, and nothing else needed."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from chainrule.draw.markup import clean

_STYLES: Final = ("themes.css", "page.css", "tabs.css")
"""Style sheets, in their order."""
_START: Final = "main.js"
"""The module that everything is imported from."""
_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "\./([a-z-]+\.js)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|const|class) )", re.MULTILINE)
_PROGRAM: Final = ("nodes", "edges", "values", "locals", "adjoints", "tangents", "shares")
"""What the program of a graph exports."""
_REMARK: Final = re.compile(r"^ *(?:/\*\*?.*?\*/|//[^\n]*)?\n", re.MULTILINE | re.DOTALL)
"""A line without code, and a comment over lines of its own."""
_INDENT: Final = re.compile(r"^ +", re.MULTILINE)
_MEDIA: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


@cache
def assets() -> Mapping[str, str]:
    """The files of the page by their names: modules, style sheets, the document of the server."""
    folder = files("chainrule.page") / "static"
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(tuple(_MEDIA))
    }


def document(content: Mapping[str, Any], program: str) -> str:
    """The page of one graph as an HTML file that works without a network.

    Args:
        content: What it shows (`chainrule.page.content.content`).
        program: The program of the graph, as the text of an ES module.
    """
    style = _REMARK.sub("", "".join(assets()[name] for name in _STYLES))
    script = f"{_enclosed(_REMARK.sub('', program))}\n{modules()}{_OPEN}"
    title = content["title"] or content["formula"]["text"]
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)};"
        " img-src blob:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script';"
        " trusted-types chainrule"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{clean(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<div id="page"><noscript>This page needs JavaScript.</noscript></div>\n'
        f'<script type="text/plain" id="content">{_packed(content)}</script>\n'
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


_OPEN: Final = """
openFile(
  document.getElementById("page"),
  document.getElementById("content").textContent,
  graphProgram,
);
"""


@cache
def modules() -> str:
    """All modules that the page needs as one text, each after those that it imports."""
    return "\n".join(map(_bare, _in_order(_START, {})))


def _in_order(name: str, known: dict[str, None]) -> Iterator[str]:
    """The names of a module and of what it imports, each once, operands first."""
    known[name] = None
    for imported in _IMPORT.findall(assets()[name]):
        if imported not in known:
            yield from _in_order(imported, known)
    yield name


def _bare(name: str) -> str:
    """A module without imports, exports, remarks and indents: all names are unique."""
    code = _EXPORT.sub("", _IMPORT.sub("", _REMARK.sub("", assets()[name])))
    return _INDENT.sub("", code)


def _enclosed(program: str) -> str:
    """The program with its names to itself, since they are those of many things."""
    return (
        f"const graphProgram = (() => {{\n{_EXPORT.sub('', program)}\n"
        f"return {{ {', '.join(_PROGRAM)} }};\n}})();"
    )


def _packed(content: Mapping[str, Any]) -> str:
    """JSON as gzip in base 64: a fifth as long, and without a sign that could end its element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode(errors="replace"), mtime=0)
    return base64.b64encode(packed).decode()


def _digest(text: str) -> str:
    """What a content security policy knows a text by."""
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
