// The page of a run: expanding all steps, filtering tables, marking the section in view, and the update of a run that
// goes on.

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

// A link to a step also opens its details. The timeline is fetched with a step that is not drawn, such as a late one.
const getTargetId = () => decodeURIComponent(location.hash.slice(1));
const isRowId = (id) => /^(step|span)[_-]/.test(id);

function openDetails(element) {
  const details = element.querySelector(":scope > details");
  if (details) details.open = true;
}
async function openTarget() {
  const id = getTargetId();
  const element = document.getElementById(id);
  if (element) openDetails(element);
  else if (isRowId(id) && document.getElementById("timeline")) {
    const params = new URLSearchParams(location.search);
    params.set("anchor", id);
    await htmx.ajax("GET", `${location.pathname}?${params}`, { target: "#timeline", swap: "outerHTML" });
    document.getElementById(id)?.scrollIntoView({ block: "center" });
  }
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

// A run in progress polls its header. When the run went on, its body comes along and is morphed into the old one. What the
// reader typed or loaded stays: elements with data-keep are left alone, and loaded rows are fetched again instead of being
// replaced by a link to them.
const isOfRun = (element) => Boolean(element.closest?.("#run-header, #run-body"));
const hasLoadLink = (element) => Boolean(element.querySelector?.("a[href*='full=row-']"));
const keptRows = new Set();

if (window.Idiomorph) {
  const { callbacks } = Idiomorph.defaults;
  callbacks.beforeNodeMorphed = (element, fresh) => {
    if (!element.matches?.("[id]") || !isOfRun(element)) return true;
    if (element.matches("[data-keep]")) return false;
    if (!element.matches(".io") || !hasLoadLink(fresh) || hasLoadLink(element)) return true;
    keptRows.add(element.id);
    return false;
  };
}

// The update shows the same parts in full, and the same search and comparison, as the page does now.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "run-header") return;
  const shown = [...document.querySelectorAll("#run-body [data-full]")].map((element) => element.dataset.full);
  if (shown.length) detail.parameters.full = shown;
  if (isRowId(getTargetId())) detail.parameters.anchor = getTargetId();
  const find = document.querySelector("#raw [name=find]")?.value.trim();
  if (find) detail.parameters.find = find;
  const versions = document.getElementById("version-diff")?.dataset;
  if (versions) Object.assign(detail.parameters, { from: versions.from, to: versions.to });
  if (versions?.step) detail.parameters.step = versions.step;
});

// Sections that change places, such as the errors of a run that failed, are moved before the morph, which would otherwise
// take all those between out of the document, and lose a selection in them. Browsers that can move an element without
// removing it keep the focus in it, too.
const findKey = (element) => element.id || element.getAttribute("href");
const findOwn = (parent, key) => key && [...parent.children].find((child) => findKey(child) === key);
function moveLike(parent, model) {
  let next = parent.firstElementChild;
  for (const child of model.children) {
    const element = findOwn(parent, findKey(child));
    if (!element) continue;
    if (element === next) next = next.nextElementSibling;
    else if (parent.moveBefore) parent.moveBefore(element, next);
    else parent.insertBefore(element, next);
  }
}
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target.id !== "run-body") return;
  for (const selector of [".main", ".toc"]) {
    const [parent, model] = [detail.target, detail.fragment].map((root) => root?.querySelector(selector));
    if (parent && model) moveLike(parent, model);
  }
});

// What is at the top of the window stays there, even if a section above it grows or another one moves there.
let anchor = null; // { element, top }
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "run-header") return;
  const parts = [...document.querySelectorAll("#run-body .main [id]")];
  const element = scrollY > 0 && parts.find((part) => part.getBoundingClientRect().top > 0);
  anchor = element ? { element, top: element.getBoundingClientRect().top } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (!anchor?.element.isConnected) return;
  scrollBy({ top: anchor.element.getBoundingClientRect().top - anchor.top, behavior: "instant" });
  anchor = null;
});

document.addEventListener("htmx:afterSettle", () => {
  for (const id of keptRows) {
    const details = document.getElementById(id)?.closest("details");
    const url = details?.getAttribute("hx-get");
    if (url) htmx.ajax("get", url, { source: details, target: `#${id}`, swap: "morph:outerHTML" });
  }
  keptRows.clear();
});
