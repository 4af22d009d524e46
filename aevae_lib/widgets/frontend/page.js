// What a saved page has in place of Jupyter: the models of its widgets, and browsers' own controls.

import { element, format, set } from "./view.js";

const saved = JSON.parse(document.getElementById("aevae-state").textContent);
const waiting = []; // views begin when they are part of the page
let labelled = 0;

// One widget's values, with the part of a Jupyter model that the views use.
class PageModel {
  constructor(values) {
    this.values = values;
    this.listeners = new Map();
    this.widget_manager = { get_model: async (id) => pageModels.get(id) };
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    if (this.values[name] === value) return;
    this.values[name] = value;
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener();
  }

  on(event, listener) {
    const name = event.replace("change:", "");
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  off(event, listener) {
    const name = event.replace("change:", "");
    this.listeners.set(name, (this.listeners.get(name) ?? []).filter((one) => one !== listener));
  }

  save_changes() {} // there is no Python to tell
}

const pageModels = new Map(
  Object.entries(saved).map(([id, { state }]) => [id, new PageModel(state)]),
);
const referred = (reference) => pageModels.get(reference.replace("IPY_MODEL_", ""));

// jslink's links: two values that are one.
for (const { model_name, state } of Object.values(saved)) {
  if (model_name !== "LinkModel") continue;
  const [[source, from], [target, to]] = [state.source, state.target];
  const [one, other] = [referred(source), referred(target)];
  other.set(to, one.get(from));
  one.on(from, () => other.set(to, one.get(from)));
  other.on(to, () => one.set(from, other.get(to)));
}

function showModel(id) {
  const model = pageModels.get(id);
  const draw = {
    VBoxModel: showBox,
    HBoxModel: showBox,
    GridBoxModel: showBox,
    FloatSliderModel: showSlider,
    IntSliderModel: showSlider,
    SelectionSliderModel: showSlider,
    CheckboxModel: showCheckbox,
    AnyModel: showView,
  }[saved[id].model_name];
  if (!draw) throw new Error(`A saved page has no ${saved[id].model_name}.`);
  const node = draw(model, saved[id].model_name);
  node.classList.add(...(model.get("_dom_classes") ?? []));
  return node;
}

function showBox(model, kind) {
  const box = element("div", { class: `page-${kind}` });
  const layout = referred(model.get("layout")).values;
  for (const property of ["flex", "flex_flow", "grid_template_columns", "max_height", "min_width", "overflow"]) {
    if (layout[property]) box.style.setProperty(property.replaceAll("_", "-"), layout[property]);
  }
  if (layout.overflow) box.tabIndex = 0; // what scrolls must be reached by the keyboard
  box.append(...model.get("children").map((child) => showModel(child.replace("IPY_MODEL_", ""))));
  return box;
}

// A number, or one of several labels by its place among them.
function showSlider(model, kind) {
  const labels = kind === "SelectionSliderModel" ? model.get("_options_labels") : null;
  const value = labels ? "index" : "value";
  const [min, max, step] = labels
    ? [0, labels.length - 1, 1]
    : ["min", "max", "step"].map((name) => model.get(name));
  const digits = labels ? 0 : Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const id = `page-control-${(labelled += 1)}`;
  const input = element("input", { type: "range", id, min, max, step });
  const output = element("output", { for: id, class: "aevae-number" });
  const show = () => {
    input.value = model.get(value);
    const text = labels ? labels[model.get(value)] : format(model.get(value), digits);
    output.replaceChildren(text);
    set(input, "aria-valuetext", text);
  };
  input.addEventListener("input", () => model.set(value, Number(input.value)));
  model.on(value, show);
  show();
  const label = element("label", { for: id }, model.get("description"));
  label.style.setProperty("min-width", referred(model.get("style")).get("description_width"));
  return element("div", { class: "page-slider" }, label, input, output);
}

function showCheckbox(model) {
  const input = element("input", { type: "checkbox" });
  const show = () => (input.checked = model.get("value"));
  input.addEventListener("change", () => model.set("value", input.checked));
  model.on("value", show);
  show();
  return element("label", { class: "page-checkbox" }, input, model.get("description"));
}

// Shows the page's panel: its controls, and the view that `render` draws.
export function show(render) {
  const place = document.querySelector(".aevae-place");
  place.addEventListener("aevae-ready", () => place.classList.add("aevae-is-ready"));
  const live = element("div", { class: "aevae-live" }, showModel(place.dataset.root));
  place.append(live);
  for (const [model, el] of waiting) render({ model, el });
  // The native sliders' names for screen readers are those that the view gives Jupyter's.
  for (const [model] of waiting) {
    for (const [trait, { name }] of Object.entries(model.get("controls"))) {
      live.querySelector(`.aevae-${trait} input[type=range]`)?.setAttribute("aria-label", name);
    }
  }
}

function showView(model) {
  const el = element("div");
  waiting.push([model, el]);
  return el;
}
