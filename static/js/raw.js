// The raw JSON of a run: a key offers to copy its path and its value. Without this, it leads to the value alone.

import { announce } from "./announce.js";
import { write } from "./copy.js";

function button(label, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn";
  made.textContent = label;
  made.addEventListener("click", async (event) => {
    event.preventDefault(); // it may stand in a summary, which folds
    try {
      await write(await action());
      announce(`Copied ${label.replace(/^Copy /, "")}`);
      made.dataset.copied = "";
      setTimeout(() => delete made.dataset.copied, 1_500);
    } catch {
      announce("The browser did not allow copying");
    }
  });
  return made;
}

// Text as it is, anything else as JSON, numbers as they were written.
async function valueAt(url) {
  const response = await fetch(url);
  if (!response.ok) throw new DOMException("not loaded", "NetworkError");
  const json = await response.text();
  return json.startsWith('"') ? JSON.parse(json) : json;
}

function actions(link) {
  const pointer = new URL(link.href).searchParams.get("at");
  const row = document.createElement("span");
  row.className = "at";
  const path = document.createElement("code");
  path.textContent = pointer;
  const open = document.createElement("a");
  open.className = "btn";
  open.href = link.href;
  open.textContent = "Open";
  row.append(path, button("Copy path", () => pointer), button("Copy value", () => valueAt(link.href)), open);
  return row;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#raw .json a.k");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const shown = link.nextElementSibling;
  document.querySelector("#raw .at")?.remove();
  if (!shown?.matches(".at")) link.after(actions(link));
});
