// Rows that are ticked: their number, ranges with Shift, all at once, and what the bar below does with them.

import { announce } from "./announce.js";
import { write } from "./copy.js";
import { selectRange, unselectAll } from "./rows.js";

const boxes = () => [...document.querySelectorAll("#rows [type=checkbox]")];
const ticked = () => boxes().filter((box) => box.checked);

const said = (count) => `${count} selected`;

function refresh() {
  const [all, chosen] = [boxes(), ticked()];
  const selected = document.getElementById("selected");
  if (selected) selected.textContent = said(chosen.length);
  const head = document.getElementById("select-all");
  if (head) {
    head.checked = all.length > 0 && chosen.length === all.length;
    head.indeterminate = chosen.length > 0 && !head.checked;
  }
  // e exports what is selected, and what matches while nothing is
  document.querySelector("#exports > summary")?.setAttribute("data-key", chosen.length ? "" : "e");
  document.getElementById("export-selected")?.setAttribute("data-key", chosen.length ? "e" : "");
  const compare = document.getElementById("compare");
  if (!compare) return;
  compare.disabled = chosen.length !== 2;
  compare.title = compare.disabled ? "Two runs are compared: select two" : "";
  compare.setAttribute("data-key", compare.disabled ? "" : "c");
}

async function copyIds() {
  const ids = ticked().map((box) => box.closest("tr").querySelector("a.id").title);
  try {
    await write(ids.join("\n"));
    announce(`Copied ${ids.length} id${ids.length === 1 ? "" : "s"}`);
  } catch {
    announce("The browser did not allow copying the ids");
  }
}

// The question stands in the page; without scripts the server asks it on a page of its own.
function ask(dialog) {
  const inputs = ticked().map(({ value }) => {
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
    for (const box of boxes()) box.checked = target.checked;
    announce(said(ticked().length));
  }
  if (target.id === "select-all" || target.matches("#rows [type=checkbox]")) refresh();
});
document.addEventListener("click", (event) => {
  const { target, shiftKey } = event;
  if (target.matches("#rows [type=checkbox]")) selectRange(target.closest("tr"), shiftKey);
  else if (target.closest("[data-copy-ids]")) copyIds();
  else if (target.closest("[data-unselect]")) unselectAll();
  else if (target.closest("[data-dialog]")) {
    const dialog = document.getElementById(target.closest("[data-dialog]").dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    ask(dialog);
  }
});

// A row that changes in place stays ticked, and stays the current one.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target } = detail;
  const fresh = detail.fragment?.querySelector("tr") ?? detail.elt;
  if (!target?.matches("#rows > tr") || !fresh) return;
  if (target.querySelector("[type=checkbox]")?.checked) {
    fresh.querySelector("[type=checkbox]")?.setAttribute("checked", "");
  }
  if (target.hasAttribute("aria-current")) fresh.setAttribute("aria-current", "true");
});
document.addEventListener("htmx:afterSettle", refresh);
document.addEventListener("htmx:historyRestore", refresh);
addEventListener("pageshow", refresh);
refresh();
