// The latent map: for each model its plane, a point to move, and the image decoded there.

import { makeBackdrops } from "./backdrop.js";
import { between } from "./codes.js";
import { listen } from "./hand.js";
import { makeMapPlane } from "./map_plane.js";
import { holdNetworks, wholeText } from "./nets.js";
import { legend, ringSign, showBackdrop } from "./plane.js";
import {
  announcer, announceReady, button, caption, drawing, element, follow, move, nameSliders, orExplain,
  set,
} from "./view.js";

/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./codes.js").Point} Point */
/** @typedef {import("./map_plane.js").Map} Map */
/** @typedef {import("./map_plane.js").MapPlane} MapPlane */

const PAUSE = 900; // ms that every checkpoint is on show while they play

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
  const withImages = model.get("labels").length > 0;
  const view = element("div", { class: "aevae-view aevae-map" });
  const say = announcer(view);
  const networks = holdNetworks(model);
  const backdrops = makeBackdrops(model,
    (plane, picture) => model.get("show_backdrop") && showBackdrop(planes[plane].drawn, picture),
    () => view.append(element("p", { class: "aevae-note", role: "status" },
      "This page allows no worker, so the planes stay without what the decoder draws on them.")));
  const planes = maps.map((map, index) =>
    makeMapPlane(model, networks, map, index, backdrops.ask));
  const shots = element("div", { class: "aevae-shots" }, ...planes.flatMap((plane) => plane.shots));
  const row = element("div", { class: "aevae-maps", "data-count": maps.length }, planes[0].root,
    shots, ...planes.slice(1).map((plane) => plane.root));
  const player = maps[0].checkpoints.length > 1 ? makePlayer(model, say) : null;
  view.append(row, ...(player ? [player.root] : []),
    legend(model, signs(model), planes.map((plane) => plane.drawn)));
  const tries = withImages ? [...TRIES] : TRIES.slice(1, 2);
  if (player) {
    tries.push(`Play the ${player.name} with the ring at rest: the same point, read by another decoder.`);
  }
  caption(view, model, HINT, tries);
  el.append(view);

  const markTwins = (/** @type {number} */ garment) => {
    for (const plane of planes) plane.markTwin(planes.length > 1 ? garment : -1);
  };
  const markActive = () => { // by the ring that moved last
    const plane = planes[model.get("active")];
    markTwins(plane.nearest(plane.here()));
  };
  /** @type {(index: number, z: Point) => void} */
  const go = (index, z) => {
    const garment = model.get("link_rings") ? planes[index].nearest(z) : -1;
    const values = planes.map((plane, other) =>
      (other === index ? plane.at(z) : garment < 0 ? {} : plane.at(plane.codeOf(garment))));
    move(model, Object.assign({ active: index }, ...values));
  };
  const stopHands = planes.map((plane, index) => hold(plane, (z) => go(index, z), (z) => {
    if (z) markTwins(plane.nearest(z));
    else markActive();
  }, maps[index]));

  const toggles = ["prior", "holes", "path", "backdrop"];
  const toggle = () => {
    for (const name of toggles) view.dataset[name] = String(Boolean(model.get(`show_${name}`)));
    for (const plane of planes) plane.toggled();
  };
  const show = async () => {
    const number = model.get("checkpoint");
    const loaded = await orExplain(view, Promise.all(planes.map((plane) => plane.load(number))));
    markActive();
    return loaded;
  };
  const walk = () => {
    const values = planes.map((plane) => {
      const [from, to] = plane.ends();
      return from ? plane.at(between(from, to, model.get("t"))) : {};
    });
    move(model, Object.assign({}, ...values));
  };
  const moved = planes.map((plane) => plane.here());
  const update = () => {
    const changed = planes.filter((plane, i) => String(plane.here()) !== String(moved[i]));
    planes.forEach((plane, i) => {
      moved[i] = plane.here();
    });
    if (changed.length === 1) move(model, { active: planes.indexOf(changed[0]) });
    if (changed.length) say(changed.map((plane) => plane.update()).join(" "));
    markActive();
  };
  const stops = [
    networks.release,
    backdrops.stop,
    nameSliders(view, model),
    follow(model, toggles.map((name) => `show_${name}`), toggle),
    follow(model, ["checkpoint"], show),
    follow(model, ["t"], walk),
    follow(model, ["active", ...planes.flatMap((plane) => plane.traits)], update),
    follow(model, ["path_a", "path_b"], () => {
      for (const plane of planes) plane.drawPath();
    }),
    ...(player ? [player.stop] : []),
    ...stopHands,
    ...planes.map((plane) => plane.stop),
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
 * What the legend says besides the classes.
 * @param {Model} model
 */
function signs(model) {
  const made = [ringSign("ring: where the decoder looks")];
  const withImages = model.get("labels").length > 0;
  if (withImages && model.get("maps").length > 1) {
    const icon = drawing("circle", { class: "aevae-twin", r: 3.4 });
    made.push({ text: "the same garment on both planes", icon });
  }
  if (withImages && model.get("maps").some((/** @type {Map} */ map) => map.prior)) {
    made.push({ text: "under the lens", icon: drawing("circle", { class: "aevae-lens-mark", r: 5 }) });
  }
  return made;
}

/**
 * The pointer and the keys on a plane; what only hovers waits for the next frame. Returns the
 * undoing.
 * @param {MapPlane} plane
 * @param {(z: Point) => void} go
 * @param {(z: Point | null) => void} pass
 * @param {Map} map
 */
function hold(plane, go, pass, { low, high }) {
  /** @type {Point | null} */
  let over = null;
  let frame = 0;
  const hover = (/** @type {Point | null} */ z) => {
    if (!z && !over) return;
    over = z;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      plane.glimpse(over);
      pass(over);
    });
  };
  listen(plane.drawn.ground, low, high, { here: plane.here, go, hover });
  return () => cancelAnimationFrame(frame);
}

/**
 * A button that walks through the checkpoints, from the first if they are at their end.
 * @param {Model} model
 * @param {(text: string) => void} say
 */
function makePlayer(model, say) {
  const { name, values } = model.get("controls").checkpoint;
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.replaceChildren(`Play the ${name}`);
    set(play, "data-running", false);
  };
  const next = () => {
    const number = model.get("checkpoint") + 1;
    if (number >= values.length) return stop();
    move(model, { checkpoint: number });
    say(values[number]);
  };
  const play = button(`Play the ${name}`, () => {
    if (timer) return stop();
    if (model.get("checkpoint") === values.length - 1) move(model, { checkpoint: 0 });
    timer = window.setInterval(next, PAUSE);
    play.replaceChildren("Pause");
    set(play, "data-running", true);
  });
  play.classList.add("aevae-train-play");
  return { root: element("div", { class: "aevae-buttons aevae-player" }, play), name, stop };
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
