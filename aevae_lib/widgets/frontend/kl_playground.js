// The price of a cloud: two normal densities, and the KL divergence between them in its parts.

import { klParts } from "./normal.js";
import {
  announcer, announceReady, caption, drawing, element, follow, format, nameSliders, set,
} from "./view.js";

const SPAN = 6; // the plot reaches this far on either side of 0
const HIGHEST = 1.85; // density at the top of the plot
const [WIDTH, HEIGHT] = [400, 130];

const TRIES = [
  "Set \u03bc to 0 and log \u03c3\u00b2 to 0: the two densities are one, and the price is zero.",
  "Move \u03bc alone. The price grows with its square: twice as far costs four times as much.",
  "Move log \u03c3\u00b2 alone, by the same amount down and up. Which costs more? A narrow cloud " +
    "pays slowly, through the logarithm; a wide one quickly, through its variance.",
];

/** @type {["mean" | "variance" | "total", string][]} */
const PARTS = [
  ["mean", "\u03bc\u00b2 / 2"],
  ["variance", "(\u03c3\u00b2 \u2212 1 \u2212 log \u03c3\u00b2) / 2"],
  ["total", "KL"],
];

/** @param {{ model: import("./nets.js").Model, el: Element }} context */
export function render({ model, el }) {
  const view = element("div", { class: "aevae-view" });
  const say = announcer(view);
  const q = drawing("path", { class: "aevae-q" });
  const plot = element("div", { class: "aevae-plot", role: "img" },
    drawing("svg", { viewBox: `0 -4 ${WIDTH} ${HEIGHT + 22}`, "aria-hidden": "true" },
      drawing("path", { class: "aevae-axis", d: `M0 ${HEIGHT}H${WIDTH}` }),
      ...[-4, -2, 0, 2, 4].map((tick) => drawing("text", {
        class: "aevae-tick", x: toX(tick), y: HEIGHT + 14,
      }, String(tick).replace("-", "\u2212"))),
      drawing("path", { class: "aevae-p", d: curve(0, 1) }), q));
  const bars = PARTS.map(([part, formula]) => {
    const bar = element("div", { class: `aevae-bar aevae-bar-${part}` });
    const value = element("span", { class: "aevae-number" });
    return { part, bar, value, cells: [element("span", {}, formula),
      element("div", { class: "aevae-track" }, bar), value] };
  });
  const key = element("ul", { class: "aevae-legend" },
    element("li", {}, element("span", { class: "aevae-key aevae-key-q" }), "q = N(\u03bc, \u03c3\u00b2)"),
    element("li", {}, element("span", { class: "aevae-key aevae-key-p" }), "prior N(0, 1)"));
  view.append(plot, key, element("div", { class: "aevae-bars" }, ...bars.flatMap(({ cells }) => cells)));
  caption(view, model,
    "One latent dimension of one image. The KL of a cloud is the sum over its dimensions.", TRIES);
  el.append(view);

  const update = () => {
    const [mu, logvar] = [model.get("mu"), model.get("logvar")];
    const sigma = Math.exp(logvar / 2);
    const parts = klParts(mu, logvar);
    set(q, "d", curve(mu, sigma));
    for (const { part, bar, value } of bars) {
      bar.style.width = `${Math.min(100, (100 * parts[part]) / model.get("largest"))}%`;
      value.replaceChildren(`${format(parts[part])} nats`);
    }
    const text = `\u03bc = ${format(mu)}, \u03c3 = ${format(sigma)}: KL = ${format(parts.total)} nats, ` +
      `${format(parts.mean)} for the mean and ${format(parts.variance)} for the variance.`;
    set(plot, "aria-label", `The densities of N(\u03bc, \u03c3\u00b2) and of the prior N(0, 1). ${text}`);
    return text;
  };
  update();
  announceReady(view);
  const stops = [nameSliders(view, model), follow(model, ["mu", "logvar"], () => say(update()))];
  return () => {
    for (const stop of stops) stop();
  };
}

/** @param {number} value */
function toX(value) {
  return ((value + SPAN) / (2 * SPAN)) * WIDTH;
}

/**
 * The density of N(mu, sigma^2) as a path.
 * @param {number} mu
 * @param {number} sigma
 */
function curve(mu, sigma) {
  const points = [];
  for (let x = -SPAN; x <= SPAN + 1e-9; x += 0.04) {
    const density = Math.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * Math.sqrt(2 * Math.PI));
    const y = HEIGHT * (1 - density / HIGHEST);
    points.push(`${toX(x).toFixed(1)} ${y.toFixed(2)}`);
  }
  return `M${points.join("L")}`;
}
