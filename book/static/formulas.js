// MathJax is fetched after the page's first frame: nobody waits for it to read the text.
const mathjax = document.createElement("script");
mathjax.src = new URL("mathjax/tex-chtml-full.js", document.currentScript.src);
mathjax.addEventListener("load", async () => {
  await window.MathJax.startup.promise;
  reachWideFormulas();
  addEventListener("resize", reachWideFormulas);
});
requestAnimationFrame(() => setTimeout(() => document.head.append(mathjax)));

// A formula wider than the page scrolls in its own box: let the keyboard reach it.
function reachWideFormulas() {
  for (const formula of document.querySelectorAll('mjx-container[display="true"]')) {
    formula.toggleAttribute("tabindex", formula.scrollWidth > formula.clientWidth);
    if (formula.hasAttribute("tabindex")) formula.tabIndex = 0;
  }
}
