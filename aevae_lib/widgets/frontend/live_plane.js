// One of the two planes of live training: what the decoder draws over it, the garments' codes
// on that, their clouds, and a mark to move.

import { MARKERS } from "./plane.js";
import { element, set } from "./view.js";

/** @typedef {import("./codes.js").Point} Point */
/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./plane.js").Class} Class */
/** @typedef {{ x: number, y: number, half: number }} Camera the middle of a square, and its half */
/** @typedef {{ codes: Float32Array, camera: Camera, point: Point }} Shown */
/** @typedef {{ here: () => Point, go: (z: Point) => void, letGo: () => void }} Hand */

const SIDE = 14; // pixels along a picture's edge
const FAINT = 0.62; // how much of the decoder's pictures shows behind the dots
const DOT = 2.9; // a dot's half-width, in px on a plane of 300 px
const CLOUDS = 4; // of each class

/**
 * Grey levels (SIDE x SIDE each), `columns` of them in a row, on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} greys
 */
export function drawPictures(canvas, greys, columns = 1) {
  const width = columns * SIDE;
  const rows = Math.ceil(greys.length / (SIDE * SIDE * columns));
  if (canvas.width !== width) [canvas.width, canvas.height] = [width, rows * SIDE];
  const context = contextOf(canvas);
  const image = context.createImageData(width, rows * SIDE);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < greys.length; i++) {
    const picture = Math.floor(i / (SIDE * SIDE));
    const place = i % (SIDE * SIDE);
    const row = Math.floor(picture / columns) * SIDE + Math.floor(place / SIDE);
    const column = (picture % columns) * SIDE + (place % SIDE);
    pixels[row * width + column] = 0xff000000 | (greys[i] * 0x010101); // opaque grey
  }
  context.putImageData(image, 0, 0);
}

/**
 * `model` tells classes and labels; `prior` whether the circles are the model's own.
 * @param {Model} model
 * @param {string} name
 * @param {boolean} prior
 */
export function makeLivePlane(model, name, prior) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const backdrop = element("canvas");
  const root = element("div", {
    class: "aevae-plane aevae-train-plane", role: "slider", tabindex: 0,
    "aria-roledescription": "point on a plane", "aria-label": `${name}, latent point`,
  }, canvas);
  /** @type {Class[]} */
  const classes = model.get("classes");
  /** @type {number[]} */
  const labels = model.get("labels");
  const clouds = chosen(labels);

  // From the plane's numbers to the canvas, and back from a place on the page.
  let camera = { x: 0, y: 0, half: 1 };
  let unit = 1;
  const toX = (/** @type {number} */ z0) => (z0 - camera.x + camera.half) * unit;
  const toY = (/** @type {number} */ z1) => (camera.y + camera.half - z1) * unit;
  /** @type {(event: PointerEvent) => Point} */
  const toPoint = ({ clientX, clientY }) => {
    const box = root.getBoundingClientRect();
    return [
      camera.x + camera.half * ((2 * (clientX - box.left)) / box.width - 1),
      camera.y - camera.half * ((2 * (clientY - box.top)) / box.height - 1),
    ];
  };

  // Measured when the page's layout changes, not in each frame: to ask is to wait for the layout.
  let [size, scale] = [300, 1];
  function resize() {
    const width = root.clientWidth;
    if (!width) return; // not in the page yet
    size = Math.round(width * Math.min(2, devicePixelRatio || 1));
    scale = Math.max(0.7, width / 300) * (size / width);
    [canvas.width, canvas.height] = [size, size];
  }

  /**
   * @param {Shown} shown
   * @param {boolean} noisy
   * @param {number | null} garment
   */
  function draw({ codes, camera: now, point }, noisy, garment) {
    camera = now;
    unit = size / (2 * camera.half);
    const context = contextOf(canvas);
    context.fillStyle = "#000";
    context.fillRect(0, 0, size, size);
    context.globalAlpha = FAINT;
    context.drawImage(backdrop, 0, 0, size, size);
    context.globalAlpha = 1;
    drawCircles(context);
    if (noisy) for (const index of clouds) drawCloud(context, codes, index);
    drawDots(context, codes);
    if (noisy && garment !== null) drawCloud(context, codes, garment, "#fff");
    drawMark(context, point);
    const text = point.map((value) => value.toFixed(2));
    set(root, "aria-valuenow", text[0]);
    set(root, "aria-valuetext", `z0 ${text[0]}, z1 ${text[1]}`);
    set(root, "aria-valuemin", (camera.x - camera.half).toFixed(2));
    set(root, "aria-valuemax", (camera.x + camera.half).toFixed(2));
  }

  /**
   * The prior's one and two standard deviations; dashed where nothing holds the codes to it.
   * @param {CanvasRenderingContext2D} context
   */
  function drawCircles(context) {
    context.strokeStyle = "#fff";
    context.lineWidth = 1.3 * scale;
    context.setLineDash(prior ? [] : [3 * scale, 4 * scale]);
    for (const radius of [1, 2]) {
      context.beginPath();
      context.arc(toX(0), toY(0), radius * unit, 0, 2 * Math.PI);
      context.stroke();
    }
    context.setLineDash([]);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Float32Array} codes
   * @param {number} index
   */
  function drawCloud(context, codes, index, edge = classes[labels[index]].color) {
    const [z0, z1, logvar0, logvar1] = codes.subarray(4 * index, 4 * index + 4);
    context.beginPath();
    context.ellipse(toX(z0), toY(z1), Math.exp(logvar0 / 2) * unit, Math.exp(logvar1 / 2) * unit,
      0, 0, 2 * Math.PI);
    context.fillStyle = classes[labels[index]].color;
    context.strokeStyle = edge;
    context.globalAlpha = 0.3;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.2 * scale;
    context.stroke();
  }

  /**
   * Every class has its dot drawn once, and then only copied.
   * @param {CanvasRenderingContext2D} context
   * @param {Float32Array} codes
   */
  function drawDots(context, codes) {
    const dots = dotsOf(classes, DOT * scale);
    const half = dots[0].width / 2;
    for (let i = 0; i < labels.length; i++) {
      const [x, y] = [toX(codes[4 * i]), toY(codes[4 * i + 1])];
      context.drawImage(dots[labels[i]], x - half, y - half);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Point} point
   */
  function drawMark(context, [z0, z1]) {
    const inside = (/** @type {number} */ value) => Math.min(Math.max(value, 0), size);
    context.beginPath();
    context.arc(inside(toX(z0)), inside(toY(z1)), 8 * scale, 0, 2 * Math.PI);
    for (const [color, width] of /** @type {const} */ ([["#000", 5], ["#fff", 2.4]])) {
      context.strokeStyle = color;
      context.lineWidth = width * scale;
      context.stroke();
    }
  }

  return {
    root,
    draw,
    resize,
    toPoint,
    setBackdrop: (/** @type {Uint8ClampedArray} */ greys, /** @type {number} */ grid) =>
      drawPictures(backdrop, greys, grid),
    width: () => 2 * camera.half,
  };
}

