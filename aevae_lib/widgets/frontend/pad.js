// A pad to draw on an image and to rub out, by finger, mouse or keys.

import { button, element, imageCanvas, paint, set } from "./view.js";

/** @typedef {import("./network.js").Image} Image */

const BRUSH = 1.3; // pixels of the image from a stroke's middle to its edge
const TOOLS = /** @type {[string, number][]} */ ([["Pencil", 1], ["Rubber", 0]]);

/**
 * `root` unfolds the pad. Strokes lie over whatever image is shown; `changed` is called after each.
 * @param {number[]} shape (channels, height, width)
 * @param {() => void} changed
 */
export function makePad(shape, changed) {
  const [, height, width] = shape;
  const strokes = new Float32Array(height * width).fill(NaN);
  const at = { x: width / 2, y: height / 2 };
  let level = 1;
  const canvas = imageCanvas(shape);
  const mark = element("span", { class: "aevae-brush", "aria-hidden": true });
  const sheet = element("div", {
    class: "aevae-pad", tabindex: 0, role: "application",
    "aria-label": "Drawing pad: arrow keys move the brush, the space bar draws.",
  }, canvas, mark);
  const tools = TOOLS.map(([name, own]) => button(name, () => take(own)));
  const told = element("div", { class: "aevae-pad-told" });
  const root = element("details", { class: "aevae-draw-own" },
    element("summary", {}, "Draw on it, or rub out"),
    element("div", { class: "aevae-pad-row" }, sheet,
      element("div", {},
        element("div", { class: "aevae-buttons", role: "group", "aria-label": "Tools" }, ...tools,
          button("Blank sheet", () => all(0)), button("Take strokes off", () => all(NaN))),
        told)));

  const take = (/** @type {number} */ own) => {
    level = own;
    for (const [i, tool] of tools.entries()) set(tool, "aria-pressed", TOOLS[i][1] === level);
  };
  const all = (/** @type {number} */ value) => {
    strokes.fill(value);
    changed();
  };
  const stroke = (/** @type {number} */ x, /** @type {number} */ y) => {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(x - at.x, y - at.y)));
    for (let step = 1; step <= steps; step++) {
      dab(at.x + ((x - at.x) * step) / steps, at.y + ((y - at.y) * step) / steps);
    }
    go(x, y);
    changed();
  };
  const dab = (/** @type {number} */ x, /** @type {number} */ y) => {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        if (far <= BRUSH) strokes[row * width + column] = level;
      }
    }
  };
  const go = (/** @type {number} */ x, /** @type {number} */ y) => {
    at.x = Math.min(Math.max(x, 0), width);
    at.y = Math.min(Math.max(y, 0), height);
    mark.style.left = `${(100 * at.x) / width}%`;
    mark.style.top = `${(100 * at.y) / height}%`;
  };
  const pixel = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return /** @type {const} */ ([
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    ]);
  };
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    sheet.focus({ preventScroll: true });
    sheet.setPointerCapture(event.pointerId);
    go(...pixel(event));
    stroke(...pixel(event));
  });
  sheet.addEventListener("pointermove", (event) => {
    if (sheet.hasPointerCapture(event.pointerId)) stroke(...pixel(event));
  });
  sheet.dataset.lmSuppressShortcuts = "true"; // JupyterLab has uses of its own for these keys
  sheet.addEventListener("keydown", (event) => {
    const far = event.shiftKey ? 4 : 1;
    /** @type {Record<string, [number, number]>} */
    const steps = {
      ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far],
    };
    const step = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(step || event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation();
    if (step) go(at.x + step[0], at.y + step[1]);
    else stroke(at.x, at.y);
  });
  root.addEventListener("toggle", changed);
  take(level);
  go(at.x, at.y);
  return {
    root,
    get used() {
      return strokes.some((value) => !Number.isNaN(value));
    },
    /** Takes all strokes off, without a call of `changed`. */
    clear() {
      strokes.fill(NaN);
    },
    /**
     * The image under the strokes; the pad shows it.
     * @param {Image} image
     * @returns {Image}
     */
    over({ shape: [rows, columns, channels], values }) {
      const seen = values.map((value, i) => {
        const own = strokes[Math.floor(i / channels)];
        return Number.isNaN(own) ? value : own;
      });
      const image = { shape: [rows, columns, channels], values: seen };
      paint(canvas, image);
      return image;
    },
    /**
     * Says below the tools what the models make of it.
     * @param {HTMLElement[]} lines
     */
    tell(lines) {
      told.replaceChildren(...lines);
    },
  };
}
