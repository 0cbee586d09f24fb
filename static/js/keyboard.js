// Keys. A page says what they lead to: <a data-key="g r">, <input data-key="/">, <button data-key="c">;
// [ and ] follow rel=prev and rel=next. Rows and the list of keys are handled here.
// Keys are ignored in fields, with modifiers, and when switched off in the account menu (WCAG 2.1.4).

import { preference } from "./preferences.js";
import { current, moveBy, open, select, unselectAll } from "./rows.js";

const FIELDS = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const SEQUENCE_MS = 1_000;
const LINKS = { "[": "a[rel~=prev]", "]": "a[rel~=next]" };
const ROWS = {
  j: () => moveBy(1),
  k: () => moveBy(-1),
  x: () => select(),
  X: () => select({ range: true }),
};

let first = ""; // of a sequence such as g r
let expires = 0;

function follow(key) {
  const target = document.querySelector(LINKS[key] ?? `[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.matches(FIELDS)) target.focus();
  else target.click();
  return true;
}

// Lists every key; what the page at hand does not have stands back.
function showKeys() {
  const dialog = document.getElementById("keys");
  if (!dialog || dialog.open) return false;
  for (const row of dialog.querySelectorAll("[data-needs]")) {
    row.toggleAttribute("data-absent", !document.querySelector(row.dataset.needs));
  }
  dialog.showModal();
  return true;
}

function escape() {
  const { activeElement } = document;
  if (activeElement?.matches("[data-key='/']")) return activeElement.blur();
  return unselectAll();
}

function handle(event) {
  const { key, target } = event;
  if (key === "?") return showKeys();
  if (key === "Enter") return target === document.body && open(current());
  const sequence = first && Date.now() < expires ? `${first} ${key}` : "";
  first = "";
  if (sequence && follow(sequence)) return true;
  if (document.querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    [first, expires] = [key, Date.now() + SEQUENCE_MS];
    return true;
  }
  return ROWS[key]?.() || follow(key);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return void escape();
  if (preference("keys") === "off" || event.target.closest?.(FIELDS)) return;
  if (handle(event)) event.preventDefault();
});
document.addEventListener("click", ({ target }) => target.closest("[data-show-keys]") && showKeys());
