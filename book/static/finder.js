// The finder of causes: its table of symptoms by causes as a form. Answer what you see, and Bayes'
// rule puts the causes in order, the first three with the curves of their runs over those of sound
// ones. Without scripts, and on paper, the table is all there is.
const STATES = [["Yes", "yes"], ["No", "no"], ["Don't know", ""]];
const PANELS = [
  ["Reconstruction", (nats) => nats / 750],
  ["KL", (nats) => Math.log1p(nats) / Math.log1p(300)],
];
const percent = new Intl.NumberFormat("en", { style: "percent" });
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3,
  maximumFractionDigits: 2, roundingPriority: "lessPrecision" });
const KEY = "Strong lines: three runs with the fault; pale ones: sound runs. Names lead to tests and cures.";

function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function question(words, name) {
  const options = STATES.map(([word, value]) => make("label", {},
    make("input", { type: "radio", name, value, defaultChecked: value === "" }), word));
  return make("fieldset", {}, make("legend", {}, words), make("div", {}, ...options));
}

// [probability, number] of each cause, the likeliest first. What is not answered does not count,
// and half a run each way keeps every cause possible. The chapter's `causes` does the same.
function ranked(runs, answers) {
  const scores = runs.map((of, cause) => answers.reduce((score, [counts, yes]) =>
    score * (((yes ? counts[cause] : of - counts[cause]) + 0.5) / (of + 1)), 1));
  const total = scores.reduce((sum, score) => sum + score);
  return scores.map((score, cause) => [score / total, cause]).sort(([a], [b]) => b - a);
}

function line(values, share, kind) {
  const points = values.map((nats, k) => nats === null ? "" : `${24 * k},${90 - 90 * share(nats)}`);
  return `<polyline class="${kind}" points="${points.join(" ")}"/>`;
}

// Where the middle one of the seeds ends.
function end(seeds) {
  const ends = seeds.map((values) => values.at(-1));
  return ends.includes(null) ? "NaN" : digits.format(ends.sort((a, b) => a - b)[1]);
}

function panel([ill, sound], k) {
  const [name, share] = PANELS[k];
  const lines = [[sound, "sound"], [ill, "ill"]].flatMap(([seeds, kind]) =>
    seeds.map((values) => line(values, share, kind)));
  const picture = `<svg viewBox="0 0 240 90" aria-hidden="true">${lines.join("")}</svg>`;
  const words = `${name} at the end: ${end(ill)}; of sound runs: ${end(sound)}`;
  return make("figure", { innerHTML: picture }, make("figcaption", {}, words));
}

function offer(place) {
  const [[, ...causes], [, ...totals], ...rows] = [...place.querySelectorAll("tr")]
    .map((row) => [...row.cells]);
  const numbers = (cells) => cells.map((cell) => Number(cell.textContent));
  const [runs, symptoms] = [numbers(totals), []];
  const form = make("form", { autocomplete: "off" });
  for (const [head, ...counts] of rows) {
    const words = head.textContent;
    form.append(counts.length === 0 ? make("p", {}, words)
      : question(words, symptoms.push(numbers(counts)) - 1));
  }
  const told = make("span", { role: "status" });
  const again = make("button", { type: "button" }, "Start again");
  const list = make("ol", {});
  const entry = ([probability, cause], drawn) => make("li", {},
    make("data", { value: probability }, percent.format(probability)), " ",
    causes[cause].firstChild.cloneNode(true),  // the link to its cure
    make("div", {}, ...(drawn ? JSON.parse(causes[cause].dataset.curves).map(panel) : [])));
  let pause;
  const update = () => {
    const answers = [...new FormData(form)].filter(([, state]) => state)
      .map(([number, state]) => [symptoms[number], state === "yes"]);
    const order = ranked(runs, answers);
    list.replaceChildren(...order.map((one, k) => entry(one, answers.length > 0 && k < 3)));
    const [first, second] = order.map(([probability, cause]) =>
      `${causes[cause].textContent}, ${percent.format(probability)}`);
    const words = answers.length === 0 ? "Nothing answered yet."
      : `${answers.length} answered. Likeliest: ${first}; then ${second}.`;
    clearTimeout(pause);  // arrow keys in a row are not read out one by one
    pause = setTimeout(() => { told.textContent = words; }, 400);
  };
  form.addEventListener("change", update);
  again.addEventListener("click", () => { form.reset(); update(); });
  place.prepend(make("div", { className: "finder-bar" }, told, again), form, make("p", {}, KEY), list);
  update();
}

document.querySelectorAll(".finder").forEach(offer);
