// The many-dimensional sampler: the image decoded at z, and buttons that draw z anew.

const SAMPLER_TRIES = [
  "Draw from the prior ten times and count the pictures that you would call a garment. A model whose " +
    "codes fill the prior draws them; an autoencoder never promised to.",
  "Move one slider from end to end. A dimension that changes nothing is one that the model does not use.",
  "Walk away from the origin: far out no code lies, and the picture means nothing there.",
];

async function renderSampler({ model, el }) {
  const traits = Object.keys(model.get("controls"));
  const view = element("div", { class: "aevae-view" });
  const canvas = imageCanvas();
  const distance = element("p", { class: "aevae-number" });
  const buttons = element("div", { class: "aevae-buttons" });
  view.append(element("div", { class: "aevae-sampler" }, canvas,
    element("div", {}, buttons, distance)));
  const say = announcer(view);

  const [low, high, step] = ["low", "high", "step"].map((name) => model.get(name));
  const [mean, factor] = [model.get("mean"), model.get("factor")];
  const origin = traits.map(() => 0);
  const goTo = (z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
  const fits = (z) => z.every((value, i) => low[i] <= value && value <= high[i]);
  const addButton = (name, point) => buttons.append(button(name, () => goTo(point())));
  addButton("Draw from the prior", () => drawUntil(fits, origin, null));
  if (mean.length) {
    addButton("Draw from the fitted Gaussian", () => drawUntil(fits, mean, factor));
  }
  addButton("Go to the origin", () => origin);

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

// One draw from N(mean, factor factor'), or N(mean, I) without a factor, that `fits`.
function drawUntil(fits, mean, factor) {
  for (;;) {
    const noise = mean.map(() => standardNormal());
    const z = factor
      ? mean.map((m, i) => m + factor[i].reduce((sum, weight, j) => sum + weight * noise[j], 0))
      : noise;
    if (fits(z)) return z;
  }
}

// Box and Muller's way from two uniform numbers to a normal one.
function standardNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
