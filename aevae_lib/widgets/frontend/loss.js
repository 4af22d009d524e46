// What a loss trains, given how it is written: losses.read in the page, and the same in words.

/** @typedef {"sum" | "mean"} Reduction */
/**
 * @typedef {{ cost: string, weight: number, pixels: Reduction, batch: Reduction, kl_weight: number,
 *   dims: Reduction, kl_batch: Reduction, values: number, latent_dim: number, batch_size: number
 * }} Written
 */

/** The cost of a pixel: its name as code, and the variance that it claims at equal weights. */
/** @type {Record<string, { code: string, claim?: number }>} */
const COSTS = {
  "cross-entropy": { code: "ce" },
  "squared error": { code: "se", claim: 0.5 },
  "half squared error": { code: "(0.5 * se)", claim: 1 },
};

/**
 * The loss is `scale` times the reconstruction in nats plus `beta` times the KL.
 * @param {Written} written
 */
export function read(written) {
  const { batch_size } = written;
  const rec = written.weight * (written.batch === "sum" ? batch_size : 1);
  const kl = written.kl_weight * (written.kl_batch === "sum" ? batch_size : 1);
  const values = written.pixels === "mean" ? written.values : 1;
  const latent = written.dims === "mean" ? written.latent_dim : 1;
  const beta = (kl * values) / (rec * latent);
  const { claim } = COSTS[written.cost];
  return claim === undefined
    ? { beta, tau2: null, scale: rec / values }
    : { beta: 1, tau2: claim * beta, scale: kl / latent };
}

/**
 * The loss as one would write it in PyTorch.
 * @param {Written} written
 */
export function asCode({ cost, weight, pixels, batch, kl_weight, dims, kl_batch }) {
  const term = (/** @type {string} */ name, /** @type {number} */ factor) =>
    factor === 1 ? name : `${factor} * ${name}`;
  return `loss = ${term(`${COSTS[cost].code}.${pixels}(1).${batch}()`, weight)} + ` +
    term(`kl.${dims}(1).${kl_batch}()`, kl_weight);
}

/**
 * What was done and what it comes to, in one sentence.
 * @param {Written} written
 */
export function meaning(written) {
  const { beta, tau2 } = read(written);
  const { cost, weight, pixels, batch, kl_weight, dims, kl_batch } = written;
  const times = (/** @type {number} */ factor) => factor === 1 ? "" : ` times ${number(factor)}`;
  const apart = batch === kl_batch ? ""
    : `, and only the ${batch === "sum" ? cost : "KL"} is summed over the ${written.batch_size} images of a batch`;
  const result = tau2 === null ? `\u03b2 = ${number(beta)}` : `\u03c4\u00b2 = ${number(tau2)} at \u03b2 = 1`;
  return `The ${cost}${times(weight)}, ${DONE[pixels]} over ${number(written.values)} pixel values, ` +
    `beside the KL${times(kl_weight)}, ${DONE[dims]} over ${written.latent_dim} dimensions${apart}: ${result}.`;
}

const DONE = { sum: "summed", mean: "averaged" };

/**
 * What the factor in front of the whole does to training.
 * @param {number} scale
 */
export function ofScale(scale) {
  if (Math.abs(scale - 1) < 1e-9) return "Its scale is that of this course, nats per image.";
  const factor = scale < 1 ? `1/${number(1 / scale)} of` : `${number(scale)} times`;
  const rate = scale < 1 ? `${number(1 / scale)} times as large` : `${number(scale)} times smaller`;
  return `The whole is ${factor} the loss in nats per image. Adam hardly sees this factor; plain ` +
    `gradient descent wants a learning rate ${rate}, and clipping and weight decay see it, too.`;
}

/**
 * Four digits, or all that stand before the point.
 * @param {number} value
 */
export function number(value) {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(4)));
}
