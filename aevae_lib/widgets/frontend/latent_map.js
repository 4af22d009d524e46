// The latent map: for each model its plane, a point to move, and the image decoded there.

import { decode } from "./network.js";
import {
  ballRadii, drawCodes, drawHoles, EDGE, inHole, legend, makePlane, nearestCode, NEIGHBOURS,
  readCodes, standardDeviations,
} from "./plane.js";
import {
  announcer, announceReady, button, caption, drawing, element, follow, format, imageCanvas,
  loadNetwork, move, nameSliders, orExplain, paint, readBytes, set, SIDE, toStep, wholeText,
} from "./view.js";

const FRAMES = 9; // images along a path
const POOLED = 16; // images are compared at half their resolution
const JUDGES = 400; // garments that a decoded image is compared with
const SPRITE_COLUMNS = 40;

const MAP_HINT =
  "Drag the ring, move a slider, or focus a plane and press the arrow keys " +
  "(with Shift, or Page Up and Page Down: larger steps; Home: the origin).";

const MAP_TRIES = [
  "Show the holes and move the ring into one. Does the picture still look like a garment, and " +
    "how far is the nearest that was shown? The decoder always draws something; only the codes " +
    "around the ring tell whether any data stand behind it.",
  "Cross a border between two classes in small steps. Where the picture fades, the model mixes; " +
    "where it flips, two neighbouring points mean different things.",
  "Show the path, choose A and B, and walk t. A path through a hole leaves the data on its way.",
];

export async function render({ model, el }) {
  const maps = model.get("maps");
  const view = element("div", { class: "aevae-view" });
  const row = element("div", { class: "aevae-maps", "data-count": maps.length });
  view.append(row);
  const say = announcer(view);
  const planes = maps.map((map, index) => drawPlane(model, map, index, say));
  row.append(...planes.map((plane) => plane.root));
  const withGarments = model.get("labels").length > 0;
  const tries = withGarments ? MAP_TRIES : MAP_TRIES.slice(1, 2);
  if (maps[0].checkpoints.length > 1) {
    tries.push("Walk the checkpoints with the ring at rest: the same point, read by another decoder.");
  }
  view.append(legend(model));
  caption(view, model, MAP_HINT, tries);
  el.append(view);

  const toggles = ["prior", "holes", "path"];
  const toggle = () => {
    for (const name of toggles) view.dataset[name] = Boolean(model.get(`show_${name}`));
    planes.forEach((plane) => plane.toggled());
  };
  const shown = () => Promise.all(planes.map((plane) => plane.load(model.get("checkpoint"))));
  const undo = [
    nameSliders(view, model),
    follow(model, toggles.map((name) => `show_${name}`), toggle),
    follow(model, ["checkpoint"], () => orExplain(view, shown())),
    follow(model, ["t"], () => planes.forEach((plane) => plane.walk(model.get("t")))),
    ...planes.map((plane) => plane.undo),
  ];
  toggle();
  await orExplain(view, shown());
  if (withGarments) showPictures(model, planes);
  announceReady(view);
  return () => undo.forEach((stop) => stop());
}

async function showPictures(model, planes) {
  const sheet = await wholeText(model.get("pictures"));
  planes.forEach((plane) => plane.picture.style.setProperty("background-image", `url(${sheet})`));
}

