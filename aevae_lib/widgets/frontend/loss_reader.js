// What a loss that somebody wrote really trains: as code, in words, and on a logarithmic axis.

import { asCode, meaning, number, ofScale, read } from "./loss.js";
import {
  announcer, announceReady, caption, element, follow, format, move, nameSliders, set,
} from "./view.js";

const ZONES = ["like an AE", "VAE", "collapse"];
const SAID = [
  "nearly an autoencoder: the KL hardly counts.",
  "a VAE.",
  "a collapsed model: no code is worth its price, and all pictures look alike.",
];

const TRIES = [
  "Start with the mean over pixels, as PyTorch has it, and make the image larger. Nothing else in " +
    "your loss has changed, and yet \u03b2 grows with the number of pixels.",
  "Change one sum into a mean, on either side, until \u03b2 is 1.",
  "Choose the squared error, summed, beside a plain KL. Which spread of pixels between 0 and 1 " +
    "does it expect?",
  "Go through the known losses. Which of them train a plain VAE?",
];

/** @typedef {import("./nets.js").Model} Model */

/** @param {{ model: Model, el: Element }} context */
export function render({ model, el }) {
  const view = element("div", { class: "aevae-view" });
  const say = announcer(view);
  const code = element("code", {});
  const shapes = element("span", {});
  const result = element("b", { class: "aevae-trains" });
  const words = element("p", { class: "aevae-words" });
  const scale = element("p", { class: "aevae-note" });
  const axis = makeAxis(model);
  view.append(element("div", { class: "aevae-code" }, code, shapes),
    element("div", { class: "aevae-verdict" }, result, axis.root), words, scale);
  caption(view, model, "Set it as your loss is written, or choose a known one.", TRIES);
  el.append(view);

  let preset = model.get("preset");
  const traits = Object.keys(model.get("controls"));
  const update = () => {
    preset = agree(model, preset);
    const written = asWritten(model);
    code.replaceChildren(asCode(written));
    const { values, latent_dim, batch_size } = written;
    const name = written.cost === "cross-entropy" ? "ce" : "se";
    shapes.replaceChildren(`${name}: ${batch_size} \u00d7 ${values}, kl: ${batch_size} \u00d7 ${latent_dim}`);
    const refused = !(written.weight > 0 && written.kl_weight > 0);
    view.toggleAttribute("data-refused", refused);
    if (refused) {
      result.replaceChildren("Both weights must be above 0.");
      words.replaceChildren("Without its KL this is an autoencoder; with a minus sign it is paid for a large one.");
      return result.textContent;
    }
    const { beta, tau2, scale: factor } = read(written);
    const [symbol, value] = tau2 === null ? ["\u03b2", beta] : ["\u03c4\u00b2", tau2];
    const zone = axis.show(symbol, value);
    const off = tau2 === null ? "" : `, as if pixels were off by ${format(Math.sqrt(tau2))}`;
    result.replaceChildren(`This trains ${symbol} = ${number(value)}${off}`);
    words.replaceChildren(`${meaning(written)} On the garments of this course that is ${SAID[zone]}`);
    scale.replaceChildren(ofScale(factor));
    return words.textContent;
  };
  update();
  announceReady(view);
  const stops = [nameSliders(view, model), follow(model, traits, () => say(update()))];
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * A preset that was just chosen sets everything; one that no longer says what is set is left.
 * @param {Model} model
 * @param {number} before
 * @returns {number} the preset that is then chosen
 */
function agree(model, before) {
  const chosen = model.get("preset");
  const values = Object.entries(model.get("presets")[chosen]);
  if (chosen !== before) move(model, Object.fromEntries(values));
  else if (values.some(([trait, value]) => model.get(trait) !== value)) move(model, { preset: 0 });
  return model.get("preset");
}

/**
 * @param {Model} model
 * @returns {import("./loss.js").Written}
 */
function asWritten(model) {
  const controls = Object.entries(model.get("controls"));
  /** @type {any} */
  const said = Object.fromEntries(controls.map(([trait, { values }]) =>
    [trait, values.length ? values[model.get(trait)] : model.get(trait)]));
  return { ...said, values: Number(said.channels) * said.side ** 2 };
}

/**
 * A logarithmic axis with three zones, whose edges depend on the unit.
 * @param {Model} model
 */
function makeAxis(model) {
  const [least, most] = model.get("axis");
  const place = (/** @type {number} */ value) =>
    100 * Math.min(Math.max((Math.log10(value) - least) / (most - least), 0), 1);
  const zones = ZONES.map((name, i) => element("div", { class: `aevae-zone aevae-zone-${i}` }, name));
  const mark = element("div", { class: "aevae-mark" });
  const powers = Array.from({ length: (most - least) / 2 + 1 }, (_, i) => least + 2 * i);
  const ticks = powers.map((power) => {
    const tick = element("span", {}, number(10 ** power));
    tick.style.left = `${place(10 ** power)}%`;
    return tick;
  });
  const root = element("div", { class: "aevae-scale", role: "img" },
    element("div", { class: "aevae-zones" }, ...zones, mark),
    element("div", { class: "aevae-powers" }, ...ticks));
  return {
    root,
    /**
     * Marks a value; returns the number of its zone.
     * @param {string} symbol
     * @param {number} value
     */
    show(symbol, value) {
      const edges = model.get("zones")[symbol === "\u03b2" ? "beta" : "tau2"];
      const [low, high] = edges.map(place);
      for (const [i, width] of [low, high - low, 100 - high].entries()) {
        zones[i].style.flexBasis = `${width}%`;
      }
      mark.style.left = `${place(value)}%`;
      const zone = edges.filter((/** @type {number} */ edge) => value > edge).length;
      set(root, "aria-label", `${symbol} = ${number(value)} on a logarithmic axis: ${ZONES[zone]}, ` +
        `between edges at ${edges.join(" and ")}.`);
      return zone;
    },
  };
}
