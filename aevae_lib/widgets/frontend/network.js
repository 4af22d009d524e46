// A trained network in plain JavaScript, one function for each kind of PyTorch layer. The decoder
// turns a latent point into an image, the encoder an image into its code. Nothing here touches
// the page.
//
// Between layers travels { shape: [rows, columns, channels], values: Float32Array }, with a
// pixel's channels side by side. A kernel's weights come in the order row, column, input channel,
// output channel (transposed: the input channel first): so every innermost loop runs straight
// through memory.

// The layers that Python described, each with its own weights taken from the bytes.
export function readNetwork(layers, dtype, bytes) {
  const view = new DataView(bytes.buffer);
  const half = dtype === "float16";
  let offset = 0;
  const take = (count) => {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++, offset += half ? 2 : 4) {
      values[i] = half ? fromHalf(view.getUint16(offset, true)) : view.getFloat32(offset, true);
    }
    return values;
  };
  const network = layers.map((layer) => {
    if (!layer.outputs) return layer; // nothing to learn in it
    const area = (layer.kernel ?? 1) ** 2;
    return {
      ...layer,
      weight: take(area * layer.inputs * layer.outputs),
      bias: take(layer.outputs),
    };
  });
  if (offset !== bytes.length) throw new Error("The network's weights do not fit its layers.");
  return network;
}

// A half-precision number from its 16 bits: sign, 5 bits of exponent, 10 bits of fraction.
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// The image at latent point z: its pixels in [0, 1], row by row.
export function decode(network, z) {
  const logits = run(network, { shape: [1, 1, z.length], values: Float32Array.from(z) });
  return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
}

// What the encoder's head says of an image of pixels in [0, 1], row by row: the code, or, for a
// VAE, mu and after it log sigma^2.
export function encode(network, pixels) {
  const side = Math.sqrt(pixels.length);
  return run(network, { shape: [side, side, 1], values: Float32Array.from(pixels) });
}

function run(network, x) {
  for (const layer of network) x = LAYERS[layer.type](x, layer);
  return x.values;
}

const LAYERS = { linear, relu, flatten, unflatten, pad, turn, conv, convTranspose };

function linear({ values }, { outputs, weight, bias }) {
  const sums = bias.slice();
  for (let i = 0; i < values.length; i++) {
    addScaled(sums, 0, weight, i * outputs, outputs, values[i]);
  }
  return { shape: [1, 1, outputs], values: sums };
}

function relu({ shape, values }) {
  return { shape, values: values.map((value) => Math.max(value, 0)) };
}

// PyTorch unflattens into whole channels, one after the other; here they are interleaved.
function unflatten({ values }, { shape: [channels, rows, columns] }) {
  const pixels = rows * columns;
  const image = new Float32Array(values.length);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) image[p * channels + c] = values[c * pixels + p];
  }
  return { shape: [rows, columns, channels], values: image };
}

// And the way back: whole channels, one after the other.
function flatten({ shape: [rows, columns, channels], values }) {
  const pixels = rows * columns;
  const flat = new Float32Array(values.length);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) flat[c * pixels + p] = values[p * channels + c];
  }
  return { shape: [1, 1, values.length], values: flat };
}

// Adds a border of zeros; a negative border cuts that much away.
function pad({ shape: [rows, columns, channels], values }, { padding }) {
  const [left, right, top, bottom] = padding;
  const shape = [rows + top + bottom, columns + left + right, channels];
  const image = new Float32Array(shape[0] * shape[1] * channels);
  for (let y = Math.max(0, -top); y < rows - Math.max(0, -bottom); y++) {
    for (let x = Math.max(0, -left); x < columns - Math.max(0, -right); x++) {
      const from = (y * columns + x) * channels;
      const to = ((y + top) * shape[1] + x + left) * channels;
      image.set(values.subarray(from, from + channels), to);
    }
  }
  return { shape, values: image };
}

// Turned by 180 degrees: the last pixel comes first.
function turn({ shape, values }) {
  const channels = shape[2];
  const image = new Float32Array(values.length);
  for (let from = 0; from < values.length; from += channels) {
    image.set(values.subarray(from, from + channels), values.length - channels - from);
  }
  return { shape, values: image };
}

// Each output pixel gathers the input pixels under the kernel.
function conv({ shape: [rows, columns], values }, layer) {
  const { inputs, outputs, kernel, stride, padding, weight } = layer;
  const size = (length) => Math.floor((length + 2 * padding - kernel) / stride) + 1;
  const shape = [size(rows), size(columns), outputs];
  const image = filled(shape, layer.bias);
  for (let y = 0; y < shape[0]; y++) {
    for (let x = 0; x < shape[1]; x++) {
      for (let ky = 0; ky < kernel; ky++) {
        for (let kx = 0; kx < kernel; kx++) {
          const fromY = y * stride - padding + ky;
          const fromX = x * stride - padding + kx;
          if (fromY < 0 || fromY >= rows || fromX < 0 || fromX >= columns) continue;
          const from = (fromY * columns + fromX) * inputs;
          const to = (y * shape[1] + x) * outputs;
          const tap = (ky * kernel + kx) * inputs;
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
function convTranspose({ shape: [rows, columns], values }, layer) {
  const { inputs, outputs, kernel, stride, padding, outputPadding, weight } = layer;
  const size = (length) => (length - 1) * stride - 2 * padding + kernel + outputPadding;
  const shape = [size(rows), size(columns), outputs];
  const image = filled(shape, layer.bias);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const left = x * stride - padding;
      const first = Math.max(0, -left); // the part of the kernel that falls on the image
      const count = Math.min(kernel, shape[1] - left) - first;
      for (let i = 0; i < inputs; i++) {
        const value = values[(y * columns + x) * inputs + i];
        if (value === 0) continue; // about half of what leaves a ReLU
        for (let ky = 0; ky < kernel; ky++) {
          const toY = y * stride - padding + ky;
          if (toY < 0 || toY >= shape[0]) continue;
          const from = ((i * kernel + ky) * kernel + first) * outputs;
          const to = (toY * shape[1] + left + first) * outputs;
          addScaled(image, to, weight, from, count * outputs, value);
        }
      }
    }
  }
  return { shape, values: image };
}

// target[to...] += scale * source[from...]: where nearly all the time goes.
function addScaled(target, to, source, from, count, scale) {
  if (scale === 0) return;
  for (let i = 0; i < count; i++) target[to + i] += scale * source[from + i];
}

function filled([rows, columns, channels], bias) {
  const image = new Float32Array(rows * columns * channels);
  for (let start = 0; start < image.length; start += channels) image.set(bias, start);
  return image;
}
