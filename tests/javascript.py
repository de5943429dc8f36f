"""Runs modules of graphs in the engine that Playwright brings.

It is that of Chromium, V8, and is there wherever Playwright is installed; one process does
thousands of points at once. Numbers go there and back as bytes, so that every bit, NaN and −0
arrive.
"""

from __future__ import annotations

import base64
import functools
import json
import subprocess
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from playwright._impl._driver import compute_driver_executable

import chainrule as cr
from chainrule.exchange.javascript.module import module
from chainrule.graph.dag import Dag
from chainrule.graph.facts import Edge

_SERVE = """\
import { createInterface } from "node:readline";

const bytes = (text) => new Float64Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);

for await (const line of createInterface({ input: process.stdin })) {
  const { source, points, values, locals, count, outputs, starts } = JSON.parse(line);
  let answer;
  try {
    const m = await import(`data:text/javascript;base64,${source}`);
    const [given, knownValues, knownLocals] = [points, values, locals].map(bytes);
    const row = (table, size, at) => table.subarray(at * size, (at + 1) * size);
    const found = [];
    for (let at = 0; at < count; at += 1) {
      const own = m.values(row(given, given.length / count, at));
      const v = values ? row(knownValues, m.nodes, at) : own;
      const slopes = m.locals(v);
      const l = locals ? row(knownLocals, m.edges, at) : slopes;
      const passes = outputs.map((output) => m.adjoints(v, l, output));
      const shares = passes.map((a) => m.shares(v, l, a));
      const tangents = starts.map((start) => m.tangents(v, l, start));
      found.push(own, slopes, ...passes, ...shares, ...tangents);
    }
    const all = Buffer.concat(found.map((row) => Buffer.from(row.buffer)));
    answer = { numbers: all.toString("base64") };
  } catch (error) {
    answer = { error: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\\n`);
}
"""


class Found(NamedTuple):
    """What a module gave: a row for each point, behind it nodes or edges.

    ``adjoints`` and ``shares`` have an axis of outputs between these, ``tangents`` one of starts.
    """

    values: np.ndarray
    locals: np.ndarray
    adjoints: np.ndarray
    shares: np.ndarray
    tangents: np.ndarray


@functools.cache
def _engine() -> subprocess.Popen[str]:
    """One process for all tests; it ends when its input does, with this one."""
    node, _ = compute_driver_executable()
    return subprocess.Popen(
        [node, "--input-type=module", "--eval", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(
    graph: cr.Graph,
    points: Sequence[Sequence[float]] | np.ndarray,
    outputs: Sequence[int] = (),
    starts: Sequence[int] = (),
    values: np.ndarray | None = None,
    locals: np.ndarray | None = None,
) -> Found:
    """The numbers of the module of a graph at some points.

    Args:
        graph: The graph.
        points: A row for each point, a number for each argument.
        outputs: Where backward passes start; nodes go by their places.
        starts: Where passes of forward mode start.
        values: What local derivatives are taken at, in place of the values that come out.
        locals: What the passes multiply with, in place of the local derivatives that come out.
    """
    dag = graph.dag
    table = np.array(points, np.float64).reshape(-1, len(dag.inputs))
    task = {
        "source": base64.b64encode(module(dag).encode()).decode(),
        "points": _bytes(table),
        "values": _bytes(values),
        "locals": _bytes(locals),
        "count": len(table),
        "outputs": list(outputs),
        "starts": list(starts),
    }
    answer = _asked(task)
    nodes, edges = len(dag.order), len(edges_of(dag))
    sizes = [nodes, edges, len(outputs) * nodes, len(outputs) * edges, len(starts) * nodes]
    rows = np.frombuffer(answer).reshape(len(table), sum(sizes))
    found, slopes, adjoints, shares, tangents = np.split(rows, np.cumsum(sizes)[:-1], axis=1)
    return Found(
        found,
        slopes,
        adjoints.reshape(len(table), len(outputs), nodes),
        shares.reshape(len(table), len(outputs), edges),
        tangents.reshape(len(table), len(starts), nodes),
    )


def edges_of(dag: Dag) -> list[Edge]:
    """The edges that have places: from a node that depends on an argument, numbers both."""
    varying = {node for node in dag.inputs if node.type.is_float}
    for node in dag.order:
        if node.type.is_float and varying & {*node.operands}:
            varying.add(node)
    return [edge for edge in dag.edges() if {edge.operand, edge.user} <= varying]


def _bytes(numbers: np.ndarray | None) -> str:
    found = b"" if numbers is None else np.ascontiguousarray(numbers, np.float64).tobytes()
    return base64.b64encode(found).decode()


def _asked(task: dict[str, Any]) -> bytes:
    process = _engine()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{json.dumps(task)}\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert "error" not in answer, answer["error"]
    return base64.b64decode(answer["numbers"])
