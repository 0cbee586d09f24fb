// The query field completes what is typed: a combobox with a list of options, which the server makes.

const WAIT_MS = 80;
let timer = 0;
let asked = 0; // only the answer to the last question is shown

const field = () => document.getElementById("q");
const list = () => document.getElementById("suggestions");
const options = () => [...list().children];
const chosen = () => list().querySelector("[aria-selected=true]");
const characters = (text) => [...text].length; // the server counts characters, not UTF-16 units

function close() {
  clearTimeout(timer);
  asked += 1;
  if (!list() || list().hidden) return false;
  list().hidden = true;
  list().replaceChildren();
  field().setAttribute("aria-expanded", "false");
  field().removeAttribute("aria-activedescendant");
  return true;
}

async function ask() {
  const input = field();
  const mine = ++asked;
  const at = characters(input.value.slice(0, input.selectionStart));
  const response = await fetch(`${input.dataset.suggest}?${new URLSearchParams({ q: input.value, at })}`).catch(() => null);
  if (mine !== asked) return;
  if (!response?.ok || response.redirected) return void close();
  const html = await response.text();
  if (mine !== asked || document.activeElement !== input) return;
  list().innerHTML = html;
  list().hidden = options().length === 0;
  input.setAttribute("aria-expanded", String(!list().hidden));
  input.removeAttribute("aria-activedescendant");
}

function askSoon() {
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT_MS);
}

function move(step) {
  const all = options();
  const here = all.indexOf(chosen());
  const next = all.at(here === -1 ? (step > 0 ? 0 : -1) : (here + step) % all.length);
  chosen()?.setAttribute("aria-selected", "false");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", next.id);
}

// A field leads on to its values; after a value comes the next field.
function accept({ dataset }) {
  const input = field();
  const all = [...input.value];
  const rest = all.slice(dataset.end).join("");
  const leadsOn = /[:.]$/.test(dataset.text);
  const before = all.slice(0, dataset.start).join("") + dataset.text + (leadsOn || rest.startsWith(" ") ? "" : " ");
  input.value = before + rest;
  input.setSelectionRange(before.length, before.length);
  close();
  if (leadsOn) ask();
}

function handle(event) {
  const open = !list().hidden;
  switch (event.key) {
    case "ArrowDown":
    case "ArrowUp":
      if (open) move(event.key === "ArrowDown" ? 1 : -1);
      else ask();
      return true;
    case "Enter":
    case "Tab":
      if (!open || !chosen()) return void close();
      accept(chosen());
      return true;
    case "Escape": // which browsers would take for clearing the field
      if (!close()) field().blur();
      return true;
  }
}

document.addEventListener("focusin", ({ target }) => {
  if (target.id !== "q") return void close();
  target.setAttribute("role", "combobox");
  target.setAttribute("aria-autocomplete", "list");
  target.setAttribute("aria-controls", "suggestions");
  target.setAttribute("aria-expanded", "false");
});
document.addEventListener("input", ({ target }) => target.id === "q" && askSoon());
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "q" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (handle(event)) event.preventDefault();
});
// the focus stays in the field
document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest("#suggestions > li");
  if (!option) return void (event.target.id === "q" || close());
  event.preventDefault();
  accept(option);
});
