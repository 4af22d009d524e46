// The options of a prediction, as buttons that answer at once: right or not, and why. The answer
// itself stands further down, folded; without scripts the options are a list.
function answerOf(options) {
  const boxes = [...document.querySelectorAll(".admonition.dropdown")];
  return boxes.find((box) => box.querySelector(".admonition-title").textContent.startsWith("Answer")
    && options.compareDocumentPosition(box) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function offer(options) {
  const told = document.createElement("div");
  told.className = "prediction-told";
  told.setAttribute("role", "status");
  options.after(told);
  const answer = answerOf(options);
  for (const option of options.children) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...option.querySelector("p").childNodes);
    option.replaceChildren(button);
    button.addEventListener("click", () => {
      for (const other of options.querySelectorAll("button")) other.removeAttribute("aria-pressed");
      button.setAttribute("aria-pressed", "true");
      options.classList.add("is-answered");
      const word = option.classList.contains("right") ? "Yes." : "No.";
      const why = [...answer.querySelectorAll(":scope > :not(.admonition-title, button)")];
      told.replaceChildren(Object.assign(document.createElement("strong"), { textContent: word }),
        ...why.map((part) => part.cloneNode(true)));
    });
  }
}

document.querySelectorAll("ul.prediction").forEach(offer);
