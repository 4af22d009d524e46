// Code, output and formulas that are wider than their box scroll there: let the keyboard reach
// them. The theme looks once, as a rule before their type has come.
function reachWideBoxes() {
  for (const box of document.querySelectorAll("pre, .math")) {
    const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    box.tabIndex = scrolls ? 0 : -1;
  }
}

addEventListener("load", async () => {
  await document.fonts.ready;
  reachWideBoxes();
  addEventListener("resize", reachWideBoxes);
});
