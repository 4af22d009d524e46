// What every view shares: making elements, painting an image, following its model, and the names
// and announcements for readers who do not see it.

/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./network.js").Image} Image */
/** @typedef {Record<string, string | number | boolean>} Attributes */
/** @typedef {(string | Node)[]} Children */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {Children} children
 */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {Children} children
 */
export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/**
 * @template {Element} Kind
 * @param {Kind} node
 * @param {Attributes} attributes
 * @param {Children} children
 * @returns {Kind}
 */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * A value as text, with a true minus and never "-0.00".
 * @param {number} value
 */
export function format(value, digits = 2) {
  return ((Number(value.toFixed(digits)) || 0).toFixed(digits)).replace("-", "\u2212");
}

/**
 * A canvas for `count` images side by side, of (channels, height, width) as in Python.
 * @param {number[]} shape
 */
export function imageCanvas([, height, width], count = 1) {
  return element("canvas", {
    class: count > 1 ? "aevae-strip" : "aevae-image", role: "img", width: count * width, height,
  });
}

/**
 * An image in grey or in colour, as the `place`th of those on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {Image} image
 */
export function paint(canvas, { shape: [rows, columns, channels], values }, place = 0) {
  const context = canvas.getContext("2d");
  const image = context?.createImageData(columns, rows);
  if (!context || !image) return;
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let i = 0; i < rows * columns; i++) {
    image.data[4 * i] = Math.round(255 * values[channels * i]);
    image.data[4 * i + 1] = Math.round(255 * values[channels * i + green]);
    image.data[4 * i + 2] = Math.round(255 * values[channels * i + blue]);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, place * columns, 0);
}

/**
 * Says so in the view when something fails, and leaves the error in the console.
 * @template Result
 * @param {Element} view
 * @param {Promise<Result>} promise
 * @returns {Promise<Result | undefined>}
 */
export async function orExplain(view, promise) {
  try {
    return await promise;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const text = `This widget could not start: ${reason} Load the page again, or run its cell again.`;
    view.append(element("p", { class: "aevae-error", role: "alert" }, text));
    announceReady(view);
    console.error(error);
    return undefined;
  }
}

/**
 * Calls `update` once per frame at most, however often the traits change. Returns the undoing.
 * @param {Model} model
 * @param {string[]} traits
 * @param {() => void} update
 */
export function follow(model, traits, update) {
  let frame = 0;
  const ask = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      update();
    });
  };
  for (const trait of traits) model.on(`change:${trait}`, ask);
  return () => {
    for (const trait of traits) model.off(`change:${trait}`, ask);
    cancelAnimationFrame(frame);
  };
}

/**
 * Moves the model to new values of its traits, and tells whoever is linked to them.
 * @param {Model} model
 * @param {Record<string, any>} values
 */
export function move(model, values) {
  for (const [trait, value] of Object.entries(values)) model.set(trait, value);
  model.save_changes();
}

/**
 * The nearest value that a slider from `low` to `high` can take.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {number} step
 */
export function toStep(value, low, high, step) {
  const inside = Math.min(Math.max(value, low), high);
  return Number((low + Math.round((inside - low) / step) * step).toFixed(6));
}

/**
 * The digits after the point that show a step.
 * @param {number} step
 */
export function digitsOf(step) {
  return Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
}

/**
 * Tells the page around a view that its pictures are there, so that the still figure can go.
 * @param {Element} view
 */
export function announceReady(view) {
  requestAnimationFrame(() => {
    view.dispatchEvent(new CustomEvent("aevae-ready", { bubbles: true, composed: true }));
  });
}

/**
 * @param {string} name
 * @param {() => void} act
 */
export function button(name, act) {
  const made = element("button", { type: "button", class: "aevae-button" }, name);
  made.addEventListener("click", act);
  return made;
}

/**
 * What the view is, what to try in it, as a list that unfolds, and, on a page that has an address, a
 * button that copies a link to what the view shows.
 * @param {Element} view
 * @param {Model} model
 * @param {string} hint
 * @param {string[]} experiments
 */
export function caption(view, model, hint, experiments) {
  const list = experiments.map((text) => element("li", {}, text));
  view.append(element("p", { class: "aevae-hint" }, hint),
    element("details", { class: "aevae-try" },
      element("summary", {}, "What to try"), element("ul", {}, ...list)));
  whenPlaced(view, () => offerLink(view, model));
}

/**
 * Calls `act` once, when the view is part of the page: it is drawn first and put there later.
 * @param {Element} view
 * @param {() => void} act
 */
export function whenPlaced(view, act) {
  const arrival = new ResizeObserver(() => {
    if (!view.closest(".aevae-panel")) return;
    arrival.disconnect();
    act();
  });
  if (view.firstElementChild) arrival.observe(view.firstElementChild);
  return () => arrival.disconnect();
}

