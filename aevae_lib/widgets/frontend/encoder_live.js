// The encoder at work: an image is shifted or partly erased, and its code moves: a point for an
// autoencoder, a cloud for a VAE.

import { readCodes } from "./codes.js";
import { makeLens } from "./lens.js";
import { holdNetworks, readBytes } from "./nets.js";
import { cut, decode, encode } from "./network.js";
import { klParts, standardNormal } from "./normal.js";
import { makePad } from "./pad.js";
import { drawCodes, legend, makePlane, ringSign } from "./plane.js";
import {
  announcer, announceReady, button, caption, drawing, element, follow, format, imageCanvas, move,
  nameSliders, orExplain, paint, set,
} from "./view.js";

/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./network.js").Image} Image */
/** @typedef {import("./codes.js").Point} Point */
/**
 * @typedef {import("./plane.js").Map & {
 *   encoder: number, decoder: number, codes: string, sigmas?: string,
 * }} Map
 */

const TRIES = [
  "Shift an image pixel by pixel. To you it stays the same; watch how far its code travels, and " +
    "what the decoder makes of it. The networks learnt from images that were not shifted.",
  "Erase an image from the top, row by row. At some row its code leaves those of its class, and " +
    "the picture redrawn is something else.",
  "Draw a garment of your own on a blank sheet, or a pocket on a shirt. Which garment is its code " +
    "next to, and how strange do the models find it?",
  "Redraw a few times. Each press draws another point of the cloud: its pictures show what the " +
    "VAE takes to be one and the same image. The autoencoder has only its point.",
];

/** @param {{ model: Model, el: Element }} context */
export function render({ model, el }) {
  const maps = /** @type {Map[]} */ (model.get("maps"));
  const view = element("div", { class: "aevae-view aevae-encoder" });
  const input = imageCanvas(model.get("shape"));
  const about = element("span");
  const pictures = element("div", {
    class: "aevae-thumbs", role: "group", "aria-label": "Images to pick", tabindex: 0,
  });
  const say = announcer(view);
  const networks = holdNetworks(model);
  const planes = maps.map((map, index) => encodedPlane(model, networks, map, index));
  const shots = element("div", { class: "aevae-shots" },
    element("div", { class: "aevae-shot aevae-input" }, input, about),
    ...planes.flatMap((plane) => plane.shots));
  const row = element("div", { class: "aevae-maps", "data-count": maps.length }, planes[0].root,
    shots, ...planes.slice(1).map((plane) => plane.root));
  view.append(pictures, row, legend(model, signs(maps), planes.map((plane) => plane.drawn)));
  const pad = makePad(model.get("shape"), () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      say(update());
    });
  });
  view.append(pad.root);
  caption(view, model, "Pick an image by its picture or by its slider; the other sliders change it.",
    maps.some((map) => map.prior) ? TRIES : TRIES.slice(0, 3));
  el.append(view);

  let frame = 0;
  let picked = -1;
  /** @type {Image[]} */
  let images = [];
  /** @type {HTMLButtonElement[]} */
  let thumbs = [];
  const update = () => {
    if (!images.length) return ""; // a link may have moved the sliders before all is here
    const number = model.get("image");
    const original = images[number];
    if (number !== picked) pad.clear(); // strokes belong to the image that they were drawn on
    picked = number;
    const changed = pad.over(change(original, model));
    paint(input, changed);
    const drawnOn = pad.used ? ", drawn on" : "";
    about.replaceChildren(`${model.get("names")[number]}, ${whatWasDone(model)}${drawnOn}`);
    set(input, "aria-label", `The image that is encoded: ${about.textContent}.`);
    for (const [i, one] of thumbs.entries()) set(one, "aria-pressed", i === number);
    const told = planes.map((plane) => plane.show(original, changed));
    move(model, Object.assign({}, ...told.map((one) => one.values)));
    const likes = pad.root.open ? planes.map((plane) => plane.likes(changed, images)) : [];
    pad.tell(likes.map((like) => likeness(like, images, model)));
    const words = [...told.map((one) => one.text), ...likes.map((like) => inWords(like, model))];
    return `${about.textContent}. ${words.join(" ")}`;
  };
  const inputs = ["image", "right", "down", "top", "left"];
  const draws = planes.flatMap((plane) => plane.draws);
  const stops = [
    networks.release,
    nameSliders(view, model),
    follow(model, [...inputs, ...draws], () => say(update())),
  ];
  const loaded = Promise.all([readImages(model), ...planes.map((plane) => plane.load())]);
  orExplain(view, loaded).then((parts) => {
    if (!parts) return;
    images = parts[0];
    thumbs = thumbnails(model, images);
    pictures.append(...thumbs);
    update();
    announceReady(view);
  });
  return () => {
    cancelAnimationFrame(frame);
    for (const stop of stops) stop();
  };
}

