// The widgets' front end of the static site: ipywidgets' controls and anywidget, with no kernel.
// Bundled into one script by frontend.py; Sphinx adds it to the pages that hold widget state.
import * as base from "@jupyter-widgets/base";
import { ManagerBase } from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import "@jupyter-widgets/controls/css/labvariables.css";
import "@jupyter-widgets/controls/css/widgets-base.css";
import { Widget } from "@lumino/widgets";
import defineAnywidget from "anywidget-front-end";

const MODULES = {
  "@jupyter-widgets/base": base,
  "@jupyter-widgets/controls": controls,
  anywidget: defineAnywidget(base),
};

class PageManager extends ManagerBase {
  async loadClass(className, moduleName) {
    const found = MODULES[moduleName]?.[className];
    if (!found) {
      throw new Error(`${moduleName}.${className} needs a kernel: it has no place on a static page.`);
    }
    return found;
  }

  // There is no kernel to talk to: messages go nowhere.
  async _get_comm_info() {
    return {};
  }

  async _create_comm() {
    return { on_close() {}, on_msg() {}, send() {}, close() {} };
  }
}

// Long texts of the widgets (weights, pictures, code) lie in files of their own, made by
// site_extension.py. They are scripts, so that a page opened from a disk can have them too.
const here = new URL(".", document.currentScript.src);
const files = new Map();

globalThis.aevaeFile = (name, text) => files.get(name).arrive(text);

globalThis.aevaeFetch = async (text) => {
  if (!text.startsWith("file:")) return text;
  const name = text.slice("file:".length);
  if (!files.has(name)) {
    const file = {};
    file.text = new Promise((arrive, fail) => {
      file.arrive = arrive;
      const script = document.createElement("script");
      script.src = new URL(`widgets/${name}.js`, here);
      script.addEventListener("error", () => {
        files.delete(name); // the next who asks tries again
        fail(new Error("A part of it could not be loaded. Is the network there?"));
      });
      document.head.append(script);
    });
    files.set(name, file);
  }
  return files.get(name).text;
};

// What a model needs before it can be made; the rest is fetched when a view asks for it.
async function fetchCode(models) {
  const states = Object.values(models).map((model) => model.state);
  await Promise.all(states.flatMap((state) => ["_esm", "_css"].map(async (name) => {
    if (state[name]) state[name] = await globalThis.aevaeFetch(state[name]);
  })));
}

const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

async function showAll() {
  for (const script of document.querySelectorAll(STATE)) {
    const manager = new PageManager();
    const saved = JSON.parse(script.textContent);
    try {
      await fetchCode(saved.state);
    } catch (error) {
      console.error(error);
      globalThis.aevaeExplain(error.message);
      continue;
    }
    await manager.set_state(saved);
    for (const view of document.querySelectorAll(VIEW)) whenNear(view, () => show(manager, view));
  }
}

// A widget is made when the reader comes within a screen of its place: until then, what it needs
// is not fetched.
function whenNear(view, act) {
  const place = view.closest(".aevae-place") ?? view.parentElement;
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    act();
  }, { rootMargin: "100% 0px" });
  near.observe(place);
}

async function show(manager, script) {
  const { model_id } = JSON.parse(script.textContent);
  if (!manager.has_model(model_id)) return; // closed by its notebook before it was saved
  const place = document.createElement("div");
  place.className = "aevae-live";
  const whole = script.closest(".aevae-place"); // with a still figure, until the view is ready
  whole?.addEventListener("aevae-ready", () => whole.classList.add("aevae-is-ready"));
  script.before(place);
  const view = await manager.create_view(await manager.get_model(model_id));
  Widget.attach(view.luminoWidget, place);
}

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("widgets.css", here);
styles.addEventListener("load", showAll); // sliders measure themselves when they appear
document.head.append(styles);
