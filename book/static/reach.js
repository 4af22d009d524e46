// Code and output that are wider than their box scroll there: let the keyboard reach them. The
// theme looks once, as a rule before their type has come.
function reachWideCode() {
  for (const box of document.querySelectorAll("pre")) {
    const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    box.tabIndex = scrolls ? 0 : -1;
  }
}

addEventListener("load", async () => {
  await document.fonts.ready;
  reachWideCode();
  addEventListener("resize", reachWideCode);
});
