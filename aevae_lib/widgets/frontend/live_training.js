// An autoencoder and a VAE that train in the page, side by side. The work is done on a thread of
// its own (live_worker.js, by the formulas of live_engine.js); here is what the reader sees of it.

import { makeCurves } from "./live_curves.js";
import { drawPictures, listen, makeLivePlane } from "./live_plane.js";
import { readBytes, wholeText } from "./nets.js";
import { standardNormal } from "./normal.js";
import { legend } from "./plane.js";
import {
  announcer, announceReady, button, element, follow, format, move, nameSliders,
  offerLink, orExplain, set, whenPlaced,
} from "./view.js";

/** @typedef {import("./codes.js").Point} Point */
/** @typedef {import("./live_curves.js").Losses} Losses */
/** @typedef {import("./live_plane.js").Shown} Shown */
/** @typedef {import("./nets.js").Model} Model */
/** @typedef {Shown & Losses & { picture: Uint8ClampedArray, pictures: Uint8ClampedArray }} Plane */
/** @typedef {{ planes: Plane[], grid: number, steps: number, seen: number, running: boolean }} Frame */
/** @typedef {Record<"play" | "step" | "restart" | "draw", () => void>} Actions */

const PIXELS = 196;
const STARTED = 60; // px of a plane that must be on the screen for it to train
const NAMES = ["Autoencoder", "VAE"];

const TRIES = [
  "Play, and watch the first hundred steps: the decoders find trousers, shoes and shirts at once. " +
    "The autoencoder's codes run as far as they like; the VAE's stay near the circles.",
  "Draw one a few times. The same z is read by both decoders: on which plane does it fall among " +
    "the garments?",
  "Turn beta up while it trains. At some price no cloud is worth its place any more, and all of " +
    "them become the prior.",
  "Give the autoencoder noise, and take it from the VAE: which of the two, noise or price, keeps " +
    "the codes together?",
];

