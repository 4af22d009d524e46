// The many-dimensional sampler: the image decoded at z, and strips of ten draws from any sampler.

import { holdNetworks, readBytes } from "./nets.js";
import { decode } from "./network.js";
import { drawFrom, makeRandom, readDensity, standardNormal } from "./normal.js";
import {
  announcer, announceReady, button, caption, element, follow, format, imageCanvas, move,
  nameSliders, orExplain, paint, set, toStep,
} from "./view.js";

/**
 * What a sampler makes z of: a uniform number, one for each dimension, and as many normal ones.
 * @typedef {{ choice: number, uniforms: number[], normals: number[] }} Luck
 * @typedef {(luck: Luck) => number[]} Sampler
 * @typedef {{ name: string, numbers: string, components?: number }} Described
 */

const COUNT = 10; // draws on a strip
const TRIES = [
  "Draw from the prior and count the pictures that could be among the data. A model whose codes fill " +
    "the prior draws such; an autoencoder never promised to.",
  "Compare the samplers. A density fitted to the codes draws where they are, and a mixture follows their " +
    "shape more closely than one Gaussian or a box can.",
  "Choose a picture of the strip, and move one slider from end to end. A dimension that changes nothing " +
    "is one that the model does not use.",
  "Walk away from the origin: far out no code lies, and the picture means nothing there.",
];

/** @param {{ model: import("./nets.js").Model, el: Element }} context */
export function render({ model, el }) {
  const [low, high, step] = ["low", "high", "step"].map((name) => model.get(name));
  /** @type {string[]} */
  const traits = low.map((/** @type {number} */ _, /** @type {number} */ i) => `z${i}`);
  const view = element("div", { class: "aevae-view" });
  const shapes = model.get("shapes");
  const canvas = imageCanvas(shapes[0]);
  const told = element("p", { class: "aevae-number" });
  const say = announcer(view);
  const onSlider = (/** @type {number[]} */ z) =>
    z.map((value, i) => toStep(value, low[i], high[i], step));
  const goTo = (/** @type {number[]} */ z) => {
    const at = onSlider(z);
    move(model, Object.fromEntries(traits.map((trait, i) => [trait, at[i]])));
  };
  const strips = model.get("names").map((/** @type {string} */ name, /** @type {number} */ i) =>
    makeStrip(name, shapes[i], i ? undefined : goTo));

  const networks = holdNetworks(model);
  /** @type {import("./network.js").Layer[][]} */
  let loaded = [];
  const showDraws = async (/** @type {string} */ name, random = Math.random) => {
    const samplers = await Promise.all(strips.map((/** @type {any} */ _, /** @type {number} */ i) =>
      samplerOf(model.get("samplers")[i], name, traits.length)));
    const fits = (/** @type {number[]} */ z) => z.every((value, i) => low[i] <= value && value <= high[i]);
    const lucks = Array.from({ length: COUNT }, () => luckThat(
      traits.length, random, (luck) => fits(samplers[0](luck))));
    strips.forEach((/** @type {Strip} */ strip, /** @type {number} */ i) => {
      strip.show(name, lucks.map(samplers[i]), loaded[i]);
    });
    for (const one of choices.querySelectorAll("button")) {
      set(one, "aria-pressed", one.dataset.sampler === name);
    }
    return strips[0].draws[0];
  };
  const choices = element("div", { class: "aevae-buttons", role: "group", "aria-label": "Samplers" },
    element("span", { "aria-hidden": "true" }, "Draw ten from"));
  const known = model.get("samplers")[0].map((/** @type {Described} */ one) => one.name);
  for (const name of ["prior", ...known]) {
    const choice = button(`the ${name}`, async () => {
      const z = await orExplain(view, showDraws(name));
      if (z) goTo(z);
    });
    choice.dataset.sampler = name;
    set(choice, "aria-label", `Draw ten from the ${name}`);
    choices.append(choice);
  }
  choices.append(button("Go to the origin", () => goTo(traits.map(() => 0))));
  view.append(choices, ...strips.map((/** @type {Strip} */ strip) => strip.row),
    element("div", { class: "aevae-shown" }, canvas, told));

  const update = () => {
    const z = traits.map((trait) => model.get(trait));
    const length = format(Math.hypot(...z));
    told.replaceChildren(`${length} from the origin`);
    set(canvas, "aria-label", `The image decoded at the sliders, ${length} from the origin.`);
    set(view, "data-idle", Boolean(model.get("show_idle")));
    strips[0].mark((/** @type {number[]} */ draw) => onSlider(draw).every((value, i) => value === z[i]));
    if (loaded.length) paint(canvas, decode(loaded[0], z));
  };
  caption(view, model, hint(model), TRIES);
  el.append(view);
  update();
  const stops = [
    networks.release,
    nameSliders(view, model),
    follow(model, [...traits, "show_idle"], () => {
      update();
      say(canvas.getAttribute("aria-label"));
    }),
  ];
  orExplain(view, Promise.all(shapes.map((/** @type {any} */ _, /** @type {number} */ i) => networks.load(i)))
    .then((all) => {
      loaded = all;
      return showDraws(known.at(-1) ?? "prior", makeRandom(0)); // a link shows it, too
    })).then(() => {
    update();
    announceReady(view);
  });
  return () => {
    for (const stop of stops) stop();
  };
}

