// What the decoder draws all over a plane, as a picture behind it: coarse at once, fine when the
// page is idle, and kept for every network that was shown.

import { wholeText } from "./nets.js";
import { element } from "./view.js";

/** @typedef {import("./codes.js").Point} Point */
/** @typedef {import("./nets.js").Model} Model */
/** @typedef {import("./network.js").Layer} Layer */
/**
 * A plane's number, its network's, and all that backdrop_worker.js needs to draw them.
 * @typedef {{
 *   plane: number, key: number, network: Layer[], low: Point, high: Point, shape: number[],
 *   grid: number,
 * }} Wish
 */
/** @typedef {{ grid: number, canvas: HTMLCanvasElement }} Kept */

const [COARSE, FINE] = [8, 16]; // pictures along each edge of a plane

/**
 * `show` gets a plane's number and the picture that belongs behind it; `refuse` is called once, if
 * this page allows no thread.
 * @param {Model} model
 * @param {(plane: number, picture: HTMLCanvasElement) => void} show
 * @param {() => void} refuse
 */
export function makeBackdrops(model, show, refuse) {
  /** @type {Map<string, Kept>} */
  const kept = new Map();
  /** @type {Wish[]} */
  const wanted = []; // of each plane, the last
  /** @type {Promise<Worker | null> | undefined} */
  let thread;
  let stopped = false;
  const name = (/** @type {{ plane: number, key: number }} */ { plane, key }) => `${plane} ${key}`;
  const isWanted = (/** @type {{ plane: number, key: number }} */ one) =>
    wanted[one.plane]?.key === one.key;

  const receive = (/** @type {{ data: any }} */ { data }) => {
    const canvas = element("canvas", {
      class: "aevae-backdrop", width: data.edge, height: data.edge, "data-grid": data.grid,
    });
    canvas.getContext("2d")?.putImageData(new ImageData(data.pixels, data.edge, data.edge), 0, 0);
    kept.set(name(data), { grid: data.grid, canvas });
    if (!isWanted(data)) return;
    show(data.plane, canvas);
    if (data.grid < FINE) whenIdle(() => isWanted(data) && post(data.plane, FINE));
  };
  async function start() {
    const code = await wholeText(model.get("worker"));
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    try {
      const worker = new Worker(address);
      worker.onmessage = receive;
      worker.addEventListener("error", refuse, { once: true }); // some browsers refuse so,
      return worker;
    } catch {
      refuse(); // and others so
      return null;
    }
  }
  async function post(/** @type {number} */ plane, /** @type {number} */ grid) {
    thread ??= start();
    const worker = await thread;
    if (stopped) worker?.terminate();
    else worker?.postMessage({ ...wanted[plane], grid });
  }
  return {
    /** @param {Omit<Wish, "grid">} wish */
    ask(wish) {
      const have = kept.get(name(wish));
      wanted[wish.plane] = { ...wish, grid: FINE };
      if (have) show(wish.plane, have.canvas);
      if (have?.grid !== FINE) post(wish.plane, have ? FINE : COARSE);
    },
    stop() {
      stopped = true;
      thread?.then((worker) => worker?.terminate());
    },
  };
}

const whenIdle = globalThis.requestIdleCallback ??
  ((/** @type {() => void} */ act) => window.setTimeout(act, 50));
