// An autoencoder and a VAE that train in the page, side by side. The work is done on a thread of
// its own (live_worker.js, by the formulas of live_engine.js); here is what the reader sees of it.

import { makeCurves } from "./live_curves.js";
import { drawPictures, makeLivePlane } from "./live_plane.js";
import { readBytes, wholeText } from "./nets.js";
import { standardNormal } from "./normal.js";
import { legend } from "./plane.js";
import {
  announcer, announceReady, button, element, follow, format, move, nameSliders,
  offerLink, orExplain, set, whenPlaced,
} from "./view.js";

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

  let frame = null; // the worker's last
  const run = model.get("steps"); // from one "train on" to the next
  let until = run;
  let held = [null, null]; // points that were chosen by hand, or drawn; else a garment's code
  let drawn = null; // the z that was drawn for both
  const worker = await orExplain(view, startWorker(model, (message) => receive[message.type](message)));
  const post = (type, more) => worker.post({ type, ...more });
  const noisy = (index) => model.get(`noise${index}`);

  const receive = {
    frame(message) {
      const first = !frame;
      frame = message;
      frame.planes.forEach((plane, i) => planes[i].plane.setBackdrop(plane.pictures, frame.grid));
      if (frame.steps) curves.add(frame);
      draw();
      post("taken");
      if (first) announceReady(view);
      if (!frame.running && frame.steps >= until && model.get("playing")) {
        move(model, { playing: false });
        say(told());
      }
    },
    marks(message) {
      message.planes.forEach((mark, i) => Object.assign(frame.planes[i], mark));
      draw();
    },
  };

  function draw() {
    frame.planes.forEach((plane, i) => planes[i].show(plane, noisy(i), frame.steps, held[i] ? null : model.get("garment")));
    between.show(frame, drawn, worker.images);
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

  // The mark of a plane goes to z, that of the other to the garment nearest to it.
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
  planes.forEach(({ plane }, index) => listen(plane, {
    here: () => frame.planes[index].point,
    go: (z) => hold(index, z),
    letGo,
  }));

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
    seen = entries.at(-1).intersectionRect.height > STARTED;
    update();
  }, { threshold: [0, 0.1, 0.2, 0.3, 0.5] });
  planes.forEach(({ plane }) => watch.observe(plane.root));
  document.addEventListener("visibilitychange", update);
  const resized = new ResizeObserver(() => {
    planes.forEach(({ plane }) => plane.resize());
    if (frame) draw();
  });
  planes.forEach(({ plane }) => resized.observe(plane.root));

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
  return () => undo.forEach((stop) => stop());
}

// The thread, with the garments, from the text of live_worker.js: no file to fetch.
async function startWorker(model, receive) {
  const [code, packed] = await Promise.all([
    wholeText(model.get("worker")), readBytes(model.get("images")),
  ]);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const images = new Uint8Array(await new Response(unpacked).arrayBuffer()).map((grey) => 17 * grey);
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(address);
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = (event) => console.error(`The training stopped: ${event.message}`);
  return {
    images,
    begin: (rest) => worker.postMessage({ type: "begin", bytes: images, ...rest }),
    post: (message) => worker.postMessage(message),
    stop() {
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}

function nearest(codes, [z0, z1]) {
  let [best, least] = [0, Infinity];
  for (let i = 0; 4 * i < codes.length; i++) {
    const square = (codes[4 * i] - z0) ** 2 + (codes[4 * i + 1] - z1) ** 2;
    if (square < least) [best, least] = [i, square];
  }
  return best;
}

// --- the parts of the view --------------------------------------------------------------------

// A plane under its model's name and numbers.
function makePart(model, name, index) {
  const plane = makeLivePlane(model, name, index === 1);
  const title = element("div", { class: "aevae-train-title" });
  const numbers = element("div", { class: "aevae-number aevae-train-numbers" });
  const root = element("div", {
    class: `aevae-train-part aevae-train-${index ? "vae" : "ae"}`, role: "group", "aria-label": name,
  }, title, numbers, plane.root);
  const what = index
    ? { true: "a cloud each", false: "without noise: points, at a price" }
    : { true: "with noise: clouds, free of charge", false: "a point each" };
  return {
    root,
    plane,
    show(frame, noise, steps, garment) {
      title.replaceChildren(element("b", {}, name), ` ${what[noise]}`);
      const nats = (value) => (steps ? format(value, 1) : "\u2013");
      const price = {
        true: `KL ${nats(frame.kl)}${index ? "" : ", not paid"}`,
        false: index ? `\u00bd|\u03bc|\u00b2 ${nats(frame.kl)}` : "no cloud, no KL",
      }[noise];
      numbers.replaceChildren(`reconstruction ${nats(frame.reconstruction)} \u00b7 ${price} nats`
        .replace("no KL nats", "no KL"));
      plane.draw(frame, noise, garment);
    },
  };
}

// The garment that both planes mark, and what each decoder draws at its mark.
function makeBetween(model) {
  const seen = element("div", { class: "aevae-number aevae-train-seen" });
  const shots = ["given", "ae", "vae"].map((kind) => {
    const canvas = element("canvas", {
      class: "aevae-image", role: "img", width: 14, height: 14,
    });
    const words = element("span");
    return { canvas, words, root: element("div", { class: `aevae-train-shot aevae-train-${kind}` }, canvas, words) };
  });
  return {
    root: element("div", { class: "aevae-train-between" }, seen, ...shots.map(({ root }) => root)),
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
  let act = null;
  const root = element("div", { class: "aevae-buttons aevae-train-buttons" }, play,
    button("Step", () => act.step()), again, button("Draw one", () => act.draw()));
  play.classList.add("aevae-train-play");
  return {
    root,
    listen(actions) {
      act = actions;
    },
    show(playing, finished) {
      play.replaceChildren(playing ? "Pause" : finished ? "Train on" : "Play");
      set(play, "data-running", playing);
    },
  };
}

// Pointer and keys on a plane: hovering is enough, a finger drags.
function listen(plane, { here, go, letGo }) {
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
