/**
 * The passes of derivatives over the edges of a graph, backward and forward. A node that a pass does
 * not reach has the number 0, and what it would send along an edge does not count: an infinite local
 * derivative does not make 0 · ∞ of it. Neither does an edge on a branch that is not taken.
 */

/**
 * @typedef {object} Edges The edges that carry derivatives, by user in topological order.
 * @property {number} nodes How many nodes there are.
 * @property {number[]} users For each edge the node that uses the other one.
 * @property {number[]} operands For each edge the node that is used.
 * @property {Set<number>} single The nodes of single precision.
 */

/**
 * From one node back to all that it is computed from.
 * @param {Edges} edges
 * @param {Float64Array} local The local derivative of each edge.
 * @param {Uint8Array} open 1 for each edge along which something flows, else 0.
 * @param {number} output
 * @returns {{adjoints: Float64Array, shares: Float64Array}} For each node its adjoint, and for each
 *   edge what it adds to that of its operand.
 */
export function backward(edges, local, open, output) {
  const { users, operands, single } = edges;
  const adjoints = new Float64Array(edges.nodes);
  const shares = new Float64Array(users.length);
  const reached = new Uint8Array(edges.nodes);
  adjoints[output] = 1;
  reached[output] = 1;
  let end = users.length;
  while (end > 0) {
    const user = users[end - 1];
    let start = end;
    while (start > 0 && users[start - 1] === user) {
      start -= 1;
    }
    for (let edge = start; edge < end; edge += 1) {
      if (reached[user] && open[edge]) {
        const operand = operands[edge];
        const kept = single.has(operand) ? Math.fround : Number;
        shares[edge] = kept(adjoints[user] * local[edge]);
        adjoints[operand] = reached[operand] ? kept(adjoints[operand] + shares[edge]) : shares[edge];
        reached[operand] = 1;
      }
    }
    end = start;
  }
  return { adjoints, shares };
}

/**
 * From one node on to all that are computed from it.
 * @param {Edges} edges
 * @param {Float64Array} local The local derivative of each edge.
 * @param {Uint8Array} open 1 for each edge along which something flows, else 0.
 * @param {number} argument
 * @returns {Float64Array} For each node its tangent.
 */
export function forward(edges, local, open, argument) {
  const tangents = new Float64Array(edges.nodes);
  const reached = new Uint8Array(edges.nodes);
  tangents[argument] = 1;
  reached[argument] = 1;
  for (const [edge, user] of edges.users.entries()) {
    const operand = edges.operands[edge];
    if (reached[operand] && open[edge] && user !== argument) {
      const kept = edges.single.has(user) ? Math.fround : Number;
      const share = kept(tangents[operand] * local[edge]);
      tangents[user] = reached[user] ? kept(tangents[user] + share) : share;
      reached[user] = 1;
    }
  }
  return tangents;
}
