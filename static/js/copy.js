// Copy buttons: <button data-copy="text"> copies the text, <button data-copy-from="#id"> the text of the first visible
// match of the selector, and <button data-copy-url="/path"> the response of that URL.

import { announce } from "./announce.js";

// Browsers offer the clipboard API only to secure origins. Installations in a LAN often use plain HTTP.
export async function writeToClipboard(text) {
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

async function getText({ dataset }) {
  if (dataset.copy !== undefined) return dataset.copy;
  if (dataset.copyUrl !== undefined) {
    const response = await fetch(dataset.copyUrl);
    if (!response.ok) throw new DOMException("not loaded", "NetworkError");
    return response.text();
  }
  const visible = [...document.querySelectorAll(dataset.copyFrom)].find((element) => element.checkVisibility());
  return visible?.textContent ?? "";
}

async function copy(button) {
  const label = (button.getAttribute("aria-label") ?? button.textContent).trim().replace(/^Copy /, "");
  try {
    await writeToClipboard(await getText(button));
    announce(`Copied ${label}`);
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1_500);
  } catch {
    announce(`The browser blocked copying ${label}`);
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy], [data-copy-from], [data-copy-url]");
  if (button) copy(button);
});
