// Keyboard shortcuts, which dashboard/web/shortcuts.py lists. Templates mark the elements that they activate: <a
// data-key="g r">, <input data-key="/">; [ and ] follow rel=prev and rel=next. The shortcuts of rows and the list of
// shortcuts are handled here. Shortcuts are ignored in fields, with modifiers, and if they are turned off in the account
// menu (WCAG 2.1.4).

import { preference } from "./preferences.js";
import { closePeek, togglePeek } from "./peek.js";
import { currentRow, moveBy, openRow, toggleRow } from "./rows.js";
import { clearSelection, selectCurrentRow } from "./selection.js";

const FIELDS = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const SEQUENCE_MS = 1_000;
const LINKS = { "[": "a[rel~=prev]", "]": "a[rel~=next]" };
const ROWS = {
  j: () => moveBy(1),
  k: () => moveBy(-1),
  x: () => toggleRow(),
  X: () => toggleRow({ range: true }),
};

let prefix = ""; // the first key of a sequence such as "g r"
let prefixExpires = 0;

function activate(key) {
  const target = document.querySelector(LINKS[key] ?? `[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.closest("[data-for-rows]") && !selectCurrentRow()) return true;
  if (target.matches(FIELDS)) target.focus();
  else target.click();
  return true;
}

// Shows the shortcuts that the current page has.
function showShortcuts() {
  const dialog = document.getElementById("keys");
  if (!dialog || dialog.open) return false;
  for (const row of dialog.querySelectorAll("[data-needs]")) {
    row.hidden = !document.querySelector(row.dataset.needs);
  }
  for (const group of dialog.querySelectorAll("[data-shortcuts]")) {
    group.hidden = !group.querySelector("dl > :not([hidden])");
  }
  dialog.showModal();
  return true;
}

function escape() {
  const { activeElement } = document;
  if (activeElement?.matches(FIELDS)) return activeElement.blur();
  return closePeek() || clearSelection();
}

function handle(event) {
  const { key, target } = event;
  if (key === "?") return showShortcuts();
  const isOnRow = target === document.body || target.matches("#rows, #rows a, #peek");
  if (key === "Enter") return (target === document.body || target.id === "peek") && openRow(currentRow());
  if (key === " ") return isOnRow && togglePeek(target);
  const sequence = prefix && Date.now() < prefixExpires ? `${prefix} ${key}` : "";
  prefix = "";
  if (sequence && activate(sequence)) return true;
  if (document.querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    [prefix, prefixExpires] = [key, Date.now() + SEQUENCE_MS];
    return true;
  }
  return ROWS[key]?.() || activate(key);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return void escape();
  if (preference("keys") === "off" || event.target.closest?.(FIELDS)) return;
  if (handle(event)) event.preventDefault();
});
document.addEventListener("click", ({ target }) => target.closest("[data-show-keys]") && showShortcuts());