/** @param {{ model: Model, el: Element }} context */
export async function render({ model, el }) {
  const view = element("div", { class: "aevae-view aevae-train" });
  const say = announcer(view);
  const planes = NAMES.map((name, index) => makePart(model, name, index));
  const between = makeBetween(model);
  const curves = makeCurves();
  const buttons = makeButtons();
  const more = element("details", { class: "aevae-try" },
    element("summary", {}, "What this is, and what to try"),
    element("p", {}, model.get("about")),
    element("ul", {}, ...TRIES.map((text) => element("li", {}, text))));
  view.append(
    element("div", { class: "aevae-train-planes" },
      planes[0].root, planes[1].root, between.root),
    element("div", { class: "aevae-train-bar" }, buttons.root, curves.root),
    legend(model),
    more);
  el.append(view);
  whenPlaced(view, () => offerLink(view, model, more));

  /** @type {Frame} */
  let frame; // the worker's last
  const run = model.get("steps"); // from one "train on" to the next
  let until = run;
  /** @type {(Point | null)[]} */
  let held = [null, null]; // points that were chosen by hand, or drawn; else a garment's code
  /** @type {Point | null} */
  let drawn = null; // the z that was drawn for both
  const worker = await orExplain(view,
    startWorker(model, (message) => receive[message.type](message)));
  if (!worker) return undefined;
  const { images } = worker;
  const post = (/** @type {string} */ type, more = {}) => worker.post({ type, ...more });
  const noisy = (/** @type {number} */ index) => /** @type {boolean} */ (model.get(`noise${index}`));

  /** @type {Record<string, (message: any) => void>} */
  const receive = {
    frame(message) {
      const first = !frame;
      frame = message;
      for (const [i, { pictures }] of frame.planes.entries()) {
        planes[i].plane.setBackdrop(pictures, frame.grid);
      }
      if (frame.steps) curves.add(frame);
      draw();
      post("taken");
      if (first) announceReady(view);
      if (!frame.running && frame.steps >= until && model.get("playing")) {
        move(model, { playing: false });
        say(told());
      }
    },
    marks({ planes: marks }) {
      for (const [i, plane] of frame.planes.entries()) Object.assign(plane, marks[i]);
      draw();
    },
  };

  function draw() {
    for (const [i, plane] of frame.planes.entries()) {
      planes[i].show(plane, noisy(i), frame.steps, held[i] ? null : model.get("garment"));
    }
    between.show(frame, drawn, images);
    buttons.show(model.get("playing"), frame.steps >= until);
  }

  function told() {
    const [ae, vae] = frame.planes.map((plane) => format(plane.reconstruction, 1));
    return `After ${frame.seen} images: reconstruction ${ae} nats for the autoencoder, ${vae} ` +
      `for the VAE; the VAE's KL is ${format(frame.planes[1].kl, 1)} nats.`;
  }

  // --- what the reader does -----------------------------------------------------------------

  function mark() {
    const garment = model.get("garment");
    post("set", { marks: held.map((z) => ({ garment, z })) });
  }

  /**
   * The mark of a plane goes to z, that of the other to the garment nearest to it.
   * @param {number} index
   * @param {Point} z
   */
  function hold(index, z) {
    drawn = null;
    held = [null, null];
    held[index] = z;
    move(model, { garment: nearest(frame.planes[index].codes, z) });
    mark();
  }

  function letGo() {
    if (drawn) return;
    held = [null, null];
    mark();
  }

  /** @type {Actions} */
  const actions = {
    play: () => move(model, { playing: !model.get("playing") }),
    step() {
      move(model, { playing: false });
      until = Math.max(until, frame.steps + 1);
      post("step");
    },
    restart() {
      until = run;
      curves.clear();
      post("restart");
      update();
    },
    draw() {
      drawn = [standardNormal(), standardNormal()];
      held = [drawn, drawn];
      mark();
      say(`One z from the prior, (${drawn.map((value) => format(value)).join(", ")}), decoded by both.`);
    },
  };
  buttons.listen(actions);
  for (const [index, { plane }] of planes.entries()) {
    const here = () => frame.planes[index].point;
    listen(plane, { here, go: (z) => hold(index, z), letGo });
  }

  // --- when it trains -----------------------------------------------------------------------

  let seen = false;
  function update() {
    const on = model.get("playing") && seen && !document.hidden;
    if (on && frame && frame.steps >= until) until = frame.steps + run;
    post("run", { on, until });
    if (frame) draw();
  }
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) move(model, { playing: false });
  const watch = new IntersectionObserver((entries) => {
    seen = entries[entries.length - 1].intersectionRect.height > STARTED;
    update();
  }, { threshold: [0, 0.1, 0.2, 0.3, 0.5] });
  for (const { plane } of planes) watch.observe(plane.root);
  document.addEventListener("visibilitychange", update);
  const resized = new ResizeObserver(() => {
    for (const { plane } of planes) plane.resize();
    if (frame) draw();
  });
  for (const { plane } of planes) resized.observe(plane.root);

  const settings = () => ({ beta: model.get("beta"), noise: [0, 1].map(noisy) });
  const undo = [
    nameSliders(view, model),
    follow(model, ["playing"], update),
    follow(model, ["garment"], mark),
    follow(model, ["beta", "noise0", "noise1"], () => {
      post("set", settings());
      if (frame) draw();
    }),
    () => watch.disconnect(),
    () => resized.disconnect(),
    () => document.removeEventListener("visibilitychange", update),
    worker.stop,
  ];
  worker.begin({
    ...settings(), seed: model.get("seed"), count: model.get("labels").length,
    marks: held.map((z) => ({ garment: model.get("garment"), z })),
  });
  return () => {
    for (const stop of undo) stop();
  };
}

/**
 * The thread, with the garments, from the text of live_worker.js: no file to fetch.
 * @param {Model} model
 * @param {(message: any) => void} receive
 */
