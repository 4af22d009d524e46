// The encoder at work: a garment is shifted or partly erased, and its code moves: a point for an
// autoencoder, a cloud for a VAE.

import { decode, encode } from "./network.js";
import { klParts, standardNormal } from "./normal.js";
import { drawCodes, legend, makePlane, readCodes } from "./plane.js";
import {
  announcer, announceReady, button, caption, drawing, element, follow, format,
  imageCanvas, loadNetwork, move, nameSliders, orExplain, paint, readBytes, set, SIDE,
} from "./view.js";

const ENCODER_TRIES = [
  "Shift a garment pixel by pixel. To you it stays the same garment; watch how far its code " +
    "travels, and what the decoder makes of it. The networks saw only centred garments.",
  "Erase an ankle boot from the top, row by row. At some row its code leaves the ankle boots, and " +
    "the picture redrawn is another shoe.",
  "Redraw a few times. Each press draws another point of the cloud: its pictures show what the " +
    "VAE takes to be one garment. The autoencoder has only its point.",
];

export async function render({ model, el }) {
  const images = await readBytes(model.get("images"));
  const view = element("div", { class: "aevae-view" });
  const input = imageCanvas();
  const about = element("p", { class: "aevae-number" });
  const thumbs = thumbnails(model, images);
  const row = element("div", { class: "aevae-maps", "data-count": model.get("maps").length });
  view.append(element("div", { class: "aevae-input" }, input,
    element("div", {}, thumbs.root, about)), row);
  const say = announcer(view);
  const planes = model.get("maps").map((map, index) => encodedPlane(model, map, index));
  row.append(...planes.map((plane) => plane.root));
  view.append(legend(model));
  caption(view, model, "Pick a garment by its picture or by its slider; the other sliders change it.",
    planes.some((plane) => plane.cloudy) ? ENCODER_TRIES : ENCODER_TRIES.slice(0, 2));
  el.append(view);

  let ready = false;
  const update = () => {
    if (!ready) return ""; // a link may have moved the sliders before the networks are here
    const garment = model.get("garment");
    const original = Array.from(
      images.subarray(garment * SIDE * SIDE, (garment + 1) * SIDE * SIDE), (grey) => grey / 255);
    const changed = shift(erase(original, model.get("top"), model.get("left")),
      model.get("right"), model.get("down"));
    paint(input, changed);
    const name = model.get("names")[garment];
    about.replaceChildren(`${name}, ${whatWasDone(model)}`);
    set(input, "aria-label", `The garment that is encoded: ${about.textContent}.`);
    thumbs.mark(garment);
    const told = planes.map((plane) => plane.show(original, changed));
    move(model, Object.assign({}, ...told.map((one) => one.values)));
    return `${about.textContent}. ${told.map((one) => one.text).join(" ")}`;
  };
  const inputs = ["garment", "right", "down", "top", "left"];
  const draws = planes.flatMap((plane) => plane.draws);
  const undo = [
    nameSliders(view, model),
    follow(model, [...inputs, ...draws], () => say(update())),
  ];
  await orExplain(view, Promise.all(planes.map((plane) => plane.load())));
  ready = true;
  update();
  announceReady(view);
  return () => undo.forEach((stop) => stop());
}

