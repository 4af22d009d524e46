// One plane of the latent map: its ring, what is decoded there, and what the codes say of it.

import {
  ballRadii, inHole, makeJudge, nearestCode, readCodes, standardDeviations,
} from "./codes.js";
import { makeLens, typical } from "./lens.js";
import { readBytes } from "./nets.js";
import { decode } from "./network.js";
import { pathEnds, pathStrip } from "./path.js";
import { drawCodes, drawHoles, EDGE, makePlane, showBackdrop } from "./plane.js";
import { digitsOf, drawing, element, format, imageCanvas, move, paint, set, toStep } from "./view.js";

/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./network.js").Image} Image */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./codes.js").Point} Point */
/** @typedef {{ net: number, codes: string, sigmas?: string }} Checkpoint */
/** @typedef {import("./plane.js").Map & { checkpoints: Checkpoint[] }} Map */
/** @typedef {ReturnType<typeof makeMapPlane>} MapPlane */

/**
 * `load` gives it the decoder and the codes of a checkpoint; `askBackdrop` wants the picture of what
 * that decoder draws all over it.
 * @param {Model} model
 * @param {ReturnType<typeof import("./nets.js").holdNetworks>} networks
 * @param {Map} map
 * @param {number} index
 * @param {(wish: Omit<import("./backdrop.js").Wish, "grid">) => void} askBackdrop
 */
