// Autocomplete for the query input: a combobox whose options the server renders.

const DEBOUNCE_MS = 80;
let timer = 0;
let lastRequest = 0; // the response to any earlier request is ignored
let listedLength = 0; // of the query that the options complete

const queryInput = () => document.getElementById("q");
const listbox = () => document.getElementById("suggestions");
const options = () => [...listbox().children];
const selectedOption = () => listbox().querySelector("[aria-selected=true]");
const countCharacters = (text) => [...text].length; // the server counts characters, JavaScript UTF-16 units

function closeList() {
  clearTimeout(timer);
  lastRequest += 1;
  if (!listbox() || listbox().hidden) return false;
  listbox().hidden = true;
  listbox().replaceChildren();
  queryInput().setAttribute("aria-expanded", "false");
  queryInput().removeAttribute("aria-activedescendant");
  return true;
}

async function fetchOptions() {
  const input = queryInput();
  const request = ++lastRequest;
  const length = countCharacters(input.value);
  const at = countCharacters(input.value.slice(0, input.selectionStart));
  const response = await fetch(`${input.dataset.suggest}?${new URLSearchParams({ q: input.value, at })}`).catch(() => null);
  if (request !== lastRequest) return;
  if (!response?.ok || response.redirected) return void closeList();
  const html = await response.text();
  if (request !== lastRequest || document.activeElement !== input) return;
  listedLength = length;
  listbox().innerHTML = html;
  listbox().hidden = options().length === 0;
  input.setAttribute("aria-expanded", String(!listbox().hidden));
  input.removeAttribute("aria-activedescendant");
}

function scheduleFetch() {
  clearTimeout(timer);
  timer = setTimeout(fetchOptions, DEBOUNCE_MS);
}

function moveSelection(step) {
  const all = options();
  const current = all.indexOf(selectedOption());
  const next = all.at(current === -1 ? (step > 0 ? 0 : -1) : (current + step) % all.length);
  selectedOption()?.setAttribute("aria-selected", "false");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  queryInput().setAttribute("aria-activedescendant", next.id);
}

// Completions of the value follow a completed field; a space follows a completed value.
function acceptOption({ dataset }) {
  const input = queryInput();
  const all = [...input.value];
  // what was typed since then belongs to the term that the option replaces
  const end = Math.max(Number(dataset.end) + all.length - listedLength, Number(dataset.start));
  const rest = all.slice(end).join("");
  const continues = /[:.]$/.test(dataset.text);
  const before = all.slice(0, dataset.start).join("") + dataset.text + (continues || rest.startsWith(" ") ? "" : " ");
  input.value = before + rest;
  input.setSelectionRange(before.length, before.length);
  closeList();
  if (continues) fetchOptions();
}

function handleKey(event) {
  const isOpen = !listbox().hidden;
  switch (event.key) {
    case "ArrowDown":
    case "ArrowUp":
      if (isOpen) moveSelection(event.key === "ArrowDown" ? 1 : -1);
      else fetchOptions();
      return true;
    case "Enter":
    case "Tab":
      if (!isOpen || !selectedOption()) return void closeList();
      acceptOption(selectedOption());
      return true;
    case "Escape": // otherwise browsers would clear the input
      if (!closeList()) queryInput().blur();
      return true;
  }
}

document.addEventListener("focusin", ({ target }) => {
  if (target.id !== "q") return void closeList();
  target.setAttribute("role", "combobox");
  target.setAttribute("aria-autocomplete", "list");
  target.setAttribute("aria-controls", "suggestions");
  target.setAttribute("aria-expanded", "false");
});
document.addEventListener("input", ({ target }) => target.id === "q" && scheduleFetch());
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "q" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (handleKey(event)) event.preventDefault();
});
// keep the focus in the input
document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest("#suggestions > li");
  if (!option) return void (event.target.id === "q" || closeList());
  event.preventDefault();
  acceptOption(option);
});
