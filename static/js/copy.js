// <button data-copy="text"> copies that text; <button data-copy-from="#id"> the text of the first visible match;
// <button data-copy-url="/path"> what the server answers there.

import { announce } from "./announce.js";

// Browsers offer the clipboard to secure origins only, and many an installation is plain http in a LAN.
export async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  const focused = document.activeElement;
  area.value = text;
  area.className = "vh";
  area.setAttribute("aria-hidden", "true");
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  if (!copied) throw new DOMException("not copied", "NotAllowedError");
}

async function textFor({ dataset }) {
  if (dataset.copy !== undefined) return dataset.copy;
  if (dataset.copyUrl !== undefined) {
    const response = await fetch(dataset.copyUrl);
    if (!response.ok) throw new DOMException("not loaded", "NetworkError");
    return response.text();
  }
  const shown = [...document.querySelectorAll(dataset.copyFrom)].find((element) => element.checkVisibility());
  return shown?.textContent ?? "";
}

async function copy(button) {
  const what = (button.getAttribute("aria-label") ?? button.textContent).trim().replace(/^Copy /, "");
  try {
    await write(await textFor(button));
    announce(`Copied ${what}`);
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1_500);
  } catch {
    announce(`The browser did not allow copying ${what}`);
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy], [data-copy-from], [data-copy-url]");
  if (button) copy(button);
});
