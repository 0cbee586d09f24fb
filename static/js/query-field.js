// The query field: a combobox whose options the server renders, tokens that Backspace takes back into the field, and
// the syntax in a dialog. The recent searches of each reader and project are stored in the browser.

import { readRecent, recordRecent } from "./recent-searches.js";

const DEBOUNCE_MS = 80;
let timer = 0;
let lastRequest = 0; // the response to any earlier request is ignored
let listedLength = 0; // of the query that the options complete

const queryForm = () => document.getElementById("q-form");
const queryInput = () => document.getElementById("q");
const listbox = () => document.getElementById("suggestions");
const tokens = () => [...queryForm().querySelectorAll(".tok")];
const options = () => [...listbox().children];
const selectedOption = () => listbox().querySelector("[aria-selected=true]");
const countCharacters = (text) => [...text].length; // the server counts characters, JavaScript UTF-16 units
const toOffset = (text, position) => [...text].slice(0, position).join("").length;

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

function buildRecentOption(text, index) {
  const option = document.createElement("li");
  const [code, note] = [document.createElement("code"), document.createElement("small")];
  [code.textContent, note.textContent] = [text, "Recent search"];
  Object.assign(option, { id: `recent-${index}`, role: "option", ariaSelected: "false" });
  option.dataset.query = text;
  option.append(code, " ", note);
  return option;
}

function buildRecentOptions() {
  const { query, reader } = queryForm().dataset;
  if (queryInput().value) return [];
  return readRecent(reader)
    .filter((text) => text !== query)
    .map(buildRecentOption);
}

async function fetchOptions() {
  const input = queryInput();
  const request = ++lastRequest;
  const length = countCharacters(input.value);
  const params = new URLSearchParams({ q: input.value, at: countCharacters(input.value.slice(0, input.selectionStart)) });
  for (const scope of [queryForm().dataset.scope, ...tokens().map(({ dataset }) => dataset.text)]) params.append("scope", scope);
  const response = await fetch(`${input.dataset.suggest}?${params}`).catch(() => null);
  if (request !== lastRequest) return;
  if (!response?.ok || response.redirected) return void closeList();
  const html = await response.text();
  if (request !== lastRequest || document.activeElement !== input) return;
  listedLength = length;
  listbox().innerHTML = html;
  listbox().prepend(...buildRecentOptions());
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
function acceptCompletion({ dataset }) {
  const input = queryInput();
  const all = [...input.value];
  // what was typed since then belongs to the term that the option replaces
  const end = Math.max(Number(dataset.end) + all.length - listedLength, Number(dataset.start));
  const rest = all.slice(end).join("");
  const continues = /[:.]$/.test(dataset.text);
  const before = all.slice(0, dataset.start).join("") + dataset.text + (continues || rest.startsWith(" ") ? "" : " ");
  input.value = before + rest;
  input.setSelectionRange(before.length, before.length);
  forgetMistake();
  closeList();
  if (continues) fetchOptions();
}

function acceptOption(option) {
  if (!option.dataset.query) return acceptCompletion(option);
  tokens().forEach(removeToken);
  queryInput().value = option.dataset.query;
  closeList();
  queryForm().requestSubmit();
}

function removeToken(token) {
  const { param, value } = token.dataset;
  for (const control of queryForm().elements) {
    if (control.type === "checkbox" && control.name === param && control.value === value) control.checked = false;
  }
  token.remove();
}

// The text of the token is selected, so that a second Backspace deletes it.
function editToken(token) {
  const input = queryInput();
  const { text } = token.dataset;
  removeToken(token);
  input.value = input.value.trim() ? `${text} ${input.value}` : text;
  input.focus();
  input.setSelectionRange(0, text.length);
}

function editLastToken() {
  const { selectionStart, selectionEnd } = queryInput();
  const last = tokens().at(-1);
  if (selectionStart !== 0 || selectionEnd !== 0 || !last) return false;
  closeList();
  editToken(last);
  return true;
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
    case "Backspace":
      return editLastToken();
    case "Escape": // otherwise browsers would clear the input
      if (!closeList()) queryInput().blur();
      return true;
  }
}

// The marks lie behind the text of the input, and are wrong once it changes.
function forgetMistake() {
  queryInput().removeAttribute("aria-invalid");
  queryForm().querySelector(".query-marks")?.remove();
}

function showMistake() {
  const input = queryInput();
  const marks = queryForm()?.querySelector(".query-marks");
  if (!marks) return;
  input.focus();
  input.setSelectionRange(toOffset(input.value, input.dataset.start), toOffset(input.value, input.dataset.end));
  input.addEventListener("scroll", () => (marks.scrollLeft = input.scrollLeft));
}

function refresh() {
  if (!queryForm()) return;
  recordRecent(queryForm().dataset.reader, queryForm().dataset.query);
  showMistake();
}

async function showSyntax(url) {
  const dialog = document.getElementById("query-help");
  const content = document.getElementById("query-help-content");
  if (!content.childElementCount) await htmx.ajax("GET", url, { target: content, swap: "innerHTML" });
  dialog.showModal();
}

function insertExample(text) {
  document.getElementById("query-help").close();
  queryInput().value = text;
  forgetMistake();
  queryInput().focus();
}

document.addEventListener("focusin", ({ target }) => {
  if (target.id !== "q") return void closeList();
  target.setAttribute("role", "combobox");
  target.setAttribute("aria-autocomplete", "list");
  target.setAttribute("aria-controls", "suggestions");
  target.setAttribute("aria-expanded", "false");
});
document.addEventListener("input", ({ target }) => {
  if (target.id !== "q") return;
  forgetMistake();
  scheduleFetch();
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "q" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (handleKey(event)) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const { target } = event;
  const help = target.closest("[data-query-help]");
  const example = target.closest("#query-help [data-example]");
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (help || example) event.preventDefault();
  if (help) showSyntax(help.href);
  else if (example) insertExample(example.dataset.example);
  else if (target.closest("#q-form .tok > span")) editToken(target.closest(".tok"));
  else if (target.id === "q" && !target.value && listbox().hidden) fetchOptions();
});
// keep the focus in the input
document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest("#suggestions > li");
  if (!option) return void (event.target.id === "q" || closeList());
  event.preventDefault();
  acceptOption(option);
});
document.addEventListener("htmx:afterSettle", ({ target }) => target.closest?.("#q-form, #results") && refresh());
refresh();
