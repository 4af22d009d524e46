// What a saved page has in place of Jupyter: the models of its widgets, and browsers' own controls.

import { digitsOf, element, format, set } from "./view.js";

/** @typedef {import("./nets.js").Model} Model */

const text = document.getElementById("aevae-state")?.textContent ?? "{}";
/** @type {Record<string, { model_name: string, state: Record<string, any> }>} */
const saved = JSON.parse(text);
/** @type {[PageModel, Element][]} */
const waiting = []; // views begin when they are part of the page
let labelled = 0;

// One widget's values, with the part of a Jupyter model that the views use.
class PageModel {
  /** @param {Record<string, any>} values */
  constructor(values) {
    this.values = values;
    /** @type {Map<string, (() => void)[]>} */
    this.listeners = new Map();
    this.widget_manager = { get_model: async (/** @type {string} */ id) => modelOf(id) };
  }

  /** @param {string} name */
  get(name) {
    return this.values[name];
  }

  /**
   * @param {string} name
   * @param {any} value
   */
  set(name, value) {
    if (this.values[name] === value) return;
    this.values[name] = value;
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener();
  }

  /**
   * @param {string} event
   * @param {() => void} listener
   */
  on(event, listener) {
    const name = event.replace("change:", "");
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  /**
   * @param {string} event
   * @param {() => void} listener
   */
  off(event, listener) {
    const name = event.replace("change:", "");
    this.listeners.set(name, (this.listeners.get(name) ?? []).filter((one) => one !== listener));
  }

  save_changes() {} // there is no Python to tell
}

const models = new Map(
  Object.entries(saved).map(([id, { state }]) => [id, new PageModel(state)]),
);

/** @param {string} reference */
function modelOf(reference) {
  const model = models.get(idOf(reference));
  if (!model) throw new Error(`The page holds no model ${reference}.`);
  return model;
}

/** @param {string} reference */
function idOf(reference) {
  return reference.replace("IPY_MODEL_", "");
}

// jslink's links: two values that are one.
for (const { model_name, state } of Object.values(saved)) {
  if (model_name !== "LinkModel") continue;
  const [[source, from], [target, to]] = [state.source, state.target];
  const [one, other] = [modelOf(source), modelOf(target)];
  other.set(to, one.get(from));
  one.on(from, () => other.set(to, one.get(from)));
  other.on(to, () => one.set(from, other.get(to)));
}

/** @type {Record<string, (model: PageModel, kind: string) => HTMLElement>} */
const WIDGETS = {
  VBoxModel: showBox,
  HBoxModel: showBox,
  GridBoxModel: showBox,
  FloatSliderModel: showSlider,
  FloatLogSliderModel: showSlider,
  IntSliderModel: showSlider,
  SelectionSliderModel: showSlider,
  CheckboxModel: showCheckbox,
  DropdownModel: showDropdown,
  FloatTextModel: showNumber,
  AnyModel: showView,
};

/** @param {string} reference */
function showModel(reference) {
  const { model_name } = saved[idOf(reference)];
  const draw = WIDGETS[model_name];
  if (!draw) throw new Error(`A saved page has no ${model_name}.`);
  const model = modelOf(reference);
  const node = draw(model, model_name);
  node.classList.add(...(model.get("_dom_classes") ?? []));
  return node;
}

const LAYOUT = ["flex", "flex_flow", "grid_template_columns", "max_height", "min_width", "overflow"];

/**
 * @param {PageModel} model
 * @param {string} kind
 */
function showBox(model, kind) {
  const box = element("div", { class: `page-${kind}` });
  const layout = modelOf(model.get("layout"));
  for (const property of LAYOUT) {
    const value = layout.get(property);
    if (value) box.style.setProperty(property.replaceAll("_", "-"), value);
  }
  if (layout.get("overflow")) box.tabIndex = 0; // what scrolls must be reached by the keyboard
  box.append(...model.get("children").map(showModel));
  return box;
}

/**
 * A number, its power of ten, or one of several labels by its place among them.
 * @param {PageModel} model
 * @param {string} kind
 */
function showSlider(model, kind) {
  const powers = kind === "FloatLogSliderModel";
  const labels = kind === "SelectionSliderModel" ? model.get("_options_labels") : null;
  const value = labels ? "index" : "value";
  const [min, max, step] = labels
    ? [0, labels.length - 1, 1]
    : ["min", "max", "step"].map((name) => model.get(name));
  const input = element("input", { type: "range", min, max, step });
  const row = labelledRow(model, input);
  const output = element("output", { for: input.id, class: "aevae-number" });
  const show = () => {
    const now = model.get(value);
    input.value = powers ? String(Math.log10(now)) : now;
    const number = powers ? String(Number(now.toPrecision(3))) : format(now, digitsOf(step));
    const words = labels ? labels[now] : number;
    output.replaceChildren(words);
    set(input, "aria-valuetext", words);
  };
  input.addEventListener("input", () => model.set(value, powers ? 10 ** Number(input.value) : Number(input.value)));
  model.on(value, show);
  show();
  row.append(output);
  return row;
}

/**
 * What a widget is called, and beside it what it is moved by.
 * @param {PageModel} model
 * @param {HTMLElement} input
 */
function labelledRow(model, input) {
  labelled += 1;
  input.id = `page-control-${labelled}`;
  const label = element("label", { for: input.id }, model.get("description"));
  label.style.setProperty("min-width", modelOf(model.get("style")).get("description_width"));
  return element("div", { class: "page-slider" }, label, input);
}

/** @param {PageModel} model */
function showDropdown(model) {
  /** @type {string[]} */
  const labels = model.get("_options_labels");
  const input = element("select", {}, ...labels.map((text) => element("option", {}, text)));
  const show = () => {
    input.selectedIndex = model.get("index");
  };
  input.addEventListener("change", () => model.set("index", input.selectedIndex));
  model.on("index", show);
  show();
  return labelledRow(model, input);
}

/** @param {PageModel} model */
function showNumber(model) {
  const input = element("input", { type: "number", step: "any" });
  const show = () => {
    input.value = model.get("value");
  };
  input.addEventListener("change", () => model.set("value", Number(input.value)));
  model.on("value", show);
  show();
  return labelledRow(model, input);
}

/** @param {PageModel} model */
function showCheckbox(model) {
  const input = element("input", { type: "checkbox" });
  const show = () => {
    input.checked = model.get("value");
  };
  input.addEventListener("change", () => model.set("value", input.checked));
  model.on("value", show);
  show();
  return element("label", { class: "page-checkbox" }, input, model.get("description"));
}

/** @param {PageModel} model */
function showView(model) {
  const el = element("div");
  waiting.push([model, el]);
  return el;
}

/**
 * Shows the page's panel: its controls, and the view that `render` draws.
 * @param {(context: { model: Model, el: Element }) => void} render
 */
export function show(render) {
  const place = /** @type {HTMLElement} */ (document.querySelector(".aevae-place"));
  place.addEventListener("aevae-ready", () => place.classList.add("aevae-is-ready"));
  const live = element("div", { class: "aevae-live" }, showModel(place.dataset.root ?? ""));
  place.append(live);
  for (const [model, el] of waiting) render({ model, el });
  // The native sliders' names for screen readers are those that the view gives Jupyter's.
  for (const [model] of waiting) {
    for (const [trait, { name }] of Object.entries(model.get("controls"))) {
      const input = live.querySelector(`.aevae-${trait} input[type=range]`);
      if (input) set(input, "aria-label", name);
    }
  }
}
