// What every view shares: making elements, painting an image, loading a network, and the names
// and announcements for readers who do not see it.

import { readNetwork } from "./network.js";

export const SIDE = 32; // pixels along an image's edge

export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A value as text, with a true minus and never "-0.00".
export function format(value, digits = 2) {
  return ((Number(value.toFixed(digits)) || 0).toFixed(digits)).replace("-", "\u2212");
}

export function imageCanvas() {
  return element("canvas", { class: "aevae-image", role: "img", width: SIDE, height: SIDE });
}

// Pixels in [0, 1] as grey levels, at a column of the canvas.
export function paint(canvas, pixels, column = 0) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  for (let i = 0; i < pixels.length; i++) {
    const grey = Math.round(255 * pixels[i]);
    image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = grey;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, column, 0);
}

// On a page of the book a long text lies in a file of its own, fetched when it is first needed.
export async function wholeText(text) {
  return globalThis.aevaeFetch ? globalThis.aevaeFetch(text) : text;
}

export async function readBytes(text) {
  return Uint8Array.from(atob(await wholeText(text)), (letter) => letter.charCodeAt(0));
}

// The networks on this page by their digests: every widget runs its own copy of this text, so
// they meet in one place outside it.
const shared = (globalThis.aevaeNetworks ??= new Map());

// The network that a view calls number `index`, read once on a page, whoever asks.
export async function loadNetwork(model, index) {
  const reference = model.get("nets")[index].replace("IPY_MODEL_", "");
  const net = await model.widget_manager.get_model(reference);
  const digest = net.get("digest");
  if (!shared.has(digest)) {
    const reading = readBytes(net.get("weights"))
      .then((bytes) => readNetwork(net.get("layers"), net.get("dtype"), bytes));
    reading.catch(() => shared.delete(digest)); // the next who asks tries again
    shared.set(digest, reading);
  }
  return shared.get(digest);
}

// Says so in the view when something fails, and leaves the error in the console.
export async function orExplain(view, promise) {
  try {
    return await promise;
  } catch (error) {
    const text = `This widget could not start: ${error.message} Run its cell again.`;
    view.append(element("p", { class: "aevae-error", role: "alert" }, text));
    announceReady(view);
    throw error;
  }
}

// Calls `update` once per frame at most, however often the traits change. Returns the undoing.
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

// Moves the model to new values of its traits, and tells whoever is linked to them.
export function move(model, values) {
  for (const [trait, value] of Object.entries(values)) model.set(trait, value);
  model.save_changes();
}

// The nearest value that a slider from `low` to `high` can take.
export function toStep(value, low, high, step) {
  const inside = Math.min(Math.max(value, low), high);
  return Number((low + Math.round((inside - low) / step) * step).toFixed(6));
}

// Tells the page around a view that its pictures are there, so that the still figure can go.
export function announceReady(view) {
  requestAnimationFrame(() => {
    view.dispatchEvent(new CustomEvent("aevae-ready", { bubbles: true, composed: true }));
  });
}

export function button(name, act) {
  const made = element("button", { type: "button", class: "aevae-button" }, name);
  made.addEventListener("click", act);
  return made;
}

// What to try, as a list that can be folded away, and, on a page that has an address, a button
// that copies a link to what the view shows.
export function caption(view, model, hint, experiments) {
  const list = experiments.map((text) => element("li", {}, text));
  view.append(element("details", { class: "aevae-try", open: "" },
    element("summary", {}, "What to try"),
    element("p", {}, hint), element("ul", {}, ...list)));
  whenPlaced(view, () => {
    const place = view.closest(".aevae-place");
    if (place) offerLink(view, model, place);
  });
}

// Calls `act` once, when the view is part of the page: it is drawn first and put there later.
function whenPlaced(view, act) {
  const arrival = new ResizeObserver(() => {
    if (!view.closest(".aevae-panel")) return;
    arrival.disconnect();
    act();
  });
  arrival.observe(view.firstElementChild);
  return () => arrival.disconnect();
}

// --- links that carry a view's state ------------------------------------------------------

// A link names every value that differs from how the view began: "page?map0_z0=1.2#widget-1".
function offerLink(view, model, place) {
  const traits = Object.keys(model.get("start"));
  const said = element("span", { class: "aevae-said", role: "status" });
  const copy = button("Copy a link to this view", async () => {
    const address = new URL(location.href);
    address.search = new URLSearchParams(changed(model, traits));
    address.hash = place.id;
    history.replaceState(history.state, "", address);
    try {
      await navigator.clipboard.writeText(address.href);
      said.replaceChildren("Copied.");
    } catch {
      said.replaceChildren("The link is in the address bar."); // where copying is not allowed
    }
  });
  view.append(element("div", { class: "aevae-share" }, copy, said));
  if (location.hash === `#${place.id}`) {
    move(model, readLink(model, traits, new URLSearchParams(location.search)));
  }
}

function changed(model, traits) {
  const differs = traits.filter((trait) => model.get(trait) !== model.get("start")[trait][0]);
  return differs.map((trait) => [trait, String(Number(model.get(trait)))]);
}

// Only values that the view could have written: a link may come from anybody.
function readLink(model, traits, query) {
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

// A region whose text is read out when it has settled, without interrupting.
export function announcer(view) {
  const region = element("div", { class: "aevae-unseen", "aria-live": "polite" });
  view.append(region);
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => region.replaceChildren(text), 600);
  };
}

// ipywidgets gives a slider's handle and its editable value no name: this gives them one, and
// goes on doing so as the page draws them. Returns the undoing.
export function nameSliders(view, model) {
  const controls = model.get("controls");
  const name = () => {
    const panel = view.closest(".aevae-panel");
    if (!panel) return;
    for (const [trait, { name: label, values }] of Object.entries(controls)) {
      for (const slider of panel.querySelectorAll(`.aevae-${trait}`)) {
        for (const handle of slider.querySelectorAll("[role=slider], .ui-slider-handle")) {
          nameHandle(handle, label, model.get(trait));
          const value = model.get(trait);
          set(handle, "aria-valuetext", values ? values[value] : Number(value.toFixed(4)));
        }
        for (const value of slider.querySelectorAll("[contenteditable]")) {
          set(value, "role", "textbox");
          set(value, "aria-label", `${label}, as a number`);
        }
      }
    }
  };
  const rows = new MutationObserver(name);
  const stopWaiting = whenPlaced(view, () => {
    name();
    rows.observe(view.closest(".aevae-panel"), { childList: true, subtree: true });
  });
  const stop = follow(model, Object.keys(controls), name);
  return () => {
    rows.disconnect();
    stopWaiting();
    stop();
  };
}

function nameHandle(handle, label, value) {
  set(handle, "aria-label", label);
  if (handle.matches(".ui-slider-handle")) {
    // ipywidgets 7 draws a handle that does not even say what it is.
    set(handle, "role", "slider");
    set(handle, "aria-valuenow", value);
  }
}

export function set(node, attribute, value) {
  if (node.getAttribute(attribute) !== String(value)) node.setAttribute(attribute, value);
}