// A small canvas for each class, with its marker.
/** @type {HTMLCanvasElement[]} */
let kept = [];
let keptFor = "";
/**
 * @param {Class[]} classes
 * @param {number} size
 */
function dotsOf(classes, size) {
  const key = JSON.stringify([classes, size]);
  if (key === keptFor) return kept;
  const edge = 2 * Math.ceil(1.3 * size + 1);
  kept = classes.map(({ color, marker }) => {
    const canvas = element("canvas", { width: edge, height: edge });
    const context = contextOf(canvas);
    const path = new Path2D(MARKERS[marker](edge / 2, edge / 2, size));
    context.fillStyle = color;
    context.strokeStyle = "rgba(0, 0, 0, .8)";
    context.lineWidth = size / 3;
    context.fill(path);
    context.stroke(path);
    return canvas;
  });
  keptFor = key;
  return kept;
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * The first few of each class.
 * @param {number[]} labels
 */
function chosen(labels) {
  const seen = new Map();
  return Array.from(labels.keys()).filter((index) => {
    const count = seen.get(labels[index]) ?? 0;
    seen.set(labels[index], count + 1);
    return count < CLOUDS;
  });
}

/**
 * Pointer and keys on a plane: hovering is enough, a finger drags.
 * @param {ReturnType<typeof makeLivePlane>} plane
 * @param {Hand} hand
 */
export function listen(plane, { here, go, letGo }) {
  const { root } = plane;
  root.addEventListener("pointermove", (event) => go(plane.toPoint(event)));
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    go(plane.toPoint(event));
  });
  root.addEventListener("pointerleave", letGo);
  root.addEventListener("blur", letGo);
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab has uses of its own for the arrow keys
  root.addEventListener("keydown", (event) => {
    const small = (event.shiftKey ? 0.1 : 0.02) * plane.width();
    const [dx, dy] = {
      ArrowLeft: [-small, 0], ArrowRight: [small, 0], ArrowUp: [0, small], ArrowDown: [0, -small],
      PageUp: [0, 0.1 * plane.width()], PageDown: [0, -0.1 * plane.width()],
    }[event.key] ?? [0, 0];
    const home = event.key === "Home";
    if (event.ctrlKey || event.metaKey || event.altKey || !(dx || dy || home)) return;
    event.preventDefault();
    event.stopPropagation();
    const [z0, z1] = here();
    go(home ? [0, 0] : [z0 + dx, z1 + dy]);
  });
}
