// Heat colours nodes or edges by how large their numbers are, on a scale of powers of ten.

/** @typedef {import("./drawing.js").Drawing} Drawing */

/** Decades between the hottest and the coldest. */
const SPAN = 4;
const EDGES = new Set(["local", "contribution"]);

/**
 * Colours a drawing as the state says.
 * @param {Drawing} drawing
 */
export function paintHeat(drawing) {
  const { store } = drawing.page;
  const heat = store.state.practice === "off" ? store.state.heat : "";
  const ofEdges = EDGES.has(heat);
  drawing.element.classList.toggle("of-heat", Boolean(heat) && !ofEdges);
  const amounts = amountsOf(drawing, heat);
  const shares = scaled(amounts);
  for (const { group, slot } of drawing.boxes) {
    tint(group.querySelector(".body"), "fill", ofEdges || !heat ? undefined : shares.get(slot), "--cold");
  }
  for (const { group, edge } of drawing.flows) {
    const share = ofEdges && edge?.slot !== null && edge !== null ? shares.get(edge.slot) : undefined;
    tint(group.querySelector(".line"), "stroke", share, "--forward");
    tint(group.querySelector(".head"), "fill", share, "--forward");
  }
}

/**
 * Numbers by node, or by edge.
 * @param {Drawing} drawing
 * @param {string} heat
 * @returns {Map<number, number>}
 */
function amountsOf({ page }, heat) {
  const { content, numbers, store } = page;
  const { output, wrt } = store.state;
  const found = {
    value: () => numbers.values,
    adjoint: () => (output === null ? [] : numbers.adjoints(output)),
    tangent: () => (wrt === null ? [] : numbers.tangents(wrt)),
    local: () => numbers.locals,
    contribution: () => (output === null ? [] : numbers.shares(output)),
  }[heat];
  const all = [...(found ? found() : [])].map((amount, at) => /** @type {[number, number]} */ ([at, Math.abs(amount)]));
  return new Map(EDGES.has(heat) ? all : all.filter(([slot]) => content.nodes[slot].kind !== "constant"));
}

/**
 * From 0 for nothing to 1 for the largest.
 * @param {Map<number, number>} amounts
 */
function scaled(amounts) {
  const largest = Math.max(...[...amounts.values()].filter(Number.isFinite), 0);
  return new Map(
    [...amounts].map(([at, amount]) => {
      const share = largest > 0 && amount > 0 ? 1 + Math.log10(Math.min(amount, largest) / largest) / SPAN : 0;
      return [at, Number.isNaN(amount) ? 1 : Math.max(0, Math.min(1, share))];
    }),
  );
}

/**
 * @param {Element | null} part
 * @param {"fill" | "stroke"} property
 * @param {number | undefined} share
 * @param {string} cold
 */
function tint(part, property, share, cold) {
  if (part instanceof SVGElement) {
    const percent = ((share ?? 0) * 100).toFixed(0);
    part.style[property] = share === undefined ? "" : `color-mix(in srgb, var(--hot) ${percent}%, var(${cold}))`;
  }
}
