// The selected rows of the run list: their number, ranges with Shift, Select all, and the bar of actions below.
//
// The selection outlives the rows: "5 new runs" or another order may replace them, and the bar then posts the ids of the
// runs that are out of sight in hidden fields. Other filters end it. The list of error groups has such a bar, too.

import { announce } from "./announce.js";
import { writeToClipboard } from "./copy.js";
import { currentRow, extendSelection, toggleRow } from "./rows.js";

const ORDER_PARAMS = ["sort", "columns", "view", "chart"]; // of the list, which do not change what it contains

const selection = new Map(); // primary key → run id
let isForOneAction = false; // a key has selected the current row for what it does
let hinting = 0;
let selectedFrom = ""; // the filters of the list in which the runs were selected

const checkboxes = () => [...document.querySelectorAll("#rows [type=checkbox]")];
const idOf = (checkbox) => checkbox.closest("tr").querySelector("a.id")?.title ?? checkbox.value;
const countRuns = (count) => `${count.toLocaleString("en")} run${count === 1 ? "" : "s"}`;

function filtersOfList() {
  const params = new URLSearchParams(document.querySelector("#list-state [name=query]")?.value);
  for (const name of ORDER_PARAMS) params.delete(name);
  return params.toString();
}

function remember(checkbox) {
  if (checkbox.checked) selection.set(checkbox.value, idOf(checkbox));
  else selection.delete(checkbox.value);
}

function hiddenInput(name, value) {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
}

// Rows that a swap has brought are checked if their runs are selected; those that are out of sight get hidden fields.
function restore() {
  const filters = filtersOfList();
  if (selection.size && filters !== selectedFrom) selection.clear();
  selectedFrom = filters;
  const shown = new Set();
  for (const checkbox of checkboxes()) {
    checkbox.checked = selection.has(checkbox.value);
    shown.add(checkbox.value);
  }
  const hidden = [...selection.keys()].filter((key) => !shown.has(key));
  document.getElementById("unseen-runs")?.replaceChildren(...hidden.map((key) => hiddenInput("unseen_run", key)));
  refresh();
}

// Browsers restore checked boxes when the reader comes back to the page.
function adopt() {
  checkboxes().filter(({ checked }) => checked).forEach(remember);
  selectedFrom = filtersOfList();
  refresh();
}

function refresh() {
  const bar = document.getElementById("bulk");
  if (!bar) return;
  const all = checkboxes();
  const shownCount = all.filter(({ checked }) => checked).length;
  const unseenCount = selection.size - shownCount;
  bar.toggleAttribute("data-shown", selection.size > 0);
  document.getElementById("selected").textContent =
    `${selection.size.toLocaleString("en")} selected` + (unseenCount ? `, ${unseenCount} not shown` : "");
  const selectAll = document.getElementById("select-all");
  if (selectAll) {
    selectAll.checked = all.length > 0 && shownCount === all.length;
    selectAll.indeterminate = shownCount > 0 && !selectAll.checked;
  }
  // The key e exports the selected runs, or all matching runs if none is selected.
  document.querySelector("#exports > summary")?.setAttribute("data-key", selection.size ? "" : "e");
  document.getElementById("export-selected")?.setAttribute("data-key", selection.size ? "e" : "");
  // All rows are selected, and there are more matches than rows.
  const matches = document.querySelector("#summary [data-total]")?.dataset.total ?? "";
  bar.toggleAttribute("data-page-selected", Boolean(selectAll?.checked) && matches !== String(all.length));
  const total = bar.querySelector("[data-total]");
  if (!total) return;
  total.textContent = matches;
  total.parentElement.search = document.querySelector("#list-state [name=query]").value;
}

function showHint(text) {
  const hint = document.getElementById("bulk-hint");
  hint.textContent = text;
  clearTimeout(hinting);
  hinting = setTimeout(() => (hint.textContent = ""), 6_000);
}

// Two runs are compared. The button stays enabled, so that it can say what is missing.
function checkComparison(event) {
  if (selection.size === 2) return;
  event.preventDefault();
  showHint(`Select exactly two runs to compare; ${selection.size} selected.`);
}

export function clearSelection() {
  if (!selection.size) return false;
  selection.clear();
  restore();
  announce("Selection cleared");
  return true;
}

// Keys of a bar that acts on rows act on the current row if none is selected. Returns whether any is selected.
export function selectCurrentRow() {
  if (!selection.size && currentRow()) {
    toggleRow();
    isForOneAction = true;
  }
  if (!selection.size) announce("Select a row first: j and k move, x selects");
  return selection.size > 0;
}

async function copyIds(button) {
  try {
    await writeToClipboard([...selection.values()].join("\n"));
    announce(`Copied the ids of ${countRuns(selection.size)}`);
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1_500);
  } catch {
    announce("The browser blocked copying the ids");
  }
}

// Without scripts, the server renders this confirmation as a page.
function confirmDeletion(dialog) {
  dialog.querySelector("[data-ids]").replaceChildren(...[...selection.keys()].map((key) => hiddenInput("run", key)));
  dialog.querySelector("h2").textContent = `Delete ${countRuns(selection.size)}?`;
  dialog.querySelector("[name=confirm]").value = "";
  dialog.showModal();
  dialog.querySelector("[name=confirm]").focus();
}

document.addEventListener("change", ({ target }) => {
  isForOneAction = false;
  if (target.id === "select-all") {
    for (const checkbox of checkboxes()) {
      checkbox.checked = target.checked;
      remember(checkbox);
    }
    announce(`${selection.size} selected`);
  } else if (target.matches("#rows [type=checkbox]")) remember(target);
  else return;
  refresh();
});
document.addEventListener("click", (event) => {
  const { target, shiftKey } = event;
  if (target.matches("#rows [type=checkbox]")) extendSelection(target.closest("tr"), shiftKey);
  else if (target.closest("#compare")) checkComparison(event);
  else if (target.closest("[data-copy-ids]")) copyIds(target.closest("[data-copy-ids]"));
  else if (target.closest("[data-unselect]")) clearSelection();
  else if (target.closest("[data-dialog]")) {
    const dialog = document.getElementById(target.closest("[data-dialog]").dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    confirmDeletion(dialog);
  }
});

// A row that is updated in place stays current.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target } = detail;
  const newRow = detail.fragment?.querySelector("tr") ?? detail.elt;
  if (!target?.matches("#rows > tr") || !newRow) return;
  if (target.querySelector("[type=checkbox]")?.checked) {
    newRow.querySelector("[type=checkbox]")?.setAttribute("checked", "");
  }
  if (target.hasAttribute("aria-current")) newRow.setAttribute("aria-current", "true");
});
// The next key acts on the row that is current then.
document.addEventListener("htmx:afterRequest", ({ target }) => {
  if (!isForOneAction || !target.closest("#bulk")) return;
  selection.clear();
  restore();
});
document.addEventListener("hint", ({ detail }) => showHint(detail.value));
document.addEventListener("htmx:afterSettle", restore);
document.addEventListener("htmx:historyRestore", restore);
addEventListener("pageshow", adopt);
adopt();
