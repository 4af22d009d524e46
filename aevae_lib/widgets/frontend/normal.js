// Normal distributions: what a cloud costs, and how points are drawn.

/** @typedef {{ weight: number, mean: number[], factor: number[] }} Component of a mixture */

/**
 * KL( N(mu, exp(logvar)) || N(0, 1) ) in nats: what the mean costs and what the variance costs.
 * @param {number} mu
 * @param {number} logvar
 */
export function klParts(mu, logvar) {
  const mean = mu ** 2 / 2;
  const variance = (Math.exp(logvar) - 1 - logvar) / 2;
  return { mean, variance, total: mean + variance };
}

/**
 * The components of a mixture of normal distributions: each has a weight, a mean, and a factor
 * of its covariance, whose rows follow one another.
 * @param {Uint8Array} bytes
 * @param {number} components
 * @param {number} dims
 * @returns {Component[]}
 */
export function readDensity(bytes, components, dims) {
  const numbers = new Float32Array(bytes.buffer);
  const length = 1 + dims + dims * dims;
  return Array.from({ length: components }, (_, k) => {
    const [weight, ...rest] = numbers.subarray(k * length, (k + 1) * length);
    return { weight, mean: rest.slice(0, dims), factor: rest.slice(dims) };
  });
}

/**
 * One draw: a uniform number chooses the component, and standard normal ones the place in it.
 * @param {Component[]} density
 * @param {number} uniform
 * @param {number[]} normals
 */
export function drawFrom(density, uniform, normals) {
  let left = uniform;
  const chosen = density.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  const { mean, factor } = chosen ?? density[density.length - 1];
  const dims = normals.length;
  return mean.map((m, i) =>
    normals.reduce((sum, value, j) => sum + factor[i * dims + j] * value, m));
}

/**
 * Mulberry32: uniform numbers in [0, 1) from one whole number.
 * @param {number} seed
 */
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Box and Muller's way from two uniform numbers to a normal one.
export function standardNormal(random = Math.random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