// --- links that carry a view's state ------------------------------------------------------

/**
 * A link names every value that differs from how the view began: "page?map0_z0=1.2#widget-1".
 * The button for it stands at the end of the view, or of a part of it; where there is no address,
 * there is none.
 * @param {Element} view
 * @param {Model} model
 * @param {Element} part
 */
export function offerLink(view, model, part = view) {
  const place = view.closest(".aevae-place");
  if (!place) return;
  const traits = Object.keys(model.get("start"));
  const said = element("span", { class: "aevae-said", role: "status" });
  const copy = button("Copy a link to this view", async () => {
    const address = new URL(location.href);
    address.search = String(new URLSearchParams(changed(model, traits)));
    address.hash = place.id;
    history.replaceState(history.state, "", address);
    try {
      await navigator.clipboard.writeText(address.href);
      said.replaceChildren("Copied.");
    } catch {
      said.replaceChildren("The link is in the address bar."); // where copying is not allowed
    }
  });
  part.append(element("div", { class: "aevae-share" }, copy, said));
  if (location.hash === `#${place.id}`) {
    move(model, readLink(model, traits, new URLSearchParams(location.search)));
  }
}

/**
 * @param {Model} model
 * @param {string[]} traits
 */
function changed(model, traits) {
  const differs = traits.filter((trait) => model.get(trait) !== model.get("start")[trait][0]);
  return differs.map((trait) => [trait, String(Number(model.get(trait)))]);
}

/**
 * Only values that the view could have written: a link may come from anybody.
 * @param {Model} model
 * @param {string[]} traits
 * @param {URLSearchParams} query
 */
function readLink(model, traits, query) {
  /** @type {Record<string, number | boolean>} */
  const values = {};
  for (const trait of traits) {
    const [initial, low, high] = model.get("start")[trait];
    const text = query.get(trait);
    const value = Number(text);
    if (text === null || text.trim() === "" || !(low <= value && value <= high)) continue;
    if (typeof initial === "boolean") values[trait] = value === 1;
    else values[trait] = model.get("whole").includes(trait) ? Math.round(value) : value;
  }
  return values;
}

// --- for readers who do not see the view --------------------------------------------------

/**
 * A region whose text is read out when it has settled, without interrupting.
 * @param {Element} view
 */
export function announcer(view) {
  const region = element("div", { class: "aevae-unseen", "aria-live": "polite" });
  view.append(region);
  let timer = 0;
  return (/** @type {string | null} */ text) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => region.replaceChildren(text ?? ""), 600);
  };
}

/**
 * ipywidgets gives a slider's handle and its editable value no name: this gives them one, and
 * goes on doing so as the page draws them. Returns the undoing.
 * @param {Element} view
 * @param {Model} model
 */
export function nameSliders(view, model) {
  const controls = model.get("controls");
  const name = () => {
    const panel = view.closest(".aevae-panel");
    if (panel) for (const trait of Object.keys(controls)) nameControl(panel, model, trait);
  };
  const rows = new MutationObserver(name);
  const stopWaiting = whenPlaced(view, () => {
    name();
    const panel = view.closest(".aevae-panel");
    if (panel) rows.observe(panel, { childList: true, subtree: true });
  });
  const stop = follow(model, Object.keys(controls), name);
  return () => {
    rows.disconnect();
    stopWaiting();
    stop();
  };
}

/**
 * @param {Element} panel
 * @param {Model} model
 * @param {string} trait
 */
function nameControl(panel, model, trait) {
  const { name, values } = model.get("controls")[trait];
  const value = model.get(trait);
  for (const slider of panel.querySelectorAll(`.aevae-${trait}`)) {
    for (const handle of slider.querySelectorAll("[role=slider], .ui-slider-handle")) {
      set(handle, "aria-label", name);
      if (handle.matches(".ui-slider-handle")) {
        // ipywidgets 7 draws a handle that does not even say what it is.
        set(handle, "role", "slider");
        set(handle, "aria-valuenow", value);
      }
      set(handle, "aria-valuetext", values.length ? values[value] : Number(value.toFixed(4)));
    }
    for (const text of slider.querySelectorAll("[contenteditable]")) {
      set(text, "role", "textbox");
      set(text, "aria-label", `${name}, as a number`);
    }
  }
}

/**
 * Sets an attribute, unless it is so already.
 * @param {Element} node
 * @param {string} attribute
 * @param {string | number | boolean} value
 */
export function set(node, attribute, value) {
  if (node.getAttribute(attribute) !== String(value)) node.setAttribute(attribute, String(value));
}
