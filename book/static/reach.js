// What is wider than its box scrolls there: let the keyboard reach it. The theme looks at code
// and output only once, as a rule before their type has come, and at formulas never.
function reachWhatIsWide() {
  for (const box of document.querySelectorAll('mjx-container[display="true"], pre')) {
    const isTall = box.matches("pre") && box.scrollHeight > box.clientHeight;
    if (box.scrollWidth > box.clientWidth || isTall) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

addEventListener("load", async () => {
  await Promise.all([window.MathJax?.startup.promise, document.fonts.ready]);
  reachWhatIsWide();
  addEventListener("resize", reachWhatIsWide);
});
