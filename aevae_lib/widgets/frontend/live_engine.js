// An autoencoder and a VAE whole, from pixels to gradients: forward, backward, and Adam.
//
// One network serves as both: encoder 196-96-4, decoder 2-96-196. The encoder's four numbers are
// mu and log sigma squared of a cloud. An autoencoder draws no noise and pays no KL (beta = 0):
// then its code is mu, a point, and nothing ever moves the other two.

/** @typedef {Float64Array} Numbers */
/** @typedef {{ inputs: number, outputs: number, weight: Numbers, bias: Numbers }} Layer */
/** @typedef {ReturnType<typeof makeModel>} Model */

export const PIXELS = 196; // 14 x 14
const HIDDEN = 96;
const LATENT = 2;
// The linear layers, each from so many numbers to so many.
const LAYERS = [[PIXELS, HIDDEN], [HIDDEN, 2 * LATENT], [LATENT, HIDDEN], [HIDDEN, PIXELS]];
const RATE = 0.003; // Adam's step

// --- the parts --------------------------------------------------------------------------------

/**
 * All parameters lie in one array, layer by layer: weights (inputs x outputs), then biases.
 * @param {Numbers} parameters
 * @returns {Layer[]}
 */
function splitIntoLayers(parameters) {
  let start = 0;
  const take = (/** @type {number} */ count) => {
    start += count;
    return parameters.subarray(start - count, start);
  };
  return LAYERS.map(([inputs, outputs]) => ({
    inputs, outputs, weight: take(inputs * outputs), bias: take(outputs),
  }));
}

/**
 * First weights as PyTorch draws them: uniform, the wider the layer's input, the smaller.
 * @param {() => number} uniform
 */
export function firstWeights(uniform) {
  return LAYERS.flatMap(([inputs, outputs]) => Array.from(
    { length: (inputs + 1) * outputs }, () => (2 * uniform() - 1) / Math.sqrt(inputs)));
}

/** @param {ArrayLike<number>} weights */
export function makeModel(weights) {
  const parameters = Float64Array.from(weights);
  const gradients = new Float64Array(parameters.length);
  return {
    parameters,
    gradients,
    layers: splitIntoLayers(parameters),
    slopes: splitIntoLayers(gradients),
    mean: new Float64Array(parameters.length), // Adam's running mean of each gradient,
    square: new Float64Array(parameters.length), // and of its square
    steps: 0,
  };
}

/**
 * c += a b, for matrices (rows x inner) and (inner x columns). A row of `a` is half zeros: pixels
 * that are black, or what a ReLU has shut. The others are taken four at a time.
 * @param {Numbers} c
 * @param {Numbers} a
 * @param {Numbers} b
 * @param {number} rows
 * @param {number} inner
 * @param {number} columns
 */
function addProduct(c, a, b, rows, inner, columns) {
  const values = new Float64Array(inner + 3); // of a row of `a`, where it is not zero,
  const places = new Int32Array(inner + 3); // and where in `b` their rows begin
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let i = 0; i < inner; i++) {
      const value = a[row * inner + i];
      if (value === 0) continue;
      values[count] = value;
      places[count++] = i * columns;
    }
    values.fill(0, count, count + 3);
    const to = row * columns;
    for (let k = 0; k < count; k += 4) {
      const v0 = values[k], v1 = values[k + 1], v2 = values[k + 2], v3 = values[k + 3];
      const p0 = places[k], p1 = places[k + 1], p2 = places[k + 2], p3 = places[k + 3];
      for (let j = 0; j < columns; j++) {
        c[to + j] += v0 * b[p0 + j] + v1 * b[p1 + j] + v2 * b[p2 + j] + v3 * b[p3 + j];
      }
    }
  }
}

/**
 * @param {Numbers} a
 * @param {number} rows
 * @param {number} columns
 */
function transposed(a, rows, columns) {
  const turned = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = a[i * columns + j];
  }
  return turned;
}

/**
 * y = x W + b, for each row of x.
 * @param {Layer} layer
 * @param {Numbers} x
 */
function linear({ inputs, outputs, weight, bias }, x) {
  const rows = x.length / inputs;
  const y = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) y.set(bias, row * outputs);
  addProduct(y, x, weight, rows, inputs, outputs);
  return y;
}

/**
 * From the loss's slope by y that by the weights and biases: dW = x^T dy, and db sums dy's rows.
 * @param {Layer} slope
 * @param {Numbers} x
 * @param {Numbers} dy
 */
function linearBackward({ inputs, outputs, weight, bias }, x, dy) {
  const rows = x.length / inputs;
  addProduct(weight, transposed(x, rows, inputs), dy, inputs, rows, outputs);
  for (let i = 0; i < dy.length; i++) bias[i % outputs] += dy[i];
}

/**
 * And that by the layer's input: dx = dy W^T.
 * @param {Layer} layer
 * @param {Numbers} dy
 */
function inputBackward({ inputs, outputs, weight }, dy) {
  const rows = dy.length / outputs;
  const dx = new Float64Array(rows * inputs);
  addProduct(dx, dy, transposed(weight, inputs, outputs), rows, outputs, inputs);
  return dx;
}