// One model's plane and image. `load` gives it the decoder and the codes of a checkpoint; `undo`
// takes it off the model.
function drawPlane(model, map, index, say) {
  const traits = [`map${index}_z0`, `map${index}_z1`];
  const labels = model.get("labels");
  const classes = model.get("classes");
  const { low, high, step } = map;
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const text = (value) => format(value, digits);
  const go = (z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
  const here = () => traits.map((trait) => model.get(trait));

  const drawn = makePlane(map, {
    role: "slider",
    tabindex: 0,
    "aria-roledescription": "point on a plane",
    "aria-label": `${map.name}, latent point`,
    "aria-valuemin": low[0],
    "aria-valuemax": high[0],
  });
  const { ground, toX, toY } = drawn;
  const across = drawing("path", { class: "aevae-cross" });
  const way = drawing("g", { class: "aevae-way" });
  const handle = drawing("g", {},
    drawing("circle", { class: "aevae-handle-edge", r: 3.1 }),
    drawing("circle", { class: "aevae-handle", r: 3.1 }));
  drawn.moving.append(across, way, handle);
  const canvas = imageCanvas();
  const where = element("span", { class: "aevae-number" });
  const judged = element("span");
  const picture = element("div", { class: "aevae-picture", "aria-hidden": "true" });
  const nearest = element("span");
  const support = element("span");
  const words = element("div", { class: "aevae-caption" }, where);
  const strip = pathStrip(map.name, (end) => {
    const chosen = nearestCode(codes, spread, here()).index;
    move(model, { [`path_${end}`]: chosen, t: end === "a" ? 0 : 1 });
  });
  const root = element("div", { class: "aevae-one", role: "group", "aria-label": map.name },
    element("div", { class: "aevae-title" }, map.name),
    drawn.frame,
    element("div", { class: "aevae-decoded" }, canvas, words));
  if (labels.length) {
    words.append(judged, element("div", { class: "aevae-nearest" }, picture, nearest), support);
    root.append(strip.root);
  }

  let [wanted, network, codes, spread, radii, judge] = [-1, null, [], [1, 1], null, null];
  const describe = (z, pixels) => {
    if (!codes.length) return "";
    const { index: near, distance } = nearestCode(codes, spread, z);
    showGarment(picture, near, codes.length);
    nearest.replaceChildren(
      `nearest shown: ${classes[labels[near]].name}, ${format(distance)} sd away`);
    const like = judge.nearest(pixels);
    judged.replaceChildren(`decodes as: ${like < 0 ? "\u2026" : classes[labels[like]].name}`);
    const hole = radii && inHole(codes, radii, z);
    support.replaceChildren(radii ? (hole ? "in a hole" : "among the data") : "");
    set(support, "class", hole ? "aevae-in-hole" : "");
    return ` ${judged.textContent}, ${nearest.textContent}${radii ? `, ${support.textContent}` : ""}.`;
  };
  const update = () => {
    const z = here();
    const [x, y] = [toX(z[0]), toY(z[1])];
    handle.setAttribute("transform", `translate(${x} ${y})`);
    across.setAttribute("d", `M${x} 0V${EDGE}M0 ${y}H${EDGE}`);
    const point = `(${text(z[0])}, ${text(z[1])})`;
    set(ground, "aria-valuenow", z[0]);
    set(ground, "aria-valuetext", `z0 ${text(z[0])}, z1 ${text(z[1])}`);
    where.replaceChildren(`z = ${point}`);
    let about = "";
    if (network) {
      const pixels = decode(network, z);
      paint(canvas, pixels);
      about = describe(z, pixels);
    }
    set(canvas, "aria-label", `${map.name}: the image decoded at ${point}.${about}`);
  };
  const ends = () => [codes[model.get("path_a")], codes[model.get("path_b")]];
  const drawPath = () => {
    if (!network || !codes.length || !model.get("show_path")) return;
    const [from, to] = ends();
    const names = ["a", "b"].map((end) => classes[labels[model.get(`path_${end}`)]].name);
    strip.draw(Array.from({ length: FRAMES }, (_, i) =>
      decode(network, between(from, to, i / (FRAMES - 1)))), names);
    const [x0, y0, x1, y1] = [toX(from[0]), toY(from[1]), toX(to[0]), toY(to[1])];
    const line = `M${x0} ${y0}L${x1} ${y1}`;
    way.replaceChildren(
      drawing("path", { class: "aevae-way-edge", d: line }),
      drawing("path", { class: "aevae-way-line", d: line }),
      endMark("A", x0, y0), endMark("B", x1, y1));
  };
  const walk = (t) => {
    if (codes.length) go(between(...ends(), t));
  };
  const drawLazily = () => {
    if (radii && model.get("show_holes") && !drawn.holes.childElementCount) {
      drawHoles(drawn, codes, radii);
    }
  };
  const stops = [
    follow(model, traits, () => {
      update();
      say(canvas.getAttribute("aria-label"));
    }),
    follow(model, ["path_a", "path_b"], drawPath),
  ];
  listen(ground, { low, high, here, go });
  update();
  return {
    root,
    picture,
    walk,
    toggled() {
      drawPath();
      drawLazily();
    },
    undo() {
      judge?.stop();
      stops.forEach((stop) => stop());
    },
    async load(number) {
      wanted = number;
      const checkpoint = map.checkpoints[number];
      const [decoder, bytes] = await Promise.all([
        loadNetwork(model, checkpoint.net), readBytes(checkpoint.codes),
      ]);
      if (wanted !== number) return; // the slider has moved on
      network = decoder;
      judge?.stop();
      codes = readCodes(bytes);
      if (codes.length) {
        spread = standardDeviations(codes);
        radii = codes.length > NEIGHBOURS ? ballRadii(codes) : null;
        judge = makeJudge(network, codes, update);
        drawCodes(drawn, codes, labels, classes);
        drawn.holes.replaceChildren();
        drawLazily();
        drawPath();
      }
      update();
    },
  };
}

// Pointer and keys on a plane become calls of `go` with a new point.
function listen(plane, { low, high, here, go }) {
  const width = high[0] - low[0];
  const drag = (event) => {
    const box = plane.getBoundingClientRect();
    go([
      low[0] + ((event.clientX - box.left) / box.width) * width,
      high[1] - ((event.clientY - box.top) / box.height) * width,
    ]);
  };
  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection; so the focus is ours to give
    plane.focus({ preventScroll: true });
    plane.setPointerCapture(event.pointerId);
    drag(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) drag(event);
  });
  // JupyterLab has uses of its own for the arrow keys, unless an element says that it has too.
  plane.dataset.lmSuppressShortcuts = "true";
  plane.addEventListener("keydown", (event) => {
    const small = (event.shiftKey ? 0.1 : 0.01) * width;
    const [dx, dy] = {
      ArrowLeft: [-small, 0],
      ArrowRight: [small, 0],
      ArrowUp: [0, small],
      ArrowDown: [0, -small],
      PageUp: [0, 0.1 * width],
      PageDown: [0, -0.1 * width],
    }[event.key] ?? [0, 0];
    const home = event.key === "Home";
    if (event.ctrlKey || event.metaKey || event.altKey || !(dx || dy || home)) return;
    event.preventDefault();
    event.stopPropagation();
    const z = here();
    go(home ? [0, 0] : [z[0] + dx, z[1] + dy]);
  });
}

