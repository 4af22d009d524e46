// The many-dimensional sampler: the image decoded at z, and buttons that draw z anew.

import { decode } from "./network.js";
import { drawFrom, noise, readDensity } from "./normal.js";
import {
  announcer, announceReady, button, caption, element, follow, format, imageCanvas,
  loadNetwork, move, nameSliders, orExplain, paint, readBytes, set, toStep,
} from "./view.js";

const SAMPLER_TRIES = [
  "Draw from the prior ten times and count the pictures that you would call a garment. A model whose " +
    "codes fill the prior draws them; an autoencoder never promised to.",
  "Compare the buttons. A density fitted to the codes draws where they are, and a mixture follows their " +
    "shape more closely than one Gaussian can.",
  "Move one slider from end to end. A dimension that changes nothing is one that the model does not use.",
  "Walk away from the origin: far out no code lies, and the picture means nothing there.",
];

export async function render({ model, el }) {
  const traits = Object.keys(model.get("controls"));
  const view = element("div", { class: "aevae-view" });
  const canvas = imageCanvas();
  const distance = element("p", { class: "aevae-number" });
  const buttons = element("div", { class: "aevae-buttons" });
  view.append(element("div", { class: "aevae-sampler" }, canvas,
    element("div", {}, buttons, distance)));
  const say = announcer(view);

  const [low, high, step] = ["low", "high", "step"].map((name) => model.get(name));
  const origin = traits.map(() => 0);
  const goTo = (z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
  const fits = (z) => z.every((value, i) => low[i] <= value && value <= high[i]);
  const addButton = (name, point) =>
    buttons.append(button(name, async () => goTo(await orExplain(view, point()))));
  addButton("Draw from the prior", async () => drawUntil(fits, () => noise(traits.length)));
  for (const { name, components, numbers } of model.get("densities")) {
    addButton(`Draw from the ${name}`, async () => {
      const density = readDensity(await readBytes(numbers), components, traits.length);
      return drawUntil(fits, () => drawFrom(density, Math.random(), noise(traits.length)));
    });
  }
  addButton("Go to the origin", async () => origin);

  let network = null;
  const update = () => {
    const z = traits.map((trait) => model.get(trait));
    const length = format(Math.hypot(...z));
    distance.replaceChildren(`distance from the origin ${length}`);
    set(canvas, "aria-label", `The image decoded at the sliders, ${length} from the origin.`);
    if (network) paint(canvas, decode(network, z));
  };
  const stopFollowing = follow(model, traits, () => {
    update();
    say(canvas.getAttribute("aria-label"));
  });
  caption(view, model, "Move the sliders, or let a button draw all of them.", SAMPLER_TRIES);
  el.append(view);
  update();
  const stopNaming = nameSliders(view, model);
  network = await orExplain(view, loadNetwork(model, 0));
  update();
  announceReady(view);
  return () => {
    stopFollowing();
    stopNaming();
  };
}

// Draws again until a draw `fits`.
function drawUntil(fits, draw) {
  for (;;) {
    const z = draw();
    if (fits(z)) return z;
  }
}