/**
 * @typedef {{ name: string, nearest: number, stranger: number, of: number }} Like
 * Which of the images has the code that is nearest, and how many of them the model redraws better.
 */

/**
 * @param {Like} like
 * @param {Model} model
 */
function inWords({ name, nearest, stranger, of }, model) {
  return `${name}: its code is nearest to that of the ${model.get("names")[nearest]} shown; it ` +
    `redraws ${stranger} of the ${of} images above better than this one.`;
}

/**
 * The same, with the picture.
 * @param {Like} like
 * @param {Image[]} images
 * @param {Model} model
 */
function likeness(like, images, model) {
  const canvas = imageCanvas(model.get("shape"));
  paint(canvas, images[like.nearest]);
  set(canvas, "aria-label", `The nearest: ${model.get("names")[like.nearest]}.`);
  return element("div", { class: "aevae-like" }, canvas,
    element("span", {}, inWords(like, model)));
}

/**
 * What the legend says besides the classes.
 * @param {Map[]} maps
 */
function signs(maps) {
  const made = [
    ringSign("ring: the image as it is now"),
    { text: "dot: the image untouched", icon: drawing("circle", { class: "aevae-start", r: 3 }) },
  ];
  if (maps.some((map) => map.prior)) {
    const icon = drawing("path", { class: "aevae-draw", d: "M-3 -3L3 3M-3 3L3 -3" });
    made.push({ text: "a draw from its cloud", icon });
    made.push({ text: "under the lens", icon: drawing("circle", { class: "aevae-lens-mark", r: 5 }) });
  }
  return made;
}

/**
 * @param {Model} model
 * @returns {Promise<Image[]>}
 */
async function readImages(model) {
  const [channels, height, width] = model.get("shape");
  const bytes = await readBytes(model.get("images"));
  const size = channels * height * width;
  return model.get("names").map((/** @type {string} */ _, /** @type {number} */ i) => ({
    shape: [height, width, channels],
    values: Float32Array.from(bytes.subarray(i * size, (i + 1) * size), (level) => level / 255),
  }));
}

/**
 * One model's plane, and the images decoded at the code and at a draw from its cloud.
 * @param {Model} model
 * @param {ReturnType<typeof holdNetworks>} networks
 * @param {Map} map
 * @param {number} index
 */
