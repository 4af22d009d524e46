// A trained network in plain JavaScript, one function for each kind of PyTorch layer. The decoder
// turns a latent point into an image, the encoder an image into its code. Nothing here touches
// the page.
//
// Between layers travels an image: { shape: [rows, columns, channels], values }, with a pixel's
// channels side by side. A kernel's weights come in the order row, column, input channel, output
// channel (transposed: the input channel first): so every innermost loop runs straight through
// memory.

/** @typedef {{ shape: number[], values: Float32Array }} Image */
/** @typedef {Record<string, any> & { type: string }} Layer as network.py describes it */

/**
 * The layers that Python described, each with its own weights taken from the bytes.
 * @param {Layer[]} layers
 * @param {string} dtype "float16" or "float32"
 * @param {Uint8Array} bytes
 * @returns {Layer[]}
 */
export function readNetwork(layers, dtype, bytes) {
  const view = new DataView(bytes.buffer);
  const half = dtype === "float16";
  let offset = 0;
  const take = (/** @type {number} */ count) => {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++, offset += half ? 2 : 4) {
      values[i] = half ? fromHalf(view.getUint16(offset, true)) : view.getFloat32(offset, true);
    }
    return values;
  };
  const network = layers.map((layer) => {
    const inputs = layer.in_features ?? layer.in_channels;
    const outputs = layer.out_features ?? layer.out_channels;
    if (!outputs) return layer; // nothing to learn in it
    const [rows, columns] = layer.kernel_size ?? [1, 1];
    const weight = take(rows * columns * inputs * outputs);
    return { ...layer, inputs, outputs, weight, bias: take(outputs) };
  });
  if (offset !== bytes.length) throw new Error("The network's weights do not fit its layers.");
  return network;
}

/**
 * A half-precision number from its 16 bits: sign, 5 bits of exponent, 10 bits of fraction.
 * @param {number} bits
 */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * The image at latent point z, its values in [0, 1].
 * @param {Layer[]} network
 * @param {number[]} z
 */
export function decode(network, z) {
  return run(network, { shape: [1, 1, z.length], values: Float32Array.from(z) });
}

/**
 * What the encoder's head says of an image: the code, or, for a VAE, mu and after it log sigma^2.
 * @param {Layer[]} network
 * @param {Image} image
 */
export function encode(network, image) {
  return run(network, image).values;
}

/**
 * @param {Layer[]} network
 * @param {Image} x
 */
function run(network, x) {
  for (const layer of network) x = LAYERS[layer.type](x, layer);
  return x;
}

/** @type {Record<string, (x: Image, layer: Layer) => Image>} */
const LAYERS = {
  // By their names in PyTorch.
  ReLU: ({ shape, values }) => ({ shape, values: values.map((value) => Math.max(value, 0)) }),
  Linear: linear,
  Flatten: flatten,
  Unflatten: unflatten,
  ZeroPad2d: pad,
  Crop: crop,
  Turn: turn,
  Conv2d: conv,
  ConvTranspose2d: convTranspose,
  // From what a decoder gives to the picture, by its likelihood's link.
  sigmoid: ({ shape, values }) => ({ shape, values: values.map((x) => 1 / (1 + Math.exp(-x))) }),
  identity: ({ shape, values }) =>
    ({ shape, values: values.map((value) => Math.min(Math.max(value, 0), 1)) }),
};

/** @type {(x: Image, layer: Layer) => Image} */
function linear({ values }, { outputs, weight, bias }) {
  const sums = bias.slice();
  for (let i = 0; i < values.length; i++) {
    addScaled(sums, 0, weight, i * outputs, outputs, values[i]);
  }
  return { shape: [1, 1, outputs], values: sums };
}

// PyTorch unflattens into whole channels, one after the other; here they are interleaved.
/** @type {(x: Image, layer: Layer) => Image} */
function unflatten({ values }, { unflattened_size: [channels, rows, columns] }) {
  const pixels = rows * columns;
  const image = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) image[p * channels + c] = values[c * pixels + p];
  }
  return { shape: [rows, columns, channels], values: image };
}

// And the way back: whole channels, one after the other.
/** @type {(x: Image) => Image} */
function flatten({ shape: [rows, columns, channels], values }) {
  const pixels = rows * columns;
  const flat = new Float32Array(values.length);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) flat[c * pixels + p] = values[p * channels + c];
  }
  return { shape: [1, 1, values.length], values: flat };
}

// A border of zeros; a negative one cuts that much away.
/** @type {(x: Image, layer: Layer) => Image} */
function pad(x, { padding: [left, right, top, bottom] }) {
  return cut(x, -top, -left, x.shape[0] + top + bottom, x.shape[1] + left + right);
}

/** @type {(x: Image, layer: Layer) => Image} */
function crop(x, { top, left, height, width }) {
  return cut(x, top, left, height, width);
}

