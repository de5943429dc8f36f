// How far a clear picture of a function reaches around a point, as `chainrule.draw.plot.curve` has it.

/** The values of a function at some places. @typedef {(places: number[]) => number[]} Curve */

/** Steps of the curve while a window is looked for. */
const SCOUTS = 64;
/** How many windows are tried, each a quarter of the last one. */
const WINDOWS = 16;
/** Of the curve within a window. */
const MOST_TURNS = 6;
/** How much higher than the window the tangent may rise over half its width. */
const STEEPEST = 5;
/** The part of the height that the curve covers near the point, at least. */
const LIVELY = 0.05;

/**
 * How far a clear picture reaches from the point: neither too steep nor too many turns.
 * @param {Curve} curve
 * @param {number} at
 * @param {number} slope
 */
export function fittingSpread(curve, at, slope) {
  const widest = 2 * Math.max(1, Math.abs(at));
  const spreads = Array.from({ length: WINDOWS }, (_, step) => widest / 4 ** step).filter((spread) => spread > 1e-9 * Math.abs(at));
  /** The first window that is clear, though flat near the point. @type {number | null} */
  let flat = null;
  for (const spread of spreads) {
    const seen = clarity(curve(spaced(at - spread, at + spread, SCOUTS)), spread, slope);
    if (seen === 2) {
      return spread;
    }
    flat ??= seen === 1 ? spread : null;
  }
  return flat ?? widest;
}

/**
 * 0: not a clear picture; 1: clear, but the curve is flat near the point; 2: clear.
 * @param {number[]} ys
 * @param {number} spread
 * @param {number} slope
 */
function clarity(ys, spread, slope) {
  const quarter = Math.floor(ys.length / 4);
  const known = ys.filter(Number.isFinite);
  const near = ys.slice(quarter, -quarter).filter(Number.isFinite);
  if (2 * known.length < ys.length || !near.length) {
    return 0;
  }
  const [low, high] = valueRange(ys, ys[Math.floor(ys.length / 2)]);
  const height = high - low;
  const steps = known.slice(1).map((y, at) => Math.sign(y - known[at])).filter(Boolean);
  const turns = steps.filter((step, at) => at > 0 && step !== steps[at - 1]).length;
  if (turns > MOST_TURNS || (Number.isFinite(slope) && Math.abs(slope) * spread > STEEPEST * height)) {
    return 0;
  }
  return extent(known) > 0 && extent(near) < LIVELY * height ? 1 : 2;
}

/**
 * The range of values that is seen; a pole does not flatten the rest.
 * @param {number[]} ys
 * @param {number} value  Of the point.
 * @returns {[number, number]}
 */
export function valueRange(ys, value) {
  const known = ys.filter(Number.isFinite).toSorted((one, other) => one - other);
  if (!known.length) {
    return [-1, 1];
  }
  let [low, high] = [known[0], known[known.length - 1]];
  const [first, second, third, fourth] = [5, 12, 88, 95].map((percent) => percentile(known, percent));
  if (high - low > 6 * (fourth - first) && fourth > first) {
    [low, high] = [second, third];
  }
  if (Number.isFinite(value)) {
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const isLevel = high - low <= 1e-12 * largest;
  const margin = isLevel ? largest || 1 : 0.08 * (high - low);
  return [low - margin, high + margin];
}

/**
 * Numbers at equal distances, both ends among them.
 * @param {number} low
 * @param {number} high
 * @param {number} steps
 */
export function spaced(low, high, steps) {
  return Array.from({ length: steps + 1 }, (_, at) => (at === steps ? high : low + ((high - low) * at) / steps));
}

/**
 * Between two of the sorted numbers where it lies there.
 * @param {number[]} sorted
 * @param {number} percent
 */
function percentile(sorted, percent) {
  const place = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(place);
  const above = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (above - sorted[below]) * (place - below);
}

/** @param {number[]} numbers */
function extent(numbers) {
  return Math.max(...numbers) - Math.min(...numbers);
}
