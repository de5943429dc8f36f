"""What the page asks for while it is served: requests and answers, both as JSON.

A request has been checked by the server: names, types and sizes are right, and what may be left out
is there. What a formula or an option has wrong is raised.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from chainrule.draw.drawing import Drawing
from chainrule.draw.options import options as drawing_options
from chainrule.draw.picture import picture
from chainrule.draw.subject import Subject
from chainrule.errors import GraphError, listed
from chainrule.exchange.javascript.module import module
from chainrule.formula.limits import Limits
from chainrule.formula.reader import is_latex, read
from chainrule.graph.dag import Dag
from chainrule.page.bundle import document
from chainrule.page.content import Asked, content, derivations, differentiated, read_quietly
from chainrule.page.exercises import found, graph_of
from chainrule.page.practice import practice_content
from chainrule.page.sliders import start
from chainrule.show.tables import backward_table, forward_table

LIMITS: Final = Limits(length=4_000, nodes=2_000)
"""Of formulas: what a page can show, with room to spare."""
_DRAWN: Final[Mapping[str, tuple[str, str]]] = {
    "svg": ("svg", "image/svg+xml"),
    "png": ("png", "image/png"),
    "mmd": ("mermaid", "text/plain"),
    "tex": ("tikz", "application/x-tex"),
    "dot": ("dot", "text/vnd.graphviz"),
    "json": ("json", "application/json"),
}
"""What a drawing is exported as: the method that writes it, and the type of the file."""


def content_for(request: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a formula, with its program and what there is to be warned of."""
    dag, warnings = _read(request)
    return {**_content(dag, request), "warnings": warnings, "program": module(dag)}


def derivations_for(request: Mapping[str, Any]) -> dict[str, Any]:
    """The derivatives of an output as formulas, by argument, with their steps."""
    dag, _ = _read(request)
    return {"derivations": derivations(dag, differentiated(dag, request["of"]))}


def prepare() -> None:
    """Load what the first formula needs, before anybody waits for it."""
    rest: dict[str, Any] = {"kinds": {}, "values": {}, "of": "", "options": {}, "form": "auto"}
    content_for({"source": "(x + 1)*y", **rest})


def _content(dag: Dag, request: Mapping[str, Any], *, is_whole: bool = False) -> dict[str, Any]:
    source = request["source"]
    asked = Asked(request["values"], request["of"], (request["options"],), derivations=is_whole)
    return content(dag, asked, source, "latex" if is_latex(source) else "text")


def exercise_for(request: Mapping[str, Any]) -> dict[str, Any]:
    """The content of an exercise, by its name or by seed and difficulty, as `content_for`."""
    one = found(request["name"] or request["seed"], request["difficulty"])
    shown = practice_content(one, (request["options"],))
    return {**shown, "warnings": [], "program": module(graph_of(one))}


def export_for(request: Mapping[str, Any]) -> dict[str, Any]:
    """A file of the formula at its values: its name, its type, and text or bytes in base 64."""
    form = request["as"]
    dag, warnings = _read(request)
    if form == "html":
        shown = {**_content(dag, request, is_whole=True), "warnings": warnings}
        return _file(form, "text/html", document(shown, module(dag)))
    output = differentiated(dag, request["of"])
    sweep = start(dag, output, request["values"])
    adjoints = None if output is None else sweep.reverse(output)
    if form == "csv":
        tables = [forward_table(dag, sweep.values)]
        if output is not None and adjoints is not None:
            tables.append(backward_table(sweep, output, adjoints))
        return _file(form, "text/csv", "\r\n".join(table.csv() for table in tables))
    if form not in _DRAWN:
        raise GraphError("E226", f"no export as {form!r}; use {listed([*_DRAWN, 'csv', 'html'])}")
    method, kind = _DRAWN[form]
    subject = Subject(dag, output, None, sweep, adjoints)
    drawing = Drawing(picture(subject, drawing_options(dict(request["options"]))))
    return _file(form, kind, getattr(drawing, method)())


def _file(form: str, kind: str, written: str | bytes) -> dict[str, Any]:
    if isinstance(written, bytes):
        found = {"base64": base64.b64encode(written).decode()}
    else:
        found = {"text": written}
    return {"name": f"graph.{form}", "type": kind, **found}


def _read(request: Mapping[str, Any]) -> tuple[Dag, list[str]]:
    """The graph of a request, and what there is to be warned of."""
    kinds, syntax = request["kinds"], request["form"]
    dag, warnings = read_quietly(read, request["source"], syntax=syntax, limits=LIMITS)
    learned = {node for node in dag.inputs if kinds.get(node.name) == "parameter"}
    return (dag.with_parameters(learned) if learned else dag), warnings
