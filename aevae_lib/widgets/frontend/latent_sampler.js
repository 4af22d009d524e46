// The many-dimensional sampler: the image decoded at z, and buttons that draw z anew.

import { holdNetworks, readBytes } from "./nets.js";
import { decode } from "./network.js";
import { drawFrom, noise, readDensity } from "./normal.js";
import {
  announcer, announceReady, button, caption, element, follow, format, imageCanvas, move,
  nameSliders, orExplain, paint, set, toStep,
} from "./view.js";

const TRIES = [
  "Draw from the prior ten times and count the pictures that could be among the data. A model whose " +
    "codes fill the prior draws such; an autoencoder never promised to.",
  "Compare the buttons. A density fitted to the codes draws where they are, and a mixture follows their " +
    "shape more closely than one Gaussian can.",
  "Move one slider from end to end. A dimension that changes nothing is one that the model does not use.",
  "Walk away from the origin: far out no code lies, and the picture means nothing there.",
];

/** @param {{ model: import("./nets.js").Model, el: Element }} context */
export function render({ model, el }) {
  const traits = Object.keys(model.get("controls"));
  const view = element("div", { class: "aevae-view" });
  const canvas = imageCanvas(model.get("shape"));
  const distance = element("p", { class: "aevae-number" });
  const buttons = element("div", { class: "aevae-buttons" });
  view.append(element("div", { class: "aevae-sampler" }, canvas,
    element("div", {}, buttons, distance)));
  const say = announcer(view);

  const [low, high, step] = ["low", "high", "step"].map((name) => model.get(name));
  const goTo = (/** @type {number[]} */ z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
  const fits = (/** @type {number[]} */ z) =>
    z.every((value, i) => low[i] <= value && value <= high[i]);
  const addButton = (/** @type {string} */ name, /** @type {() => Promise<number[]>} */ point) =>
    buttons.append(button(name, async () => {
      const z = await orExplain(view, point());
      if (z) goTo(z);
    }));
  addButton("Draw from the prior", async () => drawUntil(fits, () => noise(traits.length)));
  for (const { name, components, numbers } of model.get("densities")) {
    addButton(`Draw from the ${name}`, async () => {
      const density = readDensity(await readBytes(numbers), components, traits.length);
      return drawUntil(fits, () => drawFrom(density, Math.random(), noise(traits.length)));
    });
  }
  addButton("Go to the origin", async () => traits.map(() => 0));

  const networks = holdNetworks(model);
  /** @type {import("./network.js").Layer[] | undefined} */
  let network;
  const update = () => {
    const z = traits.map((trait) => model.get(trait));
    const length = format(Math.hypot(...z));
    distance.replaceChildren(`distance from the origin ${length}`);
    set(canvas, "aria-label", `The image decoded at the sliders, ${length} from the origin.`);
    if (network) paint(canvas, decode(network, z));
  };
  caption(view, model, "Move the sliders, or let a button draw all of them.", TRIES);
  el.append(view);
  update();
  const stops = [
    networks.release,
    nameSliders(view, model),
    follow(model, traits, () => {
      update();
      say(canvas.getAttribute("aria-label"));
    }),
  ];
  orExplain(view, networks.load(0)).then((loaded) => {
    network = loaded;
    update();
    announceReady(view);
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * Draws again until a draw `fits`.
 * @param {(z: number[]) => boolean} fits
 * @param {() => number[]} draw
 */
function drawUntil(fits, draw) {
  for (;;) {
    const z = draw();
    if (fits(z)) return z;
  }
}