/**
 * The part of an image from row `top` and column `left` on; outside it there are zeros.
 * @param {Image} image
 * @param {number} top
 * @param {number} left
 * @param {number} height
 * @param {number} width
 * @returns {Image}
 */
export function cut({ shape: [rows, columns, channels], values }, top, left, height, width) {
  const part = new Float32Array(height * width * channels);
  const first = Math.max(0, left);
  const last = Math.min(columns, left + width);
  for (let y = Math.max(0, top); y < Math.min(rows, top + height) && first < last; y++) {
    const row = values.subarray((y * columns + first) * channels, (y * columns + last) * channels);
    part.set(row, ((y - top) * width + first - left) * channels);
  }
  return { shape: [height, width, channels], values: part };
}

// Turned by 180 degrees: the last pixel comes first.
/** @type {(x: Image) => Image} */
function turn({ shape, values }) {
  const channels = shape[2];
  const image = new Float32Array(values.length);
  for (let from = 0; from < values.length; from += channels) {
    image.set(values.subarray(from, from + channels), values.length - channels - from);
  }
  return { shape, values: image };
}

// Each output pixel gathers the input pixels under the kernel.
/** @type {(x: Image, layer: Layer) => Image} */
function conv({ shape: [rows, columns], values }, layer) {
  const { inputs, outputs, weight, bias } = layer;
  const [[kernelY, kernelX], [strideY, strideX]] = [layer.kernel_size, layer.stride];
  const [padY, padX] = layer.padding;
  const size = (/** @type {number} */ length, /** @type {0 | 1} */ axis) => Math.floor(
    (length + 2 * layer.padding[axis] - layer.kernel_size[axis]) / layer.stride[axis]) + 1;
  const shape = [size(rows, 0), size(columns, 1), outputs];
  const image = filled(shape, bias);
  for (let y = 0; y < shape[0]; y++) {
    for (let x = 0; x < shape[1]; x++) {
      for (let ky = 0; ky < kernelY; ky++) {
        for (let kx = 0; kx < kernelX; kx++) {
          const fromY = y * strideY - padY + ky;
          const fromX = x * strideX - padX + kx;
          if (fromY < 0 || fromY >= rows || fromX < 0 || fromX >= columns) continue;
          const from = (fromY * columns + fromX) * inputs;
          const to = (y * shape[1] + x) * outputs;
          const tap = (ky * kernelX + kx) * inputs;
          for (let i = 0; i < inputs; i++) {
            addScaled(image, to, weight, (tap + i) * outputs, outputs, values[from + i]);
          }
        }
      }
    }
  }
  return { shape, values: image };
}

// Each input pixel spreads a copy of the kernel over the output, row after row of it.
/** @type {(x: Image, layer: Layer) => Image} */
function convTranspose({ shape: [rows, columns], values }, layer) {
  const { inputs, outputs, weight, bias } = layer;
  const [[kernelY, kernelX], [strideY, strideX]] = [layer.kernel_size, layer.stride];
  const [padY, padX] = layer.padding;
  const size = (/** @type {number} */ length, /** @type {0 | 1} */ axis) =>
    (length - 1) * layer.stride[axis] - 2 * layer.padding[axis] + layer.kernel_size[axis] +
    layer.output_padding[axis];
  const shape = [size(rows, 0), size(columns, 1), outputs];
  const image = filled(shape, bias);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const left = x * strideX - padX;
      const first = Math.max(0, -left); // the part of the kernel that falls on the image
      const count = Math.min(kernelX, shape[1] - left) - first;
      for (let i = 0; i < inputs; i++) {
        const value = values[(y * columns + x) * inputs + i];
        if (value === 0) continue; // about half of what leaves a ReLU
        for (let ky = 0; ky < kernelY; ky++) {
          const toY = y * strideY - padY + ky;
          if (toY < 0 || toY >= shape[0]) continue;
          const from = ((i * kernelY + ky) * kernelX + first) * outputs;
          const to = (toY * shape[1] + left + first) * outputs;
          addScaled(image, to, weight, from, count * outputs, value);
        }
      }
    }
  }
  return { shape, values: image };
}

/**
 * target[to...] += scale * source[from...]: where nearly all the time goes.
 * @param {Float32Array} target
 * @param {number} to
 * @param {Float32Array} source
 * @param {number} from
 * @param {number} count
 * @param {number} scale
 */
function addScaled(target, to, source, from, count, scale) {
  if (scale === 0) return;
  for (let i = 0; i < count; i++) target[to + i] += scale * source[from + i];
}

/**
 * @param {number[]} shape
 * @param {Float32Array} bias
 */
function filled([rows, columns, channels], bias) {
  const image = new Float32Array(rows * columns * channels);
  for (let start = 0; start < image.length; start += channels) image.set(bias, start);
  return image;
}
