// The widgets' front end is large. It is fetched once the page itself is there, at the first sign
// of a reader, who comes within a screen of a view.
const script = document.createElement("script");
script.src = new URL("widgets.js", document.currentScript.src);

// Under every still figure, when the code of the widgets has not come; widgets.js uses it too.
globalThis.aevaeExplain = (reason) => {
  for (const place of document.querySelectorAll(".aevae-place")) {
    const text = document.createElement("p");
    text.className = "aevae-error";
    text.setAttribute("role", "alert");
    text.textContent = `This widget could not start: ${reason} Load the page again.`;
    place.append(text);
    place.classList.add("aevae-failed");
  }
};
script.addEventListener("error", () => {
  globalThis.aevaeExplain("its code could not be loaded. Is the network there?");
});

const SIGNS = ["pointermove", "pointerdown", "keydown", "scroll"];
const PATIENCE = 5000; // ms after the page, for a reader who only looks

addEventListener("load", () => {
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    (globalThis.requestIdleCallback ?? setTimeout)(() => document.head.append(script));
  }, { rootMargin: "100% 0px" });
  const views = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]');
  new Promise((wake) => {
    for (const sign of SIGNS) addEventListener(sign, wake, { once: true, passive: true });
    setTimeout(wake, PATIENCE);
  }).then(() => {
    for (const view of views) near.observe(view.closest(".aevae-place") ?? view.parentElement);
  });
});
