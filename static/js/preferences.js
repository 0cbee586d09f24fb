// Preferences that are stored in the browser.
// <input data-preference="theme" value="dark" type="radio|checkbox"> sets the preference to `value` if it is checked.
// An unchecked checkbox sets it to `data-unchecked`, or to the default, "".

const USED_BY_CSS = ["theme", "times"];

export function preference(name) {
  try {
    return localStorage.getItem(`runglass.${name}`) ?? "";
  } catch {
    return document.documentElement.dataset[name] ?? "";
  }
}

function setPreference(name, value) {
  const { dataset } = document.documentElement;
  if (USED_BY_CSS.includes(name)) {
    if (value) dataset[name] = value;
    else delete dataset[name];
  }
  try {
    if (value) localStorage.setItem(`runglass.${name}`, value);
    else localStorage.removeItem(`runglass.${name}`);
  } catch {
    // Storage may be blocked. The preference then lasts as long as the page.
  }
  document.dispatchEvent(new CustomEvent("preference", { detail: { name, value } }));
}

function updateInputs() {
  for (const input of document.querySelectorAll("[data-preference]")) {
    input.checked = preference(input.dataset.preference) === input.value;
  }
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("[data-preference]")) return;
  setPreference(target.dataset.preference, target.checked ? target.value : (target.dataset.unchecked ?? ""));
});
document.addEventListener("htmx:historyRestore", updateInputs);
document.addEventListener("htmx:afterSettle", updateInputs);
addEventListener("storage", ({ key, newValue }) => {
  if (!key?.startsWith("runglass.")) return;
  setPreference(key.slice("runglass.".length), newValue ?? "");
  updateInputs();
});
addEventListener("pageshow", updateInputs); // browsers restore old inputs when the user goes back
updateInputs();
