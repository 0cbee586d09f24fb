// The page of one run: unfold what is folded, narrow a long table, and tell which section is in view.

// <button data-unfold="#timeline .wf"> opens every <details> in there, or closes them all again.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-unfold]");
  if (!button) return;
  const folds = [...document.querySelectorAll(`${button.dataset.unfold} details`)];
  const open = folds.some((fold) => !fold.open);
  for (const fold of folds) fold.open = open;
  button.textContent = open ? "Collapse all" : "Expand all";
});

// <input data-filter="#tools tbody tr"> hides what does not contain the words typed into it.
document.addEventListener("input", ({ target }) => {
  if (!target.dataset?.filter) return;
  const words = target.value.toLowerCase().split(/\s+/);
  for (const row of document.querySelectorAll(target.dataset.filter)) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
});

// A link to a step leads to what the step holds, not only to its line.
function unfoldTarget() {
  const fold = document.getElementById(decodeURIComponent(location.hash.slice(1)))?.querySelector(":scope > details");
  if (fold) fold.open = true;
}
addEventListener("hashchange", unfoldTarget);
unfoldTarget();

function mark(link) {
  for (const other of document.querySelectorAll(".toc a[aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
}

// The section in view is the last one that has passed the upper third of the window.
let waiting = false;
function follow() {
  waiting = false;
  const links = [...document.querySelectorAll(".toc a")];
  const passed = links.filter((link) => {
    const section = document.getElementById(link.hash.slice(1));
    return section && section.getBoundingClientRect().top < innerHeight / 3;
  });
  if (links.length) mark(passed.at(-1) ?? links[0]);
}
function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(follow);
}
addEventListener("scroll", soon, { passive: true });
document.addEventListener("htmx:afterSettle", soon);
follow();
