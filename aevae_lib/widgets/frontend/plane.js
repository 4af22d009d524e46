// A model's latent plane: its frame, the codes of the images shown, and what is between them.

import { drawing, element, set } from "./view.js";

/** @typedef {import("./codes.js").Point} Point */
/** @typedef {{ name: string, color: string, marker: string }} Class */
/** @typedef {ReturnType<typeof makePlane>} Plane */
/** @typedef {(x: number, y: number, r: number) => string} Marker */

/**
 * A plane as planes.py describes it; `shape` is that of its images.
 * @typedef {object} Map
 * @property {string} name
 * @property {boolean} prior
 * @property {Point} low
 * @property {Point} high
 * @property {number} step
 * @property {number[]} shape
 */

export const EDGE = 100; // a plane's width and height in the drawing's own units
const SIZE = 1.15; // a marker's half-width in them

/**
 * Matplotlib's markers, as functions from a centre and a half-width to a path.
 * @type {Record<string, Marker>}
 */
export const MARKERS = {
  o: circle,
  s: polygon([-1, -1], [1, -1], [1, 1], [-1, 1]),
  D: polygon([0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]),
  "^": polygon([0, -1.2], [1.2, 1], [-1.2, 1]),
  P: polygon(
    [-0.5, -1.2], [0.5, -1.2], [0.5, -0.5], [1.2, -0.5], [1.2, 0.5], [0.5, 0.5],
    [0.5, 1.2], [-0.5, 1.2], [-0.5, 0.5], [-1.2, 0.5], [-1.2, -0.5], [-0.5, -0.5],
  ),
};

/** @type {Marker} */
function circle(x, y, r) {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
}

/**
 * @param {Point[]} corners
 * @returns {Marker}
 */
function polygon(...corners) {
  const at = (/** @type {number} */ centre, /** @type {number} */ offset) =>
    Number((centre + offset).toFixed(2));
  return (x, y, r) =>
    `M${corners.map(([dx, dy]) => `${at(x, dx * r)} ${at(y, dy * r)}`).join("L")}z`;
}

/**
 * The plane's elements: `frame` to put somewhere, `ground` that takes the pointer and the focus,
 * and `moving`, a drawing of its own, so that what stands still is not painted again.
 * @param {Map} map
 * @param {import("./view.js").Attributes} attributes
 */
export function makePlane({ low, high, prior }, attributes) {
  const width = high[0] - low[0];
  const toX = (/** @type {number} */ value) => ((value - low[0]) / width) * EDGE;
  const toY = (/** @type {number} */ value) => ((high[1] - value) / width) * EDGE;
  const layer = (/** @type {Node[]} */ ...content) => {
    const box = { viewBox: `0 0 ${EDGE} ${EDGE}`, "aria-hidden": "true" };
    return drawing("svg", box, ...content);
  };
  const holes = drawing("g", { class: "aevae-holes" });
  const points = drawing("g");
  const circles = (prior ? [1, 2] : []).map((sigma) => drawing("circle", {
    class: "aevae-prior", cx: toX(0), cy: toY(0), r: (sigma / width) * EDGE,
  }));
  const moving = layer();
  const ground = element("div", { class: "aevae-plane", ...attributes },
    layer(holes,
      drawing("path", { class: "aevae-axis", d: `M${toX(0)} 0V${EDGE}M0 ${toY(0)}H${EDGE}` }),
      points, ...circles),
    moving);
  const ends = [low[0], high[0], low[1], high[1]].map((value) => String(value).replace("-", "\u2212"));
  const frame = element("div", { class: "aevae-frame" },
    element("div", { class: "aevae-ticks aevae-up", "aria-hidden": "true" },
      element("span", {}, ends[3]), element("i", {}, "z\u2081"), element("span", {}, ends[2])),
    ground,
    element("div", { class: "aevae-ticks", "aria-hidden": "true" },
      element("span", {}, ends[0]), element("i", {}, "z\u2080"), element("span", {}, ends[1])));
  return { frame, ground, moving, holes, points, toX, toY, scale: EDGE / width };
}

/**
 * The codes of the images shown: one path for each class.
 * @param {Plane} plane
 * @param {Point[]} codes
 * @param {number[]} labels
 * @param {Class[]} classes
 */
export function drawCodes({ ground, points, toX, toY }, codes, labels, classes) {
  points.replaceChildren(...classes.map(({ color, marker }, label) => {
    const shapes = codes
      .filter((_, i) => labels[i] === label)
      .map(([z0, z1]) => MARKERS[marker](toX(z0), toY(z1), SIZE));
    return drawing("path", {
      class: "aevae-points", fill: color, "data-class": label, d: shapes.join(""),
    });
  }));
  isolate(ground, Number(ground.dataset.only ?? -1)); // new codes obey it too
}

