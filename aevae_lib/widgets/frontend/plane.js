// A model's latent plane: its frame, the codes of the garments shown, and what is between them.

import { drawing, element } from "./view.js";

export const EDGE = 100; // a plane's width and height in the drawing's own units
const SIZE = 1.15; // a marker's half-width in them
export const NEIGHBOURS = 5; // a code's ball reaches to its fifth neighbour, as in measure.in_hole

// Matplotlib's markers, as functions from a centre and a half-width to a path.
const MARKERS = {
  o: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  s: polygon([-1, -1], [1, -1], [1, 1], [-1, 1]),
  D: polygon([0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]),
  "^": polygon([0, -1.2], [1.2, 1], [-1.2, 1]),
  P: polygon(
    [-0.5, -1.2], [0.5, -1.2], [0.5, -0.5], [1.2, -0.5], [1.2, 0.5], [0.5, 0.5],
    [0.5, 1.2], [-0.5, 1.2], [-0.5, 0.5], [-1.2, 0.5], [-1.2, -0.5], [-0.5, -0.5],
  ),
};

function polygon(...corners) {
  const at = (centre, offset) => Number((centre + offset).toFixed(2));
  return (x, y, r) =>
    `M${corners.map(([dx, dy]) => `${at(x, dx * r)} ${at(y, dy * r)}`).join("L")}z`;
}

// The plane's elements: `frame` to put somewhere, `ground` that takes the pointer and the focus,
// and `moving`, a drawing of its own, so that what stands still is not painted again.
export function makePlane({ low, high, prior }, attributes) {
  const width = high[0] - low[0];
  const toX = (value) => ((value - low[0]) / width) * EDGE;
  const toY = (value) => ((high[1] - value) / width) * EDGE;
  const layer = (...content) => {
    const box = { viewBox: `0 0 ${EDGE} ${EDGE}`, "aria-hidden": "true" };
    return drawing("svg", box, ...content);
  };
  const holes = drawing("g", { class: "aevae-holes" });
  const garments = drawing("g");
  const circles = (prior ? [1, 2] : []).map((sigma) => drawing("circle", {
    class: "aevae-prior", cx: toX(0), cy: toY(0), r: (sigma / width) * EDGE,
  }));
  const moving = layer();
  const ground = element("div", { class: "aevae-plane", ...attributes },
    layer(holes,
      drawing("path", { class: "aevae-axis", d: `M${toX(0)} 0V${EDGE}M0 ${toY(0)}H${EDGE}` }),
      garments, ...circles),
    moving);
  const ends = [low[0], high[0], low[1], high[1]].map((value) => String(value).replace("-", "\u2212"));
  const frame = element("div", { class: "aevae-frame" },
    element("div", { class: "aevae-ticks aevae-up", "aria-hidden": "true" },
      element("span", {}, ends[3]), element("i", {}, "z\u2081"), element("span", {}, ends[2])),
    ground,
    element("div", { class: "aevae-ticks", "aria-hidden": "true" },
      element("span", {}, ends[0]), element("i", {}, "z\u2080"), element("span", {}, ends[1])));
  return { frame, ground, moving, holes, garments, toX, toY, scale: EDGE / width };
}

// The codes of the garments shown: one path for each class.
export function drawCodes({ garments, toX, toY }, codes, labels, classes) {
  garments.replaceChildren(...classes.map(({ color, marker }, label) => {
    const shapes = codes
      .filter((_, i) => labels[i] === label)
      .map(([z0, z1]) => MARKERS[marker](toX(z0), toY(z1), SIZE));
    return drawing("path", { class: "aevae-points", fill: color, d: shapes.join("") });
  }));
}

// Holes are hatched: all that no code's ball covers.
export function drawHoles({ holes, toX, toY, scale }, codes, radii) {
  const id = `aevae-hatch-${(globalThis.aevaeHatches = (globalThis.aevaeHatches ?? 0) + 1)}`;
  const balls = codes.map(([z0, z1], i) => MARKERS.o(toX(z0), toY(z1), radii[i] * scale));
  holes.replaceChildren(
    drawing("pattern", {
      id, width: 3, height: 3, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    }, drawing("path", { class: "aevae-hatch", d: "M0 0V3" })),
    drawing("rect", { width: EDGE, height: EDGE, fill: `url(#${id})` }),
    drawing("path", { class: "aevae-held-edge", d: balls.join("") }), // only the outermost shows
    drawing("path", { class: "aevae-held", d: balls.join("") }));
}

// --- what the codes say of a point ---------------------------------------------------------

// Pairs of coordinates from the bytes of single-precision numbers.
export function readCodes(bytes) {
  const numbers = new Float32Array(bytes.buffer);
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
}

// The garment whose code is nearest, each axis measured in standard deviations of the codes shown.
export function nearestCode(codes, spread, [z0, z1]) {
  let best = -1;
  let least = Infinity;
  codes.forEach(([c0, c1], i) => {
    const square = ((c0 - z0) / spread[0]) ** 2 + ((c1 - z1) / spread[1]) ** 2;
    if (square < least) {
      least = square;
      best = i;
    }
  });
  return { index: best, distance: Math.sqrt(least) };
}

export function standardDeviations(codes) {
  return [0, 1].map((axis) => {
    const mean = codes.reduce((sum, code) => sum + code[axis], 0) / codes.length;
    const squares = codes.reduce((sum, code) => sum + (code[axis] - mean) ** 2, 0);
    return Math.sqrt(squares / (codes.length - 1)) || 1; // 1: all codes are the same
  });
}

// The radius of each code's ball. A point that no ball holds lies in a hole.
export function ballRadii(codes) {
  return codes.map(([z0, z1], i) => {
    const nearest = Array(NEIGHBOURS).fill(Infinity); // in ascending order
    codes.forEach(([c0, c1], j) => {
      const distance = (c0 - z0) ** 2 + (c1 - z1) ** 2;
      if (i === j || distance >= nearest[NEIGHBOURS - 1]) return;
      let place = NEIGHBOURS - 1;
      for (; place > 0 && nearest[place - 1] > distance; place--) nearest[place] = nearest[place - 1];
      nearest[place] = distance;
    });
    return Math.sqrt(nearest[NEIGHBOURS - 1]);
  });
}

export function inHole(codes, radii, [z0, z1]) {
  return !codes.some(([c0, c1], i) => (c0 - z0) ** 2 + (c1 - z1) ** 2 <= radii[i] ** 2);
}

// --- words ---------------------------------------------------------------------------------

export function legend(model) {
  const list = element("ul", { class: "aevae-legend", "aria-label": "Markers on the planes" });
  const add = (name, shape, when = "") =>
    list.append(element("li", { class: when },
      drawing("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shape), name));
  if (model.get("labels").length) {
    for (const { name, color, marker } of model.get("classes")) {
      const shape = { class: "aevae-points", fill: color, d: MARKERS[marker](0, 0, 4) };
      add(name, drawing("path", shape));
    }
  }
  if (model.get("maps").some((map) => map.prior)) {
    add("prior, 1 and 2 standard deviations", drawing("path", {
      class: "aevae-prior", d: MARKERS.o(0, 0, 2.4) + MARKERS.o(0, 0, 5),
    }), "aevae-if-prior");
  }
  if (model.get("controls").show_holes) {
    const lines = { class: "aevae-hatch", d: "M-6 -2L-2 -6M-6 4L4 -6M-4 6L6 -4M2 6L6 2" };
    add("hole: far from every garment shown", drawing("path", lines), "aevae-if-holes");
  }
  return list;
}
