// The raw JSON of a run: a click on a key offers to copy its path and value. Without scripts, it opens the value.

import { announce } from "./announce.js";
import { writeToClipboard } from "./copy.js";

function buildCopyButton(label, getText) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = label;
  button.addEventListener("click", async (event) => {
    event.preventDefault(); // or else the summary around it toggles
    try {
      await writeToClipboard(await getText());
      announce(`Copied ${label.replace(/^Copy /, "")}`);
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 1_500);
    } catch {
      announce("The browser blocked copying");
    }
  });
  return button;
}

// Strings are returned without quotes, other values as JSON.
async function fetchValue(url) {
  const response = await fetch(url);
  if (!response.ok) throw new DOMException("not loaded", "NetworkError");
  const json = await response.text();
  return json.startsWith('"') ? JSON.parse(json) : json;
}

function buildActions(link) {
  const pointer = new URL(link.href).searchParams.get("at");
  const row = document.createElement("span");
  row.className = "at";
  const path = document.createElement("code");
  path.textContent = pointer;
  const open = document.createElement("a");
  open.className = "btn";
  open.href = link.href;
  open.textContent = "Open";
  row.append(path, buildCopyButton("Copy path", () => pointer), buildCopyButton("Copy value", () => fetchValue(link.href)), open);
  return row;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#raw .json a.k");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const next = link.nextElementSibling;
  document.querySelector("#raw .at")?.remove();
  if (!next?.matches(".at")) link.after(buildActions(link));
});
