// The command palette: Ctrl-K or Cmd-K opens it on every page. The server finds the commands for the typed text.

const DEBOUNCE_MS = 80;
const ACTIONS = {
  "theme-light": () => document.getElementById("theme-light")?.click(),
  "theme-dark": () => document.getElementById("theme-dark")?.click(),
  "theme-auto": () => document.getElementById("theme-auto")?.click(),
  keys: () => document.querySelector("[data-show-keys]")?.click(),
};
let timer = 0;
let lastRequest = 0; // the response to any earlier request is ignored
let listedText = null; // the text that the options are for

const palette = () => document.getElementById("palette");
const input = () => document.getElementById("palette-text");
const list = () => document.getElementById("palette-commands");
const selected = () => list().querySelector("[aria-selected=true]");

async function fetchCommands() {
  const request = ++lastRequest;
  const text = input().value;
  const response = await fetch(`${palette().dataset.url}?${new URLSearchParams({ text })}`).catch(() => null);
  if (request !== lastRequest || !response?.ok || response.redirected) return;
  const html = await response.text();
  if (request !== lastRequest) return;
  list().innerHTML = html;
  listedText = text;
  select(list().firstElementChild);
}

function select(option) {
  selected()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input().setAttribute("aria-activedescendant", option.id);
  else input().removeAttribute("aria-activedescendant");
}

function move(step) {
  const options = [...list().children];
  if (options.length) select(options.at((options.indexOf(selected()) + step) % options.length));
}

function run(option, inNewTab) {
  if (!option) return;
  palette().close();
  const { action, url } = option.dataset;
  if (action) ACTIONS[action]();
  else if (inNewTab) open(url, "_blank", "noopener");
  else location.assign(url);
}

// Enter right after a paste runs the command for the pasted text, not for the text before.
async function runSelected(event) {
  const inNewTab = event.ctrlKey || event.metaKey;
  clearTimeout(timer);
  if (listedText !== input().value) await fetchCommands();
  run(selected(), inNewTab);
}

function openPalette() {
  if (!palette() || document.querySelector("dialog[open]")) return false;
  input().value = "";
  palette().showModal();
  fetchCommands();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    if (openPalette()) event.preventDefault();
    return;
  }
  if (event.target.id !== "palette-text") return;
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Enter") runSelected(event);
  else return;
  event.preventDefault();
});
document.addEventListener("input", ({ target }) => {
  if (target.id !== "palette-text") return;
  clearTimeout(timer);
  timer = setTimeout(fetchCommands, DEBOUNCE_MS);
});
document.addEventListener("click", (event) => {
  const { target } = event;
  const option = target.closest("#palette-commands > li");
  if (option) run(option, event.ctrlKey || event.metaKey);
  else if (target === palette()) palette().close();
  else if (target.closest("[data-show-palette]")) openPalette();
});
