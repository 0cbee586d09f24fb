// Choices of the reader that stay in this browser.
// <input data-preference="theme" value="dark" type="radio|checkbox">: checked means `value`; an unchecked
// checkbox means `data-unchecked`, or the default, which is "".

const FOLLOWED_BY_CSS = ["theme", "times"];

export function preference(name) {
  try {
    return localStorage.getItem(`runglass.${name}`) ?? "";
  } catch {
    return document.documentElement.dataset[name] ?? "";
  }
}

function remember(name, value) {
  const { dataset } = document.documentElement;
  if (FOLLOWED_BY_CSS.includes(name)) {
    if (value) dataset[name] = value;
    else delete dataset[name];
  }
  try {
    if (value) localStorage.setItem(`runglass.${name}`, value);
    else localStorage.removeItem(`runglass.${name}`);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  document.dispatchEvent(new CustomEvent("preference", { detail: { name, value } }));
}

function showChoices() {
  for (const input of document.querySelectorAll("[data-preference]")) {
    input.checked = preference(input.dataset.preference) === input.value;
  }
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches?.("[data-preference]")) return;
  remember(target.dataset.preference, target.checked ? target.value : (target.dataset.unchecked ?? ""));
});
document.addEventListener("htmx:historyRestore", showChoices);
document.addEventListener("htmx:afterSettle", showChoices);
addEventListener("storage", ({ key, newValue }) => {
  if (!key?.startsWith("runglass.")) return;
  remember(key.slice("runglass.".length), newValue ?? "");
  showChoices();
});
addEventListener("pageshow", showChoices); // also after the back button, when browsers restore old inputs
showChoices();
