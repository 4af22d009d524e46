// The latent map: for each model its plane, a point to move, and the image decoded there.

import {
  ballRadii, between, inHole, makeJudge, nearestCode, readCodes, standardDeviations,
} from "./codes.js";
import { holdNetworks, readBytes, wholeText } from "./nets.js";
import { decode } from "./network.js";
import { pathEnds, pathStrip } from "./path.js";
import { drawCodes, drawHoles, EDGE, legend, makePlane } from "./plane.js";
import {
  announcer, announceReady, caption, digitsOf, drawing, element, follow, format, imageCanvas,
  move, nameSliders, orExplain, paint, set, toStep,
} from "./view.js";

/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./network.js").Image} Image */
/** @typedef {import("./codes.js").Point} Point */
/** @typedef {{ net: number, codes: string }} Checkpoint */
/** @typedef {import("./plane.js").Map & { checkpoints: Checkpoint[] }} Map */

const HINT =
  "Drag the ring, move a slider, or focus a plane and press the arrow keys " +
  "(with Shift, or Page Up and Page Down: larger steps; Home: the origin).";

const TRIES = [
  "Show the holes and move the ring into one. Could the picture still be among the data, and " +
    "how far is the nearest that was shown? The decoder always draws something; only the codes " +
    "around the ring tell whether any data stand behind it.",
  "Cross a border between two classes in small steps. Where the picture fades, the model mixes; " +
    "where it flips, two neighbouring points mean different things.",
  "Show the path, choose A and B, and walk t. A path through a hole leaves the data on its way.",
];

