// The losses of live training, as small curves.

import { drawing, element, format, set } from "./view.js";

/** @typedef {{ reconstruction: number, kl: number }} Losses */
/** @typedef {{ seen: number, planes: Losses[] }} Moment */

// Reconstruction and KL over the images seen.
export function makeCurves() {
  const [width, height] = [150, 44];
  /** @type {Moment[]} */
  const history = [];
  const made = /** @type {const} */ (["reconstruction", "kl"]).map((name) => {
    const lines = ["ae", "vae"].map((kind) =>
      drawing("path", { class: `aevae-train-line aevae-train-${kind}` }));
    const box = { viewBox: `0 -1 ${width} ${height + 2}`, preserveAspectRatio: "none" };
    const ends = element("span", { class: "aevae-number" });
    const label = `The curve of the ${name}.`;
    const curve = { class: "aevae-train-curve", role: "img", "aria-label": label };
    const root = element("div", curve,
      element("span", {}, name === "kl" ? "KL" : name), ends,
      drawing("svg", box, ...lines));
    return { name, lines, ends, root };
  });
  function draw() {
    for (const { name, lines, ends, root } of made) {
      const values = history.map(({ planes }) => planes.map((plane) => plane[name]));
      const which = name === "kl" ? [1] : [0, 1];
      const digits = name === "kl" ? 1 : 0;
      const all = values.flatMap((pair) => which.map((i) => pair[i]));
      const [least, most] = [Math.min(...all), Math.max(...all)];
      const last = history.at(-1)?.seen ?? 1;
      const span = most - least || 1;
      const toY = (/** @type {number} */ value) => height * (1 - (value - least) / span);
      for (const i of which) {
        const points = history.map(({ seen }, k) =>
          `${((width * seen) / last).toFixed(1)} ${toY(values[k][i]).toFixed(1)}`);
        lines[i].setAttribute("d", points.length ? `M${points.join("L")}` : "");
      }
      const text = values.length ? `${format(least, digits)}\u2013${format(most, digits)}` : "";
      ends.replaceChildren(text);
      set(root, "aria-label", `The curve of the ${name} over the images seen, in nats: ${text}`);
    }
  }
  return {
    root: element("div", { class: "aevae-train-curves" }, ...made.map(({ root }) => root)),
    add(/** @type {Moment} */ { seen, planes }) {
      if (seen <= (history.at(-1)?.seen ?? 0)) return;
      history.push({
        seen, planes: planes.map(({ reconstruction, kl }) => ({ reconstruction, kl })),
      });
      draw();
    },
    clear() {
      history.length = 0;
      draw();
    },
  };
}
