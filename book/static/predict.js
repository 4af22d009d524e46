// The options of a prediction, or of a question, as buttons that answer at once: right or not, and
// why. The answer itself stands further down, folded: why the right one is right, then what speaks
// against the others, each paragraph after its letter. Without scripts the options are a list.
const questions = [...document.querySelectorAll("ul.prediction")];
const answers = [...document.querySelectorAll(".fold-answer")];

function letter(part) {
  return part.querySelector("strong:first-child")?.textContent.match(/^([A-G])\.$/)?.[1];
}

// What the answer says to a choice: the word against it first, and none against other options.
function reasons(answer, chosen) {
  const [right, ...others] = answer.querySelectorAll(":scope > :not(summary)");
  const own = others.filter((part) => letter(part) === chosen);
  return [...own, right, ...others.filter((part) => !letter(part))];
}

function offer(options, changed) {
  const told = document.createElement("div");
  told.className = "prediction-told";
  told.setAttribute("role", "status");
  options.after(told);
  options.previousElementSibling.id ||= `question-${questions.indexOf(options) + 1}`;
  options.setAttribute("aria-labelledby", options.previousElementSibling.id);
  const answer = answers.find((one) => options.compareDocumentPosition(one)
    & Node.DOCUMENT_POSITION_FOLLOWING);
  for (const option of options.children) {
    const chosen = letter(option);
    const right = option.classList.contains("right");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...option.querySelector("p").childNodes);
    option.replaceChildren(button);
    button.addEventListener("click", () => {
      for (const other of options.querySelectorAll("button")) other.removeAttribute("aria-pressed");
      button.setAttribute("aria-pressed", "true");
      if (!options.matches(".is-answered") && right) options.classList.add("was-right");
      options.classList.add("is-answered");
      told.replaceChildren(
        Object.assign(document.createElement("strong"), { textContent: right ? "Yes." : "No." }),
        ...reasons(answer, chosen).map((part) => part.cloneNode(true)),
      );
      changed();
    });
  }
}

// A page that has a place for it keeps the score of the first answers.
function keepScore(place) {
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  const again = Object.assign(document.createElement("button"),
    { type: "button", textContent: "Start again" });
  const tell = () => {
    const [answered, right] = ["is-answered", "was-right"].map((name) =>
      questions.filter((options) => options.classList.contains(name)).length);
    told.textContent = `${answered} of ${questions.length} answered, ${right} right`;
  };
  again.addEventListener("click", () => {
    for (const options of questions) {
      options.classList.remove("is-answered", "was-right");
      for (const one of options.querySelectorAll("button")) one.removeAttribute("aria-pressed");
      options.nextElementSibling.replaceChildren();
    }
    tell();
    questions[0].querySelector("button").focus();
  });
  place.replaceChildren(told, again);
  tell();
  return tell;
}

const place = document.querySelector(".score");
const changed = place ? keepScore(place) : () => {};
for (const options of questions) offer(options, changed);
