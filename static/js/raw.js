// The raw JSON of a run: a click on a key copies its path and offers to copy its value (without scripts, it opens the
// value), and the search moves from match to match.

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
  if (next?.matches(".at")) return;
  const actions = buildActions(link);
  link.after(actions);
  actions.querySelector("button").click(); // copies the path
});

const marks = () => [...document.querySelectorAll("#raw-tree mark")];

// Shows the match that is `step` after the current one, or the first one if there is none. It may be in closed details.
function showMatch(step) {
  const all = marks();
  if (!all.length) return false;
  const current = all.findIndex((mark) => mark.hasAttribute("data-current"));
  const index = current === -1 ? (step < 0 ? all.length - 1 : 0) : (current + step + all.length) % all.length;
  all[current]?.removeAttribute("data-current");
  const mark = all[index];
  mark.dataset.current = "";
  for (let parent = mark.closest("details"); parent; parent = parent.parentElement.closest("details")) parent.open = true;
  mark.scrollIntoView({ block: "center" });
  document.getElementById("find-position").textContent = `${index + 1} of ${all.length}`;
  return true;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-find-step]");
  if (button) showMatch(Number(button.dataset.findStep));
});
// Enter in the field moves on, too, as long as the text is the one that was searched.
document.addEventListener("keydown", (event) => {
  const { key, shiftKey, target, isComposing } = event;
  if (key !== "Enter" || isComposing || !target.matches?.("#raw [name=find]")) return;
  if (document.getElementById("raw-tree")?.dataset.find !== target.value.trim()) return;
  if (showMatch(shiftKey ? -1 : 1)) event.preventDefault();
});
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id === "raw-tree" && !document.querySelector("#raw-tree [data-current]")) showMatch(1);
});
if (new URLSearchParams(location.search).get("find")) showMatch(1);
