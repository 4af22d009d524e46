// The latent map: for each model its plane, a point to move, and the image decoded there.

const EDGE = 100; // a plane's width and height in the drawing's own units
const SIZE = 1.15; // a marker's half-width in them

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

async function render({ model, el }) {
  const maps = model.get("maps");
  const view = element("div", { class: "aevae-view" });
  const row = element("div", { class: "aevae-maps", "data-count": maps.length });
  view.append(row);
  const say = announcer(view);
  const planes = maps.map((map, index) => drawPlane(model, map, index, say));
  row.append(...planes.map((plane) => plane.root));
  view.append(legend(model), hint());
  el.append(view);
  const undo = [nameSliders(view, model), ...planes.map((plane) => plane.undo)];
  const networks = await orExplain(view, loadNetworks(model));
  planes.forEach((plane, index) => plane.start(networks[index]));
  return () => undo.forEach((stop) => stop());
}

// One model's plane and image. `start` gives it its decoder; `undo` takes it off the model.
function drawPlane(model, map, index, say) {
  const traits = [`map${index}_z0`, `map${index}_z1`];
  const { low, high, step } = map;
  const width = high[0] - low[0];
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const text = (value) => format(value, digits);
  const toX = (value) => ((value - low[0]) / width) * EDGE;
  const toY = (value) => ((high[1] - value) / width) * EDGE;
  const go = (z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
  const here = () => traits.map((trait) => model.get(trait));

  const across = drawing("path", { class: "aevae-cross" });
  const handle = drawing("g", {},
    drawing("circle", { class: "aevae-handle-edge", r: 3.1 }),
    drawing("circle", { class: "aevae-handle", r: 3.1 }));
  const plane = element("div", {
    class: "aevae-plane",
    role: "slider",
    tabindex: 0,
    "aria-roledescription": "point on a plane",
    "aria-label": `${map.name}, latent point`,
    "aria-valuemin": low[0],
    "aria-valuemax": high[0],
  }, drawing("svg", { viewBox: `0 0 ${EDGE} ${EDGE}`, "aria-hidden": "true" },
    drawing("path", { class: "aevae-axis", d: `M${toX(0)} 0V${EDGE}M0 ${toY(0)}H${EDGE}` }),
    ...points(map, model, toX, toY),
    ...(map.prior ? [1, 2] : []).map((sigma) => drawing("circle", {
      class: "aevae-prior", cx: toX(0), cy: toY(0), r: (sigma / width) * EDGE,
    })),
    across, handle));
  const canvas = imageCanvas();
  const where = element("span", { class: "aevae-number" });
  const nearest = element("span");
  const corners = [low[0], high[0], low[1], high[1]];
  const ends = corners.map((value) => String(value).replace("-", "\u2212"));
  const root = element("div", { class: "aevae-one", role: "group", "aria-label": map.name },
    element("div", { class: "aevae-title" }, map.name),
    element("div", { class: "aevae-frame" },
      element("div", { class: "aevae-ticks aevae-up", "aria-hidden": "true" },
        element("span", {}, ends[3]), element("i", {}, "z1"), element("span", {}, ends[2])),
      plane,
      element("div", { class: "aevae-ticks", "aria-hidden": "true" },
        element("span", {}, ends[0]), element("i", {}, "z0"), element("span", {}, ends[1]))),
    element("div", { class: "aevae-decoded" }, canvas,
      element("div", { class: "aevae-caption" }, where, nearest)));

  let network = null;
  const update = () => {
    const z = here();
    const [x, y] = [toX(z[0]), toY(z[1])];
    handle.setAttribute("transform", `translate(${x} ${y})`);
    across.setAttribute("d", `M${x} 0V${EDGE}M0 ${y}H${EDGE}`);
    const point = `(${text(z[0])}, ${text(z[1])})`;
    const garment = nearestGarment(map, model, z);
    set(plane, "aria-valuenow", z[0]);
    set(plane, "aria-valuetext", `z0 ${text(z[0])}, z1 ${text(z[1])}`);
    where.replaceChildren(`z = ${point}`);
    nearest.replaceChildren(garment && `nearest: ${garment}`);
    const closest = garment ? ` Nearest garment shown: ${garment}.` : "";
    set(canvas, "aria-label", `${map.name}: the image decoded at ${point}.${closest}`);
    if (network) paint(canvas, decode(network, z));
  };
  const stop = follow(model, traits, () => {
    update();
    say(canvas.getAttribute("aria-label"));
  });
  listen(plane, { low, high, here, go });
  update();
  return {
    root,
    undo: stop,
    start(decoder) {
      network = decoder;
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

// The codes of the garments shown: one path for each class.
function points(map, model, toX, toY) {
  const labels = model.get("labels");
  return model.get("classes").map(({ color, marker }, label) => {
    const shapes = map.codes
      .filter((_, i) => labels[i] === label)
      .map(([z0, z1]) => MARKERS[marker](toX(z0), toY(z1), SIZE));
    return drawing("path", { class: "aevae-points", fill: color, d: shapes.join("") });
  });
}

function nearestGarment(map, model, z) {
  let best = -1;
  let least = Infinity;
  map.codes.forEach(([z0, z1], i) => {
    const distance = (z0 - z[0]) ** 2 + (z1 - z[1]) ** 2;
    if (distance < least) [least, best] = [distance, i];
  });
  return best < 0 ? "" : model.get("classes")[model.get("labels")[best]].name;
}

function legend(model) {
  const list = element("ul", { class: "aevae-legend", "aria-label": "Markers on the planes" });
  const add = (name, shape) =>
    list.append(element("li", {},
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
    }));
  }
  return list;
}

function hint() {
  return element("p", { class: "aevae-hint" },
    "Drag the ring, move a slider, or focus a plane and press the arrow keys " +
    "(with Shift, or Page Up and Page Down: larger steps; Home: the origin).");
}

export default { render };
