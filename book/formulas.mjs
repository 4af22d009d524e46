// Sets formulas as MathML: settings and formulas as JSON on stdin, one answer for each on stdout.
import { text } from "node:stream/consumers";
import mathjax from "mathjax";

const { settings, formulas } = JSON.parse(await text(process.stdin));
const formatError = (_, error) => { throw error; };
const MathJax = await mathjax.init({
  loader: { load: ["input/tex-full"] },
  tex: { ...settings, formatError },
});
const { startup, _: parts } = MathJax;
const end = parts.core.MathItem.STATE.CONVERT;

// The gaps that TeX leaves between the parts of a formula; a browser would go by other rules, so
// they are written down. Names of gaps are no part of what browsers know.
const GAPS = { thinmathspace: "0.167em", mediummathspace: "0.222em", thickmathspace: "0.278em" };

function space(root) {
  root.setTeXclass(null);
  const nodes = [];
  root.walkTree((node) => nodes.push(node));
  for (const node of nodes) {
    const width = GAPS[node.texSpacing?.()];
    if (!width) continue;
    const { childNodes } = node.parent;
    const at = childNodes.indexOf(node);
    const before = childNodes[at - 1];
    if (node.isEmbellished) give(node.coreMO(), "lspace", width);
    else if (before?.isEmbellished) give(before.coreMO(), "rspace", width);
    else childNodes.splice(at, 0, node.factory.create("mspace", { width }));
  }
  for (const operator of nodes.filter((node) => node.isKind("mo"))) {
    give(operator, "lspace", "0");
    give(operator, "rspace", "0");
  }
}

// What stands on a letter or under it is no operator, which browsers do not see by themselves.
function mark(root) {
  root.walkTree((node) => {
    const side = { mover: "accent", munder: "accentunder" }[node.kind];
    if (side && node.childNodes[1].attributes.get("accent")) node.attributes.set(side, true);
  });
}

function give({ attributes }, name, value) {
  if (!attributes.isSet(name)) attributes.set(name, value);
}

function set({ tex, display }) {
  try {
    const root = startup.document.convert(tex, { display, end });
    space(root);
    mark(root);
    const mathml = startup.toMML(root)
      .replace(/ (xmlns|data-mjx-[\w-]+)="[^"]*"/g, "").replace(/\n\s*/g, "")
      .replace(/>\^<\/mo>/g, ">ˆ</mo>") // a hat; the other is a sign of its own
      .replace(/&#x(\w+);/g, (_, code) => String.fromCodePoint(`0x${code}`));
    return { mathml };
  } catch (error) {
    return { error: error.message };
  }
}

console.log(JSON.stringify(formulas.map(set)));
