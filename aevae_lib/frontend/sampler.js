// The many-dimensional sampler: the image decoded at z, and buttons that draw z anew.

async function render({ model, el }) {
  const traits = Object.keys(model.get("controls"));
  const view = element("div", { class: "aevae-view aevae-sampler" });
  const canvas = imageCanvas();
  const caption = element("p", { class: "aevae-number" });
  const buttons = element("div", { class: "aevae-buttons" });
  view.append(canvas, element("div", {}, buttons, caption));
  const say = announcer(view);

  const [low, high, step] = ["low", "high", "step"].map((name) => model.get(name));
  const [mean, factor] = [model.get("mean"), model.get("factor")];
  const origin = traits.map(() => 0);
  const goTo = (z) =>
    move(model, Object.fromEntries(traits.map((t, i) => [t, toStep(z[i], low[i], high[i], step)])));
  const fits = (z) => z.every((value, i) => low[i] <= value && value <= high[i]);
  const addButton = (name, point) => {
    const button = element("button", { type: "button", class: "aevae-button" }, name);
    button.addEventListener("click", () => goTo(point()));
    buttons.append(button);
  };
  addButton("Draw from the prior", () => drawUntil(fits, origin, null));
  if (mean.length) {
    addButton("Draw from the fitted Gaussian", () => drawUntil(fits, mean, factor));
  }
  addButton("Go to the origin", () => origin);

  let network = null;
  const update = () => {
    const z = traits.map((trait) => model.get(trait));
    const length = format(Math.hypot(...z));
    caption.replaceChildren(`distance from the origin ${length}`);
    set(canvas, "aria-label", `The image decoded at the sliders, ${length} from the origin.`);
    if (network) paint(canvas, decode(network, z));
  };
  const stopFollowing = follow(model, traits, () => {
    update();
    say(canvas.getAttribute("aria-label"));
  });
  el.append(view);
  update();
  const stopNaming = nameSliders(view, model);
  [network] = await orExplain(view, loadNetworks(model));
  update();
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

export default { render };
