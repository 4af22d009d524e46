// The widgets' front end is fetched once the page itself is there and the reader comes within
// a screen of a view.
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

addEventListener("load", () => {
  const near = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    (globalThis.requestIdleCallback ?? setTimeout)(() => document.head.append(script));
  }, { rootMargin: "100% 0px" });
  const views = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]');
  for (const view of views) near.observe(view.closest(".aevae-place") ?? view.parentElement);
});
