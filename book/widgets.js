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

const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

async function showAll() {
  for (const script of document.querySelectorAll(STATE)) {
    const manager = new PageManager();
    await manager.set_state(JSON.parse(script.textContent));
    await Promise.all(Array.from(document.querySelectorAll(VIEW), (view) => show(manager, view)));
  }
}

async function show(manager, script) {
  const { model_id } = JSON.parse(script.textContent);
  if (!manager.has_model(model_id)) return; // closed by its notebook before it was saved
  const place = document.createElement("div");
  script.before(place);
  const view = await manager.create_view(await manager.get_model(model_id));
  Widget.attach(view.luminoWidget, place);
}

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("widgets.css", document.currentScript.src);
styles.addEventListener("load", showAll); // sliders measure themselves when they appear
document.head.append(styles);