export function makeMapPlane(model, networks, map, index, askBackdrop) {
  const traits = [`map${index}_z0`, `map${index}_z1`];
  const labels = /** @type {number[]} */ (model.get("labels"));
  const classes = /** @type {import("./plane.js").Class[]} */ (model.get("classes"));
  const { low, high, step } = map;
  const text = (/** @type {number} */ value) => format(value, digitsOf(step));
  const here = () => /** @type {Point} */ (traits.map((trait) => model.get(trait)));

  const drawn = makePlane(map, {
    role: "slider",
    tabindex: 0,
    "aria-roledescription": "point on a plane",
    "aria-label": `${map.name}, latent point`,
    "aria-valuemin": low[0],
    "aria-valuemax": high[0],
  });
  const { ground, toX, toY } = drawn;
  const lens = map.prior && labels.length ? makeLens(map, "the ring") : null;
  const across = drawing("path", { class: "aevae-cross" });
  const way = drawing("g", { class: "aevae-way" });
  const twin = drawing("circle", { class: "aevae-twin", r: 2 });
  const handle = drawing("g", {},
    drawing("circle", { class: "aevae-handle-edge", r: 3.1 }),
    drawing("circle", { class: "aevae-handle", r: 3.1 }));
  drawn.moving.append(across, way, ...(lens ? [lens.mark] : []), twin, handle);
  const preview = imageCanvas(map.shape);
  const glimpse = element("div", { class: "aevae-glimpse", "aria-hidden": "true", hidden: "" }, preview);
  drawn.moving.before(glimpse);
  const canvas = imageCanvas(map.shape);
  const where = element("span", { class: "aevae-number" });
  const judged = element("span");
  const picture = element("div", { class: "aevae-picture", "aria-hidden": "true" });
  const nearest = element("span");
  const support = element("span");
  const words = element("div", { class: "aevae-caption" }, where);
  const strip = pathStrip(map, (end) => {
    const chosen = nearestTo(here());
    move(model, { [`path_${end}`]: chosen, t: end === "a" ? 0 : 1 });
  });
  const kind = map.prior ? "aevae-vae" : "aevae-ae";
  const root = element("div", { class: `aevae-one ${kind}`, role: "group", "aria-label": map.name },
    element("div", { class: "aevae-title" }, map.name), drawn.frame, words);
  if (labels.length) {
    words.append(judged, element("div", { class: "aevae-nearest" }, picture, nearest), support);
    root.append(strip.root);
  }
  const shots = [
    element("div", { class: `aevae-shot aevae-decoded ${kind}` }, canvas,
      element("span", {}, `${map.name} decodes`)),
    ...(lens ? [lens.root] : []),
  ];

  let wanted = -1;
  /** @type {Layer[] | undefined} */
  let network;
  /** @type {Point[]} */
  let codes = [];
  /** @type {Point[]} */
  let sigmas = [];
  /** @type {Point} */
  let scale = [1, 1]; // a cloud's usual size
  let spread = [1, 1];
  /** @type {number[] | null} */
  let radii = null;
  /** @type {ReturnType<typeof makeJudge> | undefined} */
  let judge;
  const nearestTo = (/** @type {Point} */ z) => nearestCode(codes, spread, z).index;
  const describe = (/** @type {Point} */ z, /** @type {Image} */ image) => {
    if (!judge) return "";
    const { index: near, distance } = nearestCode(codes, spread, z);
    showImage(picture, near, model.get("sheet"));
    nearest.replaceChildren(
      `nearest shown: ${classes[labels[near]].name}, ${format(distance)} sd away`);
    const like = judge.nearest(image);
    judged.replaceChildren(`decodes as: ${like < 0 ? "\u2026" : classes[labels[like]].name}`);
    const hole = radii && inHole(codes, radii, z);
    support.replaceChildren(radii ? (hole ? "in a hole" : "among the data") : "");
    set(support, "class", hole ? "aevae-in-hole" : "");
    const told = [judged, nearest, support].map((node) => node.textContent);
    if (lens) told.push(lens.show(z, scale, false, { codes, sigmas, labels, classes }, drawn));
    return ` ${told.filter(Boolean).join(", ")}.`;
  };
  const update = () => {
    const z = here();
    const [x, y] = [toX(z[0]), toY(z[1])];
    set(handle, "transform", `translate(${x} ${y})`);
    set(across, "d", `M${x} 0V${EDGE}M0 ${y}H${EDGE}`);
    const point = `(${text(z[0])}, ${text(z[1])})`;
    set(ground, "aria-valuenow", z[0]);
    set(ground, "aria-valuetext", `z0 ${text(z[0])}, z1 ${text(z[1])}`);
    where.replaceChildren(`z = ${point}`);
    let about = "";
    if (network) {
      const image = decode(network, z);
      paint(canvas, image);
      about = describe(z, image);
    }
    const label = `${map.name}: the image decoded at ${point}.${about}`;
    set(canvas, "aria-label", label);
    return label;
  };
  const ends = () => [codes[model.get("path_a")], codes[model.get("path_b")]];
  const drawPath = () => {
    if (!network || !codes.length || !model.get("show_path")) return;
    const [from, to] = ends();
    const [a, b] = ["a", "b"].map((end) => classes[labels[model.get(`path_${end}`)]].name);
    strip.draw(network, from, to, `from A, ${a}, to B, ${b}`);
    way.replaceChildren(...pathEnds(drawn, from, to));
  };
  const drawLazily = () => {
    if (radii && model.get("show_holes") && !drawn.holes.childElementCount) {
      drawHoles(drawn, codes, radii);
    }
    if (!model.get("show_backdrop")) showBackdrop(drawn, null);
    else if (network) {
      const key = map.checkpoints[wanted].net;
      askBackdrop({ plane: index, key, network, low, high, shape: map.shape });
    }
  };
  update();
  return {
    root,
    shots,
    picture,
    traits,
    drawn,
    here,
    update,
    drawPath,
    ends,
    codeOf: (/** @type {number} */ garment) => codes[garment],
    /** @param {Point} z */
    nearest: (z) => (codes.length ? nearestTo(z) : -1),
    /**
     * The values that put the ring at z.
     * @param {Point} z
     */
    at: (z) =>
      Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])),
    /**
     * Marks the code of one garment, the same on both planes.
     * @param {number} garment
     */
    markTwin(garment) {
      const at = codes[garment];
      twin.toggleAttribute("hidden", !at);
      if (at) set(twin, "transform", `translate(${toX(at[0])} ${toY(at[1])})`);
    },
    /**
     * A small picture beside the pointer of what is decoded at z; null takes it away.
     * @param {Point | null} z
     */
    glimpse(z) {
      glimpse.hidden = !z || !network;
      if (!z || !network) return;
      paint(preview, decode(network, z));
      const [x, y] = [toX(z[0]), toY(z[1])];
      glimpse.style.left = `${x}%`;
      glimpse.style.top = `${y}%`;
      // towards the middle, so that it stays on the plane
      glimpse.style.translate = `${x > 50 ? "-115%" : "15%"} ${y > 50 ? "-115%" : "15%"}`;
    },
    toggled() {
      drawPath();
      drawLazily();
    },
    stop: () => judge?.stop(),
    /** @param {number} number of a checkpoint */
    async load(number) {
      wanted = number;
      const checkpoint = map.checkpoints[number];
      const [decoder, places, sizes] = await Promise.all([
        networks.load(checkpoint.net), readBytes(checkpoint.codes), readBytes(checkpoint.sigmas ?? ""),
      ]);
      if (wanted !== number) return; // the slider has moved on
      network = decoder;
      judge?.stop();
      codes = readCodes(places);
      sigmas = readCodes(sizes);
      if (codes.length) {
        const neighbours = model.get("neighbours");
        spread = standardDeviations(codes);
        radii = codes.length > neighbours ? ballRadii(codes, neighbours) : null;
        if (lens) scale = typical(sigmas);
        judge = makeJudge(network, codes, model.get("judges"), update);
        drawCodes(drawn, codes, labels, classes);
        drawn.holes.replaceChildren();
        drawPath();
      }
      drawLazily();
      update();
    },
  };
}

/**
 * One of the images, from the sheet of them all.
 * @param {HTMLElement} picture
 * @param {number} index
 * @param {{ columns: number, rows: number }} sheet
 */
function showImage(picture, index, { columns, rows }) {
  const at = (/** @type {number} */ place, /** @type {number} */ places) =>
    `${(100 * place) / Math.max(1, places - 1)}%`;
  const column = index % columns;
  const row = (index - column) / columns;
  picture.style.backgroundPosition = `${at(column, columns)} ${at(row, rows)}`;
}
