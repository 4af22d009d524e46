// The pointer and the keys on a latent plane.

/** @typedef {import("./codes.js").Point} Point */

/**
 * They become calls of `go` with a new point; a mouse that only passes calls `hover`, and with null
 * when it leaves.
 * @param {HTMLElement} plane
 * @param {Point} low
 * @param {Point} high
 * @param {{ here: () => Point, go: (z: Point) => void, hover: (z: Point | null) => void }} hand
 */
export function listen(plane, low, high, { here, go, hover }) {
  const width = high[0] - low[0];
  const pointOf = (/** @type {PointerEvent} */ event) => {
    const box = plane.getBoundingClientRect();
    return /** @type {Point} */ ([
      low[0] + ((event.clientX - box.left) / box.width) * width,
      high[1] - ((event.clientY - box.top) / box.height) * width,
    ]);
  };
  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text selection; so the focus is ours to give
    plane.focus({ preventScroll: true });
    plane.setPointerCapture(event.pointerId);
    hover(null);
    go(pointOf(event));
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) go(pointOf(event));
    else if (event.pointerType === "mouse") hover(pointOf(event));
  });
  plane.addEventListener("pointerleave", () => hover(null));
  // JupyterLab has uses of its own for the arrow keys, unless an element says that it has too.
  plane.dataset.lmSuppressShortcuts = "true";
  plane.addEventListener("keydown", (event) => {
    const small = (event.shiftKey ? 0.1 : 0.01) * width;
    /** @type {Record<string, Point>} */
    const steps = {
      ArrowLeft: [-small, 0],
      ArrowRight: [small, 0],
      ArrowUp: [0, small],
      ArrowDown: [0, -small],
      PageUp: [0, 0.1 * width],
      PageDown: [0, -0.1 * width],
    };
    const step = steps[event.key];
    const home = event.key === "Home";
    if (event.ctrlKey || event.metaKey || event.altKey || !(step || home)) return;
    event.preventDefault();
    event.stopPropagation();
    hover(null);
    const z = here();
    go(home ? [0, 0] : [z[0] + step[0], z[1] + step[1]]);
  });
}
