// The losses of live training, as small curves.

import { drawing, element, format, set } from "./view.js";

// Reconstruction and KL over the images seen.
export function makeCurves() {
  const [width, height] = [150, 44];
  const history = [];
  const made = ["reconstruction", "kl"].map((name) => {
    const lines = ["ae", "vae"].map((kind) => drawing("path", { class: `aevae-train-line aevae-train-${kind}` }));
    const ends = element("span", { class: "aevae-number" });
    const root = element("div", { class: "aevae-train-curve", role: "img" },
      element("span", {}, name === "kl" ? "KL" : name), ends,
      drawing("svg", { viewBox: `0 -1 ${width} ${height + 2}`, preserveAspectRatio: "none" }, ...lines));
    return { name, lines, ends, root };
  });
  function draw() {
    for (const { name, lines, ends, root } of made) {
      const values = history.map(({ planes }) => planes.map((plane) => plane[name]));
      const [which, digits] = name === "kl" ? [[1], 1] : [[0, 1], 0];
      const all = values.flatMap((pair) => which.map((i) => pair[i]));
      const [least, most] = [Math.min(...all), Math.max(...all)];
      const last = history.at(-1)?.seen ?? 1;
      const toY = (value) => height * (1 - (value - least) / (most - least || 1));
      lines.forEach((line, i) => line.setAttribute("d", which.includes(i) && values.length
        ? `M${history.map(({ seen }, k) =>
          `${((width * seen) / last).toFixed(1)} ${toY(values[k][i]).toFixed(1)}`).join("L")}`
        : ""));
      const text = values.length ? `${format(least, digits)}\u2013${format(most, digits)}` : "";
      ends.replaceChildren(text);
      set(root, "aria-label", `The curve of the ${name} over the images seen, in nats: ${text}`);
    }
  }
  return {
    root: element("div", { class: "aevae-train-curves" }, ...made.map(({ root }) => root)),
    add({ seen, planes }) {
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
