// The networks on a page: each is read once, whoever asks, and kept until nobody needs it.

import { readNetwork } from "./network.js";

/** @typedef {import("./network.js").Layer} Layer */

/**
 * The part of a Jupyter model that the views use.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {(event: string, act: () => void) => void} on
 * @property {(event: string, act: () => void) => void} off
 * @property {() => void} save_changes
 * @property {{ get_model: (id: string) => Promise<Model> }} widget_manager
 */

/** @typedef {{ network: Promise<Layer[]>, users: Set<object> }} Shared */

/** @type {any} */
const page = globalThis;

// By their digests: every widget runs its own copy of this text, so they meet outside of it.
page.aevaeNetworks ??= new Map();
/** @type {Map<string, Shared>} */
const shared = page.aevaeNetworks;

/**
 * On a page of the book a long text lies in a file of its own, fetched when it is first needed.
 * @param {string} text
 * @returns {Promise<string>}
 */
export async function wholeText(text) {
  return page.aevaeFetch ? page.aevaeFetch(text) : text;
}

/** @param {string} text in base64 */
export async function readBytes(text) {
  return Uint8Array.from(atob(await wholeText(text)), (letter) => letter.charCodeAt(0));
}

/**
 * One view's hold on its networks: `load` gives the one that the view calls number `index`, and
 * after `release` those that no other view holds are forgotten.
 * @param {Model} model
 */
export function holdNetworks(model) {
  const held = new Set();
  const user = {};
  let released = false;
  const forget = () => {
    for (const digest of held) {
      const users = shared.get(digest)?.users;
      users?.delete(user);
      if (!users?.size) shared.delete(digest);
    }
    held.clear();
  };
  return {
    /** @param {number} index */
    async load(index) {
      const reference = model.get("nets")[index].replace("IPY_MODEL_", "");
      const net = await model.widget_manager.get_model(reference);
      const digest = net.get("digest");
      const { network, users } = shared.get(digest) ?? read(net, digest);
      users.add(user);
      held.add(digest);
      if (released) forget(); // the view was closed while it waited
      return network;
    },
    release() {
      released = true;
      forget();
    },
  };
}

/**
 * @param {Model} net
 * @param {string} digest
 * @returns {Shared}
 */
function read(net, digest) {
  const network = readBytes(net.get("weights"))
    .then((bytes) => readNetwork(net.get("layers"), net.get("dtype"), bytes));
  const reading = { network, users: new Set() };
  shared.set(digest, reading);
  network.catch(() => shared.delete(digest)); // the next who asks tries again
  return reading;
}