// --- the class of a decoded image -----------------------------------------------------------

// Judges an image by its nearest among the first garments as this decoder redraws them: so blur
// is compared with blur. The redrawing is done in the browser's idle time; until it is over,
// there is no answer (-1).
function makeJudge(network, codes, whenReady) {
  const redrawn = [];
  const count = Math.min(codes.length, JUDGES);
  const idle = globalThis.requestIdleCallback ?? ((act) => setTimeout(act, 10));
  const cancel = globalThis.cancelIdleCallback ?? clearTimeout;
  let waiting = idle(function work(deadline) {
    const end = performance.now() + (deadline?.timeRemaining() ?? 8);
    while (redrawn.length < count && performance.now() < end) {
      redrawn.push(pool(decode(network, codes[redrawn.length])));
    }
    if (redrawn.length < count) waiting = idle(work);
    else whenReady();
  });
  return {
    stop: () => cancel(waiting),
    nearest: (pixels) => (redrawn.length < count ? -1 : nearestImage(pool(pixels), redrawn)),
  };
}

function nearestImage(image, others) {
  let best = -1;
  let least = Infinity;
  others.forEach((other, index) => {
    let distance = 0;
    for (let i = 0; i < image.length && distance < least; i++) distance += (image[i] - other[i]) ** 2;
    if (distance < least) {
      least = distance;
      best = index;
    }
  });
  return best;
}

// Means of two by two pixels.
function pool(pixels) {
  return Float32Array.from({ length: POOLED * POOLED }, (_, i) => {
    const corner = 2 * SIDE * Math.floor(i / POOLED) + 2 * (i % POOLED);
    const sum = pixels[corner] + pixels[corner + 1] + pixels[corner + SIDE] + pixels[corner + SIDE + 1];
    return sum / 4;
  });
}

// One of `count` garments, from the sheet of them all.
function showGarment(picture, index, count) {
  const at = (place, places) => `${(100 * place) / Math.max(1, places - 1)}%`;
  const column = index % SPRITE_COLUMNS;
  const row = (index - column) / SPRITE_COLUMNS;
  const rows = Math.ceil(count / SPRITE_COLUMNS);
  picture.style.backgroundPosition = `${at(column, SPRITE_COLUMNS)} ${at(row, rows)}`;
}

// --- the path from A to B -------------------------------------------------------------------

function between(from, to, t) {
  return from.map((value, axis) => (1 - t) * value + t * to[axis]);
}

// The images along the path, between two buttons that choose its ends.
function pathStrip(name, choose) {
  const canvas = element("canvas", {
    class: "aevae-strip", role: "img", width: FRAMES * SIDE, height: SIDE,
  });
  const end = (letter, which) => {
    const made = button(letter, () => choose(which));
    const begins = which === "a" ? "start" : "end";
    set(made, "aria-label", `${letter}: ${name}, ${begins} the path at the garment nearest to the ring`);
    set(made, "title", `Put ${letter} at the garment nearest to the ring`);
    return made;
  };
  const words = element("div", { class: "aevae-path-words" });
  const root = element("div", { class: "aevae-path aevae-if-path" },
    end("A", "a"), canvas, end("B", "b"), words);
  return {
    root,
    draw(images, [from, to]) {
      images.forEach((pixels, i) => paint(canvas, pixels, i * SIDE));
      words.replaceChildren(`from A, ${from}, to B, ${to}`);
      set(canvas, "aria-label", `${name}: ${FRAMES} images along the path from A, ${from}, to B, ${to}.`);
    },
  };
}

function endMark(letter, x, y) {
  const mark = drawing("g", { class: "aevae-end", transform: `translate(${x} ${y})` },
    drawing("circle", { r: 2.6 }), drawing("text", { y: 1.3 }, letter));
  return mark;
}
