"""A graph of numbers as one ES module.

Nodes and edges go by their places: a node by that in the order of the graph, an edge by that among
the edges that carry derivatives, sorted by user and by position among its operands. Arguments come
first. Names are in no code: only in strings and comments, where nothing in them can end these.

==============================  ==================================================================
``nodes``, ``edges``            how many there are
``values(given)``               for each node its value; ``given`` is a number for each argument
``locals(v)``                   for each edge its local derivative at these values
``adjoints(v, l, output)``      for each node its adjoint: the backward pass from one node
``tangents(v, l, argument)``    for each node its tangent: the forward-mode pass from one node
``shares(v, l, a)``             for each edge what it adds to the adjoint of its operand
==============================  ==================================================================

The numbers are those of a `chainrule.run.interpret.Sweep`, but for the last digits of functions
that JavaScript and NumPy round differently.
"""

from __future__ import annotations

from chainrule.exchange.javascript import library
from chainrule.exchange.javascript.parts import Program
from chainrule.exchange.javascript.spelling import check
from chainrule.graph.dag import Dag

_PASSES = ("backward", "forward")


def module(dag: Dag) -> str:
    """The module.

    Raises:
        GraphError: E249 where a node has no counterpart in JavaScript.
    """
    check(dag)
    program = Program(dag)
    known = {name for file in library.files().values() for name in file.names}
    return "\n".join(
        [
            library.functions([*_PASSES, *sorted(program.own & known)]),
            _tables(program),
            program.values.text(),
            program.open.text(),
            program.locals.text(),
            _SWEEPS,
        ]
    )


def _tables(program: Program) -> str:
    users = [program.slots[edge.user] for edge in program.edges]
    operands = [program.slots[edge.operand] for edge in program.edges]
    single = [slot for node, slot in program.slots.items() if node.type.dtype == "float32"]
    return (
        f"export const nodes = {len(program.slots)}, edges = {len(program.edges)};\n"
        "const graph = {\n"
        "  nodes,\n"
        f"  users: {users},\n"
        f"  operands: {operands},\n"
        f"  single: new Set({single}),\n"
        "};\n"
    )


_SWEEPS = """\
/**
 * @param {Float64Array} v
 * @returns {Uint8Array} 1 for each edge along which something flows, 0 for one that never carries
 *   anything or lies on a branch that is not taken.
 */
function openEdges(v) {
  const open = new Uint8Array(edges).fill(1);
  for (const part of openParts) {
    part(v, open);
  }
  return open;
}

/**
 * What is open at values whose local derivatives are known.
 * @type {WeakMap<Float64Array, Uint8Array>}
 */
const openAt = new WeakMap();

/**
 * The value of each node.
 * @param {ArrayLike<number>} given A number for each argument; 0 or 1 for a condition.
 * @returns {Float64Array}
 */
export function values(given) {
  const v = new Float64Array(nodes);
  for (const part of valueParts) {
    part(v, given);
  }
  return v;
}

/**
 * The local derivative of each edge.
 * @param {Float64Array} v The values.
 * @returns {Float64Array}
 */
export function locals(v) {
  const open = openEdges(v);
  openAt.set(v, open);
  const l = new Float64Array(edges);
  for (const part of localParts) {
    part(v, open, l);
  }
  return l;
}

/**
 * The adjoint of each node: the derivative of one node by it.
 * @param {Float64Array} v The values.
 * @param {Float64Array} l The local derivatives.
 * @param {number} output The node that is differentiated.
 * @returns {Float64Array}
 */
export function adjoints(v, l, output) {
  return backward(graph, l, openAt.get(v) ?? openEdges(v), output).adjoints;
}

/**
 * The tangent of each node: its derivative by one node.
 * @param {Float64Array} v The values.
 * @param {Float64Array} l The local derivatives.
 * @param {number} argument The node by which is differentiated.
 * @returns {Float64Array}
 */
export function tangents(v, l, argument) {
  return forward(graph, l, openAt.get(v) ?? openEdges(v), argument);
}

/**
 * What each edge adds to the adjoint of its operand.
 * @param {Float64Array} v The values.
 * @param {Float64Array} l The local derivatives.
 * @param {Float64Array} a The adjoints; the last node that has one is what is differentiated.
 * @returns {Float64Array}
 */
export function shares(v, l, a) {
  return backward(graph, l, openAt.get(v) ?? openEdges(v), a.lastIndexOf(1)).shares;
}
"""
