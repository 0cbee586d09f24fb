// The page of a run: expanding all steps, filtering tables, and marking the section in view.

// <button data-unfold="#timeline .wf"> opens every <details> in the selected element, or closes all of them.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-unfold]");
  if (!button) return;
  const details = [...document.querySelectorAll(`${button.dataset.unfold} details`)];
  const open = details.some((element) => !element.open);
  for (const element of details) element.open = open;
  button.textContent = open ? "Collapse all" : "Expand all";
});

// <input data-filter="#tools tbody tr"> hides the selected elements that do not contain all typed words.
document.addEventListener("input", ({ target }) => {
  if (!target.dataset?.filter) return;
  const words = target.value.toLowerCase().split(/\s+/);
  for (const row of document.querySelectorAll(target.dataset.filter)) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
});

// A link to a step also opens its details.
function openTarget() {
  const details = document.getElementById(decodeURIComponent(location.hash.slice(1)))?.querySelector(":scope > details");
  if (details) details.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

function markCurrent(link) {
  for (const other of document.querySelectorAll(".toc a[aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
}

// The section in view is the last one that has passed the upper third of the window.
let isScheduled = false;
function markSectionInView() {
  isScheduled = false;
  const links = [...document.querySelectorAll(".toc a")];
  const passed = links.filter((link) => {
    const section = document.getElementById(link.hash.slice(1));
    return section && section.getBoundingClientRect().top < innerHeight / 3;
  });
  if (links.length) markCurrent(passed.at(-1) ?? links[0]);
}
function scheduleMarking() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(markSectionInView);
}
addEventListener("scroll", scheduleMarking, { passive: true });
document.addEventListener("htmx:afterSettle", scheduleMarking);
markSectionInView();