/** @param {import("./nets.js").Model} model */
function hint(model) {
  const kl = model.get("kl");
  const order = kl.length
    ? ` They are sorted by what they cost, from ${format(kl[0])} nats down.`
    : "";
  return `Draw ten, choose one of them, and move its sliders.${order}`;
}

/**
 * @typedef {object} Strip
 * @property {HTMLElement} row
 * @property {number[][]} draws
 * @property {(name: string, draws: number[][], network: import("./network.js").Layer[]) => void} show
 * @property {(here: (draw: number[]) => boolean) => void} mark
 */

/**
 * A model's ten draws: pictures, or, where `goTo` takes the sliders there, buttons.
 * @param {string} name
 * @param {number[]} shape
 * @param {((z: number[]) => void) | undefined} goTo
 * @returns {Strip}
 */
function makeStrip(name, shape, goTo) {
  const pictures = Array.from({ length: COUNT }, () => imageCanvas(shape));
  const shots = pictures.map((picture, i) => {
    if (!goTo) return element("div", { class: "aevae-shot" }, picture);
    const shot = button("", () => goTo(strip.draws[i]));
    shot.className = "aevae-thumb aevae-shot";
    shot.append(picture);
    return shot;
  });
  const film = element("div", { class: "aevae-film" }, ...shots);
  /** @type {Strip} */
  const strip = {
    row: element("div", { class: "aevae-draws", role: "group", "aria-label": name },
      element("b", {}, name), film),
    draws: [],
    show(sampler, draws, network) {
      strip.draws = draws;
      set(film, "data-sampler", sampler);
      draws.forEach((z, i) => {
        const what = `${name}: draw ${i + 1} of ${COUNT} from the ${sampler}`;
        set(pictures[i], "aria-label", what);
        if (goTo) set(shots[i], "aria-label", `${what}; move the sliders there`);
        paint(pictures[i], decode(network, z));
      });
    },
    mark(here) {
      shots.forEach((shot, i) => {
        set(shot, "aria-pressed", strip.draws.length > 0 && here(strip.draws[i]));
      });
    },
  };
  return strip;
}

/**
 * @param {Described[]} described
 * @param {string} name
 * @param {number} dims
 * @returns {Promise<Sampler>}
 */
async function samplerOf(described, name, dims) {
  const one = described.find((other) => other.name === name);
  if (!one) return ({ normals }) => normals;
  const bytes = await readBytes(one.numbers);
  if (!one.components) {
    const ends = new Float32Array(bytes.buffer);
    return ({ uniforms }) =>
      uniforms.map((share, i) => ends[i] + share * (ends[dims + i] - ends[i]));
  }
  const density = readDensity(bytes, one.components, dims);
  return ({ choice, normals }) => drawFrom(density, choice, normals);
}

/**
 * Tries its luck again until it is one that `fits`: sliders end somewhere.
 * @param {number} dims
 * @param {() => number} random
 * @param {(luck: Luck) => boolean} fits
 */
function luckThat(dims, random, fits) {
  for (;;) {
    const uniforms = Array.from({ length: dims }, random);
    const normals = Array.from({ length: dims }, () => standardNormal(random));
    const luck = { choice: random(), uniforms, normals };
    if (fits(luck)) return luck;
  }
}