function encodedPlane(model, networks, map, index) {
  const drawn = makePlane(map, { role: "img" });
  const { ground, moving, toX, toY, scale } = drawn;
  const traits = [`map${index}_z0`, `map${index}_z1`];
  const draws = map.prior ? [`map${index}_noise0`, `map${index}_noise1`] : [];
  const lens = map.prior ? makeLens(map, "the centre of the image's cloud") : null;
  const trail = drawing("path", { class: "aevae-way-line" });
  const start = drawing("circle", { class: "aevae-start", r: 1.2 });
  const cloud = drawing("ellipse", { class: "aevae-cloud" });
  const dot = drawing("circle", { class: "aevae-handle", r: 2.2 });
  const edge = drawing("circle", { class: "aevae-handle-edge", r: 2.2 });
  const cross = drawing("path", { class: "aevae-draw", d: "M-1.8 -1.8L1.8 1.8M-1.8 1.8L1.8 -1.8" });
  moving.append(trail, start, ...(lens ? [cloud, lens.mark] : []), edge, dot, ...(lens ? [cross] : []));
  const kind = map.prior ? "aevae-vae" : "aevae-ae";
  const rebuilt = imageCanvas(map.shape);
  const sampled = imageCanvas(map.shape);
  const words = element("div", { class: "aevae-number" });
  const shot = (/** @type {HTMLElement} */ canvas, /** @type {string} */ text) =>
    element("div", { class: `aevae-shot aevae-encoded ${kind}` }, canvas, element("span", {}, text));
  const shots = [shot(rebuilt, `${map.name}, from ${map.prior ? "\u03bc" : "its point"}`)];
  if (lens) shots.push(shot(sampled, `${map.name}, from a draw \u00d7`), lens.root);
  const redraw = button("Redraw", () =>
    move(model, Object.fromEntries(draws.map((draw) => [draw, standardNormal()]))));
  const root = element("div", { class: `aevae-one ${kind}`, role: "group", "aria-label": map.name },
    element("div", { class: "aevae-title" }, map.name), drawn.frame,
    element("div", { class: "aevae-caption aevae-told" }, words, ...(map.prior ? [redraw] : [])));

  /** @type {import("./network.js").Layer[]} */
  let encoder;
  /** @type {import("./network.js").Layer[]} */
  let decoder;
  /** @type {import("./lens.js").Clouds} */
  let clouds;
  /** @type {{ code: number[], error: number }[]} */
  let known = [];
  const look = (/** @type {Image} */ image) => {
    const code = encode(encoder, image).slice(0, 2);
    const { values } = decode(decoder, [code[0], code[1]]);
    const error = values.reduce((sum, value, i) => sum + (value - image.values[i]) ** 2, 0);
    return { code: [...code], error };
  };
  return {
    root,
    shots,
    drawn,
    draws,
    /**
     * @param {Image} image
     * @param {Image[]} images
     * @returns {Like}
     */
    likes(image, images) {
      if (!known.length) known = images.map(look);
      const { code, error } = look(image);
      const far = known.map((one) => Math.hypot(one.code[0] - code[0], one.code[1] - code[1]));
      const stranger = known.filter((one) => one.error < error).length;
      return { name: map.name, nearest: far.indexOf(Math.min(...far)), stranger, of: known.length };
    },
    async load() {
      const [places, sizes, ...both] = await Promise.all([
        readBytes(map.codes), readBytes(map.sigmas ?? ""),
        networks.load(map.encoder), networks.load(map.decoder),
      ]);
      [encoder, decoder] = both;
      const [labels, classes] = [model.get("labels"), model.get("classes")];
      clouds = { codes: readCodes(places), sigmas: readCodes(sizes), labels, classes };
      drawCodes(drawn, clouds.codes, labels, classes);
    },
    /**
     * Encodes, draws all that follows from the code, and tells it: as values and in words.
     * @param {Image} original
     * @param {Image} changed
     */
    show(original, changed) {
      const before = encode(encoder, original);
      const [z0, z1, logvar0, logvar1] = encode(encoder, changed);
      const [x, y] = [toX(z0), toY(z1)];
      set(trail, "d", `M${toX(before[0])} ${toY(before[1])}L${x} ${y}`);
      set(start, "transform", `translate(${toX(before[0])} ${toY(before[1])})`);
      for (const mark of [edge, dot]) set(mark, "transform", `translate(${x} ${y})`);
      paint(rebuilt, decode(decoder, [z0, z1]));
      let told = "";
      let text = `z = (${format(z0)}, ${format(z1)})`;
      if (lens) {
        text = `\u03bc = (${format(z0)}, ${format(z1)})`;
        const sigma = /** @type {Point} */ ([Math.exp(logvar0 / 2), Math.exp(logvar1 / 2)]);
        const draw = [z0, z1].map((mu, i) => mu + sigma[i] * model.get(draws[i]));
        set(cloud, "rx", sigma[0] * scale);
        set(cloud, "ry", sigma[1] * scale);
        set(cloud, "transform", `translate(${x} ${y})`);
        set(cross, "transform", `translate(${toX(draw[0])} ${toY(draw[1])})`);
        paint(sampled, decode(decoder, draw));
        const kl = klParts(z0, logvar0).total + klParts(z1, logvar1).total;
        text += `, \u03c3 = (${format(sigma[0])}, ${format(sigma[1])}), KL = ${format(kl)} nats`;
        told = `, \u03bc is ${lens.show([z0, z1], sigma, true, clouds, drawn)}`;
        set(sampled, "aria-label", `${map.name}: decoded at one draw from the cloud.`);
      }
      words.replaceChildren(...text.split(/(?<=\)), /).map((part) => element("div", {}, part)));
      set(rebuilt, "aria-label", `${map.name}: decoded at ${map.prior ? "the cloud's centre" : "the point"}.`);
      set(ground, "aria-label", `${map.name}, the image's place among others: ${text}.`);
      return {
        values: { [traits[0]]: z0, [traits[1]]: z1 },
        text: `${map.name}: ${text}${told}.`,
      };
    },
  };
}

/**
 * The images to pick from, as small pictures. The slider does the same for the keyboard.
 * @param {Model} model
 * @param {Image[]} images
 */
function thumbnails(model, images) {
  return images.map((image, index) => {
    const [height, width] = image.shape;
    const canvas = element("canvas", { width, height });
    paint(canvas, image);
    const name = `${model.get("names")[index]}, number ${index}`;
    const thumb = element("button", {
      type: "button", class: "aevae-thumb", "aria-label": name, tabindex: -1,
    }, canvas);
    thumb.addEventListener("click", () => move(model, { image: index }));
    return thumb;
  });
}

/**
 * The image without its first rows and columns, then moved by whole pixels; what comes in from
 * outside is black.
 * @param {Image} image
 * @param {Model} model
 */
function change(image, model) {
  const [height, width] = image.shape;
  const [top, left] = [model.get("top"), model.get("left")];
  const kept = cut(image, top, left, height - top, width - left);
  return cut(kept, -top - model.get("down"), -left - model.get("right"), height, width);
}

/** @param {Model} model */
function whatWasDone(model) {
  const [right, down, top, left] = ["right", "down", "top", "left"].map((name) => model.get(name));
  const moved = [
    right && `${Math.abs(right)} px ${right > 0 ? "right" : "left"}`,
    down && `${Math.abs(down)} px ${down > 0 ? "down" : "up"}`,
    top && `${top} rows erased`,
    left && `${left} columns erased`,
  ];
  return moved.filter(Boolean).join(", ") || "as it is";
}