/** @param {{ model: Model, el: Element }} context */
export function render({ model, el }) {
  const maps = /** @type {Map[]} */ (model.get("maps"));
  const view = element("div", { class: "aevae-view" });
  const row = element("div", { class: "aevae-maps", "data-count": maps.length });
  view.append(row);
  const say = announcer(view);
  const networks = holdNetworks(model);
  const planes = maps.map((map, index) => drawPlane(model, networks, map, index, say));
  row.append(...planes.map((plane) => plane.root));
  const withImages = model.get("labels").length > 0;
  const tries = withImages ? [...TRIES] : TRIES.slice(1, 2);
  if (maps[0].checkpoints.length > 1) {
    tries.push("Walk the checkpoints with the ring at rest: the same point, read by another decoder.");
  }
  view.append(legend(model));
  caption(view, model, HINT, tries);
  el.append(view);

  const toggles = ["prior", "holes", "path"];
  const toggle = () => {
    for (const name of toggles) view.dataset[name] = String(Boolean(model.get(`show_${name}`)));
    for (const plane of planes) plane.toggled();
  };
  const show = () =>
    orExplain(view, Promise.all(planes.map((plane) => plane.load(model.get("checkpoint")))));
  const stops = [
    networks.release,
    nameSliders(view, model),
    follow(model, toggles.map((name) => `show_${name}`), toggle),
    follow(model, ["checkpoint"], show),
    follow(model, ["t"], () => {
      for (const plane of planes) plane.walk(model.get("t"));
    }),
    ...planes.map((plane) => plane.undo),
  ];
  toggle();
  show().then((loaded) => {
    if (!loaded) return;
    if (withImages) orExplain(view, showPictures(model, planes));
    announceReady(view);
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * @param {Model} model
 * @param {{ picture: HTMLElement }[]} planes
 */
async function showPictures(model, planes) {
  const { picture, columns, rows, width, height } = model.get("sheet");
  const sheet = await wholeText(picture);
  for (const { picture: { style } } of planes) {
    style.backgroundImage = `url(${sheet})`;
    style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    style.aspectRatio = `${width} / ${height}`;
  }
}

/**
 * One model's plane and image. `load` gives it the decoder and the codes of a checkpoint; `undo`
 * takes it off the model.
 * @param {Model} model
 * @param {ReturnType<typeof holdNetworks>} networks
 * @param {Map} map
 * @param {number} index
 * @param {(text: string | null) => void} say
 */
function drawPlane(model, networks, map, index, say) {
  const traits = [`map${index}_z0`, `map${index}_z1`];
  const labels = /** @type {number[]} */ (model.get("labels"));
  const classes = /** @type {import("./plane.js").Class[]} */ (model.get("classes"));
  const { low, high, step } = map;
  const text = (/** @type {number} */ value) => format(value, digitsOf(step));
  const go = (/** @type {Point} */ z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
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
  const across = drawing("path", { class: "aevae-cross" });
  const way = drawing("g", { class: "aevae-way" });
  const handle = drawing("g", {},
    drawing("circle", { class: "aevae-handle-edge", r: 3.1 }),
    drawing("circle", { class: "aevae-handle", r: 3.1 }));
  drawn.moving.append(across, way, handle);
  const canvas = imageCanvas(map.shape);
  const where = element("span", { class: "aevae-number" });
  const judged = element("span");
  const picture = element("div", { class: "aevae-picture", "aria-hidden": "true" });
  const nearest = element("span");
  const support = element("span");
  const words = element("div", { class: "aevae-caption" }, where);
  const strip = pathStrip(map, (end) => {
    const chosen = nearestCode(codes, spread, here()).index;
    move(model, { [`path_${end}`]: chosen, t: end === "a" ? 0 : 1 });
  });
  const root = element("div", { class: "aevae-one", role: "group", "aria-label": map.name },
    element("div", { class: "aevae-title" }, map.name),
    drawn.frame,
    element("div", { class: "aevae-decoded" }, canvas, words));
  if (labels.length) {
    words.append(judged, element("div", { class: "aevae-nearest" }, picture, nearest), support);
    root.append(strip.root);
  }

  let wanted = -1;
  /** @type {import("./network.js").Layer[] | undefined} */
  let network;
  /** @type {Point[]} */
  let codes = [];
  let spread = [1, 1];
  /** @type {number[] | null} */
  let radii = null;
  /** @type {ReturnType<typeof makeJudge> | undefined} */
  let judge;
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
    return ` ${judged.textContent}, ${nearest.textContent}${radii ? `, ${support.textContent}` : ""}.`;
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
    set(canvas, "aria-label", `${map.name}: the image decoded at ${point}.${about}`);
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
  };
  const stops = [
    follow(model, traits, () => {
      update();
      say(canvas.getAttribute("aria-label"));
    }),
    follow(model, ["path_a", "path_b"], drawPath),
  ];
  listen(ground, low, high, here, go);
  update();
  return {
    root,
    picture,
    /** @param {number} t */
    walk(t) {
      const [from, to] = ends();
      if (codes.length) go(between(from, to, t));
    },
    toggled() {
      drawPath();
      drawLazily();
    },
    undo() {
      judge?.stop();
      for (const stop of stops) stop();
    },
    /** @param {number} number of a checkpoint */
    async load(number) {
      wanted = number;
      const checkpoint = map.checkpoints[number];
      const [decoder, bytes] = await Promise.all([
        networks.load(checkpoint.net), readBytes(checkpoint.codes),
      ]);
      if (wanted !== number) return; // the slider has moved on
      network = decoder;
      judge?.stop();
      codes = readCodes(bytes);
      if (codes.length) {
        const neighbours = model.get("neighbours");
        spread = standardDeviations(codes);
        radii = codes.length > neighbours ? ballRadii(codes, neighbours) : null;
        judge = makeJudge(network, codes, model.get("judges"), update);
        drawCodes(drawn, codes, labels, classes);
        drawn.holes.replaceChildren();
        drawLazily();
        drawPath();
      }
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

/**
 * Pointer and keys on a plane become calls of `go` with a new point.
 * @param {HTMLElement} plane
 * @param {Point} low
 * @param {Point} high
 * @param {() => Point} here
 * @param {(z: Point) => void} go
 */
function listen(plane, low, high, here, go) {
  const width = high[0] - low[0];
  const drag = (/** @type {PointerEvent} */ event) => {
    const box = plane.getBoundingClientRect();
    go([
      low[0] + ((event.clientX - box.left) / box.width) * width,
      high[1] - ((event.clientY - box.top) / box.height) * width,
    ]);
  };
  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection; so the focus is ours to give
    plane.focus({ preventScroll: true });
    plane.setPointerCapture(event.pointerId);
    drag(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) drag(event);
  });
  // JupyterLab has uses of its own for the arrow keys, unless an element says that it has too.
  plane.dataset.lmSuppressShortcuts = "true";
  plane.addEventListener("keydown", (event) => {
    const small = (event.shiftKey ? 0.1 : 0.01) * width;
    /** @type {Record<string, Point>} */
    const steps = {
      ArrowLeft: [-small, 0],
      ArrowRight: [small, 0],
      ArrowUp: [0, small],
      ArrowDown: [0, -small],
      PageUp: [0, 0.1 * width],
      PageDown: [0, -0.1 * width],
    };
    const step = steps[event.key];
    const home = event.key === "Home";
    if (event.ctrlKey || event.metaKey || event.altKey || !(step || home)) return;
    event.preventDefault();
    event.stopPropagation();
    const z = here();
    go(home ? [0, 0] : [z[0] + step[0], z[1] + step[1]]);
  });
}
