// What every view shares: making elements, painting an image, loading a network, and the names
// and announcements for readers who do not see it.

const SIDE = 32; // pixels along an image's edge

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A value as text, with a true minus and never "-0.00".
function format(value, digits = 2) {
  return ((Number(value.toFixed(digits)) || 0).toFixed(digits)).replace("-", "\u2212");
}

function imageCanvas() {
  return element("canvas", { class: "aevae-image", role: "img", width: SIDE, height: SIDE });
}

// Pixels in [0, 1] as grey levels.
function paint(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  pixels.forEach((pixel, i) => {
    const grey = Math.round(255 * pixel);
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

// The networks on this page by their digests: every widget runs its own copy of this text, so
// they meet in one place outside it.
const shared = (globalThis.__aevaeNetworks ??= new Map());

// The decoders of a view's models, read once on a page, whoever asks.
function loadNetworks(model) {
  return Promise.all(
    model.get("nets").map(async (reference) => {
      const net = await model.widget_manager.get_model(reference.replace("IPY_MODEL_", ""));
      const digest = net.get("digest");
      if (!shared.has(digest)) {
        shared.set(digest, readNetwork(net.get("layers"), net.get("dtype"), net.get("weights")));
      }
      return shared.get(digest);
    }),
  );
}

// Says so in the view when something fails, and leaves the error in the console.
async function orExplain(view, promise) {
  try {
    return await promise;
  } catch (error) {
    const text = `This widget could not start: ${error.message} Run its cell again.`;
    view.append(element("p", { class: "aevae-error", role: "alert" }, text));
    throw error;
  }
}

// Calls `update` once per frame at most, however often the traits change. Returns the undoing.
function follow(model, traits, update) {
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
function move(model, values) {
  for (const [trait, value] of Object.entries(values)) model.set(trait, value);
  model.save_changes();
}

// The nearest value that a slider from `low` to `high` can take.
function toStep(value, low, high, step) {
  const inside = Math.min(Math.max(value, low), high);
  return Number((low + Math.round((inside - low) / step) * step).toFixed(6));
}

// A region whose text is read out when it has settled, without interrupting.
function announcer(view) {
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
function nameSliders(view, model) {
  const name = (panel) => {
    for (const [trait, label] of Object.entries(model.get("controls"))) {
      for (const slider of panel.querySelectorAll(`.aevae-${trait}`)) {
        for (const handle of slider.querySelectorAll("[role=slider], .ui-slider-handle")) {
          nameHandle(handle, label, model.get(trait));
        }
        for (const value of slider.querySelectorAll("[contenteditable]")) {
          set(value, "role", "textbox");
          set(value, "aria-label", `${label}, as a number`);
        }
      }
    }
  };
  const rows = new MutationObserver(() => name(view.closest(".aevae-panel")));
  // A view is drawn first and put on the page later: its size changes when it gets there.
  const arrival = new ResizeObserver(() => {
    const panel = view.closest(".aevae-panel");
    if (!panel) return;
    arrival.disconnect();
    name(panel);
    rows.observe(panel, { childList: true, subtree: true });
  });
  arrival.observe(view);
  const stop = follow(model, Object.keys(model.get("controls")), () => {
    const panel = view.closest(".aevae-panel");
    if (panel) name(panel);
  });
  return () => {
    rows.disconnect();
    arrival.disconnect();
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

function set(node, attribute, value) {
  if (node.getAttribute(attribute) !== String(value)) node.setAttribute(attribute, value);
}
