// The selected rows of the run list: their number, ranges with Shift, Select all, and the bar of actions below.

import { announce } from "./announce.js";
import { writeToClipboard } from "./copy.js";
import { extendSelection, unselectAll } from "./rows.js";

const checkboxes = () => [...document.querySelectorAll("#rows [type=checkbox]")];
const selectedBoxes = () => checkboxes().filter((checkbox) => checkbox.checked);

const formatCount = (count) => `${count} selected`;

function refresh() {
  const [all, selected] = [checkboxes(), selectedBoxes()];
  const count = document.getElementById("selected");
  if (count) count.textContent = formatCount(selected.length);
  const selectAll = document.getElementById("select-all");
  if (selectAll) {
    selectAll.checked = all.length > 0 && selected.length === all.length;
    selectAll.indeterminate = selected.length > 0 && !selectAll.checked;
  }
  // The key e exports the selected runs, or all matching runs if none is selected.
  document.querySelector("#exports > summary")?.setAttribute("data-key", selected.length ? "" : "e");
  document.getElementById("export-selected")?.setAttribute("data-key", selected.length ? "e" : "");
  const compare = document.getElementById("compare");
  if (!compare) return;
  compare.disabled = selected.length !== 2;
  compare.title = compare.disabled ? "Select exactly two runs to compare" : "";
  compare.setAttribute("data-key", compare.disabled ? "" : "c");
}

async function copyIds() {
  const ids = selectedBoxes().map((checkbox) => checkbox.closest("tr").querySelector("a.id").title);
  try {
    await writeToClipboard(ids.join("\n"));
    announce(`Copied ${ids.length} ID${ids.length === 1 ? "" : "s"}`);
  } catch {
    announce("The browser blocked copying the IDs");
  }
}

// Without scripts, the server renders this confirmation as a page.
function confirmDeletion(dialog) {
  const inputs = selectedBoxes().map(({ value }) => {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "run", value });
    return input;
  });
  dialog.querySelector("[data-ids]").replaceChildren(...inputs);
  dialog.querySelector("h2").textContent = `Delete ${inputs.length} run${inputs.length === 1 ? "" : "s"}?`;
  dialog.querySelector("[name=confirm]").value = "";
  dialog.showModal();
  dialog.querySelector("[name=confirm]").focus();
}

document.addEventListener("change", ({ target }) => {
  if (target.id === "select-all") {
    for (const checkbox of checkboxes()) checkbox.checked = target.checked;
    announce(formatCount(selectedBoxes().length));
  }
  if (target.id === "select-all" || target.matches("#rows [type=checkbox]")) refresh();
});
document.addEventListener("click", (event) => {
  const { target, shiftKey } = event;
  if (target.matches("#rows [type=checkbox]")) extendSelection(target.closest("tr"), shiftKey);
  else if (target.closest("[data-copy-ids]")) copyIds();
  else if (target.closest("[data-unselect]")) unselectAll();
  else if (target.closest("[data-dialog]")) {
    const dialog = document.getElementById(target.closest("[data-dialog]").dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    confirmDeletion(dialog);
  }
});

// A row that is updated in place stays selected and current.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target } = detail;
  const newRow = detail.fragment?.querySelector("tr") ?? detail.elt;
  if (!target?.matches("#rows > tr") || !newRow) return;
  if (target.querySelector("[type=checkbox]")?.checked) {
    newRow.querySelector("[type=checkbox]")?.setAttribute("checked", "");
  }
  if (target.hasAttribute("aria-current")) newRow.setAttribute("aria-current", "true");
});
document.addEventListener("htmx:afterSettle", refresh);
document.addEventListener("htmx:historyRestore", refresh);
addEventListener("pageshow", refresh);
refresh();
