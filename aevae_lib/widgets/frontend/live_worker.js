// The training behind live.js, on a thread of its own: steps of both models on the same batches,
// and now and then a frame: where each garment lies, and what each decoder draws over its plane.

import { PIXELS, decode, encode, firstWeights, makeModel, step } from "./live_engine.js";
import { makeRandom, standardNormal } from "./normal.js";

/** @typedef {import("./live_engine.js").Model} Model */
/** @typedef {import("./live_plane.js").Camera} Camera */
/** @typedef {{ z: [number, number] | null, garment: number }} Mark a point, or else a garment's code */
/** @typedef {{ beta: number, noise: boolean[], marks: Mark[], seed: number }} Settings */

const BATCH = 64;
const GRID = 16; // pictures along each edge of a plane
const PACE = 16; // ms from one step to the next at least: the eye must be able to follow
const FRAME = 70; // ms between two frames at least
const NEAREST = 3; // a plane reaches this far from the origin at least
const EASE = 0.6; // of the way to its aim a plane's frame goes in each new frame

/** @type {Float64Array} */
let images; // (N x 196) in [0, 1]
/** @type {Float64Array} */
let shown; // those of them that are dots
/** @type {() => number} */
let random;
/** @type {Model[]} */
let models; // [autoencoder, VAE]
/** @type {number[]} */
let order = [];
/** @type {{ reconstruction: number, kl: number }[][]} */
let recent = []; // the losses of the last steps, as many as the images make batches
/** @type {(Camera | null)[]} */
let cameras;
let running = false;
let next = 0; // the timer of the next step
let limit = 0; // steps after which it stops by itself
/** @type {Settings} */
let settings;
let sent = -Infinity; // when the last frame was posted,
let taken = true; // and whether the page has drawn it
let cost = 0;

/** @type {Record<string, (message: any) => void>} */
const messages = {
  begin({ bytes, count, ...rest }) {
    images = Float64Array.from(bytes, (grey) => grey / 255);
    shown = images.subarray(0, count * PIXELS);
    settings = rest;
    restart();
  },
  restart,
  set(changed) {
    Object.assign(settings, changed);
    if (changed.marks) postMarks();
  },
  run({ on, until }) {
    limit = until;
    clearTimeout(next);
    if (on) next = setTimeout(train);
    else if (running) postFrame(); // what the last steps have done since the last frame
    running = on;
  },
  step() {
    trainStep();
    postFrame();
  },
  taken() {
    taken = true;
  },
};

self.onmessage = ({ data: { type, ...rest } }) => messages[type](rest);

// The same first weights for both models, and the same again for the same seed.
function restart() {
  random = makeRandom(settings.seed);
  const weights = firstWeights(random);
  models = [makeModel(weights), makeModel(weights)];
  [order, recent, cameras] = [[], [], [null, null]];
  postFrame();
}

function trainStep() {
  const count = images.length / PIXELS;
  if (order.length < BATCH) order = shuffled(count);
  const x = new Float64Array(Math.min(BATCH, count) * PIXELS);
  for (let row = 0; row * PIXELS < x.length; row++) {
    const [at] = order.splice(0, 1);
    x.set(images.subarray(at * PIXELS, (at + 1) * PIXELS), row * PIXELS);
  }
  const noise = Float64Array.from({ length: (2 * x.length) / PIXELS }, () => standardNormal(random));
  recent.push(models.map((model, i) =>
    step(model, x, settings.noise[i] ? noise : null, i === 0 ? 0 : settings.beta)));
  if (recent.length > count / BATCH) recent.shift();
}

function train() {
  const begun = performance.now();
  trainStep();
  running = models[0].steps < limit;
  // Frames come seldom enough to leave most of the time to the training.
  if (!running || (taken && begun - sent > Math.max(FRAME, 3 * cost))) postFrame();
  if (running) next = setTimeout(train, Math.max(0, PACE - (performance.now() - begun)));
}

// --- what the page draws ----------------------------------------------------------------------

function postFrame() {
  const begun = performance.now();
  const planes = models.map((model, i) => {
    const codes = encode(model, shown);
    cameras[i] = follow(cameras[i], aim(codes, i === 1));
    return {
      codes: Float32Array.from(codes),
      camera: cameras[i],
      pictures: bytesOf(decode(model, gridOver(cameras[i]))),
      ...marked(model, settings.marks[i]),
      reconstruction: recentMean(i, "reconstruction"),
      kl: recentMean(i, "kl"),
    };
  });
  self.postMessage({
    type: "frame", planes, grid: GRID, steps: models[0].steps, seen: models[0].steps * BATCH, running,
  });
  taken = false;
  sent = performance.now();
  cost = sent - begun;
}

function postMarks() {
  const planes = models.map((model, i) => marked(model, settings.marks[i]));
  self.postMessage({ type: "marks", planes });
}

/**
 * A mark stays at a point z or at a garment's code; there the decoder draws.
 * @param {Model} model
 * @param {Mark} mark
 */
function marked(model, { z, garment }) {
  const image = images.subarray(garment * PIXELS, (garment + 1) * PIXELS);
  const point = z ?? Array.from(encode(model, image).subarray(0, 2));
  return { point, picture: bytesOf(decode(model, Float64Array.from(point))) };
}

/** @param {Float64Array} pixels */
function bytesOf(pixels) {
  return Uint8ClampedArray.from(pixels, (grey) => 255 * grey);
}

/**
 * @param {number} index
 * @param {"reconstruction" | "kl"} name
 */
function recentMean(index, name) {
  return recent.reduce((sum, losses) => sum + losses[index][name], 0) / recent.length;
}

/**
 * The square that a plane should show: nearly all codes, and the prior's circles.
 * @param {Float64Array} codes
 * @param {boolean} centred
 * @returns {Camera}
 */
function aim(codes, centred) {
  const [[x0, x1], [y0, y1]] = [0, 1].map((axis) => {
    const sorted = codes.filter((_, i) => i % 4 === axis).sort();
    const few = Math.floor(sorted.length / 100);
    return [Math.min(sorted[few], -NEAREST), Math.max(sorted[sorted.length - 1 - few], NEAREST)];
  });
  if (centred) return { x: 0, y: 0, half: 1.1 * Math.max(-x0, x1, -y0, y1) };
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, half: 0.55 * Math.max(x1 - x0, y1 - y0) };
}

/**
 * @param {Camera | null} camera
 * @param {Camera} target
 * @returns {Camera}
 */
function follow(camera, target) {
  if (!camera) return target;
  const ease = (/** @type {"x" | "y" | "half"} */ name) =>
    camera[name] + EASE * (target[name] - camera[name]);
  return { x: ease("x"), y: ease("y"), half: ease("half") };
}

/**
 * The centres of the pictures on a plane, row by row from the top: (GRID^2 x 2).
 * @param {Camera} camera
 */
function gridOver({ x, y, half }) {
  const along = (/** @type {number} */ i) => (half * (2 * i + 1 - GRID)) / GRID;
  return Float64Array.from({ length: 2 * GRID ** 2 }, (_, k) => {
    const place = Math.floor(k / 2);
    return k % 2 === 0 ? x + along(place % GRID) : y - along(Math.floor(place / GRID));
  });
}

// --- chance, the same for the same seed -------------------------------------------------------

/** @param {number} count */
function shuffled(count) {
  const places = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [places[i], places[j]] = [places[j], places[i]];
  }
  return places;
}
