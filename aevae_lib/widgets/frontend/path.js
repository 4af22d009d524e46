// The path from A to B on a latent plane, and the images along it.

import { between } from "./codes.js";
import { decode } from "./network.js";
import { button, drawing, element, imageCanvas, paint, set } from "./view.js";

/** @typedef {import("./codes.js").Point} Point */

const FRAMES = 9; // images along a path

/**
 * The images along the path, between two buttons that choose its ends.
 * @param {{ name: string, shape: number[] }} map
 * @param {(end: "a" | "b") => void} choose
 */
export function pathStrip({ name, shape }, choose) {
  const canvas = imageCanvas(shape, FRAMES);
  const end = (/** @type {string} */ letter, /** @type {"a" | "b"} */ which) => {
    const made = button(letter, () => choose(which));
    const begins = which === "a" ? "start" : "end";
    set(made, "aria-label", `${letter}: ${name}, ${begins} the path at the image nearest to the ring`);
    set(made, "title", `Put ${letter} at the image nearest to the ring`);
    return made;
  };
  const words = element("div", { class: "aevae-path-words" });
  const root = element("div", { class: "aevae-path aevae-if-path" },
    end("A", "a"), canvas, end("B", "b"), words);
  return {
    root,
    /**
     * @param {import("./network.js").Layer[]} network
     * @param {Point} from
     * @param {Point} to
     * @param {string} text
     */
    draw(network, from, to, text) {
      for (let i = 0; i < FRAMES; i++) {
        paint(canvas, decode(network, between(from, to, i / (FRAMES - 1))), i);
      }
      words.replaceChildren(text);
      set(canvas, "aria-label", `${name}: ${FRAMES} images along the path ${text}.`);
    },
  };
}

/**
 * The path as it is drawn on its plane.
 * @param {import("./plane.js").Plane} plane
 * @param {Point} from
 * @param {Point} to
 */
export function pathEnds({ toX, toY }, from, to) {
  const [x0, y0, x1, y1] = [toX(from[0]), toY(from[1]), toX(to[0]), toY(to[1])];
  const line = `M${x0} ${y0}L${x1} ${y1}`;
  return [
    drawing("path", { class: "aevae-way-edge", d: line }),
    drawing("path", { class: "aevae-way-line", d: line }),
    endMark("A", x0, y0),
    endMark("B", x1, y1),
  ];
}

/**
 * @param {string} letter
 * @param {number} x
 * @param {number} y
 */
function endMark(letter, x, y) {
  return drawing("g", { class: "aevae-end", transform: `translate(${x} ${y})` },
    drawing("circle", { r: 2.6 }), drawing("text", { y: 1.3 }, letter));
}