async function startWorker(model, receive) {
  const [code, packed] = await Promise.all([
    wholeText(model.get("worker")), readBytes(model.get("images")),
  ]);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const levels = new Uint8Array(await new Response(unpacked).arrayBuffer());
  const images = levels.map((level) => 17 * level); // of 15, as grey of 255
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(address);
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = (event) => console.error(`The training stopped: ${event.message}`);
  return {
    images,
    begin: (/** @type {object} */ rest) =>
      worker.postMessage({ type: "begin", bytes: images, ...rest }),
    post: (/** @type {object} */ message) => worker.postMessage(message),
    stop() {
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}

/**
 * @param {Float32Array} codes
 * @param {Point} z
 */
function nearest(codes, [z0, z1]) {
  let [best, least] = [0, Infinity];
  for (let i = 0; 4 * i < codes.length; i++) {
    const square = (codes[4 * i] - z0) ** 2 + (codes[4 * i + 1] - z1) ** 2;
    if (square < least) [best, least] = [i, square];
  }
  return best;
}

// --- the parts of the view --------------------------------------------------------------------

/**
 * A plane under its model's name and numbers.
 * @param {Model} model
 * @param {string} name
 * @param {number} index
 */
function makePart(model, name, index) {
  const plane = makeLivePlane(model, name, index === 1);
  const title = element("div", { class: "aevae-train-title" });
  const numbers = element("div", { class: "aevae-number aevae-train-numbers" });
  const root = element("div", {
    class: `aevae-train-part aevae-train-${index ? "vae" : "ae"}`, role: "group", "aria-label": name,
  }, title, numbers, plane.root);
  const [points, clouds] = index
    ? ["without noise: points, at a price", "a cloud each"]
    : ["a point each", "with noise: clouds, free of charge"];
  return {
    root,
    plane,
    /**
     * @param {Plane} frame
     * @param {boolean} noise
     * @param {number} steps
     * @param {number | null} garment
     */
    show(frame, noise, steps, garment) {
      title.replaceChildren(element("b", {}, name), ` ${noise ? clouds : points}`);
      const nats = (/** @type {number} */ value) => (steps ? format(value, 1) : "\u2013");
      const kl = nats(frame.kl);
      const price = noise
        ? `KL ${kl} nats${index ? "" : ", not paid"}`
        : index ? `\u00bd|\u03bc|\u00b2 ${kl} nats` : "no cloud, no KL";
      numbers.replaceChildren(`reconstruction ${nats(frame.reconstruction)} \u00b7 ${price}`);
      plane.draw(frame, noise, garment);
    },
  };
}

/**
 * The garment that both planes mark, and what each decoder draws at its mark.
 * @param {Model} model
 */
function makeBetween(model) {
  const seen = element("div", { class: "aevae-number aevae-train-seen" });
  const shots = ["given", "ae", "vae"].map((kind) => {
    const canvas = element("canvas", {
      class: "aevae-image", role: "img", width: 14, height: 14,
    });
    const words = element("span");
    const shot = { class: `aevae-train-shot aevae-train-${kind}` };
    return { canvas, words, root: element("div", shot, canvas, words) };
  });
  return {
    root: element("div", { class: "aevae-train-between" }, seen, ...shots.map(({ root }) => root)),
    /**
     * @param {Frame} frame
     * @param {Point | null} drawn
     * @param {Uint8Array} images
     */
    show({ planes, seen: count }, drawn, images) {
      seen.replaceChildren(element("b", {}, count.toLocaleString("en")), " images seen");
      const garment = model.get("garment");
      const name = model.get("classes")[model.get("labels")[garment]].name;
      const given = drawn
        ? new Uint8Array(PIXELS)
        : images.subarray(garment * PIXELS, (garment + 1) * PIXELS);
      const told = [
        drawn ? `z = (${drawn.map((value) => format(value, 1)).join(", ")})` : name,
        "AE draws", "VAE draws",
      ];
      [given, ...planes.map((plane) => plane.picture)].forEach((greys, i) => {
        drawPictures(shots[i].canvas, greys);
        shots[i].words.replaceChildren(told[i]);
        set(shots[i].canvas, "aria-label", i === 0
          ? drawn ? "No garment: a z was drawn." : `The garment marked: ${name}.`
          : `What the ${NAMES[i - 1]} draws at its mark.`);
      });
    },
  };
}

function makeButtons() {
  const play = button("Play", () => act.play());
  const again = button("Start again", () => act.restart());
  /** @type {Actions} */
  let act;
  const root = element("div", { class: "aevae-buttons aevae-train-buttons" }, play,
    button("Step", () => act.step()), again, button("Draw one", () => act.draw()));
  play.classList.add("aevae-train-play");
  return {
    root,
    listen(/** @type {Actions} */ actions) {
      act = actions;
    },
    show(/** @type {boolean} */ playing, /** @type {boolean} */ finished) {
      play.replaceChildren(playing ? "Pause" : finished ? "Train on" : "Play");
      set(play, "data-running", playing);
    },
  };
}
