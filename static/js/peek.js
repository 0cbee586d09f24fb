// The panel beside the run list that shows a run: #peek. `peek=run_…` in the URL keeps it open over reloads and back.
// Space, or a click in the margin of a row, opens it; j and k go on to the next and previous row; Escape closes it.

import { announce } from "./announce.js";
import { currentRow, findLink, isMargin, moveBy, setCurrentRow } from "./rows.js";

const MOVE_DELAY = 150; // ms in which further presses of j and k replace the request
const narrow = matchMedia("(width < 48rem)"); // the panel covers the page

let loading = 0;

const panel = () => document.getElementById("peek");
const isOpen = () => Boolean(panel() && !panel().hidden);
const idInUrl = () => new URLSearchParams(location.search).get("peek") ?? "";
const idOf = (row) => findLink(row)?.title;
const findRow = (id) => [...document.querySelectorAll("#rows > tr")].find((row) => idOf(row) === id);

function urlWith(id) {
  const url = new URL(location.href);
  url.searchParams.delete("peek");
  if (id) url.searchParams.set("peek", id);
  return url;
}

// Opening adds an entry to the history, moving on does not. An entry that a closed panel has left is used again.
function keepInUrl(id, { isNew }) {
  const own = history.state && "peek" in history.state;
  if (isNew && !own) history.pushState({ peek: id }, "", urlWith(id));
  else history.replaceState(own ? { peek: id } : history.state, "", urlWith(id));
}

// Behind a panel that covers the page, nothing can be reached.
function coverPage() {
  for (const element of [document.querySelector("header.top"), panel()?.previousElementSibling]) {
    if (element) element.inert = isOpen() && narrow.matches;
  }
}

function load(url, delay) {
  clearTimeout(loading);
  const body = document.getElementById("peek-body");
  loading = setTimeout(() => {
    body.setAttribute("aria-busy", "true");
    htmx.ajax("get", url, { source: body, target: body, swap: "innerHTML" });
  }, delay);
}

function show(row, delay = 0) {
  const link = findLink(row);
  panel().hidden = false;
  panel().dataset.run = link.title;
  panel().scrollTop = 0;
  document.getElementById("peek-title").textContent = `Preview of ${link.title}`;
  document.getElementById("peek-open").href = link.href;
  load(link.pathname, delay);
  coverPage();
  row.scrollIntoView({ block: "nearest" });
}

function open(row) {
  if (!panel() || !findLink(row)) return false;
  keepInUrl(idOf(row), { isNew: !isOpen() });
  setCurrentRow(row);
  show(row);
  panel().focus({ preventScroll: true });
  announce(`Preview of ${idOf(row)}`);
  return true;
}

function hide() {
  clearTimeout(loading);
  panel().hidden = true;
  document.getElementById("peek-body").replaceChildren();
  coverPage();
}

export function closePeek() {
  if (!isOpen()) return false;
  const hadFocus = panel().contains(document.activeElement) || document.activeElement === document.body;
  hide();
  keepInUrl("", { isNew: false });
  const link = currentRow() && findLink(currentRow());
  if (hadFocus) (link ?? document.getElementById("rows"))?.focus({ preventScroll: true });
  return true;
}

export function togglePeek(target) {
  const row = target.closest("#rows > *") ?? currentRow();
  if (target.closest("#peek") || (isOpen() && row === currentRow())) return closePeek();
  return row ? open(row) : false;
}

// Follows the URL when the reader goes back or forward. HTMX restores its own entries, with the panel.
function followUrl() {
  const row = findRow(idInUrl());
  if (row) {
    setCurrentRow(row);
    show(row);
  } else if (isOpen() && idInUrl() !== panel().dataset.run) hide();
}

document.addEventListener("currentrow", ({ detail: { row } }) => {
  if (!isOpen() || idOf(row) === panel().dataset.run) return;
  keepInUrl(idOf(row), { isNew: false });
  show(row, MOVE_DELAY);
  announce(`Preview of ${idOf(row)}`);
});
document.addEventListener("click", (event) => {
  const { target } = event;
  const step = target.closest("[data-peek-step]");
  if (step) moveBy(Number(step.dataset.peekStep));
  else if (target.closest("[data-peek-close]")) closePeek();
  else if (isMargin(target)) {
    const row = target.closest("#rows > *");
    if (isOpen() && idOf(row) === panel().dataset.run) closePeek();
    else open(row);
  }
  // A section of the run that the panel leaves out is on the page of the run.
  const link = target.closest("#peek-body a[href^='#']");
  if (link && !document.getElementById(link.hash.slice(1))) {
    event.preventDefault();
    location.assign(document.getElementById("peek-open").href + link.hash);
  }
});
addEventListener("popstate", ({ state }) => state?.htmx || !panel() || followUrl());
// Other filters keep the panel open.
document.addEventListener("htmx:pushedIntoHistory", () => {
  if (isOpen() && panel().dataset.run) history.replaceState(history.state, "", urlWith(panel().dataset.run));
});
document.addEventListener("htmx:afterSettle", () => {
  document.getElementById("peek-body")?.removeAttribute("aria-busy");
  const row = isOpen() && findRow(panel().dataset.run);
  if (row) setCurrentRow(row);
});
narrow.addEventListener("change", coverPage);
if (isOpen()) {
  const row = findRow(panel().dataset.run);
  if (row) setCurrentRow(row);
  coverPage();
}
