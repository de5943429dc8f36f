/** Sums that other functions are made of: polynomials, and Hurwitz' zeta function. */

/**
 * The value of a polynomial at x; the coefficient of the highest power comes last.
 * @param {number[]} coefficients
 * @param {number} x
 * @returns {number}
 */
export function polynomial(coefficients, x) {
  return coefficients.reduceRight((result, coefficient) => result * x + coefficient, 0);
}

/** Bernoulli's numbers B₂, B₄, B₆, … (DLMF 24.2.1). */
export const BERNOULLI = [
  1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
  43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730,
];

/**
 * Hurwitz' zeta function, the sum of (q + k)^−s over k = 0, 1, …, for a whole s ≥ 2 and q ≥ 1/2, by
 * Euler and Maclaurin (DLMF 2.10.1). So many terms are added one by one that the expansion of the
 * rest falls fast.
 * @param {number} s
 * @param {number} q
 * @returns {number}
 */
export function hurwitz(s, q) {
  const steps = 10 + Math.floor(s / 2);
  const a = q + steps;
  // a^(1−s) (1/(s−1) + (1/2 + Σ B₂ₖ/(2k)! s(s+1)…(s+2k−2) a^(1−2k)) / a)
  let rising = s / a;
  let rest = 0.5;
  for (const [k, number] of BERNOULLI.entries()) {
    rising /= (2 * k + 1) * (2 * k + 2);
    rest += number * rising;
    rising *= ((s + 2 * k + 1) * (s + 2 * k + 2)) / (a * a);
  }
  let total = Math.pow(a, 1 - s) * (1 / (s - 1) + rest / a);
  for (let k = steps - 1; k >= 0; k -= 1) {
    total += Math.pow(q + k, -s);
  }
  return total;
}
