// What the codes of the images shown say of a point, and what the images say of a picture.

import { decode } from "./network.js";

/** @typedef {import("./network.js").Image} Image */
/** @typedef {[number, number]} Point */

/**
 * Pairs of coordinates from the bytes of single-precision numbers.
 * @param {Uint8Array} bytes
 * @returns {Point[]}
 */
export function readCodes(bytes) {
  const numbers = new Float32Array(bytes.buffer);
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

/**
 * The nearest code, each axis measured in standard deviations of the codes shown.
 * @param {Point[]} codes
 * @param {number[]} spread
 * @param {Point} point
 */
export function nearestCode(codes, spread, [z0, z1]) {
  let best = -1;
  let least = Infinity;
  codes.forEach(([c0, c1], i) => {
    const square = ((c0 - z0) / spread[0]) ** 2 + ((c1 - z1) / spread[1]) ** 2;
    if (square < least) {
      least = square;
      best = i;
    }
  });
  return { index: best, distance: Math.sqrt(least) };
}

/** @param {Point[]} codes */
export function standardDeviations(codes) {
  return [0, 1].map((axis) => {
    const mean = codes.reduce((sum, code) => sum + code[axis], 0) / codes.length;
    const squares = codes.reduce((sum, code) => sum + (code[axis] - mean) ** 2, 0);
    return Math.sqrt(squares / (codes.length - 1)) || 1; // 1: all codes are the same
  });
}

/**
 * The radius of each code's ball, which reaches to one of its neighbours. A point that no ball
 * holds lies in a hole.
 * @param {Point[]} codes
 * @param {number} neighbours
 */
export function ballRadii(codes, neighbours) {
  return codes.map(([z0, z1], i) => {
    const nearest = Array(neighbours).fill(Infinity); // in ascending order
    codes.forEach(([c0, c1], j) => {
      const distance = (c0 - z0) ** 2 + (c1 - z1) ** 2;
      if (i === j || distance >= nearest[neighbours - 1]) return;
      let place = neighbours - 1;
      for (; place > 0 && nearest[place - 1] > distance; place--) nearest[place] = nearest[place - 1];
      nearest[place] = distance;
    });
    return Math.sqrt(nearest[neighbours - 1]);
  });
}

/**
 * @param {Point[]} codes
 * @param {number[]} radii
 * @param {Point} point
 */
export function inHole(codes, radii, [z0, z1]) {
  return !codes.some(([c0, c1], i) => (c0 - z0) ** 2 + (c1 - z1) ** 2 <= radii[i] ** 2);
}

/**
 * The point a share `t` of the way from one to another.
 * @param {Point} from
 * @param {Point} to
 * @param {number} t
 * @returns {Point}
 */
export function between(from, to, t) {
  return [(1 - t) * from[0] + t * to[0], (1 - t) * from[1] + t * to[1]];
}

/**
 * Judges an image by its nearest among the first `count` images as this decoder redraws them: so
 * blur is compared with blur. The redrawing is done in the browser's idle time; until it is over,
 * there is no answer (-1).
 * @param {import("./network.js").Layer[]} network
 * @param {Point[]} codes
 * @param {number} count
 * @param {() => void} whenReady
 */
export function makeJudge(network, codes, count, whenReady) {
  /** @type {Float32Array[]} */
  const redrawn = [];
  const wanted = Math.min(codes.length, count);
  const idle = globalThis.requestIdleCallback ??
    ((/** @type {(deadline?: IdleDeadline) => void} */ act) => window.setTimeout(act, 10));
  const cancel = globalThis.cancelIdleCallback ?? clearTimeout;
  const work = (/** @type {IdleDeadline | undefined} */ deadline) => {
    const end = performance.now() + (deadline?.timeRemaining() ?? 8);
    while (redrawn.length < wanted && performance.now() < end) {
      redrawn.push(pool(decode(network, codes[redrawn.length])));
    }
    if (redrawn.length < wanted) waiting = idle(work);
    else whenReady();
  };
  let waiting = idle(work);
  return {
    stop: () => cancel(waiting),
    nearest: (/** @type {Image} */ image) =>
      (redrawn.length < wanted ? -1 : nearestImage(pool(image), redrawn)),
  };
}

/**
 * @param {Float32Array} image
 * @param {Float32Array[]} others
 */
function nearestImage(image, others) {
  let best = -1;
  let least = Infinity;
  others.forEach((other, index) => {
    let distance = 0;
    for (let i = 0; i < image.length && distance < least; i++) distance += (image[i] - other[i]) ** 2;
    if (distance < least) {
      least = distance;
      best = index;
    }
  });
  return best;
}

/**
 * Means of two by two pixels; an odd last row or column is left out.
 * @param {Image} image
 */
export function pool({ shape: [rows, columns, channels], values }) {
  const [height, width] = [Math.max(1, rows >> 1), Math.max(1, columns >> 1)];
  const [down, right] = [rows > 1 ? columns * channels : 0, columns > 1 ? channels : 0];
  const pooled = new Float32Array(height * width * channels);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++, to++) {
        const at = (2 * y * columns + 2 * x) * channels + c;
        pooled[to] =
          (values[at] + values[at + right] + values[at + down] + values[at + down + right]) / 4;
      }
    }
  }
  return pooled;
}
