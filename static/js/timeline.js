// The timeline of a run: folding, the keyboard of its tree, and zooming by dragging along the time axis.
// Arrows, Home and End move; Right unfolds and Left folds, or goes to the row above; Enter and Space show the content.

const MIN_BRUSH_PIXELS = 4;
const levelOf = (row) => Number(row.getAttribute("aria-level"));
const isUnfolded = (row) => row.getAttribute("aria-expanded") === "true";

function rowsBelow(row) {
  const below = [];
  for (let next = row.nextElementSibling; next && levelOf(next) > levelOf(row); next = next.nextElementSibling) below.push(next);
  return below;
}

// Shows or hides what is below a row. Rows below one that is folded itself stay hidden.
function setUnfolded(row, unfolded) {
  row.setAttribute("aria-expanded", unfolded);
  let foldedLevel = Infinity;
  for (const below of rowsBelow(row)) {
    if (levelOf(below) <= foldedLevel) foldedLevel = Infinity;
    below.hidden = !unfolded || levelOf(below) > foldedLevel;
    if (foldedLevel === Infinity && below.getAttribute("aria-expanded") === "false") foldedLevel = levelOf(below);
  }
}

function toggleFold(row) {
  const link = row.querySelector(":scope > .fold");
  if (!link || row.matches(":has(> .fold.htmx-request)")) return;
  if (isUnfolded(row) || rowsBelow(row).length) setUnfolded(row, !isUnfolded(row));
  else link.dispatchEvent(new CustomEvent("unfold"));
}

document.addEventListener("click", (event) => {
  const fold = event.target.closest(".wf .fold");
  if (!fold || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  toggleFold(fold.closest("li"));
});

document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (target.matches?.(".wf .fold") && detail.successful) target.closest("li").setAttribute("aria-expanded", "true");
});

// Only one row is a tab stop, as in any tree.

function prepareTree() {
  for (const tree of document.querySelectorAll(".wf [role=tree]")) {
    for (const part of tree.querySelectorAll("summary:not([tabindex]), .fold:not([tabindex]), .more > a:not([tabindex])")) {
      if (part.matches(".wf li > details > summary, .fold, .more > a")) part.tabIndex = -1;
    }
    for (const row of tree.querySelectorAll(":scope > li:not([tabindex])")) row.tabIndex = -1;
    if (!tree.querySelector(":scope > li[tabindex='0']:not([hidden])") && tree.firstElementChild) tree.firstElementChild.tabIndex = 0;
  }
}
document.addEventListener("htmx:afterSettle", prepareTree);
prepareTree();

function focusRow(row) {
  if (!row) return;
  for (const other of row.parentElement.querySelectorAll(":scope > li[tabindex='0']")) other.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
}

const visibleRows = (row) => [...row.parentElement.children].filter((other) => !other.hidden);
function neighbour(row, offset) {
  const rows = visibleRows(row);
  return rows[rows.indexOf(row) + offset];
}
function rowAbove(row) {
  let above = row.previousElementSibling;
  while (above && levelOf(above) >= levelOf(row)) above = above.previousElementSibling;
  return above;
}

function showContent(row) {
  const details = row.querySelector(":scope > details");
  if (details) details.open = !details.open;
  else row.querySelector(":scope > a")?.click();
}

const KEYS = {
  ArrowDown: (row) => focusRow(neighbour(row, 1)),
  ArrowUp: (row) => focusRow(neighbour(row, -1)),
  Home: (row) => focusRow(visibleRows(row)[0]),
  End: (row) => focusRow(visibleRows(row).at(-1)),
  ArrowRight(row) {
    if (isUnfolded(row)) focusRow(neighbour(row, 1));
    else toggleFold(row);
  },
  ArrowLeft(row) {
    if (isUnfolded(row)) toggleFold(row);
    else focusRow(rowAbove(row));
  },
  Enter: showContent,
  " ": showContent,
};

document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.(".wf [role=treeitem]");
  if (!row || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const isOnRow = event.target === row || event.target.parentElement?.parentElement === row;
  if (!isOnRow || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key](row);
});

document.addEventListener("focusin", ({ target }) => {
  const row = target.matches?.(".wf summary") && target.closest("[role=treeitem]");
  if (row) focusRow(row);
});

// Dragging along the axis zooms.

let brush = null;
document.addEventListener("pointerdown", (event) => {
  const axis = event.target.closest(".wf .axis");
  if (!axis || event.button) return;
  event.preventDefault();
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("class", "brush");
  rect.setAttribute("height", "100%");
  axis.append(rect);
  brush = { axis, rect, begin: event.offsetX, end: event.offsetX };
  axis.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  if (!brush) return;
  const width = brush.axis.clientWidth;
  brush.end = Math.min(width, Math.max(0, event.clientX - brush.axis.getBoundingClientRect().left));
  brush.rect.setAttribute("x", Math.min(brush.begin, brush.end));
  brush.rect.setAttribute("width", Math.abs(brush.end - brush.begin));
});
document.addEventListener("pointerup", () => {
  if (!brush) return;
  const { axis, rect, begin, end } = brush;
  brush = null;
  rect.remove();
  if (Math.abs(end - begin) < MIN_BRUSH_PIXELS) return;
  const { from, to, zoomUrl } = axis.closest(".wf").dataset;
  const toTime = (x) => Math.round(Number(from) + (x / axis.clientWidth) * (Number(to) - Number(from)));
  const [first, last] = [begin, end].map(toTime).sort((left, right) => left - right);
  htmx.ajax("GET", `${location.pathname}${zoomUrl}${first}-${last}`, { target: "#timeline", swap: "outerHTML" });
});

// The update of a run that goes on shows the rows that are drawn and unfolded, and the same filter, as the page does now.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "run-header") return;
  const unfolded = [...document.querySelectorAll(".wf [role=treeitem][aria-expanded=true] > details > .io")];
  const outermost = document.querySelectorAll(".wf [role=treeitem][aria-level='1']:not(.more)");
  if (outermost.length) detail.parameters.drawn = outermost.length;
  if (unfolded.length) detail.parameters.unfold = unfolded.map((content) => content.id.replace("row-", ""));
  const filter = document.getElementById("timeline-filter");
  for (const [name, value] of filter ? new FormData(filter) : []) if (value) detail.parameters[name] = value;
});
