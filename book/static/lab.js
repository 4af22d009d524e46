// The lab's menus. Its views stand one under another; the page shows the one that is chosen, and its
// address names it. An address may also be a link that a view gave ("?z0=1.2#widget-5"): then the
// menus follow the view. Without scripts, and in a notebook, all are there in order.
const sectionsOf = (level, within = document) =>
  [...within.querySelectorAll(`section:has(> ${level})`)];
const titleOf = (section) => section.querySelector("h2, h3").firstChild.textContent.trim();

function menu(place, name, act) {
  const select = document.createElement("select");
  select.addEventListener("change", () => act(select.value));
  const label = document.createElement("label");
  label.append(name, select);
  place.append(label);
  return {
    fill(sections, chosen) {
      select.replaceChildren(...sections.map((section) => new Option(titleOf(section), section.id)));
      select.value = chosen.id;
    },
  };
}

function offerMenus(place) {
  const views = sectionsOf("h2");
  const show = (model) => {
    const view = views.find((one) => one.contains(model));
    const models = sectionsOf("h3", view);
    for (const one of views) one.hidden = one !== view;
    for (const one of models) one.hidden = one !== model;
    viewMenu.fill(views, view);
    modelMenu.fill(models, model);
  };
  const choose = (model) => {
    show(model);
    history.replaceState(history.state, "", `${location.pathname}#${model.id}`);
  };
  const first = (view) => sectionsOf("h3", view)[0];
  const bar = document.createElement("div");
  bar.className = "lab-bar";
  place.after(bar);
  const viewMenu = menu(bar, "View", (id) => choose(first(document.getElementById(id))));
  const modelMenu = menu(bar, "Model", (id) => choose(document.getElementById(id)));
  const follow = () => {
    const target = document.getElementById(location.hash.slice(1));
    const named = target?.closest("section:has(> h3)");
    const view = views.find((one) => one === target) ?? views[0];
    show(named ?? first(view));
  };
  addEventListener("hashchange", follow);
  follow();
}

document.querySelectorAll(".lab-menus").forEach(offerMenus);