/** @param {Numbers} x */
function relu(x) {
  for (let i = 0; i < x.length; i++) if (x[i] < 0) x[i] = 0;
  return x;
}

/**
 * Where the ReLU gave 0, no slope comes through.
 * @param {Numbers} y
 * @param {Numbers} dy
 */
function reluBackward(y, dy) {
  for (let i = 0; i < y.length; i++) if (y[i] === 0) dy[i] = 0;
  return dy;
}

const sigmoid = (/** @type {number} */ logit) => 1 / (1 + Math.exp(-logit));
const softplus = (/** @type {number} */ logit) =>
  Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));

// --- the models -------------------------------------------------------------------------------

/**
 * (N x 196) to (N x 4): mu0, mu1, log sigma0 squared, log sigma1 squared.
 * @param {Model} model
 * @param {Numbers} x
 */
export function encode({ layers }, x) {
  return linear(layers[1], relu(linear(layers[0], x)));
}

/**
 * (N x 2) to (N x 196) in [0, 1].
 * @param {Model} model
 * @param {Numbers} z
 */
export function decode({ layers }, z) {
  return linear(layers[3], relu(linear(layers[2], z))).map(sigmoid);
}

/**
 * The mean loss of a batch in nats, and its slope by every parameter, in `model.gradients`.
 * `noise` (N x 2) is standard normal, or null: then z is mu, a point. A point has no KL; of the
 * price beta is charged what the KL asks for mu alone.
 * @param {Model} model
 * @param {Numbers} x
 * @param {Numbers | null} noise
 * @param {number} beta
 */
export function lossAndGradients(model, x, noise, beta) {
  const { layers, slopes } = model;
  const rows = x.length / PIXELS;

  const hidden = relu(linear(layers[0], x));
  const code = linear(layers[1], hidden);
  const z = new Float64Array(rows * LATENT);
  for (let k = 0; k < z.length; k++) {
    const mu = muOf(k);
    z[k] = noise ? code[mu] + Math.exp(code[mu + LATENT] / 2) * noise[k] : code[mu];
  }
  const drawn = relu(linear(layers[2], z));
  const logits = linear(layers[3], drawn);

  let reconstruction = 0;
  const dLogits = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    reconstruction += (softplus(logits[i]) - x[i] * logits[i]) / rows;
    dLogits[i] = (sigmoid(logits[i]) - x[i]) / rows;
  }

  model.gradients.fill(0);
  linearBackward(slopes[3], drawn, dLogits);
  const dDrawn = reluBackward(drawn, inputBackward(layers[3], dLogits));
  linearBackward(slopes[2], z, dDrawn);
  const dz = inputBackward(layers[2], dDrawn);

  let kl = 0;
  const dCode = new Float64Array(code.length);
  for (let k = 0; k < z.length; k++) {
    const mu = muOf(k);
    const logvar = mu + LATENT;
    kl += code[mu] ** 2 / 2 / rows;
    dCode[mu] = dz[k] + (beta * code[mu]) / rows;
    if (!noise) continue;
    const variance = Math.exp(code[logvar]);
    kl += (variance - 1 - code[logvar]) / 2 / rows;
    dCode[logvar] = (dz[k] * Math.sqrt(variance) * noise[k]) / 2
      + (beta * (variance - 1)) / 2 / rows;
  }
  linearBackward(slopes[1], hidden, dCode);
  linearBackward(slopes[0], x, reluBackward(hidden, inputBackward(layers[1], dCode)));
  return { reconstruction, kl };
}

/**
 * Where in a row of four numbers (mu0, mu1, logvar0, logvar1) the mu of z's k-th number stands.
 * @param {number} k
 */
function muOf(k) {
  return k + LATENT * Math.floor(k / LATENT);
}

/**
 * Adam (Kingma and Ba, 2015): a step along the gradient's mean, measured in its usual size.
 * @param {Model} model
 */
function adam(model, rate = RATE, keepMean = 0.9, keepSquare = 0.999, least = 1e-8) {
  const { parameters, gradients, mean, square } = model;
  model.steps += 1;
  const meanScale = 1 - keepMean ** model.steps; // both begin at 0: what that costs at first
  const squareScale = 1 - keepSquare ** model.steps;
  for (let i = 0; i < parameters.length; i++) {
    mean[i] += (1 - keepMean) * (gradients[i] - mean[i]);
    square[i] += (1 - keepSquare) * (gradients[i] ** 2 - square[i]);
    const size = Math.sqrt(square[i] / squareScale) + least;
    parameters[i] -= (rate * mean[i]) / meanScale / size;
  }
}

/**
 * One step of training; returns the losses before it.
 * @param {Model} model
 * @param {Numbers} x
 * @param {Numbers | null} noise
 * @param {number} beta
 */
export function step(model, x, noise, beta) {
  const losses = lossAndGradients(model, x, noise, beta);
  adam(model);
  return losses;
}