/**
 * The picture behind a plane, or none.
 * @param {Plane} plane
 * @param {HTMLCanvasElement | null} picture
 */
export function showBackdrop({ ground }, picture) {
  const shown = ground.querySelector(".aevae-backdrop");
  if (shown !== picture) shown?.remove();
  if (picture && shown !== picture) ground.prepend(picture);
  ground.toggleAttribute("data-backdrop", Boolean(picture));
}

let hatches = 0;

/**
 * Holes are hatched: all that no code's ball covers. What the balls hold is cut out of the hatching.
 * @param {Plane} plane
 * @param {Point[]} codes
 * @param {number[]} radii
 */
export function drawHoles({ holes, toX, toY, scale }, codes, radii) {
  hatches += 1;
  const id = `aevae-hatch-${hatches}-${Math.random().toString(36).slice(2)}`;
  const balls = codes.map(([z0, z1], i) => circle(toX(z0), toY(z1), radii[i] * scale)).join("");
  const whole = { width: EDGE, height: EDGE };
  holes.replaceChildren(
    drawing("pattern", {
      id, width: 3, height: 3, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    }, drawing("path", { class: "aevae-hatch", d: "M0 0V3" })),
    drawing("mask", { id: `${id}-out` },
      drawing("rect", { ...whole, fill: "#fff" }), drawing("path", { fill: "#000", d: balls })),
    drawing("g", { mask: `url(#${id}-out)` },
      drawing("rect", { ...whole, fill: `url(#${id})` }),
      drawing("path", { class: "aevae-held-edge", d: balls })));
}

/** @typedef {{ text: string, icon: Element, when?: string }} Sign a mark, and what it means */


/** @type {(text: string) => Sign} */
export function ringSign(text) {
  return { text, icon: drawing("path", { class: "aevae-handle", d: circle(0, 0, 4.2) }) };
}

/**
 * What the marks on the planes mean, in words; `more` are the view's own. With `planes` a class is
 * a button: pressed, it alone is shown there.
 * @param {import("./nets.js").Model} model
 * @param {Sign[]} more
 * @param {Plane[]} planes
 */
export function legend(model, more = [], planes = []) {
  const list = element("ul", { class: "aevae-legend", "aria-label": "Markers on the planes" });
  const iconOf = (/** @type {Element} */ shape) =>
    drawing("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shape);
  const add = (/** @type {Sign} */ { text, icon, when = "" }) =>
    list.append(element("li", { class: when }, iconOf(icon), text));
  const classes = /** @type {Class[]} */ (model.get("classes"));
  /** @type {HTMLButtonElement[]} */
  const buttons = [];
  for (const [label, { name, color, marker }] of classes.entries()) {
    const shape = { class: "aevae-points", fill: color, d: MARKERS[marker](0, 0, 4) };
    if (!planes.length) {
      add({ text: name, icon: drawing("path", shape) });
      continue;
    }
    const one = element("button", {
      type: "button", class: "aevae-class", "aria-pressed": "false", title: `Show ${name} alone`,
    }, iconOf(drawing("path", shape)), name);
    one.addEventListener("click", () => {
      const only = one.getAttribute("aria-pressed") === "true" ? -1 : label;
      for (const [other, button] of buttons.entries()) set(button, "aria-pressed", other === only);
      for (const { ground } of planes) isolate(ground, only);
    });
    buttons.push(one);
    list.append(element("li", {}, one));
  }
  if (model.get("maps").some((/** @type {Map} */ map) => map.prior)) {
    const rings = { class: "aevae-prior", d: circle(0, 0, 2.6) + circle(0, 0, 5.4) };
    const text = "prior, 1 and 2 standard deviations";
    add({ text, icon: drawing("path", rings), when: "aevae-if-prior" });
  }
  if (model.get("controls").show_holes) {
    const lines = { class: "aevae-hatch", d: "M-6 -2L-2 -6M-6 4L4 -6M-4 6L6 -4M2 6L6 2" };
    const text = "hole: far from every image shown";
    add({ text, icon: drawing("path", lines), when: "aevae-if-holes" });
  }
  for (const sign of more) add(sign);
  return list;
}

/**
 * A plane with one class of codes, or with all (-1).
 * @param {HTMLElement} ground
 * @param {number} only
 */
function isolate(ground, only) {
  if (only < 0) delete ground.dataset.only;
  else ground.dataset.only = String(only);
  for (const path of ground.querySelectorAll(".aevae-points")) {
    path.toggleAttribute("data-off", only >= 0 && path.getAttribute("data-class") !== String(only));
  }
}
