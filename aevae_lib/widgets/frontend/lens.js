// A lens: the surroundings of a point on a VAE's plane, so near that clouds can be seen.

import { drawing, element, format, set } from "./view.js";

/** @typedef {import("./codes.js").Point} Point */
/** @typedef {import("./plane.js").Class} Class */
/** @typedef {{ codes: Point[], sigmas: Point[], labels: number[], classes: Class[] }} Clouds */

const REACH = 5; // standard deviations from the lens's middle to its edge
const EDGE = 50; // the same in the drawing's own units
const MOST = 60; // clouds in it at most
const HOLDS = 2; // a cloud reaches so many of its standard deviations

/**
 * `root` to put beside the plane, and `mark`, its place, for the plane itself.
 * @param {{ name: string }} map
 * @param {string} middle what stands in the middle
 */
export function makeLens({ name }, middle) {
  const mark = drawing("circle", { class: "aevae-lens-mark" });
  const others = drawing("g");
  const own = drawing("g");
  const picture = drawing("svg", {
    viewBox: `${-EDGE} ${-EDGE} ${2 * EDGE} ${2 * EDGE}`, class: "aevae-lens", role: "img",
  }, others, own, drawing("path", { class: "aevae-lens-point", d: "M-5 0H5M0 -5V5" }));
  const words = element("span");
  const root = element("div", { class: "aevae-shot aevae-lens-shot" }, picture, words);
  return {
    root,
    mark,
    /**
     * `sigma` is the scale, and `cloud` whether the point has a cloud of that size.
     * @param {Point} point
     * @param {Point} sigma
     * @param {boolean} cloud
     * @param {Clouds} clouds
     * @param {import("./plane.js").Plane} plane
     */
    show(point, sigma, cloud, clouds, { toX, toY, scale }) {
      const half = REACH * Math.max(...sigma);
      const unit = EDGE / half;
      const { near, held } = around(point, half, clouds);
      others.replaceChildren(...clouds.classes.map(({ color }, label) => {
        const own = near.filter((index) => clouds.labels[index] === label);
        const shapes = own.map((index) => {
          const [x, y] = clouds.codes[index].map((at, axis) => (at - point[axis]) * unit);
          return ellipse(x, -y, clouds.sigmas[index][0] * unit, clouds.sigmas[index][1] * unit);
        });
        return drawing("path", { class: "aevae-lens-cloud", fill: color, stroke: color, d: shapes.join("") });
      }));
      own.replaceChildren(...(cloud ? [1, 2] : []).map((times) => drawing("path", {
        class: "aevae-lens-own",
        d: ellipse(0, 0, times * sigma[0] * unit, times * sigma[1] * unit),
      })));
      set(mark, "cx", toX(point[0]));
      set(mark, "cy", toY(point[1]));
      set(mark, "r", half * scale);
      const text = `inside ${held} cloud${held === 1 ? "" : "s"}`;
      words.replaceChildren(`lens, ${format(2 * half)} wide: ${text}`);
      set(picture, "aria-label",
        `${name}: a lens around ${middle}, ${format(2 * half)} wide. It lies ${text} of the ` +
        `images shown, each as wide as ${HOLDS} of its standard deviations.`);
      return `${text} of the images shown`;
    },
  };
}

/**
 * The clouds in a lens, and how many of all hold its middle.
 * @param {Point} point
 * @param {number} half
 * @param {Clouds} clouds
 */
export function around([z0, z1], half, { codes, sigmas }) {
  /** @type {number[]} */
  const near = [];
  let held = 0;
  codes.forEach(([c0, c1], index) => {
    const [dx, dy] = [Math.abs(c0 - z0), Math.abs(c1 - z1)];
    const [s0, s1] = sigmas[index];
    if ((dx / s0) ** 2 + (dy / s1) ** 2 <= HOLDS ** 2) held += 1;
    if (near.length < MOST && dx < half + s0 && dy < half + s1) near.push(index);
  });
  return { near, held };
}

/**
 * The middle one of the clouds' sizes on each axis.
 * @param {Point[]} sigmas
 * @returns {Point}
 */
export function typical(sigmas) {
  const middle = (/** @type {0 | 1} */ axis) =>
    sigmas.map((sigma) => sigma[axis]).sort((a, b) => a - b)[sigmas.length >> 1];
  return [middle(0), middle(1)];
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} rx
 * @param {number} ry
 */
function ellipse(x, y, rx, ry) {
  const [left, wide] = [(x - rx).toFixed(2), (2 * rx).toFixed(2)];
  const half = `a${rx.toFixed(2)} ${ry.toFixed(2)} 0 1 0`;
  return `M${left} ${y.toFixed(2)}${half} ${wide} 0${half} -${wide} 0`;
}