function encodedPlane(model, map, index) {
  const drawn = makePlane(map, { role: "img" });
  const { ground, moving, toX, toY, scale } = drawn;
  const traits = [`map${index}_z0`, `map${index}_z1`];
  const draws = map.prior ? [`map${index}_noise0`, `map${index}_noise1`] : [];
  const trail = drawing("path", { class: "aevae-way-line" });
  const cloud = drawing("ellipse", { class: "aevae-cloud" });
  const dot = drawing("circle", { class: "aevae-handle", r: 2.2 });
  const edge = drawing("circle", { class: "aevae-handle-edge", r: 2.2 });
  const cross = drawing("path", { class: "aevae-draw", d: "M-1.8 -1.8L1.8 1.8M-1.8 1.8L1.8 -1.8" });
  moving.append(trail, ...(map.prior ? [cloud] : []), edge, dot, ...(map.prior ? [cross] : []));
  const rebuilt = imageCanvas();
  const sampled = imageCanvas();
  const words = element("div", { class: "aevae-caption aevae-number" });
  const pictures = element("div", { class: "aevae-pictures" },
    element("div", { class: "aevae-shot" }, rebuilt,
      element("span", {}, map.prior ? "from the centre \u03bc" : "from its point")));
  if (map.prior) {
    pictures.append(element("div", { class: "aevae-shot" }, sampled,
      element("span", {}, "from the draw \u00d7")));
  }
  const redraw = button("Redraw", () =>
    move(model, Object.fromEntries(draws.map((draw) => [draw, standardNormal()]))));
  const root = element("div", { class: "aevae-one", role: "group", "aria-label": map.name },
    element("div", { class: "aevae-title" }, map.name), drawn.frame,
    element("div", { class: "aevae-encoded" }, pictures,
      element("div", { class: "aevae-told" }, words, ...(map.prior ? [redraw] : []))));

  let [encoder, decoder] = [null, null];
  return {
    root,
    draws,
    cloudy: map.prior,
    async load() {
      const [bytes, ...networks] = await Promise.all([
        readBytes(map.codes), loadNetwork(model, map.encoder), loadNetwork(model, map.decoder),
      ]);
      [encoder, decoder] = networks;
      drawCodes(drawn, readCodes(bytes), model.get("labels"), model.get("classes"));
    },
    // Encodes, draws all that follows from the code, and tells it: as values and in words.
    show(original, changed) {
      const before = encode(encoder, original);
      const [z0, z1, logvar0, logvar1] = encode(encoder, changed);
      const [x, y] = [toX(z0), toY(z1)];
      trail.setAttribute("d", `M${toX(before[0])} ${toY(before[1])}L${x} ${y}`);
      for (const mark of [edge, dot]) mark.setAttribute("transform", `translate(${x} ${y})`);
      paint(rebuilt, decode(decoder, [z0, z1]));
      let text = `z = (${format(z0)}, ${format(z1)})`;
      if (map.prior) {
        text = `\u03bc = (${format(z0)}, ${format(z1)})`;
        const sigma = [Math.exp(logvar0 / 2), Math.exp(logvar1 / 2)];
        const draw = [z0, z1].map((mu, i) => mu + sigma[i] * model.get(draws[i]));
        set(cloud, "rx", sigma[0] * scale);
        set(cloud, "ry", sigma[1] * scale);
        cloud.setAttribute("transform", `translate(${x} ${y})`);
        cross.setAttribute("transform", `translate(${toX(draw[0])} ${toY(draw[1])})`);
        paint(sampled, decode(decoder, draw));
        const kl = klParts(z0, logvar0).total + klParts(z1, logvar1).total;
        text += `, \u03c3 = (${format(sigma[0])}, ${format(sigma[1])}), KL = ${format(kl)} nats`;
        set(sampled, "aria-label", `${map.name}: decoded at one draw from the cloud.`);
      }
      words.replaceChildren(...text.split(/(?<=\)), /).map((part) => element("div", {}, part)));
      set(rebuilt, "aria-label", `${map.name}: decoded at ${map.prior ? "the cloud's centre" : "the point"}.`);
      set(ground, "aria-label", `${map.name}, the garment's place among others: ${text}.`);
      return {
        values: { [traits[0]]: z0, [traits[1]]: z1 },
        text: `${map.name}: ${text}.`,
      };
    },
  };
}

// The garments to pick from, as small pictures. The slider does the same for the keyboard.
function thumbnails(model, images) {
  const root = element("div", { class: "aevae-thumbs" });
  const buttons = model.get("names").map((name, index) => {
    const canvas = element("canvas", { width: SIDE, height: SIDE });
    paint(canvas, Array.from(
      images.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE), (grey) => grey / 255));
    const thumb = element("button", {
      type: "button", class: "aevae-thumb", "aria-label": `${name}, number ${index}`, tabindex: -1,
    }, canvas);
    thumb.addEventListener("click", () => move(model, { garment: index }));
    return thumb;
  });
  root.append(...buttons);
  return {
    root,
    mark: (garment) => buttons.forEach((one, i) => set(one, "aria-pressed", i === garment)),
  };
}

// The image moved by whole pixels; what comes in from outside is black.
function shift(pixels, right, down) {
  return pixels.map((_, i) => {
    const [row, column] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
    const inside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
    return inside ? pixels[row * SIDE + column] : 0;
  });
}

// The image without its first rows and columns.
function erase(pixels, rows, columns) {
  return pixels.map((pixel, i) => (i < rows * SIDE || i % SIDE < columns ? 0 : pixel));
}

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
