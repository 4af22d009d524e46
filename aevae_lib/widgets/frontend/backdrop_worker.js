// The pictures behind latent planes, decoded on a thread of their own: row by row, so that a newer
// wish for a plane can take the place of an older one.

import { decode } from "./network.js";

/** @typedef {import("./network.js").Image} Image */
/** @typedef {import("./backdrop.js").Wish} Wish */
/** @typedef {Wish & { side: number, row: number, pixels: Uint8ClampedArray<ArrayBuffer> }} Work */

const SIDE = 48; // px of a picture's longer side at most

/** @type {Work[]} */
let works = [];

self.onmessage = ({ data: wish }) => {
  const busy = works.length > 0;
  const side = Math.min(SIDE, Math.max(...wish.shape.slice(1)));
  const pixels = new Uint8ClampedArray(4 * (wish.grid * side) ** 2);
  works = [...works.filter(({ plane }) => plane !== wish.plane), { ...wish, side, pixels, row: 0 }];
  works.sort((one, other) => one.grid - other.grid); // what is coarse comes first
  if (!busy) setTimeout(work);
};

function work() {
  const [first] = works;
  drawRow(first);
  first.row += 1;
  if (first.row === first.grid) {
    const { plane, key, grid, side, pixels } = first;
    works.shift();
    self.postMessage({ plane, key, grid, edge: grid * side, pixels }, { transfer: [pixels.buffer] });
  }
  if (works.length) setTimeout(work);
}

/** @param {Work} work */
function drawRow({ network, low, high, grid, side, row, pixels }) {
  const along = (/** @type {number} */ axis, /** @type {number} */ share) =>
    low[axis] + (high[axis] - low[axis]) * share;
  for (let column = 0; column < grid; column++) {
    const z = [along(0, (column + 0.5) / grid), along(1, 1 - (row + 0.5) / grid)];
    drawTile(pixels, grid * side, (row * grid * side + column) * side, side, decode(network, z));
  }
}

/**
 * An image in the middle of a square, in grey or in colour; beside it nothing is drawn.
 * @param {Uint8ClampedArray} pixels
 * @param {number} width of them all
 * @param {number} start the pixel at which the square begins
 * @param {number} side
 * @param {Image} image
 */
export function drawTile(pixels, width, start, side, { shape: [rows, columns, channels], values }) {
  const longest = Math.max(rows, columns);
  const from = (/** @type {number} */ at, /** @type {number} */ length) =>
    Math.floor(((at + 0.5) * longest) / side - (longest - length) / 2);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [row, column] = [from(y, rows), from(x, columns)];
      if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
      const to = 4 * (start + y * width + x);
      const at = (row * columns + column) * channels;
      for (let c = 0; c < 3; c++) pixels[to + c] = 255 * values[at + (channels === 3 ? c : 0)];
      pixels[to + 3] = 255;
    }
  }
}
