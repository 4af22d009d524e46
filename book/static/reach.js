// A formula wider than the page scrolls in its own box: let the keyboard reach it.
function reachWideFormulas() {
  for (const formula of document.querySelectorAll('mjx-container[display="true"]')) {
    formula.toggleAttribute("tabindex", formula.scrollWidth > formula.clientWidth);
    if (formula.hasAttribute("tabindex")) formula.tabIndex = 0;
  }
}

addEventListener("load", async () => {
  await window.MathJax?.startup.promise;
  reachWideFormulas();
  addEventListener("resize", reachWideFormulas);
});
